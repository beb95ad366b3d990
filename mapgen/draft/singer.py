"""What a Singer tap prints: its catalogue, or messages of schemas and records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import cast

from msgspec import Struct

from mapgen.contract.inference import Json, Schema
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages

_MESSAGES = ("SCHEMA", "RECORD", "STATE")
_NEWEST = "https://json-schema.org/draft/2020-12/schema"


class Stream(Struct, frozen=True):
    """One stream of a tap: the schema of its records, and those that were printed."""

    schema: Schema
    records: tuple[Mapping[str, Json], ...]


def is_of_singer(one: Mapping[str, Json]) -> bool:
    """Whether an object is a message of a tap, or its catalogue."""
    if one.get("type") in _MESSAGES and ("stream" in one or "value" in one):
        return True
    streams = one.get("streams")
    return isinstance(streams, list) and any(
        isinstance(each, dict) and "schema" in each for each in streams
    )


def stream_of(found: Iterable[Mapping[str, Json]], name: str, file: str) -> Stream:
    """Return the stream of records that are called so; the only one, whatever its name.

    Raises Stopped (E542) where there are several of other names.
    """
    schemas: dict[str, Schema] = {}
    records: dict[str, list[Mapping[str, Json]]] = {}
    for each in _parts(found):
        stream = str(each.get("stream") or each.get("tap_stream_id"))
        schema, record = each.get("schema"), each.get("record")
        if isinstance(schema, dict):
            schemas[stream] = _source_schema(schema, _keys(each), stream)
        elif isinstance(record, dict):
            records.setdefault(stream, []).append(record)
    named = [stream for stream in schemas if stream in (name, f"{name}s", f"{name}es")]
    if not named and len(schemas) != 1:
        raise Stopped(messages.unknown_stream(it=name, known=schemas, file=file))
    chosen = (named or [*schemas])[0]
    return Stream(schemas[chosen], tuple(records.get(chosen, ())))


def _parts(found: Iterable[Mapping[str, Json]]) -> Iterator[Mapping[str, Json]]:
    """Yield the messages, and the streams of catalogues."""
    for one in found:
        streams = one.get("streams")
        for each in streams if isinstance(streams, list) else (one,):
            if isinstance(each, dict):
                yield each


def _keys(stream: Mapping[str, Json]) -> list[str]:
    """Return the members that tell records apart: a message says so, a catalogue in `metadata`."""
    listed = stream.get("metadata")
    said = [stream.get("key_properties")]
    for one in listed if isinstance(listed, list) else ():
        own = one.get("metadata") if isinstance(one, dict) and not one.get("breadcrumb") else None
        said.append(own.get("table-key-properties") if isinstance(own, dict) else None)
    found = next((keys for keys in said if isinstance(keys, list) and keys), [])
    return [key for key in found if isinstance(key, str)]


def _source_schema(schema: Mapping[str, Json], keys: list[str], name: str) -> Schema:
    """Return the schema of a stream: its keys are always there, and never change."""
    found = cast(Schema, _as_others_write_it(dict(schema)))
    members = found.get("properties")
    if not isinstance(members, dict):
        members = found["properties"] = {}
    there = [key for key in keys if isinstance(members.get(key), dict)]
    for key in there:
        kinds = members[key].get("type")
        present = [kind for kind in kinds if kind != "null"] if isinstance(kinds, list) else [kinds]
        kind = present[0] if len(present) == 1 else present
        members[key] = {**members[key], "type": kind, "readOnly": True}
    title = name.replace("_", " ").capitalize()
    rest = {word: said for word, said in found.items() if word not in ("$schema", "required")}
    return {"$schema": _NEWEST, "title": title, "required": there, **rest}


def _as_others_write_it(value: Json) -> object:
    """Return a schema with a decimal that travels as text as `format: decimal`."""
    match value:
        case dict():
            said = {name: _as_others_write_it(inner) for name, inner in value.items()}
            return said | {"format": "decimal"} if said.get("format") == "singer.decimal" else said
        case list():
            return [_as_others_write_it(inner) for inner in value]
        case Decimal():
            return float(value)
        case _:
            return value


def refined(schema: Schema, found: Mapping[str, object]) -> Schema:
    """Return a schema with what samples show besides of its texts: decimals, moments."""
    return _refined(schema, found, found)


def _refined(schema: Schema, found: object, root: Mapping[str, object]) -> Schema:
    if not isinstance(found, dict):
        return schema
    if isinstance(reference := found.get("$ref"), str):
        definitions = cast("Mapping[str, object]", root["$defs"])
        return _refined(schema, definitions[reference.rpartition("/")[2]], root)
    more = dict(schema)
    if "format" not in schema and "format" in found:
        more["format"] = found["format"]
    if isinstance(items := schema.get("items"), dict):
        more["items"] = _refined(items, found.get("items"), root)
    ours, theirs = schema.get("properties"), found.get("properties")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        more["properties"] = {
            name: _refined(inner, theirs.get(name), root) if isinstance(inner, dict) else inner
            for name, inner in ours.items()
        }
    return more
