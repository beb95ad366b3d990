"""Facts refine a Contract: each is checked against what it is said of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.document import gather
from mapgen.contract.metadata import with_keys
from mapgen.contract.model import Contract, Entity, Field
from mapgen.contract.overlay import NONE, OF_ENTITIES, Fact, Kind, Overlay
from mapgen.report import Diagnostic, Label, Span, Stopped, Text, noting
from mapgen.report.catalogue import contract as words

# What a fact of a kind says of its field.
_FLAGS: Mapping[str, Mapping[str, Any]] = {
    "required": {"is_required": True},
    "optional": {"is_required": False},
    "calculated": {"is_calculated": True},
    "read_only": {"is_read_only": True},
    "writable": {"is_calculated": False, "is_read_only": False},
    "days": {"value_type": "date"},
    "moments": {"value_type": "datetime"},
}
# Some facts rest on others, wherever they are written.
_FIRST: tuple[Kind, ...] = ("writable", "optional", "keys", "identities", "auto_numbered")


class Applied(Struct, frozen=True):
    """The refined contract, and how many facts it took."""

    contract: Contract
    taken: int


def apply(contract: Contract, overlay: Overlay, kept: frozenset[str]) -> Applied:
    """Return the contract with the overlay's facts; those about entities in `kept` are counted.

    Raises Stopped with all errors at once: E408 for names that the contract does not have, E409
    for facts that cannot be true of what they are said of.
    """
    if overlay.contract.value not in (contract.name, contract.endpoint.lower()):
        reason = f"it is written for `{overlay.contract.value}`, not for `{contract.name}`"
        raise _contradiction(reason, overlay.contract.span())
    diagnostics: list[Diagnostic] = list(_said_twice(overlay.facts))
    facts = tuple(fact for fact in overlay.facts if holds_for(fact, contract.version))
    entities = dict(contract.entities)
    for fact in in_order(facts):
        with noting(diagnostics):
            entities[fact.entity.value] = refine(contract, entities, fact)
    diagnostics.extend(diagnostic for fact in facts for diagnostic in _misnumbered(fact, entities))
    if diagnostics:
        raise Stopped(sorted(diagnostics, key=_place))
    taken = sum(fact.entity.value in kept for fact in facts)
    return Applied(replace(contract, entities=entities), taken)


def refine(contract: Contract, entities: Mapping[str, Entity], fact: Fact) -> Entity:
    """Return the entity of a fact with it. Raises Stopped (E408, E409).

    Args:
        contract: the contract, for messages.
        entities: its entities, as refined so far.
        fact: the fact.
    """
    if fact.entity.value not in entities:
        what, at = f"the contract `{contract.name}`", fact.entity.span()
        raise _unknown(what, fact.entity.value, entities, at)
    entity = entities[fact.entity.value]
    match fact.kind:
        case "like":
            return entity
        case "auto_numbered":
            return _numbered(entity, is_auto=fact.word is not None and fact.word.value == "true")
        case "keys" | "identities":
            return _identified(entity, fact)
        case "companions":
            assert fact.word is not None
            one = _accompanied(entity, fact, fact.word, entities)
        case _:
            one = _limited(entity, fact, _field(entity, fact.text.value, fact.text.span()))
    return replace(entity, fields={**entity.fields, one.name: one})


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Return facts in an order in which they can be taken; what holds from later on comes last."""

    def rank(fact: Fact) -> tuple[int, tuple[int, ...]]:
        place = _FIRST.index(fact.kind) if fact.kind in _FIRST else len(_FIRST)
        return place, as_numbers(fact.since)

    return sorted(facts, key=rank)


def holds_for(fact: Fact, version: str) -> bool:
    """Whether a fact is one about a version of the endpoint."""
    return as_numbers(fact.since) <= as_numbers(version)


def as_numbers(version: str) -> tuple[int, ...]:
    """Return a version as what versions are compared by."""
    return tuple(int(digits) for digits in re.findall(r"[0-9]+", version))


def _misnumbered(fact: Fact, entities: Mapping[str, Entity]) -> Iterator[Diagnostic]:
    """Yield why a fact cannot be true of an entity as the ERP numbers it."""
    entity = entities.get(fact.entity.value)
    if entity is None or not entity.is_auto_numbered:
        return
    if fact.kind == "auto_numbered" and not entity.keys:
        reason = f"no key of `{entity.name}` is known that could be numbered"
        yield words.contradiction_in_overlay(Label(fact.text.span()), reason=reason)
    for name in fact.names if fact.kind == "identities" else ():
        if name.value == entity.number:
            reason = (
                f"the ERP numbers `{entity.name}.{name.value}`, so it identifies nothing that is"
                " sent; where your tenant does not, state `auto_numbered: false`"
            )
            yield words.contradiction_in_overlay(Label(name.span()), reason=reason)


def _place(diagnostic: Diagnostic) -> int:
    return diagnostic.label.span.start if diagnostic.label is not None else 0


def _unknown(what: str, name: str, known: Mapping[str, object], at: Span) -> Stopped:
    return Stopped(words.unknown_in_overlay(Label(at), what=what, it=name, known=known))


def _contradiction(reason: str, at: Span) -> Stopped:
    return Stopped(words.contradiction_in_overlay(Label(at), reason=reason))


def _field(entity: Entity, name: str, at: Span) -> Field:
    if name not in entity.fields:
        raise _unknown(f"the entity `{entity.name}`", name, entity.fields, at)
    return entity.fields[name]


def _numbered(entity: Entity, *, is_auto: bool) -> Entity:
    """Return an entity whose last key the ERP gives, or whose single key the sender gives.

    A key that the sender gives is searched for as well as an external ID. Of several keys, the last
    alone does not tell documents apart.
    """
    number = entity.keys[-1:]
    others = tuple(name for name in entity.identities if name not in number)
    if is_auto:
        return replace(entity, is_auto_numbered=True, identities=others)
    is_whole = len(entity.keys) == 1 and entity.is_top_level
    identities = (*others, *number) if is_whole else entity.identities
    return replace(entity, is_auto_numbered=False, identities=identities)


def _identified(entity: Entity, fact: Fact) -> Entity:
    fields = gather(partial(_field, entity, name.value, name.span()) for name in fact.names)
    for one, name in zip(fields, fact.names, strict=True):
        if one.shape != "value":
            reason = f"`{entity.name}.{one.name}` is {_shape(one)}, so it identifies nothing"
            raise _contradiction(reason, name.span())
    names = tuple(one.name for one in fields)
    if len(set(names)) < len(names):
        raise _contradiction(f"duplicate name in the {fact.kind}", fact.text.span())
    return with_keys(entity, names) if fact.kind == "keys" else replace(entity, identities=names)


def _limited(entity: Entity, fact: Fact, one: Field) -> Field:
    """Return a field with what a flag or a number says of it."""
    what, at = f"`{entity.name}.{one.name}`", fact.text.span()
    if fact.number is not None:
        fitting = ("string",) if fact.kind == "lengths" else ("decimal", "double")
        if one.value_type not in fitting:
            raise _contradiction(f"{what} is {_shape(one)}, which has no {fact.kind}", at)
        if fact.kind == "places":
            return replace(one, places=fact.number.whole)
        if fact.number.whole == 0:
            raise _contradiction("a length of 0 leaves no room for a text", fact.number.span)
        return replace(one, max_length=fact.number.whole)
    if fact.kind in ("days", "moments") and one.value_type not in ("date", "datetime"):
        raise _contradiction(f"{what} is {_shape(one)}, neither a day nor a moment", at)
    said = replace(one, **_FLAGS[fact.kind])
    if said.is_required and (said.is_calculated or said.is_read_only):
        raise _contradiction(f"{what} is required, but nothing sent to it is kept", at)
    return said


def _accompanied(entity: Entity, fact: Fact, flag: Text, entities: Mapping[str, Entity]) -> Field:
    """Return a field that has no effect, as a whole or in a part, without a flag, or has it."""
    outer, dot, inner = fact.text.value.partition(".")
    at = fact.text.span(0, len(outer))
    one = _field(entity, outer, at)
    if dot and one.entity is None:
        raise _contradiction(f"`{entity.name}.{one.name}` has no parts", at)
    part = None
    if one.entity is not None and dot:
        part = _field(entities[one.entity], inner, fact.text.span(len(outer) + 1)).name
    companion = None if flag.value == NONE else _flag(entity, flag)
    if part is None:
        return replace(one, companion=companion)
    others = tuple(pair for pair in one.part_companions if pair[0] != part)
    own = () if companion is None else ((part, companion),)
    return replace(one, part_companions=(*others, *own))


def _flag(entity: Entity, flag: Text) -> str:
    companion = _field(entity, flag.value, flag.span())
    if companion.value_type != "boolean":
        what = f"the companion `{entity.name}.{companion.name}`"
        raise _contradiction(f"{what} is {_shape(companion)}, not a flag", flag.span())
    return companion.name


def _shape(one: Field) -> str:
    if one.value_type is not None:
        return f"of type {one.value_type}"
    return f"linked to `{one.entity}`" if one.shape == "linked" else f"a list of `{one.entity}`"


def _said_twice(facts: tuple[Fact, ...]) -> Iterator[Diagnostic]:
    """Return an error for each fact stated in two places: only one of the two would be reviewed."""
    first: dict[tuple[str, str, str], Text] = {}
    for fact in facts:
        kind = "days or moments" if fact.kind in ("days", "moments") else fact.kind
        text = fact.entity if fact.kind in OF_ENTITIES else fact.text
        is_of_entity = fact.kind in OF_ENTITIES
        what = fact.entity.value if is_of_entity else f"{fact.entity.value}.{text.value}"
        if (what, kind, fact.since) in first:
            yield words.contradiction_in_overlay(
                Label(text.span()),
                reason=f"`{what}` has its `{kind}` stated twice",
                first=first[what, kind, fact.since].span(),
            )
        first.setdefault((what, kind, fact.since), text)
