"""How deep JSON may be nested where it is walked level by level."""

from __future__ import annotations

from typing import Any

# Levels of lists and objects: more than any schema or sample has, fewer than a walk can go down.
DEEPEST = 100
HOLDING = frozenset((dict, list))


def is_deeper(value: object, most: int) -> bool:
    """Tell whether lists and objects of JSON are nested deeper than so many levels."""
    level: list[Any] = [value] if type(value) in HOLDING else []
    for _ in range(most):
        inside = (one.values() if type(one) is dict else one for one in level)
        level = [inner for members in inside for inner in members if type(inner) in HOLDING]
        if not level:
            return False
    return True
