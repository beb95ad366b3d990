"""Expressions of a wanted type, made at random from the language's own table of functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from random import Random

from mapgen.expression import Binding, Scope, Typed, compile_expression
from mapgen.expression.fixes import written
from mapgen.expression.functions import FUNCTIONS, Function
from mapgen.expression.patterns import FORMAT_FAULTS
from mapgen.expression.signature import VARIABLES, build
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
    Scalar,
    Table,
    Type,
    optional,
    present,
)
from mapgen.report import Text

PLAIN: tuple[Type, ...] = (STRING, INT, DECIMAL, BOOL, DATE, TIMESTAMP)
ORDERED: tuple[Type, ...] = (STRING, INT, DECIMAL, DATE, TIMESTAMP, DURATION, BOOL)
TEXTS = ("'a'", "' b '", "''", "'-'", "'{x}'", "'it\\'s'", '"say \\"so\\""', "'a-b-c'", "'12'")
TEXTS += ("'\\\\'", "'\\n'", "'crème'", "'\\u2028'", "'%s'", "'TEA'", "'2026-01-31'", "'19.90'")
LITERALS: Mapping[Type, tuple[str, ...]] = {
    STRING: TEXTS,
    INT: ("0", "1", "2", "7", "-3", "100", "9007199254740993"),
    DECIMAL: ("0.0", "1.50", "-2.5", "0.001", "1000000.01", "3.0"),
    BOOL: ("true", "false"),
    DATE: ("date('2024-02-29')", "date('1999-12-31')"),
    TIMESTAMP: ("timestamp('2024-05-01T12:00:00+02:00')", "timestamp('1970-01-01T00:00:00Z')"),
    DURATION: ("duration('90m')", "duration('-1h30m')"),
    TIMEZONE: ("settings.zone",),
}
# What literal arguments that are examined may look like.
EXAMINED: Mapping[str, tuple[str, ...]] = {
    "regex": ("'^[A-Z]+-[0-9]+$'", "'[0-9]{2}'", "'a|b'", "'\\\\s+'", "'x\\\"'"),
    "date_pattern": ("'yyyy-MM-dd'", "'dd.MM.yyyy'", "'yyyyMMdd'"),
    "time_pattern": ("'yyyy-MM-dd HH:mm'", "'EEE d MMM yy h:m a XXX'", "'rfc2822'"),
    "date_reading_pattern": ("'M/d/yyyy'", "'dd MMMM yyyy'", "'yyyyMMdd'"),
    "time_reading_pattern": ("'yyyy-MM-dd HH:mm'", "'MM/dd/yyyy hh:mm a'"),
    "instant_reading_pattern": ("'rfc2822'", "'epochMillis'", "'yyyy-MM-dd HH:mm:ss Z'"),
    "zone": ("'Europe/Berlin'", "'UTC'", "'+05:30'", "'-03:00'", "settings.zone"),
    "places": ("0", "2", "4", "12"),
    "width": ("1", "5", "40"),
    "separator": ("'-'", "', '", "'\\n'", "'{'"),
    "filling": ("'0'", "' '", "'{'"),
    "country": ("'US'", "'DE'"),
    "currency": ("'USD'", "'JPY'", "'KWD'"),
    "counting": ("'iso'", "'stripe'"),
    "unit": ("'kg'", "'g'"),
    "integer_text": ("'-12'", "'7'"),
    "decimal_text": ("'19.90'", "'-1'"),
    "boolean_text": ("'true'", "'0'"),
    "date_text": ("'2024-02-29'",),
    "timestamp_text": ("'2024-05-01T12:00:00+02:00'",),
    "duration_text": ("'90m'", "'1h30m'"),
}
_ONLY_LITERAL = ("regex", "width", "separator", "filling", "unit", *FORMAT_FAULTS)
# What authors call the variables of macros: words that Python or the runtime use, too.
VARIABLES_OF_MACROS = (
    "v",
    "n",
    "l",
    "row",
    "text",
    "total",
    "found",
    "list",
    "len",
    "max",
    "first",
)
VARIABLES_OF_MACROS += ("sorted", "key", "value_or", "present", "lookup", "number", "Decimal", "x")
_DEPTH = 40

Names = Mapping[str, Type]


def unified(pattern: Type, wanted: Type, bound: dict[str, Type]) -> bool:
    """Tell whether a result is of the wanted type; note what the capitals stand for then."""
    name = str(pattern)
    if name in VARIABLES:
        if name in bound:
            return bound[name] == wanted
        allowed = {
            "N": wanted in (INT, DECIMAL),
            "O": wanted in ORDERED,
            "S": isinstance(wanted, Scalar),
            "K": isinstance(wanted, Scalar),
            "T": True,
        }[name]
        bound[name] = wanted
        return allowed
    match pattern, wanted:
        case (Optional(of), Optional(inner)) | (ListOf(of), ListOf(inner)):
            return unified(of, inner, bound)
        case MapOf(key_of, of), MapOf(key, value):
            return unified(key_of, key, bound) and unified(of, value, bound)
        case _:
            return isinstance(pattern, Scalar) and wanted == build(pattern, {})


class Maker:
    """Makes expressions over the names of a scope."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def compiled(
        self,
        wanted: Type | tuple[Type, ...],
        names: Names,
        accepts: Callable[[Typed], bool] = lambda _: True,
        depth: int | None = None,
    ) -> tuple[str, Typed] | None:
        """Return an expression of a wanted type that the checker takes, or None."""
        scope = Scope({name: Binding(found) for name, found in names.items()})
        types = wanted if isinstance(wanted, tuple) else (wanted,)
        start = self.random.choice((0, 1, 1, 2, 2, 3)) if depth is None else depth
        for turn in range(8):
            words = self.make(self.random.choice(types), names, max(0, start - turn // 3))
            if words is None or len(words) > 700:
                continue
            typed = compile_expression(Text.plain(words), scope, [])
            if typed is not None and typed.type in types and accepts(typed):
                return words, typed
        return None

    def make(self, wanted: Type, names: Names, depth: int) -> str | None:
        """Return an expression of the wanted type, None where there is none at hand."""
        if depth > 0 and self.random.random() < 0.9:
            ways = list(self.ways(wanted))
            self.random.shuffle(ways)
            for way in ways[:3]:
                words = way(names, depth - 1)
                if words is not None:
                    return words
        return self.leaf(wanted, names)

    def leaf(self, wanted: Type, names: Names) -> str | None:
        paths = [path for path, found in _paths(names) if found == wanted]
        if paths and self.random.random() < 0.8:
            return self.random.choice(paths)
        match wanted:
            case Optional(of):
                inner = self.leaf(of, names)
                return None if inner is None else f"optional.of({inner})"
            case ListOf(of):
                inner = self.leaf(of, names)
                if inner is None:
                    return None
                return self.random.choice((f"[{inner}]", f"[{inner}, {inner}]"))
            case MapOf(key, value):
                one, other = self.leaf(key, names), self.leaf(value, names)
                return None if one is None or other is None else f"{{{one}: {other}}}"
            case Scalar():
                own = LITERALS.get(wanted)
                if own is not None:
                    return self.random.choice(own)
            case _:
                pass
        return self.random.choice(paths) if paths else None

    def ways(self, wanted: Type) -> Iterator[Callable[[Names, int], str | None]]:
        """Yield the ways to an expression of a type: rows of the table, then the other forms."""
        for function in FUNCTIONS:
            # What may fail stops a record, and then little of its rules is seen.
            if function.is_fallible and self.random.random() < 0.65:
                continue
            bound: dict[str, Type] = {}
            if unified(function.signature.result, wanted, bound):
                yield lambda names, depth, f=function, b=bound: self.called(
                    f, dict(b), names, depth
                )
        for _ in range(2):
            yield lambda names, depth: self.form(wanted, names, depth)
            yield lambda names, depth: self.form(wanted, names, depth)
        yield lambda names, depth: self.conditional(wanted, names, depth)
        yield lambda names, depth: self.named(wanted, names, depth)

    def named(self, wanted: Type, names: Names, depth: int) -> str | None:
        """Return an expression in which a name stands for a value, perhaps a missing one."""
        kind = self.random.choice((wanted, *PLAIN, optional(self.random.choice(PLAIN))))
        name, value = self.fresh(names), self.make(kind, names, depth)
        body = self.make(wanted, {**names, name: kind}, depth)
        return None if None in (value, body) else f"cel.bind({name}, {value}, {body})"

    # Functions of the table

    def called(
        self, function: Function, bound: dict[str, Type], names: Names, depth: int
    ) -> str | None:
        signature = function.signature
        count = len(signature.operands)
        if signature.is_variadic:
            count += self.random.choice((0, 0, 1))
        patterns = signature.patterns(count) or ()
        self.bind([*patterns], bound, names)
        patterns = patterns if signature.receiver is None else patterns[1:]
        given = [self.argument(pattern, bound, names, depth) for pattern in patterns]
        if signature.name == "convertUnit":
            given[-2:] = self.random.sample(("'kg'", "'g'", "'t'"), 2)
        if any(one is None for one in given):
            return None
        arguments = ", ".join(one for one in given if one is not None)
        if signature.receiver is None:
            if signature.name.startswith(("round", "math.")) and self.random.random() < 0.3:
                return self.divided(function, patterns, arguments, names, depth)
            return f"{signature.name}({arguments})"
        wanted = build(signature.receiver, bound)
        if function.rounds and self.random.random() < 0.4:
            receiver = self.quotient(names, depth)
        else:
            receiver = self.make(wanted, names, depth)
        return None if receiver is None else f"({receiver}).{signature.name}({arguments})"

    def divided(
        self,
        function: Function,
        patterns: tuple[Type, ...],
        arguments: str,
        names: Names,
        depth: int,
    ) -> str | None:
        if not function.rounds:
            return f"{function.name}({arguments})"
        quotient = self.quotient(names, depth)
        rest = self.random.choice(EXAMINED["places"]) if len(patterns) > 1 else None
        return f"{function.name}({quotient}{'' if rest is None else f', {rest}'})"

    def quotient(self, names: Names, depth: int) -> str:
        if self.random.random() < 0.2:
            return f"convertUnit({self.make(DECIMAL, names, depth)}, 'kg', 'lb')"
        number = self.random.choice((DECIMAL, INT))
        one, other = self.make(DECIMAL, names, depth), self.make(number, names, depth)
        return f"({one}) / ({other})"

    def bind(self, patterns: list[Type], bound: dict[str, Type], names: Names) -> None:
        """Choose a type for each capital that the result does not say."""
        objects = [found for _, found in _paths(names) if isinstance(found, Object)]
        rows = [present(found.element) for _, found in _paths(names) if isinstance(found, ListOf)]
        objects += [row for row in rows if isinstance(row, Object)]
        for name in sorted(_capitals(patterns)):
            if name not in bound:
                bound[name] = {
                    "N": lambda: self.random.choice((INT, DECIMAL)),
                    "O": lambda: self.random.choice(ORDERED),
                    "S": lambda: self.random.choice(PLAIN),
                    "K": lambda: self.random.choice((STRING, INT, BOOL)),
                    "T": lambda: self.random.choice((*PLAIN, *objects)),
                }[name]()

    def argument(
        self, pattern: Type, bound: Mapping[str, Type], names: Names, depth: int
    ) -> str | None:
        examined = EXAMINED.get(str(pattern))
        if examined is not None:
            is_literal = str(pattern) in _ONLY_LITERAL or str(pattern) == "zone"
            if is_literal or self.random.random() < 0.5:
                return self.random.choice(examined)
        wanted = build(pattern, bound)
        if isinstance(wanted, Optional) and self.random.random() < 0.2:
            wanted = wanted.of
        return self.make(wanted, names, depth)

    # Forms and operators

    def conditional(self, wanted: Type, names: Names, depth: int) -> str | None:
        condition = self.condition(names, depth)
        one, other = self.make(wanted, names, depth), self.make(wanted, names, depth)
        if isinstance(wanted, Optional) and self.random.random() < 0.4:
            one, other = self.make(wanted.of, names, depth), "null"
            if self.random.random() < 0.3:
                one, other = other, one
        if condition is None or one is None or other is None:
            return None
        return f"({condition} ? {one} : {other})"

    def condition(self, names: Names, depth: int) -> str | None:
        """Return something that can turn out either way."""
        paths = [(path, found) for path, found in _paths(names) if _decides(found)]
        if not paths or (depth > 0 and self.random.random() < 0.5):
            return self.make(BOOL, names, depth)
        path, found = self.random.choice(paths)
        match found:
            case Optional():
                return self.random.choice((f"{path} != null", f"{path} == null"))
            case Scalar("bool"):
                return self.random.choice((path, f"!{path}"))
            case ListOf():
                return f"{path}.size() > {self.random.choice('012')}"
            case _:
                other = self.make(found, names, depth)
                operator = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
                return None if other is None else f"{path} {operator} {other}"

    def form(self, wanted: Type, names: Names, depth: int) -> str | None:
        """Return a form of its own typing rules that gives the wanted type."""
        match wanted:
            case Optional(of):
                ways = [self.other, self.mapped_option, self.flat_option, self.indexed_option]
                if of == STRING:
                    ways += [self.entry_of_table, self.entry_of_table]
                return self.random.choice(ways)(of, names, depth)
            case ListOf(of):
                return self.list_form(of, names, depth)
            case MapOf(key, value):
                return self.map_form(key, value, names, depth)
        ways = [self.or_value, self.or_value, self.coalesced, self.coalesced]
        if self.random.random() < 0.3:
            ways += [self.demanded, self.indexed]
        if wanted == BOOL:
            ways += [self.fact, self.fact, self.fact]
        if wanted in (INT, DECIMAL):
            ways += [self.sum, self.sum]
        if wanted == STRING:
            ways += [self.concatenation, self.concatenation]
        return self.random.choice(ways)(wanted, names, depth)

    def optional_operand(self, of: Type, names: Names, depth: int) -> str | None:
        return self.make(optional(of), names, depth)

    def or_value(self, of: Type, names: Names, depth: int) -> str | None:
        one, other = self.optional_operand(of, names, depth), self.make(of, names, depth)
        return None if one is None or other is None else f"({one}).orValue({other})"

    def demanded(self, of: Type, names: Names, depth: int) -> str | None:
        one = self.optional_operand(of, names, depth)
        return None if one is None else f"({one}).value()"

    def coalesced(self, of: Type, names: Names, depth: int) -> str | None:
        some = [self.optional_operand(of, names, depth) for _ in range(self.random.choice((1, 2)))]
        last = self.make(of, names, depth)
        if last is None or None in some:
            return None
        return f"coalesce({', '.join(map(str, some))}, {last})"

    def indexed(self, of: Type, names: Names, depth: int) -> str | None:
        if self.random.random() < 0.3:
            entries = self.make(MapOf(STRING, of), names, depth)
            return None if entries is None else f"({entries})[{self.random.choice(TEXTS)}]"
        rows = self.make(ListOf(of), names, depth)
        place = self.make(INT, names, 0) if self.random.random() < 0.5 else "0"
        return None if rows is None else f"({rows})[{place}]"

    def other(self, of: Type, names: Names, depth: int) -> str | None:
        one = self.optional_operand(of, names, depth)
        other = self.optional_operand(of, names, depth)
        return None if one is None or other is None else f"({one}).or({other})"

    def mapped_option(self, of: Type, names: Names, depth: int) -> str | None:
        inner = self.random.choice(PLAIN)
        one, name = self.optional_operand(inner, names, depth), self.fresh(names)
        body = self.make(of, {**names, name: inner}, depth)
        return None if one is None or body is None else f"({one}).optMap({name}, {body})"

    def flat_option(self, of: Type, names: Names, depth: int) -> str | None:
        inner = self.random.choice(PLAIN)
        one, name = self.optional_operand(inner, names, depth), self.fresh(names)
        body = self.make(optional(of), {**names, name: inner}, depth)
        return None if one is None or body is None else f"({one}).optFlatMap({name}, {body})"

    def indexed_option(self, of: Type, names: Names, depth: int) -> str | None:
        if self.random.random() < 0.3:
            entries = self.make(MapOf(STRING, of), names, depth)
            return None if entries is None else f"({entries})[?{self.random.choice(TEXTS)}]"
        rows = self.make(ListOf(of), names, depth)
        return None if rows is None else f"({rows})[?{self.random.choice('012')}]"

    def entry_of_table(self, of: Type, names: Names, depth: int) -> str | None:
        tables = names.get("lookups")
        if not isinstance(tables, Object):
            return None
        table = self.random.choice(sorted(tables.fields))
        found = tables.fields[table]
        columns = found.columns if isinstance(found, Table) else ()
        keys = [self.make(STRING, names, depth) for _ in range(max(1, len(columns)))]
        if None in keys:
            return None
        text = ", ".join(map(str, keys))
        return f"lookups.{table}[?{f'[{text}]' if len(keys) > 1 else text}]"

    def fact(self, of: Type, names: Names, depth: int) -> str | None:
        kind = self.random.choice(("&&", "||", "!", "compare", "in", "has", "value", "macro"))
        if kind in ("&&", "||"):
            sides = self.condition(names, depth), self.condition(names, depth)
            return None if None in sides else f"({sides[0]} {kind} {sides[1]})"
        if kind == "!":
            operand = self.condition(names, depth)
            return None if operand is None else f"!({operand})"
        if kind == "has":
            paths = [
                path
                for path, found in _paths(names)
                if isinstance(found, Optional) and path.endswith(tuple(names)) is False
            ]
            return f"has({self.random.choice(paths)})" if paths else None
        if kind == "value":
            one = self.optional_operand(self.random.choice(PLAIN), names, depth)
            return None if one is None else f"({one}).hasValue()"
        if kind == "in":
            inner = self.random.choice(PLAIN)
            one, rows = self.make(inner, names, depth), self.make(ListOf(inner), names, depth)
            return None if one is None or rows is None else f"({one}) in ({rows})"
        if kind == "macro":
            return self.looped(self.random.choice(("all", "exists", "exists_one")), names, depth)
        inner = self.random.choice(ORDERED)
        sides = self.make(inner, names, depth), self.make(inner, names, depth)
        operator = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        return None if None in sides else f"({sides[0]}) {operator} ({sides[1]})"

    def sum(self, of: Type, names: Names, depth: int) -> str | None:
        one, other = self.make(of, names, depth), self.make(of, names, depth)
        if one is None or other is None:
            return None
        operator = self.random.choice(("+", "-", "*"))
        return f"-({one})" if self.random.random() < 0.1 else f"(({one}) {operator} ({other}))"

    def concatenation(self, of: Type, names: Names, depth: int) -> str | None:
        one, other = self.make(of, names, depth), self.make(of, names, depth)
        return None if one is None or other is None else f"({one} + {other})"

    # Lists and maps

    def rows(self, names: Names, depth: int) -> tuple[str, Type] | None:
        """Return a list and what its elements are: one of the record's, mostly."""
        lists = [(path, found) for path, found in _paths(names) if isinstance(found, ListOf)]
        if lists and self.random.random() < 0.7:
            path, found = self.random.choice(lists)
            assert isinstance(found, ListOf)
            if depth > 0 and self.random.random() < 0.3:
                made = self.make(found, names, depth)
                return None if made is None else (f"({made})", found.element)
            return path, found.element
        kind = self.random.random()
        if kind < 0.1:
            inner: Type = MapOf(STRING, self.random.choice(PLAIN))
        elif kind < 0.2:
            inner = optional(self.random.choice(PLAIN))
        else:
            inner = self.random.choice(PLAIN)
        made = self.make(ListOf(inner), names, depth)
        return None if made is None else (f"({made})", inner)

    def looped(self, macro: str, names: Names, depth: int) -> str | None:
        """Return a macro that asks a condition of elements, or of the entries of a map."""
        if self.random.random() < 0.2:
            key, value = self.random.choice((STRING, INT)), self.random.choice(PLAIN)
            entries = self.make(MapOf(key, value), names, depth)
            if entries is None:
                return None
            one, other = self.fresh(names), self.fresh(names)
            bound = {one: key} if self.random.random() < 0.5 else {one: key, other: value}
            if one == other:
                bound = {one: key}
            condition = self.condition({**names, **bound}, depth)
            return (
                None
                if condition is None
                else f"({entries}).{macro}({', '.join(bound)}, {condition})"
            )
        found = self.rows(names, depth)
        if found is None:
            return None
        rows, element = found
        name, index = self.fresh(names), self.fresh(names)
        bound = {name: element}
        if index != name and self.random.random() < 0.25:
            bound = {index: INT, name: element}
        condition = self.condition({**names, **bound}, depth)
        return None if condition is None else f"{rows}.{macro}({', '.join(bound)}, {condition})"

    def list_form(self, of: Type, names: Names, depth: int) -> str | None:  # noqa: PLR0915
        kind = self.random.choice(
            (
                "map",
                "map",
                "if",
                "indexed",
                "written",
                "filter",
                "sort",
                "sum",
                "empty",
                "of_map",
                "indexed_if",
                "present",
                "groups",
                "groups",
            )
        )
        name = self.fresh(names)
        if kind in ("filter", "sort"):
            own = self.make(ListOf(of), names, depth)
            if own is None:
                return None
            inside = {**names, name: of}
            if kind == "filter":
                condition = self.condition(inside, depth)
                return None if condition is None else f"({own}).filter({name}, {condition})"
            key = self.make(self.random.choice(ORDERED), inside, depth)
            return None if key is None else f"({own}).sortBy({name}, {key})"
        if kind == "sum":
            one, other = self.make(ListOf(of), names, depth), self.make(ListOf(of), names, depth)
            return None if one is None or other is None else f"(({one}) + ({other}))"
        if kind == "empty":
            way = self.random.choice(
                (
                    f"[].filter({name}, {{c}})",
                    "{one}.filter({name}, {c}) + []",
                    "({one} + [])",
                    "[].map({name}, {body})",
                    "[].reverse()",
                    "[].slice(0, 0)",
                    "[].distinct()",
                )
            )
            one = self.make(ListOf(of), names, depth)
            c, body = self.condition(names, depth), self.make(of, names, depth)
            if one is None or c is None or body is None:
                return None
            return way.format(one=f"({one})", name=name, c=c, body=body)
        if kind == "written":
            some = [self.make(of, names, depth) for _ in range(self.random.choice((1, 2, 3)))]
            if None in some:
                return None
            if self.random.random() < 0.4:
                maybe = self.optional_operand(present(of), names, depth)
                some += [] if maybe is None else [f"?({maybe})"]
            return f"[{', '.join(map(str, some))}]"
        if kind == "of_map":
            entries = self.make(MapOf(STRING, self.random.choice(PLAIN)), names, depth)
            body = self.make(of, {**names, name: STRING}, depth)
            return None if entries is None or body is None else f"({entries}).map({name}, {body})"
        found = self.rows(names, depth)
        if found is None:
            return None
        rows, element = found
        if kind == "groups":
            key = self.make(
                self.random.choice((STRING, INT, BOOL, DECIMAL, DATE)),
                {**names, name: element},
                depth,
            )
            group = self.fresh({**names, name: element})
            kind_of_key = self.key_type(key, {**names, name: element})
            if key is None or kind_of_key is None:
                return None
            inside = Object("group", {"key": kind_of_key, "rows": ListOf(element)})
            body = self.make(of, {**names, group: inside}, depth)
            grouped = f"{rows}.groupBy({name}, {key})"
            return None if body is None else f"{grouped}.map({group}, {body})"
        inside = {**names, name: element}
        if kind == "present":
            body = self.make(optional(of), inside, depth)
            return None if body is None else f"{rows}.map({name}, {body}).unwrapOpt()"
        index = self.fresh(inside)
        if kind.startswith("indexed"):
            inside = {**inside, index: INT}
        body = self.make(of, inside, depth)
        condition = self.condition(inside, depth) if kind in ("if", "indexed_if") else ""
        if body is None or condition is None:
            return None
        condition = f"{condition}, " if condition else ""
        if kind.startswith("indexed"):
            return f"{rows}.transformList({index}, {name}, {condition}{body})"
        return f"{rows}.map({name}, {condition}{body})"

    def key_type(self, words: str | None, names: Names) -> Type | None:
        if words is None:
            return None
        scope = Scope({name: Binding(found) for name, found in names.items()})
        typed = compile_expression(Text.plain(words), scope, [])
        return None if typed is None else typed.type

    def map_form(self, key: Type, value: Type, names: Names, depth: int) -> str | None:
        if self.random.random() < 0.4:
            inner = self.random.choice(PLAIN)
            entries = self.make(MapOf(key, inner), names, depth)
            one, other = self.fresh(names), self.fresh(names)
            if one == other:
                return None
            body = self.make(value, {**names, one: key, other: inner}, depth)
            if entries is None or body is None:
                return None
            return f"({entries}).transformMap({one}, {other}, {body})"
        texts = []
        for _ in range(self.random.choice((0, 1, 2))):
            one, other = self.make(key, names, depth), self.make(value, names, depth)
            if one is None or other is None:
                return None
            texts.append(f"{one}: {other}")
            maybe = self.optional_operand(present(value), names, depth)
            if maybe is not None and self.random.random() < 0.2:
                texts.append(f"?{one}: {maybe}")
        return f"{{{', '.join(texts)}}}"

    def fresh(self, names: Names) -> str:
        """Return the name of a macro's variable that nothing around has."""
        free = [name for name in VARIABLES_OF_MACROS if name not in names]
        return self.random.choice(free) if free else f"v{len(names)}"


def _decides(found: Type) -> bool:
    return isinstance(found, Optional | ListOf) or found in ORDERED


def _capitals(patterns: list[Type]) -> set[str]:
    words = (word for pattern in patterns for word in re.findall(r"\w+", str(pattern)))
    return {word for word in words if word in VARIABLES}


def field_words(name: str) -> str:
    """Return a field's name as an expression has it."""
    return written(name)


def _paths(names: Names) -> list[tuple[str, Type]]:
    """Return every path from the names, with its type."""
    return [
        found for name, of in names.items() if name != "lookups" for found in _inside(name, of, 0)
    ]


def _inside(path: str, of: Type, depth: int) -> Iterator[tuple[str, Type]]:
    yield path, of
    if depth == 3:
        return
    match of:
        case Object(fields=fields):
            for name, inner in fields.items():
                mark = ".?" if isinstance(inner, Optional) else "."
                yield from _inside(f"{path}{mark}{field_words(name)}", inner, depth + 1)
        case Optional(Object(fields=fields)):
            for name, inner in fields.items():
                yield from _inside(
                    (
                        f"{path}.?{field_words(name)}"
                        if isinstance(inner, Optional)
                        else f"{path}.{field_words(name)}"
                    ),
                    optional(inner),
                    depth + 1,
                )
        case _:
            pass
