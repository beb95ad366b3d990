"""The whole language: what changes the value of an expression was foreseen, whatever it is made of.

Expressions are made from the language's own tables, one by one for each function and form, over a
record, lets and lookups. What a run reads is in the table of reads; so is each leaf, each row and
each lookup table whose change changes the value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from mapgen.expression import Binding, Scope, Typed, at, compile_expression
from mapgen.expression.functions import FORMS, FUNCTIONS
from mapgen.expression.lineage import TABLES, everything
from mapgen.expression.tree import Call, Macro, MacroName, Method, Tree, children
from mapgen.ir.types import (
    BOOL,
    DATE,
    DECIMAL,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    TIMEZONE,
    ListOf,
    MapOf,
    Object,
    Optional,
    Table,
    Type,
    optional,
    present,
)
from mapgen.report import Text
from mapgen.runtime.errors import RuleError
from mapgen.runtime.ratios import ratio_value
from tests.depth import examples
from tests.specs_law.maker import PLAIN, Maker, Names

from .language import _emitted
from .reference import Entries, Failed, evaluate
from .test_lineage import Noted, _covered

pytestmark = pytest.mark.chance

PART = Object(
    "part", {"name": STRING, "code": optional(STRING), "price": DECIMAL, "day": optional(DATE)}
)
ROW = Object(
    "row",
    {
        "text": STRING,
        "count": INT,
        "price": DECIMAL,
        "note": optional(STRING),
        "on": DATE,
        "at": optional(TIMESTAMP),
        "flag": BOOL,
        "tags": ListOf(STRING),
        "parts": ListOf(PART),
        "part": optional(PART),
    },
)
RECORD = Object(
    "record",
    {
        "text": STRING,
        "other": STRING,
        "note": optional(STRING),
        "count": INT,
        "limit": optional(INT),
        "price": DECIMAL,
        "rate": optional(DECIMAL),
        "flag": BOOL,
        "sure": optional(BOOL),
        "day": DATE,
        "due": optional(DATE),
        "at": TIMESTAMP,
        "seen": optional(TIMESTAMP),
        "part": optional(PART),
        "home": PART,
        "homes": ListOf(PART),
        "rows": ListOf(ROW),
        "more": optional(ListOf(ROW)),
        "words": ListOf(STRING),
        "holes": ListOf(optional(STRING)),
        "numbers": ListOf(INT),
        "amounts": ListOf(DECIMAL),
        "days": ListOf(DATE),
    },
)
LOOKUPS = Object(
    "lookups",
    {
        "packs": Table("packs", ()),
        "zones": Table("zones", ("code", "place")),
        "carriers": Table("carriers", (), (("a", "GROUND"), ("TEA", "AIR"))),
    },
)
SETTINGS = Object("settings", {"zone": TIMEZONE, "store": STRING})
ROOT = Scope(
    {
        "record": Binding(RECORD, at("record")),
        "settings": Binding(SETTINGS),
        "lookups": Binding(LOOKUPS),
    }
)
NAMES: Names = {name: binding.type for name, binding in ROOT.bindings.items()}
LETS: tuple[Type, ...] = (
    *PLAIN,
    *map(optional, PLAIN),
    *map(ListOf, PLAIN),
    PART,
    optional(PART),
    ListOf(PART),
    ListOf(ROW),
    MapOf(STRING, STRING),
    MapOf(STRING, INT),
    MapOf(INT, STRING),
    MapOf(STRING, ListOf(STRING)),
    ListOf(MapOf(STRING, STRING)),
    ListOf(ListOf(STRING)),
    DURATION,
)
# Some of them often: where two are equal, other things decide than where they differ.
TEXTS = (
    "a",
    "a",
    "a",
    "TEA",
    "TEA",
    "POT",
    "",
    "  ",
    " b ",
    "a-b-c",
    "12",
    "1.50",
    "true",
    "USD",
    "2026-01-31",
)
TEXTS += ("2024-05-01T12:00:00Z", "90m", "+12125550123", "crème")
FORM_NAMES = {form.name.rpartition(".")[2] for form in FORMS}
# The macros that go over nothing: their variable is a value.
OF_ONE_VALUE = {"optMap", "optFlatMap", "bind"}
# How many expressions: each row of the tables is meant some times; thousands when asked.


@dataclass(frozen=True)
class Program:
    """Some lets, each with its words, and an expression over them and the record."""

    lets: tuple[tuple[str, str, Typed], ...]
    words: str
    typed: Typed

    def __str__(self) -> str:
        lets = "".join(f"{name} = {words}\n" for name, words, _ in self.lets)
        return f"{lets}{self.words}\n{self.typed.lineage}"


# What is made


def program(seed: int) -> Program | None:
    """Return the program of a seed; None where none could be made."""
    random = Random(seed)
    maker = Maker(random)
    names, scope = dict(NAMES), ROOT
    lets: list[tuple[str, str, Typed]] = []
    for name in ("let_a", "let_b")[: random.randint(0, 2)]:
        made = typed_words(maker, random.choice(LETS), names, scope)
        if made is not None:
            lets.append((name, *made))
            lineage = made[1].lineage
            names[name] = made[1].type
            scope = scope.with_(name, Binding(made[1].type, lineage.value, lineage.reads))
    # Two seeds of three take the functions in turn.
    row = FUNCTIONS[seed * 2 // 3 % len(FUNCTIONS)] if seed % 3 else None
    for _ in range(30):
        if row is None and seed % 2:
            made = checked(over_a_map(maker, names), scope)
        elif row is None and seed % 4:
            macro = random.choice(("all", "exists", "exists_one"))
            made = checked(maker.looped(macro, names, 1), scope)
        elif row is None:
            made = typed_words(maker, random.choice(LETS), names, scope)
        else:
            words = maker.called(row, {}, names, random.randint(0, 2))
            made = checked(words, scope)
        if made is not None and len(made[0]) < 600:
            return Program(tuple(lets), *made)
    return None


def over_a_map(maker: Maker, names: Names) -> str | None:
    """Return a macro over a map whose keys the record tells, two of which may be one."""
    keys = maker.random.sample(("record.text", "record.other", "record.home.name", "'a'"), 2)
    value = maker.random.choice((STRING, INT, optional(STRING)))
    entries = [(key, maker.make(value, names, 1)) for key in keys]
    operand = f"{{{', '.join(f'{key}: {one}' for key, one in entries)}}}"
    name = maker.random.choice(sorted({*get_args(MacroName)} - OF_ONE_VALUE))
    bound: Names = {"key": STRING, "entry": value}
    if name in ("map", "filter") or (name != "transformMap" and maker.random.random() < 0.5):
        bound = {"key": STRING}
    wanted = STRING if name in ("map", "transformMap") else BOOL
    body = maker.make(wanted, {**names, **bound}, 1)
    made = f"({operand}).{name}({', '.join(bound)}, {body})"
    return maker.random.choice((made, f"({made}).size()", f"({made}).join('')"))


def typed_words(maker: Maker, wanted: Type, names: Names, scope: Scope) -> tuple[str, Typed] | None:
    words = maker.make(wanted, names, maker.random.randint(1, 3))
    return checked(words, scope) if words is not None and len(words) < 600 else None


def checked(words: str | None, scope: Scope) -> tuple[str, Typed] | None:
    typed = None if words is None else compile_expression(Text.plain(words), scope, [])
    return None if typed is None or words is None else (words, typed)


def value_of(kind: Type, random: Random) -> Any:
    """Return a value of a type."""
    pick = random.choice
    match kind:
        case Optional(of):
            return None if random.random() < 0.35 else value_of(of, random)
        case ListOf(of):
            return [value_of(of, random) for _ in range(pick((0, 1, 2, 2, 3)))]
        case Object(fields=fields):
            return {name: value_of(inner, random) for name, inner in fields.items()}
        case _:
            return pick(
                {
                    STRING: TEXTS,
                    INT: (0, 1, 2, 3, -3, 40),
                    DECIMAL: tuple(map(Decimal, ("0", "1", "2.50", "-19.9", "0.001"))),
                    BOOL: (True, False),
                    DATE: (date(2024, 2, 29), date(1999, 12, 31)),
                    TIMESTAMP: (
                        datetime(2024, 5, 1, 10, tzinfo=UTC),
                        datetime(1970, 1, 1, tzinfo=UTC),
                    ),
                }[kind]
            )


def tables() -> dict[str, Entries]:
    return {
        "packs": Entries({"a": "20", "TEA": "1.5", "12": "x"}),
        "zones": Entries({("a", "b"): "Z1", ("TEA", "TEA"): "Z2", ("a", "a"): "Z3"}),
        "carriers": Entries(dict(LOOKUPS.fields["carriers"].entries or ())),  # type: ignore[union-attr]
    }


# What is run


@cache
def _python(words: str, scope: tuple[tuple[str, Type], ...]) -> Callable[[list[Any]], Any]:
    """Return what gives the value of a call of one function, as generated code does."""
    text, module = _emitted(words, Scope({name: Binding(kind) for name, kind in scope}), None)
    namespace: dict[str, Any] = {}
    for line in (*module.import_lines, *map(str, module.constants)):
        exec(line, namespace)
    code = compile(text, words, "eval")
    names = [name for name, _ in scope]
    return lambda values: eval(code, namespace | dict(zip(names, map(_told, values), strict=True)))


def _told(value: Any) -> Any:
    """Return an argument of a call: a quotient goes into it as the decimal that it amounts to."""
    return ratio_value(value) if isinstance(value, Fraction) else value


def calls_of(
    words: str, typed: Typed
) -> Callable[[Tree, Mapping[str, Any], list[Any]], tuple[Any] | None]:
    """Return who knows the functions of an expression: generated code, if no objects are in it."""

    def call(tree: Tree, names: Mapping[str, Any], values: list[Any]) -> tuple[Any] | None:
        assert isinstance(tree, Call | Method)
        function = typed.parts[tree].function
        if function is None:
            return None
        is_method = function.signature.receiver is not None
        operands = (tree.operand, *tree.arguments) if is_method else tree.arguments  # type: ignore[union-attr]
        kinds = [typed.parts[operand].type for operand in operands]
        if is_method:
            kinds[0] = present(kinds[0])
        if any(map(_holds_objects, kinds)):
            return None
        texts, scope, given = [], [], []
        for number, (operand, kind, value) in enumerate(zip(operands, kinds, values, strict=True)):
            if not list(children(operand)) and type(operand).__name__ == "Constant":
                texts.append(words[operand.start : operand.end])
            else:
                texts.append(f"arg{number}")
                scope.append((f"arg{number}", kind))
                given.append(value)
        first, *rest = texts if is_method else ["", *texts]
        head = f"({first})." if is_method else ""
        text = f"{head}{function.signature.name}({', '.join(rest)})"
        try:
            return (_python(text, tuple(scope))(given),)
        except (RuleError, ArithmeticError, ValueError) as diagnostic:
            raise Failed from diagnostic

    return call


def _holds_objects(kind: Type) -> bool:
    match kind:
        case Optional(of) | ListOf(of):
            return _holds_objects(of)
        case MapOf(_, of):
            return _holds_objects(of)
        case Object():
            return True
        case _:
            return False


def run(made: Program, record: Any, lookups: Any) -> Any:
    """Return the value of an expression over lets, or "failed"."""
    settings = {"zone": ZoneInfo("Europe/Berlin"), "store": "kettle"}
    names: dict[str, Any] = {"record": record, "settings": settings, "lookups": lookups}
    try:
        for name, words, let in made.lets:
            names[name] = evaluate(let.tree, names, calls_of(words, let))
        return evaluate(made.typed.tree, names, calls_of(made.words, made.typed))
    except (Failed, ArithmeticError):
        return "failed"


# What is changed


def changes(value: Any, kind: Type, path: str) -> Iterator[tuple[str, Any]]:
    """Yield copies of a value with one thing changed, each with the path of the thing."""
    inner = present(kind)
    if isinstance(kind, Optional):
        yield path, None if value is not None else value_of(inner, Random(1))
    if value is None:
        return
    match inner:
        case Object(fields=fields):
            for name, member in fields.items():
                for where, changed in changes(value[name], member, f"{path}.{name}"):
                    yield where, {**value, name: changed}
        case ListOf(element):
            yield path, value[:-1] if value else [value_of(element, Random(2))]
            yield path, [*value, value_of(element, Random(3))]
            for number, one in enumerate(value):
                below = f"{path}[]" if isinstance(present(element), Object) else path
                for where, changed in changes(one, element, below):
                    yield where, [*value[:number], changed, *value[number + 1 :]]
        case _:
            yield from ((path, other) for other in _others(value))


def _others(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return (not value,)
        case str():
            return (f"{value}-x", "TEA" if value == "a" else "a")
        case datetime():
            return (value + timedelta(hours=7),)
        case date():
            return (value + timedelta(days=1),)
        case _:
            return (value + 1, value * 0)


def of_tables(known: Mapping[str, Entries]) -> Iterator[tuple[str, Any]]:
    for name, entries in known.items():
        if not LOOKUPS.fields[name].entries:  # type: ignore[union-attr]
            yield (
                f"{TABLES}{name}",
                {
                    **known,
                    name: Entries({k: f"{v}9" for k, v in entries.items()}),
                },
            )
            yield f"{TABLES}{name}", {**known, name: Entries()}


# What is held


def unforeseen(made: Program, random: Random) -> Iterator[str]:
    """Yield what a run reads, or what changes its value, that the analysis does not tell."""
    reads, origins = {*made.typed.lineage.reads}, {*everything(made.typed.lineage.value)}
    used = [name for name, *_ in made.lets if _names(made.typed.tree, name)]
    needed = Program(
        tuple(let for let in made.lets if any(let[0] in _all_used(made, one) for one in used)),
        made.words,
        made.typed,
    )
    record, known = value_of(RECORD, random), tables()
    seen: set[str] = set()
    before = run(needed, Noted(record, "record", seen), known)
    yield from (f"{path} is read" for path in seen if not _covered(path, reads))
    whole = origins if _holds_objects(made.typed.type) else set()
    after = [(path, changed, known) for path, changed in changes(record, RECORD, "record")]
    after += [(path, record, changed) for path, changed in of_tables(known)]
    for path, one, other in after:
        found = run(needed, one, other)
        if found == before and str(found) == str(before):
            continue
        if any(path.startswith((f"{one}.", f"{one}[")) for one in whole):
            continue  # a member of an object that is handed on as a whole
        if not _covered(path, reads):
            yield f"{path} decides, and is not read: {_short(before)} {_short(found)}"
        elif "failed" not in (before, found) and not _covered(path, origins):
            yield f"{path} is in the value, and no origin: {_short(before)} {_short(found)}"


def _short(value: Any) -> str:
    return repr(value)[:200]


def _names(tree: Tree, name: str) -> bool:
    return getattr(tree, "name", None) == name or any(_names(one, name) for one in children(tree))


def _all_used(made: Program, name: str) -> set[str]:
    """Return a let and all that it uses."""
    found = {name}
    for own, _, typed in made.lets:
        if own == name:
            for other, *_ in made.lets:
                if other != own and _names(typed.tree, other):
                    found |= _all_used(made, other)
    return found


def kinds_of(made: Program) -> Iterator[str]:
    """Yield what an expression is made of: functions, forms, macros, nodes."""
    for typed in (made.typed, *(let for *_, let in made.lets)):
        yield from (part.function.shown for part in typed.parts.values() if part.function)
        for node in typed.parts:
            yield type(node).__name__
            if isinstance(node, Macro):
                kind = type(present(typed.parts[node.operand].type)).__name__
                yield f"{node.name} of {kind}"
            yield str(getattr(node, "name", ""))


@cache
def examined() -> tuple[Counter[str], tuple[str, ...]]:
    """Return what all programs are made of, and what was not foreseen."""
    made, wrong = Counter[str](), []
    for seed in range(examples(250)):
        found = program(seed)
        if found is None:
            continue
        made.update(set(kinds_of(found)))
        for one in unforeseen(found, Random(seed * 10)):
            wrong.append(f"seed {seed}: {one}\n{found}")
            break
    return made, tuple(wrong)


def test_everything_that_decides_was_foreseen() -> None:
    """What is read is in `reads`, and what is in the value is among its origins."""
    assert list(examined()[1][:3]) == []


def test_every_row_of_the_tables_is_meant() -> None:
    """Each function, form, macro over lists and maps, and kind of node occurs."""
    made = examined()[0]

    assert {row.shown for row in FUNCTIONS} - set(made) == set()
    assert FORM_NAMES - {"has", "of", "none"} - set(made) == set()
    assert {one.__name__ for one in get_args(Tree)} - set(made) == set()
    loops = set(get_args(MacroName)) - OF_ONE_VALUE
    of_maps = loops - {"sortBy", "groupBy", "transformList"}
    wanted = {f"{name} of ListOf" for name in loops - {"transformMap"}}
    assert (wanted | {f"{name} of MapOf" for name in of_maps}) - set(made) == set()
