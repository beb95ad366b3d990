"""Constructs of the language: a class each, its members declared with their keys.

From the one declaration come the shape that a file is validated against, the editor's schema, the
reference page (all by `shape`), and the frozen value with the places of its words (by `bind`).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import (
    Any,
    Self,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    dataclass_transform,
    overload,
)

from msgspec import Struct, StructMeta

from mapgen.report import Span, Text
from mapgen.spec.nodes import Entry, MapNode, Node, ScalarNode, scalar_node
from mapgen.spec.shapes import (
    At,
    Instead,
    Key,
    ListOf,
    MapOf,
    Record,
    Rest,
    Shape,
    Variants,
    Words,
    mapping,
    record_of,
    written,
)

T = TypeVar("T")

# The file that defaults are in.
_DEFAULT = "<default>"


class _Itself(Struct, frozen=True):
    """A member bound from the construct's own node: its keys are keys of the construct."""

    shape: Shape[Any]
    make: Callable[[Node, At], Any]


class _Others(Struct, frozen=True):
    """A member bound from the entries whose keys are none of the construct's."""

    rest: Rest


class _Found(Struct, frozen=True):
    """A member that no key stands for: a place, or what a place tells."""

    find: Callable[[Node, At], Any]


_Member: TypeAlias = Key | _Itself | _Others | _Found


def required(  # noqa: PLR0913 - one parameter a fact about the key
    shape: Shape[T],
    purpose: str,
    *,
    key: str = "",
    goes_with: str | None = None,
    shared: bool = False,
    unless: str = "",
    unless_many: str = "",
) -> T:
    """Declare a member whose key has to be there: always, or where that is it goes with.

    What is `shared` may be said once for all flows of a workspace. Where the key `unless` is there
    it may be left out, and the member is an empty tuple; where a mapping is under `unless_many` it
    has to be.
    """
    return cast(
        T,
        Key(
            shape,
            purpose,
            is_required=goes_with is None,
            goes_with=goes_with,
            name=key,
            default=() if unless else None,
            is_shared=shared,
            unless=unless,
            unless_many=unless_many,
        ),
    )


def others(shape: Shape[T], names: Words, *, beside: str = "") -> tuple[T, ...]:
    """Declare a member for all entries whose keys are none of the construct's."""
    return cast("tuple[T, ...]", _Others(Rest(shape, names, beside)))


class _How(TypedDict, total=False):
    """What else may be said of a key that may be left out."""

    key: str
    goes_with: str
    shared: bool


@overload
def optional(shape: ListOf[T] | MapOf[T], purpose: str, **how: Unpack[_How]) -> tuple[T, ...]: ...
@overload
def optional(shape: Shape[T], purpose: str, **how: Unpack[_How]) -> T | None: ...
@overload
def optional(
    shape: Shape[T],
    purpose: str,
    *,
    key: str = "",
    default: str | Mapping[str, str] | tuple[()],
    shared: bool = False,
) -> T: ...
def optional(
    shape: Shape[Any], purpose: str, *, default: object = None, **how: Unpack[_How]
) -> Any:
    """Declare a member whose key may be left out.

    Then it is `default`, written as in a file; without one nothing, of lists and mappings none.
    What is `shared` may be said once for all flows of a workspace.
    """
    if default is None and isinstance(shape, ListOf | MapOf):
        default = ()
    name, partner, is_shared = how.get("key", ""), how.get("goes_with"), how.get("shared", False)
    return Key(shape, purpose, goes_with=partner, name=name, default=default, is_shared=is_shared)


@overload
def itself(shape: Shape[T]) -> T: ...
@overload
def itself(shape: Shape[Any], make: Callable[[Node, At], T]) -> T: ...
def itself(shape: Shape[T], make: Callable[[Node, At], T] | None = None) -> T:
    """Declare a member that the node of the construct is itself, as `make` has it."""
    return cast(T, _Itself(shape, make or shape.bind))


def found(find: Callable[[Node, At], T]) -> T:
    """Declare a member that is found by the place of the node."""
    return cast(T, _Found(find))


def constant(value: T) -> T:
    """Declare a member that is always the same."""
    return found(lambda node, at: value)


def here() -> Span:
    """Declare the place of the node."""
    return found(lambda node, at: node.span)


def named() -> Text:
    """Declare the key that the node is under."""
    return found(lambda node, at: at.key)


def pointer(below: str = "") -> str:
    """Declare the pointer that leads to the node, or below it."""
    return found(lambda node, at: at.pointer + below)


def key_of(name: str) -> Text | None:
    """Declare the key of the node's mapping, as it is in the file."""
    return found(lambda node, at: node.key(name) if isinstance(node, MapNode) else None)


def said() -> tuple[tuple[str, Span], ...]:
    """Declare all keys of the node's mapping with their places: the value's where it is a word."""
    return found(lambda node, at: tuple(map(_place_of, mapping(node).entries)))


def _place_of(entry: Entry) -> tuple[str, Span]:
    value = entry.value
    span = value.span if isinstance(value, ScalarNode) else entry.key.span()
    return entry.key.value, span


@dataclass_transform(
    frozen_default=True,
    kw_only_default=True,
    field_specifiers=(
        required,
        optional,
        itself,
        others,
        found,
        constant,
        here,
        named,
        pointer,
        key_of,
        said,
    ),
)
class _Declared(StructMeta):
    """Makes a frozen struct of a class whose members are declared."""

    shape: Shape[Any]
    members: Mapping[str, _Member]
    binders: Mapping[str, Callable[[Node, At], Any]]

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        what: str = "",
        instead: tuple[str, type[Construct]] | None = None,
    ) -> Any:
        """Make the class; what a base declares comes behind."""
        declared = {member: how for member, how in namespace.items() if isinstance(how, _Member)}
        rest = {key: value for key, value in namespace.items() if key not in declared}
        made: Any = super().__new__(mcs, name, bases, rest, frozen=True)
        inherited = getattr(bases[0], "members", {}) if bases else {}
        made.members = {
            **declared,
            **{key: inherited[key] for key in inherited if key not in declared},
        }
        of = Instead(instead[0], tuple(record_of(instead[1]).keys)) if instead else None
        made.shape = _shape(what, made.members, of)
        known = made.shape.keys if isinstance(made.shape, Record) else ()
        made.binders = {key: _binder(key, member, known) for key, member in made.members.items()}
        return made


def _shape(what: str, members: Mapping[str, _Member], instead: Instead | None) -> Shape[Any]:
    """Return what a construct is written as: its keys, or the shape that it is itself."""
    keys: dict[str, Key] = {}
    whole: Shape[Any] | None = None
    rest: Rest | None = None
    for name, member in members.items():
        if isinstance(member, Key):
            keys[member.name or name] = member
        elif isinstance(member, _Others):
            rest = member.rest
        elif isinstance(member, _Itself):
            shape = written(member.shape)
            if isinstance(shape, Record):
                keys |= shape.keys
                rest = rest or shape.rest
            else:
                whole = shape
    if isinstance(whole, Variants):
        return Variants(whole.what, whole.kinds, keys, whole.scalar)
    return whole or Record(what, keys, instead, rest)


class Construct(Struct, metaclass=_Declared):
    """A construct of the language."""

    @classmethod
    def plain(cls) -> Self:
        """Return the construct without any key: the defaults alone."""
        return cls.bind(_as_written({}), At("", Text.plain("", _DEFAULT)))

    @classmethod
    def bind(cls, node: Node, at: At) -> Self:
        """Return what a node means that has the shape."""
        return cls(**{name: bind(node, at) for name, bind in cls.binders.items()})


def _binder(name: str, member: _Member, known: Container[str]) -> Callable[[Node, At], Any]:
    """Return what makes the value of a member; `known` are the keys of the construct."""
    match member:
        case _Others(rest):
            return lambda node, at: tuple(
                rest.shape.bind(entry.value, at.under(entry.key))
                for entry in (node.entries if isinstance(node, MapNode) else ())
                if entry.key.value not in known
            )
        case _Found(find):
            return find
        case _Itself(make=make):
            return make
    key, bind, default = member.name or name, member.shape.bind, member.default
    is_written = isinstance(default, str | Mapping)

    def bind_key(node: Node, at: At) -> Any:
        entry = node.by_key.get(key) if isinstance(node, MapNode) else None
        if entry is not None:
            return bind(entry.value, at.under(entry.key))
        if not is_written:
            return default
        return bind(_as_written(default), at.under(Text.plain(key, _DEFAULT)))

    return bind_key


def _as_written(value: object) -> Node:
    if isinstance(value, Mapping):
        entries = {
            key: Entry(Text.plain(key, _DEFAULT), _as_written(one)) for key, one in value.items()
        }
        return MapNode(tuple(entries.values()), Text.plain("", _DEFAULT).span(), entries)
    return scalar_node(Text.plain(str(value), _DEFAULT))
