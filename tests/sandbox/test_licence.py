"""The licence's limits on requests, and injected failures."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from mapgen.report import Stopped
from mapgen.sandbox import Limits, Settings, read_failure, read_failures

from .conftest import Caller, wrapped

ORDER = {"CustomerID": "C000101"}


def statuses(caller: Caller, number: int) -> Counter[int]:
    """Ask so often at the same time, each with a connection of its own."""

    def ask(_: int) -> int:
        headers = dict(caller.http.headers)
        url = f"{caller.sandbox.url}{caller.root}/Customer"
        return httpx2.get(url, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(number) as pool:
        return Counter(pool.map(ask, range(number)))


def test_queue(start: Any) -> None:
    """Those at work are served, twenty and one wait, the rest is declined with 429."""
    limits = Limits(concurrent_requests=2)
    caller = start(settings=Settings(limits=limits, latency=0.2))
    got = statuses(caller, 40)

    assert set(got) == {200, 429}
    assert got[429] == caller.sandbox.overview()["declined"]
    assert 0 < got[429] <= 40 - 2 - 21


def test_no_limits(start: Any) -> None:
    """Without limits nobody waits."""
    caller = start()
    assert statuses(caller, 30) == {200: 30}
    assert caller.sandbox.overview()["delayed"] == 0


def test_requests_a_minute(start: Any) -> None:
    """From half of the minute's requests on, each is held back; clients get no sign of it."""
    caller = start(signed_in=False, settings=Settings(limits=Limits(requests_per_minute=600)))
    caller.sign_in()
    for _ in range(299):
        assert caller.call("GET", "Customer?$top=1")[0] == 200
    before = caller.sandbox.overview()["delayed"]
    assert caller.call("GET", "Customer?$top=1")[0] == 200

    assert (before, caller.sandbox.overview()["delayed"]) == (0, 1)


def test_waiting_too_long(start: Any) -> None:
    """A request that waits longer than the queue allows is declined; signing out never queues."""
    limits = Limits(requests_per_minute=2, queue_seconds=0.05)
    caller = start(signed_in=False, settings=Settings(limits=limits))
    caller.sign_in()

    assert caller.call("GET", "Customer")[0] == 429
    assert caller.http.post("/entity/auth/logout").status_code == 204


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        pytest.param("deadlock", 500, "chosen as the deadlock victim", id="deadlock"),
        pytest.param("conflict", 500, "Another process has added", id="conflict"),
        pytest.param("throttle", 429, "request limit", id="throttle"),
        pytest.param("unavailable", 503, "<html>", id="unavailable"),
        pytest.param("redirect", 302, "", id="redirect"),
        pytest.param("sign-out", 401, "not logged in", id="sign-out"),
    ],
)
def test_failure_before_the_work(start: Any, kind: str, status: int, words: str) -> None:
    """The request named fails and saves nothing; the others are served."""
    caller = start(settings=Settings(failures=(read_failure(f"{kind}@PUT:SalesOrder:2"),)))
    answers = [caller.call("PUT", "SalesOrder", wrapped(ORDER)) for _ in range(3)]

    assert [got for got, _ in answers] == [200, status, 200]
    assert words in str(answers[1][1])
    assert len(caller.sandbox.records("SalesOrder")) == 2
    assert [entry["failure"] for entry in caller.sandbox.requests()].count(kind) == 1


@pytest.mark.parametrize(
    ("kind", "stored"),
    [pytest.param("drop", 3, id="after"), pytest.param("refuse", 2, id="before")],
)
def test_connection_lost(start: Any, kind: str, stored: int) -> None:
    """`drop` loses the answer of a request that was committed, `refuse` the request itself."""
    caller = start(settings=Settings(failures=(read_failure(f"{kind}@PUT:SalesOrder:2"),)))
    caller.put("SalesOrder", ORDER)
    with pytest.raises(httpx2.TransportError):
        caller.put("SalesOrder", ORDER)
    caller.put("SalesOrder", ORDER)

    assert len(caller.sandbox.records("SalesOrder")) == stored


@pytest.mark.parametrize("kind", ["slow", "slow-answer"])
def test_slow_answer(start: Any, kind: str) -> None:
    """A slow answer outlasts an impatient client; the work is done all the same."""
    caller = start(settings=Settings(failures=(read_failure(f"{kind}=0.4@PUT:SalesOrder:1"),)))
    with pytest.raises(httpx2.ReadTimeout):
        caller.call("PUT", "SalesOrder", wrapped(ORDER), timeout=0.1)
    caller.put("SalesOrder", ORDER)
    while len(caller.sandbox.records("SalesOrder")) < 2:
        continue

    assert len(caller.sandbox.records("SalesOrder")) == 2


@pytest.mark.parametrize(
    ("which", "due"),
    [
        pytest.param("3", {3}, id="one"),
        pytest.param("1,4", {1, 4}, id="some"),
        pytest.param("2-3", {2, 3}, id="from to"),
        pytest.param("1,3-4", {1, 3, 4}, id="several"),
        pytest.param("every 2", {2, 4}, id="every other"),
        pytest.param("all", {1, 2, 3, 4}, id="all"),
    ],
)
def test_which_requests(which: str, due: set[int]) -> None:
    """An injected failure says which requests it meets, counted from one."""
    failure = read_failure(f"drop@put:*:{which}")

    assert {number for number in range(1, 5) if failure.is_due(number)} == due
    assert (failure.method, failure.target) == ("PUT", "*")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "drop",
        "drop@PUT:SalesOrder",
        "fire@PUT:*:1",
        "drop@PUT:*:never",
        "slow@PUT:*:1",
        "drop=2@PUT:*:1",
        "slow=x@PUT:*:1",
        "drop@PUT:*:every 0",
    ],
)
def test_unreadable_failure(words: str) -> None:
    """A failure that cannot be read is E524."""
    with pytest.raises(Stopped) as stopped:
        read_failure(words)

    assert [error.code for error in stopped.value.diagnostics] == ["E524"]


def test_file_of_failures() -> None:
    """A file has one failure a line, with comments and blank lines."""
    text = "# rehearsal\ndrop@PUT:SalesOrder:3\n\nslow=0.5@GET:*:all  # every look-up\n"

    assert [failure.kind for failure in read_failures(text, "failures.txt")] == ["drop", "slow"]
