"""Amounts are exact, or an error: nothing is rounded that did not ask for it."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.project.evaluation import evaluate, read_types
from mapgen.report import Text
from mapgen.runtime.errors import RuleError

AMOUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**17), max_value=10**17, places=9
)
LONG = "1234567890123456789012345678"


def value_of(words: str, **values: str) -> Decimal:
    kinds = read_types(dict.fromkeys(values, "decimal"))
    return Decimal(str(evaluate(Text.plain(words), kinds, dict(values)).value))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a * a", int(LONG) ** 2),
        ("a * a + a", int(LONG) ** 2 + int(LONG)),
        ("(a / 3).round(0)", int(LONG) // 3),
        ("(a * 3 / 3).round(0)", int(LONG)),
    ],
)
def test_long_amounts(words: str, expected: int) -> None:
    """More than 28 digits are kept, also on the way to a rounding."""
    assert value_of(words, a=LONG) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("(decimal(0) / (0 - 4)).round(2)", "0.00"),
        ("decimal('-0.00')", "0.00"),
        ("decimal('-0.004').round(2)", "0.00"),
        ("math.ceil(decimal('-0.4'))", "0"),
        ("string(decimal(0) * (0 - 4))", "0"),
    ],
)
def test_a_zero_has_no_sign(words: str, expected: str) -> None:
    """Whatever it came of: a quotient, a text, a rounding."""
    assert str(evaluate(Text.plain(words), {}, {}).value) == expected


def test_too_long() -> None:
    """What has more digits than are kept is an error, never another number."""
    with pytest.raises(RuleError) as caught:
        value_of("a * a * a * a", a=LONG)
    assert caught.value.code == "R308"


@given(AMOUNTS, AMOUNTS, AMOUNTS)
def test_products_and_sums(one: Decimal, two: Decimal, three: Decimal) -> None:
    """Products and sums are those of whole numbers."""
    words = {"a": f"{one:f}", "b": f"{two:f}", "c": f"{three:f}"}
    whole = [int(Decimal(text).scaleb(9)) for text in words.values()]

    found = value_of("a * b + c", **words)

    with localcontext(prec=200):
        assert found == Decimal(whole[0] * whole[1] + whole[2] * 10**9).scaleb(-18)
