"""What becomes of documents at each kind of target, by its name: here, how they are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

KINDS: Mapping[str, Callable[[bytes], msgspec.Raw]] = {
    "erp": msgspec.Raw,
    "file": msgspec.Raw,
    "http": msgspec.Raw,
    "json": msgspec.Raw,
}
"""The JSON that stands for a document in a line of `transform`, made of the document as JSON."""
