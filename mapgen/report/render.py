"""Diagnostics in, words out: for a terminal, a program, code scanning, a pull request."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote

from mapgen.escaping import lines, visible
from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.fix import Fix
from mapgen.report.source import Span

Style = Callable[[str, str], str]

# How much of a very long line is shown on either side of a place.
_WINDOW = 160


def plain(text: str, _role: str) -> str:
    """Return the text without any colour."""
    return text


def as_text(diagnostics: Iterable[Diagnostic], style: Style = plain) -> str:
    """Return what a person reads: message, place, the line with a caret, notes, help."""
    return "\n\n".join(_one(diagnostic, style) for diagnostic in diagnostics)


def _one(diagnostic: Diagnostic, style: Style) -> str:
    head = style(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    shown = [f"{head}: {style(lines(diagnostic.message), 'message')}"]
    labels = ([diagnostic.label] if diagnostic.label else []) + list(diagnostic.related)
    gutter = max((len(str(label.span.line)) for label in labels), default=1)
    if not labels and diagnostic.path:
        shown.append(f"{' ' * gutter} {style('-->', 'frame')} {visible(diagnostic.path)}")
    for number, label in enumerate(labels):
        arrow = "-->" if number == 0 else ":::"
        shown.append(f"{' ' * gutter} {style(arrow, 'frame')} {visible(str(label.span))}")
        shown.extend(_snippet(label, gutter, style, role="caret" if number == 0 else "frame"))
    shown.extend(
        f"{' ' * gutter} {style('note:', 'frame')} {lines(note)}" for note in diagnostic.notes
    )
    if diagnostic.help:
        shown.append(f"{' ' * gutter} {style('help:', 'help')} {lines(diagnostic.help)}")
    if diagnostic.fix:
        shown.append(f"{' ' * gutter} {style('fix:', 'help')} `mapgen check --fix` does this")
    return "\n".join(shown)


def _snippet(label: Label, gutter: int, style: Style, role: str) -> list[str]:
    span = label.span
    begin, end_of_line = span.source.line_bounds(span.line)
    start, length = span.start - begin, end_of_line - begin
    stop = max(start + 1, min(start + span.end - span.start, length))
    # Of a very long line, a window around the place.
    first = max(0, start - _WINDOW) if length > 2 * _WINDOW else 0
    last = min(start + _WINDOW, length)
    head, tail = "… " if first else "", " …" if last < length else ""
    before, there, after = (
        span.source.text[begin + left : begin + min(right, length)]
        for left, right in ((first, start), (start, min(stop, last)), (stop, last))
    )
    if label.is_secret:
        there = "*" * len(there)
    before, there, after = lines(before), lines(there), lines(after)
    indent = "".join(
        "\t" if character == "\t" else " " * _width(character) for character in head + before
    )
    carets = "^" * max(1, sum(_width(character) for character in there))
    words = f" {visible(label.words)}" if label.words else ""
    return [
        f"{style(f'{span.line:>{gutter}} |', 'frame')} {head}{before}{there}{after}{tail}",
        f"{style(' ' * gutter + ' |', 'frame')} {indent}{style(carets + words, role)}",
    ]


def _width(character: str) -> int:
    """Return how many terminal cells a character takes."""
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def as_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the same facts as a JSON list, one object a diagnostic."""
    return json.dumps([_facts(diagnostic) for diagnostic in diagnostics], indent=2)


def _facts(diagnostic: Diagnostic) -> Mapping[str, object]:
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": diagnostic.file,
        "place": _place(diagnostic.label) if diagnostic.label else None,
        "related": [_place(label) for label in diagnostic.related],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "fix": [_place(Label(one.span, one.words)) for one in fix.replacements] if fix else None,
    }


def _place(label: Label) -> Mapping[str, object]:
    region = _region(label.span, "line", "column", "end_line", "end_column")
    return {"file": label.span.source.path, **region, "words": label.words}


def _region(span: Span, *names: str) -> Mapping[str, int]:
    """Return line and column of where a span begins and ends, by these names."""
    places = (*span.source.place(span.start), *span.source.place(span.end))
    return dict(zip(names, places, strict=True))


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Return workflow commands that annotate a pull request."""
    return "\n".join(_annotation(diagnostic) for diagnostic in diagnostics)


def _annotation(diagnostic: Diagnostic) -> str:
    words = diagnostic.message + (f" ({diagnostic.help})" if diagnostic.help else "")
    words = lines(words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
    facts = {"file": diagnostic.file} if diagnostic.file else {}
    if diagnostic.label:
        span = diagnostic.label.span
        facts |= {"line": str(span.line), "col": str(span.column)}
    facts["title"] = diagnostic.code
    shown = ",".join(f"{name}={_property(value)}" for name, value in facts.items())
    return f"::{diagnostic.severity} {shown}::{words}"


def _property(value: str) -> str:
    """Return a property of a workflow command, with what would end it escaped."""
    for sign, escaped in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")):
        value = value.replace(sign, escaped)
    return visible(value)


def as_sarif(diagnostics: Iterable[Diagnostic], version: str) -> str:
    """Return SARIF 2.1.0, for code scanning."""
    found = list(diagnostics)
    rules = [{"id": code} for code in sorted({diagnostic.code for diagnostic in found})]
    driver = {"name": "mapgen", "version": version, "rules": rules}
    results = [_result(diagnostic) for diagnostic in found]
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }
    return json.dumps(log, indent=2)


def _result(diagnostic: Diagnostic) -> Mapping[str, object]:
    location: dict[str, object] = {"artifactLocation": {"uri": _address(diagnostic.file or ".")}}
    if diagnostic.label:
        location["region"] = _sarif_region(diagnostic.label.span)
    words = diagnostic.message + (f"; {diagnostic.help}" if diagnostic.help else "")
    result: dict[str, object] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": words},
        "locations": [{"physicalLocation": location}],
    }
    if diagnostic.fix:
        result["fixes"] = [_sarif_fix(diagnostic.fix, diagnostic.help or diagnostic.message)]
    return result


def _address(path: str) -> str:
    """Return a path as a part of an address; one that is no UTF-8 is its bytes."""
    return quote(path, errors="surrogateescape")


def _sarif_region(span: Span) -> Mapping[str, int]:
    return _region(span, "startLine", "startColumn", "endLine", "endColumn")


def _sarif_fix(fix: Fix, words: str) -> Mapping[str, object]:
    path = fix.replacements[0].span.source.path
    replacements = [
        {"deletedRegion": _sarif_region(one.span), "insertedContent": {"text": one.words}}
        for one in fix.replacements
    ]
    change = {"artifactLocation": {"uri": _address(path)}, "replacements": replacements}
    return {"description": {"text": words}, "artifactChanges": [change]}
