"""The ledger by itself: what it takes over, hands out and takes back, in both databases."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from mapgen.runtime.aborted import LedgerFailed
from mapgen.runtime.ledger import Acknowledgement, Ledger
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected
from tests.runtime_delivery.orders import order, orders


def test_each_document_is_claimed_once(address: str) -> None:
    """However many threads and processes claim at once, each document is in one hand."""
    claimed: list[int] = []
    with Ledger(address) as first, Ledger(address) as second:
        first.stage("orders", "a", list(orders(200)))

        def work(ledger: Ledger, run: str) -> None:
            while portion := ledger.claim("orders", run, limit=7, settle=60.0):
                claimed.extend(claim.row for claim in portion)

        threads = [
            threading.Thread(target=work, args=(ledger, f"{ledger}"))
            for ledger in (first, second, first, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(claimed) == len(set(claimed)) == 200


def test_same_identities_staged_at_once(address: str) -> None:
    """Two runs that stage the same documents at once make one row of each, and both know."""
    results = []
    with Ledger(address) as first, Ledger(address) as second:

        def work(ledger: Ledger, run: str) -> None:
            batches = [list(orders(200))[at : at + 20] for at in range(0, 200, 20)]
            results.append([ledger.stage("orders", run, batch) for batch in batches])

        threads = [
            threading.Thread(target=work, args=(first, "a")),
            threading.Thread(target=work, args=(second, "b")),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = first.counts("orders")
        accounts = [first.settle_accounts("orders", run) for run in ("a", "b")]

    assert counts == {"staged": 200}
    assert sum(len(staged.staged) for result in results for staged in result) == 200
    assert sum(len(staged.met) for result in results for staged in result) == 200
    assert accounts == [{"staged": 200}, {"staged": 200}]


def test_young_intent(address: str) -> None:
    """A document in hand is handed to nobody else before its intent has settled."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [order(1)])
        [claim] = ledger.claim("orders", "a", limit=5, settle=60.0)
        assert ledger.claim("orders", "b", limit=5, settle=60.0) == []

        [taken] = ledger.claim("orders", "b", limit=5, settle=0.0)

        assert taken.row == claim.row
        assert not ledger.renew(claim)
        assert ledger.renew(taken)
        assert ledger.acknowledge("a", [Acknowledgement(claim, "sent", "SO1")]) == []
        assert len(ledger.acknowledge("b", [Acknowledgement(taken, "sent", "SO1")])) == 1
        assert ledger.is_drained("orders")


def test_claims_of_one_run(address: str) -> None:
    """Two claims of one run are told apart: the older one has lost the document."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [order(1)])
        [old] = ledger.claim("orders", "a", limit=5, settle=60.0)
        [new] = ledger.claim("orders", "a", limit=5, settle=0.0)

        assert (ledger.renew(old), ledger.renew(new)) == (False, True)


def test_unanswered(address: str) -> None:
    """A document given up for want of an answer is handed out again, its attempt counted."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [order(1)])
        [claim] = ledger.claim("orders", "a", limit=5, settle=60.0)
        ledger.unsettle(claim)
        assert ledger.claim("orders", "a", limit=5, settle=60.0) == []
        due = ledger.next_settled("orders", 60.0)
        assert due is not None
        assert 0 < due <= 60.0

        [again] = ledger.claim("orders", "a", limit=5, settle=0.0)

        assert again.attempts == 1


def test_sent_documents_are_forgotten(tmp_path: Path) -> None:
    """What the ERP has does not lie in the ledger too; what was refused stays for a look."""
    file = tmp_path / "ledger.db"
    with Ledger(f"sqlite:///{file}") as ledger:
        ledger.stage("orders", "a", list(orders(2)))
        sent, refused = ledger.claim("orders", "a", limit=2, settle=60.0)
        error = ErrorReport("R402", "no")
        ledger.acknowledge(
            "a",
            [
                Acknowledgement(sent, "sent", "SO1"),
                Acknowledgement(refused, "rejected", errors=(error,)),
            ],
        )
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT state, body IS NULL FROM mapgen_records ORDER BY id")

        assert rows.fetchall() == [("sent", 1), ("rejected", 0)]
    connection.close()


def test_odd_text(address: str) -> None:
    """Keys with NUL and lone surrogates are kept in a form that a database can hold."""
    origin = Origin("orders.jsonl", 1, 1, "a\x00b\ud800")
    error = ErrorReport("R201", "is \x00 odd", value="\x00")
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [Rejected(origin, (error,))])

        assert ledger.counts("orders") == {"rejected": 1}


def test_flows_do_not_mix(address: str) -> None:
    """The same identity in two flows is two documents."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [order(1)])
        ledger.stage("returns", "b", [order(1)])

        assert len(ledger.claim("orders", "a", limit=9, settle=60.0)) == 1
        assert ledger.counts("returns") == {"staged": 1}


def test_large_document(address: str) -> None:
    """A document of some megabytes comes back byte for byte."""
    body = bytes(range(256)) * 20_000
    document = Document(Origin("orders.jsonl", 1, 1), "SalesOrder", "1-shop", body)
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", [document])

        assert ledger.claim("orders", "a", limit=1, settle=60.0)[0].body == body


def text_file(folder: Path) -> str:
    (folder / "notes.txt").write_text("This is no database, it only looks long enough. " * 40)
    return f"sqlite:///{folder}/notes.txt"


def other_database(folder: Path) -> str:
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE customers (id)")
    connection.close()
    return f"sqlite:///{folder}/other.db"


def newer_ledger(folder: Path) -> str:
    address = f"sqlite:///{folder}/newer.db"
    Ledger(address).close()
    with sqlite3.connect(folder / "newer.db") as connection:
        connection.execute("UPDATE mapgen_ledger SET version = 99")
    connection.close()
    return address


UNUSABLE = [
    pytest.param(text_file, "not a database", id="another file"),
    pytest.param(other_database, "other tables", id="another database"),
    pytest.param(newer_ledger, "version 99", id="from a newer version"),
    pytest.param(lambda folder: f"sqlite:///{folder}", "is a folder", id="a folder"),
    pytest.param(
        lambda folder: f"sqlite:///{folder}/no/ledger.db", "unable to open", id="no folder"
    ),
    pytest.param(lambda folder: "sqlite://", "in memory", id="in memory"),
    pytest.param(lambda folder: "ledger.db", "cannot be read", id="a bare name"),
    pytest.param(lambda folder: "mysql://u:pw-secret@h/d", "`mysql`", id="another kind"),
    pytest.param(
        lambda folder: "postgresql+psycopg://u:pw-secret@127.0.0.1:9/d?connect_timeout=2",
        "fails",
        id="no server",
    ),
]


@pytest.mark.parametrize(("make", "words"), UNUSABLE)
def test_unusable_address(make: object, words: str, tmp_path: Path) -> None:
    """An address that leads to no ledger is reported with a next step; a password is not shown."""
    assert callable(make)
    address = make(tmp_path)
    with pytest.raises(LedgerFailed) as error:
        Ledger(address)

    assert words in error.value.message
    assert error.value.help
    assert "pw-secret" not in error.value.message + error.value.help


def test_file_taken_away(tmp_path: Path) -> None:
    """A database that fails in the middle is a sentence, not a traceback."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger(address) as ledger:
        engine = create_engine(address)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE mapgen_records"))
        engine.dispose()
        with pytest.raises(LedgerFailed, match="no such table") as error:
            ledger.stage("orders", "a", [order(1)])

    assert "person1" not in error.value.message


def test_older_work_finished_before_it_is_read(address: str) -> None:
    """What a run finishes for an earlier one, and reads only then, it counts once."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(2)))
        for claim in ledger.claim("orders", "b", limit=1, settle=60.0):
            ledger.acknowledge("b", [Acknowledgement(claim, "sent", "SO1")])

        first = ledger.stage("orders", "b", list(orders(2)))
        second = ledger.stage("orders", "b", list(orders(2)))
        for claim in ledger.claim("orders", "c", limit=1, settle=60.0):
            ledger.acknowledge("c", [Acknowledgement(claim, "sent", "SO2")])

        assert (first.met, dict(first.already_exists)) == ((0, 1), {})
        assert (second.met, dict(second.already_exists)) == ((), {0: "SO1", 1: None})
        assert ledger.settle_accounts("orders", "b") == {"sent": 1}


VERSION_1 = """
CREATE TABLE mapgen_ledger (version INTEGER PRIMARY KEY);
INSERT INTO mapgen_ledger VALUES (1);
CREATE TABLE mapgen_records (
    id {serial} PRIMARY KEY, flow TEXT NOT NULL, subject TEXT NOT NULL, source TEXT NOT NULL,
    identity TEXT, entity TEXT, body {bytes}, state TEXT NOT NULL, number TEXT, was_there BOOLEAN,
    reason TEXT, faults TEXT, attempts INTEGER NOT NULL, claim TEXT, intent_at DOUBLE PRECISION,
    reader TEXT, finisher TEXT, changed_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE mapgen_met (run TEXT, record BIGINT, met_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run, record));
CREATE UNIQUE INDEX mapgen_one_document ON mapgen_records (flow, identity)
    WHERE identity IS NOT NULL;
CREATE UNIQUE INDEX mapgen_one_subject ON mapgen_records (flow, subject) WHERE identity IS NULL;
CREATE INDEX mapgen_queue ON mapgen_records (flow, state, id);
INSERT INTO mapgen_records
    (flow, subject, source, identity, entity, body, state, number, attempts, changed_at)
VALUES ('orders', '1', '1', '1-shop', 'SalesOrder', NULL, 'sent', 'SO1', 0, 1.0),
    ('orders', '2', '2', '2-shop', 'SalesOrder', {body}, 'staged', NULL, 0, 1.0),
    ('orders', '3', '3', NULL, NULL, NULL, 'rejected', NULL, 0, 1.0);
"""


def write_version_1(address: str) -> None:
    """Write a ledger as version 1 left it."""
    engine = create_engine(address)
    is_sqlite = engine.dialect.name == "sqlite"
    words = VERSION_1.format(
        serial="INTEGER" if is_sqlite else "BIGSERIAL",
        bytes="BLOB" if is_sqlite else "BYTEA",
        body="X'7b7d'" if is_sqlite else r"'\x7b7d'",
    )
    with engine.begin() as connection:
        for statement in words.split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
    engine.dispose()


def test_ledger_of_version_1(address: str) -> None:
    """What an older version left is known, and goes on: sent, in the queue, rejected."""
    write_version_1(address)
    with Ledger(address) as ledger:
        assert ledger.counts("orders") == {"sent": 1, "staged": 1, "rejected": 1}
        staged = ledger.stage("orders", "a", list(orders(3)))

        assert dict(staged.already_exists) == {0: "SO1"}
        assert (staged.met, staged.staged) == ((1,), (2,))
        # What lay in the queue was made by unknown rules: the record's own word holds now.
        [claim] = ledger.claim("orders", "a", limit=1, settle=60.0)
        assert claim.body == order(2).body
    with Ledger(address) as again:
        assert again.counts("orders") == {"sent": 1, "sending": 1, "staged": 1}


def test_renewal_that_fails(tmp_path: Path) -> None:
    """A renewal that breaks off leaves the ledger as it was."""
    address = f"sqlite:///{tmp_path}/ledger.db"
    write_version_1(address)
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("CREATE TABLE mapgen_needs (odd)")
    connection.close()
    with pytest.raises(LedgerFailed):
        Ledger(address)

    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(mapgen_records)")]
        version = connection.execute("SELECT version FROM mapgen_ledger").fetchone()
    connection.close()
    assert "document" not in columns
    assert version == (1,)


def test_signal_amid_a_transaction(tmp_path: Path) -> None:
    """A signal is heard once the transaction is over: nothing stays locked."""
    with Ledger(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        ledger.stage("orders", "a", [order(1)])

        def heard() -> float:
            signal.raise_signal(signal.SIGINT)
            return 1.0

        ledger.now = heard  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt) as held:
            ledger.stage("orders", "a", [order(2)])

        del ledger.now
        assert held.value is not None
        assert ledger.counts() == {"staged": 2}


def test_lease_is_added_to_the_settle_time(address: str) -> None:
    """A worker may have sent up to `lease` seconds after its intent: one that is dead waits both.

    A request that was given up is settled by its own end, and no lease.
    """
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(1)))
        [claim] = ledger.claim("orders", "a", limit=1, settle=60.0)

        assert ledger.claim("orders", "b", limit=1, settle=0.0, lease=60.0) == []
        assert (ledger.next_settled("orders", 0.0, 60.0) or 0) > 50
        ledger.unsettle(claim)
        assert len(ledger.claim("orders", "b", limit=1, settle=0.0, lease=60.0)) == 1


def test_clock_of_the_machine_is_set(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day ahead or back, nobody takes what is in hand, and what has settled is taken."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(1)))
        ledger.claim("orders", "a", limit=1, settle=60.0)
        real = time.time
        for jump in (86_400.0, -86_400.0):
            monkeypatch.setattr("time.time", lambda jump=jump: real() + jump)
            assert ledger.claim("orders", "b", limit=1, settle=60.0) == []
            with Ledger(address) as other:
                assert other.claim("orders", "b", limit=1, settle=60.0) == []
        assert len(ledger.claim("orders", "b", limit=1, settle=0.0)) == 1


def test_intent_of_an_earlier_start_of_the_machine(address: str) -> None:
    """A moment that is yet to come counts from now: never too early, and not never."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(1)))
        ledger.claim("orders", "a", limit=1, settle=60.0)
        with ledger._engine.begin() as connection:
            connection.execute(text("UPDATE mapgen_records SET intent_at = 9e12"))

        assert ledger.claim("orders", "b", limit=1, settle=60.0) == []
        assert len(ledger.claim("orders", "b", limit=1, settle=0.0)) == 1
