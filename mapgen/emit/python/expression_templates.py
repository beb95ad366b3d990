"""Templates of functions (`{0}.split({1})`) filled with code, with no more brackets than needed."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache

from msgspec import Struct


class Level(IntEnum):
    """How closely the outermost operator of a piece of Python binds."""

    TERNARY = 1
    OR = 2
    AND = 3
    NOT = 4
    COMPARE = 5
    SUM = 6
    PRODUCT = 7
    UNARY = 8
    ATOM = 9


class Code(Struct, frozen=True):
    """A piece of Python. `is_path`: names and attributes only, so it may be said twice.

    `generator` is the text without brackets where the piece is a list made by a comprehension.
    """

    text: str
    level: Level = Level.ATOM
    is_path: bool = False
    generator: str | None = None

    def at_least(self, level: Level) -> str:
        """Return the text, in brackets where it binds less closely."""
        if self.level < level or (level == Level.ATOM and self.text.isdigit()):
            return f"({self.text})"
        return self.text


# Names in templates that come from elsewhere than the functions of the runtime.
STANDARD: Mapping[str, str] = {
    "Decimal": "decimal",
    "UTC": "datetime",
    "timedelta": "datetime",
    "normalize": "unicodedata",
}


class Hole(Struct, frozen=True):
    """A place in a template: which argument goes there, and how closely it has to bind."""

    argument: int | None
    level: Level
    takes_iterable: bool
    is_sole: bool


class Template(Struct, frozen=True):
    """A template taken apart: `words` stand around the holes."""

    words: tuple[str, ...]
    holes: tuple[Hole, ...]
    level: Level
    standard: tuple[tuple[str, str], ...]
    functions: tuple[str, ...]


_HOLE = re.compile(r"\{(\d+|\*)(:iterable)?\}")
_BINARY: dict[type[ast.operator], Level] = {
    ast.Add: Level.SUM,
    ast.Sub: Level.SUM,
    ast.Mult: Level.PRODUCT,
    ast.Div: Level.PRODUCT,
    ast.FloorDiv: Level.PRODUCT,
    ast.Mod: Level.PRODUCT,
}


@cache
def read_template(python: str) -> Template:
    """Take a template apart by Python's own grammar."""
    marks = list(_HOLE.finditer(python))
    numbers = iter(range(len(marks)))
    plain = _HOLE.sub(lambda _: f"_{next(numbers)}_", python)
    tree = ast.parse(plain, mode="eval").body
    levels: dict[str, tuple[Level, bool]] = {}
    _walk(tree, Level.TERNARY, levels)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    free = sorted(name for name in names if name not in levels and not hasattr(builtins, name))
    holes = []
    for position, mark in enumerate(marks):
        level, is_sole = levels[f"_{position}_"]
        argument = None if mark[1] == "*" else int(mark[1])
        holes.append(Hole(argument, level, mark[2] is not None, is_sole))
    return Template(
        words=tuple(_HOLE.split(python)[::3]),
        holes=tuple(holes),
        level=_level(tree),
        standard=tuple((STANDARD[name], name) for name in free if name in STANDARD),
        functions=tuple(name for name in free if name not in STANDARD),
    )


def _walk(node: ast.expr, level: Level, levels: dict[str, tuple[Level, bool]]) -> None:
    """Note how closely what stands in each hole has to bind."""
    if isinstance(node, ast.Name) and re.fullmatch(r"_\d+_", node.id):
        levels.setdefault(node.id, (level, False))
        return
    for child, wanted in _operands(node):
        _walk(child, wanted, levels)
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        argument = node.args[0]
        if isinstance(argument, ast.Name) and argument.id in levels:
            levels[argument.id] = (Level.TERNARY, True)


def _operands(node: ast.expr) -> list[tuple[ast.expr, Level]]:
    match node:
        case ast.Attribute(value=value):
            return [(value, Level.ATOM)]
        case ast.Subscript(value=value, slice=ast.Slice() as part):
            bounds = [bound for bound in (part.lower, part.upper, part.step) if bound is not None]
            return [(value, Level.ATOM), *((bound, Level.TERNARY) for bound in bounds)]
        case ast.Subscript(value=value, slice=index):
            return [(value, Level.ATOM), (index, Level.TERNARY)]
        case ast.Call(func=function, args=arguments, keywords=keywords):
            inside = [*arguments, *(keyword.value for keyword in keywords)]
            return [(function, Level.ATOM), *((argument, Level.TERNARY) for argument in inside)]
        case ast.Compare(left=left, comparators=others):
            return [(side, Level.SUM) for side in (left, *others)]
        case ast.BinOp(left=left, op=operator, right=right):
            level = _BINARY[type(operator)]
            return [(left, level), (right, Level(level + 1))]
        case ast.UnaryOp(operand=operand):
            return [(operand, Level.UNARY)]
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return [(body, Level.OR), (test, Level.OR), (otherwise, Level.TERNARY)]
        case ast.Lambda(body=body):
            return [(body, Level.TERNARY)]
        case ast.List(elts=elements):
            return [(element, Level.SUM) for element in elements]
        case ast.Starred(value=value):
            return [(value, Level.SUM)]
        case _:
            return []


def _level(node: ast.expr) -> Level:
    match node:
        case ast.Compare():
            return Level.COMPARE
        case ast.IfExp():
            return Level.TERNARY
        case ast.BinOp(op=operator):
            return _BINARY[type(operator)]
        case _:
            return Level.ATOM


def fill(template: Template, arguments: Sequence[Code]) -> Code:
    """Return the template with code in its holes."""
    if template.words == ("", ""):
        return arguments[0]
    text = template.words[0]
    for hole, words in zip(template.holes, template.words[1:], strict=True):
        text += _filled(hole, arguments) + words
    return Code(text, template.level)


def _filled(hole: Hole, arguments: Sequence[Code]) -> str:
    if hole.argument is None:
        return ", ".join(argument.text for argument in arguments)
    argument = arguments[hole.argument]
    if hole.takes_iterable and argument.generator is not None:
        return argument.generator if hole.is_sole else f"({argument.generator})"
    return argument.at_least(hole.level)
