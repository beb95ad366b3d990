"""`mapgen schema infer`: samples in, a source schema out that the compiler takes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.check.sources import lasting_paths
from mapgen.cli.schema import schema
from mapgen.contract.inference import infer
from mapgen.contract.source_schema import SourceSchema, read_source_schema
from mapgen.ir.types import ErrorType, ListOf, Object, Type, present
from tests.cli.conftest import mapgen
from tests.depth import examples

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("MAPGEN_SHARED", ROOT.parent / "shared"))
SOURCES = SHARED / "sources"
SAMPLES = sorted((ROOT / "specs" / "shopify" / "examples").glob("order-????.json"))
PAYLOADS = sorted(
    path for path in SOURCES.glob("*/*.json") if not path.name.endswith(".examples.json")
)


def drafted(*records: Any) -> dict[str, Any]:
    return infer([plain(record) for record in records], "order")


def plain(value: Any) -> Any:
    """Return a value as records are read: fractions are exact."""
    return json.loads(json.dumps(value), parse_float=Decimal)


def read(draft: Mapping[str, object]) -> SourceSchema:
    return read_source_schema("draft.json", json.dumps(draft), "order")


def member(*values: Any) -> dict[str, Any]:
    """Return the schema of a member that has these values."""
    found = drafted(*({"status": value} for value in values))["properties"]["status"]
    assert isinstance(found, dict)
    return found


def cells(name: str, *values: str) -> dict[str, Any]:
    """Return the schema of a column whose cells have these values."""
    rows = [{name: value} for value in values]
    found = infer(rows, "row", holds_cells=True)["properties"]
    assert isinstance(found, dict)
    return {key: said for key, said in found[name].items() if key != "description"}


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        pytest.param("quantity", ["1", "20"], {"type": "integer"}, id="whole numbers"),
        pytest.param("price", ["1.50", "20"], {"type": "number"}, id="amounts"),
        pytest.param("paid", ["true", "FALSE"], {"type": "boolean"}, id="flags"),
        pytest.param("article", ["007", "20"], {"type": "string"}, id="a leading zero"),
        pytest.param("zip", ["12345", "20000"], {"type": "string"}, id="codes, by their name"),
        pytest.param("phone", ["12345", "20000"], {"type": "string"}, id="phone numbers"),
        pytest.param("day", ["2026-01-31"], {"type": "string", "format": "date"}, id="days"),
        pytest.param("remark", ["1", "x"], {"type": "string"}, id="text among numbers"),
    ],
)
def test_cell(name: str, values: list[str], expected: object) -> None:
    """Cells are text, whose type is seen where all of them are written like it."""
    assert cells(name, *values) == expected


@pytest.mark.parametrize(
    ("values", "description"),
    [
        pytest.param(["31.01.2026", "01.02.2026"], "A date, written `dd.MM.yyyy`.", id="dots"),
        pytest.param(["01/31/2026"], "A date, written `MM/dd/yyyy`.", id="the month first"),
        pytest.param(
            ["01/02/2026"], "A date, written `dd/MM/yyyy` or `MM/dd/yyyy`.", id="nobody knows"
        ),
        pytest.param(
            ["2026-01-31 10:00:00"],
            "A moment of a clock, written `yyyy-MM-dd HH:mm:ss`.",
            id="a clock",
        ),
        pytest.param(["1.249,50", "3,5"], "A number, written with a decimal comma.", id="comma"),
    ],
)
def test_how_it_is_written(values: list[str], description: str) -> None:
    """Days and amounts that are written in a country's way are reported."""
    assert member(*values) == {"type": "string", "description": description}


@pytest.mark.parametrize(
    ("records", "lasting"),
    [
        pytest.param([{"order_id": 1, "no": 2}], {"order.order_id"}, id="an id of the record"),
        pytest.param([{"uuid": "a", "id": 1}], {"order.uuid", "order.id"}, id="two"),
        pytest.param([{"customer_id": 1}], set(), id="an id of something else"),
        pytest.param([{"number": "A1"}, {"number": "A2"}], {"order.number"}, id="a number"),
        pytest.param([{"number": "A1"}, {"number": "A1"}], set(), id="a number that repeats"),
        pytest.param([{"id": None}, {"id": 1}], set(), id="one that may be missing"),
    ],
)
def test_what_never_changes(records: list[Any], lasting: set[str]) -> None:
    """What tells records apart is taken to never change, and marked for review."""
    draft = drafted(*records)

    found = read(draft)
    assert lasting_paths(found, "order") == lasting
    for path in lasting:
        assert "Review" in draft["properties"][path.partition(".")[2]]["description"]


def test_enums_when_asked() -> None:
    """Words of a vocabulary are examples, and all that there may be only where that is asked."""
    records = [{"status": word} for word in ("paid", "open", "paid", "paid", "open", "paid")]
    found = infer(records, "order", with_enums=True)["properties"]
    assert isinstance(found, dict)

    assert found["status"] == {"type": "string", "enum": ["open", "paid"]}


@pytest.mark.parametrize(
    "value", ["DE89370400440532013000", "GB29NWBK60161331926819", "4111111111111111"]
)
def test_no_value_that_looks_personal(value: str) -> None:
    """An account in the place of a word is shown nowhere, whatever the name of its member."""
    assert value not in json.dumps(drafted(*[{"method": value, "type": value.lower()}] * 6))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["1.50", "2"], {"type": "string", "format": "decimal"}, id="decimals"),
        pytest.param(["15", "2"], {"type": "string"}, id="whole numbers as text may be codes"),
        pytest.param(["1.50", "x"], {"type": "string"}, id="not every text is a decimal"),
        pytest.param(["01.50", "2"], {"type": "string"}, id="a leading zero is a code's"),
        pytest.param(["1e3", "1.5"], {"type": "string"}, id="an exponent"),
        pytest.param(
            ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.123-04:00"],
            {"type": "string", "format": "date-time"},
            id="moments",
        ),
        pytest.param(["2024-05-01T10:00:00"], {"type": "string"}, id="no offset, no moment"),
        pytest.param(["2024-13-01T10:00:00Z"], {"type": "string"}, id="no such month"),
        pytest.param(["2024-05-01", "2023-02-28"], {"type": "string", "format": "date"}, id="date"),
        pytest.param(["2023-02-29"], {"type": "string"}, id="no such day"),
        pytest.param([1, 2], {"type": "integer"}, id="whole numbers"),
        pytest.param([1, 2.5], {"type": "number"}, id="numbers"),
        pytest.param([True, None], {"type": ["boolean", "null"]}, id="null"),
        pytest.param([None], {"type": "null"}, id="nothing but null"),
        pytest.param(["a b", 1], {"type": ["string", "integer"]}, id="text and number"),
        pytest.param([[]], {"type": "array"}, id="an empty list"),
        pytest.param([[1], []], {"type": "array", "items": {"type": "integer"}}, id="a list"),
        pytest.param(
            ["paid", "open", "paid", "paid", "open", "paid"],
            {"type": "string", "examples": ["open", "paid"]},
            id="few words, often",
        ),
        pytest.param(["Ada", "Ada", "Ada"], {"type": "string"}, id="a name is shown nowhere"),
        pytest.param(["paid", "open"], {"type": "string"}, id="words that are not repeated"),
        pytest.param(
            ["1.5"] * 19 + ["free of charge"],
            {"type": "string", "description": "A decimal in 19 of 20 samples."},
            id="nearly all are decimals",
        ),
    ],
)
def test_member(values: list[object], expected: object) -> None:
    """A member's schema says what all of its values have in common."""
    assert member(*values) == expected


def test_required() -> None:
    """Required is what is in all records, and in all objects of its kind."""
    draft = drafted({"a": 1, "lines": [{"x": 1, "y": 2}, {"x": 1}]}, {"lines": []})

    assert draft["required"] == ["lines"]
    assert draft["properties"]["lines"]["items"]["required"] == ["x"]


def test_id_never_changes() -> None:
    """`id` is proposed as what never changes, where it is always there."""
    found = drafted({"id": 1, "no": 1})["properties"]["id"]
    assert found.pop("description").startswith("Review: ")
    assert found == {"type": "integer", "readOnly": True}
    assert read(drafted({"id": 1, "no": 1})).lasting == {("order", "id")}
    assert drafted({"id": 1}, {})["properties"]["id"] == {"type": "integer"}
    assert drafted({"id": 1}, {"id": None})["properties"]["id"] == {"type": ["integer", "null"]}


def test_objects_that_repeat() -> None:
    """Addresses are one type: with a name of its own, null where one of them is."""
    address = {"name": "Ada Byron", "city": "Troy", "zip": "12180", "line": "1 Elm", "land": "US"}
    other = {**address, "line2": None}
    draft = drafted(
        {"billing_address": address, "shipping_address": None},
        {"billing_address": other, "shipping_address": address},
    )

    assert draft["properties"]["billing_address"] == {"$ref": "#/$defs/address"}
    assert draft["properties"]["shipping_address"] == {"$ref": "#/$defs/address"}
    found = draft["$defs"]["address"]
    assert found["type"] == ["object", "null"]
    assert found["required"] == ["name", "city", "zip", "line", "land"]
    assert (
        read(draft).record.fields["billing_address"]
        == read(draft).record.fields["shipping_address"]
    )


def test_objects_that_repeat_inside_others() -> None:
    """What repeats inside what repeats has its definition too."""
    money = {"amount": "1.50", "currency": "USD"}
    draft = drafted(
        {"total_set": {"shop": money, "buyer": money}, "tax_set": {"shop": money, "buyer": money}}
    )

    assert draft["properties"]["tax_set"] == {"$ref": "#/$defs/set"}
    assert len(draft["$defs"]) == 2
    read(draft)


def test_an_object_that_holds_its_like() -> None:
    """A tree is drafted as deep as it was seen."""
    draft = drafted({"node": {"id": 1, "name": "x", "child": {"id": 2, "name": "y"}}})

    assert "child" in json.dumps(draft)
    read(draft)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "paid", "USD", "1.5", "7", "2024-05-01", "2024-05-01T10:00:00Z"])
    | st.sampled_from([Decimal("0.5"), Decimal("-2.25")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "a", "b", "address", "lines"]), inner, max_size=4)
    ),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.sampled_from(["id", "a", "billing_address", "lines"]), VALUES)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_any_samples(records: list[Any]) -> None:
    """The draft is a source schema, and accepts each of the samples."""
    draft = infer(records, "order")

    read(draft)
    for record in records:
        floats = json.loads(json.dumps(record, default=float))
        jsonschema.Draft202012Validator(draft).validate(floats)


def test_own_samples(tmp_path: Path) -> None:
    """The drafted types of the shop's orders are those of the schema written by hand."""
    done = mapgen("schema", "infer", *SAMPLES, "--name", "order", cwd=ROOT)

    assert (done.returncode, done.stderr) == (0, "")
    found = read(json.loads(done.stdout)).record
    written = (ROOT / "specs/schemas/shopify-order.schema.json").read_text(encoding="utf-8")
    expected = read_source_schema("written", written, "order").record
    agreed = agreeing(found, expected)
    assert agreed == {"same": 82, "other": set()}


def agreeing(found: Type, expected: Type, path: str = "order") -> Any:
    """Compare types that both know something of, presence apart; count those that are the same."""
    found, expected = present(found), present(expected)
    if isinstance(found, ListOf) and isinstance(expected, ListOf):
        return agreeing(found.element, expected.element, f"{path}[]")
    counts: dict[str, Any] = {"same": 0, "other": set()}
    if isinstance(found, Object) and isinstance(expected, Object):
        for name in found.fields.keys() & expected.fields.keys():
            inner = agreeing(found.fields[name], expected.fields[name], f"{path}.{name}")
            counts["same"] += inner["same"]
            counts["other"] |= inner["other"]
    elif isinstance(found, ErrorType) or isinstance(expected, ErrorType):
        pass
    elif found == expected:
        counts["same"] = 1
    else:
        counts["other"] = {f"{path}: {found}, not {expected}"}
    return counts


@pytest.mark.skipif(not SOURCES.is_dir(), reason=f"no payloads of real systems at {SOURCES}")
@pytest.mark.parametrize("path", PAYLOADS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_payloads(path: Path, tmp_path: Path) -> None:
    """Whatever real systems send can be drafted from."""
    name = path.stem.partition(".")[0].replace("-", "_").lower()
    target = tmp_path / "draft.json"
    words = ["infer", str(path), "--name", name, "--output", str(target)]
    done = CliRunner().invoke(schema, words, catch_exceptions=False)

    assert (done.exit_code, done.stderr) == (0, "")
    text = target.read_text(encoding="utf-8")
    assert read_source_schema("draft.json", text, name).record.fields


@pytest.mark.parametrize(
    ("files", "arguments", "message"),
    [
        pytest.param({}, ("a.json",), "error[E102]", id="no file"),
        pytest.param({"a.json": ""}, ("a.json",), "it holds no record", id="an empty file"),
        pytest.param({"a.json": "[1]"}, ("a.json",), "record 1 is left out", id="no object"),
        pytest.param({"a.json": "{"}, ("a.json",), "it holds no record", id="no JSON"),
        pytest.param({"a.json": "{}"}, ("a.json", "--name", "An Order"), "--name", id="bad name"),
    ],
)
def test_what_is_no_sample(
    files: Mapping[str, str], arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    """Without a record there is no draft, and the message says why."""
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    done = mapgen("schema", "infer", *arguments, cwd=tmp_path)

    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert message in done.stderr


def test_a_broken_record_between_others(tmp_path: Path) -> None:
    """What is no record is reported and left out; the others are drafted from."""
    (tmp_path / "a.jsonl").write_text('{"id": 1}\n{"id": \n{"id": 3}\n', encoding="utf-8")

    done = mapgen("schema", "infer", "a.jsonl", cwd=tmp_path)

    assert done.returncode == 0
    assert "a.jsonl: record 2 is left out: " in done.stderr
    assert json.loads(done.stdout)["description"].startswith("A draft from 2 sample records")


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 1}',
        '[{"id": 1}]',
        '{"order": {"id": 1}}',
        '{"orders": [{"id": 1}]}',
        '{"payload": [{"id": 1}]}',
    ],
)
def test_wrapped_records(text: str, tmp_path: Path) -> None:
    """A record is found inside of what systems wrap it in."""
    (tmp_path / "a.json").write_text(text, encoding="utf-8")

    done = mapgen(
        "schema", "infer", "a.json", "--name", "order", "--envelope", "payload", cwd=tmp_path
    )

    assert json.loads(done.stdout)["required"] == ["id"]
