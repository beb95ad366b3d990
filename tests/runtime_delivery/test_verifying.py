"""What was sent beside what was saved: what is the same, what was dropped or changed."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import CircuitBreaker
from mapgen.runtime.delivery import deliver
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.targets.kind import Saved, Sending, There, Unanswered
from mapgen.runtime.tenant import client
from mapgen.runtime.tenant.client import Client, _echo_in
from mapgen.runtime.tenant.connection import Connection
from mapgen.runtime.tenant.verifying import differences
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, orders, plan_of
from tests.runtime_delivery.stand_in import Answer, Asked, Drip, Drop, Misdeed, StandIn, standing_in


def told(sent: object, saved: object) -> list[str]:
    body = json.dumps({"F": {"value": sent}}).encode()
    return [one.target for one in differences(body, {"F": {"value": saved}})]


SAME = [
    pytest.param("12.50", 12.5, id="a number as text"),
    pytest.param(1, 1.0, id="a whole number"),
    pytest.param("2026-05-01", "2026-05-01T00:00:00+00:00", id="a day as an instant"),
    pytest.param("2026-05-01T23:30:00-04:00", "2026-05-02T03:30:00Z", id="an instant elsewhere"),
    pytest.param("2026-05-01T23:30:00.123Z", "2026-05-01T23:30:00.12+00:00", id="as fine as kept"),
    pytest.param("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00+05:00", id="at the beginning"),
    pytest.param("9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59-05:00", id="at the end"),
    pytest.param("c0001", "C0001", id="an input mask of capitals"),
    pytest.param("MAIN", "MAIN      ", id="blanks at the end"),
    pytest.param("a\r\nb", "a\nb", id="ends of lines"),
    pytest.param("", None, id="an empty text"),
    pytest.param(None, None, id="a cleared field"),
    pytest.param("AC", {"id": "AC", "description": "Active"}, id="a drop-down by its id"),
    pytest.param({"id": "AC"}, {"id": "AC", "description": "Active"}, id="a drop-down"),
    pytest.param(True, True, id="a flag"),
]
OTHER = [
    pytest.param("12.49", 12.5, id="a number rounded"),
    pytest.param(2, 0, id="a quantity"),
    pytest.param("2026-05-01", "2026-05-02T00:00:00+00:00", id="the day after"),
    pytest.param("2026-05-01T23:30:00Z", "2026-05-01T09:30:00Z", id="another hour of the day"),
    pytest.param("2026-05-01T23:30:00-04:00", "2026-05-01T23:30:00+00:00", id="another offset"),
    pytest.param("2026-05-01T23:30:00Z", "2026-05-01T23:30:01Z", id="a second later"),
    pytest.param("Main Street 12", "Main Street", id="a text cut"),
    pytest.param("ABC", "abc", id="a text in small letters"),
    pytest.param("x", None, id="dropped"),
    pytest.param(True, False, id="a flag"),
    pytest.param(None, "x", id="not cleared"),
    pytest.param("AC", {"id": "IN", "description": "Inactive"}, id="a drop-down"),
]


@pytest.mark.parametrize(("sent", "saved"), SAME)
def test_same(sent: object, saved: object) -> None:
    """What the ERP only writes in another way is the same."""
    assert told(sent, saved) == []


@pytest.mark.parametrize(("sent", "saved"), OTHER)
def test_other(sent: object, saved: object) -> None:
    """What the ERP has not as it was sent is reported."""
    assert told(sent, saved) == ["F"]


def row(item: str, quantity: int) -> dict[str, Any]:
    return {"InventoryID": {"value": item}, "OrderQty": {"value": quantity}}


ROWS = [
    pytest.param([row("A", 1), row("B", 2)], [row("A", 1), row("B", 2)], [], id="as sent"),
    pytest.param([row("B", 2)], [row("A", 1), row("B", 2)], [], id="behind one that was there"),
    pytest.param([row("A", 1), row("B", 2)], [row("A", 1), row("B", 0)], ["Details[1].OrderQty"],
                 id="a quantity dropped"),
    pytest.param([row("A", 1), row("A", 1)], [row("A", 1)],
                 ["Details[1].InventoryID", "Details[1].OrderQty"], id="a row dropped"),
    pytest.param([{"id": "2"} | row("B", 2)],
                 [{"id": "1"} | row("B", 2), {"id": "2"} | row("B", 3)],
                 ["Details[0].OrderQty"], id="by id"),
    pytest.param([{"id": "2", "delete": True}], [], [], id="a row to be deleted"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "saved", "targets"), ROWS)
def test_rows(sent: list[Any], saved: list[Any], targets: list[str]) -> None:
    """Rows are compared with those that they became."""
    found = differences(json.dumps({"Details": sent}).encode(), {"Details": saved})

    assert [one.target for one in found] == targets


def test_not_shown() -> None:
    """Parts that the answer does not show are not compared."""
    body = {
        "A": {"B": {"value": 1}},
        "Details": [row("A", 1)],
        "custom": {"D": {"U": {"value": 1}}},
        "note": {"value": "n"},
    }

    assert differences(json.dumps(body).encode(), {"custom": {}}) == []


VALUES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20)
PARTS = st.recursive(
    st.builds(lambda value: {"value": value}, VALUES),
    lambda inner: (
        st.dictionaries(st.sampled_from("ABCDE"), inner, max_size=3)
        | st.lists(st.dictionaries(st.sampled_from("ABCDE"), inner, max_size=3), max_size=3)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from("ABCDE"), PARTS, max_size=5)


@given(BODIES)
def test_echo_is_the_same(body: dict[str, Any]) -> None:
    """A document that comes back as it was sent differs nowhere."""
    assert differences(json.dumps(body).encode(), json.loads(json.dumps(body))) == []


@given(BODIES, BODIES)
def test_any_answer(body: dict[str, Any], echo: dict[str, Any]) -> None:
    """Whatever the ERP answers, the comparison ends, and names fields that were sent."""
    assert all(one.target for one in differences(json.dumps(body).encode(), echo))


def changed(order: dict[str, Any]) -> dict[str, Any]:
    rows = [order["Details"][0], {"InventoryID": {"value": "AB-3"}}]
    return order | {"Details": rows, "BillToContact": {"Email": {"value": "other@example.org"}}}


@pytest.mark.parametrize("verify", ["warn", "strict", "off"])
def test_in_a_run(verify: str, tmp_path: Path) -> None:
    """A document that is saved otherwise is reported by rule, masked; `strict` wants a person."""
    watcher = Watcher()
    with (
        standing_in(echo=changed) as tenant,
        HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
    ):
        plan = plan_of(verify=verify)
        summary = deliver(orders(2), plan, tenant.environment(), ledger, RULES, watcher)
        again = deliver(orders(2), plan, tenant.environment(), ledger, RULES, Watcher())

    assert len(tenant.orders) == 2
    created, differing, dead = {"warn": (2, 2, 0), "strict": (0, 0, 2), "off": (2, 0, 0)}[verify]
    assert (summary.created, summary.differing, summary.dead_lettered) == (created, differing, dead)
    assert again.created == 0
    if verify == "off":
        assert summary.shown == ()
        return
    email, item = summary.shown[0].errors
    assert (email.code, email.target, email.value) == ("R413", "BillToContact.Email", "***")
    assert "example.org" not in email.message
    assert (item.target, item.value, item.spec) == (
        "Details[1].InventoryID", "AB-2", "orders.maps.yaml:33:7",
    )  # fmt: skip
    assert "`AB-3`" in item.message
    events = [one for one in watcher.events if isinstance(one, TechnicalEvent)]
    assert sum(one.name == "saved otherwise than sent" for one in events) == differing
    assert not any("AB-" in str(one.facts) for one in events)


@pytest.mark.parametrize("verify", ["warn", "strict", "off"])
def test_found_after_an_answer_that_was_lost(verify: str, tmp_path: Path) -> None:
    """What a look-up finds after our request is compared, as the answer would have been."""
    with (
        standing_in() as tenant,
        HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
    ):
        tenant.script = lambda asked: _losing(asked, tenant)
        plan = plan_of(verify=verify)
        summary = deliver(orders(1), plan, tenant.environment(), ledger, RULES, Watcher())

    assert tenant.count("put") == 1
    read = [one.query for one in tenant.asked if "/SalesOrder/the-id" in one.query]
    assert len(read) == (0 if verify == "off" else 1)
    created, differing, dead = {"warn": (1, 1, 0), "strict": (0, 0, 1), "off": (1, 0, 0)}[verify]
    assert (summary.created, summary.differing, summary.dead_lettered) == (created, differing, dead)
    if verify != "off":
        assert [error.target for error in summary.shown[0].errors] == [
            "BillToContact.Email",
            "Details[1].InventoryID",
        ]
        assert "expand=" in read[0]


UNREAD = [
    pytest.param(Answer(500, {"exceptionType": "PX.Data.PXException"}), id="an exception"),
    pytest.param(Answer(503, "<html>", "text/html"), id="503 in HTML"),
    pytest.param(Answer(429), id="declined"),
    pytest.param(Answer(403, {"message": "no"}), id="no right"),
    pytest.param(Drop(is_done=False), id="connection cut"),
    pytest.param(Drip(), id="an answer without an end"),
]


@pytest.mark.parametrize("misdeed", UNREAD)
def test_found_and_not_to_be_read(
    misdeed: Misdeed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a document is there is sure, whatever comes of reading it to compare it: once."""
    monkeypatch.setattr(client, "_LONGEST_VERIFYING", 0.5)
    watcher = Watcher()
    with (
        standing_in() as tenant,
        HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
    ):
        tenant.script = lambda asked: (
            misdeed if "/the-id" in asked.query else _losing(asked, tenant)
        )
        # Two failures open the circuit: the write's, and one more if a reading counted.
        plan = plan_of(circuit_breaker=CircuitBreaker(2, 60.0, 60.0))
        summary = deliver(orders(1), plan, tenant.environment(), ledger, RULES, watcher)

    assert (summary.created, summary.differing, summary.rejected) == (1, 0, 0)
    assert sum("/the-id" in asked.query for asked in tenant.asked) == 1
    names = [one.name for one in watcher.events if isinstance(one, TechnicalEvent)]
    assert names.count("not verified") == 1
    assert "circuit opened" not in names


def test_not_verified_while_the_tenant_is_unwell() -> None:
    """What is only to be compared does not wait for a circuit that is open."""
    told: list[TechnicalEvent] = []
    plan = plan_of(circuit_breaker=CircuitBreaker(1, 60.0, 60.0))
    with standing_in(script=lambda a: Answer(503) if a.kind == "put" else None) as tenant:
        environment, stop = tenant.environment(), threading.Event()
        with Connection(environment, plan, stop=stop, tell=told.append) as connection:
            way = Client(connection, plan.documents[0], RULES)
            assert way.find(["1-shop"]).there == {}
            assert isinstance(way.create(Sending("1-shop", b"{}", lambda: None)), Unanswered)
            there = There("SO1", {}, "the-id")
            began = time.monotonic()

            assert way.found(there, b"{}") == Saved(there)
            assert time.monotonic() - began < 30
        assert tenant.count("find") == 1
    assert [one.facts for one in told if one.name == "not verified"] == [
        {"reason": "the circuit is open"}
    ]


def _losing(asked: Asked, tenant: StandIn) -> Misdeed:
    """Lose the answer to each write, and give documents with an id, and by it."""
    if asked.kind == "put":
        return Drop(is_done=True)
    if asked.kind != "find" or not tenant.orders:
        return None
    if "/the-id" in asked.query:
        return Answer(200, changed(tenant.orders[0]))
    return Answer(200, [{**tenant.orders[0], "id": "the-id"}])


@pytest.mark.parametrize(
    ("content", "has_errors"),
    [
        pytest.param('{"A":{"value":"error"},"note":{"value":"\\u00fc"}}', False, id="none"),
        pytest.param('{"error":""}', False, id="empty"),
        pytest.param('{"error":"no"}', True, id="at the top"),
        pytest.param('{"D":[{},{"A":{"value":7,"error":"no"}}]}', True, id="of a field of a row"),
        pytest.param('{"A":{"\\u0065rror":"no"}}', True, id="under a name with an escape"),
    ],
)
def test_errors_in_an_answer_of_success(content: str, has_errors: bool) -> None:
    """An error is found wherever the answer to a write has it, and however its name is written."""
    echo = _echo_in(httpx2.Response(200, content=content.encode()))

    assert echo.has_errors is has_errors
