"""Templates of Python (`{0}.split({1})`) filled with code, with no more brackets than needed.

How closely something binds is what Python's own grammar says: code goes into a hole as it is where
brackets around it would change nothing. `{*}` takes all arguments; a list that a comprehension
makes goes into `{0:iterable}` as a generator.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Sequence
from functools import cache

_HOLE = re.compile(r"\{(\d+|\*)(:iterable)?\}")
# What nothing around it tears apart.
_CLOSED = (ast.Attribute, ast.Call, ast.Dict, ast.List, ast.ListComp, ast.Subscript)
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[-?\d\])*")


def is_path(code: str) -> bool:
    """Tell whether code is names and attributes only, so that it may be said twice."""
    return _PATH.fullmatch(code) is not None


def filled(template: str, *arguments: str) -> str:
    """Return a template with code in its holes."""
    whole = template.replace("{*}", ", ".join(f"{{{at}}}" for at in range(len(arguments))))
    words, holes, marks = (_HOLE.split(whole)[at::3] for at in range(3))
    codes = []
    for at, (hole, mark) in enumerate(zip(holes, marks, strict=True)):
        code = arguments[int(hole)]
        if mark and isinstance(parsed(code), ast.ListComp):
            code = code[1:-1]
        codes.append(code if is_path(code) or _is_whole(tuple(words), at, code) else f"({code})")
    return _joined(words, codes)


def all_of(tests: Sequence[str]) -> str:
    """Return the condition that several conditions hold."""
    return filled(" and ".join(f"{{{at}}}" for at in range(len(tests))), *tests)


@cache
def names_in(template: str) -> tuple[str, ...]:
    """Return the names in a template that are none of Python's own, sorted."""
    words = _HOLE.split(template)[::3]
    tree = ast.parse(_joined(words, ["_"] * (len(words) - 1)), mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return tuple(sorted(name for name in names - {"_"} if not hasattr(builtins, name)))


@cache
def parsed(code: str) -> ast.expr:
    """Return the tree of code, which may run over several lines."""
    return ast.parse(f"({code}\n)", mode="eval").body


@cache
def _is_whole(words: tuple[str, ...], at: int, code: str) -> bool:
    """Tell whether code stays one thing in a hole among others, without brackets around it."""
    if isinstance(parsed(code), _CLOSED):
        return True
    holes = ["_"] * (len(words) - 1)
    bare, bracketed = (
        _joined(words, [*holes[:at], given, *holes[at + 1 :]]) for given in (code, f"({code})")
    )
    try:
        return ast.dump(parsed(bare)) == ast.dump(parsed(bracketed))
    except SyntaxError:
        return False


def _joined(words: Sequence[str], codes: Sequence[str]) -> str:
    return words[0] + "".join(code + after for code, after in zip(codes, words[1:], strict=True))
