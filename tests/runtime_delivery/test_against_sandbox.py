"""The delivery against the sandbox tenant, which behaves as the ERP is known to."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mapgen.agreed.plan import Retry
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.tenant.classify import classify
from mapgen.sandbox import Credentials, Sandbox, Settings, errors, read_failure, serve
from mapgen.sandbox import Limits as Licence
from mapgen.sandbox.app import TenantSite
from mapgen.sandbox.entities import Reply
from tests.ends import ended_aside
from tests.runtime_delivery.languages import LANGUAGES, speak, translated
from tests.runtime_delivery.orders import RULES, HastyLedger, Watcher, order, orders, plan_of
from tests.runtime_delivery.processes import start
from tests.runtime_delivery.stand_in import tenant_of

LOCK = Path(__file__).resolve().parents[2] / "specs" / "contracts" / "default-24.200.001.json"
CREDENTIALS = Credentials(
    tenant="DEMO",
    client_id="app@DEMO",
    client_secret="application-secret",
    username="api-user",
    password="user-password",
)
SEED = {
    "Customer": [{"CustomerID": "C0001", "CustomerName": "Ada Poole"}],
    "StockItem": [{"InventoryID": "AB-1"}, {"InventoryID": "AB-2"}, {"InventoryID": "AB-3"}],
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


@contextmanager
def tenant(contract: Contract, *errors: str, **settings: Any) -> Iterator[Sandbox]:
    chosen = Settings(
        credentials=CREDENTIALS, failures=tuple(read_failure(one) for one in errors), **settings
    )
    with ended_aside(serve(contract, seed=SEED, settings=chosen)) as sandbox:
        yield sandbox


def environment_of(sandbox: Sandbox, *, timeout: float = 60.0) -> Environment:
    return Environment("test", tenant_of(sandbox.url), Limits(None, 4, timeout, 90.0))


def references(sandbox: Sandbox) -> list[str]:
    return sorted(str(record["ExternalRef"]) for record in sandbox.records("SalesOrder"))


def test_errors_of_all_kinds(contract: Contract, tmp_path: Path) -> None:
    """Through cut connections, deadlocks, refusals and lost sessions, each order arrives once."""
    errors = (
        "drop@PUT:SalesOrder:7,19", "deadlock@PUT:SalesOrder:3,4", "conflict@PUT:SalesOrder:9",
        "throttle@*:SalesOrder:5", "unavailable@PUT:SalesOrder:21", "sign-out@PUT:SalesOrder:30",
        "redirect@GET:SalesOrder:1", "refuse@PUT:SalesOrder:25",
    )  # fmt: skip
    with tenant(contract, *errors) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        plan = plan_of(retry=Retry(6, 0.05, 0.3))
        summary = deliver(orders(60), plan, environment_of(sandbox), ledger, RULES, Watcher())

        assert (summary.read, summary.created) == (60, 60)
        assert references(sandbox) == sorted(f"{number}-shop" for number in range(1, 61))


def test_unknown_item(contract: Contract, tmp_path: Path) -> None:
    """An item that the tenant does not know rejects its order, with the row, rule and source."""
    bad = order(2)
    bad = type(bad)(bad.origin, bad.entity, bad.identity, bad.body.replace(b'"AB-2"', b'"ZZ-9"'))
    with tenant(contract) as sandbox, HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger:
        summary = deliver(
            [order(1), bad], plan_of(), environment_of(sandbox), ledger, RULES, Watcher()
        )

        assert (summary.created, summary.rejected) == (1, 1)
        assert references(sandbox) == ["1-shop"]
    [error] = next(one for one in summary.shown if one.kind == "rejected").errors
    assert (error.target, error.source_path, error.value) == (
        "Details[1].InventoryID", "order.line_items[1].sku", "ZZ-9",
    )  # fmt: skip


@contextmanager
def speaking(language: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the sandbox say all that it says in a language."""
    begin = errors.Refused.__init__

    def refuse(self: errors.Refused, status: int, body: object) -> None:
        begin(self, status, translated(body, language))

    with monkeypatch.context() as patch:
        patch.setattr(errors.Refused, "__init__", refuse)
        page = Reply(503, f"<html>{speak('Down', language)}</html>".encode(), {}, "text/html")
        patch.setitem(TenantSite.pages, "unavailable", page)
        yield


def untyped(make: Callable[..., errors.Refused]) -> Callable[..., errors.Refused]:
    """Return the maker of an exception whose type says nothing."""

    def made(*arguments: Any) -> errors.Refused:
        body = make(*arguments).body
        assert isinstance(body, dict)
        return errors.http_error(body.get("exceptionMessage", body["message"]))

    return made


FAILURES = (
    "deadlock@PUT:SalesOrder:1", "conflict@PUT:SalesOrder:4", "deadlock-after@PUT:SalesOrder:2",
    "conflict-after@PUT:SalesOrder:6", "throttle@GET:SalesOrder:1", "sign-out@PUT:SalesOrder:7",
    "redirect@GET:SalesOrder:2", "unavailable@PUT:SalesOrder:9", "throttle@*:token:1",
    "deadlock@*:token:2",
)  # fmt: skip


@pytest.mark.parametrize("is_typed", [True, False], ids=["typed", "untyped"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_tenant_of_another_language(
    language: str,
    is_typed: bool,
    contract: Contract,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What becomes of a document, and whether it may pass later, no word of the tenant decides."""
    if not is_typed:
        kinds = {name: untyped(make) for name, make in TenantSite.refuses.items()}
        kinds["sign-out"] = errors.not_signed_in
        monkeypatch.setattr(TenantSite, "refuses", kinds)
    given = list(orders(8))
    for at, old, new in ((2, b'"AB-2"', b'"ZZ-9"'), (5, b'"C0001"', b'"C9"')):
        one = given[at]
        given[at] = type(one)(one.origin, one.entity, one.identity, one.body.replace(old, new))
    with (
        speaking(language, monkeypatch),
        tenant(contract, *FAILURES) as sandbox,
        HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger,
    ):
        plan = plan_of(retry=Retry(6, 0.05, 0.3), concurrency=1)
        summary = deliver(given, plan, environment_of(sandbox), ledger, RULES, Watcher())

    assert (summary.created, summary.rejected, summary.dead_lettered) == (6, 2, 0)
    found = {
        (error.code, error.target, error.value, error.retry)
        for one in summary.shown
        for error in one.errors
        if error.code != "R413"
    }
    assert found == {
        ("R401", "Details[1].InventoryID", "ZZ-9", False),
        ("R401", "CustomerID", "C9", True),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_house_of_another_language(
    language: str, contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that the licence has no place for is waited for, whatever the tenant says."""
    licence = Licence(sessions=1, concurrent_requests=2)
    with (
        speaking(language, monkeypatch),
        tenant(contract, limits=licence, idle_seconds=2) as sandbox,
        HastyLedger(f"sqlite:///{tmp_path}/l.db") as ledger,
    ):
        plan = plan_of(retry=Retry(100, 0.1, 0.3), concurrency=1)
        occupy(sandbox)
        summary = deliver(orders(2), plan, environment_of(sandbox), ledger, RULES, Watcher())

        assert (summary.created, summary.rejected) == (2, 0)
        assert sandbox.counts()["GET SalesOrder 500"]


def occupy(sandbox: Sandbox) -> None:
    """Take a place of the licence, and leave it without signing out."""
    grant = {
        "grant_type": "password",
        "scope": "api",
        "client_id": CREDENTIALS.client_id,
        "client_secret": CREDENTIALS.client_secret,
        "username": CREDENTIALS.username,
        "password": CREDENTIALS.password,
    }
    token = httpx2.post(f"{sandbox.url}/identity/connect/token", data=grant).json()["access_token"]
    address = f"{sandbox.url}/entity/Default/24.200.001/Customer?$top=1"
    assert httpx2.get(address, headers={"Authorization": f"Bearer {token}"}).is_success


TEXTS: Mapping[str, Callable[[], errors.Refused]] = {
    "no_entity": errors.no_entity,
    "not_signed_in": errors.not_signed_in,
    "not_found": lambda: errors.not_found("/entity/x"),
    "wrong_verb": lambda: errors.wrong_verb("PATCH"),
    "deadlock": errors.deadlock,
    "lost_race": errors.lost_race,
    "login_limit": errors.login_limit,
    "too_many_requests": errors.too_many_requests,
    "button_disabled": lambda: errors.button_disabled("Release"),
    "http_error": lambda: errors.http_error("The system failed to commit the Order row."),
    "InvalidRequest": lambda: errors.InvalidRequest("The request body should not be empty."),
}


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_the_sandbox(name: str) -> None:
    """An error means the same in every language; each that the sandbox knows is among them."""
    made = {
        known
        for known, member in vars(errors).items()
        if getattr(member, "__module__", "") == errors.__name__ and known != "Refused"
    }
    assert made == TEXTS.keys()
    refused = TEXTS[name]()
    meanings = set()
    for language in LANGUAGES:
        content = json.dumps(translated(refused.body, language))
        verdict = classify(httpx2.Response(refused.status, text=content))
        meanings.add((verdict.kind, verdict.effect, verdict.reason))

    assert len(meanings) == 1


def test_one_session_is_enough(contract: Contract, tmp_path: Path) -> None:
    """A licence of one session serves run after run, since each signs out."""
    licence = Licence(sessions=1, concurrent_requests=2)
    with tenant(contract, limits=licence) as sandbox:
        for at in range(3):
            with HastyLedger(f"sqlite:///{tmp_path}/{at}.db") as ledger:
                summary = deliver(
                    orders(5), plan_of(), environment_of(sandbox), ledger, RULES, Watcher()
                )
                assert summary.created + summary.already_exists == 5

        assert len(references(sandbox)) == 5


def test_killed_against_sandbox(contract: Contract, tmp_path: Path) -> None:
    """Killed while its orders arrive, the next run completes: each order once."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    with tenant(contract, "slow-answer=5@PUT:SalesOrder:23") as sandbox:
        child = start(sandbox.url, address)
        deadline = time.monotonic() + 300
        while len(sandbox.records("SalesOrder")) < 23 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert child.is_running
        assert child.kill() == -signal.SIGKILL

        counts = start(sandbox.url, address).finish()

        assert counts["read"] == 60 == counts["created"] + counts["already_exists"]
        assert references(sandbox) == sorted(f"{number}-shop" for number in range(1, 61))


@pytest.mark.parametrize("kind", ["deadlock-after", "conflict-after"])
def test_exception_after_the_save(kind: str, contract: Contract, tmp_path: Path) -> None:
    """A tenant that saves and says that it failed gets each order once."""
    with (
        tenant(contract, f"{kind}@PUT:SalesOrder:every 3") as sandbox,
        HastyLedger(f"sqlite:///{tmp_path}/ledger.db") as ledger,
    ):
        summary = deliver(orders(9), plan_of(), environment_of(sandbox), ledger, RULES, Watcher())

        assert (summary.created, summary.rejected, summary.dead_lettered) == (9, 0, 0)
        assert references(sandbox) == sorted(f"{number}-shop" for number in range(1, 10))
