"""Overlays: facts refine the contract, and a fact that cannot be true is told with its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.contract.difference import overruled
from mapgen.contract.metadata import with_keys
from mapgen.contract.model import Contract
from mapgen.contract.openapi import read_contract
from mapgen.contract.overlay import read_overlay
from mapgen.contract.refining import Applied, apply
from mapgen.report import Diagnostic, Source, Stopped

from .invented import OVERLAY, diagnostics_of, openapi_3


def shop_contract() -> Contract:
    return read_contract(Source("shop.json", json.dumps(openapi_3())))


def refine(text: str) -> Applied:
    contract = shop_contract()
    overlay = read_overlay(Source("overlay.yaml", text))
    return apply(contract, overlay, frozenset(contract.entities))


def refused(text: str) -> list[tuple[str, str, str, str | None]]:
    """Return code, place, message and help of each error."""
    with pytest.raises(Stopped) as stopped:
        refine(text)
    return [(one.code, place(one), one.message, one.help) for one in stopped.value.diagnostics]


def place(diagnostic: Diagnostic) -> str:
    assert diagnostic.label is not None
    return str(diagnostic.label.span)


def group(facts: str, entity: str = "Order") -> str:
    return (
        "overlay: 1\ncontract: shop-1.200.001\nentities:\n"
        f"  {entity}:\n    - {facts}\n      source: invented\n"
    )


def test_every_kind_of_fact() -> None:
    """Each fact ends where the model keeps it."""
    done = refine(OVERLAY)
    order, line = done.contract.entities["Order"], done.contract.entities["Line"]

    assert order.keys == ("OrderType", "OrderNbr")
    assert [name for name, one in order.fields.items() if one.is_key] == ["OrderType", "OrderNbr"]
    assert order.is_auto_numbered
    assert order.identities == ("OrderType",)
    assert order.fields["Total"].is_calculated
    assert order.fields["Total"].places == 4
    assert order.fields["OrderType"].max_length == 2
    assert order.fields["ShipTo"].companion == "ShipToOverride"
    assert order.fields["ShipTo"].part_companions == (("City", "ShipToOverride"),)
    assert line.fields["Item"].is_required
    assert line.fields["LineNbr"].is_read_only
    assert done.taken == 11


@pytest.mark.parametrize(
    ("fact", "kind"), [("moments: [ShipOn]", "datetime"), ("days: [ShipOn]", "date")]
)
def test_the_overlay_has_the_last_word_on_days(fact: str, kind: str) -> None:
    """What the name says of a field, `days` and `moments` overrule."""
    assert refine(group(fact)).contract.entities["Order"].fields["ShipOn"].value_type == kind
    contract = shop_contract()
    order = contract.entities["Order"]
    fields = {**order.fields, "ShipOn": replace(order.fields["ShipOn"], value_type="datetime")}
    other = replace(
        contract, entities={**contract.entities, "Order": replace(order, fields=fields)}
    )
    overlay = read_overlay(Source("overlay.yaml", group(fact)))

    done = apply(other, overlay, frozenset(other.entities))

    assert done.contract.entities["Order"].fields["ShipOn"].value_type == kind


@pytest.mark.parametrize(
    ("text", "code", "where", "words", "help_line"),
    [
        pytest.param("a: [", "E105", "1:5", "", None, id="not-yaml"),
        pytest.param("a:\n\t- b", "E105", "2:1", "tab", None, id="tab"),
        pytest.param("a: \x07", "E105", "1:4", "", None, id="bell"),
        pytest.param("- a", "E111", "1:1", "an overlay (a mapping)", None, id="list"),
        pytest.param("overlay: 1\nentities: {}", "E113", "1:1", "`contract`", None, id="member"),
        pytest.param("a: 1\n---\nb: 2", "E106", "2:1", "", None, id="documents"),
        pytest.param(OVERLAY[:-1] + "\nowner: me\n", "E112", "18:1", "`owner`", None, id="top"),
        pytest.param(
            "overlay: 2\ncontract: a\nentities: {}", "E114", "1:10", "`2`", None, id="format"
        ),
        pytest.param(
            OVERLAY.replace("      source: invented\n", "", 1),
            "E113",
            "5:7",
            "`source`",
            "where the facts are documented",
            id="no-source",
        ),
        pytest.param(
            group("calcluated: [Total]"), "E112", "5:7", "`calcluated`", "calculated", id="kind"
        ),
        pytest.param(group("auto_numbered: maybe"), "E114", "5:22", "`maybe`", None, id="maybe"),
        pytest.param(
            group("auto_numbered: true"), "E409", "5:22", "no key of `Order`", None, id="no-key"
        ),
        pytest.param(
            group("keys: [OrderNbr]\n      auto_numbered: true\n      identities: [OrderNbr]"),
            "E409",
            "7:20",
            "the ERP numbers `Order.OrderNbr`",
            None,
            id="number-as-identity",
        ),
        pytest.param(group("since: new"), "E117", "5:14", "a version", None, id="version"),
        pytest.param(
            group("lengths: {OrderNbr: many}"), "E111", "5:27", "whole number", None, id="many"
        ),
        pytest.param(
            group("lengths: {OrderNbr: 1, OrderNbr: 2}"),
            "E110",
            "5:30",
            "duplicate",
            None,
            id="twice",
        ),
        pytest.param(group("keys: []"), "E111", "5:13", "at least one", None, id="no-keys"),
        pytest.param(group("keys: {a: b}"), "E111", "5:13", "a list", None, id="mapping"),
        pytest.param(
            group("keys: [OrderNbr]").replace("invented", "' '"),
            "E407",
            "6:16",
            "states no source",
            None,
            id="blank-source",
        ),
        pytest.param(
            "overlay: 1\ncontract: a\nentities: {Order: [{source: a}]}",
            "E407",
            "3:20",
            "states no fact",
            None,
            id="no-fact",
        ),
        pytest.param("[" * 5_000, "E108", "1:41", "", None, id="deep"),
        pytest.param(
            group("keys: [Total, Total]"), "E409", "5:21", "duplicate name", None, id="key-twice"
        ),
        pytest.param(
            group("calculated: [Totl]"),
            "E408",
            "5:20",
            "`Order` has no `Totl`",
            "did you mean `Total`?",
            id="field",
        ),
        pytest.param(
            group("calculated: [Total]", "Ordr"),
            "E408",
            "4:3",
            "has no `Ordr`",
            "did you mean `Order`?",
            id="entity",
        ),
        pytest.param(
            group("companions: {ShipTo.Town: ShipToOverride}"),
            "E408",
            "5:27",
            "`Address` has no `Town`",
            None,
            id="part",
        ),
        pytest.param(
            OVERLAY.replace("shop-1.200.001", "shop-2"),
            "E409",
            "2:11",
            "written for `shop-2`",
            None,
            id="contract",
        ),
        pytest.param(
            group("lengths: {Total: 5}"),
            "E409",
            "5:17",
            "type decimal, which has no",
            None,
            id="length",
        ),
        pytest.param(
            group("places: {OrderNbr: 2}"), "E409", "5:16", "no places", None, id="places"
        ),
        pytest.param(group("lengths: {OrderNbr: 0}"), "E409", "5:27", "no room", None, id="zero"),
        pytest.param(group("keys: [Lines]"), "E409", "5:14", "a list of `Line`", None, id="key"),
        pytest.param(
            group("companions: {ShipTo: OrderNbr}"), "E409", "5:28", "not a flag", None, id="flag"
        ),
        pytest.param(
            group("moments: [Total]"),
            "E409",
            "5:17",
            "`Order.Total` is of type decimal, neither a day nor a moment",
            None,
            id="moment",
        ),
        pytest.param(
            group("days: [Lines]"), "E409", "5:14", "`Line`, neither a day nor", None, id="day"
        ),
        pytest.param(
            group("days: [ShipOn]\n      moments: [ShipOn]"),
            "E409",
            "6:17",
            "`Order.ShipOn` has its `days or moments` stated twice",
            None,
            id="day-and-moment",
        ),
        pytest.param(
            group("companions: {Total.x: ShipToOverride}"),
            "E409",
            "5:20",
            "no parts",
            None,
            id="parts",
        ),
        pytest.param(
            group("calculated: [Total]\n      required: [Total]"),
            "E409",
            "6:18",
            "nothing sent to it is kept",
            None,
            id="required",
        ),
        pytest.param(
            group("calculated: [Total]\n      source: a\n    - calculated: [Total]"),
            "E409",
            "7:20",
            "`Order.Total` has its `calculated` stated twice",
            None,
            id="stated-twice",
        ),
    ],
)
def test_an_overlay_that_is_wrong(
    text: str, code: str, where: str, words: str, help_line: str | None
) -> None:
    """A error is at the smallest place that shows it, with the near name where there is one."""
    (found,) = refused(text)
    assert found[:2] == (code, f"overlay.yaml:{where}")
    assert words in found[2]
    if help_line is not None:
        assert help_line in (found[3] or "")


def test_all_diagnostics_at_once() -> None:
    """Every fact that cannot be true is reported, in the order of the file."""
    text = OVERLAY.replace("calculated: [Total]", "calculated: [Totl, Ttal]")
    text = text.replace("required: [Item]", "required: [Itm]")
    assert [(code, where) for code, where, _, _ in refused(text)] == [
        ("E408", "overlay.yaml:9:20"),
        ("E408", "overlay.yaml:9:26"),
        ("E408", "overlay.yaml:15:18"),
    ]


def test_keys_that_overrule_the_key_file() -> None:
    """Keys that are not those of the key file are taken, and told."""
    contract = shop_contract()
    order = with_keys(contract.entities["Order"], ("OrderNbr",))
    known = replace(contract, entities={**contract.entities, "Order": order})
    overlay = read_overlay(Source("overlay.yaml", OVERLAY))

    done = apply(known, overlay, frozenset(contract.entities))
    assert list(overruled(known, done.contract, contract.entities)) == [
        "Order: keys OrderType, OrderNbr instead of OrderNbr"
    ]


def test_companions_stated_twice() -> None:
    """A companion stated in two groups is told at the second place, with the first beside it."""
    again = "\n      source: a\n    - companions: {ShipTo: ShipToOverride}"
    found = refused(group("companions: {ShipTo: ShipToOverride}" + again))
    assert [(code, where) for code, where, _, _ in found] == [("E409", "overlay.yaml:7:20")]


def test_letters_beyond_ascii_before_the_error() -> None:
    """Columns count characters, not bytes."""
    found = refused(group("calculated: [Größe, Totl]"))
    assert [where for _, where, _, _ in found] == ["overlay.yaml:5:20", "overlay.yaml:5:27"]


def test_facts_about_entities_left_out() -> None:
    """A fact about an entity that was not asked for is checked, but not counted."""
    contract = shop_contract()
    overlay = read_overlay(Source("overlay.yaml", OVERLAY))
    assert apply(contract, overlay, frozenset({"Line"})).taken == 2


@given(
    st.text(alphabet=st.sampled_from("overlaycntdikys:- {}[],\n\t#&*!|>'\"0123é\x00"), max_size=80)
)
def test_any_text(text: str) -> None:
    """Any text gives an overlay or errors with a place, never another exception."""
    source = Source("overlay.yaml", text)
    found = diagnostics_of(lambda: read_overlay(source))
    assert all(diagnostic.label is not None or diagnostic.code == "E104" for diagnostic in found)


@given(
    st.lists(
        st.sampled_from(sorted({*OVERLAY.split(), "\n", "  ", "    - ", "      "})), max_size=30
    )
)
def test_any_words_of_an_overlay(words: list[str]) -> None:
    """Whatever the words of an overlay are put together to: facts, or errors with a place."""
    start = "overlay: 1\ncontract: shop-1.200.001\nentities:\n  Order:\n    - "
    found = diagnostics_of(lambda: refine(start + " ".join(words)))
    assert all(diagnostic.label is not None for diagnostic in found)
