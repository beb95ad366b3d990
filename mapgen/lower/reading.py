"""What rules read of an entity in, the request for it and the shape of its answer out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mapgen.contract.model import Entity
from mapgen.contract.source_schema import EntitySource
from mapgen.ir import flow as ir

_CUSTOM = "custom"
_NOTE = "note"


def entity_reads(
    source: EntitySource, name: str, objects: Iterable[ir.SourceObject]
) -> ir.EntityReads:
    """Return what is asked of the ERP.

    Args:
        source: where records come from.
        name: what a record is called.
        objects: the source objects, each with the members that rules read.
    """
    read = {item.name: item.fields for item in objects}
    shape = _Shapes(source, read).shape(name, source.entity)
    custom = tuple(_custom(read))
    query = _query5 if source.contract.contract_version >= 5 else _query4
    return ir.EntityReads(
        endpoint=source.contract.endpoint,
        version=source.contract.version,
        contract_version=source.contract.contract_version,
        entity=source.entity.name,
        keys=source.entity.keys,
        query=tuple((key, value) for key, value in query(source.entity, shape, custom) if value),
        shape=shape,
    )


class _Shapes:
    """Makes the shapes of one source."""

    def __init__(
        self, source: EntitySource, read: Mapping[str, tuple[ir.SourceField, ...]]
    ) -> None:
        self._source = source
        self._read = read

    def shape(self, name: str, entity: Entity) -> ir.EntityShape:
        """Return the shape of an entity, whose object is called `name`."""
        values: list[str] = []
        dates: list[str] = []
        linked: list[tuple[str, ir.EntityShape]] = []
        details: list[tuple[str, ir.EntityShape]] = []
        for member in self._read.get(name, ()):
            field = entity.fields.get(member.name)
            if field is None and member.name == _CUSTOM:
                linked.append((_CUSTOM, self._views(member.type)))
            elif field is None or field.entity is None:
                is_date = (entity.name, member.name) in self._source.dates
                (dates if is_date else values).append(member.name)
            else:
                inner = self._source.contract.entities[field.entity]
                parts = details if field.shape == "details" else linked
                parts.append((member.name, self.shape(member.type, inner)))
        return ir.EntityShape(tuple(values), tuple(dates), tuple(linked), tuple(details))

    def _views(self, name: str) -> ir.EntityShape:
        views = tuple(
            (
                view.name,
                ir.EntityShape(
                    tuple(field.name for field in self._read.get(view.type, ())), (), (), ()
                ),
            )
            for view in self._read.get(name, ())
        )
        return ir.EntityShape((), (), views, ())


def _custom(read: Mapping[str, tuple[ir.SourceField, ...]]) -> Iterator[str]:
    """Yield the custom fields that rules read: `Document.UsrX`."""
    for view in read.get("Custom", ()):
        for field in read.get(view.type, ()):
            yield f"{view.name}.{field.name}"


def _own(entity: Entity, shape: ir.EntityShape) -> list[str]:
    """Return the values to ask for: those that are read, and the keys."""
    return list(dict.fromkeys((*entity.keys, *_values(shape))))


def _values(shape: ir.EntityShape) -> list[str]:
    """Return the values that are read and have to be asked for; a note always comes."""
    return [name for name in (*shape.values, *shape.dates) if name != _NOTE]


def _parts(shape: ir.EntityShape) -> list[tuple[str, ir.EntityShape]]:
    return [part for part in (*shape.linked, *shape.details) if part[0] != _CUSTOM]


def _query4(
    entity: Entity, shape: ir.EntityShape, custom: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the parameters for contract version 4: paths with `/`, custom fields apart."""
    paths = list(_paths(shape, ""))
    inside = [f"{path}/{name}" for path, part in paths for name in _values(part)]
    yield "$select", ",".join((*_own(entity, shape), *inside))
    yield "$expand", ",".join(path for path, _ in paths)
    yield "$custom", ",".join(custom)


def _paths(shape: ir.EntityShape, above: str) -> Iterator[tuple[str, ir.EntityShape]]:
    for name, part in _parts(shape):
        yield f"{above}{name}", part
        yield from _paths(part, f"{above}{name}/")


def _query5(
    entity: Entity, shape: ir.EntityShape, custom: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield the parameters for contract version 5: parts with parameters of their own."""
    yield "$select", ",".join((*_own(entity, shape), *custom))
    yield "$expand", ",".join(_expanded(name, part) for name, part in _parts(shape))


def _expanded(name: str, shape: ir.EntityShape) -> str:
    inside = {
        "$select": ",".join(_values(shape)),
        "$expand": ",".join(_expanded(part, inner) for part, inner in _parts(shape)),
    }
    options = ";".join(f"{key}={value}" for key, value in inside.items() if value)
    return f"{name}({options})" if options else name
