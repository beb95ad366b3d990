"""A law of ranges: what the compiler calls empty has no number in it, and the rest has one."""

from __future__ import annotations

from decimal import Decimal
from typing import cast, get_args

from hypothesis import given
from hypothesis import strategies as st

from mapgen.check.modifiers import range_diagnostics
from mapgen.ir.types import DECIMAL, INT
from mapgen.report import Source, Span, Text
from mapgen.spec.model import Comparison, Range

SIGNS = st.sampled_from(get_args(Comparison))
BOUNDS = st.tuples(SIGNS, st.decimals(-3, 3, places=1))
SPAN = Span(Source("specs/x.maps.yaml", "x"), 0, 1)
# Every number of two places around the bounds: between two different bounds there is one of them.
NUMBERS = [Decimal(hundredth) / 100 for hundredth in range(-500, 501)]


def _keeps(number: Decimal, bounds: list[tuple[Comparison, Decimal]]) -> bool:
    tests = {"<": number.__lt__, "<=": number.__le__, ">": number.__gt__, ">=": number.__ge__}
    return all(tests[sign](bound) for sign, bound in bounds)


@given(st.lists(BOUNDS, min_size=1, max_size=2), st.booleans())
def test_empty_ranges(bounds: list[tuple[str, Decimal]], is_whole: bool) -> None:
    """A range is an error exactly where no number, or no whole one, honours it."""
    known = [(cast(Comparison, sign), Decimal(bound)) for sign, bound in bounds]
    written = Range(tuple(known), Text.plain("a range"))

    diagnostics = list(range_diagnostics(written, None, INT if is_whole else DECIMAL, SPAN))

    inside = [one for one in NUMBERS if _keeps(one, known) and (not is_whole or one == int(one))]
    assert [diagnostic.code for diagnostic in diagnostics] == ([] if inside else ["E478"])


@given(st.lists(BOUNDS, min_size=1, max_size=2), st.sampled_from(NUMBERS))
def test_constants(bounds: list[tuple[str, Decimal]], number: Decimal) -> None:
    """A constant is an error exactly where it does not honour a range that is not empty."""
    known = [(cast(Comparison, sign), Decimal(bound)) for sign, bound in bounds]
    written = Range(tuple(known), Text.plain("a range"))

    diagnostics = list(range_diagnostics(written, number, DECIMAL, SPAN))

    assert bool(diagnostics) != _keeps(number, known)
