"""A feed of a database: the rows of a query, in the order of the column that says what changed.

Rows come through a cursor on the server and are never held all together. Numbers keep every digit,
and JSON in a column stays the text that it is. A row that is committed late has an older moment
than others that were there before: each poll looks back behind the latest one seen, and what is as
it was makes no request. Rows of which the column is empty are read each time.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    NullPool,
    Select,
    create_engine,
    literal_column,
    select,
    text,
)
from sqlalchemy import column as column_of
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from mapgen.agreed.feeds import SqlFeed
from mapgen.runtime.aborted import FeedFailed
from mapgen.runtime.feeds.kind import Cursor, Page, Ways, page_of
from mapgen.runtime.feeds.looking_back import Unfit, behind

_KEEP_ALIVE = {
    "connect_timeout": 15,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

Kind = Literal["moment", "day", "text", "whole", "decimal", "binary"]
_Value = datetime | date | str | int | Decimal | float


class Reached(msgspec.Struct):
    """The latest value of the column that was seen, and of which kind it is."""

    kind: Kind
    at: str

    @property
    def value(self) -> _Value:
        """The value as the driver gave it."""
        match self.kind:
            case "moment":
                return datetime.fromisoformat(self.at)
            case "day":
                return date.fromisoformat(self.at)
            case "text":
                return self.at
            case "whole":
                return int(self.at)
            case "decimal":
                return Decimal(self.at)
            case "binary":
                return float(self.at)


@dataclass(frozen=True, slots=True)
class QueriedRows:
    """The rows of a query in the database at an address; paths of files are of a folder.

    A page has `at_once` of them at most.
    """

    feed: SqlFeed
    address: str = field(repr=False)
    folder: Path
    drain: threading.Event
    at_once: int = 500

    @property
    def name(self) -> str:
        """What tells the feed from others of its flow."""
        return self.feed.name

    def pages(self, cursor: Cursor | None, _ways: Ways) -> Iterator[Page]:
        """Yield what changed since the cursor. Raises FeedFailed, once what came is taken."""
        reached = None if cursor is None else msgspec.json.decode(cursor, type=Reached)
        with self._telling(), self._connected() as connection:
            result = self._executed(connection, reached)
            names = self._names(result)
            for rows in result.partitions(self.at_once):
                if self.drain.is_set():
                    return
                reached = self._behind(reached, rows, names)
                lines = b"".join(_line(names, row) for row in rows)
                place = f"{self.feed.connection} {hashlib.sha256(lines).hexdigest()[:12]}.jsonl"
                yield page_of(lines, place, reached)

    def _executed(self, connection: Connection, reached: Reached | None) -> CursorResult[Any]:
        try:
            return connection.execute(self._statement(reached))
        except (ProgrammingError, OperationalError) as error:
            # What it says of a statement that it does not take is about the statement.
            raise self._failed(
                f"does not take the query: {_reason(error)}", "correct the query of the feed"
            ) from None

    def _statement(self, reached: Reached | None) -> Select[Any]:
        """Return the query as what the rows are taken of, all values of ours bound to it."""
        # A colon before a name is none of ours; a comment at the end must not take the bracket.
        query = text(self.feed.query.replace(":", r"\:") + "\n")
        if self.feed.cursor is None:
            return select(literal_column("*")).select_from(query.columns().subquery("records"))
        changed: ColumnClause[Any] = column_of(self.feed.cursor)
        rows = query.columns(changed).subquery("records")
        of_rows: ColumnElement[Any] = rows.c[self.feed.cursor]
        asked: Select[Any] = select(literal_column("*")).select_from(rows).order_by(of_rows)
        if reached is None:
            return asked
        return asked.where((of_rows >= self._since(reached)) | of_rows.is_(None))

    def _since(self, reached: Reached) -> _Value:
        """Return from where on to read: a while before the latest that was seen."""
        value, column = reached.value, f"the column `{self.feed.cursor}`"
        if not isinstance(value, str):
            return behind(value, self.feed.overlap, self.feed.back, column)
        since = behind(datetime.fromisoformat(value), self.feed.overlap, self.feed.back, column)
        assert isinstance(since, datetime)
        # Compared as text: what is cut off sorts before all that goes on behind it.
        words = since.replace(tzinfo=None).isoformat(value[10:11] or "T", "seconds")
        return words[: min(len(value), len(words))]

    def _names(self, result: CursorResult[Any]) -> list[str]:
        names = list(result.keys())
        # SQLite calls the second one `id:1`.
        stems = [name.partition(":")[0] for name in names]
        if doubled := sorted({name for name in stems if stems.count(name) > 1}):
            raise Unfit(
                f"the query gives several columns with the name `{doubled[0]}`",
                "give each a name of its own: `SELECT a.id AS order_id, b.id AS line_id`",
            )
        return names

    def _behind(
        self, reached: Reached | None, rows: Sequence[Sequence[Any]], names: Sequence[str]
    ) -> Reached | None:
        """Return how far the feed is behind rows, which come in order: no less than it was."""
        if self.feed.cursor is None:
            return None
        at = names.index(self.feed.cursor) if self.feed.cursor in names else None
        if at is None:
            raise Unfit(
                f"the query gives no column `{self.feed.cursor}`",
                "name it as the database does: some make all letters small",
            )
        last = next((row[at] for row in reversed(rows) if row[at] is not None), None)
        found = None if last is None else _reached(last, self.feed.cursor)
        if reached is None or found is None:
            return found or reached
        try:
            is_further = found.value > reached.value  # type: ignore[operator]
        except TypeError:
            return found  # the column has another type since: what is seen now counts
        return found if is_further else reached

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn what fails into a FeedFailed, without a value of a record or of the address."""
        try:
            yield
        except Unfit as unfit:
            raise self._failed(f"is read in vain: {unfit}", unfit.help) from None
        except DBAPIError as error:
            raise self._failed(
                f"failed while it was read: {_kind(error)}",
                "run the query by hand; the next run goes on where this one was",
            ) from None
        except UnicodeDecodeError:
            raise self._failed(
                "holds a text that is no UTF-8", "correct it there, or leave the column out"
            ) from None
        except SQLAlchemyError as error:
            raise self._failed(
                f"cannot be read: {type(error).__name__}",
                "run the query by hand; the next run goes on where this one was",
            ) from None

    def _failed(self, what: str, help: str) -> FeedFailed:
        return FeedFailed(f"the database of the connection `{self.feed.connection}` {what}", help)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Connect to the database, to read only; nothing is ever committed there."""
        engine = self._engine()
        try:
            try:
                connection = engine.connect()
            except DBAPIError as error:
                raise self._failed(
                    f"cannot be reached: {_reason(error)}",
                    "see whether it is up, and its address right",
                ) from None
            with connection:
                options = {"postgresql_readonly": True} if _is_postgresql(engine.url) else {}
                yield connection.execution_options(yield_per=self.at_once, **options)
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        try:
            url = make_url(self.address)
            if url.get_backend_name() == "sqlite":
                path = self.folder / (url.database or "")
                return create_engine("sqlite://", creator=lambda: _opened(path), poolclass=NullPool)
            if not _is_postgresql(url):
                return create_engine(url, poolclass=NullPool)
            return create_engine(
                url.set(drivername="postgresql+psycopg"),
                poolclass=NullPool,
                connect_args=_KEEP_ALIVE,
                json_deserializer=_as_written,
            )
        except (NoSuchModuleError, ImportError):
            raise self._failed(
                "needs a driver that is not installed here",
                "install it; for PostgreSQL: pip install 'mapgen[postgres]'",
            ) from None
        except (ArgumentError, ValueError):
            raise self._failed(
                "has an address that cannot be read",
                "give postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or sqlite:///FILE",
            ) from None


def _reason(error: DBAPIError) -> str:
    """Return what a driver says; of others than ours, what kind of failure it is.

    Their words may hold the address, with its password.
    """
    if isinstance(error.orig, sqlite3.Error) or type(error.orig).__module__.startswith("psycopg"):
        return str(error.orig).strip().partition("\n")[0]
    return _kind(error)


def _kind(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None)
    return f"{type(error.orig).__name__}{f' ({state})' if state else ''}"


def _is_postgresql(url: URL) -> bool:
    return url.get_backend_name() == "postgresql"


def _opened(path: Path) -> sqlite3.Connection:
    """Open a file of SQLite to read only; one that is not there is not made."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60.0)
    connection.text_factory = bytes.decode
    return connection


def _as_written(content: bytes) -> msgspec.Raw:
    """Return JSON as it is, in one line: where it may break, it is between its words."""
    return msgspec.Raw(content.replace(b"\n", b" ").replace(b"\r", b" "))


def _reached(value: object, column: str) -> Reached:
    """Return a value of the column by which is asked. Raises Unfit for what has no order."""
    match value:
        case datetime():
            return Reached("moment", value.isoformat())
        case date():
            return Reached("day", value.isoformat())
        case bool():
            pass
        case int():
            return Reached("whole", str(value))
        case Decimal() if value.is_finite():
            return Reached("decimal", str(value))
        case float() if math.isfinite(value):
            return Reached("binary", repr(value))
        case str() if _is_moment(value):
            return Reached("text", value)
    raise Unfit(
        f"the column `{column}` holds neither moments nor numbers",
        "name one that does as `cursor` of the feed, or write `read: all`",
    )


def _is_moment(value: str) -> bool:
    """Whether a text is a moment, or a day, which sorts as the time goes on."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return value[4:5] == "-" and len(value) >= len("2026-11-30")


def _line(names: Sequence[str], row: Sequence[Any]) -> bytes:
    """Return a row as JSON, its members called as the columns are, in a line. Raises Unfit."""
    record = {name: _plain(value) for name, value in zip(names, row, strict=True)}
    try:
        return _ENCODER.encode(record) + b"\n"
    except (NotImplementedError, TypeError, OverflowError, UnicodeEncodeError):
        name = next(name for name, value in record.items() if not _is_json(value))
        raise Unfit(
            f"the column `{name}` is of a type that JSON has no form for",
            f"make it text in the query: `CAST({name} AS text) AS {name}`",
        ) from None


def _plain(value: Any) -> Any:
    """Return a value as JSON can have it; what is no number becomes a text, which is refused."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case Decimal() if not value.is_finite():
            return str(value)
        case datetime() if value.tzinfo is not None:
            # As the session shows it, it would be another text in summer than in winter.
            return value.astimezone(UTC)
        case list() | tuple():
            return [_plain(one) for one in value]
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case _:
            return value


def _is_json(value: Any) -> bool:
    try:
        _ENCODER.encode(value)
    except (NotImplementedError, TypeError, OverflowError, UnicodeEncodeError):
        return False
    return True


def _of_another_type(value: object) -> object:
    if isinstance(value, _ADDRESSES):
        return str(value)
    raise NotImplementedError


_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,
    ipaddress.IPv6Network,
)
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_of_another_type)
