"""What a document is known by: one text, whether one field carries it or several do together."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mapgen.runtime.blanks import is_blank


def joined(values: Sequence[str]) -> str:
    """Return the identity that the values of its fields make; blank where one of several is.

    Of one field it is the value itself. Of several it is a JSON list, so that no two lists of
    values are one identity; blanks at the end tell nothing apart, as in the ERP.
    """
    if len(values) == 1:
        return values[0]
    if any(map(is_blank, values)):
        return ""
    if any("\x00" in value for value in values):
        return "\x00"  # JSON would hide what no database can hold
    return json.dumps([value.rstrip(" ") for value in values], ensure_ascii=False)


def values_of(identity: str, count: int) -> tuple[str, ...]:
    """Return the values of so many fields that an identity is made of."""
    return (identity,) if count == 1 else tuple(json.loads(identity))
