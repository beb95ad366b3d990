"""How amounts are calculated: exactly, or not at all.

Two amounts of 28 digits have a product of 56. What would need more digits than are kept here is an
error of the record, never a number that is silently another one; only what rounds may round.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)

MOST_DIGITS = 28
"""What an amount of a record, and one that was rounded, may have."""
_KEPT = 100
_EXACT = Context(prec=_KEPT, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_DIVISION = Context(prec=_KEPT, traps=[InvalidOperation, DivisionByZero, Overflow])
_ROUNDING = Context(prec=MOST_DIGITS, traps=[InvalidOperation, Overflow])


def exactly() -> AbstractContextManager[Context]:
    """Return the context in which sums and products are exact, or raise an ArithmeticError."""
    return localcontext(_EXACT)


def quotient(amount: Decimal, by: Decimal) -> Decimal:
    """Return a quotient, to more digits than any rounding looks at."""
    return _DIVISION.divide(amount, by)


def to_places(amount: Decimal, places: int, rounding: str) -> Decimal:
    """Return an amount rounded. Raises InvalidOperation where it has more than 28 digits then."""
    return amount.quantize(Decimal((0, (1,), -places)), rounding, _ROUNDING)
