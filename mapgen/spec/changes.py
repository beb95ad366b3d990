"""An overlay: the spec of another flow with typed changes, as the spec that it stands for.

Nodes in, nodes out: every word keeps the place where it is written, that of the base or that of the
change. All paths are those of the base, so that the order of changes means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import overlays as messages
from mapgen.spec.model import Add, Change, Overlay, Remove
from mapgen.spec.nodes import Entry, ListNode, MapNode, Node, ScalarNode, scalar_node

# Under these the keys are paths themselves: what is left of the path of a change is one key.
_OF_PATHS = ("ignore", "data", "custom")
# What a flow is called is its own; what it is about, and whose it is, may be.
_OWN = ("maps", "flow", "summary", "owner")
_BELONGS_TO_THE_FLOW = ("maps", "flow")
_NUMBER = re.compile("0|[1-9][0-9]{0,5}")


class _Placed(Struct, frozen=True):
    """A change and the keys that lead to its place, the last one as it is written."""

    change: Change
    keys: tuple[str, ...]
    last: Text

    def below(self) -> _Placed:
        return replace(self, keys=self.keys[1:])


def overlaid(base: MapNode, overlay: Overlay, diagnostics: list[Diagnostic]) -> Node:
    """Return the spec that an overlay is; `diagnostics` grows by what cannot be done."""
    inherited = base.having(
        entry for entry in base.entries if entry.key.value not in _BELONGS_TO_THE_FLOW
    )
    changed = {one.path.value for one in overlay.changes}
    whole = _under(inherited, "mapping", lambda node: _ungrouped(node, changed))
    added = {one.path.value for one in overlay.changes if isinstance(one, Add)}
    placed = [found for one in overlay.changes if (found := _place(one, whole, added, diagnostics))]
    diagnostics += _overlapping(placed)
    root = _with(whole, placed)
    own = [entry for entry in overlay.root.entries if entry.key.value in _OWN]
    named = {entry.key.value for entry in own}
    assert isinstance(root, MapNode)
    entries = (*own, *(entry for entry in root.entries if entry.key.value not in named))
    return overlay.root.having(entries)


def _ungrouped(mapping: Node, changed: Container[str]) -> Node:
    """Return a mapping whose ignored fields can be changed one by one.

    A reason with a list of fields stays as it is where it is `changed` itself.
    """
    return _under(mapping, "ignore", lambda node: _fields_with_reasons(node, changed))


def _fields_with_reasons(node: Node, changed: Container[str]) -> Node:
    if not isinstance(node, MapNode):
        return node
    entries: list[Entry] = []
    for one in node.entries:
        paths = one.value.items if isinstance(one.value, ListNode) else ()
        fields = [path.text for path in paths if isinstance(path, ScalarNode)]
        is_kept = one.key.value == "use" or f"mapping.ignore.{one.key.value}" in changed
        if not fields or is_kept:
            entries.append(one)
        else:
            entries += [Entry(field, scalar_node(one.key)) for field in fields]
    return node.having(entries)


def _under(node: Node, key: str, made: Callable[[Node], Node]) -> Node:
    """Return a mapping with what is made of the value of one of its keys, where that is there."""
    if not isinstance(node, MapNode):
        return node
    return node.having(
        Entry(one.key, made(one.value)) if one.key.value == key else one for one in node.entries
    )


def _place(
    change: Change, root: Node, added: Container[str], diagnostics: list[Diagnostic]
) -> _Placed | None:
    """Return where a change belongs, None where it cannot be made (then reported).

    `added` are the paths of all that is added.
    """
    node: Node = root
    keys: list[str] = []
    start = 0
    path = change.path
    while True:
        rest = path.value[start:]
        found = _step(node, rest)
        if found is None or len(found) == len(rest):
            break
        keys.append(_known_as(node, found))
        node = _child(node, found)
        start += len(found) + 1
    last = path.part(start, len(path.value))
    diagnostic = _misplaced(change, node, keys, last, is_there=found is not None)
    if diagnostic is None and found is None and isinstance(node, ListNode):
        count = len(node.items)
        if not _is_next(path.value[:start], last.value, count, added):
            diagnostic = messages.not_the_next(last, where=".".join(keys), count=count)
    if diagnostic is not None:
        diagnostics.append(diagnostic)
        return None
    return _Placed(change, (*keys, _known_as(node, rest)), last)


def _step(node: Node, rest: str) -> str | None:
    """Return the longest key of a collection that the rest of a path begins with."""
    known = [key for key in _keys(node) if rest == key or rest.startswith(f"{key}.")]
    return max(known, key=len, default=None)


def _keys(node: Node) -> Iterable[str]:
    """Return the keys of a mapping; of a list the numbers, and the names that items have."""
    match node:
        case MapNode(by_key=known):
            return known
        case ListNode(items=items):
            return (*map(str, range(len(items))), *_names(items))
        case _:
            return ()


def _names(items: Iterable[Node]) -> Mapping[str, int]:
    """Return the number of each item that has a name."""
    found: dict[str, int] = {}
    for number, item in enumerate(items):
        name = item.get("name") if isinstance(item, MapNode) else None
        if isinstance(name, ScalarNode):
            found.setdefault(name.value, number)
    return found


def _child(node: Node, key: str) -> Node:
    if isinstance(node, MapNode):
        return node.by_key[key].value
    assert isinstance(node, ListNode)
    return node.items[int(_known_as(node, key))]


def _known_as(node: Node, key: str) -> str:
    """Return the key of a collection; an item of a list is known by its number."""
    return str(_names(node.items).get(key, key)) if isinstance(node, ListNode) else key


def _misplaced(
    change: Change, node: Node, keys: list[str], last: Text, *, is_there: bool
) -> Diagnostic | None:
    """Return why a change cannot be made where its path leads, None where it can."""
    where = ".".join(keys)
    if isinstance(node, ScalarNode):
        return messages.beyond_a_value(last, path=change.path.value, where=where)
    if not isinstance(change, Add):
        known = [] if is_there else list(_keys(node))
        if is_there and not isinstance(change, Remove) and _is_alike(change, node, last.value):
            return messages.idle_change(change.path)
        return None if is_there else messages.nothing_there(last, where=where, known=known)
    if is_there:
        return messages.there_already(last, where=where, first=_key_of(node, last.value))
    if isinstance(node, MapNode) and "." in last.value and not (keys and keys[-1] in _OF_PATHS):
        first = last.value.partition(".")[0]
        at = last.part(0, len(first))
        return messages.nothing_there(at, where=where, known=list(_keys(node)))
    return None


def _is_next(head: str, key: str, count: int, added: Container[str]) -> bool:
    """Whether a key is the number behind the last item of a list, and behind those added there."""
    if not _NUMBER.fullmatch(key) or int(key) < count:
        return False
    return all(f"{head}{number}" in added for number in range(count, int(key)))


def _key_of(node: Node, key: str) -> Text | None:
    return node.key(key) if isinstance(node, MapNode) else None


def _is_alike(change: Change, node: Node, key: str) -> bool:
    assert change.value is not None
    return _plain(_child(node, key)) == _plain(change.value)


def _plain(node: Node) -> object:
    match node:
        case ScalarNode():
            return node.kind, node.value
        case ListNode():
            return [_plain(item) for item in node.items]
        case MapNode():
            return [(entry.key.value, _plain(entry.value)) for entry in node.entries]


def _overlapping(placed: list[_Placed]) -> Iterator[Diagnostic]:
    """Yield the errors of changes of what another change has replaced, added or removed."""
    whole = {one.keys: one for one in placed}
    for one in placed:
        for length in range(1, len(one.keys)):
            above = whole.get(one.keys[:length])
            if above is not None:
                yield messages.change_in_a_change(one.change.path, first=above.change.path)


def _with(node: Node, placed: list[_Placed]) -> Node:
    """Return a node with the changes in it."""
    by_key: dict[str, list[_Placed]] = {}
    for one in placed:
        by_key.setdefault(one.keys[0], []).append(one)
    match node:
        case MapNode():
            entries = [new for one in node.entries for new in _entry(one, by_key)]
            added = [one for one in placed if one.keys[0] not in node.by_key]
            return node.having([*entries, *(_made(one) for one in added if len(one.keys) == 1)])
        case ListNode(items=items):
            numbered = (Entry(Text.plain(str(at)), item) for at, item in enumerate(items))
            kept = [new.value for one in numbered for new in _entry(one, by_key)]
            added = [one for one in placed if int(one.keys[0]) >= len(items)]
            added.sort(key=lambda one: int(one.keys[0]))
            return ListNode((*kept, *(_made(one).value for one in added)), node.span)
        case _:
            return node


def _entry(entry: Entry, by_key: Mapping[str, list[_Placed]]) -> Iterator[Entry]:
    own = by_key.get(entry.key.value, [])
    whole = [one for one in own if len(one.keys) == 1]
    if not own:
        yield entry
    elif not whole:
        yield Entry(entry.key, _with(entry.value, [one.below() for one in own]))
    elif not isinstance(whole[0].change, Remove):
        yield _made(whole[0])


def _made(one: _Placed) -> Entry:
    assert one.change.value is not None
    return Entry(one.last, one.change.value)
