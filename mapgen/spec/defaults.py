"""What all flows say alike, said once: defaults in the place of keys that a spec leaves out.

A key of a section is taken whole, or not at all: a spec that says `retry` says all of it. What is
said of the flow's connection comes before what is said of all.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from msgspec import Struct

from mapgen.report import Text
from mapgen.spec.model import Defaults, Shared
from mapgen.spec.nodes import Entry, MapNode, Node, ScalarNode

_SECTIONS = ("auth", "performance", "security")


class Filled(Struct, frozen=True):
    """A spec with defaults in it, and the keys of those that it takes."""

    root: Node
    taken: tuple[Text, ...]


def filled(root: Node, defaults: Defaults) -> Filled:
    """Return a spec with the defaults of what it leaves out; what is malformed stays as it is."""
    if not isinstance(root, MapNode):
        return Filled(root, ())
    taken: list[Text] = []
    root = _section(root, "auth", defaults.auth, taken)
    connection = _connection(root)
    own = [one for one in defaults.connections if one.connection.value == connection]
    for shared in (*own, defaults):
        for name in _SECTIONS[1:]:
            root = _section(root, name, _of(shared, name), taken)
    return Filled(root, tuple(taken))


def keys_of(defaults: Defaults, connections: Container[str]) -> Iterator[Text]:
    """Yield the keys of all defaults but those of other connections."""
    own = [one for one in defaults.connections if one.connection.value in connections]
    sections = [defaults.auth]
    for shared in (defaults, *own):
        sections += [shared.performance, shared.security]
    for section in sections:
        yield from (entry.key for entry in (section.entries if section is not None else ()))


def _of(shared: Shared, section: str) -> MapNode | None:
    found: MapNode | None = getattr(shared, section)
    return found


def _connection(root: MapNode) -> str | None:
    auth = root.get("auth")
    target = auth.get("target") if isinstance(auth, MapNode) else None
    return target.value if isinstance(target, ScalarNode) else None


def _section(root: MapNode, name: str, shared: MapNode | None, taken: list[Text]) -> MapNode:
    """Return a spec with a section filled; `taken` grows by the keys that it did not have."""
    section = root.get(name)
    new = [
        entry
        for entry in (shared.entries if shared is not None else ())
        if not isinstance(section, MapNode) or entry.key.value not in section.by_key
    ]
    if not new or not isinstance(section, MapNode | None):
        return root
    taken += [entry.key for entry in new]
    if section is None:
        # Where it is missing, it is the flow that lacks what is still needed in it.
        key = Text(name, root.span.source, (root.span.start,) * (len(name) + 1))
        return root.having([*root.entries, Entry(key, root.having(new))])
    merged = section.having([*section.entries, *new])
    return root.having(
        Entry(one.key, merged if one.key.value == name else one.value) for one in root.entries
    )
