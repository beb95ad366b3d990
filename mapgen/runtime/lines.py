"""Outcomes in, lines of JSON out: documents to send, and records that gave none."""

from __future__ import annotations

import msgspec

from mapgen.runtime.outcome import Document, FaultReport, Origin, Rejected, Skipped


class _DocumentLine(msgspec.Struct):
    source: Origin
    entity: str
    document: msgspec.Raw


class _RejectedLine(msgspec.Struct):
    source: Origin
    outcome: str
    faults: tuple[FaultReport, ...]


class _SkippedLine(msgspec.Struct):
    source: Origin
    outcome: str
    reason: str


def document_line(document: Document) -> bytes:
    """Return `{"source", "entity", "document"}` and a line break."""
    line = _DocumentLine(document.origin, document.entity, msgspec.Raw(document.body))
    return msgspec.json.encode(line) + b"\n"


def reject_line(outcome: Rejected | Skipped) -> bytes:
    """Return `{"source", "outcome", "faults" or "reason"}` and a line break."""
    line: _RejectedLine | _SkippedLine
    match outcome:
        case Rejected(origin, faults):
            line = _RejectedLine(origin, "rejected", faults)
        case Skipped(origin, reason):
            line = _SkippedLine(origin, "skipped", reason)
    return msgspec.json.encode(line) + b"\n"
