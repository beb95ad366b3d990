"""What a source clause says of values beside the schema: their types, the words for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping

from msgspec.structs import replace

from mapgen.agreed.paths import names_along, steps
from mapgen.check.composing import key_paths, kind_words
from mapgen.check.reaching import is_meant, reached
from mapgen.check.sources import all_paths, near_paths
from mapgen.contract.source_schema import SourceSchema, Tags
from mapgen.contract.stated import Stated
from mapgen.ir import types
from mapgen.ir.names import new_name
from mapgen.ir.types import ErrorType, ListOf, MapOf, Object, Optional, Scalar, Type
from mapgen.report import Diagnostic
from mapgen.report.catalogue import operations, schemas
from mapgen.spec import model as spec

# What may be written in more than one way; decimals are read from text as they are.
_VARIED = ("string", "int", "bool", "list")

# Names, each with the marks of rows behind it.
Steps = tuple[tuple[str, str], ...]
Asked = tuple[Steps, spec.DeclaredValue]


def declared(
    source: spec.SourceClause, schema: SourceSchema | None, diagnostics: list[Diagnostic]
) -> SourceSchema | None:
    """Return a schema with the values that the source clause declares; `diagnostics` grows."""
    if schema is None or not source.values:
        return schema
    name = source.name.value
    keys = {tuple(names_along(one)) for one in key_paths(source, schema.record)}
    reader = _Declaring(schema, _times(schema.record), diagnostics)
    asked: list[Asked] = []
    for value in source.values:
        (first, _), *within = steps(value.path.value)
        if tuple(names_along(value.path.value)) in keys:
            diagnostics.append(schemas.unfit_value(value.path, why="it is part of a key"))
        elif first == name and within:
            asked.append((tuple(within), value))
        else:
            diagnostics.append(_unknown(value, schema, name))
    record = reader.object(schema.record, asked)
    unmet = (value for _, value in asked if value.path.value not in reader.met)
    diagnostics += [_unknown(value, schema, name) for value in unmet]
    return replace(
        schema,
        record=record,
        stated=reader.stated,
        choices=reader.choices,
        lasting=frozenset(reader.lasting),
    )


def _unknown(value: spec.DeclaredValue, schema: SourceSchema, name: str) -> Diagnostic:
    known = reached(schema.record, [value.path.value])
    near = near_paths(value.path.value, all_paths(known, name))
    return operations.unknown_source_path(value.path, known=near)


def _times(record: Object) -> Mapping[str, int]:
    """Return in how many places each object is held."""
    found: Counter[str] = Counter()
    todo: list[Type] = [record]
    while todo:
        kind = types.held(todo.pop())
        if isinstance(kind, Object):
            found[kind.name] += 1
            if found[kind.name] == 1:
                todo += kind.fields.values()
    return found


def _never_missing(kind: Object, changed: Container[str]) -> Tags:
    """Return the tags of an object whose alternatives are not sure to have what is changed."""
    return {
        tag: {
            value: replace(one, required=frozenset(m for m in one.required if m not in changed))
            for value, one in alternatives.items()
        }
        for tag, alternatives in kind.tags.items()
        if tag not in changed
    }


class _Declaring:
    """Makes the types anew that hold declared values; `met` are the paths that lead to one."""

    def __init__(
        self, schema: SourceSchema, times: Mapping[str, int], diagnostics: list[Diagnostic]
    ) -> None:
        self.met: set[str] = set()
        self.stated = dict(schema.stated)
        self.choices = dict(schema.choices)
        self.lasting = set(schema.lasting)
        self._times = times
        self._taken = {*times, *schema.names}
        self._diagnostics = diagnostics

    def object(self, kind: Object, asked: list[Asked]) -> Object:
        """Return an object of which these paths are declared, under its name if it has but one."""
        found: dict[str, Type] = {}
        said: dict[str, Stated] = {}
        for member, of in kind.fields.items():
            meant = [one for one in asked if is_meant(one[0][0][0], member)]
            stated = self.stated.get((kind.name, member), Stated())
            found[member], said[member] = self._member(of, stated, meant)
        name = kind.name if self._times[kind.name] == 1 else self._new_name(kind.name)
        for member in kind.fields:
            self._note(kind.name, name, member)
            self.stated[name, member] = said[member]
            if said[member].is_varied:
                self.choices.pop((name, member), None)
        changed = {member for member, of in kind.fields.items() if found[member] != of}
        return replace(kind, name=name, fields=found, tags=_never_missing(kind, changed))

    def _note(self, before: str, name: str, member: str) -> None:
        """Keep what is known of a member under the new name of its object."""
        if (before, member) in self.choices:
            self.choices[name, member] = self.choices[before, member]
        if (before, member) in self.lasting:
            self.lasting.add((name, member))

    def _member(self, kind: Type, stated: Stated, asked: list[Asked]) -> tuple[Type, Stated]:
        here = [(way[0][1].count("[]"), value) for way, value in asked if len(way) == 1]
        for depth, value in here:
            kind, stated = self._value(kind, stated, value, depth)
        deeper = [(way[1:], value) for way, value in asked if len(way) > 1]
        return (self._inside(kind, deeper) if deeper else kind), stated

    def _inside(self, kind: Type, asked: list[Asked]) -> Type:
        match kind:
            case Optional(inner):
                return types.optional(self._inside(inner, asked))
            case ListOf(inner):
                return ListOf(self._inside(inner, asked))
            case MapOf(key, inner):
                return MapOf(key, self._inside(inner, asked))
            case Object():
                return self.object(kind, asked)
            case _:
                return kind

    def _value(
        self, kind: Type, stated: Stated, value: spec.DeclaredValue, depth: int
    ) -> tuple[Type, Stated]:
        """Return what a value is after it is declared, `depth` lists or maps inside."""
        inner = types.present(kind)
        if depth and isinstance(inner, ListOf | MapOf):
            element = types.element_of(inner)
            made, said = self._value(element, stated.inner or Stated(), value, depth - 1)
            whole = ListOf(made) if isinstance(inner, ListOf) else MapOf(inner.key, made)
            unheld = said.unheld if said != stated.inner else stated.unheld
            stated = replace(stated, inner=said, unheld=unheld)
            return (types.optional(whole) if isinstance(kind, Optional) else whole), stated
        self.met.add(value.path.value)
        if value.type is not None:
            found = self._typed(inner, stated, value, value.type.value)
            if found is None:
                return kind, stated
            inner, stated = found
        is_null = isinstance(kind, Optional | ErrorType) or bool(value.missing)
        stated = replace(
            stated,
            is_varied=stated.is_varied or str(inner) in _VARIED,
            nothing=tuple(word.value for word in value.missing),
        )
        return (types.optional(inner) if is_null else inner), stated

    def _typed(
        self, kind: Type, stated: Stated, value: spec.DeclaredValue, wanted: str
    ) -> tuple[Type, Stated] | None:
        if stated.is_text:
            is_whole = wanted == "string"
            return (types.STRING, Stated()) if is_whole else self._unfit(value, kind)
        if wanted == "list":
            if isinstance(kind, ErrorType | ListOf):
                said = replace(stated, unheld=(), is_varied=True)
                return (kind, said) if isinstance(kind, ListOf) else self._unfit(value, kind)
            return ListOf(kind), Stated(inner=stated, is_varied=True)
        if wanted == "object":
            return (kind, Stated()) if isinstance(kind, Object) else self._unfit(value, kind)
        if not isinstance(kind, Scalar | ErrorType):
            return self._unfit(value, kind)
        found = types.BY_NAME[wanted]
        own = stated.own if found == kind else ()
        return found, Stated(own)

    def _unfit(self, value: spec.DeclaredValue, kind: Type) -> tuple[Type, Stated] | None:
        why = f"the schema says that it is {kind_words(kind)}"
        self._diagnostics.append(schemas.unfit_value(value.path, why=why))
        return None

    def _new_name(self, name: str) -> str:
        found = new_name(name, self._taken)
        self._taken.add(found)
        return found
