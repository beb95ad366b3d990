"""The benchmark, small: what it compares is alike, and it runs. No time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs
from tests.bench import flows, orders, product, rounds, yardstick
from tests.bench.equality import orders_alike, price_lists_alike
from tests.bench.licence import under_a_licence
from tests.bench.measures import MEASURES, Sizes
from tests.bench.processes import cost_of_a_document
from tests.bench.rounds import Measured
from tests.bench.table import Row, chart, put_between, table

TINY = Sizes(
    alike=0,
    dirty_alike=0,
    rounds=1,
    orders=8,
    orders_of_a_process=20,
    rounds_of_processes=1,
    rows=20,
    orders_of_peers=2,
    deliveries=5,
    flows=2,
    records=10,
)
PAGE = product.ROOT / "docs" / "performance.md"


def test_yardstick_is_the_flow() -> None:
    """Orders become the same bytes by hand, dirty ones have the same problems."""
    assert orders_alike(300, 100) == (300, 100)


def test_price_lists_are_alike() -> None:
    """So do the rows of price lists."""
    assert price_lists_alike(200, 72) == (200, 72)


def test_dirty_orders_have_all_kinds_of_problems() -> None:
    """What the comparison rests on: problems of many codes, several in an order, and no JSON."""
    codes, most = set(), 0
    for line in orders.dirty_orders(240):
        with pytest.raises(yardstick.Rejected) as caught:
            yardstick.document_of(line, yardstick.setup())
        codes |= {code for code, _ in caught.value.problems}
        most = max(most, len(caught.value.problems))

    assert codes == {
        "R101", "R102", "R103", "R201", "R301", "R303", "R304", "R305", "R306", "R312",
    }  # fmt: skip
    assert most >= 3


def test_orders_are_as_large_as_real_ones() -> None:
    """Some 10 KB, of 1 to 10 lines, and the same whichever are asked for beside them."""
    made = list(orders.orders(200))

    assert 9_000 < sum(map(len, made)) / len(made) < 12_000
    assert {line.count(b"fulfillable_quantity") for line in made} == set(range(1, 11))
    assert list(orders.orders(5, first=100)) == made[100:105]


def test_small_orders_are_accepted() -> None:
    """The orders of the memory's measure make documents."""
    bound = product.flow("shopify_orders")
    made = b"".join(orders.small_orders(3))

    found = [product.body(one) for one in product.outcomes(bound, made, "orders.jsonl")]

    assert [b'"1000002-kettle-fern"' in body for body in found] == [False, True, False]


def test_mixed_orders_are_dirty_as_often_as_said() -> None:
    """Of a hundred orders five are rejected, or fifty."""
    bound = product.flow("shopify_orders")
    for part in (5, 50):
        content = b"\n".join(orders.mixed(100, part))
        found = product.outcomes(bound, content, "orders.jsonl")
        assert sum(hasattr(outcome, "errors") for outcome in found) == part


def test_copies_of_flows_are_flows_of_their_own() -> None:
    """A workspace of many flows has so many specs, none under a shipped name, and all are right."""
    shipped = flows.specs()
    with flows.workspace(len(shipped) + 2) as root:
        workspace = Workspace.find(root)
        found = check_specs(workspace, workspace.spec_paths()).diagnostics
        texts = [path.read_text(encoding="utf-8") for path in root.rglob("*.maps.yaml")]
    assert [fault.code for fault in found if fault.severity == "error"] == []
    names = {line for text in texts for line in text.splitlines() if line.startswith("flow: ")}

    assert len(names) == len(texts) == len(shipped) + 2
    assert not names & {f"flow: {name}" for name in shipped}


@pytest.mark.parametrize("name", MEASURES)
def test_measures(name: str) -> None:
    """Each measure runs, and has something to say; what it takes for alike it asserts."""
    found = MEASURES[name](TINY)

    assert found.rows or found.chart
    for row in found.rows:
        assert row.measured == "not installed" or (
            isinstance(row.measured, Measured) and row.measured.lowest > 0
        )


def test_ratio_is_of_pairs() -> None:
    """A ratio is the first to the second of one round, each first in turn; a slow round is one."""
    ran: list[str] = []
    times = iter([0, 6, 0, 2, 0, 20, 0, 60, 0, 8, 0, 2])

    found = rounds.ratio(
        lambda: ran.append("above"), lambda: ran.append("below"), 3, clock=lambda: next(times)
    )

    assert found == Measured(3, 3, 4)
    assert ran[2:] == ["above", "below", "below", "above", "above", "below"]


def test_table_says_what_is_met() -> None:
    """The median decides, in the direction of the goal."""
    rows = [
        Row("fast", Measured(2.5, 1, 3), ">=", 2),
        Row("tiny", Measured(0.0412, 0.0399, 12.34), ">=", 2),
        Row("slow", Measured(2.5, 1, 3), "<=", 2, " s"),
        Row("once", Measured(235, 235, 235), "<=", 40, " s"),
        Row("peer", "not installed", ">=", 20),
    ]

    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(rows).splitlines()]

    assert cells[2:] == [
        ["fast", "2.50 (1.00–3.00)", ">= 2", "yes"],
        ["tiny", "0.041 (0.040–12.3)", ">= 2", "no"],
        ["slow", "2.50 s (1.00–3.00)", "<= 2 s", "no"],
        ["once", "235 s", "<= 40 s", "no"],
        ["peer", "not installed", ">= 20", ""],
    ]


def test_chart_is_in_proportion() -> None:
    """The longest bar is whole, half the value is half the bar."""
    bars = [line.count("█") for line in chart("growth", [(1, 5.0), (10, 10.0)], " ms").splitlines()]

    assert bars == [0, 0, 20, 40]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    copy = tmp_path / "page.md"
    copy.write_bytes(PAGE.read_bytes())
    return copy


def test_only_what_is_between_the_marks_is_written(page: Path) -> None:
    """The table on the page is replaced, twice the same, and nothing else."""
    before = page.read_text(encoding="utf-8")
    put_between(page, "one")
    put_between(page, "another\n")
    after = page.read_text(encoding="utf-8")

    assert "\n\nanother\n\n" in after
    assert "one\n\n<!--" not in after
    assert after.partition("<!-- measured")[0] == before.partition("<!-- measured")[0]
    assert after.rpartition("measured: end")[2] == before.rpartition("measured: end")[2]


def test_what_a_document_costs(tmp_path: Path) -> None:
    """Few statements and commits, since they go in batches; one request, and a share of a look-up.

    Counts, which no machine changes much: docs/operations.md calculates with them.
    """
    cost = cost_of_a_document(f"sqlite:///{tmp_path}/ledger.db", 60)

    assert cost["statements"] < 4
    assert cost["transactions"] < 1
    assert 1 < cost["requests"] < 1.5


def test_orders_under_a_licence() -> None:
    """All are there once, in as many requests as go together; no minute is asserted."""
    kept = under_a_licence(60, 600.0)

    assert (kept.there, kept.lost, kept.doubled) == (60, 0, 0)
    assert 60 < kept.requests <= 2 * 60 + 2
    assert len(kept.sizes) == 20
