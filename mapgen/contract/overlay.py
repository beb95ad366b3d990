"""The overlay: reviewed YAML facts that OpenAPI cannot state come in, and refine a Contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Literal, cast, get_args

import yaml
from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.document import gather
from mapgen.contract.metadata import with_keys
from mapgen.contract.model import Contract, Entity, Field
from mapgen.report import Diagnostic, Label, Source, Span, Stopped, suggestion
from mapgen.report.catalogue import contract as words

FORMAT = 1

FlagKind = Literal["required", "calculated", "read_only", "days", "moments"]
NumberKind = Literal["lengths", "places"]
Kind = Literal[
    "keys", "identities", "auto_numbered", "required", "calculated", "read_only", "days", "moments",
    "companions", "lengths", "places",
]  # fmt: skip

_KINDS: tuple[str, ...] = get_args(Kind)


class Name(Struct, frozen=True):
    """A name as the overlay writes it, and where."""

    value: str
    span: Span


class EntityFact(Struct, frozen=True):
    """`keys`, `identities` or `auto_numbered`: a fact about the entity as a whole."""

    kind: Literal["keys", "identities", "auto_numbered"]
    entity: Name
    fields: tuple[Name, ...]


class FlagFact(Struct, frozen=True):
    """A field is required on create, calculated, read-only, or holds a day or a moment."""

    kind: FlagKind
    entity: Name
    field: Name


class NumberFact(Struct, frozen=True):
    """The length of a text in UTF-16 units, or the decimal places of a number."""

    kind: NumberKind
    entity: Name
    field: Name
    number: int
    span: Span


class CompanionFact(Struct, frozen=True):
    """A field, or a part of a linked entity, has no effect without the companion."""

    entity: Name
    field: Name
    part: Name | None
    companion: Name


Fact = EntityFact | FlagFact | NumberFact | CompanionFact


class Overlay(Struct, frozen=True):
    """The contract an overlay is about, and its facts in the order they are written."""

    contract: Name
    facts: tuple[Fact, ...]


class Applied(Struct, frozen=True):
    """The refined contract, how many facts it took, and where a fact overruled what was known."""

    contract: Contract
    taken: int
    overruled: tuple[str, ...]


def read_overlay(source: Source) -> Overlay:
    """Return the facts of an overlay.

    Raises Stopped with E407 for what is not YAML or not shaped as an overlay; every group of facts
    must name its source.
    """
    root = _Node(source, _compose(source))
    members = dict(root.members(("overlay", "contract", "entities")))
    for name in ("overlay", "contract", "entities"):
        if name not in members:
            root.stop(f"the member `{name}` is missing")
    if members["overlay"].node.value != str(FORMAT):
        members["overlay"].stop(f"the format is not {FORMAT}")
    facts = gather(
        partial(_group, entity, group)
        for entity, groups in members["entities"].named()
        for group in groups.elements()
    )
    return Overlay(members["contract"].name(), tuple(fact for group in facts for fact in group))


def apply(contract: Contract, overlay: Overlay, kept: frozenset[str]) -> Applied:
    """Return the contract with the overlay's facts; those about entities in `kept` are counted.

    Raises Stopped with all faults at once: E408 for names that the contract does not have, E409
    for facts that cannot be true of what they are said of.
    """
    if overlay.contract.value != contract.name:
        reason = f"it is written for `{overlay.contract.value}`, not for `{contract.name}`"
        raise Stopped(words.contradiction_in_overlay(Label(overlay.contract.span), reason=reason))
    entities = dict(contract.entities)
    faults: list[Diagnostic] = list(_said_twice(overlay.facts))
    overruled: list[str] = []
    for fact in overlay.facts:
        try:
            entity = _entity(contract, fact.entity)
            entities[entity.name] = _refine(entities[entity.name], fact, entities)
            if entity.name in kept:
                overruled.extend(_overruled(entity, fact))
        except Stopped as stopped:
            faults.extend(stopped.diagnostics)
    if faults:
        raise Stopped(faults)
    taken = sum(fact.entity.value in kept for fact in overlay.facts)
    return Applied(replace(contract, entities=entities), taken, tuple(sorted(overruled)))


def keyed(overlay: Overlay) -> frozenset[str]:
    """Return the entities whose keys the overlay states, and with them their order."""
    return frozenset(
        fact.entity.value
        for fact in overlay.facts
        if isinstance(fact, EntityFact) and fact.kind == "keys"
    )


# Reading: YAML nodes with their places.


class _Node(Struct, frozen=True):
    source: Source
    node: yaml.Node

    @property
    def span(self) -> Span:
        start, end = self.node.start_mark.index, self.node.end_mark.index
        line_end = self.source.text.find("\n", start)
        return Span(self.source, start, end if line_end < 0 else min(end, line_end))

    def fault(self, reason: str, help_line: str | None = None) -> Stopped:
        return Stopped(words.malformed_overlay(Label(self.span), reason=reason, help=help_line))

    def stop(self, reason: str) -> None:
        raise self.fault(reason)

    def named(self) -> Iterator[tuple[Name, _Node]]:
        """Return the members of a mapping, each key once."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"found {_kind(self.node)} where a mapping is expected")
        seen: dict[str, Name] = {}
        for key_node, value in self.node.value:
            key = _Node(self.source, key_node).name()
            if key.value in seen:
                raise Stopped(
                    words.malformed_overlay(Label(key.span), reason=f"`{key.value}` stands twice")
                )
            seen[key.value] = key
            yield key, _Node(self.source, value)

    def members(self, known: tuple[str, ...]) -> Iterator[tuple[str, _Node]]:
        for key, value in self.named():
            if key.value not in known:
                reason = f"the member `{key.value}` is unknown"
                help_line = suggestion(key.value, known) or f"known are {', '.join(known)}"
                raise Stopped(
                    words.malformed_overlay(Label(key.span), reason=reason, help=help_line)
                )
            yield key.value, value

    def elements(self) -> Iterator[_Node]:
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault(f"found {_kind(self.node)} where a list is expected")
        for node in self.node.value:
            yield _Node(self.source, node)

    def name(self) -> Name:
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.fault(f"found {_kind(self.node)} where a name is expected")
        return Name(self.node.value, self.span)

    def number(self) -> int:
        word = self.name().value
        if not (word.isascii() and word.isdigit() and len(word) < 10):
            raise self.fault(f"found `{word}` where a whole number is expected")
        return int(word)


def _compose(source: Source) -> yaml.Node:
    if source.text.startswith("\ufeff"):
        raise _yaml_fault(source, 0, "a byte order mark")
    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "it cannot be read"
        raise _yaml_fault(source, mark.index if mark else 0, reason) from None
    except yaml.reader.ReaderError as error:
        raise _yaml_fault(source, error.position, "a character that YAML does not allow") from None
    except RecursionError:
        raise _yaml_fault(source, 0, "it is nested too deeply") from None
    if root is None:
        raise _yaml_fault(source, 0, "it is empty")
    return root


def _yaml_fault(source: Source, at: int, reason: str) -> Stopped:
    place = min(max(at, 0), len(source.text))
    return Stopped(words.malformed_overlay(Label(Span(source, place, place)), reason=reason))


def _kind(node: yaml.Node) -> str:
    match node:
        case yaml.MappingNode():
            return "a mapping"
        case yaml.SequenceNode():
            return "a list"
        case _:
            return f"`{node.value}`" if node.value else "nothing"


def _group(entity: Name, group: _Node) -> tuple[Fact, ...]:
    """Return the facts of one group: several kinds may share a source."""
    members = dict(group.members(("source", *_KINDS)))
    source = members.pop("source", None)
    if source is None:
        raise group.fault(
            f"these facts about `{entity.value}` name no source",
            "say with `source:` where the fact is documented or was observed",
        )
    source.name()
    if not members:
        raise group.fault("the group states no fact")
    return tuple(
        fact for kind, node in members.items() for fact in _facts(cast(Kind, kind), entity, node)
    )


def _facts(kind: Kind, entity: Name, node: _Node) -> Iterator[Fact]:
    if isinstance(node.node, yaml.CollectionNode) and not node.node.value:
        raise node.fault(f"`{kind}` is empty, so it states no fact")
    match kind:
        case "keys" | "identities":
            yield EntityFact(kind, entity, tuple(one.name() for one in node.elements()))
        case "auto_numbered":
            if node.name().value != "true":
                raise node.fault("`auto_numbered` is either `true` or left out")
            yield EntityFact(kind, entity, ())
        case "required" | "calculated" | "read_only" | "days" | "moments":
            for one in node.elements():
                yield FlagFact(kind, entity, one.name())
        case "lengths" | "places":
            for field, one in node.named():
                yield NumberFact(kind, entity, field, one.number(), one.span)
        case "companions":
            for field, one in node.named():
                yield _companion(entity, field, one.name())


def _companion(entity: Name, field: Name, companion: Name) -> CompanionFact:
    outer, dot, inner = field.value.partition(".")
    if not dot:
        return CompanionFact(entity, field, None, companion)
    start = field.span.start
    split = start + len(outer)
    return CompanionFact(
        entity,
        Name(outer, Span(field.span.source, start, split)),
        Name(inner, Span(field.span.source, split + 1, field.span.end)),
        companion,
    )


# Applying: each fact is checked against what it is said of.


def _entity(contract: Contract, name: Name) -> Entity:
    if name.value not in contract.entities:
        what = f"the contract `{contract.name}`"
        raise Stopped(
            words.unknown_in_overlay(
                Label(name.span), what=what, it=name.value, known=contract.entities
            )
        )
    return contract.entities[name.value]


def _field(entity: Entity, name: Name) -> Field:
    if name.value not in entity.fields:
        what = f"the entity `{entity.name}`"
        raise Stopped(
            words.unknown_in_overlay(
                Label(name.span), what=what, it=name.value, known=entity.fields
            )
        )
    return entity.fields[name.value]


def _contradiction(reason: str, span: Span) -> Stopped:
    return Stopped(words.contradiction_in_overlay(Label(span), reason=reason))


def _refine(entity: Entity, fact: Fact, entities: Mapping[str, Entity]) -> Entity:
    match fact:
        case EntityFact():
            return _refine_entity(entity, fact)
        case FlagFact():
            one = _refine_flag(entity, fact)
            if one.is_required and (one.is_calculated or one.is_read_only):
                reason = f"`{entity.name}.{one.name}` is required, but nothing sent to it is kept"
                raise _contradiction(reason, fact.field.span)
        case NumberFact():
            one = _refine_number(entity, fact)
        case CompanionFact():
            one = _refine_companion(entity, fact, entities)
    return replace(entity, fields={**entity.fields, one.name: one})


def _refine_entity(entity: Entity, fact: EntityFact) -> Entity:
    fields = gather(partial(_field, entity, name) for name in fact.fields)
    for one, name in zip(fields, fact.fields, strict=True):
        if one.shape != "value":
            reason = f"`{entity.name}.{one.name}` is {_shape(one)}, so it identifies nothing"
            raise _contradiction(reason, name.span)
    names = tuple(one.name for one in fields)
    if len(set(names)) < len(names):
        raise _contradiction(f"a name stands twice in the {fact.kind}", fact.fields[-1].span)
    match fact.kind:
        case "keys":
            return with_keys(entity, names)
        case "identities":
            return replace(entity, identities=names)
        case "auto_numbered":
            return replace(entity, is_auto_numbered=True)


def _refine_flag(entity: Entity, fact: FlagFact) -> Field:
    one = _field(entity, fact.field)
    match fact.kind:
        case "required":
            return replace(one, is_required=True)
        case "calculated":
            return replace(one, is_calculated=True)
        case "read_only":
            return replace(one, is_read_only=True)
        case "days" | "moments" if one.value_type not in ("date", "datetime"):
            reason = f"`{entity.name}.{one.name}` is {_shape(one)}, neither a day nor a moment"
            raise _contradiction(reason, fact.field.span)
        case "days":
            return replace(one, value_type="date")
        case "moments":
            return replace(one, value_type="datetime")


def _refine_number(entity: Entity, fact: NumberFact) -> Field:
    one = _field(entity, fact.field)
    fitting = ("string",) if fact.kind == "lengths" else ("decimal", "double")
    if one.value_type not in fitting:
        reason = f"`{entity.name}.{one.name}` is {_shape(one)}, which has no {fact.kind}"
        raise _contradiction(reason, fact.field.span)
    if fact.kind == "lengths" and fact.number == 0:
        raise _contradiction("a length of 0 leaves no room for a text", fact.span)
    if fact.kind == "places":
        return replace(one, places=fact.number)
    return replace(one, max_length=fact.number)


def _refine_companion(entity: Entity, fact: CompanionFact, entities: Mapping[str, Entity]) -> Field:
    one = _field(entity, fact.field)
    companion = _field(entity, fact.companion)
    if companion.value_type != "boolean":
        reason = (
            f"the companion `{entity.name}.{companion.name}` is {_shape(companion)}, not a flag"
        )
        raise _contradiction(reason, fact.companion.span)
    if fact.part is None:
        return replace(one, companion=companion.name)
    if one.entity is None:
        raise _contradiction(f"`{entity.name}.{one.name}` has no parts", fact.field.span)
    part = _field(entities[one.entity], fact.part)
    return replace(one, part_companions=(*one.part_companions, (part.name, companion.name)))


def _shape(one: Field) -> str:
    if one.value_type is not None:
        return f"of type {one.value_type}"
    return f"linked to `{one.entity}`" if one.shape == "linked" else f"a list of `{one.entity}`"


def _overruled(entity: Entity, fact: Fact) -> Iterator[str]:
    """Return where a fact differs from what the files said before any overlay."""
    match fact:
        case EntityFact(kind="keys"):
            names = tuple(name.value for name in fact.fields)
            if entity.keys and set(names) != set(entity.keys):
                yield f"{entity.name}: keys {', '.join(names)} instead of {', '.join(entity.keys)}"
        case NumberFact():
            one = entity.fields[fact.field.value]
            before = one.max_length if fact.kind == "lengths" else one.places
            if before not in (None, fact.number):
                yield f"{entity.name}.{fact.field.value}: {fact.number} instead of {before}"
        case _:
            return


def _said_twice(facts: tuple[Fact, ...]) -> Iterator[Diagnostic]:
    """Return a fault for each fact stated in two places: only one of the two would be reviewed."""
    first: dict[tuple[str, ...], Name] = {}
    for fact in facts:
        key: tuple[str, ...]
        match fact:
            case EntityFact():
                key, name = (fact.entity.value, fact.kind), fact.entity
            case FlagFact() | NumberFact():
                kind = "days or moments" if fact.kind in ("days", "moments") else fact.kind
                key, name = (fact.entity.value, kind, fact.field.value), fact.field
            case CompanionFact():
                part = fact.part.value if fact.part else ""
                key, name = (fact.entity.value, "companions", fact.field.value, part), fact.field
        if key in first:
            reason = f"`{'.'.join((key[0], *key[2:])).rstrip('.')}` has its `{key[1]}` stated twice"
            yield words.contradiction_in_overlay(
                Label(name.span), reason=reason, first=first[key].span
            )
        first.setdefault(key, name)
