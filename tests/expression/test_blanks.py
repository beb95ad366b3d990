"""What counts as a blank around a text, and that nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.runtime.blanks import is_blank, trimmed
from mapgen.runtime.functions import non_blank

BLANKS = "\t\n\r \u0085\u00a0\u1680\u180e\u2003\u200b\u200e\u200f\u2028\u202f\u2060\u3000\ufeff"


@pytest.mark.parametrize("blank", BLANKS)
def test_each_blank(blank: str) -> None:
    """It is nothing at the ends of a text, stays inside, and is no text alone."""
    assert trimmed(f"{blank}a{blank}b{blank}{blank}") == f"a{blank}b"
    assert is_blank(blank)
    assert non_blank(f" {blank} ") is None


@pytest.mark.parametrize("text", ["\u200d", "\u200c", "ß", "\u00ad", "注"])
def test_what_is_none(text: str) -> None:
    """Joiners and letters stay."""
    assert trimmed(f" {text} ") == text


@given(st.text(st.sampled_from(f"ab é{BLANKS}")))
def test_as_python_would(text: str) -> None:
    """It is `strip` with more to strip; twice is once."""
    assert trimmed(text) == text.strip(BLANKS)
    assert trimmed(trimmed(text)) == trimmed(text)
