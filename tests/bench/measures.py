"""What is measured: each function gives rows of the table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from mapgen.project.binding import BoundFlow
from tests.bench import delivery, floor, parts, price_list, product, yardstick
from tests.bench.flows import MAPGEN, compile_seconds
from tests.bench.orders import dirty_orders, mixed, orders, small_orders
from tests.bench.parts import all_of
from tests.bench.peers import PEERS, share
from tests.bench.rounds import Measured, Work, peak, process, ratio
from tests.bench.table import Row, chart, listing

_HELLO = "import click; click.command()(lambda: click.echo('hello'))()"
_MANY_FLOWS = 1_000
_STEPS = (13, 39, 130, 390)  # the shipped specs, whole sets of them


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: a run for people, or a tiny one that only shows that all works."""

    alike: int = 20_000
    dirty_alike: int = 2_000
    rounds: int = 7
    orders: int = 1_000
    orders_of_a_process: int = 6_000
    rounds_of_processes: int = 3
    rows: int = 5_000
    orders_of_peers: int = 30
    deliveries: int = 1_000
    flows: int = 39
    records: int = 100_000


@dataclass(frozen=True, slots=True)
class Found:
    """What one function has measured: rows of the table, and a chart of growth."""

    rows: tuple[Row, ...]
    chart: str = ""


def _lines(made: Iterator[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in made)


def _flow(bound: BoundFlow, content: bytes, name: str = "orders.jsonl") -> Work:
    return lambda: product.count(bound, content, name)


def _hand(content: bytes) -> Work:
    shop = yardstick.setup()

    def work() -> None:
        for line in BytesIO(content):
            yardstick.document_of(line, shop)

    return work


def accepted(sizes: Sizes) -> Found:
    """Measure accepted orders: from bytes to bytes, and from struct to struct."""
    bound, shop = product.flow("shopify_orders"), yardstick.setup()
    content = _lines(orders(sizes.orders))
    lines = content.splitlines()
    sources, transform = product.structs(bound, content), product.transform_of(bound)
    made = [floor.plain(one) for one in product.documents(transform, sources)]
    decoded = [yardstick.order_of(line) for line in lines]
    flow = _flow(bound, content)
    by_hand = ratio(_hand(content), flow, sizes.rounds)
    of_floor = ratio(flow, lambda: floor.read_and_write(lines, made), sizes.rounds)
    structs = ratio(
        all_of(lambda: (yardstick.transform(order, shop) for order in decoded)),
        all_of(lambda: product.documents(transform, sources)),
        sizes.rounds,
    )
    return Found(
        (
            Row("an order, bytes to bytes: times as fast as by hand", by_hand, ">=", 2),
            Row("an order, bytes to bytes: times typed decode and encode alone", of_floor, "<=", 2),
            Row("an order, struct to struct: times as fast as by hand", structs, ">=", 2.5),
        )
    )


def as_process(sizes: Sizes) -> Found:
    """Measure `mapgen transform` beside a script that does the same; their files are alike."""
    count = sizes.orders_of_a_process
    with TemporaryDirectory(prefix="bench") as name:
        source, ours, theirs = (Path(name) / one for one in ("orders.jsonl", "ours", "theirs"))
        source.write_bytes(_lines(orders(count)))
        script = (sys.executable, "-m", "tests.bench.yardstick", str(source), str(theirs))
        by_hand = process(*script, cwd=str(product.ROOT))
        command = ("transform", "shopify_orders", "--input", str(source), "--output", str(ours))
        transform = process(*MAPGEN, *command, cwd=str(product.ROOT))

        def flow() -> None:
            ours.unlink(missing_ok=True)  # a file that is there is kept
            transform()

        measured = ratio(by_hand, flow, sizes.rounds_of_processes)
        assert ours.read_bytes() == theirs.read_bytes()
    what = f"`mapgen transform`, {count:,} orders: times as fast as a script"
    return Found((Row(what, measured, ">=", 1.6),))


def rejected(sizes: Sizes) -> Found:
    """Measure what rejected records cost beside accepted ones."""
    bound = product.flow("shopify_orders")
    clean = _flow(bound, _lines(orders(sizes.orders)))
    fewer = sizes.orders // 4
    alone = ratio(
        _flow(bound, _lines(dirty_orders(fewer))), clean, sizes.rounds, each=sizes.orders / fewer
    )
    some, half = (
        ratio(_flow(bound, _lines(mixed(sizes.orders, part))), clean, sizes.rounds)
        for part in (5, 50)
    )
    return Found(
        (
            Row("a rejected order, in accepted ones", alone, "<=", 2),
            Row("5 % of the orders rejected: times the time of none", some, "<=", 1.05),
            Row("50 % of the orders rejected: times the time of none", half, "<=", 1.5),
        )
    )


def inputs(sizes: Sizes) -> Found:
    """Measure a JSON array beside JSON Lines, and CSV beside what is written by hand."""
    bound = product.flow("shopify_orders")
    made = list(orders(sizes.orders))
    array = b"[" + b",\n".join(made) + b"]"
    of_array = ratio(
        _flow(bound, array, "orders.json"), _flow(bound, b"\n".join(made)), sizes.rounds
    )
    articles, rows = product.flow("price_list_items"), price_list.price_list(sizes.rows)
    of_rows = ratio(
        all_of(lambda: price_list.documents_of(rows)),
        _flow(articles, rows, "list.csv"),
        sizes.rounds,
    )
    return Found(
        (
            Row("a JSON array: times the time of JSON Lines", of_array, "<=", 1.3),
            Row("CSV: times as fast as csv.DictReader and by hand", of_rows, ">=", 2),
        )
    )


def steps(sizes: Sizes) -> Found:
    """Measure the steps of the product beside those of what is written by hand."""
    orders_of_steps, rows = sizes.orders // 2, sizes.rows // 2
    listings = (
        listing("an order: all by hand is 1", parts.of_orders(orders_of_steps, sizes.rounds)),
        listing(
            "a rejected order: an accepted one is 1",
            parts.of_rejects(orders_of_steps, sizes.rounds),
        ),
        listing("a row of CSV: all by hand is 1", parts.of_rows(rows, sizes.rounds)),
        listing("processes: a script is 1", parts.of_starts(sizes.rounds_of_processes)),
    )
    return Found((), "\n".join(listings))


def peers(sizes: Sizes) -> Found:
    """Measure the same mapping in other languages for mappings, where they are installed."""
    return Found(tuple(_peers(sizes)))


def _peers(sizes: Sizes) -> Iterator[Row]:
    bound, shop = product.flow("shopify_orders"), yardstick.setup()
    lines = list(orders(sizes.orders_of_peers))
    flow = _flow(bound, b"\n".join(lines))
    for peer in PEERS:
        other = peer.load(shop)
        if other is None:
            yield Row(f"{peer.name}: times as slow", "not installed", ">=", peer.goal)
            continue
        part = fmean(share(yardstick.document_of(line, shop), other(line)) for line in lines)
        measured = ratio(_mapping(lines, other), flow, sizes.rounds_of_processes)
        what = f"{peer.name}: times as slow ({part:.1%} of the values alike, no checks)"
        yield Row(what, measured, ">=", peer.goal)


def _mapping(lines: list[bytes], other: Callable[[bytes], bytes]) -> Work:
    return all_of(lambda: (other(line) for line in lines))


def start(sizes: Sizes) -> Found:
    """Measure `mapgen check` of one spec beside the least that a command line does."""
    check = process(*MAPGEN, "check", "specs/shopify/orders.maps.yaml", cwd=str(product.ROOT))
    hello = process(sys.executable, "-c", _HELLO)
    measured = ratio(check, hello, sizes.rounds)
    what = "`mapgen check` of one spec: times a click program that says hello"
    return Found((Row(what, measured, "<=", 4),))


def flows(sizes: Sizes) -> Found:
    """Measure the compiler over many flows; of fewer than 1,000, say what 1,000 would take."""
    steps = [size for size in _STEPS if size < sizes.flows] + [sizes.flows]
    found: dict[int, tuple[float, ...]] = {
        size: compile_seconds(size, sizes.rounds) for size in steps
    }
    is_whole = sizes.flows == _MANY_FLOWS
    how, scaled = ("measured", found[sizes.flows]) if is_whole else _scaled(found)
    kinds = (("cold", 40.0), ("unchanged", 1.0), ("`generate --check`", 1.0))
    return Found(
        tuple(
            Row(f"1,000 flows, {kind} ({how})", Measured(took, took, took), "<=", goal, " s")
            for (kind, goal), took in zip(kinds, scaled, strict=True)
        ),
        chart(
            "generate, cold: CPU milliseconds a flow, by the number of flows",
            [(size, seconds[0] / size * 1000) for size, seconds in found.items()],
            " ms",
        ),
    )


def _scaled(found: Mapping[int, tuple[float, ...]]) -> tuple[str, tuple[float, ...]]:
    """Return 1,000 flows on the line through the two largest sizes, and how that came about."""
    *_, fewer, more = (min(found), *found)
    if fewer == more:
        return f"scaled from {more}", tuple(one * _MANY_FLOWS / more for one in found[more])
    slopes = ((b - a) / (more - fewer) for a, b in zip(found[fewer], found[more], strict=True))
    ends = zip(found[more], slopes, strict=True)
    how = f"scaled from {fewer} and {more}"
    return how, tuple(end + slope * (_MANY_FLOWS - more) for end, slope in ends)


def deliveries(sizes: Sizes) -> Found:
    """Measure `mapgen run` beside a plain loop, against the sandbox."""
    measured, careful = delivery.throughput(sizes.deliveries, sizes.rounds_of_processes)
    loops = Row("a loop that looks orders up, and reads what was saved", careful)
    what = f"`mapgen run`, {sizes.deliveries:,} orders: throughput beside a plain asyncio loop"
    return Found(
        (Row(what, measured, ">=", 0.85),),
        listing("throughput of deliveries: a plain loop is 1", [loops]),
    )


def memory(sizes: Sizes) -> Found:
    """Measure the most memory that `mapgen transform` holds, by the number of records."""
    steps = [10**power for power in range(7) if 10**power < sizes.records] + [sizes.records]
    found = {size: _peak(size) for size in steps}
    few = min(1_000, sizes.records)
    grown = found[sizes.records] / found.get(few, found[sizes.records])
    what = f"peak memory, {sizes.records:,} records: times that of {few:,}"
    return Found(
        (Row(what, Measured(grown, grown, grown), "<=", 1.1),),
        chart("transform: peak memory, by the number of records", found.items(), " MiB"),
    )


def _peak(count: int) -> float:
    with TemporaryDirectory(prefix="bench") as name:
        source = Path(name) / "orders.jsonl"
        with source.open("wb") as file:
            file.writelines(small_orders(count))
        command = ("transform", "shopify_orders", "--input", str(source), "--output", "/dev/null")
        return peak(*MAPGEN, *command, cwd=str(product.ROOT))


MEASURES: Mapping[str, Callable[[Sizes], Found]] = {
    one.__name__: one
    for one in (
        accepted,
        as_process,
        rejected,
        inputs,
        steps,
        peers,
        start,
        flows,
        deliveries,
        memory,
    )
}
