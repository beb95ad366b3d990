"""Generated expressions: emitted code gives what a small interpreter of the tree gives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from mapgen.expression import Binding, Scope, at
from mapgen.ir.types import BOOL, DECIMAL, INT, STRING, ListOf, Object, Optional
from mapgen.runtime.errors import RuleError
from tests.depth import examples

from .language import check, emit, emit_told, messages, run, run_lowered, structs, told
from .reference import Failed, evaluate

ROW = Object("row", {"text": STRING, "count": INT, "price": DECIMAL, "note": Optional(STRING)})
PART = Object("part", {"name": STRING, "code": Optional(STRING)})
RECORD = Object(
    "record",
    {
        "text": STRING,
        "count": INT,
        "price": DECIMAL,
        "flag": BOOL,
        "note": Optional(STRING),
        "limit": Optional(INT),
        "part": Optional(PART),
        "rows": ListOf(ROW),
        "words": ListOf(STRING),
        "holes": ListOf(Optional(STRING)),
    },
)
SCOPE = Scope({"record": Binding(RECORD, at("record")), "extra": Binding(Optional(STRING))})
CLASSES = structs(RECORD)

TEXTS = st.sampled_from(["'a'", "' b '", "''", "'{x}'", "'it\\'s'", "'\"'", "'a-b-c'"])


class Maker:
    """Makes expressions of a wanted type; `rows` are the row variables around the place."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def pick(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"

    def make(self, kind: str, depth: int, rows: tuple[str, ...] = ()) -> str:
        if depth <= 0:
            return self.leaf(kind, rows)
        made: str = getattr(self, kind)(depth - 1, rows)
        return made

    def leaf(self, kind: str, rows: tuple[str, ...]) -> str:
        leaves = {
            "string": ["record.text", self.draw(TEXTS), *(f"{row}.text" for row in rows)],
            "int": ["record.count", "3", "-2", *(f"{row}.count" for row in rows)],
            "decimal": ["record.price", "1.50", *(f"{row}.price" for row in rows)],
            "bool": ["record.flag", "record.count > 2", "has(record.note)", "extra == null"],
            "maybe": [
                "record.note",
                "record.?part.code",
                "extra",
                *(f"{row}.note" for row in rows),
            ],
            "maybe_int": ["record.limit", "record.?part.name.size()", "record.?limit"],
            "words": ["record.words", "['x', record.text]"],
            "rows": ["record.rows"],
        }
        return self.pick(*leaves[kind])

    def string(self, depth: int, rows: tuple[str, ...]) -> str:
        text, other = self.make("string", depth, rows), self.make("string", depth, rows)
        maybe, condition = self.make("maybe", depth, rows), self.make("bool", depth, rows)
        number, words = self.make("int", depth, rows), self.make("words", depth, rows)
        amount, name = self.make("decimal", depth, rows), self.fresh()
        return self.pick(
            f"{text} + {other}",
            f"({text} + {other}).trim()",
            f"({text}).upperAscii()",
            f"({text}).replace('a', {other})",
            f"({maybe}).orValue({text})",
            f"coalesce({maybe}, {text})",
            f"coalesce(nonBlank({text}), {maybe}, {other})",
            f"({condition} ? {text} : {other})",
            f"string({number}) + {text}",
            f"'#' + string({amount})",
            f"({words}).join({other})",
            f"({text}).substring(1)",
            f"({words})[0]",
            f"(has(record.?part.code) ? record.part.code : {text})",
            f"(record.note != null && {condition} ? record.note : {other})",
            f"cel.bind({name}, {text}, {name} + {other} + {name})",
            f"cel.bind({name}, {maybe}, {name} == null ? {text} : {name} + {other})",
        )

    def int(self, depth: int, rows: tuple[str, ...]) -> str:
        one, other = self.make("int", depth, rows), self.make("int", depth, rows)
        text, condition = self.make("string", depth, rows), self.make("bool", depth, rows)
        words, lines = self.make("words", depth, rows), self.make("rows", depth, rows)
        maybe = self.make("maybe_int", depth, rows)
        name, more = self.fresh(), self.fresh()
        inner = self.make("int", depth, (*rows, name))
        return self.pick(
            f"({one} + {other})",
            f"{one} - ({other})",
            f"({one}) * ({other})",
            f"-({one})",
            f"intDiv({one}, {other})",
            f"({text}).size()",
            f"({words}).size()",
            f"({condition} ? {one} : {other})",
            f"({maybe}).orValue({one})",
            f"{lines}.map({name}, {inner}).sum()",
            f"cel.bind({name}, {lines}, {name}.map({more}, {more}.count * {name}.size()).sum())",
        )

    def decimal(self, depth: int, rows: tuple[str, ...]) -> str:
        one, other = self.make("decimal", depth, rows), self.make("decimal", depth, rows)
        number, condition = self.make("int", depth, rows), self.make("bool", depth, rows)
        lines, name = self.make("rows", depth, rows), self.fresh()
        inner = self.make("decimal", depth, (*rows, name))
        return self.pick(
            f"({one} + {number})",
            f"{one} - ({other})",
            f"(({one}) * ({number}))",
            f"(({one}) / ({number})).round(2)",
            f"({condition} ? {one} : {number})",
            f"{lines}.map({name}, {inner}).sum()",
            f"{lines}.map({name}, {inner}).max().orValue({number})",
        )

    def bool(self, depth: int, rows: tuple[str, ...]) -> str:
        one, other = self.make("bool", depth, rows), self.make("bool", depth, rows)
        text, more = self.make("string", depth, rows), self.make("string", depth, rows)
        number, amount = self.make("int", depth, rows), self.make("decimal", depth, rows)
        maybe, words = self.make("maybe", depth, rows), self.make("words", depth, rows)
        lines, name = self.make("rows", depth, rows), self.fresh()
        inner = self.make("bool", depth, (*rows, name))
        operator = self.pick("==", "!=", "<", "<=", ">", ">=")
        macro = self.pick("all", "exists", "exists_one")
        return self.pick(
            f"({one} && {other})",
            f"({one} || {other})",
            f"!({one})",
            f"({text} {operator} {more})",
            f"({number} {operator} {amount})",
            f"({text}).contains({more})",
            f"(({text}).startsWith('a') || ({text}).startsWith({more}))",
            f"(({text}) == 'a' || ({text}) == ' b ' || {one})",
            f"({text} != 'a' && {text} != 'b')",
            f"{text} in {words}",
            f"({maybe}) != null",
            f"({maybe}).hasValue()",
            f"{lines}.{macro}({name}, {inner})",
            f"(record.part == null || record.part.name == {text})",
        )

    def maybe(self, depth: int, rows: tuple[str, ...]) -> str:
        text, words = self.make("string", depth, rows), self.make("words", depth, rows)
        maybe, other = self.make("maybe", depth, rows), self.make("maybe", depth, rows)
        condition, lines = self.make("bool", depth, rows), self.make("rows", depth, rows)
        name, more = self.fresh(), self.make("string", depth, rows)
        return self.pick(
            f"nonBlank({text})",
            f"nonBlank({maybe})",
            f"({maybe}).or({other})",
            f"({condition} ? {maybe} : null)",
            f"({condition} ? null : {text})",
            f"({condition} ? {maybe} : {other})",
            f"({words}).first()",
            f"({text}).before('-')",
            f"({maybe}).optMap({name}, {name} + {more} + {name})",
            f"({maybe}).optFlatMap({name}, {name}.before('-'))",
            f"{lines}.first().?note.trim()",
            f"{lines}[?1].text.upperAscii()",
            f"coalesce({maybe}, {other})",
            "record.holes.first()",
        )

    def maybe_int(self, depth: int, rows: tuple[str, ...]) -> str:
        maybe, lines = self.make("maybe", depth, rows), self.make("rows", depth, rows)
        name, inner = self.fresh(), self.fresh()
        number = self.make("int", depth, (*rows, inner))
        return self.pick(
            f"({maybe}).optMap({name}, {name}.size())",
            f"{lines}.map({inner}, {number}).max()",
            f"{lines}.first().?count",
        )

    def words(self, depth: int, rows: tuple[str, ...]) -> str:
        text, words = self.make("string", depth, rows), self.make("words", depth, rows)
        lines, name = self.make("rows", depth, rows), self.fresh()
        maybe, inner = self.make("maybe", depth, rows), self.make("string", depth, (*rows, name))
        condition = self.make("bool", depth, (*rows, name))
        return self.pick(
            f"({text}).split('-')",
            f"{lines}.map({name}, {inner})",
            f"{lines}.map({name}, {condition}, {inner})",
            f"{lines}.groupBy({name}, {inner}).map(g, g.key)",
            f"{lines}.groupBy({name}, {condition}).map(g, string(g.rows.size()))",
            f"{lines}.map({name}, {name}.note).unwrapOpt()",
            f"{lines}.map({name}, has({name}.note), {name}.note)",
            f"[{text}, ?({maybe})]",
            f"({words} + [{text}])",
            f"({words}).distinct()",
            f"({maybe}).optMap({name}, {name}.split('-')).orValue({words})",
            f"({words}).filter({name}, {name} != {text})",
            f"record.holes.filter({name}, {name} != null)",
        )

    def rows(self, depth: int, rows: tuple[str, ...]) -> str:
        lines, name = self.make("rows", depth, rows), self.fresh()
        condition = self.make("bool", depth, (*rows, name))
        number = self.make("int", depth, (*rows, name))
        return self.pick(
            f"{lines}.filter({name}, {condition})", f"{lines}.sortBy({name}, {number})"
        )


NEEDLESS = {"E205", "E206", "E207", "E217", "E219"}


@st.composite
def expressions(draw: st.DrawFn) -> str:
    kind = draw(
        st.sampled_from(["string", "int", "decimal", "bool", "maybe", "maybe_int", "words"])
    )
    words = Maker(draw).make(kind, draw(st.integers(1, 3)))
    # Handlers and conditions that decide nothing are refused, and come up now and then.
    assume(not {message[:4] for message in messages(words, SCOPE)} & NEEDLESS)
    return words


SHORT = st.sampled_from(["", "a", " b ", "a-b", "{x}", "it's", "Ä"])
AMOUNTS = st.decimals(-100, 100, places=2)


def rows() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "text": SHORT,
            "count": st.integers(-3, 9),
            "price": AMOUNTS,
            "note": st.none() | SHORT,
        }
    )


RECORDS = st.fixed_dictionaries(
    {
        "text": SHORT,
        "count": st.integers(-3, 9),
        "price": AMOUNTS,
        "flag": st.booleans(),
        "note": st.none() | SHORT,
        "limit": st.none() | st.integers(-3, 9),
        "part": st.none() | st.fixed_dictionaries({"name": SHORT, "code": st.none() | SHORT}),
        "rows": st.lists(rows(), max_size=3),
        "words": st.lists(SHORT, max_size=3),
        "holes": st.lists(st.none() | SHORT, max_size=3),
    }
)


def as_structs(record: dict[str, Any]) -> Any:
    part = record["part"]
    changed = {
        "part": None if part is None else CLASSES["part"](**part),
        "rows": [CLASSES["row"](**row) for row in record["rows"]],
    }
    return CLASSES["record"](**(record | changed))


def outcome_of(words: str, record: dict[str, Any], extra: str | None) -> tuple[Any, Any]:
    """Return what the interpreter gives and what emitted code gives; "failed" for an error."""
    typed = check(words, SCOPE)
    try:
        expected = evaluate(typed.tree, {"record": record, "extra": extra})
    except Failed:
        expected = "failed"
    try:
        found = run(words, {"record": as_structs(record), "extra": extra}, SCOPE)
    except RuleError:
        found = "failed"
    return expected, found


@given(expressions(), RECORDS, st.none() | SHORT)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_same_value(words: str, record: dict[str, Any], extra: str | None) -> None:
    """Emitted code and the interpreter agree on every value, and on what fails."""
    note(words)
    note(emit(words, SCOPE))
    expected, found = outcome_of(words, record, extra)
    if isinstance(expected, Decimal):
        assert format(found, "f") == format(Decimal(expected), "f")
    assert found == expected


@st.composite
def conditions(draw: st.DrawFn) -> str:
    words = Maker(draw).make("bool", draw(st.integers(0, 2)))
    assume(not {message[:4] for message in messages(words, SCOPE)} & NEEDLESS)
    return words


@given(expressions(), conditions(), RECORDS, st.none() | SHORT)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_same_value_where_it_is_decided(
    words: str, condition: str, record: dict[str, Any], extra: str | None
) -> None:
    """What a condition has decided changes no value, and takes nothing away that fails."""
    given = {"record": record, "extra": extra}
    try:
        holds = evaluate(check(condition, SCOPE).tree, given)
    except Failed:
        return
    lowered = told(words, condition, holds=holds, scope=SCOPE)
    note(emit_told(words, condition, holds=holds, scope=SCOPE))
    expected, _ = outcome_of(words, record, extra)
    try:
        found = run_lowered(lowered, {**given, "record": as_structs(record)}, SCOPE)
    except RuleError:
        found = "failed"
    if isinstance(expected, Decimal):
        assert format(found, "f") == format(Decimal(expected), "f")
    assert found == expected


@given(expressions())
@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
def test_same_bytes(words: str) -> None:
    """The same expression becomes the same Python each time."""
    assert emit(words, SCOPE) == emit(words, SCOPE)
