"""The rule map of a flow: from a field of the document back to the rule and the source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from mapgen.runtime.outcome import ONLY

_INDEX = re.compile(r"\[(\d+)\]")


class Rule(msgspec.Struct, frozen=True):
    """One rule: the target path, the source paths it reads, and its place in the spec.

    Paths carry `[]` where a row index goes: `Details[].InventoryID`, `order.line_items[].sku`. Of a
    flow with several documents they start with the document: `order: Details[].InventoryID`; of one
    that is made for each row of a list, `each`, so: `item[]: Description`.
    """

    target: str
    reads: tuple[str, ...]
    spec: str
    is_personal: bool = False
    each: str | None = None

    @property
    def is_of_a_field(self) -> bool:
        """Whether the target is a field of the document, and no condition or `let`."""
        return self.target != "skip" and not self.target.startswith(("let ", "document "))

    def source_path(self, indices: tuple[int | None, ...]) -> str | None:
        """Return the source paths read, joined by `, `, with the row indices filled in."""
        if not self.reads:
            return None
        leaves = [
            path for path in self.reads if not any(_is_above(path, other) for other in self.reads)
        ]
        return ", ".join(fill_indices(path, self._below(path, indices)) for path in leaves)

    def _below(self, path: str, indices: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the indices that are the path's: of another list, all but the document's."""
        is_apart = self.each is not None and not path.startswith(f"{self.each}[]")
        return indices[1:] if is_apart else indices


class _Line(msgspec.Struct):
    """One rule as the rule map has it: `code` is where it stands in the transformer."""

    target: str
    reads: tuple[str, ...]
    pointer: str
    code: str
    is_personal: bool = False
    each: str | None = None


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
            at hand; then the rule is placed by its pointer.
    """
    rule_map = msgspec.json.decode(text, type=_RuleMap)
    by_code = {
        line.code: Rule(
            line.target,
            line.reads,
            place(line.pointer) or f"{rule_map.spec}#{line.pointer}",
            line.is_personal,
            line.each,
        )
        for line in rule_map.rules
    }
    by_target = {rule.target: rule for rule in reversed(by_code.values())}
    return Rules(by_target, by_code, rule_map.personal)


def indices_of(path: str) -> tuple[int, ...]:
    """Return the row indices of a concrete path: `a[2].b` -> `(2,)`."""
    return tuple(int(digits) for digits in _INDEX.findall(path))


def fill_indices(path: str, indices: tuple[int | None, ...]) -> str:
    """Return the path with `[]` replaced by the row indices in turn: `a[].b` -> `a[2].b`.

    An index of None is not known.
    """
    parts = path.split("[]")
    filled = parts[0]
    for at, part in enumerate(parts[1:]):
        index = indices[at] if at < len(indices) else None
        filled += ("[]" if index is None else f"[{index}]") + part
    return filled


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a flow by target path, and by where they stand in the transformer.

    `by_code` keys are `function.local` of the generated module; `personal` are the source paths
    whose values are masked, each with all that lies below it.
    """

    by_target: Mapping[str, Rule]
    by_code: Mapping[str, Rule] = field(default_factory=dict)
    personal: tuple[str, ...] = ()

    def find(self, target: str, document: str = ONLY) -> tuple[Rule, tuple[int | None, ...]] | None:
        """Return the rule for a concrete target path (`Details[2].InventoryID`) and its indices.

        A path without a rule of its own is answered by the rule of the nearest part around it. Of a
        document that is made for each row, nobody knows any more which row it was: None.

        Args:
            target: the path in the document.
            document: which of the documents that a record becomes.
        """
        indices = indices_of(target)
        path = _INDEX.sub("[]", target)
        while path:
            if document == ONLY and path in self.by_target:
                return self.by_target[path], indices
            if f"{document}: {path}" in self.by_target:
                return self.by_target[f"{document}: {path}"], indices
            if f"{document}[]: {path}" in self.by_target:
                return self.by_target[f"{document}[]: {path}"], (None, *indices)
            path = path.rpartition(".")[0]
        return None

    def reading(self, source_path: str) -> Rule | None:
        """Return the rule that says best what a concrete source path is for.

        One that reads just this before one that reads what lies below, and that before one that
        reads what lies around; a field of the document before a condition or a `let`.
        """
        path = _INDEX.sub("[]", source_path)
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
        path = _INDEX.sub("[]", source_path)
        return any(_covers(one, path) or _covers(path, one) for one in self.personal)


def _distance(path: str, read: str) -> int:
    if path == read:
        return 0
    if _covers(path, read):
        return 1
    return 2 if _covers(read, path) else 9


def _is_above(above: str, path: str) -> bool:
    return path != above and _covers(above, path)


def _covers(above: str, path: str) -> bool:
    return path == above or path.startswith((above + ".", above + "["))
