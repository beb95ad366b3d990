"""How deep JSON may be nested where it is walked level by level."""

from __future__ import annotations

# Levels of lists and objects: more than any schema or sample has, fewer than a walk can go down.
DEEPEST = 100
HOLDING = (dict, list)


def is_deeper(value: object, most: int) -> bool:
    """Tell whether lists and objects are nested in each other deeper than so many levels."""
    level = [value] if isinstance(value, HOLDING) else []
    for _ in range(most):
        inside = (one.values() if isinstance(one, dict) else one for one in level)
        level = [inner for members in inside for inner in members if isinstance(inner, HOLDING)]
        if not level:
            return False
    return True
