"""A record in that is not what it should be at a few places, its struct and those errors out.

msgspec says where the first value is that it cannot take. The record is decoded once more, with
what stands there left as it is, and only that is looked at patiently.
"""

from __future__ import annotations

import functools
import operator
import re
import types
import typing

import msgspec

from mapgen.runtime.source import (
    DOUBTS,
    SourceError,
    decoder_of,
    fields_of,
    missing,
    patient_member,
    struct_of,
)
from mapgen.runtime.sources.records import UNTYPED

# The members that lead to a value, the outermost first, whatever the row.
_Place = tuple[str, ...]
_Places = tuple[_Place, ...]

_MOST_PLACES = 3
# Sets of places that records have errors at: for each a struct is made, and kept.
_MOST_KNOWN = 256
_WHERE = re.compile(r"(?:required field `([^`]*)`)?(?: - at `\$([^`]*)`)?\Z")
_MEMBER = re.compile(r"\.([^.\[]+)")


class DoubtedReader:
    """Reads records that are not what they should be, of which nothing is asked beside types."""

    def __init__(self, kind: type) -> None:
        """Prepare for a kind of records."""
        self._kind = kind
        self._known: dict[_Places, msgspec.json.Decoder[typing.Any]] = {}

    def read(
        self, data: bytes, path: str, refusal: str
    ) -> tuple[typing.Any, tuple[SourceError, ...]] | None:
        """Return the struct with ErrorValues, and their errors; None for too many places.

        Raises what msgspec raises for what is no JSON.

        Args:
            data: the record.
            path: what the record is called.
            refusal: what msgspec says of it.
        """
        places: _Places = ()
        for _ in range(_MOST_PLACES):
            place = _place(refusal)
            if not place or place in places:
                return None
            places = (*(one for one in places if one[: len(place)] != place), place)
            decoder = self._known.get(places)
            if decoder is None:
                if len(self._known) == _MOST_KNOWN or not _leads(self._kind, place):
                    return None
                decoder = self._known[places] = decoder_of(_left_open(self._kind, places))
            try:
                found = decoder.decode(data)
            except msgspec.ValidationError as error:
                refusal = str(error)
            else:
                faults: list[SourceError] = []
                _settle(found, self._kind, places, path, faults)
                return found, tuple(faults)
        return None


def _place(refusal: str) -> _Place:
    found = _WHERE.search(refusal)
    assert found is not None
    missing, path = found.groups()
    return (*_MEMBER.findall(path or ""), *([missing] if missing is not None else []))


def _leads(kind: type | None, place: _Place) -> bool:
    """Tell whether a place is one of the struct: names may have signs of a path in them."""
    for name in place:
        fields = {} if kind is None else {one.encode_name: one.type for one in fields_of(kind)}
        if name not in fields:
            return False
        kind = struct_of(fields[name])
    return True


class _Way(typing.NamedTuple):
    """A member that places lead to, or into: the struct that it holds, and where in that."""

    field: msgspec.structs.FieldInfo
    is_left_open: bool
    held: typing.Any
    inner: _Places


@functools.cache
def _ways(kind: type, places: _Places) -> tuple[_Way, ...]:
    """Return the members that the places lead to, in the order of the schema."""
    found = []
    for field in fields_of(kind):
        inner = tuple(place[1:] for place in places if place[0] == field.encode_name)
        if inner:
            found.append(_Way(field, () in inner, struct_of(field.type), inner))
    return tuple(found)


def _left_open(kind: type, places: _Places) -> type[msgspec.Struct]:
    """Return the struct with the members at these places left as JSON."""
    members = {one.name: (one.name, one.type, one.default) for one in fields_of(kind)}
    for field, is_left_open, held, inner in _ways(kind, places):
        if is_left_open:
            left: object = msgspec.Raw | msgspec.UnsetType
            members[field.name] = field.name, left, msgspec.UNSET
        else:
            kept = _replaced(field.type, held, _left_open(held, inner))
            members[field.name] = field.name, kept, field.default
    names = {one.name: one.encode_name for one in fields_of(kind)}
    return msgspec.defstruct(kind.__name__, members.values(), rename=names, kw_only=True, gc=False)


def _replaced(annotation: object, old: type, new: type) -> object:
    if annotation is old:
        return new
    inner = [_replaced(one, old, new) for one in typing.get_args(annotation)]
    if typing.get_origin(annotation) is list:
        return list[inner[0]]  # type: ignore[valid-type]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return functools.reduce(operator.or_, inner)
    return annotation


def _settle(
    value: typing.Any,
    kind: type,
    places: _Places,
    path: str,
    faults: list[SourceError],
) -> None:
    """Look at what was left open, in the order of the schema."""
    for field, is_left_open, held, inner in _ways(kind, places):
        found = getattr(value, field.name)
        if is_left_open:
            setattr(value, field.name, _read(found, field, path, faults))
        elif isinstance(found, list):
            for number, row in enumerate(found):
                if row is not None:
                    _settle(row, held, inner, f"{path}.{field.encode_name}[{number}]", faults)
        elif found is not None:
            _settle(found, held, inner, f"{path}.{field.encode_name}", faults)


def _read(
    value: msgspec.Raw | msgspec.UnsetType,
    field: msgspec.structs.FieldInfo,
    path: str,
    faults: list[SourceError],
) -> object:
    if value is msgspec.UNSET:
        return missing(field, path, faults) if field.required else field.default
    try:
        return decoder_of(field.type).decode(value)
    except DOUBTS:
        known = UNTYPED.decode(value)
        return patient_member(known, field.type, f"{path}.{field.encode_name}", faults)
