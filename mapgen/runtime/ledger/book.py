"""The name under which a ledger keeps the records of a flow and a tenant.

The tenant is part of it: what one tenant has, another may not have.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, select, true

from mapgen.runtime.ledger.schema import RECORDS
from mapgen.runtime.ledger.text import storable


class Book(Struct, frozen=True):
    """What a book holds: the records of a flow, in a tenant, at an address."""

    flow: str
    tenant: str
    url: str


def book_of(flow: str, tenant: str, url: str) -> str:
    """Return what the records of a flow are kept under."""
    return storable(f"{beginning(flow, tenant)}{url}")


def beginning(flow: str, tenant: str | None = None) -> str:
    """Return what all books of a flow begin with, in one tenant or in any."""
    return storable(f"{flow} in " if tenant is None else f"{flow} in {tenant} at ")


def is_of(
    column: ColumnElement[str], flow: str | None, tenant: str | None = None
) -> ColumnElement[bool]:
    """Return the condition of the books of a flow, in one tenant or in any, or of any flow."""
    return true() if flow is None else column.startswith(beginning(flow, tenant), autoescape=True)


def books_at(connection: Connection, place: str) -> Sequence[str]:
    """Return the books of all flows that go to a place, which is what they end with."""
    book = RECORDS.c.flow
    return connection.scalars(
        select(book).where(book.endswith(place, autoescape=True)).distinct()
    ).all()


def parts_of(book: str) -> Book:
    """Return whose records a book holds; an address has no blank in it."""
    flow, _, rest = book.partition(" in ")
    tenant, _, url = rest.rpartition(" at ")
    return Book(flow, tenant, url)
