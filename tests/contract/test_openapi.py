"""Reading endpoints: OpenAPI 3.0 and Swagger 2.0, contract versions 4 and 5, or neither."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.contract.document import place_of
from mapgen.contract.model import Action, Contract, Entity, Field
from mapgen.contract.openapi import WRAPPERS, reachable, read_contract, select
from mapgen.report import Source, Stopped
from tests.depth import examples

from .invented import Json, diagnostics_of, openapi_3, swagger_2


def read(document: object) -> Contract:
    return read_contract(Source("shop.json", json.dumps(document, indent=1)))


def diagnostics(document: object) -> list[tuple[str, str, str]]:
    """Return code, message and the text the label points at, of each error."""
    with pytest.raises(Stopped) as stopped:
        read(document)
    found = []
    for diagnostic in stopped.value.diagnostics:
        assert diagnostic.label is not None
        span = diagnostic.label.span
        found.append((diagnostic.code, diagnostic.message, span.source.text[span.start : span.end]))
    return found


def test_a_small_endpoint() -> None:
    """Fields, links, details, actions and top-level entities are read as they are written."""
    contract = read(openapi_3())

    assert contract.name == "shop-1.200.001"
    assert contract.contract_version == 4
    assert contract.entities["Order"] == Entity(
        "Order",
        {
            "OrderType": Field("OrderType", "value", "string"),
            "OrderNbr": Field("OrderNbr", "value", "string"),
            "Total": Field("Total", "value", "decimal"),
            "ShipOn": Field("ShipOn", "value", "date"),
            "ShipTo": Field("ShipTo", "linked", entity="Address"),
            "ShipToOverride": Field("ShipToOverride", "value", "boolean"),
            "Lines": Field("Lines", "details", entity="Line"),
            "Attributes": Field("Attributes", "details", entity="AttributeValue"),
        },
        actions={"ShipOrder": Action("ShipOrder", {"ShipDate": "date"})},
        is_top_level=True,
    )
    assert not contract.entities["Line"].is_top_level


def test_two_generations_of_openapi() -> None:
    """Swagger 2.0 and OpenAPI 3.0 of the same endpoint give the same contract."""
    assert read(swagger_2()) == read(openapi_3())


def test_order_of_schemas() -> None:
    """Entities come sorted, whatever the order of the document; fields keep the document's."""
    document = openapi_3()
    holder = document["components"]["schemas"]  # type: ignore[index]
    document["components"]["schemas"] = dict(reversed(holder.items()))  # type: ignore[index]
    contract = read(document)

    assert list(contract.entities) == ["Address", "AttributeValue", "Line", "Order", "Unrelated"]
    assert list(contract.entities["Order"].fields)[:3] == ["OrderType", "OrderNbr", "Total"]


def test_an_entity_without_fields() -> None:
    """An entity may have no fields of its own."""
    document = openapi_3()
    document["components"]["schemas"]["Nothing"] = ENTITY  # type: ignore[index]
    assert read(document).entities["Nothing"] == Entity("Nothing", {})


def test_wrappers_of_contract_version_5() -> None:
    """Drop-downs and dates of version 5 have types of their own; all wrappers are known."""
    document = openapi_3()
    document["info"]["version"] = "5"  # type: ignore[index]
    holder = document["components"]["schemas"]  # type: ignore[index]
    prefix = "#/components/schemas/"
    holder.update({name: {"properties": {"value": {}}} for name in WRAPPERS})
    properties = {name: {"$ref": prefix + name} for name in WRAPPERS}
    holder["Unrelated"]["allOf"][1]["properties"] = properties
    contract = read(document)

    assert contract.contract_version == 5
    found = {one.name: one.value_type for one in contract.entities["Unrelated"].fields.values()}
    # A field called like its wrapper: of a `DateTimeValue` only the field's name tells what it is.
    assert found == {**WRAPPERS, "DateTimeValue": "date"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Date", "date"),
        ("DueDate", "date"),
        ("RequestedOn", "date"),
        ("Estimation", "date"),
        ("RemindAtDate", "date"),
        ("Flat", "date"),
        ("Sat", "date"),
        ("PromisedDateTime", "datetime"),
        ("CreatedDate", "datetime"),
        ("LastModified", "datetime"),
        ("LastModifiedDateofLocationQty", "datetime"),
        ("SLATime", "datetime"),
        ("CompletedAt", "datetime"),
        ("UsrPicked_at", "datetime"),
        ("created_on", "datetime"),
        ("UsrTimestamp", "datetime"),
    ],
)
def test_days_and_moments_by_name(name: str, kind: str) -> None:
    """One type of the ERP holds days and moments: a field is a day unless its name says moment."""
    document = openapi_3()
    holder = document["components"]["schemas"]  # type: ignore[index]
    reference = {"$ref": "#/components/schemas/DateTimeValue"}
    holder["Line"]["allOf"][1]["properties"][name] = reference

    assert read(document).entities["Line"].fields[name].value_type == kind


def test_a_wrapper_nobody_knows() -> None:
    """An unknown type is one error however often it is used, at the first use; never a text."""
    document = openapi_3()
    holder = document["components"]["schemas"]  # type: ignore[index]
    holder["MoneyValue"] = {"properties": {"value": {}}}
    money = {"$ref": "#/components/schemas/MoneyValue"}
    holder["Order"]["allOf"][1]["properties"]["Freight"] = money
    holder["Line"]["allOf"][1]["properties"]["Price"] = money

    (found,) = diagnostics(document)
    assert found[0] == "E403"
    assert found[1].startswith("`Line.Price` and 1 more is of type `MoneyValue`")
    assert found[2] == '"#/components/schemas/MoneyValue"'


def _set(*path: str | int, to: object) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        at: object = document
        for step in path[:-1]:
            at = at[step]  # type: ignore[index]
        at[path[-1]] = to  # type: ignore[index]

    return change


ENTITY = {"allOf": [{"$ref": "#/components/schemas/Entity"}]}
ORDER = ("components", "schemas", "Order", "allOf", 1, "properties")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        pytest.param(_set("openapi", to="3.1.0"), "E401", "neither `openapi: 3.0.x`", id="3.1"),
        pytest.param(_set("info", to={}), "E401", "`title` is missing", id="no-title"),
        pytest.param(_set("info", "title", to="Shop"), "E401", "{endpoint}/{version}", id="title"),
        pytest.param(_set("info", "title", to="../a/1"), "E401", "{endpoint}", id="title-path"),
        pytest.param(_set("info", "version", to="3"), "E401", "contract version 3", id="version"),
        pytest.param(_set("components", to=[]), "E402", "an array where an object", id="array"),
        pytest.param(_set(*ORDER, "Lines", to={}), "E402", "`type` is missing", id="no-type"),
        pytest.param(_set(*ORDER, "A b", to={}), "E402", "`A b` is not a name", id="field-name"),
        pytest.param(
            _set(*ORDER, "ordernbr", to={"$ref": "#/components/schemas/StringValue"}),
            "E402",
            "`OrderNbr` and `ordernbr` are one name",
            id="field-name-in-small-letters",
        ),
        pytest.param(
            _set(*ORDER, "Lines", "type", to="object"), "E402", "nor an array", id="object"
        ),
        pytest.param(
            _set("components", "schemas", "A b", to=ENTITY), "E402", "`A b`", id="entity-name"
        ),
        pytest.param(_set("paths", "/Order/A b", to={}), "E402", "an action", id="action-name"),
        pytest.param(
            _set(*ORDER, "Lines", "items", "$ref", to="#/components/schemas/StringValue"),
            "E402",
            "`StringValue` is not an entity",
            id="details-of-texts",
        ),
        pytest.param(
            _set(*ORDER, "Total", "$ref", to="#/components/schemas/Gone"),
            "E402",
            "no schema `#/components/schemas/Gone`",
            id="dangling",
        ),
        pytest.param(_set("paths", "/Gone", to={}), "E402", "no entity of that name", id="path"),
        pytest.param(
            _set("paths", "/Order/ShipOrder", to={"post": {"parameters": []}}),
            "E402",
            "0 bodies",
            id="action-without-body",
        ),
    ],
)
def test_a_document_that_is_wrong(change: Callable[[Json], None], code: str, words: str) -> None:
    """A error names what was found and is where it was found."""
    document = copy.deepcopy(openapi_3())
    change(document)

    (found,) = diagnostics(document)
    assert found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "expecting value", id="empty"),
        pytest.param('{"a": 1', "expecting ',' delimiter", id="truncated"),
        pytest.param('{"a": NaN}', "`NaN` is not a JSON number", id="nan"),
        pytest.param('{"a": 1, "a": 2}', "duplicate key `a`", id="duplicate"),
        pytest.param("[" * 200_000, "nested too deep", id="deep"),
        pytest.param('{"a": "\\ud800"}', "half a surrogate pair", id="surrogate"),
        pytest.param("1" * 5_000, "a number of 5,000 digits", id="endless-number"),
    ],
)
def test_text_that_is_not_json(text: str, words: str) -> None:
    """What is not JSON is E512, never a traceback."""
    with pytest.raises(Stopped) as stopped:
        read_contract(Source("shop.json", text))
    (diagnostic,) = stopped.value.diagnostics
    assert diagnostic.code == "E512"
    assert words in diagnostic.message


def test_place_of_a_value() -> None:
    """The place of a value is found behind escapes, nested values and arrays."""
    source = Source("a.json", '{ "x\\"y": [1, {"z": "}"}],\n "k" : [ true , {"m": 12.5} ] }')
    assert str(place_of(source, ("k", 1, "m"))) == "a.json:2:23"
    assert str(place_of(source, ('x"y', 1, "z"))) == "a.json:1:21"


def test_selection_takes_what_it_leads_to() -> None:
    """Linked entities and details come along, unrelated ones stay away."""
    contract = read(openapi_3())
    chosen = select(contract, ("Order",))
    assert set(chosen.entities) == {"Order", "Line", "Address", "AttributeValue"}
    assert reachable(contract, frozenset({"Line"})) == {"Line"}


def test_selection_of_unknown_entities() -> None:
    """Each unknown name is an error of its own, with the near name."""
    with pytest.raises(Stopped) as stopped:
        select(read(openapi_3()), ("Ordr", "Line", "Nothing"))
    found = [(diagnostic.code, diagnostic.help) for diagnostic in stopped.value.diagnostics]
    helps = {help or "" for code, help in found if code == "E404"}
    assert "did you mean `Order`?" in helps
    assert any(help.startswith("it has `Address`, `AttributeValue`, `Line`") for help in helps)


# Uses in fields of entities. The base entity's `note`, which every entity inherits and no entity
# lists, is one more StringValue of the document.
USES_24 = {
    "string": 2723,
    "decimal": 890,
    "boolean": 612,
    "date": 221,
    "datetime": 207,
    "int": 141,
    "guid": 45,
    "short": 25,
    "long": 3,
    "byte": 2,
}


def uses(contract: Contract) -> dict[str, int]:
    fields = [one for entity in contract.entities.values() for one in entity.fields.values()]
    return dict(Counter(one.value_type for one in fields if one.value_type is not None))


def test_default_24_200_001(contracts: Path) -> None:
    """The real OpenAPI 3.0 document gives all entities, field uses by type, and actions."""
    text = (contracts / "Default_24.200.001.swagger.json").read_text("utf-8-sig")
    contract = read_contract(Source("24.json", text))

    assert uses(contract) == USES_24
    assert len(contract.entities) == 424
    assert sum(entity.is_top_level for entity in contract.entities.values()) == 119
    assert sum(len(entity.actions) for entity in contract.entities.values()) == 163
    shipping = contract.entities["SalesOrder"].actions["SalesOrderCreateShipment"]
    assert shipping.parameters == {"ShipmentDate": "date", "WarehouseID": "string"}


def test_default_23_200_001(contracts: Path) -> None:
    """The real Swagger 2.0 document gives a contract of the same shape."""
    text = (contracts / "Default_23.200.001.swagger.json").read_text("utf-8-sig")
    contract = read_contract(Source("23.json", text))

    assert contract.name == "default-23.200.001"
    assert len(contract.entities) == 416
    assert sum(entity.is_top_level for entity in contract.entities.values()) == 117
    assert sum(len(entity.actions) for entity in contract.entities.values()) == 161
    assert uses(contract)["string"] == 2690


def test_contract_version_5_wrappers_as_transcribed(contracts: Path) -> None:
    """Every value type of the transcribed fragment of 26.200.001 is known."""
    fragment = json.loads((contracts / "contract-v5-fragment.json").read_text("utf-8"))
    named = fragment["components"]["schemas"]
    listed = {*named, *named["_not_read"]}
    assert {name for name in listed if name.endswith("Value")} - {"StringSelectInnerValue"} <= set(
        WRAPPERS
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["openapi", "swagger", "info", "paths", "components", "definitions", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all values in a document."""
    members: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    return [path, *(place for step, inner in members for place in places(inner, (*path, step)))]


@given(JSON)
def test_any_json(value: object) -> None:
    """Any JSON gives a contract or errors with a place, never another exception."""
    assert all(diagnostic.label is not None for diagnostic in diagnostics_of(lambda: read(value)))


@given(st.sampled_from([openapi_3(), swagger_2()]), st.data(), JSON)
@settings(max_examples=examples(150))
def test_a_document_with_one_value_changed(document: Json, data: st.DataObject, to: object) -> None:
    """Whatever is in the place of one value: a contract, or errors with a place."""
    changed = copy.deepcopy(document)
    path = data.draw(st.sampled_from(places(changed)[1:]))
    _set(*path, to=to)(changed)
    assert all(diagnostic.label is not None for diagnostic in diagnostics_of(lambda: read(changed)))
