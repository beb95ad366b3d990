"""A record in that is not what it should be at a few places, its struct and those errors out.

msgspec says where the first value is that it cannot take. The record is decoded once more, with
what is there left as it is, and only that is looked at patiently.
"""

from __future__ import annotations

import functools
import operator
import re
import types
import typing

import msgspec

from mapgen.agreed.paths import member_path
from mapgen.runtime.annotations import fields_of, struct_of
from mapgen.runtime.errors import SourceError
from mapgen.runtime.source import DOUBTS, decoder_of, missing, patient_member
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
        self._known: dict[_Places, _Doubts] = {}

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
            doubts = self._known.get(places)
            if doubts is None:
                if len(self._known) == _MOST_KNOWN or not _leads(self._kind, place):
                    return None
                doubts = self._known[places] = _doubts(self._kind, places)
            try:
                found = doubts.decoder.decode(data)
            except msgspec.ValidationError as error:
                refusal = str(error)
            else:
                errors: list[SourceError] = []
                _settle(found, doubts.ways, path, errors)
                return found, tuple(errors)
        return None


# Records go wrong in the same ways again and again, and msgspec leaves the numbers of rows out.
@functools.lru_cache(_MOST_KNOWN)
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
    """A member that places lead to, or into: then the ways on in the struct that it holds.

    `decoder` reads what was left open.
    """

    field: msgspec.structs.FieldInfo
    decoder: msgspec.json.Decoder[typing.Any] | None
    on: tuple[_Way, ...]


class _Doubts(typing.NamedTuple):
    """What reads records with errors at the same places, and the ways there."""

    decoder: msgspec.json.Decoder[typing.Any]
    ways: tuple[_Way, ...]


def _doubts(kind: type, places: _Places) -> _Doubts:
    return _Doubts(decoder_of(_left_open(kind, places)), _ways(kind, places))


def _inside(field: msgspec.structs.FieldInfo, places: _Places) -> _Places:
    """Return where in a member the places are, which begin around it."""
    return tuple(place[1:] for place in places if place[0] == field.encode_name)


def _ways(kind: typing.Any, places: _Places) -> tuple[_Way, ...]:
    """Return the members that the places lead to, in the order of the schema."""
    found = []
    for field in fields_of(kind):
        inner = _inside(field, places)
        if () in inner:
            found.append(_Way(field, decoder_of(field.type), ()))
        elif inner:
            found.append(_Way(field, None, _ways(struct_of(field.type), inner)))
    return tuple(found)


def _left_open(kind: type, places: _Places) -> type[msgspec.Struct]:
    """Return the struct with the members at these places left as JSON."""
    members = []
    for field in fields_of(kind):
        inner = _inside(field, places)
        if () in inner:
            left: object = msgspec.Raw | msgspec.UnsetType
            members.append((field.name, left, msgspec.UNSET))
        elif inner:
            held = struct_of(field.type)
            assert held is not None
            kept = _replaced(field.type, held, _left_open(held, inner))
            members.append((field.name, kept, field.default))
        else:
            members.append((field.name, field.type, field.default))
    names = {one.name: one.encode_name for one in fields_of(kind)}
    return msgspec.defstruct(kind.__name__, members, rename=names, kw_only=True, gc=False)


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
    value: typing.Any, ways: tuple[_Way, ...], path: str, errors: list[SourceError]
) -> None:
    """Look at what was left open, in the order of the schema."""
    for field, decoder, on in ways:
        found = getattr(value, field.name)
        if decoder is not None:
            try:
                read = decoder.decode(found)
            except (*DOUBTS, TypeError):  # it is not there, too
                read = _doubtful(found, field, path, errors)
            setattr(value, field.name, read)
        elif isinstance(found, list):
            for number, row in enumerate(found):
                if row is not None:
                    _settle(row, on, f"{member_path(path, field.encode_name)}[{number}]", errors)
        elif found is not None:
            _settle(found, on, member_path(path, field.encode_name), errors)


def _doubtful(
    value: msgspec.Raw | msgspec.UnsetType,
    field: msgspec.structs.FieldInfo,
    path: str,
    errors: list[SourceError],
) -> object:
    if value is msgspec.UNSET:
        return missing(field, path, errors) if field.required else field.default
    place = member_path(path, field.encode_name)
    return patient_member(UNTYPED.decode(value), field.type, place, errors)
