"""Whether a field of dates and times holds a day or a moment, by its name.

The ERP's documents have one type for both, `DateTimeValue`. Taking a moment for a day is told: a
rule that gives an instant is refused, and an answer with a time of day is a validation error.
Taking a day for a moment is silent, and writes the day before or after. So a field holds a day
unless its name says otherwise; the overlay has the last word.
"""

from __future__ import annotations

import re
from typing import Literal

# `CreatedDateTime`, `LastModified`, `CompletedAt`, `RemindAtTime`, `UsrPicked_at`.
_MOMENT = re.compile(r"(?i:^created|^last_?modified|time$|timestamp$|_at$)|[a-z0-9]At$", re.ASCII)


def day_or_moment(name: str) -> Literal["date", "datetime"]:
    """Return the value type of a `DateTimeValue` of this name."""
    return "datetime" if _MOMENT.search(name) else "date"
