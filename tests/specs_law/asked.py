"""What a request shows of a record of the ERP: `$select`, `$expand` and `$custom`, read anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

# A parameter of contract version 5: a name with parameters of its own, or a name alone.
_NAME = re.compile(r"[^,;()]+")
# What comes unasked.
UNASKED = ("id", "note")


def asked(query: Mapping[str, str], version: int) -> frozenset[str]:
    """Return the paths that a request asks for, parts before what is in them: `Lines/Item`."""
    named = _nested(query, "") if version >= 5 else _flat(query)
    return frozenset(named) | {f"custom/{_slashed(one)}" for one in _list(query.get("$custom"))}


def cut(value: Any, paths: frozenset[str], above: str = "") -> Any:
    """Return a record with only what is asked for, as the ERP answers it."""
    if isinstance(value, list):
        return [cut(one, paths, above) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, one in value.items():
        path = f"{above}{name}"
        is_part = any(other.startswith(f"{path}/") for other in paths)
        if name in UNASKED and not above:
            kept[name] = one
        elif is_part:
            kept[name] = cut(one, paths, f"{path}/")
        elif path in paths:
            kept[name] = _emptied(one)
    return kept


def _emptied(value: Any) -> Any:
    """Return a part that is asked for, and nothing in it; a single value stays as it is."""
    if isinstance(value, list):
        return [_emptied(one) for one in value]
    return {} if isinstance(value, dict) and "value" not in value else value


def _flat(query: Mapping[str, str]) -> Iterator[str]:
    yield from _list(query.get("$select"))
    yield from _list(query.get("$expand"))


def _list(text: str | None) -> list[str]:
    return text.split(",") if text else []


def _slashed(path: str) -> str:
    return path.replace(".", "/")


def _nested(query: Mapping[str, str], above: str) -> Iterator[str]:
    for name in _list(query.get("$select")):
        yield f"custom/{_slashed(name)}" if "." in name else f"{above}{name}"
    text = query.get("$expand", "")
    while text:
        found = _NAME.match(text)
        assert found is not None, text
        name, text = found[0], text[found.end() :]
        yield f"{above}{name}"
        if text.startswith("("):
            inner, text = _inside(text)
            yield from _nested(dict(_options(inner)), f"{above}{name}/")
        text = text.removeprefix(",")


def _inside(text: str) -> tuple[str, str]:
    """Return what is in the brackets that a text starts with, and the rest."""
    depth = 0
    for at, sign in enumerate(text):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth == 0:
            return text[1:at], text[at + 1 :]
    raise AssertionError(text)


def _options(text: str) -> Iterator[tuple[str, str]]:
    """Yield the options inside brackets; a `;` deeper down belongs to another part."""
    depth, start = 0, 0
    for at, sign in enumerate(f"{text};"):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == ";" and depth == 0:
            key, _, value = text[start:at].partition("=")
            yield key, value
            start = at + 1
