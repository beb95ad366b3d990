"""JSON as files have it: two columns of indentation, one line break at the end."""

from __future__ import annotations

import json
import re

import msgspec

_WRAPPED = re.compile(r'\{\n +"value": ("(?:[^"\\]|\\.)*"|[^"\s]+)\n +\}')


def json_text(value: object) -> str:
    """Return a value as the text of a JSON file: members in order, a wrapped value on one line."""
    try:
        return formatted(msgspec.json.encode(value))
    except OverflowError:  # a limit beyond 64 bits
        return _with_values_in_a_line(json.dumps(value, indent=2, ensure_ascii=False))


def formatted(content: bytes) -> str:
    """Return JSON as the text of a file."""
    return _with_values_in_a_line(msgspec.json.format(content, indent=2).decode())


def _with_values_in_a_line(text: str) -> str:
    return _WRAPPED.sub(r'{"value": \1}', text) + "\n"
