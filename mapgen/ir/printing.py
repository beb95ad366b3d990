"""The ir as JSON: the debug view, and what a flow's meaning is the hash of."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from msgspec import Struct


def as_json(node: object) -> str:
    """Return any ir node as JSON; each object says its kind."""
    return json.dumps(_plain(node), indent=1, ensure_ascii=False)


def meaning(node: object) -> str:
    """Return the SHA-256 of an ir node: equal for specs that differ in words only."""
    return hashlib.sha256(repr(node).encode()).hexdigest()


def _plain(node: object) -> object:
    if isinstance(node, Struct):
        members = {name: _plain(getattr(node, name)) for name in node.__struct_fields__}
        return {"kind": type(node).__name__, **members}
    if isinstance(node, tuple | list):
        return [_plain(item) for item in node]
    if isinstance(node, dict):
        return {str(name): _plain(item) for name, item in node.items()}
    if isinstance(node, Decimal):
        return {"kind": "Decimal", "value": str(node)}
    return node if node is None or isinstance(node, str | int | float | bool) else str(node)
