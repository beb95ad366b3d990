"""Documents as they are sent: keys of others filled in, what is written once left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import DocumentPlan
from mapgen.runtime.values import ENCODER

# Every digit of an amount survives: no number becomes a binary float on the way.
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

Part = dict[str, Any]


class UnknownKey(Exception):
    """A body that needs a key of another document, which nobody knows; the message names both."""


def read_body(body: bytes) -> Part:
    """Return a body as it was made, every digit of its numbers."""
    part: Part = _DECODER.decode(body)
    return part


def filled(body: bytes, keys: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return a body with the keys that were given to the documents it refers to.

    A reference is `{"made": DOCUMENT, "field": KEY}` in the place of a value. Raises UnknownKey.
    """
    if b'"made"' not in body:
        return body
    return ENCODER.encode(_filled(_DECODER.decode(body), keys))


def of_an_update(body: bytes, document: DocumentPlan) -> Part:
    """Return what is sent of a body to a document that is there: nothing that is written once."""
    part = read_body(body)
    for path in document.write_once:
        _leave_out(part, names_along(path))
    return part


def _filled(part: Any, keys: Mapping[str, Mapping[str, str]]) -> Any:
    match part:
        case {"made": str(document), "field": str(field), **others} if not others:
            key = keys.get(document, {}).get(field)
            if key is None:
                raise UnknownKey(f"the key `{field}` of the document `{document}` is not known")
            return key
        case dict():
            return {name: _filled(member, keys) for name, member in part.items()}
        case list():
            return [_filled(row, keys) for row in part]
        case _:
            return part


def _leave_out(part: Part, path: Sequence[str]) -> None:
    """Drop a member; a part that is left empty goes with it."""
    first, *others = path
    inner = part.get(first)
    if others and isinstance(inner, dict):
        _leave_out(inner, others)
    if not others or inner == {}:
        part.pop(first, None)
