"""The walk that holds nodes against shapes: everything wrong is reported, with its fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mapgen.report import Diagnostic, Fix, Span, Text, fixes
from mapgen.report.catalogue import documents, reading
from mapgen.report.near import near_names
from mapgen.spec.nodes import Entry, ListNode, MapNode, Node, ScalarNode
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
    Rest,
    Shape,
    Variants,
    Whole,
    Words,
    mapping,
    scalar,
    written,
)

# Of a mapping that is no data: far more than an entity has fields, few enough to report each.
MOST_ENTRIES = 2_000
_FILL = "add an entry, or remove the key"


def diagnostics_of(node: Node, shape: Shape[Any]) -> list[Diagnostic]:
    """Return all that keeps a node from having a shape."""
    fitting = _Fitting([])
    fitting.fit(node, shape)
    return fitting.diagnostics


def describe(node: Node) -> str:
    """Return what a node is, in words."""
    match node:
        case MapNode():
            return "a mapping"
        case ListNode():
            return "a list"
        case ScalarNode(kind="null"):
            return "nothing"
        case ScalarNode(kind="flag"):
            return f"`{node.value}`"
        case ScalarNode(kind="integer" | "number"):
            return f"the number {node.value}"
        case _:
            return "text"


class _Fitting(Struct, frozen=True):
    """The walk; `diagnostics` grows."""

    diagnostics: list[Diagnostic]

    def fit(self, node: Node, shape: Shape[Any]) -> None:
        """Report all that keeps the node from having the shape."""
        match written(shape):
            case Named(named=named):
                self.fit(node, named())
            case Words() as words:
                self._words(node, words)
            case Formula(what):
                self._scalar(node, what)
            case Whole(least):
                self._whole(node, least)
            case Literal():
                self._scalar(node, "a constant")
            case Anything():
                pass
            case ListOf() as many:
                self._list(node, many)
            case MapOf() as many:
                self._map(node, many)
            case OneOrMap(one, several):
                self.fit(node, several if isinstance(node, MapNode) else one)
            case Record() as record:
                if self._is_map(node, record.what):
                    self._record(mapping(node), record)
            case Variants() as variants:
                self._variants(node, variants)

    def _scalar(self, node: Node, what: str) -> bool:
        if isinstance(node, ScalarNode) and node.kind != "null":
            return True
        help_line, fix = "write one value here", None
        if isinstance(node, ListNode | MapNode) and what == "an expression":
            help_line = "an expression that starts with `[` or `{` needs quotes around it"
            is_in_brackets = node.span.source.text[node.span.start] in "[{"
            fix = fixes.quoted(node.span) if is_in_brackets else None
        self._wrong(node, what, help_line, fix=fix)
        return False

    def _wrong(
        self, node: Node, expected: str, form: str, found: str = "", fix: Fix | None = None
    ) -> None:
        """Report a node that is something else; `found` says what, if not its kind."""
        self.diagnostics.append(
            reading.wrong_shape(
                _opening(node),
                expected=expected,
                found=found or describe(node),
                form=form,
                fix=fix,
            )
        )

    def _words(self, node: Node, shape: Words) -> None:
        if not self._scalar(node, shape.what):
            return
        text = scalar(node).text
        if shape.choices and text.value not in shape.choices:
            self.diagnostics.append(
                reading.unknown_choice(
                    text.span(), it=text.value, known=shape.choices, what=shape.what
                )
            )
        else:
            self._pattern(text, shape)

    def _pattern(self, text: Text, shape: Words) -> None:
        if shape.pattern is not None and not re.fullmatch(shape.pattern, text.value, re.ASCII):
            self.diagnostics.append(
                reading.malformed_secret(text.span(), what=shape.what, example=shape.example)
                if shape.is_secret
                else reading.malformed(text.span(), shape.what, text.value, shape.example)
            )

    def _whole(self, node: Node, least: int) -> None:
        what = f"a whole number from {least}"
        if not (isinstance(node, ScalarNode) and node.kind == "integer"):
            help_line, fix = f"write a number like `{least + 5}`", None
            if isinstance(node, ScalarNode) and node.kind == "text" and _is_whole(node.value):
                help_line, fix = "write it without quotes", fixes.unquoted(node.span)
            self._wrong(node, what, help_line, fix=fix)
        elif int(node.value) < least:
            self._wrong(node, what, f"write `{least}` or more", node.value)

    def _list(self, node: Node, shape: ListOf[Any]) -> None:
        if isinstance(node, ListNode):
            if len(node.items) < shape.least:
                self._wrong(node, "at least one entry", _FILL, "an empty list")
            for item in node.items:
                self.fit(item, shape.item)
        elif shape.or_single:
            self.fit(node, shape.item)
        else:
            self._wrong(node, "a list", "begin each entry on a line of its own with `- `")

    def _map(self, node: Node, shape: MapOf[Any]) -> None:
        if not self._is_map(node, shape.what):
            return
        if len(mapping(node).entries) < shape.least:
            self._wrong(node, "at least one entry", _FILL, "an empty mapping")
        if not isinstance(written(shape.value), Literal) and self._is_too_long(mapping(node)):
            return
        for entry in mapping(node).entries:
            known = shape.known.get(entry.key.value)
            if known is None and shape.names is not None:
                self._pattern(entry.key, shape.names)
            self.fit(entry.value, shape.value if known is None else known.shape)

    def _is_too_long(self, node: MapNode) -> bool:
        if len(node.entries) <= MOST_ENTRIES:
            return False
        self.diagnostics.append(
            reading.wrong_shape(
                node.entries[MOST_ENTRIES].key.span(),
                expected=f"at most {MOST_ENTRIES:,} entries",
                found=f"a mapping of {len(node.entries):,}",
                form="data of that size belongs into a file of its own: a lookup, an example",
            )
        )
        return True

    def _is_map(self, node: Node, what: str) -> bool:
        if isinstance(node, MapNode):
            return True
        help_line = "write a line `KEY: VALUE` for each entry"
        if what == "a spec":
            help_line = "a spec starts with `maps: 1`; `mapgen explain E104` shows the smallest one"
        self._wrong(node, f"{what} (a mapping)", help_line)
        return False

    def _wanted(self, node: MapNode, record: Record) -> Mapping[str, Key]:
        """Return the keys as this node needs them; report two ways at once."""
        keys, instead = record.keys, record.instead
        other = node.key(instead.key) if instead is not None else None
        if instead is None or other is None:
            return keys
        found = [entry.key for entry in node.entries if entry.key.value in instead.of]
        if found:
            self.diagnostics.append(
                documents.two_forms(found[0], documents=other, found=[key.value for key in found])
            )
        return {
            name: replace(key, is_required=key.is_required and name not in instead.of)
            for name, key in keys.items()
        }

    def _record(self, node: MapNode, record: Record) -> None:
        keys, rest = self._wanted(node, record), record.rest
        if self._is_too_long(node):
            return
        cut_before = False
        free = [name for name in keys if node.get(name) is None]
        for entry in node.entries:
            # What the commas of an expression without quotes leave behind: one mistake.
            is_cut = entry.key.value not in keys and describe(entry.value) == "nothing"
            if entry.key.value in keys:
                self.fit(entry.value, keys[entry.key.value].shape)
                if keys[entry.key.value].is_idle_in(node):
                    named_by = node.key(keys[entry.key.value].unless_many)
                    self.diagnostics.append(reading.named_already(entry.key, by=named_by))
            elif rest is not None and _is_other(entry, node, rest, free):
                self._pattern(entry.key, rest.names)
                self.fit(entry.value, rest.shape)
            elif not (is_cut and cut_before):
                self.diagnostics.append(reading.unknown_key(entry.key, record.what, keys, free))
            cut_before = is_cut and (cut_before or not entry.key.value.isidentifier())
        unknown = [entry.key.value for entry in node.entries if entry.key.value not in keys]
        missing = [name for name in free if keys[name].is_needed_by(node)]
        meant = {near for name in unknown for near in near_names(name, missing)}
        for name, key in keys.items():
            if name in missing and name not in meant:
                self.diagnostics.append(
                    reading.missing_key(
                        _opening(node), key=name, where=record.what, why=key.purpose
                    )
                )
            partner, here = key.goes_with, node.key(name)
            if partner is not None and here is not None and node.get(partner) is None:
                purpose = keys[partner].purpose
                diagnostic = reading.missing_key(
                    here.span(), key=partner, where=f"`{name}`", why=purpose
                )
                self.diagnostics.append(diagnostic)

    def _variants(self, node: Node, shape: Variants[Any]) -> None:
        if not isinstance(node, MapNode):
            if shape.scalar is None or isinstance(node, ListNode):
                self._wrong(node, shape.what, _kinds_of(shape), fix=_quoted(node, shape))
            else:
                self.fit(node, shape.scalar)
            return
        if len(shape.kinds) == 1:
            # There is nothing to tell apart: what is wrong is a key.
            [only] = shape.kinds.values()
            self._record(node, shape.record(only))
            return
        found = shape.telling(node)
        if not found:
            is_bare = all(describe(entry.value) == "nothing" for entry in node.entries)
            opening = _opening(node)
            diagnostic = reading.no_rule_kind(opening, shape.what, shape.kinds, is_bare=is_bare)
            self.diagnostics.append(diagnostic)
            return
        if len(found) > 1:
            self.diagnostics.append(reading.several_kinds(found[1], first=found[0]))
            return
        self._record(node, shape.record(shape.kinds[found[0].value]))


def _is_other(entry: Entry, node: MapNode, rest: Rest, free: Iterable[str]) -> bool:
    """Whether an entry may be one of those whose keys the author chooses."""
    if rest.beside and rest.beside not in node.by_key:
        return False
    # What is no expression and has nearly the name of a key, is one that is misspelt.
    is_value = not isinstance(written(rest.shape), Formula) or isinstance(entry.value, ScalarNode)
    return is_value or not near_names(entry.key.value, free)


def _is_whole(words: str) -> bool:
    return words.isascii() and words.isdigit()


def _kinds_of(shape: Variants[Any]) -> str:
    """Return the help for a list, or a word, where a mapping of some kind belongs."""
    if isinstance(_alone(shape), Formula):
        return "an expression that starts with `[` needs quotes around it"
    first = next(iter(shape.kinds))
    return f"write a mapping, like `{{{first}: …}}`"


def _alone(shape: Variants[Any]) -> Shape[Any] | None:
    return None if shape.scalar is None else written(shape.scalar)


def _quoted(node: Node, shape: Variants[Any]) -> Fix | None:
    """Return the fix for an expression that YAML has read as a list."""
    if not (isinstance(node, ListNode) and node.items and isinstance(_alone(shape), Formula)):
        return None
    is_in_brackets = node.span.source.text[node.span.start] == "["
    return fixes.quoted(node.span) if is_in_brackets else None


def _opening(node: Node) -> Span:
    """Return the smallest span that shows a node: its first line."""
    source = node.span.source
    line_end = source.text.find("\n", node.span.start)
    end = node.span.end if line_end < 0 else min(node.span.end, line_end)
    return Span(source, node.span.start, max(node.span.start, end))
