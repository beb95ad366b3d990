"""E1xx: what can be wrong with a file before it means anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mapgen.report import fixes
from mapgen.report.diagnostic import Diagnostic
from mapgen.report.fix import Fix
from mapgen.report.message import Message, Values, filled, of_two, renamed, respelled
from mapgen.report.near import distance, near_names, suggestion
from mapgen.report.source import Span, Text


def file_missing(
    path: str, what: str, asked_at: Span | None = None, *, others: Iterable[str] | None = None
) -> Diagnostic:
    """Say that a file does not exist, and where it is named; `others` of its kind are there."""
    help = None if asked_at else "check the name"
    if others is not None:
        name, known = path.rpartition("/")[2].partition(".")[0], tuple(others)
        help = suggestion(name, known) or filled(_OTHERS, {"known": known})
    return _FILE_MISSING(asked_at, path=path, what=what, help=help)


_FILE_MISSING = Message(
    "E101: {what} `{path}` does not exist",
    label="named here",
    help="check the name; paths in a spec are relative to the folder `specs/`",
)
_OTHERS = "{known:there is {known:, } alone/there are {known:, }/there is none yet}"
file_unreadable = Message(
    "E102: `{path}` cannot be read: {reason}",
    label="named here",
    help="files are UTF-8 text that the current user may read",
)
file_too_long = Message(
    "E103: the file has {length:,} characters; the most is {longest:,}",
    help="move long texts and tables into files beside the spec",
)
empty_file = Message(
    "E104: the file is empty",
    help="a spec starts with `maps: 1`; `mapgen explain E104` shows the smallest one",
)


def yaml_error(at: Span, problem: str) -> Diagnostic:
    """Say what makes a text no YAML, as far as `problem`, the words of its reader, tells."""
    line, found = at.source.line_text(at.line), at.source.text[at.start : at.end]
    help, fix = None, None
    if found == "\t":
        return _TAB(at)
    if "mapping values are not allowed" in problem:
        return (_SECOND_COLON if ": " in line[: at.column - 1] else _KEY_TOO_DEEP)(at)
    if found and found in "@%&*|>`":
        shown = "a backquote" if found == "`" else f"`{found}`"
        help, fix = f"a value that starts with {shown} needs quotes", fixes.value_quoted(at)
    elif "',' or '}'" in problem:
        help = "between braces, an expression with a comma or a bracket needs quotes around it"
    elif (number := _open_quotation(at)) is not None:
        help = f"is a quotation mark missing in line {number}?"
    elif line.partition(": ")[2].startswith(("[", "{")):
        help = "an expression that starts with `[` or `{` needs quotes around it"
        fix = fixes.value_quoted(at)
    elif "could not find expected ':'" in problem:
        help = "is a colon missing, or a line indented too little?"
    return _NOT_YAML(at, problem=problem, help=help, fix=fix)


_NOT_YAML = Message(
    "E105: this is not YAML: {problem}", help="`mapgen explain E105` shows the usual reasons"
)
_TAB = Message(
    "E105: a tab cannot indent YAML",
    help="indent with spaces",
    fix=lambda span, _: fixes.tabs_expanded(span),
)
_SECOND_COLON = Message(
    "E105: a second `: ` on this line makes YAML see a mapping inside a value",
    help="put the whole expression in quotes, or below the key with `|`",
    fix=lambda span, _: fixes.value_quoted(span),
)
_KEY_TOO_DEEP = Message(
    "E105: this key is indented deeper than its neighbours",
    help="keys of one mapping begin in the same column",
)
_OPEN = re.compile(r""": ("[^"]*|'[^']*)$""")


def _open_quotation(at: Span) -> int | None:
    """Return the line of a quotation that ends where the next one was meant to begin."""
    numbers = range(1, at.line + 1)
    return next((one for one in numbers if _OPEN.search(at.source.line_text(one))), None)


tag_used = Message(
    "E105: to YAML, what starts with `!` is a tag and not part of the value",
    help="a value that starts with `!` needs quotes",
    fix=lambda span, _: fixes.value_quoted(span),
)


def strange_character(at: Span) -> Diagnostic:
    """Say which character, for nobody can see it."""
    found = at.source.text[at.start : at.end]
    return _STRANGE_CHARACTER(at, character=f"U+{ord(found):04X}" if found else "here")


_STRANGE_CHARACTER = Message(
    "E105: the character {character} is not allowed in YAML",
    help="delete it; it is invisible in most editors",
)
several_documents = Message(
    "E106: a second YAML document starts here",
    help="one file holds one document; move this part to a file of its own",
)
alias_used = Message(
    "E107: an alias repeats another part of the file",
    help="write the value out, or name it once under `let:` or `settings:`",
)
anchor_used = Message(
    "E107: `{mark}` marks a part of the file for aliases, which specs do not have",
    help="delete the mark; a value that starts with `&` needs quotes",
)
too_deep = Message(
    "E108: nested more than {deepest} levels deep",
    help="a spec needs fewer than ten levels: check the brackets",
)
key_is_no_text = Message(
    "E109: a key has to be a word",
    help="a value that starts with `{{` or `[` needs quotes to be an expression",
)
duplicate_key = Message(
    "E110: duplicate key `{key}`",
    label="second time",
    related="first: first time",
    help="keep one of them",
)
wrong_shape = Message(
    "E111: expected {expected}, found {found}",
    help="{form}",
    by="found",
    helps={"nothing": "write it behind the colon or below, or remove the key"},
)


def unknown_key(key: Text, where: str, known: Iterable[str], free: Iterable[str]) -> Diagnostic:
    """Say which key is meant; `free` are those of the known ones that are nowhere yet."""
    if not re.fullmatch(r"[\w-]+", key.value):
        help = "between braces, an expression with a comma needs quotes around it"
        return _UNKNOWN_KEY(
            key, where=where, names=(), help=help, fix=fixes.call_quoted(key.span())
        )
    names, still_free = sorted(known), sorted(free)
    taken = near_names(key.value, names)
    help = f"remove it: `{taken[0]}` already exists" if taken else ""
    is_taken = bool(taken) and not near_names(key.value, still_free)
    return _UNKNOWN_KEY(key, where=where, known=still_free, names=names, help=help * is_taken)


_UNKNOWN_KEY = Message(
    "E112: `{it}` is not a key of {where}", help="the keys here are {names:, }", fix=respelled
)
named_already = Message(
    "E133: `{it}` has nothing to name: the lists under `{by}` have their names",
    related="by: named here",
    help="remove `{it}:`",
)
missing_key = Message("E113: {where} has no `{key}`", help="add `{key}:` ({why})")


def _slip(span: Span, of: Values) -> Fix | None:
    """Return the fix of one wrong letter: words of a choice differ in meaning otherwise."""
    return renamed(
        span, {**of, "known": [one for one in of["known"] if distance(of["it"], one) == 1]}
    )


unknown_choice = Message(
    "E114: `{it}` is not {what:a}", help="{known:write/it is one of} {known:, }", fix=_slip
)


def no_rule_kind(at: Span, what: str, kinds: Iterable[str], *, is_bare: bool) -> Diagnostic:
    """Say what is missing in a rule; `is_bare`: words in braces."""
    quotes = "an expression that starts with `{` needs quotes around it"
    is_rule = what in ("a rule", "a lookup")
    return _NO_RULE_KIND(
        at,
        what=what,
        noun=what.removeprefix("a "),
        is_rule=is_rule,
        kinds=tuple(kinds),
        help=quotes if is_bare else None,
    )


_NO_RULE_KIND = Message(
    "E115: this {is_rule:{noun} does not say where the value comes from/is not {what}}",
    help="give it exactly one of {kinds:, }",
)
several_kinds = of_two(
    "E116: `{first}` and `{it}` exclude each other here",
    help="keep one of them; a rule tries several sources of its value in turn by `first_of:`",
)


# Of a schedule, the form that begins with the same word.
_NEARER: Mapping[str, str] = {
    "daily": "daily at 06:30",
    "monthly": "monthly on 1 at 06:30",
    "weekly": "every monday at 06:30",
    "cron": "cron 30 6 * * 1-5",
}


def malformed(at: Span, what: str, found: str, example: str) -> Diagnostic:
    """Say how a duration, a rate, a range, a name is written."""
    example = _NEARER.get(found.partition(" ")[0], example)
    fix = fixes.duration_spelled(at, found) if what == "a duration" else None
    return _MALFORMED(at, what=what, found=found.strip() and found, example=example, fix=fix)


_MALFORMED = Message(
    "E117: {found:`{found}`/a blank} is not {what}", help="write it like `{example}`"
)
malformed_secret = Message(
    "E117: this is not {what}", help="write it like `{example}`", is_secret=True
)
unknown_version = Message(
    "E118: the spec says `{key}: {found}`; this compiler reads version 1",
    help="write `{key}: 1`, or install the compiler that the spec was written for",
)
not_json = Message(
    "E130: {what} `{path}` is not JSON: {reason}",
    help="is the file whole? JSON has no comments, and no comma behind the last member",
)
not_a_table = Message(
    "E131: the lookup table `{path}` cannot be used: {reason}",
    label="named here",
    help="a table is CSV with a header line, or JSON; keys differ, no value is blank",
)
file_outside = Message(
    "E132: {what} `{path}` is not read: {reason}",
    label="named here",
    help="copy the file into the folder `specs/`, and name the copy",
)
