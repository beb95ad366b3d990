"""The cookbook: each recipe compiles without an error, and gives what the page says it gives."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml

from mapgen.cli.flows import open_flow
from mapgen.cli.inputs import Input
from mapgen.disk.workspace import Workspace
from mapgen.project.binding import BoundFlow
from mapgen.project.compiler import generate
from mapgen.runtime.joins import Joins
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import ONLY, Document, Outcome, Rejected, Skipped
from tests.cli.conftest import mapgen
from tests.docs.walking import File, steps, take

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
CONTRACT = "specs/contracts/default-24.200.001.json"

SETTINGS = {
    "store": "kettle-fern",
    "branch": "MAIN",
    "guest": "GUEST",
    "default_ship_via": "GROUND",
    "books_zone": "America/New_York",
    "shop_zone": "Europe/Berlin",
}
PERSONAL = ("email", "company", "first_name", "last_name", "full_name", "shipping.street")

SPEC = """\
maps: 1
flow: {flow}
summary: A recipe
owner: nobody
mapping:
  source: {{name: order, schema: schemas/{flow}.schema.json, key: string(order.id)}}
{single}  examples: [{{name: one, given: given.json, gives: given.json}}]
{recipe}
auth:
  target: {connection}
  access: {access}
performance:
  mode: queued
  volume: {{peak_per_minute: 1, per_day: 1}}
security:
  data: {data}
  rollback: {{irreversible: a recipe}}
"""

TARGET = """\
  target: {contract: default-24.200.001, entity: SalesOrder, operation: create}
"""
IDENTITY = """\
  identity: {field: ExternalRef, value: string(order.id)}
"""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recipe of the page: its rules, and records with what becomes of them."""

    title: str
    rules: str
    cases: list[Any]

    @property
    def flow(self) -> str:
        return f"recipe_{self.title.partition('.')[0]}"

    @property
    def connection(self) -> str:
        """Where its documents go: to a tenant of its own, or where the flow does that it asks."""
        return "acumatica" if "ledger:" in self.rules else self.flow

    @property
    def needs_customer(self) -> bool:
        """Whether the document may be a new one."""
        return "operation: update" not in self.rules


def _recipes() -> list[Recipe]:
    sections = re.findall(
        r"^## (\d+\. [^\n]+)\n.*?^```yaml\n(.*?)^```.*?^```json\n(.*?)^```",
        PAGE,
        flags=re.MULTILINE | re.DOTALL,
    )
    return [Recipe(title, rules, json.loads(cases)) for title, rules, cases in sections]


RECIPES = _recipes()


def _pruned(schema: Any, records: Iterable[Any]) -> Any:
    """Return the part of a schema that these values use."""
    values = [value for value in records if value is not None]
    if "items" in schema:
        rows = [row for value in values for row in value]
        return {**schema, "items": _pruned(schema["items"], rows)}
    if "properties" not in schema:
        return schema
    used = {name for value in values for name in value}
    unknown = used - set(schema["properties"])
    assert not unknown, f"the page's schema does not know {unknown}"
    members = {
        name: _pruned(member, [value.get(name) for value in values])
        for name, member in schema["properties"].items()
        if name in used
    }
    needed = [name for name in schema.get("required", ()) if name in used]
    return {**schema, "properties": members, "required": needed}


def _has(schema: Any, path: str) -> bool:
    for name in path.split("."):
        schema = schema["properties"].get(name)
        if schema is None:
            return False
    return True


def _spec(recipe: Recipe, schema: Any) -> str:
    rules = recipe.rules
    makes_several = rules.startswith("documents:") or "\ndocuments:" in rules
    has_target = rules.startswith("target:")
    needs_customer = recipe.needs_customer and not makes_several
    if needs_customer and not re.search(r"^  CustomerID:", rules, flags=re.MULTILINE):
        any_customer = "fields:\n  CustomerID: {const: ANY}\n"
        rules = re.sub(r"^fields:\n", any_customer, rules, count=1, flags=re.MULTILINE)
    data = {f"order.{path}": "personal" for path in PERSONAL if _has(schema, path)}
    entities = re.findall(r"target: \{[^}]*entity: (\w+)", rules) or ["SalesOrder"]
    asked = re.findall(r"tenant: \{entity: (\w+)", rules)
    access = {entity: ["read"] for entity in asked} | {
        entity: ["read", "insert", "update"] for entity in entities
    }
    return SPEC.format(
        flow=recipe.flow,
        connection=recipe.connection,
        single="" if makes_several else f"{'' if has_target else TARGET}{IDENTITY}",
        recipe=indent(rules, "  "),
        access=json.dumps(access),
        data=json.dumps(data),
    )


def _tenant(acumatica: str, name: str) -> str:
    """Return the entry of another tenant, whose variables are its own."""
    own = acumatica.replace("  acumatica:", f"  {name}:")
    return own.replace("ACUMATICA_", f"{name.upper()}_")


def _take_flow(name: str, folder: Path, settings: dict[str, Any]) -> None:
    """Take a flow of the project over, with what it refers to: recipes may look up what it made."""
    spec = (ROOT / f"specs/{name}.maps.yaml").read_text(encoding="utf-8")
    uses = re.findall(r"parts/\w+\.parts\.yaml", spec)
    shared = [(ROOT / "specs" / path).read_text(encoding="utf-8") for path in uses]
    named = re.compile(r"(?:schema|given|gives|table): ([\w./-]+\.(?:json|csv))")
    referred = [path for text in (spec, *shared) for path in named.findall(text)]
    for pair in re.findall(r"^    ([\w/.-]+/examples/[\w.-]+): ", spec, flags=re.MULTILINE):
        files = (ROOT / "specs" / pair).parent.glob(f"{Path(pair).name}.*json")
        referred += [str(path.relative_to(ROOT / "specs")) for path in files]
    for path in (f"{name}.maps.yaml", "defaults.yaml", *uses, *referred):
        place = folder / "specs" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            shutil.copy(ROOT / "specs" / path, place)
    local = yaml.safe_load((ROOT / "specs/environments/local.yaml").read_text("utf-8"))
    flow = re.search(r"^flow: (\w+)$", spec, flags=re.MULTILINE)
    assert flow is not None
    settings[flow[1]] = local["settings"][flow[1]]


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace in which every recipe is a flow, generated."""
    folder = tmp_path_factory.mktemp("kitchen")
    for step in steps(PAGE):
        assert isinstance(step, File)
        take(step, folder)
    (folder / CONTRACT).parent.mkdir(parents=True)
    shutil.copy(ROOT / CONTRACT, folder / CONTRACT)
    shutil.copytree(ROOT / "specs/connections", folder / "specs/connections")
    (folder / "specs/given.json").write_text("{}", encoding="utf-8")
    whole = json.loads((folder / "specs/schemas/order.schema.json").read_text("utf-8"))
    settings = {}
    for recipe in RECIPES:
        schema = _pruned(whole, [{"id": 1, **case["given"]} for case in recipe.cases])
        place = folder / f"specs/schemas/{recipe.flow}.schema.json"
        place.write_text(json.dumps(schema), encoding="utf-8")
        (folder / f"specs/{recipe.flow}.maps.yaml").write_text(_spec(recipe, schema), "utf-8")
        connection = (ROOT / "specs/connections/acumatica.yaml").read_text("utf-8")
        (folder / f"specs/connections/{recipe.connection}.yaml").write_text(
            connection.replace("connection: acumatica", f"connection: {recipe.connection}"), "utf-8"
        )
        used = {name: value for name, value in SETTINGS.items() if f"  {name}:" in recipe.rules}
        settings[recipe.flow] = used
    local = (ROOT / "specs/environments/local.yaml").read_text("utf-8").partition("settings:")[0]
    tenant = local[local.index("  acumatica:") : local.index("  shop:")]
    names = {recipe.connection for recipe in RECIPES} - {"acumatica"}
    local = local.replace(tenant, tenant + "".join(_tenant(tenant, name) for name in sorted(names)))
    place = folder / "specs/environments/local.yaml"
    place.parent.mkdir()
    _take_flow("shopify/customers", folder, settings)
    place.write_text(f"{local}settings: {json.dumps(settings)}\n", encoding="utf-8")
    workspace = Workspace(folder)
    for path, text in generate(workspace, workspace.spec_paths()).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def _plain(document: Any) -> Any:
    if isinstance(document, list):
        return [_plain(row) for row in document]
    if not isinstance(document, dict):
        return document
    if "value" in document:
        return document["value"]
    return {name: _plain(member) for name, member in document.items()}


def _through(flow: BoundFlow, name: str, content: bytes) -> list[Outcome]:
    joins = Joins(flow.flow.plan, {})
    return list(Input(flow, Path(name), BytesIO(content), joins).outcomes())


def _outcomes(flow: BoundFlow, given: Any) -> list[Outcome]:
    record = json.dumps({"id": 1, **given}).encode()
    return _through(flow, "records.jsonl", record)


def _whole(documents: Iterable[Outcome], wanted: Any) -> Any:
    """Return all documents of a record by name, those of rows as a list."""
    whole: dict[str, Any] = {}
    for document in documents:
        assert isinstance(document, Document)
        plain = _plain(json.loads(document.body, parse_float=Decimal))
        if isinstance(wanted[document.document], list):
            whole.setdefault(document.document, []).append(plain)
        else:
            whole[document.document] = plain
    return whole


def test_recipes_are_numbered() -> None:
    """The recipes of the page are numbered without a gap."""
    assert len(RECIPES) > 20
    assert [recipe.flow for recipe in RECIPES] == [
        f"recipe_{n}" for n in range(1, len(RECIPES) + 1)
    ]
    assert all(recipe.cases for recipe in RECIPES)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.title)
def test_recipe(recipe: Recipe, kitchen: Path) -> None:
    """Each record becomes what the page says: a document, errors, a wait, or a skip."""
    flow = open_flow(kitchen, recipe.flow, "local", {}, sample_of)

    for case in recipe.cases:
        outcome, *others = _outcomes(flow, case["given"])
        match outcome:
            case Document(document=name) if name != ONLY:
                wanted = json.loads(json.dumps(case["gives"]), parse_float=Decimal)
                assert _whole([outcome, *others], wanted) == wanted
            case Document(body=body):
                document = _plain(json.loads(body, parse_float=Decimal))
                customer = {"CustomerID": "ANY"} if recipe.needs_customer else {}
                added = {"ExternalRef": "1", **customer}
                wanted = json.loads(json.dumps(case["gives"]), parse_float=Decimal)
                assert document == {**added, **wanted}
            case Rejected(errors=diagnostics):
                codes = " ".join(sorted(diagnostic.code for diagnostic in diagnostics))
                assert codes == case["deferred" if outcome.is_deferred else "rejects"]
            case Skipped(reason=reason):
                assert reason == case["skips"]


def test_out_of_the_erp(kitchen: Path) -> None:
    """The flow out of the ERP gives the document that the page shows."""
    flow = open_flow(kitchen, "shipped", "local", {}, sample_of)
    given = (kitchen / "specs/shipment.json").read_bytes()

    [outcome] = _through(flow, "shipments.json", given)

    assert isinstance(outcome, Document)
    shown = (kitchen / "specs/shipped.json").read_text("utf-8")
    assert json.loads(outcome.body) == json.loads(shown)


def test_out_of_the_erp_to_an_api(tmp_path: Path) -> None:
    """That flow, with the target, the connection and the lead of the page, is found right."""
    section = PAGE.partition("\n## Out of the ERP\n")[2].partition("\n## ")[0]
    target, connection, lead = re.findall(
        r"^```yaml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE
    )
    for step in steps(section):
        assert isinstance(step, File)
        take(step, tmp_path)
    spec = tmp_path / "specs/shipped.maps.yaml"
    plain = re.compile(r"^  target: \{schema.*\n", re.MULTILINE)
    written, count = plain.subn(indent(target, "  "), spec.read_text("utf-8"))
    assert count == 1
    spec.write_text(written, "utf-8")
    for name in (CONTRACT, "specs/connections/acumatica.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "specs/connections/notices.yaml").write_text(connection, "utf-8")
    local = yaml.safe_load((ROOT / "specs/environments/local.yaml").read_text("utf-8"))
    local["connections"].pop("shop")
    local["connections"] |= yaml.safe_load(lead)["connections"]
    local.pop("settings")
    (tmp_path / "specs/environments").mkdir()
    (tmp_path / "specs/environments/local.yaml").write_text(yaml.safe_dump(local), "utf-8")

    checked = mapgen("check", cwd=tmp_path)

    assert (checked.stderr, checked.returncode) == ("", 0)


def test_files_for_a_partner(tmp_path: Path) -> None:
    """That flow writes the file that the page shows, later what has changed, and goes by SFTP."""
    section = PAGE.partition("\n## Files for a partner\n")[2].partition("\n## ")[0]
    [shown] = re.findall(r"^```text\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    [elsewhere] = re.findall(r"^```yaml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    for step in steps(section):
        assert isinstance(step, File)
        take(step, tmp_path)
    for name in (CONTRACT, "specs/connections/acumatica.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    local = yaml.safe_load((ROOT / "specs/environments/local.yaml").read_text("utf-8"))
    local["connections"].pop("shop")
    local.pop("settings")
    (tmp_path / "specs/environments").mkdir()
    (tmp_path / "specs/environments/local.yaml").write_text(yaml.safe_dump(local), "utf-8")
    assert mapgen("generate", cwd=tmp_path).returncode == 0
    words = ("run", "stock_file", "--input", "specs/article.json", "--env", "local")

    assert "make the folder" in mapgen(*words, cwd=tmp_path).stderr
    (tmp_path / "outbox").mkdir()
    first = mapgen(*words, cwd=tmp_path)
    article = (tmp_path / "specs/article.json").read_text("utf-8")
    (tmp_path / "specs/article.json").write_text(article.replace("12.500000", "7"), "utf-8")
    second = mapgen(*words, cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    files = sorted(one for one in (tmp_path / "outbox").iterdir() if one.is_file())
    texts = [one.read_bytes().decode().replace("\r\n", "\n") for one in files]
    head, line, *_ = shown.splitlines(keepends=True)
    assert texts == [shown, head + line.replace("12.500000", "7")]
    assert re.fullmatch(r"stock-\d{8}T\d{9}Z-[0-9a-f]{12}-0001\.csv", files[0].name)

    spec = tmp_path / "specs/stock_file.maps.yaml"
    by_sftp, count = re.subn(r"send: \{files.*\}\n", elsewhere, spec.read_text("utf-8"))
    assert count == 1
    spec.write_text(by_sftp, "utf-8")
    connection, lead = re.findall(
        r"^```yaml\n(# (?:\S+partner.yaml|in `?\S+local.yaml\S* [^\n]*)\n.*?)^```$",
        PAGE.partition("\n## Records that come by themselves\n")[2],
        re.DOTALL | re.MULTILINE,
    )[:2]
    (tmp_path / "specs/connections/partner.yaml").write_text(connection, "utf-8")
    local["connections"] |= yaml.safe_load(lead)
    (tmp_path / "specs/environments/local.yaml").write_text(yaml.safe_dump(local), "utf-8")
    checked = mapgen("check", cwd=tmp_path)
    assert (checked.stderr, checked.returncode) == ("", 0)


INQUIRY = """<edmx:Edmx xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="PX.Data"><EntityType Name="OpenOrders"><Key><PropertyRef Name="Number"/></Key>
<Property Name="Number" Type="Edm.String"/><Property Name="Total" Type="Edm.Decimal"/>
<Property Name="ChangedAt" Type="Edm.DateTimeOffset"/></EntityType><EntityContainer>
<EntitySet Name="OpenOrders" EntityType="PX.Data.OpenOrders"/></EntityContainer></Schema>
</edmx:DataServices></edmx:Edmx>"""
INQUIRED = """\
maps: 1
flow: open_orders
summary: Open orders become files
owner: nobody
mapping:
  source:
    name: row
    schema: schemas/open-orders.schema.json
    key: row.Number
    {feed}
  target:
    {schema: schemas/order.json, name: Order, operation: upsert, send: {files: out, format: csv}}
  identity: {field: number, value: row.Number}
  fields: {total: row.?Total}
  ignore: {row.ChangedAt: what the feed goes by}
  examples: [{name: one, given: row.json, gives: order.json}]
auth: {target: acumatica}
performance: {mode: queued, schedule: every hour, volume: {peak_per_minute: 1, per_day: 1}}
security: {data: {}, rollback: {irreversible: a file cannot be taken back}}
"""


def test_a_generic_inquiry(tmp_path: Path) -> None:
    """The command of the page writes the schema, and a flow by the feed of the page is right."""
    [feed] = re.findall(r"^(feed: \{inquiry: .*\})$", PAGE, re.MULTILINE)
    [command] = re.findall(r"^mapgen (schema inquiry .*)$", PAGE, re.MULTILINE)
    (tmp_path / "gi.xml").write_text(INQUIRY, "utf-8")
    member = {"number": {"type": "string"}, "total": {"type": "number"}}
    schema = {"type": "object", "required": ["number"], "properties": member}
    spec = INQUIRED.replace("{feed}", feed)
    for path, text in {
        "open_orders.maps.yaml": spec,
        "schemas/order.json": json.dumps(schema),
        "row.json": '{"Number": "1", "Total": 12.50, "ChangedAt": null}',
        "order.json": '{"number": "1", "total": 12.50}',
        "connections/acumatica.yaml": (ROOT / "specs/connections/acumatica.yaml").read_text(
            "utf-8"
        ),
    }.items():
        (tmp_path / "specs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "specs" / path).write_text(text, "utf-8")

    written = mapgen(*command.split(), cwd=tmp_path)
    checked = mapgen("check", cwd=tmp_path)

    assert (written.stderr, written.returncode) == ("", 0)
    assert (checked.stderr, checked.returncode) == ("", 0)
