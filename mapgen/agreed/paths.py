"""Paths into records and documents as text: `order.lines[].sku`.

Names follow each other behind dots; behind a list or a map is `[]`, or the number of a row. A
name that has a sign of a path in it is in backquotes, as in expressions: ``order.`price.net` ``; a
backquote in it is written twice. Of two paths, one lies in the other where its text begins so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

# Schemas name the same members again and again.
_MOST_KNOWN = 8192
_QUOTED = r"`(?:[^`]|``)*`"
_QUOTED_NAME = re.compile(rf"({_QUOTED})")
_SIGN = re.compile(r"[.\[\]`]")
_ROW = re.compile(r"\[(\d+)\]")
_STEP = re.compile(
    rf"(?:(?P<quoted>{_QUOTED})(?=\.|\[\d*\]|\Z)|(?P<plain>(?:[^.\[]|\[(?!\d*\]))*))"
    r"(?P<rows>(?:\[\d*\])*)"
)


@lru_cache(_MOST_KNOWN)
def written_name(name: str) -> str:
    """Return a name as it is written in paths."""
    if name and not _SIGN.search(name):
        return name
    return "`{}`".format(name.replace("`", "``"))


def member_path(path: str, name: str) -> str:
    """Return the path of a member of what is at a path."""
    return f"{path}.{written_name(name)}"


def steps(path: str) -> list[tuple[str, str]]:
    """Return the names along a path, each with the marks of rows behind it: `lines`, `[]`."""
    return [(name, rows) for _, name, rows in _steps(path)]


def _steps(path: str) -> Iterator[tuple[int, str, str]]:
    """Yield where each name of a path begins, the name, and the marks behind it."""
    at = 0
    while at <= len(path):
        one = _STEP.match(path, at)
        assert one is not None
        quoted, plain, rows = one.groups()
        yield at, (plain if quoted is None else quoted[1:-1].replace("``", "`")), rows
        # A name right behind the mark of a row lacks its dot.
        at = one.end() + (path[one.end() : one.end() + 1] in (".", ""))


def names_along(path: str) -> list[str]:
    """Return the names along a path, the record's first."""
    if "`" not in path:
        return without_rows(path).split(".")
    return [name for name, _ in steps(path)]


def holder_of(path: str) -> tuple[str, str]:
    """Return the path of what holds a member, empty where nothing does, and the member's name."""
    if "`" not in path:
        above, _, name = path.rpartition(".")
        return above, name.partition("[")[0]
    *_, (at, name, _) = _steps(path)
    return path[: max(at - 1, 0)], name


def without_rows(path: str) -> str:
    """Return a path without the marks of its lists."""
    return _outside(path, lambda part: part.replace("[]", ""))


def without_numbers(path: str) -> str:
    """Return a path with `[]` in place of the numbers of rows."""
    return _outside(path, lambda part: _ROW.sub("[]", part))


def row_numbers(path: str) -> tuple[int, ...]:
    """Return the numbers of the rows that a path leads through: `a[2].b` -> `(2,)`."""
    parts = _QUOTED_NAME.split(path)[::2] if "`" in path else [path]
    return tuple(int(digits) for part in parts for digits in _ROW.findall(part))


def numbered(path: str, number: Callable[[], int | None]) -> str:
    """Return a path with the number of a row in each `[]`; one that is not known leaves it."""

    def fill(_: re.Match[str]) -> str:
        found = number()
        return "[]" if found is None else f"[{found}]"

    return _outside(path, lambda part: re.sub(r"\[\]", fill, part))


def upwards(path: str) -> Iterator[str]:
    """Yield what a path lies in, and itself: a, a.b, a.b[], a.b[].c."""
    begun = ""
    for number, part in enumerate(_QUOTED_NAME.split(path)):
        if number % 2 == 0:
            yield from (begun + part[: one.start()] for one in re.finditer(r"[.\[]", part))
        begun += part
    yield path


def covers(above: str, path: str) -> bool:
    """Whether a path is another one, or lies below it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _outside(path: str, change: Callable[[str], str]) -> str:
    """Return a path with all changed that is no name in backquotes."""
    if "`" not in path:
        return change(path)
    parts = _QUOTED_NAME.split(path)
    parts[::2] = map(change, parts[::2])
    return "".join(parts)
