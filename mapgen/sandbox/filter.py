"""Compiles `$filter` into conditions of records: the OData 3 subset of contract 4, and OData 4.

What deliveries and feeds ask: fields compared with values, joined by `and`, `or` and brackets. The
versions differ in how a moment is written: `datetimeoffset'…'` in OData 3, without quotes in 4.
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
from mapgen.sandbox.values import moment

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
_DEEPEST = 100
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<typed>(?:datetimeoffset|datetime|date)'[^']*')"
    r"|(?P<string>'(?:[^']|'')*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)(?![\w.])"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)[mMdDfFlL]?(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*)"
    r"|(?P<mark>[()])"
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
        if self._taken("mark", "("):
            condition = self.either()
            if not self._taken("mark", ")"):
                raise self._unexpected()
        else:
            condition = self._comparison()
        self._depth -= 1
        return condition

    def _comparison(self) -> Condition:
        path = self._next("name")
        edm, get = self._field(path)
        kind, name = self._tokens[self._at]
        if kind != "name" or name not in _COMPARISONS:
            raise _syntax("The $filter expression must evaluate to a single boolean value.")
        self._at += 1
        other, value = self._literal()
        words, holds = _COMPARISONS[name]
        if edm != other:
            raise _syntax(
                "A binary operator with incompatible types was detected. Found operand types "
                f"'Edm.{edm}' and 'Edm.{other}' for operator kind '{words}'."
            )
        wanted = comparable(value)

        def test(record: Record) -> bool:
            """Compare as SQL does: an empty field is neither equal to, nor not, a value."""
            found = comparable(get(record))
            return found is not None and holds(found, wanted)

        is_text = name == "eq" and isinstance(value, str)
        return Condition(test, (Among(path, frozenset({str(value)})),) if is_text else ())

    def _field(self, path: str) -> tuple[Edm, Callable[[Record], Operand]]:
        """Return the type of a field of the entity or of a part, and how to get it."""
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
            return None if held is None else operand(held.values.get(last), edm)

        return edm, get

    def _literal(self) -> tuple[Edm, Operand]:
        """Return the type and the value of what a field is compared with."""
        kind = self._tokens[self._at][0]
        text = self._next(*self._literals, "name")
        match kind:
            case "string":
                return "String", text[1:-1].replace("''", "'")
            case "number":
                return "Decimal", Decimal(text)
            case "name" if text in ("true", "false"):
                return "Boolean", text == "true"
            case "name":
                self._at -= 1
                raise self._unexpected()
        try:
            return "DateTimeOffset", moment(text.rpartition("'")[0].partition("'")[2] or text)
        except (ValueError, OverflowError):
            raise _syntax(f"Unrecognized '{text}' literal.") from None

    def _next(self, *kinds: str) -> str:
        """Take the next token, which is of one of these kinds."""
        kind, text = self._tokens[self._at]
        if kind not in kinds:
            raise self._unexpected()
        self._at += 1
        return text

    def _taken(self, kind: str, text: str) -> bool:
        is_there = self._tokens[self._at] == (kind, text)
        self._at += is_there
        return is_there

    def _unexpected(self) -> Refused:
        return _syntax(f"Syntax error: '{self._tokens[self._at][1]}' was not expected.")


def _field(entity: Entity, name: str) -> Field:
    field = entity.fields.get(name)
    if field is None:
        raise _syntax(f"Could not find a property named '{name}' on type '{entity.name}'.")
    return field


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
