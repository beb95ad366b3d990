"""Text of authors stays text, whatever is in it."""

from __future__ import annotations

import ast
import io
import tokenize

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mapgen import escaping

HOSTILE = (
    'x": 1}); print("owned") #',
    '"""\nimport os\n"""',
    "\\",
    '"',
    '""""',
    "a\nimport os",
    "a\rimport os",
    "\u2028import os",
    "\x85\x0c\x1c",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eright to left",
    "\x00",
    "\x1b[31mred\x1b]0;title\x07",
    "\ud800",
    "\\N{DASH}{x}'",
    "# type: ignore",
    "type: ignore[misc]",
    "fmt: off",
    "x" * 10_000,
)
texts = st.text(st.characters()) | st.text(st.sampled_from("\"'\\{}#\n\r`|<![]ab \u202e\u2028\x00"))


def hostile(test: object) -> object:
    """Run a property on the table as well as on what hypothesis finds."""
    for text in HOSTILE:
        test = example(text)(test)  # type: ignore[arg-type]
    return given(texts)(test)  # type: ignore[arg-type,type-var]


@hostile
def test_a_literal_is_one_line_that_gives_the_text_back(text: str) -> None:
    shown = escaping.literal(text)
    assert shown.isprintable()
    assert ast.literal_eval(shown) == text


@hostile
def test_a_comment_is_one_comment_and_no_instruction(text: str) -> None:
    line = f"# {escaping.comment(text)}"
    assert line.isprintable()
    tokens = tokenize.generate_tokens(io.StringIO(f"{line}\n").readline)
    kinds = [token.type for token in tokens]
    assert kinds == [tokenize.COMMENT, tokenize.NL, tokenize.ENDMARKER]
    assert not line.lower().startswith(("# type:", "# fmt:", "# noqa"))
    ast.parse(f"if x:\n    {line}\n    y = 1\n", type_comments=True)


@hostile
def test_a_docstring_is_one_literal(text: str) -> None:
    module = ast.parse(f'"""{escaping.in_docstring(text)}"""\n')
    (statement,) = module.body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    if text.isprintable():
        assert statement.value.value == " ".join(text.split())


@hostile
def test_words_of_an_f_string_give_the_text_back(text: str) -> None:
    shown = f'f"{escaping.in_f_string(text)}{{1}}"'
    assert shown.isprintable()
    assert eval(shown) == f"{text}1"


@hostile
def test_a_pattern_gives_itself_back(text: str) -> None:
    assert ast.literal_eval(escaping.pattern(text)) == text


@hostile
def test_a_cell_is_one_cell(text: str) -> None:
    for made in (escaping.code(text), escaping.prose(text)):
        shown = escaping.cell(made)
        assert shown.isprintable()
        bars = [at for at, letter in enumerate(shown) if letter == "|"]
        assert all(shown[at - 1] == "\\" for at in bars)


@hostile
def test_a_span_of_code_ends_where_it_should(text: str) -> None:
    shown = escaping.code(text)
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert fence
    assert shown.endswith(fence)
    assert fence not in shown[len(fence) : -len(fence)].replace(fence + "`", "")


@hostile
def test_prose_holds_no_element_and_opens_no_block(text: str) -> None:
    shown = escaping.prose(text)
    outside = "".join(shown.split("`")[::2]) if "\\`" not in shown else shown
    assert not any(
        letter == "<" and outside[at - 1 : at] != "\\" for at, letter in enumerate(outside)
    )
    assert not shown.startswith(("#", ">", "* ", "- ", "+ ", "```", "~~~", "="))


@hostile
def test_a_text_in_yaml_gives_itself_back(text: str) -> None:
    shown = escaping.yaml(text)
    assert shown.isprintable()
    assert yaml.safe_load(f"{{a: {shown}, b: [{shown}]}}") == {"a": text, "b": [text]}
    if len(shown) < 1000:  # longer ones are no keys of YAML
        assert yaml.safe_load(f"{shown}: {{{shown}: a}}") == {text: {text: "a"}}


@pytest.mark.parametrize("text", ["on", "Yes", "Null", "1e3", "- a", "a ", "?", "a: b", "~", ""])
def test_what_yaml_would_take_for_something_else(text: str) -> None:
    assert escaping.yaml(text) == f'"{text}"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, a `span`, 1 + 1 and x-y", "plain words, a `span`, 1 + 1 and x-y"),
        ("a <b> of `a < b`", "a \\<b> of `a < b`"),
        ("# not a heading", "\\# not a heading"),
        ("1. not a list", "1\\. not a list"),
        ("one ` alone", "one \\` alone"),
        ("red \x1b[31m", "red \\\\x1b[31m"),
    ],
)
def test_prose(text: str, shown: str) -> None:
    assert escaping.prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("order.id", "`order.id`"), ("a`b", "``a`b``"), ("`a`", "`` `a` ``"), ("", "`  `")],
)
def test_code(text: str, shown: str) -> None:
    assert escaping.code(text) == shown


values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
def test_a_value_as_python(value: object) -> None:
    """A value of texts is read back as it was, from one line without a sign that is not shown."""
    shown = escaping.python(value)

    assert ast.literal_eval(shown) == value
    assert shown.isprintable()
