"""How a ledger names records, as text that every database can store."""

from __future__ import annotations

from mapgen.runtime.outcome import Origin


def subject_of(origin: Origin) -> str:
    """Return what a record is known by: its own key, or its place in its file."""
    return subject_by_place(origin) if origin.key is None else storable(origin.key)


def subject_by_place(origin: Origin) -> str:
    """Return what a record is known by whose own key cannot be read."""
    return storable(f"#{origin.record} {origin.file}")


def source_of(origin: Origin) -> str:
    """Return what people call a record: its own key, or its place in its file."""
    return storable(f"{origin.file}:{origin.line}" if origin.key is None else origin.key)


def place_of(origin: Origin) -> str:
    """Return where a record stood."""
    return storable(f"{origin.file}:{origin.line}")


def storable(words: str) -> str:
    """Return the text without what a database cannot hold: NUL and lone surrogates."""
    if words.isascii() and "\x00" not in words:
        return words
    return words.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def is_storable(words: str) -> bool:
    """Whether a database can hold the text as it is."""
    return storable(words) == words
