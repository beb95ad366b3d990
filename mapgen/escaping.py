"""The door for text that authors of specs, schemas, contracts and records wrote.

Names, titles, paths and reasons are what their authors like them to be. On their way into Python,
Markdown or a terminal they go through here, so that they stay text: a literal, a comment, a cell.
"""

from __future__ import annotations

import re

# What tools take for an instruction where a comment begins with it.
_INSTRUCTION = (
    r"(?i:type\s*:|fmt\s*:|yapf\s*:|isort\s*:|noqa|nosec|pragma|ruff\s*:|mypy\s*:|pylint\s*:"
    r"|pyright\s*:|flake8\s*:)"
)
_QUOTES = re.compile(r'"{3,}|"+$')


def visible(text: str) -> str:
    """Return a text on one line: what a page does not show, or shows elsewhere, is escaped.

    That is control characters and the sequences of a terminal, line ends, and the marks that turn
    the order of letters.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def one_line(text: str) -> str:
    """Return a text on one line as `visible` does, with one blank for any white space."""
    return visible(" ".join(text.split()))


def lines(text: str) -> str:
    """Return a text whose lines and tabs stay; any other sign that is not shown is escaped."""
    return "".join(
        part if part in ("\n", "\t") else visible(part) for part in re.split(r"([\n\t])", text)
    )


# Python


def literal(text: str) -> str:
    """Return a text as a Python literal on one line, in double quotes where a formatter has them.

    Line ends, control characters, and what a page does not show or shows elsewhere are escaped.
    """
    shown = repr(text)
    if shown[0] == "'" and '"' not in shown:
        return f'"{shown[1:-1]}"'
    return shown


def python(value: object) -> str:
    """Return a value of texts, numbers and lists of them as a Python literal on one line."""
    match value:
        case str():
            return literal(value)
        case (only,) if isinstance(value, tuple):
            return f"({python(only)},)"
        case tuple():
            return f"({', '.join(map(python, value))})"
        case list():
            return f"[{', '.join(map(python, value))}]"
        case dict():
            pairs = (f"{python(key)}: {python(one)}" for key, one in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return repr(value)


def comment(text: str) -> str:
    """Return a text as it is behind `# `: one line, and no instruction to a tool."""
    shown = one_line(text)
    return literal(text) if re.match(_INSTRUCTION, shown) else shown


def in_docstring(text: str) -> str:
    """Return a text as it is between three double quotes: one line that does not end them."""
    shown = one_line(text.replace("\\", "\\\\"))
    return _QUOTES.sub(lambda found: '\\"' * len(found[0]), shown)


def in_f_string(text: str) -> str:
    """Return a text as it is in an f-string in double quotes."""
    inside = "".join('\\"' if letter == '"' else _escaped(letter) for letter in text)
    return inside.replace("{", "{{").replace("}", "}}")


def _escaped(letter: str) -> str:
    return letter if letter == "'" else repr(letter)[1:-1]


def pattern(text: str) -> str:
    """Return a regular expression as a literal: a raw one where it can be one."""
    if re.search(r"[^\x20-\x7e]", text) or text.endswith("\\"):
        return literal(text)
    for mark in ('"', "'"):
        if mark not in text:
            return f"r{mark}{text}{mark}" if "\\" in text else f"{mark}{text}{mark}"
    return literal(text)


# Markdown

_MARKS = re.compile(r"[\\<]|!(?=\[)")
_FIRST_MARKS = re.compile(r"[#>*+=~_\[-]|\d+(?=[.)])")


def prose(text: str) -> str:
    """Return a text as a paragraph or a cell holds it; spans in backticks stay what they are."""
    parts = one_line(text).split("`")
    if "``" in text or len(parts) % 2 == 0:
        shown = "\\`".join(map(_plain, parts))
    else:
        shown = "`".join(_plain(part) if at % 2 == 0 else part for at, part in enumerate(parts))
    first = _FIRST_MARKS.match(shown)
    if first is None:
        return shown
    end = first.end() if first[0].isdigit() else 0
    return f"{shown[:end]}\\{shown[end:]}"


def _plain(text: str) -> str:
    """Return words that are no picture and no element of HTML."""
    return _MARKS.sub(lambda found: f"\\{found[0]}", text)


def code(text: str) -> str:
    """Return a text as a span of code: between more backticks than are in it in a row."""
    shown = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if not shown or "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(markdown: str) -> str:
    """Return a line of Markdown as a cell of a table: its bars separate no columns."""
    return markdown.replace("|", "\\|").replace("\n", " ")


# YAML

# Without `?`: loaders other than libyaml refuse it in braces.
_WORDS = re.compile(r"[A-Za-z][\w .()!=*/+'-]*(?<! )", re.ASCII)
# What is no text there: no value, and the words for yes and no, in YAML 1.1 as well.
_NO_TEXT = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)


def yaml(text: str) -> str:
    """Return a text as YAML reads it back, in braces too: words bare, anything else quoted."""
    if _WORDS.fullmatch(text) and not _NO_TEXT.fullmatch(text):
        return text
    return f'"{"".join(map(_in_yaml, text))}"'


def _in_yaml(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
