"""One process delivers: what it asks the tenant, what it makes of the answers, what it counts."""

from __future__ import annotations

import gc
import gzip
import itertools
import json
import signal
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mapgen.agreed.plan import CircuitBreaker, Retry
from mapgen.runtime.aborted import AccessRefused, RunAborted, TenantUnavailable, Terminated
from mapgen.runtime.clock import uptime
from mapgen.runtime.delivery import deliver, sender
from mapgen.runtime.events import BusinessEvent, Observer, TechnicalEvent
from mapgen.runtime.ledger import Ledger, book_of
from mapgen.runtime.network.transport import LARGEST_ANSWER
from mapgen.runtime.outcome import ErrorReport, Origin, Outcome, Rejected, Skipped
from mapgen.runtime.summary import Summary
from tests.runtime_delivery.orders import ORDER, RULES, HastyLedger, Watcher, order, orders, plan_of
from tests.runtime_delivery.stand_in import (
    Answer,
    Asked,
    Drip,
    Drop,
    Hold,
    Misdeed,
    StandIn,
    standing_in,
)

Script = Callable[[Asked], Misdeed]

# For an answer that never comes: all others come in time on any machine, or are looked up, too.
IMPATIENT = {"request_timeout": 1.5}

HTML = Answer(503, "<html>Service Unavailable</html>", "text/html")
DEADLOCK = Answer(
    500,
    {
        "message": "An error has occurred.",
        "exceptionMessage": "Transaction (Process ID 71) was deadlocked on lock resources with"
        " another process and has been chosen as the deadlock victim. Rerun the transaction.",
        "exceptionType": "System.Data.SqlClient.SqlException",
    },
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield ledger


def run(tenant: StandIn, ledger: Ledger, outcomes: Any, **changes: Any) -> Summary:
    limits = changes.pop("limits", {})
    watcher = changes.pop("watcher", None) or Watcher()
    environment = tenant.environment(**limits)
    return deliver(outcomes, plan_of(**changes), environment, ledger, RULES, watcher)


def ends(summary: Summary) -> dict[str, int]:
    counts = summary.counts()
    del counts["flow"]
    return {name: count for name, count in counts.items() if isinstance(count, int) and count}


def rejected(number: int, *, retry: bool = False) -> Rejected:
    error = ErrorReport("R201", "has no customer", "CustomerID", retry=retry)
    return Rejected(Origin("orders.jsonl", number, number, str(number)), (error,))


def test_mixed_input(ledger: Ledger) -> None:
    """Every record read is counted once, and no record without a document reaches the tenant."""
    origin = Origin("orders.jsonl", 90, 90)
    outcomes: list[Outcome] = [
        *orders(5), order(3), rejected(80), rejected(81, retry=True), Skipped(origin, "voided"),
    ]  # fmt: skip
    with standing_in() as tenant:
        summary = run(tenant, ledger, outcomes)

    assert ends(summary) == {
        "read": 9, "created": 5, "already_exists": 1, "rejected": 1, "deferred": 1, "skipped": 1,
    }  # fmt: skip
    assert tenant.identities == [f"{number}-shop" for number in range(1, 6)]
    assert {(reason.kind, reason.words, reason.count) for reason in summary.reasons} == {
        ("rejected", "R201 CustomerID", 1),
        ("deferred", "R201 CustomerID", 1),
        ("skipped", "voided", 1),
    }


def test_again(ledger: Ledger) -> None:
    """A second run over the same input makes no request at all and says what is where."""
    watcher = Watcher()
    with standing_in() as tenant:
        run(tenant, ledger, orders(5))
        before = len(tenant.asked)

        summary = run(tenant, ledger, orders(5), watcher=watcher)

        assert ends(summary) == {"read": 5, "already_exists": 5}
        assert len(tenant.asked) == before
    numbers = {event.number for event in watcher.events if isinstance(event, BusinessEvent)}
    assert numbers == {f"SO{number:06}" for number in range(1, 6)}


def test_rejections_do_not_pile_up(ledger: Ledger) -> None:
    """A record rejected in two runs is one row; once it gives a document, that is delivered."""
    with standing_in() as tenant:
        run(tenant, ledger, [rejected(1)])
        run(tenant, ledger, [rejected(1)])
        assert ledger.counts() == {"rejected": 1}

        summary = run(tenant, ledger, [order(1)])

    assert ends(summary) == {"read": 1, "created": 1}
    assert ledger.counts() == {"sent": 1}


def test_look_ups_are_batched(ledger: Ledger) -> None:
    """Many identities share a look-up, none longer than a web server takes, quotes doubled."""
    with standing_in() as tenant:
        names = [f"o'{number:03}-{'x' * 60}" for number in range(60)]
        outcomes = [order(at, identity=name) for at, name in enumerate(names)]
        run(tenant, ledger, outcomes, batch_size=240)

        assert tenant.identities == names
        assert tenant.count("find") < 12
        assert all(len(query) < 2048 for query in tenant.queries)
        assert "OrderType eq 'SO' and (ExternalRef eq 'o''000-" in tenant.queries[0]
        assert "$select=OrderType,OrderNbr,ExternalRef" in tenant.queries[0]


def test_turned_away_for_the_moment(ledger: Ledger) -> None:
    """What the tenant declined at its door is sent again, each time after another look-up."""
    declined = Answer(429, {"message": "Too many requests"})
    with standing_in(
        script=lambda a: declined if a.kind == "put" and a.nth <= 2 else None
    ) as tenant:
        summary = run(tenant, ledger, orders(1))

        assert ends(summary) == {"read": 1, "created": 1}
        assert (tenant.count("put"), tenant.count("find")) == (3, 3)


EXCEPTIONS = [
    pytest.param(DEADLOCK, id="deadlock"),
    pytest.param(
        Answer(500, {"exceptionMessage": "Another process has added the 'SOOrder' record. Your"
                     " changes will be lost."}),
        id="another process",
    ),
    pytest.param(
        Answer(500, {"exceptionMessage": "Un autre processus a mis le document \u00e0 jour.",
                     "exceptionType": "PX.Data.PXLockViolationException"}),
        id="another process, in French",
    ),
    pytest.param(Answer(409, {"message": "A long operation is running"}), id="long operation"),
    pytest.param(Answer(500, {"message": "A long operation is running"}), id="500 long operation"),
    pytest.param(Answer(500, {"message": "API Login Limit"}), id="login limit"),
    pytest.param(Answer(500, {"message": "The system failed to commit"}), id="failed to commit"),
    pytest.param(Answer(500, {"exceptionMessage": "no", "exceptionType": "PX.Data.PXException"}),
                 id="a type that says nothing"),
    pytest.param(Answer(422, {"error": "no"}), id="422 without a field"),
    pytest.param(Answer(503, {"message": "down"}), id="503 in JSON"),
]  # fmt: skip


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("misdeed", EXCEPTIONS)
def test_exception_that_may_pass(misdeed: Answer, is_done: bool, ledger: Ledger) -> None:
    """Thrown before or after the save: looked up once it has settled, there once in the end."""
    thrown = replace(misdeed, is_done=is_done)
    with standing_in(script=lambda a: thrown if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        summary = run(tenant, ledger, orders(1))

        assert ends(summary) == {"read": 1, "created": 1}
        assert (tenant.count("put"), tenant.count("find")) == (1 if is_done else 2, 2)
        assert len(tenant.orders) == 1


FINAL = [
    pytest.param(Answer(500, {"exceptionMessage": "no",
                              "exceptionType": "PX.Data.PXSetPropertyException"}),
                 {"rejected": 1}, id="a property refused"),
    pytest.param(Answer(500, {"exceptionMessage": "No entity satisfies the condition.",
                              "exceptionType": "X.NoEntitySatisfiesTheConditionException"}),
                 {"deferred": 1}, id="a missing record"),
]  # fmt: skip


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("misdeed", "end"), FINAL)
def test_exception_that_is_final(
    misdeed: Answer, end: dict[str, int], is_done: bool, ledger: Ledger
) -> None:
    """A verdict is given on a document that is absent: looked up at once, without settling."""
    thrown = replace(misdeed, is_done=is_done)
    with standing_in(script=lambda a: thrown if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        summary = run(tenant, ledger, orders(1))

        assert ends(summary) == {"read": 1} | ({"created": 1} if is_done else end)
        assert (tenant.count("put"), tenant.count("find")) == (1, 2)


def test_token_expires_amid_a_create(ledger: Ledger) -> None:
    """Turned away for its token, a document is looked up in the new session before it goes."""
    gone = Answer(401, {"message": "You are not logged in."}, is_done=True)
    with standing_in(script=lambda a: gone if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        assert ends(run(tenant, ledger, orders(1))) == {"read": 1, "created": 1}
        assert len(tenant.orders) == 1


UNREADABLE = [
    pytest.param(b"\xff\xfe{}", (), id="not UTF-8"),
    pytest.param(b'{"ExternalRef":{"value":"\xff"}}', (), id="a text that is not UTF-8"),
    pytest.param(b"[" * 100_000, (), id="too deep for the reader"),
    pytest.param(b'{"a":' * 300 + b"1" + b"}" * 300, (), id="too deep for us"),
    pytest.param(b"no gzip", (("Content-Encoding", "gzip"),), id="bad gzip"),
    pytest.param(gzip.compress(b'{"a":1}')[:-9], (("Content-Encoding", "gzip"),), id="cut gzip"),
    pytest.param(gzip.compress(bytes(LARGEST_ANSWER + 1)), (("Content-Encoding", "gzip"),),
                 id="a gzip that swells"),
    pytest.param(b"{}", (("Content-Encoding", "br"),), id="packed in another way"),
]  # fmt: skip


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(("body", "headers"), UNREADABLE)
def test_answer_that_nobody_can_read(
    status: int, body: bytes, headers: tuple[tuple[str, str], ...], ledger: Ledger
) -> None:
    """Such an answer says nothing about the document: it settles and is looked up."""
    answer = Answer(status, body, headers=headers, is_done=True)
    with standing_in(script=lambda a: answer if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        summary = run(tenant, ledger, orders(1), limits=IMPATIENT)

        assert ends(summary) == {"read": 1, "created": 1}
        assert (tenant.count("put"), len(tenant.orders)) == (1, 1)


def test_dripping_answer(ledger: Ledger) -> None:
    """An answer whose bytes come one by one, each in time, is over when its time is over."""
    with standing_in(
        script=lambda a: Drip(is_done=True) if (a.kind, a.nth) == ("put", 1) else None
    ) as tenant:
        summary = run(tenant, ledger, orders(1), limits=IMPATIENT)

        assert ends(summary) == {"read": 1, "created": 1}
        assert (tenant.count("put"), len(tenant.orders)) == (1, 1)


AMBIGUOUS = [
    pytest.param(Drop(is_done=True), 1, id="connection cut after the work"),
    pytest.param(Drop(is_done=False), 2, id="connection cut before the work"),
    pytest.param(Hold(is_done=True), 1, id="no answer in time, done"),
    pytest.param(HTML, 2, id="503 in HTML"),
    pytest.param(Answer(302, None, headers=(("Location", "/ui/error"),)), 2, id="error page"),
    pytest.param(Answer(200, "<html>sign in</html>", "text/html"), 2, id="200 in HTML"),
]


@pytest.mark.parametrize(("misdeed", "puts"), AMBIGUOUS)
def test_nobody_knows_whether_it_was_done(misdeed: Misdeed, puts: int, ledger: Ledger) -> None:
    """What may have been done is looked up once it has settled, and sent again only if absent."""
    with standing_in(script=lambda a: misdeed if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        limits = IMPATIENT if isinstance(misdeed, Hold) else {}
        summary = run(tenant, ledger, orders(1), limits=limits)

        assert ends(summary) == {"read": 1, "created": 1}
        assert (tenant.count("put"), tenant.count("find")) == (puts, 2)
        assert len(tenant.orders) == 1


def test_others_go_first_while_one_settles(ledger: Ledger) -> None:
    """A document that settles holds nobody up: all others are sent before it is looked up."""
    with standing_in(script=lambda a: HTML if (a.kind, a.nth) == ("put", 1) else None) as tenant:
        run(tenant, ledger, orders(30), limits={"concurrent_requests": 1})

        assert len(tenant.orders) == 30
        puts = [asked.identity for asked in tenant.asked if asked.kind == "put"]
        assert puts[0] == puts[-1] == "1-shop"


def test_never_heard_of(ledger: Ledger) -> None:
    """A document whose every request fails is dead after the plan's attempts; others arrive."""
    with standing_in(script=lambda a: HTML if a.identity == "2-shop" else None) as tenant:
        summary = run(tenant, ledger, orders(3), retry=Retry(2, 0.01, 0.02))

        assert ends(summary) == {"read": 3, "created": 2, "dead_lettered": 1}
        assert summary.shown[0].source == "2"
        assert summary.shown[0].errors[0].code == "R405"
        tenant.script = lambda asked: None

        assert ends(run(tenant, ledger, orders(3))) == {
            "read": 3,
            "created": 1,
            "already_exists": 2,
        }


def test_turned_away_all_the_time(ledger: Ledger) -> None:
    """A document declined at every attempt is dead, and was sent as often as the plan says."""
    with standing_in(script=lambda a: DEADLOCK if a.kind == "put" else None) as tenant:
        summary = run(tenant, ledger, orders(1), retry=Retry(3, 0.01, 0.02))

        assert ends(summary) == {"read": 1, "dead_lettered": 1}
        assert tenant.count("put") == 3


def test_fields_refused(ledger: Ledger) -> None:
    """A 422 is a rejection that names field, rule and source path, and shows nothing personal."""
    refusal = {
        "id": "b6410d82-9476-ef11-8c65-ac198e472cfe",
        "error": "Inserting  'Sales Order' record raised at least one error. Please review the"
        " errors.",
        "CustomerID": {"value": "C9", "error": "'Customer' cannot be found in the system."},
        "BillToContact": {
            "Email": {"value": "person1@example.org", "error": "person1@example.org is no address"}
        },
        "Details": [
            {"rowNumber": 1, "InventoryID": {"value": "AB-1"}},
            {"rowNumber": 2, "error": "Inserting  'SO Line' record raised at least one error.",
             "InventoryID": {"value": "AB-2", "error": "Item of person1@example.org"}},
        ],
    }  # fmt: skip
    watcher = Watcher()
    with standing_in(script=lambda a: Answer(422, refusal) if a.kind == "put" else None) as tenant:
        summary = run(tenant, ledger, orders(1), watcher=watcher)

        assert ends(summary) == {"read": 1, "rejected": 1}
        assert tenant.count("put") == 1
    assert summary.shown[0].errors == (
        ErrorReport("R401", "'Customer' cannot be found in the system.", "CustomerID",
                    "order.customer.id", "C9", "orders.maps.yaml:20:5", True),
        ErrorReport("R401", "*** is no address", "BillToContact.Email", "order.email", "***",
                    "orders.maps.yaml:40:7"),
        ErrorReport("R401", "Item of ***", "Details[1].InventoryID", "order.line_items[1].sku",
                    "AB-2", "orders.maps.yaml:33:7"),
    )  # fmt: skip
    assert "person1" not in repr(watcher.events)


def test_refused_as_a_whole(ledger: Ledger) -> None:
    """A 500 that explains nothing rejects the document, once it came a second time."""
    body = {"exceptionMessage": "Error: The 08-2026 financial period is inactive for"
            " person1@example.org.", "exceptionType": "PX.Data.PXException"}  # fmt: skip
    with standing_in(script=lambda a: Answer(500, body) if a.kind == "put" else None) as tenant:
        summary = run(tenant, ledger, orders(1))

        assert (tenant.count("put"), tenant.count("find")) == (2, 3)
    error = summary.shown[0].errors[0]
    assert (error.code, error.message) == (
        "R402", "Error: The 08-2026 financial period is inactive for ***."
    )  # fmt: skip


UNEXPLAINED = Answer(500, {"exceptionMessage": "Zu viele", "exceptionType": "PX.Data.PXException"})


def test_look_up_refused_without_a_reason(ledger: Ledger) -> None:
    """What an entity refuses whoever is asked for stops the run, and refuses no document."""
    with standing_in(script=lambda a: UNEXPLAINED if a.kind == "find" else None) as tenant:
        with pytest.raises(TenantUnavailable):
            run(tenant, ledger, orders(3))
        assert ledger.counts() == {"staged": 3}
        tenant.script = lambda a: UNEXPLAINED if (a.kind, a.nth) == ("find", 8) else None

        assert ends(run(tenant, ledger, orders(3))) == {"read": 3, "created": 3}


def test_one_look_up_refused_without_a_reason(ledger: Ledger) -> None:
    """What the ERP cannot look up refuses its own document alone."""
    with standing_in(
        script=lambda a: UNEXPLAINED if a.kind == "find" and "'2-shop'" in a.query else None
    ) as tenant:
        summary = run(tenant, ledger, orders(3))

        assert ends(summary) == {"read": 3, "created": 2, "rejected": 1}
        assert summary.shown[0].errors[0].code == "R407"


def test_dependency_missing(ledger: Ledger) -> None:
    """A document that refers to what is not there yet waits, and is sent by a later run."""
    body = {
        "exceptionMessage": "No entity satisfies the condition.",
        "exceptionType": "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
    }
    with standing_in(script=lambda a: Answer(500, body) if a.kind == "put" else None) as tenant:
        assert ends(run(tenant, ledger, orders(1))) == {"read": 1, "deferred": 1}
        tenant.script = lambda asked: None

        assert ends(run(tenant, ledger, orders(1))) == {"read": 1, "created": 1}


def test_saved_nothing(ledger: Ledger) -> None:
    """A 200 whose number is still to come, of a document that is not there, is a rejection."""
    answer = Answer(200, {"OrderNbr": {"value": "<NEW>"}})
    with standing_in(script=lambda a: answer if a.kind == "put" else None) as tenant:
        summary = run(tenant, ledger, orders(1))

    assert summary.shown[0].errors[0].code == "R403"


def test_saved_under_another_identity(ledger: Ledger) -> None:
    """A document whose identity the ERP changed is dead, and never sent a second time."""

    def echo(saved: dict[str, Any]) -> dict[str, Any]:
        saved["ExternalRef"] = {"value": "CHANGED"}
        return saved

    with standing_in(echo=echo) as tenant:
        summary = run(tenant, ledger, orders(1))
        assert (ends(summary), summary.shown[0].errors[0].code) == (
            {"read": 1, "dead_lettered": 1},
            "R404",
        )

        assert ends(run(tenant, ledger, orders(1))) == {"read": 1, "dead_lettered": 1, "open": 1}
        assert tenant.count("put") == 1


def test_right_is_missing(ledger: Ledger) -> None:
    """A 403 stops the run with a next step; the documents stay in the queue for the next run."""
    refusal = Answer(403, {"message": "Access denied."})
    with standing_in(script=lambda a: refusal if a.kind == "put" else None) as tenant:
        with pytest.raises(AccessRefused) as halted:
            run(tenant, ledger, orders(30))
        assert tenant.sign_outs == 1
        assert ledger.counts() == {"staged": 30}
        assert halted.value.summary is not None
        tenant.script = lambda asked: None

        assert ends(run(tenant, ledger, [])) == {"created": 30}


def test_tenant_is_down(ledger: Ledger) -> None:
    """A tenant that fails whatever is asked stops the run; no document dies of it."""
    breaker = CircuitBreaker(failures=3, within=10.0, cool_down=0.05)
    with standing_in(script=lambda a: HTML if a.kind in ("find", "put") else None) as tenant:
        watcher = Watcher()
        with pytest.raises(TenantUnavailable):
            run(tenant, ledger, orders(30), circuit_breaker=breaker, watcher=watcher)
        assert ledger.counts() == {"staged": 30}
        opened = [e for e in watcher.events if isinstance(e, TechnicalEvent)]
        assert "circuit opened" in {event.name for event in opened}


def test_tenant_comes_back(ledger: Ledger) -> None:
    """After a while of failures the circuit closes again, and everything is delivered once."""
    breaker = CircuitBreaker(failures=3, within=10.0, cool_down=0.05)
    with standing_in(
        script=lambda a: DEADLOCK if a.kind == "put" and a.nth < 8 else None
    ) as tenant:
        summary = run(
            tenant, ledger, orders(20), circuit_breaker=breaker, retry=Retry(8, 0.01, 0.05)
        )

        assert ends(summary) == {"read": 20, "created": 20}


def test_nobody_at_home(ledger: Ledger) -> None:
    """An address where nobody listens stops the run with a sentence."""
    with standing_in() as tenant:
        environment = tenant.environment()
    with pytest.raises(RunAborted) as halted:
        deliver(orders(3), plan_of(), environment, ledger, RULES, Watcher())

    assert halted.value.code == "R504"


def test_input_breaks_off(ledger: Ledger) -> None:
    """An exception of the input ends the run with a sign-out; what was staged is not lost."""

    def breaking() -> Iterator[Outcome]:
        yield from orders(40)
        raise KeyboardInterrupt

    with standing_in() as tenant:
        with pytest.raises(KeyboardInterrupt):
            run(tenant, ledger, breaking())
        assert tenant.sign_outs == (1 if tenant.grants else 0)

        run(tenant, ledger, orders(40))
        assert len(set(tenant.identities)) == len(tenant.orders) == 40


def test_identity_that_cannot_be_looked_up(ledger: Ledger) -> None:
    """An identity that the ERP cannot read spoils a look-up, but only its own delivery."""

    def script(asked: Asked) -> Misdeed:
        return Answer(400, {"message": "Syntax error."}) if "'bad'" in asked.query else None

    with standing_in(script=script) as tenant:
        summary = run(tenant, ledger, [*orders(3), order(9, identity="bad")])

        assert ends(summary) == {"read": 4, "created": 3, "rejected": 1}
        assert summary.shown[0].errors[0].code == "R407"


def test_concurrent_requests(ledger: Ledger) -> None:
    """No more requests are under way at once than the licence has places."""
    with standing_in() as tenant:
        run(tenant, ledger, orders(40), limits={"concurrent_requests": 2}, concurrency=8)

        assert 1 <= tenant.most_at_once <= 2


def test_much_input(ledger: Ledger) -> None:
    """No record leaves anything in memory behind it."""
    held: list[int] = []

    def outcomes(count: int) -> Iterator[Outcome]:
        for number in range(count):
            if number % 100 == 0:
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
            yield rejected(number)

    with standing_in() as tenant:
        gc.freeze()  # what other tests hold is not looked through
        tracemalloc.start()
        try:
            summary = run(tenant, ledger, outcomes(4_000), batch_size=100, watcher=Observer())
        finally:
            tracemalloc.stop()
            gc.unfreeze()

    assert summary.rejected == 4_000
    # The least of several moments: what is under way at one of them is over at another.
    early, late = min(held[10:20]), min(held[30:])
    assert late - early < 2_000 * 50


def test_reasons_are_bounded(ledger: Ledger) -> None:
    """However many reasons there are, the summary names 200 and counts the rest together."""
    origins = (Origin("orders.jsonl", n, n, str(n)) for n in itertools.count())
    outcomes = (Skipped(next(origins), f"reason {n}") for n in range(500))
    with standing_in() as tenant:
        summary = run(tenant, ledger, outcomes)

    assert len(summary.reasons) == 201
    assert sum(reason.count for reason in summary.reasons) == summary.skipped == 500
    assert len(summary.shown) == 20


def test_progress(ledger: Ledger) -> None:
    """Progress only grows and ends with everything read and finished."""
    watcher = Watcher()
    with standing_in() as tenant:
        run(tenant, ledger, orders(30), watcher=watcher)

    finished = [progress.finished for progress in watcher.progress]
    assert finished == sorted(finished)
    assert (finished[-1], watcher.progress[-1].read) == (30, 30)


def test_numbers_in_bodies(ledger: Ledger) -> None:
    """The body goes out byte for byte as it was given."""
    document = order(1)
    with standing_in() as tenant:
        run(tenant, ledger, [document])

        put = next(asked for asked in tenant.asked if asked.kind == "put")
    assert put.body == json.loads(document.body)


def test_intent_grows_old(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that waited long in a portion is not sent where another worker has taken it."""
    watcher = Watcher()
    with standing_in() as tenant:

        def script(asked: Asked) -> Misdeed:
            if (asked.kind, asked.nth) != ("put", 1):
                return None
            # The first request takes its time; meanwhile the other document is taken over.
            erp = tenant.environment().tenant
            book = book_of(plan_of().flow, erp.tenant, erp.url)
            taken = ledger.claim(book, "thief", limit=2, settle=0.0)
            assert [one.identity for one in taken] == ["1-shop", "2-shop"]
            for one in taken:
                ledger.unsettle(one)
            monkeypatch.setattr(sender, "uptime", lambda: uptime() + 1000.0)
            return None

        tenant.script = script
        limits = {"concurrent_requests": 1}
        summary = run(tenant, ledger, orders(2), limits=limits, watcher=watcher)

        assert tenant.identities == ["1-shop", "2-shop"]
        assert ends(summary)["read"] == 2 == summary.created + summary.already_exists
    names = [event.name for event in watcher.events if isinstance(event, TechnicalEvent)]
    assert names.count("claim lost to another worker") == 1


def test_another_tenant_has_not_what_the_first_one_has(ledger: Ledger) -> None:
    """One ledger serves several tenants: what was rehearsed in one is delivered to the other."""
    with standing_in() as rehearsal, standing_in() as production:
        first = run(rehearsal, ledger, orders(3))
        second = run(production, ledger, orders(3))

        assert (first.created, second.created) == (3, 3)
        assert len(production.identities) == 3


def test_a_success_with_an_error_inside_is_looked_up(ledger: Ledger) -> None:
    """An answer of 200 that reports an error in its body created nothing, unless it is there."""
    echo = {
        "id": "7b9d",
        "error": "Inserting  'Sales Order' record raised at least one error.",
        "OrderNbr": {"value": "SO000099"},
        "ExternalRef": {"value": "1-shop"},
        "CustomerID": {"value": "C9", "error": "'Customer' cannot be found in the system."},
    }
    with standing_in() as tenant:
        tenant.script = lambda asked: Answer(200, echo) if asked.kind == "put" else None
        summary = run(tenant, ledger, orders(1))

        assert (summary.created, summary.rejected) == (0, 1)
        (error,) = summary.shown[0].errors
        assert error.target == "CustomerID"


def test_a_document_found_in_other_letters_is_another(ledger: Ledger) -> None:
    """The ERP compares references without regard to case: what it finds may be somebody else's."""
    row = {"OrderNbr": {"value": "SO000007"}, "ExternalRef": {"value": "1-SHOP"}}
    with standing_in() as tenant:
        tenant.script = lambda asked: Answer(200, [row]) if asked.kind == "find" else None
        summary = run(tenant, ledger, orders(1))

        assert (summary.created, summary.already_exists, summary.rejected) == (0, 0, 1)
        (error,) = summary.shown[0].errors
        assert (error.code, "SO000007" in error.message) == ("R227", True)
        assert tenant.count("put") == 0


def test_a_document_found_beside_one_in_other_letters(ledger: Ledger) -> None:
    """Of several that the ERP takes for one, the one with the very letters is meant."""
    rows = [
        {"OrderNbr": {"value": "SO000007"}, "ExternalRef": {"value": "1-SHOP"}},
        {"OrderNbr": {"value": "SO000008"}, "ExternalRef": {"value": "1-shop"}},
    ]
    with standing_in() as tenant:
        tenant.script = lambda asked: Answer(200, rows) if asked.kind == "find" else None
        summary = run(tenant, ledger, orders(1))

        assert (summary.created, summary.already_exists) == (0, 1)
        assert tenant.count("put") == 0


def test_a_key_found_in_other_letters_is_the_same(ledger: Ledger) -> None:
    """Keys of an entity are one whatever their case: the ERP writes them in capitals."""
    item = msgspec.structs.replace(ORDER, keys=("ExternalRef",))
    row = {"ExternalRef": {"value": "1-SHOP"}}
    with standing_in() as tenant:
        tenant.script = lambda asked: Answer(200, [row]) if asked.kind == "find" else None
        summary = run(tenant, ledger, orders(1), documents=(item,))

        assert (summary.created, summary.already_exists) == (0, 1)
        assert tenant.count("put") == 0


def test_a_tenant_that_does_not_filter_gets_nothing(ledger: Ledger) -> None:
    """Where a look-up gives what was not asked for, no absence is proved, and nothing is sent."""
    row = {"OrderNbr": {"value": "SO000007"}, "ExternalRef": {"value": "another"}}
    with standing_in() as tenant:
        tenant.script = lambda asked: Answer(200, [row]) if asked.kind == "find" else None
        summary = run(tenant, ledger, orders(2))

        assert (summary.created, summary.rejected) == (0, 2)
        assert tenant.count("put") == 0


def test_a_run_that_is_stopped_gives_up_no_document(ledger: Ledger) -> None:
    """A transient answer while the run is stopped leaves the document in the queue."""
    with standing_in() as tenant:

        def script(asked: Asked) -> Misdeed:
            if asked.kind != "put":
                return None
            signal.raise_signal(signal.SIGTERM)
            threading.Event().wait(0.3)
            return DEADLOCK

        tenant.script = script
        with pytest.raises(Terminated):
            run(tenant, ledger, orders(1))

        # An answer too late for a busy machine has to settle: that is no giving up either.
        assert set(ledger.counts()) <= {"staged", "sending"}
