"""Messages as data: a call fills exactly the holes of its row, each written as the hole says."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from mapgen.report import Text
from mapgen.report.message import Message, filled

PROJECT = Path(__file__).resolve().parents[2]
CATALOGUE = "mapgen.report.catalogue"
# What `Message.__call__` takes beside values of holes.
OPTIONS = {"it", "known", "help", "fix"}


def _rows() -> Iterator[tuple[str, str, Message]]:
    for path in sorted((PROJECT / CATALOGUE.replace(".", "/")).glob("*.py")):
        module = importlib.import_module(f"{CATALOGUE}.{path.stem}")
        for name, found in vars(module).items():
            if isinstance(found, Message):
                yield path.stem, name, found


ROWS = {(area, name): row for area, name, row in _rows()}


def _holes(words: str) -> set[str]:
    found = set()
    for _, name, form, _ in Formatter().parse(words):
        if name is not None:
            found |= {name.partition("[")[0]} | _holes(form or "")
    return found


def _needed(row: Message) -> set[str]:
    texts = [row.text, row.label, row.related, row.notes, row.help or "", row.path or ""]
    helps = row.helps or {}
    return set().union(*map(_holes, [*texts, *helps.values()])) | ({row.by} if row.by else set())


def _calls() -> Iterator[tuple[str, Message, ast.Call]]:
    """Yield the calls of rows in the compiler, each with its place."""
    for path in sorted((PROJECT / "mapgen").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        own = path.stem if path.parent.name == "catalogue" else None
        known = {name: row for (area, name), row in ROWS.items() if area == own}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == CATALOGUE:
                for one in node.names:
                    known |= {
                        f"{one.asname or one.name}.{name}": row
                        for (area, name), row in ROWS.items()
                        if area == one.name
                    }
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CATALOGUE):
                area = (node.module or "").rpartition(".")[2]
                for one in node.names:
                    if (area, one.name) in ROWS:
                        known[one.asname or one.name] = ROWS[area, one.name]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (row := known.get(ast.unparse(node.func))):
                yield f"{path.relative_to(PROJECT)}:{node.lineno}", row, node


def test_calls_fill_the_holes() -> None:
    """Every call gives the values of all holes by name, and nothing that is no hole."""
    wrong = []
    for place, row, call in _calls():
        given = {one.arg for one in call.keywords}
        needed = _needed(row) - {"it", "known"}
        if needed - given or given - OPTIONS - needed - {row.related.partition(": ")[0], "path"}:
            wrong.append(f"{place}: gives {sorted(map(str, given))}, holes are {sorted(needed)}")
        elif "it" in _needed(row) and not call.args and "it" not in given:
            wrong.append(f"{place}: no place")
        elif "known" in _needed(row) and "known" not in given:
            wrong.append(f"{place}: no names")

    assert wrong == []


def test_every_row_is_used() -> None:
    """No message is left that nobody says."""
    texts = [path.read_text("utf-8") for path in (PROJECT / "mapgen").rglob("*.py")]
    used = Counter(re.findall(r"\w+", "".join(texts)))

    assert [name for _, name in ROWS if used[name] < 2] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("{x:a}", "an order"),
        ("{n:,}", "1,234"),
        ("{names:, }", "`a`, `b`, `c`"),
        ("{names: or 2}", "`a` or `b` and 1 more"),
        ("{none:, }", "none"),
        ("{none:, |no {x} here}", "no order here"),
        ("{names:entry/entries}", "entries"),
        ("{none:entry/entries}", "entries"),
        ("{none:one/{names:, }/no {x}}", "no order"),
        ("{names[0]}", "a"),
        ("{yes:in `{x}`/}{no:never/}", "in `order`"),
        ("{text}", "é"),
        ("{no}{{}}", "{}"),
        ("`{odd}` and `at {odd}:`", r"`two\nlines` and `at two\nlines:`"),
        ("{lines: or }", r"`two\nlines` or `\x1b`"),
    ],
)
def test_holes(words: str, expected: str) -> None:
    """A value is written as its hole says."""
    values = {"x": "order", "n": 1234, "names": ["a", "b", "c"], "none": (), "yes": True}
    odd = {"odd": "two\nlines", "lines": ["two\nlines", "\x1b"]}

    assert filled(words, {**values, **odd, "no": None, "text": Text.plain("é")}) == expected
