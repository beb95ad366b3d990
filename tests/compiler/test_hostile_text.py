"""Whatever the texts and names of a spec and its schemas are, the generated code does the same."""

from __future__ import annotations

import ast
import io
import json
import sys
import tempfile
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mapgen.disk.workspace import Workspace
from mapgen.ir.types import ScalarName
from mapgen.project.compiler import generate
from mapgen.report import Stopped
from mapgen.report.render import as_github, as_json, as_sarif, as_text
from mapgen.runtime.testing import FlowUnderTest
from tests.depth import examples
from tests.hostile.texts import NAMES, TEXTS
from tests.typed import untyped

from .cases import BASE, CASES
from .put_together import FLOWS, wrapped
from .put_together import member as _member
from .put_together import quoted as _quoted

Harmless = Mapping[str, Mapping[str, str]]

texts = st.sampled_from(TEXTS) | st.text(max_size=12)
names = st.sampled_from(NAMES)

# The places of a spec: names of the author, and texts of which any may be anything.
OF_NAMES = (
    *("source", "setting", "table", "item", "place", "local"),
    *("document", "other", "joined", "rows"),
)
OF_TEXTS = (
    *("number", "flag", "remark", "place_in", "street", "city", "rows_in", "sku", "amount", "day"),
    *("title", "owner", "skipped", "because", "word", "constant", "check", "entry", "example"),
    *("unused", "reason", "part"),
)
# Words that say nothing: the check of personal data is of no matter here.
HARMLESS = {name: f"word{at:02}x" for at, name in enumerate((*OF_NAMES, *OF_TEXTS))}
WAYS = ("in", "out", *FLOWS)


def spec_of(of: Mapping[str, str], way: str) -> str:
    """Return a spec in which the places hold these names and texts.

    `in`: the names are those of the source, and the documents are the ERP's; `out`: the records
    are, and the names are those of the documents; else a flow that is put together.
    """
    mapping = {"in": _inward, "out": _outward, **_MAPPINGS}[way](of)
    right = ["read"] if way == "out" else ["read", "insert"]
    entities = FLOWS[way].entities if way in FLOWS else ("Delivery",)
    settings = {of["setting"]: "string"}
    examples = [{"name": of["example"], "given": "examples/in.json", "gives": "examples/out.json"}]
    spec = {
        "maps": 1,
        "flow": "deliveries",
        "summary": of["title"],
        "owner": of["owner"],
        "mapping": {**mapping, "settings": settings, "examples": examples},
        "auth": {
            "target": "depot",
            "access": dict.fromkeys(entities, right),
        },
        "performance": {"mode": "queued", "volume": {"peak_per_minute": 20, "per_day": 2000}},
        "security": {"data": {}, "rollback": {"irreversible": of["reason"]}},
    }
    whole = json.loads(json.dumps(spec))  # each part by itself: specs know no aliases
    return yaml.safe_dump(whole, sort_keys=False)


_MAPPINGS = {name: flow.mapping for name, flow in FLOWS.items()}


def _inward(of: Mapping[str, str]) -> dict[str, Any]:
    record, item, place = of["source"], of["item"], of["place"]
    return {
        "source": {
            "name": record,
            "schema": "schemas/in.schema.json",
            "key": _member(record, of["number"]),
        },
        "target": {"contract": "depot-1.200.001", "entity": "Delivery", "operation": "create"},
        "lookups": {of["table"]: {"inline": {of["entry"]: "S1", "b": "S2"}}},
        "let": {of["local"]: f"{_member(record, of['remark'])} + {_quoted(of['word'])}"},
        "skip": [{"when": _member(record, of["flag"]), "because": of["skipped"]}],
        "identity": {
            "field": "Reference",
            "value": f"{_member(record, of['number'])} + '-' + settings.{of['setting']}",
        },
        "fields": {
            "DeliveryType": {"const": "DL"},
            "Carrier": {"lookup": of["table"], "key": _member(record, of["remark"])},
            "Planned": f"{record}.?`{of['day']}`",
            "Remark": {
                "value": _member(record, of["remark"]),
                "because": of["because"],
                "too_long": "truncate",
            },
            "Fragile": f"{of['local']} == {_quoted(of['constant'])}",
            "AddressOverride": {"const": True},
            "Address": {
                "object": f"{record}.?`{of['place_in']}`",
                "as": place,
                "fields": {
                    "Street": {"value": _member(place, of["street"]), "too_long": "reject"},
                    "City": {"value": f"{place}.?`{of['city']}`", "too_long": "reject"},
                },
            },
            "Items": {
                "blocks": [
                    {
                        "each": _member(record, of["rows_in"]),
                        "as": item,
                        "fields": {
                            "Article": {"value": _member(item, of["sku"]), "too_long": "reject"},
                            "Quantity": f"{_member(item, of['amount'])} + 1",
                            "Note": of["local"],
                        },
                    },
                    {
                        "when": f"{_member(record, of['remark'])} != {_quoted(of['part'] + '!')}",
                        "fields": {
                            "Article": {"const": "LABEL"},
                            "Quantity": {"const": 1},
                            "Note": f"{_quoted(of['constant'])} + {_member(record, of['remark'])}",
                        },
                    },
                ]
            },
        },
        "custom": {"Document.UsrShelf": f"{of['local']} + {_quoted(of['part'])}"},
        "checks": [
            {
                "name": of["check"],
                "that": f"{_member(record, of['number'])} != {_quoted(of['part'])}",
            }
        ],
        "ignore": {f"{record}.{of['unused']}": of["reason"]},
    }


def _outward(of: Mapping[str, str]) -> dict[str, Any]:
    record, item = of["source"], of["item"]
    return {
        "source": {
            "name": record,
            "contract": "depot-1.200.001",
            "entity": "Delivery",
            "key": f"{record}.DeliveryNbr",
        },
        "target": {"schema": "schemas/out.schema.json", "name": "Notice", "operation": "create"},
        "lookups": {of["table"]: {"inline": {of["entry"]: "S1", "express": of["constant"]}}},
        "let": {of["local"]: f"{record}.?Remark.orValue('') + {_quoted(of['word'])}"},
        "skip": [{"when": f"{record}.?Status.orValue('') == 'Shut'", "because": of["skipped"]}],
        "identity": {
            "field": of["number"],
            "value": f"{record}.DeliveryType + {record}.DeliveryNbr + settings.{of['setting']}",
        },
        "fields": {
            of["remark"]: {"const": of["constant"], "because": of["because"]},
            of["sku"]: of["local"],
            of["unused"]: {
                "lookup": of["table"],
                "key": f"{record}.?Carrier",
                "on_miss": "omit",
            },
            of["day"]: {"value": f"{record}.?Planned", "if_missing": "reject"},
            of["place_in"]: {"fields": {of["street"]: f"{record}.?Carrier"}},
            of["rows_in"]: {
                "each": f"{record}.Items",
                "as": item,
                "fields": {
                    of["part"]: {"value": f"{item}.?Article", "if_missing": "reject"},
                    of["amount"]: {"value": f"{item}.?Quantity", "if_missing": _AMOUNT},
                },
            },
        },
        "checks": [{"name": of["check"], "that": f"{record}.DeliveryNbr != {_quoted(of['city'])}"}],
    }


_AMOUNT = "0.0"
_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}


def schema_of(of: Mapping[str, str], way: str) -> dict[str, Any]:
    """Return the schema of the source, or of the target."""
    amount = {"type": "integer"} if way == "in" else {"type": "number"}
    part = of["sku"] if way == "in" else of["part"]
    row = {
        "type": "object",
        "required": [part, of["amount"]],
        "properties": {part: _TEXT, of["amount"]: amount},
    }
    if way == "out":
        place = {"type": "object", "properties": {of["street"]: _TEXT}}
        return {
            "type": "object",
            "required": [of["number"], of["day"]],
            "properties": {
                of["number"]: _TEXT,
                of["remark"]: {"type": "string", "enum": [of["constant"], "other"]},
                of["sku"]: _TEXT,
                of["unused"]: _TEXT,
                of["day"]: _DAY,
                of["place_in"]: place,
                of["rows_in"]: {"type": "array", "items": row},
            },
        }
    place = {
        "type": "object",
        "required": [of["street"]],
        "properties": {of["street"]: _TEXT, of["city"]: _TEXT},
    }
    return {
        "type": "object",
        "required": [of["number"], of["flag"], of["remark"], of["rows_in"]],
        "properties": {
            of["number"]: {"type": "string", "readOnly": True},
            of["flag"]: {"type": "boolean"},
            of["remark"]: _TEXT,
            of["rows_in"]: {"type": "array", "items": row},
            of["place_in"]: place,
            of["day"]: _DAY,
            of["unused"]: _TEXT,
        },
    }


def example_of(of: Mapping[str, str], way: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a record and what it becomes."""
    if way in FLOWS:
        return FLOWS[way].example(of)
    if way == "in":
        record = {
            of["number"]: "7",
            of["flag"]: False,
            of["remark"]: "b",
            of["rows_in"]: [{of["sku"]: "A", of["amount"]: 1}, {of["sku"]: "B", of["amount"]: 2}],
            of["place_in"]: {of["street"]: "Quay", of["city"]: "Port"},
            of["day"]: "2026-01-31",
            of["unused"]: "",
        }
        document = {
            "Reference": "7-north",
            "DeliveryType": "DL",
            "Carrier": "S1" if of["entry"] == "b" else "S2",
            "Planned": "2026-01-31",
            "Remark": "b",
            "Fragile": "b" + of["word"] == of["constant"],
            "AddressOverride": True,
            "Address": {"Street": "Quay", "City": "Port"},
            "Items": [
                {"Article": "A", "Quantity": 2, "Note": "b" + of["word"]},
                {"Article": "B", "Quantity": 3, "Note": "b" + of["word"]},
                {"Article": "LABEL", "Quantity": 1, "Note": of["constant"] + "b"},
            ],
        }
        project = {"type": "CustomStringField", "value": "b" + of["word"] + of["part"]}
        return record, {**wrapped(document), "custom": {"Document": {"UsrShelf": project}}}
    record = wrapped(
        {
            "DeliveryType": "DL",
            "DeliveryNbr": "000017",
            "Remark": "b",
            "Carrier": "express",
            "Planned": "2026-02-03T00:00:00+00:00",
            "Items": [{"Article": "A", "Quantity": 2}],
        }
    )
    return record, {
        of["number"]: "DL000017north",
        of["remark"]: of["constant"],
        of["sku"]: "b" + of["word"],
        of["unused"]: of["constant"],
        of["day"]: "2026-02-03",
        of["place_in"]: {of["street"]: "express"},
        of["rows_in"]: [{of["part"]: "A", of["amount"]: 2}],
    }


def build(of: Mapping[str, str], way: str, root: Path) -> Workspace:
    """Write a workspace with these names and texts."""
    record, document = example_of(of, way)
    environment = (BASE / "specs/environments/test.yaml").read_text("utf-8").partition("settings:")
    contract = "contracts/depot-1.200.001.json"
    base = CASES / "_documents" if way in FLOWS else BASE
    schemas = FLOWS[way].schemas(of) if way in FLOWS else {way: schema_of(of, way)}
    files = {
        "deliveries.maps.yaml": spec_of(of, way),
        **{f"schemas/{name}.schema.json": json.dumps(one) for name, one in schemas.items()},
        "examples/in.json": json.dumps(record),
        "examples/out.json": json.dumps(document),
        contract: (base / "specs" / contract).read_text("utf-8"),
        "connections/depot.yaml": (BASE / "specs/connections/depot.yaml").read_text("utf-8"),
        "environments/test.yaml": f"{environment[0]}settings:\n"
        f"  deliveries:\n    {json.dumps(of['setting'])}: north\n",
    }
    for path, text in files.items():
        (root / "specs" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "specs" / path).write_text(text, "utf-8")
    return Workspace(root)


class _Shape(ast.NodeTransformer):
    """Names, texts and renamed members made alike: what is left is what the code does."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant("text") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """An empty text leaves no part behind: what counts is which values are between texts."""
        values = [part for part in node.values if isinstance(part, ast.FormattedValue)]
        return ast.JoinedStr([self.visit(part) for part in values])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("name")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return ast.Attribute(node.value, "name")

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg("name")

    def visit_keyword(self, node: ast.keyword) -> ast.AST | None:
        self.generic_visit(node)
        return None if node.arg == "rename" else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.name = "name"
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.name = "name"
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        return node


def shape(code: str) -> str:
    """Return the syntax tree of a module without its names and texts."""
    return ast.dump(_Shape().visit(ast.parse(code, type_comments=True)))


def compiled(of: Mapping[str, str], way: str, root: Path) -> Mapping[str, str] | None:
    """Return the generated files, written below the workspace, or None where there are errors."""
    workspace = build(of, way, root)
    try:
        files = generate(workspace, workspace.spec_paths())
    except Stopped as stopped:
        shown = as_text(stopped.diagnostics) + as_github(stopped.diagnostics)
        assert all(line.isprintable() or "\t" in line for line in shown.split("\n"))
        json.loads(as_json(stopped.diagnostics))
        json.loads(as_sarif(stopped.diagnostics, "1"))
        return None
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return files


def broken(files: Mapping[str, str]) -> Iterator[str]:
    """Yield the files that are not what their readers take."""
    for path, text in files.items():
        if path.endswith(".json"):
            json.loads(text)
        elif path.endswith(".md"):
            columns = 0
            for line in text.split("\n"):
                bars = line.replace("\\|", "").count("|")
                if not line.startswith("|"):
                    columns = 0
                elif columns and bars != columns:
                    yield f"{path}: {line}"
                else:
                    columns = bars
                if not line.isprintable():
                    yield f"{path}: {line}"
        else:
            list(tokenize.generate_tokens(io.StringIO(text).readline))
            if not all(line.isprintable() for line in text.split("\n")):
                yield path


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """Return the files of harmless texts, by the way that records go."""
    found = {way: compiled(HARMLESS, way, tmp_path_factory.mktemp("harmless")) for way in WAYS}
    return {way: files for way, files in found.items() if files is not None}


def same_code(of: Mapping[str, str], way: str, harmless: Harmless) -> bool:
    """Hold the code of these texts against that of harmless ones; tell whether there is any."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = compiled(of, way, root)
        if files is None:
            return False
        assert not list(broken(files))
        for name in ("transformer.py", "test_deliveries.py"):
            path = f"generated/deliveries/{name}"
            assert shape(files[path]) == shape(harmless[way][path])
        try:
            flow = FlowUnderTest.load(root / "generated/deliveries")
            (example,) = flow.examples
            assert flow.document(example.given) == example_of(of, way)[1]
        finally:
            sys.modules.pop("mapgen_generated_deliveries", None)
    return True


def test_harmless_texts(harmless: Harmless) -> None:
    """The flow that others are validated against works."""
    for way in WAYS:
        assert same_code(HARMLESS, way, harmless)


def _ways(at: int) -> list[tuple[int, str]]:
    """Return the ways for a name or text, with their numbers: two of them, or all to be deep."""
    numbers = {(at + number) % len(WAYS) for number in range(min(examples(2), len(WAYS)))}
    return [(number, WAYS[number]) for number in sorted(numbers)]


@pytest.mark.parametrize("at", range(len(TEXTS)))
def test_a_text_in_some_places(at: int, harmless: Harmless) -> None:
    """Each text in a place or two, all places and ways by turns."""
    for number, way in _ways(at):
        place = OF_TEXTS[(at * 7 + number * 3) % len(OF_TEXTS)]
        same_code({**HARMLESS, place: TEXTS[at]}, way, harmless)


@pytest.mark.parametrize("at", range(len(NAMES)))
def test_a_name_in_some_places(at: int, harmless: Harmless) -> None:
    """Each name in a place or two, all places and ways by turns."""
    for number, way in _ways(at):
        place = OF_NAMES[(at + number) % len(OF_NAMES)]
        same_code({**HARMLESS, place: NAMES[at]}, way, harmless)


@pytest.mark.parametrize("way", WAYS)
def test_a_record_called_like_a_type(way: str, harmless: Harmless) -> None:
    """A record called `date` is no date, however records are made."""
    for name in get_args(ScalarName):
        same_code({**HARMLESS, "source": name}, way, harmless)


def test_an_empty_text_between_values(harmless: Harmless) -> None:
    """An f-string without the text is still the same code."""
    assert same_code({**HARMLESS, "word": ""}, "in", harmless)


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_texts_in_any_places(harmless: Harmless, data: st.DataObject) -> None:
    """Several texts at once, which may meet each other in one name."""
    of = dict(HARMLESS)
    for place in data.draw(st.lists(st.sampled_from(list(HARMLESS)), max_size=12)):
        of[place] = data.draw(names if place in OF_NAMES else texts)
    # Two members of one object that have one name are one member.
    assume(len(set(of.values())) == len(of))
    same_code(of, data.draw(st.sampled_from(WAYS)), harmless)


def test_types_hold_for_any_names_and_texts(tmp_path: Path) -> None:
    """What mypy says of a module depends on no name and no text: many modules, one run."""
    modules = 0
    for at in range(0, len(NAMES), 3):
        for way in WAYS:
            names_here = {OF_NAMES[at // 3 % len(OF_NAMES)]: NAMES[at]}
            texts_here = {OF_TEXTS[at % len(OF_TEXTS)]: TEXTS[at % len(TEXTS)]}
            root = tmp_path / f"flow_{at}_{way}"
            files = compiled({**HARMLESS, **names_here, **texts_here}, way, root)
            if files is not None:
                module = tmp_path / f"module_{at}_{way}.py"
                module.write_text(files["generated/deliveries/transformer.py"], "utf-8")
                modules += 1
    assert modules > 10

    assert untyped(tmp_path, "module_*.py") == []
