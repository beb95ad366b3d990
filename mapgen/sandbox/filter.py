"""Compiles `$filter` into conditions of records: the OData 3 subset of contract 4, and OData 4.

They differ in how a moment is written: `datetimeoffset'…'` in OData 3, without quotes in OData 4.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any, Literal, TypeAlias

from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.sandbox.errors import Refused, http_error
from mapgen.sandbox.records import Among, Record, folded
from mapgen.sandbox.values import custom_type, moment

Edm: TypeAlias = Literal["String", "Decimal", "Boolean", "DateTimeOffset", "Guid"]
Operand: TypeAlias = str | Decimal | bool | datetime | None
Test: TypeAlias = Callable[[Record], bool]

EDM: Mapping[ValueType, Edm] = {
    **dict.fromkeys(("string", "single_select", "multi_select"), "String"),
    **dict.fromkeys(("decimal", "double", "int", "short", "byte", "long"), "Decimal"),
    **dict.fromkeys(("datetime", "date"), "DateTimeOffset"),
    "boolean": "Boolean",
    "guid": "Guid",
}
_COMPARISONS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "eq": ("Equal", operator.eq),
    "ne": ("NotEqual", operator.ne),
    "gt": ("GreaterThan", operator.gt),
    "ge": ("GreaterThanOrEqual", operator.ge),
    "lt": ("LessThan", operator.lt),
    "le": ("LessThanOrEqual", operator.le),
}
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
    "substringof": lambda part, text: part in text,
}
_DEEPEST = 100
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<typed>(?:datetimeoffset|datetime|date|guid)'[^']*')"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)(?![\w.])"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)[mMdDfFlL]?(?![\w.])"
    r"|(?P<custom>cf\.\w+)"
    r"|(?P<name>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)"
    r"|(?P<mark>[(),=])"
    r"|(?P<unknown>\S)"
    r")"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of records; whatever passes it is among what each of `indexed` finds."""

    test: Test
    indexed: tuple[Among, ...] = ()

    def among(self, entity: Entity) -> Among | None:
        """Return what to look up in an index, for an identity of the entity where it is named.

        Otherwise the last one: what narrows a condition most comes after its scope.
        """
        identities = [one for one in self.indexed if one.path in entity.identities]
        return next(reversed(identities or self.indexed), None)


@dataclass(frozen=True, slots=True)
class _Term:
    """An operand: its type and how to get it; the `path` of a field, the `constant` of a text."""

    edm: Edm
    get: Callable[[Record], Operand]
    path: str | None = None
    constant: str | None = None


def compile_filter(
    text: str, entity: Entity, contract: Contract, version: Literal[3, 4] = 3
) -> Condition:
    """Return the condition that a `$filter` of a version of OData asks for.

    Raises Refused (500) as the ERP does for what it cannot read, for an unknown field and for a
    comparison of different types; filtering on details is not supported.
    """
    parser = _Parser(text, entity, contract, version)
    condition = parser.either()
    parser.end()
    return condition


def _syntax(words: str) -> Refused:
    return http_error(words, "Microsoft.Data.OData.ODataException")


class _Parser:
    """A recursive descent through the tokens: pairs of a kind and a text."""

    def __init__(self, text: str, entity: Entity, contract: Contract, version: int) -> None:
        self._literals = ("string", "number", "moment" if version == 4 else "typed")
        found = [(str(match.lastgroup), match) for match in _TOKEN.finditer(text)]
        self._tokens = [(kind, match[kind]) for kind, match in found]
        self._tokens.append(("end", "the end"))
        self._at = 0
        self._depth = 0
        self._entity = entity
        self._contract = contract

    def either(self) -> Condition:
        parts = [self._all()]
        while self._taken("name", "or"):
            parts.append(self._all())
        tests, indexed = [part.test for part in parts], reduce(_shared, (p.indexed for p in parts))
        return Condition(lambda record: any(test(record) for test in tests), indexed)

    def end(self) -> None:
        if self._tokens[self._at][0] != "end":
            raise self._unexpected()

    def _all(self) -> Condition:
        parts = [self._single()]
        while self._taken("name", "and"):
            parts.append(self._single())
        tests, indexed = [part.test for part in parts], [one for p in parts for one in p.indexed]
        return Condition(lambda record: all(test(record) for test in tests), tuple(indexed))

    def _single(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _syntax("The expression is nested too deeply.")
        if self._taken("name", "not"):
            negated = self._single().test
            condition = Condition(lambda record: not negated(record))
        elif self._taken("mark", "("):
            condition = self.either()
            self._expect(")")
        else:
            condition = self._comparison()
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        left = self._term()
        kind, name = self._tokens[self._at]
        if kind == "name" and name in _COMPARISONS:
            self._at += 1
            return _compared(left, name, self._term())
        if left.edm != "Boolean":
            raise _syntax("The $filter expression must evaluate to a single boolean value.")
        return Condition(lambda record: left.get(record) is True)

    def _term(self) -> _Term:
        kind, text = self._tokens[self._at]
        if kind not in (*self._literals, "custom", "name"):
            raise self._unexpected()
        self._at += 1
        match kind:
            case "string":
                return _constant("String", text[1:-1].replace("''", "'"))
            case "number":
                return _constant("Decimal", Decimal(text))
            case "moment":
                return _typed("DateTimeOffset", text)
            case "typed":
                return _typed("Guid" if text.startswith("guid") else "DateTimeOffset", text)
            case "custom":
                return self._custom(text)
        if text in ("true", "false"):
            return _constant("Boolean", text == "true")
        return self._call(text) if self._taken("mark", "(") else self._named(text)

    def _named(self, path: str) -> _Term:
        *parts, last = path.split("/")
        entity = self._entity
        for part in parts:
            field = _field(entity, part)
            if field.shape == "details":
                raise _syntax(f"Filtering on the detail entity '{part}' is not supported.")
            if field.entity is None:
                raise _syntax(f"'{part}' of '{entity.name}' has no members.")
            entity = self._contract.entities[field.entity]
        kind = _field(entity, last).value_type
        if kind is None:
            raise _syntax(f"'{last}' of '{entity.name}' has no value to compare.")
        edm = EDM[kind]

        def get(record: Record) -> Operand:
            held: Record | None = record
            for part in parts:
                held = None if held is None else held.linked.get(part)
            if held is None:
                return None
            return operand(held.values.get(last), edm)

        return _Term(edm, get, path)

    def _call(self, name: str) -> _Term:
        first = self._term()
        self._expect(",")
        second = self._term()
        self._expect(")")
        if first.edm != "String" or second.edm != "String":
            raise _syntax(f"No function signature for the function with name '{name}'.")
        if name not in _TEXT_TESTS:
            raise _syntax(f"An unknown function with name '{name}' was found.")
        holds = _TEXT_TESTS[name]

        def get(record: Record) -> Operand:
            left, right = first.get(record), second.get(record)
            texts = isinstance(left, str) and isinstance(right, str)
            return texts and holds(str(left).casefold(), str(right).casefold())

        return _Term("Boolean", get)

    def _custom(self, name: str) -> _Term:
        """Read `cf.String(f='View.Field')`; contract 5 leaves the `f=` out."""
        kind = custom_type(f"Custom{name.removeprefix('cf.')}Field")
        if kind is None:
            raise _syntax(f"An unknown function with name '{name}' was found.")
        self._expect("(")
        if self._taken("name", "f"):
            self._expect("=")
        path, edm = self._term().constant, EDM[kind]
        if path is None:
            raise self._unexpected()
        self._expect(")")

        def get(record: Record) -> Operand:
            held = record.custom.get(path)
            return None if held is None else operand(held.value, edm)

        return _Term(edm, get)

    def _taken(self, kind: str, text: str) -> bool:
        is_there = self._tokens[self._at] == (kind, text)
        self._at += is_there
        return is_there

    def _expect(self, mark: str) -> None:
        if not self._taken("mark", mark):
            raise self._unexpected()

    def _unexpected(self) -> Refused:
        return _syntax(f"Syntax error: '{self._tokens[self._at][1]}' was not expected.")


def _field(entity: Entity, name: str) -> Field:
    field = entity.fields.get(name)
    if field is None:
        raise _syntax(f"Could not find a property named '{name}' on type '{entity.name}'.")
    return field


def _constant(edm: Edm, value: Operand) -> _Term:
    return _Term(edm, lambda _: value, constant=value if isinstance(value, str) else None)


def _typed(edm: Edm, literal: str) -> _Term:
    words = literal.rpartition("'")[0].partition("'")[2] or literal
    if edm == "Guid":
        return _Term(edm, lambda _: words.lower())
    try:
        return _constant(edm, moment(words))
    except (ValueError, OverflowError):
        raise _syntax(f"Unrecognized '{literal}' literal.") from None


def operand(value: object, edm: Edm) -> Operand:
    """Return the value of a field as it is compared."""
    if value is None:
        return None
    match edm:
        case "Decimal":
            return Decimal(str(value))
        case "DateTimeOffset":
            return moment(str(value))
        case "Boolean":
            return value is True
        case _:
            return str(value)


def _compared(left: _Term, name: str, right: _Term) -> Condition:
    words, holds = _COMPARISONS[name]
    if left.edm != right.edm:
        raise _syntax(
            "A binary operator with incompatible types was detected. Found operand types "
            f"'Edm.{left.edm}' and 'Edm.{right.edm}' for operator kind '{words}'."
        )

    def test(record: Record) -> bool:
        """Compare as SQL does: an empty field is neither equal to, nor different from, a value."""
        one, other = comparable(left.get(record)), comparable(right.get(record))
        return one is not None and other is not None and holds(one, other)

    if name == "eq" and left.edm == "String" and left.path and right.constant is not None:
        return Condition(test, (Among(left.path, frozenset({right.constant})),))
    return Condition(test)


def comparable(value: Operand) -> Operand:
    """Return a value as the database compares it: case and padding of texts do not count."""
    return folded(value) if isinstance(value, str) else value


def _shared(some: tuple[Among, ...], others: tuple[Among, ...]) -> tuple[Among, ...]:
    """Return what finds the records of either of two conditions."""
    return tuple(
        Among(one.path, one.values | other.values)
        for one in some
        for other in others
        if one.path == other.path
    )
