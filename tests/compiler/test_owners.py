"""What two flows may both make: told apart only by what is certain, wherever they run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.check.ends import Texts, beginnings_of, marks
from mapgen.check.owners import check_owners
from mapgen.check.writers import _marks_of_a_key
from mapgen.contract.source_schema import read_source_schema
from mapgen.disk.workspace import Workspace
from mapgen.expression import compile_expression
from mapgen.expression.scope import Binding, Scope, at
from mapgen.ir.types import STRING, Object
from mapgen.project.compiler import check_specs, generate
from mapgen.report import Diagnostic, Source, Text
from mapgen.runtime.folding import folded
from mapgen.spec.model import Environment
from mapgen.spec.reader import read
from tests.compiler.cases import BASE, build

ENVIRONMENT = "specs/environments/test.yaml"
PICKUPS = "specs/pickups.maps.yaml"
SCHEMA = """{"type": "object", "required": ["text", "number", "kind", "code"], "properties": {
"text": {"type": "string"}, "number": {"type": "integer"},
"kind": {"enum": ["ch", "Py_"], "type": "string"},
"code": {"type": "string", "pattern": "^(a|bc)-"}}}"""
_WORDS = st.text("aB-1 ßſ_", max_size=4)


@st.composite
def _explained(draw: st.DrawFn, value: str) -> tuple[str, dict[str, str]]:
    """Return an expression that gives a text for some record, and the settings that it needs."""
    settings: dict[str, str] = {}
    pieces: list[str] = []
    rest = value
    while rest or not pieces:
        length = draw(st.integers(0 if not rest else 1, len(rest)))
        piece, rest = rest[:length], rest[length:]
        ways = ["literal", "setting", "text", "case", "let"]
        ways += ["number"] if re.fullmatch(r"-?(0|[1-9]\d*)", piece, re.ASCII) else []
        ways += ["kind"] if piece in ("ch", "Py_") else []
        ways += ["code"] if piece.startswith(("a-", "bc-")) else []
        match draw(st.sampled_from(ways)):
            case "literal":
                pieces.append(f"'{piece}'")
            case "setting":
                settings[f"s{len(settings)}"] = piece
                pieces.append(f"settings.s{len(settings) - 1}")
            case "case":
                other = draw(_WORDS)
                pieces.append(f"(record.number > 3 ? '{piece}' : '{other}')")
            case "number":
                pieces.append("string(record.number)")
            case "let":
                pieces.append("named")
            case way:
                pieces.append(f"record.{way}")
    return " + ".join(pieces), settings


def _marks(
    words: str, settings: dict[str, str]
) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    schema = read_source_schema("schema.json", SCHEMA, "record")
    record = Binding(schema.record, at("record"))
    known = Binding(Object("settings", dict.fromkeys(settings, STRING)))
    diagnostics: list[Diagnostic] = []
    scope = Scope({"record": record, "settings": known})
    named = compile_expression(Text.plain("record.text"), scope, diagnostics)
    assert named is not None
    scope = scope.with_("named", Binding(STRING, at("record")))
    typed = compile_expression(Text.plain(words), scope, diagnostics)
    assert typed is not None, diagnostics
    lets = {"named": named.code}
    stated = {place: one.own for place, one in schema.stated.items()}
    ends = Texts(lets, settings, stated).ends(typed.code)
    return (
        marks(ends.beginnings, is_backwards=False),
        marks(ends.endings, is_backwards=True),
    )


def _may_meet(one: tuple[str, dict[str, str]], other: tuple[str, dict[str, str]]) -> bool:
    pairs = zip(_marks(*one), _marks(*other), strict=True)
    return all(known & asked for (known, _), (_, asked) in pairs)


@given(st.data(), st.text("aBcCpPyY_-12 hßſ", max_size=8))
def test_one_text_is_never_two(data: st.DataObject, value: str) -> None:
    """Two expressions that can give one text, as the ERP compares, are not told apart."""
    alike = data.draw(st.sampled_from([value, value.upper(), value.casefold(), f"{value}  "]))
    if folded(alike) != folded(value):
        alike = value
    one, other = data.draw(_explained(value)), data.draw(_explained(alike))

    assert _may_meet(one, other)
    assert _may_meet(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("'a-' + record.text", "'b-' + record.text", id="beginnings"),
        pytest.param("record.text + '-a'", "record.text + '-b'", id="endings"),
        pytest.param("record.text + '-a'", "record.text + '-a-b'", id="a longer ending"),
        pytest.param("string(record.number)", "'n' + record.text", id="a whole number"),
        pytest.param("string(record.number)", "record.text + settings.s", id="a setting"),
        pytest.param("record.code", "string(record.number)", id="a pattern"),
        pytest.param("record.kind", "'x' + record.text", id="an enum"),
        pytest.param(
            "(record.number > 1 ? 'a' : 'b') + record.text", "'c' + record.text", id="two cases"
        ),
    ],
)
def test_told_apart(one: str, other: str) -> None:
    """What cannot be the same is known."""
    settings = {"s": "-shop"}

    assert not _may_meet((one, settings), (other, settings))
    assert not _may_meet((other, settings), (one, settings))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("'PU-' + record.text", "'ＰＵ-' + record.text", id="wide letters"),
        pytest.param("'é-' + record.text", "'e-' + record.text", id="accents"),
        pytest.param("'STRASSE-' + record.text", "'Straße-' + record.text", id="sharp s"),
        pytest.param("string(record.number)", "string(record.number + 1)", id="two numbers"),
        pytest.param("record.text + '-a'", "record.text + '-A' + '  '", id="blanks at the end"),
        pytest.param("'a' + record.text", "record.text + 'b'", id="a beginning and an ending"),
        pytest.param("'q' + record.text", "record.text.trim()", id="a method"),
    ],
)
def test_not_told_apart(one: str, other: str) -> None:
    """What may be the same to some database, or is not known, proves nothing."""
    assert _may_meet((one, {}), (other, {}))
    assert _may_meet((other, {}), (one, {}))


@pytest.mark.parametrize(
    ("pattern", "beginnings"),
    [
        ("^ch_", {"ch_"}),
        ("^(ch|py)_", {"ch_", "py_"}),
        ("^(?:ch|py)_[a-z]+$", {"ch_", "py_"}),
        ("^ch_?", {"ch"}),
        ("^ab*", {"a"}),
        ("^ab{2}", {"a"}),
        ("^ab+", {"ab"}),
        ("^a|b", {""}),
        ("^(a|b)|c", {""}),
        ("^(a|b)?c", {""}),
        ("^(a|)b", {"ab", "b"}),
        ("ch_", {""}),
        ("^[ab]c", {""}),
        (r"^\w+", {""}),
        ("(?i)^ch", {""}),
    ],
)
def test_beginnings_of_patterns(pattern: str, beginnings: set[str]) -> None:
    """A pattern says how a text begins only as far as it is literal."""
    assert beginnings_of(pattern) == beginnings


def _codes(tmp_path: Path, environments: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Check two flows in environments: name, tenant, and each flow's setting `depot`."""
    root = build("flows-that-make-one-document", tmp_path)
    spec = root / PICKUPS
    words = spec.read_text("utf-8").replace("+ '-north'", "+ '-' + settings.depot")
    declared = "  settings: {depot: string}\n  identity:"
    spec.write_text(words.replace("  identity:", declared), "utf-8")
    text = (root / ENVIRONMENT).read_text("utf-8")
    (root / ENVIRONMENT).unlink()
    for name, where, of_deliveries, of_pickups in environments:
        path = root / ENVIRONMENT.replace("test", name)
        given = text.replace("environment: test", f"environment: {name}")
        given = given.replace("{env: DEPOT_URL}", f"https://{where}.example")
        given = given.replace("{env: DEPOT_TENANT}", "Main")
        given = given.replace("depot: north", f"depot: {of_deliveries}")
        path.write_text(f"{given}  pickups:\n    depot: {of_pickups}\n", "utf-8")
    workspace = Workspace(root)
    return [
        diagnostic.code for diagnostic in check_specs(workspace, workspace.spec_paths()).diagnostics
    ]


@pytest.mark.parametrize(
    ("environments", "codes"),
    [
        pytest.param([("a", "one", "north", "south")], [], id="apart by a setting"),
        pytest.param([("a", "one", "north", "NORTH")], ["E601"], id="one setting"),
        pytest.param(
            [("a", "one", "north", "south"), ("b", "two", "east", "east")], ["E601"], id="in one"
        ),
        pytest.param(
            [("a", "one", "north", "south"), ("b", "one", "south", "north")],
            ["E601"],
            id="across two environments of one tenant",
        ),
        pytest.param(
            [("a", "one", "north", "south"), ("b", "two", "south", "north")],
            [],
            id="across two tenants",
        ),
    ],
)
def test_environments(
    environments: Sequence[tuple[str, str, str, str]], codes: list[str], tmp_path: Path
) -> None:
    """Flows meet where they reach one tenant, with the settings that they have there."""
    assert _codes(tmp_path, environments) == codes


def test_two_connections_to_one_tenant(tmp_path: Path) -> None:
    """What a connection is called tells nothing apart: where it leads does."""
    root = build("flows-that-make-one-document", tmp_path)
    connection = (root / "specs/connections/depot.yaml").read_text("utf-8")
    other = root / "specs/connections/yard.yaml"
    other.write_text(connection.replace("connection: depot", "connection: yard"), "utf-8")
    spec = root / PICKUPS
    spec.write_text(spec.read_text("utf-8").replace("target: depot", "target: yard"), "utf-8")
    path = root / ENVIRONMENT
    text = path.read_text("utf-8")
    start, end = text.index("  depot:\n    url"), text.index("limits:")
    same = text[start:end].replace("  depot:", "  yard:")
    workspace = Workspace(root)

    path.write_text(text[:end] + same + text[end:], "utf-8")
    met = check_specs(workspace, workspace.spec_paths())
    path.write_text(text[:end] + same.replace("DEPOT_URL", "YARD_URL") + text[end:], "utf-8")
    apart = check_specs(workspace, workspace.spec_paths())

    assert [diagnostic.code for diagnostic in met.diagnostics] == ["E601"]
    assert apart.diagnostics == ()


@pytest.mark.parametrize("shared", [0, 3])
def test_many_flows(shared: int, tmp_path: Path) -> None:
    """Each flow is reported once, against the first that makes its documents."""
    root = build("flows-that-make-one-document", tmp_path)
    (root / PICKUPS).unlink()
    workspace = Workspace(root)
    [flow] = check_specs(workspace, workspace.spec_paths()).flows
    count = 400
    names = [f"flow_{number}" for number in range(count)]
    values = [f"depot {max(0, number - shared)}x" for number in range(count)]
    text = (BASE / ENVIRONMENT).read_text("utf-8")
    lines = (f"  {name}:\n    depot: {value}\n" for name, value in zip(names, values, strict=True))
    environment = read(Source(ENVIRONMENT, text + "".join(lines)), Environment)
    plans = [replace(flow.flow.plan, flow=name) for name in names]
    flows = [replace(flow, flow=replace(flow.flow, plan=plan)) for plan in plans]

    diagnostics = list(check_owners(flows, {}, [environment]))

    assert len(diagnostics) == shared
    assert all("and `flow_0` may make" in diagnostic.message for diagnostic in diagnostics)


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        pytest.param("maps: 1", "maps: 1", ["E601"], id="as it is"),
        pytest.param("entity: Delivery,", r'entity: "\x44elivery",', ["E601"], id="coded"),
        pytest.param("maps: 1", "maps: 1\nmaps: 1", ["E605"], id="broken"),
        pytest.param("Delivery", "Parcel", [], id="another entity"),
    ],
)
def test_a_spec_that_nobody_asked_to_check(
    old: str, new: str, codes: list[str], tmp_path: Path
) -> None:
    """It is read where it may write the same entity, however the entity is spelt."""
    root = build("flows-that-make-one-document", tmp_path)
    spec = root / PICKUPS
    spec.write_text(spec.read_text("utf-8").replace(old, new), "utf-8")

    found = check_specs(Workspace(root), ("specs/deliveries.maps.yaml",))

    assert [diagnostic.code for diagnostic in found.diagnostics] == codes


def test_what_is_generated(tmp_path: Path) -> None:
    """The plan of a flow with an owner names it, and so does the mapping as people read it."""
    root = build("owner-unknown", tmp_path)
    spec = root / PICKUPS
    spec.write_text(spec.read_text("utf-8").replace("owner: delivery\n", "owner: deliveries\n"))
    workspace = Workspace(root)
    files = generate(workspace, workspace.spec_paths())

    plans = {
        flow: json.loads(files[f"generated/{flow}/flow.json"])["documents"][0]
        for flow in ("deliveries", "pickups")
    }
    assert plans["pickups"]["owner"] == "deliveries"
    assert "owner" not in plans["deliveries"]
    words = "`deliveries` makes it, this flow never does"
    assert words in files["generated/pickups/PICKUPS.md"]
    assert words not in files["generated/deliveries/DELIVERIES.md"]


@pytest.mark.parametrize("other", ["so", "SO ", "\uff33\uff2f", "S\u200bO", "SO\u00a0"])
def test_keys_that_some_database_takes_for_one(other: str) -> None:
    """Constant keys tell documents apart only where no collation takes one for the other."""
    (known, _), (_, asked) = _marks_of_a_key("SO"), _marks_of_a_key(other)

    assert known & asked
    assert not known & _marks_of_a_key("QT")[1]
