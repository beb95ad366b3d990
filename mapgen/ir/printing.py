"""What a flow means, as a hash of its ir."""

from __future__ import annotations

import hashlib


def meaning(node: object) -> str:
    """Return the SHA-256 of an ir node: equal for specs that differ in words only."""
    return hashlib.sha256(repr(node).encode()).hexdigest()
