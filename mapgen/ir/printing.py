"""The ir as JSON: the debug view, and what a flow's meaning is the hash of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from decimal import Decimal


def as_json(node: object) -> str:
    """Return any ir node as JSON; each object says its kind."""
    return json.dumps(_plain(node), indent=1, ensure_ascii=False)


def meaning(node: object) -> str:
    """Return the SHA-256 of an ir node: equal for specs that differ in words only."""
    return hashlib.sha256(repr(node).encode()).hexdigest()


def _plain(node: object) -> object:
    if is_dataclass(node) and not isinstance(node, type):
        members = {field.name: _plain(getattr(node, field.name)) for field in fields(node)}
        return {"kind": type(node).__name__, **members}
    if isinstance(node, tuple | list):
        return [_plain(item) for item in node]
    if isinstance(node, dict):
        return {str(name): _plain(item) for name, item in node.items()}
    if isinstance(node, Decimal):
        return {"kind": "Decimal", "value": str(node)}
    return node if node is None or isinstance(node, str | int | float | bool) else str(node)
