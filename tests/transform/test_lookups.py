"""Lookup files: what becomes a table, what is refused, and what a miss says."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mapgen.agreed.plan import Column
from mapgen.runtime.errors import RuleError
from mapgen.runtime.limits import first_found, found, found_in_time, unique
from mapgen.runtime.lookups import Longest, TableError, read_table, row_of
from mapgen.runtime.transform import BindingError, own_file
from mapgen.runtime.values import StringValue

CSV = "a,b,c\n1,x,one\n2,x,two\n2,,any\n"
TABLES = [
    pytest.param(
        "t.csv", CSV.replace("2,,any\n", ""), ("a",), "c", {"1": "one", "2": "two"}, id="CSV"
    ),
    pytest.param(
        "t.csv", "\ufeff" + "a,c\r\n1,one\r\n\r\n", ("a",), "c", {"1": "one"}, id="CSV of Windows"
    ),
    pytest.param(
        "t.csv",
        CSV,
        ("a", "b"),
        "c",
        {("1", "x"): "one", ("2", "x"): "two", ("2", ""): "any"},
        id="several keys",
    ),
    pytest.param(
        "t.csv",
        CSV,
        ("b", "a"),
        "c",
        {("x", "1"): "one", ("x", "2"): "two", ("", "2"): "any"},
        id="in the order asked for",
    ),
    pytest.param("t.csv", "a,c\n1,one\n1,one\n", ("a",), "c", {"1": "one"}, id="the same twice"),
    pytest.param(
        "t.json", '{"1": "one", "2": 2.50}', (), None, {"1": "one", "2": "2.50"}, id="JSON object"
    ),
    pytest.param(
        "T.JSON",
        '[{"a": 7402600065536, "c": "one", "d": []}]',
        ("a",),
        "c",
        {"7402600065536": "one"},
        id="JSON list",
    ),
    pytest.param(
        "t.json",
        '[{"a": 1, "b": null, "c": "one"}]',
        ("a", "b"),
        "c",
        {("1", ""): "one"},
        id="null is empty",
    ),
    pytest.param("t.csv", "a,c\n", ("a",), "c", {}, id="no lines"),
]


@pytest.mark.parametrize(("name", "text", "key", "value", "expected"), TABLES)
def test_tables(
    tmp_path: Path, name: str, text: str, key: tuple[str, ...], value: str | None, expected: object
) -> None:
    """Keys and values are text, as written; a key of several columns is a tuple."""
    path = tmp_path / name
    path.write_bytes(text.encode())

    assert read_table(path, key, value).values == expected


REFUSED = [
    pytest.param(
        "t.csv", "a,c\n1,one\n2, \n", ("a",), "line 3 has a blank value", id="blank value"
    ),
    pytest.param("t.csv", "a,c\n ,one\n", ("a",), "line 2 has a blank key", id="blank key"),
    pytest.param("t.csv", "a,b,c\n,,one\n", ("a", "b"), "line 2 has a blank key", id="blank keys"),
    pytest.param("t.csv", "a,c\n1\n", ("a",), "line 2 has too few columns", id="short"),
    pytest.param("t.csv", "a,c\n1,2,3\n", ("a",), "line 2 has too many columns", id="long"),
    pytest.param("t.csv", "a,a,c\n1,2,3\n", ("a",), "two columns `a`", id="column twice"),
    pytest.param(
        "t.csv",
        "a,b,c\n1,2,3\n1,2,4\n",
        ("a", "b"),
        "line 3 gives `1`, `2` a second",
        id="two values",
    ),
    pytest.param(
        "t.csv", "a,b\n", ("a",), "no column `c`; its columns are `a`, `b`", id="no column"
    ),
    pytest.param("t.json", '{"a": 1}', ("a",), "no list of objects", id="object with columns"),
    pytest.param("t.json", "[1]", ("a",), "entry 1 is no object", id="list of numbers"),
    pytest.param("t.json", '[{"a": 1}]', ("a",), "no column `c`", id="no member"),
    pytest.param(
        "t.json", '[{"a": 1, "c": 2}, {"a": 1}]', ("a",), "entry 2 has no `c`", id="no member later"
    ),
    pytest.param(
        "t.json", '[{"a": 1, "c": true}]', ("a",), "neither text nor a number", id="a flag"
    ),
    pytest.param(
        "t.json", '[{"a": 1, "a": 2, "c": 3}]', ("a",), "duplicate key `a`", id="member twice"
    ),
    pytest.param("t.json", "[{]", ("a",), "not JSON: .* at line 1", id="no JSON"),
    pytest.param("t.json", "[" * 100_000, ("a",), "nested too deep", id="deep"),
]


@pytest.mark.parametrize(("name", "text", "key", "reason"), REFUSED)
def test_what_is_no_table(
    tmp_path: Path, name: str, text: str, key: tuple[str, ...], reason: str
) -> None:
    """A file that would leave a key without its one value is refused, with the line or entry."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(TableError, match=reason):
        read_table(path, key, "c")


def test_columns_left_out(tmp_path: Path) -> None:
    """Only a JSON object needs no columns."""
    (tmp_path / "t.csv").write_text("a,c\n1,one\n")
    (tmp_path / "t.json").write_text("[]")

    with pytest.raises(TableError, match="needs the names"):
        read_table(tmp_path / "t.csv", (), None)
    with pytest.raises(TableError, match="is no object"):
        read_table(tmp_path / "t.json", (), None)


def test_the_longest_value(tmp_path: Path) -> None:
    """Its length counts as the ERP counts, and its line is known."""
    path = tmp_path / "t.csv"
    path.write_text("a,c\n1,four\n2,\U0001f375\U0001f375\U0001f375\n3,five5\n", encoding="utf-8")

    table = read_table(path, ("a",), "c")

    assert table.longest == {"c": Longest(6, "line 3")}


def test_many_rows_share_what_they_repeat(tmp_path: Path) -> None:
    """A value that is on every line is held once."""
    path = tmp_path / "t.csv"
    path.write_text("a,c\n" + "".join(f"{n},same\n" for n in range(10_000)))

    values = read_table(path, ("a",), "c").values

    assert len(values) == 10_000
    assert len({id(value) for value in values.values()}) == 1


COLUMNS = (Column("code", "string"), Column("n", "int"), Column("amount", "decimal", True))
ROWS = [
    pytest.param("t.csv", "code,id,n,amount\nA,1,2,3.50\n", ("id",), id="csv"),
    pytest.param("t.json", '[{"id": 1, "n": 2, "code": "A", "amount": 3.50}]', ("id",), id="list"),
    pytest.param("t.json", '{"1": {"n": "2", "code": "A", "amount": 3.50}}', (), id="object"),
]


@pytest.mark.parametrize(("name", "text", "key"), ROWS)
def test_rows(tmp_path: Path, name: str, text: str, key: tuple[str, ...]) -> None:
    """Values of several columns have the type of their column, whatever the file."""
    (tmp_path / name).write_text(text)

    table = read_table(tmp_path / name, key, None, COLUMNS)

    assert table.values == {"1": ("A", 2, Decimal("3.50"))}
    assert table.longest == {"code": Longest(1, "line 2" if name == "t.csv" else "entry 1")}


UNFIT = [
    pytest.param("code,id,n\nA,1,2\n", "no column `amount`", id="column missing"),
    pytest.param("code,id,n,amount\n,1,2,3\n", "line 2 has a blank value in `code`", id="blank"),
    pytest.param("code,id,n,amount\nA,1,2.5,3\n", "line 2 has no int in `n`", id="no int"),
    pytest.param("code,id,n,amount\nA,1,2,NaN\n", "no decimal in `amount`", id="no amount"),
    pytest.param("code,id,n,amount\nA,1,2,\nA,1,3,\n", "gives `1` a second", id="two rows"),
]


@pytest.mark.parametrize(("text", "reason"), UNFIT)
def test_rows_that_are_none(tmp_path: Path, text: str, reason: str) -> None:
    """A row that lacks a value, or has one of another type, is refused with its line."""
    (tmp_path / "t.csv").write_text(text)

    with pytest.raises(TableError, match=reason):
        read_table(tmp_path / "t.csv", ("id",), None, COLUMNS)


def test_what_may_be_missing() -> None:
    """A blank cell of such a column is None."""
    assert row_of(COLUMNS, ("A", "-1", " "), lambda *row: row) == ("A", -1, None)


def test_a_chain_of_keys() -> None:
    """The first key that the table knows counts; one that is missing is skipped."""
    table = {("1", "x"): "one", ("1", ""): "any"}

    assert found(table, "t", ("1", "x"), ("1", "")) == "one"
    assert found(table, "t", ("1", "y"), ("1", "")) == "any"
    assert first_found(table, None, ("1", "")) == "any"
    assert first_found(table, None, ("2", "")) is None


def test_a_miss() -> None:
    """A miss says how many keys were tried, and which."""
    table = {("1", "x"): "one"}

    with pytest.raises(
        RuleError, match=r"^the lookup `t` does not know any of the 2 keys$"
    ) as several:
        found(table, "t", ("2", "x"), None, ("2", ""))
    with pytest.raises(RuleError, match=r"^the lookup `t` does not know the key$") as one:
        found_in_time({"1": "one"}, "t", "2")

    assert several.value.value == "`2` with `x`, then `2` with ``"
    assert (one.value.value, one.value.retry) == ("`2`", True)


class _Line(msgspec.Struct):
    Item: StringValue
    Unit: StringValue | msgspec.UnsetType = msgspec.UNSET


def _line(item: str, unit: str | None = None) -> _Line:
    return _Line(StringValue(item), msgspec.UNSET if unit is None else StringValue(unit))


def test_rows_that_differ() -> None:
    """Rows that differ in one of the fields pass, as do rows that lack one."""
    lines = [_line("A", "kg"), _line("A", "g"), _line("B"), _line("B")]

    assert unique(lines, "Item", "Unit") is lines


def test_rows_that_stand_twice() -> None:
    """Two rows with the same values are told by their numbers, and not by their values."""
    lines = [_line("A", "kg"), _line("B", "kg"), _line("A", "kg")]

    with pytest.raises(RuleError) as refused:
        unique(lines, "Item", "Unit")

    assert refused.value.code == "R312"
    assert refused.value.message == "the rows 1 and 3 have the same `Item` and `Unit`"
    assert refused.value.value is None


@pytest.mark.parametrize("way", ["steps", "root", "link", "pipe"])
def test_table_of_a_flow_out_of_its_workspace(tmp_path: Path, way: str) -> None:
    """Generated code reads the tables of its workspace and no others, whatever is put there."""
    specs = tmp_path / "workspace" / "specs"
    specs.mkdir(parents=True)
    outside = tmp_path / "t.csv"
    outside.write_text("a,c\n1,one\n")
    paths = {"steps": "../../t.csv", "root": str(outside), "link": "l.csv", "pipe": "p.csv"}
    (specs / "l.csv").symlink_to(outside)
    os.mkfifo(specs / "p.csv")

    with pytest.raises(BindingError) as raised:
        own_file("carriers", specs, paths[way])
    assert str(raised.value).startswith(f"the lookup `carriers` ({paths[way]}): ")
