"""The language reference: the tables that drive reader and checker in, a Markdown page out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from mapgen.emit.templates import render
from mapgen.expression.functions import FORMS, FUNCTIONS, Form, Function
from mapgen.expression.signature import VARIABLES
from mapgen.expression.units import UNITS
from mapgen.spec import model
from mapgen.spec.shapes import (
    Anything,
    Formula,
    Key,
    ListOf,
    Literal,
    MapOf,
    Named,
    OneOrMap,
    Record,
    Shape,
    Variants,
    Whole,
    Words,
    record_of,
    written,
)


class KeyLine(Struct, frozen=True):
    """One key of the language: where it is, what is under it, what it is for."""

    path: str
    takes: str
    purpose: str
    is_required: bool


class FunctionLine(Struct, frozen=True):
    """One function: its signature, what it says, an example."""

    shown: str
    doc: str
    example: str


def reference() -> str:
    """Return the page `docs/language.md`."""
    return render(
        "language.md.jinja",
        spec_keys=list(dict.fromkeys(_keys(model.Spec, ""))),
        rule_kinds=list(_rule_kinds()),
        modifiers=list(_lines(record_of(model.Modifiers).keys, "")),
        overlay_keys=list(_keys(model.Overlay, "")),
        defaults_keys=list(_keys(model.Defaults, "")),
        parts_keys=list(_parts_keys()),
        environment_keys=list(_keys(model.Environment, "")),
        connection_keys=list(_keys(model.Connection, "")),
        functions=[_function(row) for row in FUNCTIONS],
        forms=[_function(row) for row in FORMS],
        variables=VARIABLES,
        units=_units(),
    )


def _parts_keys() -> Iterator[KeyLine]:
    """Yield the keys of a file of parts, those of a part under its name."""
    file = record_of(model.PartsFile)
    yield from _lines(file.keys, "")
    yield from _lines(record_of(model.Definition).keys, "NAME")


def _units() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, unit in UNITS.items():
        found.setdefault(unit.dimension, []).append(name)
    return found


def _rule_kinds() -> Iterator[tuple[str, str, list[KeyLine]]]:
    for name, shape in model.RULE.kinds.items():
        kind = record_of(shape)
        yield name, kind.what, list(_lines(kind.keys, ""))


def _keys(shape: Shape[Any], path: str) -> Iterator[KeyLine]:
    match written(shape):
        case Record(keys=keys):
            yield from _lines(keys, path)
        case ListOf(item=item):
            yield from _keys(item, f"{path}[]")
        case MapOf(value=value):
            yield from _keys(value, f"{path}.NAME")
        case Variants(kinds=kinds):
            for kind in map(record_of, kinds.values()):
                yield from _lines(kind.keys, path)
        case _:
            return


def _lines(keys: Mapping[str, Key], path: str) -> Iterator[KeyLine]:
    for name, key in keys.items():
        at = f"{path}.{name}" if path else name
        yield KeyLine(at, takes(key.shape), key.purpose, _is_always_needed(key))
        yield from _keys(key.shape, at)


def _is_always_needed(key: Key) -> bool:
    return key.is_required and not (key.unless or key.unless_many)


def takes(shape: Shape[Any]) -> str:
    """Return what may be under a key, in words."""
    match written(shape):
        case Words(choices=choices) if choices:
            return " or ".join(f"`{choice}`" for choice in choices)
        case Words(what=what, example=example):
            return f"{what}, like `{example}`" if example else what
        case Formula(what=what):
            return what
        case Whole(least=least):
            return f"a whole number from {least}"
        case Literal():
            return "a constant"
        case Anything():
            return "any value"
        case ListOf(item=item, or_single=or_single):
            return f"a list of {takes(item)}" + (", or one alone" if or_single else "")
        case MapOf(value=value):
            return f"names, each with {takes(value)}"
        case OneOrMap(one=one, several=several) if several.names is None:
            return takes(one)
        case OneOrMap(one=one, several=several):
            return f"{takes(one)}, or {takes(several)}"
        case Record(what=what) | Variants(what=what):
            return what.replace("`", "").removesuffix(":") if what.startswith("`") else what
        case Named(name=name):
            return f"a {name.replace('_', ' ')}"
        case other:
            raise TypeError(other)


def _function(row: Function | Form) -> FunctionLine:
    example = ""
    if row.examples:
        first = row.examples[0]
        example = f"`{_cell(first.expression)}` gives `{_cell(first.gives)}`"
    return FunctionLine(_cell(row.shown), _cell(row.doc), example)


def _cell(words: str) -> str:
    return words.replace("|", "\\|")
