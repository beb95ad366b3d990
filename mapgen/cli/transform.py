"""`transform`: makes documents and rejects of records, without any network."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click
from msgspec import Struct

from mapgen.cli import FAULTS
from mapgen.cli.loading import loading
from mapgen.cli.options import Target, force_option, input_option, join_option, lookup_option
from mapgen.cli.output import Write, say, spare_lines, writing

if TYPE_CHECKING:
    from mapgen.runtime.outcome import Outcome


class _Options(TypedDict):
    """What the command takes, by the names of its options."""

    flow: str
    source: Path
    output: Path | None
    rejects: Path | None
    force: bool
    env: str | None
    lookups: tuple[tuple[str, Path], ...]
    joins: tuple[tuple[str, Path], ...]
    sample_lookups: bool


@click.command()
@click.argument("flow")
@input_option
@click.option("--output", type=Target(), help="Documents, one a line.")
@click.option("--rejects", type=Target(), help="Records that gave none.")
@force_option
@click.option("--env", help="The environment whose settings hold; needed if there are several.")
@lookup_option
@join_option
@click.option(
    "--sample-lookups",
    is_flag=True,
    help="Take the spec's samples for what a run asks the ledger or the tenant.",
)
@click.pass_obj
def transform(project: Path, /, **options: Unpack[_Options]) -> None:
    """Transform the records of a file. Documents go to OUTPUT or standard output.

    Exit code 1 if a record was rejected; each is in REJECTS, or on standard error, with all its
    errors.
    """
    from mapgen.cli.flows import open_flow, out_of_reach
    from mapgen.cli.inputs import open_input
    from mapgen.runtime.lookups import sample_of

    _keep_apart(options)
    spare_lines([options["output"], options["rejects"]], force=options["force"])
    live = sample_of if options["sample_lookups"] else out_of_reach(options["flow"])
    tables = dict(options["lookups"])
    with loading():
        bound = open_flow(project, options["flow"], options["env"], tables, live)
    with contextlib.ExitStack() as files:
        given = open_input(bound, options["source"], dict(options["joins"]))
        records = files.enter_context(given)
        documents = files.enter_context(writing(options["output"]))
        rejects = writing(options["rejects"], sys.stderr.buffer, is_private=True)
        refused = files.enter_context(rejects)
        counts = _write(records.outcomes(), documents, refused, bound.flow.plan.target)
        records.tell_passed()
    say(counts.shown, err=True)
    if counts.rejected:
        sys.exit(FAULTS)


def _keep_apart(options: _Options) -> None:
    """Refuse to write one file over another that is still needed."""
    read = [("--input", options["source"]), *(("--join", path) for _, path in options["joins"])]
    written = [("--output", options["output"]), ("--rejects", options["rejects"])]
    for (first, path), (second, other) in (*product(read, written), (written[0], written[1])):
        if path is not None and other is not None and _is_same(path, other):
            raise click.UsageError(f"{first} and {second} name the same file, `{other}`")


def _is_same(path: Path, other: Path) -> bool:
    # Devices and pipes (/dev/null) can be named twice.
    if any(one.exists() and not one.is_file() for one in (path, other)):
        return False
    return os.path.realpath(path) == os.path.realpath(other) or (
        path.exists() and other.exists() and path.samefile(other)
    )


class _Counts(Struct):
    """Of how many records became what; `documents` exceed the records where one makes several."""

    transformed: int = 0
    skipped: int = 0
    rejected: int = 0
    documents: int = 0
    warned: int = 0

    @property
    def shown(self) -> str:
        """The counts as one line."""
        records = self.transformed + self.skipped + self.rejected
        into = "" if self.documents == self.transformed else f" into {self.documents} documents"
        return (
            f"{records} record{'s' * (records != 1)}: {self.transformed} transformed{into},"
            f" {self.skipped} skipped, {self.rejected} rejected"
            + (f", {self.warned} with warnings" if self.warned else "")
        )


def _write(found: Iterator[Outcome], documents: Write, refused: Write, target: str) -> _Counts:
    from mapgen.runtime.lines import document_line, reject_line
    from mapgen.runtime.outcome import Document, Rejected, Skipped
    from mapgen.runtime.targets.kinds import KINDS

    written = KINDS[target]
    counts, last = _Counts(), 0
    for outcome in found:
        match outcome:
            case Document():
                counts.documents += 1
                counts.transformed += outcome.origin.record != last
                counts.warned += bool(outcome.warnings)
                last = outcome.origin.record
                documents(document_line(outcome, written))
            case Skipped():
                counts.skipped += 1
                refused(reject_line(outcome))
            case Rejected():
                counts.rejected += 1
                refused(reject_line(outcome))
    return counts
