"""An entity and a source schema in, proposed rules out: by name, by type, by known synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from msgspec import Struct, field

from mapgen.agreed.paths import member_path, without_rows
from mapgen.check.model import RESERVED
from mapgen.check.sources import is_lasting
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.contract.personal import is_value
from mapgen.contract.source_schema import SourceSchema
from mapgen.draft.names import SAME_WORDS, likeness, snake, words
from mapgen.draft.sniffing import RFC2822
from mapgen.expression.fixes import written
from mapgen.ir import types
from mapgen.ir.names import singular
from mapgen.ir.types import ListOf, Object, Optional, Type, present

_MEMBER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# What an order has once and each of its contacts needs: somebody's, whoever's in the record.
_INHERITED = ("Email", "Phone1")
_PERSONS = frozenset({"customer", "buyer", "contact", "user", "account", "recipient", "client"})
# Names of people in two members; of a shop's customer who has no other.
_FULL_NAMES = ("Attention", "CustomerName")
_FIRST = frozenset({("first", "name"), ("firstname",), ("given", "name")})
_LAST = frozenset({("last", "name"), ("lastname",), ("surname",), ("family", "name")})
# Text that loses nothing that matters where its end is cut off.
_PROSE = frozenset({"description", "attention", "name", "note", "title"})
_NESTED = 5  # so much less a name is alike that is deeper

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
# The same of texts that are days or moments in a format of their own: that of RFC 2822, any other.
_READS_MOMENT: Mapping[str, str] = {
    "moment": "parseTimestamp({}, 'rfc2822')",
    "day": "date(parseTimestamp({}, 'rfc2822'), settings.zone)",
}
_READS_DAY = "parseDate({{}}, '{words}')"
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
    """One proposed value; `reads` is the source path that it hands on."""

    target: str
    expression: str
    because: str
    reads: str | None = None
    rejects_missing: bool = False
    too_long: str | None = None


class Open(Struct, frozen=True):
    """A field that has to be set, for which nothing is proposed, and why."""

    target: str
    question: str


class Part(Struct, frozen=True):
    """A proposed linked entity or, with `is_rows`, details; `missing` required fields."""

    target: str
    source: str | None
    alias: str | None
    is_rows: bool
    members: tuple[Rule | Part, ...]
    missing: tuple[Open, ...]
    because: str


class Proposed(Struct, frozen=True):
    """What is proposed for a document; `reads` are the source paths, as `check` counts them.

    `reads_zone`: rules take the days of instants in the zone that the setting `zone` names.
    """

    members: tuple[Rule | Part, ...]
    missing: tuple[Open, ...]
    note: Rule | None
    identity: Rule
    key: str
    reads: frozenset[str]
    reads_zone: bool


class _Member(Struct, frozen=True):
    """A member of a record, a row or an object, or of an object in it: its names, type and path.

    `access` reads it; it may be missing where one of its links may.
    """

    names: tuple[str, ...]
    kind: Type
    access: str
    path: str

    @property
    def name(self) -> str:
        return "_".join(self.names)

    @property
    def shown(self) -> str:
        return ".".join(self.names)

    def of(self, name: str, kind: Type) -> _Member:
        """Return a member of this object."""
        mark = ".?" if isinstance(kind, Optional) else "."
        whole = types.optional(kind) if isinstance(self.kind, Optional) else kind
        return _Member(
            (*self.names, name),
            whole,
            f"{self.access}{mark}{written(name)}",
            member_path(self.path, name),
        )


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

    def own(self) -> Iterator[_Member]:
        """Yield the members that an expression can read."""
        here = _Member((), types.BOOL, self.name, self.path)
        for name, kind in self.members.items():
            if _is_plain(name):
                yield here.of(name, kind)

    def all(self) -> Iterator[_Member]:
        """Yield the members, and those of the objects among them."""
        for one in self.own():
            yield one
            for name, kind in _members_of(one.kind).items():
                if _is_plain(name):
                    yield one.of(name, kind)


class _Proposer(Struct):
    contract: Contract
    formats: Mapping[str, str] = {}
    reads: set[str] = field(default_factory=set)
    reads_zone: bool = False

    def members(
        self, entity: Entity, scope: _Scope, without: Iterable[str]
    ) -> tuple[Rule | Part, ...]:
        """Return the rules for an entity; override flags are sent with what needs them."""
        left_out = {*without, *_override_flags(entity)}
        found = (
            self._one(one, entity, scope)
            for one in entity.fields.values()
            if one.name not in left_out and is_writable(one, entity)
        )
        return tuple(one for one in found if one is not None)

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
        for score, member in self._ranked_values(one, entity, scope):
            if (rule := self.rule(one, member, score)) is not None:
                return rule
        return _full_name(one, scope, self.reads) if one.name in _FULL_NAMES else None

    def _ranked_values(
        self, one: Field, entity: Entity, scope: _Scope
    ) -> Iterator[tuple[int, _Member]]:
        owners = frozenset({*words(entity.name), *words(scope.name)})
        yield from _ranked(scope.all(), lambda member: likeness(one.name, member.name, owners))
        if one.name in _INHERITED and scope.outer is not None:
            yield from _ranked(scope.outer.own(), lambda it: likeness(one.name, it.name, owners))
            yield from _ranked(
                _of_persons(scope.outer), lambda it: likeness(one.name, it.names[-1])
            )

    def rule(self, one: Field, member: _Member, score: int) -> Rule | None:
        """Return the rule that gives a field the value of a member, or None where it cannot."""
        kind = present(member.kind)
        form = self._form(_CLASSES[cast(ValueType, one.value_type)], kind, member.path)
        if form is None or _is_number_of_another(one, kind):
            return None
        self.reads.add(member.path)
        self.reads_zone |= "settings.zone" in form
        return Rule(
            one.name,
            _expression(member, form),
            _reason(member.shown, score),
            member.path,
            rejects_missing=one.is_required and _may_be_missing(member),
            too_long=_too_long(one, kind),
        )

    def _form(self, wanted: str, kind: Type, path: str) -> str | None:
        """Return how a value becomes that of a class of fields, None where it cannot."""
        words = self.formats.get(path) if kind == types.STRING else None
        if words is None or wanted not in _READS_MOMENT:
            return _FITS.get((wanted, kind))
        if words == RFC2822:
            return _READS_MOMENT[wanted]
        return _READS_DAY.format(words=words) if wanted == "day" else None

    def _linked(self, one: Field, scope: _Scope) -> Part | None:
        if scope.is_loose:
            return None
        inner = self.contract.entities[cast(str, one.entity)]
        for score, member in _ranked(scope.all(), lambda it: likeness(one.name, it.name)):
            name, path, access = member.names[-1], member.path, member.access
            fields, because = _members_of(member.kind), _reason(member.shown, score)
            if not fields:
                fields, name, path = _rows_of(member.kind), singular(name, "{}_row"), f"{path}[]"
                access = _first_of(member)
                because = f"{because}, of which the first is taken"
            if fields:
                within = _Scope(_alias(name, scope), path, fields, scope)
                return self._part(one, inner, within, access, because)
        if scope.outer is not None:
            return None
        return self._loose(one, inner, scope)

    def _loose(self, one: Field, inner: Entity, scope: _Scope) -> Part | None:
        """Return a part without an object of its own: only what is surely meant for it."""
        sure = {
            name: kind
            for name, kind in scope.members.items()
            if member_path(scope.path, name) not in self.reads
            and any(likeness(known, name) > SAME_WORDS for known in inner.fields)
        }
        if one.companion is not None or not sure or _is_party(inner):
            return None
        within = _Scope(scope.name, scope.path, sure, is_loose=True)
        return self._part(one, inner, within, None, "proposed: some of it is in the record")

    def _rows(self, one: Field, scope: _Scope) -> Part | None:
        inner = self.contract.entities[cast(str, one.entity)]
        for score, member in _ranked(scope.all(), lambda it: likeness(one.name, it.name)):
            if fields := _rows_of(member.kind):
                alias = _alias(singular(member.names[-1], "{}_row"), scope)
                within = _Scope(alias, f"{member.path}[]", fields, scope)
                return self._part(one, inner, within, member.access, _reason(member.shown, score))
        return None

    def _part(
        self, one: Field, inner: Entity, within: _Scope, source: str | None, because: str
    ) -> Part | None:
        members = self.members(inner, within, ())
        if not members:
            return None
        return Part(
            one.name,
            source,
            within.name if source is not None else None,
            one.shape == "details",
            members,
            missing_fields(inner, members, within),
            because,
        )


def propose(
    contract: Contract,
    entity: Entity,
    schema: SourceSchema,
    name: str,
    formats: Mapping[str, str] | None = None,
) -> Proposed:
    """Return what is proposed for documents of an entity.

    Args:
        contract: with the entities of all parts.
        entity: a top-level entity.
        schema: of the source.
        name: what a record is called.
        formats: those of texts that are days or moments, by source path.
    """
    scope = _Scope(name, name, schema.record.fields)
    proposer = _Proposer(contract, formats or {})
    identity = _identity(entity, schema, scope)
    members = proposer.members(entity, scope, [identity.target])
    note = None
    if "note" in scope.members:
        (member,) = (one for one in scope.own() if one.name == "note")
        note = proposer.rule(Field("note", "value", "string"), member, SAME_WORDS)
    key = _key(schema, scope)
    reads = {*proposer.reads, *_read(identity), *((key.path,) if key is not None else ())}
    return Proposed(
        members,
        missing_fields(entity, members, scope, identity.target),
        note,
        identity,
        name if key is None else _shown_key(key),
        frozenset(reads),
        proposer.reads_zone,
    )


def is_writable(one: Field, entity: Entity) -> bool:
    """Whether a rule may write the field: the ERP neither computes nor sets nor numbers it."""
    return not (one.is_calculated or one.is_read_only or one.name == entity.number)


def missing_fields(
    entity: Entity, members: Iterable[Rule | Part], scope: _Scope, *further: str
) -> tuple[Open, ...]:
    """Return the required fields that nothing is proposed for."""
    there = {*further, *(member.target for member in members)}
    return tuple(
        Open(one.name, _question(one, entity, scope))
        for one in entity.fields.values()
        if one.is_required and one.name not in there
    )


def _question(one: Field, entity: Entity, scope: _Scope) -> str:
    """Return what somebody has to decide about a field that has to be set."""
    owners = frozenset({*words(entity.name), *words(scope.name)})
    near = [
        f"`{without_rows(member.path)}`"
        for _, member in _ranked(scope.all(), lambda it: likeness(one.name, it.name, owners))
        if not isinstance(present(member.kind), Object | ListOf)
    ]
    if near:
        return f"{entity.name} needs it; is it {near[0]} as it is, or what a lookup has for that?"
    return f"{entity.name} needs it, and the source has nothing like it"


def _override_flags(entity: Entity) -> frozenset[str]:
    fields = entity.fields.values()
    own = {one.companion for one in fields if one.companion is not None}
    return frozenset(own | {flag for one in fields for _, flag in one.part_companions})


def _is_party(entity: Entity) -> bool:
    """Whether an entity is a person or a place: the record's own names are no such thing."""
    return bool({"City", "Email"} & entity.fields.keys())


def _is_number_of_another(one: Field, kind: Type) -> bool:
    """Whether a field names master data and the value is a number that another system counts by."""
    return one.name.endswith("ID") and kind == types.INT and one.value_type == "string"


def _ranked(
    members: Iterable[_Member], score: Callable[[_Member], int]
) -> list[tuple[int, _Member]]:
    """Return the members whose names are alike, the best first, those that are deeper later."""
    scores = [(score(one), one) for one in members]
    found = [(value - _NESTED * (len(one.names) - 1), one) for value, one in scores if value]
    return sorted(found, key=lambda pair: (-pair[0], pair[1].name))


def _of_persons(scope: _Scope) -> Iterator[_Member]:
    """Yield what is in the objects of persons: `customer.email`."""
    for one in scope.all():
        if len(one.names) > 1 and not _PERSONS.isdisjoint(words(one.names[0])):
            yield one


def _full_name(one: Field, scope: _Scope, reads: set[str]) -> Rule | None:
    """Return the rule that puts the names of a person together, None where there are not two."""
    found = []
    for known in (_FIRST, _LAST):
        found += [
            member
            for member in scope.all()
            if words(member.names[-1]) in known and present(member.kind) == types.STRING
        ][:1]
    if len(found) < 2 or found[0].names[:-1] != found[1].names[:-1]:
        return None
    reads.update(member.path for member in found)
    parts = ", ".join(f"nonBlank({member.access})" for member in found)
    return Rule(
        one.name,
        f"nonBlank([{parts}].unwrapOpt().join(' '))",
        "proposed: the names of a person, put together",
        rejects_missing=one.is_required,
        too_long=_too_long(one, types.STRING),
    )


def _too_long(one: Field, kind: Type) -> str | None:
    """Return what becomes of text that may be too long: prose is cut off, all else is rejected."""
    if one.max_length is None or kind != types.STRING or one.value_type != "string":
        return None
    return "truncate" if words(one.name)[-1] in _PROSE else "reject"


def _members_of(kind: Type) -> Mapping[str, Type]:
    """Return the members of an object, none of what is no object."""
    found = present(kind)
    return found.fields if isinstance(found, Object) else {}


def _rows_of(kind: Type) -> Mapping[str, Type]:
    """Return the members of the objects in a list, none of what is no such list."""
    found = present(kind)
    return _members_of(found.element) if isinstance(found, ListOf) else {}


def _first_of(rows: _Member) -> str:
    if isinstance(rows.kind, Optional):
        return f"{rows.access}.optFlatMap(rows, rows.first())"
    return f"{rows.access}.first()"


def _is_plain(name: str) -> bool:
    """Whether a name says in letters what a member holds, and is no value itself."""
    return bool(_MEMBER.fullmatch(snake(name))) and not is_value(name)


def _may_be_missing(member: _Member) -> bool:
    """Whether a proposed rule may have no value: a text that is blank is none."""
    return isinstance(member.kind, Optional) or present(member.kind) == types.STRING


def _expression(member: _Member, form: str) -> str:
    is_text = present(member.kind) == types.STRING
    if form == _PLAIN and is_text and isinstance(member.kind, Optional):
        return f"{member.access}.trim()"
    access = f"nonBlank({member.access})" if is_text else member.access
    if form == _PLAIN or not _may_be_missing(member):
        return form.format(access)
    return f"{access}.optMap(found, {form.format('found')})"


def _alias(name: str, scope: _Scope) -> str:
    found = snake(name)
    return f"{found}_part" if found in {*scope.names(), *RESERVED, "found", "rows"} else found


def _reason(name: str, score: int) -> str:
    if score > SAME_WORDS:
        return f"proposed: {name} is a known name of it"
    return f"proposed: {name} is {'the same' if score == SAME_WORDS else 'nearly the same'} name"


def _tellers(schema: SourceSchema, scope: _Scope) -> tuple[list[_Member], bool]:
    """Return the members that may tell records apart, and whether they never change.

    Those that never change and are always there, else those that are always there, else any.
    """
    members = [one for one in scope.own() if present(one.kind) in (types.STRING, types.INT)]
    there = [one for one in members if not isinstance(one.kind, Optional)]
    lasting = [one for one in there if is_lasting(schema, one.path)]
    return (lasting, True) if lasting else (there or members, False)


def _identity(entity: Entity, schema: SourceSchema, scope: _Scope) -> Rule:
    """Return the identity: what never changes, in a field that can be searched for."""
    fields = entity.identities or [
        one.name
        for one in entity.fields.values()
        if one.value_type == "string" and is_writable(one, entity)
    ]
    found, is_lasting = _tellers(schema, scope)
    if not found:
        because = "not decided: no member of the record tells it from others"
        return Rule(fields[0], f"string({scope.name})", because, scope.path)
    ranked = sorted(found, key=lambda one: words(one.name) != ("id",))
    member = max(ranked, key=lambda one: likeness(fields[0], one.name))
    form = _PLAIN if present(member.kind) == types.STRING else "string({})"
    because = f"proposed: {member.name} never changes"
    if not entity.identities:
        because = f"not decided: no field of {entity.name} is known to carry an identity"
    elif not is_lasting:
        because = f"proposed: does {member.name} change?"
    value = f"{member.access}.value()" if isinstance(member.kind, Optional) else member.access
    return Rule(fields[0], form.format(value), because, member.path)


def _key(schema: SourceSchema, scope: _Scope) -> _Member | None:
    """Return what people call a record by: text that never changes, else a number."""
    found, is_lasting = _tellers(schema, scope)
    if is_lasting:
        return min(found, key=lambda one: present(one.kind) != types.STRING)
    return min(found, key=lambda one: words(one.name)[-1:] != ("id",), default=None)


def _shown_key(member: _Member) -> str:
    """Return the expression of a key, which is always there."""
    if not isinstance(member.kind, Optional):
        return member.access
    return f"{member.access}.orValue({0 if present(member.kind) == types.INT else repr('')})"


def _read(rule: Rule) -> Iterator[str]:
    if rule.reads is not None:
        yield rule.reads
