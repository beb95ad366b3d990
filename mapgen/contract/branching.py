"""A JSON Schema in, how many places a record of it may have: references may branch without end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

MOST_PLACES = 50_000
"""The largest schemas of shops have some thousand; each is a name in checks and messages."""


def places(schema: Mapping[str, object], behind: Callable[[str], object]) -> int:
    """Return the places of a schema, those behind a reference once for each that leads there.

    A definition that holds itself is gone down once.

    Args:
        schema: the whole schema.
        behind: gives the schema that a reference leads to.

    Raises RecursionError where it is nested too deep.
    """
    known: dict[str, int] = {}

    def within(part: object) -> int:
        if not isinstance(part, Mapping):
            return 0
        reference = part.get("$ref")
        count = 1 + (led(reference) if isinstance(reference, str) else 0)
        properties = part.get("properties")
        if isinstance(properties, Mapping):
            count += sum(map(within, properties.values()))
        return count + within(part.get("items"))

    def led(reference: str) -> int:
        if reference not in known:
            known[reference] = 0  # what is open already counts once
            known[reference] = within(behind(reference))
        return known[reference]

    return within(schema)
