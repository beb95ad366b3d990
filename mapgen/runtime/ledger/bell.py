"""The bell of a ledger in PostgreSQL: who listens hears at once for what something arrived."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, func, select

ARRIVED = "mapgen_arrived"
"""The channel of what lies in an inbox; a word says in which."""


def word_of(book: str) -> str:
    """Return what is said for a book: it is short, and names no tenant."""
    return hashlib.sha256(book.encode()).hexdigest()[:32]


def ring(connection: Connection, book: str) -> None:
    """Ring for a book once the transaction is committed; SQLite has no bell."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(ARRIVED, word_of(book))))
