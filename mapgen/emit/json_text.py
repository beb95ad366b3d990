"""JSON as files have it: two columns of indentation, one line break at the end."""

from __future__ import annotations

import json
import re

_WRAPPED = re.compile(r'\{\n +"value": ("(?:[^"\\]|\\.)*"|[^"\s]+)\n +\}')


def json_text(value: object) -> str:
    """Return a value as the text of a JSON file: members in order, a wrapped value on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return _WRAPPED.sub(r'{"value": \1}', text)
