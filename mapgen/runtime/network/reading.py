"""Decodes answers of other systems."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
import msgspec

from mapgen.runtime.nesting import DEEPEST, is_deeper
from mapgen.runtime.network.verdict import Failure, Verdict

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


def held(answer: httpx2.Response, shape: type[T], otherwise: str) -> T:
    """Return the content of an answer of success.

    A sign-in page or a proxy's page may come with status 200. Raises Failure, which says what it is
    `otherwise`.
    """
    try:
        return decoded(answer.content, shape)
    except Unreadable:
        raise Failure(Verdict("transient", "unknown", otherwise)) from None


def told_at(answer: httpx2.Response) -> datetime | None:
    """Return when an answer was given, by the clock of who gave it; None where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None
