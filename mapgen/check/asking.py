"""What is asked of the ERP for records of an entity: the request, and the shape of its answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import Reads, Shape
from mapgen.check.composing import key_paths
from mapgen.check.records import members_read
from mapgen.contract.model import Entity
from mapgen.contract.source_schema import EntitySource, SourceSchema
from mapgen.ir.types import DATE, Object, Optional, Type, held, present
from mapgen.spec import model as spec

_CUSTOM = "custom"
_NOTE = "note"


def own_reads(
    source: spec.SourceClause, schema: SourceSchema, reads: Iterable[str]
) -> Reads | None:
    """Return what is asked of the ERP for the records themselves; None where files hold them.

    Args:
        source: with the joins, whose keys are asked for, too.
        schema: of a record with all that is joined.
        reads: all source paths that are read.
    """
    if schema.entity is None:
        return None
    joined = {join.name.value for join in source.joins}
    fields = {name: kind for name, kind in schema.record.fields.items() if name not in joined}
    paths = (*reads, *key_paths(source, schema.record))
    own = [path for path in paths if _first(path) not in joined]
    return entity_reads(schema.entity, replace(schema.record, fields=fields), own)


def joined_reads(
    source: spec.SourceClause, schema: SourceSchema, reads: Iterable[str]
) -> Mapping[str, Reads]:
    """Return what is asked of the ERP for what is joined to records, by the names of the joins."""
    paths = (*reads, *key_paths(source, schema.record))
    return {
        name: entity_reads(
            entity,
            _object(schema.record.fields[name]),
            [_inside(path) for path in paths if _first(path) == name],
        )
        for name, entity in schema.joined.items()
    }


def _first(path: str) -> str:
    """Return the member of a record that a source path goes through: `order.lines[].sku`."""
    return [*names_along(path), ""][1]


def _inside(path: str) -> str:
    """Return a path as it goes on behind its first name."""
    return path.partition(".")[2]


def entity_reads(source: EntitySource, record: Object, reads: Iterable[str]) -> Reads:
    """Return what is asked of the ERP.

    Args:
        source: where records come from.
        record: their type.
        reads: all source paths that are read.
    """
    paths = tuple(reads)
    shape = _Shapes(source, members_read(record, paths)).shape(record, source.entity, _below(paths))
    custom = tuple(
        f"{view}.{name}"
        for part, views in shape.linked.items()
        if part == _CUSTOM
        for view, fields in views.linked.items()
        for name in (*fields.values, *fields.dates)
    )
    query = _query5 if source.contract.contract_version >= 5 else _query4
    return Reads(
        endpoint=source.contract.endpoint,
        version=source.contract.version,
        contract_version=source.contract.contract_version,
        entity=source.entity.name,
        keys=source.entity.keys,
        query={key: value for key, value in query(source.entity, shape, custom) if value},
        shape=shape,
    )


def _below(paths: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the names behind the first of each path, each with the paths from there on."""
    found: dict[str, list[str]] = {}
    for path in paths:
        rest = _inside(path)
        if rest:
            found.setdefault(names_along(rest)[0], []).append(rest)
    return {name: tuple(inner) for name, inner in found.items()}


class _Shapes(Struct, frozen=True):
    """Makes the shapes of one source; `read` are the members read of each type of object."""

    source: EntitySource
    read: Mapping[str, frozenset[str]]

    def shape(self, kind: Object, entity: Entity, below: Mapping[str, tuple[str, ...]]) -> Shape:
        """Return the shape of an object of an entity, of which the paths `below` are read."""
        values: list[str] = []
        dates: list[str] = []
        linked: dict[str, Shape] = {}
        details: dict[str, Shape] = {}
        for name, member in self._asked(kind, below):
            field = entity.fields.get(name)
            paths = _below(below.get(name, ()))
            if field is None and name == _CUSTOM:
                linked[name] = self._views(member, paths)
            elif field is None or field.entity is None:
                (dates if present(member) == DATE else values).append(name)
            else:
                inner = self.shape(
                    _object(member), self.source.contract.entities[field.entity], paths
                )
                (details if field.shape == "details" else linked)[name] = inner
        return Shape(tuple(values), tuple(dates), linked, details)

    def _asked(self, kind: Object, below: Mapping[str, object]) -> Iterator[tuple[str, Type]]:
        """Yield the members that are read, in the order of the contract.

        One class reads all objects of a type: what is never missing from it is in each of them.
        """
        read = self.read.get(kind.name, frozenset())
        for name, member in kind.fields.items():
            if name in below or (name in read and not isinstance(member, Optional)):
                yield name, member

    def _views(self, kind: Type, below: Mapping[str, tuple[str, ...]]) -> Shape:
        views = {
            view: _view(_object(inner), _below(below[view]))
            for view, inner in _object(kind).fields.items()
            if view in below
        }
        return Shape(linked=views)


def _object(kind: Type) -> Object:
    """Return the type of an object, or of the rows of a list."""
    inner = held(kind)
    assert isinstance(inner, Object)
    return inner


def _view(kind: Object, names: Collection[str]) -> Shape:
    """Return the shape of custom fields, in the order in which the spec declares them."""
    read = [(name, present(one) == DATE) for name, one in kind.fields.items() if name in names]
    values = tuple(name for name, is_day in read if not is_day)
    dates = tuple(name for name, is_day in read if is_day)
    return Shape(values, dates)


def _own(entity: Entity, shape: Shape) -> list[str]:
    """Return the values to ask for: those that are read, and the keys."""
    return list(dict.fromkeys((*entity.keys, *_values(shape))))


def _values(shape: Shape) -> list[str]:
    """Return the values that are read and have to be asked for; a note always comes."""
    return [name for name in (*shape.values, *shape.dates) if name != _NOTE]


def _parts(shape: Shape) -> list[tuple[str, Shape]]:
    return [part for part in (*shape.linked.items(), *shape.details.items()) if part[0] != _CUSTOM]


def _query4(entity: Entity, shape: Shape, custom: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the parameters for contract version 4: paths with `/`, custom fields apart."""
    paths = list(_paths(shape, ""))
    inside = [f"{path}/{name}" for path, part in paths for name in _values(part)]
    yield "$select", ",".join((*_own(entity, shape), *inside))
    yield "$expand", ",".join(path for path, _ in paths)
    yield "$custom", ",".join(custom)


def _paths(shape: Shape, above: str) -> Iterator[tuple[str, Shape]]:
    for name, part in _parts(shape):
        yield f"{above}{name}", part
        yield from _paths(part, f"{above}{name}/")


def _query5(entity: Entity, shape: Shape, custom: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the parameters for contract version 5: parts with parameters of their own."""
    yield "$select", ",".join((*_own(entity, shape), *custom))
    yield "$expand", ",".join(_expanded(name, part) for name, part in _parts(shape))


def _expanded(name: str, shape: Shape) -> str:
    inside = {
        "$select": ",".join(_values(shape)),
        "$expand": ",".join(_expanded(part, inner) for part, inner in _parts(shape)),
    }
    options = ";".join(f"{key}={value}" for key, value in inside.items() if value)
    return f"{name}({options})" if options else name
