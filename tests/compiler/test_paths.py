"""Patterns of source paths: `*` stands for part of one name."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mapgen.check.sources import Paths

_NAME = st.text("ab[_", min_size=1, max_size=4).map(lambda name: name.replace("[]", ""))
_SHAPE = st.text("ab[_*", min_size=1, max_size=4)


@given(
    st.lists(st.lists(_NAME, min_size=1, max_size=3).map(".".join), max_size=8),
    st.lists(_SHAPE, min_size=1, max_size=3).map(".".join),
)
def test_under_a_pattern(paths: list[str], pattern: str) -> None:
    """A pattern takes each path whose first names are as it says, in order of their beginnings."""
    shape = re.compile(re.escape(pattern).replace(r"\*", r"[^.\[\]]*"))
    known = [".".join(path.split(".")[:end]) for path in paths for end in range(1, 4)]
    above = [one for one in dict.fromkeys(known) if shape.fullmatch(one)]
    expected = [path for one in above for path in paths if f"{path}.".startswith(f"{one}.")]

    found = Paths.of(paths).under(pattern)

    assert sorted(found) == sorted(expected)
