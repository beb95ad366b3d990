"""Encodings of text: which a spec may name, and which one bytes look like."""

from __future__ import annotations

import codecs
import re
import string

# No encodings of files of text: escapes, names of hosts, whatever the machine has.
_UNFIT = (
    *("idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined"),
    *("unicode-escape", "utf-7"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How the first signs of a header or of JSON lie there: `.` is a byte that is not zero.
_ZEROS = (
    (re.compile(rb"[^\0]\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0\0\0[^\0]", re.DOTALL), "utf-32-be"),
    (re.compile(rb"[^\0]\0[^\0]\0", re.DOTALL), "utf-16-le"),
    (re.compile(rb"\0[^\0]\0[^\0]", re.DOTALL), "utf-16-be"),
)
# Those of a sign a byte in which `Ã¼` can be written, and no text has it: it is UTF-8 read wrongly.
_OF_ONE_BYTE = re.compile(
    r"cp125[0247]|iso8859-(?:1|2|9|15|16)|cp(?:437|850|858)|mac-roman|latin.*"
)
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_NO_ASCII = bytes(range(0x80, 0x100))
_LETTERS = string.ascii_letters.encode()
_FEW = 2
_NAMES = {"windows-1252": "Windows-1252", "cp850": "that of DOS"}
SIZE_OF_HEAD = 4


def codec_of(label: str) -> str | None:
    """Return what Python calls the encoding of a label, None for what is none of text."""
    try:
        " ".encode(label)
        name = codecs.lookup(label).name.replace("_", "-")
    except (LookupError, UnicodeError, ValueError):
        return None
    if name in _UNFIT or "codec" in name:
        return None
    return "utf-8" if name == "utf-8-sig" else name


def marked(head: bytes) -> tuple[str, int] | None:
    """Return the encoding of a file whose first bytes tell it, and how long its mark is."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    return next(((name, 0) for zeros, name in _ZEROS if zeros.match(head)), None)


def is_of(codec: str, found: str) -> bool:
    """Whether a file may be said to be in an encoding that its first bytes tell."""
    return codec == found or (codec in ("utf-16", "utf-32") and found.startswith(codec))


def guess(data: bytes) -> str | None:
    """Return the encoding that bytes which are no UTF-8 look like: a word with a few signs of it.

    Names and addresses of most of Europe and America are such; of others nothing is guessed.
    """
    letters, beyond = (_count(data, signs) for signs in (_LETTERS, _NO_ASCII))
    for label in ("windows-1252", "cp850") if max(beyond, _FEW) <= letters else ():
        if all(_is_in_words(data, found, label) for found in _BEYOND_ASCII.finditer(data)):
            return label
    return None


def _count(data: bytes, signs: bytes) -> int:
    return len(data) - len(data.translate(None, signs))


def _is_in_words(data: bytes, found: re.Match[bytes], label: str) -> bool:
    """Whether bytes beyond ASCII are letters where letters are beside them, and few."""
    try:
        text = found.group().decode(label)
    except UnicodeDecodeError:
        return False
    beside = data[max(0, found.start() - 1) : found.start()], data[found.end() : found.end() + 1]
    is_inside = all(one.isalpha() for one in beside) and text != "’"
    return len(text) <= _FEW and text.isprintable() and (text.isalpha() or not is_inside)


def looks_like(data: bytes) -> str:
    """Return what to say of bytes that are no UTF-8, behind that they are not: nothing, mostly."""
    label = guess(data)
    return "" if label is None else f" and looks like {_NAMES[label]}: `encoding: {label}`"


def is_utf8(codec: str, data: bytes) -> bool:
    """Whether the signs beyond ASCII in a piece of a file of another encoding are all UTF-8."""
    if _OF_ONE_BYTE.fullmatch(codec) is None:
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        return not decoder.decode(data).isascii()
    except UnicodeDecodeError:
        return False
