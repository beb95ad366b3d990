"""What an expression may name: each name's type, and where in the source its value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from msgspec import Struct, field

from mapgen.ir.expression import Expression, Local
from mapgen.ir.types import Type

# Source paths, each once, by first use: `order.name`, `order.line_items[].sku`.
Paths = tuple[str, ...]


class Origins(Struct, frozen=True):
    """Where a value may come from.

    `places` are where it stands in the source, as it is; what lies below it, lies below them.
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
    """Return the origins of what stands at one place of the source."""
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


class Binding(Struct, frozen=True):
    """One name's type, and the origins of its value.

    `reads` is what was read to evaluate it: of a `let`, conditions included. `local` is what a name
    that the expression itself binds is in the ir, `code` what a `let` stands for.
    """

    type: Type
    origins: Origins = NOWHERE
    reads: Paths = ()
    local: Local | None = None
    code: Expression | None = None


class Scope(Struct, frozen=True):
    """All names that an expression may use."""

    bindings: Mapping[str, Binding]

    def with_(self, name: str, binding: Binding) -> Scope:
        """Return this scope with one more name."""
        return Scope({**self.bindings, name: binding})
