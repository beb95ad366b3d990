"""E1xx: what can be wrong with a file before it means anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mapgen.report import repairs
from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.fix import Fix
from mapgen.report.near import distance, near_names, suggestion
from mapgen.report.source import Source, Span, Text


def file_missing(path: str, what: str, asked_at: Span | None = None) -> Diagnostic:
    """E101: a file that a command or a spec names does not exist."""
    return Diagnostic(
        "E101",
        f"{what} `{path}` does not exist",
        label=Label(asked_at, "named here") if asked_at else None,
        path=path,
        help=(
            "check the name; paths in a spec are relative to the folder `specs/`"
            if asked_at
            else "check the name"
        ),
    )


def file_unreadable(path: str, reason: str, asked_at: Span | None = None) -> Diagnostic:
    """E102: a file is there but cannot be read as text."""
    return Diagnostic(
        "E102",
        f"`{path}` cannot be read: {reason}",
        label=Label(asked_at, "named here") if asked_at else None,
        path=path,
        help="files are UTF-8 text that the current user may read",
    )


def file_too_long(source: Source, longest: int) -> Diagnostic:
    """E103: a spec larger than any spec written by a person."""
    return Diagnostic(
        "E103",
        f"the file has {len(source.text):,} characters; the most is {longest:,}",
        path=source.path,
        help="move long texts and tables into files beside the spec",
    )


def empty_file(source: Source) -> Diagnostic:
    """E104: nothing in the file."""
    return Diagnostic(
        "E104",
        "the file is empty",
        path=source.path,
        help="a spec starts with `maps: 1`; `mapgen explain E104` shows the smallest one",
    )


def yaml_fault(span: Span, problem: str) -> Diagnostic:
    """E105: the text is not YAML."""
    line = span.source.line_text(span.line)
    found = span.source.text[span.start : span.end]
    message, help_line = f"this is not YAML: {problem}", None
    fix: Fix | None = None
    if found == "\t":
        message = "a tab cannot indent YAML"
        help_line = "indent with spaces"
        fix = repairs.tabs_expanded(span)
    elif "mapping values are not allowed" in problem and ": " in line[: span.column - 1]:
        message = "a second `: ` on this line makes YAML see a mapping inside a value"
        help_line = "put the whole expression in quotes, or below the key with `|`"
        fix = repairs.value_quoted(span)
    elif "mapping values are not allowed" in problem:
        message = "this key is indented deeper than its neighbours"
        help_line = "keys of one mapping begin in the same column"
    elif found and found in "@%&*|>":
        help_line = f"a value that starts with `{found}` needs quotes"
        fix = repairs.value_quoted(span)
    elif found == "`":
        help_line = "a value that starts with a backquote needs quotes"
        fix = repairs.value_quoted(span)
    elif "',' or '}'" in problem:
        help_line = "between braces, an expression with a comma or a bracket needs quotes around it"
    elif open_quotation := _open_quotation(span):
        help_line = open_quotation
    elif line.partition(": ")[2][:1] in ("[", "{"):
        help_line = "an expression that starts with `[` or `{` needs quotes around it"
        fix = repairs.value_quoted(span)
    elif "could not find expected ':'" in problem:
        help_line = "is a colon missing, or a line indented too little?"
    return Diagnostic(
        "E105",
        message,
        label=Label(span),
        help=help_line or "`mapgen explain E105` shows the usual reasons",
        fix=fix,
    )


_OPEN = re.compile(r""": ("[^"]*|'[^']*)$""")


def _open_quotation(span: Span) -> str | None:
    """Return the help for a quotation that ends where the next one was meant to begin."""
    lines = (span.source.line_text(number) for number in range(1, span.line + 1))
    odd = next((at for at, line in enumerate(lines, start=1) if _OPEN.search(line)), None)
    return None if odd is None else f"is a quotation mark missing in line {odd}?"


def tag_used(span: Span) -> Diagnostic:
    """E105: a value that YAML takes for a tag."""
    return Diagnostic(
        "E105",
        "to YAML, what starts with `!` is a tag and not part of the value",
        label=Label(span),
        help="a value that starts with `!` needs quotes",
        fix=repairs.value_quoted(span),
    )


def strange_character(span: Span) -> Diagnostic:
    """E105: a control character that YAML does not allow."""
    found = span.source.text[span.start : span.end]
    code = f"U+{ord(found):04X}" if found else "here"
    return Diagnostic(
        "E105",
        f"the character {code} may not stand in YAML",
        label=Label(span),
        help="delete it; it is invisible in most editors",
    )


def several_documents(span: Span) -> Diagnostic:
    """E106: `---` inside a file."""
    return Diagnostic(
        "E106",
        "a second YAML document starts here",
        label=Label(span),
        help="one file holds one document; move this part to a file of its own",
    )


def alias_used(span: Span) -> Diagnostic:
    """E107: anchors and aliases are not part of the language."""
    return Diagnostic(
        "E107",
        "an alias repeats another part of the file",
        label=Label(span),
        help="write the value out, or name it once under `let:` or `settings:`",
    )


def too_deep(span: Span, deepest: int) -> Diagnostic:
    """E108: nested beyond reason."""
    return Diagnostic(
        "E108",
        f"nested more than {deepest} levels deep",
        label=Label(span),
        help="a spec needs fewer than ten levels: are the brackets meant as they stand?",
    )


def key_is_no_text(span: Span) -> Diagnostic:
    """E109: a list or mapping where a key belongs."""
    return Diagnostic(
        "E109",
        "a key has to be a word",
        label=Label(span),
        help="a value that starts with `{` or `[` needs quotes to be an expression",
    )


def duplicate_key(key: str, first: Span, second: Span) -> Diagnostic:
    """E110: the same key twice in one mapping; YAML readers would keep the last one silently."""
    return Diagnostic(
        "E110",
        f"`{key}` stands here twice",
        label=Label(second, "second time"),
        related=(Label(first, "first time"),),
        help="keep one of them",
    )


def wrong_shape(
    span: Span, expected: str, found: str, help_line: str, fix: Fix | None = None
) -> Diagnostic:
    """E111: a list where a mapping belongs, a number where text belongs, and the like."""
    if found == "nothing":
        help_line = "write it behind the colon or below, or remove the key"
    return Diagnostic(
        "E111", f"expected {expected}, found {found}", label=Label(span), help=help_line, fix=fix
    )


def unknown_key(key: Text, where: str, known: Iterable[str], free: Iterable[str]) -> Diagnostic:
    """E112: a key that the language does not have here; `free` are those that stand nowhere yet."""
    names, still_free = sorted(known), sorted(free)
    help_line = suggestion(key.value, still_free)
    if help_line is None:
        taken = near_names(key.value, names)
        listed = f"the keys here are {_listed(names)}"
        help_line = f"remove it: `{taken[0]}` is there already" if taken else listed
    fix = repairs.respelled(key.span(), key.value, still_free)
    if not re.fullmatch(r"[\w-]+", key.value):
        help_line = "between braces, an expression with a comma needs quotes around it"
        fix = repairs.call_quoted(key.span())
    return Diagnostic(
        "E112",
        f"`{key.value}` is not a key of {where}",
        label=Label(key.span()),
        help=help_line,
        fix=fix,
    )


def missing_key(span: Span, key: str, where: str, why: str) -> Diagnostic:
    """E113: a key that has to be there."""
    return Diagnostic(
        "E113", f"{where} has no `{key}`", label=Label(span), help=f"add `{key}:` ({why})"
    )


def unknown_choice(span: Span, found: str, choices: Iterable[str], what: str) -> Diagnostic:
    """E114: a word that is not one of the few that may stand here."""
    names = tuple(choices)
    return Diagnostic(
        "E114",
        f"`{found}` is not {'an' if what[0] in 'aeio' else 'a'} {what}",
        label=Label(span),
        help=suggestion(found, names) or _one_of(names),
        # Words of a choice differ in meaning: `insert` is no slip for `upsert`.
        fix=repairs.renamed(span, found, [one for one in names if distance(found, one) == 1]),
    )


def no_rule_kind(span: Span, what: str, kinds: Iterable[str], *, is_bare: bool) -> Diagnostic:
    """E115: a rule that does not say where its value comes from; `is_bare`: words in braces."""
    quotes = "an expression that starts with `{` needs quotes around it"
    return Diagnostic(
        "E115",
        (
            f"{what.replace('a ', 'this ', 1)} does not say where the value comes from"
            if what in ("a rule", "a lookup")
            else f"this is not {what}"
        ),
        label=Label(span),
        help=quotes if is_bare else f"give it exactly one of {_listed(kinds)}",
    )


def several_rule_kinds(first: Text, second: Text) -> Diagnostic:
    """E116: a rule that says so twice."""
    return Diagnostic(
        "E116",
        f"a rule has one source of its value, this one has `{first.value}` and `{second.value}`",
        label=Label(second.span(), "second"),
        related=(Label(first.span(), "first"),),
        help="keep one; use `first_of:` to try several in turn",
    )


# Of a schedule, the form that begins with the same word.
_NEARER: Mapping[str, str] = {
    "daily": "daily at 06:30",
    "monthly": "monthly on 1 at 06:30",
    "weekly": "every monday at 06:30",
    "cron": "cron 30 6 * * 1-5",
}


def malformed(span: Span, what: str, found: str, example: str) -> Diagnostic:
    """E117: a duration, a rate, a range, a name that is not written as one."""
    shown = f"`{found}`" if found.strip() else "a blank"
    return Diagnostic(
        "E117",
        f"{shown} is not {what}",
        label=Label(span),
        help=f"write it like `{_NEARER.get(found.partition(' ')[0], example)}`",
        fix=repairs.duration_spelled(span, found) if what == "a duration" else None,
    )


def unknown_version(span: Span, found: str) -> Diagnostic:
    """E118: a spec of a language version that this compiler does not know."""
    return Diagnostic(
        "E118",
        f"the spec says `maps: {found}`; this compiler reads version 1",
        label=Label(span),
        help="write `maps: 1`, or install the compiler that the spec was written for",
    )


def not_json(path: str, reason: str, what: str, at: Span | None = None) -> Diagnostic:
    """E130: a file that has to be JSON is not."""
    return Diagnostic(
        "E130",
        f"{what} `{path}` is not JSON: {reason}",
        label=Label(at) if at else None,
        path=path,
        help="is the file whole? JSON has no comments, and no comma behind the last member",
    )


def not_a_table(span: Span | None, path: str, reason: str) -> Diagnostic:
    """E131: a lookup file that cannot be used as a table."""
    return Diagnostic(
        "E131",
        f"the lookup table `{path}` cannot be used: {reason}",
        label=Label(span, "named here") if span else None,
        path=path,
        help="a table is CSV with a header line, or JSON; keys differ, no value is blank",
    )


def file_outside(path: str, what: str, reason: str, asked_at: Span | None = None) -> Diagnostic:
    """E132: a path that leads out of the workspace."""
    return Diagnostic(
        "E132",
        f"{what} `{path}` is not read: {reason}",
        label=Label(asked_at, "named here") if asked_at else None,
        path=path,
        help="copy the file into the folder `specs/`, and name the copy",
    )


def _one_of(names: tuple[str, ...]) -> str:
    return f"write `{names[0]}`" if len(names) == 1 else f"it is one of {_listed(names)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
