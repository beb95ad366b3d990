"""The name under which a ledger keeps the records of a flow and a tenant.

The tenant is part of it: what one tenant has, another may not have.
"""

from __future__ import annotations

from dataclasses import dataclass

from mapgen.runtime.ledger.text import storable


@dataclass(frozen=True, slots=True)
class Book:
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


def parts_of(book: str) -> Book:
    """Return whose records a book holds; an address has no blank in it."""
    flow, _, rest = book.partition(" in ")
    tenant, _, url = rest.rpartition(" at ")
    return Book(flow, tenant, url)
