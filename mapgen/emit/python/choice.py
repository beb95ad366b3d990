"""Pieces of Python put together with `if`: each in brackets where it would end at its own `if`."""

from __future__ import annotations

import ast
from collections.abc import Sequence


def operand(code: str) -> str:
    """Return code as it can stand on either side of an `if`, or behind `in`."""
    return _bracketed(code, (ast.IfExp, ast.Lambda))


def chosen(code: str, tests: Sequence[str], otherwise: str) -> str:
    """Return the code where all tests hold, else the other; the code alone without any test."""
    if not tests:
        return code
    if len(tests) == 1:
        return f"{operand(code)} if {operand(tests[0])} else {otherwise}"
    asked = " and ".join(_conjunct(test) for test in tests)
    return f"{operand(code)} if {asked} else {otherwise}"


def binds_names(code: str) -> bool:
    """Tell whether code has an assignment expression in it."""
    return ":=" in code and any(isinstance(one, ast.NamedExpr) for one in ast.walk(_parsed(code)))


def _conjunct(test: str) -> str:
    node = _parsed(test)
    is_either = isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
    return f"({test})" if is_either and node.col_offset == 1 else operand(test)


def _bracketed(code: str, loose: tuple[type[ast.expr], ...]) -> str:
    """Return the code, in brackets where it is of a loose kind and has none around it."""
    node = _parsed(code)
    is_bare = node.col_offset == 1
    return f"({code})" if is_bare and isinstance(node, loose) else code


def _parsed(code: str) -> ast.expr:
    return ast.parse(f"({code}\n)", mode="eval").body
