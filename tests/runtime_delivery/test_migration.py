"""A ledger that an earlier version left, under a run of today: in both databases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from mapgen.contract.lock import load
from mapgen.contract.model import Contract
from mapgen.runtime.delivery import deliver
from mapgen.runtime.ledger import Acknowledgement, Ledger, book_of
from mapgen.runtime.summary import Summary
from mapgen.sandbox import Sandbox
from tests.runtime_delivery.orders import RULES, Watcher, order, orders, plan_of
from tests.runtime_delivery.test_against_sandbox import LOCK, environment_of, references, tenant

TABLES = """
CREATE TABLE mapgen_ledger (version INTEGER PRIMARY KEY);
INSERT INTO mapgen_ledger VALUES (2);
CREATE TABLE mapgen_records (
    id {serial} PRIMARY KEY, flow TEXT NOT NULL, subject TEXT NOT NULL, source TEXT NOT NULL,
    document TEXT DEFAULT 'document' NOT NULL, identity TEXT, entity TEXT, body {bytes},
    digest TEXT, state TEXT NOT NULL, number TEXT, erp_keys TEXT, was_there BOOLEAN, reason TEXT,
    faults TEXT, attempts INTEGER NOT NULL, claim TEXT, intent_at DOUBLE PRECISION, reader TEXT,
    finisher TEXT, changed_at DOUBLE PRECISION NOT NULL, next_body {bytes}, next_head TEXT
);
CREATE TABLE mapgen_needs (record BIGINT NOT NULL, document TEXT NOT NULL, identity TEXT NOT NULL,
    PRIMARY KEY (record, document, identity));
CREATE TABLE mapgen_met (run TEXT NOT NULL, record BIGINT NOT NULL,
    met_at DOUBLE PRECISION NOT NULL, PRIMARY KEY (run, record));
CREATE UNIQUE INDEX mapgen_one_document ON mapgen_records (flow, document, identity)
    WHERE identity IS NOT NULL;
CREATE UNIQUE INDEX mapgen_one_subject ON mapgen_records (flow, subject) WHERE identity IS NULL;
CREATE INDEX mapgen_queue ON mapgen_records (flow, state, id)
"""
# What version 3 added.
TABLES_3 = """
ALTER TABLE mapgen_records ADD COLUMN rules TEXT;
ALTER TABLE mapgen_records ADD COLUMN place TEXT;
ALTER TABLE mapgen_records ADD COLUMN folded TEXT;
ALTER TABLE mapgen_records ADD COLUMN open_since DOUBLE PRECISION;
ALTER TABLE mapgen_records ADD COLUMN record {bytes};
CREATE TABLE mapgen_runs (run TEXT PRIMARY KEY, flow TEXT NOT NULL, mapgen TEXT NOT NULL,
    rules TEXT NOT NULL, began_at DOUBLE PRECISION NOT NULL, ended_at DOUBLE PRECISION);
CREATE INDEX mapgen_of_record ON mapgen_records (flow, subject);
CREATE INDEX mapgen_alike ON mapgen_records (flow, document, folded);
UPDATE mapgen_records SET rules = 'before', folded = lower(identity);
UPDATE mapgen_records SET open_since = changed_at WHERE state NOT IN ('sent', 'skipped');
UPDATE mapgen_ledger SET version = 3
"""
# What version 4 changed.
TABLES_4 = """
ALTER TABLE mapgen_records RENAME COLUMN faults TO errors;
UPDATE mapgen_records SET state = 'dead_lettered' WHERE state = 'dead';
UPDATE mapgen_records SET state = 'deferred' WHERE state = 'waiting';
UPDATE mapgen_ledger SET version = 4
"""
ROW = """
INSERT INTO mapgen_records (flow, subject, source, identity, entity, body, state, number, reason,
    faults, attempts, claim, intent_at, reader, changed_at, next_body, next_head)
VALUES (:flow, :subject, :subject, :identity, 'SalesOrder', :body, :state, :number, :reason,
    :faults, :attempts, :claim, :intent_at, 'old-run', :now, NULL, NULL)
"""
FAULTS = '[{"code": "R304", "message": "not in the lookup", "retry": true}]'
# Each order, and what version 2 knew of it; a row without a document has no identity.
ROWS: dict[int, dict[str, object]] = {
    1: {"state": "sent", "number": "SO000001", "body": None},
    2: {"state": "staged"},
    3: {"state": "sending", "claim": "old-run/1", "intent_at": 1.0},
    4: {"state": "sending", "attempts": 1, "intent_at": 1.0},
    5: {"state": "rejected", "identity": None, "faults": FAULTS},
    6: {"state": "waiting", "identity": None, "faults": FAULTS},
    7: {"state": "waiting", "faults": FAULTS},
    8: {"state": "skipped", "identity": None, "reason": "cancelled"},
    9: {"state": "dead", "reason": "no answer to 4 requests", "faults": FAULTS},
    10: {"state": "rejected", "faults": FAULTS},
}  # fmt: skip
SAVED = (1, 4)
"""Those that the ERP has: the answer to the fourth was lost."""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load(LOCK)


def write_ledger(address: str, book: str, version: int) -> None:
    """Write a ledger as version 2, 3 or 4 left it."""
    engine = create_engine(address)
    is_sqlite = engine.dialect.name == "sqlite"
    types = {
        "serial": "INTEGER" if is_sqlite else "BIGSERIAL",
        "bytes": "BLOB" if is_sqlite else "BYTEA",
    }
    blank = dict.fromkeys(("number", "reason", "faults", "claim", "intent_at"))
    with engine.begin() as connection:
        for statement in TABLES.format_map(types).split(";\n"):
            connection.execute(text(statement))
        for number, row in ROWS.items():
            known = {
                "flow": book,
                "subject": str(number),
                "attempts": 0,
                "now": time.time(),
                **blank,
            }
            known |= {"identity": f"{number}-shop", "body": order(number).body} | row
            known["body"] = None if known["identity"] is None else known["body"]
            connection.execute(text(ROW), known)
        met = "INSERT INTO mapgen_met SELECT 'old-run', id, 1.0 FROM mapgen_records"
        connection.execute(text(met))
        later = [TABLES_3, TABLES_4][: version - 2]
        for statement in ";\n".join(later).format_map(types).split(";\n") if later else ():
            connection.execute(text(statement))
    engine.dispose()


def run(sandbox: Sandbox, address: str, numbers: tuple[int, ...]) -> Summary:
    with Ledger(address) as ledger:
        given = [order(number) for number in numbers]
        environment = environment_of(sandbox)
        return deliver(given, plan_of(rules="today"), environment, ledger, RULES, Watcher())


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_run_over_a_ledger_of_before(
    contract: Contract, address: str, tmp_path: Path, version: int
) -> None:
    """Each order is in the ERP once, whatever the older version had left of it."""
    with tenant(contract) as sandbox:
        assert run(sandbox, f"sqlite:///{tmp_path}/aside.db", SAVED).created == len(SAVED)
        where = environment_of(sandbox).tenant
        write_ledger(address, book_of("orders", where.tenant, where.url), version)

        idle = run(sandbox, address, ())
        # What lay in the queue goes out once its record comes again; what was in hand is looked up.
        assert references(sandbox) == ["1-shop", "4-shop"]
        assert (idle.read, idle.created, idle.outdated) == (0, 1, 2)
        assert idle.open == 7

        first = run(sandbox, address, tuple(range(1, 12)))
        assert references(sandbox) == sorted(f"{number}-shop" for number in range(1, 12))
        assert first.created + first.already_exists == first.read == 11
        assert (first.rejected, first.deferred, first.dead_lettered, first.open) == (0, 0, 0, 0)

        again = run(sandbox, address, tuple(range(1, 12)))
        assert (again.already_exists, again.created) == (11, 0)
        assert len(references(sandbox)) == 11


@pytest.mark.parametrize("version", [2, 3, 4])
def test_identities_of_before_are_compared_as_the_erp_does(address: str, version: int) -> None:
    """A record whose identity differs from one of before by case alone is not treated as new."""
    write_ledger(address, "orders", version)
    with Ledger(address) as ledger:
        staged = ledger.stage("orders", "a", [order(12, identity="1-SHOP ")], rules="today")

        assert staged.staged == ()
        [refused] = staged.outcomes
        assert [error.code for error in refused.errors] == ["R227"]  # type: ignore[union-attr]


def test_what_nobody_can_send_follows_dead_letter_keep(address: str) -> None:
    """What other rules left in the queue loses its content in time; what goes out keeps it."""
    with Ledger(address) as ledger:
        ledger.stage("orders", "a", list(orders(2)), rules="of before")
        ledger.stage("orders", "a", [order(3)], rules="today")
        assert ledger.purge("orders", "b", 60.0, "today") == 0
        assert ledger.purge("orders", "b", -60.0, "today") == 2

        assert ledger.counts("orders") == {"dead_lettered": 2, "staged": 1}
        assert ledger.still_open("orders", ledger.now() + 1, "today").outdated == 0
        assert bodies(address) == [None, None, order(3).body]
        # The record comes again: it is made by the rules of today, and goes out.
        assert ledger.stage("orders", "b", [order(1)], rules="today").staged == (0,)
        claims = ledger.claim("orders", "b", limit=9, settle=60.0, rules="today")
        assert sorted(claim.identity for claim in claims) == ["1-shop", "3-shop"]
        ledger.acknowledge("b", [Acknowledgement(claim, "sent", "SO1") for claim in claims])


def bodies(address: str) -> list[bytes | None]:
    engine = create_engine(address)
    with engine.begin() as connection:
        found = connection.scalars(text("SELECT body FROM mapgen_records ORDER BY id")).all()
    engine.dispose()
    return [None if body is None else bytes(body) for body in found]
