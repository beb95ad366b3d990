"""Checks over documents and parts: which rows fail, what is said, and what only warns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.checking import check_specs
from mapgen.project.compiler import generate
from mapgen.runtime.delivery.run_stats import RunStats
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.lines import document_line
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Outcome, Rejected, Skipped
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer
from tests.compiler.cases import SPEC, build
from tests.typed import untyped

ROW_CHECK = """\
      checks:
        - name: a price
          that: item.price > value.Quantity
          because: {value: "string(value.Quantity) + ' cost ' + string(item.price)"}
"""
WARNING = """\
    - name: light
      that: parcel.weight < 5
      severity: warn
      because: {value: "string(parcel.weight) + ' kg'"}
"""
PERSONAL = """\
    - name: street
      that: parcel.?recipient.street.orValue('') != 'Quay'
      severity: warn
      because: to be seen by a person
"""


def _workspace(folder: Path, rows: str = "", checks: str = "", skip: str = "") -> Workspace:
    root = build("_base", folder / "workspace")
    spec = root / SPEC
    text = spec.read_text("utf-8")
    for old, new in (
        ("      as: item\n", f"      as: item\n{rows}"),
        ("  checks:\n", f"  checks:\n{checks}"),
        ("because: cancelled by the sender", skip or "because: cancelled by the sender"),
    ):
        assert old in text
        text = text.replace(old, new)
    spec.write_text(text, "utf-8")
    return Workspace(root)


def _transformer(workspace: Workspace) -> Transformer:
    files = generate(workspace, [SPEC])
    for path, content in files.items():
        (workspace.root / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace.root / path).write_text(content, encoding="utf-8")
    bound = open_flow(workspace.root, "deliveries", None, {}, sample_of)
    return bound.transformer


def _outcome(workspace: Workspace, **changes: Any) -> Outcome:
    given = (workspace.root / "specs" / "examples" / "parcel.json").read_text("utf-8")
    record = {**json.loads(given), **changes}
    raw = RawRecord(1, 1, json.dumps(record).encode())
    (found,) = _transformer(workspace).outcomes(raw, "p.json")
    return found


def _items(*pairs: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"sku": "A", "quantity": count, "price": price} for count, price in pairs]


def test_each_row_that_fails_is_named(tmp_path: Path) -> None:
    """Every row is looked at, by the rules and by the error-collecting build."""
    workspace = _workspace(tmp_path, rows=ROW_CHECK)

    found = _outcome(workspace, items=_items((3, "2"), (1, "5"), (9, "4")), value="11")

    assert isinstance(found, Rejected)
    assert [(one.code, one.target, one.message) for one in found.errors] == [
        ("R307", "Items[0].a price", "a price: 3 cost 2"),
        ("R307", "Items[2].a price", "a price: 9 cost 4"),
    ]
    assert [one.source_path for one in found.errors] == [
        "parcel.items[0].price, parcel.items[0].quantity",
        "parcel.items[2].price, parcel.items[2].quantity",
    ]
    assert untyped(workspace.root, "generated/*/transformer.py") == []


def test_a_warning_keeps_no_record_out(tmp_path: Path) -> None:
    """The document is what it is without the check; the warning is beside it."""
    workspace = _workspace(tmp_path, checks=WARNING)
    plain = _outcome(_workspace(tmp_path / "other"), weight="40")

    found = _outcome(workspace, weight="40")

    assert isinstance(plain, Document)
    assert isinstance(found, Document)
    assert found.body == plain.body
    (warning,) = found.warnings
    assert (warning.code, warning.target, warning.message) == ("R307", "light", "light: 40 kg")
    assert json.loads(document_line(found))["warnings"][0]["target"] == "light"
    light = _outcome(workspace, weight="1")
    assert isinstance(light, Document)
    assert light.warnings == ()
    assert "warnings" not in json.loads(document_line(light))


def test_an_error_beside_a_warning(tmp_path: Path) -> None:
    """A rejection tells what is wrong, and no warning."""
    found = _outcome(_workspace(tmp_path, checks=WARNING), weight="40", value="0.01")

    assert isinstance(found, Rejected)
    assert [one.target for one in found.errors] == ["declared value"]


def test_warnings_of_rows(tmp_path: Path) -> None:
    """Rows may have warnings, each its own."""
    rows = ROW_CHECK.replace("          because", "          severity: warn\n          because")
    found = _outcome(_workspace(tmp_path, rows=rows), items=_items((3, "2"), (9, "4")), value="6")

    assert isinstance(found, Document)
    assert [one.target for one in found.warnings] == ["Items[0].a price", "Items[1].a price"]


def test_personal_values_are_masked(tmp_path: Path) -> None:
    """A warning shows no more than an error does."""
    checks = (
        PERSONAL.replace("that: ", "that: \"'a' == ")
        .replace("!= 'Quay'", '"')
        .replace("orValue('') ", "orValue('')")
    )
    found = _outcome(_workspace(tmp_path, checks=checks), recipient={"street": "Quay"})

    assert isinstance(found, Document)
    (warning,) = found.warnings
    assert warning.code == "R306"
    assert warning.value == "(masked: personal)"
    assert "Quay" not in document_line(found).decode().partition('"warnings"')[2]


@pytest.mark.parametrize(
    ("skip", "said"),
    [
        ("because: {value: \"'cancelled: ' + parcel.number\"}", "cancelled: 000017"),
        ("because: cancelled", "cancelled"),
    ],
)
def test_a_reason_that_says_which(skip: str, said: str, tmp_path: Path) -> None:
    """The reason of a skip may say what the record holds."""
    workspace = _workspace(tmp_path, skip=skip.removesuffix("}") + "}" * skip.endswith("}"))
    spec = workspace.root / SPEC
    text = spec.read_text("utf-8")
    lines = [
        f"    - {{when: parcel.cancelled, {skip}}}" if "when: parcel.cancelled" in line else line
        for line in text.splitlines()
    ]
    spec.write_text("\n".join(lines) + "\n", "utf-8")

    found = _outcome(workspace, cancelled=True, number="000017")

    assert isinstance(found, Skipped)
    assert found.reason == said


@pytest.mark.parametrize(
    ("checks", "codes"),
    [
        pytest.param(
            WARNING.replace("string(parcel.weight)", "parcel.?recipient.street.orValue('')"),
            ["E464"],
            id="personal",
        ),
        pytest.param(WARNING.replace("+ ' kg'", "== ''"), ["E238"], id="no text"),
        pytest.param(WARNING.replace("severity: warn", "severity: info"), ["E114"], id="unknown"),
    ],
)
def test_what_does_not_fit(checks: str, codes: list[str], tmp_path: Path) -> None:
    """A reason is seen by everybody, and is text."""
    workspace = _workspace(tmp_path, checks=checks)

    assert [one.code for one in check_specs(workspace, [SPEC]).diagnostics] == codes


def test_a_run_counts_them(tmp_path: Path) -> None:
    """They are in the counts, the reasons and the log, without any value."""
    found = _outcome(_workspace(tmp_path, checks=WARNING), weight="40")
    assert isinstance(found, Document)
    told: list[object] = []

    class Watching:
        def on_progress(self, progress: object) -> None: ...

        def on_event(self, event: object) -> None:
            told.append(event)

    stats = RunStats("deliveries", Watching())
    stats.warned("parcel 17", found.warnings)

    summary = stats.summary()
    assert summary.counts()["warnings"] == 1
    assert [(one.kind, one.words) for one in summary.reasons] == [("warned", "R307 light")]
    (event,) = told
    assert isinstance(event, TechnicalEvent)
    assert event.level == "warning"
    assert event.facts == {"source": "parcel 17", "checks": "R307 light"}
