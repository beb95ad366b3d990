"""What all flows say alike, said once: defaults in the place of keys that a spec leaves out.

A key of a section is taken whole, or not at all: a spec that says `retry` says all of it. What is
said of the flow's connection comes before what is said of its mode, and that before what is said of
all. Data classes of a schema come beside those of the flow.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from msgspec import Struct

from mapgen.report import Text
from mapgen.spec.model import Classified, Defaults, Shared
from mapgen.spec.nodes import Entry, MapNode, Node, ScalarNode, scalar_node

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
    own: list[Shared] = [one for one in defaults.connections if one.connection.value == connection]
    mode = _mode([root.get("performance"), *(one.performance for one in (*own, defaults))])
    own += [one for one in defaults.modes if one.mode.value == mode]
    for shared in (*own, defaults):
        for name in _SECTIONS[1:]:
            root = _section(root, name, _of(shared, name), taken)
    written = {*_entities(root)}
    of_entities = [one.security for one in defaults.entities if one.entity.value in written]
    if len(of_entities) == 1:  # of several, the flow has to say which
        root = _section(root, "security", of_entities[0], taken)
    return Filled(_classified(root, defaults, taken), tuple(taken))


def keys_of(defaults: Defaults, connections: Container[str]) -> Iterator[Text]:
    """Yield the keys of all defaults but those of other connections."""
    own = [one for one in defaults.connections if one.connection.value in connections]
    sections = [defaults.auth]
    for shared in (defaults, *own, *defaults.modes):
        sections += [shared.performance, shared.security]
    sections += [one.security for one in defaults.entities]
    for section in sections:
        yield from (entry.key for entry in (section.entries if section is not None else ()))
    yield from (one.schema for one in defaults.classified)


def _of(shared: Shared, section: str) -> MapNode | None:
    found: MapNode | None = getattr(shared, section)
    return found


def _connection(root: MapNode) -> str | None:
    auth = root.get("auth")
    target = auth.get("target") if isinstance(auth, MapNode) else None
    return target.value if isinstance(target, ScalarNode) else None


def _mode(sections: Iterable[Node | None]) -> str | None:
    """Return the mode that the nearest section says."""
    said = (section.get("mode") for section in sections if isinstance(section, MapNode))
    return next((mode.value for mode in said if isinstance(mode, ScalarNode)), None)


def _classified(root: MapNode, defaults: Defaults, taken: list[Text]) -> MapNode:
    """Return a spec with the data classes of the schemas that it reads beside its own.

    They stand for those that it leaves out where nothing that it reads is without them.
    """
    section, read = root.get("security"), [*_schemas(root)]
    known = {one.schema.value: one for one in defaults.classified}
    found = [(prefix, known[schema]) for prefix, schema in read if schema in known]
    if not isinstance(section, MapNode) or not found:
        return root
    own = section.get("data")
    if not isinstance(own, MapNode) and (own is not None or len(found) < len(read)):
        return root
    taken += [one.schema for _, one in found]
    there = own.by_key if isinstance(own, MapNode) else {}
    new = [entry for prefix, one in found for entry in _classes(prefix, one)]
    data = section.having(
        [*there.values(), *(entry for entry in new if entry.key.value not in there)]
    )
    at = section.key("data") or _missing("data", section)
    kept = (one for one in section.entries if one.key.value != "data")
    secure = section.having([*kept, Entry(at, data)])
    return root.having(
        Entry(one.key, secure if one.key.value == "security" else one.value) for one in root.entries
    )


def _entities(root: MapNode) -> Iterator[str]:
    """Yield the entities whose documents a spec writes."""
    mapping = root.get("mapping")
    several = mapping.get("documents") if isinstance(mapping, MapNode) else None
    documents = several.entries if isinstance(several, MapNode) else ()
    for one in (mapping, *(entry.value for entry in documents)):
        target = one.get("target") if isinstance(one, MapNode) else None
        entity = target.get("entity") if isinstance(target, MapNode) else None
        if isinstance(entity, ScalarNode):
            yield entity.value


def _schemas(root: MapNode) -> Iterator[tuple[str, str]]:
    """Yield what rules call the records that a spec reads, and their schemas."""
    mapping = root.get("mapping")
    source = mapping.get("source") if isinstance(mapping, MapNode) else None
    if not isinstance(source, MapNode):
        return
    name, joins = source.get("name"), source.get("joins")
    record = name.value if isinstance(name, ScalarNode) else ""
    joined = joins.entries if isinstance(joins, MapNode) else ()
    for called, one in ((record, source), *((f"{record}.{e.key.value}", e.value) for e in joined)):
        schema = one.get("schema") if isinstance(one, MapNode) else None
        if isinstance(schema, ScalarNode):
            yield called, schema.value


def _classes(record: str, of: Classified) -> Iterator[Entry]:
    for kind, paths in (("personal", of.personal), ("confidential", of.confidential)):
        for path in paths:
            yield Entry(path.behind(f"{record}."), scalar_node(Text.plain(kind)))


def _missing(name: str, near: MapNode) -> Text:
    """Return a key that is not there: where it is missed, it is the mapping that lacks it."""
    return Text(name, near.span.source, (near.span.start,) * (len(name) + 1))


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
        return root.having([*root.entries, Entry(_missing(name, root), root.having(new))])
    merged = section.having([*section.entries, *new])
    return root.having(
        Entry(one.key, merged if one.key.value == name else one.value) for one in root.entries
    )
