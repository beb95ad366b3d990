"""Compares a document as it was sent with the ERP's answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from mapgen.runtime.targets.bodies import read_body
from mapgen.runtime.tenant.body import is_date

_UNSEEN = frozenset({"id", "files", "delete"})
_NUMBER = (int, float, Decimal)
_KEPT_TIME = timedelta(seconds=0.1)
_ONLY_IF_SHOWN = frozenset({"note", "custom"})


class Difference(Struct, frozen=True):
    """A value that the ERP does not have as it was sent: where, what was sent, what is there.

    `saved` is None for what was dropped.
    """

    target: str
    sent: object
    saved: object


def differences(body: bytes, echo: dict[str, Any]) -> list[Difference]:
    """Compare each field of a body with the answer to it.

    Numbers are equal by their value, dates by their day or their instant, texts without blanks at
    their end; that the ERP writes a text in capitals is its input mask, not another text. Parts
    that the answer does not show are not compared; fields that a shown part lacks were dropped.
    """
    return list(_in_part(read_body(body), echo, ""))


def _in_part(sent: dict[str, Any], saved: dict[str, Any], path: str) -> Iterator[Difference]:
    for name, member in sent.items():
        there = saved.get(name)
        inner = f"{path}.{name}" if path else name
        if name in _UNSEEN or (name in _ONLY_IF_SHOWN and not there):
            continue
        if isinstance(member, dict):
            if "value" in member:
                found = there.get("value") if isinstance(there, dict) else there
                if not _is_same(member["value"], found):
                    yield Difference(inner, member["value"], found)
            elif isinstance(there, dict) and there:
                yield from _in_part(member, there, inner)
        elif isinstance(member, list) and isinstance(there, list):
            yield from _in_rows(member, there, inner)


def _in_rows(sent: list[Any], saved: list[Any], path: str) -> Iterator[Difference]:
    """Compare rows with those of their id, or in their place, or with any that has no difference.

    The ERP may put rows of its own between them.
    """
    free = {at: row for at, row in enumerate(saved) if isinstance(row, dict)}
    for at, row in enumerate(sent):
        if not isinstance(row, dict) or row.get("delete"):
            continue
        place = _place(row, at, free)
        found = free.pop(at if place is None else place, {})
        if place is None or row.get("id"):  # else it has no difference
            yield from _in_part(row, found, f"{path}[{at}]")


def _place(row: dict[str, Any], at: int, free: dict[int, dict[str, Any]]) -> int | None:
    if row.get("id"):
        return next((place for place, one in free.items() if one.get("id") == row["id"]), None)
    first = [at] if at in free else []
    for place in (*first, *(place for place in free if place != at)):
        if next(_in_part(row, free[place], ""), None) is None:
            return place
    return None


def _is_same(sent: object, saved: object) -> bool:
    if sent == saved and not isinstance(sent, dict):
        return True
    if isinstance(sent, dict) or isinstance(saved, dict):
        return _is_same_choice(sent, saved)
    if isinstance(sent, bool) or isinstance(saved, bool):
        return _flag(sent) == _flag(saved)
    if isinstance(sent, _NUMBER) or isinstance(saved, _NUMBER):
        return _number(sent) == _number(saved)
    before, after = _words(sent), _words(saved)
    if before == after or before.upper() == after:
        return True
    return is_date(before) and is_date(after) and _is_same_date(before, after)


def _is_same_choice(sent: object, saved: object) -> bool:
    """Compare entries of a drop-down, which contract version 5 shows with id and description."""
    names = {_words(one).casefold() for one in _names(sent)}
    return bool(names & {_words(one).casefold() for one in _names(saved)})


def _names(value: object) -> tuple[object, ...]:
    return tuple(value.values()) if isinstance(value, dict) else (value,)


def _is_same_date(sent: str, saved: str) -> bool:
    """Compare days, or instants: of those the ERP keeps no more than hundredths of a second."""
    before, after = _moment(sent), _moment(saved)
    if before is None or after is None:
        return sent[:10] == saved[:10]
    return abs(before - after) < _KEPT_TIME


def _moment(words: str) -> datetime | None:
    """Return an instant; None for a day, and for a time of which nobody knows the zone."""
    try:
        found = datetime.fromisoformat(words)
    except ValueError:
        return None
    return None if found.tzinfo is None else found


def _flag(value: object) -> object:
    return value.casefold() == "true" if isinstance(value, str) else bool(value)


def _number(value: object) -> object:
    try:
        return Decimal(str(value).strip())
    except InvalidOperation:
        return value


def _words(value: object) -> str:
    return "" if value is None else str(value).replace("\r\n", "\n").rstrip()
