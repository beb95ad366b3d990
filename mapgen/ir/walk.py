"""All nodes of the ir, in one walk."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import astuple

from mapgen.ir.types import Kind


class _Holding(dict[type, bool]):
    """Whether what is of a class is a node, or a tuple, which may have some: no type, no word."""

    def __missing__(self, kind: type) -> bool:
        self[kind] = found = issubclass(kind, Struct | tuple) and not issubclass(kind, Kind)
        return found


HOLDS_NODES = _Holding()


def nodes(node: object) -> Iterator[Struct]:
    """Yield a node, or those of a tuple, and all nodes inside, in the order of the members."""
    waiting = [node] if HOLDS_NODES[type(node)] else []
    while waiting:
        one = waiting.pop()
        inside = one
        if isinstance(one, Struct):
            yield one
            inside = astuple(one)
        assert isinstance(inside, tuple)
        waiting += [part for part in reversed(inside) if HOLDS_NODES[type(part)]]
