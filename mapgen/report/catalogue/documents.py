"""E48x: what can be wrong between the documents that one record becomes."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion
from mapgen.report.source import Span, Text


def two_forms(key: Text, documents: Text, found: Iterable[str]) -> Diagnostic:
    """E480: the keys of a single document beside `documents`."""
    names = ", ".join(f"`{name}`" for name in found)
    return Diagnostic(
        "E480",
        f"`{key.value}` is for a flow with one document, and `documents` says that it has several",
        label=Label(key.span()),
        related=(Label(documents.span(), "several documents"),),
        help=f"move {names} into one of the documents",
    )


def unknown_document(name: Text, known: Iterable[str]) -> Diagnostic:
    """E481: `after` or `made` names a document that the flow does not make."""
    names = tuple(known)
    listed = ", ".join(f"`{found}`" for found in names) or "none"
    return Diagnostic(
        "E481",
        f"no other document is called `{name.value}`",
        label=Label(name.span()),
        help=suggestion(name.value, names) or f"the others are {listed}",
    )


def waiting_in_a_circle(name: Text, circle: Iterable[str]) -> Diagnostic:
    """E482: documents that wait for each other."""
    shown = " after ".join(f"`{found}`" for found in circle)
    return Diagnostic(
        "E482",
        f"no document of these can be the first: {shown}",
        label=Label(name.span()),
        help="remove one `after:`",
    )


def same_for_all_rows(span: Span, alias: Text) -> Diagnostic:
    """E483: documents of many rows that would all have one identity."""
    return Diagnostic(
        "E483",
        "the identity is the same for all rows, so that only one document could be delivered",
        label=Label(span),
        related=(Label(alias.span(), "a document for each of these"),),
        help=f"build it from a field of `{alias.value}`, too",
    )


def same_identity(second: Text, first: Text, entity: str) -> Diagnostic:
    """E484: two documents of one entity that no look-up could tell apart."""
    return Diagnostic(
        "E484",
        f"two documents of `{entity}` have the same identity",
        label=Label(second.span(), "second"),
        related=(Label(first.span(), "first"),),
        help="add what tells them apart, like `+ '-billing'`",
    )


def other_contract(second: Text, first: Text) -> Diagnostic:
    """E485: documents of one flow for two endpoints."""
    return Diagnostic(
        "E485",
        f"the documents of a flow have one contract; this is `{second.value}`, the first is"
        f" `{first.value}`",
        label=Label(second.span(), "second"),
        related=(Label(first.span(), "first"),),
        help="pin one contract with the entities of both, or make two flows",
    )


def not_after(name: Text, document: Text) -> Diagnostic:
    """E486: the key of a document that may not be in the ERP yet."""
    return Diagnostic(
        "E486",
        f"`{document.value}` does not wait for `{name.value}`, whose key it takes",
        label=Label(name.span()),
        related=(Label(document.span(), "the document"),),
        help=f"add `after: [{name.value}]` to `{document.value}`",
    )


def which_of_many(name: Text, rows: Span) -> Diagnostic:
    """E487: the key of a document of which there are many."""
    return Diagnostic(
        "E487",
        f"there is one `{name.value}` for each row, and `made` takes the key of one",
        label=Label(name.span()),
        related=(Label(rows, "many are made here"),),
        help="build the value from the same source fields, or make the other without `each:`",
    )


def not_a_key(field: Text, entity: str, keys: Iterable[str]) -> Diagnostic:
    """E488: a field that the ERP gives no document."""
    names = tuple(keys)
    listed = ", ".join(f"`{name}`" for name in names) or "none"
    return Diagnostic(
        "E488",
        f"`{field.value}` is no key of `{entity}`",
        label=Label(field.span()),
        help=suggestion(field.value, names) or f"its keys are {listed}",
    )
