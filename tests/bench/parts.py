"""Where the time goes: the steps of the product, and of what is written by hand, one by one.

All are shares of the same thing, what is written by hand from its bytes to its bytes: so the steps
of both sides can be compared, and it shows what would be left if one of them cost nothing.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from mapgen.runtime.sources.records import lines_of
from mapgen.runtime.values import ENCODER
from tests.bench import floor, price_list, product, yardstick
from tests.bench.flows import MAPGEN
from tests.bench.orders import dirty_orders, orders
from tests.bench.rounds import Work, process, ratio
from tests.bench.table import Row


def all_of(made: Callable[[], Iterable[object]]) -> Work:
    """Return the work of going over something and keeping none of it."""

    def work() -> None:
        for _ in made():
            pass

    return work


def of_orders(count: int, rounds: int) -> Iterator[Row]:
    """Yield the steps of an accepted order."""
    bound, shop = product.flow("shopify_orders"), yardstick.setup()
    lines = list(orders(count))
    content = b"\n".join(lines)
    decoded = [yardstick.order_of(line) for line in lines]
    made = [yardstick.transform(order, shop) for order in decoded]
    structs, transform = product.structs(bound, content), product.transform_of(bound)
    documents = list(product.documents(transform, structs))
    plain = [floor.plain(one) for one in documents]
    yield from _shares(
        all_of(lambda: (yardstick.document_of(line, shop) for line in lines)),
        {
            "by hand, orjson.loads": all_of(lambda: map(orjson.loads, lines)),
            "by hand, mapping": all_of(lambda: (yardstick.transform(one, shop) for one in decoded)),
            "by hand, orjson.dumps": all_of(
                lambda: (orjson.dumps(one, default=yardstick.exact) for one in made)
            ),
            "typed decode and encode alone": lambda: floor.read_and_write(lines, plain),
            "the flow, lines of the file": all_of(lambda: lines_of(product.opened(content))),
            "the flow, lines and their structs": all_of(
                lambda: bound.flow.records(product.opened(content), "orders.jsonl")
            ),
            "the flow, mapping": all_of(lambda: product.documents(transform, structs)),
            "the flow, encoding": all_of(lambda: map(ENCODER.encode, documents)),
            "the flow, all of it": lambda: product.count(bound, content, "orders.jsonl"),
        },
        rounds,
    )


def of_rejects(count: int, rounds: int) -> Iterator[Row]:
    """Yield what rejected orders cost by what is wrong with them, in accepted ones."""
    bound = product.flow("shopify_orders")
    clean = list(orders(count))
    kinds: dict[str, list[bytes]] = {}
    for line in dirty_orders(count):
        kinds.setdefault(_kind(bound, line), []).append(line)
    for kind, lines in sorted(kinds.items()):
        each = len(clean) / len(lines)
        alone, accepted = (
            (lambda given=given: product.count(bound, b"\n".join(given), "orders.jsonl"))
            for given in (lines, clean)
        )
        measured = ratio(alone, accepted, rounds, each=each)
        yield Row(f"for {kind}: {len(lines) / count:.0%}", measured)


def _kind(bound: product.BoundFlow, line: bytes) -> str:
    [outcome] = product.outcomes(bound, line, "orders.jsonl")
    codes = {code for code, _ in product.problems(product.rejected(outcome))}
    of_source = {code for code in codes if code.startswith("R10")}
    if "R101" in codes:
        return "no JSON"
    if of_source == codes:
        return "values of another type"
    return "both" if of_source else "what rules ask"


def of_rows(count: int, rounds: int) -> Iterator[Row]:
    """Yield the steps of a row of CSV."""
    bound, content = product.flow("price_list_items"), price_list.price_list(count)
    text = content.decode()

    def lines() -> io.StringIO:
        return io.StringIO(text, newline="")

    rows = list(csv.DictReader(lines(), delimiter=";"))
    made = [price_list.transform(row) for row in rows]
    structs, transform = product.structs(bound, content, "list.csv"), product.transform_of(bound)
    documents = list(product.documents(transform, structs))
    yield from _shares(
        all_of(lambda: price_list.documents_of(content)),
        {
            "csv.reader alone": all_of(lambda: csv.reader(lines(), delimiter=";")),
            "by hand, csv.DictReader": all_of(lambda: csv.DictReader(lines(), delimiter=";")),
            "by hand, mapping": all_of(lambda: map(price_list.transform, rows)),
            "by hand, orjson.dumps": all_of(
                lambda: (orjson.dumps(one, default=yardstick.exact) for one in made)
            ),
            "the flow, rows of the file": all_of(
                lambda: bound.flow.records(product.opened(content), "list.csv")
            ),
            "the flow, rows and their structs": all_of(
                lambda: product.structs(bound, content, "list.csv")
            ),
            "the flow, mapping": all_of(lambda: product.documents(transform, structs)),
            "the flow, encoding": all_of(lambda: map(ENCODER.encode, documents)),
            "the flow, all of it": lambda: product.count(bound, content, "list.csv"),
        },
        rounds,
    )


def of_starts(rounds: int) -> Iterator[Row]:
    """Yield how long processes take for one order: nearly all of it is their start."""
    with TemporaryDirectory(prefix="bench") as name:
        source = Path(name) / "orders.jsonl"
        source.write_bytes(next(orders(1)) + b"\n")
        script = (sys.executable, "-m", "tests.bench.yardstick", str(source), "/dev/null")
        command = ("transform", "shopify_orders", "--input", str(source), "--output", "/dev/null")
        root = str(product.ROOT)
        started = ratio(process(*MAPGEN, *command, cwd=root), process(*script, cwd=root), rounds)
    yield Row("mapgen transform, of one order", started)


def _shares(whole: Work, steps: Mapping[str, Work], rounds: int) -> Iterator[Row]:
    for name, step in steps.items():
        yield Row(name, ratio(step, whole, rounds))
