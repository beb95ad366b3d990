"""What can be wrong with an expression: E12x its form, E20x-E21x its types, E30x its names."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from mapgen.report import fixes
from mapgen.report.diagnostic import Diagnostic
from mapgen.report.fix import Fix
from mapgen.report.message import Message, Values, filled, misnamed, renamed
from mapgen.report.near import offered
from mapgen.report.source import Span

_LOOK_ALIKES: Mapping[str, str] = (
    {
        "=": "`==` compares two values",
        "&": "`&&` says that both conditions have to hold",
        "|": "`||` says that one of two conditions has to hold",
        "#": "a comment begins with `//`",
        "$": "write a name by itself: `order.name`, without `$` or braces",
        "@": "a field with an odd name goes in backquotes: order.`@id`",
        ";": "an expression is one value: it has no `;`",
        "~": "`matches()` compares with a regular expression: `order.name.matches('^A')`",
        "^": "`math.greatest`, `*` and `intMod` are there; there is no `^`",
        "\\": "a backslash belongs inside a string: `'a\\nb'`",
        "'": "close the string with `'`",
    }
    | dict.fromkeys("‘’“”„«»", "write straight quotes: `'text'`")
    | dict.fromkeys("–—−", "write a plain minus sign: `-`")
    | {"…": "write three dots in a string, or nothing", "×": "write `*`", "÷": "write `/`"}
)

_OTHER_TONGUES: Mapping[str, str] = {
    "and": "write `&&`",
    "or": "write `||`",
    "not": "write `!` in front: `!(…)`",
    "is": "write `==`; for missing values `== null`",
    "if": "write `condition ? value : other`",
    "else": "write `condition ? value : other`",
    "then": "write `condition ? value : other`",
    "like": "write `.contains('…')` or `.matches('…')`",
    "mod": "write `intMod(a, b)`",
    "div": "write `intDiv(a, b)`",
}


# What is sure to be meant by a sign or a word of another language.
_MEANT: Mapping[str, str] = {"=": "==", "&": "&&", "|": "||", "and": "&&", "or": "||"} | {
    "×": "*",
    "÷": "/",
    **dict.fromkeys("–—−", "-"),
}


def _meant(span: Span, found: str, among: Container[str] = _MEANT) -> Fix | None:
    return (
        fixes.replaced(span, found, _MEANT[found]) if found in _MEANT and found in among else None
    )


# Form


_QUOTED_NAME = "a field's name with blanks or signs in it goes in backquotes: "


def unknown_character(at: Span, it: str, field: str = "") -> Diagnostic:
    """Say what a character that is no part of the language may be meant for.

    `field` are the words from there on where a field's name is wanted.
    """
    is_letter = it.isalpha() or it == "_"
    help = "a field with letters beyond A to Z goes in backquotes: order.`straße`" * is_letter
    return _UNKNOWN_CHARACTER(
        at,
        it=it,
        shown=f"`{it}`" if it.isprintable() else f"U+{ord(it):04X}",
        help=f"{_QUOTED_NAME}.`{field}`" if field and not is_letter else help,
        fix=_meant(at, it),
    )


_UNKNOWN_CHARACTER = Message(
    "E120: unexpected character {shown}",
    help="remove it, or put it in quotes if it is text",
    by="it",
    helps=_LOOK_ALIKES,
)
string_not_closed = Message(
    "E121: this string is not closed",
    label="it begins here",
    help="close it with `{quotes}`; a quote inside a string is written `\\{quotes[0]}`",
)
unknown_escape = Message(
    "E122: `{words}` is no escape that strings know",
    help="a backslash itself is written `\\\\`; a regular expression is best written `r'…'`, "
    "where backslashes stay",
)
malformed_number = Message(
    "E123: this is neither a number nor a name",
    help="a name begins with a letter; a field's name that does not goes in backquotes: "
    "order.`1st`",
)
number_too_large = Message(
    "E123: this number does not fit into {limit}",
    help="a number as long as this is text, in quotes; or is a digit too many?",
)


def unexpected_token(
    at: Span, wanted: str, found: str, before: str, *, is_field: bool = False
) -> Diagnostic:
    """Say what words that cannot go on like this are meant for.

    `before` is the word in front; `is_field`: that is a field's name.
    """
    is_twice = found == before and found in ("&&", "||", "==", "=")
    help = _OTHER_TONGUES.get(found)
    if help is None and before in ("not", "if", "and", "or"):
        help = _OTHER_TONGUES[before]
    elif help is None and is_twice:
        help = f"one `{found}` is enough"
    elif help is None and found == "=" and before in ("==", "!="):
        help = f"`{before}` compares two values"
    elif help is None and wanted == "a field's name" and found[:1] in ("'", '"'):
        help = f"{_QUOTED_NAME}.`{found[1:-1]}`"
    elif help is None and wanted == "a field's name" and found == "[":
        help = f"{_QUOTED_NAME}.`unit price`; an element of a list is behind the name: `rows[0]`"
    elif help is None and is_field and found.isidentifier():
        help = f"{_QUOTED_NAME}.`{before} {found}`; or a sign is missing between the two"
    elif help is None and before.isalpha() and found.isalpha():
        help = f"text is written in quotes: `'{before} {found}'`"
    return _UNEXPECTED_TOKEN(
        at,
        wanted=wanted,
        found=found,
        help=help or _what_next(wanted, found, before),
        fix=fixes.replaced(at, found, "") if is_twice else _meant(at, found, ("and", "or")),
    )


_UNEXPECTED_TOKEN = Message(
    "E124: expected {wanted}, but found {found:`{found}`/the end of the expression}"
)


def _what_next(wanted: str, found: str, before: str) -> str:
    """Return the help for words that end too early, or go on where nothing can follow."""
    if not found and wanted.startswith("`"):
        return f"close what was opened with {wanted}"
    if not found:
        return f"something is missing behind `{before}`: write it, or remove `{before}`"
    if found == "?":
        return "put an inner `… ? … : …` in brackets"
    if found in (")", "]", "}"):
        return f"something is missing in front of `{found}`, or it closes what was never opened"
    return f"is a sign missing between `{before}` and `{found}`, or one too many?"


empty_expression = Message(
    "E125: this expression is empty", help="write a value, such as `order.currency` or `'USD'`"
)
too_long = Message(
    "E126: this expression has {length} characters, more than the {most} allowed",
    help="give parts of it names in `let:`",
)
nested_too_deep = Message(
    "E126: this expression is nested too deep", help="give parts of it names in `let:`"
)
not_in_dialect = Message(
    "E127: {what} is CEL, but not part of this dialect",
    by="what",
    helps={
        "a bytes literal": "write the string itself, without the `b`",
        "an unsigned int literal": "write the number without the `u`",
        "a message literal": "an object is built with the rule kind `object:`, not here",
    },
)
reserved_word = Message(
    "E128: `{word}` is a reserved word, not a name",
    help="choose another name",
    by="word",
    helps=_OTHER_TONGUES,
)
malformed_macro = Message(
    "E129: `{name}` wants a name for the element, then an expression of it",
    help="write `{name}({has_one:/index, }line, …)`, with a plain name of your choice for `line`",
)
malformed_bind = Message(
    "E129: `cel.bind` wants a name, the value that it means, and an expression of it",
    help="write `cel.bind(total, …, total * 2)`, with a plain name of your choice for `total`",
)
malformed_has = Message(
    "E129: `has()` wants one field",
    help="write `has(order.customer)`; for other values compare with null: `… != null`",
)


# Types


no_operator = Message(
    "E200: `{operator}` does not work on {types}",
    by="operator",
    helps={
        "in": "`in` asks whether a list has an element; for part of a text write `.contains(…)`"
    },
)


def may_be_missing(
    at: Span,
    words: str,
    found: object,
    chained: str | None,
    asked: str | None,
    *,
    has_literal: bool,
) -> Diagnostic:
    """Say what a value that may be missing can become.

    `chained` is the whole written so that it is left out, `asked` the question whether it is there;
    `has_literal`: a value of this type can be written out as a default.
    """
    is_short = "\n" not in words and len(words) <= 60
    helps = (
        f"leave the whole out when it is missing: `{chained}`" if chained is not None else "",
        f"give a default: `{words}.orValue(…)`" if is_short and has_literal else "",
        f"decide: `{asked} ? … : …`" if is_short and asked is not None else "",
    )
    return _MAY_BE_MISSING(at, words=words, found=found, help="; or ".join(filter(None, helps)))


_MAY_BE_MISSING = Message(
    "E201: `{words:short}` may be missing, and a value is needed here", label="this is {found:a}"
)
different_types = Message(
    "E202: `{operator}` compares {left:a} with {right:a}, which are never equal"
)
never_that = Message(
    "E202: `{field}` is never `{it}`",
    label="no alternative has this",
    help="it tells alternatives apart, and is one of {known:, 12}",
)
wrong_type = Message("E203: {taker} wants {wanted:a} here, but this is {found:a}")
wrong_count = Message(
    "E204: `{name}()` does not take this number of arguments", help="it is {shown:; or }"
)


def _handler_removed(span: Span, of: Values) -> Fix | None:
    raw = span.source.text[span.start : span.end]
    return fixes.replaced(span, raw, "") if of["name"] in ("orValue", "or", "value") else None


def _question_removed(span: Span, _: Values) -> Fix | None:
    raw = span.source.text[span.start : span.end]
    return fixes.replaced(span, raw, f".{raw[2:]}") if raw.startswith(".?") else None


def _renamed_plainly(span: Span, of: Values) -> Fix | None:
    return renamed(span, {**of, "known": [name for name in of["known"] if name.isidentifier()]})


# Why a question about a value is idle, and what to do about it.
_THERE = "`{words:short}` {is_known:is known to be there at this place/is never missing: {found}}"
_ASKED_IN_VAIN = "leave the question away, or correct the schema where it can be missing after all"
needless_handler = Message(
    "E205: `.{name}()` is not needed: " + _THERE,
    help="leave it away: `{words:short}`",
    fix=_handler_removed,
)
unreachable = Message(
    "E205: these values are never used: `{words:short}` is never missing",
    label="`{words:short}` is {found:a}",
    help="leave them away",
)
needless_has = Message("E206: this is always true: " + _THERE, help=_ASKED_IN_VAIN)
needless_null = Message("E206: this is always {answer:true/false}: " + _THERE, help=_ASKED_IN_VAIN)
needless_question = Message(
    "E207: the `?` is not needed: " + _THERE, help="leave the `?` away", fix=_question_removed
)
int_division = Message(
    "E208: `/` between two ints would drop the remainder silently",
    help="for a fraction write `(decimal({left}) / {right}).round(2)`, for whole numbers "
    "`intDiv({left}, {right})`",
)
remainder = Message(
    "E208: there is no `%`", help="`intMod(a, b)` gives the remainder of two whole numbers"
)
division_not_rounded = Message(
    "E209: this quotient is not rounded, and may have 28 digits",
    help="round it: `(…).round(2)`, or give the rule `places` and `rounding`",
)
no_condition = Message(
    "E210: a condition is a bool, but this is {found:a}",
    by="kind",
    helps={
        "string": "compare it: `… == 'yes'`",
        "int": "compare it: `… != 0`",
        "decimal": "compare it: `… != 0`",
        "list": "ask for its size: `….size() > 0`",
        "map": "ask for its size: `….size() > 0`",
    },
)
branches_differ = Message(
    "E211: the two values of `? :` differ in type: {left} and {right}",
    label="this is {right:a}",
    related="then: this is {left:a}",
    help="convert one of them, e.g. with `string(…)` or `decimal(…)`",
)
elements_differ = Message(
    "E212: this is {found:a}, but the ones before it are {before:a} each",
    help="convert it, e.g. with `string(…)` or `decimal(…)`",
)
no_key = Message(
    "E212: a map's keys are strings, ints or bools, not {found:a}",
    help="make text of it: `string(…)`",
)
no_index = Message(
    "E213: `[…]` does not work on {found:a}",
    help="only lists and maps have elements; a field of an object is `.name`",
    by="found",
    helps={"string": "choose a character with `.charAt(0)`"},
)
no_list = Message(
    "E213: `{name}` goes through {over}, but this is {found:a}",
    help="name the list: `order.line_items.{name}(…)`; a single value needs no `{name}`",
)
no_order = Message(
    "E213: {found:a} has no order to sort by",
    help="sort by a number, a text, a date or an instant of the element",
)
no_group_key = Message(
    "E495: rows are grouped by a string, an int, a bool, a decimal or a date, not by {found:a}"
)
table_without_key = Message(
    "E492: a lookup table gives nothing but the entries of its keys, which may be missing",
    help="write `lookups.{name}[?key]`, and `.orValue(…)` behind it for a key it lacks",
)
wrong_table_key = Message(
    "E493: the key of `{table}` is {is_one:one value/{columns: and }, in this order}",
    help="write {is_one:`[?key]`/`lookups.{table}[?[{form}]]`, each a string}",
)


def no_fields(at: Span, field: str, found: object, words: str, *, is_list: bool) -> Diagnostic:
    """Say how a field is meant of something that has none: of the elements, or as its size."""
    if field in ("size", "length"):
        fix = fixes.replaced(at, field, "size()")
        return _NO_FIELDS(
            at, found=found, help=filled("write `{words:short}.size()`", {"words": words}), fix=fix
        )
    return (_NO_FIELDS_OF_A_LIST if is_list else _NO_FIELDS)(
        at, found=found, field=field, words=words
    )


_NO_FIELDS_OF_A_LIST = Message(
    "E213: {found:a} has no fields",
    help="take it of every element: `{words:short}.map(row, row.{field})`, or of the first: "
    "`{words:short}.first().?{field}`",
)
_NO_FIELDS = Message(
    "E213: {found:a} has no fields", help="leave the field away; only objects have fields"
)
no_literal = Message(
    "E214: {wanted} has to be written out here, so that it can be checked before a record comes",
    help="write the value itself, in quotes if it is text",
)
bad_literal = Message(
    "E215: this cannot be taken as {wanted}: {why}",
    help="write another one; `mapgen eval` tries an expression out",
)
division_by_zero = Message(
    "E216: this divides by zero", help="divide by another number, or not at all"
)
constant_condition = Message(
    "E217: this condition is the same for every record",
    help="leave the condition away, and what can never be reached with it",
)
never_there = Message(
    "E220: this is never there: what it is taken from is written out empty",
    help="leave it away, or take it from a field of the record",
)
null_value = Message("E218: null is no value to work on", help="compare with it: `… == null`")
default_may_be_missing = Message(
    "E219: the default of `orValue()` may itself be missing: {found}",
    help="write `.or(…)`, and `.orValue(…)` with a sure value at the end",
)
or_wants_optional = Message(
    "E219: `or()` wants another value that may be missing, but this is {found:a}",
    help="write `.orValue(…)`",
)
no_flat_map = Message(
    "E219: `optFlatMap` wants an expression that may be missing, but this is {found:a}",
    help="write `optMap`",
)


# Names


_CONSTANTS = dict.fromkeys(("None", "nil", "undefined", "NULL", "Null"), "null") | {
    "True": "true",
    "False": "false",
}


def unknown_name(
    at: Span, it: str, known: Iterable[str], owners: Sequence[str], *, text: str | None
) -> Diagnostic:
    """Say what a name that stands for nothing is meant for; `owners` have a field of that name.

    `text`: how it is written if it was meant as text; then no fix makes it the field of that name.
    """
    names = sorted(known)
    help, fix = _OTHER_TONGUES.get(it), None
    is_owner = at.source.text[at.end : at.end + 1] in (".", "[") and at.end > at.start
    if help is None and it in _CONSTANTS:
        help, fix = f"write `{_CONSTANTS[it]}`", fixes.replaced(at, it, _CONSTANTS[it])
    elif help is None and owners and text is not None:
        fields = " or ".join(f"`{owner}.{it}`" for owner in owners)
        help = f"write {fields} for the field, or `{text}` for the text"
    elif help is None and owners:
        help = offered(f"{owner}.{it}" for owner in owners)
        fix = fixes.replaced(at, it, f"{owners[0]}.{it}") if len(owners) == 1 else None
    elif help is None and not names and is_owner:
        help = "no names are known here: `--data FILE` gives some"
    return _UNKNOWN_NAME(
        at, it=it, known=names, is_text=not is_owner, any=bool(names), help=help, fix=fix
    )


_UNKNOWN_NAME = misnamed(
    "E300: unknown name `{it}`",
    help="{is_text:text is written in quotes: `'{it}'`/}{any:{is_text:; /}the names known here are "
    "{known:, }/}",
)
unknown_field = Message(
    "E301: `{owner}` has no field `{it}`",
    help="its fields are {known:, 12}",
    fix=_renamed_plainly,
    unknown="field",
)
field_of_another = Message(
    "E301: `{owner}` has no field `{it}` where `{tag}` is {are_others:none of /}{named:, }",
    help="its fields there are {known:, 12}",
    unknown="field",
)
field_of_rows = Message(
    "E301: a group of rows has no field `{field}`, its rows have",
    help="take it of every row: `{words:short}.rows.map(row, row.{field})`",
    unknown="field",
)
unknown_function = misnamed(
    "E302: there is no {is_method:method/function} `{it}()`",
    help="`mapgen docs` lists the functions there are",
)
no_method = Message("E303: `{name}()` works on {wanted}, but this is {found:a}")
name_taken = Message(
    "E304: `{name}` already means something here", help="choose another name for the element"
)
refused_function = Message(
    "E305: `{name}()` is CEL, but not part of this dialect", help="{instead}"
)
