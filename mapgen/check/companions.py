"""A flag and the field that has no effect without it in, whether the one proves the other out."""

from __future__ import annotations

import re

from mapgen.check.spelling import spelled
from mapgen.expression.parser import parse
from mapgen.expression.tree import Binary, Conditional, Constant, Method, Name, Tree, Unary
from mapgen.report import Diagnostic, Text
from mapgen.spec import model as spec


def sets_flag(flag: spec.Rule, field: spec.Rule) -> bool:
    """Whether a flag is true wherever the field is set.

    It is where it is always true, or where the words that make it true are those that set the
    field: `has(order.billing)` and `object: order.?billing`; `paid` and `paid ? order.x : null`.
    """
    if flag.modifiers.omit_if is not None:
        return False
    match flag.kind:
        case spec.Const(value):
            return value.value.lower() == "true"
        case spec.Value(expression):
            condition = _plain(expression.value)
            return condition == "true" or condition in _conditions(field)
        case spec.Cases(cases=cases, otherwise=otherwise):
            return all(one.value == "true" for one in (*(case.then for case in cases), otherwise))
        case _:
            return False


def _conditions(field: spec.Rule) -> set[str]:
    """Return the conditions under which alone a field is set, as they may be written."""
    found = set()
    if field.modifiers.omit_if is not None:
        found |= _negated(field.modifiers.omit_if)
    match field.kind:
        case spec.Object(source=Text() as source) | spec.Value(expression=source):
            found |= _presence(source)
        case spec.Each(source=source):
            found |= _presence(source)
        case _:
            pass
    return found


def _negated(text: Text) -> set[str]:
    """Return the conditions that hold where one does not."""
    tree = parse(text)
    if isinstance(tree, Diagnostic):
        return set()
    if isinstance(tree, Unary) and tree.operator == "!":
        return {_plain(_words(text, tree.operand))}
    if isinstance(tree, Binary) and tree.operator in ("==", "!="):
        other = "!=" if tree.operator == "==" else "=="
        return {_plain(f"{_words(text, tree.left)} {other} {_words(text, tree.right)}")}
    return {_plain(f"!({text.value})"), _plain(f"!{text.value}")}


def _presence(text: Text) -> set[str]:
    """Return the conditions under which an expression has a value."""
    tree = parse(text)
    if isinstance(tree, Diagnostic):
        return set()
    if isinstance(tree, Conditional) and _is_nothing(tree.otherwise):
        return {_plain(_words(text, tree.condition))}
    words = text.value
    return {_plain(f"has({words})"), _plain(f"{words} != null"), _plain(f"{words}.hasValue()")}


def _is_nothing(tree: Tree) -> bool:
    match tree:
        case Constant(value=None):
            return True
        case Method(operand=Name(name="optional"), name="none"):
            return True
        case _:
            return False


def _words(text: Text, tree: Tree) -> str:
    return text.value[tree.start : tree.end]


def _plain(words: str) -> str:
    """Return an expression in one spelling: without outer brackets and `?`."""
    spelling = spelled(words).replace(" . ? ", " . ")
    found = re.fullmatch(r"has \( ([\w. ]+) \)", spelling)
    if found is not None:
        return f"{found[1]} != null"
    while spelling.startswith("( ") and spelling.endswith(" )") and "(" not in spelling[1:-1]:
        spelling = spelling[2:-2]
    return spelling
