"""Files that are attached to documents: what the ledger keeps of one until it is attached.

The bytes of a large one that are in the record are not kept a second time: where in the record
they are is, and what they have to be.
"""

from __future__ import annotations

import hashlib
from binascii import a2b_base64
from collections.abc import Mapping, Sequence

import msgspec

from mapgen.agreed.plan import Attached, Step
from mapgen.runtime.folding import folded

_PLACED = b'"place":{'
_WORTH_A_PLACE = 4096
"""Letters of base64 from which on the place in the record is kept, and not the text."""


class Place(msgspec.Struct, frozen=True):
    """Where in a record the text of a file is: its first byte, and the one behind its last."""

    first: int
    behind: int
    sha256: str


class File(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file to be attached: its name, and its bytes as base64, their place, or the file's path."""

    file: str
    content: str | None = None
    place: Place | None = None
    path: str | None = None


class RecordChanged(Exception):
    """The record is not the one that the file was in."""


class _Said(msgspec.Struct, frozen=True):
    value: str


class _AnySaid(msgspec.Struct, frozen=True):
    value: object


def attachment(
    attached: Attached, said: Mapping[str, msgspec.Raw], data: bytes
) -> dict[str, object] | None:
    """Return what the ledger keeps of a file; None where the record has none.

    Args:
        attached: where its bytes are.
        said: what the record says of it: `file`, `content` or `path`, each in a `value`.
        data: the record.
    """
    found = said.get("content" if attached.is_in_record else "path")
    if found is None:
        return None
    name, value = _word(said["file"]), _word(found)
    if attached.has_path:
        return {"file": name, "path": value}
    place = _place(value.encode(), data)
    return {"file": name, "content": value} if place is None else {"file": name, "place": place}


def first_alike(steps: Sequence[Step], steps_said: bytes | None) -> Step | None:
    """Return the first step whose file has the name of one before it: the ERP has only one of them.

    Args:
        steps: those of a document.
        steps_said: what the record says of them.
    """
    attaching = [step for step in steps if step.attached is not None]
    if len(attaching) < 2 or steps_said is None:
        return None
    said = msgspec.json.decode(steps_said, type=dict[str, _AnySaid])
    seen = set[str]()
    for step in attaching:
        when = said.get(step.key_of("when"))
        content = said.get(step.key_of("content")) or said.get(step.key_of("path"))
        if content is None or (when is not None and not when.value):
            continue
        name = folded(str(said[step.key_of("file")].value))
        if name in seen:
            return step
        seen.add(name)
    return None


def file_of(body: bytes) -> File:
    """Return the file of a body."""
    return msgspec.json.decode(body, type=File)


def is_of_record(body: bytes) -> bool:
    """Whether a body of a step has a file whose bytes are in the record."""
    return _PLACED in body and file_of(body).place is not None


def with_content(body: bytes, data: bytes | None) -> bytes:
    """Return a body with the content of its file, which is in the record.

    Raises RecordChanged where the record is gone, or has something else there.
    """
    file = file_of(body)
    if file.place is None:
        return body
    text = b"" if data is None else data[file.place.first : file.place.behind]
    if hashlib.sha256(text).hexdigest() != file.place.sha256:
        raise RecordChanged
    return msgspec.json.encode(File(file.file, content=text.decode()))


def content_of(file: File) -> bytes:
    """Return the bytes of a file that are in its body, which are base64."""
    return a2b_base64(file.content or "")


def _word(raw: msgspec.Raw) -> str:
    return msgspec.json.decode(raw, type=_Said).value


def _place(text: bytes, data: bytes) -> Place | None:
    first = data.find(b'"%b"' % text) + 1 if len(text) >= _WORTH_A_PLACE else 0
    if not first:
        return None
    return Place(first, first + len(text), hashlib.sha256(text).hexdigest())
