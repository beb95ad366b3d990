"""Joins: a record gets what belongs to it, as a nested loop would find it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mapgen.agreed.plan import CircuitBreaker, Form, Join, JoinKey, Plan, Retry
from mapgen.runtime import joins as room
from mapgen.runtime.errors import Unjoined
from mapgen.runtime.joins import JoinedFile, Joins
from mapgen.runtime.outcome import Rejected
from mapgen.runtime.sources.csv import read_rows
from mapgen.runtime.sources.records import RawRecord, decode, read_records

Rows = list[Any]
BY_ID = (JoinKey("order", "id", "string"),)
ONE = Join(BY_ID, "one")
MANY = Join(BY_ID, "many")


def plan(join: Join, form: Literal["json", "csv"] = "json") -> Plan:
    return Plan(
        flow="orders",
        source="order",
        form=Form(form, ("order",)),
        joins={"items": join},
        endpoint="Default",
        version="1",
        contract_version=4,
        documents=(),
        batch_size=100,
        concurrency=4,
        retry=Retry(6, 1.0, 300.0),
        circuit_breaker=CircuitBreaker(10, 60.0, 30.0),
        dead_letter_days=30,
    )


@contextmanager
def opened(
    join: Join, text: str, form: Literal["json", "csv"] = "json"
) -> Iterator[tuple[Joins, list[Rejected]]]:
    """Give the joins of a file that is read, and the records of it that cannot be joined."""
    stream = io.BytesIO(text.encode())
    records = (
        read_rows(stream, ",", ())
        if join.form.holds_cells
        else read_records(stream, "items.jsonl", join.form.envelope)
    )
    with Joins(plan(join, form), {"items": JoinedFile("items.jsonl", records)}) as joins:
        yield joins, list(joins.read())


def lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def joined(joins: Joins, record: object) -> Any:
    """Return what a record gets: the value, or the code and member of the error."""
    raw = joins.joined(RawRecord(1, 1, json.dumps(record).encode()))
    found = raw.members.get("items")
    return (found.code, found.member) if isinstance(found, Unjoined) else found


ITEMS = [{"order": "a", "n": 1}, {"order": "b", "n": 2}, {"n": 3, "order": "b"}]

MATCHES = [
    pytest.param(ONE, "a", ITEMS[0], id="one"),
    pytest.param(ONE, "b", ("R106", None), id="two different ones"),
    pytest.param(ONE, "c", ("R105", None), id="none, rejected"),
    pytest.param(Join(BY_ID, "one", "omit"), "c", None, id="none, left out"),
    pytest.param(MANY, "b", ITEMS[1:], id="many"),
    pytest.param(MANY, "c", [], id="many of which there are none"),
    pytest.param(ONE, None, ("R103", "id"), id="no key"),
    pytest.param(ONE, 5, ("R102", "id"), id="a number where text belongs"),
    pytest.param(ONE, True, ("R102", "id"), id="true where text belongs"),
    pytest.param(ONE, {}, ("R102", "id"), id="an object where text belongs"),
]


@pytest.mark.parametrize(("join", "key", "expected"), MATCHES)
def test_what_a_record_gets(join: Join, key: object, expected: object) -> None:
    """Records with its key, or the error that says why there are none."""
    with opened(join, lines(ITEMS)) as (joins, unread):
        assert unread == []
        assert joined(joins, {"id": key}) == expected


def test_one_record_twice() -> None:
    """The same record twice is one record; `1` and `true` are not the same."""
    same = [{"order": "a", "n": 1, "x": 2.50}, {"x": 2.5, "n": 1, "order": "a"}]
    with opened(ONE, lines(same)) as (joins, _):
        assert joined(joins, {"id": "a"}) == same[0]
    with opened(ONE, lines([{"order": "a", "n": 1}, {"order": "a", "n": True}])) as (joins, _):
        assert joined(joins, {"id": "a"}) == ("R106", None)


def test_a_record_that_may_come_later() -> None:
    """What is missing by `retry` waits; the key that was looked for is shown, unless personal."""
    with opened(Join(BY_ID, "one", "retry"), "") as (joins, _):
        raw = joins.joined(RawRecord(1, 1, b'{"id": "a"}'))
    error = raw.members["items"]
    assert isinstance(error, Unjoined)
    assert (error.retry, error.value) == (True, "a")
    with opened(Join(BY_ID, "one", is_personal=True), "") as (joins, _):
        error = joins.joined(RawRecord(1, 1, b'{"id": "a"}')).members["items"]
    assert isinstance(error, Unjoined)
    assert error.value is None


KEYS = [
    pytest.param("json", "5001", "5001", True, id="numbers"),
    pytest.param("json", '"5001"', "5001", False, id="text is no number"),
    pytest.param("json", "5001.0", "5001", False, id="an amount is no whole number"),
    pytest.param("csv", '"5001"', "5001", True, id="a cell of the record"),
    pytest.param("csv", '"05001"', "5001", False, id="a code in a cell"),
    pytest.param("json", "99999999999999999999", "99999999999999999999", False, id="huge"),
]


@pytest.mark.parametrize(("form", "own", "other", "matches"), KEYS)
def test_keys_that_are_numbers(
    form: Literal["json", "csv"], own: str, other: str, matches: bool
) -> None:
    """A number equals a number; what only looks like one does not."""
    join = Join((JoinKey("order", "id", "int"),), "many")
    with opened(join, f'{{"order": {other}, "n": 1}}\n', form) as (joins, _):
        raw = joins.joined(RawRecord(1, 1, f'{{"id": {own}}}'.encode()))
    assert (raw.members["items"] == [{"order": 5001, "n": 1}]) is matches


def test_a_joined_file_of_cells() -> None:
    """Rows of CSV are joined; cells of the key are read as what the schema says."""
    join = Join((JoinKey("order", "id", "int"),), "many", form=Form("csv"))
    with opened(join, "order,n\n7,1\n07,2\n7,3\n") as (joins, unread):
        assert [(one.origin.line, one.errors[0].code) for one in unread] == [(3, "R102")]
        assert joined(joins, {"id": 7}) == ("R107", None)
    with opened(join, "order,n\n7,1\n8,2\n7,3\n") as (joins, _):
        assert joined(joins, {"id": 7}) == [{"order": "7", "n": "1"}, {"order": "7", "n": "3"}]


UNREADABLE = [
    pytest.param('{"order": "a"', "R101", None, id="broken"),
    pytest.param("[]", "R102", None, id="no object"),
    pytest.param('{"n": 1}', "R103", "order.items.order", id="no key"),
    pytest.param('{"order": 1}', "R102", "order.items.order", id="a key of another type"),
]


@pytest.mark.parametrize(("line", "code", "place"), UNREADABLE)
def test_records_that_cannot_be_joined(line: str, code: str, place: str | None) -> None:
    """They are reported with their line; what is complete without them goes on, the rest waits."""
    text = f'{{"order": "a", "n": 1}}\n{line}\n{{"order": "b", "n": 2}}\n'

    with opened(ONE, text) as (joins, [unread]):
        assert (unread.origin.file, unread.origin.line) == ("items.jsonl", 2)
        assert (unread.errors[0].code, unread.errors[0].source_path) == (code, place)
        assert joined(joins, {"id": "b"}) == {"order": "b", "n": 2}
        assert joined(joins, {"id": "c"}) == ("R105", None)
    with opened(MANY, text) as (joins, _):
        assert joined(joins, {"id": "b"}) == ("R107", None)
    with opened(Join(BY_ID, "one", "omit"), text) as (joins, _):
        assert joined(joins, {"id": "b"}) == {"order": "b", "n": 2}
        assert joined(joins, {"id": "c"}) == ("R107", None)


@pytest.mark.parametrize("data", [b'{"id": ', b"[1]", b"7", b'{"id": "\\ud800"}', b"\xff"])
def test_a_record_that_is_none(data: bytes) -> None:
    """What is no object is left as it is: it is reported when it is decoded."""
    with opened(ONE, lines(ITEMS)) as (joins, _):
        raw = joins.joined(RawRecord(1, 1, data))
    assert not isinstance(raw.members.get("items"), dict)
    assert raw.data == data


def test_too_much_belongs_to_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is joined is no longer than a record may be."""
    monkeypatch.setattr(room, "LONGEST_RECORD", 40)
    with opened(MANY, lines([{"order": "a", "n": 1}] * 3)) as (joins, _):
        assert joined(joins, {"id": "a"}) == ("R101", None)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_file_of_many_parts(
    form: Literal["json", "csv"], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are written into the index some at a time, and all are there."""
    monkeypatch.setattr(room, "_AT_A_TIME", 40)
    rows = [{"order": f"o{number // 2}", "n": str(number)} for number in range(25)]
    cells = "".join(f"{row['order']},{row['n']}\n" for row in rows)
    text = lines(rows) if form == "json" else f"order,n\n{cells}"
    with opened(Join(BY_ID, "many", form=Form(form)), text) as (joins, unread):
        assert unread == []
        for key in ("o0", "o5", "o12", "o5"):
            assert joined(joins, {"id": key}) == [row for row in rows if row["order"] == key]
        assert joins.unasked() == {"items.jsonl": 20}


def test_records_that_nobody_asks_for() -> None:
    """They are counted, once each, however often the others are asked for."""
    with opened(MANY, lines(ITEMS)) as (joins, _):
        assert joins.unasked() == {"items.jsonl": 3}
        for _ in range(2):
            joined(joins, {"id": "b"})
        assert joins.unasked() == {"items.jsonl": 1}
        joined(joins, {"id": "a"})
        assert joins.unasked() == {}


BULK = """\
{"id": "a", "name": "1"}
{"n": 1, "order": "a"}
{"id": "b", "order": null}
{"n": 2, "order": "b"}
{"n": 3, "order": "a"}
"""


def test_children_in_the_file_of_their_parents() -> None:
    """What has the key of the join is joined and no record; the others are records."""

    def records(text: str) -> list[RawRecord]:
        return list(read_records(io.BytesIO(text.encode()), "bulk.jsonl"))

    def joins_of(text: str) -> Joins:
        return Joins(plan(MANY), {"items": JoinedFile("bulk.jsonl", records(text), is_input=True)})

    with joins_of(BULK) as joins:
        assert list(joins.read()) == []
        parents = [one for one in records(BULK) if not joins.is_child(one)]
        assert [one.line for one in parents] == [1, 3]
        found = [joins.joined(one).members["items"] for one in parents]
        assert [[one["n"] for one in each] for each in found] == [[1, 3], [2]]  # type: ignore[union-attr, index, call-overload]
        assert joins.unasked() == {}

    with joins_of(BULK + '{"n": 4, "order') as joins:
        assert list(joins.read()) == []
        broken = [one for one in records(BULK + '{"n": 4, "order') if not joins.is_child(one)]
        assert len(broken) == 3
        assert joined(joins, {"id": "b"}) == ("R107", None)


KINDS = """\
{"id": "a"}
{"n": 1, "order": "a", "gid": "Line/1"}
{"n": 2, "order": "a", "gid": "Tax/2"}
{"n": 3, "order": "a"}
{"n": 4, "order": null, "gid": "Line/4"}
{"n": 5, "gid": "Line/5"}
"""


@pytest.mark.parametrize(("is_input", "told"), [(True, []), (False, [5, 6])])
def test_records_that_are_chosen(is_input: bool, told: list[int]) -> None:
    """Only those are taken whose members are what is asked for; those without a key are told."""
    join = Join(BY_ID, "many", where={"gid": "Line/*"})

    def records() -> list[RawRecord]:
        return list(read_records(io.BytesIO(KINDS.encode()), "kinds.jsonl"))

    file = JoinedFile("kinds.jsonl", records(), is_input=is_input)
    with Joins(plan(join), {"items": file}) as joins:
        assert [one.origin.line for one in joins.read()] == told
        assert joined(joins, {"id": "a"}) == (
            [{"n": 1, "order": "a", "gid": "Line/1"}] if is_input else ("R107", None)
        )
        if is_input:
            own = [one.line for one in records() if not joins.is_child(one)]
            assert (own, joins.strangers) == ([1, 5, 6], 2)


def test_a_joined_member_is_decoded_with_the_record() -> None:
    """What is joined takes the place of a member of its name."""
    with opened(ONE, lines(ITEMS)) as (joins, _):
        raw = joins.joined(RawRecord(1, 1, b'{"id": "a", "items": 5}'))
    assert decode(raw) == {"id": "a", "items": ITEMS[0]}


part = some.sampled_from(["a", "b", "", "ä", '"', "1"])
records = some.lists(some.fixed_dictionaries({"id": part, "day": some.integers(0, 2)}), max_size=6)
others = some.lists(
    some.fixed_dictionaries({"order": part, "on": some.integers(0, 2), "n": some.integers(0, 1)}),
    max_size=9,
)
TWO_PARTS = (JoinKey("order", "id", "string"), JoinKey("on", "day", "int"))


@given(records, others, some.randoms(use_true_random=False))
def test_a_join_is_a_nested_loop(own: Rows, other: Rows, random: Any) -> None:
    """Whatever the order of both files, each record gets what a nested loop finds for it."""
    shuffled = random.sample(own, len(own))
    with opened(Join(TWO_PARTS, "many"), lines(other)) as (joins, _):
        found = [(record, joined(joins, record)) for record in shuffled]
        unasked = joins.unasked().get("items.jsonl", 0)

    for record, rows in found:
        wanted = [x for x in other if (x["order"], x["on"]) == (record["id"], record["day"])]
        assert rows == wanted
    keys = {(record["id"], record["day"]) for record in own}
    assert unasked == sum((x["order"], x["on"]) not in keys for x in other)
