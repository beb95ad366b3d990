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
    used = block.part.used
    arguments = () if used is None else ((one.name.value, one.expression) for one in used.arguments)
    return (
        *_words(block.source, "each"),
        *_words(block.condition, "where"),
        *(() if used is None else _words(used.at, "use")),
        *(
            pair
            for name, words in arguments
            if name in _taken(used)
            for pair in _words(words, name)
        ),
    )


def _taken(used: spec.Used | None) -> frozenset[str]:
    """Return the parameters of a part that is used."""
    parameters = () if used is None else used.definition.takes
    return frozenset(one.name.value for one in parameters)


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
