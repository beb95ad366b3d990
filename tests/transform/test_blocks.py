"""Rows of several lists, of groups and of sorted lists: where an error of one is said to lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.emit.plans import _lines
from mapgen.project.binding import BoundFlow
from mapgen.project.compiler import generate
from mapgen.runtime.grouping import Group, grouped
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, ErrorReport, Rejected
from mapgen.runtime.rules import load_rules
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.testing import FlowUnderTest
from tests.compiler.cases import SPEC, build

BLOCKS = """\
    Items:
      blocks:
        - each: parcel.items
          as: item
          where: item.quantity > 0
          fields:
            Article: {value: item.?sku.trim(), if_missing: reject}
            Quantity: {value: item.quantity, range: "< 100"}
        - each: parcel.extras.sortBy(e, e.price)
          as: extra
          fields:
            Article:
              value: extra.?sku.trim()
              if_missing: reject
              examples:
                - {given: {sku: " Y "}, gives: Y}
              rejects:
                - {given: {sku: null}}
            Quantity: extra.price
        - each: parcel.extras.groupBy(e, e.?sku.orValue('-'))
          as: group
          where: group.rows.size() > 1
          fields:
            Article: "'G-' + group.key"
            Quantity: group.rows.map(e, e.price).sum()
            Note: lookups.carriers[?group.key]
        - when: rest != 0
          fields:
            Article: {const: REST}
            Quantity:
              value: rest
              range: "> 0"
              examples: [{given: {value: "40.00"}, gives: 26}]
      at_least: 1
      unique: [Article]
"""


def extra(sku: str | None, price: str = "1.00") -> dict[str, Any]:
    return {"sku": sku, "price": price}


def item(sku: str | None, quantity: int = 1) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, "price": "12.50"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with one flow, generated, whose rows come of four blocks."""
    folder = build("_base", tmp_path_factory.mktemp("blocks"))
    spec = (folder / SPEC).read_text(encoding="utf-8")
    start, end = spec.index("    Items:\n"), spec.index("  checks:\n")
    spec = spec[:start] + BLOCKS + spec[end:]
    rest = "parcel.value - parcel.items.map(i, i.price).sum() - parcel.extras.map(e, e.price).sum()"
    spec = spec.replace("  let:\n", f"  let:\n    rest: {rest}\n")
    spec = spec.replace(
        '"parcel.items.map(i, i.price).sum() == parcel.value"',
        "\"document.Items.all(i, i.?Note.orValue('') != 'X' && i.Quantity < 1000)\"",
    )
    spec = spec.replace("  data:\n", "  data:\n    parcel.extras.sku: personal\n")
    (folder / SPEC).write_text(spec, encoding="utf-8")
    path = folder / "specs/schemas/parcel.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    row = {"sku": {"type": ["string", "null"]}, "price": {"type": "string", "format": "decimal"}}
    kind = {"type": "object", "required": ["price"], "properties": row}
    schema["properties"]["extras"] = {"type": "array", "items": kind}
    schema["required"].append("extras")
    path.write_text(json.dumps(schema), encoding="utf-8")
    given = folder / "specs/examples/parcel.json"
    record = {**json.loads(given.read_text("utf-8")), "extras": [extra("BOW", "1.50")]}
    given.write_text(json.dumps({**record, "value": "14.00"}), encoding="utf-8")
    gives = folder / "specs/examples/parcel.Delivery.json"
    document = json.loads(gives.read_text("utf-8"))
    document["Items"].append({"Article": {"value": "BOW"}, "Quantity": {"value": 1.50}})
    gives.write_text(json.dumps(document), encoding="utf-8")
    place = Workspace(folder)
    for name, text in generate(place, place.spec_paths()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def flow(workspace: Path) -> BoundFlow:
    return open_flow(workspace, "deliveries", "test", {}, sample_of)


def outcome(flow: BoundFlow, workspace: Path, **changes: Any) -> Any:
    record = json.loads((workspace / "specs/examples/parcel.json").read_text("utf-8")) | changes
    text = json.dumps(record).encode()
    [found] = flow.transformer.outcomes(RawRecord(1, 1, text), "parcels.json")
    return found


def rows(found: Any) -> list[tuple[str, float]]:
    assert isinstance(found, Document), found
    items = json.loads(found.body)["Items"]
    return [(row["Article"]["value"], row["Quantity"]["value"]) for row in items]


def errors(found: Any) -> list[tuple[str, str | None, str | None]]:
    assert isinstance(found, Rejected), found
    return [(error.code, error.target, error.source_path) for error in found.errors]


def test_order_of_blocks(flow: BoundFlow, workspace: Path) -> None:
    """The rows of one block come behind those of the one before it, each in its own order."""
    extras = [extra("B", "2.00"), extra("A", "1.00"), extra("express", "0.50")]

    found = outcome(flow, workspace, items=[item("X", 0), item("Y")], extras=extras, value="30.00")

    assert rows(found) == [("Y", 1), ("express", 0.5), ("A", 1), ("B", 2), ("REST", 1.5)]


def test_group(flow: BoundFlow, workspace: Path) -> None:
    """A group is one row, and its rows are summed up; a table may have something for its key."""
    extras = [extra(None, "2.00"), extra("A", "1.00"), extra(None, "0.50")]

    found = outcome(flow, workspace, extras=[extras[1]], value="13.50")
    several = outcome(flow, workspace, extras=extras, value="16.00")

    assert rows(found) == [("CUP-01", 2), ("A", 1)]
    # The extras without an article are rows of their own block, too.
    assert errors(several) == [
        ("R201", "Items[1].Article", "parcel.extras[2].sku"),
        ("R201", "Items[3].Article", "parcel.extras[0].sku"),
    ]


def test_nothing_at_all(flow: BoundFlow, workspace: Path) -> None:
    """`at_least` counts the rows of all blocks together."""
    found = outcome(flow, workspace, items=[], extras=[], value="0.00")

    [(code, target, path)] = errors(found)
    assert (code, target) == ("R305", "Items")
    assert path is not None
    assert "parcel.items" in path
    assert "parcel.extras" in path


def test_the_same_in_two_blocks(flow: BoundFlow, workspace: Path) -> None:
    """`unique` holds between rows of different blocks."""
    found = outcome(flow, workspace, extras=[extra("CUP-01", "0.00")])

    assert isinstance(found, Rejected)
    [error] = found.errors
    assert (error.code, error.target) == ("R312", "Items")
    assert "rows 1 and 2" in error.message


def test_places_of_errors(flow: BoundFlow, workspace: Path) -> None:
    """A error names the row of its list, the row of the document, and the rule of its block."""
    items = [item("A", 0), item("B", 100), item(" ")]
    extras = [extra("C", "3.00"), extra(None, "2.00")]

    found = outcome(flow, workspace, items=items, extras=extras, value="1.00")

    assert errors(found) == [
        ("R303", "Items[0].Quantity", "parcel.items[1].quantity"),
        ("R201", "Items[1].Article", "parcel.items[2].sku"),
        ("R201", "Items[2].Article", "parcel.extras[1].sku"),
        ("R303", "Items[4].Quantity", "parcel.value, parcel.items[].price, parcel.extras[].price"),
    ]
    lines = (workspace / SPEC).read_text(encoding="utf-8").splitlines()
    told = [_line_of(error, lines) for error in found.errors]
    assert [line.split(":")[0] for line in told] == ["Quantity", "Article", "Article", "Quantity"]
    assert ["item" in told[0], "item" in told[1]] == [True, True]


def _line_of(error: ErrorReport, lines: list[str]) -> str:
    assert error.spec is not None
    return lines[int(error.spec.split(":")[1]) - 1].strip()


def test_values_of_a_wrong_type(flow: BoundFlow, workspace: Path) -> None:
    """What cannot even be read is placed likewise: the row of the document is known."""
    items = [item("A", 0), {**item("B"), "sku": 7}]

    found = outcome(flow, workspace, items=items, value="26.50")

    assert errors(found) == [("R102", "Items[0].Article", "parcel.items[1].sku")]


def test_a_list_that_is_none(flow: BoundFlow, workspace: Path) -> None:
    """Behind a block of unknown length, rows of the document have no numbers; all is looked at."""
    found = outcome(flow, workspace, items=7, extras=[extra(None)])

    assert errors(found) == [
        ("R102", "Items", "parcel.items"),
        ("R201", "Items[].Article", "parcel.extras[0].sku"),
    ]


def test_group_is_no_row_of_the_source(flow: BoundFlow, workspace: Path) -> None:
    """A error of a group shows no row's number, and no value where its rows are personal."""
    long = "0123456789AB"
    extras = [extra("CUP-02", "1.00"), extra(long, "1.00"), extra(long, "1.00")]

    found = outcome(flow, workspace, extras=extras, value="15.50")

    assert isinstance(found, Rejected)
    [error, repeated] = found.errors
    assert (error.code, error.target) == ("R301", "Items[4].Article")
    assert error.source_path == "parcel.extras[].sku"
    assert error.value == "(masked: personal)"
    assert repeated.code == "R312"


def test_examples_of_a_block(workspace: Path) -> None:
    """The examples of a rule in a block are about the first row that its own block makes."""
    under_test = FlowUnderTest.load(workspace / "generated" / "deliveries")

    second, single = (f"#mapping/fields/Items/blocks/{number}" for number in (1, 3))
    assert under_test.field_after("Items[].Article", "extras", '{"sku": " Y "}', second) == '"Y"'
    assert under_test.field_after("Items[].Article", "extras", '{"sku": null}', second) is None
    assert under_test.field_after("Items[].Quantity", "", '{"value": "40.00"}', single) == "26"


def test_rule_of_a_refused_field(workspace: Path) -> None:
    """Of a row of the document nobody can say which block it is of: all of them are named."""
    text = (workspace / "generated/deliveries/map.json").read_bytes()
    rules = load_rules(text, lambda pointer: pointer)

    found = rules.find("Items[2].Article")

    assert found is not None
    rule, indices = found
    assert indices == (2,)
    assert rule.source_path(indices) == "parcel.items[].sku, parcel.extras[].sku"
    assert rule.spec.split(", ") == [
        f"mapping/fields/Items/blocks/{number}/fields/Article" for number in (0, 1, 2)
    ]


def test_generated_code_is_typed(workspace: Path) -> None:
    """One class is shared by all blocks: what one of them leaves out has a default."""
    text = (workspace / "generated/deliveries/transformer.py").read_text(encoding="utf-8")

    assert "class DeliveryItem(Struct, frozen=True, gc=False, kw_only=True):" in text
    assert "    Article: StringValue\n" in text
    assert "    Note: StringValue | UnsetType = UNSET\n" in text
    assert text.count("-> DeliveryItem:") == 4
    assert "group: Group[str, Extra]" in text
    assert "[*item_items, *extra_items, *group_items, *single_items]" in text


def test_grouped() -> None:
    """Groups come in the order in which their keys first turn up; 1.0 and 1.00 are one key."""
    words = ["bb", "a", "cc", "b"]

    assert grouped(words, len) == [Group(2, ["bb", "cc"]), Group(1, ["a", "b"])]
    assert grouped([], len) == []


def test_lines_of_annotated_rules() -> None:
    """A rule whose local has a type beside it is found in the code as any other."""
    code = "def bind():\n    def made():\n        rows: list[Row] = []\n        other = rows\n"

    assert _lines(code) == {"made.rows": 3, "made.other": 4}
