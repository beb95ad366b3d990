"""YAML as values that know their place: text in, nodes out, every error of the text reported.

Built from libyaml's event stream with a stack, so depth and aliases are seen before they cost
anything. Scalars are typed as YAML 1.2's core schema says (`no` is text, not false), because a
country code must never become a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import yaml
from msgspec import Struct, field

from mapgen.report import Diagnostic, Source, Span, Stopped, Text
from mapgen.report.catalogue import reading
from mapgen.spec.scalars import scalar_text

LONGEST_FILE = 1_000_000
DEEPEST_NODE = 40

Kind = Literal["text", "integer", "number", "flag", "null"]

# Of a number: far beyond any amount.
_MOST_DIGITS = 60
_NULL = frozenset(("null", "Null", "NULL", "~", ""))
_FLAG = frozenset(("true", "True", "TRUE", "false", "False", "FALSE"))
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class ScalarNode(Struct, frozen=True):
    """One scalar: its words with their places, and what kind of value they are."""

    text: Text
    kind: Kind
    span: Span

    @property
    def value(self) -> str:
        return self.text.value

    @property
    def described(self) -> str:
        """What it is, in the words of messages."""
        words = {"flag": "true or false", "text": "text", "integer": "a whole number"}
        return words.get(self.kind, "a number")

    @property
    def whole(self) -> int:
        """What a whole number is."""
        return int(self.text.value)


class ListNode(Struct, frozen=True):
    """A sequence."""

    items: tuple[Node, ...]
    span: Span


class Entry(Struct, frozen=True):
    """A key and what is under it."""

    key: Text
    value: Node


class MapNode(Struct, frozen=True):
    """A mapping; the keys are text and differ from each other."""

    entries: tuple[Entry, ...]
    span: Span
    by_key: Mapping[str, Entry]

    def get(self, key: str) -> Node | None:
        """Return what is under the key, or None."""
        entry = self.by_key.get(key)
        return None if entry is None else entry.value

    def key(self, key: str) -> Text | None:
        """Return the key as it is in the file, or None."""
        entry = self.by_key.get(key)
        return None if entry is None else entry.key

    def having(self, entries: Iterable[Entry]) -> MapNode:
        """Return a mapping with other entries, at the same place."""
        found = tuple(entries)
        return MapNode(found, self.span, {entry.key.value: entry for entry in found})


Node = ScalarNode | ListNode | MapNode


class _Open(Struct):
    """A collection under construction, with the key that waits for its value."""

    start: int
    is_map: bool
    items: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    keys: dict[str, Text] = field(default_factory=dict)
    key: Text | None = None


def read_yaml(source: Source) -> Node:
    """Return the one document of the source.

    Raises Stopped for YAML that cannot be read, is empty, too large or too deep, or that uses
    duplicate keys, anchors, aliases, tags, or more than one document.
    """
    if len(source.text) > LONGEST_FILE:
        raise Stopped(
            reading.file_too_long(path=source.path, length=len(source.text), longest=LONGEST_FILE)
        )
    diagnostics: list[Diagnostic] = []
    try:
        root = _build(source, diagnostics)
    except UnicodeEncodeError as error:
        diagnostic = reading.strange_character(Span(source, error.start, error.start + 1))
        raise Stopped([*diagnostics, diagnostic]) from None
    except yaml.YAMLError as error:
        raise Stopped([*diagnostics, _yaml_error(source, error)]) from None
    if diagnostics:
        raise Stopped(diagnostics)
    if root is None or (isinstance(root, ScalarNode) and root.kind == "null"):
        is_spec = source.path.endswith(".maps.yaml")
        help = None if is_spec else "write what such a file holds, or delete it"
        raise Stopped(reading.empty_file(path=source.path, help=help))
    return root


def _build(source: Source, diagnostics: list[Diagnostic]) -> Node | None:
    stack: list[_Open] = []
    root: Node | None = None
    documents = 0
    unused: dict[str, Diagnostic] = {}
    for event in _events(source):
        done: Node | None = None
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            _note_anchor(source, event, event.anchor, unused)
        if isinstance(event, yaml.ScalarEvent):
            done = _scalar(source, event)
            if event.tag is not None:
                diagnostics.append(_tag_error(source, event))
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise Stopped([*diagnostics, reading.several_documents(_event_span(source, event))])
        elif isinstance(event, yaml.AliasEvent):
            diagnostics.append(reading.alias_used(_event_span(source, event)))
            done = _null(source, event)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            if len(stack) >= DEEPEST_NODE:
                raise Stopped(
                    [
                        *diagnostics,
                        reading.too_deep(_event_span(source, event), deepest=DEEPEST_NODE),
                    ]
                )
            if event.tag is not None:
                diagnostics.append(_tag_error(source, event))
            is_map = isinstance(event, yaml.MappingStartEvent)
            stack.append(_Open(_start(event), is_map))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            done = _close(source, stack.pop(), event)
        if done is not None:
            if stack:
                _add(stack[-1], done, diagnostics)
            else:
                root = done
    diagnostics.extend(unused.values())
    return root


def _events(source: Source) -> Iterator[yaml.Event]:
    return yaml.parse(source.text, Loader=yaml.CSafeLoader)


def _start(event: yaml.Event) -> int:
    """Return where an event begins; libyaml counts code points, as a source does."""
    return event.start_mark.index if event.start_mark is not None else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark is not None else 0


def _event_span(source: Source, event: yaml.Event) -> Span:
    return Span(source, _start(event), max(_start(event), _end(event)))


def _tag_error(source: Source, event: yaml.Event) -> Diagnostic:
    """Return the error of a tag: it would hide what is behind it."""
    return reading.tag_used(Span(source, _start(event), _start(event) + 1))


def _note_anchor(
    source: Source, event: yaml.NodeEvent, anchor: str, unused: dict[str, Diagnostic]
) -> None:
    """Keep the error of an anchor until an alias of it, which is an error itself, is met."""
    if isinstance(event, yaml.AliasEvent):
        unused.pop(anchor, None)
        return
    mark = f"&{anchor}"
    start = source.text.find(mark, _start(event))
    span = Span(source, start, start + len(mark))
    unused[anchor] = reading.anchor_used(span, mark=mark)


def scalar_node(text: Text) -> ScalarNode:
    """Return the scalar that words are, written without quotes."""
    return ScalarNode(text, _kind(text.value), text.span())


def _null(source: Source, event: yaml.Event) -> ScalarNode:
    span = _event_span(source, event)
    return ScalarNode(Text("", source, (span.start,)), "null", span)


def _scalar(source: Source, event: yaml.ScalarEvent) -> ScalarNode:
    start, end = _start(event), _end(event)
    text = scalar_text(source, event.value, start, end)
    span = text.span() if text.value else Span(source, start, max(start, end))
    is_plain = not event.style
    kind = _kind(event.value) if is_plain else "text"
    if kind in ("integer", "number") and _is_boundless(event.value):
        shown = event.value[:_MOST_DIGITS] + "…" * (len(event.value) > _MOST_DIGITS)
        raise Stopped(reading.malformed(span, "a number within bounds", shown, "19.90"))
    return ScalarNode(text, kind, span)


def _is_boundless(number: str) -> bool:
    """Whether a number has more digits, written or meant, than any amount."""
    digits, _, power = number.lower().partition("e")
    exponent = power.lstrip("+-").lstrip("0")
    return len(digits) > _MOST_DIGITS or len(exponent) > 2


def _kind(value: str) -> Kind:
    if value in _NULL:
        return "null"
    if value in _FLAG:
        return "flag"
    if value[0].isalpha():
        return "text"
    if _INTEGER.fullmatch(value):
        return "integer"
    return "number" if _NUMBER.fullmatch(value) else "text"


def _close(source: Source, opened: _Open, event: yaml.Event) -> Node:
    children = [*opened.items, *(entry.value for entry in opened.entries)]
    end = max([_end(event), *(child.span.end for child in children[-1:])])
    if children and _start(event) == _end(event):
        end = children[-1].span.end
    span = Span(source, opened.start, end)
    if opened.is_map:
        return MapNode((), span, {}).having(opened.entries)
    return ListNode(tuple(opened.items), span)


def _add(opened: _Open, node: Node, diagnostics: list[Diagnostic]) -> None:
    if not opened.is_map:
        opened.items.append(node)
    elif opened.key is None:
        opened.key = _key(opened, node, diagnostics)
    else:
        opened.entries.append(Entry(opened.key, node))
        opened.key = None


def _key(opened: _Open, node: Node, diagnostics: list[Diagnostic]) -> Text:
    if not isinstance(node, ScalarNode):
        diagnostics.append(reading.key_is_no_text(node.span))
        return Text("", node.span.source, (node.span.start,))
    first = opened.keys.setdefault(node.value, node.text)
    if first is not node.text:
        diagnostics.append(
            reading.duplicate_key(node.text.span(), key=node.value, first=first.span())
        )
    return node.text


def _yaml_error(source: Source, error: yaml.YAMLError) -> Diagnostic:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        if error.context == "while scanning a simple key" and error.context_mark is not None:
            mark = error.context_mark
        at = min(mark.index, len(source.text))
        return reading.yaml_error(
            Span(source, at, min(at + 1, len(source.text))), error.problem or ""
        )
    if isinstance(error, yaml.reader.ReaderError):
        at = min(int(error.position), len(source.text))
        return reading.strange_character(Span(source, at, min(at + 1, len(source.text))))
    return reading.yaml_error(Span(source, 0, 0), str(error).splitlines()[0])
