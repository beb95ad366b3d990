"""Opens the files of `--join`, for `transform` and `run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from mapgen.agreed.plan import Join
from mapgen.cli.flows import STANDARD_INPUT, all_known, open_records, readable, shown
from mapgen.cli.output import say
from mapgen.project.binding import BoundFlow
from mapgen.runtime.annotations import struct_of
from mapgen.runtime.joins import JoinedFile, Joins
from mapgen.runtime.members import name_of
from mapgen.runtime.sources.cells import Row, needed_columns
from mapgen.runtime.sources.kinds import files_of
from mapgen.runtime.sources.plain import plain
from mapgen.runtime.sources.records import RawRecord


@contextmanager
def open_joins(bound: BoundFlow, paths: Mapping[str, Path], source: Path) -> Iterator[Joins]:
    """Give what is joined to the records of a flow.

    Args:
        bound: the flow.
        paths: the files by the names of the joins.
        source: the input, which may be one of them.

    Raises Stopped for a file that cannot be used, click.UsageError for a name of no join.
    """
    joins = bound.flow.plan.joins
    words = f"--join: the flow `{bound.flow.plan.flow}` joins no `{{}}`"
    all_known(paths, joins, words, "joins")
    paths = {**_in_the_input(bound, source), **paths}
    with ExitStack() as streams:
        files = {}
        for name, path in paths.items():
            stream = streams.enter_context(open_records(path, joins[name].form, "the joined file"))
            records = _records(bound, name, path, stream)
            files[name] = JoinedFile(shown(path), records, _is_same(path, source))
        together = streams.enter_context(Joins(bound.flow.plan, files, bound.transformer.join_keys))
        _files_of_cells(bound, paths)
        yield together


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


def _is_same(path: Path, source: Path) -> bool:
    return source.exists() and path.samefile(source)


def _files_of_cells(bound: BoundFlow, names: Mapping[str, Path]) -> None:
    """Ask for the file of each join where the records themselves cannot hold what is joined."""
    plan = bound.flow.plan
    needed = (name for name, join in plan.joins.items() if join.on_missing != "omit")
    lacking = [name for name in needed if name not in names]
    if plan.form.holds_cells and lacking:
        files = " ".join(f"--join {name}=FILE" for name in lacking)
        raise click.UsageError(f"the records of `{plan.flow}` are CSV, joined with others: {files}")


def _records(
    bound: BoundFlow, name: str, path: Path, stream: BinaryIO
) -> Iterator[Row | RawRecord]:
    join = bound.flow.plan.joins[name]
    with readable(path):
        text = plain(stream, join.form)
        yield from files_of(join.form).records(text, path.name, _needed(bound, name, join))


def _needed(bound: BoundFlow, name: str, join: Join) -> tuple[str, ...]:
    """Return the columns of a joined file: those of the key, and what every record has."""
    source: Any = bound.flow.module
    fields = {name_of(field): field.type for field in msgspec.structs.fields(source.Source)}
    joined = struct_of(fields.get(name))
    known = () if joined is None else needed_columns(joined)
    return tuple(dict.fromkeys((*(pair.member for pair in join.on), *known)))


def tell_unasked(joins: Joins) -> None:
    """Say how many records of the joined files belong to no record of the input, and to no join."""
    if joins.strangers:
        say(f"passed over, as of no join: {joins.strangers} with the key of one", err=True)
    for name, count in joins.unasked().items():
        belongs = "record belongs" if count == 1 else "records belong"
        say(f"{name}: {count} {belongs} to no record of the input", err=True)
