"""Where values come from: for every expression the source paths that it may come from.

One walk over a checked tree gives one table, and everything that asks after origins reads it:
masking, unused fields, identities, keys, the mapping document, rejections. It never keeps the first
origin alone: of two branches, both count. Two questions are told apart:

* `Origins` says what a *value* is: the places that it is at, what it is computed from, what
  chose it. Objects and lists keep their structure, so that a field of one of two objects is that
  field of both.
* `Lineage.reads` says all that is *read* on the way, conditions included.

What decides which rows there are (`filter`, `where`) belongs to the list, not to the values of each
row; whoever takes one row out (`first()`, `[0]`) depends on it, too. What cannot be traced is
everything: a value of unknown type stands for all that it may hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.agreed.paths import covers, member_path
from mapgen.expression.scope import NOWHERE, Origins, Paths, Scope, either
from mapgen.ir import expression as ir
from mapgen.ir.types import ErrorType, ListOf, MapOf, Object, Type, held, present

# What a path starts with that leads to a lookup table: the table decides on the value, too.
TABLES = "lookups."
# Functions that give elements of a list as they are, in a list again.
_SAME_ELEMENTS = (
    "list(S).distinct()",
    "list(O).sort()",
    "list(T).reverse()",
    "list(T).slice(int, int)",
)
# Functions that take one element out of a list.
_ONE_ELEMENT = ("list(T).first()", "list(T).last()", "list(O).min()", "list(O).max()")
# Functions that give their operand, or nothing.
_INDEX = ("list[index]", "list[?index]", "map[key]", "map[?key]")
_SAME_VALUE = (
    "nonBlank(string?)",
    "optional.ofNonZeroValue(T)",
    "optional.value()",
    "of its kind(T?, name)",
)


class Lineage(Struct, frozen=True):
    """The origins of an expression's value, and all paths read to evaluate it, by first use.

    An object among `reads` stands for whether it is there; `lookups.NAME` for a lookup table.
    """

    value: Origins = NOWHERE
    reads: Paths = ()

    @property
    def fields(self) -> Paths:
        """The source paths alone, those that are only gone through left out."""
        found = [path for path in self.reads if not path.startswith(TABLES)]
        return tuple(
            path for path in found if not any(other.startswith(f"{path}.") for other in found)
        )

    @property
    def tables(self) -> Paths:
        """The lookup tables that the value depends on."""
        return tuple(path.removeprefix(TABLES) for path in self.reads if path.startswith(TABLES))


def trace(code: ir.Expression, scope: Scope) -> Lineage:
    """Return the lineage of a checked expression over the names of a scope."""
    tracer = _Tracer(scope)
    value = tracer.used(code)
    return Lineage(value, tuple(tracer.reads))


def element_of(value: Origins) -> Origins:
    """Return what each element of a list may be."""
    own = Origins(tuple(f"{place}[]" for place in value.places), value.made_of)
    return own if value.element is None else either(own, value.element)


def member_of(value: Origins, name: str) -> Origins:
    """Return what a member of an object may be."""
    places = tuple(member_path(place, name) for place in value.places)
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
        case MapOf(_, inner):
            one = contents(_entry_of(value, kind), inner, around)
            return _merged(everything(value), one)
        case Object():
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


class _Tracer(Struct, frozen=True):
    """Walks one expression in the order in which it is evaluated; `locals` are bound on the way."""

    scope: Scope
    reads: dict[str, None] = field(default_factory=dict)
    locals: dict[int, Origins] = field(default_factory=dict)

    def note(self, paths: Iterable[str]) -> None:
        self.reads.update(dict.fromkeys(paths))

    def used(self, code: ir.Expression) -> Origins:
        """Return the origins of a part whose value is used as it is: it is read."""
        value = self.value(code)
        self.note(behind(value, code.type))
        return value

    def behind(self, code: ir.Expression) -> Paths:
        """Return the paths behind a part that is used."""
        return behind(self.used(code), code.type)

    def value(self, code: ir.Expression) -> Origins:
        """Return the origins of a part, which may only be gone through."""
        match code:
            case ir.Constant() | ir.Regex() | ir.DateFormat() | ir.DocumentField():
                return NOWHERE
            case ir.Variable(name=name):
                binding = self.scope.of_ir(name)
                self.note(binding.reads)
                return binding.origins
            case ir.Local(number=number):
                return self.locals[number]
            case ir.Field(operand=operand, key=key):
                return member_of(self.value(operand), key)
            case ir.Call():
                return self.call(code)
            case ir.Lookup(table=table, keys=keys):
                parts = (self.behind(part) for key in keys for part in key)
                paths = _merged(*parts, (f"{TABLES}{table}",))
                self.note(paths)
                return Origins(made_of=paths)
            case ir.Operation():
                return self.operation(code)
            case ir.Concatenation(parts=parts) | ir.Both(parts=parts) | ir.Either(parts=parts):
                return Origins(made_of=_merged(*map(self.behind, parts)))
            case ir.Negative(operand=operand) | ir.Not(operand=operand):
                return Origins(made_of=self.behind(operand))
            case ir.Widened(operand=operand):
                return self.used(operand)
            case ir.IsPresent(operand=operand):
                found = _own(self.value(operand))
                self.note(found)
                return Origins(made_of=found)
            case ir.Conditional(condition=condition, then=then, otherwise=otherwise):
                decided = self.behind(condition)
                return _decided(either(self.used(then), self.used(otherwise)), decided)
            case ir.OrElse(operand=operand, other=other):
                first = self.used(operand)
                return _decided(either(first, self.used(other)), _own(first))
            case ir.WhenPresent():
                return self.when_present(code)
            case ir.Bound(operand=operand, local=local, value=value):
                self.locals[local.number] = self.used(operand)
                return self.used(value)
            case ir.Attempted(value=value, instead=instead):
                first = self.used(value)
                caught = NOWHERE if instead is None else self.used(instead)
                return _decided(either(first, caught), _own(first))
            case ir.Items(elements=elements):
                values = [self.used(element.value) for element in elements]
                pairs = zip(values, elements, strict=True)
                perhaps = [_own(value) for value, element in pairs if element.is_optional]
                return Origins(element=either(*values), decided_by=_merged(*perhaps))
            case ir.Entries(entries=entries):
                return self.entries(entries)
            case ir.Loop():
                return self.loop(code)
            case _:
                assert_never(code)

    def call(self, code: ir.Call) -> Origins:
        """Return what a function gives: made of all its operands, unless it hands one on."""
        if code.function in _INDEX:
            return self.index(code)
        values = [self.used(operand) for operand in code.arguments]
        behind_each = [
            behind(value, one.type) for value, one in zip(values, code.arguments, strict=True)
        ]
        first, given = (values or [NOWHERE])[0], _merged(*behind_each[1:])
        match code.function:
            case "list + list":
                return either(*values)
            case "list(T?).unwrapOpt()":
                return _decided(first, _own(element_of(first)))
            case "list(list(T)).flatten()":
                inner = element_of(first)
                decided = _merged(_own(first), _own(inner))
                return Origins(element=element_of(inner), decided_by=decided)
            case name if name in _SAME_ELEMENTS:
                return _decided(first, given)
            case name if name in _ONE_ELEMENT:
                return _decided(element_of(first), first.decided_by)
            case name if name in _SAME_VALUE:
                return first
            case _:
                return Origins(made_of=_merged(*behind_each))

    def index(self, code: ir.Call) -> Origins:
        """Return an element of a list, or an entry of a map, which is read as a whole."""
        whole, index = code.arguments
        operand = self.value(whole)
        self.note(_own(operand))
        decided = _merged(operand.decided_by, self.behind(index))
        one = (
            element_of(operand)
            if isinstance(whole.type, ListOf)
            else _entry_of(operand, whole.type)
        )
        return _decided(one, decided)

    def operation(self, code: ir.Operation) -> Origins:
        left, right = self.used(code.left), self.used(code.right)
        # Two objects are equal where all their members are.
        seen = contents if code.operator in ("==", "!=", "in") else behind
        made_of = _merged(seen(left, code.left.type), seen(right, code.right.type))
        self.note(made_of)
        return Origins(made_of=made_of)

    def when_present(self, code: ir.WhenPresent) -> Origins:
        """Return a value that is there where the operand is; a field of it tells so by itself."""
        operand = self.value(code.operand)
        self.locals[code.local.number] = operand
        value = self.value(code.value)
        seen = everything(value)
        asked = [path for path in _own(operand) if not any(covers(path, one) for one in seen)]
        self.note(asked)
        return _decided(value, asked)

    def loop(self, code: ir.Loop) -> Origins:
        operand = self.used(code.over)
        is_map = isinstance(present(code.over.type), MapOf)
        self.bind(code, operand, is_map=is_map)
        decided = _own(operand)
        if operand.keys is not None:  # of entries with one key, one is left
            decided = _merged(decided, everything(operand.keys))
        asked = () if code.condition is None else self.behind(code.condition)
        kept = Origins(element=_key_of(operand), decided_by=decided) if is_map else operand
        if code.kind == "list" and code.key is None and ir.is_local(code.value, code.local):
            return _decided(kept, asked)
        value = self.used(code.value)
        paths = behind(value, code.value.type)
        match code.kind:
            case "sorted":
                return _decided(kept, paths)
            case "grouped":
                members = {"key": Origins(made_of=paths), "rows": _decided(operand, paths)}
                return Origins(element=Origins(members=members), decided_by=_merged(decided, paths))
            case "list":
                return Origins(element=value, decided_by=_merged(decided, asked))
            case "map":
                keys = _key_of(operand) if is_map else NOWHERE
                return Origins(element=value, keys=keys, decided_by=_merged(decided, asked))
            case _:
                return Origins(made_of=_merged(decided, asked, paths))

    def bind(self, code: ir.Loop, operand: Origins, *, is_map: bool) -> None:
        """Note what the variables of a loop stand for: an element, and its position or key."""
        element = element_of(operand)
        if is_map:
            element = _key_of(operand) if code.key is None else _entry_of(operand, code.over.type)
        self.locals[code.local.number] = element
        if code.key is not None:
            position = Origins(decided_by=_own(operand))
            self.locals[code.key.number] = _key_of(operand) if is_map else position

    def entries(self, entries: tuple[ir.Entry, ...]) -> Origins:
        keys, values, perhaps = [], [], list[str]()
        for entry in entries:
            keys.append(self.used(entry.key))
            values.append(self.used(entry.value))
            if entry.is_optional:
                perhaps += _own(values[-1])
        return Origins(element=either(*values), keys=either(*keys), decided_by=_merged(perhaps))


def _entry_of(value: Origins, kind: Type) -> Origins:
    """Return what each value of a map may be; a map of the record without objects is one place."""
    has_members = isinstance(held(kind), Object)
    places = tuple(f"{place}[]" for place in value.places) if has_members else value.places
    own = Origins(places, value.made_of, value.decided_by)
    own = own if value.keys is None else _decided(own, everything(value.keys))
    return own if value.element is None else either(own, value.element)


def _key_of(value: Origins) -> Origins:
    """Return what each key of a map may be."""
    own = Origins(value.places, value.made_of)
    return own if value.keys is None else either(own, value.keys)
