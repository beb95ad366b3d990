"""The one type that back ends hand out."""

from __future__ import annotations

from msgspec import Struct


class OutputFile(Struct, frozen=True):
    """A file to write: its path from the workspace and its text."""

    path: str
    text: str
