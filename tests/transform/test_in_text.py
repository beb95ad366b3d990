"""JSON that is written in a text: typed by every way into a flow, exact, and never shown."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.plan import Form
from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.constraints import Constraints, keeps
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.source import DOUBTS, Amount, decoder_of, patient, strict
from mapgen.runtime.sources.cells import Row, typed_cells
from mapgen.runtime.sources.columns import CsvReader
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.sources.spelling import Spelling
from mapgen.runtime.sources.typed import TypedReader
from mapgen.runtime.transform import Transformer
from mapgen.runtime.varied import InText, Varied
from tests.compiler.cases import SPEC, build


class Line(msgspec.Struct):
    sku: Annotated[str, Constraints(longest=4)]
    price: Amount | None = None


class Payload(msgspec.Struct):
    items: list[Line]


class Order(msgspec.Struct):
    payload: Varied[Payload, InText("")] | None = None
    lines: Annotated[Varied[list[Line], InText("")], Constraints(most=2)] | None = None


class Strict(msgspec.Struct):
    payload: Varied[Payload, InText()]


def by_each_way(record: dict[str, Any], kind: type = Order) -> tuple[Any, dict[str, str]]:
    """Return what a record becomes, and its errors by place: each way says the same."""
    data = json.dumps(record).encode()
    value = msgspec.json.Decoder(float_hook=Decimal).decode(data)
    found, errors = patient(value, kind, "order")
    told = {one.path: one.error.code for one in errors}
    reader, raw = TypedReader(kind), RawRecord(1, 1, data)
    read = reader.read(raw)
    try:
        assert strict(value, kind) == found
    except DOUBTS:
        assert told
        assert read is None
    assert read is None or (read == found and not told)
    doubted = reader.errors(raw, "order") if read is None else None
    assert doubted is None or {one.path: one.error.code for one in doubted[1]} == told
    cells = CsvReader(kind, Spelling(Form(format="csv")))
    row = Row(1, 1, tuple(record), [str(one) for one in record.values()])
    if record and all(isinstance(one, str) for one in record.values()):
        assert cells.read(row) == (None if told else found)
        again, more = patient(typed_cells(row.named(), kind), kind, "order")
        blank = all(one.strip() for one in record.values())
        assert not blank or {one.path: one.error.code for one in more} == told
        assert told or again == found
    return found, told


@pytest.mark.parametrize(
    ("member", "text", "expected"),
    [
        ("payload", '{"items": []}', Payload(items=[])),
        ("payload", ' {"items": [{"sku": "A"}], "more": 1} ', Payload(items=[Line(sku="A")])),
        ("payload", "", None),
        ("payload", " \n", None),
        ("payload", "null", None),
        ("payload", None, None),
        ("lines", "[]", []),
        ("lines", '[{"sku": "A", "price": "1.50"}]', [Line(sku="A", price=Decimal("1.50"))]),
    ],
)
def test_what_a_text_holds(member: str, text: object, expected: object) -> None:
    """Blank text and null are missing."""
    found, told = by_each_way({member: text})

    assert (getattr(found, member), told) == (expected, {})


@pytest.mark.parametrize(
    ("member", "text", "told"),
    [
        ("payload", "{", {"order.payload": "R102"}),
        ("payload", '{"items": []} {}', {"order.payload": "R102"}),
        ("payload", "[1]", {"order.payload": "R102"}),
        ("payload", "[" * 100_000, {"order.payload": "R102"}),
        ("payload", '{"items": [1e99999999999999999999]}', {"order.payload": "R102"}),
        ("payload", {"items": []}, {"order.payload": "R102"}),
        ("payload", 5, {"order.payload": "R102"}),
        ("payload", "{}", {"order.payload.items": "R103"}),
        (
            "payload",
            '{"items": [{"sku": 7}, {"price": "x", "sku": "ABCDE"}]}',
            {
                "order.payload.items[0].sku": "R102",
                "order.payload.items[1].sku": "R108",
                "order.payload.items[1].price": "R102",
            },
        ),
        ("lines", '[{"sku": "ABCDE"}]', {"order.lines[0].sku": "R108"}),
        ("lines", '[{"sku": "A"}, {"sku": "B"}, {"sku": "C"}]', {"order.lines": "R108"}),
    ],
)
def test_a_text_that_does_not_fit_is_told_at_its_place(
    member: str, text: object, told: dict[str, str]
) -> None:
    """Below the text, all errors of it at once."""
    assert by_each_way({member: text})[1] == told


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"payload": " "}, {"order.payload": "R103"}),
        ({"payload": "null"}, {"order.payload": "R102"}),
        ({}, {"order.payload": "R103"}),
        ({"payload": '{"items": []}'}, {}),
    ],
)
def test_a_text_that_has_to_be_there(record: dict[str, Any], told: dict[str, str]) -> None:
    """Blank is missing."""
    assert by_each_way(record, Strict)[1] == told


def test_a_text_that_cannot_be_read_is_never_shown() -> None:
    """Personal values may be anywhere in it."""
    for text in ("{'email': 'ada@example.org'}", '"ada@example.org', " "):
        _, errors = patient({"payload": text, "lines": text}, Order, "order")
        assert all(one.error.value is None and "ada" not in one.error.message for one in errors)


@given(st.decimals(-(10**7), 10**7, places=20))
def test_amounts_are_exact(number: Decimal) -> None:
    """A number in a text has its digits."""
    text = f'{{"items": [{{"sku": "A", "price": {number:f}}}]}}'
    found, told = by_each_way({"payload": text})

    assert not told
    price = found.payload.items[0].price
    assert (price, price.as_tuple().exponent) == (number, -20)


def test_values_in_a_text_keep_to_what_the_schema_says() -> None:
    """In the JSON of a record, and in its struct."""
    record = {"payload": '{"items": [{"sku": "ABCDE"}]}'}
    assert not keeps(record, Order)
    assert not keeps(decoder_of(Order).decode(json.dumps(record)), Order)


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> tuple[Transformer, dict[str, Any]]:
    """The smallest flow with its recipient as JSON in a text, and a record of it."""
    folder = build("../cases/_base", tmp_path_factory.mktemp("texts"))
    schema = folder / "specs/schemas/parcel.schema.json"
    said = json.loads(schema.read_text())
    said["properties"]["recipient"] = {
        "type": "string",
        "contentMediaType": "application/json",
        "contentSchema": said["properties"]["recipient"],
    }
    schema.write_text(json.dumps(said))
    given = folder / "specs/examples/parcel.json"
    record = json.loads(given.read_text())
    record["recipient"] = json.dumps(record["recipient"])
    given.write_text(json.dumps(record))
    for name, content in generate(Workspace(folder), [SPEC]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return open_flow(folder, "deliveries", None, {}, sample_of).transformer, record


def _outcome(flow: tuple[Transformer, dict[str, Any]], **members: object) -> Outcome:
    transformer, record = flow
    raw = RawRecord(1, 1, json.dumps({**record, **members}).encode())
    (found,) = transformer.outcomes(raw, "parcels.json")
    return found


def test_a_flow_reads_what_a_text_holds(flow: tuple[Transformer, dict[str, Any]]) -> None:
    """Its example holds, and a blank text is no address."""
    found, blank = _outcome(flow), _outcome(flow, recipient=" ")

    assert isinstance(found, Document)
    assert isinstance(blank, Document)
    street = json.loads(flow[1]["recipient"])["street"]
    assert json.loads(found.body)["Address"]["Street"]["value"] == street
    assert "Address" not in json.loads(blank.body)


@pytest.mark.parametrize(
    ("recipient", "place", "code"),
    [
        ('{"street": "12 Secret Lane"', "parcel.recipient", "R102"),
        ('{"street": {"name": "12 Secret Lane"}}', "parcel.recipient.street", "R102"),
        ('"12 Secret Lane"', "parcel.recipient", "R102"),
        (json.dumps({"street": "12 Secret Lane" * 30}), "parcel.recipient.street", "R301"),
        ({"street": "12 Secret Lane"}, "parcel.recipient", "R102"),
    ],
)
def test_personal_values_in_a_text_are_masked(
    flow: tuple[Transformer, dict[str, Any]], recipient: object, place: str, code: str
) -> None:
    """Whatever is wrong: the text, a value in it, or a value that a rule refuses."""
    found = _outcome(flow, recipient=recipient)

    assert isinstance(found, Rejected)
    assert [(one.source_path, one.code) for one in found.errors] == [(place, code)]
    assert "Secret" not in repr(found)
