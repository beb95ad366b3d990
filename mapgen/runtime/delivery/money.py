"""The money of a document: what its fields say that make an amount, in one currency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from msgspec import Struct

from mapgen.agreed.plan import Books

_SUMS = Context(prec=100)


class Money(Struct, frozen=True):
    """An amount, and what it is in, where the document says so."""

    amount: Decimal
    currency: str = ""

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}".rstrip()


def money_of(part: Mapping[str, Any], books: Books) -> Money | None:
    """Return the money of a document, sent or read; None where nothing of it is an amount."""
    found = [amount for term in books.money for amount in _amounts(part, term)]
    if not found:
        return None
    total = Decimal(0)
    for amount in found:
        total = _SUMS.add(total, amount)
    return Money(total, _text(part.get(books.currency or "")))


def money_shown(shown: Mapping[str, str], books: Books) -> Money | None:
    """Return the money of a document of which a look-up shows the fields."""
    return money_of({name: {"value": value} for name, value in shown.items() if value}, books)


def money_in(words: str | None) -> Money | None:
    """Return the money that the ledger keeps as a text."""
    if words is None:
        return None
    amount, _, currency = words.partition(" ")
    return Money(Decimal(amount), currency)


def shown_fields(books: Books) -> tuple[str, ...]:
    """Return the fields by which a look-up shows the money of a document, none for that of rows."""
    if not books.money or any("." in term for term in books.money):
        return ()
    return (*books.money, *((books.currency,) if books.currency else ()))


def rows_of(books: Books) -> Sequence[str]:
    """Return the lists of rows that money is in."""
    return tuple({term.lstrip("-").partition(".")[0] for term in books.money if "." in term})


def _amounts(part: Mapping[str, Any], term: str) -> Iterator[Decimal]:
    """Yield what a term comes to: of rows, in each of them that has it."""
    sign = -1 if term.startswith("-") else 1
    rows, _, names = term.lstrip("-").rpartition(".")
    holders = part.get(rows) if rows else [part]
    for holder in holders if isinstance(holders, list) else ():
        factors = [_number(holder.get(name)) for name in names.split("*")]
        product = Decimal(sign)
        for factor in factors:
            if factor is None:
                break
            product = _SUMS.multiply(product, factor)
        else:
            yield product


def _number(wrapper: object) -> Decimal | None:
    value = wrapper.get("value") if isinstance(wrapper, dict) else None
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(wrapper: object) -> str:
    value = wrapper.get("value") if isinstance(wrapper, dict) else None
    return "" if value is None or isinstance(value, dict) else str(value)
