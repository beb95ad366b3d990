"""The latest word of a record, and what earlier runs left: in the ledger, in both databases."""

from __future__ import annotations

import stat
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mapgen.runtime.folding import alike, folded
from mapgen.runtime.ledger import Acknowledgement, Ledger
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected, Skipped
from tests.runtime_delivery.orders import order, orders

LATER = ErrorReport("R304", "not in the lookup", retry=True)


def of(number: int, identity: str, body: bytes = b"{}") -> Document:
    origin = Origin("orders.jsonl", number, number, f"key {number}")
    return Document(origin, "SalesOrder", identity, body)


def test_cancelled_meanwhile(address: str) -> None:
    """Orders that are cancelled between two runs are not made from the queue."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(3)))
        [in_hand] = ledger.claim("orders", "a", limit=1, settle=60.0)
        gone = [Skipped(one.origin, "cancelled") for one in orders(3)]
        assert ledger.stage("orders", "b", gone).withdrawn == 3

        [left] = ledger.claim("orders", "b", limit=9, settle=0.0)

        assert (left.row, left.is_withdrawn) == (in_hand.row, True)
        ledger.acknowledge("b", [Acknowledgement(left, "skipped")])
        assert ledger.counts("orders") == {"skipped": 6}
        assert ledger.is_drained("orders")


def test_line_that_was_not_whole_yet(address: str) -> None:
    """A record that was read while its file was written is open no longer once it is whole."""
    unread = Origin("orders.jsonl", 2, 2)
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x"), Rejected(unread, (ErrorReport("R101", "cut"),))])
        assert ledger.still_open("orders", ledger.now() + 1).count == 1

        ledger.stage("orders", "b", [of(1, "x"), Skipped(of(2, "y").origin, "cancelled")])

        assert ledger.still_open("orders", ledger.now() + 1).count == 0
        assert ledger.counts("orders") == {"staged": 1, "skipped": 1}


def test_mended_meanwhile(address: str) -> None:
    """What goes out is the record's state of today, from the queue and from a dead hand."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x", b"old"), of(2, "y", b"old")])
        ledger.claim("orders", "a", limit=1, settle=60.0)
        ledger.stage("orders", "b", [of(1, "x", b"new"), of(2, "y", b"new")])

        claims = ledger.claim("orders", "b", limit=9, settle=0.0)
        claims += ledger.claim("orders", "b", limit=1, settle=0.0)

        assert [(one.identity, one.body) for one in claims] == [("y", b"new"), ("x", b"new")]


def test_other_rules(address: str) -> None:
    """What other rules made stays where it is until its record comes again."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x")], rules="old")
        ledger.stage("orders", "a", [of(2, "y")], rules="old")
        assert ledger.claim("orders", "b", limit=9, settle=0.0, rules="new") == []
        assert ledger.is_drained("orders", "new")
        left = ledger.still_open("orders", ledger.now() + 1, "new")
        assert (left.count, left.outdated) == (2, 2)
        assert left.since is not None

        ledger.stage("orders", "b", [of(1, "x", b"new")], rules="new")

        [claim] = ledger.claim("orders", "b", limit=9, settle=0.0, rules="new")
        assert (claim.body, claim.is_outdated) == (b"new", False)
        assert [one.source for one in ledger.queue()] == ["key 1", "key 2"]
        assert ledger.drop("orders") == 1


@pytest.mark.parametrize("body", [b"{}", b"new"])
def test_record_that_comes_while_its_document_of_other_rules_is_looked_up(
    address: str, body: bytes
) -> None:
    """What it gives goes out in the same run, though its document was put back meanwhile."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x")], rules="old")
        ledger.claim("orders", "a", limit=1, settle=60.0, rules="old")
        [in_hand] = ledger.claim("orders", "b", limit=1, settle=0.0, rules="new")
        assert in_hand.is_outdated

        ledger.stage("orders", "b", [of(1, "x", body)], rules="new")
        ledger.defer(in_hand)

        assert not ledger.is_drained("orders", "new")
        [claim] = ledger.claim("orders", "b", limit=9, settle=60.0, rules="new")
        assert (claim.body, claim.is_outdated) == (body, False)
        assert ledger.counts("orders") == {"sending": 1}


def test_record_that_is_skipped_while_its_document_of_other_rules_is_looked_up(
    address: str,
) -> None:
    """Nothing of it is left in the queue."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x")], rules="old")
        ledger.claim("orders", "a", limit=1, settle=60.0, rules="old")
        [in_hand] = ledger.claim("orders", "b", limit=1, settle=0.0, rules="new")

        ledger.stage("orders", "b", [Skipped(of(1, "x").origin, "cancelled")], rules="new")
        ledger.defer(in_hand)

        assert ledger.counts("orders") == {"skipped": 2}


SHARED = [
    pytest.param([of(1, "x", b"a"), of(2, "x", b"b")], "R226", id="other content"),
    pytest.param(
        [of(1, "x", b"a"), replace(of(2, "x", b"b"), origin=Origin("o", 2, 2, "key 1"))],
        "R226",
        id="one record twice",
    ),
    pytest.param([of(1, "AbC"), of(2, "aBc")], "R227", id="case"),
    pytest.param([of(1, "x"), of(2, "x ")], "R227", id="trailing blank"),
    pytest.param([of(1, "caf\u00e9"), of(2, "cafe\u0301")], "R227", id="composed or not"),
    pytest.param([of(1, "A-1"), of(2, "\uff21-1")], "R227", id="full width"),
    pytest.param([of(1, "A-1"), of(2, "A\u200b-1\ufeff")], "R227", id="zero width"),
    pytest.param([of(1, "A 1"), of(2, "A\u00a01")], "R227", id="no-break space"),
    pytest.param([of(1, "A1"), of(2, "A1\u00a0\u200d ")], "R227", id="blanks that are none"),
    pytest.param([of(1, "stra\u00dfe"), of(2, "STRASSE")], "R227", id="letters of case"),
]


@pytest.mark.parametrize(("documents", "code"), SHARED)
@pytest.mark.parametrize("at_once", [True, False])
def test_one_identity_of_two_records(
    address: str, documents: list[Document], code: str, at_once: bool
) -> None:
    """Of two records that would be one document the second is rejected, and names the first."""
    batches = [documents] if at_once else [[one] for one in documents]
    with Ledger(address) as ledger:
        staged = [ledger.stage("orders", "a", batch) for batch in batches]

        refused = staged[-1].outcomes[-1]
        assert isinstance(refused, Rejected)
        assert [error.code for error in refused.errors] == [code]
        assert "`key 1` (orders.jsonl:1)" in refused.errors[0].message
        assert ledger.counts("orders") == {"staged": 1, "rejected": 1}


FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")


@given(st.text(), st.sampled_from(FORMS), st.sampled_from(["", "\u200b", "\u2060", "\ufe0f"]))
def test_alike(text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"], unseen: str) -> None:
    """No way to write a text makes another one of it, and what is folded alike is alike."""
    assert alike(unicodedata.normalize(form, text)) == alike(text)
    assert alike(unseen + text + unseen) == alike(text)
    assert alike(folded(text)) == alike(text)


@pytest.mark.parametrize("identity", ["", "  ", "n\x00-2"])
def test_no_usable_identity(address: str, identity: str) -> None:
    """A record whose identity cannot be one is rejected, and stops no other one."""
    odd = replace(of(2, identity), origin=Origin("o", 2, 2, f"k{identity}"))
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [of(1, "x"), odd, of(3, "z")])

        assert ledger.counts("orders") == {"staged": 2, "rejected": 1}


def test_a_record_that_waits_comes_back(address: str) -> None:
    """A record that waits is handed out by later runs, unless they read it themselves."""
    with Ledger(address) as ledger:
        waits = [Rejected(order(n).origin, (LATER,), b"{%d}" % n) for n in (1, 2)]
        ledger.stage("orders", "a", waits)
        ledger.stage("orders", "b", [order(1)])

        assert [kept.data for kept in ledger.kept("orders", "b")] == [b"{2}"]
        assert ledger.still_open("orders", ledger.now() + 1).count == 1


def test_what_is_out_does_not_stay(address: str) -> None:
    """The content of what waited for too long is deleted, and its row says so."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [Rejected(order(1).origin, (LATER,), b"{1}")])
        assert ledger.purge("orders", "b", 60.0) == 0
        assert ledger.purge("orders", "b", -60.0) == 1

        assert list(ledger.kept("orders", "b")) == []
        assert ledger.counts("orders") == {"dead_lettered": 1}


def test_files_of_the_owner_alone(tmp_path: Path) -> None:
    """Nobody else may read a ledger, nor the files that SQLite keeps beside it."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.stage("orders", "a", [order(1)])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    assert set(modes.values()) == {0o600}
    assert len(modes) == 3
