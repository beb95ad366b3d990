"""What changes a document is among the reads of the rule that wrote the changed field."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mapgen.agreed.paths import member_path
from mapgen.check.model import Checked
from mapgen.check.records import needed_joins
from mapgen.ir import flow as ir
from mapgen.runtime.outcome import Document, Outcome
from mapgen.runtime.sources.records import RawRecord
from mapgen.runtime.transform import Transformer

Reads = frozenset[str]


def unforeseen(
    checked: Checked, transformer: Transformer, record: Any, most: int, seen: Counter[str]
) -> Iterator[str]:
    """Yield what a change of one member of a record changes that no rule is known to read.

    Args:
        checked: the flow, found right.
        transformer: the same at work.
        record: a record that becomes documents, see `is_made`.
        most: how many changes are tried.
        seen: counts what the rules are whose fields changed.
    """
    before = _outcome(transformer, record)
    flow = checked.flow
    name = flow.plan.source
    everywhere = frozenset(path for skip in flow.skips for path in skip.reads)
    known = {one.name: _Known(one, everywhere) for one in flow.documents}
    for path, changed in list(changes(record, name, name))[:most]:
        after = _outcome(transformer, changed)
        if list(map(_told, after)) == list(map(_told, before)):
            continue
        if not _covers(path, (*checked.reads, *needed_joins(checked.spec.mapping.source))):
            yield f"{path} changes what comes of the record, and nothing reads it"
        elif _named(after) == _named(before):
            for one, other in zip(before, after, strict=True):
                assert isinstance(one, Document)
                assert isinstance(other, Document)
                for target in _different(json.loads(one.body), json.loads(other.body), ""):
                    seen.update(known[one.document].kinds_at(target))
                    if not _covers(path, known[one.document].reads(target)):
                        yield f"{path} changes {one.document}: {target}, which does not read it"
        elif all(isinstance(one, Document) for one in after):
            names = {*_named(before)} ^ {*_named(after)}
            several = {one for one in known if _count(before, one) != _count(after, one)}
            for one in several or names:
                if not _covers(path, known[one].decided):
                    yield f"{path} decides how many `{one}` there are, which do not read it"


def is_made(transformer: Transformer, record: Any) -> bool:
    """Tell whether a record becomes documents."""
    return all(isinstance(one, Document) for one in _outcome(transformer, record))


def _outcome(transformer: Transformer, record: Any) -> tuple[Outcome, ...]:
    return transformer.outcomes(RawRecord(1, 1, json.dumps(record).encode()), "r.json")


def _told(found: Outcome) -> object:
    return found.body if isinstance(found, Document) else type(found)


def _named(found: Iterable[Outcome]) -> list[str]:
    return [one.document for one in found if isinstance(one, Document)]


def _count(found: Iterable[Outcome], name: str) -> int:
    return _named(found).count(name)


def _covers(path: str, reads: Iterable[str]) -> bool:
    return any(
        one in (path, f"{path}[]") or one.startswith((f"{path}.", f"{path}[")) for one in reads
    )


class _Known:
    """The reads of one document by target; what decides on a part decides on all inside it."""

    def __init__(self, document: ir.Document, everywhere: Reads) -> None:
        when = () if document.when is None else document.when.reads
        self.decided: Reads = everywhere | {*when, *document.block.reads}
        self._found: dict[str, Reads] = {}
        self.kinds: dict[str, set[str]] = {}
        self._part("", document.part, frozenset())

    def reads(self, target: str) -> Reads:
        return self.decided | self._found.get(target, frozenset())

    def kinds_at(self, target: str) -> set[str]:
        """Return what the rules are that make a field, those of the parts around it included."""
        found = [kinds for path, kinds in self.kinds.items() if f"{target}.".startswith(f"{path}.")]
        inside = [kinds for path, kinds in self.kinds.items() if target.startswith(f"{path}[].")]
        return {kind for kinds in (*found, *inside) for kind in kinds}

    def _add(self, target: str, reads: Iterable[str]) -> None:
        self._found[target] = self._found.get(target, frozenset()) | {*reads}

    def _note(self, above: str, field: ir.Field, around: Reads = frozenset()) -> None:
        self._add(f"{above}{field.name}", around | {*field.reads})
        self._called(f"{above}{field.name}", field.written[0][0])

    def _called(self, target: str, kind: str) -> None:
        self.kinds.setdefault(target, set()).add(kind)

    def _part(self, above: str, part: ir.Part, around: Reads) -> None:
        for rule in part.custom:
            self._add(f"{above}custom.{rule.field.name}", around | {*rule.field.reads})
        if part.note is not None:
            self._add(f"{above}note", around | {*part.note.reads})
        for member in part.members:
            path = f"{above}{member.name}"
            if isinstance(member, ir.Field):
                self._note(above, member, around)
                continue
            kind = "rows" if len(member.blocks) == 1 else "blocks"
            self._called(path, kind if member.is_list else "object")
            own = around | {*member.reads}
            for block in member.blocks:
                self._inside(path, f"{path}{'[]' * member.is_list}.", block.part, own)

    def _inside(self, path: str, below: str, part: ir.Part, around: Reads) -> None:
        self._add(path, around)
        self._part(below, part, around)


def _different(one: Any, other: Any, path: str) -> Iterator[str]:
    """Yield the targets at which two documents differ; of lists of other lengths, the list."""
    if one == other:
        return
    match one, other:
        case dict(), dict() if "value" not in one and "value" not in other:
            for name in dict.fromkeys((*one, *other)):
                inner = f"{path}.{name}" if path else name
                yield from _different(one.get(name), other.get(name), inner)
        case list(), list() if len(one) == len(other) and all(
            isinstance(row, dict) for row in (*one, *other)
        ):
            for row, changed in zip(one, other, strict=True):
                yield from _different(row, changed, f"{path}[]")
        case (None, dict()) | (dict(), None) if "value" not in (one or other):
            # An object or custom fields that come or go: each field in them does.
            yield from _different(one or {}, other or {}, path)
        case _:
            yield path.removesuffix("[]")


def changes(value: Any, path: str, name: str) -> Iterator[tuple[str, Any]]:
    """Yield copies of a record with one member changed or left out, each with its path."""
    match value:
        case dict() if path == name and set(value) == {name}:
            for where, changed in changes(value[name], path, f"{name}?"):
                yield where, {name: changed}
        case dict() if set(value) == {"value"}:
            yield from ((path, {"value": one}) for one in _others(value["value"]))
            yield path, {}
        case dict():
            for key, one in value.items():
                inner = member_path(path, key)
                for where, changed in changes(one, inner, name):
                    yield where, {**value, key: changed}
                yield inner, {other: two for other, two in value.items() if other != key}
        case list():
            yield path, value[:-1]
            for at, one in enumerate(value):
                below = f"{path}[]" if isinstance(one, dict) else path
                for where, changed in changes(one, below, name):
                    yield where, [*value[:at], changed, *value[at + 1 :]]
        case None:
            return
        case _:
            yield from ((path, one) for one in _others(value))


def _others(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return (not value,)
        case str():
            words: Mapping[bool, tuple[Any, ...]] = {True: ("2001-02-03",), False: ("TEA", "a-b")}
            return words[value[4:5] == "-" and value[:4].isdigit()] + ("7",)
        case int() | float():
            return (value + 1, 0)
        case _:
            return ()
