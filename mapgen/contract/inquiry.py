"""The columns of generic inquiries: what OData says of them (`$metadata`) as a source schema."""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from msgspec import Struct, field

from mapgen.report import Stopped
from mapgen.report.catalogue import schemas

_TYPES: Mapping[str, Mapping[str, str]] = {
    **{name: {"type": "integer"} for name in ("Byte", "SByte", "Int16", "Int32", "Int64")},
    **{name: {"type": "number"} for name in ("Decimal", "Double", "Single")},
    "Boolean": {"type": "boolean"},
    "DateTimeOffset": {"type": "string", "format": "date-time"},
    "Date": {"type": "string", "format": "date"},
}
"""What stands for types of OData; all others come as text."""
_TEXT: Mapping[str, str] = {"type": "string"}


class _Type(Struct):
    """A type of rows: its columns with what is said of them, and those that tell rows apart."""

    columns: dict[str, Mapping[str, str]] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


class _Reader(Struct):
    """What a document says of types and of the sets that are made of them."""

    types: dict[str, _Type] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)
    _open: _Type = field(default_factory=_Type)

    def start(self, name: str, said: dict[str, str]) -> None:
        """Take what an element says; prefixes of names differ."""
        called = said.get("Name", "")
        match name.rpartition(":")[2]:
            case "EntityType":
                self._open = self.types[called] = _Type()
            case "EntitySet":
                self.sets[called] = said.get("EntityType", "").rpartition(".")[2]
            case "Property":
                self._open.columns[called] = said
            case "PropertyRef":
                self._open.keys.append(called)
            case _:
                pass


def inquiry_schema(path: str, content: bytes, inquiry: str) -> dict[str, object]:
    """Return the JSON Schema of the rows of an inquiry.

    Columns that tell rows apart are required and `readOnly`: they never change.

    Args:
        path: where the metadata is from, for messages.
        content: the XML that the ERP answers to `…/odata/gi/$metadata`.
        inquiry: what the ERP calls the inquiry.

    Raises Stopped for what is no metadata, and for an inquiry that is not in it.
    """
    reader = _read(path, content)
    if inquiry not in reader.sets or reader.sets[inquiry] not in reader.types:
        raise Stopped(schemas.unknown_inquiry(it=inquiry, path=path, known=reader.sets))
    of = reader.types[reader.sets[inquiry]]
    sure = [name for name, said in of.columns.items() if _is_sure(name, said, of)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A row of the inquiry {inquiry}",
        "type": "object",
        "required": sure,
        "properties": {name: _column(name, said, of) for name, said in of.columns.items()},
    }


def _is_sure(name: str, said: Mapping[str, str], of: _Type) -> bool:
    return name in of.keys or said.get("Nullable") == "false"


def _column(name: str, said: Mapping[str, str], of: _Type) -> dict[str, object]:
    kind = dict(_TYPES.get(said.get("Type", "").removeprefix("Edm."), _TEXT))
    column: dict[str, object] = {**kind}
    if not _is_sure(name, said, of):
        column["type"] = [kind["type"], "null"]
    length = said.get("MaxLength", "")
    if kind == _TEXT and length.isdecimal():
        column["maxLength"] = int(length)
    if name in of.keys:
        column["readOnly"] = True
    return column


def _read(path: str, content: bytes) -> _Reader:
    reader, parser = _Reader(), expat.ParserCreate()

    def refused(*_: object) -> None:
        raise Stopped(schemas.no_metadata(path=path, reason="it declares entities of its own"))

    parser.StartElementHandler = reader.start
    # Nothing that OData writes has one, and what it declares may grow without end.
    parser.StartDoctypeDeclHandler = refused
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Stopped(schemas.no_metadata(path=path, reason=str(error))) from None
    except (LookupError, ValueError) as error:
        raise Stopped(schemas.no_metadata(path=path, reason=type(error).__name__)) from None
    if not reader.sets:
        raise Stopped(schemas.no_metadata(path=path, reason="it names no EntitySet"))
    return reader
