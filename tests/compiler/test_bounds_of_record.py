"""Ranges that read the record, and what stands in for a step that fails and may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mapgen.project.checking import check_specs
from mapgen.runtime.outcome import Document, Rejected
from tests.compiler.cases import SPEC
from tests.compiler.test_checks import _items, _outcome
from tests.compiler.test_parts import _workspace
from tests.typed import untyped

WEIGHT = "    Weight: parcel.weight\n"
QUANTITY = 'range: "> 0"'


@pytest.mark.parametrize(
    ("bounds", "weight", "told"),
    [
        pytest.param("> 0 and <= parcel.value", "3", None, id="within"),
        pytest.param("> 0 and <= parcel.value", "12.6", "at most `parcel.value`", id="above"),
        pytest.param("> 0 and <= parcel.value", "0", "above 0", id="below"),
        pytest.param("< parcel.value - 1 and > -1", "11.5", "below `parcel.value - 1`", id="sum"),
        pytest.param(
            ">= parcel.items.map(i, i.quantity).sum()", "1", "at least `parcel.items", id="whole"
        ),
    ],
)
def test_a_bound_of_the_record(bounds: str, weight: str, told: str | None, tmp_path: Path) -> None:
    """Each record has its own bounds; the message has the words, the value the numbers."""
    rule = f'    Weight: {{value: parcel.weight, range: "{bounds}"}}\n'
    workspace = _workspace(tmp_path, WEIGHT, rule)

    found = _outcome(workspace, weight=weight, items=_items((5, "12.50")), value="12.50")

    if told is None:
        assert isinstance(found, Document)
        return
    assert isinstance(found, Rejected)
    (diagnostic,) = found.errors
    assert diagnostic.code == "R303"
    assert told in diagnostic.message
    if "parcel.value" in told:
        assert diagnostic.value == f"{weight} against {'11.50' if '- 1' in told else '12.50'}"
        assert "parcel.value" in str(diagnostic.source_path)


def test_a_bound_in_a_row(tmp_path: Path) -> None:
    """A row may ask for a value of its own, and generated code of it is well typed."""
    workspace = _workspace(tmp_path, QUANTITY, 'range: "> 0 and <= item.price"')

    found = _outcome(workspace, items=_items((3, "2"), (1, "2")), value="4")

    assert isinstance(found, Rejected)
    assert [one.target for one in found.errors] == ["Items[0].Quantity"]
    assert untyped(workspace.root, "generated/*/transformer.py") == []


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        pytest.param('{value: parcel.weight, range: "< heavy"}', ["E231"], id="no number"),
        pytest.param('{value: parcel.weight, range: "< parcel.nothing"}', ["E301"], id="unknown"),
        pytest.param('{value: parcel.weight, range: "< parcel.?weigth"}', ["E301"], id="slip"),
        pytest.param('{const: 5, range: "< parcel.value"}', ["E234"], id="constant"),
        pytest.param('{value: parcel.weight, range: "> 3 and < 2"}', ["E478"], id="empty"),
        pytest.param('{value: parcel.weight, range: "between 1 and 2"}', ["E117"], id="malformed"),
    ],
)
def test_what_does_not_fit(rule: str, codes: list[str], tmp_path: Path) -> None:
    """A bound is a number of the value's type."""
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {rule}\n")

    found = [one.code for one in check_specs(workspace, [SPEC]).diagnostics]

    assert [code for code in found if not code.startswith("E43")] == codes


@pytest.mark.parametrize(
    ("rule", "remark", "weight"),
    [
        ("on_error: parcel.?other", "2.5", "2.5"),
        ("on_error: parcel.?other", "heavy", None),
        ('on_error: parcel.?other, if_missing: "1.0"', "heavy", "1.0"),
        ('on_error: parcel.?other, if_missing: "1.0"', None, "1.0"),
    ],
)
def test_what_stands_in_may_be_missing(
    rule: str, remark: str | None, weight: str | None, tmp_path: Path
) -> None:
    """Then the field is left out, or `if_missing` says what it is."""
    rule = rule.replace("parcel.?other", '"parcel.?remark.optFlatMap(r, optional.none())"')
    rule = rule.replace("optional.none()", "r == 'x' ? optional.of(1.5) : optional.none()")
    value = '"parcel.?remark.optMap(r, decimal(r))"'
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {{value: {value}, {rule}}}\n")

    found = _outcome(workspace, remark=remark)

    assert isinstance(found, Document)
    told = f'"Weight":{{"value":{weight}}}'
    assert (told in found.body.decode()) == (weight is not None)
    assert untyped(workspace.root, "generated/*/transformer.py") == []


WARNED = [
    pytest.param("", "3", None, id="within"),
    pytest.param("", "31", "the number has to be at most 30", id="above"),
    pytest.param("", "12.6", "at most `parcel.value`", id="above the record's"),
    pytest.param(", omit_if: value == 31", "31", "the number has to be at most 30", id="left out"),
]


@pytest.mark.parametrize(("more", "weight", "told"), WARNED)
def test_a_range_that_warns(more: str, weight: str, told: str | None, tmp_path: Path) -> None:
    """The record goes on; the warning names rule, field and value."""
    bound = "<= parcel.value" if told is None or "parcel" in told else "<= 30"
    rule = f'{{value: parcel.weight, range: "{bound}", severity: warn{more}}}'
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {rule}\n")

    found = _outcome(workspace, weight=weight, items=_items((5, "12.50")), value="12.50")

    assert isinstance(found, Document)
    warned = [(one.code, one.target) for one in found.warnings]
    assert warned == ([] if told is None else [("R303", "Weight")])
    assert told is None or told in found.warnings[0].message
    assert (f'"Weight":{{"value":{weight}}}'.encode() in found.body) == (not more)


def test_rows_that_warn(tmp_path: Path) -> None:
    """Each row is reported by its number, and generated code of it is well typed."""
    workspace = _workspace(tmp_path, QUANTITY, 'range: "> 2 and <= item.price", severity: warn')

    found = _outcome(workspace, items=_items((3, "2"), (1, "2"), (3, "4")), value="8")

    assert isinstance(found, Document)
    assert [one.target for one in found.warnings] == ["Items[0].Quantity", "Items[1].Quantity"]
    assert untyped(workspace.root, "generated/*/transformer.py") == []


def test_what_the_erp_refuses_is_no_warning(tmp_path: Path) -> None:
    """Of a number with too many places, that is reported and nothing else."""
    rule = '{value: parcel.weight, range: "<= 30", severity: warn}'
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {rule}\n")

    found = _outcome(workspace, weight="31.0001", items=_items((1, "1")), value="1")

    assert isinstance(found, Rejected)
    assert [(one.code, one.target) for one in found.errors] == [("R302", "Weight")]


def test_a_range_of_what_may_be_missing_warns(tmp_path: Path) -> None:
    """Where there is no number, there is nothing to tell."""
    value = "parcel.items.filter(i, i.quantity > 1).first().?quantity"
    rule = f'{{value: "{value}", range: "< 3", severity: warn}}'
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {rule}\n")

    none = _outcome(workspace, items=_items((1, "1")), value="1")
    much = _outcome(workspace, items=_items((3, "1")), value="1")

    assert isinstance(none, Document)
    assert isinstance(much, Document)
    assert (none.warnings, [one.code for one in much.warnings]) == ((), ["R303"])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(
            "{value: parcel.weight, severity: warn}",
            "its `range`; the decimal places of `Weight` are the target's, which refuses others",
            id="no range",
        ),
        pytest.param(
            '{const: 5, range: "> 3", severity: warn}', "is the same in every", id="const"
        ),
    ],
)
def test_severity_without_a_limit(rule: str, said: str, tmp_path: Path) -> None:
    """What the target refuses is no warning."""
    workspace = _workspace(tmp_path, WEIGHT, f"    Weight: {rule}\n")

    (found,) = check_specs(workspace, [SPEC]).diagnostics

    assert found.code == "E234"
    assert said in found.message
