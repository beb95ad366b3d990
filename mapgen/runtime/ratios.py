"""Quotients that are calculated with further: exact until they are rounded.

Of `(a / 3) * 3` a decimal would have lost a last digit that decides what is rounded down.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from mapgen.runtime.errors import RuleError
from mapgen.runtime.exact import quotient


def over(amount: Fraction, by: Fraction) -> Fraction:
    """Return the quotient as it is. Raises RuleError for a division by zero."""
    if by == 0:
        raise RuleError("R210", "this divides by zero", ratio_value(amount))
    return amount / by


def ratio_value(ratio: Fraction) -> Decimal:
    """Return what a ratio amounts to, to more digits than any rounding looks at."""
    return quotient(Decimal(ratio.numerator), Decimal(ratio.denominator))
