"""Which flow has to be delivered before which: what lookups in the ledger may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mapgen.check.model import DocumentFacts, FlowFacts
from mapgen.check.remote import check_remote, circles
from mapgen.contract.lock import load
from mapgen.report import Source, Text
from mapgen.spec.model import Spec
from mapgen.spec.reader import read
from tests.compiler.cases import BASE, SPEC

ORDER = DocumentFacts("Delivery", has_text_identity=True, number_keys=("DeliveryNbr",))


def _flows(asks: Mapping[str, tuple[str, ...]]) -> dict[str, FlowFacts | None]:
    return {
        flow: FlowFacts("depot", {"": ORDER}, tuple(Text.plain(one, f"{flow}.yaml") for one in of))
        for flow, of in asks.items()
    }


@pytest.mark.parametrize(
    ("asks", "looked_at", "told"),
    [
        pytest.param({"a": ("b",), "b": ("c",), "c": ()}, "abc", [], id="a chain"),
        pytest.param({"a": ("b", "c"), "b": ("c",), "c": ()}, "abc", [], id="two ways to one"),
        pytest.param({"a": ("b",), "b": ("c",), "c": ("a",)}, "abc", ["a b c"], id="three"),
        pytest.param({"a": ("b",), "b": ("c",), "c": ("b",)}, "abc", ["b c"], id="a way into it"),
        pytest.param(
            {"a": ("b",), "b": ("a",), "c": ("d",), "d": ("c",)}, "abcd", ["a b", "c d"], id="two"
        ),
        pytest.param({"a": ("b",), "b": ("a",)}, "b", ["b a"], id="told where one is looked at"),
        pytest.param({"a": ("b.x",), "b": ("a.y",)}, "ab", ["a b"], id="by one of the documents"),
        pytest.param({"a": ("z",)}, "a", [], id="out of the workspace"),
    ],
)
def test_circles(asks: Mapping[str, tuple[str, ...]], looked_at: str, told: list[str]) -> None:
    """Each circle is reported once, with the lookups that make it, in their order."""
    diagnostics = circles(_flows(asks), looked_at)

    found = []
    for diagnostic in diagnostics:
        assert diagnostic.label is not None
        places = (diagnostic.label, *diagnostic.related)
        found.append(" ".join(place.span.source.path.removesuffix(".yaml") for place in places))
    assert found == told


def test_a_flow_that_cannot_be_read() -> None:
    """Nothing is said of a flow whose own errors are reported elsewhere."""
    assert circles({**_flows({"a": ("b",)}), "b": None}, "ab") == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            "pickups",
            "`pickups` gives its documents names; this does not say which is looked up",
            id="none of them",
        ),
        pytest.param("pickups.lorry", "`pickups` makes no document `lorry`", id="unknown"),
        pytest.param("pickups.order", None, id="one of them"),
        pytest.param(
            "pickups.place",
            "the documents of `pickups.place` cannot be looked up: their identity is no text",
            id="without a text",
        ),
    ],
)
def test_several_documents(asked: str, message: str | None) -> None:
    """A lookup says which document of a flow it means, if the flow has several."""
    path = Path(BASE / SPEC)
    lookup = f"carriers: {{ledger: {asked}, sample: {{a: b}}}}"
    old = "carriers: {table: lookups/carriers.csv, key: service, value: carrier}"
    flow = read(Source(SPEC, path.read_text("utf-8").replace(old, lookup)), Spec)
    place = DocumentFacts("Depot", has_text_identity=False, number_keys=())
    flows = {"pickups": FlowFacts("depot", {"order": ORDER, "place": place}, ())}

    contract = load(BASE / "specs/contracts/depot-1.200.001.json")
    diagnostics = [diagnostic.message for diagnostic in check_remote(flow, contract, flows)]

    assert diagnostics == ([] if message is None else [message])
