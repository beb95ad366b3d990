"""Time zones by their names, the same on every machine."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

# The machine's own zone, one that is none, and files of the database beside the zones: `right/`
# counts leap seconds, and is half a minute off.
_OF_THE_MACHINE = re.compile(r"localtime|Factory|posixrules|(?:posix|right)/.*")


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of a name like `Europe/Berlin`.

    Raises ValueError for a name that the time zone database does not have, or that means another
    zone on another machine.
    """
    if _OF_THE_MACHINE.fullmatch(name):
        raise ValueError("it is another time on another machine")
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("the time zone database has no such name") from None
