"""The documents of a flow in, every rule of them with what undoes it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mapgen.invert.expressions import Scope, most_places, undone
from mapgen.invert.model import (
    Finding,
    KeyOf,
    Lost,
    Nothing,
    Number,
    Option,
    Rule,
    Undone,
    Whole,
)
from mapgen.ir import flow as ir


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands in the document.

    `within`: the source path that the part is there with, None for one that is always there.
    `lost`: why nothing in it can be undone.
    """

    document: str
    rows: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()
    within: str | None = None
    lost: str | None = None


def rules_of(flow: ir.Flow) -> Iterator[Rule]:
    """Yield every rule of every document, with what becomes of it."""
    lets = {let.name: let.value for let in flow.lets}
    scope = Scope({flow.source_name: flow.source_name}, lets)
    for document in flow.documents:
        yield from _of_part(document.part, scope, _Place(document.name, lost=_apart(document)))


def _apart(document: ir.Document) -> str | None:
    if document.rows is not None:
        return "the rows of the list become documents of their own"
    if document.when is not None:
        return f"the document is only made when {document.when.words} holds"
    return None


def _of_part(part: ir.Part, scope: Scope, place: _Place) -> Iterator[Rule]:
    for member in part.members:
        match member:
            case ir.Field():
                yield _rule(member, scope, place, (member.name,))
            case ir.ObjectPart():
                inner, inside = _of_object(member, scope, place)
                yield from _of_part(member.part, inner, inside)
            case ir.RowsPart():
                inner, inside = _of_rows(member, scope, place)
                yield from _of_part(member.part, inner, inside)
            case ir.BlocksPart(blocks=blocks):
                lost = "which of the blocks a row comes from is not kept"
                for block in blocks:
                    yield from _of_part(block.part, scope, replace(place, lost=lost))
    for custom in part.custom:
        yield replace(
            _rule(custom.field, scope, place, (custom.name,)),
            view=custom.view,
        )
    if part.note is not None:
        yield _rule(part.note, scope, place, ("note",))


def _of_object(member: ir.ObjectPart, scope: Scope, place: _Place) -> tuple[Scope, _Place]:
    """A linked entity is there when its source object is: what is said in it comes back."""
    inside = replace(place, names=(*place.names, member.name))
    if member.source is None or member.alias is None:
        return scope, inside
    found = undone(member.source, scope)
    if not isinstance(found, Undone) or found.steps:
        return scope, replace(inside, lost=place.lost or "its part is not one source object")
    within = found.path if member.may_be_missing else place.within
    return scope.with_path(member.alias, found.path), replace(inside, within=within)


def _of_rows(member: ir.RowsPart, scope: Scope, place: _Place) -> tuple[Scope, _Place]:
    """One row for each row of a source list, in its order: each row gives back its own."""
    inside = replace(place, rows=(*place.rows, (*place.names, member.name)), names=())
    found = undone(member.source, scope)
    lost = place.lost
    if member.where is not None:
        lost = lost or "rows that `where` passes over are lost"
    if not isinstance(found, Undone) or found.steps or "?)" in member.source.type:
        return scope, replace(inside, lost=lost or "its rows are not those of one source list")
    if member.part.may_be_empty:
        lost = lost or "a row in which nothing is said is left out"
    path = f"{found.path}[]"
    return scope.with_path(member.alias, path), replace(inside, within=path, lost=lost)


def _rule(field: ir.Field, scope: Scope, place: _Place, names: tuple[str, ...]) -> Rule:
    finding = _finding(field, scope)
    if isinstance(finding, Undone):
        finding = _in_place(finding, place)
    return Rule(place.document, field, place.rows, (*place.names, *names), None, finding)


def _in_place(finding: Undone, place: _Place) -> Finding:
    if place.lost is not None:
        return Lost(place.lost)
    within = place.within
    if within is None or finding.path == within or finding.path.startswith(f"{within}."):
        return finding
    return Lost(f"it is only said where there is `{within}`")


def _finding(field: ir.Field, scope: Scope) -> Finding:
    found = _of_value(field.value, scope)
    if not isinstance(found, Undone):
        return found
    why = _lost_by_modifiers(field, scope)
    if why is not None:
        return Lost(why)
    if field.is_list:
        is_copy = not found.steps and field.kind != "select"
        return found if is_copy else Lost("the elements of its list are worked out")
    match field.kind:
        case "decimal_text":
            return replace(found, steps=(Number(), *found.steps))
        case "select":
            return replace(found, steps=(Option(), *found.steps))
        case _:
            return found


def _of_value(value: ir.Value, scope: Scope) -> Finding:
    match value:
        case ir.Constant():
            return Nothing()
        case ir.Made():
            return Lost("the ERP gives this key")
        case ir.Lookup():
            return _of_lookup(value, scope)
        case ir.Formula(expression=expression):
            return undone(expression, scope)


def _of_lookup(lookup: ir.Lookup, scope: Scope) -> Finding:
    """A table that has each value once, and rejects what it has not, can be read backwards."""
    if lookup.entries is None:
        return Lost(f"the table `{lookup.table}` is not in the spec: two keys may have one value")
    if len(lookup.keys) > 1:
        return Lost("which of several keys was found is not kept")
    values = [value for _, value in lookup.entries]
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        keys = [f"`{key}`" for key, value in lookup.entries if value == twice]
        return Lost(f"{' and '.join(keys)} of `{lookup.table}` have one value: `{twice}`")
    if lookup.on_miss not in ("reject", "retry"):
        return Lost(f"a key that `{lookup.table}` has not is not kept")
    (part,) = lookup.keys[0].parts
    found = undone(part.expression, scope)
    if not isinstance(found, Undone):
        return found
    digits = (Whole(),) if part.is_number else ()
    return replace(found, steps=(KeyOf(lookup.entries), *digits, *found.steps))


def _lost_by_modifiers(field: ir.Field, scope: Scope) -> str | None:
    """Return what a rule does to its value that cannot be taken back."""
    limits = field.limits
    if field.on_missing == "replace":
        return "a missing value becomes one that a record may say itself"
    if field.on_error != "reject":
        return "a value that cannot be worked out is not kept"
    if field.omit_if is not None:
        return "what `omit_if` leaves out is lost"
    if limits.truncates:
        return "the end of a long text is cut off"
    if limits.rounding is not None and not _has_places(field, scope):
        return "the digits that are rounded off are lost"
    if field.kind == "date" and _reads_an_instant(field.value):
        return "of an instant only the day is kept"
    return None


def _has_places(field: ir.Field, scope: Scope) -> bool:
    """Whether the value never has more places than it is rounded to: cents, divided by 100."""
    if not isinstance(field.value, ir.Formula) or field.limits.places is None:
        return False
    most = most_places(field.value.expression, scope)
    return most is not None and most <= field.limits.places


def _reads_an_instant(value: ir.Value) -> bool:
    return isinstance(value, ir.Formula) and value.expression.type.startswith("timestamp")
