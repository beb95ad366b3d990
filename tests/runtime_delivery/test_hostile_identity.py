"""Whatever an identity holds, its document is made once, and found again by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapgen.contract.lock import load
from mapgen.runtime.delivery import deliver
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.outcome import Document
from mapgen.sandbox import Sandbox, serve
from mapgen.sandbox import Settings as Chosen
from tests.depth import examples
from tests.runtime_delivery.orders import RULES, Watcher, order, plan_of
from tests.runtime_delivery.test_against_sandbox import (
    CREDENTIALS,
    LOCK,
    SEED,
    environment_of,
    references,
)

# Unlike each other where the ERP compares: by case and by blanks at the end.
IDENTITIES = (
    "it's",
    "''",
    "' or 1 eq 1 or ExternalRef eq '",
    "'); DROP TABLE documents; --",
    '"',
    "100%",
    "%27",
    "%00",
    "%2F..%2F",
    "a#b",
    "a&b=c&$filter=x",
    "a?b",
    "a+b",
    "a b",
    "a/b",
    "../../etc",
    "a\\b",
    "a\nb",
    "a\r\nX-Header: b",
    "a\tb",
    "\x1b[31m",
    "\x7f",
    "a\u2028b",
    "\u202e",
    "é",
    "注文",
    "😀",
    "(a,b)",
    "null",
    "true",
    "{0}%s:x",
    "$top",
    "*",
    "_",
)
# What no field of the ERP has room for, or no database can hold.
UNUSABLE = ("x" * 10_000, "'" * 1_000, "a\x00b", "\ud800", " ")


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A tenant that knows no order yet."""
    with serve(load(LOCK), seed=SEED, settings=Chosen(credentials=CREDENTIALS)) as found:
        yield found


def documents(identities: list[str]) -> Iterator[Document]:
    return (order(at, identity=one) for at, one in enumerate(identities, start=1))


def test_hostile_identities(tenant: Sandbox, address: str, tmp_path: Path) -> None:
    """Each is created, found by a ledger that knows nothing, and neither lost nor made twice."""
    given_ones = [*IDENTITIES, *UNUSABLE]
    with Ledger(address) as ledger:
        first = deliver(
            documents(given_ones), plan_of(), environment_of(tenant), ledger, RULES, Watcher()
        )
    assert (first.created, first.rejected) == (len(IDENTITIES), len(UNUSABLE))
    assert references(tenant) == sorted(IDENTITIES)

    with Ledger(f"sqlite:///{tmp_path}/empty.db") as ledger:
        again = deliver(
            documents(given_ones), plan_of(), environment_of(tenant), ledger, RULES, Watcher()
        )
    assert (again.created, again.already_exists) == (0, len(IDENTITIES))
    assert references(tenant) == sorted(IDENTITIES)


NUMBERS = itertools.count()
letters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
pieces = st.lists(st.text(letters, max_size=16), min_size=1, max_size=8)


@settings(max_examples=examples(6), deadline=None, suppress_health_check=list(HealthCheck))
@given(pieces)
def test_any_identities(tenant: Sandbox, words: list[str]) -> None:
    """The same of any texts."""
    run = next(NUMBERS)
    identities = [f"{run}.{at}{word}." for at, word in enumerate(words)]
    counts = []
    for _ in range(2):
        with TemporaryDirectory() as folder, Ledger(f"sqlite:///{folder}/l.db") as ledger:
            summary = deliver(
                documents(identities), plan_of(), environment_of(tenant), ledger, RULES, Watcher()
            )
        counts.append((summary.created, summary.already_exists))

    assert counts == [(len(words), 0), (0, len(words))]
    assert set(identities) <= set(references(tenant))
