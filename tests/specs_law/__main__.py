"""The large form: `python -m tests.specs_law 20000 [FIRST]`; exit 1 where a spec breaks the law."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.typed import untyped

from .law import MODULES, Tally, examine

BATCH = 250


def main(count: int, first: int) -> int:
    """Hold so many specs to the law, batch by batch; return how many errors there are."""
    made = accepted = diagnostics = 0
    total = Tally()
    for start in range(first, first + count, BATCH):
        folder = Path(mkdtemp(prefix="specs-proof"))
        tally = examine(range(start, min(start + BATCH, first + count)), folder)
        typing = untyped(folder, MODULES)
        shutil.rmtree(folder)
        made, accepted = made + tally.made, accepted + tally.accepted
        diagnostics += len(tally.broken) + len(typing)
        total.records.update(tally.records)
        total.functions.update(tally.functions)
        for line in (*map(str, tally.broken), *typing):
            sys.stdout.write(f"{line}\n")
        records = ", ".join(f"{number} {kind}" for kind, number in sorted(total.records.items()))
        sys.stdout.write(
            f"{made} specs, {accepted} accepted, {len(total.functions)} functions; "
            f"records: {records}; faults: {diagnostics}\n"
        )
        sys.stdout.flush()
    return diagnostics


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    sys.exit(1 if main(given[0] if given else 1000, given[1] if len(given) > 1 else 0) else 0)
