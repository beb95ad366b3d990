"""The rights of a flow: derived from what it does, unless they are listed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mapgen.agreed.plan import Plan
from mapgen.disk.workspace import Workspace
from mapgen.project.checking import check_specs

CASES = Path(__file__).parents[1] / "cases"
LISTED = "  access: {Delivery: [read, insert]}\n"
TENANT = "{tenant: {entity: Depot, key: DepotID, value: DepotID}, sample: {next day: DHL}}"


def _plan(tmp_path: Path, *changes: tuple[str, str]) -> Plan:
    """Return the plan of the flow of the golden cases with some of its words changed."""
    shutil.copytree(CASES / "_base" / "specs", tmp_path / "specs")
    path = tmp_path / "specs" / "deliveries.maps.yaml"
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    workspace = Workspace.find(tmp_path)
    findings = check_specs(workspace, workspace.spec_paths())
    assert not findings.diagnostics
    return findings.flows[0].flow.plan


def _access(tmp_path: Path, *changes: tuple[str, str]) -> dict[str, tuple[str, ...]]:
    return _plan(tmp_path, *changes).access


@pytest.mark.parametrize(
    ("operation", "rights"),
    [
        ("create", ("read", "insert")),
        ("update", ("read", "update")),
        ("upsert", ("read", "insert", "update")),
    ],
)
def test_of_an_operation(operation: str, rights: tuple[str, ...], tmp_path: Path) -> None:
    """Each operation takes the rights that the reference page names, in one order."""
    undo = ("rollback: {undo: {action: CancelDelivery}}", "rollback: {irreversible: sent again}")
    rows = ("      as: item\n", "      as: item\n      row_key: [Article]\n")
    changes = [(LISTED, ""), ("operation: create", f"operation: {operation}")]
    changes += [] if operation == "create" else [undo, rows]

    assert _access(tmp_path, *changes) == {"Delivery": rights}


def test_of_a_lookup(tmp_path: Path) -> None:
    """A lookup that asks the tenant takes the right to read what it asks for."""
    table = "{table: lookups/carriers.csv, key: service, value: carrier}"

    found = _access(tmp_path, (LISTED, ""), (table, TENANT))

    assert found == {"Delivery": ("read", "insert"), "Depot": ("read",)}


def test_listed(tmp_path: Path) -> None:
    """What is listed is what an administrator sets up, though it is more than the flow needs."""
    found = _access(tmp_path, ("[read, insert]", "[insert, delete, read]"))

    assert found == {"Delivery": ("read", "insert", "delete")}


def test_of_a_step(tmp_path: Path) -> None:
    """An action that follows takes the right to act, listed or not."""
    step = ("  identity:\n    field", "  then: {action: PrintLabel}\n  identity:\n    field")
    for name, changes in {"derived": [(LISTED, ""), step], "listed": [step]}.items():
        found = _access(tmp_path / name, *changes)
        assert found == {"Delivery": ("read", "insert", "act")}


def test_the_action_that_takes_a_document_back(tmp_path: Path) -> None:
    """The plan names it, so that a run can be taken back."""
    assert [one.undo for one in _plan(tmp_path).documents] == ["CancelDelivery"]
