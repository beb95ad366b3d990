"""Bodies of requests to the ERP: rows matched with those that it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from mapgen.agreed.plan import DocumentPlan
from mapgen.runtime.folding import folded
from mapgen.runtime.targets.bodies import Part
from mapgen.runtime.values import ENCODER

_NO_ROWS = frozenset({"custom", "files", "id", "note"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")

_Kind = Literal["day", "instant", "number", "text"]


class UnclearRows(Exception):
    """Rows of which nobody can tell which ones of the ERP's they are: `target`, and why."""

    def __init__(self, target: str, why: str) -> None:
        super().__init__(why)
        self.target = target


def is_date(words: str) -> bool:
    """Whether a text is a day or an instant as the ERP writes them."""
    return _DAY.fullmatch(words) is not None or _INSTANT.fullmatch(words) is not None


def row_lists(part: Part, document: DocumentPlan) -> list[str]:
    """Return the paths of the lists of rows in a body, and of the parts around them.

    Of a list without rows only where rows are removed.
    """
    return list(dict.fromkeys(_row_lists(part, "", document)))


def shown_parts(part: Part) -> list[str]:
    """Return the paths of all parts and lists of rows in a body, as `$expand` takes them."""
    return list(dict.fromkeys(_shown_parts(part, "")))


def with_ids(part: Part, record: str, there: Part, document: DocumentPlan) -> bytes:
    """Return the body for the record with this id, its rows with the ids of those that are there.

    Rows that the ERP does not have are left without an id, so that it appends them; rows that the
    body does not have stay as they are, unless the plan removes them. Raises UnclearRows where that
    is not clear-cut.
    """
    _match(part, there, "", document)
    return ENCODER.encode({"id": record} | part)


def _members(part: Part, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield the parts and lists of rows in a part: name, path and content."""
    for name, member in part.items():
        is_part = isinstance(member, dict) and "value" not in member
        if (is_part or isinstance(member, list)) and name not in _NO_ROWS:
            yield name, f"{path}.{name}" if path else name, member


def _row_lists(part: Part, path: str, document: DocumentPlan) -> Iterator[str]:
    for _, inner, member in _members(part, path):
        if isinstance(member, dict):
            below = list(_row_lists(member, inner, document))
            yield from [inner, *below] if below else []
        elif member or inner in document.removed_rows:
            yield inner
            for row in member:
                yield from _row_lists(row, inner, document)


def _shown_parts(part: Part, path: str) -> Iterator[str]:
    for _, inner, member in _members(part, path):
        rows = member if isinstance(member, list) else [member]
        if rows:
            yield inner.replace(".", "/")
        for row in rows:
            if isinstance(row, dict):
                yield from _shown_parts(row, inner)


def _match(part: Part, there: Part, path: str, document: DocumentPlan) -> None:
    for name, inner, member in _members(part, path):
        known = there.get(name)
        if isinstance(member, dict):
            _match(member, known if isinstance(known, dict) else {}, inner, document)
        elif member or inner in document.removed_rows:
            _match_rows(member, known, inner, document)


def _match_rows(rows: list[Part], there: Any, path: str, document: DocumentPlan) -> None:
    names = document.row_keys.get(path)
    if not names:
        raise UnclearRows(path, "its rows have no `row_key`, by which an update would know them")
    if not isinstance(there, list):
        raise UnclearRows(path, "the ERP does not show the rows that it has")
    key = _key_of(names, [*rows, *there])
    existing: dict[tuple[object, ...], list[Part]] = {}
    for row in there:
        existing.setdefault(key(row), []).append(row)
    shown = ", ".join(f"`{name}`" for name in names)
    taken: dict[tuple[object, ...], int] = {}
    for at, row in enumerate(rows):
        target, own = f"{path}[{at}]", key(row)
        if None in own:
            raise UnclearRows(target, f"the row lacks a part of its key ({shown})")
        if own in taken:
            raise UnclearRows(target, f"row {taken[own] + 1} has the same key ({shown})")
        taken[own] = at
        found = existing.get(own, [])
        if len(found) > 1:
            raise UnclearRows(target, f"the ERP has {len(found)} rows with this key ({shown})")
        if found:
            if not found[0].get("id"):
                raise UnclearRows(target, "the ERP's row has no id")
            _match(row, found[0], path, document)
            row["id"] = found[0]["id"]
    way = document.removed_rows.get(path)
    if way is not None:
        # What lacks a part of the key was written by nobody who goes by it.
        gone = (known for known in existing if known not in taken and None not in known)
        rows.extend(
            _removed(row, way) for known in gone for row in existing[known] if row.get("id")
        )


def _removed(row: Part, way: str) -> Part:
    """Return what takes a row of the ERP out: it goes, or the number that counts becomes 0."""
    _, _, field = way.partition(" ")
    return {"id": row["id"], **({field: {"value": 0}} if field else {"delete": True})}


def _key_of(names: Sequence[str], rows: Sequence[Part]) -> Callable[[Part], tuple[object, ...]]:
    """Return what makes the key of a row, written alike on both sides."""
    kinds = {name: _kind([_value(row, name) for row in rows]) for name in names}

    def key(row: Part) -> tuple[object, ...]:
        return tuple(_comparable(_value(row, name), kind) for name, kind in kinds.items())

    return key


def _value(row: Part, name: str) -> Any:
    wrapper = row.get(name)
    value = wrapper.get("value") if isinstance(wrapper, dict) else None
    # Drop-downs of contract version 5 have an id beside their text.
    return value.get("id") if isinstance(value, dict) else value


def _kind(values: Sequence[Any]) -> _Kind:
    """Return what a field holds, by all values that are known of it.

    The ERP takes a number as text and gives it as a number; it gives a day as an instant.
    """
    given = [value for value in values if value is not None]
    texts = [value for value in given if isinstance(value, str)]
    if any(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in given):
        return "number"
    if texts and all(_DAY.fullmatch(text) or _INSTANT.fullmatch(text) for text in texts):
        return "day" if any(_DAY.fullmatch(text) for text in texts) else "instant"
    return "text"


def _comparable(value: Any, kind: _Kind) -> object:
    if value is None or isinstance(value, bool):
        return value
    words = str(value)
    match kind:
        case "number":
            try:
                return Decimal(words.strip())
            except InvalidOperation:
                return words
        case "day":
            return words[:10]
        case "instant":
            try:
                moment = datetime.fromisoformat(words)
            except ValueError:
                return words
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        case "text":
            return folded(words) or None
