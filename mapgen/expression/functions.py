"""Every function and form of the language, a row of `functions.txt` each.

A row is its signature, a sentence, and examples: two expressions that give the same value, the
second of which is there to be read. Behind the signature stand facts: `fallible` (it can fail in a
record), `rounds` (its first operand may be a division), `form` (it looks like a function, and has
typing rules of its own).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from mapgen.expression.signature import Signature, read_signature


class Example(Struct, frozen=True):
    """Two expressions that give the same value."""

    expression: str
    gives: str


class Form(Struct, frozen=True):
    """A form of the language that looks like a function but has typing rules of its own."""

    name: str
    shown: str
    says: str
    examples: tuple[Example, ...]


class Function(Struct, frozen=True):
    """One function for one kind of receiver and arguments."""

    signature: Signature
    shown: str
    says: str
    examples: tuple[Example, ...]
    is_fallible: bool
    rounds: bool

    @property
    def name(self) -> str:
        return self.signature.name


_FORM_NAME = re.compile(r"((?:cel\.)?\w+)\([^()]*(?:\([^()]*\)[^()]*)*\) -> ")


def read_rows(text: str) -> Iterator[Function | Form]:
    """Yield the rows of a table."""
    for row in text.strip().split("\n\n"):
        head, says, *lines = row.split("\n")
        shown, _, facts = head.partition(" | ")
        examples = tuple(Example(*line.strip().split(" => ")) for line in lines)
        if facts == "form":
            name = _FORM_NAME.search(shown)
            assert name is not None, shown
            yield Form(name[1], shown, says, examples)
        elif not examples:
            raise ValueError(f"{shown}: a function without an example does not build")
        else:
            is_fallible, rounds = "fallible" in facts, "rounds" in facts
            yield Function(read_signature(shown), shown, says, examples, is_fallible, rounds)


_ROWS = tuple(read_rows(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")))
FUNCTIONS = tuple(row for row in _ROWS if isinstance(row, Function))
FORMS = tuple(row for row in _ROWS if isinstance(row, Form))
FORM_NAMES = frozenset(form.name for form in FORMS)


def _by_name(rows: Iterable[Function]) -> Mapping[str, tuple[Function, ...]]:
    name_of = attrgetter("name")
    alike = groupby(sorted(rows, key=name_of), key=name_of)
    return {name: tuple(found) for name, found in alike}


METHODS = _by_name(row for row in FUNCTIONS if row.signature.receiver is not None)
CALLS = _by_name(row for row in FUNCTIONS if row.signature.receiver is None)

# What other languages call what is here: the words that people try.
_OTHER_NAMES: Mapping[str, str] = {
    "size": "len length count",
    "trim": "strip ltrim rtrim",
    "lowerAscii": "lower toLower toLowerCase lowercase",
    "upperAscii": "upper toUpper toUpperCase uppercase",
    "titleCase": "title capitalize",
    "contains": "includes",
    "substring": "substr slice",
    "join": "concat",
    "string": "str toString",
    "decimal": "float number",
    "exists": "any some",
    "all": "every",
    "distinct": "unique",
    "coalesce": "ifNull ifnull nvl",
    "orValue": "default",
    "has": "exists isPresent",
    "first": "head",
    "math.abs": "abs",
    "math.floor": "floor",
    "math.ceil": "ceil",
    "math.greatest": "max",
    "math.least": "min",
    "padLeft": "zfill lpad",
    "padRight": "rpad",
    "formatDate": "strftime",
    "parseDate": "strptime",
    "replace": "replaceAll",
    "cel.bind": "bind",
}
SYNONYMS: Mapping[str, str] = {
    word: meant for meant, words in _OTHER_NAMES.items() for word in words.split()
}

# Parts of CEL that this dialect leaves out on purpose, and what to write instead.
REFUSED: Mapping[str, str] = {
    "getMonth": "CEL counts months from 0: write `date(instant, zone).month()`, January being 1",
    "getDayOfMonth": "CEL counts these days from 0: write `date(instant, zone).day()`",
    "getDate": "write `date(instant, zone).day()`, which names the zone",
    "getDayOfYear": "count days between dates: `date(…).daysUntil(date(…))`",
    "type": "every type is known before a record comes: compare values instead",
    "dyn": "every type is known before a record comes: leave `dyn()` away",
    "uint": "there is one kind of whole number: write `int(…)`",
    "bytes": "there are no bytes in records: work on the string itself",
    "double": "binary fractions cannot hold amounts: write `decimal(…)`",
    "format": "put the parts together with `+`, and numbers through `string(…)`",
    "quote": "put the parts together with `+`",
}
