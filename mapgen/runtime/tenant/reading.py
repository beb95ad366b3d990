"""The bytes of an answer in, its content out, or that nobody can read it."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TypeVar, cast

import msgspec

from mapgen.runtime.nesting import DEEPEST, is_deeper

T = TypeVar("T")


class Unreadable(Exception):
    """An answer that is not JSON in UTF-8, of another shape, or nested too deeply."""


def decoded(content: bytes, shape: type[T], *, strict: bool = True) -> T:
    """Return the content of an answer. Raises Unreadable."""
    try:
        read = cast(T, _decoder(shape, strict).decode(content))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    if is_deeper(read, DEEPEST):
        raise Unreadable
    return read


@cache
def _decoder(shape: type[object], strict: bool) -> msgspec.json.Decoder[object]:
    # Every digit of a number counts where it is compared with what was sent.
    return msgspec.json.Decoder(shape, strict=strict, float_hook=Decimal)
