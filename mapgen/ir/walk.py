"""All nodes of the ir, in one walk."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import astuple

from mapgen.ir.types import Kind


def nodes(node: object) -> Iterator[Struct]:
    """Yield a node, or those of a tuple, and all nodes inside, in the order of the members."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Struct) and not isinstance(one, Kind):
            yield one
            waiting.extend(reversed(astuple(one)))
        elif isinstance(one, tuple):
            waiting.extend(reversed(one))
