"""What differs between two readings of a contract, and which flows that touches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from mapgen.contract.difference import differences
from mapgen.contract.metadata import with_keys
from mapgen.contract.model import Action, Contract, Entity, Field
from mapgen.contract.summary import MOST_LINES, changes, reported_changes
from mapgen.contract.touched import touched
from mapgen.disk.workspace import Workspace

LINE = Entity("Line", {"Item": Field("Item", "value", "string", max_length=30)})
ORDER = Entity(
    "Order",
    {
        "Nbr": Field("Nbr", "value", "string"),
        "Total": Field("Total", "value", "decimal"),
        "Lines": Field("Lines", "details", entity="Line"),
    },
    is_top_level=True,
    identities=("Nbr",),
)
BEFORE = Contract("Shop", "1", 4, {"Line": LINE, "Order": ORDER})


def with_field(entity: str, name: str, **facts: object) -> Contract:
    """Return the contract with other facts of a field."""
    known = BEFORE.entities[entity]
    fields = {**known.fields, name: replace(known.fields[name], **facts)}
    return with_entity(replace(known, fields=fields))


def with_entity(entity: Entity) -> Contract:
    return replace(BEFORE, entities={**BEFORE.entities, entity.name: entity})


def without(entity: str, name: str) -> Contract:
    known = BEFORE.entities[entity]
    fields = {one: field for one, field in known.fields.items() if one != name}
    return with_entity(replace(known, fields=fields))


@pytest.mark.parametrize(
    ("after", "words", "is_lost"),
    [
        pytest.param(without("Order", "Total"), "Order.Total, gone", True, id="field"),
        pytest.param(
            with_field("Order", "Total", value_type="string"),
            "Order.Total: string instead of decimal",
            True,
            id="type",
        ),
        pytest.param(
            with_field("Line", "Item", max_length=20),
            "Line.Item: 20 instead of 30",
            False,
            id="length",
        ),
        pytest.param(
            with_field("Line", "Item", max_length=None),
            "Line.Item: length 30, gone",
            False,
            id="no length",
        ),
        pytest.param(
            with_field("Order", "Total", is_calculated=True),
            "Order.Total: calculated by the ERP, new",
            False,
            id="calculated",
        ),
        pytest.param(
            with_entity(with_keys(ORDER, ("Nbr",))), "Order: keys Nbr, new", False, id="keys"
        ),
        pytest.param(
            with_entity(replace(ORDER, actions={"Close": Action("Close", {"On": "date"})})),
            "Order: actions Close(On: date), new",
            False,
            id="action",
        ),
        pytest.param(with_entity(Entity("Box", {})), "Box, new", False, id="entity"),
    ],
)
def test_a_difference(after: Contract, words: str, is_lost: bool) -> None:
    """A difference says what it is about, what was and what is."""
    (found,) = differences(BEFORE, after)

    assert (str(found), found.is_lost) == (words, is_lost)


def test_what_is_lost_comes_first() -> None:
    """Of many differences the lost ones are reported first, and the rest is counted."""
    entity = Entity("Order", {f"F{n}": Field(f"F{n}", "value", "string") for n in range(20)})
    lines = list(reported_changes(changes(BEFORE, with_entity(entity))))

    assert lines[0].startswith("  changes   25 since the lock that was here, 3 of them lost")
    assert [line.strip() for line in lines[1:4]] == [
        "Order.Nbr, gone",
        "Order.Total, gone",
        "Order.Lines, gone",
    ]
    assert len(lines) == MOST_LINES + 2
    assert lines[-1].strip() == f"… and {25 - MOST_LINES} more"


SPEC = "flow: orders\nmapping: {target: {contract: shop-1, entity: Order}, fields: %s}\n"


@pytest.mark.parametrize(
    ("fields", "after", "names"),
    [
        pytest.param("{Total: a}", lambda: without("Order", "Total"), ("Order.Total",), id="named"),
        pytest.param("{Nbr: a}", lambda: without("Order", "Total"), (), id="not named"),
        pytest.param(
            "{Lines: {Item: a}}", lambda: without("Line", "Item"), ("Line.Item",), id="in"
        ),
        pytest.param("{Nbr: Item}", lambda: without("Line", "Item"), (), id="not reached"),
        pytest.param(
            "{Lines: {}}",
            lambda: with_field("Line", "Item", is_required=True),
            ("Line.Item",),
            id="required",
        ),
        pytest.param(
            "{Nbr: a}",
            lambda: with_entity(replace(ORDER, identities=())),
            ("Order",),
            id="identity",
        ),
        pytest.param("{Nbr: a}", lambda: with_entity(Entity("Box", {})), (), id="new"),
    ],
)
def test_touched(
    tmp_path: Path, fields: str, after: Callable[[], Contract], names: tuple[str, ...]
) -> None:
    """A flow is touched by what its words lead to, and by no more."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "orders.maps.yaml").write_text(SPEC % fields)
    (tmp_path / "specs" / "other.maps.yaml").write_text(SPEC.replace("shop-1", "b-1") % fields)
    found = changes(BEFORE, after())

    assert list(touched(Workspace.find(tmp_path), BEFORE, found)) == (
        [("orders", names)] if names else []
    )
