"""Whose rules an expression follows: the dialect's, or CEL's own numbers and logic.

One value of `Profile` is the whole switch: parser, checker and lowering ask it and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mapgen.expression.cel_functions import CEL_FUNCTIONS
from mapgen.expression.functions import CALLS, METHODS
from mapgen.expression.lexer import Fraction
from mapgen.expression.operators import ARITHMETIC, Arithmetic
from mapgen.expression.rows import Function


@dataclass(frozen=True, slots=True)
class Profile:
    """The choices that differ.

    `fraction`: what a literal with a fraction is. `arithmetic`: which numbers an operator takes,
    what it gives, and the Python it becomes where that is not the operator itself. `is_exact`:
    numbers keep every digit, so that quotients have to be rounded; otherwise they are CEL's, which
    compare across their types. `is_strict`: what is needless or constant is an error. `absorbs`: a
    side of `&&` and `||` that decides outweighs a fault of the other.
    """

    name: Literal["mapgen", "cel"]
    fraction: Fraction
    arithmetic: Arithmetic
    calls: Mapping[str, tuple[Function, ...]]
    methods: Mapping[str, tuple[Function, ...]]
    is_exact: bool
    is_strict: bool
    absorbs: bool


def _with(
    own: Iterable[Function], known: Mapping[str, tuple[Function, ...]], *, is_method: bool
) -> Mapping[str, tuple[Function, ...]]:
    """Return the rows by name, own ones asked first."""
    rows = [row for row in own if (row.signature.receiver is not None) is is_method]
    first = {row.name: tuple(each for each in rows if each.name == row.name) for row in rows}
    return {**known, **{name: found + known.get(name, ()) for name, found in first.items()}}


_CEL_ARITHMETIC: Arithmetic = {
    **ARITHMETIC,
    ("+", "int", "int"): ("int", "in_64_bits({0} + {1})"),
    ("-", "int", "int"): ("int", "in_64_bits({0} - {1})"),
    ("*", "int", "int"): ("int", "in_64_bits({0} * {1})"),
    ("/", "int", "int"): ("int", "in_64_bits(int_div({0}, {1}))"),
    ("%", "int", "int"): ("int", "remainder({0}, {1})"),
    ("+", "double", "double"): ("double", None),
    ("-", "double", "double"): ("double", None),
    ("*", "double", "double"): ("double", None),
    ("/", "double", "double"): ("double", "quotient({0}, {1})"),
    ("+", "duration", "duration"): ("duration", "in_range({0} + {1})"),
    ("-", "duration", "duration"): ("duration", "in_range({0} - {1})"),
    ("-", "timestamp", "timestamp"): ("duration", "in_range({0} - {1})"),
}

DIALECT = Profile(
    name="mapgen",
    fraction="decimal",
    arithmetic=ARITHMETIC,
    calls=CALLS,
    methods=METHODS,
    is_exact=True,
    is_strict=True,
    absorbs=False,
)
CEL = Profile(
    name="cel",
    fraction="double",
    arithmetic=_CEL_ARITHMETIC,
    calls=_with(CEL_FUNCTIONS, CALLS, is_method=False),
    methods=_with(CEL_FUNCTIONS, METHODS, is_method=True),
    is_exact=False,
    is_strict=False,
    absorbs=True,
)
