"""The ledger's tables, as SQLAlchemy knows them, and the version of their shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    literal,
)
from sqlalchemy.dialects import sqlite

from mapgen.runtime.ledger.rows import Kept, Line, NextHead
from mapgen.runtime.outcome import ONLY, ErrorReport

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

AT_ONCE = 400  # bound values in one statement; SQLite allows 32,766, older builds 999
T = TypeVar("T")
AnyRow = Row[*tuple[Any, ...]]

VERSION = 8

State = Literal["staged", "sending", "sent", "rejected", "dead_lettered", "skipped", "deferred"]

METADATA = MetaData()


class Json(TypeDecorator[Any]):
    """Columns that hold a value of a type as JSON text; None is no value."""

    impl: Any = Text
    cache_ok = True

    def __init__(self, shape: object) -> None:
        super().__init__()
        self.shape = shape
        self._decode = msgspec.json.Decoder(shape).decode

    def process_bind_param(self, value: Any, _: object) -> Any:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, _: object) -> Any:
        return None if value is None else self._decode(value)


class JsonBytes(Json):
    """Likewise, as bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, _: object) -> Any:
        return None if value is None else msgspec.json.encode(value)


META = Table("mapgen_ledger", METADATA, Column("version", Integer, primary_key=True))

# One row a document. A row without an identity is a record that gave no document (rejected, skipped
# or deferred at the mapping) and is known by its `subject`.
RECORDS = Table(
    "mapgen_records",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("flow", Text, nullable=False),
    Column("subject", Text, nullable=False),  # the record's own key, or its place in its file
    Column("source", Text, nullable=False),  # the same for people
    # What the flow calls the document. Workers of version 1, which had one a flow, do not name it.
    Column("document", Text, nullable=False, server_default=ONLY),
    Column("identity", Text),
    Column("entity", Text),
    Column("body", LargeBinary),  # until it is sent: what the ERP has need not lie here too
    Column("digest", Text),  # of the body, which it outlives: is a later body another one?
    Column("state", Text, nullable=False),
    Column("number", Text),  # what people call the document in the ERP
    Column("erp_keys", Json(dict[str, str])),  # those that the ERP gave it
    Column("was_there", Boolean),  # sent: found by the look-up before any request of ours
    Column("reason", Text),  # skipped: why; dead_lettered: what came of the last attempt
    Column("errors", Json(tuple[ErrorReport, ...])),  # personal values masked
    Column("attempts", Integer, nullable=False, default=0),  # requests whose effect stayed unknown
    Column("claim", Text),  # who has it in hand: a token of its own for each time of taking it
    Column("intent_at", Double),  # of the latest intent or unanswered request, see Lease
    Column("reader", Text),  # the run that staged it
    Column("finisher", Text),  # the run that brought it to its end
    Column("changed_at", Double, nullable=False),
    Column("next_body", LargeBinary),  # a newer body that came while this one was in hand
    Column("next_head", Json(NextHead)),  # what belongs to it
    Column("rules", Text),  # the hash of the rules that made the body
    Column("place", Text),  # file and line of the record, for people
    Column("folded", Text),  # what is alike of identities that the ERP may take for one
    Column("open_since", Double),  # seconds since 1970; none once it is sent or skipped
    # The record itself, to be transformed once more: with its first document, until all are sent.
    Column("record", JsonBytes(Kept)),
    Column("took", Double),  # sent: seconds since it came
    Column("maker", Text),  # the run that made the document, whoever changed it later
    Column("branch", Text),  # of the ERP, where records say which
    Column("amount", Text),  # sent: its money as the flow gave it, and of which currency
    # In hand, on its way into a file: the file's name, and whether the file is written whole, so
    # that it may be there under this name.
    Column("file", Text),
    Column("is_whole", Boolean),
)

# The runs that worked with this ledger, and what they went by.
RUNS = Table(
    "mapgen_runs",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("flow", Text, nullable=False),
    Column("mapgen", Text, nullable=False),  # its version
    Column("rules", Text, nullable=False),
    Column("began_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("env", Text),  # the environment, by its name in the specs
    Column("feed", Text),  # what the records came from
    Column("reason", Text),  # how it ended: done, stopped, or the code of what stopped it
    Column("counts", Json(dict[str, str | int | None])),  # as the summary has them
)

# How far the feeds of a flow are, in the transaction of the rows that they cover.
CURSORS = Table(
    "mapgen_cursors",
    METADATA,
    Column("book", Text, primary_key=True),
    Column("feed", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("changed_at", Double, nullable=False),
)

# What others sent to us, each once, whole until it is staged. The row stays: it may be sent again.
INBOX = Table(
    "mapgen_inbox",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("book", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("delivery", Text, nullable=False),  # what the sender calls it, the same in each try
    Column("topic", Text),
    Column("turn", BigInteger, nullable=False),  # what is smaller is older, where senders tell
    Column("received_at", Double, nullable=False),
    Column("body", LargeBinary),
    Column("taken_at", Double),
)

# Who runs the cycles of a flow, and until when, on the clock of leases.
CYCLES = Table(
    "mapgen_cycles",
    METADATA,
    Column("book", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Double, nullable=False),
)

# What of a tenant's licence each process has, and until when, on the clock of leases.
PROCESSES = Table(
    "mapgen_processes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("heartbeat", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("places", Integer, nullable=False),  # requests under way
    Column("per_minute", Integer),  # requests that begin in a minute
    Column("is_leaving", Boolean, nullable=False),  # wants no share: only what it used counts
)

# Who is signed in to a tenant, and until when that counts, on the clock of leases.
SEATS = Table(
    "mapgen_seats",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("until", Double, nullable=False),
)

# What keeps a flow from going on, as each process says it that meets it, and until when that holds.
CONDITIONS = Table(
    "mapgen_conditions",
    METADATA,
    Column("book", Text, primary_key=True),
    Column("name", Text, primary_key=True),  # not bound, circuit open
    Column("holder", Text, primary_key=True),  # the process or the run that says so
    Column("since", Double, nullable=False),
    Column("until", Double, nullable=False),
    Column("reason", Text, nullable=False),
)

# What was amiss with a flow, from when to when, and who knows of it.
ALERTS = Table(
    "mapgen_alerts",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("book", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("threshold", Text, nullable=False),
    Column("value", Double, nullable=False),  # the latest one that was measured
    Column("fired_at", Double, nullable=False),
    Column("told_at", Double),  # when word of it went out last, or was about to
    Column("resolved_at", Double),
    Column("acknowledged_at", Double),
    Column("acknowledged_by", Text),
)

# What the latest comparison of a flow's books with those of its target came to.
COMPARISONS = Table(
    "mapgen_comparisons",
    METADATA,
    Column("book", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("counts", Json(dict[str, int]), nullable=False),  # by verdict
    Column("money", Json(tuple[Line, ...]), nullable=False),  # by document and currency
)

# What people did with records by hand, so that nobody has to wonder later.
INTERVENTIONS = Table(
    "mapgen_interventions",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("book", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("act", Text, nullable=False),  # replayed, edited, discarded
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("reason", Text),
    Index("mapgen_of_subject", "book", "subject"),
)

# What was taken back of what runs made: each action is written down before its request.
UNDOS = Table(
    "mapgen_undos",
    METADATA,
    Column("record", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False),  # begun, done, refused, in doubt
    Column("who", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("reason", Text),
)

# What a document that is still to be sent needs in the ERP first, in the same flow.
NEEDS = Table(
    "mapgen_needs",
    METADATA,
    Column("record", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("document", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
)

# The documents that a run read and found in other hands, so that it can tell what became of them.
# The run deletes its rows at its end; those of a killed one are deleted by a later one.
MET = Table(
    "mapgen_met",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("record", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("met_at", Double, nullable=False),
)

ONE_DOCUMENT = Index(
    "mapgen_one_document",
    RECORDS.c.flow,
    RECORDS.c.document,
    RECORDS.c.identity,
    unique=True,
    sqlite_where=RECORDS.c.identity.is_not(None),
)
ONE_SUBJECT = Index(
    "mapgen_one_subject",
    RECORDS.c.flow,
    RECORDS.c.subject,
    unique=True,
    sqlite_where=RECORDS.c.identity.is_(None),
)
OF_RECORD = Index("mapgen_of_record", RECORDS.c.flow, RECORDS.c.subject)
ALIKE = Index("mapgen_alike", RECORDS.c.flow, RECORDS.c.document, RECORDS.c.folded)
ONE_DELIVERY = Index(
    "mapgen_one_delivery", INBOX.c.book, INBOX.c.feed, INBOX.c.delivery, unique=True
)
WAITING = Index(
    "mapgen_waiting",
    INBOX.c.book,
    INBOX.c.feed,
    INBOX.c.turn,
    INBOX.c.id,
    sqlite_where=INBOX.c.taken_at.is_(None),
)
WITH_RECORD = Index(
    "mapgen_with_record",
    RECORDS.c.flow,
    sqlite_where=RECORDS.c.record.is_not(None),
)
ONE_ALERT = Index(
    "mapgen_one_alert",
    ALERTS.c.book,
    ALERTS.c.name,
    unique=True,
    sqlite_where=ALERTS.c.resolved_at.is_(None),
)
SENT = RECORDS.c.state == literal("sent", literal_execute=True)
"""The condition of what arrived, written out: with a bound value no index of a part is used."""
RECENT = Index(
    "mapgen_recent",
    RECORDS.c.flow,
    RECORDS.c.changed_at,
    sqlite_where=RECORDS.c.state == "sent",
)
QUEUE = Index("mapgen_queue", RECORDS.c.flow, RECORDS.c.state, RECORDS.c.id)


def for_postgresql() -> None:
    """Let PostgreSQL have the same indices of a part: what that loads, SQLite has no need of."""
    for table in METADATA.tables.values():
        for index in table.indexes:
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that can say what becomes of a row that is there (`ON CONFLICT`)."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def upsert(
    connection: Connection,
    table: Table,
    key: Mapping[str, object],
    values: Mapping[str, object],
    *,
    first: Mapping[str, object] = MappingProxyType({}),
    where: ColumnElement[bool] | None = None,
) -> bool:
    """Write the row of a key, a new one also with `first`; False where `where` forbids it."""
    columns = [table.c[name] for name in key]
    written = connection.execute(
        insert_into(connection, table)
        .values({**key, **first, **values})
        .on_conflict_do_update(index_elements=columns, set_=dict(values), where=where)
        .returning(*columns)
    )
    return written.first() is not None


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield values in parts of as many as a statement binds."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
