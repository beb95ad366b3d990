"""Whatever a tenant answers, each order is there once in the end, and no run breaks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from mapgen.agreed.plan import Retry
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.summary import Summary
from tests.faults.child import Task
from tests.faults.liar import (
    Liar,
    Lie,
    Raw,
    Request,
    answer,
    finding,
    lying,
    refusing,
    saving,
    zipped,
)
from tests.faults.matrix import end_of, start
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, orders, plan_of
from tests.runtime_delivery.stand_in import tenant_of

COUNT = 24
PX = "PX.Data.PXException"
POLISH = {"message": "Błąd", "exceptionMessage": "Nie udało się zapisać", "exceptionType": PX}
LOGIN = ("Location", "/Frames/Login.aspx?ReturnUrl=%2f")
ENTITY = {"error": "Nie można dodać", "CustomerID": {"value": "C1", "error": "nieznany"}}
STORM = {"message": "Too many"}


def keep_nothing_alive(liar: Liar, request: Request) -> Raw | None:
    """Answer truly, and hang up without having said so."""
    lie, liar.lie = liar.lie, None
    try:
        told = {"put": lambda: answer(200, liar.save(request))}.get(request.kind)
        found = {"find": lambda: answer(200, liar.find(request.wanted))}.get(request.kind)
        said = told or found
        return None if said is None else Raw(said().data, closes=True)
    finally:
        liar.lie = lie


SAVED = {
    "500 in Polish": lambda liar, order: answer(500, POLISH),
    "another document": lambda liar, order: answer(200, liar.orders[0] | {"id": "x"}),
    "200 and nothing": lambda liar, order: answer(200),
    "204": lambda liar, order: answer(204),
    "302 to the sign-in": lambda liar, order: answer(302, b"", LOGIN),
    "401": lambda liar, order: answer(401, {"message": "who are you"}),
    "412": lambda liar, order: answer(412, {"message": "precondition"}),
    "422 in Polish": lambda liar, order: answer(422, ENTITY),
    "429": lambda liar, order: answer(429, STORM),
    "ETag that changes": lambda liar, order: answer(200, order, ("ETag", f'"{time.time()}"')),
    "gzip too long": lambda liar, order: zipped(order, 40),
    "gzip too short": lambda liar, order: zipped(order, -9),
    "gzip without its end": lambda liar, order: zipped(order, 0, cut=6),
    "no HTTP": lambda liar, order: Raw(b"\x15\x03\x01\x00\x02\x02\x50", closes=True),
    "chunks without end": lambda liar, order: Raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", closes=True
    ),
    "list": lambda liar, order: answer(200, [order]),
    "nested for ever": lambda liar, order: answer(200, b'{"a":' * 90_000),
    "numbers without end": lambda liar, order: answer(200, b'{"OrderNbr":{"value":1e99999999}}'),
}
WAITS = {
    "seconds": "1",
    "a date": "Wed, 21 Oct 2026 07:28:00 GMT",
    "huge": "9" * 400,
    "negative": "-7",
    "garbage": "soon",
    "nothing": "",
    "not ASCII": "\u0665",
}


def look_ups() -> dict[str, Lie]:
    """Return the lies about what there is."""
    return {
        "everything": finding(lambda liar, request: answer(200, liar.orders)),
        "first page of everything": finding(lambda liar, request: answer(200, liar.orders[:10])),
        "first of what is asked": finding(
            lambda liar, request: answer(200, liar.find(request.wanted)[:3])
        ),
        "in capitals": finding(
            lambda liar, request: answer(
                200, json.loads(json.dumps(liar.find(request.wanted)).replace("-shop", "-SHOP"))
            )
        ),
        "rows of nothing": finding(
            lambda liar, request: answer(200, [*liar.find(request.wanted), {}, {"id": None}])
        ),
    }


def run(
    liar: Liar,
    address: str,
    *,
    settle: float = 1.0,
    kind: type[Ledger] = Ledger,
    **changes: object,
) -> Summary:
    """Deliver the orders."""
    limits = Limits(request_timeout=min(0.8, settle / 2), settle=settle, concurrent_requests=3)
    environment = Environment("test", tenant_of(liar.url), limits)
    chosen = {"batch_size": 8, "retry": Retry(attempts=20, first=0.01, ceiling=0.05)} | changes
    with kind(address) as ledger:
        return deliver(orders(COUNT), plan_of(**chosen), environment, ledger, RULES, Watcher())


def assert_each_once(liar: Liar) -> None:
    assert liar.identities == sorted(f"{number}-shop" for number in range(1, COUNT + 1))


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.mark.parametrize("name", SAVED)
def test_saved_and_said_otherwise(name: str, address: str) -> None:
    """What is saved is not sent again, whatever is said of it."""
    with lying(saving(SAVED[name])) as liar:
        run(liar, address, kind=HastyLedger)
        assert liar.lies == COUNT // 3
        liar.lie = None
        last = run(liar, address)

        assert_each_once(liar)
        assert last.rejected == last.dead_lettered == last.deferred == 0
        assert sum(one.kind == "put" for one in liar.requests) == COUNT


@pytest.mark.parametrize("wait", WAITS)
def test_storm_with_a_pause(wait: str, address: str) -> None:
    """A pause in any form is kept to within bounds, and no order is lost by it."""
    said = answer(
        429, STORM, ("Retry-After", WAITS[wait]), ("Date", "Wed, 21 Oct 2026 07:27:59 GMT")
    )
    with lying(refusing(said)) as liar:
        summary = run(liar, address)

        assert (liar.lies, summary.created) == (COUNT // 3, COUNT)
        assert_each_once(liar)


@pytest.mark.parametrize("name", look_ups())
def test_look_up_that_lies(name: str, address: str, tmp_path: Path) -> None:
    """Nothing is sent whose absence is not proved; without its ledger a run doubles nothing."""
    with lying() as liar:
        run(liar, address)
        del liar.orders[-6:], liar.saved_at[-6:]
        liar.lie = look_ups()[name]
        run(liar, f"sqlite:///{tmp_path}/second.db")
        assert liar.lies
        assert len(set(liar.identities)) == len(liar.identities)
        liar.lie = None
        last = run(liar, f"sqlite:///{tmp_path}/second.db")

        assert_each_once(liar)
        assert last.rejected == 0


def test_look_up_that_lags(address: str) -> None:
    """A look-up that sees what was saved two seconds ago does, if it settles for longer."""

    def lie(liar: Liar, request: Request) -> Raw | None:
        if request.kind == "find":
            return answer(200, liar.find(request.wanted, older_than=2.0))
        if request.kind == "put" and liar.first_time(request):
            liar.save(request)
            return answer(200)
        return None

    with lying(lie) as liar:
        summary = run(liar, address, settle=3.0)

        assert summary.created == COUNT
        assert_each_once(liar)


def test_connections_that_end_unsaid(address: str) -> None:
    """A connection that is closed after each answer costs no order."""
    with lying(keep_nothing_alive) as liar:
        summary = run(liar, address)

        assert summary.created == COUNT
        assert_each_once(liar)


def test_answers_that_belong_to_no_request(address: str) -> None:
    """A second answer to a look-up is not treated as the answer to the next request."""

    def lie(liar: Liar, request: Request) -> Raw | None:
        if request.kind != "find":
            return None
        return Raw(answer(200, liar.find(request.wanted)).data + answer(200, []).data)

    with lying(lie) as liar:
        for at in range(3):
            run(liar, f"{address}{at}")

        assert_each_once(liar)


def test_there_twice_already(address: str) -> None:
    """Orders that the tenant has twice are not sent a third time."""
    with lying() as liar:
        run(liar, address)
        liar.orders += liar.orders[:5]
        liar.saved_at += liar.saved_at[:5]
        summary = run(liar, address + "2")

        assert (summary.created, summary.already_exists) == (0, COUNT)
        assert len(liar.orders) == COUNT + 5


def test_clock_of_the_tenant(address: str) -> None:
    """Dates of answers and of tokens that are hours off decide nothing."""

    def lie(liar: Liar, request: Request) -> Raw | None:
        date = ("Date", "Wed, 21 Oct 2026 07:28:00 GMT")
        if request.kind == "token":
            return answer(200, {"access_token": "t", "expires_in": -7200}, date)
        return None

    with lying(lie) as liar:
        summary = run(liar, address)

        assert (liar.lies > 0, summary.created) == (True, COUNT)
        assert_each_once(liar)


TOKENS = {
    "licence, 500": (answer(500, POLISH | {"exceptionMessage": "API Login Limit"}), 2),
    "licence, 429": (answer(429, {"message": "API Login Limit"}), 2),
    "page": (answer(200, b"<html>", ("Content-Type", "text/html")), 1),
    "no token": (answer(200, {"expires_in": 5}), 1),
    "token of null": (answer(200, {"access_token": None}), 1),
    "token that no header takes": (answer(200, {"access_token": "é"}), 1),
    "token of two lines": (answer(200, {"access_token": "a\r\nX: b"}), 1),
}


@pytest.mark.parametrize("name", TOKENS)
def test_sign_in_that_fails_first(name: str, address: str) -> None:
    """A sign-in that time mends is tried again."""
    said, times = TOKENS[name]

    def lie(liar: Liar, request: Request) -> Raw | None:
        return said if request.kind == "token" and request.nth <= times else None

    with lying(lie) as liar:
        summary = run(liar, address)

        assert (liar.lies, summary.created) == (times, COUNT)
        assert_each_once(liar)


@pytest.mark.parametrize("processes", [3])
@pytest.mark.parametrize(
    "name", ["500 in Polish", "204", "401", "302 to the sign-in", "gzip too long"]
)
def test_three_processes(name: str, processes: int, address: str, tmp_path: Path) -> None:
    """Three processes that share a ledger believe a liar no more than one does."""
    with lying(saving(SAVED[name])) as liar:
        tasks = [
            Task(liar.url, address, COUNT, str(at), str(tmp_path / "mark"))
            for at in range(processes)
        ]
        assert [end_of(child) for child in [start(task) for task in tasks]] == [0] * processes
        assert liar.lies == COUNT // 3
        liar.lie = None
        run(liar, address)

        assert_each_once(liar)
