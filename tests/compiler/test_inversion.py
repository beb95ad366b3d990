"""Whether rules can be undone: what `mapgen invert` says, and that round-trip tests can fail."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

from mapgen.compiler import generate
from mapgen.workspace import Workspace
from tests.compiler.cases import SPEC, build, speak

ROOT = Path(__file__).resolve().parents[2]
RULES: Mapping[str, str] = {
    "Weight": "    Weight: parcel.weight\n",
    "Remark": "    Remark: {value: parcel.?remark.trim(), too_long: truncate}\n",
    "Fragile": "    Fragile: heavy\n",
    "Planned": "    Planned: date(parcel.ready_at, settings.zone)\n",
}
TABLE = "    carriers: {table: lookups/carriers.csv, key: service, value: carrier}\n"
CHECK = """    - {name: declared value, that: "parcel.items.map(i, i.price).sum() == parcel.value"}
"""
# It reads all, so that no change of a rule leaves anything unread.
READS_ALL = """    - name: all is there
      that: >-
        parcel.items.map(i, i.price).sum() == parcel.value && parcel.?remark.orValue('') != '#'
        && (heavy || parcel.number != '' || parcel.service != '' || settings.depot != '')
        && date(parcel.ready_at, settings.zone) > date('2000-01-01')
"""
ONE_TO_ONE = TABLE + "    speeds: {inline: {fast: F, slow: S}}\n"
NOT_ONE_TO_ONE = TABLE + "    speeds: {inline: {fast: F, slow: S, express: F}}\n"


def _base(tmp_path: Path, changes: Mapping[str, str]) -> Path:
    folder = build("alias", tmp_path)
    spec = folder / SPEC
    shutil.copy(ROOT / "tests" / "cases" / "_base" / SPEC, spec)
    text = spec.read_text("utf-8")
    for old, new in {CHECK: READS_ALL, **changes}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    spec.write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("field", "rule", "words"),
    [
        pytest.param("Weight", "parcel.weight", "gives back parcel.weight", id="copy"),
        pytest.param("Remark", "parcel.?remark", "gives back parcel.remark", id="missing or not"),
        pytest.param("Remark", "{const: x}", "reads nothing of the record", id="constant"),
        pytest.param("Remark", "settings.depot", "reads nothing of the record", id="setting"),
        pytest.param("Remark", "string(parcel.id)", "gives back parcel.id", id="int as text"),
        pytest.param(
            "Remark", "\"'<' + parcel.number + '>'\"", "gives back parcel.number", id="template"
        ),
        pytest.param(
            "Remark",
            "settings.depot + parcel.number + '-' + settings.depot",
            "gives back parcel.number",
            id="template of settings",
        ),
        pytest.param(
            "Remark",
            "parcel.number + string(parcel.id)",
            "it puts several values together: nothing says where one ends",
            id="template of two values",
        ),
        pytest.param(
            "Weight",
            "decimal(parcel.number)",
            "gives back parcel.number, as a number: how it was spelt is lost",
            id="number of a text",
        ),
        pytest.param("Weight", "decimal(parcel.id)", "gives back parcel.id", id="int widened"),
        pytest.param(
            "Weight",
            "{value: decimal(parcel.id) / 100, places: 2, rounding: half_up}",
            "gives back parcel.id",
            id="cents",
        ),
        pytest.param(
            "Weight",
            "{value: decimal(parcel.id) / 1000, places: 2, rounding: half_up}",
            "the digits that are rounded off are lost",
            id="more places than are kept",
        ),
        pytest.param(
            "Weight",
            "{value: parcel.weight / 100, places: 2, rounding: half_up}",
            "the digits that are rounded off are lost",
            id="places that nobody knows",
        ),
        pytest.param(
            "Weight", "{value: parcel.weight * 2.5}", "gives back parcel.weight", id="scaled"
        ),
        pytest.param("Weight", "100 - parcel.weight", "gives back parcel.weight", id="difference"),
        pytest.param(
            "Weight",
            "parcel.weight * 0",
            "the digits that the calculation leaves out are lost",
            id="times nothing",
        ),
        pytest.param(
            "Weight",
            "parcel.weight * parcel.value",
            "it is worked out from several values",
            id="product of two",
        ),
        pytest.param("Fragile", '"!parcel.cancelled"', "gives back parcel.cancelled", id="not"),
        pytest.param(
            "Fragile", "parcel.weight > 2", "only whether the comparison holds is kept", id="above"
        ),
        pytest.param(
            "Fragile",
            "parcel.?remark.hasValue()",
            "only whether the value is there is kept",
            id="there or not",
        ),
        pytest.param(
            "Remark",
            "\"parcel.cancelled ? 'no' : 'yes'\"",
            "gives back parcel.cancelled",
            id="two words for a boolean",
        ),
        pytest.param(
            "Remark",
            "\"parcel.weight > 3 ? 'no' : 'yes'\"",
            "only whether the comparison holds is kept",
            id="two words for a comparison",
        ),
        pytest.param(
            "Remark",
            "{cases: [{when: \"parcel.service == 'a'\", then: \"'A'\"}], else: \"'B'\"}",
            "only whether the comparison holds is kept",
            id="cases",
        ),
        pytest.param(
            "Remark",
            "{first_of: [parcel.?remark, parcel.number]}",
            "which of several values it was is not kept",
            id="first of",
        ),
        pytest.param(
            "Remark",
            "{value: parcel.?remark, if_missing: \"'none'\"}",
            "a missing value becomes one that a record may say itself",
            id="replacement",
        ),
        pytest.param(
            "Remark",
            "parcel.?remark.orValue('none')",
            "a missing value becomes one that a record may say itself",
            id="replacement in the expression",
        ),
        pytest.param(
            "Remark", "parcel.number.trim()", "the blanks around the text are lost", id="trim"
        ),
        pytest.param(
            "Remark",
            "{value: parcel.number, too_long: truncate}",
            "the end of a long text is cut off",
            id="truncation",
        ),
        pytest.param(
            "Remark",
            "{value: parcel.number, omit_if: value == ''}",
            "what `omit_if` leaves out is lost",
            id="omit_if",
        ),
        pytest.param(
            "Remark",
            "parcel.number.upperAscii()",
            "whether letters were small or capital is lost",
            id="case",
        ),
        pytest.param(
            "Planned",
            "date(parcel.ready_at, settings.zone)",
            "of an instant only the day is kept",
            id="day of an instant",
        ),
        pytest.param("Planned", "parcel.ready_at", "gives back parcel.ready_at", id="instant"),
        pytest.param(
            "Weight",
            "parcel.items.map(item, item.price).sum()",
            "of a sum the summands are lost",
            id="sum",
        ),
        pytest.param(
            "Remark",
            "{lookup: carriers, key: parcel.service}",
            "the table `carriers` is not in the spec: two keys may have one value",
            id="table of a file",
        ),
    ],
)
def test_rule(
    field: str,
    rule: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A rule is undone, or it is said why not."""
    folder = _base(tmp_path, {RULES[field]: f"    {field}: {rule}\n"})

    spoken = speak(folder, monkeypatch, capsys, "invert", "deliveries")

    assert spoken.errors == ""
    (line,) = re.findall(rf"^{field} +(.*)$", spoken.words, re.MULTILINE)
    assert line.removeprefix("cannot be undone: ") == words


@pytest.mark.parametrize(
    ("table", "rule", "words"),
    [
        pytest.param(
            ONE_TO_ONE,
            "{lookup: speeds, key: parcel.service}",
            "gives back parcel.service",
            id="each value once",
        ),
        pytest.param(
            NOT_ONE_TO_ONE,
            "{lookup: speeds, key: parcel.service}",
            "cannot be undone: `fast` and `express` of `speeds` have one value: `F`",
            id="a value twice",
        ),
        pytest.param(
            ONE_TO_ONE,
            "{lookup: speeds, key: parcel.service, on_miss: omit}",
            "cannot be undone: a key that `speeds` has not is not kept",
            id="misses left out",
        ),
        pytest.param(
            ONE_TO_ONE,
            "{lookup: speeds, key: parcel.service, otherwise: \"'S'\"}",
            "cannot be undone: a key that `speeds` has not is not kept",
            id="misses replaced",
        ),
        pytest.param(
            ONE_TO_ONE,
            "{lookup: speeds, key: [parcel.?remark, parcel.service]}",
            "cannot be undone: which of several keys was found is not kept",
            id="two keys",
        ),
    ],
)
def test_table(
    table: str,
    rule: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A table in the spec is read backwards where it has each value once and rejects the rest."""
    changes = {TABLE: table, RULES["Remark"]: f"    Remark: {rule}\n"}

    spoken = speak(_base(tmp_path, changes), monkeypatch, capsys, "invert", "deliveries")

    assert re.findall(r"^Remark +(.*)$", spoken.words, re.MULTILINE) == [words]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param("parcel.items", "gives back parcel.items[].quantity", id="direct"),
        pytest.param(
            "parcel.items\n      where: item.quantity > 1",
            "cannot be undone: rows that `where` passes over are lost",
            id="where",
        ),
        pytest.param(
            "parcel.items.filter(i, i.quantity > 1)",
            "cannot be undone: it is not a copy of one source field",
            id="filtered",
        ),
    ],
)
def test_rows(
    rows: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rows come back where there is one for each row of the source list, in its order."""
    folder = _base(tmp_path, {"      each: parcel.items\n": f"      each: {rows}\n"})

    spoken = speak(folder, monkeypatch, capsys, "invert", "deliveries")

    assert re.findall(r"^Items\[\]\.Quantity +(.*)$", spoken.words, re.MULTILINE) == [words]


def test_verdict_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Programs get the same: each rule, what comes back, what is lost and what reads it."""
    folder = build("round-trip-of-a-trimmed-text", tmp_path)
    spec = folder / SPEC
    spec.write_text(spec.read_text("utf-8").replace("  round_trip: true\n", ""), "utf-8")

    spoken = speak(folder, monkeypatch, capsys, "invert", "deliveries", "--json")

    found = json.loads(spoken.words)
    assert not found["comes_back"]
    assert {"path": "parcel.weight", "from": "Weight"} in found["back"]
    assert found["lost"] == [
        {
            "path": "parcel.remark",
            "reader": "Remark",
            "why": "the blanks around the text are lost",
        }
    ]


def test_what_no_rule_reads_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a flow that promises it all that its rules read comes back; nothing else is listed."""
    spoken = speak(ROOT, monkeypatch, capsys, "invert", "catalogue_items")

    assert spoken.words.endswith(
        "\ncatalogue_items: all 12 source fields that the rules read come back\n"
    )
    assert "pictures" not in spoken.words


def test_unknown_flow(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A flow that no spec defines is told, with the one that was meant."""
    spoken = speak(ROOT, monkeypatch, capsys, "invert", "catalogue_item")

    assert "error[E503]" in spoken.errors
    assert "did you mean `catalogue_items`" in spoken.errors


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with the code of the flow that promises to come back."""
    root = tmp_path_factory.mktemp("catalogue")
    shutil.copytree(ROOT / "specs", root / "specs")
    workspace = Workspace(root)
    for path, text in generate(workspace, ["specs/catalogue/items.maps.yaml"]).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root / "generated" / "catalogue_items"


def _tests(folder: Path) -> ModuleType:
    path = folder / f"test_{folder.name}.py"
    spec = importlib.util.spec_from_file_location(f"tests_in_{folder.parent.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _examples_come_back(tests: ModuleType) -> None:
    for fixture in tests.FLOW.examples:
        tests.test_example_comes_back(fixture)


def test_round_trip_holds(catalogue: Path) -> None:
    """What the compiler writes gives back what it reads, whatever the record."""
    tests = _tests(catalogue)
    _examples_come_back(tests)
    tests.test_any_record_comes_back()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("article.title,", "article.title.strip(),", id="blanks trimmed"),
        pytest.param("article.title,", "article.title.replace('z', 'Z'),", id="a letter changed"),
        pytest.param("article.title,", "article.title[:9],", id="the end cut off"),
        pytest.param("price_cents), 100), 2", "price_cents), 100), 1", id="cents rounded off"),
        pytest.param("* DECIMAL_0_001", "* DECIMAL_0_001 * 10", id="another factor"),
        pytest.param("not article.is_piece)", "article.is_piece)", id="a negation forgotten"),
        pytest.param("BooleanValue(article.sold_online)", "BooleanValue(True)", id="a constant"),
        pytest.param(
            "if article.weight_g is not None", "if article.weight_g", id="nothing for zero"
        ),
        pytest.param('"sold out": "No Purchases"', '"sold out": "Inactive"', id="a value twice"),
        pytest.param("in article.barcodes]", "in article.barcodes[::-1]]", id="rows turned round"),
        pytest.param("in article.barcodes]", "in article.barcodes[:1]]", id="rows left out"),
        pytest.param("StringValue(barcode.unit)", "StringValue(barcode.gtin)", id="another member"),
        pytest.param(
            "article.customs.origin, 2", "article.customs.origin.upper(), 2", id="capitals"
        ),
        pytest.param("{settings.brand}-{", "{settings.brand}{", id="a separator forgotten"),
    ],
)
def test_round_trip_fails_for_a_wrong_rule(
    old: str, new: str, catalogue: Path, tmp_path: Path
) -> None:
    """Each rule that does something else than the spec says is found by the round trip alone."""
    shutil.copytree(catalogue.parents[1], tmp_path / "changed")
    folder = tmp_path / "changed" / "generated" / "catalogue_items"
    code = folder / "transformer.py"
    text = code.read_text("utf-8")
    assert old in text
    code.write_text(text.replace(old, new), "utf-8")

    with pytest.raises(AssertionError):
        _examples_come_back(_tests(folder))


def test_every_step_is_undone(tmp_path: Path) -> None:
    """Sums, differences, words for a boolean, a text's number, instants, rows: all come back."""
    folder = build("round-trip-of-a-trimmed-text", tmp_path)
    spec = folder / SPEC
    text = spec.read_text("utf-8")
    for old, new in {
        "{value: parcel.?remark.trim(), too_long: reject}": "\"parcel.cancelled ? 'no' : 'yes'\"",
        "Weight: parcel.weight": "Weight: 100 - parcel.weight\n"
        "    Items:\n      each: parcel.items\n      as: item\n      fields:\n"
        "        Article: {value: item.?sku, if_missing: reject}\n"
        "        Quantity: {value: item.quantity * 3}\n"
        "        Note: string(item.price)",
        "    parcel.cancelled: they are never sent\n": "    parcel.remark: ours to make\n",
        "value: string(parcel.id)}": "value: string(parcel.id + 3)}",
        "    parcel.items: known to the carrier\n": "",
    }.items():
        text = text.replace(old, new)
    spec.write_text(text, "utf-8")
    workspace = Workspace(folder)
    for path, code in generate(workspace, [SPEC]).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(code, encoding="utf-8")
    tests = _tests(folder / "generated" / "deliveries")

    undo = (folder / "generated/deliveries/test_deliveries.py").read_text("utf-8")
    for function in ("taken_from", "plus", "over", "is_first", "number", "rows"):
        assert f"{function}(" in undo
    _examples_come_back(tests)
    tests.test_any_record_comes_back()
