"""What each function of the language is in Python: templates by what the ir calls the function.

They are the rows of `expression_functions.txt`: the function, and what it is.

Names in a template come from `mapgen.runtime.functions`, or from where `HOMES` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

RUNTIME_FUNCTIONS = "mapgen.runtime.functions"
# The modules of other names: some of them are slow to load, and few flows need them.
HOMES: Mapping[str, str] = {
    "Decimal": "decimal",
    "Fraction": "fractions",
    "UTC": "datetime",
    "e164": "mapgen.runtime.phone",
    "grouped": "mapgen.runtime.grouping",
    "normalize": "unicodedata",
    "over": "mapgen.runtime.ratios",
    "ratio_value": "mapgen.runtime.ratios",
    "timedelta": "datetime",
    "trimmed": "mapgen.runtime.blanks",
}

_ROWS = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
TEMPLATES: Mapping[str, str] = {
    name: template for name, _, template in (row.partition(" => ") for row in _ROWS)
}

# Functions whose value is never one that Python counts as false.
NEVER_EMPTY = frozenset({"nonBlank(string?)", "optional.ofNonZeroValue(T)"})
