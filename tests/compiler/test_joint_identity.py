"""Identities of several fields, and of lookups whose entries never change: what is accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import check_specs, generate
from tests.compiler.cases import SPEC, build

ALONE = "    field: Reference\n    value: string(parcel.id) + '-' + settings.depot\n"
TOGETHER = "    fields:\n      Reference: string(parcel.id) + settings.depot\n      Carrier: {}\n"
RULE = "    Carrier: {lookup: carriers, key: parcel.service}\n"
TABLE = "    carriers: {table: lookups/carriers.csv, key: service, value: carrier}\n"
BY_TABLE = "lookups.carriers[?string(parcel.id)].value()"


def workspace_of(tmp_path: Path, *changes: tuple[str, str]) -> Workspace:
    """Return the smallest workspace with changes of its spec."""
    root = build("_base", tmp_path)
    spec = root / SPEC
    text = spec.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    spec.write_text(text)
    return Workspace(root)


def codes(workspace: Workspace) -> list[str]:
    """Return the codes of what is wrong with the specs of a workspace."""
    return [
        diagnostic.code for diagnostic in check_specs(workspace, workspace.spec_paths()).diagnostics
    ]


def test_fields_are_in_plan_and_code(tmp_path: Path) -> None:
    """Both fields are written, and the plan looks up by both."""
    workspace = workspace_of(
        tmp_path,
        (ALONE, TOGETHER.format("settings.depot")),
        (RULE, ""),
        (TABLE, ""),
        ("  lookups:\n", ""),
        ("    parcel.tags: marketing data\n", "    parcel.tags: x\n    parcel.service: x\n"),
    )

    files = generate(workspace, [SPEC])

    [document] = json.loads(files["generated/deliveries/flow.json"])["documents"]
    assert document["identity"]["field"] == "Reference"
    assert document["identity"]["others"] == ["Carrier"]
    assert "| identity | `Reference`, `Carrier` |" in files["generated/deliveries/DELIVERIES.md"]


@pytest.mark.parametrize(("said", "found"), [("", ["E496"]), (", stable: true", [])])
def test_a_lookup_in_the_identity(tmp_path: Path, said: str, found: list[str]) -> None:
    """An identity may look up in a table only where the spec says that no entry ever changes."""
    workspace = workspace_of(
        tmp_path,
        ("value: carrier}", f"value: carrier{said}}}"),
        ("value: string(parcel.id) + '-' +", f"value: {BY_TABLE} + '-' +"),
    )

    assert codes(workspace) == found


KEY = "lookups.carriers[?string(parcel.id)]"


@pytest.mark.parametrize(
    "value",
    [
        f"{KEY}.orValue('')",
        f"({KEY} != null ? 'a' : 'b')",
        f"coalesce({KEY}, 'none').trim()",
        "found.orValue('')",
        "[found].unwrapOpt().join('')",
    ],
)
def test_an_entry_that_comes_later_changes_no_identity(tmp_path: Path, value: str) -> None:
    """An identity may not depend on whether a table has the key, in a `let` or out of it."""
    let = f"  let:\n    found: {KEY}\n" if "found" in value else ""
    workspace = workspace_of(
        tmp_path,
        ("value: carrier}", "value: carrier, stable: true}"),
        ("value: string(parcel.id) + '-' +", f"value: |\n      {value} + '-' +"),
        ("  let:\n", let or "  let:\n"),
    )

    assert codes(workspace) == ["E496"]


@pytest.mark.parametrize(
    ("mine", "theirs", "found"),
    [("'A'", "'B'", []), ("'A'", "'a '", ["E601"]), ("'A'", "string(parcel.id)", ["E601"])],
)
def test_flows_that_differ_in_one_field(
    tmp_path: Path, mine: str, theirs: str, found: list[str]
) -> None:
    """Constants of the same field tell the documents of two flows apart."""
    root = build("flows-that-make-one-document", tmp_path)
    for name, carrier in (("deliveries", mine), ("pickups", theirs)):
        spec = root / f"specs/{name}.maps.yaml"
        lines = spec.read_text().split("\n")
        at = next(number for number, line in enumerate(lines) if line.startswith("  identity:"))
        after = next(n for n in range(at + 1, len(lines)) if not lines[n].startswith("    "))
        [value] = [line for line in lines[at:after] if line.startswith("    value: ")]
        reference = value.replace("    value:", "      Reference:")
        lines[at:after] = ["  identity:", "    fields:", reference]
        lines.insert(at + 3, f'      Carrier: "{carrier}"')
        kept = [line for line in lines if not line.startswith(("    Carrier:", "    carriers:"))]
        text = "\n".join(line for line in kept if line != "  lookups:")
        spec.write_text(text.replace("  ignore:\n", "  ignore:\n    parcel.service: x\n"))

    assert codes(Workspace(root)) == found
