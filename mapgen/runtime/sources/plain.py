"""The bytes of an input file in, its text as UTF-8 out, a piece at a time.

What all formats share: gzip and the encoding. What cannot be read at all says so, with the next
step.
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Callable
from typing import BinaryIO, cast

from mapgen.agreed.encodings import SIZE_OF_HEAD, codec_of, is_of, is_utf8, marked
from mapgen.agreed.plan import Form
from mapgen.runtime.sources.records import CHUNK, NO_TEXT

_GZIP = b"\x1f\x8b\x08"
_ZIP = b"PK\x03\x04"
_WBITS_OF_GZIP = 31
# Beyond so much, what has grown by so many times is no file of records, but made to fill a machine.
MOST_UNPACKED = 1 << 30
MOST_TIMES = 500
_AS_UTF8 = "leave `encoding:` of the source out, which is UTF-8 then"


class UnfitBytes(Exception):
    """A file whose bytes are not what its source says; `advice` is the next step."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


class _Pieces(io.BufferedReader):
    """A stream that gives what it has, and does not wait for as much as is asked for.

    So what came before a failure is read before it.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """Return some bytes, none at the end."""
        return super().read() if size is None or size < 0 else self.read1(size)


def plain(stream: BinaryIO, form: Form) -> BinaryIO:
    """Return the text of a file as UTF-8, whatever it is written in; unpacked, where it is gzip.

    What is no text stays as it is.

    Raises UnfitBytes where its first bytes tell that it is not what the form says.
    """
    head, stream = _begun(stream)
    if head.startswith(_GZIP):
        head, stream = _begun(_Pieces(_Unpacked(stream), CHUNK))
    if not form.is_text:
        return stream
    if head.startswith(_ZIP):
        raise UnfitBytes("it begins like a workbook of Excel", "is it `format: xlsx`?")
    codec = codec_of(form.encoding)
    assert codec is not None
    found = marked(head)
    if found is not None and not is_of(codec, found[0]):
        raise _contradiction(form, *found)
    if codec == "utf-8":
        return stream
    name, mark = found or (codec, 0)
    if name in ("utf-16", "utf-32"):  # nothing tells the order of its bytes: no sign is ASCII
        if head.isascii() and head:
            raise UnfitBytes(f"it is not in `{form.encoding}`", f"is it UTF-8? {_AS_UTF8}")
        name += "-le"
    if mark:
        stream.read(mark)
    return _Pieces(_Recoded(stream, name, form.encoding), CHUNK)


def _begun(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a stream, and the stream from its first byte on."""
    peek: Callable[[int], bytes] | None = getattr(stream, "peek", None)
    head = b"" if peek is None else peek(SIZE_OF_HEAD)[:SIZE_OF_HEAD]
    if len(head) == SIZE_OF_HEAD:
        return head, stream
    head = b""
    while len(head) < SIZE_OF_HEAD and (more := stream.read(SIZE_OF_HEAD - len(head))):
        head += more
    return head, _Pieces(Read(_reading(stream), head), CHUNK)


def _contradiction(form: Form, found: str, mark: int) -> UnfitBytes:
    shown = found.replace("-le", "le").replace("-be", "be")
    label = shown[:6] if mark and shown != "utf-8" else shown
    told = (
        f"it begins with the byte order mark of {label.upper()}"
        if mark
        else (f"its zero bytes look like {shown.upper()}")
    )
    advice = _AS_UTF8 if label == "utf-8" else f"write `encoding: {label}` in the source"
    return UnfitBytes(f"{told}, and its source says `encoding: {form.encoding}`", advice)


class Read(io.RawIOBase):
    """A stream of what a function gives that reads about so many bytes, `head` before all."""

    def __init__(self, read: Callable[[int], bytes], head: bytes = b"") -> None:
        self._some = read
        self._head = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Put some bytes into a buffer; return how many."""
        view = memoryview(cast(bytearray, buffer))
        if not self._head:
            self._head = self._some(len(view))
        chunk, self._head = self._head[: len(view)], self._head[len(view) :]
        view[: len(chunk)] = chunk
        return len(chunk)


def _reading(stream: BinaryIO) -> Callable[[int], bytes]:
    """Return what reads some bytes of a stream, and does not wait for more."""
    found: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    return found


class _Unpacked(Read):
    """A stream of gzip, unpacked. What is behind its end is more of it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(self._unpacked)
        self._raw = _reading(stream)
        self._member = zlib.decompressobj(_WBITS_OF_GZIP)
        self._packed = b""
        self._taken = self._given = 0

    def _unpacked(self, size: int) -> bytes:
        """Return some of what is packed, none at the end."""
        while True:
            if not self._packed:
                self._packed = self._raw(CHUNK)
                self._taken += len(self._packed)
            if self._member.eof:  # zeros may fill up a block
                self._packed = self._packed.lstrip(b"\0")
                if not self._packed and not (more := self._raw(CHUNK)):
                    return b""
                self._packed = self._packed or more
                self._member = zlib.decompressobj(_WBITS_OF_GZIP)
            elif not self._packed:
                reason = "its gzip ends too early; what is whole before that has been read"
                raise UnfitBytes(reason, "fetch the file again")
            if piece := self._piece(size):
                return piece

    def _piece(self, size: int) -> bytes:
        before = self._member.copy()
        try:
            piece = self._member.decompress(self._packed, size)
        except zlib.error:
            if size > 1:  # what is whole is in smaller pieces
                self._member = before
                return self._piece(size // 2)
            reason = "its gzip is damaged; what is whole before that has been read"
            raise UnfitBytes(reason, "fetch the file again") from None
        self._packed = self._member.unconsumed_tail or self._member.unused_data
        self._given += len(piece)
        if self._given > max(MOST_UNPACKED, MOST_TIMES * self._taken):
            reason = f"unpacked it is more than {MOST_TIMES} times as long"
            raise UnfitBytes(reason, "unpack it, and look what it is")
        return piece


class _Recoded(Read):
    """A stream in another encoding as UTF-8; what is no text in it becomes NO_TEXT."""

    def __init__(self, stream: BinaryIO, codec: str, label: str) -> None:
        super().__init__(self._recoded)
        self._raw = _reading(stream)
        self._codec = codec
        self._label = label
        self._decoder = codecs.getincrementaldecoder(codec)(_NO_TEXT)
        self._is_ascii = True

    def _recoded(self, size: int) -> bytes:
        """Return some text as UTF-8, none at the end."""
        while True:
            chunk = self._raw(size)
            if self._is_ascii and not chunk.isascii():
                self._is_ascii = False
                if is_utf8(self._codec, chunk):
                    reason = f"its text is UTF-8, and its source says `encoding: {self._label}`"
                    raise UnfitBytes(reason, _AS_UTF8)
            text = self._decoder.decode(chunk, not chunk)
            if text or not chunk:
                return text.encode("utf-8", "surrogateescape")


def _marked(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return NO_TEXT.decode("utf-8", "surrogateescape"), error.end


_NO_TEXT = "mapgen.no_text"
codecs.register_error(_NO_TEXT, _marked)
