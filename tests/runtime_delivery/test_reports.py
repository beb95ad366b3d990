"""What a ledger tells an operator, in both databases."""

from __future__ import annotations

import msgspec

from mapgen.runtime.ledger import Acknowledgement, Began, Delivery, Ledger, book_of
from mapgen.runtime.ledger.accounts import Accounts, Comparison, Line
from mapgen.runtime.ledger.reports import Cause, Choice, Reports
from mapgen.runtime.outcome import Document, ErrorReport, Origin, Rejected
from tests.runtime_delivery.orders import order

BOOK = book_of("orders", "Live", "https://erp.example.com")
OTHER = book_of("orders", "Test", "https://erp.example.com")


def unknown(table: str, row: int = 0) -> ErrorReport:
    words = f"the lookup `{table}` does not know the key"
    return ErrorReport("R304", words, f"Details[{row}].InventoryID", value="***", spec="a.yaml:9:3")


def rejected(number: int, *errors: ErrorReport) -> Rejected:
    return Rejected(Origin("in.jsonl", number, number, f"#{number}"), errors, b'{"id": 1}')


def begun(ledger: Ledger, run: str, book: str = BOOK) -> None:
    ledger.begin(Began(run, book, "1.0", "abc", "live", "file"))


def delivered(ledger: Ledger, document: Document, run: str = "a", book: str = BOOK) -> None:
    ledger.stage(book, run, [document], rules="abc")
    (claim,) = ledger.claim(book, run, limit=1, settle=60.0, rules="abc")
    ledger.acknowledge(run, [Acknowledgement(claim, "sent", "SO1", keys={"OrderNbr": "SO1"})])


def test_flows(address: str) -> None:
    """Each flow has its counts, queue, inbox, rates and last run, by tenant."""
    with Ledger(address) as ledger:
        begun(ledger, "a")
        ledger.end("a", "done", {"read": 3})
        begun(ledger, "b")
        delivered(ledger, order(1))
        ledger.stage(BOOK, "b", [order(2), rejected(3, unknown("items"))], rules="abc")
        ledger.receive(BOOK, [Delivery("shop", "1", None, b"{}")])
        delivered(ledger, order(1), book=OTHER)
        line = Line("document", "USD", None, "10.00", "12.50")
        Accounts(ledger, BOOK).note(Comparison(7.0, {"same": 2, "extra": 1}, (line,)))
        live, test = Reports(ledger).flows("orders")
        nothing = Reports(ledger).flows("order")

    assert (live.of.flow, live.of.tenant, test.of.tenant) == ("orders", "Live", "Test")
    assert live.counts == {"sent": 1, "staged": 1, "rejected": 1}
    assert (live.queued, live.open, live.inbox, test.inbox) == (1, 1, 1, 0)
    assert (live.sent_last_minute, live.sent_last_hour) == (1, 1)
    assert live.queued_since is not None
    assert live.open_since is not None
    assert live.last_run is not None
    assert (live.last_run.run, live.last_run.ended_at) == ("b", None)
    assert test.last_run is None
    assert live.compared is not None
    assert (live.compared.unreconciled, live.compared.money, test.compared) == (1, (line,), None)
    assert nothing == ()


def test_runs(address: str) -> None:
    """Runs come youngest first, with how they ended; one is found by the beginning of its id."""
    with Ledger(address) as ledger:
        for run in ("aa1", "ab2", "b_3"):
            begun(ledger, run)
        ledger.end("ab2", "R504", {"read": 7})
        reports = Reports(ledger)
        runs = reports.runs("orders", limit=2)
        found = [reports.run(words) for words in ("ab", "a", "bx", "b_")]
    assert [run.run for run in runs] == ["b_3", "ab2"]
    assert (runs[1].reason, runs[1].counts["read"], runs[1].env) == ("R504", 7, "live")
    assert [one and one.run for one in found] == ["ab2", None, None, "b_3"]


def test_failures_by_cause(address: str) -> None:
    """Records are grouped by code and lookup or field; one with several errors counts for each."""
    missing = ErrorReport("R201", "missing", "Details[4].Quantity")
    with Ledger(address) as ledger:
        outcomes = [
            rejected(1, unknown("items"), unknown("items", 1)),
            rejected(2, unknown("items", 7), missing),
            rejected(3, unknown("customers")),
        ]
        ledger.stage(BOOK, "a", outcomes)
        reports = Reports(ledger)
        groups = reports.failures(Choice("orders"))
        chosen = [one.source for one in reports.records(Choice(cause="R304 customers"))]
        of_code = [one.source for one in reports.records(Choice(cause="R304"))]
        tried = reports.failures(Choice(), lambda record: record.source != "#1")
        old = reports.failures(Choice(older_than=60.0))

    assert [(str(one.cause), one.count) for one in groups] == [
        ("R304 items", 2),
        ("R201 Details[].Quantity", 1),
        ("R304 customers", 1),
    ]
    assert groups[0].example.source == "#1"
    assert groups[0].rules == ("a.yaml:9:3",)
    assert groups[1].error == missing
    assert groups[1].cause == Cause("R201", "Details[].Quantity")
    assert (chosen, of_code) == (["#3"], ["#1", "#2", "#3"])
    assert [one.would_pass for one in groups] == [None] * 3
    assert [one.would_pass for one in tried] == [1, 1, 1]
    assert old == ()


def test_story(address: str) -> None:
    """The story of a record leads from its file to the number that the ERP gave it."""
    document = order(1)
    with Ledger(address) as ledger:
        begun(ledger, "a")
        delivered(ledger, document)
        (told,) = Reports(ledger).story("orders", str(document.origin.key))
    assert (told.record.state, told.record.number) == ("sent", "SO1")
    assert told.keys == {"OrderNbr": "SO1"}
    assert told.finisher is not None
    assert told.finisher.run == "a"
    assert told.was_there is False
    assert told.record.refusal == "it is in the ERP as SO1: correct it there"


def test_copy(address: str) -> None:
    """The ledger's copy of a rejected record is given as it was read; what is sent has none."""
    with Ledger(address) as ledger:
        ledger.stage(BOOK, "a", [rejected(3, unknown("items"))])
        reports = Reports(ledger)
        (record,) = reports.records(Choice(key="#3"))
        kept = reports.copy_of(record)
    assert record.has_copy
    assert record.refusal is None
    assert kept is not None
    assert msgspec.json.decode(kept.data) == {"id": 1}


def test_sent_by_minute(address: str) -> None:
    """The last minutes have their counts, those without any too."""
    with Ledger(address) as ledger:
        delivered(ledger, order(1))
        minutes = Reports(ledger).sent_by_minute("orders", 3)
    assert len(minutes) == 3
    assert sum(count for _, count in minutes) == 1
