"""Groups of rows: what is together is one record, and nothing is lost or made twice."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mapgen.agreed.plan import Group
from mapgen.runtime.errors import Unjoined
from mapgen.runtime.sources import groups
from mapgen.runtime.sources.csv import read_rows
from mapgen.runtime.sources.groups import RowGroup, grouped
from mapgen.runtime.sources.records import RawRecord

BY_SHEET = Group(("sheet",), "rows")
WHOLE = Group((), "rows")


def records(text: str, group: Group = BY_SHEET) -> list[RowGroup | RawRecord]:
    return list(grouped(read_rows(io.BytesIO(text.encode()), ",", group.by), group))


def error_of(record: RowGroup | RawRecord) -> object:
    """Return what stands for the rows of a record that is not whole."""
    return record.members.get("rows") if isinstance(record, RawRecord) else None


def shown(record: RowGroup | RawRecord) -> object:
    """Return where a record begins and what it holds, or the code and words of why it has none."""
    error = error_of(record)
    if isinstance(error, Unjoined):
        return record.line, error.code, error.message
    return record.line, record.broken or json.loads(record.data)


def rows(sheet: str, *skus: str) -> Any:
    return {"sheet": sheet, "rows": [{"sheet": sheet, "sku": sku} for sku in skus]}


UNREAD = "a row that may belong to the record cannot be read, in line"
SHORT = "the row has 1 cells, the header 2"
APART = "the rows of one `sheet` are not together: others begin in line 2"
READ = [
    pytest.param("", [], id="no row"),
    pytest.param("A,1\n", [(2, rows("A", "1"))], id="one row"),
    pytest.param("A,1\nA,2\nB,1\n", [(2, rows("A", "1", "2")), (4, rows("B", "1"))], id="two"),
    pytest.param("A,1\n\nA,2\n", [(2, rows("A", "1", "2"))], id="empty line"),
    pytest.param('A,"1\n"\nB,1\n', [(2, rows("A", "1\n")), (4, rows("B", "1"))], id="two lines"),
    pytest.param("a,1\nA,1\n", [(2, rows("a", "1")), (3, rows("A", "1"))], id="case"),
    pytest.param(
        "A,1\nB,1\nA,2\nB,2\n",
        [
            (2, rows("A", "1")),
            (3, rows("B", "1")),
            (4, "R104", APART),
            (5, "R104", APART.replace("line 2", "line 3")),
        ],
        id="come again",
    ),
    pytest.param(",1\n,2\n", [(2, {"rows": [{"sku": "1"}, {"sku": "2"}]})], id="no key"),
    pytest.param("x\n", [(2, SHORT)], id="nothing that can be read"),
    pytest.param(
        "A,1\nx\nA,2\n", [(3, SHORT), (2, "R101", f"{UNREAD} 3: {SHORT}")], id="unread inside"
    ),
    pytest.param(
        "A,1\nx\nB,2\nC,1\n",
        [
            (3, SHORT),
            (2, "R101", f"{UNREAD} 3: {SHORT}"),
            (4, "R101", f"{UNREAD} 3: {SHORT}"),
            (5, rows("C", "1")),
        ],
        id="unread between",
    ),
    pytest.param("x\nA,1\n", [(2, SHORT), (3, "R101", f"{UNREAD} 2: {SHORT}")], id="unread before"),
    pytest.param(
        "A,1\nx\ny\n",
        [(3, SHORT), (4, SHORT), (2, "R101", f"{UNREAD} 3: {SHORT}")],
        id="unread behind",
    ),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_rows_become_records(text: str, expected: list[object]) -> None:
    """Rows that follow each other and have one key are one record, whose line is the first."""
    found = records(f"sheet,sku\n{text}")

    assert [shown(record) for record in found] == expected
    assert [record.number for record in found] == list(range(1, len(found) + 1))


def test_a_faulty_group_has_its_key() -> None:
    """What keeps a record from having rows does not keep it from being called by its name."""
    record = records("sheet,sku\nA,1\nx\nA,2\n")[1]

    assert json.loads(record.data) == {"sheet": "A"}


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is no longer than a record may be, and holds nothing of what is too long."""
    monkeypatch.setattr(groups, "LONGEST_RECORD", 100)

    found = [shown(record) for record in records("sheet,sku\n" + "A,1\n" * 50 + "B,1\n")]

    message = "the rows of the record are longer than 100 bytes"
    assert found == [(2, "R101", message), (52, rows("B", "1"))]


cell = some.text(some.characters(codec="utf-8", exclude_characters='\x00\r\n",'), max_size=4)


@given(some.lists(some.tuples(some.sampled_from("ABC"), some.sampled_from("12"), cell)))
def test_flattened_groups_are_the_rows(given_rows: list[tuple[str, str, str]]) -> None:
    """No row is lost, changed or moved by grouping, whatever the keys."""
    ordered = sorted(given_rows, key=lambda row: row[:2])
    text = "".join(f"{sheet},{day},{sku}\n" for sheet, day, sku in ordered)

    found = records(f"sheet,day,sku\n{text}", Group(("sheet", "day"), "rows"))

    values = [json.loads(record.data) for record in found]
    flat = [(row["sheet"], row["day"], row.get("sku", "")) for one in values for row in one["rows"]]
    assert flat == ordered
    keys = [(one["sheet"], one["day"]) for one in values]
    assert keys == sorted(set(keys))
    assert all(
        (row["sheet"], row["day"]) == (one["sheet"], one["day"])
        for one in values
        for row in one["rows"]
    )


@given(some.lists(some.tuples(some.sampled_from("ABC"), cell)))
def test_no_key_gives_two_records(given_rows: list[tuple[str, str]]) -> None:
    """However rows are shuffled, a key has one record with rows: that which comes first."""
    found = records("sheet,sku\n" + "".join(f"{sheet},{sku}\n" for sheet, sku in given_rows))

    whole = [json.loads(one.data)["sheet"] for one in found if isinstance(one, RowGroup)]
    faulty = [error_of(one) for one in found if isinstance(one, RawRecord)]
    assert whole == list(dict.fromkeys(sheet for sheet, _ in given_rows))
    assert all(isinstance(error, Unjoined) and error.code == "R104" for error in faulty)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="no row"),
        pytest.param(
            "A,1\nB,1\nA,2\n",
            [(2, {"rows": [row for one in ("A1", "B1", "A2") for row in rows(*one)["rows"]]})],
            id="any rows",
        ),
        pytest.param(
            "A,1\nx\nB,1\n", [(3, SHORT), (2, "R101", f"{UNREAD} 3: {SHORT}")], id="unread"
        ),
    ],
)
def test_a_file_is_one_record(text: str, expected: list[object]) -> None:
    """Without columns all rows are of one record, which lacks none of them."""
    assert [shown(record) for record in records(f"sheet,sku\n{text}", WHOLE)] == expected
