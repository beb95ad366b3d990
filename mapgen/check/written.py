"""What the author wrote, by keys of the language: what the mapping document shows of a rule."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.ir.flow import Written
from mapgen.report import Text
from mapgen.spec import model as spec
from mapgen.spec.construct import Construct
from mapgen.spec.nodes import ScalarNode
from mapgen.spec.shapes import Key

_SHOWN = ("if_missing", "on_error", "omit_if", "places", "because")


def written_of(rule: spec.Rule) -> Written:
    """Return what a rule for a single value says."""
    shown = (words for key in _SHOWN for words in _words(getattr(rule.modifiers, key), key))
    return (*_words(rule.kind, ""), *shown)


def written_block(block: spec.Block) -> Written:
    """Return which rows the parts of a block are made for."""
    return (*_words(block.source, "each"), *_words(block.condition, "where"))


def _words(node: object, key: str) -> Iterator[tuple[str, str]]:
    match node:
        case Text(value=value) | ScalarNode(text=Text(value=value)):
            yield key, value
        case tuple():
            for one in node:
                yield from _words(one, key)
        case spec.LookupKey(parts=(first, *others)):
            yield key, first.expression.value
            yield from (("with", part.expression.value) for part in others)
        case Construct():
            for name, how in type(node).members.items():
                if isinstance(how, Key):
                    yield from _words(getattr(node, name), how.name or name)
