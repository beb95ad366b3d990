"""The rule map of a flow: from a field of the document back to the rule and the source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Any

import msgspec

from mapgen.agreed.paths import covers, holder_of, numbered, row_numbers, without_numbers
from mapgen.runtime.masking import MASKED
from mapgen.runtime.outcome import ONLY, ErrorReport

# The numbers of the rows that a statement made of a row of the record, by the statement's place in
# the transformer and the concrete path of the row.
Made = Mapping[tuple[str, str], tuple[int | None, ...]]

# Records go wrong in the same rows again and again: most have few.
_MOST_KNOWN = 1024


class Rule(msgspec.Struct, frozen=True):
    """One rule: the target path, the source paths it reads, and what gives its place in the spec.

    Paths carry `[]` where a row index goes: `Details[].InventoryID`, `order.line_items[].sku`. Of a
    flow with several documents they start with the document: `order: Details[].InventoryID`; of one
    that is made for each row of a list, `each`, so: `item[]: Description`. `rows_differ`:
    a row of the document is not the row of the same number in the source. `may_come`: the value
    refers to what may come by another flow (`on_miss: retry`). `relies_on` are the numbers of
    skips before it: what they have told is not asked again. `warns`: what fails in it is counted,
    and keeps no record out.
    """

    target: str
    reads: tuple[str, ...]
    placed: Callable[[], str]
    is_personal: bool = False
    each: str | None = None
    rows_differ: bool = False
    may_come: bool = False
    relies_on: tuple[int, ...] = ()
    warns: bool = False

    @property
    def spec(self) -> str:
        """Where the rule is in the spec: looked for where something is wrong, once."""
        return self.placed()

    @property
    def is_of_a_field(self) -> bool:
        """Whether the target is a field of the document, and no condition or `let`."""
        return self.target != "skip" and not self.target.startswith(("let ", "document "))

    @property
    def tells_rows_apart(self) -> bool:
        """Whether the number of a row of the source says nothing of the rows of the target."""
        return self.rows_differ or self.each is not None

    def makes(self, target: str) -> bool:
        """Whether the rule makes the part that a target path lies in, or its document."""
        document = self.target.removeprefix("document ")
        if document != self.target:
            return target.startswith((f"{document}: ", f"{document}[]: "))
        return covers(self.target, target)

    def source_path(self, indices: tuple[int | None, ...]) -> str | None:
        """Return the source paths read, joined by `, `, for rows of the document by number."""
        known = () if self.rows_differ else indices
        leaves = _leaves(self.reads)
        return _joined(fill_indices(path, self._below(path, known)) for path in leaves)

    def source_path_at(self, places: tuple[str | None, ...]) -> str | None:
        """Return the source paths read, joined by `, `, as they lie in rows at concrete places."""
        return _reads_at(self.reads, places)

    def _below(self, path: str, indices: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the indices that are the path's: of another list, all but the document's."""
        is_apart = self.each is not None and not path.startswith(f"{self.each}[]")
        return indices[1:] if is_apart else indices


class _Line(msgspec.Struct):
    """One rule as the rule map has it: `code` is where it is in the transformer."""

    target: str
    reads: tuple[str, ...]
    pointer: str
    code: str
    is_personal: bool = False
    each: str | None = None
    rows_differ: bool = False
    may_come: bool = False
    relies_on: tuple[int, ...] = ()
    written_at: str | None = None
    warns: bool = False


class _RuleMap(msgspec.Struct):
    """The file `map.json`."""

    spec: str
    personal: tuple[str, ...]
    rules: tuple[_Line, ...]


def load_rules(text: bytes, place: Callable[[str], str | None]) -> Rules:
    """Return the rules of a rule map (`map.json`).

    Args:
        text: the file.
        place: gives `file:line:column` for a pointer into the spec, or None where the spec is not
            at hand; then the rule is placed by its pointer. A pointer into a file of parts has its
            path before it: `FILE#POINTER`.
    """
    rule_map = msgspec.json.decode(text, type=_RuleMap)
    by_code = {
        line.code: Rule(placed=cache(partial(_spec, line, rule_map, place)), **_said_by(line))
        for line in rule_map.rules
    }
    return Rules(_by_target(by_code.values()), by_code, rule_map.personal)


def _said_by(line: _Line) -> dict[str, Any]:
    """Return what the rule map says of a rule."""
    return {name: getattr(line, name) for name in Rule.__struct_fields__ if name != "placed"}


def _spec(line: _Line, rule_map: _RuleMap, place: Callable[[str], str | None]) -> str:
    """Return where a rule is: in the spec, and behind that where the part used has it."""
    use = place(line.pointer) or f"{rule_map.spec}#{line.pointer}"
    if line.written_at is None:
        return use
    return f"{use} ({place(line.written_at) or line.written_at})"


def _by_target(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Return the rule of each target: where blocks of a list have one each, what they all are.

    The document does not tell of which block a row is.
    """
    found: dict[str, Rule] = {}
    for rule in rules:
        first = found.setdefault(rule.target, rule)
        if first is not rule and rule.rows_differ:
            found[rule.target] = msgspec.structs.replace(
                first,
                reads=tuple(dict.fromkeys((*first.reads, *rule.reads))),
                placed=cache(partial(_both, first.placed, rule.placed)),
                is_personal=first.is_personal or rule.is_personal,
                may_come=first.may_come or rule.may_come,
            )
    return found


def _both(first: Callable[[], str], other: Callable[[], str]) -> str:
    """Return both places, separated by a comma; one that is known already is not told twice."""
    known, more = first(), other()
    return known if more in known else f"{known}, {more}"


def _joined(paths: Iterable[str]) -> str | None:
    return ", ".join(paths) or None


@lru_cache(_MOST_KNOWN)
def _reads_at(reads: tuple[str, ...], places: tuple[str | None, ...]) -> str | None:
    known = [(place, without_numbers(place)) for place in places if place is not None]
    return _joined(_placed(path, known) for path in _leaves(reads))


def _placed(path: str, places: Iterable[tuple[str, str]]) -> str:
    """Return a path with the indices of the innermost row that it leads into.

    Args:
        path: the path.
        places: those of the rows, the outermost first, each as it is and without its indices.
    """
    found = path
    for place, pattern in places:
        if covers(pattern, path):
            found = place + path[len(pattern) :]
    return found


@lru_cache(_MOST_KNOWN)
def indices_of(path: str) -> tuple[int, ...]:
    """Return the row indices of a concrete path: `a[2].b` -> `(2,)`."""
    return row_numbers(path)


def fill_indices(path: str, indices: Sequence[int | None]) -> str:
    """Return the path with `[]` replaced by the row indices in turn: `a[].b` -> `a[2].b`.

    An index that is not known (None) leaves `[]`.
    """
    if "[]" not in path:
        return path
    known = iter(indices)
    return numbered(path, lambda: next(known, None))


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a flow by target path, and by where they are in the transformer.

    `by_code` keys are `function.local` of the generated module; `personal` are the source paths
    whose values are masked, each with all that lies below it.
    """

    by_target: Mapping[str, Rule]
    by_code: Mapping[str, Rule] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    _reading: dict[str, Rule | None] = field(default_factory=dict, repr=False, compare=False)
    _masked: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def find(self, target: str, document: str = ONLY) -> tuple[Rule, tuple[int | None, ...]] | None:
        """Return the rule for a concrete target path (`Details[2].InventoryID`) and its indices.

        A path without a rule of its own is answered by the rule of the nearest part around it. Of a
        document that is made for each row, nobody knows any more which row it was: None.

        Args:
            target: the path in the document.
            document: which of the documents that a record becomes.
        """
        indices = indices_of(target)
        path = without_numbers(target)
        while path:
            if document == ONLY and path in self.by_target:
                return self.by_target[path], indices
            if f"{document}: {path}" in self.by_target:
                return self.by_target[f"{document}: {path}"], indices
            if f"{document}[]: {path}" in self.by_target:
                return self.by_target[f"{document}[]: {path}"], (None, *indices)
            path, _ = holder_of(path)
        return None

    def report(
        self, code: str, message: str, target: str, value: str | None, document: str = ONLY
    ) -> ErrorReport:
        """Return an error of a field of a document, in the place of the rule that sets it.

        A personal value is masked; one of which no rule says whether it is, is left out.
        """
        rule, indices = self.find(target, document) or (None, ())
        if rule is None:
            return ErrorReport(code, message, target or None)
        shown = MASKED if rule.is_personal and value is not None else value
        return ErrorReport(code, message, target, rule.source_path(indices), shown, rule.spec)

    def row_of(self, rule: Rule, source_path: str, made: Made) -> tuple[int | None, ...]:
        """Return the numbers of the rows that became of the row that a source path lies in.

        Nothing where no row became of it, or several did.
        """
        found = {
            numbers
            for (code, place), numbers in made.items()
            if place
            and covers(place, source_path)
            and code in self.by_code
            and self.by_code[code].makes(rule.target)
            and rule.target.count("[]") == len(numbers)
        }
        return found.pop() if len(found) == 1 else ()

    def reading(self, source_path: str) -> Rule | None:
        """Return the rule that says best what a concrete source path is for.

        One that reads just this before one that reads what lies below, and that before one that
        reads what lies around; a field of the document before a condition or a `let`.
        """
        path = without_numbers(source_path)
        if path not in self._reading:
            self._reading[path] = self._best_for(path)
        return self._reading[path]

    def _best_for(self, path: str) -> Rule | None:
        found = [
            (distance, not rule.is_of_a_field, at, rule)
            for at, rule in enumerate(self.by_code.values())
            if (distance := min((_distance(path, read) for read in rule.reads), default=9)) < 9
        ]
        return min(found, key=lambda one: one[:3])[3] if found else None

    def is_personal(self, source_path: str) -> bool:
        """Whether the value at a concrete source path must not be seen.

        So it is too where something personal should lie below: text in the place of an address.
        """
        path = without_numbers(source_path)
        if path not in self._masked:
            self._masked[path] = any(
                covers(one, path) or covers(path, one) for one in self.personal
            )
        return self._masked[path]


def _distance(path: str, read: str) -> int:
    if path == read:
        return 0
    if covers(path, read):
        return 1
    return 2 if covers(read, path) else 9


@cache
def _leaves(reads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that lead to no other of them."""
    return tuple(path for path in reads if not any(_is_above(path, other) for other in reads))


def _is_above(above: str, path: str) -> bool:
    return path != above and covers(above, path)
