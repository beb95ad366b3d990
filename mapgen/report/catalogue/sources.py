"""E57x: what can be wrong with a record that is put together: joins, groups of rows."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion
from mapgen.report.source import Span, Text


def member_taken(name: Text, schema: Text) -> Diagnostic:
    """E570: a join or a list of rows is called as a member that the record has."""
    return Diagnostic(
        "E570",
        f"the record has a member `{name.value}` already",
        label=Label(name.span()),
        related=(Label(schema.span(), "described here"),),
        help="choose another name",
    )


def unknown_key_member(member: Text, owner: str, known: Iterable[str]) -> Diagnostic:
    """E571: a key names a member that no record has; `owner` says what should have it."""
    names = tuple(known)
    shown = ", ".join(f"`{name}`" for name in names[:8]) + ", …" * (len(names) > 8)
    return Diagnostic(
        "E571",
        f"{owner} has no member `{member.value}`",
        label=Label(member.span()),
        help=suggestion(member.value, names) or f"its members are {shown}",
    )


def unfit_key_member(member: Text, why: str, wanted: str) -> Diagnostic:
    """E572: a key names a member that no key can be made of."""
    return Diagnostic(
        "E572",
        f"`{member.value}` can be no part of a key: {why}",
        label=Label(member.span()),
        help=f"a key is made of {wanted} that every record has (`required`, not null)",
    )


def key_types_differ(member: Text, kind: str, of: Text, other: str) -> Diagnostic:
    """E573: the two members of a join's key are of two types."""
    return Diagnostic(
        "E573",
        f"`{member.value}` is {kind}, `{of.value}` {other}: they never equal each other",
        label=Label(of.span(), other),
        related=(Label(member.span(), kind),),
        help="correct the schema that is wrong, or choose other members",
    )


def no_key(span: Span) -> Diagnostic:
    """E574: a join without a key."""
    return Diagnostic(
        "E574",
        "the join has no key",
        label=Label(span),
        help="say by which members the records belong together, like `on: {order_id: id}`",
    )
