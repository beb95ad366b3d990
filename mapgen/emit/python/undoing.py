"""The verdict on a flow in, the Python of the function that undoes it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import assert_never

from mapgen.invert.model import (
    Between,
    IsValue,
    KeyOf,
    KnownText,
    Minus,
    Negated,
    Number,
    OfSetting,
    Option,
    Over,
    Plus,
    Rule,
    Step,
    Times,
    Undone,
    Verdict,
    Whole,
)
from mapgen.invert.verdict import verdict
from mapgen.ir.flow import ONLY, Flow


@dataclass(frozen=True, slots=True)
class Undoing:
    """What the template of tests needs: the value of `undo`, what it calls, what it gives back."""

    value: str
    functions: tuple[str, ...]
    paths: tuple[str, ...]
    words: tuple[str, ...]
    reads_settings: bool


@dataclass(slots=True)
class _Node:
    """A member of the record: an object, the rows of a list (`item`), or a value (`rule`)."""

    members: dict[str, _Node] = field(default_factory=dict)
    item: _Node | None = None
    rule: Rule | None = None


def undoing(flow: Flow) -> Undoing | None:
    """Return what undoes a flow, None for one that does not promise that it can be undone."""
    if not flow.round_trip:
        return None
    found = verdict(flow)
    assert not found.lost, "the phase before has refused it"
    writer = _Writer(is_plain=flow.is_plain, is_several=flow.only is None)
    root = _tree(found)
    value = writer.node(root, 0)
    return Undoing(
        value,
        tuple(sorted(writer.functions)),
        tuple(path.partition(".")[2] for path, _ in found.back),
        tuple(dict.fromkeys(_words(found))),
        writer.reads_settings,
    )


def _tree(found: Verdict) -> _Node:
    root = _Node()
    for path, rule in found.back:
        node = root
        for name in path.split(".")[1:]:
            node = node.members.setdefault(name.removesuffix("[]"), _Node())
            if name.endswith("[]") and not rule.field.is_list:
                node.item = node.item or _Node()
                node = node.item
        node.rule = rule
    return root


def _words(found: Verdict) -> Iterator[str]:
    """Yield the texts that records are likely to hold: the keys of the tables that are undone."""
    for _, rule in found.back:
        steps = rule.finding.steps if isinstance(rule.finding, Undone) else ()
        for step in steps:
            if isinstance(step, KeyOf):
                yield from (key for key, _ in step.entries)


class _Writer:
    """Writes the value of `undo`, and notes what it calls."""

    def __init__(self, *, is_plain: bool, is_several: bool) -> None:
        self._get = "member" if is_plain else "value"
        self._is_several = is_several
        self.functions: set[str] = set()
        self.reads_settings = False

    def node(self, node: _Node, depth: int) -> str:
        """Return the Python of a member; `depth` is how many lists it stands in."""
        if node.rule is not None:
            return self._value(node.rule, depth)
        if node.item is not None:
            rule = next(_rules(node.item))
            listed = self._call("rows", self._base(rule, depth), *map(repr, rule.rows[depth]))
            return f"[{self.node(node.item, depth + 1)} for {_row(depth + 1)} in {listed}]"
        members = (f"{name!r}: {self.node(one, depth)}" for name, one in node.members.items())
        return "{" + ", ".join(members) + ",}"

    def _base(self, rule: Rule, depth: int) -> str:
        if depth:
            return _row(depth)
        several = self._is_several and rule.document != ONLY
        return f"document[{rule.document!r}]" if several else "document"

    def _value(self, rule: Rule, depth: int) -> str:
        place = rule.place
        if rule.view is not None:
            place = (*place[:-1], "custom", rule.view, place[-1])
        code = self._call(self._get, self._base(rule, depth), *map(repr, place))
        assert isinstance(rule.finding, Undone)
        for step in rule.finding.steps:
            code = self._step(step, code)
        return code

    def _step(self, step: Step, code: str) -> str:
        match step:
            case Between(before=before, after=after):
                return self._call("between", code, self._text(before), self._text(after))
            case Whole():
                return self._call("whole", code)
            case Number():
                return self._call("number", code)
            case Times(factor=factor):
                return self._call("times", code, repr(factor))
            case Over(divisor=divisor):
                return self._call("over", code, repr(divisor))
            case Plus(amount=amount):
                return self._call("plus", code, repr(amount))
            case Minus(amount=amount):
                return self._call("taken_from", code, repr(amount))
            case Negated():
                return self._call("negated", code)
            case KeyOf(entries=entries):
                return self._call("key_of", repr(dict(entries)), code)
            case IsValue(value=value, other=other):
                return self._call("is_first", code, repr(value), repr(other))
            case Option():
                return self._call("option", code)
            case _:
                assert_never(step)

    def _text(self, parts: tuple[KnownText, ...]) -> str:
        return " + ".join(map(self._part, parts)) or "''"

    def _part(self, part: KnownText) -> str:
        if isinstance(part, OfSetting):
            self.reads_settings = True
            return f"constants[{part.name!r}]"
        return repr(part)

    def _call(self, function: str, *arguments: str) -> str:
        self.functions.add(function)
        return f"{function}({', '.join(arguments)})"


def _row(depth: int) -> str:
    return "row" if depth == 1 else f"row_{depth}"


def _rules(node: _Node) -> Iterator[Rule]:
    if node.rule is not None:
        yield node.rule
    if node.item is not None:
        yield from _rules(node.item)
    for member in node.members.values():
        yield from _rules(member)
