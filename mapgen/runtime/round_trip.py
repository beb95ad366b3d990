"""What a generated round-trip test calls: records in, whether their documents give them back out.

Records are those of the examples, and those with members changed at random. A change that the flow
refuses is taken back, so that every record that is tried makes its documents.
"""

from __future__ import annotations

import copy
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies

from mapgen.runtime.constraints import present_type
from mapgen.runtime.outcome import Document
from mapgen.runtime.records import RawRecord
from mapgen.runtime.source import Amount, Instant, struct_of
from mapgen.runtime.testing import FlowUnderTest
from mapgen.runtime.values import ENCODER

_MOST_CHANGES = 8
_LETTERS = "abzABZ019 -_.,:/'\"\\äß茶"


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A flow, and what undoes it.

    `undo` takes a document, or several by name, and the settings; `paths` are what it gives back:
    `lines[].sku`. `words` are texts that records are likely to hold.
    """

    flow: FlowUnderTest
    undo: Callable[[Any, Mapping[str, str]], Any]
    paths: tuple[str, ...]
    words: tuple[str, ...] = ()

    def check(self, record: str) -> None:
        """Assert that the documents of a record give back what the rules read of it."""
        assert self._is_taken(record), self.flow.document(record)
        source = self.flow.transformer.source(_raw(record))
        document = self.flow.document(record)
        try:
            back = self.undo(document, self.flow.settings)
        except ValueError as error:
            raise AssertionError(f"the document cannot be undone: {error}") from None
        for path in self.paths:
            names = tuple(path.split("."))
            given, found = _at(source, names), _at(back, names)
            assert _is_same(given, found), f"{path}: {given!r} came back as {found!r}"

    def around(self, record: str) -> Iterator[str]:
        """Yield a record, and it with one member changed to each value that tells rules apart."""
        yield record
        source = self.flow.transformer.source_type
        places = self._places(json.loads(record, parse_float=Decimal), source)
        for number, (before, member, kind) in enumerate(places):
            for edge in self._edges(kind, _held(before, member)):
                changed = json.loads(record, parse_float=Decimal)
                holder, name, _ = list(self._places(changed, source))[number]
                self._put(holder, name, edge)
                text = ENCODER.encode(changed).decode()
                if self._is_taken(text):
                    yield text

    def _edges(self, kind: object, old: object) -> tuple[object, ...]:
        present = present_type(kind)
        if isinstance(old, list):
            return [], old[::-1], old[:1], old + old[:1]
        if struct_of(present) is not None or typing.get_origin(present) is list:
            return (None,)
        more = self.words if present is str else ()
        return None, *more, *_VALUES.get(present, _TEXTS)

    def _put(self, holder: Any, name: Any, new: object) -> None:
        """Put a value in: of a record in CSV as text, of a record of the ERP wrapped."""
        if self.flow.transformer.reads_text and isinstance(new, bool | int | Decimal):
            new = json.dumps(new, default=str).strip('"')
        old = _held(holder, name)
        is_wrapped = isinstance(old, dict) and new is not None
        holder[name] = {"value": new} if is_wrapped else new

    def records(self) -> strategies.SearchStrategy[str]:
        """Return records of the examples with members changed; the flow takes each of them."""
        taken = [one.given for one in self.flow.examples if self._is_taken(one.given)]
        return strategies.composite(self._changed)(taken)

    def _is_taken(self, record: str) -> bool:
        return all(isinstance(one, Document) for one in self.flow.outcomes(record))

    def _changed(self, draw: strategies.DrawFn, records: list[str]) -> str:
        text = draw(strategies.sampled_from(records))
        for _ in range(draw(strategies.integers(min_value=1, max_value=_MOST_CHANGES))):
            record = json.loads(text, parse_float=Decimal)
            places = list(self._places(record, self.flow.transformer.source_type))
            if not places:
                break
            holder, name, kind = draw(strategies.sampled_from(places))
            self._change(draw, holder, name, kind)
            changed = ENCODER.encode(record).decode()
            text = changed if self._is_taken(changed) else text
        return text

    def _places(self, value: Any, kind: type) -> Iterator[tuple[Any, Any, object]]:
        """Yield the members that the rules read, each with what holds it and its type."""
        if not isinstance(value, dict):
            return
        for field in msgspec.structs.fields(kind):
            name, inner = field.encode_name, struct_of(field.type)
            yield value, name, field.type
            below = value.get(name)
            if isinstance(below, list):
                for number, row in enumerate(below):
                    if inner is None:
                        yield below, number, typing.get_args(present_type(field.type))[0]
                    else:
                        yield from self._places(row, inner)
            elif inner is not None:
                yield from self._places(below, inner)

    def _change(self, draw: strategies.DrawFn, holder: Any, name: Any, kind: object) -> None:
        old = _held(holder, name)
        present = present_type(kind)
        if present is not kind and draw(strategies.booleans()):
            holder[name] = None
        elif isinstance(old, list):
            holder[name] = _other_rows(draw, old)
        elif struct_of(present) is None and typing.get_origin(present) is not list:
            self._put(holder, name, self._new(draw, present, old))

    def _new(self, draw: strategies.DrawFn, kind: object, old: object) -> object:
        """Return another value of a type."""
        texts = _EDGES | strategies.text(_LETTERS, max_size=12)
        if self.words:
            texts |= strategies.sampled_from(self.words)
        if isinstance(old, str) and kind is str:
            texts |= strategies.builds(_decorated, strategies.just(old), texts)
        new: object = draw(_STRATEGIES.get(kind, texts | _DIGITS))
        return new


def _held(holder: Any, name: Any) -> Any:
    return holder.get(name) if isinstance(holder, dict) else holder[name]


def _decorated(old: str, more: str) -> str:
    return f"{more}{old}{more}"


def _decimal(units: int, places: int) -> Decimal:
    return Decimal(units).scaleb(-places)


# What a careless rule changes: blanks, case, digits that spell a number in another way, nothing.
_TEXTS = (
    *("", " ", " x", "x ", "x", "X", "a-b", "äß", "0", "01", "7", "1.50", "2024-02-29"),
    *("abcdefghijklm", "nopqrstuvwxyz", "NOPQRSTUVWXYZ", "a b  c/d,e.f:g", "x" * 30),
)
_AMOUNT_EDGES = tuple(Decimal(text) for text in ("0", "1", "-1", "0.01", "0.125", "1234567.891"))
_INSTANTS = ("1999-12-31T23:59:59Z", "2024-02-29T00:30:00.125+02:00")
_VALUES: Mapping[object, tuple[object, ...]] = {
    int: (0, 1, -1, 7, 99, 101, 1234567),
    Decimal: _AMOUNT_EDGES,
    Amount: _AMOUNT_EDGES,
    bool: (False, True),
    date: ("1999-12-31", "2024-02-29"),
    Instant: _INSTANTS,
    datetime: _INSTANTS,
}
_EDGES = strategies.sampled_from(_TEXTS)
_PLACES = strategies.integers(min_value=0, max_value=4)
_AMOUNTS = strategies.builds(_decimal, strategies.integers(-(10**7), 10**7), _PLACES)
_WHOLES = strategies.integers(0, 20) | strategies.integers(-(10**9), 10**9)
_DIGITS = _AMOUNTS.map(lambda amount: format(amount, "f")) | _WHOLES.map(str)
_DAYS = strategies.dates(min_value=date(1970, 1, 2), max_value=date(2090, 1, 1))
_STRATEGIES: Mapping[object, strategies.SearchStrategy[Any]] = {
    int: _WHOLES,
    Decimal: strategies.just(0) | _AMOUNTS | _WHOLES,
    Amount: strategies.just(0) | _AMOUNTS | _WHOLES,
    bool: strategies.booleans(),
    date: _DAYS.map(date.isoformat),
    Instant: _DAYS.map(lambda day: f"{day.isoformat()}T23:30:05+02:00"),
    datetime: _DAYS.map(lambda day: f"{day.isoformat()}T23:30:05+02:00"),
}


def _other_rows(draw: strategies.DrawFn, rows: list[Any]) -> list[Any]:
    """Return the rows in another order, without some of them, or with some twice."""
    if not rows:
        return rows
    chosen = draw(strategies.lists(strategies.integers(0, len(rows) - 1), max_size=4))
    return [copy.deepcopy(rows[number]) for number in chosen]


def _raw(record: str) -> RawRecord:
    return RawRecord(1, 1, record.encode())


def _at(value: Any, names: tuple[str, ...]) -> Any:
    """Return what stands at a path: of a list all of it, in order; a missing list has no rows."""
    if not names:
        return value
    name, *rest = names
    inner = _member(value, name.removesuffix("[]"))
    if name.endswith("[]"):
        return [_at(row, tuple(rest)) for row in inner or ()]
    return _at(inner, tuple(rest))


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    fields = () if value is None else msgspec.structs.fields(value)
    found = next((field.name for field in fields if field.encode_name == name), None)
    return None if found is None else getattr(value, found)


def _is_same(given: Any, found: Any) -> bool:
    """Tell whether a value came back: a date as its text, a text perhaps as a number."""
    match given, found:
        case list(), list():
            pairs = zip(given, found, strict=False)
            return len(given) == len(found) and all(_is_same(*pair) for pair in pairs)
        case datetime(), str():
            return given == datetime.fromisoformat(found)
        case date(), str():
            return given.isoformat() == found
        case str(), Decimal():
            return Decimal(given) == found
        case str(), int():
            return not isinstance(found, bool) and Decimal(given) == found
        case _:
            return isinstance(given, bool) == isinstance(found, bool) and bool(given == found)
