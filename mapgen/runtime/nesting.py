"""How deep JSON may be nested where it is walked level by level."""

from __future__ import annotations

from collections.abc import Iterable

# Levels of lists and objects: more than any schema or sample has, fewer than a walk can go down.
DEEPEST = 100


def is_deeper(value: object, most: int) -> bool:
    """Tell whether lists and objects are nested in each other deeper than so many levels."""
    level = [value]
    for _ in range(most):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterable[object]:
    """Return what a value holds that may hold something itself."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))
