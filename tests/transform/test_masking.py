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
        ("Jörg", "JOERG exists", "*** exists"),
        ("Søren", "Soren and SOEREN exist", "*** and *** exist"),
        ("Jörg", "J%C3%B6rg, J%F6rg, J%25C3%25B6rg exist", "*** *** *** exist"),
        ("Jörg", r"J\u00f6rg and J&ouml;rg, J&#246;rg", "*** and *** ***"),
        ("O'Ki", "/Contact?$filter=Name%20eq%20%27O%27%27Ki%27 is wrong", "*** is wrong"),
        ("O'Ki", r"O''Ki or O\'Ki or o'ki", "*** or *** or ***"),
        ("Li  Wu", "Li Wu, Li\tWu", "***, ***"),
        ("Jörg", "Jo\u0308rg exists", "*** exists"),
        ("a@b.org", "a%40b.org, a&#x40;b.org", "*** ***"),
        ("Ada", "100% of %41 &amp; B \\u0041", "100% of %41 &amp; B \\u0041"),
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
    """Four letters of a value in a row are nowhere in what is shown, whatever is around."""
    piece = value[min(start, len(value) - 4) :][:4]
    found = masker([value])
    assert found is not None
    text = found.masked(f"{before}{piece}{behind}")
    assert piece not in text or piece in before + behind
    assert piece not in found.masked(f"x {piece} y")


def test_nothing_personal() -> None:
    """Blank values mask nothing."""
    assert masker(["", "  "]) is None
