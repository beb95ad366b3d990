"""JSON as files have it: two columns of indentation, one line break at the end."""

from __future__ import annotations

import json
import re

import msgspec

_WRAPPED = re.compile(r'\{\n +"value": ("(?:[^"\\]|\\.)*"|[^"\s]+)\n +\}')


def json_text(value: object) -> str:
    """Return a value as the text of a JSON file: members in order, a wrapped value on one line."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except OverflowError:  # a limit beyond 64 bits
        text = json.dumps(value, indent=2, ensure_ascii=False)
    return _WRAPPED.sub(r'{"value": \1}', text) + "\n"
