"""What a source looks like: JSON Schema in, the types of expressions out.

A field is `T` when it is required and cannot be null, else `T?`. `"format": "decimal"` on a string
makes it a decimal; `number` is a decimal too, never a binary float. What has no one type may be
there, and a rule that reads it is told what to do.

All that applies at a place is read as one: what a `$ref` leads to, the parts of an `allOf`, what is
written beside them. Alternatives (`anyOf`, `oneOf`, several types) are one type where one holds all
that they allow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import cast, get_args

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.agreed.constraints import Constraints
from mapgen.contract import json_schema, stated
from mapgen.contract.json_schema import Document, Library, Place
from mapgen.contract.model import Contract, Entity
from mapgen.contract.stated import Stated
from mapgen.expression.patterns import regex_error
from mapgen.ir import types
from mapgen.ir.names import singular
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import reading, schemas
from mapgen.runtime.patterns import Pattern

_STRING_FORMATS: Mapping[str, types.Type] = dict(
    zip(stated.TYPED_FORMATS, (types.DECIMAL, types.TIMESTAMP, types.DATE), strict=True)
)
_SCALARS: Mapping[str, types.Type] = {
    "string": types.STRING,
    "integer": types.INT,
    "number": types.DECIMAL,
    "boolean": types.BOOL,
}
_KINDS = frozenset((*_SCALARS, "object", "array"))
_OPTIONS = ("anyOf", "oneOf")
_MOST_OPTIONS = 64
# Alternatives within each other are as many as their product.
_MOST_READ = 50_000
# How many lists, objects and references are read within each other, and how many there may be.
_DEEP = 40
_DEEPEST = 100
_TEXTS = (types.STRING, types.DATE, types.TIMESTAMP)
_NUMBERS = (types.INT, types.DECIMAL)
# Names of other objects that expressions know.
_TAKEN = (
    *("settings", "lookups", "mixed", "Option", "dyn", "null", "list", "map"),
    *("group", "document"),
)
_LONGEST_NAME = 60

Member = tuple[str, str]
Tags = Mapping[str, Mapping[str, types.Alternative]]


class EntitySource(Struct, frozen=True):
    """Where records of the ERP come from.

    `objects` are the entities of the objects in a record, by the names of their types.
    """

    contract: Contract
    entity: Entity
    objects: Mapping[str, str]


class SourceSchema(Struct, frozen=True):
    """A record's type, and what is said of its members, by the name of their object and their own.

    `lasting` are those whose values never change (`"readOnly": true`), `choices` the values of an
    `enum`, `stated` all that is said beside the type. `names` counts the objects of one name;
    `entity` says of what in the ERP a record is, `joined` the same of members that are put into it.
    """

    path: str
    record: types.Object
    lasting: frozenset[Member]
    choices: Mapping[Member, tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    entity: EntitySource | None = None
    stated: Mapping[Member, Stated] = field(default_factory=dict)
    joined: Mapping[str, EntitySource] = field(default_factory=dict)


def read_source_schema(
    path: str,
    text: str,
    name: str,
    taken: Mapping[str, int] | None = None,
    files: Callable[[str], str | None] = lambda _: None,
) -> SourceSchema:
    """Return the type of a record and what in it never changes.

    Args:
        path: the schema's path, for messages; a fragment names a place in it.
        text: its JSON or YAML.
        name: what the record is called (`order`).
        taken: names that objects of other schemas have, which records are put together with.
        files: gives the text of a file that a reference leads to, None where there is none.

    Raises Stopped where the schema describes no object, with the reasons.
    """
    place = json_schema.place_in(path, text, "source")
    path, _, fragment = path.partition("#")
    document = place.document
    library = Library(files, {path: document})
    try:
        reader = _Reader(library, taken or {})
        found = reader.whole((place,), name)
        record = _record(found.type, name)
        if record is None:
            # Of several types, a record is the object.
            object_alone = Place(document, place.pointer, {"type": "object"}, ("type",))
            reader = _Reader(library, taken or {})
            record = _record(reader.whole((place, object_alone), name).type, name)
            record = record if record is not None and record.fields else None
    except RecursionError:
        diagnostic = reading.not_json(path=path, reason="nested too deep", what="the source schema")
        raise Stopped(diagnostic) from None
    if record is None:
        raise Stopped(_no_record(document, fragment, found))
    said = reader.said
    return SourceSchema(
        path, record, frozenset(said.lasting), said.choices, reader.names, stated=said.stated
    )


def _record(kind: types.Type, name: str) -> types.Object | None:
    """Return the object that a file holds one of, or a list of: each is a record.

    One whose members have any names has none that a rule could read.
    """
    found = types.present(kind)
    if isinstance(found, types.ListOf):
        found = types.present(found.element)
    if isinstance(found, types.MapOf):
        return types.Object(types.record_name(name), {})
    return found if isinstance(found, types.Object) else None


def _no_record(document: Document, fragment: str, found: _Found) -> Sequence[Diagnostic]:
    if not fragment and document.places():
        return [json_schema.no_place(document, fragment, "source")]
    broken = [
        diagnostic for diagnostic in found.stated.unheld if diagnostic.code in ("E421", "E423")
    ]
    if broken:
        return broken
    has_type = not isinstance(types.present(found.type), types.ErrorType)
    kind = str(types.present(found.type)) if has_type else "value of no one type"
    return [schemas.root_is_no_object(path=document.path, found=kind, what="source")]


class _Found(Struct, frozen=True):
    """What a place holds; `members` are those of an object that has no name yet, with its tags."""

    type: types.Type
    stated: Stated = Stated()
    choices: tuple[str, ...] = ()
    is_lasting: bool = False
    members: Mapping[str, _Found] | None = None
    tags: Tags = {}

    def or_null(self) -> _Found:
        return replace(self, type=types.optional(self.type))

    def with_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> _Found:
        more = tuple(dict.fromkeys((*self.stated.unheld, *diagnostics)))
        if more == self.stated.unheld:
            return self
        return replace(self, stated=replace(self.stated, unheld=more))


class _Whole(Struct):
    """All that applies at a place: schemas without references and what is beside those.

    `at` is the place itself, `labels` are the names of what references lead to.
    """

    at: Place
    nodes: list[Place] = field(default_factory=list)
    is_nullable: bool = False
    labels: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells the place apart from those at which something else applies."""
        return tuple(sorted(node.key for node in self.nodes))

    def instead(self, number: int, keyword: str, option: _Whole) -> _Whole:
        """Return the same with one of the alternatives that a keyword of a node gives."""
        nodes = [*self.nodes]
        nodes[number] = nodes[number].apart_from(keyword)
        kept = [node for node in nodes if not stated.says_nothing(node.node)]
        is_labelled = not kept and not self.labels
        return _Whole(
            option.at,
            kept + option.nodes,
            option.is_nullable,
            option.labels if is_labelled else self.labels,
            [*self.diagnostics, *option.diagnostics],
        )

    def called(self, name: str) -> str:
        """Return what an object is called: like what alone a reference leads to."""
        return self.labels[0] if len(self.labels) == 1 else name


class _Said(Struct):
    """What is said of the members of objects; `members` are those of each, by its name."""

    lasting: set[Member] = field(default_factory=set)
    choices: dict[Member, tuple[str, ...]] = field(default_factory=dict)
    stated: dict[Member, Stated] = field(default_factory=dict)
    members: dict[str, Mapping[str, _Found]] = field(default_factory=dict)

    def note(self, name: str, members: Mapping[str, _Found]) -> None:
        """Take note of the members of an object."""
        self.members[name] = members
        for member, found in members.items():
            if found.is_lasting:
                self.lasting.add((name, member))
            if found.choices:
                self.choices[name, member] = found.choices
            if found.stated != Stated():
                self.stated[name, member] = found.stated


class _Reader:
    """Reads places of documents; each object is made once, so a schema may refer to itself."""

    def __init__(self, library: Library, taken: Mapping[str, int]) -> None:
        self.said = _Said()
        self.names = {**dict.fromkeys((*_TAKEN, *get_args(types.ScalarName)), 1), **taken}
        self._library = library
        self._made: dict[tuple[object, ...], types.Object] = {}
        self._unions: dict[object, _Found | None] = {}
        self._open: set[object] = set()
        self._depth = 0
        self._read = 0
        # What has a name and waits for its members: references may lead on and on.
        self._waiting: dict[str, Callable[[], None]] = {}

    def whole(self, places: Sequence[Place], name: str) -> _Found:
        """Return what several schemas together describe, with all that is in it."""
        found = self.read(places, name)
        while self._waiting:
            self._complete(next(iter(self._waiting)))
        return found

    def _complete(self, name: str) -> None:
        """Read the members of an object that waits for them."""
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            depth, self._depth = self._depth, 0
            waiting()
            self._depth = depth

    def read(self, places: Sequence[Place], name: str) -> _Found:
        """Return what several schemas together describe, `T?` where they allow null.

        OpenAPI 3.0 says that with `nullable: true`, beside a `$ref` too.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError
        whole = self._whole(places)
        found = self._found(whole, whole.called(name))
        is_lasting = any(place.node.get("readOnly") is True for place in places)
        self._depth -= 1
        return replace(found, is_lasting=is_lasting)

    def _found(self, whole: _Whole, name: str, *, is_option: bool = False) -> _Found:
        """Return what applies; an object that is an option gets no name."""
        self._read += max(1, len(whole.nodes))
        if self._read > _MOST_READ:
            at = whole.at.document.path
            raise Stopped(schemas.too_large(path=at, most=_MOST_READ, what="source"))
        found = self._present(whole, name, is_option=is_option)
        found = found.or_null() if whole.is_nullable else found
        return found.with_diagnostics(whole.diagnostics)

    def _whole(self, places: Sequence[Place]) -> _Whole:
        """Return what applies at places: references and `allOf` are followed."""
        whole, todo, seen = _Whole(places[0]), [*places], set[object]()
        circle: Diagnostic | None = None
        while todo:
            place = todo.pop(0)
            if place.key in seen:
                continue
            seen.add(place.key)
            node = place.node
            whole.is_nullable |= node.get("nullable") is True or node.get("x-nullable") is True
            reference = json_schema.reference_of(node)
            if reference is not None:
                behind = self._library.follow(place, reference)
                if behind is None:
                    whole.diagnostics.append(json_schema.astray(place, reference, "source"))
                elif behind.key in seen:
                    circle = json_schema.astray(place, reference, "source")
                else:
                    whole.labels.append(json_schema.last_step(reference))
                    todo.insert(0, behind)
                place = place.without_reference()
            parts = place.node.get("allOf")
            if isinstance(parts, list):
                todo[:0] = [place.inside("allOf", at) for at in range(len(parts))]
                place = place.apart_from("allOf")
            if not stated.says_nothing(place.node):
                whole.nodes.append(place)
        if circle is not None and not whole.nodes:
            whole.diagnostics.append(circle)
        return whole

    def _present(self, whole: _Whole, name: str, *, is_option: bool) -> _Found:
        for number, place in enumerate(whole.nodes):
            for keyword in _OPTIONS:
                if isinstance(place.node.get(keyword), list):
                    return self._either(whole, number, keyword, name, is_option=is_option)
        kinds, is_null = _kinds(whole.nodes)
        if len(kinds) == 1:
            found = self._typed(kinds[0], whole, name, is_option=is_option)
        elif _are_apart([kinds]):
            found = _untyped(whole.nodes[0], "type")
        elif kinds:
            options = [partial(self._typed, kind, whole, name, is_option=True) for kind in kinds]
            found = self._union(options, whole.nodes[0], "type", name, is_option=is_option)
        else:
            unknown = tuple(chain.from_iterable(map(_unknown_types, whole.nodes)))
            untyped = () if whole.diagnostics else (stated.untyped(whole.at),)
            found = _Found(types.UNTYPED, Stated(unheld=unknown or untyped))
        return found.or_null() if is_null else found

    def _either(
        self, whole: _Whole, number: int, keyword: str, name: str, *, is_option: bool
    ) -> _Found:
        """Return what one of several alternatives describes, null beside the others."""
        key = whole.key
        before = self._unions.get(key)
        if key in self._unions and (before is None or not is_option):
            return before or _untyped(whole.nodes[number], keyword)  # it holds itself
        self._unions[key] = None
        place = whole.nodes[number]
        options = [
            self._whole([place.inside(keyword, at)])
            for at in range(len(cast("list[object]", place.node[keyword])))
        ]
        possible = [whole.instead(number, keyword, one) for one in options]
        there = [
            number
            for number, (one, option) in enumerate(zip(possible, options, strict=True))
            if not _is_null(option.nodes) and _is_possible(one.nodes)
        ]
        present = [possible[number] for number in there]
        kinds = [_kinds_at_once(one) for one in present]
        if len(present) == 1:
            (only,) = present
            found = self._found(only, only.called(name), is_option=is_option)
        elif _are_apart(kinds):
            found = _untyped(place, keyword)
        elif not is_option and all(kind == ("object",) for kind in kinds):
            named = _discriminated(place.node, keyword, there)
            found = self._any_object(present, key, place, keyword, name, named)
        else:
            each = [partial(self._found, one, name, is_option=True) for one in present]
            found = self._union(each, place, keyword, name, is_option=is_option)
        is_null = any(_is_null(one.nodes) for one in options)
        found = found.or_null() if is_null else found
        self._unions[key] = before if is_option else found
        if self._unions[key] is None:
            del self._unions[key]
        return found

    def _any_object(
        self,
        options: Sequence[_Whole],
        key: object,
        place: Place,
        keyword: str,
        name: str,
        named: tuple[str, Sequence[tuple[str, ...]]],
    ) -> _Found:
        """Return the object that has what alternatives have, which may hold it again.

        `named` is the member that OpenAPI tells them apart by, with the values of each.
        """
        fields: dict[str, types.Type] = {}
        tags: dict[str, Mapping[str, types.Alternative]] = {}
        made = types.Object(self._new_name(name), fields, is_structural=True, tags=tags)
        nodes = {id(node.schema): node for one in options for node in one.nodes}
        diagnostics = chain.from_iterable(stated.unheld(node, "object") for node in nodes.values())
        found = _Found(made, Stated(unheld=tuple(dict.fromkeys(diagnostics))))
        if any(one.is_nullable or _kinds(one.nodes)[1] for one in options):
            found = found.or_null()
        self._unions[key] = found

        def fill() -> None:
            held = [self._object(one, name, is_option=True).members or {} for one in options]
            self._note(made.name, fields, self._merged(held, place, keyword))
            tags.update(_tags(held, named))

        self._fill_in_turn(made.name, fill)
        return found

    def _fill_in_turn(self, name: str, fill: Callable[[], None]) -> None:
        """Read the members of an object now, or later where too much is being read already."""
        if self._depth < _DEEP:
            fill()
        else:
            self._waiting[name] = fill

    def _note(
        self, name: str, fields: dict[str, types.Type], members: Mapping[str, _Found]
    ) -> None:
        fields.update((member, found.type) for member, found in members.items())
        self.said.note(name, members)

    def _union(
        self,
        options: Sequence[Callable[[], _Found]],
        place: Place,
        keyword: str,
        name: str,
        *,
        is_option: bool,
    ) -> _Found:
        found = None
        if len(options) <= _MOST_OPTIONS:
            found = self._one([option() for option in options], name, place, keyword)
        if found is None:
            return _untyped(place, keyword)
        return found if is_option or found.members is None else self._named(found, name)

    def _one(
        self, options: Sequence[_Found], name: str, place: Place, keyword: str
    ) -> _Found | None:
        """Return the one type that holds all alternatives, None where there is none."""
        if not options:
            return None
        is_null = any(isinstance(one.type, types.Optional) for one in options)
        present = [replace(one, type=types.present(one.type)) for one in options]
        found = self._one_present(present, name, place, keyword)
        return found.or_null() if found is not None and is_null else found

    def _one_present(
        self, options: Sequence[_Found], name: str, place: Place, keyword: str
    ) -> _Found | None:
        first, *more = options
        if all(one == first for one in more):
            return first
        opened = [self._opened(one) for one in options]
        if all(one.members is not None for one in opened):
            members = [cast("Mapping[str, _Found]", one.members) for one in opened]
            said = _stated_of(options, place, keyword)
            merged = self._merged(members, place, keyword)
            return _Found(types.UNTYPED, said, members=merged, tags=_tags(members))
        if any(isinstance(one.type, types.ListOf) for one in options):
            return self._one_or_many(options, name, place, keyword)
        kind = _joined([one.type for one in options])
        if kind is None:
            return None
        said = _stated_of(options, place, keyword)
        if kind == types.STRING and any(one.type in _NUMBERS for one in options):
            said = _stated_of_text(options, place, keyword)
        return _Found(kind, said, _all_choices(options))

    def _one_or_many(
        self, options: Sequence[_Found], name: str, place: Place, keyword: str
    ) -> _Found | None:
        """Return a list; its only element may be written without it, where that is an option."""
        lists = [one for one in options if isinstance(one.type, types.ListOf)]
        single = [one for one in options if not isinstance(one.type, types.ListOf)]
        called = singular(name, "{}_element")
        elements = [
            _Found(cast(types.ListOf, one.type).element, one.stated.inner or Stated())
            for one in lists
        ]
        first = self._opened(elements[0])
        if len(lists) == 1 and all(one.members == first.members for one in single):
            found: _Found | None = replace(elements[0])
        else:
            found = self._one([*elements, *single], called, place, keyword)
        if found is None:
            return None
        found = found if found.members is None else self._named(found, called)
        own = lists[0].stated.own if len(lists) == 1 else ()
        return _Found(
            types.ListOf(found.type), Stated(own, found.stated, is_varied=len(single) > 0)
        )

    def _opened(self, found: _Found) -> _Found:
        """Return an object with the members that it is known to have."""
        kind = found.type
        if found.members is None and isinstance(kind, types.Object):
            self._complete(kind.name)
            return replace(found, members=self.said.members.get(kind.name))
        return found

    def _merged(
        self, options: Sequence[Mapping[str, _Found]], place: Place, keyword: str
    ) -> Mapping[str, _Found]:
        """Return the members of alternatives: what only some have may be missing."""
        merged = {}
        for name in dict.fromkeys(chain.from_iterable(options)):
            held = [one[name] for one in options if name in one]
            found = self._one_member(held, name, place, keyword)
            merged[name] = found if len(held) == len(options) else found.or_null()
        return merged

    def _one_member(self, held: Sequence[_Found], name: str, place: Place, keyword: str) -> _Found:
        first, *more = held
        if all(one == first for one in more):
            return first
        found = self._one(held, name, place, keyword)
        if found is None:
            return _untyped(place, keyword)
        return found if found.members is None else self._named(found, name)

    def _named(self, found: _Found, name: str) -> _Found:
        """Return an object with its own name."""
        assert found.members is not None
        fields = {member: one.type for member, one in found.members.items()}
        made = types.Object(self._new_name(name), fields, is_structural=True, tags=found.tags)
        self.said.note(made.name, found.members)
        is_null = isinstance(found.type, types.Optional)
        return _Found(types.optional(made) if is_null else made, found.stated)

    def _typed(self, kind: str, whole: _Whole, name: str, *, is_option: bool) -> _Found:
        diagnostics = tuple(chain.from_iterable(stated.unheld(one, kind) for one in whole.nodes))
        if kind == "object":
            return self._object(whole, name, is_option=is_option).with_diagnostics(diagnostics)
        holders = [one for one in whole.nodes if stated.holds_json(one.node)]
        if kind == "string" and holders:
            found = self._in_text(holders, name, is_option=is_option)
            around = chain.from_iterable(map(stated.unheld_around_json, whole.nodes))
            return found.with_diagnostics((*diagnostics, *around))
        own = tuple(
            dict.fromkeys(
                chain.from_iterable(stated.constraints(one.node, kind) for one in whole.nodes)
            )
        )
        if kind == "array":
            called = singular(name, "{}_element")
            read = partial(self._element, whole.nodes, called)
            element = self._unless_inside(("array", whole.key), whole.nodes[0], read)
            said = Stated(own, element.stated, diagnostics or element.stated.unheld)
            return _Found(types.ListOf(element.type), said)
        scalar = _SCALARS[kind]
        forms = [one.node.get("format") for one in whole.nodes] if kind == "string" else []
        typed = (_STRING_FORMATS[form] for form in forms if form in stated.TYPED_FORMATS)
        named = (stated.choices(one.node) for one in whole.nodes)
        choices = next((one for one in named if one), ())
        return _Found(next(typed, scalar), Stated(own, unheld=diagnostics), choices)

    def _in_text(self, holders: Sequence[Place], name: str, *, is_option: bool) -> _Found:
        """Return what texts of JSON hold: an object, a list or a map, and no alternative to it."""
        found = self.read(_inside(holders, "contentSchema"), name)
        is_scalar = isinstance(types.present(found.type), types.Scalar)
        if is_option or is_scalar or found.stated.is_text:
            return _untyped(holders[0], "contentSchema")
        return replace(found, stated=replace(found.stated, is_text=True))

    def _element(self, nodes: Sequence[Place], name: str) -> _Found:
        """Return what an element of a list is; one whose type depends on its number is of all."""
        everywhere = _inside(nodes, "items")
        by_number = [
            one.inside(keyword, at)
            for one in nodes
            for keyword in ("prefixItems", "items")
            if isinstance(one.node.get(keyword), list)
            for at in range(len(cast("list[object]", one.node[keyword])))
        ]
        if not by_number:
            untyped = Stated(unheld=(stated.untyped(nodes[0]),))
            return self.read(everywhere, name) if everywhere else _Found(types.UNTYPED, untyped)
        rest = _inside(nodes, "additionalItems")
        options = [
            partial(self._found, self._whole([one]), name, is_option=True)
            for one in (*by_number, *everywhere, *rest)
        ]
        return self._union(options, nodes[0], "items", name, is_option=False)

    def _object(self, whole: _Whole, name: str, *, is_option: bool) -> _Found:
        key = whole.key
        if key in self._made and not is_option:
            return _Found(self._made[key])
        places = _members(whole.nodes)
        values = None
        if not places and _values(whole.nodes):
            read = partial(self._values, whole.nodes, singular(name, "{}_value"))
            values = self._unless_inside(("map", key), whole.nodes[0], read)
        if values is not None and not isinstance(types.present(values.type), types.ErrorType):
            said = Stated(inner=values.stated, unheld=values.stated.unheld)
            return _Found(types.MapOf(types.STRING, values.type), said)
        required = frozenset(chain.from_iterable(map(_required, whole.nodes)))
        if is_option:
            return _Found(types.UNTYPED, members=self._read_members(places, required))
        fields: dict[str, types.Type] = {}
        made = types.Object(self._new_name(name), fields, is_structural=True)
        self._made[key] = made

        def fill() -> None:
            self._note(made.name, fields, self._read_members(places, required))

        self._fill_in_turn(made.name, fill)
        return _Found(made)

    def _read_members(
        self, places: Mapping[str, Sequence[Place]], required: frozenset[str]
    ) -> Mapping[str, _Found]:
        members = {}
        for member, held in places.items():
            found = self.read(held, member)
            members[member] = found if member in required else found.or_null()
        return members

    def _unless_inside(self, key: object, place: Place, read: Callable[[], _Found]) -> _Found:
        """Return what a list or a map holds, of no type where it holds itself without an object."""
        if key in self._open:
            return _untyped(place, "$ref")
        self._open.add(key)
        found = read()
        self._open.remove(key)
        return found

    def _values(self, nodes: Sequence[Place], called: str) -> _Found:
        """Return what the values of a map are."""
        places = _values(nodes)
        options = [
            partial(self._found, self._whole([one]), called, is_option=True) for one in places
        ]
        if len(places) == 1:
            return self.read(places, called)
        return self._union(options, nodes[0], "patternProperties", called, is_option=False)

    def _new_name(self, name: str) -> str:
        """Return a name that no other object has."""
        name = re.sub(r"\W+", "_", name[:_LONGEST_NAME]) or "object"
        number = self.names.get(name, 0) + 1
        self.names[name] = number
        return name if number == 1 else self._new_name(f"{name}_{number}")


def _discriminated(
    node: json_schema.Node, keyword: str, there: Sequence[int]
) -> tuple[str, Sequence[tuple[str, ...]]]:
    """Return the member by which OpenAPI tells alternatives apart, with the values of each.

    A value is the name of a schema, or one that `mapping` gives it.
    """
    said = node.get("discriminator")
    name = said.get("propertyName") if isinstance(said, dict) else None
    given = said.get("mapping") if isinstance(said, dict) else None
    mapping = given if isinstance(given, dict) else {}
    named = []
    for number in there:
        option = cast("list[object]", node[keyword])[number]
        reference = json_schema.reference_of(option) if isinstance(option, dict) else None
        own = "" if reference is None else json_schema.last_step(reference)
        values = (value for value, to in mapping.items() if to in (reference, own))
        named.append(tuple(values) or (own,) * bool(own))
    return (name, named) if isinstance(name, str) else ("", ())


def _tags(
    options: Sequence[Mapping[str, _Found]],
    given: tuple[str, Sequence[tuple[str, ...]]] = ("", ()),
) -> Tags:
    """Return the members that tell alternatives apart: each has them, with values of its own.

    `given` is a member whose values are known otherwise.
    """
    found: dict[str, Mapping[str, types.Alternative]] = {}
    for name in options[0]:
        named = [one[name].choices for one in options if _is_tag(one.get(name))]
        if name == given[0] and all(given[1]) and all(name in one for one in options):
            named = [*given[1]]
        values = [*chain.from_iterable(named)]
        if len(named) == len(options) > 1 and len(values) == len({*values}):
            found[name] = {
                value: types.Alternative(frozenset(one), frozenset(_always_there(one)))
                for one, known in zip(options, named, strict=True)
                for value in known
            }
    return found


def _is_tag(member: _Found | None) -> bool:
    return member is not None and bool(member.choices) and member.type in (types.STRING, types.INT)


def _always_there(members: Mapping[str, _Found]) -> Iterator[str]:
    for name, found in members.items():
        if not isinstance(found.type, types.Optional | types.ErrorType):
            yield name


def _untyped(place: Place, keyword: str) -> _Found:
    """Return what has no one type by a keyword."""
    return _Found(types.UNTYPED, Stated(unheld=(stated.no_one_type(place, keyword),)))


def _kinds(nodes: Sequence[Place]) -> tuple[tuple[str, ...], bool]:
    """Return the types that all schemas allow besides null, and whether that is one.

    A schema without `type` allows what it says something of; that is less than JSON Schema does.
    """
    declared = [kinds for one in nodes if (kinds := _declared(one)) is not None]
    said = declared or [kinds for one in nodes if (kinds := _implied(one)) is not None]
    if not said:
        return (), False
    is_null = all("null" in kinds for kinds in said)
    common = [kind for kind in said[0] if all(_allows(kinds, kind) for kinds in said)]
    narrowed = ["integer" if _is_whole(kind, said) else kind for kind in common]
    if "number" in narrowed and "integer" in narrowed:
        narrowed.remove("integer")
    return tuple(dict.fromkeys(kind for kind in narrowed if kind in _KINDS)), is_null


def _allows(kinds: Sequence[str], kind: str) -> bool:
    numbers = {"integer", "number"}
    return kind in kinds or (kind in numbers and not numbers.isdisjoint(kinds))


def _is_whole(kind: str, said: Iterable[Sequence[str]]) -> bool:
    return kind == "number" and any("number" not in kinds for kinds in said)


def _kinds_at_once(whole: _Whole) -> tuple[str, ...]:
    """Return the types that a place allows where that is known without reading what is in it.

    An object of any members is a map, which is another type.
    """
    if any(isinstance(node.node.get(key), list) for node in whole.nodes for key in _OPTIONS):
        return ()
    kinds, _ = _kinds(whole.nodes)
    is_map = kinds == ("object",) and not _members(whole.nodes) and bool(_values(whole.nodes))
    return () if is_map else kinds


def _are_apart(kinds: Iterable[Sequence[str]]) -> bool:
    """Tell whether alternatives are objects and values: no type holds both."""
    known = {kind for one in kinds for kind in one}
    return "object" in known and not known.isdisjoint(_SCALARS)


def _declared(place: Place) -> tuple[str, ...] | None:
    found = place.node.get("type")
    kinds = found if isinstance(found, list) else [found]
    named = tuple(kind for kind in kinds if isinstance(kind, str))
    return None if not named or "any" in named else named


_IMPLYING = {
    **dict.fromkeys(("properties", "patternProperties", "required"), "object"),
    "additionalProperties": "object",
    **dict.fromkeys(("items", "prefixItems"), "array"),
}
_OF_VALUE = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


def _implied(place: Place) -> tuple[str, ...] | None:
    node = place.node
    named = node.get("enum", [node["const"]] if "const" in node else None)
    if isinstance(named, list):
        return tuple(dict.fromkeys(_OF_VALUE.get(type(value), "number") for value in named))
    found = tuple(dict.fromkeys(kind for keyword, kind in _IMPLYING.items() if keyword in node))
    return found or None


def _is_null(nodes: Sequence[Place]) -> bool:
    """Tell whether null alone is allowed."""
    kinds, is_null = _kinds(nodes)
    return is_null and not kinds


def _is_possible(nodes: Sequence[Place]) -> bool:
    """Tell whether a value can have a type that all schemas allow."""
    kinds, is_null = _kinds(nodes)
    return bool(kinds) or is_null or all(_declared(node) is None for node in nodes)


def _unknown_types(place: Place) -> Iterator[Diagnostic]:
    found = place.node.get("type")
    for kind in found if isinstance(found, list) else [found]:
        if isinstance(kind, str) and kind not in (*_KINDS, "null", "any"):
            yield schemas.not_a_schema(
                path=place.document.path,
                pointer=f"{place.pointer}/type",
                reason=f"there is no type `{kind}`",
                what="source",
            )


def _members(nodes: Iterable[Place]) -> Mapping[str, list[Place]]:
    """Return what applies to each member that the schemas name."""
    nodes = list(nodes)
    found: dict[str, list[Place]] = {}
    for one in nodes:
        properties = one.node.get("properties")
        for member in properties if isinstance(properties, dict) else ():
            found.setdefault(member, []).append(one.inside("properties", member))
    for one in nodes:
        for pattern in _patterns(one) if found else ():
            for member, places in found.items():
                if Pattern(pattern).is_in(member):
                    places.append(one.inside("patternProperties", pattern))
    return found


def _values(nodes: Sequence[Place]) -> list[Place]:
    """Return the schemas of the members that schemas allow by other means than their names."""
    named = [(one, pattern) for one in nodes for pattern in _patterns(one)]
    places = _inside(nodes, "additionalProperties")
    return places + [one.inside("patternProperties", pattern) for one, pattern in named]


def _inside(nodes: Iterable[Place], keyword: str) -> list[Place]:
    """Return the schemas that a keyword holds, where it holds one."""
    return [one.inside(keyword) for one in nodes if isinstance(one.node.get(keyword), dict)]


def _patterns(place: Place) -> Iterator[str]:
    """Yield the patterns of names that a schema says something of."""
    known = place.node.get("patternProperties")
    for pattern, schema in known.items() if isinstance(known, dict) else ():
        if isinstance(schema, dict) and regex_error(pattern) is None:
            yield pattern


def _required(place: Place) -> Iterator[str]:
    found = place.node.get("required")
    names = found if isinstance(found, list) else ()
    yield from (name for name in names if isinstance(name, str))


def _joined(kinds: Sequence[types.Type]) -> types.Type | None:
    """Return the type that holds all of several; text holds numbers as they are written."""
    if any(isinstance(kind, types.ErrorType) for kind in kinds):
        return None
    first, *more = kinds
    found: types.Type | None = first
    for kind in more:
        found = None if found is None else types.join(found, kind)
    if found is not None:
        return found
    if types.STRING in kinds and all(kind in (*_TEXTS, *_NUMBERS) for kind in kinds):
        return types.STRING
    return types.STRING if all(kind in _TEXTS for kind in kinds) else None


def _stated_of(options: Sequence[_Found], place: Place, keyword: str) -> Stated:
    """Return what is said of a value whichever alternative it is."""
    said = [one.stated for one in options]
    diagnostics = tuple(dict.fromkeys(chain.from_iterable(one.unheld for one in said)))
    inner = said[0].inner if all(one.inner == said[0].inner for one in said) else None
    own = said[0].own
    if any(one.own != own for one in said):
        own = _chosen(said)
        if not own and all(one.own for one in said):
            diagnostics = (*diagnostics, stated.not_validated(place, keyword))
    return Stated(own, inner, diagnostics, is_varied=any(one.is_varied for one in said))


def _stated_of_text(options: Sequence[_Found], place: Place, keyword: str) -> Stated:
    """Return what is said of a value that is text or a number: of the text alone."""
    texts = [one for one in options if one.type in _TEXTS]
    said = _stated_of(texts, place, keyword)
    numbers = [one.stated for one in options if one.type in _NUMBERS]
    diagnostics = tuple(chain.from_iterable(one.unheld for one in numbers))
    if any(one.own for one in numbers):
        diagnostics = (*diagnostics, stated.not_validated(place, keyword))
    return replace(said, unheld=(*said.unheld, *diagnostics), is_varied=True)


def _chosen(said: Iterable[Stated]) -> tuple[Constraints, ...]:
    """Return the values that alternatives name together, where that is all that they say."""
    texts: list[str | bool] = []
    for one in said:
        choices = one.own[0].choices if len(one.own) == 1 else None
        if choices is None or one.own != (Constraints(choices=choices),):
            return ()
        texts += choices
    return (Constraints(choices=tuple(dict.fromkeys(texts))),)


def _all_choices(options: Sequence[_Found]) -> tuple[str, ...]:
    if not all(one.choices for one in options):
        return ()
    return tuple(dict.fromkeys(chain.from_iterable(one.choices for one in options)))
