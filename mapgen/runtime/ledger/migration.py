"""Migrates a ledger of an older version, in the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, Table, bindparam, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from mapgen.runtime.folding import alike
from mapgen.runtime.ledger.schema import (
    ALIKE,
    META,
    NEEDS,
    OF_RECORD,
    ONE_DOCUMENT,
    RECENT,
    RECORDS,
    RUNS,
    VERSION,
    WITH_RECORD,
)

_NEW_IN_2 = ("document", "digest", "erp_keys", "next_body", "next_head")
_NEW_IN_3 = ("rules", "place", "folded", "open_since", "record")
_NEW_IN_5 = ("env", "feed", "reason", "counts")
_RECORDS_NEW_IN_5 = ("took",)
_NEW_IN_6 = ("maker", "amount")
_NEW_IN_7 = ("file", "is_whole")
_NEW_IN_8 = ("branch",)
_STATES_OF_3 = {"dead": "dead_lettered", "waiting": "deferred"}


def migrate(connection: Connection, version: int) -> None:
    """Bring a ledger of an older version to this one, step by step; new tables are made after."""
    steps = (
        migrate_from_1,
        migrate_from_2,
        migrate_from_3,
        migrate_from_4,
        migrate_from_5,
        migrate_from_6,
        migrate_from_7,
    )
    for step in steps[version - 1 :]:
        step(connection)
    connection.execute(update(META).values(version=VERSION))


def migrate_from_1(connection: Connection) -> None:
    """Let a flow have several documents: version 1 knew one, which the default of its name says.

    What was sent has neither digest nor keys: an update is sent once more, and keys are looked up
    when somebody needs them.
    """
    _add_columns(connection, RECORDS, _NEW_IN_2)
    connection.execute(text(f"DROP INDEX {ONE_DOCUMENT.name}"))
    ONE_DOCUMENT.create(connection)
    NEEDS.create(connection)


def migrate_from_2(connection: Connection) -> None:
    """Let bodies carry the rules that made them, and records tell since when they are open.

    What lies in the queue was made by rules that nobody knows any more: it goes out once its record
    comes again.
    """
    _add_columns(connection, RECORDS, _NEW_IN_3)
    RUNS.create(connection)
    OF_RECORD.create(connection)
    ALIKE.create(connection)
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.state.not_in(("sent", "skipped")))
        .values(open_since=RECORDS.c.changed_at)
    )


def migrate_from_3(connection: Connection) -> None:
    """Call the states by the words of today, and compare identities by all that looks alike."""
    connection.execute(text(f"ALTER TABLE {RECORDS.name} RENAME COLUMN faults TO errors"))
    for old, new in _STATES_OF_3.items():
        connection.execute(update(RECORDS).where(RECORDS.c.state == old).values(state=new))
    _fold(connection)


def migrate_from_4(connection: Connection) -> None:
    """Let runs tell how they ended, and records be found that lie here whole.

    The table of runs is of today where an older step has made it.
    """
    known = {column["name"] for column in inspect(connection).get_columns(RUNS.name)}
    _add_columns(connection, RUNS, tuple(name for name in _NEW_IN_5 if name not in known))
    _add_columns(connection, RECORDS, _RECORDS_NEW_IN_5)
    WITH_RECORD.create(connection)
    RECENT.create(connection)


def migrate_from_5(connection: Connection) -> None:
    """Let a document tell the run that made it: so far, the one that brought it to its end."""
    _add_columns(connection, RECORDS, _NEW_IN_6)
    connection.execute(
        update(RECORDS)
        .where(RECORDS.c.state == "sent", RECORDS.c.was_there.is_(False))
        .values(maker=RECORDS.c.finisher)
    )


def migrate_from_6(connection: Connection) -> None:
    """Let documents go into files."""
    _add_columns(connection, RECORDS, _NEW_IN_7)


def migrate_from_7(connection: Connection) -> None:
    """Let records say the branch of their document."""
    _add_columns(connection, RECORDS, _NEW_IN_8)


def _add_columns(connection: Connection, table: Table, names: tuple[str, ...]) -> None:
    for name in names:
        column = CreateColumn(table.c[name]).compile(connection)
        connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column}"))


def _fold(connection: Connection) -> None:
    """Write how the ERP compares the identities of what is there: no database folds as it does."""
    rows = connection.execute(
        select(RECORDS.c.id, RECORDS.c.identity).where(RECORDS.c.identity.is_not(None))
    ).all()
    values = [{"row": row.id, "as_compared": alike(row.identity)} for row in rows]
    if values:
        connection.execute(
            update(RECORDS)
            .where(RECORDS.c.id == bindparam("row"))
            .values(folded=bindparam("as_compared")),
            values,
        )
