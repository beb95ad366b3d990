"""What the `undo` of a generated test calls: values of a document in, those of the record out.

A missing value comes in as None and goes out as None.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def member(part: Any, *path: str) -> Any:
    """Return what stands at a path of plain JSON, None where nothing does."""
    for name in path:
        part = part.get(name) if isinstance(part, dict) else None
    return part


def value(part: Any, *path: str) -> Any:
    """Return the wrapped value at a path of a document, None where it is not sent or emptied."""
    return member(part, *path, "value")


def rows(part: Any, *path: str) -> list[Any]:
    """Return the rows at a path, none where nothing stands there."""
    return member(part, *path) or []


def between(text: str | None, before: str, after: str) -> str | None:
    """Return what stands between two known texts. Raises ValueError where they do not stand."""
    if text is None:
        return None
    if len(text) < len(before) + len(after):
        raise ValueError(f"`{text}` is too short for `{before}` and `{after}`")
    if not (text.startswith(before) and text.endswith(after)):
        raise ValueError(f"`{text}` does not stand between `{before}` and `{after}`")
    return text[len(before) : len(text) - len(after)]


def whole(number: Decimal | int | str | None) -> int | None:
    """Return the int that a number, or its digits, are. Raises ValueError for one with places."""
    if number is None:
        return None
    exact = Decimal(number)
    if exact != int(exact):
        raise ValueError(f"{number} is no whole number")
    return int(exact)


def number(digits: str | None) -> Decimal | None:
    """Return the number that digits spell."""
    return None if digits is None else Decimal(digits)


def times(amount: Decimal | int | None, factor: str) -> Decimal | None:
    """Return a number times a factor: what was divided by it."""
    return None if amount is None else amount * Decimal(factor)


def over(amount: Decimal | int | None, divisor: str) -> Decimal | None:
    """Return a number divided: what was multiplied."""
    return None if amount is None else amount / Decimal(divisor)


def plus(amount: Decimal | int | None, other: str) -> Decimal | None:
    """Return a number and another: what was taken away, or added with the other sign."""
    return None if amount is None else amount + Decimal(other)


def taken_from(amount: Decimal | int | None, other: str) -> Decimal | None:
    """Return what has to be taken from `other` to get the number."""
    return None if amount is None else Decimal(other) - amount


def negated(fact: bool | None) -> bool | None:
    """Return the opposite."""
    return None if fact is None else not fact


def key_of(entries: Mapping[str, str], found: Any) -> str | None:
    """Return the key with a value, which no other key has. Raises ValueError where none has it."""
    if found is None:
        return None
    keys = [key for key, one in entries.items() if one == found]
    if len(keys) != 1:
        raise ValueError(f"{len(keys)} keys have the value `{found}`")
    return keys[0]


def is_first(found: Any, first: object, second: object) -> bool | None:
    """Tell which of two values was found. Raises ValueError where it is neither."""
    if found is None:
        return None
    if found not in (first, second):
        raise ValueError(f"`{found}` is neither `{first}` nor `{second}`")
    return bool(found == first)


def option(found: Any) -> Any:
    """Return the text of a drop-down's value."""
    return member(found, "id")
