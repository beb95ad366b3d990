"""The parser: what it takes, how it groups, where it stops, and that it never breaks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapgen.expression.parser import MOST_CHARACTERS, parse
from mapgen.expression.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Has,
    Index,
    ListTree,
    Macro,
    MapTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
    children,
)
from mapgen.report import Diagnostic, Text
from tests.depth import examples


def outline(tree: Tree) -> str:
    """Return the tree in one line, every grouping written out: `(+ a (* b 2))`."""
    match tree:
        case Constant(value=value):
            return (
                "null"
                if value is None
                else (
                    str(value).lower()
                    if isinstance(value, bool)
                    else repr(value) if isinstance(value, str) else str(value)
                )
            )
        case Name(name=name):
            return name
        case Select(operand=operand, field=field, is_optional=is_optional):
            return f"(.{'?' if is_optional else ''}{field} {outline(operand)})"
        case Index(is_optional=is_optional):
            head = "[?]" if is_optional else "[]"
        case Call(name=name):
            head = f"{name}()"
        case Method(name=name):
            head = f".{name}()"
        case Has():
            head = "has"
        case Macro(name=name, variables=variables):
            head = f"{name}:{','.join(variable.name for variable in variables)}"
        case Unary(operator=operator) | Binary(operator=operator):
            head = operator
        case Conditional():
            head = "?:"
        case ListTree(elements=elements):
            head = "list" + "?" * any(element.is_optional for element in elements)
        case MapTree(entries=entries):
            head = "map" + "?" * any(entry.is_optional for entry in entries)
    return "(" + " ".join([head, *(outline(child) for child in children(tree))]) + ")"


def grouped(words: str) -> str:
    tree = parse(Text.plain(words))
    assert not isinstance(tree, Diagnostic), tree.message
    return outline(tree)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("a + b * c", "(+ a (* b c))", id="product before sum"),
        pytest.param("(a + b) * c", "(* (+ a b) c)", id="brackets"),
        pytest.param("a - b - c", "(- (- a b) c)", id="to the left"),
        pytest.param("a || b && c", "(|| a (&& b c))", id="and before or"),
        pytest.param("a == b && c < d", "(&& (== a b) (< c d))", id="relations before and"),
        pytest.param("a in b == c", "(== (in a b) c)", id="relations to the left"),
        pytest.param("a ? b : c ? d : e", "(?: a b (?: c d e))", id="conditional to the right"),
        pytest.param("a || b ? c : d", "(?: (|| a b) c d)", id="conditional last"),
        pytest.param("!a.b", "(! (.b a))", id="not of a field"),
        pytest.param("!!a", "(! (! a))", id="not twice"),
        pytest.param("-a", "(- a)", id="negative name"),
        pytest.param("--a", "(- (- a))", id="minus twice"),
        pytest.param("-5.abs()", "(.abs() -5)", id="the sign belongs to the number"),
        pytest.param("a -5", "(- a 5)", id="a minus behind a name is an operator"),
        pytest.param("a - -5", "(- a -5)", id="minus a negative number"),
        pytest.param("a.b.?c.d", "(.d (.?c (.b a)))", id="selections"),
        pytest.param("a[b][?c]", "([?] ([] a b) c)", id="indices"),
        pytest.param("a.`odd name`", "(.odd name a)", id="field in backquotes"),
        pytest.param("has(a.b)", "(has (.b a))", id="has"),
        pytest.param("a.map(x, x + 1)", "(map:x a (+ x 1))", id="macro"),
        pytest.param("a.map(x, x > 1, x)", "(map:x a (> x 1) x)", id="macro with a condition"),
        pytest.param("a.all(i, x, i > x)", "(all:i,x a (> i x))", id="macro of two names"),
        pytest.param("a.existsOne(x, x)", "(exists_one:x a x)", id="the newer name of exists_one"),
        pytest.param("f(a, 'b')", "(f() a 'b')", id="function"),
        pytest.param("a.f(b).g()", "(.g() (.f() a b))", id="methods"),
        pytest.param("[1, ?a,]", "(list? 1 a)", id="list with an optional element"),
        pytest.param("{'a': 1, ?'b': c}", "(map? 'a' 1 'b' c)", id="map with an optional entry"),
        pytest.param(".a.b", "(.b a)", id="leading dot"),
        pytest.param("a // why\n + b", "(+ a b)", id="comment"),
        pytest.param("true && false || null == a", "(|| (&& true false) (== null a))", id="words"),
    ],
)
def test_grouping(words: str, expected: str) -> None:
    """Operators bind as CEL says."""
    assert grouped(words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("'a'", "a", id="single quotes"),
        pytest.param('"a"', "a", id="double quotes"),
        pytest.param("'''a'b\nc'''", "a'b\nc", id="three quotes span lines"),
        pytest.param(r"'\n\t\\\'\"\`\?'", "\n\t\\'\"`?", id="escapes"),
        pytest.param(r"'\x41\u00e9\U0001F600\101'", "Aé😀A", id="numbered escapes"),
        pytest.param(r"r'\n'", "\\n", id="raw"),
        pytest.param('R"""\\d"""', "\\d", id="raw with three quotes"),
        pytest.param("'日本'", "日本", id="wide characters"),
    ],
)
def test_strings(words: str, expected: str) -> None:
    """A string literal stands for what CEL says."""
    assert grouped(words) == repr(expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("0", "0"),
        ("0x1F", "31"),
        ("-0xF", "-15"),
        ("1.08", "1.08"),
        ("1.50", "1.50"),
        (".5", "0.5"),
        ("1e3", "1E+3"),
        ("-1.5e-3", "-0.0015"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
    ],
)
def test_numbers(words: str, expected: str) -> None:
    """A number keeps every digit that was written."""
    assert grouped(words) == expected


ACCEPTED = """
1 + 2 * 3 - 4 / 5 % 6
a.b.c.d.e.f
a[0][1]["x"].y
a.?b[?0].?c
!(a && b) || c
x in [1, 2, 3] && y in {"a": 1}
[[[[1]]]]
{1: 'a', true: 'b', 'c': [1, {2: 3}]}
a.exists(x, x.all(y, y > 0))
a.exists_one(x, x == 1)
a.filter(x, has(x.y)).map(x, x.y)
a.transformList(i, v, i > 0, v)
a.transformMap(k, v, v + 1)
optional.of(1).or(optional.none()).orValue(2)
a.optMap(x, x + 1).optFlatMap(y, y)
cel.bind(x, a.b, cel.bind(y, x, x + y))
timestamp('2024-01-01T00:00:00Z') - duration('1h')
string(1) + "b" + 'c' + r"d" + '''e'''
math.greatest(1, 2, 3)
(a ? b : c) ? d : e
a.package.import
a.`b-c`.`d/e`.`f g`
1.5e10 + 2E-3
size([]) == 0
{}
[]
a.f().g().h(1)
-a.b
- 5
has(a.?b.c)
x.map(y, y > 1, y * 2)
_a1 + _B
""".strip()


@pytest.mark.parametrize("words", ACCEPTED.splitlines())
def test_accepted(words: str) -> None:
    """Whatever CEL's grammar has is read."""
    assert grouped(words)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("", "E125 1:1 this expression is empty", id="nothing"),
        pytest.param(" // only a comment", "E125 1:1 this expression is empty", id="only comment"),
        pytest.param(
            "a +", "E124 1:4 expected a value, but found the end of the expression", id="cut"
        ),
        pytest.param(
            "(a", "E124 1:3 expected `)`, but found the end of the expression", id="open bracket"
        ),
        pytest.param(
            "a b", "E124 1:3 expected an operator or the end, but found `b`", id="two values"
        ),
        pytest.param(
            "a ? b ? 1 : 2 : 3", "E124 1:7 expected `:`, but found `?`", id="inner choice"
        ),
        pytest.param(
            "a ? b", "E124 1:6 expected `:`, but found the end of the expression", id="half"
        ),
        pytest.param(
            "a.",
            "E124 1:3 expected a field's name, but found the end of the expression",
            id="no field",
        ),
        pytest.param(
            "a.in",
            "E124 1:3 expected a field's name (one called `in` goes in backquotes), but found `in`",
            id="a word as a field",
        ),
        pytest.param(
            "a.?b()",
            "E124 1:5 expected a field's name behind `.?`, not a method, but found `(`",
            id="optional method",
        ),
        pytest.param("f(a,, b)", "E124 1:5 expected a value, but found `,`", id="two commas"),
        pytest.param("'abc", "E121 1:1 this string is not closed", id="open string"),
        pytest.param("'a\nb'", "E121 1:1 this string is not closed", id="line break in a string"),
        pytest.param(r"'a\qb'", r"E122 1:3 `\q` is no escape that strings know", id="escape"),
        pytest.param(
            r"'\ud800'", r"E122 1:2 `\ud800` is no escape that strings know", id="surrogate"
        ),
        pytest.param(
            "12ab", "E123 1:1 this is neither a number nor a name", id="number and letters"
        ),
        pytest.param(
            "9223372036854775808", "E123 1:1 this number does not fit into 64 bits", id="int"
        ),
        pytest.param(
            "0xFFFFFFFFFFFFFFFFF", "E123 1:1 this number does not fit into 64 bits", id="hex"
        ),
        pytest.param("1e999999", "E123 1:1 this number does not fit into 28 digits", id="exponent"),
        pytest.param("a = b", "E120 1:3 unexpected character `=`", id="one equals sign"),
        pytest.param("a & b", "E120 1:3 unexpected character `&`", id="one ampersand"),
        pytest.param("‘a’", "E120 1:1 unexpected character `‘`", id="curly quotes"),
        pytest.param("straße", "E120 1:5 unexpected character `ß`", id="letter beyond Z"),
        pytest.param("a \x00 b", "E120 1:3 unexpected character U+0000", id="control"),
        pytest.param(
            "b'a'", "E127 1:1 a bytes literal is CEL, but not part of this dialect", id="bytes"
        ),
        pytest.param(
            "1u",
            "E127 1:1 an unsigned int literal is CEL, but not part of this dialect",
            id="unsigned",
        ),
        pytest.param(
            "A{b: 1}",
            "E127 1:1 a message literal is CEL, but not part of this dialect",
            id="message",
        ),
        pytest.param("import", "E128 1:1 `import` is a reserved word, not a name", id="reserved"),
        pytest.param(
            "a.map(b.c, d)",
            "E129 1:3 `map` wants a name for the element, then an expression of it",
            id="macro without a name",
        ),
        pytest.param("has(a)", "E129 1:1 `has()` wants one field", id="has of a name"),
        pytest.param("has(a.b, c)", "E129 1:1 `has()` wants one field", id="has of two"),
    ],
)
def test_refused(words: str, expected: str) -> None:
    """The first place that cannot be read is shown, with what was expected there."""
    diagnostic = parse(Text.plain(words))
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.label is not None
    span = diagnostic.label.span
    assert f"{diagnostic.code} {span.line}:{span.column} {diagnostic.message}" == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("a and b", "write `&&`"),
        ("a or b", "write `||`"),
        ("not a", "write `!` in front: `!(…)`"),
        ("a = 1", "`==` compares two values"),
        ("a === 1", "`==` compares two values"),
        ("‘a’", "write straight quotes: `'text'`"),
        ("if", "write `condition ? value : other`"),
    ],
)
def test_help_for_other_languages(words: str, expected: str) -> None:
    """Who writes another language's word is reported ours."""
    diagnostic = parse(Text.plain(words))
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.help == expected


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("(" * 5000 + "a" + ")" * 5000, id="brackets too long"),
        pytest.param("(" * 200 + "a" + ")" * 200, id="brackets"),
        pytest.param("[" * 200 + "]" * 200, id="lists"),
        pytest.param("!" * 200 + "a", id="nots"),
        pytest.param("a" + ".b" * 300, id="selections"),
        pytest.param("a" + " + a" * 300, id="sum"),
        pytest.param("a" + "[0]" * 300, id="indices"),
        pytest.param("a ? b : " * 300 + "c", id="conditionals"),
        pytest.param("f(" * 300 + ")" * 300, id="calls"),
        pytest.param("a" * (MOST_CHARACTERS + 1), id="length"),
    ],
)
def test_too_much(words: str) -> None:
    """What is too long or too deep is refused before it could break anything."""
    diagnostic = parse(Text.plain(words))
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.code == "E126"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("[" * 32 + "]" * 32, id="32 lists"),
        pytest.param("!" * 32 + "true", id="32 nots"),
        pytest.param("0" + " + 0" * 33, id="33 sums"),
        pytest.param("a" + ".a" * 32, id="32 selections"),
        pytest.param("a ? b : " * 24 + "c", id="24 conditionals"),
    ],
)
def test_deep_enough(words: str) -> None:
    """What CEL asks every implementation to read is read."""
    assert grouped(words)


WORDS = st.sampled_from(
    [
        *"+-*/%<>!?:.,()[]{}'\"`\\ \n",
        *[
            "a",
            "b",
            "order",
            "line_items",
            "has",
            "map",
            "filter",
            "exists",
            "in",
            "true",
            "null",
            "1",
            "2.5",
            "'x'",
            ".?",
            "&&",
            "||",
            "==",
            "[?",
            "r'",
            "\\u",
            "0x",
            "e",
        ],
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=25).map("".join)))
@settings(max_examples=examples(200), deadline=None)
def test_any_text(words: str) -> None:
    """Any text gives a tree or a diagnostic that is in the text, never an exception."""
    found = parse(Text.plain(words))
    if isinstance(found, Diagnostic):
        assert found.label is not None
        assert 0 <= found.label.span.start <= found.label.span.end <= len(words)
    else:
        assert 0 <= found.start < found.end <= len(words)


def test_escaped_scalar_positions() -> None:
    """A place behind an escape of the YAML scalar points into the file, not into the words."""
    from mapgen.report import Source

    file = 'value: "a\\u0020&b"'
    offsets = (8, 9, 15, 16, 17)
    diagnostic = parse(Text("a &b", Source("spec.yaml", file), offsets))
    assert isinstance(diagnostic, Diagnostic)
    assert diagnostic.label is not None
    assert str(diagnostic.label.span) == "spec.yaml:1:16"
