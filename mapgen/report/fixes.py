"""How a certain mistake is fixed in the text of a file, None if in doubt.

Invariant: words that YAML escapes or folds are never replaced, and a comment is never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mapgen.report.fix import Fix, Replacement
from mapgen.report.source import Source, Span

# What can be in any scalar, whatever its quotes, and beside anything.
_HARMLESS = re.compile(r"[\w.?*!=&|()+/<> -]+|[\w.*]+(\[\][\w.*]*)+")
_ENTRY = re.compile(r"^( *(?:- +)*)([\w.-]+) *: +(\S.*)$")
_UNITS = {"ms": "ms|milliseconds?|msec|millis", "s": "s|secs?|seconds?"} | {
    "m": "m|mins?|minutes?",
    "h": "h|hrs?|hours?",
    "d": "d|days?",
}
_OPENING, _CLOSING = "([{", ")]}"


def replaced(span: Span, found: str, words: str) -> Fix | None:
    """Return the fix that writes other words; `found` are those that are there."""
    raw = span.source.text[span.start : span.end]
    if raw != found or not (words == "" or _HARMLESS.fullmatch(words) or words in found):
        return None
    return Fix((Replacement(span, words),))


def without_entry(key: Span) -> Fix | None:
    """Return the fix that removes an entry of a mapping: of a line of its own, or in braces."""
    text, start = key.source.text, key.start
    first, last = _line(key.source, start)
    if not text[first:start].strip(" ") and _before(text, start) not in "{,":
        return _without_line(key.source, first, last)
    if _before(text, start) not in "{,":
        return None
    end = _end_of_value(text, start)
    if end is None or "\n" in text[start:end] or "#" in text[start:end]:
        return None
    if text[end] == ",":
        end = end + 1 + len(text[end + 1 :]) - len(text[end + 1 :].lstrip(" "))
    elif _before(text, start) == ",":
        start = text.rindex(",", 0, start)
    return Fix((Replacement(Span(key.source, start, end), ""),))


def without_modifier(value: Span, name: str) -> Fix | None:
    """Return the fix that removes a key of a rule, of which only the value's place is known."""
    first, _ = _line(value.source, value.start)
    before = value.source.text[first : value.start]
    found = re.search(rf"(?<![\w.-]){re.escape(name)} *: *['\"]?$", before)
    if found is None:
        return None
    start = first + found.start()
    return without_entry(Span(value.source, start, start + len(name)))


def entries_before(key: Span, entries: Iterable[str]) -> Fix | None:
    """Return the fix that puts entries in front of another one of the same mapping."""
    text = key.source.text
    first, _ = _line(key.source, key.start)
    indentation = text[first : key.start]
    if _before(text, key.start) in "{,":
        behind = ", "
    elif not indentation.strip(" "):
        behind = _end(text) + indentation
    else:
        return None
    words = "".join(f"{entry}{behind}" for entry in entries)
    return Fix((Replacement(Span(key.source, key.start, key.start), words),))


def into_braces(braces: Span, entries: Iterable[str]) -> Fix | None:
    """Return the fix that puts entries into a mapping in braces, None for one without braces.

    Braces with nothing in them that end a line become lines, one an entry.
    """
    source, text = braces.source, braces.source.text
    if not text.startswith("{", braces.start):
        return None
    empty = re.compile(r"\{[ \t]*\}").match(text, braces.start)
    first, last = _line(source, braces.start)
    line = re.fullmatch(r"( +)[\w.-]+:( *)", text[first : braces.start])
    if empty is not None and line is not None and not text[empty.end() : last].strip():
        words = "".join(f"{_end(text)}{2 * line[1]}{entry}" for entry in entries)
        return Fix((Replacement(Span(source, braces.start - len(line[2]), empty.end()), words),))
    at = braces.start + 1
    words = ", ".join(entries) + ("" if empty is not None else ", ")
    return Fix((Replacement(Span(source, at, at), words),))


def entry_first(mapping: Span, key: str, entries: Iterable[str]) -> Fix | None:
    """Return the fix that puts an entry, which holds entries itself, first into a mapping.

    On lines of its own it is above the comments of what is first now.
    """
    source, text = mapping.source, mapping.source.text
    entries = tuple(entries)
    if text.startswith("{", mapping.start):
        return into_braces(mapping, [f"{key}: {{{', '.join(entries)}}}"])
    at, _ = _line(source, mapping.start)
    indentation = text[at : mapping.start]
    if not indentation or indentation.strip(" "):
        return None
    while (above := re.search(r"^[ \t]*(#.*)?\r?\n\Z", text[:at], re.MULTILINE)) is not None:
        at = above.start()
    lines = [f"{indentation}{key}:", *(f"{2 * indentation}{entry}" for entry in entries)]
    words = "".join(line + _end(text) for line in lines)
    return Fix((Replacement(Span(source, at, at), words),))


def _end(text: str) -> str:
    """Return how the lines of a text end."""
    return "\r\n" if "\r\n" in text else "\n"


def as_key(name: str) -> str:
    """Return a name as a key of YAML, in quotes where it has to be."""
    return name if re.fullmatch(r"[A-Za-z_][\w.]*", name) else "'" + name.replace("'", "''") + "'"


def value_quoted(at: Span) -> Fix | None:
    """Return the fix that puts quotes around the value of a line, or around one in braces."""
    source, text = at.source, at.source.text
    first, last = _line(source, at.start)
    found = _ENTRY.match(text[first:last].rstrip())
    if found is None or _is_inside(text[first + found.start(3) : at.start]):
        end = _end_of_value(text, at.start)
        is_value = re.search(r"[\w.-] *: +$", text[first : at.start]) is not None
        if end is None or not is_value or "\n" in text[at.start : end]:
            return None
        return _quotes(Span(source, at.start, at.start + len(text[at.start : end].rstrip())))
    value = found[3]
    following = re.match(r"(?:[ \r]*\n)*( *)", text[last:])
    is_continued = following is not None and len(following[1]) > len(found[1])
    if is_continued or " #" in value or value[0] in "'\"|>" or value.endswith(","):
        return None
    start = first + found.start(3)
    return _quotes(Span(source, start, start + len(value)))


def call_quoted(at: Span) -> Fix | None:
    """Return the fix that puts quotes around a call in braces whose commas cut it to pieces."""
    text = at.source.text
    first, _ = _line(at.source, at.start)
    starts = [found.end() for found in re.finditer(r"[{,] *[\w.-]+: +", text[first : at.start])]
    if not starts:
        return None
    start = first + starts[-1]
    end = _end_of_value(text, start, is_call=True)
    if end is None or end < at.end or "\n" in text[start:end] or text[start] in "'\"":
        return None
    return _quotes(Span(at.source, start, end))


def quoted(span: Span) -> Fix | None:
    """Return the fix that puts quotes around the words of a span."""
    return None if "\n" in span.source.text[span.start : span.end] else _quotes(span)


def unquoted(span: Span) -> Fix | None:
    """Return the fix that takes away the quotes around the words of a span."""
    text = span.source.text
    around = text[span.start - 1 : span.start] + text[span.end : span.end + 1]
    if around not in ("''", '""'):
        return None
    whole = Span(span.source, span.start - 1, span.end + 1)
    return Fix((Replacement(whole, text[span.start : span.end]),))


def duration_spelled(span: Span, found: str) -> Fix | None:
    """Return the fix that writes a unit of time as the language does: `5 minutes` is `5m`."""
    for unit, spellings in _UNITS.items():
        match = re.fullmatch(rf"(\d+(?:\.\d+)?) *(?:{spellings})", found, re.IGNORECASE)
        if match is not None:
            return replaced(span, found, match[1] + unit)
    return None


def tabs_expanded(at: Span) -> Fix:
    """Return the fix that indents with spaces, like the line above, or one step deeper.

    All lines are taken that begin with a tab and follow each other.
    """
    source = at.source
    lines = source.text.split("\n")
    first = at.line - 1
    step = min((len(found) for found in re.findall(r"^( +)\S", source.text, re.M)), default=2)
    above = next((line for line in reversed(lines[:first]) if line.strip()), "")
    base = len(above) - len(above.lstrip(" "))
    base += step if re.search(r":\s*(#.*)?$", above) else 0
    tabs = _tabs(lines[first])
    replacements = []
    for number in range(first, len(lines)):
        if lines[number].strip() and not _tabs(lines[number]):
            break
        if lines[number].strip():
            indentation = lines[number][: -len(lines[number].lstrip())]
            start = source.line_starts[number]
            width = max(0, base + (_tabs(lines[number]) - tabs) * step)
            span = Span(source, start, start + len(indentation))
            replacements.append(Replacement(span, " " * width))
    return Fix(tuple(replacements))


def _tabs(line: str) -> int:
    return line[: len(line) - len(line.lstrip())].count("\t")


def _quotes(span: Span) -> Fix:
    words = span.source.text[span.start : span.end]
    is_double = "'" in words and not re.search(r'["\\]', words)
    inside = f'"{words}"' if is_double else "'" + words.replace("'", "''") + "'"
    return Fix((Replacement(span, inside),))


def _is_inside(words: str) -> bool:
    """Whether words open a brace, or a bracket, that they do not close."""
    return any(words.count(one) > words.count(other) for one, other in ("{}", "[]"))


def _line(source: Source, at: int) -> tuple[int, int]:
    """Return where the line of a place begins and where its line break is."""
    last = source.text.find("\n", at)
    return source.text.rfind("\n", 0, at) + 1, len(source.text) if last < 0 else last


def _before(text: str, at: int) -> str:
    """Return the last character in front of a place that is no white space; a blank at the top."""
    return text[:at].rstrip()[-1:] or " "


def _without_line(source: Source, first: int, last: int) -> Fix | None:
    """Return the fix that removes an entry on a line of its own, with its key if it is the last."""
    text = source.text
    indentation = len(text[first:last]) - len(text[first:last].lstrip(" "))
    above = text[:first].rstrip("\r\n").rpartition("\n")[2]
    below = re.match(r"(?:[ \r]*\n)*( *)(\S?)", text[last:])
    deeper = len(below[1]) if below is not None and below[2] else 0
    if " #" in text[first:last] or deeper > indentation:
        return None
    is_alone = re.fullmatch(r" *[\w.-]+ *:\s*", above) is not None and deeper < indentation
    if is_alone:
        first = text.rindex(above, 0, first)
    return Fix((Replacement(Span(source, first, min(last + 1, len(text))), ""),))


def _end_of_value(text: str, start: int, *, is_call: bool = False) -> int | None:
    """Return where a value in braces ends: at its comma, or at the bracket that closes them.

    A quotation mark opens a quotation only where a value begins, as YAML has it; in a call that
    YAML has cut to pieces, it does so anywhere.
    """
    depth, at, is_begin = 0, start, True
    while at < len(text):
        sign = text[at]
        if sign in "'\"" and (is_begin or is_call):
            at = text.find(sign, at + 1)
            if at < 0:
                return None
        elif sign in (_OPENING if is_call else "[{"):
            depth += 1
        elif depth == 0 and sign in ",]}":
            return at
        elif sign in (_CLOSING if is_call else "]}"):
            depth -= 1
        is_begin = sign in "[{,:" or (is_begin and sign == " ")
        at += 1
    return None
