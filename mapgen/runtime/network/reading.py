"""Decodes answers of the tenant."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeVar

import msgspec

from mapgen.runtime.nesting import DEEPEST, is_deeper

T = TypeVar("T")


class Unreadable(Exception):
    """An answer that is not JSON in UTF-8, of another shape, or nested too deeply."""


def decoded(content: bytes, shape: type[T], *, strict: bool = True) -> T:
    """Return the content of an answer. Raises Unreadable."""
    try:
        # Every digit of a number counts where it is compared with what was sent.
        read = msgspec.json.Decoder(shape, strict=strict, float_hook=Decimal).decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    if is_deeper(read, DEEPEST):
        raise Unreadable
    return read
