"""A client from the package index, which knows nothing of the sandbox, works against it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mapgen.contract.model import Contract
from mapgen.sandbox import Sandbox, serve

from .conftest import SEED

easy_acumatica = pytest.importorskip("easy_acumatica")
odata = pytest.importorskip("easy_acumatica.odata")


@pytest.fixture
def sandbox(contract: Contract) -> Iterator[Sandbox]:
    with serve(contract, seed=SEED) as served:
        yield served


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Iterator[Any]:
    """The client as its documentation starts it: sign-in, discovery, models from swagger.json."""
    told = sandbox.credentials
    started = easy_acumatica.AcumaticaClient(
        base_url=sandbox.url,
        username=told.username,
        password=told.password,
        tenant=told.tenant,
        cache_dir=tmp_path,
        rate_limit_calls_per_second=500,
    )
    yield started
    started.logout()


def test_start(client: Any, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """It signs in, finds the endpoint, and builds a model and a service for every entity."""
    contract = sandbox.tenant.contract
    top = {entity.name for entity in contract.entities.values() if entity.is_top_level}

    assert client.endpoints["Default"]["version"] == contract.version
    assert top <= set(client.list_services())
    assert set(contract.entities) <= set(client.list_models())
    assert client.list_inquiries() == []
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_customer(client: Any, sandbox: Sandbox) -> None:
    """It creates a customer with its contact, reads it by key and by id, changes and lists it."""
    models = client.models
    contact = models.Contact(
        Email="tea@house.example", Address=models.Address(City="Albany", Country="US", State="NY")
    )
    made = client.customer.put_entity(
        models.Customer(CustomerName="Tea House", MainContact=contact)
    )
    number = made["CustomerID"]["value"]
    options = odata.QueryOptions(expand=["MainContact", "MainContact/Address"])
    read = client.customer.get_by_keys(CustomerID=number, options=options)
    client.customer.put_entity(
        {"CustomerID": {"value": number}, "CustomerName": {"value": "Tea House & Co"}}
    )

    assert read["MainContact"]["Address"]["City"]["value"] == "Albany"
    by_id = client.customer.get_by_id(made["id"])
    assert by_id["CustomerName"]["value"] == "Tea House & Co"
    assert number in [row["CustomerID"]["value"] for row in client.customer.get_list()]


def test_sales_order(client: Any, sandbox: Sandbox) -> None:
    """It creates orders from models, filters them by reference, pages through them."""
    models, options = client.models, odata.QueryOptions
    for number in range(1, 4):
        line = models.SalesOrderDetail(
            InventoryID="MUG", OrderQty=number, UnitPrice=10.25, ManualPrice=True
        )
        client.sales_order.put_entity(
            models.SalesOrder(CustomerID="C000101", ExternalRef=f"it's {number}", Details=[line])
        )
    fields = odata.F
    chosen = (fields.OrderType == "SO") & (fields.ExternalRef == "it's 2")
    (found,) = client.sales_order.get_list(
        options=options(filter=chosen, expand=["Details"], select=["OrderNbr", "OrderTotal"])
    )
    page = client.sales_order.get_list(options=options(top=2, skip=1, select=["OrderNbr"]))

    assert (found["OrderNbr"]["value"], found["OrderTotal"]["value"]) == ("SO000002", 20.5)
    assert [row["OrderNbr"]["value"] for row in page] == ["SO000002", "SO000003"]
    # It sends every boolean it knows: the order is not on hold, because the client said so.
    assert [order["Hold"] for order in sandbox.records("SalesOrder")] == [False] * 3


def test_action(client: Any, sandbox: Sandbox) -> None:
    """It cancels an order through the action's model, and deletes it."""
    client.sales_order.put_entity({"CustomerID": {"value": "C000101"}})
    order = client.models.SalesOrder(OrderType="SO", OrderNbr="SO000001")
    client.sales_order.invoke_action_cancel_sales_order(
        client.models.CancelSalesOrder(entity=order)
    )
    (held,) = sandbox.records("SalesOrder")
    client.sales_order.delete_by_id(held["id"])

    assert held["Status"] == "Canceled"
    assert sandbox.records("SalesOrder") == []


def test_file_and_schema(client: Any) -> None:
    """It attaches a file through the link of the record, lists it, and reads the schema."""
    client.stock_item.put_file("MUG", "mug.txt", b"blue", comment="a mug")
    (listed,) = client.stock_item.get_files("MUG")

    assert (listed["filename"], listed["comment"]) == ("mug.txt", "a mug")
    assert "custom" in client.stock_item.get_ad_hoc_schema()


def test_errors(client: Any) -> None:
    """It understands the errors: a missing record, a field error, a condition that is off."""
    options = odata.QueryOptions
    with pytest.raises(easy_acumatica.AcumaticaError, match="No entity satisfies"):
        client.customer.get_by_keys(CustomerID="NOBODY")
    with pytest.raises(easy_acumatica.AcumaticaError) as refused:
        client.sales_order.put_entity({"CustomerID": {"value": "NOBODY"}})
    assert refused.value.status_code == 422
    with pytest.raises(easy_acumatica.AcumaticaError, match="incompatible types"):
        client.sales_order.get_list(options=options(filter="Hold eq 'x'"))


def test_bad_password(sandbox: Sandbox, tmp_path: Path) -> None:
    """It cannot start with a wrong password."""
    with pytest.raises(easy_acumatica.AcumaticaError):
        easy_acumatica.AcumaticaClient(
            base_url=sandbox.url,
            username="mapgen",
            password="wrong",
            tenant="DEMO",
            cache_dir=tmp_path,
        )
