"""What a source schema says of a value beside its type, for the compiler and the runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Sign = Literal[">", ">=", "<", "<="]
SIGNS: Mapping[Sign, str] = {">": "above", ">=": "at least", "<": "below", "<=": "at most"}
"""What a sign asks of a number, in words."""


class Constraints(Struct, frozen=True):
    """What one schema says of a text, a flag, a number, or a list. Numbers are written as text.

    `choices` are the texts or flags that it may be, `numbers` the numbers; None: any.
    """

    choices: tuple[str | bool, ...] | None = None
    numbers: tuple[str, ...] | None = None
    pattern: str | None = None
    format: str | None = None
    shortest: int = 0
    longest: int | None = None
    bounds: tuple[tuple[Sign, str], ...] = ()
    step: str | None = None
    fewest: int = 0
    most: int | None = None
    is_unique: bool = False
