"""A JSON Schema in, how many places a record of it may have: references may branch without end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MOST_PLACES = 50_000
"""The largest schemas of shops have some thousand; each is a name in checks and messages."""
DEEPEST = 150
"""How many objects, lists and references may lead into each other."""


def places(schema: Mapping[str, object], behind: Callable[[str], object]) -> int:
    """Return the places of a schema, those behind a reference once for each that leads there.

    A definition that holds itself is gone down once.

    Args:
        schema: the whole schema.
        behind: gives the schema that a reference leads to.

    Raises RecursionError where it is nested too deep.
    """
    known: dict[str, int] = {}

    def within(part: object, depth: int) -> int:
        if not isinstance(part, Mapping):
            return 0
        if depth > DEEPEST:
            raise RecursionError
        reference = part.get("$ref")
        count = 1 + (led(reference, depth + 1) if isinstance(reference, str) else 0)
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            count += sum(within(one, depth + 1) for one in properties.values())
        return count + within(part.get("items"), depth + 1)

    def led(reference: str, depth: int) -> int:
        if reference not in known:
            known[reference] = 0  # what is open already counts once
            known[reference] = within(behind(reference), depth)
        return known[reference]

    return within(schema, 0)
