"""What an expression may name: each name's type, and where in the source its value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.ir.expression import Expression, Local, Variable
from mapgen.ir.names import new_name
from mapgen.ir.types import Type
from mapgen.report import Span, Text

# The names along a plain path: `order.customer.id`.
Path = tuple[str, ...]

# Source paths, each once, by first use: `order.name`, `order.line_items[].sku`.
Paths = tuple[str, ...]


class Origins(Struct, frozen=True):
    """Where a value may come from.

    `places` are where it is in the source, as it is; what lies below it, lies below them.
    `made_of` are the paths that it is computed from, `decided_by` those that chose it among others.
    A list or a map that an expression makes has the origins of all its elements in `element`, those
    of its keys in `keys`; an object has those of its `members`.
    """

    places: Paths = ()
    made_of: Paths = ()
    decided_by: Paths = ()
    element: Origins | None = None
    keys: Origins | None = None
    members: Mapping[str, Origins] = field(default_factory=dict)


NOWHERE = Origins()


def at(path: str) -> Origins:
    """Return the origins of what is at one place of the source."""
    return Origins((path,))


def either(*several: Origins) -> Origins:
    """Return the origins of a value that may be any of several: all of theirs."""
    names = dict.fromkeys(name for one in several for name in one.members)
    return Origins(
        _united(one.places for one in several),
        _united(one.made_of for one in several),
        _united(one.decided_by for one in several),
        _any(one.element for one in several),
        _any(one.keys for one in several),
        {name: either(*(one.members.get(name, NOWHERE) for one in several)) for name in names},
    )


def _any(several: Iterable[Origins | None]) -> Origins | None:
    known = [one for one in several if one is not None]
    return either(*known) if known else None


def _united(several: Iterable[Paths]) -> Paths:
    return tuple(dict.fromkeys(chain.from_iterable(several)))


class Values(Struct, frozen=True):
    """The texts that may be at a path: those named, or all others."""

    named: frozenset[str]
    are_others: bool = False

    def allow(self, value: str) -> bool:
        """Tell whether a value may be there."""
        return (value in self.named) != self.are_others

    def also(self, other: Values) -> Values:
        """Return the values that both allow."""
        if self.are_others and other.are_others:
            return Values(self.named | other.named, True)
        if self.are_others:
            return Values(other.named - self.named)
        return Values(frozenset(one for one in self.named if other.allow(one)))

    def or_else(self, other: Values) -> Values:
        """Return the values that one of both allows."""
        if self.are_others and other.are_others:
            return Values(self.named & other.named, True)
        if self.are_others or other.are_others:
            all_but, some = (self, other) if self.are_others else (other, self)
            return Values(all_but.named - some.named, True)
        return Values(self.named | other.named)


class Binding(Struct, frozen=True):
    """One name's type, and the origins of its value.

    `reads` is what was read to evaluate it: of a `let`, conditions included. `local` is what a name
    that the expression itself binds is in the ir, `code` what a `let` stands for, `argument` what a
    parameter of a part does.
    """

    type: Type
    origins: Origins = NOWHERE
    reads: Paths = ()
    local: Local | None = None
    code: Expression | None = None
    argument: Expression | None = None


class Named(Struct, frozen=True):
    """An expression that is called by a name: its text, and the types of its parameters.

    `reads` are the paths below its parameters that it reads, each with the place where it does,
    `functions` those that it may call itself. Where it is not right, that is reported where it is
    written; `is_open`: it is being checked, so that it is called by itself.
    """

    name: Text
    text: Text
    takes: Mapping[str, Type]
    reads: Mapping[str, Span]
    functions: Mapping[str, Named]
    is_right: bool = True
    is_open: bool = False


class Scope(Struct, frozen=True):
    """All names that an expression may use.

    `functions` are the expressions that it may call. `behind` are names of the ir that it cannot
    use: arguments are made of them. `of_part`: what is decided here may be decided by arguments.
    `present` are the paths that a condition around the expression has shown to be there, `values`
    what it says of the values at others. `taken`
    are those shown around the part: each is a binding of its own, by a name that nobody can write.
    """

    bindings: Mapping[str, Binding]
    functions: Mapping[str, Named] = {}
    behind: Mapping[str, Binding] = {}
    of_part: bool = False
    present: frozenset[Path] = frozenset()
    values: Mapping[Path, Values] = {}
    taken: Mapping[Path, str] = {}

    @property
    def names(self) -> list[str]:
        """The names that can be written."""
        return [name for name in self.bindings if name not in self.taken.values()]

    def taking(self, path: Path, binding: Binding) -> Scope:
        """Return this scope with the value at a path, which is there, as a name of its own."""
        name = self.free_name(f"{'.'.join(path)}!")
        return replace(self.with_(name, binding), taken={**self.taken, path: name})

    def with_(self, name: str, binding: Binding) -> Scope:
        """Return this scope with one more name; its value keeps apart from those behind it."""
        behind, hidden = dict(self.behind), self.bindings.get(name)
        if hidden is not None and hidden.argument is None:
            behind.setdefault(name, hidden)
        if isinstance(binding.argument, Variable):
            behind[binding.argument.name] = binding
        return replace(self, bindings={**self.bindings, name: binding}, behind=behind)

    def inside(self, bindings: Mapping[str, Binding], functions: Mapping[str, Named]) -> Scope:
        """Return the scope of a part that is used here: it knows its parameters alone."""
        behind = {**self.bindings, **self.behind}
        return Scope(bindings, functions, behind, of_part=True)

    def free_name(self, name: str) -> str:
        """Return a name of the ir for something new: the name itself, unless it is in use."""
        return new_name(name, {*self.bindings, *self.behind})

    @property
    def lets(self) -> Mapping[str, Expression]:
        """What names of the ir stand for."""
        known = {**self.bindings, **self.behind}
        return {name: one.code for name, one in known.items() if one.code is not None}

    def of_ir(self, name: str) -> Binding:
        """Return what a name of the ir is bound to."""
        return self.behind.get(name) or self.bindings[name]
