"""Sources, spans, and words that do not be in the file as they read."""

from __future__ import annotations

import pytest

from mapgen.report import Diagnostic, Label, Source, Span, Stopped, Text, near_names, suggestion
from mapgen.report.near import distance


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        pytest.param("", 0, (1, 1), id="nothing"),
        pytest.param("ab", 1, (1, 2), id="inside a line"),
        pytest.param("ab\n", 2, (1, 3), id="a line break belongs to its line"),
        pytest.param("ab\ncd", 3, (2, 1), id="behind a line break"),
        pytest.param("ab\r\ncd", 4, (2, 1), id="behind a line break of Windows"),
        pytest.param("ab\n", 3, (2, 1), id="behind the last line break"),
        pytest.param("\n\n\nx", 3, (4, 1), id="empty lines"),
        pytest.param("🛒b", 1, (1, 2), id="an emoji is one column"),
        pytest.param("a\u2028b", 2, (1, 3), id="only a line feed ends a line"),
    ],
)
def test_place(text: str, offset: int, place: tuple[int, int]) -> None:
    """Lines and columns count from 1, in code points."""
    assert Source("a.yaml", text).place(offset) == place


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("ab\ncd\n", 2, "cd", id="a line"),
        pytest.param("ab\r\ncd", 1, "ab", id="without the break of Windows"),
        pytest.param("ab\n", 2, "", id="the empty one at the end"),
        pytest.param("", 1, "", id="of an empty file"),
        pytest.param("a\tb\n", 1, "a\tb", id="tabs stay"),
    ],
)
def test_line_text(text: str, line: int, words: str) -> None:
    """A line is its text without the break."""
    assert Source("a.yaml", text).line_text(line) == words


def test_a_span_says_where_it_is() -> None:
    """A span reads as `path:line:column`."""
    assert str(Span(Source("specs/a.yaml", "ab\ncd"), 4, 5)) == "specs/a.yaml:2:2"


# The file has 'it''s' in quotes: the words are it's, and the second quote has no place of its own.
QUOTED = Text("it's", Source("a.yaml", "x: 'it''s'"), [4, 5, 6, 8, 9])


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param(0, None, "it''s", id="all of it"),
        pytest.param(0, 2, "it", id="before the quote"),
        pytest.param(3, 4, "s", id="behind the quote"),
        pytest.param(2, 4, "''s", id="over the quote"),
        pytest.param(4, 4, "", id="nothing, at the end"),
        pytest.param(9, None, "", id="beyond the end"),
    ],
)
def test_words_know_their_place(start: int, end: int | None, found: str) -> None:
    """A part of the words is the part of the file that says it, quotes and all."""
    span = QUOTED.span(start, end)

    assert span.source.text[span.start : span.end] == found


def test_plain_words_are_their_own_file() -> None:
    """An expression given on its own is in a file of its own."""
    span = Text.plain("a + b").span(4)

    assert (span.start, span.end, str(span)) == (4, 5, "<expression>:1:5")


def test_empty_words_have_a_place() -> None:
    """Words without a character are somewhere all the same."""
    span = Text("", Source("a.yaml", "x: ''"), [4]).span()

    assert (span.start, span.end) == (4, 4)


def test_diagnostics_are_told_once_and_in_order() -> None:
    """Stopped sorts by file and place, and drops what is said twice."""
    source = Source("b.yaml", "one two")
    late = Diagnostic("E301", "late", Label(Span(source, 4, 7)))
    early = Diagnostic("E412", "early", Label(Span(source, 0, 3)))
    whole = Diagnostic("E104", "empty", path="a.yaml")
    same = Diagnostic("E104", "empty", path="a.yaml")

    stopped = Stopped([late, early, whole, same])

    assert stopped.diagnostics == (whole, early, late)
    assert str(stopped) == "empty; early; late"


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [
        pytest.param("", "", 0, id="nothing"),
        pytest.param("abc", "abc", 0, id="the same"),
        pytest.param("", "abc", 3, id="all inserted"),
        pytest.param("abc", "", 3, id="all deleted"),
        pytest.param("abc", "axc", 1, id="one changed"),
        pytest.param("frist", "first", 1, id="two exchanged"),
        pytest.param("kitten", "sitting", 3, id="several"),
    ],
)
def test_distance(left: str, right: str, steps: int) -> None:
    """Two neighbours exchanged are one mistake, not two; both ways are equally far."""
    assert distance(left, right) == steps
    assert distance(right, left) == steps


ORDER = ("OrderQty", "OrderType", "OrderNbr", "Date", "ShipVia", "ShippedQty", "OpenQty")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("OrderQyt", ("OrderQty",), id="letters exchanged"),
        pytest.param("orderqty", ("OrderQty",), id="another case"),
        pytest.param("Qty", (), id="too short to be at an end"),
        pytest.param("ordernbr", ("OrderNbr",), id="the nearest only"),
        pytest.param("Warehouse", (), id="nothing near: no guess"),
        pytest.param("Dat", ("Date",), id="a letter forgotten"),
        pytest.param("RequestedDate", ("Date",), id="the known one at its end"),
    ],
)
def test_near_names(name: str, near: tuple[str, ...]) -> None:
    """Near is within a third of the length, the nearest first; none is better than a wrong one."""
    assert near_names(name, ORDER) == near


def test_at_most_three_near_names() -> None:
    """More than three offers are a list to read, not a help; equals are in order."""
    assert near_names("tax1", ["tax9", "tax4", "tax3", "tax2"]) == ("tax2", "tax3", "tax4")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("tax_id", "did you mean `tax_ids`?", id="one"),
        pytest.param("ship", "did you mean `ships` or `shop`?", id="two"),
        pytest.param("warehouses", None, id="none"),
    ],
)
def test_suggestion(name: str, words: str | None) -> None:
    """A help line offers the near names, or there is none."""
    assert suggestion(name, ("tax_ids", "ships", "shop")) == words
