"""The language's shapes in, JSON Schemas for editors out: completion, hover, errors while typing.

Made from the very data that the reader walks. What JSON Schema cannot see is how a scalar was
written: `5.0` counts as a whole number there, `1e3` as a number like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from mapgen.spec import model, overlay
from mapgen.spec.shapes import (
    Anything,
    Formula,
    Instead,
    Key,
    ListOf,
    Literal,
    MapOf,
    Named,
    OneOrMap,
    Record,
    Rest,
    Shape,
    Variants,
    Whole,
    Words,
    written,
)

# JSON Schema of one kind of file: its members are text, numbers, lists and further schemas.
Schema: TypeAlias = dict[str, object]


class File(Struct, frozen=True):
    """A kind of file: its shape and what its schema is called."""

    shape: Shape[Any]
    title: str


FILES: Mapping[str, File] = {
    "maps": File(model.SPEC, "A MAPS spec"),
    "defaults": File(model.Defaults, "The defaults of a mapgen workspace"),
    "parts": File(model.PartsFile, "A file of parts"),
    "environment": File(model.Environment, "A mapgen environment"),
    "connection": File(model.Connection, "A mapgen connection"),
    "overlay": File(overlay.Overlay, "An overlay of a contract"),
}
_SCALAR = ["string", "number", "boolean"]
_WHOLE, _FRACTION, _FLAGS = "7", "0.5", ("true", "false")


def editor_schema(kind: str) -> Schema:
    """Return the JSON Schema (2020-12) of a kind of file: a key of `FILES`."""
    file = FILES[kind]
    used: dict[str, Schema] = {}
    root = _schema(file.shape, used)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": file.title,
        **{name: value for name, value in root.items() if name != "title"},
        **({"$defs": dict(sorted(used.items()))} if used else {}),
    }


def _schema(shape: Shape[Any], used: dict[str, Schema]) -> Schema:
    """Return the schema of a shape; what it refers to by name grows in `used`."""
    match written(shape):
        case Words() as words:
            return _words(words)
        case Formula(what=what):
            return {"title": what, "type": _SCALAR}
        case Whole(least=least):
            return {"type": "integer", "minimum": least}
        case Literal():
            return {"title": "a constant", "type": _SCALAR}
        case Anything():
            return {}
        case ListOf() as many:
            return _list(many, used)
        case MapOf() as many:
            return _map(many, used)
        case OneOrMap(one=one, several=several):
            return {"anyOf": [_schema(one, used), _map(several, used)]}
        case Record() as record:
            return _record(record, used)
        case Variants() as variants:
            return _variants(variants, used)
        case Named() as reference:
            return _reference(reference, used)
        case other:
            raise TypeError(other)


def _words(shape: Words) -> Schema:
    if shape.choices:
        flags = [word == "true" for word in shape.choices if word in _FLAGS]
        numbers = [int(word) for word in shape.choices if word.isdecimal()]
        return {"title": shape.what, "enum": [*flags, *numbers, *shape.choices]}
    if shape.pattern is None:
        return {"title": shape.what, "type": _SCALAR}
    anchored = f"^(?:{shape.pattern})$"
    # A `pattern` says nothing of numbers and flags: they are where their usual form fits.
    types = ["string"]
    if re.fullmatch(shape.pattern, _FRACTION):
        types.append("number")
    elif re.fullmatch(shape.pattern, _WHOLE):
        types.append("integer")
    if all(re.fullmatch(shape.pattern, word) for word in _FLAGS):
        types.append("boolean")
    schema: Schema = {"title": shape.what, "type": types[0] if len(types) == 1 else types}
    schema["pattern"] = anchored
    if {"number", "integer"} & {*types} and not re.fullmatch(shape.pattern, f"-{_WHOLE}"):
        schema["minimum"] = 0
    if shape.example:
        schema["examples"] = [shape.example]
    return schema


def _list(shape: ListOf[Any], used: dict[str, Schema]) -> Schema:
    item = _schema(shape.item, used)
    several: Schema = {"type": "array", "items": item}
    if shape.least:
        several["minItems"] = shape.least
    return {"anyOf": [item, several]} if shape.or_single else several


def _map(shape: MapOf[Any], used: dict[str, Schema]) -> Schema:
    schema: Schema = {"title": shape.what, "type": "object"}
    if shape.least:
        schema["minProperties"] = shape.least
    if shape.names is not None and shape.names.pattern is not None:
        schema["propertyNames"] = {"pattern": f"^(?:{shape.names.pattern})$"}
    if shape.known:
        schema["properties"] = {name: _key(key, used) for name, key in shape.known.items()}
    schema["additionalProperties"] = _schema(shape.value, used)
    return schema


def _record(record: Record, used: dict[str, Schema], telling: Iterable[str] = ()) -> Schema:
    """Return the schema of a record, of one kind of several: the keys `telling` say which."""
    keys, rest, instead = record.keys, record.rest, record.instead
    partners = {name: [key.goes_with] for name, key in keys.items() if key.goes_with}
    return {
        "title": record.what.replace("`", ""),
        "type": "object",
        "required": [name for name, key in keys.items() if _is_needed(key)],
        "properties": {name: _key(key, used) for name, key in keys.items()},
        "additionalProperties": False if rest is None else _schema(rest.shape, used),
        **({"dependentRequired": partners} if partners else {}),
        **_others(keys, rest, instead, [name for name in telling if name not in keys]),
        **_instead(keys, instead),
        **_idle(keys),
    }


def _others(
    keys: Mapping[str, Key], rest: Rest | None, instead: Instead | None, telling: list[str]
) -> Schema:
    """Return which keys of the author's choice a record may have, and what it needs without one.

    With a key of `telling` it would be a record of another kind.
    """
    if rest is None:
        return {}
    chosen: Schema = {"pattern": f"^(?:{rest.names.pattern})$"}
    if telling:
        chosen["not"] = {"enum": telling}
    named = {"anyOf": [{"enum": [*keys]}, chosen]}
    if not rest.beside:
        return {"propertyNames": named}
    needed = [name for name, key in keys.items() if key.is_required and key.unless]
    without: Schema = {"propertyNames": {"enum": [*keys]}}
    if needed and instead is None:
        without["required"] = needed
    elif needed and instead is not None:
        without["anyOf"] = [{"required": needed}, {"required": [instead.key]}]
    return {"if": {"required": [rest.beside]}, "then": {"propertyNames": named}, "else": without}


def _idle(keys: Mapping[str, Key]) -> Schema:
    """Return which keys a record has only where no mapping is under another."""
    reported = [
        {
            "if": {
                "required": [key.unless_many],
                "properties": {
                    key.unless_many: {"description": keys[key.unless_many].purpose, "type": _SCALAR}
                },
            },
            "then": {"required": [name]},
            "else": {"not": {"required": [name]}},
        }
        for name, key in keys.items()
        if key.unless_many
    ]
    return {"allOf": reported} if reported else {}


def _instead(keys: Mapping[str, Key], instead: Instead | None) -> Schema:
    """Return what a record needs that can be written in two ways."""
    if instead is None:
        return {}
    needed = [name for name, key in keys.items() if _is_needed(key)]
    without = {"not": {"anyOf": [{"required": [name]} for name in instead.of]}}
    return {
        "required": [name for name in needed if name not in instead.of],
        "anyOf": [
            {
                "required": [name for name in needed if name in instead.of],
                "not": {"required": [instead.key]},
            },
            {"required": [instead.key], **without},
        ],
    }


def _is_needed(key: Key) -> bool:
    """Whether a key has to be in the file itself: what is shared may come from the defaults."""
    return key.is_required and not (key.is_shared or key.unless or key.unless_many)


def _key(key: Key, used: dict[str, Schema]) -> Schema:
    return {"description": key.purpose, **_schema(key.shape, used)}


def _variants(shape: Variants[Any], used: dict[str, Schema]) -> Schema:
    """Return one branch a kind, told apart by the key that each of them requires."""
    branches = [] if shape.scalar is None else [_schema(shape.scalar, used)]
    branches += [
        _record(shape.record(kind), used, shape.kinds)
        for kind in {id(one): one for one in shape.kinds.values()}.values()
    ]
    return {"anyOf": branches}


def _reference(shape: Named[Any], used: dict[str, Schema]) -> Schema:
    if shape.name not in used:
        used[shape.name] = {}  # a shape may hold itself
        used[shape.name] = _schema(shape.named(), used)
    return {"$ref": f"#/$defs/{shape.name}"}
