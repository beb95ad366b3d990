"""The runtime's functions of CEL's numbers and logic: what they give, and what they cannot do."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import pytest

from mapgen.runtime import cel
from mapgen.runtime.faults import Fault


def _fails() -> bool:
    raise Fault("R210", "this divides by zero")


def _overflows() -> bool:
    raise OverflowError


@pytest.mark.parametrize(
    ("conditions", "all_", "any_"),
    [
        pytest.param([], True, False, id="none"),
        pytest.param([lambda: True, lambda: False], False, True, id="both"),
        pytest.param([_fails, lambda: False], False, Fault, id="fault, then false"),
        pytest.param([_overflows, lambda: False], False, OverflowError, id="overflow, then false"),
        pytest.param([_fails, lambda: True], Fault, True, id="fault, then true"),
        pytest.param([lambda: True, _fails], Fault, True, id="true, then fault"),
        pytest.param([_fails, _overflows], Fault, Fault, id="the first fault is told"),
    ],
)
def test_absorbing(
    conditions: list[Callable[[], bool]],
    all_: bool | type[Exception],
    any_: bool | type[Exception],
) -> None:
    """A condition that decides outweighs the faults of others; without one the first is raised."""
    for function, wanted in ((cel.all_hold, all_), (cel.any_holds, any_)):
        if isinstance(wanted, bool):
            assert function(conditions) is wanted
        else:
            with pytest.raises(wanted):
                function(conditions)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: cel.in_64_bits(2**63), "R308"),
        (lambda: cel.in_64_bits(-(2**63) - 1), "R308"),
        (lambda: cel.remainder(-(2**63), -1), "R308"),
        (lambda: cel.remainder(1, 0), "R210"),
        (lambda: cel.shift_left(1, -1), "R204"),
        (lambda: cel.shift_right(1, -1), "R204"),
        (lambda: cel.parse_double("1,5"), "R208"),
        (lambda: cel.parse_double(" 1"), "R208"),
        (lambda: cel.whole(math.nan), "R308"),
        (lambda: cel.whole(2.0**63), "R308"),
        (lambda: cel.whole(-(2.0**63)), "R308"),
        (lambda: cel.in_range(timedelta(days=110_000)), "R219"),
    ],
)
def test_fault(call: Callable[[], object], code: str) -> None:
    """What cannot be done is a Fault with its code."""
    with pytest.raises(Fault) as caught:
        call()

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (999999.0, "999999"),
        (1e6, "1e+06"),
        (1.25e-5, "1.25e-05"),
        (0.0001, "0.0001"),
        (1e100, "1e+100"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_text_of_a_double(number: float, text: str) -> None:
    """The text is the shortest that spells the number."""
    assert cel.double_text(number) == text


@pytest.mark.parametrize(
    ("number", "by", "gives"),
    [
        (7.0, 2.0, 3.5),
        (1.0, 0.0, math.inf),
        (1.0, -0.0, -math.inf),
        (-1.0, 0.0, -math.inf),
        (-math.inf, -0.0, math.inf),
        (0.0, 0.0, math.nan),
        (math.nan, 0.0, math.nan),
    ],
)
def test_quotient(number: float, by: float, gives: float) -> None:
    """Division by zero is infinite, with the sign of both, or no number."""
    found = cel.quotient(number, by)

    assert found == gives or (math.isnan(found) and math.isnan(gives))
