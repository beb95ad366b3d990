"""Opens the database of a ledger, and creates, checks or migrates its tables."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from mapgen.disk.private import make_private
from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger.migration import migrate
from mapgen.runtime.ledger.schema import META, METADATA, VERSION, for_postgresql

_HELP_FORM = "give sqlite:///FILE, or postgresql+psycopg://USER@HOST/DATABASE"
_LONGEST_PAUSE = 30_000  # milliseconds
_MOST_TRIES, _BETWEEN_TRIES = 200, 0.05  # seconds
_POSTGRESQL_LOCK = 7_016_533_001  # any number, the same in every process


def open_engine(address: str) -> Engine:
    """Open the database and make, check or renew the ledger's tables in it.

    Raises LedgerFailed for an address of another form, a file that cannot be written or is no
    ledger, a server that does not answer, and a ledger of a newer version.
    """
    url = _parse(address)
    shown = url.render_as_string(hide_password=True)
    with translated_errors(shown):
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
    try:
        with translated_errors(shown), engine.begin() as connection:
            _prepare(connection, shown)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def translated_errors(shown: str) -> Iterator[None]:
    """Turn what the database says into a LedgerFailed; its statements and values are left out."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).strip().partition("\n")[0]
        raise LedgerFailed(f"the ledger `{shown}` fails: {reason}", _next_step(reason)) from None
    except SQLAlchemyError as error:
        raise LedgerFailed(
            f"the ledger `{shown}` fails: {type(error).__name__}", "run again; nothing is lost"
        ) from None


def _next_step(reason: str) -> str:
    for part, step in _STEPS:
        if part in reason:
            return step
    return "see that the database is reachable and run again; nothing is lost"


_MAKE_ROOM = "see that the disk has room, and run again; nothing is lost"
_STEPS = (
    ("unable to open database file", "see that the folder exists and may be written to"),
    ("readonly database", "see that the file and its folder may be written to"),
    ("read-only transaction", "see that the database may be written to: this is a standby, or"
                              " `default_transaction_read_only` is set; nothing is lost"),
    ("not a database", "name another file, or move this one away: it is not a ledger"),
    ("disk is full", _MAKE_ROOM),
    ("disk I/O error", _MAKE_ROOM),
    ("No space left", _MAKE_ROOM),
    ("malformed", "restore the file from a backup, or start with a new one: the look-up by"
                  " identity in the ERP keeps documents from being doubled"),
    ("is locked", "another program holds the file; end it and run again"),
)  # fmt: skip


def _parse(address: str) -> URL:
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise LedgerFailed("the address of the ledger cannot be read", _HELP_FORM) from None
    match url.get_backend_name():
        case "sqlite" if url.database in (None, "", ":memory:"):
            raise LedgerFailed(
                "the ledger is in memory, and would forget what it sent", "give sqlite:///FILE"
            )
        case "sqlite" if url.query or str(url.database).startswith("file:"):
            raise LedgerFailed("the address of a ledger takes no parameters", "give sqlite:///FILE")
        case "sqlite":
            return url.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise LedgerFailed(f"a ledger cannot live in `{other}`", _HELP_FORM)


def _sqlite(url: URL) -> Engine:
    path = Path(url.database or "")
    _recognise(path)
    _keep_private(path)
    engine = create_engine(url, pool_size=16, max_overflow=16)

    @event.listens_for(engine, "connect")
    def _settings(connection: sqlite3.Connection, _: object) -> None:
        # Without this the driver begins a transaction when it sees fit, not when we say so.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 60000")
        _write_ahead(cursor)
        # WAL with NORMAL may lose the latest commits at a power cut; an intent must not be lost.
        cursor.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten: bodies hold personal values.
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads and then writes would fail as busy instead of waiting its turn.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers go on beside a writer. SQLite does not wait where two set this at a time."""
    for rest in reversed(range(_MOST_TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or not rest:
                raise
            time.sleep(_BETWEEN_TRIES)


def _recognise(path: Path) -> None:
    """Raise LedgerFailed for a file that is there and no ledger; it is read, and left as it is."""
    if path.is_dir():
        raise LedgerFailed(f"the ledger `{path}` is a folder", "give the name of a file")
    if not path.exists():
        return
    if not path.is_file():
        raise LedgerFailed(f"the ledger `{path}` is no plain file", "give the name of a file")
    if path.stat().st_size == 0:
        return
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.execute("PRAGMA busy_timeout = 60000")
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        marks = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS]
    if META.name not in tables and (tables or any(marks)):
        raise LedgerFailed(
            f"the database `{path}` holds other tables and no ledger",
            "name another file: a ledger has a file of its own",
        )


_MARKS = ("application_id", "user_version")
"""What other programs write into a database of theirs, even where it has no tables yet."""


def _keep_private(path: Path) -> None:
    """Let nobody else read the file; SQLite gives the files beside it the same mode."""
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            make_private(Path(f"{path}{suffix}"), create=not suffix)


def _postgresql(url: URL) -> Engine:
    for_postgresql()
    # A process that is stopped amid a transaction must not hold its locks for ever.
    options = f"-c idle_in_transaction_session_timeout={_LONGEST_PAUSE}"
    return create_engine(
        url,
        pool_size=16,
        max_overflow=16,
        pool_pre_ping=True,
        connect_args={"options": options},
    )


def _prepare(connection: Connection, shown: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRESQL_LOCK})
    tables = inspect(connection).get_table_names()
    if META.name not in tables:
        METADATA.create_all(connection)
        connection.execute(META.insert().values(version=VERSION))
        return
    version = connection.execute(select(META.c.version)).scalar_one_or_none()
    if version is not None and 0 < version < VERSION:
        migrate(connection, version)
        METADATA.create_all(connection)
    elif version != VERSION:
        raise LedgerFailed(
            f"the ledger `{shown}` has version {version}, this mapgen knows version {VERSION}",
            "use the version of mapgen that wrote it, or a newer one",
        )
    elif not set(METADATA.tables) <= set(tables):
        METADATA.create_all(connection)
