"""What may be where in a YAML file, as data, and the walk that holds a file against it.

One description serves the reader, the editor's schema and the reference page, so that they cannot
drift. A shape tells by `bind` what a node that has it means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from mapgen.report import Text
from mapgen.spec.nodes import ListNode, MapNode, Node, ScalarNode

T = TypeVar("T")
S = TypeVar("S")
T_co = TypeVar("T_co", covariant=True)


class At(Struct, frozen=True):
    """Where a node is: the pointer that leads to it, and the nearest key above it."""

    pointer: str
    key: Text

    def under(self, key: Text) -> At:
        """Return the place of what is under a key."""
        return At(f"{self.pointer}/{key.value}" if self.pointer else key.value, key)

    def item(self, number: int) -> At:
        """Return the place of an item of the list that is here."""
        return At(f"{self.pointer}/{number}", self.key)


class Shape(Protocol[T_co]):
    """What may be somewhere. A construct is the shape of the mappings it is written as."""

    def bind(self, node: Node, at: At) -> T_co:
        """Return what a node means that has the shape."""


class Words(Struct, frozen=True):
    """A scalar taken as text; `pattern` says how it is written, `example` shows it.

    What may hold a secret (`is_secret`) is not shown where it is written in another way.
    """

    what: str = "text"
    pattern: str | None = None
    example: str = ""
    choices: tuple[str, ...] = ()
    is_secret: bool = False

    def bind(self, node: Node, at: At) -> Text:
        return scalar(node).text


class Formula(Struct, frozen=True):
    """An expression: a scalar of any kind."""

    what: str = "an expression"

    def bind(self, node: Node, at: At) -> Text:
        return scalar(node).text


class Whole(Struct, frozen=True):
    """A whole number of at least `least`."""

    least: int = 0

    def bind(self, node: Node, at: At) -> ScalarNode:
        return scalar(node)


class Literal(Struct, frozen=True):
    """A constant: text, number, or true/false."""

    def bind(self, node: Node, at: At) -> ScalarNode:
        return scalar(node)


class Anything(Struct, frozen=True):
    """Any YAML value: data that stands for itself."""

    def bind(self, node: Node, at: At) -> Node:
        return node


class ListOf(Struct, Generic[T], frozen=True):
    """A list of at least `least`; a single value may be alone where `or_single`."""

    item: Shape[T]
    or_single: bool = False
    least: int = 0

    def bind(self, node: Node, at: At) -> tuple[T, ...]:
        items = node.items if isinstance(node, ListNode) else (node,)
        return tuple(self.item.bind(item, at.item(number)) for number, item in enumerate(items))


class MapOf(Struct, Generic[T], frozen=True):
    """A mapping from names of the author's choice; `names` says how they are written.

    The keys `known` have a meaning of their own: they are no entries.
    """

    value: Shape[T]
    what: str = "a mapping"
    names: Words | None = None
    least: int = 0
    known: Mapping[str, Key] = {}

    def bind(self, node: Node, at: At) -> tuple[T, ...]:
        entries = (one for one in mapping(node).entries if one.key.value not in self.known)
        return tuple(self.value.bind(entry.value, at.under(entry.key)) for entry in entries)


class OneOrMap(Struct, Generic[S, T], frozen=True):
    """A single value, or a mapping of several."""

    one: Shape[S]
    several: MapOf[T]

    def bind(self, node: Node, at: At) -> S | tuple[T, ...]:
        if isinstance(node, MapNode):
            return self.several.bind(node, at)
        return self.one.bind(node, at)


class As(Struct, Generic[S, T], frozen=True):
    """A shape whose nodes mean what `make` makes of their value and place."""

    shape: Shape[S]
    make: Callable[[S, At], T]

    def bind(self, node: Node, at: At) -> T:
        return self.make(self.shape.bind(node, at), at)


def keyed(shape: Shape[T]) -> As[T, tuple[Text, T]]:
    """Return the shape of a value that means a pair: the key above it, and itself."""
    return As(shape, lambda value, at: (at.key, value))


class Key(Struct, frozen=True):
    """A key of a record: what is under it, what it is for, whether it has to be there.

    `goes_with` is another key of the record that has to be there, too, wherever this one is. `name`
    is the key where a member of a construct is called otherwise; where the key is left out, the
    member is `default`, written as in a file or a value. What `is_shared` may be said once for all
    flows of a workspace. Where the key `unless` is there, this one may be left out; where a mapping
    is under the key `unless_many`, it has to be.
    """

    shape: Shape[Any]
    purpose: str
    is_required: bool = False
    goes_with: str | None = None
    name: str = ""
    default: object = None
    is_shared: bool = False
    unless: str = ""
    unless_many: str = ""

    def is_needed_by(self, record: MapNode) -> bool:
        """Whether a record lacks the key where it is left out."""
        return self.is_required and self.unless not in record.by_key and not self.is_idle_in(record)

    def is_idle_in(self, record: MapNode) -> bool:
        """Whether the key has nothing to say in a record."""
        return bool(self.unless_many) and isinstance(record.get(self.unless_many), MapNode)


class Rest(Struct, frozen=True):
    """What is under keys of the author's choice, beside the known ones of a record.

    They may be there where the key `beside` is; without one, always. `names` says how they are
    written.
    """

    shape: Shape[Any]
    names: Words
    beside: str = ""


class Instead(Struct, frozen=True):
    """A key that is in place of others: either it, or those of them that are needed."""

    key: str
    of: tuple[str, ...]


class Record(Struct, frozen=True):
    """A mapping with known keys, and perhaps others."""

    what: str
    keys: Mapping[str, Key]
    instead: Instead | None = None
    rest: Rest | None = None

    def bind(self, node: Node, at: At) -> MapNode:
        return mapping(node)


class Variants(Struct, Generic[T], frozen=True):
    """A mapping that says which kind it is by one of the keys of `kinds`.

    `shared` keys may be with every kind; a scalar alone is read as `scalar`.
    """

    what: str
    kinds: Mapping[str, Shape[T]]
    shared: Mapping[str, Key] = {}
    scalar: Shape[T] | None = None

    def bind(self, node: Node, at: At) -> T:
        if self.scalar is not None and isinstance(node, ScalarNode):
            return self.scalar.bind(node, at)
        return self.kinds[self.telling(mapping(node))[0].value].bind(node, at)

    def record(self, kind: Shape[T]) -> Record:
        """Return what a kind is written as, with the shared keys."""
        own = record_of(kind)
        return Record(own.what, {**own.keys, **self.shared}, own.instead, own.rest)

    def telling(self, node: MapNode) -> list[Text]:
        """Return the keys that tell the kind: one, in a spec without a mistake."""
        kinds: dict[int, Text] = {}
        for entry in node.entries:
            if entry.key.value in self.kinds:
                kinds.setdefault(id(self.kinds[entry.key.value]), entry.key)
        found = [*kinds.values()]
        return [key for key in found if not self._belongs(key, found)]

    def _belongs(self, key: Text, found: list[Text]) -> bool:
        """Whether a key that could tell the kind is an ordinary key of another kind found."""
        others = (other for other in found if other is not key)
        return any(key.value in record_of(self.kinds[other.value]).keys for other in others)


class Named(Struct, Generic[T], frozen=True):
    """A shape by name, so that a shape may hold itself."""

    name: str
    named: Callable[[], Shape[T]]

    def bind(self, node: Node, at: At) -> T:
        return self.named().bind(node, at)


def written(shape: Shape[Any]) -> Shape[Any]:
    """Return how something is written: the shape behind a construct, or behind a meaning."""
    match shape:
        case type() | As():
            inner: Shape[Any] = shape.shape  # type: ignore[union-attr]  # a construct has one
            return written(inner)
        case _:
            return shape


def record_of(shape: Shape[Any]) -> Record:
    """Return the record that a construct is written as."""
    found = written(shape)
    assert isinstance(found, Record)
    return found


def scalar(node: Node) -> ScalarNode:
    """Return a node that is known to be a scalar."""
    assert isinstance(node, ScalarNode)
    return node


def mapping(node: Node) -> MapNode:
    """Return a node that is known to be a mapping."""
    assert isinstance(node, MapNode)
    return node
