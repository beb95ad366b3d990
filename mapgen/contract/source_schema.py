"""What a source looks like: JSON Schema in, the types of expressions out.

A field is `T` when it is required and cannot be null, else `T?`. `"format": "decimal"` on a string
makes it a decimal; `number` is a decimal too, never a binary float. A field of several types or of
none is `mixed`: it may be there, and no expression can use it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args
from urllib.parse import unquote

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.constraints import Constraints, Sign
from mapgen.contract.branching import MOST_PLACES, places
from mapgen.contract.document import parsed
from mapgen.contract.model import Contract, Entity
from mapgen.expression.patterns import regex_fault
from mapgen.ir import types
from mapgen.ir.names import singular
from mapgen.report import Diagnostic, Source, Span, Stopped
from mapgen.report.catalogue import reading, schemas
from mapgen.runtime.constraints import FORMATS

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
_NOT_VALIDATED = "records are not validated against it"
_AMBIGUOUS = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "prefixItems")
_SHARP: Mapping[Sign, Sign] = {">=": ">", "<=": "<"}
_BOUNDS: Mapping[str, Sign] = {
    "exclusiveMinimum": ">",
    "minimum": ">=",
    "exclusiveMaximum": "<",
    "maximum": "<=",
}
# What asks nothing of a record, and members that no rule reads are passed over.
_REMARKS = """
    title description default examples example deprecated readOnly writeOnly externalDocs xml
    discriminator contentMediaType contentEncoding contentSchema additionalProperties
    unevaluatedProperties $comment $schema $id id $anchor $vocabulary $defs definitions
"""
_HELD = """
    type nullable enum const $ref properties required items format pattern minLength maxLength
    multipleOf minItems maxItems uniqueItems minimum exclusiveMinimum maximum exclusiveMaximum
"""
_KNOWN = frozenset((*_REMARKS.split(), *_HELD.split(), *_AMBIGUOUS))
# Formats that say how numbers are stored or texts are shown: OpenAPI's own.
_STORED = ("int32", "int64", "float", "double", "password")
_ROOT = "#"
# What schemas are written in; the newest, where one does not say.
_DIALECTS = (
    None,
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
)
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


class EntitySource(Struct, frozen=True):
    """Where records of the ERP come from.

    `objects` are the entities of the objects in a record, by the names of their types.
    """

    contract: Contract
    entity: Entity
    objects: Mapping[str, str]


class Stated(Struct, frozen=True):
    """What a schema says of a member beside its type: of its value, of the elements of a list.

    `unheld` are the faults of keywords that no record is held against: they count where rules read
    the member.
    """

    own: tuple[Constraints, ...] = ()
    of_elements: tuple[Constraints, ...] = ()
    unheld: tuple[Diagnostic, ...] = ()


class SourceSchema(Struct, frozen=True):
    """A record's type, and the paths whose values never change (`"readOnly": true`).

    `choices` are the values of an `enum`, by the name of the object and its member, and `stated`
    all that is said of a member; `names` counts the objects of one name; `entity` says of what in
    the ERP a record is.
    """

    path: str
    record: types.Object
    lasting: frozenset[str]
    choices: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    entity: EntitySource | None = None
    stated: Mapping[tuple[str, str], Stated] = field(default_factory=dict)


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
    try:
        count = places(schema, lambda reference: behind_reference(schema, reference))
        if count > MOST_PLACES:
            raise Stopped(schemas.endless_schema(path=path, count=count, most=MOST_PLACES))
        found = reader.read(schema, _ROOT, name)
    except RecursionError:
        fault = reading.not_json(path=path, reason="nested too deep", what="the source schema")
        raise Stopped(fault) from None
    reader.faults += found.stated.unheld
    if not reader.faults and not isinstance(found.type, types.Object):
        reader.faults.append(
            schemas.root_is_no_object(path=path, found=str(found.type), what="source")
        )
    if reader.faults:
        raise Stopped(reader.faults)
    root = cast(types.Object, found.type)
    lasting = frozenset(_lasting(schema, name, schema))
    return SourceSchema(path, root, lasting, reader.choices, reader.names, None, reader.stated)


def read_json_schema(path: str, text: str, what: str) -> Mapping[str, object]:
    """Return the JSON Schema that a file holds, of the `source` or the `target`. Raises Stopped."""
    try:
        schema = parsed(text)
    except json.JSONDecodeError as error:
        span = Span(Source(path, text), error.pos, error.pos)
        fault = reading.not_json(
            span, path=path, reason=error.msg.lower(), what=f"the {what} schema"
        )
        raise Stopped(fault) from None
    except RecursionError:
        fault = reading.not_json(path=path, reason="nested too deep", what=f"the {what} schema")
        raise Stopped(fault) from None
    except ValueError as error:
        raise Stopped(
            reading.not_json(path=path, reason=str(error), what=f"the {what} schema")
        ) from None
    if not isinstance(schema, dict):
        raise Stopped(
            schemas.not_a_schema(path=path, pointer=_ROOT, reason="it is not an object", what=what)
        )
    import jsonschema_rs  # only a compiler has it

    # Of another dialect it would ask the network.
    if schema.get("$schema") in _DIALECTS and jsonschema_rs.meta.is_valid(schema):
        return schema
    import jsonschema  # it is slow, and tells well what is wrong

    try:
        # Patterns are for RE2, not for Python: no format is tried.
        plain = jsonschema.FormatChecker(formats=())
        known = jsonschema.validators
        dialect: Any = known.validator_for(schema, jsonschema.Draft202012Validator)
        dialect.check_schema(schema, format_checker=plain)
    except jsonschema.SchemaError as error:
        pointer = "/".join([_ROOT, *map(str, error.absolute_path)])
        raise Stopped(
            schemas.not_a_schema(path=path, pointer=pointer, reason=error.message, what=what)
        ) from None
    return schema


def _lasting(
    schema: Mapping[str, object],
    path: str,
    whole: Mapping[str, object],
    around: tuple[str, ...] = (),
) -> Iterator[str]:
    """Yield the paths that never change, those inside objects and rows, too.

    Args:
        schema: of what stands at the path.
        path: where it stands: `product`, `product.variants[]`.
        whole: the schema that `$ref` leads into.
        around: the references at work: one that holds itself goes down once.
    """
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in around:
        behind = behind_reference(whole, reference)
        if isinstance(behind, dict):
            yield from _lasting(behind, path, whole, (*around, reference))
    properties = schema.get("properties")
    for member, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(inner, dict) and not _reads_like_a_path(member):
            if inner.get("readOnly") is True:
                yield f"{path}.{member}"
            yield from _lasting(inner, f"{path}.{member}", whole, around)
    items = schema.get("items")
    if isinstance(items, dict):
        yield from _lasting(items, f"{path}[]", whole, around)


def _reads_like_a_path(member: str) -> bool:
    return "." in member or "[]" in member


def behind_reference(schema: Mapping[str, object], reference: str) -> object:
    """Return what a reference within a schema leads to (`#/$defs/Part`), None where to nothing."""
    if not reference.startswith("#/"):
        return schema if reference == _ROOT else None
    found: object = schema
    for step in unquote(reference[2:]).split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _last_step(reference: str) -> str:
    """Return what an object behind a reference is called: by its last name."""
    return unquote(reference.rpartition("/")[2]).replace("~1", "/").replace("~0", "~")


class _Found(Struct, frozen=True):
    type: types.Type
    stated: Stated = Stated()

    def or_null(self) -> _Found:
        return replace(self, type=types.optional(self.type))

    def beside(self, more: Stated) -> _Found:
        """Return the same with what is said beside it: a list's own words are not its elements'."""
        own, said = self.stated, more
        return replace(
            self,
            stated=Stated(
                own.own + said.own, own.of_elements + said.of_elements, own.unheld + said.unheld
            ),
        )


class _Reader:
    """Walks one schema; objects behind a `$ref` are made once, so a schema may refer to itself."""

    def __init__(self, path: str, schema: Mapping[str, object], taken: Mapping[str, int]) -> None:
        self.faults: list[Diagnostic] = []
        self.choices: dict[tuple[str, str], tuple[str, ...]] = {}
        self.stated: dict[tuple[str, str], Stated] = {}
        self.names = {**dict.fromkeys((*_TAKEN, *get_args(types.ScalarName)), 1), **taken}
        self._path = path
        self._schema = schema
        self._behind: dict[str, _Found] = {}
        self._open: set[str] = {_ROOT}
        # Until draft-07, what stands beside a `$ref` is not read.
        self._is_alone = "json-schema.org/draft-0" in str(schema.get("$schema"))

    def read(self, schema: object, pointer: str, name: str) -> _Found:
        """Return the type that a schema describes, `T?` where it allows null, and what it says.

        OpenAPI 3.0 says that with `nullable: true`, beside a `$ref` too; others with `anyOf`.
        """
        if not isinstance(schema, dict):
            return _Found(_MIXED)
        found = self._present(schema, pointer, name)
        return found.or_null() if schema.get("nullable") is True else found

    def _present(self, schema: Mapping[str, object], pointer: str, name: str) -> _Found:
        unheld = tuple(self._unheld(schema, pointer))
        if "$ref" in schema:
            found = self._referenced(str(schema["$ref"]), pointer)
            kind = _kind_of(types.present(found.type))
            if self._is_alone or kind is None:
                return found
            return found.beside(Stated(_constraints(schema, kind), unheld=unheld))
        for keyword in ("anyOf", "oneOf"):
            at = _beside_null(schema, keyword)
            if at is not None:
                one = cast("list[object]", schema[keyword])[at]
                found = self.read(one, f"{pointer}/{keyword}/{at}", name).or_null()
                return found.beside(Stated(unheld=unheld))
        if any(keyword in schema for keyword in _AMBIGUOUS):
            return _Found(types.ERROR, Stated(unheld=unheld))
        return self._plain(schema, pointer, name).beside(Stated(unheld=unheld))

    def _unheld(self, schema: Mapping[str, object], pointer: str) -> Iterator[Diagnostic]:
        """Yield the faults of the keywords that no record is held against."""
        for keyword in schema:
            if keyword in _AMBIGUOUS and _beside_null(schema, keyword) is None:
                yield schemas.unsupported_keyword(
                    path=self._path, pointer=pointer, keyword=keyword, what="source"
                )
            elif keyword not in _KNOWN and not keyword.startswith("x-"):
                yield schemas.unheld_keyword(
                    path=self._path,
                    pointer=pointer,
                    keyword=keyword,
                    reason=_NOT_VALIDATED,
                )

    def _plain(self, schema: Mapping[str, object], pointer: str, name: str) -> _Found:
        found = schema.get("type")
        kinds = found if isinstance(found, list) else [found]
        names = [kind for kind in kinds if kind != "null"]
        if len(names) != 1 or names[0] is None:
            return _Found(types.optional(_MIXED) if "null" in kinds else _MIXED)
        inner = self._typed(str(names[0]), schema, pointer, name)
        return inner.or_null() if len(names) < len(kinds) else inner

    def _typed(self, kind: str, schema: Mapping[str, object], pointer: str, name: str) -> _Found:
        own = _constraints(schema, kind)
        unheld = tuple(self._unheld_words(schema, kind, pointer))
        if kind == "object":
            return _Found(self._object(schema, pointer, name), Stated(unheld=unheld))
        if kind == "array":
            element = self.read(
                schema.get("items"), f"{pointer}/items", singular(name, "{}_element")
            )
            inside = element.stated
            of_lists = tuple(
                schemas.unheld_keyword(
                    path=self._path,
                    pointer=pointer,
                    keyword="items",
                    reason=_NOT_VALIDATED,
                )
                for _ in inside.of_elements
            )
            stated = Stated(own, inside.own, (*unheld, *of_lists, *inside.unheld))
            return _Found(types.ListOf(element.type), stated)
        if kind == "string":
            found = _STRING_FORMATS.get(str(schema.get("format")), types.STRING)
            return _Found(found, Stated(own, unheld=unheld))
        return _Found(_SCALARS.get(kind, types.ERROR), Stated(own, unheld=unheld))

    def _unheld_words(
        self, schema: Mapping[str, object], kind: str, pointer: str
    ) -> Iterator[Diagnostic]:
        """Yield the faults of what known keywords say and no record is held against."""
        if kind in ("object", "array"):
            for keyword in ("enum", "const"):
                if keyword in schema:
                    yield schemas.unheld_keyword(
                        path=self._path,
                        pointer=pointer,
                        keyword=keyword,
                        reason=_NOT_VALIDATED,
                    )
        form = schema.get("format")
        known = (*FORMATS, *_STRING_FORMATS, *_STORED)
        if form is not None and kind == "string" and form not in known:
            yield schemas.unheld_keyword(
                path=self._path,
                pointer=pointer,
                keyword=f"format: {form}",
                reason=_NOT_VALIDATED,
            )
        pattern = schema.get("pattern")
        if kind == "string" and isinstance(pattern, str):
            reason = regex_fault(pattern)
            if reason is not None:
                yield schemas.unheld_keyword(
                    path=self._path, pointer=pointer, keyword="pattern", reason=reason
                )

    def _object(self, schema: Mapping[str, object], pointer: str, name: str) -> types.Type:
        fields: dict[str, types.Type] = {}
        properties = cast("Mapping[str, object]", schema.get("properties", {}))
        unreadable = tuple(member for member in properties if _reads_like_a_path(member))
        made = types.Object(self._new_name(name), fields, unreadable)
        if pointer in self._open:
            self._behind[pointer] = _Found(made)
        required = cast("list[str]", schema.get("required", []))
        for member, inner in properties.items():
            if member in unreadable:
                continue
            found = self.read(inner, f"{pointer}/properties/{member}", member)
            fields[member] = found.type if member in required else types.optional(found.type)
            if found.stated != Stated():
                self.stated[made.name, member] = found.stated
            if choices := self._choices(inner):
                self.choices[made.name, member] = choices
        return made

    def _choices(self, schema: object) -> tuple[str, ...]:
        """Return the values that a member may have, as text, where the schema names them all."""
        if isinstance(schema, dict) and isinstance(reference := schema.get("$ref"), str):
            schema = behind_reference(self._schema, reference)
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

    def _referenced(self, reference: str, pointer: str) -> _Found:
        is_circle = reference in self._open and reference not in self._behind
        schema = behind_reference(self._schema, reference)
        if not isinstance(schema, dict) or is_circle:
            self.faults.append(
                schemas.unknown_reference(
                    path=self._path, pointer=pointer, reference=reference, what="source"
                )
            )
            return _Found(types.ERROR)
        if reference not in self._behind:
            self._open.add(reference)
            self._behind[reference] = self.read(schema, reference, _last_step(reference))
        return self._behind[reference]


def _beside_null(schema: Mapping[str, object], keyword: str) -> int | None:
    """Return which of two alternatives is the value, where the other is null (`anyOf`)."""
    options = schema.get(keyword)
    if keyword not in ("anyOf", "oneOf") or "type" in schema or not isinstance(options, list):
        return None
    nulls = [at for at, one in enumerate(options) if one == {"type": "null"}]
    return 1 - nulls[0] if len(options) == 2 and len(nulls) == 1 else None


def _kind_of(kind: types.Type) -> str | None:
    """Return which kind of JSON value a type is read from, None where that is not known."""
    match kind:
        case types.ListOf():
            return "array"
        case types.Object(name="mixed") | types.ErrorType():
            return None
        case types.Object():
            return "object"
        case types.INT:
            return "integer"
        case types.DECIMAL:
            return "number"
        case types.BOOL:
            return "boolean"
        case _:
            return "string"


def _constraints(schema: Mapping[str, object], kind: str) -> tuple[Constraints, ...]:
    """Return what is said of a value of that kind beside its type; nothing, or one."""
    found = Constraints()
    if kind in ("string", "boolean", "integer", "number"):
        found = _chosen(found, schema, kind)
    if kind == "string":
        form, pattern = schema.get("format"), schema.get("pattern")
        is_usable = isinstance(pattern, str) and regex_fault(pattern) is None
        found = replace(
            found,
            pattern=str(pattern) if is_usable else None,
            format=str(form) if form in FORMATS else None,
            shortest=_count(schema, "minLength") or 0,
            longest=_count(schema, "maxLength"),
        )
    elif kind in ("integer", "number"):
        step = schema.get("multipleOf")
        found = replace(
            found,
            bounds=tuple(_bounds(schema)),
            step=None if step is None else str(step),
        )
    elif kind == "array":
        found = replace(
            found,
            fewest=_count(schema, "minItems") or 0,
            most=_count(schema, "maxItems"),
            is_unique=schema.get("uniqueItems") is True,
        )
    return () if found == Constraints() else (found,)


def _chosen(found: Constraints, schema: Mapping[str, object], kind: str) -> Constraints:
    """Return the constraints with the values of `enum` and `const` that are of the kind."""
    both = [schema["enum"]] if isinstance(schema.get("enum"), list) else []
    both += [[schema["const"]]] if "const" in schema else []
    for named in cast("list[list[object]]", both):
        if kind in ("integer", "number"):
            numbers = tuple(
                str(one)
                for one in named
                if isinstance(one, int | float) and not isinstance(one, bool)
            )
            known = found.numbers
            kept = numbers if known is None else tuple(one for one in numbers if one in known)
            found = replace(found, numbers=kept)
        else:
            wanted = bool if kind == "boolean" else str
            choices = tuple(one for one in named if isinstance(one, wanted))
            before = found.choices
            kept_choices = (
                choices if before is None else tuple(one for one in choices if one in before)
            )
            found = replace(found, choices=kept_choices)
    return found


def _bounds(schema: Mapping[str, object]) -> Iterator[tuple[Sign, str]]:
    """Yield the bounds; `exclusiveMinimum: true` of draft-04 and OpenAPI 3.0 sharpens `minimum`."""
    for keyword, sign in _BOUNDS.items():
        value = schema.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            exclusive = "exclusive" + keyword[0].upper() + keyword[1:]
            is_sharp = schema.get(exclusive) is True
            yield (_SHARP.get(sign, sign) if is_sharp else sign), str(value)


def _count(schema: Mapping[str, object], keyword: str) -> int | None:
    found = schema.get(keyword)
    return int(found) if isinstance(found, int | float) else None
