"""`run --dry-run`: what a run would send, without a request, a lock or a change."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import click

from mapgen.agreed.plan import Plan
from mapgen.cli import FAULTS
from mapgen.cli.asked import Options, only
from mapgen.cli.flows import open_flow, out_of_reach
from mapgen.cli.inputs import open_input
from mapgen.cli.ledgers import opened_ledger
from mapgen.cli.output import piped_json, say, spare_lines, writing
from mapgen.runtime.delivery.again import OfflineTables
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.ledger.book import Book
from mapgen.runtime.lines import reject_line
from mapgen.runtime.outcome import Document, Outcome, Skipped

_ROWS = ("would be sent", "known as sent", "skipped", "rejected", "deferred")


def rehearse(project: Path, options: Options) -> None:
    """Transform the input, ask the ledger what it knows as sent, and print the counts.

    A lookup in the tenant needs `--lookup NAME=FILE`, as in `transform`; one in the ledger does
    not. Raises Stopped, click.UsageError.
    """
    name, source, rejects = options["flow"], options["source"], options["rejects"]
    spare_lines([rejects], force=options["force"])
    tables = dict(options["lookups"])
    with ExitStack() as files:
        ledger = files.enter_context(opened_ledger(project, options["state"], options["env"]))
        offline = OfflineTables(ledger, in_tenant=out_of_reach(name))
        bound = open_flow(project, name, options["env"], tables, offline.table)
        place = bound.run_in.place
        offline.tenant = Book(name, place.name, place.url)
        given = files.enter_context(open_input(bound, source, dict(options["joins"])))
        write = None
        if rejects is not None:
            write = files.enter_context(writing(rejects, is_private=True))
        counts, book = Counter[str](), book_of(name, place.name, place.url)
        found = only(given.outcomes(), options["only"])
        for outcome in found:
            counts[_becomes(outcome, ledger, book, bound.flow.plan)] += 1
            if write is not None and not isinstance(outcome, Document):
                write(reject_line(outcome))
    say(f"\n{name}, dry run: nothing was sent", err=True)
    for words in _ROWS:
        click.echo(f"{counts[words]:>7}  {words}", err=True)
    if options["as_json"]:
        piped_json({"flow": name, **{one.replace(" ", "_"): counts[one] for one in _ROWS}})
    if counts["rejected"]:
        sys.exit(FAULTS)


def _becomes(outcome: Outcome, ledger: Ledger, book: str, plan: Plan) -> str:
    """Return what would become of an outcome. An update is sent where its state is another one."""
    if isinstance(outcome, Skipped):
        return "skipped"
    if not isinstance(outcome, Document):
        return "deferred" if outcome.is_deferred else "rejected"
    updating = plan.document(outcome.document).does.updates
    is_known = ledger.knows_as_sent(book, outcome, updating=updating)
    return "known as sent" if is_known else "would be sent"
