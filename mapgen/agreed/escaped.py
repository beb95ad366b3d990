"""Names of members as structs carry them.

msgspec knows members by names that JSON need not escape. One that has such a sign is carried with
`␛` and the number of the sign in its place, and `␛` itself so, too.
"""

from __future__ import annotations

import re
from functools import cache

_SIGN = re.compile(r'["\\\x00-\x1f␛]')
_ESCAPED = re.compile(r"␛([0-9a-f]{4})")


@cache
def carried(name: str) -> str:
    """Return the name that a struct carries for a member of JSON."""
    return _SIGN.sub(lambda sign: f"␛{ord(sign[0]):04x}", name)


@cache
def uncarried(name: str) -> str:
    """Return what `carried` was given."""
    return _ESCAPED.sub(lambda sign: chr(int(sign[1], 16)), name)
