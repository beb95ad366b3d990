"""What can be wrong with an expression: E12x its form, E20x-E21x its types, E30x its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mapgen.report import repairs
from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.fix import Fix
from mapgen.report.near import suggestion
from mapgen.report.source import Span

_LOOK_ALIKES: Mapping[str, str] = (
    {
        "=": "`==` compares two values",
        "&": "`&&` says that both conditions have to hold",
        "|": "`||` says that one of two conditions has to hold",
        "#": "a comment begins with `//`",
        "$": "a name stands by itself: `order.name`, without `$` or braces",
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
_NOT_IN_DIALECT: Mapping[str, tuple[str, str]] = {
    "bytes": ("a bytes literal", "write the string itself, without the `b`"),
    "unsigned int": ("an unsigned int literal", "write the number without the `u`"),
    "message": ("a message literal", "an object is built with the rule kind `object:`, not here"),
}


# What is sure to be meant by a sign or a word of another language.
_MEANT: Mapping[str, str] = {"=": "==", "&": "&&", "|": "||", "and": "&&", "or": "||"} | {
    "×": "*",
    "÷": "/",
    **dict.fromkeys("–—−", "-"),
}


def _fault(
    code: str,
    span: Span,
    message: str,
    label: str = "",
    help: str | None = None,
    fix: Fix | None = None,
) -> Diagnostic:
    return Diagnostic(code, message, Label(span, label), help=help, fix=fix)


def _meant(span: Span, found: str) -> Fix | None:
    return repairs.replaced(span, found, _MEANT[found]) if found in _MEANT else None


# Form


def unknown_character(span: Span, character: str) -> Diagnostic:
    """E120: a character that is no part of the language."""
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    help = _LOOK_ALIKES.get(character)
    if help is None and (character.isalpha() or character == "_"):
        help = "a field with letters beyond A to Z goes in backquotes: order.`straße`"
    return _fault(
        "E120",
        span,
        f"{shown} means nothing in an expression",
        help=help or "remove it, or put it in quotes if it is text",
        fix=_meant(span, character),
    )


def string_not_closed(span: Span, quotes: str) -> Diagnostic:
    """E121: a string without its closing quotes."""
    return _fault(
        "E121",
        span,
        "this string is not closed",
        "it begins here",
        f"close it with `{quotes}`; a quote inside a string is written `\\{quotes[0]}`",
    )


def unknown_escape(span: Span, words: str) -> Diagnostic:
    """E122: a backslash in front of something that it does not escape."""
    return _fault(
        "E122",
        span,
        f"`{words}` is no escape that strings know",
        help="a backslash itself is written `\\\\`; a regular expression is best written "
        "`r'…'`, where backslashes stay",
    )


def malformed_number(span: Span) -> Diagnostic:
    """E123: a number with letters behind it."""
    return _fault(
        "E123", span, "this is neither a number nor a name", help="a name begins with a letter"
    )


def number_too_large(span: Span, limit: str) -> Diagnostic:
    """E123: a number that could not be kept exactly."""
    return _fault(
        "E123",
        span,
        f"this number does not fit into {limit}",
        help="a number as long as this is text, in quotes; or is a digit too many?",
    )


def unexpected_token(span: Span, wanted: str, found: str, before: str) -> Diagnostic:
    """E124: the expression cannot go on like this; `before` is the word in front."""
    shown = f"`{found}`" if found else "the end of the expression"
    help = _OTHER_TONGUES.get(found) or (
        _OTHER_TONGUES.get(before) if before in ("not", "if", "and", "or") else None
    )
    if help is None and found in ("&&", "||", "==", "=") and before == found:
        help = f"one `{found}` is enough"
    if help is None and found == "=" and before in ("==", "!="):
        help = f"`{before}` compares two values"
    if help is None and before.isalpha() and found.isalpha():
        help = f"a text stands in quotes: `'{before} {found}'`"
    fix = None
    if help == f"one `{found}` is enough":
        fix = repairs.replaced(span, found, "")
    elif found in ("and", "or"):
        fix = _meant(span, found)
    return _fault(
        "E124",
        span,
        f"expected {wanted}, but found {shown}",
        help=help or _what_next(wanted, found, before),
        fix=fix,
    )


def _what_next(wanted: str, found: str, before: str) -> str:
    """Return the help for words that end too early, or go on where nothing can follow."""
    if not found and wanted.startswith("`"):
        return f"close what was opened with {wanted}"
    if not found:
        return f"something is missing behind `{before}`: write it, or remove `{before}`"
    if found == "?":
        return "an inner `… ? … : …` stands in brackets"
    if found in (")", "]", "}"):
        return f"something is missing in front of `{found}`, or it closes what was never opened"
    return f"is a sign missing between `{before}` and `{found}`, or one too many?"


def empty_expression(span: Span) -> Diagnostic:
    """E125: nothing, or only a comment."""
    return _fault(
        "E125",
        span,
        "this expression is empty",
        help="write a value, such as `order.currency` or `'USD'`",
    )


def too_long(span: Span, length: int, most: int) -> Diagnostic:
    """E126: more characters than an expression may have."""
    return _fault(
        "E126",
        span,
        f"this expression has {length} characters, more than the {most} allowed",
        help="give parts of it names in `let:`",
    )


def nested_too_deep(span: Span) -> Diagnostic:
    """E126: more levels than an expression may have."""
    return _fault(
        "E126", span, "this expression is nested too deep", help="give parts of it names in `let:`"
    )


def not_in_dialect(span: Span, what: str) -> Diagnostic:
    """E127: a literal of CEL that this dialect leaves out."""
    noun, help = _NOT_IN_DIALECT[what]
    return _fault("E127", span, f"{noun} is CEL, but not part of this dialect", help=help)


def reserved_word(span: Span, word: str) -> Diagnostic:
    """E128: a word that CEL reserves, used as a name."""
    help = _OTHER_TONGUES.get(word, "choose another name")
    return _fault("E128", span, f"`{word}` is a reserved word, not a name", help=help)


def malformed_macro(span: Span, name: str, *, has_one: bool) -> Diagnostic:
    """E129: a macro without a name for its element."""
    form = f"{name}(line, …)" if has_one else f"{name}(index, line, …)"
    return _fault(
        "E129",
        span,
        f"`{name}` wants a name for the element, then an expression of it",
        help=f"write `{form}`, with a plain name of your choice for `line`",
    )


def malformed_bind(span: Span) -> Diagnostic:
    """E129: `cel.bind()` without a name for its value."""
    return _fault(
        "E129",
        span,
        "`cel.bind` wants a name, the value that it stands for, and an expression of it",
        help="write `cel.bind(total, …, total * 2)`, with a plain name of your choice for `total`",
    )


def malformed_has(span: Span) -> Diagnostic:
    """E129: `has()` of something that is no field."""
    return _fault(
        "E129",
        span,
        "`has()` wants one field",
        help="write `has(order.customer)`; for other values compare with null: `… != null`",
    )


# Types


def _article(words: object) -> str:
    return f"an {words}" if str(words)[:1] in "aeiou" else f"a {words}"


def no_operator(span: Span, operator: str, types: Sequence[object], help: str | None) -> Diagnostic:
    """E200: an operator between types that it does not work on."""
    shown = " and ".join(str(found) for found in types)
    if help is None and operator == "in":
        help = "`in` asks whether a list has an element; for part of a text write `.contains(…)`"
    return _fault("E200", span, f"`{operator}` does not work on {shown}", help=help)


def may_be_missing(
    span: Span,
    words: str,
    found: object,
    chained: str | None,
    asked: str | None,
    *,
    has_literal: bool,
) -> Diagnostic:
    """E201: a value that may be missing stands where one has to be there.

    `chained` is the whole written so that it is left out, `asked` the question whether it is there;
    `has_literal`: a value of this type can be written out as a default.
    """
    fixes = []
    if chained is not None:
        fixes.append(f"leave the whole out when it is missing: `{chained}`")
    if "\n" not in words and len(words) <= 60:
        if has_literal:
            fixes.append(f"give a default: `{words}.orValue(…)`")
        if asked is not None:
            fixes.append(f"decide: `{asked} ? … : …`")
    return _fault(
        "E201",
        span,
        f"`{_short(words)}` may be missing, and a value is needed here",
        f"this is {_article(found)}",
        "; or ".join(fixes) or None,
    )


def different_types(
    span: Span, operator: str, left: object, right: object, help: str | None
) -> Diagnostic:
    """E202: a comparison that can only turn out one way."""
    return _fault(
        "E202",
        span,
        f"`{operator}` compares {_article(left)} with {_article(right)}, which are never equal",
        help=help,
    )


def wrong_type(
    span: Span, taker: str, wanted: str, found: object, help: str | None = None
) -> Diagnostic:
    """E203: an argument of another type than the one taken."""
    return _fault(
        "E203",
        span,
        f"{taker} wants {_article(wanted)} here, but this is {_article(found)}",
        help=help,
    )


def wrong_count(span: Span, name: str, shown: Iterable[str]) -> Diagnostic:
    """E204: a function with too few or too many arguments."""
    forms = "; or ".join(f"`{form}`" for form in shown)
    return _fault(
        "E204", span, f"`{name}()` does not take this number of arguments", help=f"it is {forms}"
    )


def needless_handler(
    span: Span, name: str, words: str, found: str, *, is_known: bool
) -> Diagnostic:
    """E205: a handler of a missing value that is never missing."""
    why = "is known to be there at this place" if is_known else f"is never missing: {found}"
    return _fault(
        "E205",
        span,
        f"`.{name}()` is not needed: `{_short(words)}` {why}",
        help=f"leave it away: `{_short(words)}`",
        fix=_removed(span) if name in ("orValue", "or", "value") else None,
    )


def _removed(span: Span) -> Fix | None:
    return repairs.replaced(span, span.source.text[span.start : span.end], "")


def unreachable(span: Span, words: str, found: object) -> Diagnostic:
    """E205: values of `coalesce()` behind one that is never missing."""
    return _fault(
        "E205",
        span,
        f"these values are never used: `{_short(words)}` is never missing",
        f"`{_short(words)}` is {_article(found)}",
        "leave them away",
    )


def needless_has(span: Span, words: str, found: str, *, is_known: bool) -> Diagnostic:
    """E206: `has()` of a field that is never missing."""
    why = "is known to be there at this place" if is_known else f"is never missing: {found}"
    return _fault(
        "E206",
        span,
        f"this is always true: `{_short(words)}` {why}",
        help="leave the question away, or correct the schema where it can be missing after all",
    )


def needless_null(
    span: Span, words: str, found: str, *, answer: bool, is_known: bool
) -> Diagnostic:
    """E206: a comparison with null of a value that is never missing."""
    why = "is known to be there at this place" if is_known else f"is never missing: {found}"
    return _fault(
        "E206",
        span,
        f"this is always {str(answer).lower()}: `{_short(words)}` {why}",
        help="leave the question away, or correct the schema where it can be missing after all",
    )


def needless_question(span: Span, words: str, found: str, *, is_known: bool) -> Diagnostic:
    """E207: `.?` in front of a field that is never missing."""
    why = "is known to be there at this place" if is_known else f"is never missing: {found}"
    return _fault(
        "E207",
        span,
        f"the `?` is not needed: `{_short(words)}` {why}",
        help="leave the `?` away",
        fix=_without_question(span),
    )


def _without_question(span: Span) -> Fix | None:
    found = span.source.text[span.start : span.end]
    return repairs.replaced(span, found, f".{found[2:]}") if found[:2] == ".?" else None


def int_division(span: Span, left: str, right: str) -> Diagnostic:
    """E208: `/` between whole numbers."""
    return _fault(
        "E208",
        span,
        "`/` between two ints would drop the remainder without a word",
        help=f"for a fraction write `(decimal({left}) / {right}).round(2)`, "
        f"for whole numbers `intDiv({left}, {right})`",
    )


def remainder(span: Span, instead: str | None) -> Diagnostic:
    """E208: `%`, whose sign differs from language to language."""
    help = None if instead is None else f"write `{instead}`"
    return _fault(
        "E208",
        span,
        "there is no `%`",
        help=help or "`intMod(a, b)` gives the remainder of two whole numbers",
    )


def division_not_rounded(span: Span) -> Diagnostic:
    """E209: a quotient that is used before it is rounded."""
    return _fault(
        "E209",
        span,
        "this quotient is not rounded, and may have 28 digits",
        help="round it: `(…).round(2)`, or give the rule `places` and `rounding`",
    )


def no_condition(span: Span, found: object) -> Diagnostic:
    """E210: a condition that is neither true nor false."""
    help = None
    if str(found) == "string":
        help = "compare it: `… == 'yes'`"
    elif str(found) in ("int", "decimal"):
        help = "compare it: `… != 0`"
    elif str(found).startswith(("list", "map")):
        help = "ask for its size: `….size() > 0`"
    return _fault("E210", span, f"a condition is a bool, but this is {_article(found)}", help=help)


def branches_differ(then: Span, otherwise: Span, left: object, right: object) -> Diagnostic:
    """E211: two branches without a type in common."""
    return Diagnostic(
        "E211",
        f"the two values of `? :` differ in type: {left} and {right}",
        Label(otherwise, f"this is {_article(right)}"),
        related=(Label(then, f"this is {_article(left)}"),),
        help="convert one of them, e.g. with `string(…)` or `decimal(…)`",
    )


def elements_differ(span: Span, before: object, found: object) -> Diagnostic:
    """E212: an element that does not fit the ones before it."""
    return _fault(
        "E212",
        span,
        f"this is {_article(found)}, but the ones before it are {_article(before)} each",
        help="convert it, e.g. with `string(…)` or `decimal(…)`",
    )


def no_key(span: Span, found: object) -> Diagnostic:
    """E212: a map's key of a type that keys do not have."""
    return _fault(
        "E212",
        span,
        f"a map's keys are strings, ints or bools, not {_article(found)}",
        help="make text of it: `string(…)`",
    )


def no_index(span: Span, found: object) -> Diagnostic:
    """E213: `[…]` on something that has no elements."""
    help = "only lists and maps have elements; a field of an object is `.name`"
    if str(found) == "string":
        help = "choose a character with `.charAt(0)`"
    return _fault("E213", span, f"`[…]` does not work on {_article(found)}", help=help)


def no_list(span: Span, name: str, found: object) -> Diagnostic:
    """E213: a macro on something that has no elements."""
    over = "a list" if name == "groupBy" else "a list or a map"
    return _fault(
        "E213",
        span,
        f"`{name}` goes through {over}, but this is {_article(found)}",
        help=f"name the list: `order.line_items.{name}(…)`; a single value needs no `{name}`",
    )


def no_order(span: Span, found: object) -> Diagnostic:
    """E213: sorting by something that has no order."""
    return _fault(
        "E213",
        span,
        f"{_article(found)} has no order to sort by",
        help="sort by a number, a text, a date or an instant of the element",
    )


def no_group_key(span: Span, found: object) -> Diagnostic:
    """E495: rows grouped by something that is no key."""
    return _fault(
        "E495",
        span,
        f"rows are grouped by a string, an int, a bool, a decimal or a date, not by "
        f"{_article(found)}",
    )


def table_without_key(span: Span, name: str) -> Diagnostic:
    """E492: a lookup table that is not asked for the entry of a key."""
    return _fault(
        "E492",
        span,
        "a lookup table gives nothing but the entries of its keys, which may be missing",
        help=f"write `lookups.{name}[?key]`, and `.orValue(…)` behind it for a key it lacks",
    )


def wrong_table_key(span: Span, table: str, columns: tuple[str, ...]) -> Diagnostic:
    """E493: the key of a look-up has not the parts that its table has key columns."""
    if len(columns) < 2:
        return _fault("E493", span, f"the key of `{table}` is one value", help="write `[?key]`")
    named = " and ".join(f"`{column}`" for column in columns)
    form = ", ".join(columns)
    return _fault(
        "E493",
        span,
        f"the key of `{table}` is {named}, in this order",
        help=f"write `lookups.{table}[?[{form}]]`, each a string",
    )


def no_fields(span: Span, field: str, found: object, words: str) -> Diagnostic:
    """E213: a field of something that has none."""
    help = None
    shown = str(found)
    if shown.startswith("list("):
        help = (
            f"take it of every element: `{_short(words)}.map(row, row.{field})`, "
            f"or of the first: `{_short(words)}.first().?{field}`"
        )
    fix = None
    if field in ("size", "length"):
        help = f"write `{_short(words)}.size()`"
        fix = repairs.replaced(span, field, "size()")
    return _fault(
        "E213",
        span,
        f"{_article(shown)} has no fields",
        help=help or "leave the field away; only objects have fields",
        fix=fix,
    )


def no_literal(span: Span, wanted: str) -> Diagnostic:
    """E214: an argument that has to be a literal, and is none."""
    return _fault(
        "E214",
        span,
        f"{wanted} has to be written out here, so that it can be checked before a record comes",
        help="write the value itself, in quotes if it is text",
    )


def bad_literal(span: Span, wanted: str, why: str, help: str | None = None) -> Diagnostic:
    """E215: a literal that the function cannot take."""
    return _fault(
        "E215",
        span,
        f"this cannot be taken as {wanted}: {why}",
        help=help or "write another one; `mapgen eval` tries an expression out",
    )


def division_by_zero(span: Span) -> Diagnostic:
    """E216: a divisor written out as zero."""
    return _fault(
        "E216", span, "this divides by zero", help="divide by another number, or not at all"
    )


def constant_condition(span: Span) -> Diagnostic:
    """E217: a condition that reads nothing."""
    return _fault(
        "E217",
        span,
        "this condition is the same for every record",
        help="leave the condition away, and what can never be reached with it",
    )


def never_there(span: Span) -> Diagnostic:
    """E220: an element of a list or a map that is written out empty."""
    return _fault(
        "E220",
        span,
        "this is never there: what it is taken from is written out empty",
        help="leave it away, or take it from a field of the record",
    )


def null_value(span: Span) -> Diagnostic:
    """E218: null where a value is needed."""
    return _fault("E218", span, "null is no value to work on", help="compare with it: `… == null`")


def default_may_be_missing(span: Span, found: object) -> Diagnostic:
    """E219: a default of `orValue()` that may itself be missing."""
    return _fault(
        "E219",
        span,
        f"the default of `orValue()` may itself be missing: {found}",
        help="write `.or(…)`, and `.orValue(…)` with a sure value at the end",
    )


def or_wants_optional(span: Span, found: object) -> Diagnostic:
    """E219: `or()` with a value that is never missing."""
    return _fault(
        "E219",
        span,
        f"`or()` wants another value that may be missing, but this is {_article(found)}",
        help="write `.orValue(…)`",
    )


def no_flat_map(span: Span, found: object) -> Diagnostic:
    """E219: `optFlatMap` with a value that is never missing."""
    return _fault(
        "E219",
        span,
        f"`optFlatMap` wants an expression that may be missing, but this is {_article(found)}",
        help="write `optMap`",
    )


# Names


_WORDS_FOR_NOTHING = dict.fromkeys(("None", "nil", "undefined", "NULL", "Null"), "write `null`") | {
    "True": "write `true`",
    "False": "write `false`",
}


def unknown_name(span: Span, name: str, known: Iterable[str], owners: Sequence[str]) -> Diagnostic:
    """E300: a name that stands for nothing; `owners` are what has a field of that name."""
    names = sorted(known)
    help = _OTHER_TONGUES.get(name) or _WORDS_FOR_NOTHING.get(name)
    fix = repairs.replaced(span, name, help[7:-1]) if name in _WORDS_FOR_NOTHING and help else None
    if help is None and owners:
        help = "did you mean " + " or ".join(f"`{owner}.{name}`" for owner in owners) + "?"
        fix = repairs.replaced(span, name, f"{owners[0]}.{name}") if len(owners) == 1 else None
    if help is None:
        help = suggestion(name, names)
        fix = repairs.renamed(span, name, names)
    if help is None:
        listed = ", ".join(f"`{known}`" for known in names)
        known_here = f"; the names known here are {listed}" if names else ""
        help = f"a text stands in quotes: `'{name}'`{known_here}"
        if span.source.text[span.end : span.end + 1] in (".", "[") and span.end > span.start:
            # What has members is no text.
            listed = f"the names known here are {listed}"
            help = listed if names else "no names are known here: `--data FILE` gives some"
    return _fault("E300", span, f"nothing here is called `{name}`", help=help, fix=fix)


def unknown_field(span: Span, field: str, owner: str, known: Iterable[str]) -> Diagnostic:
    """E301: a field that the object has not."""
    names = sorted(known)
    return _fault(
        "E301",
        span,
        f"`{owner}` has no field `{field}`",
        help=suggestion(field, names) or _all_of(names),
        fix=repairs.renamed(span, field, (name for name in names if name.isidentifier())),
    )


def field_of_rows(span: Span, field: str, words: str) -> Diagnostic:
    """E301: a field of the rows of a group, asked of the group."""
    return _fault(
        "E301",
        span,
        f"a group of rows has no field `{field}`, its rows have",
        help=f"take it of every row: `{_short(words)}.rows.map(row, row.{field})`",
    )


def _all_of(names: Sequence[str]) -> str:
    """Return what there is instead, as much as a person reads."""
    if not names:
        return "the schema gives it no fields at all"
    listed = ", ".join(f"`{name}`" for name in names[:12])
    return f"its fields are {listed}" + (f" and {len(names) - 12} more" if names[12:] else "")


def unknown_function(
    span: Span,
    name: str,
    known: Iterable[str],
    instead: str | None,
    fix: Fix | None,
    *,
    is_method: bool,
) -> Diagnostic:
    """E302: a function that is not there; `instead` is what may be meant, `fix` writes it."""
    kind = "method" if is_method else "function"
    names = sorted(known)
    return _fault(
        "E302",
        span,
        f"there is no {kind} `{name}()`",
        help=instead or suggestion(name, names) or "`mapgen docs` lists the functions there are",
        fix=fix if instead else repairs.renamed(span, name, names),
    )


def no_method(
    span: Span, name: str, wanted: Sequence[str], found: object, help: str | None
) -> Diagnostic:
    """E303: a method of another type."""
    receivers = " or ".join(dict.fromkeys(wanted))
    if (
        help is None
        and str(found).endswith("?)")
        and any(str(found)[:4] == it[:4] for it in wanted)
    ):
        help = (
            "`.unwrapOpt()` in front leaves the missing elements out; "
            "`.map(row, row.orValue(…))` gives each a default"
        )
    return _fault(
        "E303", span, f"`{name}()` works on {receivers}, but this is {_article(found)}", help=help
    )


def name_taken(span: Span, name: str) -> Diagnostic:
    """E304: a macro's variable with a name that is taken."""
    return _fault(
        "E304",
        span,
        f"`{name}` already means something here",
        help="choose another name for the element",
    )


def refused_function(span: Span, name: str, instead: str) -> Diagnostic:
    """E305: a function of CEL that this dialect leaves out."""
    return _fault("E305", span, f"`{name}()` is CEL, but not part of this dialect", help=instead)


def _short(words: str) -> str:
    """Return an expression's text, cut to what fits in a line."""
    flat = " ".join(words.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}…"
