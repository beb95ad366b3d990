"""Every function and form of the language, a row of `functions.txt` each.

A row is its signature, a sentence, and examples: two expressions that give the same value, the
second of which is there to be read. Behind the signature are facts: `fallible` (it can fail in a
record), `rounds` (its first operand may be a division), `form` (it looks like a function, and has
typing rules of its own), `refused` (a function of CEL that is not here: the sentence says what to
write instead), and behind `also` what other languages call it.
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
    doc: str
    examples: tuple[Example, ...]
    other_names: tuple[str, ...]
    is_refused: bool


class Function(Struct, frozen=True):
    """One function for one kind of receiver and arguments."""

    signature: Signature
    shown: str
    doc: str
    examples: tuple[Example, ...]
    other_names: tuple[str, ...]
    is_fallible: bool
    rounds: bool

    @property
    def name(self) -> str:
        return self.signature.name


_FORM_NAME = re.compile(r"((?:cel\.)?\w+)\([^()]*(?:\([^()]*\)[^()]*)*\) -> ")


def read_rows(text: str) -> Iterator[Function | Form]:
    """Yield the rows of a table."""
    for row in text.strip().split("\n\n"):
        head, doc, *lines = row.split("\n")
        shown, _, behind = head.partition(" | ")
        facts, _, others = behind.partition("also ")
        names = tuple(others.split())
        examples = tuple(Example(*line.strip().split(" => ")) for line in lines)
        if "form" in facts or "refused" in facts:
            name = _FORM_NAME.search(shown)
            assert name is not None, shown
            yield Form(name[1], shown, doc, examples, names, "refused" in facts)
        elif not examples:
            raise ValueError(f"{shown}: a function without an example does not build")
        else:
            is_fallible, rounds = "fallible" in facts, "rounds" in facts
            signature = read_signature(shown)
            yield Function(signature, shown, doc, examples, names, is_fallible, rounds)


_ROWS = tuple(read_rows(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")))
FUNCTIONS = tuple(row for row in _ROWS if isinstance(row, Function))
FORMS = tuple(row for row in _ROWS if isinstance(row, Form) and not row.is_refused)
REFUSED = {row.name: row.doc for row in _ROWS if isinstance(row, Form) and row.is_refused}
FORM_NAMES = frozenset(form.name for form in FORMS)


def _by_name(rows: Iterable[Function]) -> Mapping[str, tuple[Function, ...]]:
    name_of = attrgetter("name")
    alike = groupby(sorted(rows, key=name_of), key=name_of)
    return {name: tuple(found) for name, found in alike}


METHODS = _by_name(row for row in FUNCTIONS if row.signature.receiver is not None)
CALLS = _by_name(row for row in FUNCTIONS if row.signature.receiver is None)

# What other languages call it: from the word that people try to what they mean here.
SYNONYMS: Mapping[str, str] = {word: row.name for row in _ROWS for word in row.other_names}
