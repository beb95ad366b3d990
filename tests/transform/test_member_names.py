"""Members of any name: what reads them, and what is reported them, is as of any other member."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mapgen.agreed.escaped import carried
from mapgen.agreed.paths import (
    covers,
    holder_of,
    member_path,
    steps,
    upwards,
    without_numbers,
    without_rows,
)
from mapgen.agreed.plan import Form
from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs, generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.source import Amount, patient
from mapgen.runtime.sources.cells import Row
from mapgen.runtime.sources.columns import CsvReader
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.sources.spelling import Spelling
from tests.compiler.cases import SPEC, build

NAMES = {
    "dots": "a.b",
    "a dot": ".",
    "marks of rows": "x[].y[0]",
    "brackets": "[]",
    "backquotes": "`a``.b`",
    "nothing": "",
    "blanks": "a b c",
    "what JSON escapes": 'a"b\\c\nd\te␛',
    "signs": "@odata.next-Link$",
    "a digit": "1st",
    "a word": "true",
    "another script": "цена.нетто",
}
# What becomes of the smallest flow's members: at the record, in an object, in rows.
ROWS, TAGS = "{}s", "{}.t"


def _written(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))


def _workspace(root: Path, name: str) -> Path:
    """Return the workspace of the smallest flow, most of whose members have other names."""
    workspace = build("../cases/_base", root)
    path = workspace / "specs/schemas/parcel.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    known = schema["properties"]
    schema["required"] = [*schema["required"][:-2], ROWS.format(name), TAGS.format(name)]
    known[name], known[ROWS.format(name)] = known.pop("remark"), known.pop("items")
    known[TAGS.format(name)] = known.pop("tags")
    recipient, row = known["recipient"], known[ROWS.format(name)]["items"]
    recipient["required"] = [name]
    for one, member in ((recipient, "street"), (row, "sku")):
        one["properties"][name] = one["properties"].pop(member)
    path.write_text(json.dumps(schema, ensure_ascii=False), "utf-8")
    example = workspace / "specs/examples/parcel.json"
    example.write_text(json.dumps(_record(name, json.loads(example.read_text("utf-8")))), "utf-8")
    spec = workspace / SPEC
    # Within braces, PyYAML does not read the `?` of expressions.
    said = yaml.safe_load(spec.read_text("utf-8").replace(".?", "."))
    fields, own = said["mapping"]["fields"], _written(name)
    rows, tags = _written(ROWS.format(name)), _written(TAGS.format(name))
    fields["Address"]["object"] = "parcel.?recipient"
    fields["Address"]["fields"]["City"] = "recipient.?city"
    fields["Remark"]["value"] = f"parcel.?{own}.trim()"
    fields["Address"]["fields"]["Street"]["value"] = f"recipient.{own}"
    fields["Items"]["each"] = f"parcel.{rows}"
    fields["Items"]["fields"]["Article"]["value"] = f"item.?{own}.trim()"
    said["mapping"]["checks"][0]["that"] = f"parcel.{rows}.map(i, i.price).sum() == parcel.value"
    said["mapping"]["ignore"] = {f"parcel.{tags}": "marketing data"}
    said["security"]["data"] = {f"parcel.recipient.{own}": "personal"}
    spec.write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=999), "utf-8")
    return workspace


def _record(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the members as the schema calls them."""
    recipient = {name if key == "street" else key: of for key, of in value["recipient"].items()}
    rows = [
        {name if key == "sku" else key: of for key, of in row.items()} for row in value["items"]
    ]
    found = {**value, name: value["remark"], "recipient": recipient, ROWS.format(name): rows}
    found[TAGS.format(name)] = value["tags"]
    return {key: of for key, of in found.items() if key not in ("remark", "items", "tags")}


@pytest.fixture(scope="module", params=NAMES)
def flow(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, Any]]:
    """A flow whose members are called so: the name, its workspace, generated, and its example."""
    name = NAMES[request.param]
    workspace = _workspace(tmp_path_factory.mktemp("names"), name)
    for path, content in generate(Workspace(workspace), [SPEC]).items():
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(content, encoding="utf-8")
    example = (workspace / "specs/examples/parcel.json").read_text("utf-8")
    return name, workspace, json.loads(example)


def _outcome(workspace: Path, record: dict[str, Any]) -> Outcome:
    transformer = open_flow(workspace, "deliveries", None, {}, sample_of).transformer
    (found,) = transformer.outcomes(RawRecord(1, 1, json.dumps(record).encode()), "parcels.json")
    return found


def test_reads_members(flow: tuple[str, Path, dict[str, Any]]) -> None:
    """The example becomes its document, and the mapping document names what is read and ignored."""
    name, workspace, record = flow
    found = _outcome(workspace, record)

    assert isinstance(found, Document)
    body = json.loads(found.body)
    assert body["Remark"]["value"] == record[name].strip()
    assert body["Address"]["Street"]["value"] == record["recipient"][name]
    assert body["Items"][0]["Article"]["value"] == record[ROWS.format(name)][0][name]
    (document,) = (workspace / "generated").rglob("DELIVERIES.md")
    text = document.read_text("utf-8")
    for path in (member_path("parcel", TAGS.format(name)), member_path("parcel.recipient", name)):
        assert " ".join(path.split()) in text


def test_tells_where_errors_are(flow: tuple[str, Path, dict[str, Any]]) -> None:
    """Of a record with all of them wrong, each at its place; what is personal is masked."""
    name, workspace, record = flow
    rows = [
        {**record[ROWS.format(name)][0], name: 5},
        {name: "X" * 99, "quantity": 1, "price": "1"},
    ]
    wrong = {
        **record,
        name: [],
        "recipient": {name: "12 Secret Lane" * 30},
        ROWS.format(name): rows,
    }
    found = _outcome(workspace, wrong)

    assert isinstance(found, Rejected)
    own = member_path("parcel", ROWS.format(name))
    assert {one.source_path for one in found.errors} >= {
        member_path("parcel", name),
        member_path("parcel.recipient", name),
        member_path(f"{own}[0]", name),
        member_path(f"{own}[1]", name),
    }
    assert "Secret" not in repr(found)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_is_there_inside_a_part(name: str, tmp_path: Path) -> None:
    """What the condition of a part asks for is there inside it, whatever it is called."""
    workspace = _workspace(tmp_path, name)
    spec = workspace / SPEC
    said = yaml.safe_load(spec.read_text("utf-8"))
    remark = f"parcel.{_written(name)}"
    said["mapping"]["fields"]["Address"] = {
        "when": f"has({remark}) && has(parcel.recipient)",
        "fields": {"Street": f"{remark} + ', ' + parcel.recipient.{_written(name)}"},
    }
    said["mapping"]["ignore"]["parcel.recipient.city"] = "the street is enough"
    spec.write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=999), "utf-8")

    assert not check_specs(Workspace(workspace), [SPEC]).diagnostics


def test_tells_of_members_that_nothing_reads(tmp_path: Path) -> None:
    """By their paths, which an `ignore` takes as they are."""
    workspace = _workspace(tmp_path, "a.b")
    spec = workspace / SPEC
    text = spec.read_text("utf-8")
    before = "parcel.`a.b.t`: marketing data"
    assert before in text
    spec.write_text(text.replace(before, "parcel.a.b.t: marketing data"), "utf-8")
    errors = check_specs(Workspace(workspace), [SPEC]).diagnostics

    assert [one.code for one in errors] == ["E432"]
    assert "parcel.`a.b.t`" in str(errors[0])


@given(st.lists(st.tuples(st.text(".[]`a0", max_size=5), st.sampled_from(("", "[]", "[7]")))))
def test_paths_say_their_names(members: list[tuple[str, str]]) -> None:
    """Names and marks come back from a path, whatever they are, and so does what holds each."""
    path, above = "r", [("", "r")]
    for name, rows in members:
        above.append((path, name))
        path = f"{member_path(path, name)}{rows}"

    assert steps(path) == [("r", ""), *members]
    assert without_numbers(path).count("[7]") == sum("[7]" in name for name, _ in members)
    assert holder_of(path) == above[-1]
    assert all(covers(one, path) for one, _ in above[1:])
    assert without_rows(without_numbers(path)) == "r" + "".join(
        member_path("", name) for name, _ in members
    )
    assert [one for one in upwards(path) if one == path] == [path]


class _Cells(msgspec.Struct, rename={"size": carried('Size 19"\n(cm)'), "net": "price.net"}):
    size: str
    net: Amount | None = None


@pytest.mark.parametrize(
    ("cells", "expected", "told"),
    [
        (["3", "1.50"], ("3", Decimal("1.50")), []),
        (["3", "x"], None, ["row.`price.net`"]),
        (["", "1"], None, ['row.Size 19"\n(cm)']),
    ],
)
def test_columns_of_any_name(cells: list[str], expected: object, told: list[str]) -> None:
    """A column is found by its name, whatever is in it, and told of by it."""
    row = Row(1, 1, ('Size 19"\n(cm)', "price.net"), cells)
    found = CsvReader(_Cells, Spelling(Form(format="csv"))).read(row)
    named = {name: cell for name, cell in row.named().items() if cell}
    read, errors = patient(named, _Cells, "row")

    assert expected == (None if found is None else (found.size, found.net))
    assert [one.path for one in errors] == told
    assert told or read == found
