"""Files in any encoding become UTF-8; what is in another one than is said is recognised."""

from __future__ import annotations

import codecs
import gzip
import io
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.encodings import codec_of, guess
from mapgen.agreed.plan import Form
from mapgen.runtime.errors import RuleError
from mapgen.runtime.sources.csv import read_rows
from mapgen.runtime.sources.plain import UnfitBytes, plain
from mapgen.runtime.sources.records import RawRecord, decode

TEXT = "id,name\n1,Müller\n2,Ørsted €\n"
ENCODINGS = (
    "utf-8", "UTF8", "utf-8-sig", "utf-16", "UTF-16LE", "utf-16be", "utf-32", "windows-1252",
    "cp1252", "ISO-8859-15", "cp858", "utf_16",
)  # fmt: skip


class Dripping(io.BytesIO):
    """A stream that gives a byte at a time, and cannot be looked into."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)

    read1 = read


def text_of(data: bytes, encoding: str) -> str:
    return plain(io.BytesIO(data), Form("csv", encoding=encoding)).read().decode().lstrip("\ufeff")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(encoding: str) -> None:
    """What is written in an encoding is read in it."""
    data = TEXT.encode(encoding)

    assert text_of(data, encoding) == TEXT
    assert plain(Dripping(data), Form("csv", encoding=encoding)).read().decode()[-9:] == TEXT[-9:]


@pytest.mark.parametrize(
    ("written", "said"),
    [("utf-16-le", "utf-16"), ("utf-16-be", "utf-16"), ("utf-32-be", "utf-32")],
)
def test_without_a_mark(written: str, said: str) -> None:
    """The order of bytes shows in the zeros where no mark tells it."""
    assert text_of(TEXT.encode(written), said) == TEXT


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_any_text(text: str) -> None:
    """Any text comes back, whatever its first signs are."""
    data = codecs.BOM_UTF16_LE + text.encode("utf-16-le")

    assert plain(io.BytesIO(data), Form("csv", encoding="utf-16")).read().decode() == text


@pytest.mark.parametrize(
    ("data", "said", "reason", "advice"),
    [
        pytest.param(TEXT.encode("utf-16"), "utf-8", "mark of UTF-16", "`encoding: utf-16`",
                     id="UTF-16"),
        pytest.param(TEXT.encode("utf-16-be"), "utf-8", "like UTF-16BE", "`encoding: utf-16be`",
                     id="UTF-16 without a mark"),
        pytest.param(b'{"a": 1}'.decode().encode("utf-16-le"), "windows-1252", "like UTF-16LE",
                     "`encoding: utf-16le`", id="JSON of Windows"),
        pytest.param(TEXT.encode("utf-8-sig"), "windows-1252", "mark of UTF-8", "leave `encoding:",
                     id="UTF-8 with a mark"),
        pytest.param(TEXT.encode("utf-16-be"), "utf-16le", "like UTF-16BE", "utf-16be",
                     id="the other order"),
        pytest.param(TEXT.encode(), "utf-16", "not in `utf-16`", "UTF-8", id="no UTF-16"),
        pytest.param(TEXT.encode(), "windows-1252", "its text is UTF-8", "leave `encoding:",
                     id="UTF-8 that would be misread"),
    ],
)  # fmt: skip
def test_another_encoding(data: bytes, said: str, reason: str, advice: str) -> None:
    """A file in another encoding is refused before its first record, and the right one named."""
    with pytest.raises(UnfitBytes) as caught:
        plain(io.BytesIO(data), Form("csv", encoding=said)).read()

    assert reason in str(caught.value)
    assert advice in caught.value.advice


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("M\xfcller".encode("cp1252"), "windows-1252"),
        ("Größe 5 €".encode("cp1252"), "windows-1252"),
        ("it’s “so”".encode("cp1252"), "windows-1252"),
        ("Müller, Köln".encode("cp850"), "cp850"),
        ("Привет".encode("cp1251"), None),
        ("住所".encode("shift-jis"), None),
        (b"\x00\xff\x81\x8d", None),
    ],
)
def test_guess(data: bytes, found: str | None) -> None:
    """Words with a few letters beyond ASCII are recognised, others are not guessed."""
    assert guess(data) == found


@pytest.mark.parametrize(
    "label", ["utf-7", "idna", "rot13", "hex", "zlib", "nonsense", "a.b", "oem"]
)
def test_no_encoding(label: str) -> None:
    """What is no encoding of files of text is none."""
    assert codec_of(label) is None


def broken(data: bytes, encoding: str) -> list[tuple[int, str | None]]:
    stream = plain(io.BytesIO(data), Form("csv", encoding=encoding))
    return [(row.line, row.broken) for row in read_rows(stream, ",", ())]


def test_a_row_alone() -> None:
    """A row that is no text in its encoding is rejected alone, with its line."""
    assert broken(b"a,b\n1,M\xfcller\n2,x\n", "utf-8") == [
        (2, "the row is not UTF-8 and looks like Windows-1252: `encoding: windows-1252`"),
        (3, None),
    ]
    assert broken(b"a,b\n1,M\x81ller\n2,\xfc\n", "windows-1252") == [
        (2, "the row is no text in the encoding of its source"),
        (3, None),
    ]
    lone = "a,b\n1,".encode("utf-16-le") + b"\x00\xd8" + "x\n2,y\n".encode("utf-16-le")
    assert [line for line, why in broken(lone, "utf-16") if why] == [2]


def test_a_record_of_json() -> None:
    """A record that looks like Windows-1252 says so."""
    with pytest.raises(RuleError, match="looks like Windows-1252: `encoding: windows-1252`"):
        decode(RawRecord(1, 1, b'{"a": "M\xfcller"}'))
    with pytest.raises(RuleError, match="no text in the encoding of its source"):
        decode(RawRecord(1, 1, b'{"a": "M\xfe\xfeller"}'))


def test_memory_is_flat() -> None:
    """What is held does not grow with the file."""

    class Long(io.RawIOBase):
        def __init__(self, size: int) -> None:
            self._left = size

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            view = memoryview(buffer)  # type: ignore[arg-type]
            size = min(len(view) // 256 * 256, self._left)
            view[:size] = (b"a\0" * 127 + b"\n\0") * (size // 256)
            self._left -= size
            return size

    peaks = []
    for size in (1 << 20, 1 << 23):
        tracemalloc.start()
        stream = plain(io.BufferedReader(Long(size)), Form("csv", encoding="utf-16"))
        read = sum(1 for _ in read_rows(stream, ",", ()))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert read == size // 256 - 1

    assert peaks[1] < 1.5 * peaks[0]


def test_json_is_told() -> None:
    """Records of JSON in UTF-16 are read where the source says so."""
    data = '{"a": "ü"}\n{"a": 2}\n'.encode("utf-16")

    lines = plain(io.BytesIO(data), Form(encoding="utf-16")).read().splitlines()

    assert [json.loads(line)["a"] for line in lines] == ["ü", 2]


ZIPPED = gzip.compress(TEXT.encode() * 1000)


def lines_before(data: bytes) -> tuple[int, str]:
    """Return how many whole lines come out of a file, and why no more do."""
    count = 0
    try:
        stream = plain(io.BytesIO(data), Form("csv"))
        while stream.readline():
            count += 1
    except UnfitBytes as error:
        return count, str(error)
    return count, ""


def test_gzip() -> None:
    """What is packed is unpacked, several members of it, too, in any encoding."""
    assert lines_before(ZIPPED) == (3000, "")
    assert lines_before(ZIPPED * 2 + b"\0" * 512) == (6000, "")
    packed = gzip.compress(TEXT.encode("utf-16"))
    assert text_of(packed, "utf-16") == TEXT
    assert plain(Dripping(packed), Form("csv", encoding="utf-16")).read().decode() == TEXT


@given(st.integers(0, len(ZIPPED) - 1))
def test_truncated_gzip(length: int) -> None:
    """What is whole before the end is read, and then the end is reported."""
    count, why = lines_before(ZIPPED[:length])

    assert count <= 3000
    assert "ends too early" in why or length < 3


def test_damaged_gzip() -> None:
    """Damage is told where it is met; the last line of what its sum contradicts is not given."""
    assert "damaged" in lines_before(ZIPPED[:-8] + b"12345678")[1]
    assert lines_before(ZIPPED[:-8] + b"12345678")[0] == 2999


def test_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows without measure is refused."""
    monkeypatch.setattr("mapgen.runtime.sources.plain.MOST_UNPACKED", 1 << 20)

    assert "more than 500 times" in lines_before(gzip.compress(b"\n" * (1 << 23)))[1]


def test_a_workbook_is_told() -> None:
    """A workbook is no text."""
    with pytest.raises(UnfitBytes, match="workbook"):
        plain(io.BytesIO(b"PK\x03\x04..."), Form("csv"))
