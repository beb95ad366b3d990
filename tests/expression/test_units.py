"""Units of measure: exact factors, there and back, and straight code."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.expression.units import UNITS, exact, is_finite, mismatch, ratio

from .language import DECIMAL, Binding, Scope, emit, run

SCOPE = Scope({"amount": Binding(DECIMAL)})
NAMES = sorted(UNITS)
PAIRS = [(one, other) for one in NAMES for other in NAMES if mismatch(one, other) is None]


@given(st.decimals(-(10**6), 10**6, places=3), st.sampled_from(PAIRS))
def test_there_and_back(amount: Decimal, units: tuple[str, str]) -> None:
    """An amount that is converted and converted back is what it was, to nine places."""
    one, other = units
    words = f"amount.convertUnit('{one}', '{other}').convertUnit('{other}', '{one}').round(9)"
    assert run(words, {"amount": amount}, SCOPE) == amount


@given(st.decimals(0, 10**6, places=3), st.sampled_from(PAIRS))
def test_exact_where_it_has_an_end(amount: Decimal, units: tuple[str, str]) -> None:
    """Where the factor has a last digit, nothing is lost at all."""
    one, other = units
    if is_finite(ratio(one, other)):
        words = f"amount.convertUnit('{one}', '{other}')"
        found = run(words, {"amount": amount}, SCOPE)
        assert Fraction(found) == Fraction(amount) * ratio(one, other)


@pytest.mark.parametrize(
    ("units", "factor"),
    [
        pytest.param(("lb", "oz"), "16", id="ounces in a pound"),
        pytest.param(("ft", "in"), "12", id="inches in a foot"),
        pytest.param(("mi", "ft"), "5280", id="feet in a mile"),
        pytest.param(("yd2", "ft2"), "9", id="square feet in a square yard"),
        pytest.param(("acre", "yd2"), "4840", id="square yards in an acre"),
        pytest.param(("ft3", "in3"), "1728", id="cubic inches in a cubic foot"),
        pytest.param(("us_gal", "in3"), "231", id="cubic inches in a US gallon"),
        pytest.param(("us_gal", "us_fl_oz"), "128", id="fluid ounces in a US gallon"),
        pytest.param(("uk_gal", "uk_fl_oz"), "160", id="fluid ounces in a UK gallon"),
        pytest.param(("us_ton", "lb"), "2000", id="pounds in a US ton"),
        pytest.param(("m3", "l"), "1000", id="litres in a cubic metre"),
        pytest.param(("day", "min"), "1440", id="minutes in a day"),
    ],
)
def test_factors_agree(units: tuple[str, str], factor: str) -> None:
    """The table's factors come to the ratios that the definitions give."""
    assert exact(ratio(*units)) == Decimal(factor)


@pytest.mark.parametrize(
    ("units", "code"),
    [
        pytest.param("'g', 'kg'", "amount * DECIMAL_0_001", id="a factor"),
        pytest.param(
            "'in', 'ft'", "divided(amount, DECIMAL_12)", id="a divisor, where that is exact"
        ),
        pytest.param(
            "'us_gal', 'uk_gal'",
            "divided(amount * DECIMAL_3_785411784, DECIMAL_4_54609)",
            id="both",
        ),
    ],
)
def test_emitted(units: str, code: str) -> None:
    """A reviewer reads one multiplication or division by what is written out."""
    assert emit(f"amount.convertUnit({units})", SCOPE) == code
