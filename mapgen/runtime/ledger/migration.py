"""A ledger of an older version in, one of this version out, in the caller's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, text, update
from sqlalchemy.schema import CreateColumn

from mapgen.runtime.ledger.schema import META, NEEDS, ONE_DOCUMENT, RECORDS, VERSION

_NEW_IN_2 = ("document", "digest", "erp_keys", "next_body", "next_head")


def migrate_from_1(connection: Connection) -> None:
    """Let a flow have several documents: version 1 knew one, which the default of its name says.

    What was sent has neither digest nor keys: an update is sent once more, and keys are looked up
    when somebody needs them.
    """
    for name in _NEW_IN_2:
        column = CreateColumn(RECORDS.c[name]).compile(connection)
        connection.execute(text(f"ALTER TABLE {RECORDS.name} ADD COLUMN {column}"))
    connection.execute(text(f"DROP INDEX {ONE_DOCUMENT.name}"))
    ONE_DOCUMENT.create(connection)
    NEEDS.create(connection)
    connection.execute(update(META).values(version=VERSION))
