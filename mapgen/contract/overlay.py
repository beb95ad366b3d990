"""The overlay: reviewed YAML facts that OpenAPI cannot state come in, and refine a Contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.document import gather
from mapgen.contract.metadata import with_keys
from mapgen.contract.model import Contract, Entity, Field
from mapgen.report import Diagnostic, Label, Source, Span, Stopped, Text
from mapgen.report.catalogue import contract as words
from mapgen.spec.construct import Construct, here, itself, named, optional, required
from mapgen.spec.nodes import ScalarNode
from mapgen.spec.reader import read
from mapgen.spec.shapes import As, ListOf, MapOf, Whole, Words, keyed

Kind = Literal[
    "keys", "identities", "auto_numbered", "required", "calculated", "read_only", "days", "moments",
    "companions", "lengths", "places",
]  # fmt: skip

_NAME = Words("a name", r"(?s).*\S.*", "OrderNbr")
_NAMES = ListOf(_NAME, least=1)
_NUMBERS = MapOf(keyed(Whole()), "fields", least=1)
_MARK = As(Words("mark", choices=("true",)), lambda _, at: at.key)

# What a fact of a kind says of its field.
_FLAGS: Mapping[str, Mapping[str, Any]] = {
    "required": {"is_required": True},
    "calculated": {"is_calculated": True},
    "read_only": {"is_read_only": True},
    "days": {"value_type": "date"},
    "moments": {"value_type": "datetime"},
}


class Group(Construct, what="a group of facts"):
    """Facts about an entity with one source."""

    source: Text = required(_NAME, "where the facts are documented or were observed")
    keys: tuple[Text, ...] = optional(_NAMES, "key fields in the order of the key URL")
    identities: tuple[Text, ...] = optional(_NAMES, "fields that may carry an identity")
    auto_numbered: Text | None = optional(_MARK, "the key that is sent is replaced")
    required: tuple[Text, ...] = optional(_NAMES, "a create needs them")
    calculated: tuple[Text, ...] = optional(_NAMES, "the ERP computes them")
    read_only: tuple[Text, ...] = optional(_NAMES, "the ERP or its workflow sets them")
    days: tuple[Text, ...] = optional(_NAMES, "they hold a calendar day")
    moments: tuple[Text, ...] = optional(_NAMES, "they hold an instant")
    companions: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(_NAME), "fields", least=1), "field, or `Field.Part`: the flag sent with it"
    )
    lengths: tuple[tuple[Text, ScalarNode], ...] = optional(_NUMBERS, "in UTF-16 units")
    places: tuple[tuple[Text, ScalarNode], ...] = optional(_NUMBERS, "most decimal places")
    span: Span = here()


class Facts(Construct):
    """All that is stated of an entity."""

    entity: Text = named()
    groups: tuple[Group, ...] = itself(ListOf(Group))


class Written(Construct, what="an overlay"):
    """An overlay as its file has it."""

    overlay: Text = required(Words("format of an overlay", choices=("1",)), "the format: 1")
    contract: Text = required(_NAME, "the contract that the facts are about")
    entities: tuple[Facts, ...] = required(MapOf(Facts, "entities"), "groups of facts by entity")


class Fact(Struct, frozen=True):
    """What is stated of an entity, of its fields `names`, with a number or a companion."""

    kind: Kind
    entity: Text
    names: tuple[Text, ...]
    number: ScalarNode | None = None
    companion: Text | None = None

    @property
    def text(self) -> Text:
        """The place of the fact."""
        return self.names[-1] if self.names else self.entity


class Overlay(Struct, frozen=True):
    """The contract an overlay is about, and its facts in the order they are written."""

    contract: Text
    facts: tuple[Fact, ...]


class Applied(Struct, frozen=True):
    """The refined contract, how many facts it took, and where a fact overruled what was known."""

    contract: Contract
    taken: int
    overruled: tuple[str, ...]


def read_overlay(source: Source) -> Overlay:
    """Return the facts of an overlay.

    Raises Stopped for what is not YAML or not shaped as an overlay, and with E407 for a group
    without a fact.
    """
    written = read(source, Written)
    groups = [(one.entity, group) for one in written.entities for group in one.groups]
    facts = gather(partial(_facts, entity, group) for entity, group in groups)
    return Overlay(written.contract, tuple(fact for group in facts for fact in group))


def _facts(entity: Text, group: Group) -> list[Fact]:
    """Return the facts of a group in the order of the file: several kinds may share a source."""
    found = [
        *([Fact("keys", entity, group.keys)] if group.keys else ()),
        *([Fact("identities", entity, group.identities)] if group.identities else ()),
        *([Fact("auto_numbered", entity, ())] if group.auto_numbered is not None else ()),
        *(Fact("required", entity, (name,)) for name in group.required),
        *(Fact("calculated", entity, (name,)) for name in group.calculated),
        *(Fact("read_only", entity, (name,)) for name in group.read_only),
        *(Fact("days", entity, (name,)) for name in group.days),
        *(Fact("moments", entity, (name,)) for name in group.moments),
        *(Fact("lengths", entity, (name,), number) for name, number in group.lengths),
        *(Fact("places", entity, (name,), number) for name, number in group.places),
        *(Fact("companions", entity, (name,), None, flag) for name, flag in group.companions),
    ]
    if not found:
        raise Stopped(words.group_without_facts(Label(group.span), entity=entity.value))
    return sorted(found, key=lambda fact: fact.text.span().start)


def apply(contract: Contract, overlay: Overlay, kept: frozenset[str]) -> Applied:
    """Return the contract with the overlay's facts; those about entities in `kept` are counted.

    Raises Stopped with all faults at once: E408 for names that the contract does not have, E409
    for facts that cannot be true of what they are said of.
    """
    if overlay.contract.value != contract.name:
        reason = f"it is written for `{overlay.contract.value}`, not for `{contract.name}`"
        raise _contradiction(reason, overlay.contract.span())
    entities = dict(contract.entities)
    faults: list[Diagnostic] = list(_said_twice(overlay.facts))
    overruled: list[str] = []
    for fact in overlay.facts:
        try:
            if fact.entity.value not in contract.entities:
                what, known = f"the contract `{contract.name}`", contract.entities
                raise _unknown(what, fact.entity.value, known, fact.entity.span())
            entity = contract.entities[fact.entity.value]
            entities[entity.name] = _refine(entities[entity.name], fact, entities)
            if entity.name in kept:
                overruled.extend(_overruled(entity, fact))
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
    if faults:
        raise Stopped(faults)
    taken = sum(fact.entity.value in kept for fact in overlay.facts)
    return Applied(replace(contract, entities=entities), taken, tuple(sorted(overruled)))


def keyed_entities(overlay: Overlay) -> frozenset[str]:
    """Return the entities whose keys the overlay states, and with them their order."""
    return frozenset(fact.entity.value for fact in overlay.facts if fact.kind == "keys")


def _unknown(what: str, name: str, known: Mapping[str, object], at: Span) -> Stopped:
    return Stopped(words.unknown_in_overlay(Label(at), what=what, it=name, known=known))


def _contradiction(reason: str, at: Span) -> Stopped:
    return Stopped(words.contradiction_in_overlay(Label(at), reason=reason))


def _field(entity: Entity, name: str, at: Span) -> Field:
    if name not in entity.fields:
        raise _unknown(f"the entity `{entity.name}`", name, entity.fields, at)
    return entity.fields[name]


def _refine(entity: Entity, fact: Fact, entities: Mapping[str, Entity]) -> Entity:
    """Return an entity with a fact, which is checked against what it is said of."""
    if fact.kind == "auto_numbered":
        return replace(entity, is_auto_numbered=True)
    if fact.kind in ("keys", "identities"):
        return _identified(entity, fact)
    if fact.companion is not None:
        one = _accompanied(entity, fact, fact.companion, entities)
    else:
        one = _limited(entity, fact, _field(entity, fact.text.value, fact.text.span()))
    return replace(entity, fields={**entity.fields, one.name: one})


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
    """Return a field that has no effect, as a whole or in a part, without a flag."""
    outer, dot, inner = fact.text.value.partition(".")
    at = fact.text.span(0, len(outer))
    one = _field(entity, outer, at)
    companion = _field(entity, flag.value, flag.span())
    if companion.value_type != "boolean":
        what = f"the companion `{entity.name}.{companion.name}`"
        raise _contradiction(f"{what} is {_shape(companion)}, not a flag", flag.span())
    if not dot:
        return replace(one, companion=companion.name)
    if one.entity is None:
        raise _contradiction(f"`{entity.name}.{one.name}` has no parts", at)
    part = _field(entities[one.entity], inner, fact.text.span(len(outer) + 1))
    return replace(one, part_companions=(*one.part_companions, (part.name, companion.name)))


def _shape(one: Field) -> str:
    if one.value_type is not None:
        return f"of type {one.value_type}"
    return f"linked to `{one.entity}`" if one.shape == "linked" else f"a list of `{one.entity}`"


def _overruled(entity: Entity, fact: Fact) -> Iterator[str]:
    """Return where a fact differs from what the files said before any overlay."""
    if fact.kind == "keys":
        names = tuple(name.value for name in fact.names)
        if entity.keys and set(names) != set(entity.keys):
            yield f"{entity.name}: keys {', '.join(names)} instead of {', '.join(entity.keys)}"
    elif fact.number is not None:
        one = entity.fields[fact.text.value]
        before = one.max_length if fact.kind == "lengths" else one.places
        if before not in (None, fact.number.whole):
            yield f"{entity.name}.{one.name}: {fact.number.value} instead of {before}"


def _said_twice(facts: tuple[Fact, ...]) -> Iterator[Diagnostic]:
    """Return a fault for each fact stated in two places: only one of the two would be reviewed."""
    first: dict[tuple[str, str], Text] = {}
    for fact in facts:
        is_of_entity = fact.kind in ("keys", "identities", "auto_numbered")
        kind = "days or moments" if fact.kind in ("days", "moments") else fact.kind
        text = fact.entity if is_of_entity else fact.text
        what = fact.entity.value if is_of_entity else f"{fact.entity.value}.{text.value}"
        if (what, kind) in first:
            yield words.contradiction_in_overlay(
                Label(text.span()),
                reason=f"`{what}` has its `{kind}` stated twice",
                first=first[what, kind].span(),
            )
        first.setdefault((what, kind), text)
