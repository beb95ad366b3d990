"""Where values come from: for every expression the source paths that it may come from.

One walk over a checked tree gives one table, and everything that asks after origins reads it:
masking, unused fields, identities, keys, the mapping document, rejections. It never keeps the first
origin alone: of two branches, both count. Two questions are told apart:

* `Origins` says what a *value* is: the places that it stands at, what it is computed from, what
  chose it. Objects and lists keep their structure, so that a field of one of two objects is that
  field of both.
* `Lineage.reads` says all that is *read* on the way, conditions included.

What decides which rows there are (`filter`, `where`) belongs to the list, not to the values of each
row; whoever takes one row out (`first()`, `[0]`) depends on it, too. What cannot be traced is
everything: a value of unknown type stands for all that it may hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.expression.scope import NOWHERE, Binding, Origins, Paths, Scope, either
from mapgen.expression.signature import NAMESPACES
from mapgen.expression.tree import (
    Binary,
    Call,
    Conditional,
    Constant,
    Element,
    Has,
    Index,
    ListTree,
    Macro,
    MapTree,
    Method,
    Name,
    Select,
    Tree,
    Unary,
)
from mapgen.expression.types import (
    ERROR,
    NULL,
    ErrorType,
    ListOf,
    MapOf,
    Object,
    Table,
    Type,
    present,
)

# What a path starts with that leads to a lookup table: the table decides on the value, too.
TABLES = "lookups."
# Methods that give elements of a list as they are, in a list again.
_SAME_ELEMENTS = ("distinct", "sort", "reverse", "slice")
# Methods that take one element out of a list.
_ONE_ELEMENT = ("first", "last", "min", "max")
# Functions that give their operand, or nothing.
_SAME_VALUE = ("nonBlank", "optional.ofNonZeroValue")
_SAME_OPTIONAL = ("orValue", "or", "value")


class Lineage(Struct, frozen=True):
    """The origins of an expression's value, and all paths read to evaluate it, by first use.

    An object among `reads` stands for whether it is there; `lookups.NAME` for a lookup table.
    """

    value: Origins = NOWHERE
    reads: Paths = ()

    @property
    def fields(self) -> Paths:
        """The source paths alone, those that are only gone through left out."""
        paths = [path for path in self.reads if not path.startswith(TABLES)]
        return tuple(
            path for path in paths if not any(other.startswith(f"{path}.") for other in paths)
        )

    @property
    def tables(self) -> Paths:
        """The lookup tables that the value depends on."""
        return tuple(path.removeprefix(TABLES) for path in self.reads if path.startswith(TABLES))


def trace(tree: Tree, types: Mapping[Tree, Type], scope: Scope) -> Lineage:
    """Return the lineage of a checked expression.

    Args:
        tree: the expression.
        types: the type of every node.
        scope: the names it uses, with the origins of each.
    """
    tracer = _Tracer(types)
    value = tracer.used(tree, scope.bindings)
    return Lineage(value, tuple(tracer.reads))


def element_of(value: Origins) -> Origins:
    """Return what each element of a list may be."""
    own = Origins(tuple(f"{place}[]" for place in value.places), value.made_of)
    return own if value.element is None else either(own, value.element)


def member_of(value: Origins, name: str) -> Origins:
    """Return what a member of an object may be."""
    places = tuple(f"{place}.{name}" for place in value.places)
    own = Origins(places, value.made_of, value.decided_by)
    known = value.members.get(name)
    return own if known is None else either(own, known)


def behind(value: Origins, kind: Type) -> Paths:
    """Return the paths behind a value as functions see it: into lists, never into objects."""
    match present(kind):
        case ListOf(element) if value.element is not None:
            return _merged(_own(value), behind(value.element, element))
        case MapOf(key, inner):
            keys = () if value.keys is None else behind(value.keys, key)
            found = () if value.element is None else behind(value.element, inner)
            return _merged(_own(value), keys, found)
        case ErrorType():
            return everything(value)
        case _:
            return _own(value)


def contents(value: Origins, kind: Type, around: frozenset[str] = frozenset()) -> Paths:
    """Return the paths of all that a value holds, as whoever compares it sees it."""
    match present(kind):
        case ListOf(element):
            return _merged(_own(value), contents(element_of(value), element, around))
        case Object(name=name, fields=fields) if name not in around:
            inner = (
                contents(member_of(value, key), member, around | {name})
                for key, member in fields.items()
            )
            return _merged(_own(value), *inner)
        case Object() | MapOf():
            return everything(value)
        case _:
            return behind(value, kind)


def everything(value: Origins) -> Paths:
    """Return all paths that are anywhere in the origins of a value."""
    inside = [value.element, value.keys, *value.members.values()]
    return _merged(_own(value), *(everything(one) for one in inside if one is not None))


def _own(value: Origins) -> Paths:
    return _merged(value.places, value.made_of, value.decided_by)


def _merged(*paths: Iterable[str]) -> Paths:
    return tuple(dict.fromkeys(chain.from_iterable(paths)))


def _decided(value: Origins, paths: Iterable[str]) -> Origins:
    """Return a value that these paths had a say in."""
    return replace(value, decided_by=_merged(value.decided_by, paths))


_Names = Mapping[str, Binding]


class _Tracer(Struct, frozen=True):
    """Walks one tree in the order in which it is evaluated."""

    types: Mapping[Tree, Type]
    reads: dict[str, None] = field(default_factory=dict)

    def type(self, tree: Tree) -> Type:
        return self.types.get(tree, ERROR)

    def note(self, paths: Iterable[str]) -> None:
        self.reads.update(dict.fromkeys(paths))

    def used(self, tree: Tree, names: _Names) -> Origins:
        """Return the origins of a part whose value is used as it is: it is read."""
        value = self.value(tree, names)
        self.note(behind(value, self.type(tree)))
        return value

    def behind(self, tree: Tree, names: _Names) -> Paths:
        """Return the paths behind a part that is used."""
        return behind(self.used(tree, names), self.type(tree))

    def value(self, tree: Tree, names: _Names) -> Origins:
        """Return the origins of a part, which may only be gone through."""
        match tree:
            case Constant():
                return NOWHERE
            case Name(name=name):
                return self.name(name, names)
            case Select():
                return self.select(tree, names)
            case Index():
                return self.index(tree, names)
            case Has(path=path):
                found = _own(self.value(path, names))
                self.note(found)
                return Origins(made_of=found)
            case Call(name="coalesce", arguments=arguments):
                return self.first_there(arguments, names)
            case Call(name=name, arguments=arguments):
                return self.function(name, arguments, names)
            case Method():
                return self.method(tree, names)
            case Macro(name="optMap" | "optFlatMap"):
                return self.optional_macro(tree, names)
            case Macro(name="bind", operand=operand, variables=(variable,), body=body):
                binding = Binding(ERROR, self.used(operand, names))
                return self.used(body, {**names, variable.name: binding})
            case Macro():
                return self.macro(tree, names)
            case Unary(operand=operand):
                return Origins(made_of=self.behind(operand, names))
            case Binary():
                return self.binary(tree, names)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                decided = self.behind(condition, names)
                return _decided(
                    either(self.used(then, names), self.used(otherwise, names)), decided
                )
            case ListTree(elements=elements):
                return self.list(elements, names)
            case MapTree():
                return self.map(tree, names)
            case _:
                assert_never(tree)

    def list(self, elements: tuple[Element, ...], names: _Names) -> Origins:
        values = [self.used(element.value, names) for element in elements]
        pairs = zip(values, elements, strict=True)
        perhaps = [_own(value) for value, element in pairs if element.is_optional]
        return Origins(element=either(*values), decided_by=_merged(*perhaps))

    def name(self, name: str, names: _Names) -> Origins:
        binding = names.get(name)
        if binding is None:
            return NOWHERE  # a namespace: `math`
        self.note(binding.reads)
        return binding.origins

    def select(self, tree: Select, names: _Names) -> Origins:
        operand = self.value(tree.operand, names)
        if isinstance(present(self.type(tree.operand)), MapOf):
            # A map's keys are no fields of the schema: the map is read as a whole.
            self.note(_own(operand))
            return _entry_of(operand)
        return member_of(operand, tree.field)

    def index(self, tree: Index, names: _Names) -> Origins:
        kind = present(self.type(tree.operand))
        if isinstance(kind, Table):
            paths = _merged(self.behind(tree.index, names), (f"{TABLES}{kind.name}",))
            self.note(paths)
            return Origins(made_of=paths)
        operand = self.value(tree.operand, names)
        self.note(_own(operand))
        decided = _merged(operand.decided_by, self.behind(tree.index, names))
        one = _entry_of(operand) if isinstance(kind, MapOf) else element_of(operand)
        return _decided(one, decided)

    def first_there(self, trees: Iterable[Tree], names: _Names) -> Origins:
        """Return what is one of several values: the first that is there."""
        values = [self.used(tree, names) for tree in trees]
        return _decided(either(*values), chain.from_iterable(map(_own, values[:-1])))

    def method(self, tree: Method, names: _Names) -> Origins:
        operand = tree.operand
        if isinstance(operand, Name) and operand.name in NAMESPACES and operand.name not in names:
            name = f"{operand.name}.{tree.name}"
            if name == "optional.of":
                return self.used(tree.arguments[0], names)
            return self.function(name, tree.arguments, names)
        if tree.name in _SAME_OPTIONAL:
            return self.first_there((operand, *tree.arguments), names)
        return self.function(tree.name, (operand, *tree.arguments), names)

    def function(self, name: str, operands: tuple[Tree, ...], names: _Names) -> Origins:
        """Return what a function gives: made of all its operands, unless it hands one on."""
        values = [self.used(operand, names) for operand in operands]
        if not values:
            return NOWHERE
        first, others = values[0], zip(values[1:], operands[1:], strict=True)
        given = _merged(*(behind(value, self.type(tree)) for value, tree in others))
        is_list = isinstance(present(self.type(operands[0])), ListOf)
        if is_list and name == "unwrapOpt":
            return _decided(first, _own(element_of(first)))
        if is_list and name in _SAME_ELEMENTS:
            return _decided(first, given)
        if is_list and name in _ONE_ELEMENT:
            return _decided(element_of(first), first.decided_by)
        if is_list and name == "flatten":
            inner = element_of(first)
            decided = _merged(_own(first), _own(inner))
            return Origins(element=element_of(inner), decided_by=decided)
        if name in _SAME_VALUE:
            return first
        return Origins(made_of=_merged(behind(first, self.type(operands[0])), given))

    def binary(self, tree: Binary, names: _Names) -> Origins:
        left, right = self.used(tree.left, names), self.used(tree.right, names)
        kinds = self.type(tree.left), self.type(tree.right)
        if tree.operator == "+" and isinstance(kinds[0], ListOf):
            return either(left, right)
        seen = behind
        if tree.operator in ("==", "!=", "in") and NULL not in kinds:
            seen = contents  # two objects are equal where all their members are
        made_of = _merged(seen(left, kinds[0]), seen(right, kinds[1]))
        self.note(made_of)
        return Origins(made_of=made_of)

    def optional_macro(self, tree: Macro, names: _Names) -> Origins:
        operand = self.used(tree.operand, names)
        inner = {**names, tree.variables[0].name: Binding(ERROR, operand)}
        return _decided(self.used(tree.body, inner), _own(operand))

    def macro(self, tree: Macro, names: _Names) -> Origins:
        operand = self.used(tree.operand, names)
        kind = present(self.type(tree.operand))
        inner = {**names, **dict(_variables(tree, operand, kind))}
        decided = _own(operand)
        if operand.keys is not None:  # of entries with one key, one is left
            decided = _merged(decided, everything(operand.keys))
        if tree.condition is not None:
            decided = _merged(decided, self.behind(tree.condition, inner))
        body = self.used(tree.body, inner)
        paths = behind(body, self.type(tree.body))
        match tree.name:
            case "filter" | "sortBy":
                kept = operand
                if isinstance(kind, MapOf):
                    kept = Origins(element=_key_of(operand), decided_by=decided)
                return _decided(kept, paths)
            case "groupBy":
                members = {"key": Origins(made_of=paths), "rows": _decided(operand, paths)}
                return Origins(element=Origins(members=members), decided_by=_merged(decided, paths))
            case "map" | "transformList":
                return Origins(element=body, decided_by=decided)
            case "transformMap":
                keys = _key_of(operand) if isinstance(kind, MapOf) else NOWHERE
                return Origins(element=body, keys=keys, decided_by=decided)
            case _:
                return Origins(made_of=_merged(decided, paths))

    def map(self, tree: MapTree, names: _Names) -> Origins:
        keys, values, perhaps = [], [], list[str]()
        for entry in tree.entries:
            keys.append(self.used(entry.key, names))
            values.append(self.used(entry.value, names))
            if entry.is_optional:
                perhaps += _own(values[-1])
        return Origins(element=either(*values), keys=either(*keys), decided_by=_merged(perhaps))


def _entry_of(value: Origins) -> Origins:
    """Return what each value of a map may be; one of the record is a place as a whole."""
    own = Origins(value.places, value.made_of, value.decided_by)
    own = own if value.keys is None else _decided(own, everything(value.keys))
    return own if value.element is None else either(own, value.element)


def _key_of(value: Origins) -> Origins:
    """Return what each key of a map may be."""
    own = Origins(value.places, value.made_of)
    return own if value.keys is None else either(own, value.keys)


def _variables(tree: Macro, operand: Origins, kind: Type) -> Iterator[tuple[str, Binding]]:
    """Yield what the variables of a macro stand for: an element, or a position or key before it."""
    names = [variable.name for variable in tree.variables]
    if not isinstance(kind, MapOf):
        found = [Origins(decided_by=_own(operand)), element_of(operand)][-len(names) :]
    else:
        found = [_key_of(operand), _entry_of(operand)][: len(names)]
    for name, origins in zip(names, found, strict=True):
        yield name, Binding(ERROR, origins)
