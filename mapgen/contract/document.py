"""JSON documents from outside: text comes in, a tree goes out whose every value knows its place."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Never, TypeVar

from msgspec import Struct

from mapgen.report import Diagnostic, Label, Source, Span, Stopped, noting
from mapgen.report.catalogue import contract as words
from mapgen.report.catalogue import reading
from mapgen.report.message import Message
from mapgen.runtime.nesting import DEEPEST, is_deeper

Json = object  # what json.loads gives: None, bool, int, float, str, list or dict
Step = str | int
T = TypeVar("T")

_DECODER = json.JSONDecoder()
# More than any number that a schema, a contract or an example has.
MOST_DIGITS = 1000
_SPACE = re.compile(r"[ \t\n\r]*")


class NotJsonError(ValueError):
    """A text that is no JSON, and why; `at` is where, if that is known."""

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason)
        self.at = at


class Cursor(Struct, frozen=True):
    """A value inside a document, its path from the root, and the error that tells what is wrong.

    The place in the text is looked for only when an error needs it, so that reading stays fast.
    """

    source: Source
    value: Json
    diagnostic: Message
    path: tuple[Step, ...] = ()

    def label(self, note: str = "") -> Label:
        """Return the place of this value in the text."""
        return Label(place_of(self.source, self.path), note)

    def stop(self, message: str) -> Never:
        """Raise Stopped with this document's error at this place."""
        raise Stopped(self.diagnostic(self.label(), reason=f"{message}, at `{self}`"))

    def __str__(self) -> str:
        """Return the path as people read it: `entities.SalesOrder.fields`."""
        return ".".join(str(step) for step in self.path) or "the top"

    def members(self) -> Iterator[tuple[str, Cursor]]:
        """Return the members of an object, in the order of the text."""
        if not isinstance(self.value, dict):
            self.stop(f"found {kind(self.value)} where an object is expected")
        for name, value in self.value.items():
            yield name, Cursor(self.source, value, self.diagnostic, (*self.path, name))

    def apart_from(self, others: dict[str, str]) -> None:
        """Stop where the name of this member is one of the others to the ERP, which reads no case.

        `others` are the names by their small letters; this one is added.
        """
        name = str(self.path[-1])
        other = others.setdefault(name.lower(), name)
        if other != name:
            self.stop(
                f"`{other}` and `{name}` are one name to the ERP, which minds no case: keep one"
            )

    def elements(self) -> Iterator[Cursor]:
        """Return the elements of an array."""
        if not isinstance(self.value, list):
            self.stop(f"found {kind(self.value)} where an array is expected")
        for index, value in enumerate(self.value):
            yield Cursor(self.source, value, self.diagnostic, (*self.path, index))

    def optional(self, name: str) -> Cursor | None:
        """Return the member of that name, or None where the object has none."""
        if not isinstance(self.value, dict):
            self.stop(f"found {kind(self.value)} where an object is expected")
        if name not in self.value:
            return None
        return Cursor(self.source, self.value[name], self.diagnostic, (*self.path, name))

    def member(self, name: str) -> Cursor:
        """Return the member of that name; stop where the object has none."""
        found = self.optional(name)
        if found is None:
            self.stop(f"the member `{name}` is missing")
        return found

    def text(self) -> str:
        """Return a non-empty text."""
        if not isinstance(self.value, str) or not self.value:
            self.stop(f"found {kind(self.value)} where a text is expected")
        return self.value

    def whole(self) -> int:
        """Return a whole number that is not negative."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < 0:
            self.stop(f"found {kind(self.value)} where a whole number is expected")
        return self.value

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            self.stop(f"found {kind(self.value)} where true or false is expected")
        return self.value

    def only(self, known: Iterable[str]) -> None:
        """Stop where the object has a member that is not among the known ones."""
        names = set(known)
        for name, cursor in self.members():
            if name not in names:
                cursor.stop(f"the member `{name}` is unknown")


def read(source: Source, diagnostic: Message) -> Cursor:
    """Return the root of a JSON document.

    Raises Stopped with E512 for text that is not JSON: syntax, a member that is there twice, NaN,
    half a surrogate pair, nesting beyond the interpreter's depth.
    """
    try:
        value = parsed(source.text, _refuse_duplicates)
        if "\\ud" in source.text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        label = Label(Span(source, 0, 0))
        raise Stopped(words.not_json(label, reason="half a surrogate pair")) from None
    except NotJsonError as error:
        at = min(error.at or 0, len(source.text))
        raise Stopped(words.not_json(Label(Span(source, at, at)), reason=str(error))) from None
    return Cursor(source, value, diagnostic)


def place_of(source: Source, path: tuple[Step, ...]) -> Span:
    """Return where a value is in a JSON text that is known to be well formed."""
    at = _skip_space(source.text, 0)
    for step in path:
        at = _position(source.text, at, step)
    _, end = _DECODER.raw_decode(source.text, at)
    line_end = source.text.find("\n", at)
    return Span(source, at, end if line_end < 0 else min(end, line_end))


def kind(value: Json) -> str:
    """Return what a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "`true`" if value else "`false`"
        case int() | float():
            return "a number"
        case str():
            return "a text" if value else "an empty text"
        case list():
            return "an array"
        case _:
            return "an object"


def gather(reads: Iterable[Callable[[], T]]) -> list[T]:
    """Return what all the reads give; stop with the errors of all of them together."""
    found: list[T] = []
    diagnostics: list[Diagnostic] = []
    for one in reads:
        with noting(diagnostics):
            found.append(one())
    if diagnostics:
        raise Stopped(diagnostics)
    return found


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _position(text: str, at: int, step: Step) -> int:
    """Return where the member or element `step` of the value at `at` starts."""
    index = 0
    at = _skip_space(text, at + 1)
    while True:
        name: Step = index
        if isinstance(step, str):
            key, at = _DECODER.raw_decode(text, at)
            name = str(key)
            at = _skip_space(text, _skip_space(text, at) + 1)
        if name == step:
            return at
        _, at = _DECODER.raw_decode(text, at)
        at = _skip_space(text, _skip_space(text, at) + 1)
        index += 1


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits):,} digits; the most is {MOST_DIGITS:,}")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number beyond all bounds")
    return number


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"`{name}` is not a JSON number")


def parsed(text: str, pairs: Callable[[list[tuple[str, Json]]], Json] = dict) -> Json:
    """Return what a JSON text says.

    Args:
        text: the JSON.
        pairs: makes an object of its members.

    Raises NotJsonError for what is not JSON, numbers beyond all bounds, what is nested too deep.
    """
    try:
        found: Json = json.loads(
            text,
            parse_int=_whole,
            parse_float=_fraction,
            parse_constant=_refuse_constant,
            object_pairs_hook=None if pairs is dict else pairs,
        )
        if is_deeper(found, DEEPEST):
            raise RecursionError
    except json.JSONDecodeError as error:
        raise NotJsonError(error.msg.lower(), error.pos) from None
    except RecursionError:
        raise NotJsonError("nested too deep") from None
    except ValueError as error:
        raise NotJsonError(str(error)) from None
    return found


def parsed_file(source: Source, what: str) -> Json:
    """Return what a file of a spec says, which is `what`. Raises Stopped (E130)."""
    try:
        return parsed(source.text)
    except NotJsonError as error:
        at = None if error.at is None else Span(source, error.at, error.at)
        raise Stopped(
            reading.not_json(at, path=source.path, reason=str(error), what=what)
        ) from None


def _refuse_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name, count in times.items() if count > 1)
        raise ValueError(f"duplicate key `{twice}` in one object")
    return found
