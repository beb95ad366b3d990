"""What skips tell the rules after them, and what becomes of it where a skip cannot be evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mapgen.cli.flows import open_flow
from mapgen.disk.workspace import Workspace
from mapgen.project.compiler import generate
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import Outcome, Rejected, Skipped
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer
from tests.compiler.cases import SPEC, build

CASES = Path(__file__).resolve().parents[1] / "cases"
PARCEL = json.loads((CASES / "_base/specs/examples/parcel.json").read_text("utf-8"))
CHANGES = {
    "{when: parcel.cancelled, because: cancelled by the sender}": (
        "{when: parcel.service == 'collect', because: collected}\n"
        "    - {when: parcel.service == 'collect' || parcel.cancelled, because: cancelled}"
    ),
    "{value: parcel.?remark.trim(), too_long: truncate}": (
        "\"parcel.service == 'collect' ? 'none' : parcel.?remark.value()\""
    ),
    "as: item\n": "as: item\n      where: \"!(parcel.service == 'collect') || parcel.cancelled\"\n",
}
Told = list[tuple[str, str | None, str | None]]


@pytest.fixture(scope="module")
def flow(tmp_path_factory: pytest.TempPathFactory) -> Transformer:
    """A flow whose second skip, remark and items ask again what the skips have told."""
    folder = build("../cases/_base", tmp_path_factory.mktemp("skips"))
    text = (folder / SPEC).read_text("utf-8")
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    (folder / SPEC).write_text(text, "utf-8")
    for name, content in generate(Workspace(folder), [SPEC]).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return open_flow(folder, "deliveries", None, {}, sample_of).transformer


def outcome(flow: Transformer, **changes: object) -> Outcome:
    (found,) = flow.outcomes(RawRecord(1, 1, json.dumps(PARCEL | changes).encode()), "parcels")
    return found


def told(found: Outcome) -> Told:
    assert isinstance(found, Rejected), found
    return [(one.code, one.target, one.source_path) for one in found.errors]


SERVICE = ("R102", "Carrier", "parcel.service")
CANCELLED = ("R102", "Items", "parcel.cancelled")
REMARK = ("R201", "Remark", "parcel.service, parcel.remark")
QUANTITY = ("R303", "Items[0].Quantity", "parcel.items[0].quantity")


def test_skips_in_turn(flow: Transformer) -> None:
    """A record is left out by the first skip that holds."""
    for changes, reason in (
        ({"service": "collect", "cancelled": True}, "collected"),
        ({"cancelled": True}, "cancelled"),
    ):
        found = outcome(flow, **changes)
        assert isinstance(found, Skipped)
        assert found.reason == reason


def test_nobody_is_skipped_by_what_a_failed_skip_would_have_told(flow: Transformer) -> None:
    """Whether the record is collected is not known: then it is not known to be cancelled, too."""
    assert told(outcome(flow, service=7, cancelled=True)) == [SERVICE]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"service": 7, "remark": None}, [SERVICE], id="what it decides"),
        pytest.param({"cancelled": "no", "remark": None}, [CANCELLED, REMARK], id="another skip"),
    ],
)
def test_rules_after_a_failed_skip(
    flow: Transformer, changes: dict[str, Any], expected: Told
) -> None:
    """What relies on a skip that failed has no error of its own; all else has."""
    assert told(outcome(flow, **changes)) == expected


def test_what_asks_nothing_of_a_failed_skip(flow: Transformer) -> None:
    """Rows are looked at where only their number was in doubt."""
    found = outcome(flow, remark=None, items=[{"sku": "CUP-01", "quantity": 0, "price": "12.50"}])

    assert told(found) == [REMARK, QUANTITY]
