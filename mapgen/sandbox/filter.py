"""`$filter`, the OData 3 subset of contract 4: its text, in; a test of records, out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, assert_never

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.sandbox.errors import Refused, http_error
from mapgen.sandbox.records import Record
from mapgen.sandbox.values import custom_type, moment

Edm: TypeAlias = Literal["String", "Decimal", "Boolean", "DateTimeOffset", "Guid", "Null"]
Operand: TypeAlias = str | Decimal | bool | datetime | None
Getter: TypeAlias = Callable[[Record], Operand]
Test: TypeAlias = Callable[[Record], bool]

_EDM: Mapping[ValueType, Edm] = {
    "string": "String",
    "single_select": "String",
    "multi_select": "String",
    "decimal": "Decimal",
    "double": "Decimal",
    "int": "Decimal",
    "short": "Decimal",
    "byte": "Decimal",
    "long": "Decimal",
    "boolean": "Boolean",
    "datetime": "DateTimeOffset",
    "date": "DateTimeOffset",
    "guid": "Guid",
}
_KINDS = {
    "eq": "Equal",
    "ne": "NotEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanOrEqual",
    "lt": "LessThan",
    "le": "LessThanOrEqual",
}
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}
_DEEPEST = 100
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<typed>(?:datetimeoffset|datetime|date|guid)'[^']*')"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?P<suffix>[mMdDfFlL])?(?![\w.])"
    r"|(?P<custom>cf\.\w+)"
    r"|(?P<name>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)"
    r"|(?P<mark>[(),=])"
    r")"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Term:
    """An operand with its type, and how to get it out of a record."""

    edm: Edm
    get: Getter


def compile_filter(text: str, entity: Entity, contract: Contract) -> Test:
    """Return the test that a `$filter` asks for.

    Raises Refused (500) as the ERP does for what it cannot read, for an unknown field and for a
    comparison of different types; filtering on details is not supported.
    """
    parser = _Parser(_tokens(text), entity, contract)
    test = parser.either()
    parser.end()
    return test


def _syntax(words: str) -> Refused:
    return http_error(words, "Microsoft.Data.OData.ODataException")


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _syntax(f"Syntax error at position {at} in '{text}'.")
        kind = "number" if match["number"] else str(match.lastgroup)
        tokens.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*tokens, _Token("end", "", end)]


class _Parser:
    """A recursive descent through the tokens; every rule returns the finished test or term."""

    def __init__(self, tokens: list[_Token], entity: Entity, contract: Contract) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._entity = entity
        self._contract = contract

    def either(self) -> Test:
        test = self._both()
        while self._taken("name", "or"):
            test = _either(test, self._both())
        return test

    def end(self) -> None:
        if self._token.kind != "end":
            raise self._unexpected()

    def _both(self) -> Test:
        test = self._negated()
        while self._taken("name", "and"):
            test = _both(test, self._negated())
        return test

    def _negated(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _syntax("The expression is nested too deeply.")
        test = self._nested()
        self._depth -= 1
        return test

    def _nested(self) -> Test:
        if self._taken("name", "not"):
            return _not(self._negated())
        if self._taken("mark", "("):
            test = self.either()
            self._expect(")")
            return test
        return self._comparison()

    def _comparison(self) -> Test:
        left = self._term()
        token = self._token
        if token.kind != "name" or token.text not in _KINDS:
            return _bare(left)
        self._at += 1
        right = self._term()
        return _compared(left, token.text, right)

    def _term(self) -> _Term:
        token = self._next()
        match token.kind:
            case "string":
                words = token.text[1:-1].replace("''", "'")
                return _Term("String", lambda _: words)
            case "number":
                number = Decimal(token.text)
                return _Term("Decimal", lambda _: number)
            case "typed":
                return _typed(token.text)
            case "custom":
                return self._custom(token.text)
            case "name" if self._token == _Token("mark", "(", self._token.at):
                return self._call(token.text)
            case "name":
                return self._named(token.text)
            case _:
                self._at -= 1
                raise self._unexpected()

    def _named(self, name: str) -> _Term:
        if name in ("true", "false"):
            return _Term("Boolean", lambda _: name == "true")
        if name == "null":
            return _Term("Null", lambda _: None)
        *parts, last = name.split("/")
        entity = self._entity
        for part in parts:
            field = self._field(entity, part)
            if field.shape == "details":
                raise _syntax(f"Filtering on the detail entity '{part}' is not supported.")
            if field.entity is None:
                raise _syntax(f"'{part}' of '{entity.name}' has no members.")
            entity = self._contract.entities[field.entity]
        field = self._field(entity, last)
        if field.value_type is None:
            raise _syntax(f"'{last}' of '{entity.name}' has no value to compare.")
        return _Term(_EDM[field.value_type], _getter(tuple(parts), last, _EDM[field.value_type]))

    def _field(self, entity: Entity, name: str) -> Field:
        if name == "id":
            return Field("id", "value", "guid")
        field = entity.fields.get(name)
        if field is None:
            raise _syntax(f"Could not find a property named '{name}' on type '{entity.name}'.")
        return field

    def _call(self, name: str) -> _Term:
        self._expect("(")
        first = self._term()
        self._expect(",")
        second = self._term()
        self._expect(")")
        if first.edm != "String" or second.edm != "String":
            raise _syntax(f"No function signature for the function with name '{name}'.")
        if name == "substringof":
            return _text_test("contains", second.get, first.get)
        if name in _TEXT_TESTS:
            return _text_test(name, first.get, second.get)
        raise _syntax(f"An unknown function with name '{name}' was found.")

    def _custom(self, name: str) -> _Term:
        """Read `cf.String(f='View.Field')`; contract 5 leaves the `f=` out."""
        kind = custom_type(f"Custom{name.removeprefix('cf.')}Field")
        if kind is None:
            raise _syntax(f"An unknown function with name '{name}' was found.")
        self._expect("(")
        if self._taken("name", "f"):
            self._expect("=")
        token = self._next()
        if token.kind != "string":
            raise self._unexpected()
        self._expect(")")
        path, edm = token.text[1:-1], _EDM[kind]

        def get(record: Record) -> Operand:
            held = record.custom.get(path)
            return None if held is None else _operand(held.value, edm)

        return _Term(edm, get)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._token
        self._at += 1
        return token

    def _taken(self, kind: str, text: str) -> bool:
        if self._token.kind == kind and self._token.text == text:
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._taken("mark", mark):
            raise self._unexpected()

    def _unexpected(self) -> Refused:
        token = self._token
        found = f"'{token.text}'" if token.kind != "end" else "the end"
        return _syntax(f"Syntax error: {found} was not expected at position {token.at}.")


def _typed(literal: str) -> _Term:
    kind, words = literal[:-1].split("'", 1)
    if kind == "guid":
        return _Term("Guid", lambda _: words.lower())
    try:
        instant = moment(words)
    except ValueError:
        raise _syntax(f"Unrecognized '{literal}' literal.") from None
    return _Term("DateTimeOffset", lambda _: instant)


def _getter(parts: tuple[str, ...], name: str, edm: Edm) -> Getter:
    def get(record: Record) -> Operand:
        for part in parts:
            inner = record.linked.get(part)
            if inner is None:
                return None
            record = inner
        return record.id if name == "id" else _operand(record.values.get(name), edm)

    return get


def _operand(value: str | bool | int | Decimal | None, edm: Edm) -> Operand:
    if value is None:
        return None
    match edm:
        case "Decimal":
            return Decimal(value)
        case "DateTimeOffset":
            return moment(str(value))
        case "Boolean":
            return value is True
        case "String" | "Guid" | "Null":
            return str(value)
        case _:
            assert_never(edm)


def _compared(left: _Term, operator: str, right: _Term) -> Test:
    if "Null" not in (left.edm, right.edm) and left.edm != right.edm:
        raise _syntax(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'Edm.{left.edm}' and 'Edm.{right.edm}' for operator kind '{_KINDS[operator]}'."
        )

    if "Null" in (left.edm, right.edm):
        return _emptiness(left, operator, right)

    def test(record: Record) -> bool:
        return _holds(_folded(left.get(record)), operator, _folded(right.get(record)))

    return test


def _emptiness(left: _Term, operator: str, right: _Term) -> Test:
    """Return the test of a comparison with `null`, which has an answer for `eq` and `ne` only."""
    wanted = {"eq": True, "ne": False}.get(operator)
    return lambda record: (left.get(record) is right.get(record)) is wanted


def _holds(left: Operand, operator: str, right: Operand) -> bool:
    """Compare as SQL does: an empty field is neither equal to, nor different from, a value."""
    if left is None or right is None:
        return False
    match operator:
        case "eq":
            return left == right
        case "ne":
            return left != right
        case "gt":
            return left > right  # type: ignore[operator]  # both sides have one Edm type
        case "ge":
            return left >= right  # type: ignore[operator]  # both sides have one Edm type
        case "lt":
            return left < right  # type: ignore[operator]  # both sides have one Edm type
        case _:
            return left <= right  # type: ignore[operator]  # both sides have one Edm type


def _folded(operand: Operand) -> Operand:
    """Return text as the database's collation compares it: case and end padding do not count."""
    return operand.rstrip().casefold() if isinstance(operand, str) else operand


def _text_test(name: str, whole: Getter, part: Getter) -> _Term:
    holds = _TEXT_TESTS[name]

    def get(record: Record) -> Operand:
        text, words = whole(record), part(record)
        if not isinstance(text, str) or not isinstance(words, str):
            return False
        return holds(text.casefold(), words.casefold())

    return _Term("Boolean", get)


def _bare(term: _Term) -> Test:
    if term.edm != "Boolean":
        raise _syntax("The $filter expression must evaluate to a single boolean value.")
    return lambda record: term.get(record) is True


def _either(left: Test, right: Test) -> Test:
    return lambda record: left(record) or right(record)


def _both(left: Test, right: Test) -> Test:
    return lambda record: left(record) and right(record)


def _not(test: Test) -> Test:
    return lambda record: not test(record)
