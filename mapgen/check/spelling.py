"""Expressions in, the same words in one spelling out: what is written alike means the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mapgen.expression.lexer import Unreadable, tokens
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import mapping as messages


def spelled(words: str) -> str:
    """Return an expression with one blank between its words, or as it is if it cannot be read."""
    try:
        found = tokens(Text.plain(words))
    except Unreadable:
        return words
    return " ".join(words[token.start : token.end] for token in found if token.kind != "end")


def repeated(conditions: Iterable[Text]) -> Iterator[Diagnostic]:
    """Yield an error for each condition that is above already: it never decides anything."""
    first: dict[str, Text] = {}
    for condition in conditions:
        earlier = first.setdefault(spelled(condition.value), condition)
        if earlier is not condition:
            yield messages.repeated_condition(condition, first=earlier)
