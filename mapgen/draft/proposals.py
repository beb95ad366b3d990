"""An entity and a source schema in, proposed rules out: by name, by type, by known synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from msgspec import Struct, field

from mapgen.check.model import RESERVED
from mapgen.check.sources import is_lasting
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.contract.source_schema import SourceSchema
from mapgen.draft.names import SAME_WORDS, likeness, snake, words
from mapgen.ir import types
from mapgen.ir.names import singular
from mapgen.ir.types import ListOf, Object, Optional, Type, present

_MEMBER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NO_MEMBERS = frozenset({"in", "null", "true", "false", "as", "if", "else"})
# What an order has once and each of its contacts needs.
_INHERITED = ("Email", "Phone1")

# How a value of a source's type becomes one of a field's: {} is the value.
_PLAIN = "{}"
# In which zone an instant is a day, somebody has to decide: a draft declares a setting for it.
_DAY_IN_ZONE = "date({}, settings.zone)"
_FITS: Mapping[tuple[str, types.Type], str] = {
    ("text", types.STRING): _PLAIN,
    ("text", types.INT): "string({})",
    ("fraction", types.DECIMAL): _PLAIN,
    ("fraction", types.INT): _PLAIN,
    ("whole", types.INT): _PLAIN,
    ("flag", types.BOOL): _PLAIN,
    ("moment", types.TIMESTAMP): _PLAIN,
    ("day", types.DATE): _PLAIN,
    ("day", types.TIMESTAMP): _DAY_IN_ZONE,
}
_CLASSES: Mapping[ValueType, str] = {
    "string": "text",
    "single_select": "text",
    "decimal": "fraction",
    "double": "fraction",
    "int": "whole",
    "short": "whole",
    "long": "whole",
    "boolean": "flag",
    "datetime": "moment",
    "date": "day",
}


class Rule(Struct, frozen=True):
    """One proposed value: an expression, or a constant where `constant` is set."""

    target: str
    expression: str
    because: str
    reads: str | None = None
    rejects_missing: bool = False
    constant: bool | None = None


class Part(Struct, frozen=True):
    """A proposed linked entity or, with `is_rows`, details; `missing` required fields."""

    target: str
    source: str | None
    alias: str | None
    is_rows: bool
    members: tuple[Rule | Part, ...]
    missing: tuple[str, ...]
    because: str


class Proposed(Struct, frozen=True):
    """What is proposed for a document; `reads` are the source paths, as `check` counts them.

    `reads_zone`: rules take the days of instants in the zone that the setting `zone` names.
    """

    members: tuple[Rule | Part, ...]
    missing: tuple[str, ...]
    note: Rule | None
    identity: Rule
    key: str
    reads: frozenset[str]
    reads_zone: bool


class _Scope(Struct, frozen=True):
    """A record, a row or an object that values are taken from: its name, path and members.

    `is_loose`: the record itself, lent to a part that has no object of its own.
    """

    name: str
    path: str
    members: Mapping[str, Type]
    outer: _Scope | None = None
    is_loose: bool = False

    def names(self) -> Iterator[str]:
        yield self.name
        if self.outer is not None:
            yield from self.outer.names()


class _Proposer(Struct):
    contract: Contract
    reads: set[str] = field(default_factory=set)
    reads_zone: bool = False

    def members(
        self, entity: Entity, scope: _Scope, without: Iterable[str]
    ) -> tuple[Rule | Part, ...]:
        """Return the rules for an entity, each companion before what it goes with."""
        left_out = {*without, *_companions(entity)}
        found: list[Rule | Part] = []
        for one in entity.fields.values():
            if one.name in left_out or not is_writable(one, entity):
                continue
            proposal = self._one(one, entity, scope)
            if proposal is not None:
                found += self._companion(one, proposal, entity, found)
                found.append(proposal)
        return tuple(found)

    def _one(self, one: Field, entity: Entity, scope: _Scope) -> Rule | Part | None:
        match one.shape:
            case "value":
                return self._value(one, entity, scope)
            case "linked":
                return self._linked(one, scope)
            case "details":
                return self._rows(one, scope)

    def _value(self, one: Field, entity: Entity, scope: _Scope) -> Rule | None:
        is_counter = one.is_key and not one.is_required
        if is_counter or one.value_type not in _CLASSES:
            return None
        owners = frozenset({*words(entity.name), *words(scope.name)})
        for at in (scope, scope.outer) if one.name in _INHERITED else (scope,):
            if at is None:
                continue
            ranked = sorted(
                ((likeness(one.name, name, owners), name) for name in at.members),
                key=lambda pair: (-pair[0], pair[1]),
            )
            for score, name in ranked:
                if score and (rule := self.rule(one, at, name, score)) is not None:
                    return rule
        return None

    def rule(self, one: Field, scope: _Scope, name: str, score: int) -> Rule | None:
        """Return the rule that gives a field the value of a member, or None where it cannot."""
        kind = scope.members[name]
        form = _FITS.get((_CLASSES[cast(ValueType, one.value_type)], present(kind)))
        if form is None or not _is_plain(name):
            return None
        path = f"{scope.path}.{name}"
        self.reads.add(path)
        self.reads_zone |= form == _DAY_IN_ZONE
        return Rule(
            one.name,
            _expression(scope, name, kind, form),
            _reason(name, score),
            path,
            rejects_missing=one.is_required and isinstance(kind, Optional),
        )

    def _linked(self, one: Field, scope: _Scope) -> Part | None:
        if scope.is_loose:
            return None
        inner = self.contract.entities[cast(str, one.entity)]
        for score, name in _ranked(one.name, scope):
            kind = present(scope.members[name])
            if isinstance(kind, Object):
                within = _Scope(_alias(name, scope), f"{scope.path}.{name}", kind.fields, scope)
                return self._part(one, inner, within, _access(scope, name), _reason(name, score))
        if scope.outer is not None:
            return None
        # A part without an object of its own: only what is surely meant for it.
        sure = {
            name: kind
            for name, kind in scope.members.items()
            if f"{scope.path}.{name}" not in self.reads
            and any(likeness(known, name) > SAME_WORDS for known in inner.fields)
        }
        if one.companion is not None or not sure or _is_party(inner):
            return None
        within = _Scope(scope.name, scope.path, sure, is_loose=True)
        return self._part(one, inner, within, None, "proposed: some of it is in the record")

    def _rows(self, one: Field, scope: _Scope) -> Part | None:
        inner = self.contract.entities[cast(str, one.entity)]
        for score, name in _ranked(one.name, scope):
            kind = present(scope.members[name])
            if not isinstance(kind, ListOf):
                continue
            row = present(kind.element)
            if isinstance(row, Object):
                alias = _alias(singular(name, "{}_row"), scope)
                within = _Scope(alias, f"{scope.path}.{name}[]", row.fields, scope)
                return self._part(one, inner, within, _access(scope, name), _reason(name, score))
        return None

    def _part(
        self, one: Field, inner: Entity, within: _Scope, source: str | None, because: str
    ) -> Part | None:
        members = self.members(inner, within, ())
        if not members:
            return None
        is_rows = one.shape == "details"
        return Part(
            one.name,
            source,
            within.name if source is not None else None,
            is_rows,
            members,
            missing_fields(inner, members),
            because,
        )

    def _companion(
        self,
        one: Field,
        proposal: Rule | Part,
        entity: Entity,
        known: Iterable[Rule | Part],
    ) -> Iterator[Rule]:
        """Yield the flags without which the ERP ignores what is proposed."""
        part = proposal if isinstance(proposal, Part) else None
        inner = {member.target for member in part.members} if part is not None else set()
        wanted = [companion for part, companion in one.part_companions if part in inner]
        wanted += [one.companion] if one.companion is not None else []
        there = {member.target for member in known}
        for name in wanted:
            if name in there or name not in entity.fields:
                continue
            because = f"proposed: without it the ERP ignores {one.name}"
            source = part.source if part is not None and not part.is_rows else None
            if source is not None and ".?" in source:
                condition = f"{source.replace('.?', '.')} != null"
                yield Rule(name, condition, because)
            else:
                yield Rule(name, "true", because, constant=True)


def propose(contract: Contract, entity: Entity, schema: SourceSchema, name: str) -> Proposed:
    """Return what is proposed for documents of an entity.

    Args:
        contract: with the entities of all parts.
        entity: a top-level entity.
        schema: of the source.
        name: what a record is called.
    """
    scope = _Scope(name, name, schema.record.fields)
    proposer = _Proposer(contract)
    identity = _identity(entity, schema, scope)
    members = proposer.members(entity, scope, [identity.target])
    note = None
    if "note" in scope.members:
        note = proposer.rule(Field("note", "value", "string"), scope, "note", SAME_WORDS)
    key = _key(schema, scope)
    reads = {*proposer.reads, *_read(identity), key}
    return Proposed(
        members,
        missing_fields(entity, members, identity.target),
        note,
        identity,
        key,
        frozenset(reads),
        proposer.reads_zone,
    )


def is_writable(one: Field, entity: Entity) -> bool:
    """Whether a rule may write the field: the ERP neither computes nor sets nor numbers it."""
    return not (one.is_calculated or one.is_read_only or one.name == entity.number)


def missing_fields(
    entity: Entity, members: Iterable[Rule | Part], *further: str
) -> tuple[str, ...]:
    """Return the required fields that nothing is proposed for."""
    there = {*further, *(member.target for member in members)}
    return tuple(
        one.name for one in entity.fields.values() if one.is_required and one.name not in there
    )


def _companions(entity: Entity) -> frozenset[str]:
    fields = entity.fields.values()
    own = {one.companion for one in fields if one.companion is not None}
    return frozenset(own | {flag for one in fields for _, flag in one.part_companions})


def _is_party(entity: Entity) -> bool:
    """Whether an entity is a person or a place: the record's own names are no such thing."""
    return bool({"City", "Email"} & entity.fields.keys())


def _ranked(target: str, scope: _Scope) -> list[tuple[int, str]]:
    scores = [(likeness(target, name), name) for name in scope.members if _is_plain(name)]
    return sorted((pair for pair in scores if pair[0]), key=lambda pair: (-pair[0], pair[1]))


def _is_plain(name: str) -> bool:
    return bool(_MEMBER.fullmatch(name)) and name not in _NO_MEMBERS


def _access(scope: _Scope, name: str) -> str:
    mark = ".?" if isinstance(scope.members[name], Optional) else "."
    return f"{scope.name}{mark}{name}"


def _expression(scope: _Scope, name: str, kind: Type, form: str) -> str:
    access = _access(scope, name)
    if not isinstance(kind, Optional):
        return form.format(access)
    if form != _PLAIN:
        return f"{access}.optMap(found, {form.format('found')})"
    return f"{access}.trim()" if present(kind) == types.STRING else access


def _alias(name: str, scope: _Scope) -> str:
    found = snake(name)
    return f"{found}_part" if found in {*scope.names(), *RESERVED, "found"} else found


def _reason(name: str, score: int) -> str:
    if score > SAME_WORDS:
        return f"proposed: {name} is a known name of it"
    return f"proposed: {name} is {'the same' if score == SAME_WORDS else 'nearly the same'} name"


def _lasting(schema: SourceSchema, scope: _Scope) -> list[str]:
    """Return the members that never change and are always there, fit for a reference."""
    return [
        name
        for name, kind in scope.members.items()
        if is_lasting(schema, f"{scope.path}.{name}")
        and kind in (types.STRING, types.INT)
        and _is_plain(name)
    ]


def _identity(entity: Entity, schema: SourceSchema, scope: _Scope) -> Rule:
    """Return the identity: what never changes, in a field that can be searched for."""
    lasting = _lasting(schema, scope)
    fit = [
        name
        for name, kind in scope.members.items()
        if kind in (types.STRING, types.INT) and _is_plain(name)
    ]
    name = min(lasting or fit or ["id"], key=lambda one: words(one) != ("id",))
    is_text = scope.members.get(name) == types.STRING
    expression = f"{scope.name}.{name}" if is_text else f"string({scope.name}.{name})"
    fields = entity.identities or [
        one.name
        for one in entity.fields.values()
        if one.value_type == "string" and is_writable(one, entity)
    ]
    because = f"proposed: {name} never changes" if lasting else f"proposed: does {name} change?"
    if not entity.identities:
        because = f"not decided: no field of {entity.name} is known to carry an identity"
    return Rule(fields[0], expression, because, f"{scope.path}.{name}")


def _key(schema: SourceSchema, scope: _Scope) -> str:
    """Return what people call a record by: text that never changes, else a number."""
    lasting = _lasting(schema, scope) or ["id"]
    name = min(lasting, key=lambda one: scope.members.get(one) != types.STRING)
    return f"{scope.path}.{name}"


def _read(rule: Rule) -> Iterator[str]:
    if rule.reads is not None:
        yield rule.reads
