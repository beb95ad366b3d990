"""`make bench`: one table of ratios; docs/performance.md says how to read it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from tests.bench.equality import orders_alike, price_lists_alike
from tests.bench.measures import MEASURES, Found, Sizes
from tests.bench.product import ROOT
from tests.bench.table import put_between, table

_PAGE = ROOT / "docs" / "performance.md"


def _sizes() -> Sizes:
    """Return the sizes, with what the variables say: `BENCH_FLOWS=1000`."""
    given = Sizes()
    changes = {
        name: int(os.environ[f"BENCH_{name.upper()}"])
        for name in Sizes.__dataclass_fields__
        if f"BENCH_{name.upper()}" in os.environ
    }
    return replace(given, **changes)


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def main() -> None:
    """Measure what is asked for, and print it; write it into the page where that is asked for."""
    sizes = _sizes()
    chosen = os.environ.get("BENCH_ONLY", " ".join(MEASURES)).split()
    unknown = [name for name in chosen if name not in MEASURES]
    if unknown:
        sys.exit(f"BENCH_ONLY: no measure `{unknown[0]}`; there are {', '.join(MEASURES)}")
    if os.environ.get("BENCH_WRITE") and len(chosen) < len(MEASURES):
        sys.exit("BENCH_WRITE writes the whole table anew: leave BENCH_ONLY out")
    _say("comparing what is to be timed")
    accepted, dirty = orders_alike(sizes.alike, sizes.dirty_alike)
    price_lists_alike(sizes.rows, sizes.rows // 10)
    _say(f"{accepted:,} accepted and {dirty:,} dirty orders: the same by the flow and by hand")
    found: list[Found] = []
    for name in chosen:
        _say(f"measuring: {name}")
        found.append(MEASURES[name](sizes))
    rows = table(row for one in found for row in one.rows)
    charts = [one.chart for one in found if one.chart]
    sys.stdout.write("\n".join([rows, *charts]))
    if os.environ.get("BENCH_WRITE"):
        put_between(_PAGE, "\n".join([rows, *(f"```\n{one}```\n" for one in charts)]))
        _say(f"written into {_PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
