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
    """Return which rows the parts of a block are made for, and which part they use."""
    shown: list[tuple[object, str]] = [(block.source, "each"), (block.condition, "where")]
    used = block.part.used
    if used is not None:
        taken = {one.name.value for one in used.definition.takes}
        arguments = ((one.expression, one.name.value) for one in used.arguments)
        shown += [(used.at, "use"), *(one for one in arguments if one[1] in taken)]
    return tuple(pair for words, key in shown for pair in _words(words, key))


def _words(node: object, key: str) -> Iterator[tuple[str, str]]:
    match node:
        case Text(value=value) | ScalarNode(text=Text(value=value)):
            yield key, value
        case tuple():
            for one in node:
                yield from _words(one, key)
        case spec.Lookup(table=table, keys=keys) if key:
            tried = ", then ".join(part.expression.value for one in keys for part in one.parts)
            yield key, f"{table.value} at {tried}"
        case spec.LookupKey(parts=(first, *others)):
            yield key, first.expression.value
            yield from (("with", part.expression.value) for part in others)
        case Construct():
            for name, how in type(node).members.items():
                if isinstance(how, Key):
                    yield from _words(getattr(node, name), how.name or name)
