"""Diagnostics as people and programs see them."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from mapgen.report import Diagnostic, Label, Source, Span
from mapgen.report.render import as_github, as_json, as_sarif, as_text

PATH = "specs/shop/orders.maps.yaml"


def spot(text: str, words: str, label: str = "", path: str = PATH) -> Label:
    """Return a label at the first place where the words are in a text."""
    start = text.index(words)
    return Label(Span(Source(path, text), start, start + len(words)), label)


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        pytest.param(
            "fields:\n  Total: order.totl\n",
            "totl",
            ["2 |   Total: order.totl", "  |                ^^^^"],
            id="a word",
        ),
        pytest.param(
            "Total: 価格 + totl\n",
            "totl",
            ["1 | Total: 価格 + totl", "  |               ^^^^"],
            id="behind wide characters",
        ),
        pytest.param(
            "Total: order.価格\n",
            "価格",
            ["1 | Total: order.価格", "  |              ^^^^"],
            id="under wide characters",
        ),
        pytest.param(
            "Total: cafe\u0301 + totl\n",
            "totl",
            ["1 | Total: cafe\u0301 + totl", "  |               ^^^^"],
            id="behind a combining accent",
        ),
        pytest.param(
            "Total: '🛒' + totl\n",
            "totl",
            ["1 | Total: '🛒' + totl", "  |               ^^^^"],
            id="behind an emoji",
        ),
        pytest.param(
            "Total:\tx\ttotl\n",
            "totl",
            ["1 | Total:\tx\ttotl", "  |       \t \t^^^^"],
            id="behind tabs",
        ),
        pytest.param(
            "fields:\r\n  Total: totl\r\n  Hold: x\r\n",
            "totl",
            ["2 |   Total: totl", "  |          ^^^^"],
            id="lines end as on Windows",
        ),
        pytest.param(
            "Total: a\n  + b\n",
            "a\n  + b",
            ["1 | Total: a", "  |        ^"],
            id="over two lines: the first is marked",
        ),
        pytest.param("Hold:\n", "\n", ["1 | Hold:", "  |      ^"], id="at the end of a line"),
    ],
)
def test_carets(text: str, words: str, shown: list[str]) -> None:
    """The carets are below the words, in the cells of a terminal."""
    lines = as_text([Diagnostic("E301", "no such field", spot(text, words))]).split("\n")

    assert lines[2:] == shown


def test_at_the_very_end_of_a_file() -> None:
    """A error behind the last character has one caret there."""
    source = Source(PATH, "Hold: (a")
    lines = as_text([Diagnostic("E124", "expected `)`", Label(Span(source, 8, 8)))]).split("\n")

    assert lines[1:] == [f"  --> {PATH}:1:9", "1 | Hold: (a", "  |         ^"]


def test_in_an_empty_file() -> None:
    """A error in a file without any text is shown all the same."""
    source = Source(PATH, "")

    assert as_text([Diagnostic("E104", "empty", Label(Span(source, 0, 0)))]).split("\n") == [
        "error[E104]: empty",
        f"  --> {PATH}:1:1",
        "1 | ",
        "  | ^",
    ]


def test_several_labels() -> None:
    """The place comes first, further places follow, line numbers have one width."""
    text = "a: 1\n" + "\n" * 8 + "a: 2\n"
    first, second = spot(text, "a: 1", "first time"), spot(text, "a: 2", "second time")
    diagnostic = Diagnostic("E110", "duplicate key `a`", second, (first,), ("a note",), "keep one")

    assert as_text([diagnostic]).split("\n") == [
        "error[E110]: duplicate key `a`",
        f"   --> {PATH}:10:1",
        "10 | a: 2",
        "   | ^^^^ second time",
        f"   ::: {PATH}:1:1",
        " 1 | a: 1",
        "   | ^^^^ first time",
        "   note: a note",
        "   help: keep one",
    ]


def test_without_a_place() -> None:
    """A error of a whole file names the file; one of no file says only what it is."""
    assert as_text(
        [
            Diagnostic("E101", "it does not exist", path="specs/a.json", help="make it"),
            Diagnostic("E404", "no such entity", severity="warning"),
        ]
    ).split("\n") == [
        "error[E101]: it does not exist",
        "  --> specs/a.json",
        "  help: make it",
        "",
        "warning[E404]: no such entity",
    ]


def test_a_long_line_is_cut_behind_the_place() -> None:
    """What follows far behind the place is left out; the place itself is always shown."""
    text = "Description: totl" + " + x" * 10_000
    lines = as_text([Diagnostic("E301", "no such field", spot(text, "totl"))]).split("\n")

    assert lines[2].startswith("1 | Description: totl + x")
    assert lines[2].endswith(" …")
    assert len(lines[2]) < 200
    assert lines[3] == "  |              ^^^^"


def test_a_secret_is_not_repeated() -> None:
    """The line of a literal secret is shown with stars in its place, in the same width."""
    place = spot("client_secret: hunter2 # ours\n", "hunter2")
    label = Label(place.span, "a secret", is_secret=True)
    lines = as_text([Diagnostic("E443", "the client secret is written out", label)]).split("\n")

    assert lines[2:] == ["1 | client_secret: ******* # ours", "  |                ^^^^^^^ a secret"]


def test_style_sees_the_parts() -> None:
    """Colours are given to parts by their role, and change no other character."""
    diagnostic = Diagnostic("E301", "no such field", spot("a: totl", "totl", "here"), help="look")
    roles: list[str] = []

    def style(text: str, role: str) -> str:
        roles.append(role)
        return text

    assert as_text([diagnostic], style) == as_text([diagnostic])
    assert set(roles) == {"error", "message", "frame", "caret", "help"}


def test_json_has_the_same_facts() -> None:
    """Places are 1-based, the end is behind the last character."""
    text = "a: 1\na: 2\n"
    diagnostic = Diagnostic(
        "E110", "twice", spot(text, "a: 2", "second"), (spot(text, "a: 1", "first"),), ("n",), "h"
    )

    assert json.loads(as_json([diagnostic])) == [
        {
            "code": "E110",
            "severity": "error",
            "message": "twice",
            "path": PATH,
            "place": {
                "file": PATH,
                "line": 2,
                "column": 1,
                "end_line": 2,
                "end_column": 5,
                "words": "second",
            },
            "related": [
                {
                    "file": PATH,
                    "line": 1,
                    "column": 1,
                    "end_line": 1,
                    "end_column": 5,
                    "words": "first",
                }
            ],
            "notes": ["n"],
            "help": "h",
            "fix": None,
        }
    ]


def test_json_without_a_place() -> None:
    """A error of a file has its path and no place; no errors are an empty list."""
    (facts,) = json.loads(as_json([Diagnostic("E101", "gone", path="specs/a.json")]))

    assert (facts["path"], facts["place"], facts["help"]) == ("specs/a.json", None, None)
    assert json.loads(as_json([])) == []


@pytest.mark.parametrize(
    ("diagnostic", "shown"),
    [
        pytest.param(
            Diagnostic("E301", "no such field", spot("\n x: totl", "totl"), help="look"),
            f"::error file={PATH},line=2,col=5,title=E301::no such field (look)",
            id="a place and help",
        ),
        pytest.param(
            Diagnostic("E101", "gone", path="specs/a.json", severity="warning"),
            "::warning file=specs/a.json,title=E101::gone",
            id="a file",
        ),
        pytest.param(
            Diagnostic("E105", "50% of\r\nit", path="a"),
            "::error file=a,title=E105::50%25 of%0D%0Ait",
            id="what would end the command is escaped",
        ),
    ],
)
def test_github(diagnostic: Diagnostic, shown: str) -> None:
    """One workflow command an error, on one line."""
    assert as_github([diagnostic]) == shown


def test_sarif_has_what_code_scanning_needs() -> None:
    """Version, driver, a rule for each code once, results with level, message and region."""
    text = "fields:\n  Total: totl\n"
    diagnostics = [
        Diagnostic("E301", "no such field", spot(text, "totl"), help="look"),
        Diagnostic("E301", "no such field", spot(text, "Total"), severity="warning"),
        Diagnostic("E101", "gone", path="specs/a.json"),
    ]
    log = json.loads(as_sarif(diagnostics, "1.2.3"))
    (run,) = log["runs"]
    driver = run["tool"]["driver"]

    assert log["version"] == "2.1.0"
    assert urlsplit(log["$schema"]).path.endswith("sarif-2.1.0.json")
    assert (driver["name"], driver["version"]) == ("mapgen", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["E101", "E301"]
    assert {result["ruleId"] for result in run["results"]} <= {
        rule["id"] for rule in driver["rules"]
    }
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]
    assert run["results"][0]["message"]["text"] == "no such field; look"
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [place["artifactLocation"]["uri"] for place in places] == [PATH, PATH, "specs/a.json"]
    assert places[0]["region"] == {
        "startLine": 2,
        "startColumn": 10,
        "endLine": 2,
        "endColumn": 14,
    }
    assert "region" not in places[2]


def test_sarif_of_nothing() -> None:
    """A check without errors is a run without results: that is what closes old alerts."""
    (run,) = json.loads(as_sarif([], "1"))["runs"]

    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_name_of_a_file_that_is_no_utf_8() -> None:
    """Every form of a diagnostic can be written, whatever bytes name its file."""
    source = Source("specs/\udcff\x1b[31m.maps.yaml", "zz: 1\n")
    found = [Diagnostic("E112", "no key", label=Label(Span(source, 0, 2)))]

    for form in (as_text(found), as_json(found), as_github(found), as_sarif(found, "1")):
        form.encode()
        assert "\x1b" not in form
    assert "specs/%FF%1B%5B31m.maps.yaml" in as_sarif(found, "1")
