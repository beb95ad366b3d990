"""Pieces of personal values in the words of others: none of them is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.runtime.masking import masker

WORDS = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=4, max_size=12)


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("Ada Lovelace", "Contact Ada Lovelace exists.", "Contact *** exists."),
        ("Ada Lovelace", "Contact LOVELACE, ADA exists.", "Contact ***, *** exists."),
        ("ada@example.org", "'ada' at example.org is taken", "'***' at ***.*** is taken"),
        ("Müller", "MULLER exists", "*** exists"),
        ("Lovelace", "The alias lovelace1815 exists", "The alias *** exists"),
        ("+1 555 010 0199", "Phone 15550100199 or (555) 010-0199", "Phone *** or (***"),
        ("1980-01-31T00:00:00", "Born 1/31/1980 12:00:00 AM", "Born *** AM"),
        ("1234.50", "The amount 1,234.5 is too large", "The amount *** is too large"),
        ("Li", "Li is unknown, Lima is not", "*** is unknown, Lima is not"),
        ("Ada", "'Status' cannot be empty.", "'Status' cannot be empty."),
    ],
)
def test_masked(value: str, text: str, expected: str) -> None:
    """Whole values, their words, their digits, in another spelling; ordinary words stay."""
    found = masker([value])
    assert found is not None
    assert found.masked(text) == expected


@given(WORDS, st.integers(0, 8), st.text(max_size=20), st.text(max_size=20))
def test_no_piece_is_left(value: str, start: int, before: str, behind: str) -> None:
    """Four letters of a value in a row are nowhere in what is shown, whatever stands around."""
    piece = value[min(start, len(value) - 4) :][:4]
    found = masker([value])
    assert found is not None
    text = found.masked(f"{before}{piece}{behind}")
    assert piece not in text or piece in before + behind
    assert piece not in found.masked(f"x {piece} y")


def test_nothing_personal() -> None:
    """Blank values mask nothing."""
    assert masker(["", "  "]) is None
