"""An endpoint of our invention, as OpenAPI 3.0 and as Swagger 2.0, and an overlay for it."""

from __future__ import annotations

from collections.abc import Callable

from mapgen.report import Diagnostic, Stopped

Json = dict[str, object]

WRAPPERS = ("StringValue", "DecimalValue", "BooleanValue", "DateTimeValue", "IntValue")


def schemas(prefix: str) -> Json:
    """Return an order with an address, lines and a flag, and an entity whose name ends in Value."""

    def entity(properties: Json) -> Json:
        return {"allOf": [{"$ref": f"{prefix}Entity"}, {"properties": properties}]}

    def ref(name: str) -> Json:
        return {"$ref": prefix + name}

    action = {
        "properties": {
            "entity": ref("Order"),
            "parameters": {"properties": {"ShipDate": ref("DateTimeValue")}},
        }
    }
    return {
        "Entity": {"type": "object", "properties": {"note": ref("StringValue")}},
        **{name: {"properties": {"value": {}}} for name in WRAPPERS},
        "Order": entity(
            {
                "OrderType": ref("StringValue"),
                "OrderNbr": ref("StringValue"),
                "Total": ref("DecimalValue"),
                "ShipOn": ref("DateTimeValue"),
                "ShipTo": ref("Address"),
                "ShipToOverride": ref("BooleanValue"),
                "Lines": {"type": "array", "items": ref("Line")},
                "Attributes": {"type": "array", "items": ref("AttributeValue")},
            }
        ),
        "Line": entity({"LineNbr": ref("IntValue"), "Item": ref("StringValue")}),
        "Address": entity({"City": ref("StringValue")}),
        "AttributeValue": entity({"Value": ref("StringValue")}),
        "Unrelated": entity({"Name": ref("StringValue")}),
        "ShipOrder": action,
    }


def openapi_3() -> Json:
    prefix = "#/components/schemas/"
    body = {"content": {"application/json": {"schema": {"$ref": f"{prefix}ShipOrder"}}}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "Shop/1.200.001", "version": "4"},
        "paths": {
            "/Order/ShipOrder": {"post": {"requestBody": body}},
            "/Order/{actionName}": {"post": {}},
            "/Order/$adHocSchema": {"get": {}},
            "/Order/{ids}": {"get": {}},
            "/Order": {"get": {}, "put": {}},
            "/Unrelated": {"get": {}},
        },
        "components": {"schemas": schemas(prefix)},
    }


def swagger_2() -> Json:
    prefix = "#/definitions/"
    body = {"in": "body", "name": "invocation", "schema": {"$ref": f"{prefix}ShipOrder"}}
    three = openapi_3()
    paths = dict(three["paths"])  # type: ignore[call-overload]
    paths["/Order/ShipOrder"] = {"post": {"parameters": [body]}}
    return {
        "swagger": "2.0",
        "info": three["info"],
        "paths": paths,
        "definitions": schemas(prefix),
    }


OVERLAY = """\
overlay: 1
contract: shop-1.200.001
entities:
  Order:
    - keys: [OrderType, OrderNbr]
      auto_numbered: true
      identities: [OrderType]
      source: invented
    - calculated: [Total]
      companions: {ShipTo: ShipToOverride, ShipTo.City: ShipToOverride}
      lengths: {OrderType: 2, OrderNbr: 12}
      places: {Total: 4}
      source: invented
  Line:
    - required: [Item]
      read_only: [LineNbr]
      source: invented
"""


def diagnostics_of(action: Callable[[], object]) -> tuple[Diagnostic, ...]:
    """Return what an action stops with; any other exception goes through and fails the test."""
    try:
        action()
    except Stopped as stopped:
        return stopped.diagnostics
    return ()
