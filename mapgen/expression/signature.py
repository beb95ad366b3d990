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
    present,
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


class Signature(Struct, frozen=True):
    """`receiver.name(parameters) -> result`; the last parameter may stand for several.

    Its types are patterns: a scalar in them may have the name of a capital or of a refinement.
    """

    name: str
    receiver: Type | None
    parameters: tuple[Type, ...]
    is_variadic: bool
    result: Type

    @property
    def key(self) -> str:
        """What back ends call the function: `list(T).slice(int, int)`."""
        kinds = ", ".join(map(str, self.parameters))
        head = "" if self.receiver is None else f"{self.receiver}."
        return f"{head}{self.name}({kinds}{'...' if self.is_variadic else ''})"

    @property
    def operands(self) -> tuple[Type, ...]:
        """The patterns of the receiver, if there is one, and of the parameters."""
        return self.parameters if self.receiver is None else (self.receiver, *self.parameters)

    def patterns(self, count: int) -> tuple[Type, ...] | None:
        """Return the patterns of `count` operands, None where it does not take so many."""
        own = self.operands
        if self.is_variadic and count >= len(own):
            return own + own[-1:] * (count - len(own))
        return own if count == len(own) else None


_PATTERN = re.compile(r"(?P<name>\w+)(?:\((?P<of>.*)\))?(?P<optional>\??)")
_SCALARS = frozenset((*get_args(ScalarName), *VARIABLES, *REFINEMENTS))


@cache
def read_pattern(words: str) -> Type:
    """Return a type as data: `map(K, list(T))?`. Raises ValueError for what is none."""
    match = _PATTERN.fullmatch(words.strip())
    if match is None:
        raise ValueError(words)
    found: Type
    match match["name"], [read_pattern(part) for part in _split(match["of"] or "")]:
        case "list", [element]:
            found = ListOf(element)
        case "map", [key, value]:
            found = MapOf(key, value)
        case name, [] if name in _SCALARS:
            found = Scalar(cast(ScalarName, name))
        case _:
            raise ValueError(words)
    return optional(found) if match["optional"] else found


def read_signature(words: str) -> Signature:
    """Return a signature as data. Raises ValueError for what is none."""
    left, _, result = words.rpartition(" -> ")
    match = re.fullmatch(r"(?:(?P<head>.+)\.)?(?P<name>\w+)\((?P<inside>.*)\)", left)
    if match is None:
        raise ValueError(words)
    head, name = match["head"], match["name"]
    kinds = (part.rstrip(".").partition(":")[2] for part in _split(match["inside"]))
    return Signature(
        name=f"{head}.{name}" if head in NAMESPACES else name,
        receiver=None if head is None or head in NAMESPACES else read_pattern(head),
        parameters=tuple(map(read_pattern, kinds)),
        is_variadic=match["inside"].endswith("..."),
        result=read_pattern(result),
    )


def _split(words: str) -> list[str]:
    """Return the parts between commas that are in no brackets."""
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


def fits(patterns: Sequence[Type], types: Sequence[Type]) -> dict[str, Type] | None:
    """Return what the capitals stand for when the types fit the patterns, else None."""
    bound: dict[str, Type] = {}
    for pattern, actual in zip(patterns, types, strict=True):
        is_refused = isinstance(actual, Optional) and not isinstance(pattern, Optional)
        if is_refused or not _fits(pattern, actual, bound):
            return None
    return bound


def _fits(pattern: Type, actual: Type, bound: dict[str, Type]) -> bool:
    match pattern, actual:
        case (_, ErrorType()) | (Optional(), Scalar("null")) | (Scalar("zone"), Scalar("string")):
            return True
        case Optional(of), _:
            return _fits(of, present(actual), bound)
        case ListOf(of), ListOf(element):
            return _fits(of, element, bound)
        case MapOf(key_of, of), MapOf(key, value):
            return _fits(key_of, key, bound) and _fits(of, value, bound)
        case Scalar(name), _ if name in VARIABLES:
            return _bind(name, actual, bound)
        case Scalar(), Scalar():
            return is_assignable(actual, build(pattern, {}))
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


def build(pattern: Type, bound: Mapping[str, Type]) -> Type:
    """Return the type that a pattern stands for once the capitals are known."""
    match pattern:
        case Optional(of):
            return optional(build(of, bound))
        case ListOf(of):
            return ListOf(build(of, bound))
        case MapOf(key, value):
            return MapOf(build(key, bound), build(value, bound))
        case Scalar(name) if name in VARIABLES:
            return bound.get(name, ErrorType())
        case Scalar(name) if name in REFINEMENTS:
            return Scalar(REFINEMENTS[name].of)
        case _:
            return pattern
