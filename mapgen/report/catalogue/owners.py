"""E60x: what can be wrong between the flows of a workspace that write the same documents."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion
from mapgen.report.source import Text


def made_by_two(
    second: Text, first: Text, entity: str, makers: tuple[str, str], environment: str | None
) -> Diagnostic:
    """E601: two flows that may make one document; `makers` are the second and the first."""
    where = "" if environment is None else f" in the environment `{environment}`"
    one, other = makers
    return Diagnostic(
        "E601",
        f"`{one}` and `{other}` may make the same `{entity}`: nothing tells their identities"
        f" apart{where}",
        label=Label(second.span(), f"of `{one}`"),
        related=(Label(first.span(), f"of `{other}`"),),
        help=f"tell them apart, like by `+ '-{one}'`; or let one make it: `owner: {other}` here, or"
        " `operation: update`",
    )


def unknown_owner(owner: Text, makers: Iterable[str]) -> Diagnostic:
    """E602: an `owner` that no flow of the workspace makes."""
    names = tuple(makers)
    listed = " or ".join(f"`{name}`" for name in names)
    return Diagnostic(
        "E602",
        f"no flow makes documents called `{owner.value}`",
        label=Label(owner.span()),
        help=suggestion(owner.value, names)
        or (f"those who make it are {listed}" if names else "remove `owner`: nobody else makes it"),
    )


def unfit_owner(owner: Text, why: str, help_line: str) -> Diagnostic:
    """E603: an `owner` that does not make the documents that this flow leaves to it."""
    return Diagnostic(
        "E603",
        f"`{owner.value}` cannot be the owner: {why}",
        label=Label(owner.span()),
        help=help_line,
    )


def idle_owner(owner: Text, operation: Text) -> Diagnostic:
    """E604: an `owner` where the flow makes nothing, or changes what others make."""
    makes = operation.value == "upsert"
    why = "is to make what is absent" if makes else "makes no documents in the ERP"
    return Diagnostic(
        "E604",
        f"`owner` goes with `operation: create`: this {why}",
        label=Label(owner.span()),
        related=(Label(operation.span(), "the operation"),),
        help="write `operation: update`, which leaves it to others" if makes else "remove `owner`",
    )


def unseen_flow(path: str) -> Diagnostic:
    """E605: a flow beside those that are checked of which nobody knows what it makes."""
    return Diagnostic(
        "E605",
        f"whether `{path}` makes the same documents is not known: it has errors of its own",
        severity="warning",
        help=f"run `mapgen check {path}`",
    )


def updated_by_two(
    second: Text, first: Text, entity: str, writers: tuple[str, str], fields: tuple[str, ...]
) -> Diagnostic:
    """E606: fields of the same documents that two flows update."""
    one, other = writers
    shown = ", ".join(f"`{name}`" for name in fields[:_MOST_SHOWN])
    more = f" and {len(fields) - _MOST_SHOWN} more" if len(fields) > _MOST_SHOWN else ""
    return Diagnostic(
        "E606",
        f"`{one}` and `{other}` update the same fields of a `{entity}`: {shown}{more}",
        severity="warning",
        label=Label(second.span(), f"of `{one}`"),
        related=(Label(first.span(), f"of `{other}`"),),
        notes=("whichever changed last stays, and the other flow does not notice",),
        help="leave the field to one of them, or say with `because` why both write it",
    )


_MOST_SHOWN = 5
