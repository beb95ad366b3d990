"""Outcomes in, lines of JSON out: documents to send, and records that gave none."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType

from mapgen.runtime.outcome import ONLY, Document, ErrorReport, Origin, Rejected, Skipped


class _DocumentLine(msgspec.Struct, kw_only=True):
    source: Origin
    name: str | UnsetType = UNSET
    entity: str
    document: msgspec.Raw
    warnings: tuple[ErrorReport, ...] | UnsetType = UNSET


class _RejectedLine(msgspec.Struct):
    source: Origin
    outcome: str
    faults: tuple[ErrorReport, ...]  # what readers of the file know it by


class _SkippedLine(msgspec.Struct):
    source: Origin
    outcome: str
    reason: str


def document_line(
    document: Document, written: Callable[[bytes], msgspec.Raw] = msgspec.Raw
) -> bytes:
    """Return `{"source", "entity", "document"}` and a line break; of one of several, its `name`.

    The `warnings` of a record are with the first of its documents.

    Args:
        document: the document.
        written: gives the JSON that stands for it, as its target has it.
    """
    line = _DocumentLine(
        source=document.origin,
        name=UNSET if document.document == ONLY else document.document,
        entity=document.entity,
        document=written(document.body),
        warnings=document.warnings or UNSET,
    )
    return msgspec.json.encode(line) + b"\n"


def reject_line(outcome: Rejected | Skipped) -> bytes:
    """Return `{"source", "outcome", "errors" or "reason"}` and a line break."""
    line: _RejectedLine | _SkippedLine
    match outcome:
        case Rejected(origin, faults):
            line = _RejectedLine(origin, "rejected", faults)
        case Skipped(origin, reason):
            line = _SkippedLine(origin, "skipped", reason)
    return shown_json(msgspec.json.encode(line)) + b"\n"


def shown_json(line: bytes) -> bytes:
    """Return the same JSON with what a terminal would obey, or not show, escaped.

    Invariant: JSON has line breaks between its values alone, so that those stay.
    """
    text = line.decode("utf-8")
    if text.isprintable():
        return line
    return "".join(
        one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text
    ).encode()
