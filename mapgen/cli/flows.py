"""Opens a flow and binds it to an environment, for `transform` and `run`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from mapgen.agreed.formats import FORMATS, unpacked
from mapgen.agreed.plan import Form, LedgerTable, RemoteTable
from mapgen.cli.output import say
from mapgen.disk.boundary import reason_of
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import BoundFlow, bound_in, loaded
from mapgen.project.named import named_environment
from mapgen.report import Stopped, suggestion
from mapgen.report.catalogue import lookups as messages_of_lookups
from mapgen.report.catalogue import project as messages
from mapgen.report.catalogue import reading
from mapgen.runtime.joins import IndexingError, Joins
from mapgen.runtime.lookups import Key, Make, Remote
from mapgen.runtime.outcome import Outcome, holding
from mapgen.runtime.sources.cells import HeaderError
from mapgen.runtime.sources.groups import Record
from mapgen.runtime.sources.plain import UnfitBytes
from mapgen.runtime.sources.records import CHUNK
from mapgen.spec.model import Environment

if TYPE_CHECKING:
    pass

STANDARD_INPUT = Path("-")


def open_flow(
    project: Path, name: str, environment: str | None, tables: Mapping[str, Path], remote: Remote
) -> BoundFlow:
    """Return a flow bound to an environment.

    Args:
        project: the workspace.
        name: the flow.
        environment: the environment; None where there is but one.
        tables: files to use instead of what the spec says, by lookup.
        remote: gives the tables for lookups in the ledger and in the tenant.

    Raises Stopped for what is missing or does not fit.
    """
    workspace = Workspace.find(project)
    flow = loaded(workspace, name)
    words = f"--lookup: the flow `{name}` reads no table `{{}}` from a file"
    all_known(tables, flow.plan.lookups, words, "lookups")
    return bound_in(workspace, flow, environment_of(workspace, environment), remote, tables)


def all_known(names: Iterable[str], known: Iterable[str], words: str, what: str) -> None:
    """Raise click.UsageError for the first name that is not known, by words with a hole for it."""
    listed = tuple(known)
    for name in names:
        if name not in listed:
            others = ", ".join(f"`{one}`" for one in listed) or "none"
            near = suggestion(name, listed) or f"its {what}: {others}"
            raise click.UsageError(f"{words.format(name)}; {near}")


def out_of_reach(flow: str) -> Remote:
    """Return what stands for the tables of lookups that need a network, where there is none."""

    def refuse(name: str, table: RemoteTable, _make: Make) -> Mapping[Key, Any]:
        kind = "the ledger" if isinstance(table, LedgerTable) else "the tenant"
        values = [column.name for column in table.columns] or [table.value or ""]
        columns = (*table.key, *values)
        raise Stopped(
            messages_of_lookups.remote_lookup(flow=flow, name=name, kind=kind, columns=columns)
        )

    return refuse


def environment_of(workspace: Workspace, name: str | None) -> Environment:
    """Return an environment by name, or the only one. Raises Stopped, click.UsageError."""
    names = workspace.named("environments", ".yaml")
    if name is None:
        if len(names) != 1:
            raise click.UsageError(f"name the environment with --env: {', '.join(names)}")
        name = names[0]
    if name not in names:
        raise Stopped(messages.unknown_environment(it=name, known=names))
    return named_environment(workspace, name)


def outcomes(
    bound_flow: BoundFlow, path: Path, stream: BinaryIO, joins: Joins | None = None
) -> Iterator[Outcome]:
    """Yield what becomes of each record of a file, behind those that cannot be joined to any."""
    for _, of_record in _by_record(bound_flow, path, stream, joins):
        yield from of_record


def kept_outcomes(
    bound_flow: BoundFlow, path: Path, stream: BinaryIO, joins: Joins
) -> Iterator[Outcome]:
    """Yield what becomes of each record of a file, with the record where it may be read."""
    for raw, of_record in _by_record(bound_flow, path, stream, joins):
        yield from of_record if raw is None or raw.broken else holding(of_record, raw.data)


def _by_record(
    bound_flow: BoundFlow, path: Path, stream: BinaryIO, joins: Joins | None
) -> Iterator[tuple[Record | None, tuple[Outcome, ...]]]:
    name = shown(path)
    try:
        if joins is not None:
            yield from ((None, (one,)) for one in joins.read())
        for raw in _records(bound_flow, path, stream):
            if joins is not None and joins.is_child(raw):
                continue
            whole = raw if joins is None else joins.joined(raw)
            yield whole, bound_flow.transformer.outcomes(whole, name)
    except IndexingError as error:
        reason = f"{error} (the index of a joined file; `TMPDIR` says where)"
        raise Stopped(messages.cannot_write(path=tempfile.gettempdir(), reason=reason)) from None


def count_records(bound_flow: BoundFlow, path: Path, joins: Joins) -> int | None:
    """Return how many records a file holds, None for a stream that can be read only once."""
    if path == STANDARD_INPUT or not path.is_file():
        return None
    with open_input(bound_flow, path) as stream:
        records = _records(bound_flow, path, stream)
        return sum(1 for raw in records if not joins.is_child(raw))


def _records(bound_flow: BoundFlow, path: Path, stream: BinaryIO) -> Iterator[Record]:
    with readable(path):
        yield from bound_flow.flow.records(stream, path.name)


@contextmanager
def readable(path: Path) -> Iterator[None]:
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


def tell_passed(bound_flow: BoundFlow) -> None:
    """Say what the input held beside records."""
    passed = bound_flow.flow.source.passed
    if passed:
        told = ", ".join(f"{count} {what}" for what, count in sorted(passed.items()))
        say(f"passed over, as no record: {told}", err=True)


def shown(path: Path) -> str:
    """Return a file's name as text; a name need not be UTF-8."""
    if path == STANDARD_INPUT:
        return "standard input"
    return os.fsencode(path.name).decode("utf-8", "replace")


def open_input(bound_flow: BoundFlow, path: Path) -> BinaryIO:
    """Return an input file, or standard input for `-`, open.

    Raises Stopped for one that is missing, cannot be read or is of another format.
    """
    if path == STANDARD_INPUT:
        return sys.stdin.buffer
    return open_records(path, bound_flow.flow.plan.form, "the input")


def open_records(path: Path, form: Form, what: str) -> BinaryIO:
    """Return a file of records, open.

    Args:
        path: the file.
        form: what it has to be.
        what: what it is, for messages.

    Raises Stopped for one that is missing, cannot be read or is of another format.
    """
    known = FORMATS[form.format]
    if unpacked(path.name).lower().endswith(known.refuses):
        raise Stopped(messages.unsupported_input(path=str(path), reads=known.reads))
    try:
        return path.open("rb", buffering=CHUNK)
    except FileNotFoundError:
        raise Stopped(reading.file_missing(str(path), what)) from None
    except OSError as error:
        raise Stopped(reading.file_unreadable(path=str(path), reason=reason_of(error))) from None
