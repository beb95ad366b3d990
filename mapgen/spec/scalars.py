"""Places inside YAML scalars: the words and where they are in, each word character's place out.

YAML strips indentation, folds lines and resolves escapes, so the words of a scalar are not what
is in the file. An error inside an expression has to point into the file all the same.
"""

from __future__ import annotations

from msgspec import Struct

from mapgen.report import Source, Text

_ESCAPES = {
    **dict(zip("0abtnvfre", "\0\a\b\t\n\v\f\r\x1b", strict=True)),
    **dict(zip("N_LP", "\x85\xa0\u2028\u2029", strict=True)),
    **{itself: itself for itself in '\t "/\\'},
}
_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}
_SPACE = " \t\r\n"


class _Unit(Struct, frozen=True):
    """One character as the file says it; white space that was not escaped may have been folded."""

    character: str
    offset: int
    is_space: bool


def scalar_text(source: Source, value: str, start: int, end: int) -> Text:
    """Return the words of the scalar that is from `start` to `end`, each with its place.

    Invariant: the offsets never decrease and have one entry more than the words. Should the file
    and the words disagree (they never may), every character is placed at the scalar's start.
    """
    raw = source.text[start:end]
    if raw == value:
        return Text(value, source, range(start, end + 1))
    if raw[1:-1] == value and raw[0] in "'\"":
        return Text(value, source, range(start + 1, end))
    offsets = _align(value, list(_units(raw, start)))
    if offsets is None:
        return Text(value, source, [start] * (len(value) + 1))
    return Text(value, source, [*offsets, offsets[-1] + 1 if offsets else start])


def _units(raw: str, start: int) -> list[_Unit]:
    if raw.startswith("'"):
        return _single_quoted(raw, start)
    if raw.startswith('"'):
        return _double_quoted(raw, start)
    skipped = 0
    if raw[:1] in ("|", ">"):
        skipped = raw.find("\n") + 1 or len(raw)
    return [
        _Unit(character, start + at, character in _SPACE)
        for at, character in enumerate(raw[skipped:], start=skipped)
    ]


def _single_quoted(raw: str, start: int) -> list[_Unit]:
    units = []
    at = 1
    while at < len(raw) - 1:
        units.append(_Unit(raw[at], start + at, raw[at] in _SPACE))
        at += 2 if raw[at] == "'" else 1
    return units


def _double_quoted(raw: str, start: int) -> list[_Unit]:
    units = []
    at = 1
    while at < len(raw) - 1:
        if raw[at] != "\\":
            units.append(_Unit(raw[at], start + at, raw[at] in _SPACE))
            at += 1
            continue
        letter = raw[at + 1]
        width = _HEX_ESCAPES.get(letter, 0)
        if width:
            character = chr(int(raw[at + 2 : at + 2 + width], 16))
            units.append(_Unit(character, start + at, is_space=False))
        elif letter in _ESCAPES:
            units.append(_Unit(_ESCAPES[letter], start + at, is_space=False))
        at += 2 + width
    return units


def _align(value: str, units: list[_Unit]) -> list[int] | None:
    offsets: list[int] = []
    at = 0
    done = 0
    while done < len(value):
        if at < len(units) and not units[at].is_space and units[at].character == value[done]:
            offsets.append(units[at].offset)
            at += 1
            done += 1
            continue
        run = at
        while at < len(units) and units[at].is_space:
            at += 1
        wanted = units[at].character if at < len(units) else None
        blank = done
        while done < len(value) and value[done] in _SPACE and not _starts(value, done, units, at):
            done += 1
        if (done < len(value) and value[done] != wanted) or (run == at and blank == done):
            return None
        offsets.extend(_align_space(value[blank:done], units[run:at], offsets))
    return offsets


def _starts(value: str, done: int, units: list[_Unit], at: int) -> bool:
    """Whether an escaped white-space character of the file is exactly here in the words."""
    return at < len(units) and units[at].character in _SPACE and value[done] == units[at].character


def _align_space(space: str, run: list[_Unit], before: list[int]) -> list[int]:
    """Place folded white space: from the right, so that indentation falls off at the left."""
    if not run:
        return [before[-1] if before else 0] * len(space)
    places = [unit.offset for unit in run[-len(space) :]] if space else []
    return [run[0].offset] * (len(space) - len(places)) + places
