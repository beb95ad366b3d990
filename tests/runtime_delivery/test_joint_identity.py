"""Identities of several fields: no two are one, and each document is made once, and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.agreed.plan import Plan
from mapgen.contract.lock import load
from mapgen.runtime.blanks import is_blank
from mapgen.runtime.delivery import deliver
from mapgen.runtime.identity import joined, values_of
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document
from mapgen.sandbox import Sandbox, serve
from mapgen.sandbox import Settings as Chosen
from tests.runtime_delivery.orders import RULES, Watcher, order, plan_of
from tests.runtime_delivery.test_against_sandbox import CREDENTIALS, LOCK, SEED, environment_of

REFERENCES = ("it's", '"', "a b", "x,y", "\\", "[", "größe", "a' or 1 eq 1 or '")
VENDORS = ("V1", "V'2", '","', "[]")

parts = st.lists(st.text(max_size=6), min_size=2, max_size=3)


@given(one=parts, other=parts)
def test_no_two_are_one(one: list[str], other: list[str]) -> None:
    """Lists of values that differ, not by blanks at the end alone, are different identities."""
    kept = [value.rstrip(" ") for value in one]
    if not any(is_blank(value) or "\x00" in value for value in one):
        assert values_of(joined(one), len(one)) == tuple(kept)
    if joined(one) == joined(other) and joined(one).strip() and "\x00" not in joined(one):
        assert kept == [value.rstrip(" ") for value in other]


@given(value=st.text())
def test_one_value_is_itself(value: str) -> None:
    """The identity of one field is as it was."""
    assert joined([value]) == value
    assert values_of(value, 1) == (value,)


@pytest.mark.parametrize("values", [("a", ""), (" ", "b"), ("a\x00", "b")])
def test_a_value_that_is_none(values: tuple[str, str]) -> None:
    """A blank part makes the whole blank; what cannot be stored is not hidden."""
    identity = joined(values)
    assert not identity.strip() or "\x00" in identity


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A tenant that knows no order yet."""
    with serve(load(LOCK), seed=SEED, settings=Chosen(credentials=CREDENTIALS)) as found:
        yield found


def joint_plan() -> Plan:
    """Return the plan of orders that two fields tell apart."""
    plan = plan_of()
    documents = tuple(
        replace(one, identity=replace(one.identity, others=("CustomerOrder",)))
        for one in plan.documents
    )
    return replace(plan, documents=documents)


def documents() -> Iterator[Document]:
    """Yield an order for each pair of a reference and a vendor."""
    pairs = [(reference, vendor) for reference in REFERENCES for vendor in VENDORS]
    for at, (reference, vendor) in enumerate(pairs, start=1):
        made = order(at, identity=reference)
        body = {**json.loads(made.body), "CustomerOrder": {"value": vendor}}
        identity = joined((reference, vendor))
        yield replace(made, identity=identity, body=msgspec.json.encode(body))


def test_each_is_made_once(tenant: Sandbox, tmp_path: Path) -> None:
    """One reference of several vendors is several documents; a lost ledger doubles none."""
    count = len(REFERENCES) * len(VENDORS)
    with Ledger(f"sqlite:///{tmp_path}/first.db") as ledger:
        first = deliver(documents(), joint_plan(), environment_of(tenant), ledger, RULES, Watcher())
    with Ledger(f"sqlite:///{tmp_path}/empty.db") as ledger:
        again = deliver(documents(), joint_plan(), environment_of(tenant), ledger, RULES, Watcher())

    assert (first.created, first.rejected) == (count, 0)
    assert (again.created, again.already_exists) == (0, count)
