"""How amounts are calculated: exactly, or not at all.

Two amounts of 28 digits have a product of 56. What would need more digits than are kept here is an
error of the record, never a number that is silently another one; only what rounds may round.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import (
    ROUND_05UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
    setcontext,
)
from typing import TypeVar

T = TypeVar("T")

MOST_DIGITS = 28
"""What an amount of a record, and one that was rounded, may have."""
_KEPT = 100
_EXACT = Context(prec=_KEPT, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
# What is rounded again is not rounded to a digit that decides a second time.
_DIVISION = Context(
    prec=_KEPT, rounding=ROUND_05UP, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_ROUNDING = Context(prec=MOST_DIGITS, traps=[InvalidOperation, Overflow])
_LOSSLESS = Context(prec=MOST_DIGITS, traps=[InvalidOperation, Overflow, Inexact])


def exactly() -> AbstractContextManager[Context]:
    """Return the context in which sums and products are exact, or raise an ArithmeticError."""
    return localcontext(_EXACT)


class _Calculating(threading.local):
    """What runs steps in that context, in each thread: it is entered by one thing at a time."""

    def __init__(self) -> None:
        context = contextvars.Context()
        context.run(setcontext, _EXACT)
        self.run = context.run


_CALCULATING = _Calculating()


def calculated(step: Callable[..., T], *given: object) -> T:
    """Return what a step gives in that context, at little cost: it is done a million times.

    In the step nothing else is calculated so. The context is the same for all steps: its flags say
    nothing.
    """
    return _CALCULATING.run(step, *given)


def quotient(amount: Decimal, by: Decimal) -> Decimal:
    """Return a quotient, to more digits than any rounding looks at."""
    return without_sign_of_zero(_DIVISION.divide(amount, by))


def to_places(amount: Decimal, places: int, rounding: str) -> Decimal:
    """Return an amount rounded. Raises InvalidOperation where it has more than 28 digits then."""
    unit = _UNITS.get(places) or _unit(places)
    found = amount.quantize(unit, rounding, _ROUNDING)
    return found if found else found.copy_abs()  # `without_sign_of_zero`, without a call


def without_sign_of_zero(amount: Decimal) -> Decimal:
    """Return an amount; what is written `-0.00` is the amount 0.00, and shown so."""
    return amount if amount else amount.copy_abs()


def has_places(amount: Decimal, places: int) -> bool:
    """Tell whether an amount is sure to be the same with so many places."""
    try:
        amount.quantize(_UNITS.get(places) or _unit(places), None, _LOSSLESS)
    except (Inexact, InvalidOperation):
        return False
    return True


def _unit(places: int) -> Decimal:
    return Decimal((0, (1,), -places))


_UNITS = {places: _unit(places) for places in range(13)}
