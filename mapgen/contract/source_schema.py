"""What a source looks like: JSON Schema in, the types of expressions out.

A field is `T` when it is required and cannot be null, else `T?`. `"format": "decimal"` on a string
makes it a decimal; `number` is a decimal too, never a binary float. A field of several types or of
none is `mixed`: it may be there, and no expression can use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from mapgen.contract.document import parsed
from mapgen.contract.model import Contract, Entity
from mapgen.expression import types
from mapgen.report import Diagnostic, Source, Span, Stopped
from mapgen.report.catalogue import reading, schemas

_STRING_FORMATS: Mapping[str, types.Type] = {
    "decimal": types.DECIMAL,
    "date-time": types.TIMESTAMP,
    "date": types.DATE,
}
_SCALARS: Mapping[str, types.Type] = {
    "string": types.STRING,
    "integer": types.INT,
    "number": types.DECIMAL,
    "boolean": types.BOOL,
}
_AMBIGUOUS = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "prefixItems")
_ROOT = "#"
_MIXED = types.Object("mixed", {})
# Names of other objects that expressions know.
_TAKEN = (
    "settings",
    "lookups",
    "mixed",
    "Option",
    "dyn",
    "null",
    "list",
    "map",
    "group",
    "document",
)


_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class EntitySource:
    """Where records of the ERP come from.

    `dates` are times that hold a date, by entity and field; `objects` are the entities of the
    objects in a record, by the names of their types.
    """

    contract: Contract
    entity: Entity
    dates: frozenset[tuple[str, str]]
    objects: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SourceSchema:
    """A record's type, and the paths whose values never change (`"readOnly": true`).

    `choices` are the values of an `enum`, by the name of the object and its member; `names` counts
    the objects of one name; `entity` says of what in the ERP a record is.
    """

    path: str
    record: types.Object
    lasting: frozenset[str]
    choices: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    entity: EntitySource | None = None


def read_source_schema(
    path: str, text: str, name: str, taken: Mapping[str, int] | None = None
) -> SourceSchema:
    """Return the type of a record and what in it never changes.

    Args:
        path: the schema's path, for messages.
        text: its JSON.
        name: what the record is called (`order`).
        taken: names that objects of other schemas have, which records are put together with.

    Raises Stopped with every fault of the schema.
    """
    schema = read_json_schema(path, text, "source")
    reader = _Reader(path, schema, taken or {})
    root = reader.type_at(schema, _ROOT, name)
    if not isinstance(root, types.Object):
        reader.faults.append(schemas.root_is_no_object(path, str(root)))
    if reader.faults:
        raise Stopped(reader.faults)
    definitions = cast("Mapping[str, object]", schema.get("$defs", {}))
    lasting = frozenset(_lasting(schema, name, definitions))
    return SourceSchema(path, cast(types.Object, root), lasting, reader.choices, reader.names)


def read_json_schema(path: str, text: str, what: str) -> Mapping[str, object]:
    """Return the JSON Schema that a file holds, of the `source` or the `target`. Raises Stopped."""
    try:
        schema = parsed(text)
    except json.JSONDecodeError as error:
        span = Span(Source(path, text), error.pos, error.pos)
        fault = reading.not_json(path, error.msg.lower(), f"the {what} schema", span)
        raise Stopped([fault]) from None
    except RecursionError:
        fault = reading.not_json(path, "nested too deep", f"the {what} schema")
        raise Stopped([fault]) from None
    except ValueError as error:
        raise Stopped([reading.not_json(path, str(error), f"the {what} schema")]) from None
    if not isinstance(schema, dict):
        raise Stopped([schemas.not_a_schema(path, _ROOT, "it is not an object", what)])
    import jsonschema  # only a compiler has it

    try:
        # Patterns are for RE2, not for Python: no format is tried.
        plain = jsonschema.FormatChecker(formats=())
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=plain)
    except jsonschema.SchemaError as error:
        pointer = "/".join([_ROOT, *map(str, error.absolute_path)])
        raise Stopped([schemas.not_a_schema(path, pointer, error.message, what)]) from None
    return schema


def _lasting(
    schema: Mapping[str, object],
    path: str,
    definitions: Mapping[str, object],
    around: tuple[str, ...] = (),
) -> Iterator[str]:
    """Yield the paths that never change, those inside objects and rows, too.

    Args:
        schema: of what stands at the path.
        path: where it stands: `product`, `product.variants[]`.
        definitions: what `$ref` leads to.
        around: the definitions at work: one that holds itself goes down once.
    """
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.removeprefix("#/$defs/")
        behind = definitions.get(name)
        if name not in around and isinstance(behind, dict):
            yield from _lasting(behind, path, definitions, (*around, name))
    properties = schema.get("properties")
    for member, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(inner, dict):
            if inner.get("readOnly") is True:
                yield f"{path}.{member}"
            yield from _lasting(inner, f"{path}.{member}", definitions, around)
    items = schema.get("items")
    if isinstance(items, dict):
        yield from _lasting(items, f"{path}[]", definitions, around)


class _Reader:
    """Walks one schema; objects behind a `$ref` are made once, so a schema may refer to itself."""

    def __init__(self, path: str, schema: Mapping[str, object], taken: Mapping[str, int]) -> None:
        self.faults: list[Diagnostic] = []
        self.choices: dict[tuple[str, str], tuple[str, ...]] = {}
        self._path = path
        self._definitions = schema.get("$defs")
        self._objects: dict[str, types.Type] = {}
        self.names = {**dict.fromkeys((*_TAKEN, *get_args(types.ScalarName)), 1), **taken}
        self._open: set[str] = set()

    def type_at(self, schema: object, pointer: str, name: str) -> types.Type:
        """Return the type a schema describes; `T?` where it allows null.

        OpenAPI 3.0 says that with `nullable: true`, beside a `$ref` too.
        """
        if not isinstance(schema, dict):
            return _MIXED
        found = self._present_at(schema, pointer, name)
        return types.optional(found) if schema.get("nullable") is True else found

    def _present_at(self, schema: Mapping[str, object], pointer: str, name: str) -> types.Type:
        for keyword in _AMBIGUOUS:
            if keyword in schema:
                fault = schemas.unsupported_keyword(self._path, pointer, keyword)
                self.faults.append(fault)
                return types.ERROR
        if "$ref" in schema:
            return self._referenced(str(schema["$ref"]), pointer)
        found = schema.get("type")
        kinds = found if isinstance(found, list) else [found]
        names = [kind for kind in kinds if kind != "null"]
        if len(names) != 1 or names[0] is None:
            return types.optional(_MIXED) if "null" in kinds else _MIXED
        inner = self._typed(str(names[0]), schema, pointer, name)
        return types.optional(inner) if len(names) < len(kinds) else inner

    def _typed(
        self, kind: str, schema: Mapping[str, object], pointer: str, name: str
    ) -> types.Type:
        if kind == "object":
            return self._object(schema, pointer, name)
        if kind == "array":
            items = schema.get("items")
            element = self.type_at(items, f"{pointer}/items", singular(name))
            return types.ListOf(element)
        if kind == "string":
            return _STRING_FORMATS.get(str(schema.get("format")), types.STRING)
        return _SCALARS.get(kind, types.ERROR)

    def _object(self, schema: Mapping[str, object], pointer: str, name: str) -> types.Type:
        fields: dict[str, types.Type] = {}
        made = types.Object(self._new_name(name), fields)
        if pointer.startswith("#/$defs/") and pointer.count("/") == 2:
            self._objects[pointer] = made
        required = cast("list[str]", schema.get("required", []))
        properties = cast("Mapping[str, object]", schema.get("properties", {}))
        for member, inner in properties.items():
            found = self.type_at(inner, f"{pointer}/properties/{member}", member)
            fields[member] = found if member in required else types.optional(found)
            if choices := self._choices(inner):
                self.choices[made.name, member] = choices
        return made

    def _choices(self, schema: object) -> tuple[str, ...]:
        """Return the values that a member may have, as text, where the schema names them all."""
        if isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str):
            definitions = self._definitions if isinstance(self._definitions, dict) else {}
            schema = definitions.get(reference.removeprefix("#/$defs/"))
        named = schema.get("enum") if isinstance(schema, dict) else None
        if not isinstance(named, list):
            return ()
        return tuple(str(value) for value in named if isinstance(value, str | int))

    def _new_name(self, name: str) -> str:
        """Return a name that no other object has: types are told apart by their names."""
        name = re.sub(r"\W+", "_", name[:_LONGEST_NAME]) or "object"
        number = self.names.get(name, 0) + 1
        self.names[name] = number
        return name if number == 1 else self._new_name(f"{name}_{number}")

    def _referenced(self, reference: str, pointer: str) -> types.Type:
        name = reference.removeprefix("#/$defs/")
        definitions = self._definitions if isinstance(self._definitions, dict) else {}
        is_circle = reference in self._open and reference not in self._objects
        if name == reference or name not in definitions or is_circle:
            self.faults.append(schemas.unknown_reference(self._path, pointer, reference))
            return types.ERROR
        if reference not in self._objects:
            self._open.add(reference)
            self._objects[reference] = self.type_at(definitions[name], reference, name)
        return self._objects[reference]


def singular(name: str) -> str:
    """Return what one element of a list is called: `tax_lines` -> `tax_line`."""
    if name.endswith("sses"):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else f"{name}_element"
