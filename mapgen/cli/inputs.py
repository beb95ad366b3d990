"""The input of a command, open: its records, and what is joined to them by `--join`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import msgspec
from msgspec import Struct

from mapgen.agreed.formats import FORMATS, unpacked
from mapgen.agreed.plan import Form, Join
from mapgen.cli.flows import all_known
from mapgen.cli.output import tell
from mapgen.disk.boundary import reason_of
from mapgen.project.binding import BoundFlow, once_more
from mapgen.report import Stopped
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue import reading
from mapgen.runtime.annotations import struct_of
from mapgen.runtime.joins import IndexingError, JoinedFile, Joins
from mapgen.runtime.members import name_of
from mapgen.runtime.outcome import Outcome, holding
from mapgen.runtime.sources.cells import HeaderError, Row, needed_columns
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.kinds import files_of
from mapgen.runtime.sources.plain import UnfitBytes, plain
from mapgen.runtime.sources.records import CHUNK, RawRecord

if TYPE_CHECKING:
    from mapgen.runtime.delivery import Gate, Mapped
    from mapgen.runtime.delivery.remote import RemoteTables

STANDARD_INPUT = Path("-")


class Input(Struct, frozen=True):
    """A file of records that a flow reads, open, and what is joined to them."""

    bound: BoundFlow
    source: Path
    stream: BinaryIO
    joins: Joins

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what becomes of each record, behind those that cannot be joined to any."""
        for _, of_record in self._by_record():
            yield from of_record

    def kept_outcomes(self) -> Iterator[Outcome]:
        """Yield what becomes of each record, with the record where it may be read."""
        for raw, of_record in self._by_record():
            yield from of_record if raw is None or raw.broken else holding(of_record, raw.data)

    def mapped(
        self,
        remote: RemoteTables,
        chosen: Callable[[Iterator[Outcome]], Iterator[Outcome]],
        gate: Gate | None = None,
    ) -> Mapped:
        """Return what `deliver` takes: the outcomes that are chosen of those of the file."""
        from mapgen.runtime.delivery import Mapped
        from mapgen.runtime.feeds.file import FileFeed

        again = partial(once_more, self.bound, joins=self.joins)
        feed = FileFeed(self.stream, shown(self.source))
        return Mapped(feed, lambda _: chosen(self.kept_outcomes()), again, remote, gate)

    def count(self) -> int | None:
        """Return how many records there are, None for a stream that can be read only once."""
        if self.source == STANDARD_INPUT or not self.source.is_file():
            return None
        with _opened(self.source, self.bound.flow.plan.form, "the input") as stream:
            return sum(1 for raw in self._records(stream) if not self.joins.is_child(raw))

    def tell_passed(self) -> None:
        """Say what was read beside records, and of joined files for no record, or no join."""
        if passed := self.bound.flow.source.passed:
            reported = ", ".join(f"{count} {what}" for what, count in sorted(passed.items()))
            tell(f"skipped, as no record: {reported}")
        if self.joins.strangers:
            tell(f"skipped, as of no join: {self.joins.strangers} with the key of one")
        for name, count in self.joins.unasked().items():
            belongs = "record belongs" if count == 1 else "records belong"
            tell(f"{name}: {count} {belongs} to no record of the input")

    def _by_record(self) -> Iterator[tuple[Record | None, tuple[Outcome, ...]]]:
        name = shown(self.source)
        try:
            yield from ((None, (one,)) for one in self.joins.read())
            for raw in self._records(self.stream):
                if not self.joins.is_child(raw):
                    whole = self.joins.joined(raw)
                    yield whole, self.bound.transformer.outcomes(whole, name)
        except IndexingError as error:
            import tempfile

            reason = f"{error} (the index of a joined file; `TMPDIR` says where)"
            raise Stopped(
                messages.cannot_write(path=tempfile.gettempdir(), reason=reason)
            ) from None

    def _records(self, stream: BinaryIO) -> Iterator[Record]:
        with _readable(self.source):
            yield from self.bound.flow.records(stream, self.source.name)


@contextmanager
def open_input(
    bound: BoundFlow, source: Path, files: Mapping[str, Path] | None = None
) -> Iterator[Input]:
    """Give a file of records, or standard input for `-`, open.

    Args:
        bound: the flow that reads it.
        source: the file.
        files: the files of joins, by their names; the input may be one of them.

    Raises Stopped for a file that is missing, cannot be used or is of another format,
    click.UsageError for a name of no join.
    """
    plan, files = bound.flow.plan, files or {}
    with ExitStack() as streams:
        stream: BinaryIO = sys.stdin.buffer
        if source != STANDARD_INPUT:
            stream = streams.enter_context(_opened(source, plan.form, "the input"))
        words = f"--join: the flow `{plan.flow}` joins no `{{}}`"
        all_known(files, plan.joins, words, "joins")
        files = {**_in_the_input(bound, source), **files}
        joined = {}
        for name, path in files.items():
            own = streams.enter_context(_opened(path, plan.joins[name].form, "the joined file"))
            joined[name] = _joined(bound, name, path, own, source)
        joins = streams.enter_context(Joins(plan, joined, bound.transformer.join_keys))
        _files_of_cells(bound, files)
        yield Input(bound, source, stream, joins)


def shown(path: Path) -> str:
    """Return a file's name as text; a name need not be UTF-8."""
    if path == STANDARD_INPUT:
        return "standard input"
    return os.fsencode(path.name).decode("utf-8", "replace")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say what is wrong with a file whose records are read inside. Raises Stopped."""
    try:
        yield
    except HeaderError as error:
        raise Stopped(messages.unfit_header(path=shown(path), reason=str(error))) from None
    except UnfitBytes as error:
        unfit = messages.unfit_bytes(path=shown(path), reason=str(error), advice=error.advice)
        raise Stopped(unfit) from None
    except OSError as error:
        raise Stopped(reading.file_unreadable(path=shown(path), reason=reason_of(error))) from None


def _opened(path: Path, form: Form, what: str) -> BinaryIO:
    """Return a file of records, open. Raises Stopped; `what` it is, its message says."""
    known = FORMATS[form.format]
    if unpacked(path.name).lower().endswith(known.refuses):
        raise Stopped(messages.unsupported_input(path=str(path), reads=known.reads))
    try:
        return path.open("rb", buffering=CHUNK)
    except FileNotFoundError:
        raise Stopped(reading.file_missing(str(path), what)) from None
    except OSError as error:
        raise Stopped(reading.file_unreadable(path=str(path), reason=reason_of(error))) from None


def _in_the_input(bound: BoundFlow, source: Path) -> Mapping[str, Path]:
    """Return the joins whose records are in the input, which is read once more for each."""
    plan = bound.flow.plan
    names = [name for name, join in plan.joins.items() if join.is_in_input]
    if names and source == STANDARD_INPUT:
        joined = ", ".join(f"`{name}`" for name in names)
        raise click.UsageError(
            f"the input of `{plan.flow}` holds {joined} as well and is read twice:"
            " name a file, `--input FILE`"
        )
    return dict.fromkeys(names, source)


def _files_of_cells(bound: BoundFlow, names: Mapping[str, Path]) -> None:
    """Ask for the file of each join where the records themselves cannot hold what is joined."""
    plan = bound.flow.plan
    needed = (name for name, join in plan.joins.items() if join.on_missing != "omit")
    lacking = [name for name in needed if name not in names]
    if plan.form.holds_cells and lacking:
        files = " ".join(f"--join {name}=FILE" for name in lacking)
        raise click.UsageError(f"the records of `{plan.flow}` are CSV, joined with others: {files}")


def _joined(bound: BoundFlow, name: str, path: Path, stream: BinaryIO, source: Path) -> JoinedFile:
    """Return the file of a join, which may be the input."""
    join = bound.flow.plan.joins[name]

    def records() -> Iterator[Row | RawRecord]:
        with _readable(path):
            text = plain(stream, join.form)
            yield from files_of(join.form).records(text, path.name, _needed(bound, name, join))

    return JoinedFile(shown(path), records(), source.exists() and path.samefile(source))


def _needed(bound: BoundFlow, name: str, join: Join) -> tuple[str, ...]:
    """Return the columns of a joined file: those of the key, and what every record has."""
    source: Any = bound.flow.module
    fields = {name_of(field): field.type for field in msgspec.structs.fields(source.Source)}
    joined = struct_of(fields.get(name))
    known = () if joined is None else needed_columns(joined)
    return tuple(dict.fromkeys((*(pair.member for pair in join.on), *known)))
