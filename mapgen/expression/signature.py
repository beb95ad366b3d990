"""Signatures of functions: as text (`string.charAt(position: int) -> string`), and as data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast, get_args

from msgspec import Struct

from mapgen.expression.refinements import REFINEMENTS
from mapgen.ir.types import (
    NUMBERS,
    ORDERED,
    ErrorType,
    ListOf,
    MapOf,
    Optional,
    Scalar,
    ScalarName,
    Type,
    is_assignable,
    join,
    optional,
)

NAMESPACES = frozenset({"math", "lists", "optional", "strings", "cel"})

# A capital letter stands for a type, the same one throughout the signature.
VARIABLES: Mapping[str, str] = {
    "T": "anything",
    "K": "a key",
    "S": "a single value",
    "N": "int or decimal",
    "O": "what has an order",
}


class Pattern(Struct, frozen=True):
    """The type of a parameter or a result, in which capitals stand for any type."""

    name: str
    of: tuple[Pattern, ...] = ()

    def __str__(self) -> str:
        if self.name == "optional":
            return f"{self.of[0]}?"
        return self.name + (f"({', '.join(map(str, self.of))})" if self.of else "")


class Parameter(Struct, frozen=True):
    name: str
    pattern: Pattern


class Signature(Struct, frozen=True):
    """`receiver.name(parameters) -> result`; the last parameter may stand for several."""

    name: str
    receiver: Pattern | None
    parameters: tuple[Parameter, ...]
    is_variadic: bool
    result: Pattern

    @property
    def key(self) -> str:
        """What back ends call the function: `list(T).slice(int, int)`."""
        kinds = ", ".join(str(parameter.pattern) for parameter in self.parameters)
        head = "" if self.receiver is None else f"{self.receiver}."
        return f"{head}{self.name}({kinds}{'...' if self.is_variadic else ''})"

    def patterns(self, count: int) -> tuple[Pattern, ...] | None:
        """Return the patterns of `count` arguments (the receiver not counted), None if too many."""
        own = tuple(parameter.pattern for parameter in self.parameters)
        if self.is_variadic and count >= len(own):
            return own + own[-1:] * (count - len(own))
        return own if count == len(own) else None


_PATTERN = re.compile(r"(?P<name>\w+)(?:\((?P<of>.*)\))?(?P<optional>\??)")


@cache
def read_pattern(words: str) -> Pattern:
    """Return a type as data: `map(K, list(T))?`."""
    match = _PATTERN.fullmatch(words.strip())
    assert match is not None, words
    name = match["name"]
    assert name in (*get_args(ScalarName), *VARIABLES, *REFINEMENTS, "list", "map"), words
    of = tuple(read_pattern(part) for part in _split(match["of"] or ""))
    pattern = Pattern(name, of)
    return Pattern("optional", (pattern,)) if match["optional"] else pattern


def read_signature(words: str) -> Signature:
    """Return a signature as data."""
    left, _, result = words.rpartition(" -> ")
    match = re.fullmatch(r"(?:(?P<head>.+)\.)?(?P<name>\w+)\((?P<inside>.*)\)", left)
    assert match is not None, words
    head, name = match["head"], match["name"]
    receiver = None if head is None or head in NAMESPACES else read_pattern(head)
    parameters = []
    for part in _split(match["inside"]):
        label, _, pattern = part.rstrip(".").partition(":")
        parameters.append(Parameter(label.strip(), read_pattern(pattern)))
    return Signature(
        name=f"{head}.{name}" if head in NAMESPACES else name,
        receiver=receiver,
        parameters=tuple(parameters),
        is_variadic=match["inside"].endswith("..."),
        result=read_pattern(result),
    )


def _split(words: str) -> list[str]:
    """Return the parts between commas that stand in no brackets."""
    if "," not in words:
        return [words.strip()] if words.strip() else []
    parts, depth = [""], 0
    for letter in words:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def fits(patterns: Sequence[Pattern], types: Sequence[Type]) -> dict[str, Type] | None:
    """Return what the capitals stand for when the types fit the patterns, else None."""
    bound: dict[str, Type] = {}
    for pattern, actual in zip(patterns, types, strict=True):
        is_refused = isinstance(actual, Optional) and pattern.name != "optional"
        if is_refused or not _fits(pattern, actual, bound):
            return None
    return bound


def _fits(pattern: Pattern, actual: Type, bound: dict[str, Type]) -> bool:
    if isinstance(actual, ErrorType):
        return True
    match pattern.name, actual:
        case "optional", Optional(of):
            return _fits(pattern.of[0], of, bound)
        case "optional", Scalar("null"):
            return True
        case "optional", _:
            return _fits(pattern.of[0], actual, bound)
        case "list", ListOf(element):
            return _fits(pattern.of[0], element, bound)
        case "map", MapOf(key, value):
            return _fits(pattern.of[0], key, bound) and _fits(pattern.of[1], value, bound)
        case name, _ if name in VARIABLES:
            return _bind(name, actual, bound)
        case "zone", Scalar("string"):
            return True
        case name, Scalar():
            return is_assignable(actual, Scalar(scalar_of(name)))
        case _:
            return False


def _bind(name: str, actual: Type, bound: dict[str, Type]) -> bool:
    allowed = {
        "N": actual in NUMBERS,
        "O": actual in ORDERED,
        "S": isinstance(actual, Scalar) and actual.name != "null",
        "K": isinstance(actual, Scalar),
        "T": True,
    }[name]
    both = join(bound.get(name, actual), actual)
    if not allowed or both is None:
        return False
    bound[name] = both
    return True


def scalar_of(name: str) -> ScalarName:
    """Return the type that a pattern of one word stands for, examined or not."""
    return REFINEMENTS[name].of if name in REFINEMENTS else cast(ScalarName, name)


def build(pattern: Pattern, bound: Mapping[str, Type]) -> Type:
    """Return the type that a pattern stands for once the capitals are known."""
    name = pattern.name
    if name in VARIABLES:
        return bound.get(name, ErrorType())
    if name == "optional":
        return optional(build(pattern.of[0], bound))
    if name == "list":
        return ListOf(build(pattern.of[0], bound))
    if name == "map":
        return MapOf(build(pattern.of[0], bound), build(pattern.of[1], bound))
    return Scalar(scalar_of(name))
