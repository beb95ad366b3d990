"""Patterns of source paths: `*` stands for part of one name."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.paths import member_path, names_along
from mapgen.check.sources import Paths

_NAME = st.text("ab[.`_", max_size=4)
_SHAPE = st.text("ab[.`_*", max_size=4)


def _path(names: list[str]) -> str:
    return member_path("", names[0])[1:] + "".join(member_path("", name) for name in names[1:])


@given(
    st.lists(st.lists(_NAME, min_size=1, max_size=3).map(_path), max_size=8),
    st.lists(_SHAPE, min_size=1, max_size=3),
)
def test_under_a_pattern(paths: list[str], shapes: list[str]) -> None:
    """A pattern takes each path whose first names are as it says, in order of their beginnings."""
    known = [_path(names_along(path)[:end]) for path in paths for end in range(1, 4)]
    above = [one for one in dict.fromkeys(known) if _fits(names_along(one), shapes)]
    expected = [path for one in above for path in paths if f"{path}.".startswith(f"{one}.")]

    found = Paths.of(paths).under(_path(shapes))

    assert sorted(found) == sorted(expected)


def _fits(names: list[str], shapes: list[str]) -> bool:
    patterns = [re.escape(shape).replace(r"\*", ".*") for shape in shapes]
    return len(names) == len(shapes) and all(map(re.fullmatch, patterns, names))
