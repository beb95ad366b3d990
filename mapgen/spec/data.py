"""Data written in a spec: nodes in, JSON text out."""

from __future__ import annotations

import json

from mapgen.spec.nodes import ListNode, MapNode, Node, ScalarNode


def json_of(node: Node) -> str:
    """Return a node as JSON text; numbers keep their digits."""
    match node:
        case MapNode(entries=entries):
            members = (f"{_quoted(entry.key.value)}: {json_of(entry.value)}" for entry in entries)
            return "{" + ", ".join(members) + "}"
        case ListNode(items=items):
            return "[" + ", ".join(json_of(item) for item in items) + "]"
        case ScalarNode(kind="null"):
            return "null"
        case ScalarNode(kind="flag", value=value):
            return value.lower()
        case ScalarNode(kind="integer" | "number", value=value) if _is_json_number(value):
            return value
        case ScalarNode(value=value):
            return _quoted(value)


def _is_json_number(words: str) -> bool:
    try:
        json.loads(words)
    except ValueError:
        return False
    return True


def _quoted(words: str) -> str:
    return json.dumps(words, ensure_ascii=False)
