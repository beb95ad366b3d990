"""The lock: what is written comes back, the bytes are the same, and a broken lock says where."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.contract.importing import Inputs, import_contract
from mapgen.contract.lock import Input, load, read_lock, write
from mapgen.contract.model import Contract, Entity
from mapgen.report import Source, Stopped
from tests.depth import examples

from .invented import diagnostics_of
from .test_openapi import JSON, _set, places

LOCK = Path(__file__).resolve().parents[2] / "specs" / "contracts" / "default-24.200.001.json"
ROOTS = (
    "SalesOrder",
    "Customer",
    "CustomerLocation",
    "StockItem",
    "NonStockItem",
    "Payment",
    "SalesPriceWorksheet",
    "Shipment",
    "SalesInvoice",
)


@pytest.fixture
def imported(shop: Path) -> tuple[Contract, str]:
    inputs = Inputs(
        shop / "shop.json", shop / "keys.json", shop / "metadata.json", shop / "overlay.yaml"
    )
    done = import_contract(inputs)
    return done.contract, done.lock


def test_there_and_back(imported: tuple[Contract, str]) -> None:
    """A contract with every kind of fact survives the lock."""
    contract, text = imported
    assert read_lock(Source("lock.json", text)) == contract
    assert json.loads(text)["lock"] == 2


def test_written_twice(imported: tuple[Contract, str]) -> None:
    """The lock of a lock's contract is the same text, so a review sees only what changed."""
    contract, text = imported
    again = read_lock(Source("lock.json", text))
    inputs = (Input("", "a.json", b"a"),)
    assert write(again, inputs) == write(contract, inputs)


def test_a_field_a_line(imported: tuple[Contract, str]) -> None:
    """Each field is in a line of its own with all its facts."""
    _, text = imported
    assert (
        '        "OrderNbr": {"type": "string", "key": true, "max_length": 12,'
        ' "label": "Order Nbr."},\n'
    ) in text


def test_no_place_and_no_time(imported: tuple[Contract, str], shop: Path) -> None:
    """The lock names files by base name and hash: no folder, no date."""
    _, text = imported
    assert str(shop) not in text
    assert re.search(r"20\d\d-\d\d", text) is None
    assert set(json.loads(text)["sha256"]) == {
        "shop.json",
        "keys.json",
        "metadata.json",
        "overlay.yaml",
    }


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing lock is E511 and is called what the author called it."""
    with pytest.raises(Stopped) as stopped:
        load(tmp_path / "gone.json", "contracts/gone.json")
    (diagnostic,) = stopped.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("E511", "`contracts/gone.json` does not exist")


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are E511."""
    (tmp_path / "lock.json").write_bytes(b'{"lock": "\xff"}')
    with pytest.raises(Stopped) as stopped:
        load(tmp_path / "lock.json")
    assert stopped.value.diagnostics[0].message == "`lock.json` is not UTF-8: byte 10 is wrong"


@pytest.mark.parametrize(
    ("old", "new", "code", "words", "found"),
    [
        pytest.param('"lock": 2', '"lock": 7', "E406", "of format 7", "7", id="format"),
        pytest.param('"lock": 2', '"lok": 1', "E405", "`lock` is missing", "{", id="no-format"),
        pytest.param(
            '{"type": "int"', '{"type": "integer"', "E405", "`integer` is not", None, id="type"
        ),
        pytest.param('"key": true', '"kee": true', "E405", "`kee` is unknown", "true", id="member"),
        pytest.param(
            '"key": true', '"key": 1', "E405", "true or false is expected", "1", id="flag"
        ),
        pytest.param('"places": 4', '"places": -4', "E405", "a whole number", "-4", id="number"),
        pytest.param(
            '"linked": "Address"', '"linked": "Gone"', "E405", "no `Gone`", '"Gone"', id="link"
        ),
        pytest.param(
            '"keys": ["OrderType"', '"keys": ["Type"', "E405", "no `Type`", '"Type"', id="key"
        ),
        pytest.param(
            '"companion": "ShipToOverride"', '"companion": "X"', "E405", "no `X`", '"X"', id="flag"
        ),
        pytest.param(
            '"ShipDate": "date"', '"ShipDate": "time"', "E405", "`time` is", None, id="action"
        ),
        pytest.param(
            '"OrderNbr": {',
            '"ordernbr": {"type": "string"}, "OrderNbr": {',
            "E405",
            "`ordernbr` and `OrderNbr` are one name",
            None,
            id="case",
        ),
        pytest.param(
            '{"type": "boolean"}',
            '{"type": "boolean", "linked": "Address"}',
            "E405",
            "exactly one",
            None,
            id="shapes",
        ),
    ],
)
def test_a_lock_edited_by_hand(
    imported: tuple[Contract, str], old: str, new: str, code: str, words: str, found: str | None
) -> None:
    """A malformed lock tells what is wrong, and where."""
    text = imported[1]
    assert old in text
    with pytest.raises(Stopped) as stopped:
        read_lock(Source("lock.json", text.replace(old, new, 1)))
    (diagnostic,) = stopped.value.diagnostics
    assert diagnostic.code == code
    assert words in diagnostic.message
    assert diagnostic.label is not None
    span = diagnostic.label.span
    if found is not None:
        assert span.source.text[span.start : span.end] == found


def test_diagnostics_of_two_entities(imported: tuple[Contract, str]) -> None:
    """Malformed entities are reported all at once."""
    text = imported[1].replace('"linked": "Address"', '"linked": "A"')
    text = text.replace('{"type": "int"', '{"type": "integer"')
    with pytest.raises(Stopped) as stopped:
        read_lock(Source("lock.json", text))
    assert len(stopped.value.diagnostics) == 2


@given(JSON)
def test_any_json_as_a_lock(value: object) -> None:
    """Any JSON gives a contract or errors, never another exception."""
    source = Source("lock.json", json.dumps(value))
    assert all(
        diagnostic.label is not None for diagnostic in diagnostics_of(lambda: read_lock(source))
    )


SMALL = {
    "lock": 2,
    "made_with": "mapgen contract import",
    "sha256": {"a": "b"},
    "endpoint": "Shop",
    "version": "1",
    "contract_version": 4,
    "entities": {
        "Order": {
            "keys": ["Nbr"],
            "fields": {
                "Nbr": {"type": "string", "key": True, "max_length": 4},
                "Flag": {"type": "boolean"},
                "Self": {"linked": "Order", "companion": "Flag", "part_companions": {"a": "Flag"}},
            },
            "actions": {"Go": {"Date": "date"}},
        }
    },
}


def test_a_lock_that_does_not_tell_days_from_moments() -> None:
    """A lock of the first format is read as an import does without an overlay, checksum and all."""
    fields = {"Nbr": {"type": "string"}, "DueDate": {"type": "datetime"}, "Seen": {"type": "date"}}
    fields |= {"PostedAt": {"type": "datetime"}}
    order = {"fields": fields, "actions": {"Go": {"On": "datetime", "CreatedOn": "datetime"}}}
    lock = {**SMALL, "lock": 1, "entities": {"Order": order}}
    checksum = hashlib.sha256(json.dumps(lock).encode()).hexdigest()
    text = json.dumps({**lock, "checksum": checksum})

    (found,) = read_lock(Source("lock.json", text)).entities.values()

    assert {name: one.value_type for name, one in found.fields.items()} == {
        "Nbr": "string",
        "DueDate": "date",
        "Seen": "date",
        "PostedAt": "datetime",
    }
    assert found.actions["Go"].parameters == {"On": "date", "CreatedOn": "datetime"}


def test_a_lock_says_what_days_are() -> None:
    """In a lock of today a name decides nothing: `datetime` is a moment, `date` a day."""
    fields = {"DueDate": {"type": "datetime"}, "PostedAt": {"type": "date"}}
    text = json.dumps({**SMALL, "entities": {"Order": {"fields": fields}}})

    (found,) = read_lock(Source("lock.json", text)).entities.values()

    assert [one.value_type for one in found.fields.values()] == ["datetime", "date"]


@given(st.data(), JSON)
@settings(max_examples=examples(150))
def test_a_lock_with_one_value_changed(data: st.DataObject, to: object) -> None:
    """Whatever is in the place of one value: a contract, or errors with a place."""
    changed = json.loads(json.dumps(SMALL))
    path = data.draw(st.sampled_from(places(changed)[1:]))
    _set(*path, to=to)(changed)
    source = Source("lock.json", json.dumps(changed))
    assert all(
        diagnostic.label is not None for diagnostic in diagnostics_of(lambda: read_lock(source))
    )


def test_the_shipped_lock() -> None:
    """The lock that ships knows what the order flow rests on."""
    contract = load(LOCK)
    order = contract.entities["SalesOrder"]
    line = contract.entities["SalesOrderDetail"]

    assert contract.name == "default-24.200.001"
    assert set(ROOTS) <= set(contract.entities)
    assert order.keys == ("OrderType", "OrderNbr")
    assert order.is_auto_numbered
    assert order.identities == ("ExternalRef", "CustomerOrder")
    assert order.fields["ExternalRef"].max_length == 40
    assert order.fields["Description"].max_length == 256
    assert order.fields["OrderTotal"].is_calculated
    assert order.fields["CustomerID"].is_required
    assert order.fields["ShipToAddress"].companion == "ShipToAddressOverride"
    assert order.fields["TaxDetails"].companion == "IsTaxValid"
    assert line.fields["UnitPrice"].companion == "ManualPrice"
    assert line.fields["Amount"].is_calculated
    assert not line.fields["ExtendedPrice"].is_calculated
    assert contract.entities["Customer"].fields["BillingContact"].part_companions == (
        ("Address", "BillingAddressOverride"),
    )


def test_the_shipped_lock_is_fresh(contracts: Path) -> None:
    """Importing anew gives the shipped lock, byte for byte."""
    inputs = Inputs(
        contracts / "Default_24.200.001.swagger.json",
        contracts / "default-24.200.001.key-fields.json",
        contracts / "field-metadata-24.200.001.json",
        folder=LOCK.parent,
    )
    done = import_contract(inputs, ROOTS)
    assert done.lock.encode() == LOCK.read_bytes()
    assert done.unordered_keys == ()
    assert done.unmatched == ("WCCCode.wcccode",)


def lengths_exceeded(contract: Contract, entity: str, record: object) -> list[str]:
    """Return the fields of a record whose text is longer than the contract allows."""
    found: list[str] = []
    if not isinstance(record, dict):
        return found
    for name, one in contract.entities[entity].fields.items():
        value = record.get(name)
        if one.entity is not None:
            for inner in value if isinstance(value, list) else [value]:
                found.extend(lengths_exceeded(contract, one.entity, inner))
        elif one.max_length is not None and isinstance(value, dict):
            text = str(value.get("value", ""))
            if len(text.encode("utf-16-le")) // 2 > one.max_length:
                found.append(f"{entity}.{name}")
    return found


def test_recorded_answers_fit_the_lengths(contracts: Path) -> None:
    """No text that a tenant answered is longer than the lock says a text may be."""
    contract = load(LOCK)
    records = 0
    for path in sorted((contracts.parent / "recorded").glob("*.json")):
        for exchange in json.loads(path.read_text("utf-8"))["interactions"]:
            named = re.search(r"\.001/(\w+)", exchange["request"]["uri"])
            body = exchange["response"]["body"]
            if named is None or exchange["response"]["status"] != 200:
                continue
            for record in body if isinstance(body, list) else [body]:
                records += 1
                assert lengths_exceeded(contract, named[1], record) == []
    assert records >= 6


def test_an_entity_that_is_asked_for_is_read_alone() -> None:
    """A lock has dozens of entities, a flow needs a few: the others are not read."""
    contract = load(LOCK)
    read: list[str] = []

    class Read(dict[str, Entity]):
        def __getitem__(self, name: str) -> Entity:
            read.append(name)
            return super().__getitem__(name)

    known = replace(contract, entities=Read(contract.entities)).top_level

    assert known.get("SalesOrder") is contract.entities["SalesOrder"]
    assert known.get("SalesOrderDetail") is None, "it has no URL of its own"
    assert known.get("NoEntity") is None
    assert read == ["SalesOrder", "SalesOrderDetail", "NoEntity"]
    assert set(known) == {name for name, one in contract.entities.items() if one.is_top_level}
