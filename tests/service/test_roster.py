"""Flows that cannot be bound: the others run, they are reported, tried again, and lose nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mapgen.report import Stopped
from mapgen.runtime.ledger import Delivery, Ledger
from mapgen.runtime.ledger.reports import Reports
from mapgen.service.alerts import Watch
from mapgen.service.clock import ServiceClock
from mapgen.service.loop import Around, Unbound
from mapgen.service.reception import NotYet, Taker
from mapgen.service.roster import Entry, Roster
from mapgen.service.service import Service, holder
from tests.cli.conftest import workspace
from tests.service.test_watch import Seen

__all__ = ["workspace"]
VARIABLES = {
    "ACUMATICA_URL": "http://127.0.0.1:1",
    "ACUMATICA_TENANT": "Live",
    "ACUMATICA_CLIENT_ID": "id@Live",
    "ACUMATICA_CLIENT_SECRET": "s",
    "ACUMATICA_USERNAME": "u",
    "ACUMATICA_PASSWORD": "p",
    "SHOP_URL": "http://127.0.0.1:2",
    "SHOP_TOKEN": "t",
    "SHOP_WEBHOOK_SECRET": "w",
}
ORDERS = "specs/shopify/orders.maps.yaml"


@pytest.fixture
def place(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with three flows that run by themselves."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    kept = ("orders", "customers", "inventory_levels")
    for path in (workspace / "specs").rglob("*.maps.yaml"):
        if path.parent.name != "shopify" or path.name.split(".")[0] not in kept:
            path.unlink()
    return workspace


@contextmanager
def around(path: Path) -> Iterator[tuple[Around, Seen]]:
    seen = Seen()
    with Ledger(f"sqlite:///{path / 'ledger.db'}") as ledger:
        yield Around(ledger, ServiceClock(), seen, holder()), seen


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_that_is_stale(place: Path) -> None:
    """It is told everywhere, what comes for it is kept, and it runs once it is generated again."""
    fresh = (place / ORDERS).read_text(encoding="utf-8")
    (place / ORDERS).write_text(fresh.replace("every 5 min", "every 6 min"), "utf-8")
    with around(place) as (it, seen):
        service = Service((), it)
        joined: list[Entry] = []

        def join(entry: Entry) -> None:
            service.expect(entry.name, entry.senders, entry.takers)
            joined.append(entry)

        roster = Roster(place, "local", it, join)
        roster.open()
        bound = {one.name: not isinstance(one.flow, Unbound) for one in joined}
        delivery = Delivery("", "d1", "orders/create", b"{}")
        assert service.take("shop", "orders/create", delivery) == 1
        (told,) = [one for one in Reports(it.ledger).flows() if one.conditions]
        watch = Watch(it.ledger, [], (), seen, "local")
        fired, again = watch.look(), watch.look()

        (place / ORDERS).write_text(fresh, encoding="utf-8")
        with roster:
            until(lambda: not it.board.unbound)
            over = watch.look()
        left = [one for one in Reports(it.ledger).flows() if one.conditions]
    assert bound == {
        "shopify_orders": False, "shopify_customers": True, "shopify_inventory_levels": True,
    }  # fmt: skip
    assert (told.of.flow, told.of.tenant, told.inbox) == ("shopify_orders", "Live", 1)
    assert told.conditions[0].reason.startswith("E5")
    assert [one.words for one in fired] == ["not bound, so that it does not run; "
                                            "`mapgen status` says why"]  # fmt: skip
    assert (again, [one.state for one in over], left) == ((), ["resolved"], [])
    assert not isinstance(joined[-1].flow, Unbound)
    names = [one.name for one in seen.events if one.name.startswith("flow ")]
    assert names == ["flow not bound", "flow bound"]


def test_one_whose_place_is_unknown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken for it, so that it is sent again; the flows of another place run."""
    monkeypatch.delenv("ACUMATICA_PASSWORD")
    with around(place) as (it, _):
        with pytest.raises(Stopped) as stopped:
            Roster(place, "local", it, lambda _: None).open()
        assert "ACUMATICA_PASSWORD" in str(stopped.value)
    monkeypatch.setenv("ACUMATICA_PASSWORD", "p")
    monkeypatch.delenv("SHOP_TOKEN")
    with around(place) as (it, _):
        service = Service((), it)
        entries = {one.name: one for one in Roster(place, "local", it, lambda _: None).open()}
        for entry in entries.values():
            service.expect(entry.name, entry.senders, entry.takers)
        levels = entries["shopify_inventory_levels"].flow
        assert isinstance(levels, Unbound)
        assert levels.book is None
        assert "SHOP_TOKEN" in levels.message
        service.expect(levels.name, (), [Taker(levels, "webhook shop", "shop", ("items",))])
        with pytest.raises(NotYet):
            service.take("shop", "items", Delivery("", "d1", "items", b"{}"))
        assert not isinstance(entries["shopify_orders"].flow, Unbound)
