"""`mapgen eval`: one expression or many, and what is said of those that have no value."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import mapgen

DATA = '{"order": {"total": 42.00, "lines": [{"sku": "A", "qty": 2}, {"sku": "B"}]}}'


def test_one(tmp_path: Path) -> None:
    """The value goes to standard output as JSON, every digit kept; the type beside it."""
    (tmp_path / "data.json").write_text(DATA)
    done = mapgen("eval", "order.total * 2", "--data", "data.json", cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "84.00\n", "type: decimal\n")


def test_error_of_an_expression(tmp_path: Path) -> None:
    """A mistake is shown as in a spec: the code, the place, a way out."""
    (tmp_path / "data.json").write_text(DATA)
    done = mapgen("eval", "order.totl", "--data", "data.json", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stdout == ""
    assert "E301" in done.stderr
    assert "total" in done.stderr


def test_a_name_without_data(tmp_path: Path) -> None:
    """A name with members is no text without quotes: it lacks its data."""
    done = mapgen("eval", "order.total", cwd=tmp_path)

    assert done.returncode == 1
    assert "no names are known here: `--data FILE` gives some" in done.stderr
    assert "quotes" not in done.stderr


def test_error_of_the_values(tmp_path: Path) -> None:
    """A value that the expression cannot use is named by its code."""
    done = mapgen("eval", "[1][3]", cwd=tmp_path)

    assert done.returncode == 1
    assert "R202: there is no such element in a list of 1" in done.stderr


def test_many(tmp_path: Path) -> None:
    """Each line has its value or its error; one error makes the exit code 1."""
    lines = [
        {"expr": "a + 1", "types": {"a": "int"}, "bindings": {"a": 2}},
        {
            "expr": "order.lines.map(l, l.note.orValue('-'))",
            "types": {"order": {"lines": [{"note": "string?"}]}},
            "bindings": {"order": {"lines": [{"note": "x"}, {}]}},
        },
        {"expr": "1.10 + 2"},
        {"expr": "a +", "types": {"a": "int"}, "bindings": {"a": 2}},
        {"expr": "a", "types": {"a": "money"}},
        {"expr": "a", "types": {"a": "int"}, "bindings": {"a": "x"}},
        {"expr": "1", "bindings": {"a": 1}},
        {"expr": "1", "types": []},
        {"expr": 1},
        [],
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "{broken\n"
    done = mapgen("eval", "--jsonl", "-", cwd=tmp_path, given=text)
    found = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 1
    assert found[:3] == [
        {"value": 3, "type": "int"},
        {"value": ["x", "-"], "type": "list(string)"},
        {"value": 3.10, "type": "decimal"},
    ]
    assert [set(line) for line in found[3:]] == [{"error"}] * 8
    assert [line["error"].partition(":")[0] for line in found[3:]] == [
        "E124",
        "`money` is not a type; types are like `string?`, `list(decimal)`",
        "`a` is no int",
        "`bindings` has `a`, which `types` has not",
        "`types` and `bindings` are objects",
        'a line is {"expr", "types", "bindings"}',
        'a line is {"expr", "types", "bindings"}',
        "R101",
    ]


def test_many_from_a_file(tmp_path: Path) -> None:
    """The lines may be in a file; all well is exit code 0."""
    (tmp_path / "lines.jsonl").write_text('{"expr": "7 + 2"}\n{"expr": "0.1 + 0.2"}\n')
    done = mapgen("eval", "--jsonl", "lines.jsonl", cwd=tmp_path)

    assert done.returncode == 0
    assert [json.loads(line)["value"] for line in done.stdout.splitlines()] == [9, 0.3]


def test_misuse(tmp_path: Path) -> None:
    """Neither or both, or data for many lines: exit code 2."""
    for arguments in ((), ("1", "--jsonl", "-"), ("--jsonl", "-", "--data", "x.json")):
        assert mapgen("eval", *arguments, cwd=tmp_path).returncode == 2


def test_data_that_cannot_be_read(tmp_path: Path) -> None:
    """What is no file, no JSON or no object is said so."""
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "deep.json").write_text('{"a":' * 500 + "1" + "}" * 500)
    for name, said in (
        ("none.json", "cannot read `none.json`"),
        ("list.json", "`list.json` is no JSON object"),
        ("broken.json", "`broken.json`: the record is not JSON"),
        ("deep.json", "`deep.json`: the record is nested deeper than 100 levels"),
    ):
        done = mapgen("eval", "1", "--data", name, cwd=tmp_path)
        assert done.returncode == 1
        assert said in done.stderr
