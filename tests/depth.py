"""How much is tried by chance: so many times what a usual run tries, `make deep` says how many."""

from __future__ import annotations

import os

DEPTH = int(os.environ.get("MAPGEN_TEST_DEPTH", "1"))


def examples(usual: int) -> int:
    """Return how many examples to try where a usual run tries so many."""
    return usual * DEPTH
