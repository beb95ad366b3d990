"""`python -m tests.scenario`: a day between a shop and its ERP, or a look at what it has left."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests.scenario.books import Row, table_of, write_rows
from tests.scenario.day import LONG, SHORT, Day, Form
from tests.scenario.processes import ROOT, Failed
from tests.scenario.world import FLOW, TOKEN, WRONG, World

_MOST_WRONG = 10


def main() -> None:
    """Run what is asked for; exit with 1 where the books do not agree."""
    parser = argparse.ArgumentParser(prog="python -m tests.scenario", description=__doc__)
    parser.add_argument("what", choices=("short", "long", "look"), nargs="?", default="long")
    parser.add_argument("--folder", type=Path, default=ROOT / ".mapgen" / "scenario")
    chosen = parser.parse_args()
    folder = chosen.folder.resolve()
    for name in (signal.SIGTERM, signal.SIGHUP):
        # What it has started ends with it.
        signal.signal(name, lambda number, _: sys.exit(128 + number))
    try:
        if chosen.what == "look":
            look(folder)
            return
        is_fine = run(SHORT if chosen.what == "short" else LONG, folder)
    except Failed as failed:
        sys.exit(f"the scenario cannot go on: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if is_fine else 1)


def run(form: Form, folder: Path) -> bool:
    """Let a day pass from its beginning, tell it, and return whether its books agree."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    world = World(folder, form.speed)
    try:
        world.open()
        tell(f"{form.hours:g} hours of a shop's day, in {form.hours * 3600 / form.speed:g} seconds")
        tell(f"watch it at {world.console} (to sign in: {TOKEN})\n")
        rows = Day(form, world, tell).run()
        world.processes.end("serve")
    finally:
        world.processes.close()
    write_rows(folder / "books.csv", rows)
    tell_books(rows)
    tell("\nwhat to look at next:")
    tell(f"  {world.beside('books.csv'):<42}  the books, row by row")
    tell(f"  {'make console':<42}  the pages for operators, over what this day has left")
    tell(f"  mapgen dlq show {FLOW} '{WRONG}' --state {world.ledger}")
    return all(row.agrees for row in rows)


def look(folder: Path) -> None:
    """Serve the console over what a day has left, until Ctrl-C."""
    if not (folder / "tenant.json").exists():
        raise Failed("there was no day yet: run `make demo` or `make scenario` first")
    world = World(folder, 1)
    try:
        world.open()
        tell(f"{world.console} (to sign in: {TOKEN}), until Ctrl-C")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    finally:
        world.processes.close()


def tell_books(rows: list[Row]) -> None:
    """Print the books: sums, and the rows that do not agree."""
    tell("")
    for line in table_of(rows):
        tell(line)
    wrong = [row for row in rows if not row.agrees]
    for row in wrong[:_MOST_WRONG]:
        tell(f"DOES NOT AGREE: {row}")
    tell(f"{len(rows) - len(wrong)} of {len(rows)} rows agree")


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
