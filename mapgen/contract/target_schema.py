"""What a document outside the ERP looks like: JSON Schema in, a contract of one entity out.

So rules are held against it as against the ERP's contract. Each keyword is kept to or refused: a
document that passes is one that the schema takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.contract.json_schema import Document, Place, astray, check_schema, place_in
from mapgen.contract.model import Allowed, Comparison, Contract, Entity, Field, ValueType
from mapgen.expression.patterns import regex_error
from mapgen.ir.names import singular
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import outward as messages
from mapgen.report.catalogue import schemas

Schema = Mapping[str, object]

_STRINGS: Mapping[str, ValueType] = {
    "decimal": "decimal",
    "date": "date",
    "date-time": "datetime",
}
_SCALARS: Mapping[str, ValueType] = {
    "string": "string",
    "integer": "long",
    "number": "decimal",
    "boolean": "boolean",
}
_BOUNDS: Mapping[str, Comparison] = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
}
# `nullable` (OpenAPI 3.0) asks nothing of a document, which leaves out what is not there.
_SAID = ("type", "enum", "const", "$ref", "readOnly", "nullable")
_REMARKS = (
    *("title", "description", "default", "example", "examples"),
    *("deprecated", "writeOnly", "$comment"),
)
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "object": ("properties", "required", "additionalProperties"),
    "array": ("items", "minItems"),
    "string": ("format", "maxLength", "pattern"),
    "integer": tuple(_BOUNDS),
    "number": tuple(_BOUNDS),
    "boolean": (),
}
_OF_ROOT = ("$schema", "$id", "$defs", "definitions")
_AMBIGUOUS = ("allOf", "anyOf", "oneOf", "not", "if")
_ROOT = "#"
_TARGET = "target"
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")


def read_target_schema(path: str, text: str, name: str) -> Contract:
    """Return the contract of documents.

    Args:
        path: the schema's path, for messages; a fragment names a place in it.
        text: its JSON or YAML.
        name: what a document is called (`Fulfillment`).

    Raises Stopped with every error of the schema.
    """
    place = place_in(path, text, _TARGET)
    path = place.document.path
    check_schema(path, place, _TARGET)
    reader = _Reader(path, place.document, name)
    schema, at = reader.resolved(place.schema, place.pointer)
    kind = reader.kind(schema)
    if kind != "object":
        raise Stopped(
            schemas.root_is_no_object(path=path, found=kind or "value of no type", what=_TARGET)
        )
    entity = reader.entity(schema, at, name)
    if reader.diagnostics:
        raise Stopped(reader.diagnostics)
    certain = tuple(one.name for one in entity.fields.values() if one.may_identify)
    root = Entity(name, entity.fields, is_top_level=True, identities=certain)
    return Contract("", path, 0, {**reader.entities, name: root})


class _Reader(Struct):
    """Walks one schema; `entities` are the objects inside the document, `diagnostics` grows."""

    path: str
    document: Document
    name: str
    entities: dict[str, Entity] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _named: dict[str, str] = field(default_factory=dict)

    def kind(self, schema: Schema) -> str | None:
        """Return the one type that a schema gives besides null, or None."""
        found = schema.get("type")
        kinds = [kind for kind in (found if isinstance(found, list) else [found]) if kind != "null"]
        return str(kinds[0]) if len(kinds) == 1 and kinds[0] is not None else None

    def entity(self, schema: Schema, pointer: str, name: str) -> Entity:
        """Return an object's members as an entity of that name."""
        self._kept_to(schema, pointer, "object")
        required = cast("list[str]", schema.get("required", []))
        properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
        for member in required:
            if member not in properties:
                at = f"{pointer}/required"
                self.diagnostics.append(messages.not_kept(self.path, at, member, properties))
        members = (
            self._member(member, inner, f"{pointer}/properties/{member}", member in required)
            for member, inner in properties.items()
        )
        return Entity(name, {member.name: member for member in members if member is not None})

    def _member(self, name: str, schema: Schema, pointer: str, is_required: bool) -> Field | None:
        schema, at = self.resolved(schema, pointer)
        kind = self.kind(schema)
        if kind == "array":
            return self._list(name, schema, at, is_required)
        if kind == "object":
            inner = self._part(schema, at, name)
            return Field(name, "linked", entity=inner, is_required=is_required)
        return self._value(name, schema, at, is_required)

    def _list(self, name: str, schema: Schema, pointer: str, is_required: bool) -> Field | None:
        self._kept_to(schema, pointer, "array")
        least = cast(int, schema.get("minItems", 0))
        items = schema.get("items")
        item, at = self.resolved(items if isinstance(items, dict) else {}, f"{pointer}/items")
        if self.kind(item) == "object":
            inner = self._part(item, at, singular(name, "{}_element"))
            return Field(name, "details", entity=inner, is_required=is_required, least=least)
        found = self._value(name, item, at, is_required)
        if found is None:
            return None
        return replace(found, is_list=True, least=least, is_read_only=False)

    def _value(self, name: str, schema: Schema, pointer: str, is_required: bool) -> Field | None:
        kind = self.kind(schema)
        if kind is None or kind not in _SCALARS:
            self.diagnostics.append(self._untyped(schema, pointer))
            return None
        self._kept_to(schema, pointer, kind)
        value_type = self._value_type(kind, schema, pointer)
        return Field(
            name,
            "value",
            value_type,
            max_length=cast("int | None", schema.get("maxLength")),
            is_read_only=schema.get("readOnly") is True,
            is_required=is_required,
            allowed=replace(
                self._allowed(schema, pointer, _STRINGS.get(str(schema.get("format")), kind)),
                is_text=kind == "string" and value_type == "decimal",
            ),
        )

    def _untyped(self, schema: Schema, pointer: str) -> Diagnostic:
        keyword = next((one for one in (*_AMBIGUOUS, "type") if one in schema), None)
        if keyword is None:
            return messages.untyped(path=self.path, pointer=pointer)
        return schemas.unsupported_keyword(
            path=self.path, pointer=pointer, keyword=keyword, what=_TARGET
        )

    def _value_type(self, kind: str, schema: Schema, pointer: str) -> ValueType:
        form = str(schema.get("format", ""))
        if kind != "string" or not form:
            return _SCALARS[kind]
        if form not in _STRINGS:
            self.diagnostics.append(
                messages.not_kept(self.path, pointer, f"format: {form}", _STRINGS)
            )
        return _STRINGS.get(form, "string")

    def _allowed(self, schema: Schema, pointer: str, kind: str) -> Allowed:
        keyword = "enum" if "enum" in schema else "const"
        named = cast("list[object]", schema.get("enum", [schema.get("const")]))
        for one in named:
            if one is not None and not _is_of(kind, one):
                words = f"{keyword}: {_text(one)}"
                self.diagnostics.append(messages.not_kept(self.path, pointer, words, ()))
        pattern = self._pattern(schema, pointer)
        return Allowed(
            choices=tuple(_text(one) for one in named if one is not None),
            pattern=pattern,
            bounds=tuple(
                (sign, str(schema[key])) for key, sign in _BOUNDS.items() if key in schema
            ),
        )

    def _pattern(self, schema: Schema, pointer: str) -> str | None:
        if "pattern" not in schema:
            return None
        pattern = str(schema["pattern"])
        if (reason := regex_error(pattern)) is not None:
            words = f"its pattern cannot be used: {reason}"
            at = f"{pointer}/pattern"
            self.diagnostics.append(
                schemas.not_a_schema(path=self.path, pointer=at, reason=words, what=_TARGET)
            )
            return None
        return pattern

    def _part(self, schema: Schema, pointer: str, name: str) -> str:
        """Return the name of the entity for an object; one behind a `$ref` is made once."""
        if pointer not in self._named:
            words = _WORD.findall(name)
            plain = "".join(word[0].upper() + word[1:] for word in words) or "Part"
            found, number = plain, 1
            while found in self._named.values() or found == self.name:
                number += 1
                found = f"{plain}{number}"
            self._named[pointer] = found
            self.entities[found] = self.entity(schema, pointer, found)
        return self._named[pointer]

    def resolved(self, schema: object, pointer: str) -> tuple[Schema, str]:
        """Return a schema, or the one that its `$ref` leads to, and where that is."""
        if not isinstance(schema, dict):
            return {}, pointer
        if "$ref" not in schema:
            return schema, pointer
        reference = str(schema["$ref"])
        for keyword in schema.keys() - {"$ref", *_REMARKS, *_OF_ROOT}:
            at = f"{pointer}/{keyword}"
            self.diagnostics.append(messages.not_kept(self.path, at, f"{keyword} beside $ref", ()))
        place = self.document.find(reference[1:]) if reference.startswith("#") else None
        found = place.schema if place is not None else None
        if place is None or not isinstance(found, dict) or "$ref" in found:
            here = Place(self.document, pointer, schema)
            self.diagnostics.append(astray(here, reference, _TARGET))
            return {"type": "string"}, pointer
        check_schema(self.path, place, _TARGET)
        return found, place.pointer

    def _kept_to(self, schema: Schema, pointer: str, kind: str) -> None:
        """Report the keywords of a schema that no document is validated against."""
        known = (*_SAID, *_REMARKS, *_OF_KIND[kind], *(_OF_ROOT if pointer == _ROOT else ()))
        for keyword in schema:
            if keyword not in known:
                self.diagnostics.append(messages.not_kept(self.path, pointer, keyword, known))


def _is_of(kind: str, value: object) -> bool:
    """Tell whether what a schema lists is a value of its kind.

    Moments and amounts are listed as texts: one of them has many, and none is the value.
    """
    match kind:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_day(value)
        case _:
            return kind == "string" and isinstance(value, str)


def _is_day(words: str) -> bool:
    try:
        return date.fromisoformat(words).isoformat() == words
    except ValueError:
        return False


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
