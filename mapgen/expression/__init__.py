"""The expression language: text comes in, a checked and typed tree or diagnostics go out."""

from __future__ import annotations

from mapgen.expression.checker import Checker
from mapgen.expression.parser import parse
from mapgen.expression.scope import Binding, Scope, at
from mapgen.expression.typed import Typed
from mapgen.report import Diagnostic, Text

__all__ = ["Binding", "Scope", "Typed", "at", "compile_expression"]


def compile_expression(text: Text, scope: Scope, diagnostics: list[Diagnostic]) -> Typed | None:
    """Parse and check an expression; append every error, and return None when there is any."""
    tree = parse(text)
    if isinstance(tree, Diagnostic):
        diagnostics.append(tree)
        return None
    found: list[Diagnostic] = []
    typed = Checker(text, found).whole(tree, scope)
    diagnostics.extend(found)
    return typed
