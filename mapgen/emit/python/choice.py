"""Pieces of Python put together with `if`: each in brackets where it would end at its own `if`."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from mapgen.emit.python.expression_templates import all_of, filled, parsed


def operand(code: str) -> str:
    """Return code as it can be on either side of an `if`, or behind `in`."""
    return filled("{0} if _ else _", code).removesuffix(" if _ else _")


def chosen(code: str, tests: Sequence[str], otherwise: str) -> str:
    """Return the code where all tests hold, else the other; the code alone without any test."""
    if not tests:
        return code
    return filled("{0} if {1} else {2}", code, all_of(tests), otherwise)


def binds_names(code: str) -> bool:
    """Tell whether code has an assignment expression in it."""
    return ":=" in code and any(isinstance(one, ast.NamedExpr) for one in ast.walk(parsed(code)))
