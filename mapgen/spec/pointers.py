"""Pointers into a spec: `mapping/fields/Details/fields/InventoryID` in, its place out."""

from __future__ import annotations

from mapgen.report import Span
from mapgen.spec.nodes import ListNode, MapNode, Node


def place(root: Node, pointer: str) -> Span | None:
    """Return where a pointer leads: the key of a mapping's entry, an item of a list, or None."""
    node: Node | None = root
    found: Span | None = None
    for part in pointer.split("/"):
        match node:
            case MapNode():
                key = node.key(part)
                found = key.span() if key is not None else None
                node = node.get(part)
            case ListNode(items=items) if part.isdecimal() and int(part) < len(items):
                node = items[int(part)]
                found = node.span
            case _:
                return None
    return found


def nearest_place(root: Node, pointer: str) -> Span | None:
    """Return where a pointer leads, or the nearest place above: a rule of a part is at its use."""
    while pointer:
        found = place(root, pointer)
        if found is not None:
            return found
        pointer = pointer.rpartition("/")[0]
    return None
