"""The one type that back ends hand out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file to write: its path from the workspace and its text."""

    path: str
    text: str
