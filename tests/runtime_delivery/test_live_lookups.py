"""Lookups in the ledger and in the tenant, against a real database and a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mapgen.agreed.plan import CircuitBreaker, Column, Condition, LedgerTable, TenantTable
from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.aborted import AccessRefused, TenantUnavailable
from mapgen.runtime.delivery import deliver
from mapgen.runtime.delivery.deliver import Mapped
from mapgen.runtime.delivery.remote import RemoteTables
from mapgen.runtime.environment import Environment, Limits
from mapgen.runtime.errors import RuleError
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.feeds.kind import Page
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.limits import first_found, found_in_time
from mapgen.runtime.lookups import Key
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.outcome import Document
from mapgen.runtime.tenant import Connection
from mapgen.runtime.tenant.lookup import QueriedTable
from mapgen.sandbox import Sandbox, Settings, read_failure, serve
from tests.ends import ended_aside
from tests.runtime_delivery.orders import (
    RULES,
    PagedFeed,
    Watcher,
    nothing,
    order,
    orders,
    plan_of,
)
from tests.runtime_delivery.stand_in import Answer, Asked, Misdeed, standing_in, tenant_of
from tests.runtime_delivery.test_against_sandbox import CREDENTIALS, LOCK

SEED = {
    "Customer": [
        {"CustomerID": "C0001", "CustomerName": "Ada Poole", "Email": "ada@example.com"},
        {"CustomerID": "C0002", "CustomerName": "Shop", "Email": "o'hara & sons@example.com"},
        {"CustomerID": "C0003", "CustomerName": "One", "Email": "twice@example.com"},
        {"CustomerID": "C0004", "CustomerName": "Two", "Email": "twice@example.com"},
        {"CustomerID": "C0005", "CustomerName": "Old", "Email": "old@example.com", "BAccountID": 7},
        {"CustomerID": "C0006", "CustomerName": "Namesake", "TaxZone": "EU", "PriceClassID": "A"},
        {"CustomerID": "C0007", "CustomerName": "Namesake", "TaxZone": "US", "PriceClassID": "A"},
    ],
    "StockItem": [{"InventoryID": "AB-1"}, {"InventoryID": "AB-2"}],
}
EUROPE = Condition("TaxZone", "EU", "text")
BY_MAIL = TenantTable("Customer", ("Email",), "CustomerID", (), (), ())


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


@contextmanager
def tenant(contract: Contract, *errors: str) -> Iterator[Sandbox]:
    chosen = Settings(credentials=CREDENTIALS, failures=tuple(read_failure(one) for one in errors))
    with ended_aside(serve(contract, seed=SEED, settings=chosen)) as sandbox:
        yield sandbox


@contextmanager
def client_of(
    url: str, told: list[TechnicalEvent] | None = None, **plan: Any
) -> Iterator[Connection]:
    environment = Environment("test", tenant_of(url), Limits(None, 4, 60.0, 90.0))
    tell = (told if told is not None else []).append
    with Connection(environment, plan_of(**plan), stop=threading.Event(), tell=tell) as client:
        yield client


@pytest.fixture(scope="module")
def shop(contract: Contract) -> Iterator[Sandbox]:
    """A tenant for lookups that change nothing in it."""
    with tenant(contract) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def shared(shop: Sandbox) -> Iterator[Connection]:
    """A session in that tenant."""
    with client_of(shop.url) as client:
        yield client


ANSWERS = [
    pytest.param(BY_MAIL, "ada@example.com", "C0001", id="text"),
    pytest.param(BY_MAIL, "Ada@Example.COM  ", "C0001", id="as the ERP compares"),
    pytest.param(BY_MAIL, "o'hara & sons@example.com", "C0002", id="a quote in the key"),
    pytest.param(BY_MAIL, "nobody@example.com", None, id="nobody"),
    pytest.param(BY_MAIL, "", None, id="blank"),
    pytest.param(BY_MAIL, "x' or CustomerID eq 'C0001", None, id="no way into the query"),
    pytest.param(
        TenantTable("Customer", ("BAccountID",), "CustomerID", ("BAccountID",), (), ()),
        "7", "C0005", id="a number",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerID",), "BAccountID", (), (), ()),
        "C0005", "7", id="a number as the value",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerName", "TaxZone"), "CustomerID", (), (), ()),
        ("Namesake", "US"), "C0007", id="two fields",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerName", "TaxZone"), "CustomerID", (), (), ()),
        ("Namesake", " "), None, id="half a key",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerName",), "CustomerID", (), (EUROPE,), ()),
        "Namesake", "C0006", id="a condition",
    ),
    pytest.param(
        TenantTable(
            "Customer", ("Email",), "CustomerID", (), (Condition("BAccountID", "8", "number"),), ()
        ),
        "old@example.com", None, id="a condition that does not hold",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerName",), "PriceClassID", (), (), ()),
        "Namesake", "A", id="several with one value",
    ),
    pytest.param(
        TenantTable("Customer", ("CustomerID",), "PriceClassID", (), (), ()),
        "C0001", None, id="an empty value",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("table", "key", "value"), ANSWERS)
def test_a_key(shared: Connection, table: TenantTable, key: Key, value: str | None) -> None:
    """The tenant is asked for exactly this key, whatever is in it."""
    assert first_found(QueriedTable("t", table, shared.ask), key) == value


SEVERAL = TenantTable(
    "Customer",
    ("CustomerName", "TaxZone"),
    None,
    (),
    (),
    (),
    (
        Column("CustomerID", "string", may_be_missing=True),
        Column("BAccountID", "int", may_be_missing=True),
        Column("PriceClassID", "string", may_be_missing=True),
    ),
)


def test_several_values_in_one_request(contract: Contract) -> None:
    """A key with several values is asked for once; each has its type, or is missing."""
    with tenant(contract) as sandbox, client_of(sandbox.url) as client:
        customers = QueriedTable("customers", SEVERAL, client.ask, lambda *row: row)

        found = {customers.get(("Namesake", "US")) for _ in range(3)}

        assert found == {("C0007", None, "A")}
        assert customers.get(("Namesake", "?")) is None
        assert sandbox.counts()["GET Customer 200"] == 2
        by_id = replace(SEVERAL, key=("CustomerID",))
        numbers = QueriedTable("numbers", by_id, client.ask, lambda *row: row)
        assert numbers.get("C0005") == ("C0005", 7, None)


def test_several_values_of_two_records(shared: Connection) -> None:
    """Two records that differ in one of the values are ambiguous."""
    table = replace(SEVERAL, key=("CustomerName",))

    with pytest.raises(RuleError) as caught:
        QueriedTable("customers", table, shared.ask, lambda *row: row).get("Namesake")

    assert caught.value.code == "R252"


def test_equal_keys(contract: Contract) -> None:
    """A hundred equal keys cost one request; an unknown one is not asked for twice in a row."""
    with tenant(contract) as sandbox, client_of(sandbox.url) as client:
        customers = QueriedTable("customers", BY_MAIL, client.ask)

        found = {customers.get("ada@example.com") for _ in range(100)}
        missed = {customers.get("nobody@example.com", "GUEST") for _ in range(2)}

        assert (found, missed) == ({"C0001"}, {"GUEST"})
        assert sandbox.counts()["GET Customer 200"] == 2


REFUSALS = [
    pytest.param(
        BY_MAIL,
        "twice@example.com",
        "R252",
        "the lookup `customers` is ambiguous: several records have this `Email`",
        id="ambiguous",
    ),
    pytest.param(
        BY_MAIL,
        "x" * 2000,
        "R251",
        "the ERP gives the lookup `customers` no value: the key is too long for a query",
        id="too long",
    ),
    pytest.param(
        TenantTable("Customer", ("Emial",), "CustomerID", (), (), ()),
        "ada@example.com",
        "R251",
        "the ERP gives the lookup `customers` no value: it refuses the query",
        id="a query that the ERP refuses",
    ),
]


@pytest.mark.parametrize(("table", "key", "code", "message"), REFUSALS)
def test_no_certain_value(
    shared: Connection, table: TenantTable, key: str, code: str, message: str
) -> None:
    """A key that has no one value rejects its record, each time as an error of its own."""
    customers = QueriedTable("customers", table, shared.ask)

    with pytest.raises(RuleError) as first:
        customers.get(key)
    with pytest.raises(RuleError) as second:
        customers.get(key)

    assert first.value is not second.value
    for error in (first.value, second.value):
        assert (error.code, error.message, error.value) == (code, message, f"`{key}`")
        assert not error.retry


def test_records_that_were_not_asked_for() -> None:
    """A tenant that ignores the filter gives no value: the record might be anybody's."""
    with standing_in() as erp, client_of(erp.url) as client:
        erp.script = lambda asked: (
            Answer(200, [{"Email": {"value": "eve@example.com"}, "CustomerID": {"value": "C9"}}])
            if asked.kind == "find"
            else None
        )
        customers = QueriedTable("customers", BY_MAIL, client.ask)

        with pytest.raises(RuleError, match="it answers with records that have another key"):
            customers.get("ada@example.com")


def test_a_tenant_with_moods(contract: Contract) -> None:
    """A lookup is retried as a document is: a lost session, a deadlock, a refused connection."""
    errors = ("sign-out@GET:Customer:1", "deadlock@GET:Customer:2", "throttle@GET:Customer:3")
    with tenant(contract, *errors) as sandbox, client_of(sandbox.url) as client:
        assert QueriedTable("t", BY_MAIL, client.ask).get("ada@example.com") == "C0001"


def test_a_tenant_that_is_down(contract: Contract) -> None:
    """It stops the run and not the record: the key may be known there."""
    told: list[TechnicalEvent] = []
    breaker = CircuitBreaker(failures=3, within=60.0, cool_down=0.05)
    with (
        tenant(contract, "unavailable@GET:Customer:all") as sandbox,
        client_of(sandbox.url, told, circuit_breaker=breaker) as client,
        pytest.raises(TenantUnavailable),
    ):
        QueriedTable("t", BY_MAIL, client.ask).get("ada@example.com")
    assert told
    assert "ada" not in str(told)


def test_a_right_that_is_missing() -> None:
    """It is reported with the entity of the lookup, which is another than the documents'."""
    with standing_in() as erp, client_of(erp.url) as client:
        erp.script = lambda asked: Answer(403, {"message": "no"}) if asked.kind == "find" else None

        with pytest.raises(AccessRefused, match="refuses `Customer`"):
            QueriedTable("t", BY_MAIL, client.ask).get("ada@example.com")


LINES = TenantTable(
    "SalesOrder", ("OrderNbr", "Details.LineNbr"), "Details.ExternalRef", ("Details.LineNbr",),
    (Condition("OrderType", "SO", "text"),), (), rows="Details",
)  # fmt: skip


def test_rows_of_a_record(contract: Contract, tmp_path: Path) -> None:
    """A row is found by a key of its record and one of its own; one request serves all rows."""
    lines = [
        {"InventoryID": {"value": item}, "OrderQty": {"value": 1}, "ExternalRef": {"value": ref}}
        for item, ref in (("AB-1", "900"), ("AB-2", "901"))
    ]
    body = {"OrderType": {"value": "SO"}, "ExternalRef": {"value": "1-shop"}}
    body |= {"CustomerID": {"value": "C0001"}, "Details": lines}
    made = replace(order(1), body=msgspec.json.encode(body))
    with tenant(contract) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        environment = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 60.0, 90.0))
        deliver([made], plan_of(), environment, ledger, RULES, Watcher())
        (found,) = sandbox.records("SalesOrder")
        number, rows = str(found["OrderNbr"]), found["Details"]
        live = RemoteTables()
        table = live.table("lines", LINES, str)
        with client_of(sandbox.url) as client:
            live.connect(ledger, environment.tenant, client)
            before = sandbox.counts()["GET SalesOrder 200"]
            refs = [table.get((number, str(row["LineNbr"]))) for row in rows]
            assert refs == ["900", "901"]
            assert table.get((number, "99")) is None
            assert sandbox.counts()["GET SalesOrder 200"] == before + 1
            assert table.get(("SO999999", "1")) is None


def test_another_run_asks_anew(contract: Contract, tmp_path: Path) -> None:
    """What the tenant said to one run of a service is not what it says to the next."""
    told = iter(["C0001", "C0002"])
    with standing_in() as erp, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        erp.script = lambda asked: (
            Answer(200, [{"Email": {"value": "ada"}, "CustomerID": {"value": next(told)}}])
            if asked.kind == "find"
            else None
        )
        live = RemoteTables()
        table = live.table("customers", BY_MAIL, str)
        for customer in ("C0001", "C0002"):
            with client_of(erp.url) as client:
                live.connect(ledger, tenant_of(erp.url), client)
                assert [table.get("ada"), table.get("ada")] == [customer] * 2


ORDERS = LedgerTable("orders", None, ("identity",), "number", ())


def test_the_ledger(contract: Contract, address: str) -> None:
    """What an earlier run delivered is found by its identity; what came to nothing is not."""
    bad = order(3)
    bad = Document(bad.origin, bad.entity, bad.identity, bad.body.replace(b'"AB-2"', b'"ZZ-9"'))
    with tenant(contract) as sandbox, Ledger(address) as ledger:
        environment = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 60.0, 90.0))
        deliver([order(1), order(2), bad], plan_of(), environment, ledger, RULES, Watcher())
        numbers = {one["ExternalRef"]: one["OrderNbr"] for one in sandbox.records("SalesOrder")}
        live = RemoteTables()
        table = live.table("orders", ORDERS, str)
        with client_of(sandbox.url) as client:
            live.connect(ledger, environment.tenant, client)

            assert table.get("1-shop") == numbers["1-shop"]
            assert table.get("2-shop") == numbers["2-shop"]
            assert table.get("3-shop") is None
            assert table.get("1-shop\x00") is None
            with pytest.raises(RuleError, match="`orders` does not know the key") as missed:
                found_in_time(table, "orders", "4-shop")
        assert missed.value.retry


def test_a_ledger_never_remembers_a_miss(contract: Contract, tmp_path: Path) -> None:
    """A document that arrives meanwhile is found the next time."""
    with tenant(contract) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        environment = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 60.0, 90.0))
        live = RemoteTables()
        table = live.table("orders", ORDERS, str)
        with client_of(sandbox.url) as client:
            live.connect(ledger, environment.tenant, client)
            before = table.get("1-shop")
            deliver(orders(1), plan_of(), environment, ledger, RULES, Watcher())

            assert before is None
            assert table.get("1-shop") is not None


def test_another_tenant_has_other_documents(contract: Contract, tmp_path: Path) -> None:
    """A number of one tenant means nothing in another that the ledger knows, too."""
    with (
        tenant(contract) as one,
        tenant(contract) as other,
        Ledger(f"sqlite:///{tmp_path}/l.db") as ledger,
        client_of(other.url) as client,
    ):
        environment = Environment("test", tenant_of(one.url), Limits(None, 4, 60.0, 90.0))
        deliver(orders(1), plan_of(), environment, ledger, RULES, Watcher())
        live = RemoteTables()
        live.connect(ledger, tenant_of(other.url), client)

        assert live.table("orders", ORDERS, str).get("1-shop") is None


def test_asked_while_documents_travel(contract: Contract, tmp_path: Path) -> None:
    """The mapping asks in the session that delivers: signed in once, signed out once."""
    with tenant(contract) as sandbox, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        environment = Environment("test", tenant_of(sandbox.url), Limits(None, 4, 60.0, 90.0))

        live = RemoteTables()
        customers = live.table("customers", BY_MAIL, str)

        def mapped(_page: Page) -> Iterator[Document]:
            for document in orders(60):
                assert customers["ada@example.com"] == "C0001"
                yield document

        given = Mapped(PagedFeed(1), mapped, nothing, live)
        summary = deliver(given, plan_of(), environment, ledger, RULES, Watcher())

        counts = sandbox.counts()
        assert summary.created == 60
        assert counts["GET Customer 200"] == 1
        assert sum(n for what, n in counts.items() if "logout" in what) == 1


def test_a_worker_fails_while_the_mapping_asks(tmp_path: Path) -> None:
    """The run stops for the worker's reason, which the mapping's own stop must not hide."""

    def script(asked: Asked) -> Misdeed:
        return Answer(403, {"message": "no rights"}) if asked.kind == "put" else None

    with standing_in(script=script) as erp, Ledger(f"sqlite:///{tmp_path}/l.db") as ledger:
        live = RemoteTables()
        customers = live.table("customers", BY_MAIL, str)

        def mapped(_page: Page) -> Iterator[Document]:
            yield from orders(20)
            for number in range(1_000_000):
                customers.get(f"person{number}@example.com")

        given = Mapped(PagedFeed(1), mapped, nothing, live)
        with pytest.raises(AccessRefused, match="refuses `SalesOrder`"):
            deliver(given, plan_of(), erp.environment(), ledger, RULES, Watcher())
        assert erp.sign_outs == 1


def test_a_stopped_client_answers_nothing(shop: Sandbox) -> None:
    """A lookup in a run that is being stopped makes no request."""
    stop = threading.Event()
    stop.set()
    environment = Environment("test", tenant_of(shop.url), Limits(None, 4, 60.0, 90.0))
    with (
        Connection(environment, plan_of(), stop=stop, tell=lambda _: None) as client,
        pytest.raises(Stopping),
    ):
        QueriedTable("t", BY_MAIL, client.ask).get("ada@example.com")
