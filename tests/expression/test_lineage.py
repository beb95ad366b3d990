"""Generated expressions: what a run of them reads, and what changes their value, was foreseen."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from mapgen.expression import Binding, Scope, Typed, at
from mapgen.expression.lineage import everything
from mapgen.ir.types import ListOf, Object
from tests.depth import examples

from .language import check, messages
from .reference import Failed, evaluate
from .test_random import PART, RECORD, RECORDS, SHORT, Maker

WHOLE = Object(
    "record", {**RECORD.fields, "home": PART, "homes": ListOf(PART), "extra": RECORD.fields["note"]}
)
PARTS = st.fixed_dictionaries({"name": SHORT, "code": st.none() | SHORT})
WHOLES = st.builds(
    lambda record, more: {**record, **more},
    RECORDS,
    st.fixed_dictionaries(
        {"home": PARTS, "homes": st.lists(PARTS, max_size=3), "extra": st.none() | SHORT}
    ),
)
ROOT = Scope({"record": Binding(WHOLE, at("record"))})
# How many examples: some in each run, thousands when asked.


class PartMaker(Maker):
    """Makes objects and lists of them besides; `lets` are the names in force by kind."""

    def __init__(self, draw: st.DrawFn, lets: Mapping[str, str]) -> None:
        super().__init__(draw)
        self.lets = lets

    def leaf(self, kind: str, rows: tuple[str, ...]) -> str:
        own = [name for name, of in self.lets.items() if of == kind]
        if kind == "part":
            return self.pick("record.home", "record.?part.orValue(record.home)", *own)
        if kind == "parts":
            return self.pick("record.homes", "[record.home]", "[?record.part]", *own)
        if kind == "string":
            own += [f"{name}.name" for name, of in self.lets.items() if of == "part"]
        found = super().leaf(kind, rows)
        found = found if found != "extra" else "record.extra"
        found = found.replace("extra ==", "record.extra ==")
        return self.pick(*own) if own and self.pick("let", "record") == "let" else found

    def part(self, depth: int, rows: tuple[str, ...]) -> str:
        one, other = self.make("part", depth, rows), self.make("part", depth, rows)
        condition, parts = self.make("bool", depth, rows), self.make("parts", depth, rows)
        name = self.fresh()
        return self.pick(
            f"({condition} ? {one} : {other})",
            f"coalesce(record.part, {one})",
            f"optional.of({one}).orValue({other})",
            f"[{one}, {other}][1]",
            f"({parts}).first().orValue({one})",
            f"cel.bind({name}, {one}, {condition} ? {name} : {other})",
            f"({parts} + [{one}])[0]",
            "record.part.value()" if self.draw(st.booleans()) else f"({parts}).last().value()",
        )

    def parts(self, depth: int, rows: tuple[str, ...]) -> str:
        parts, more = self.make("parts", depth, rows), self.make("parts", depth, rows)
        text, condition = self.make("string", depth, rows), self.make("bool", depth, rows)
        name, part = self.fresh(), self.make("part", depth, rows)
        return self.pick(
            f"({parts} + {more})",
            f"({parts}).filter({name}, {name}.name != {text})",
            f"({parts}).sortBy({name}, {name}.name)",
            f"({parts}).groupBy({name}, {name}.name).map(g, g.rows).flatten()",
            f"({parts}).groupBy({name}, {name}.name).map(g, g.rows[0])",
            f"({parts}).map({name}, {condition} ? {name} : {part})",
            f"[[{part}], {parts}].flatten()",
            f"({condition} ? {parts} : {more})",
            f"({parts}).reverse()",
            f"cel.bind({name}, {parts}, {name} + {more})",
        )

    def string(self, depth: int, rows: tuple[str, ...]) -> str:
        if self.draw(st.booleans()):
            return super().string(depth, rows)
        part, parts = self.make("part", depth, rows), self.make("parts", depth, rows)
        text, other, name = self.make("string", depth, rows), self.fresh(), self.fresh()
        return self.pick(
            f"({part}).name",
            f"({part}).code.orValue({text})",
            f"({parts}).map({name}, {name}.name + {text}).join('-')",
            f"({parts}).first().?code.orValue({text})",
            f"({parts}).groupBy({name}, {name}.name).map({other}, {other}.key).join({text})",
            f"optional.of({part}).optMap({name}, {name}.name).orValue({text})",
            f"cel.bind({name}, {part}, {name}.name + {name}.code.orValue({text}))",
            f"cel.bind({name}, record.part, {name} == null ? {text} : {name}.name)",
        )

    def bool(self, depth: int, rows: tuple[str, ...]) -> str:
        if self.draw(st.integers(0, 3)):
            return super().bool(depth, rows)
        one, other = self.make("part", depth, rows), self.make("part", depth, rows)
        parts = self.make("parts", depth, rows)
        return self.pick(f"({one}) == ({other})", f"({one}) in ({parts})", f"({one}) != ({other})")


class Noted(dict[str, Any]):
    """An object of a record that notes which of its members are asked for, by their paths."""

    def __init__(self, value: Mapping[str, Any], path: str, seen: set[str]) -> None:
        super().__init__({key: _noted(one, f"{path}.{key}", seen) for key, one in value.items()})
        self.path, self.seen = path, seen

    def get(self, key: str, default: Any = None) -> Any:
        found = super().get(key, default)
        if not isinstance(found, dict):
            self.seen.add(f"{self.path}.{key}")
        return found


def _noted(value: Any, path: str, seen: set[str]) -> Any:
    if isinstance(value, dict):
        return Noted(value, path, seen)
    return [_noted(one, f"{path}[]", seen) for one in value] if isinstance(value, list) else value


@st.composite
def programs(draw: st.DrawFn) -> tuple[list[tuple[str, str]], str]:
    """Return some lets, each with its expression, and an expression over them and the record."""
    lets: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    for name in ("let_a", "let_b")[: draw(st.integers(0, 2))]:
        kind = draw(st.sampled_from(["part", "parts", "string", "words", "bool", "int"]))
        found.append((name, PartMaker(draw, lets).make(kind, draw(st.integers(1, 2)))))
        lets[name] = kind
    kind = draw(st.sampled_from(["string", "string", "int", "bool", "maybe", "words"]))
    return found, PartMaker(draw, lets).make(kind, draw(st.integers(1, 3)))


def typed_program(lets: list[tuple[str, str]], words: str) -> tuple[list[tuple[str, Typed]], Typed]:
    """Return the lets and the expression, checked; programs that are refused are skipped."""
    scope, found = ROOT, []
    for name, text in lets:
        assume(not messages(text, scope))
        typed = check(text, scope)
        found.append((name, typed))
        binding = Binding(typed.type, typed.lineage.value, typed.lineage.reads)
        scope = scope.with_(name, binding)
    assume(not messages(words, scope))
    return found, check(words, scope)


def run(lets: list[tuple[str, Typed]], typed: Typed, record: Any) -> Any:
    """Return the value of an expression over lets, or "failed"."""
    names: dict[str, Any] = {"record": record}
    try:
        for name, let in lets:
            names[name] = evaluate(let.tree, names)
        return evaluate(typed.tree, names)
    except Failed:
        return "failed"


def changes(value: Any, path: str = "record") -> Iterator[tuple[str, Any]]:
    """Yield copies of a record with one leaf changed, each with the path of the leaf."""
    for key, one in value.items():
        inner = f"{path}.{key}"
        if isinstance(one, dict):
            for where, changed in changes(one, inner):
                yield where, {**value, key: changed}
        elif isinstance(one, list):
            for number, element in enumerate(one):
                around = (one[:number], one[number + 1 :])
                if isinstance(element, dict):
                    for where, changed in changes(element, f"{inner}[]"):
                        yield where, {**value, key: [*around[0], changed, *around[1]]}
                else:
                    yield inner, {**value, key: [*around[0], f"{element}-x", *around[1]]}
        else:
            yield inner, {**value, key: _other(key, one)}


def _other(key: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if value is None:
        return {"part": {"name": "p", "code": None}, "limit": 1}.get(key, "x")
    return f"{value}-x" if isinstance(value, str) else value + 1


def _covered(path: str, known: set[str]) -> bool:
    """Whether a path is known, as a whole or as something that is only gone through."""
    return path in known or any(one.startswith((f"{path}[", f"{path}.")) for one in known)


@given(programs(), WHOLES)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
def test_everything_seen_was_foreseen(
    program: tuple[list[tuple[str, str]], str], record: dict[str, Any]
) -> None:
    """What a run reads is in `reads`, and so is each field whose change changes the value.

    Of those that change one value into another, the origins of the value tell, too.
    """
    lets, words = program
    known, typed = typed_program(lets, words)
    note(f"{lets} {words}\n{typed.lineage}")
    reads = {*typed.lineage.reads}
    origins = {*everything(typed.lineage.value)}
    own = [(name, let) for name, let in known if _is_used(name, lets, words)]
    seen: set[str] = set()
    before = run(own, typed, Noted(copy.deepcopy(record), "record", seen))
    assert not {path for path in seen if not _covered(path, reads)}
    for path, changed in changes(record):
        after = run(own, typed, changed)
        if after != before:
            assert _covered(path, reads), path
            if "failed" not in (before, after):
                assert _covered(path, origins), path


def _is_used(name: str, lets: list[tuple[str, str]], words: str) -> bool:
    """Whether an expression names a let, or one that names it."""
    if re.search(rf"\b{name}\b", words):
        return True
    return any(
        re.search(rf"\b{name}\b", text) and _is_used(other, lets, words)
        for other, text in lets
        if other != name
    )
