"""An expression's text comes in; its value, or the code of what is wrong with it, goes out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mapgen.project.evaluation import evaluate, read_types
from mapgen.report import Stopped, Text
from mapgen.runtime.errors import RuleError

CODE = re.compile("[ER][0-9]{3}")


def outcome(
    words: str, types: Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None
) -> Any:
    """Return the value, or the codes of all errors in one text."""
    try:
        found = evaluate(Text.plain(words), read_types(types or {}), values or {})
    except Stopped as stopped:
        return " ".join(diagnostic.code for diagnostic in stopped.diagnostics)
    except RuleError as diagnostic:
        return diagnostic.code
    return found.value


def read_json(words: str) -> Any:
    """Return JSON with its fractions exact."""
    return json.loads(words, parse_float=Decimal)


def is_alike(found: Any, wanted: Any) -> bool:
    """Tell whether two values are equal and of the same types: 1 is not 1.0, and true is not 1."""
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(is_alike, found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            is_alike(found[key], wanted[key]) for key in found
        )
    return type(found) is type(wanted) and bool(found == wanted)
