"""Sales orders in the sandbox: what is computed, kept, dropped, refused, and done with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from .conftest import Caller, values, wrapped

LINE = {"InventoryID": "MUG", "OrderQty": 2, "UnitPrice": "10.25"}
ORDER = {"CustomerID": "C000101", "ExternalRef": "1001-shop", "Hold": False, "Details": [LINE]}


def order(caller: Caller, **changes: Any) -> Any:
    body = {name: value for name, value in (ORDER | changes).items() if value is not None}
    return values(caller.put("SalesOrder", body, **{"$expand": "Details,TaxDetails"}))


def test_key_that_is_sent(caller: Caller) -> None:
    """An auto-numbered key is replaced by the next number, each time."""
    first, second = (order(caller, OrderNbr="SO999999") for _ in range(2))

    assert (first["OrderNbr"], second["OrderNbr"]) == ("SO000001", "SO000002")


def test_number_series(caller: Caller) -> None:
    """Order types count apart."""
    assert order(caller, OrderType="QT")["OrderNbr"] == "QT000001"
    assert order(caller)["OrderNbr"] == "SO000001"


def test_defaults(caller: Caller) -> None:
    """An order without Hold lands on hold, at the customer's main location."""
    got = order(caller, Hold=None)

    assert {n: got[n] for n in ("Hold", "Status", "OrderType", "LocationID")} == {
        "Hold": True,
        "Status": "On Hold",
        "OrderType": "SO",
        "LocationID": "MAIN",
    }


def test_unknown_and_calculated_fields(caller: Caller) -> None:
    """A misspelt field and a computed one are dropped silently."""
    got = order(caller, Details=[LINE | {"Quantity": 9}], OrderTotal="99", Status="Completed")

    assert (got["OrderTotal"], got["Status"]) == (Decimal("20.5"), "Open")
    assert "Quantity" not in got["Details"][0]


def test_amounts(caller: Caller) -> None:
    """Lines, discounts, freight and declared taxes add up, to the cent."""
    lines = [
        {"InventoryID": "MUG", "OrderQty": 3, "UnitPrice": "3.335"},
        LINE | {"DiscountAmount": "0.51", "ManualDiscount": True},
    ]
    got = order(
        caller,
        Details=lines,
        IsTaxValid=True,
        TaxDetails=[
            {"TaxID": "STATE", "TaxableAmount": "30", "TaxAmount": "1.88"},
            {"TaxID": "COUNTY", "TaxAmount": "0.3"},
        ],
        ShippingSettings={
            "FreightPrice": "4",
            "OverrideFreightPrice": True,
            "PremiumFreight": "0.99",
        },
        DisableAutomaticDiscountUpdate=True,
        DiscountDetails=[{"ExternalDiscountCode": "SPRING", "DiscountAmount": "1"}],
    )

    first, second = got["Details"]
    assert (first["ExtendedPrice"], first["Amount"]) == (Decimal("10.01"), Decimal("10.01"))
    assert (second["ExtendedPrice"], second["Amount"]) == (Decimal("20.5"), Decimal("19.99"))
    assert got["OrderedQty"] == 5
    assert got["TaxTotal"] == Decimal("2.18")
    assert got["OrderTotal"] == Decimal("10.01") + Decimal("19.99") + Decimal("4.99") + Decimal(
        "2.18"
    ) - Decimal("1")


@pytest.mark.parametrize(
    ("sent", "total"),
    [
        pytest.param({"TaxDetails": [{"TaxID": "STATE", "TaxAmount": "5"}]}, "20.5", id="taxes"),
        pytest.param(
            {"DiscountDetails": [{"ExternalDiscountCode": "A", "DiscountAmount": "5"}]},
            "20.5",
            id="document discount",
        ),
        pytest.param({"Details": [LINE | {"DiscountAmount": "5"}]}, "20.5", id="line discount"),
        pytest.param({"ShippingSettings": {"FreightPrice": "5"}}, "20.5", id="freight"),
        pytest.param(
            {
                "TaxCalcMode": "Gross",
                "IsTaxValid": True,
                "TaxDetails": [{"TaxID": "STATE", "TaxAmount": "5"}],
            },
            "20.5",
            id="prices that hold the tax",
        ),
    ],
)
def test_amount_without_its_companion(caller: Caller, sent: dict[str, Any], total: str) -> None:
    """Taxes, discounts and freight count only with the flag that belongs to them."""
    assert order(caller, **sent)["OrderTotal"] == Decimal(total)


@pytest.mark.parametrize(("flag", "city"), [(True, "Lyon"), (False, None)])
def test_override_flag(caller: Caller, flag: bool, city: str | None) -> None:
    """An address is kept only with its override flag, and its lack is not told."""
    sent = {"ShipToAddress": {"City": "Lyon", "Country": "FR"}, "ShipToAddressOverride": flag}
    caller.put("SalesOrder", ORDER | sent)

    got = values(caller.get("SalesOrder/SO/SO000001", expand="ShipToAddress"))

    assert got["ShipToAddress"]["City"] == city


@pytest.mark.parametrize(
    ("sent", "place", "words"),
    [
        pytest.param(
            {"CustomerID": "NOBODY"},
            ("CustomerID",),
            "'Customer' cannot be found in the system.",
            id="customer",
        ),
        pytest.param(
            {"CustomerID": None}, ("CustomerID",), "'Customer' cannot be empty.", id="no customer"
        ),
        pytest.param(
            {"Details": [LINE, LINE | {"InventoryID": "NIL"}]},
            ("Details", 1, "InventoryID"),
            "'Inventory ID' cannot be found in the system.",
            id="item",
        ),
        pytest.param(
            {"IsTaxValid": True, "TaxDetails": [{"TaxID": "NIL", "TaxAmount": 1}]},
            ("TaxDetails", 0, "TaxID"),
            "'Tax ID' cannot be found in the system.",
            id="tax",
        ),
        pytest.param(
            {"ShipToAddressOverride": True, "ShipToAddress": {"Country": "US", "State": "ZZ"}},
            ("ShipToAddress", "State"),
            "'State' cannot be found in the system.",
            id="state",
        ),
        pytest.param(
            {"ShipToAddressOverride": True, "ShipToAddress": {"Country": "XX"}},
            ("ShipToAddress", "Country"),
            "'Country' cannot be found in the system.",
            id="country",
        ),
        pytest.param(
            {"ExternalRef": "x" * 41},
            ("ExternalRef",),
            "The length of 'External Reference' exceeds 40 characters.",
            id="length",
        ),
        pytest.param(
            {"CustomerOrder": "😀" * 21},
            ("CustomerOrder",),
            "The length of 'Customer Order Nbr.' exceeds 40 characters.",
            id="length in UTF-16 units",
        ),
    ],
)
def test_field_error(
    caller: Caller, sent: dict[str, Any], place: tuple[str | int, ...], words: str
) -> None:
    """A bad value is a 422 that echoes the order with the error at its field; nothing is stored."""

    body = {name: value for name, value in (ORDER | sent).items() if value is not None}
    status, answer = caller.call("PUT", "SalesOrder", wrapped(body))

    assert status == 422
    assert answer["error"].startswith("Inserting  '")
    assert answer["OrderNbr"] == {"value": "<NEW>"}
    field = answer
    for step in place:
        field = field[step]
    assert field["error"] == words
    assert caller.sandbox.records("SalesOrder") == []


def test_field_errors_together(caller: Caller) -> None:
    """All errors of an order come in one answer."""

    lines = [LINE | {"InventoryID": "A"}, LINE, LINE | {"InventoryID": "B"}]
    status, answer = caller.call(
        "PUT", "SalesOrder", wrapped({"CustomerID": "NOBODY", "Details": lines})
    )

    assert status == 422
    assert "error" in answer["CustomerID"]
    assert ["error" in line["InventoryID"] for line in answer["Details"]] == [True, False, True]


def test_unseeded_kind(start: Any) -> None:
    """A kind the seed does not list is not validated."""
    caller = start(seed={})

    assert order(caller, CustomerID="ANY")["OrderNbr"] == "SO000001"


def test_lines_on_update(caller: Caller) -> None:
    """A line without id is appended, with id or number updated, with delete taken away."""
    first = order(caller)
    line = first["Details"][0]
    key = {"OrderType": "SO", "OrderNbr": first["OrderNbr"]}

    appended = order(caller, **key, Details=[LINE])["Details"]
    assert [each["LineNbr"] for each in appended] == [1, 2]

    by_id = order(caller, **key, Details=[{"id": line["id"], "OrderQty": 5}])["Details"]
    assert [each["OrderQty"] for each in by_id] == [5, 2]

    by_number = order(caller, **key, Details=[{"LineNbr": 2, "OrderQty": 7}])["Details"]
    assert [each["OrderQty"] for each in by_number] == [5, 7]

    left = order(caller, **key, Details=[{"id": line["id"], "delete": True}])
    assert [each["LineNbr"] for each in left["Details"]] == [2]
    assert left["OrderTotal"] == Decimal("71.75")

    assert len(order(caller, **key, Details=[])["Details"]) == 1


def test_hold_release_by_put(caller: Caller) -> None:
    """Hold set to false opens the order."""
    held = order(caller, Hold=True)
    key = {"OrderType": "SO", "OrderNbr": held["OrderNbr"]}

    assert held["Status"] == "On Hold"
    assert values(caller.put("SalesOrder", key | {"Hold": False}))["Status"] == "Open"


def act(caller: Caller, action: str, number: str = "SO000001", **parameters: object) -> Any:

    entity = {"OrderType": {"value": "SO"}, "OrderNbr": {"value": number}}
    body = {"entity": entity, "parameters": wrapped(parameters)}
    return caller.call("POST", f"SalesOrder/{action}", body)


def status_of(caller: Caller, number: str = "SO000001") -> str:
    return str(values(caller.get(f"SalesOrder/SO/{number}"))["Status"])


def test_cancel_and_reopen(caller: Caller) -> None:
    """Quick actions answer 204 and change the status; a second time the button is disabled."""
    order(caller)

    assert act(caller, "CancelSalesOrder") == (204, "")
    assert status_of(caller) == "Canceled"
    status, answer = act(caller, "CancelSalesOrder")
    assert (status, answer["exceptionMessage"]) == (
        500,
        "Error: The Cancel Order button is disabled.",
    )
    assert act(caller, "ReopenSalesOrder")[0] == 204
    assert status_of(caller) == "Open"


def test_unknown_action(caller: Caller) -> None:
    """An action the contract does not have is a 404."""
    order(caller)

    assert act(caller, "FlySalesOrder")[0] == 404


def test_action_on_missing_record(caller: Caller) -> None:
    """An action finds no record: 500, as reading it would."""
    assert act(caller, "CancelSalesOrder")[1]["exceptionMessage"] == (
        "No entity satisfies the condition."
    )


def test_action_without_a_step(caller: Caller) -> None:
    """An action that changes nothing here is done all the same; what was sent with it is saved."""
    order(caller)
    key = wrapped({"OrderType": "SO", "OrderNbr": "SO000001", "Description": "ship"})

    assert caller.call("POST", "SalesOrder/PrepareSalesInvoice", {"entity": key}) == (204, "")
    assert values(caller.get("SalesOrder/SO/SO000001"))["Description"] == "ship"


def test_payment_is_released_and_voided(caller: Caller) -> None:
    """A payment on hold cannot be released; a balanced one can, and then be voided."""
    payment = {"CustomerID": "C000101", "PaymentAmount": "12", "PaymentRef": "r1"}
    held = values(caller.put("Payment", payment))
    key = {name: {"value": held[name]} for name in ("Type", "ReferenceNbr")}

    assert held["Status"] == "On Hold"
    assert caller.call("POST", "Payment/ReleasePayment", {"entity": key})[0] == 500
    released = {"entity": key | {"Hold": {"value": False}}}
    assert caller.call("POST", "Payment/ReleasePayment", released)[0] == 204
    assert caller.call("POST", "Payment/VoidPayment", {"entity": key})[0] == 204
    assert caller.sandbox.records("Payment")[0]["Status"] == "Voided"


def test_delete(caller: Caller) -> None:
    """204, and then the order is missing."""
    order(caller)

    assert caller.call("DELETE", "SalesOrder/SO/SO000001")[0] == 204
    assert caller.call("GET", "SalesOrder/SO/SO000001")[0] == 500


def test_a_shipment_takes_its_goods_off_the_stock(start: Any) -> None:
    """Confirmed, then issued, once; when the article was modified does not tell of it."""
    box = {"FromUOM": "BOX6", "ToUOM": "EA", "MultiplyOrDivide": "Multiply", "ConversionFactor": 6}
    places = [{"WarehouseID": name, "QtyOnHand": 100} for name in ("MAIN", "EAST")]
    mug = {"InventoryID": "MUG", "BaseUOM": "EA", "UOMConversions": [box]}
    seed = {"StockItem": [{**mug, "WarehouseDetails": places}]}
    caller = start(seed={**seed, "NonStockItem": [{"InventoryID": "GIFT-WRAP"}]})
    before = caller.get("StockItem/MUG")
    lines = [
        {"InventoryID": "MUG", "ShippedQty": 2, "UOM": "BOX6"},
        {"InventoryID": "MUG", "ShippedQty": 3},
        {"InventoryID": "GIFT-WRAP", "ShippedQty": 1},
    ]
    orders = [{"OrderType": "SO", "OrderNbr": "SO000001"}]
    shipment = {"WarehouseID": "MAIN", "Details": lines, "Orders": orders}
    key = {"ShipmentNbr": {"value": values(caller.put("Shipment", shipment))["ShipmentNbr"]}}

    def act_on(action: str) -> int:
        return int(caller.call("POST", f"Shipment/{action}", {"entity": key})[0])

    assert [act_on(one) for one in ("UpdateIN", "ConfirmShipment")] == [500, 204]
    assert [act_on("UpdateIN") for _ in range(2)] == [204, 500]
    after = caller.get("StockItem/MUG", expand="WarehouseDetails")
    assert [values(place)["QtyOnHand"] for place in after["WarehouseDetails"]] == [85, 100]
    assert after["LastModifiedDateTime"] == before["LastModifiedDateTime"]
