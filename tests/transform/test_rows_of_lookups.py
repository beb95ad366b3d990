"""Tables with several values for a key, lookups in `first_of`, and what a miss says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Document, Outcome, Rejected
from mapgen.runtime.sources.records import RawRecord
from tests.compiler.cases import SPEC, build

DECLARED = "carriers: {table: lookups/carriers.csv, key: service, value: carrier}"
COLUMNS = (
    "value: {code: string, most: decimal, stops: int, tracked: bool, since: date, until: 'date?'}"
)
CSV = (
    "service,since,most,code,tracked,stops,until\n"
    "express,2026-01-31,31.50,EX,true,2,\n"
    "standard,2026-02-28,70,ST,false,14,2026-12-31\n"
)
ROW = {"code": "EX", "most": "31.50", "stops": 2, "tracked": True, "since": "2026-01-31"}
OTHER = {
    "code": "ST",
    "most": "70",
    "stops": 14,
    "tracked": False,
    "since": "2026-02-28",
    "until": "2026-12-31",
}
INLINE = json.dumps({"express": ROW, "standard": OTHER})
LISTED = json.dumps([{"service": "express", **ROW}, {"service": "standard", **OTHER}])
KINDS = {
    "csv": ("carriers.csv", CSV, f"{{table: lookups/carriers.csv, key: service, {COLUMNS}}}"),
    "list": ("rows.json", LISTED, f"{{table: lookups/rows.json, key: service, {COLUMNS}}}"),
    "object": ("rows.json", INLINE, f"{{table: lookups/rows.json, {COLUMNS}}}"),
    "inline": ("rows.json", "", f"{{inline: {INLINE}, {COLUMNS}}}"),
}
BY_RULE = "lookup: carriers, key: parcel.service, column: "
SHOWN = "r.?until.optMap(d, string(d)).orValue('-')"
REMARK = "Remark: {value: parcel.?remark.trim(), too_long: truncate}"
ASKED = (
    (
        "Carrier: {lookup: carriers, key: parcel.service}",
        f"Carrier: {{{BY_RULE}code, on_miss: reject}}",
    ),
    ("Weight: parcel.weight", "Weight: lookups.carriers[?parcel.service].most.value()"),
    ("Fragile: heavy", "Fragile: lookups.carriers[?parcel.service].tracked.orValue(heavy)"),
    (
        "Planned: date(parcel.ready_at, settings.zone)",
        f"Planned: {{{BY_RULE}since, otherwise: 'date(parcel.ready_at, settings.zone)'}}",
    ),
    (
        REMARK,
        f"Remark: row.optMap(r, string(r.stops) + '-' + {SHOWN}).or(parcel.?remark).orValue('?')",
    ),
    ("    heavy: ", "    row: lookups.carriers[?parcel.service]\n    heavy: "),
)

Make = Callable[..., Outcome]


def flow_of(tmp_path: Path, *changes: tuple[str, str], files: dict[str, str] | None = None) -> Make:
    """Return what transforms a parcel, by a spec that differs from the smallest one."""
    folder = build("_base", tmp_path)
    spec = folder / SPEC
    text = spec.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    spec.write_text(text)
    for name, content in (files or {}).items():
        (folder / "specs" / "lookups" / name).write_text(content)
    for name, content in generate(Workspace(folder), [SPEC]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    flow = open_flow(folder, "deliveries", None, {}, sample_of).transformer
    parcel = json.loads((folder / "specs" / "examples" / "parcel.json").read_text())

    def made(**changed: object) -> Outcome:
        raw = RawRecord(1, 1, json.dumps({**parcel, **changed}).encode())
        [found] = flow.outcomes(raw, "parcels.json")
        return found

    return made


def values_of(found: Outcome) -> dict[str, Any]:
    """Return the plain values of a document."""
    assert isinstance(found, Document), found
    body = json.loads(found.body)
    return {name: one["value"] for name, one in body.items() if "value" in one}


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_values(tmp_path: Path, kind: str) -> None:
    """Each column has its type, in rules and in expressions, wherever the table is."""
    name, content, declared = KINDS[kind]
    made = flow_of(tmp_path, (DECLARED, f"carriers: {declared}"), *ASKED, files={name: content})

    express, standard = values_of(made()), values_of(made(service="standard"))

    assert (express["Carrier"], express["Weight"]) == ("EX", 31.5)
    assert express["Planned"] == "2026-01-31"
    assert express["Fragile"] is True
    assert express["Remark"] == "2--"
    assert (standard["Carrier"], standard["Weight"]) == ("ST", 70)
    assert standard["Fragile"] is False
    assert standard["Remark"] == "14-2026-12-31"


def test_a_miss_names_table_and_key(tmp_path: Path) -> None:
    """Of a rule that rejects and of `value()` alike; `omit` and `otherwise` are no miss."""
    name, content, declared = KINDS["csv"]
    made = flow_of(tmp_path, (DECLARED, f"carriers: {declared}"), *ASKED, files={name: content})

    found = made(service="drone")

    assert isinstance(found, Rejected)
    told = [(error.target, error.code, error.message, error.value) for error in found.errors]
    assert [code for _, code, _, _ in told] == ["R304", "R304"]
    assert all("`carriers`" in message for _, _, message, _ in told)
    assert all("drone" in str(value) for _, _, _, value in told)


FIRST = (
    "Carrier: {lookup: carriers, key: parcel.service}",
    "Carrier: {first_of: [parcel.?remark, {lookup: carriers, key: parcel.service}, "
    "{lookup: carriers, key: parcel.number}]}",
)


def test_lookups_in_first_of(tmp_path: Path) -> None:
    """The first that is there counts; a miss of the last one names its table and key."""
    made = flow_of(
        tmp_path,
        FIRST,
        (REMARK, "Remark: {const: x}"),
    )

    assert values_of(made(remark="DHL"))["Carrier"] == "DHL"
    assert values_of(made(remark=" "))["Carrier"] == "FAST"
    assert values_of(made(remark=None, service="?", number="standard"))["Carrier"] == "SLOW"
    found = made(remark=None, service="?", number="P-1")
    assert isinstance(found, Rejected)
    [error] = found.errors
    assert error.code == "R304"
    assert "`carriers`" in error.message
    assert "P-1" in str(error.value)


def test_a_demanded_lookup_names_table_and_key(tmp_path: Path) -> None:
    """`if_missing: reject` of a lookup in an expression is a miss of that lookup."""
    rule = "Carrier: {value: 'lookups.carriers[?parcel.service]', if_missing: reject}"
    made = flow_of(tmp_path, (FIRST[0], rule))

    found = made(service="drone")

    assert values_of(made())["Carrier"] == "FAST"
    assert isinstance(found, Rejected)
    assert [error.code for error in found.errors] == ["R304"]
    assert "`carriers`" in found.errors[0].message


def test_a_personal_key_is_masked(tmp_path: Path) -> None:
    """The key of a miss is reported only where it is not personal."""
    rule = "Carrier: {value: 'lookups.carriers[?parcel.service]', if_missing: reject}"
    made = flow_of(
        tmp_path,
        (FIRST[0], rule),
        (
            "parcel.recipient.street: personal",
            "parcel.recipient.street: personal\n    parcel.service: personal",
        ),
    )

    found = made(service="drone")

    assert isinstance(found, Rejected)
    assert "drone" not in str(found.errors)
