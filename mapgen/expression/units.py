"""Units of measure as data: two names come in, the exact factor between them goes out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast

from msgspec import Struct

from mapgen.ir import building
from mapgen.ir import expression as ir
from mapgen.ir.types import DECIMAL
from mapgen.report.near import suggestion

if TYPE_CHECKING:
    from fractions import Fraction

Dimension = Literal["mass", "length", "area", "volume", "time"]


class Unit(Struct, frozen=True):
    """What is measured, and how many of the dimension's own unit one of these is."""

    dimension: Dimension
    factor: Decimal


# Every factor is exact: SI prefixes, and the international yard and pound agreement of 1959 with
# what follows from it (NIST Special Publication 811, appendix B, factors in bold). The gallons are
# those of the laws: 231 cubic inches in the US, 4.54609 litres in the United Kingdom.
_FACTORS = """
mass: mg 0.000001, g 0.001, kg 1, t 1000, oz 0.028349523125, lb 0.45359237, us_ton 907.18474
length: mm 0.001, cm 0.01, dm 0.1, m 1, km 1000, ft 0.3048, yd 0.9144, mi 1609.344, in 0.0254
area: mm2 0.000001, cm2 0.0001, m2 1, ha 10000, km2 1000000
area: in2 0.00064516, ft2 0.09290304, yd2 0.83612736, acre 4046.8564224
volume: ml 0.001, cl 0.01, dl 0.1, l 1, cm3 0.001, m3 1000, in3 0.016387064, ft3 28.316846592
volume: us_fl_oz 0.0295735295625, us_pt 0.473176473, us_qt 0.946352946, us_gal 3.785411784
volume: uk_fl_oz 0.0284130625, uk_pt 0.56826125, uk_gal 4.54609
time: ms 0.001, s 1, min 60, h 3600, day 86400, week 604800
"""
UNITS: Mapping[str, Unit] = {
    name: Unit(cast(Dimension, dimension), Decimal(factor))
    for dimension, _, units in (line.partition(": ") for line in _FACTORS.strip().splitlines())
    for name, factor in (unit.split() for unit in units.split(", "))
}


def unit_error(name: str) -> str | None:
    """Return why there is no such unit, None where there is."""
    return None if name in UNITS else "there is no such unit"


def near_units(name: str) -> str | None:
    """Return a help line for a unit that is not known."""
    if name in UNITS:
        return None
    near = suggestion(name, [unit for unit in UNITS if 2 * len(unit) >= len(name)])
    return near or f"units are {', '.join(f'`{unit}`' for unit in UNITS)}"


def mismatch(source: str, target: str) -> str | None:
    """Return why no factor leads from one unit to the other, None where one does."""
    one, other = UNITS[source], UNITS[target]
    if one.dimension != other.dimension:
        return f"`{source}` is a unit of {one.dimension}, `{target}` one of {other.dimension}"
    if source == target:
        return "both units are the same, so that nothing is converted"
    return None


def ratio(source: str, target: str) -> Fraction:
    """Return by what an amount is multiplied on the way from one unit to the other."""
    from fractions import Fraction  # few specs convert

    return Fraction(UNITS[source].factor) / Fraction(UNITS[target].factor)


def is_finite(number: Fraction) -> bool:
    """Whether a ratio has a last decimal place: then a product with it is exact."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def exact(number: Fraction) -> Decimal:
    """Return a finite ratio as a decimal, with no more places than it needs."""
    places = 0
    while (number * 10**places).denominator != 1:
        places += 1
    return Decimal((number * 10**places).numerator).scaleb(-places)


def converted(amount: ir.Expression, source: ir.Expression, target: ir.Expression) -> ir.Expression:
    """Return an amount in another unit: one exact factor where there is one, else two."""
    assert isinstance(source, ir.Constant)
    assert isinstance(target, ir.Constant)
    one, other = str(source.value), str(target.value)
    factor = ratio(one, other)
    if is_finite(factor):
        return ir.Operation("*", amount, building.decimal(exact(factor)), DECIMAL)
    if is_finite(1 / factor):
        return ir.Operation("/", amount, building.decimal(exact(1 / factor)), DECIMAL)
    times, by = (building.decimal(UNITS[name].factor) for name in (one, other))
    return ir.Operation("/", ir.Operation("*", amount, times, DECIMAL), by, DECIMAL)
