"""How the ERP is asked and how it answers: texts of a query, values of a record."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

LONGEST_QUERY = 1900
"""Characters of a query: the web server's default takes 2048 (`maxQueryString`)."""


def literal(text: str) -> str:
    """Return a text as `$filter` takes it."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def encoded(words: str) -> str:
    """Return a part of a query as it stands in an address."""
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
