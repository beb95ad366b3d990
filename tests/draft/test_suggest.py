"""`mapgen suggest`: a source schema and an entity in, the draft of a spec out."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mapgen.contract.lock import load
from mapgen.contract.source_schema import SourceSchema, read_source_schema
from mapgen.disk.workspace import Workspace
from mapgen.draft.names import likeness, snake
from mapgen.draft.proposals import Part, Rule, propose
from mapgen.draft.writing import Frame, draft
from mapgen.ir import flow as ir
from mapgen.ir.names import singular
from mapgen.project.compiler import check_specs
from mapgen.report import Source
from mapgen.spec.fitting import diagnostics_of
from mapgen.spec.model import Spec
from mapgen.spec.nodes import read_yaml
from tests.cli.conftest import mapgen

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = load(ROOT / "specs" / "contracts" / "default-24.200.001.json")
SCHEMA = "schemas/shopify-order.schema.json"
SUGGEST = ("suggest", "--source", SCHEMA, "--entity", "SalesOrder")
TOP_LEVEL = sorted(name for name, entity in CONTRACT.entities.items() if entity.is_top_level)


def order_schema() -> SourceSchema:
    return read_source_schema(SCHEMA, (ROOT / "specs" / SCHEMA).read_text("utf-8"), "order")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with all that a spec refers to, and no spec."""
    ignored = shutil.ignore_patterns("*.maps.yaml", "defaults.yaml", "parts", "samples")
    shutil.copytree(ROOT / "specs", tmp_path / "specs", ignore=ignored)
    local = tmp_path / "specs" / "environments" / "local.yaml"
    local.write_text(local.read_text("utf-8").partition("settings:")[0], encoding="utf-8")
    return tmp_path


def codes(root: Path) -> Counter[str]:
    workspace = Workspace(root)
    return Counter(
        diagnostic.code for diagnostic in check_specs(workspace, workspace.spec_paths()).diagnostics
    )


def proposed(members: Iterable[Rule | Part], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the target and the source path of each value proposed."""
    for member in members:
        if isinstance(member, Part):
            rows = "[]" if member.is_rows else ""
            yield from proposed(member.members, f"{prefix}{member.target}{rows}.")
        elif member.reads is not None:
            yield f"{prefix}{member.target}", member.reads


def direct(part: ir.Part) -> Iterator[tuple[str, str]]:
    """Yield the target and the source path of each rule that hands on one source field."""
    for one in ir.parts_of(part):
        for member in one.members:
            kind = member.written[0][0] if isinstance(member, ir.Field) else ""
            if kind in ("value", "first_of") and not member.pointer.endswith("identity/value"):
                leaves = [read for read in member.reads if not read.endswith("_address")]
                if len(leaves) == 1 or (kind == "first_of" and leaves):
                    yield member.target, leaves[0]


def test_what_the_written_spec_has() -> None:
    """Of the rules that hand on one field of a shop's order, nearly all are proposed."""
    workspace = Workspace(ROOT)
    (flow,) = [
        flow
        for flow in check_specs(workspace, ["specs/shopify/orders.maps.yaml"]).flows
        if flow.spec.flow.value == "shopify_orders"
    ]
    written = dict(direct(flow.flow.documents[0].part))
    found = propose(CONTRACT, CONTRACT.entities["SalesOrder"], order_schema(), "order")
    there = dict(proposed(found.members))

    same = {target for target, path in written.items() if there.get(target) == path}
    assert (len(same), len(written)) == (32, 35)
    assert {target: there.get(target) for target in written.keys() - same} == {
        "ExternalOrderSource": None,  # source_name: half of the words
        "RequestedOn": None,  # the business decides
        "TaxCalcMode": None,  # a choice between two words
    }


def test_draft_of_an_order(workspace: Path) -> None:
    """A draft has four errors left: a customer to find, a zone, and an example in two files."""
    done = mapgen(*SUGGEST, "--output", "specs/orders.maps.yaml", cwd=workspace)

    assert (done.returncode, done.stderr) == (0, "")
    assert codes(workspace) == {"E425": 1, "E514": 1, "E101": 2}
    text = (workspace / "specs" / "orders.maps.yaml").read_text(encoding="utf-8")
    assert "  settings: {zone: timezone}\n" in text
    assert '    Date: {value: "date(order.created_at, settings.zone)", ' in text


def test_the_way_to_a_release(workspace: Path) -> None:
    """A draft with its gaps filled compiles; for a release each of its rules has to be reviewed."""
    path = workspace / "specs" / "orders.maps.yaml"
    mapgen(*SUGGEST, "--output", path, cwd=workspace)
    text = path.read_text(encoding="utf-8")
    text, gaps = re.subn(r"CustomerID: .*", "CustomerID: {const: C000001}", text)
    assert gaps == 1
    with (workspace / "specs" / "environments" / "local.yaml").open("a") as local:
        local.write("settings: {order_to_sales_order: {zone: America/New_York}}\n")
    text = text.replace("examples/order_to_sales_order", "shopify/examples/order-1001")
    path.write_text(text, encoding="utf-8")

    assert codes(workspace) == {}
    assert mapgen("generate", cwd=workspace).returncode == 0
    refused = mapgen("generate", "--check", "--release", cwd=workspace)
    assert refused.returncode == 1
    marks = text.count("proposed: true")
    assert marks > 40
    assert refused.stderr.count("error[E530]") == marks

    path.write_text(re.sub(r", proposed: true|\n +proposed: true", "", text), encoding="utf-8")
    released = mapgen("generate", "--check", "--release", cwd=workspace)
    assert released.returncode == 0, released.stderr


def test_a_mark_changes_no_code(workspace: Path) -> None:
    """What is generated of a proposed rule is what is generated of a reviewed one."""
    from mapgen.project.compiler import generate

    path = workspace / "specs" / "orders.maps.yaml"
    written = (ROOT / "specs/stripe/charges.maps.yaml").read_text(encoding="utf-8")
    (workspace / "specs/environments/local.yaml").write_bytes(
        (ROOT / "specs/environments/local.yaml").read_bytes()
    )
    defaults = (ROOT / "specs/defaults.yaml").read_text(encoding="utf-8")
    (workspace / "specs/defaults.yaml").write_text(defaults, encoding="utf-8")
    path.write_text(written, encoding="utf-8")
    before = generate(Workspace(workspace), ["specs/orders.maps.yaml"])
    marked = written.replace("{const: Prepayment}", "{const: Prepayment, proposed: true}")
    assert marked != written
    path.write_text(marked, encoding="utf-8")

    assert generate(Workspace(workspace), ["specs/orders.maps.yaml"]) == before


@pytest.mark.parametrize("name", TOP_LEVEL)
def test_every_entity(name: str, workspace: Path) -> None:
    """Whatever the entity, a draft has the language's shape, and what is proposed is right."""
    schema, entity = order_schema(), CONTRACT.entities[name]
    frame = Frame("drafted", "order", SCHEMA, "default-24.200.001", "acumatica")
    text = draft(frame, entity, schema, propose(CONTRACT, entity, schema, "order"))
    assert diagnostics_of(read_yaml(Source("draft", text)), Spec) == []

    (workspace / "specs" / "drafted.maps.yaml").write_text(text, encoding="utf-8")
    undecided = set() if entity.identities else {"E418"}
    assert set(codes(workspace)) <= {"E425", "E514", "E101", *undecided}


@pytest.mark.parametrize(
    ("target", "source", "is_like"),
    [
        pytest.param("PostalCode", "zip", True, id="a synonym"),
        pytest.param("PostalCode", "PostalCode", True, id="the same name"),
        pytest.param("OrderQty", "order_qty", True, id="another style"),
        pytest.param("OrderQty", "OrderQuantity", True, id="in full"),
        pytest.param("InvoiceNbr", "invoice_number", True, id="an abbreviation"),
        pytest.param("TaxZone", "tax_zone_code", True, id="a weak word"),
        pytest.param("SalespersonID", "sales_person", True, id="one word or two"),
        pytest.param("LineNbr", "number", False, id="a part of the name"),
        pytest.param("State", "status", False, id="two letters of six"),
        pytest.param("UnitPrice", "total_price", False, id="the other price"),
        pytest.param("ShipOn", "shipping", False, id="the same beginning"),
        pytest.param("Date", "updated_at", False, id="the end of another word"),
    ],
)
def test_likeness(target: str, source: str, is_like: bool) -> None:
    """Names are alike by what they say, not by their letters alone."""
    assert bool(likeness(target, source)) == is_like


@pytest.mark.parametrize(
    ("better", "worse", "target"),
    [
        ("province_code", "province", "State"),
        ("country_code", "country", "Country"),
        ("zip", "postal_code", "PostalCode"),
        ("created_at", "date", "Date"),
    ],
)
def test_the_better_name(better: str, worse: str, target: str) -> None:
    """Of two names for a thing the one that fits the ERP's form is first."""
    assert likeness(target, better) > likeness(target, worse) > 0


@pytest.mark.parametrize(
    ("name", "one"),
    [("tax_lines", "tax_line"), ("taxes", "tax"), ("entries", "entry"), ("address", "address_row")],
)
def test_singular(name: str, one: str) -> None:
    """A row is called by one of its list's name."""
    assert singular(name, "{}_row") == one


@pytest.mark.parametrize(
    ("name", "written"), [("LineItems", "line_items"), ("SKU", "sku"), ("2nd", "part_2_nd")]
)
def test_snake(name: str, written: str) -> None:
    """Names in a spec are in small letters."""
    assert snake(name) == written


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(
            ("--source", SCHEMA, "--entity", "SalesOrdr"), 1, "`SalesOrder`", id="a near entity"
        ),
        pytest.param(
            ("--source", SCHEMA, "--entity", "Address"), 1, "error[E404]", id="a part of others"
        ),
        pytest.param(
            ("--source", "none.json", "--entity", "SalesOrder"), 1, "error[E101]", id="no schema"
        ),
        pytest.param(
            ("--source", "connections/acumatica.yaml", "--entity", "SalesOrder"),
            1,
            "error[E424]",
            id="no schema there",
        ),
        pytest.param(
            ("--source", SCHEMA, "--entity", "SalesOrder", "--flow", "My Flow"),
            2,
            "--flow",
            id="no name",
        ),
        pytest.param(("--source", SCHEMA), 2, "--entity", id="no entity"),
    ],
)
def test_what_cannot_be_drafted(
    arguments: tuple[str, ...], code: int, message: str, workspace: Path
) -> None:
    """A draft needs a schema, a contract and an entity of it; what is missing is reported."""
    done = mapgen("suggest", *arguments, cwd=workspace)

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr


def test_source_schema_from_samples(workspace: Path) -> None:
    """From samples to a draft: the inferred schema is one to propose from."""
    samples = sorted((workspace / "specs/shopify/examples").glob("order-100?.json"))
    mapgen(
        *("schema", "infer", *samples, "--name", "order"),
        *("--output", "specs/schemas/drafted-order.schema.json"),
        cwd=workspace,
    )
    done = mapgen(
        *("suggest", "--source", "specs/schemas/drafted-order.schema.json"),
        *("--entity", "SalesOrder", "--output", "specs/orders.maps.yaml"),
        cwd=workspace,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert codes(workspace) == {"E425": 1, "E514": 1, "E101": 2}
