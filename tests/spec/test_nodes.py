"""Any text in, nodes or errors out: nothing else, whatever the text, and never slowly."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mapgen.report import Diagnostic, Source, Span, Stopped
from mapgen.spec.construct import Construct
from mapgen.spec.model import Connection, Environment, Spec
from mapgen.spec.nodes import LONGEST_FILE, ListNode, MapNode, Node, ScalarNode, read_yaml
from mapgen.spec.pointers import place
from mapgen.spec.reader import read
from tests.compiler.cases import BASE, SPEC

Found = TypeVar("Found")

_FRAGMENTS = st.sampled_from(
    [
        "maps: 1\n", "flow: a\n", "mapping:\n", "  source: {name: a}\n", "  fields:\n",
        "    A: x\n", "- ", "? ", ": ", "{", "}", "[", "]", ",", "'", '"', "|", ">", "#", "&a ",
        "*a", "!t ", "%", "@", "`", "\n", "\n  ", "\t", "---\n", "...\n", "\r", "\x85", "\u2028",
        "\ufeff", "\x00", "\x07", "\ud800", "\U0001f375", "null", "~", "true", "0x10", "1e9",
        "<<: {}\n", "=", "\\", '"\\x4', '"\\U00110000"', "é",
    ]
)  # fmt: skip
_DOCUMENTS = st.one_of(st.text(max_size=60), st.lists(_FRAGMENTS, max_size=25).map("".join))


def _nodes(node: Node) -> list[Node]:
    children = {
        MapNode: lambda: [entry.value for entry in node.entries],  # type: ignore[union-attr]
        ListNode: lambda: list(node.items),  # type: ignore[union-attr]
        ScalarNode: list,
    }[type(node)]()
    return [node, *(below for child in children for below in _nodes(child))]


def _outcome(
    read: Callable[[Source], Found], text: str
) -> tuple[Found | None, tuple[Diagnostic, ...]]:
    """Return what a text is read as, or the errors of it."""
    try:
        return read(Source("spec", text)), ()
    except Stopped as stopped:
        return None, stopped.diagnostics


@given(_DOCUMENTS)
@example("a: !x\n")
@example("? [a]\n: 1\n? {b: c}\n: 2\n")
@example("{a, a, a}")
@example("- &x [*x]\n")
@example('a: "\\ud800"\n')
def test_any_text(text: str) -> None:
    """Any text is nodes that lie inside it, or errors that lie inside it."""
    root, diagnostics = _outcome(read_yaml, text)
    assert (root is None) == bool(diagnostics)
    for diagnostic in diagnostics:
        assert diagnostic.label is not None or diagnostic.path == "spec"
        assert diagnostic.label is None or 0 <= diagnostic.label.span.start <= len(text)
    for node in _nodes(root) if root is not None else ():
        assert 0 <= node.span.start <= node.span.end <= len(text)
        if isinstance(node, MapNode):
            keys = [entry.key.value for entry in node.entries]
            assert len(keys) == len(set(keys))


@pytest.mark.parametrize("kind", [Spec, Environment, Connection])
@given(text=_DOCUMENTS)
def test_any_text_as_a_file_of_the_language(kind: type[Construct], text: str) -> None:
    """Any text is what it was read as, or errors; nothing else is ever raised."""
    found, diagnostics = _outcome(lambda source: read(source, kind), text)

    assert (found is None) == bool(diagnostics)


@given(st.data())
def test_any_damage_to_a_spec(data: st.DataObject) -> None:
    """A sound spec with a piece cut out, doubled or overwritten is a spec, or has errors."""
    text = (BASE / SPEC).read_text(encoding="utf-8")
    start = data.draw(st.integers(min_value=0, max_value=len(text)))
    end = min(len(text), start + data.draw(st.integers(min_value=0, max_value=200)))
    middle = data.draw(st.one_of(st.just(""), _FRAGMENTS, st.just(text[start:end] * 2)))
    found, diagnostics = _outcome(
        lambda source: read(source, Spec), text[:start] + middle + text[end:]
    )

    assert (found is None) == bool(diagnostics)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("[" * 1_000_000, "E108", id="a million opening brackets"),
        pytest.param("[" * 2_000_000, "E103", id="two million opening brackets"),
        pytest.param("{" * 2_000_000, "E103", id="two million opening braces"),
        pytest.param("a: " * 300_000, "E105", id="keys in a line"),
        pytest.param("- " * 400_000, "E108", id="lists in a line"),
        pytest.param("? " * 400_000, "E108", id="keys of keys in a line"),
        pytest.param("x" * (LONGEST_FILE + 1), "E103", id="one character too many"),
        pytest.param("a: &a [1]\nb: [*a, *a]\n", "E107", id="aliases"),
        pytest.param("&a [*a]\n", "E107", id="an alias of itself"),
    ],
)
def test_hostile_text(text: str, code: str) -> None:
    """What would cost a reader much is refused before it does."""
    with pytest.raises(Stopped) as stopped:
        read_yaml(Source("spec", text))

    assert stopped.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param("no", "text", id="the country code of Norway is no flag"),
        pytest.param("true", "flag", id="flag"),
        pytest.param("007", "integer", id="leading zeros"),
        pytest.param("1_000", "text", id="underscores are words"),
        pytest.param("0x10", "text", id="hexadecimal is words"),
        pytest.param("12:30:45", "text", id="a time is words"),
        pytest.param("2026-01-31", "text", id="a date is words"),
        pytest.param("1.50", "number", id="number"),
        pytest.param("~", "null", id="tilde"),
        pytest.param("'~'", "text", id="quoted tilde"),
        pytest.param("'1'", "text", id="quoted number"),
    ],
)
def test_kind_of_scalar(value: str, kind: str) -> None:
    """Scalars are typed as YAML 1.2 types them: no surprises of 1.1."""
    root = read_yaml(Source("spec", f"a: {value}\n"))

    assert isinstance(root, MapNode)
    found = root.get("a")
    assert isinstance(found, ScalarNode)
    assert found.kind == kind


@pytest.mark.parametrize(
    ("pointer", "shown"),
    [
        pytest.param("mapping", "mapping", id="key"),
        pytest.param("mapping/fields/Weight", "Weight", id="key of a key"),
        pytest.param(
            "mapping/skip/0",
            "{when: parcel.cancelled, because: cancelled by the sender}",
            id="item",
        ),
        pytest.param("mapping/skip/0/when", "when", id="key of an item"),
        pytest.param("mapping/skip/1", None, id="item behind the last"),
        pytest.param("mapping/nowhere", None, id="no such key"),
        pytest.param("mapping/fields/Weight/value", None, id="below a scalar"),
        pytest.param("nowhere/at/all", None, id="no such way"),
        pytest.param("", None, id="empty"),
    ],
)
def test_pointer(pointer: str, shown: str | None) -> None:
    """A pointer leads to the key or the item that it names, or nowhere."""
    text = (BASE / SPEC).read_text(encoding="utf-8")
    found = place(read_yaml(Source(SPEC, text)), pointer)

    assert (None if found is None else text[found.start : found.end]) == shown


@given(_DOCUMENTS, st.text("ab01/-", max_size=12))
def test_any_pointer(text: str, pointer: str) -> None:
    """A pointer never fails, whatever it is and whatever it points into."""
    try:
        root = read_yaml(Source("spec", text))
    except Stopped:
        return

    assert isinstance(place(root, pointer), Span | None)


def test_pointer_with_a_digit_that_is_none() -> None:
    """What only looks like a number to Unicode is no item of a list."""
    assert place(read_yaml(Source("spec", "[a, b, c]")), "²") is None


def test_empty_files() -> None:
    """Only an empty spec is told how a spec starts."""
    helps = []
    for path in ("specs/orders.maps.yaml", "specs/environments/local.yaml"):
        with pytest.raises(Stopped) as stopped:
            read_yaml(Source(path, "# nothing\n"))
        [diagnostic] = stopped.value.diagnostics
        assert diagnostic.code == "E104"
        helps.append("a spec starts with" in (diagnostic.help or ""))

    assert helps == [True, False]
