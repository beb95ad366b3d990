"""The bytes of an answer in, its content out, or that nobody can read it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

import msgspec

T = TypeVar("T")

_DEEPEST = 100
"""Parts within parts: no entity of the ERP goes deeper than a few, and what reads it recurses."""


class Unreadable(Exception):
    """An answer that is not JSON in UTF-8, of another shape, or nested too deeply."""


def decoded(content: bytes, shape: type[T], *, strict: bool = True) -> T:
    """Return the content of an answer. Raises Unreadable."""
    try:
        # Every digit of a number counts where it is compared with what was sent.
        read = msgspec.json.Decoder(shape, strict=strict, float_hook=Decimal).decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    if isinstance(read, dict | list) and _is_deeper(read, _DEEPEST):
        raise Unreadable
    return read


def _is_deeper(part: object, most: int) -> bool:
    level: list[object] = [part]
    for _ in range(most):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def _inner(part: object) -> Iterable[object]:
    members = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [member for member in members if isinstance(member, dict | list)]
