"""What is quick for most values says the same as what is slow for all."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Context, Decimal
from unittest.mock import patch

import msgspec
from hypothesis import example, given
from hypothesis import strategies as some

from mapgen.runtime import exact, limits
from mapgen.runtime.errors import RuleError
from mapgen.runtime.functions import digits, parse_decimal
from mapgen.runtime.values import CLEARED, Cleared, StringValue

DIGITS = some.lists(some.sampled_from((0, 1, 9)), min_size=1, max_size=40)
AMOUNTS = some.builds(
    lambda sign, shown, exponent: Decimal((sign, tuple(shown), exponent)),
    some.sampled_from((0, 1)),
    DIGITS,
    some.integers(-45, 20),
)


@given(AMOUNTS, some.integers(0, 8))
@example(Decimal("1E+27"), 2)
@example(Decimal("-0.000"), 2)
def test_places(amount: Decimal, places: int) -> None:
    """A number has so many places where nothing is behind them, whatever its digits."""
    cut = amount.quantize(Decimal((0, (1,), -places)), ROUND_DOWN, Context(prec=100))
    is_short = len(cut.as_tuple().digits) <= exact.MOST_DIGITS
    try:
        assert limits.with_places(amount, places) is amount
    except RuleError:
        assert cut != amount or not is_short
    else:
        assert cut == amount


class _Row(msgspec.Struct):
    code: StringValue | Cleared | msgspec.UnsetType
    kind: StringValue


_ROWS = some.builds(
    _Row,
    some.sampled_from((StringValue("a"), StringValue("b"), CLEARED, msgspec.UNSET)),
    some.sampled_from((StringValue("a"), StringValue("b"))),
)


@given(some.lists(_ROWS, max_size=4), some.sampled_from((("code",), ("code", "kind"))))
def test_unique_rows(rows: list[_Row], fields: tuple[str, ...]) -> None:
    """Rows are looked at one by one only where two of them may be alike."""

    def found() -> str | None:
        try:
            assert limits.unique(rows, *fields) is rows
        except RuleError as error:
            return error.message
        return None

    quick = found()
    with patch.object(limits, "_are_different", lambda *_: False):
        assert found() == quick


@given(some.text("0123456789 -a\u0661\u00b2", max_size=8))
def test_digits(text: str) -> None:
    """A number in another script has none of the digits 0 to 9."""
    assert digits(text) == re.sub("[^0-9]", "", text)


@given(some.text("0019.+-eE \u0661", max_size=34))
@example("-0")
@example("1" * 28)
@example("." + "1" * 28)
def test_numbers_of_text(text: str) -> None:
    """A short number needs no second look; its digits are those of the text, a zero has no sign."""
    try:
        found: Decimal | None = parse_decimal(text)
    except RuleError:
        found = None
    plain = re.fullmatch(r"[+-]?(\d+(\.\d+)?|\.\d+)", text, re.ASCII)
    if plain and sum(one.isdigit() for one in text) <= exact.MOST_DIGITS:
        unsigned = Decimal(text).copy_abs()
        assert str(found) == str(Decimal(text) if unsigned else unsigned)
    elif "e" not in text.lower():
        assert found is None or len(found.as_tuple().digits) <= exact.MOST_DIGITS
