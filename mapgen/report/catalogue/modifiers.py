"""E47x: what can be wrong with operations, and with what a rule says of its value beyond it."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.source import Span, Text


def row_key_missing(rows: Text, operation: Text, candidates: Iterable[str]) -> Diagnostic:
    """E470: rows of a document that is sent again, and nothing to recognise them by."""
    names = tuple(candidates)
    key = f"`row_key: [{names[0]}]`" if names else "`row_key:` and a field that is always set"
    once = "; or `write_once: true`, where the rows never change"
    return Diagnostic(
        "E470",
        f"an {operation.value} of the rows `{rows.value}` has to recognise those that are there",
        label=Label(rows.span()),
        related=(Label(operation.span(), "the operation"),),
        notes=("the ERP appends each row that comes without the id of one that it has",),
        help=f"add {key}" + (once if operation.value == "upsert" else ""),
    )


def uncertain_row_key(name: Text, rule: Span) -> Diagnostic:
    """E471: a row key in a field that some rows do not have."""
    return Diagnostic(
        "E471",
        f"a row is recognised by `{name.value}`, which may be left out",
        label=Label(name.span()),
        related=(Label(rule, "may give no value"),),
        help="say what then: `if_missing: reject`; or recognise the rows by another field",
    )


def write_once_idle(mark: Text, operation: Text) -> Diagnostic:
    """E472: a field for new documents only, in a flow that does but one of the two."""
    is_update = operation.value == "update"
    why = "a `create` writes a document once anyway"
    if is_update:
        why = "an `update` makes no new document: the field would never be sent"
    return Diagnostic(
        "E472",
        f"`write_once` is for `operation: upsert`; {why}",
        label=Label(mark.span()),
        related=(Label(operation.span(), "the operation"),),
        help=(
            "write `operation: upsert`, or remove the rule" if is_update else "remove `write_once:`"
        ),
    )


def write_once_unfit(mark: Text, why: str, help: str) -> Diagnostic:
    """E473: a field that cannot be left out of an update."""
    return Diagnostic("E473", f"`write_once` {why}", label=Label(mark.span()), help=help)


def nothing_to_clear(mark: Text, operation: Text) -> Diagnostic:
    """E474: a field to be emptied in a document that is new."""
    return Diagnostic(
        "E474",
        "a new document has nothing to be emptied",
        label=Label(mark.span()),
        related=(Label(operation.span(), "the operation"),),
        help="remove `clear_if_missing:`; a missing value gives no field",
    )


def cannot_be_emptied(mark: Text, field: str, why: str, help: str) -> Diagnostic:
    """E475: a field that always has a value."""
    return Diagnostic(
        "E475", f"`{field}` cannot be emptied: {why}", label=Label(mark.span()), help=help
    )


def idle_on_error(handler: Text, why: str, value: Span | None) -> Diagnostic:
    """E476: a way with failures that changes nothing."""
    return Diagnostic(
        "E476",
        why,
        label=Label(handler.span(), "so this never happens" if value else ""),
        related=(Label(value, "cannot fail"),) if value else (),
        help="remove `on_error:`",
    )


def undo_of_an_update(action: Text, operation: Text, entity: str) -> Diagnostic:
    """E477: an action that takes a document back, for documents that were there before."""
    return Diagnostic(
        "E477",
        f"`{action.value}` takes back a whole `{entity}`, also one that was there before",
        label=Label(action.span()),
        related=(Label(operation.span(), "changes documents that are there"),),
        help="say what a wrong update comes to: `rollback: {irreversible: …}`",
    )


def empty_range(text: Text, kind: str) -> Diagnostic:
    """E478: bounds that no number keeps to."""
    return Diagnostic(
        "E478",
        f"no {kind} is `{text.value}`",
        label=Label(text.span()),
        help="a range is one stretch: `> 0 and <= 1000`",
    )


def constant_out_of_range(value: Span, shown: str, bounds: Text) -> Diagnostic:
    """E479: a constant that its own rule refuses."""
    return Diagnostic(
        "E479",
        f"`{shown}` is not `{bounds.value}`: every record would be rejected",
        label=Label(value),
        related=(Label(bounds.span(), "the range"),),
        help="change one of the two",
    )
