"""Quotients that are calculated with further: nothing is lost before they are rounded."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.project.evaluation import evaluate, read_types
from mapgen.report import Text
from mapgen.runtime.errors import RuleError
from mapgen.runtime.exact import quotient, to_places
from mapgen.runtime.ratios import ratio_value


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("math.floor((1.0 / 3) * 3)", "1"),
        ("math.floor(3 * (1.0 / 3))", "1"),
        ("math.trunc(1.0 / 3 + 1.0 / 3 + 1.0 / 3)", "1"),
        ("math.ceil(1.0 / (1.0 / 3) / 3)", "1"),
        ("((1.0 / 3) * 1.5).round(0)", "1"),
        ("(1.0 / 3 * 0.015).roundHalfEven(2)", "0.00"),
        ("(0.5 - 1.0 / 3 - 1.0 / 6).roundUp(2)", "0.00"),
        ("math.floor(-(1.0 / 3) * 3)", "-1"),
        ("math.floor((1 < 2 ? 2.0 / 7 : 1.0) * 7)", "2"),
        ("int((1.0 / 3) * 3)", "1"),
        ("(1.0 / 8 * 3).round(3)", "0.375"),
    ],
)
def test_exact_until_it_is_rounded(words: str, expected: str) -> None:
    """Whatever is added to a quotient, or multiplied or divided by it."""
    assert str(evaluate(Text.plain(words), {}, {}).value) == expected


@pytest.mark.parametrize(
    "words", ["1.0 / (a / 3 - a / 3)", "a / 3 / (a - a)", "1.0 / (a * (1.0 / 3) - 1.0)"]
)
def test_division_by_zero(words: str) -> None:
    """A divisor that is exactly zero is reported, though digits would not have shown it."""
    types = read_types({"a": "decimal"})
    with pytest.raises(RuleError) as told:
        evaluate(Text.plain(f"({words}).round(2)"), types, {"a": 3})
    assert told.value.code == "R210"


NUMBERS = st.decimals(1, 999, places=2).map(lambda one: f"{one:f}")
TREES = st.recursive(
    NUMBERS,
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda one: f"({one[0]} {one[1]} {one[2]})"
    ),
    max_leaves=6,
)
ROUNDINGS: Mapping[str, str] = {
    "math.floor({})": ROUND_FLOOR,
    "math.ceil({})": ROUND_CEILING,
    "math.trunc({})": ROUND_DOWN,
    "math.round({})": ROUND_HALF_UP,
}


@settings(max_examples=60, deadline=None)
@given(TREES, st.sampled_from(sorted(ROUNDINGS)))
def test_any_tree_is_what_fractions_say(words: str, rounding: str) -> None:
    """An interpreter that knows fractions alone gives the same."""
    exact = re.sub(r"[\d.]+", lambda one: f'Fraction("{one[0]}")', words)
    try:
        expected = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        return
    if abs(expected) > 10**27:
        return
    whole = {
        ROUND_FLOOR: math.floor,
        ROUND_CEILING: math.ceil,
        ROUND_DOWN: math.trunc,
        ROUND_HALF_UP: lambda one: int(abs(one) + Fraction(1, 2)) * (1 if one > 0 else -1),
    }[ROUNDINGS[rounding]](expected)

    assert evaluate(Text.plain(rounding.format(words)), {}, {}).value == whole


@given(st.integers(1, 10**60), st.integers(1, 10**60))
def test_a_quotient_is_not_rounded_twice(amount: int, by: int) -> None:
    """What is cut off after a hundred digits decides a half all the same."""
    found = to_places(quotient(Decimal(amount), Decimal(amount * 2)), 0, ROUND_HALF_UP)
    assert found == 1
    tiny = ratio_value(Fraction(1, 2) - Fraction(1, by * 10**120))
    assert to_places(tiny, 0, ROUND_HALF_UP) == 0
    assert Context(prec=90).plus(tiny) == Decimal("0.5")
