"""How the ERP is asked and how it answers: texts of a query, values of a record."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import quote

LONGEST_QUERY = 1900
"""Characters of a query: the web server's default takes 2048 (`maxQueryString`)."""


def literal(text: str) -> str:
    """Return a text as `$filter` takes it."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def encoded(words: str) -> str:
    """Return a part of a query as it is in an address."""
    return quote(words, safe="(),'")


def shown_of(row: dict[str, Any], name: str) -> str:
    """Return a field's value as people see it: of a choice of contract 5 its description."""
    wrapper = row.get(name)
    value = wrapper.get("value") if isinstance(wrapper, dict) else None
    if isinstance(value, dict):
        value = value.get("description", value.get("id"))
    return "" if value is None else str(value)


def value_of(row: dict[str, Any], name: str) -> str | None:
    """Return a field's value as text; None for an empty or absent field."""
    wrapper = row.get(name)
    value = wrapper.get("value") if isinstance(wrapper, dict) else None
    return None if value is None else str(value)


def behind_keys(names: Sequence[str], keys: Sequence[str]) -> str:
    """Return the condition of what comes behind a key: of several, the first that differs tells."""
    ways = []
    for at, name in enumerate(names):
        same = [f"{one} eq {literal(key)}" for one, key in zip(names[:at], keys, strict=False)]
        ways.append(" and ".join((*same, f"{name} gt {literal(keys[at])}")))
    return f"({' or '.join(f'({way})' for way in ways)})"


def keys_in(row: dict[str, Any], names: Sequence[str]) -> list[str]:
    """Return the keys of a record."""
    return [value_of(row, name) or "" for name in names]


def is_ordered(
    rows: Sequence[dict[str, Any]], names: Sequence[str], after: list[str] | None
) -> bool:
    """Whether a page goes on in the order of the keys, so that none is behind it unseen."""
    keys = [*([] if after is None else [after]), *(keys_in(row, names) for row in rows)]
    folded = [[part.casefold() for part in key] for key in keys]
    return all(one < other for one, other in pairwise(folded))
