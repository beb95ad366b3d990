"""What becomes of a record: a document, a rejection with all its errors, or a reasoned skip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

# What the document of a flow that makes one of a record is called.
ONLY = "document"

# Identities that the ERP takes for one: of two records, or of a record and what the tenant has.
IDENTITY_ALIKE = "R227"


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a record came from: file, its 1-based number in it, its line, and its own key.

    It comes `again` from the ledger where an earlier run let it wait.
    """

    file: str
    record: int
    line: int
    key: str | None = None
    again: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """The record: its file, and its number in it."""
        return self.file, self.record

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}"
            if self.key is None
            else f"{self.file}:{self.line} ({self.key})"
        )


class ErrorReport(msgspec.Struct, frozen=True):
    """One error of one record, as it is written to the rejects.

    `target` is the field of the document (`Details[2].InventoryID`), `source_path` what the rule
    reads (`order.line_items[2].sku`), `value` the offending value as text (masked when personal),
    `spec` the rule's `file:line:column`; `retry` says that the same record may pass later, once
    something it depends on is there.
    """

    code: str
    message: str
    target: str | None = None
    source_path: str | None = None
    value: str | None = None
    spec: str | None = None
    retry: bool = False


class Document(msgspec.Struct, frozen=True):
    """A document ready to send. `body` is its JSON in the ERP's representation.

    `document` is what the flow calls it. `needs` are the documents of the same record that have to
    be in the ERP first, each by its name and its identity. `warnings` are those of the record, with
    the first of its documents; `data` is the record itself, there too, where it is delivered.
    `lost` is why it is sent although the ledger knows it as sent: it is not there any more, or not
    as it was sent. `steps` is what the record says of the steps after it, as JSON, `branch` the
    branch of the ERP that it belongs to, where records say which.
    """

    origin: Origin
    entity: str
    identity: str
    body: bytes
    document: str = ONLY
    needs: tuple[tuple[str, str], ...] = ()
    warnings: tuple[ErrorReport, ...] = ()
    data: bytes | None = None
    lost: Literal["missing", "different"] | None = None
    steps: bytes | None = None
    branch: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by within its flow: its name and its identity."""
        return self.document, self.identity


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that gave no document, with every error it has.

    `data` is the record itself, where it is delivered: it may pass later.
    """

    origin: Origin
    errors: tuple[ErrorReport, ...]
    data: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def is_deferred(self) -> bool:
        """Whether each error may go away by itself, so that the record waits instead."""
        return all(error.retry for error in self.errors)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that the spec leaves out, and why."""

    origin: Origin
    reason: str


Outcome = Document | Rejected | Skipped


def holding(outcomes: tuple[Outcome, ...], data: bytes) -> tuple[Outcome, ...]:
    """Return the outcomes of one record with the record itself, so that it can be mapped again."""
    first, *others = outcomes
    match first:
        case Document():
            return (msgspec.structs.replace(first, data=data), *others)
        case Rejected():
            return (replace(first, data=data), *others)
        case Skipped():
            return outcomes
