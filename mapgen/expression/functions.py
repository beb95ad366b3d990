"""Every function of the language, one row each, for checker, emitter, documentation and tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter

from msgspec import Struct

from mapgen.expression.rows import Example, Function, row

_FALLIBLE = ("fallible",)
_ROUNDS = ("rounds", "fallible")
_WITHOUT_END = "where the factor has no last digit (`kg` to `lb`), a rounding stands around it."

_STRINGS = (
    row(
        "string.trim() -> string",
        "The text without white space at both ends.",
        "{0}.strip()",
        ("'  AB-1 '.trim()", "'AB-1'"),
    ),
    row(
        "string.size() -> int",
        "The number of characters.",
        "len({0})",
        ("'crème'.size()", "5"),
    ),
    row("size(text: string) -> int", "The number of characters.", "len({0})", ("size('ab')", "2")),
    row(
        "string.lowerAscii() -> string",
        "The text with the letters A to Z made small; all others stay.",
        "lower_ascii({0})",
        ("'AB-Ü'.lowerAscii()", "'ab-Ü'"),
    ),
    row(
        "string.upperAscii() -> string",
        "The text with the letters a to z made capital; all others stay.",
        "upper_ascii({0})",
        ("'ab-ü'.upperAscii()", "'AB-ü'"),
    ),
    row(
        "string.titleCase() -> string",
        "Each word with a capital first letter and small ones behind it.",
        "title_case({0})",
        ("'ANNA o\\'neill-smith'.titleCase()", "'Anna O\\'Neill-Smith'"),
    ),
    row(
        "string.contains(part: string) -> bool",
        "Whether the part stands anywhere in the text.",
        "{1} in {0}",
        ("'gift, express'.contains('gift')", "true"),
    ),
    row(
        "string.startsWith(prefix: string) -> bool",
        "Whether the text begins with the prefix.",
        "{0}.startswith({1})",
        ("'SO-12'.startsWith('SO-')", "true"),
    ),
    row(
        "string.endsWith(suffix: string) -> bool",
        "Whether the text ends with the suffix.",
        "{0}.endswith({1})",
        ("'photo.png'.endsWith('.jpg')", "false"),
    ),
    row(
        "string.matches(pattern: regex) -> bool",
        "Whether the regular expression (RE2) is found; `^` and `$` tie it to the text's ends.",
        "{1}.is_in({0})",
        ("'AB-12'.matches('^[A-Z]+-[0-9]+$')", "true"),
        ("'AB-12\\n'.matches('12$')", "false"),
    ),
    row(
        "matches(text: string, pattern: regex) -> bool",
        "Whether the regular expression (RE2) is found in the text.",
        "{1}.is_in({0})",
        ("matches('AB-12', '[0-9]{2}')", "true"),
    ),
    row(
        "string.split(separator: separator) -> list(string)",
        "The parts between the separators.",
        "{0}.split({1})",
        ("'a,b,,c'.split(',')", "['a', 'b', '', 'c']"),
    ),
    row(
        "string.split(separator: separator, most: int) -> list(string)",
        "The parts between the separators, at most so many; the last one holds the rest.",
        "split_text({0}, {1}, {2})",
        ("'a,b,c'.split(',', 2)", "['a', 'b,c']"),
        ("'a,b'.split(',', 0)", "[]"),
    ),
    row(
        "list(string).join() -> string",
        "All texts in one.",
        '"".join({0:iterable})',
        ("['a', 'b'].join()", "'ab'"),
    ),
    row(
        "list(string).join(separator: string) -> string",
        "All texts in one, with the separator between them.",
        "{1}.join({0:iterable})",
        ("['a', 'b'].join(', ')", "'a, b'"),
    ),
    row(
        "string.substring(start: int) -> string",
        "The text from a position on, the first being 0.",
        "substring({0}, {1})",
        ("'AB-12'.substring(3)", "'12'"),
        traits=_FALLIBLE,
    ),
    row(
        "string.substring(start: int, end: int) -> string",
        "The text from a position up to but not including another.",
        "substring({0}, {1}, {2})",
        ("'AB-12'.substring(0, 2)", "'AB'"),
        traits=_FALLIBLE,
    ),
    row(
        "string.left(count: width) -> string",
        "The first characters, all of them when there are fewer.",
        "{0}[:{1}]",
        ("'AB-12'.left(2)", "'AB'"),
        ("'A'.left(2)", "'A'"),
    ),
    row(
        "string.right(count: width) -> string",
        "The last characters, all of them when there are fewer.",
        "{0}[-{1}:]",
        ("'AB-12'.right(2)", "'12'"),
    ),
    row(
        "string.before(separator: separator) -> string?",
        "The text before the first separator; missing when there is none.",
        "before({0}, {1})",
        ("'Ada King Lovelace'.before(' ').orValue('')", "'Ada'"),
        ("'Ada'.before(' ')", "null"),
    ),
    row(
        "string.after(separator: separator) -> string?",
        "The text after the first separator; missing when there is none.",
        "after({0}, {1})",
        ("'Ada King Lovelace'.after(' ').orValue('')", "'King Lovelace'"),
        ("'Ada'.after(' ')", "null"),
    ),
    row(
        "string.charAt(position: int) -> string",
        "The character at a position; empty at the very end.",
        "char_at({0}, {1})",
        ("'AB'.charAt(1)", "'B'"),
        ("'AB'.charAt(2)", "''"),
        traits=_FALLIBLE,
    ),
    row(
        "string.indexOf(part: string) -> int",
        "The position of the first occurrence, -1 when there is none.",
        "{0}.find({1})",
        ("'a-b-c'.indexOf('-')", "1"),
    ),
    row(
        "string.indexOf(part: string, start: int) -> int",
        "The position of the first occurrence from a position on, -1 when there is none.",
        "index_of({0}, {1}, {2})",
        ("'a-b-c'.indexOf('-', 2)", "3"),
        traits=_FALLIBLE,
    ),
    row(
        "string.lastIndexOf(part: string) -> int",
        "The position of the last occurrence, -1 when there is none.",
        "{0}.rfind({1})",
        ("'a-b-c'.lastIndexOf('-')", "3"),
    ),
    row(
        "string.lastIndexOf(part: string, start: int) -> int",
        "The position of the last occurrence up to a position, -1 when there is none.",
        "last_index_of({0}, {1}, {2})",
        ("'a-b-c'.lastIndexOf('-', 2)", "1"),
        traits=_FALLIBLE,
    ),
    row(
        "string.replace(old: string, new: string) -> string",
        "The text with every occurrence replaced.",
        "{0}.replace({1}, {2})",
        ("'a_b_c'.replace('_', '-')", "'a-b-c'"),
    ),
    row(
        "string.replace(old: string, new: string, most: int) -> string",
        "The text with the first occurrences replaced, at most so many; a negative number is all.",
        "{0}.replace({1}, {2}, {3})",
        ("'a_b_c'.replace('_', '-', 1)", "'a-b_c'"),
    ),
    row(
        "string.reverse() -> string",
        "The characters in reverse order.",
        "{0}[::-1]",
        ("'abc'.reverse()", "'cba'"),
    ),
    row(
        "string.padLeft(width: width, filling: filling) -> string",
        "The text filled up in front to a width.",
        "{0}.rjust({1}, {2})",
        ("'42'.padLeft(6, '0')", "'000042'"),
    ),
    row(
        "string.padRight(width: width, filling: filling) -> string",
        "The text filled up behind to a width.",
        "{0}.ljust({1}, {2})",
        ("'AB'.padRight(4, '.')", "'AB..'"),
    ),
    row(
        "string.digits() -> string",
        "Only the digits 0 to 9 of the text.",
        "digits({0})",
        ("'+49 (30) 555-01'.digits()", "'493055501'"),
    ),
    row(
        "string.normalizeSpace() -> string",
        "The text with every run of white space made one space, and none at the ends.",
        '" ".join({0}.split())',
        ("' Main  Street\\n 5 '.normalizeSpace()", "'Main Street 5'"),
    ),
    row(
        "string.wrap(width: width) -> list(string)",
        "The text in lines of at most so many characters, broken between words where possible.",
        "wrap_text({0}, {1})",
        ("'12 Long Harbour Street'.wrap(12)", "['12 Long', 'Harbour', 'Street']"),
    ),
    row(
        "string.nfc() -> string",
        "The text with letters and accents composed into one character each (Unicode NFC).",
        'normalize("NFC", {0})',
        ("'e\\u0301'.nfc()", "'\\u00e9'"),
    ),
    row(
        "string.htmlUnescape() -> string",
        "The text with HTML entities turned into what they stand for.",
        "unescape({0})",
        ("'Salt &amp; Pepper'.htmlUnescape()", "'Salt & Pepper'"),
    ),
    row(
        "string.e164(country: country) -> string",
        "The phone number in international form, read as one dialled in the country (ISO code); "
        "a number that no numbering plan has is a fault.",
        "e164({0}, {1})",
        ("'(212) 555-0123'.e164('US')", "'+12125550123'"),
        ("'030 5550123'.e164('DE')", "'+49305550123'"),
        ("'0041 44 555 01 23'.e164('DE')", "'+41445550123'"),
        traits=_FALLIBLE,
    ),
    row(
        "nonBlank(text: string?) -> string?",
        "The text without white space at both ends; missing when nothing is left.",
        "non_blank({0})",
        ("nonBlank(' Ada ').orValue('nobody')", "'Ada'"),
        ("nonBlank('  ').orValue('nobody')", "'nobody'"),
        traits=("truthy",),
    ),
)

_OPTIONALS = (
    row(
        "optional.ofNonZeroValue(value: T) -> T?",
        "The value; missing when it is empty, zero or false.",
        "non_zero({0})",
        ("optional.ofNonZeroValue('').orValue('-')", "'-'"),
        ("optional.ofNonZeroValue(7).orValue(1)", "7"),
        traits=("truthy",),
    ),
)

_CONVERSIONS = (
    row("string(text: string) -> string", "The text itself.", "{0}", ("string('a')", "'a'")),
    row(
        "string(number: int) -> string", "The number's digits.", "str({0})", ("string(12)", "'12'")
    ),
    row(
        "string(amount: decimal) -> string",
        "The amount written out, with the places that it has, never with an exponent.",
        'format({0}, "f")',
        ("string(1.50)", "'1.50'"),
    ),
    row(
        "string(fact: bool) -> string",
        "`true` or `false`.",
        '"true" if {0} else "false"',
        ("string(true)", "'true'"),
    ),
    row(
        "string(day: date) -> string",
        "The date as `yyyy-MM-dd`.",
        "{0}.isoformat()",
        ("string(date('2024-02-29'))", "'2024-02-29'"),
    ),
    row(
        "string(instant: timestamp) -> string",
        "The instant in UTC (RFC 3339).",
        "timestamp_text({0})",
        ("string(timestamp('2024-05-01T12:00:00+02:00'))", "'2024-05-01T10:00:00Z'"),
    ),
    row(
        "string(span: duration) -> string",
        "The duration in seconds.",
        "duration_text({0})",
        ("string(duration('1h30m'))", "'5400s'"),
    ),
    row("int(number: int) -> int", "The number itself.", "{0}", ("int(3)", "3")),
    row(
        "int(text: integer_text) -> int",
        "The whole number that the text spells; spaces and separators are faults.",
        "parse_int({0})",
        ("int('-12')", "-12"),
        traits=_FALLIBLE,
    ),
    row(
        "int(amount: decimal) -> int",
        "The amount without its decimal places, cut off towards zero.",
        "int({0})",
        ("int(2.9)", "2"),
        ("int(-2.9)", "-2"),
        traits=("rounds",),
    ),
    row(
        "int(instant: timestamp) -> int",
        "The seconds since 1970 began (UTC).",
        "unix_seconds({0})",
        ("int(timestamp('1970-01-01T00:01:00Z'))", "60"),
    ),
    row(
        "decimal(amount: decimal) -> decimal",
        "The amount itself; an int becomes a decimal.",
        "{0}",
        ("decimal(1.5)", "1.5"),
        ("decimal(3)", "3.0"),
    ),
    row(
        "decimal(text: decimal_text) -> decimal",
        "The number that the text spells, exactly; spaces and decimal commas are faults.",
        "parse_decimal({0})",
        ("decimal('19.90')", "19.90"),
        traits=_FALLIBLE,
    ),
    row("bool(fact: bool) -> bool", "The fact itself.", "{0}", ("bool(true)", "true")),
    row(
        "bool(text: boolean_text) -> bool",
        "True for `true`, `t`, `1`, false for `false`, `f`, `0`; anything else is a fault.",
        "parse_bool({0})",
        ("bool('true')", "true"),
        ("bool('0')", "false"),
        traits=_FALLIBLE,
    ),
    row(
        "timestamp(instant: timestamp) -> timestamp",
        "The instant itself.",
        "{0}",
        ("timestamp(timestamp('2024-05-01T10:00:00Z'))", "timestamp('2024-05-01T10:00:00Z')"),
    ),
    row(
        "timestamp(text: timestamp_text) -> timestamp",
        "The instant that the text spells (RFC 3339); one without a zone is a fault.",
        "parse_timestamp({0})",
        ("timestamp('2024-05-01T12:00:00+02:00')", "timestamp('2024-05-01T10:00:00Z')"),
        traits=_FALLIBLE,
    ),
    row(
        "timestamp(seconds: int) -> timestamp",
        "The instant so many seconds after 1970 began (UTC).",
        "from_unix_seconds({0})",
        ("timestamp(1714557600)", "timestamp('2024-05-01T10:00:00Z')"),
        traits=_FALLIBLE,
    ),
    row(
        "duration(text: duration_text) -> duration",
        "The length of time that the text spells: `1h30m`, `90s`, `250ms`.",
        "parse_duration({0})",
        ("duration('90m')", "duration('1h30m')"),
        traits=_FALLIBLE,
    ),
    row(
        "duration(span: duration) -> duration",
        "The duration itself.",
        "{0}",
        ("duration(duration('90m'))", "duration('1h30m')"),
    ),
    row(
        "date(text: date_text) -> date",
        "The date that the text spells as `yyyy-MM-dd`.",
        "parse_date({0})",
        ("date('2024-02-29').day()", "29"),
        traits=_FALLIBLE,
    ),
    row(
        "date(day: date) -> date",
        "The date itself.",
        "{0}",
        ("date(date('2024-02-29')).day()", "29"),
    ),
)

_NUMBERS = (
    row(
        "decimal.round(places: places) -> decimal",
        "Rounded to places; a half goes away from zero (2.345 -> 2.35).",
        "round_half_up({0}, {1})",
        ("2.345.round(2)", "2.35"),
        ("(10.00 / 3).round(2)", "3.33"),
        traits=_ROUNDS,
    ),
    row(
        "round(amount: decimal, places: places) -> decimal",
        "Rounded to places; a half goes away from zero (2.345 -> 2.35).",
        "round_half_up({0}, {1})",
        ("round(-2.345, 2)", "-2.35"),
        traits=_ROUNDS,
    ),
    row(
        "decimal.roundHalfEven(places: places) -> decimal",
        "Rounded to places; a half goes to the even neighbour (2.345 -> 2.34).",
        "round_half_even({0}, {1})",
        ("2.345.roundHalfEven(2)", "2.34"),
        traits=_ROUNDS,
    ),
    row(
        "roundHalfEven(amount: decimal, places: places) -> decimal",
        "Rounded to places; a half goes to the even neighbour (2.345 -> 2.34).",
        "round_half_even({0}, {1})",
        ("roundHalfEven(2.355, 2)", "2.36"),
        traits=_ROUNDS,
    ),
    row(
        "decimal.roundDown(places: places) -> decimal",
        "Cut off to places, towards zero (2.349 -> 2.34).",
        "round_down({0}, {1})",
        ("2.349.roundDown(2)", "2.34"),
        traits=_ROUNDS,
    ),
    row(
        "decimal.roundUp(places: places) -> decimal",
        "Rounded to places, away from zero (2.341 -> 2.35).",
        "round_up({0}, {1})",
        ("2.341.roundUp(2)", "2.35"),
        traits=_ROUNDS,
    ),
    row(
        "intDiv(number: int, by: int) -> int",
        "The whole part of the quotient, cut off towards zero.",
        "int_div({0}, {1})",
        ("intDiv(7, 2)", "3"),
        ("intDiv(-7, 2)", "-3"),
        traits=_FALLIBLE,
    ),
    row(
        "intMod(number: int, by: int) -> int",
        "What is left over by `intDiv`; it has the sign of the number divided.",
        "int_mod({0}, {1})",
        ("intMod(7, 2)", "1"),
        ("intMod(-7, 2)", "-1"),
        traits=_FALLIBLE,
    ),
    row(
        "math.abs(number: N) -> N",
        "The number without its sign.",
        "abs({0})",
        ("math.abs(-2.50)", "2.50"),
    ),
    row(
        "math.ceil(amount: decimal) -> decimal",
        "The next whole number upwards.",
        "round_ceiling({0})",
        ("math.ceil(2.1)", "3.0"),
        traits=("rounds",),
    ),
    row(
        "math.floor(amount: decimal) -> decimal",
        "The next whole number downwards.",
        "round_floor({0})",
        ("math.floor(-2.1)", "-3.0"),
        traits=("rounds",),
    ),
    row(
        "math.round(amount: decimal) -> decimal",
        "The nearest whole number; a half goes away from zero.",
        "round_half_up({0}, 0)",
        ("math.round(2.5)", "3.0"),
        traits=_ROUNDS,
    ),
    row(
        "math.trunc(amount: decimal) -> decimal",
        "The whole number left when the decimal places are cut off.",
        "round_down({0}, 0)",
        ("math.trunc(-2.9)", "-2.0"),
        traits=_ROUNDS,
    ),
    row(
        "math.sign(number: int) -> int",
        "-1, 0 or 1, as the number is negative, zero or positive.",
        "sign({0})",
        ("math.sign(-7)", "-1"),
    ),
    row(
        "math.sign(amount: decimal) -> decimal",
        "-1, 0 or 1, as the amount is negative, zero or positive.",
        "Decimal(sign({0}))",
        ("math.sign(-0.01)", "-1.0"),
    ),
    row(
        "math.greatest(first: N, others: N...) -> N",
        "The greatest of several numbers.",
        "max({*})",
        ("math.greatest(1, 2.5, 2)", "2.5"),
    ),
    row("math.greatest(number: N) -> N", "The number itself.", "{0}", ("math.greatest(2)", "2")),
    row(
        "math.greatest(numbers: list(N)) -> N",
        "The greatest of the numbers; a fault where there is none.",
        "demanded(max({0:iterable}, default=None))",
        ("math.greatest([1, 3, 2])", "3"),
        traits=_FALLIBLE,
    ),
    row(
        "math.least(first: N, others: N...) -> N",
        "The least of several numbers.",
        "min({*})",
        ("math.least(1, 2.5, 2)", "1.0"),
    ),
    row("math.least(number: N) -> N", "The number itself.", "{0}", ("math.least(2)", "2")),
    row(
        "math.least(numbers: list(N)) -> N",
        "The least of the numbers; a fault where there is none.",
        "demanded(min({0:iterable}, default=None))",
        ("math.least([2, 1, 3])", "1"),
        traits=_FALLIBLE,
    ),
    row(
        "int.minorUnits(currency: currency) -> decimal",
        "The amount that so many cents (or whatever the currency counts in) make.",
        "from_minor_units({0}, {1})",
        ("1999.minorUnits('USD')", "19.99"),
        ("1999.minorUnits('JPY')", "1999.0"),
        traits=_FALLIBLE,
    ),
    row(
        "int.minorUnits(currency: currency, counting: counting) -> decimal",
        "The same as a payment service counts (`'stripe'`), or as ISO 4217 does (`'iso'`).",
        "from_minor_units({0}, {1}, {2})",
        ("500000.minorUnits('UGX', 'stripe')", "5000.0"),
        ("500000.minorUnits('UGX', 'iso')", "500000.0"),
        traits=_FALLIBLE,
    ),
    row(
        "decimal.toMinorUnits(currency: currency) -> int",
        "The amount in cents (or whatever the currency counts in); a fraction of one is a fault.",
        "to_minor_units({0}, {1})",
        ("19.99.toMinorUnits('USD')", "1999"),
        traits=_FALLIBLE,
    ),
    row(
        "decimal.toMinorUnits(currency: currency, counting: counting) -> int",
        "The same as a payment service counts (`'stripe'`), or as ISO 4217 does (`'iso'`).",
        "to_minor_units({0}, {1}, {2})",
        ("123.0.toMinorUnits('ISK', 'stripe')", "12300"),
        traits=_FALLIBLE,
    ),
    row(
        "minorUnits(currency: currency) -> int",
        "The decimal places that the currency has (ISO 4217).",
        "currency_places({0})",
        ("minorUnits('USD')", "2"),
        ("minorUnits('JPY')", "0"),
        ("2.345.round(minorUnits('KWD'))", "2.345"),
        traits=_FALLIBLE,
    ),
    # Lowering puts the units' factors in their places, one in place of both where that is exact.
    row(
        "decimal.convertUnit(from: unit, to: unit) -> decimal",
        f"The amount in another unit, exactly; {_WITHOUT_END}",
        "{0} * {1} / {2}",
        ("1500.convertUnit('g', 'kg')", "1.500"),
        ("1.convertUnit('lb', 'kg')", "0.45359237"),
        ("1.convertUnit('kg', 'lb').round(3)", "2.205"),
    ),
    row(
        "convertUnit(amount: decimal, from: unit, to: unit) -> decimal",
        f"The amount in another unit, exactly; {_WITHOUT_END}",
        "{0} * {1} / {2}",
        ("convertUnit(2.5, 'm2', 'cm2')", "25000.0"),
        ("convertUnit(90, 'min', 'h')", "1.5"),
    ),
)

_LISTS = (
    row("list(T).size() -> int", "The number of elements.", "len({0})", ("[1, 2].size()", "2")),
    row("size(rows: list(T)) -> int", "The number of elements.", "len({0})", ("size(['a'])", "1")),
    row(
        "size(entries: map(K, T)) -> int",
        "The number of entries.",
        "len({0})",
        ("size({'a': 1})", "1"),
    ),
    row("map(K, T).size() -> int", "The number of entries.", "len({0})", ("{'a': 1}.size()", "1")),
    row(
        "list(int).sum() -> int",
        "All numbers added up; 0 for an empty list.",
        "sum({0:iterable})",
        ("[1, 2, 3].sum()", "6"),
    ),
    row(
        "list(decimal).sum() -> decimal",
        "All amounts added up; 0 for an empty list.",
        "total({0:iterable})",
        ("[1.10, 2.20].sum()", "3.30"),
        ("[1.10].filter(amount, amount > 2.0).sum()", "0.0"),
    ),
    row(
        "list(O).min() -> O?",
        "The least element; missing when the list is empty.",
        "min({0:iterable}, default=None)",
        ("[3, 1, 2].min().orValue(0)", "1"),
    ),
    row(
        "list(O).max() -> O?",
        "The greatest element; missing when the list is empty.",
        "max({0:iterable}, default=None)",
        ("['a', 'c', 'b'].max().orValue('')", "'c'"),
    ),
    row(
        "list(T).first() -> T?",
        "The first element; missing when the list is empty.",
        "first({0:iterable})",
        ("['a', 'b'].first().orValue('')", "'a'"),
    ),
    row(
        "list(T).last() -> T?",
        "The last element; missing when the list is empty.",
        "last({0:iterable})",
        ("['a', 'b'].last().orValue('')", "'b'"),
    ),
    row(
        "list(S).distinct() -> list(S)",
        "The elements, each once, in the order in which they first stand.",
        "list(dict.fromkeys({0:iterable}))",
        ("['b', 'a', 'b'].distinct()", "['b', 'a']"),
    ),
    row(
        "list(O).sort() -> list(O)",
        "The elements in ascending order.",
        "sorted({0:iterable})",
        ("[3, 1, 2].sort()", "[1, 2, 3]"),
    ),
    row(
        "list(T).reverse() -> list(T)",
        "The elements in reverse order.",
        "{0}[::-1]",
        ("[1, 2, 3].reverse()", "[3, 2, 1]"),
    ),
    row(
        "list(T).slice(start: int, end: int) -> list(T)",
        "The elements from a position up to but not including another.",
        "part({0}, {1}, {2})",
        ("[1, 2, 3].slice(0, 2)", "[1, 2]"),
        traits=_FALLIBLE,
    ),
    row(
        "list(list(T)).flatten() -> list(T)",
        "The elements of all inner lists, one after the other.",
        "flatten({0:iterable})",
        ("[[1, 2], [3]].flatten()", "[1, 2, 3]"),
    ),
    row(
        "list(T?).unwrapOpt() -> list(T)",
        "The elements that are there.",
        "present({0:iterable})",
        ("[nonBlank('a'), nonBlank(' ')].unwrapOpt()", "['a']"),
    ),
    row(
        "lists.range(count: int) -> list(int)",
        "The numbers from 0 up to but not including the count.",
        "counted({0})",
        ("lists.range(3)", "[0, 1, 2]"),
        traits=_FALLIBLE,
    ),
)

_DATES = (
    row(
        "date(instant: timestamp, zone: zone) -> date",
        "The calendar date at that instant in the zone.",
        "{0}.astimezone({1}).date()",
        (
            "date(timestamp('2024-05-01T23:30:00Z'), 'Europe/Berlin')",
            "date('2024-05-02')",
        ),
    ),
    row("date.year() -> int", "The year.", "{0}.year", ("date('2024-02-29').year()", "2024")),
    row(
        "date.month() -> int",
        "The month, January being 1.",
        "{0}.month",
        ("date('2024-02-29').month()", "2"),
    ),
    row(
        "date.day() -> int",
        "The day of the month, the first being 1.",
        "{0}.day",
        ("date('2024-02-29').day()", "29"),
    ),
    row(
        "date.dayOfWeek() -> int",
        "The day of the week, Monday being 1 and Sunday 7.",
        "{0}.isoweekday()",
        ("date('2024-02-29').dayOfWeek()", "4"),
    ),
    row(
        "date.addDays(days: int) -> date",
        "The date so many days later.",
        "add_days({0}, {1})",
        ("date('2024-02-28').addDays(2)", "date('2024-03-01')"),
        traits=_FALLIBLE,
    ),
    row(
        "date.addMonths(months: int) -> date",
        "The same day so many months later, or the month's last day where there is no such day.",
        "add_months({0}, {1})",
        ("date('2024-01-31').addMonths(1)", "date('2024-02-29')"),
        traits=_FALLIBLE,
    ),
    row(
        "date.daysUntil(other: date) -> int",
        "The number of days from this date to the other; negative when it lies before.",
        "({1} - {0}).days",
        ("date('2024-02-28').daysUntil(date('2024-03-01'))", "2"),
    ),
    row(
        "date.formatDate(pattern: date_pattern) -> string",
        "The date written after a pattern of `yyyy`, `yy`, `MM`, `dd`.",
        "format_date({0}, {1})",
        ("date('2024-02-29').formatDate('dd.MM.yyyy')", "'29.02.2024'"),
    ),
    row(
        "formatDate(day: date, pattern: date_pattern) -> string",
        "The date written after a pattern of `yyyy`, `yy`, `MM`, `dd`.",
        "format_date({0}, {1})",
        ("formatDate(date('2024-02-29'), 'yyyyMMdd')", "'20240229'"),
    ),
    row(
        "timestamp.formatDate(pattern: time_pattern, zone: zone) -> string",
        "The instant as the zone's clock and calendar show it, after a pattern.",
        "format_date({0}.astimezone({2}), {1})",
        (
            "timestamp('2024-05-01T23:30:00Z').formatDate('yyyy-MM-dd HH:mm', 'Europe/Berlin')",
            "'2024-05-02 01:30'",
        ),
    ),
    row(
        "string.parseDate(pattern: date_pattern) -> date",
        "The date that the text spells after a pattern, exactly.",
        "parse_date({0}, {1})",
        ("'29.02.2024'.parseDate('dd.MM.yyyy')", "date('2024-02-29')"),
        traits=_FALLIBLE,
    ),
    row(
        "parseDate(text: string, pattern: date_pattern) -> date",
        "The date that the text spells after a pattern, exactly.",
        "parse_date({0}, {1})",
        ("parseDate('20240229', 'yyyyMMdd')", "date('2024-02-29')"),
        traits=_FALLIBLE,
    ),
    row(
        "parseTimestamp(text: string, pattern: time_pattern, zone: zone) -> timestamp",
        "The instant at which the zone's clock shows what the text spells after a pattern.",
        "parse_local_time({0}, {1}, {2})",
        (
            "parseTimestamp('01.05.2024 12:00', 'dd.MM.yyyy HH:mm', 'Europe/Berlin')",
            "timestamp('2024-05-01T10:00:00Z')",
        ),
        traits=_FALLIBLE,
    ),
)


def _parts_of_time() -> tuple[Function, ...]:
    """Return the getters of instants, in UTC and in a zone, and of durations."""
    instant = "timestamp('2024-05-01T23:30:15.250Z')"
    rows = []
    for name, says, python, utc, berlin in (
        ("getFullYear", "The year", "{}.year", "2024", "2024"),
        ("getHours", "The hour, 0 to 23", "{}.hour", "23", "1"),
        ("getMinutes", "The minute, 0 to 59", "{}.minute", "30", "30"),
        ("getSeconds", "The second, 0 to 59", "{}.second", "15", "15"),
        ("getMilliseconds", "The milliseconds, 0 to 999", "{}.microsecond // 1000", "250", "250"),
        ("getDayOfWeek", "The day of the week, Sunday being 0", "{}.isoweekday() % 7", "3", "4"),
    ):
        rows.append(
            row(
                f"timestamp.{name}() -> int",
                f"{says}, in UTC.",
                python.replace("{}", "{0}.astimezone(UTC)"),
                (f"{instant}.{name}()", utc),
            )
        )
        rows.append(
            row(
                f"timestamp.{name}(zone: zone) -> int",
                f"{says}, in the zone.",
                python.replace("{}", "{0}.astimezone({1})"),
                (f"{instant}.{name}('Europe/Berlin')", berlin),
            )
        )
    for name, unit, gives in (
        ("getHours", "hours", "1"),
        ("getMinutes", "minutes", "90"),
        ("getSeconds", "seconds", "5400"),
        ("getMilliseconds", "milliseconds", "5400000"),
    ):
        rows.append(
            row(
                f"duration.{name}() -> int",
                f"The whole {unit} in the duration.",
                f"whole_units({{0}}, timedelta({unit}=1))",
                (f"duration('1h30m').{name}()", gives),
            )
        )
    return tuple(rows)


FUNCTIONS: tuple[Function, ...] = (
    *_STRINGS,
    *_OPTIONALS,
    *_CONVERSIONS,
    *_NUMBERS,
    *_LISTS,
    *_DATES,
    *_parts_of_time(),
)


class Form(Struct, frozen=True):
    """A form of the language that looks like a function but has typing rules of its own."""

    name: str
    shown: str
    says: str
    examples: tuple[Example, ...]


_FORM_NAME = re.compile(r"((?:cel\.)?\w+)\([^()]*(?:\([^()]*\)[^()]*)*\) -> ")


def _form(shown: str, says: str, *examples: tuple[str, str]) -> Form:
    name = _FORM_NAME.search(shown)
    assert name is not None, shown
    return Form(name[1], shown, says, tuple(Example(*example) for example in examples))


FORMS: tuple[Form, ...] = (
    _form(
        "has(path.field) -> bool",
        "Whether the field is there; the field counts as present wherever this has held.",
    ),
    _form(
        "T?.orValue(default: T) -> T",
        "The value, or the default when it is missing.",
        ("optional.of(1).orValue(2)", "1"),
        ("[1].filter(n, n > 1).first().orValue(2)", "2"),
    ),
    _form(
        "T?.or(other: T?) -> T?",
        "The value, or the other one when it is missing.",
        ("nonBlank(' ').or(nonBlank('b')).orValue('')", "'b'"),
    ),
    _form(
        "T?.hasValue() -> bool",
        "Whether the value is there.",
        ("nonBlank(' ').hasValue()", "false"),
    ),
    _form(
        "T?.value() -> T",
        "The value; missing is a fault of the record.",
        ("nonBlank(' a').value()", "'a'"),
    ),
    _form(
        "T?.optMap(name, expression) -> R?",
        "The expression of the value; missing when the value is.",
        ("nonBlank(' a').optMap(text, text + '!').orValue('')", "'a!'"),
        ("nonBlank(' ').optMap(text, text + '!').orValue('-')", "'-'"),
    ),
    _form(
        "T?.optFlatMap(name, expression) -> R?",
        "The expression of the value, itself optional; missing when either is.",
        ("nonBlank('a b').optFlatMap(text, text.after(' ')).orValue('')", "'b'"),
    ),
    _form(
        "optional.of(value: T) -> T?",
        "The value as one that could be missing.",
        ("optional.of('a').hasValue()", "true"),
    ),
    _form(
        "optional.none() -> T?",
        "What is missing.",
        ("nonBlank('a').or(optional.none()).orValue('')", "'a'"),
    ),
    _form(
        "coalesce(first: T?, others: T?..., last: T) -> T",
        "The first of several values that is there.",
        ("coalesce(nonBlank(' '), nonBlank('b'), 'c')", "'b'"),
        ("coalesce(nonBlank(' '), 'c')", "'c'"),
    ),
    _form(
        "cel.bind(name, value: T, expression) -> R",
        "The expression, in which the name stands for the value.",
        ("cel.bind(n, 2 + 3, n * n)", "25"),
        ("cel.bind(text, nonBlank(' '), text == null ? '-' : text + text)", "'-'"),
    ),
    _form(
        "list(T).all(name, condition) -> bool",
        "Whether the condition holds for every element.",
        ("[1, 2].all(n, n > 0)", "true"),
    ),
    _form(
        "list(T).all(index, name, condition) -> bool",
        "The same with the position, the first being 0; `exists` and `exists_one` have it, too.",
        ("[0, 1, 2].all(i, n, n == i)", "true"),
        ("['a', 'b'].exists(i, text, i > 0 && text == 'a')", "false"),
        ("['a', 'b'].exists_one(i, text, i > 0)", "true"),
    ),
    _form(
        "map(K, T).exists(key, name, condition) -> bool",
        "Of the keys and values of a map; `all` and `exists_one` have it, too.",
        ("{'a': 1, 'b': 2}.exists(key, n, key == 'b' && n == 2)", "true"),
        ("{'a': 1}.all(key, n, n > 1)", "false"),
        ("{'a': 1, 'b': 2}.exists_one(key, n, n > 1)", "true"),
    ),
    _form(
        "list(T).exists(name, condition) -> bool",
        "Whether the condition holds for one element or more.",
        ("['gift', 'b2b'].exists(tag, tag == 'gift')", "true"),
    ),
    _form(
        "list(T).exists_one(name, condition) -> bool",
        "Whether the condition holds for exactly one element.",
        ("[1, 2, 2].exists_one(n, n == 2)", "false"),
    ),
    _form(
        "list(T).filter(name, condition) -> list(T)",
        "The elements for which the condition holds.",
        ("[1, 2, 3].filter(n, n > 1)", "[2, 3]"),
    ),
    _form(
        "list(T).map(name, expression) -> list(R)",
        "The expression of each element.",
        ("[1, 2].map(n, n * 2)", "[2, 4]"),
    ),
    _form(
        "list(T).map(name, condition, expression) -> list(R)",
        "The expression of each element for which the condition holds.",
        ("[1, 2, 3].map(n, n > 1, n * 2)", "[4, 6]"),
    ),
    _form(
        "list(T).sortBy(name, key) -> list(T)",
        "The elements in ascending order of the key; equal ones keep their order.",
        ("['bb', 'a', 'cc'].sortBy(text, text.size())", "['a', 'bb', 'cc']"),
    ),
    _form(
        "list(T).groupBy(name, key) -> list({key, rows})",
        "The elements in groups of equal keys: each with its `key` and its `rows`, in the order in "
        "which the keys first stand.",
        (
            "['bb', 'a', 'cc'].groupBy(text, text.size()).map(group, group.rows.join('+'))",
            "['bb+cc', 'a']",
        ),
    ),
    _form(
        "list(T).transformList(index, name, expression) -> list(R)",
        "The expression of each element and its position, the first being 0.",
        ("['a', 'b'].transformList(i, text, string(i) + text)", "['0a', '1b']"),
    ),
    _form(
        "list(T).transformList(index, name, condition, expression) -> list(R)",
        "The same of the elements for which the condition holds.",
        ("['a', 'b'].transformList(i, text, i > 0, text + '!')", "['b!']"),
    ),
    _form(
        "map(K, T).transformMap(key, name, expression) -> map(K, R)",
        "The map with the expression of each entry as its value.",
        ("{'a': 1}.transformMap(key, n, n + 1)", "{'a': 2}"),
    ),
)

FORM_NAMES = frozenset(form.name for form in FORMS)


def _by_name(rows: Iterable[Function]) -> Mapping[str, tuple[Function, ...]]:
    name_of = attrgetter("signature.name")
    alike = groupby(sorted(rows, key=name_of), key=name_of)
    return {name: tuple(found) for name, found in alike}


METHODS = _by_name(row for row in FUNCTIONS if row.signature.receiver is not None)
CALLS = _by_name(row for row in FUNCTIONS if row.signature.receiver is None)

# What other languages call it: from the word that people try to what they mean here.
SYNONYMS: Mapping[str, str] = {
    "len": "size",
    "length": "size",
    "count": "size",
    "strip": "trim",
    "lower": "lowerAscii",
    "toLower": "lowerAscii",
    "toLowerCase": "lowerAscii",
    "lowercase": "lowerAscii",
    "upper": "upperAscii",
    "toUpper": "upperAscii",
    "toUpperCase": "upperAscii",
    "uppercase": "upperAscii",
    "title": "titleCase",
    "capitalize": "titleCase",
    "includes": "contains",
    "substr": "substring",
    "slice": "substring",
    "concat": "join",
    "str": "string",
    "toString": "string",
    "float": "decimal",
    "number": "decimal",
    "any": "exists",
    "some": "exists",
    "every": "all",
    "unique": "distinct",
    "ifNull": "coalesce",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    "default": "orValue",
    "exists": "has",
    "isPresent": "has",
    "head": "first",
    "abs": "math.abs",
    "floor": "math.floor",
    "ceil": "math.ceil",
    "max": "math.greatest",
    "min": "math.least",
    "zfill": "padLeft",
    "lpad": "padLeft",
    "rpad": "padRight",
    "strftime": "formatDate",
    "strptime": "parseDate",
    "replaceAll": "replace",
    "ltrim": "trim",
    "rtrim": "trim",
    "bind": "cel.bind",
}

# Parts of CEL that this dialect leaves out on purpose, and what to write instead.
REFUSED: Mapping[str, str] = {
    "getMonth": "CEL counts months from 0: write `date(instant, zone).month()`, January being 1",
    "getDayOfMonth": "CEL counts these days from 0: write `date(instant, zone).day()`",
    "getDate": "write `date(instant, zone).day()`, which names the zone",
    "getDayOfYear": "count days between dates: `date(…).daysUntil(date(…))`",
    "type": "every type is known before a record comes: compare values instead",
    "dyn": "every type is known before a record comes: leave `dyn()` away",
    "uint": "there is one kind of whole number: write `int(…)`",
    "bytes": "there are no bytes in records: work on the string itself",
    "double": "binary fractions cannot hold amounts: write `decimal(…)`",
    "format": "put the parts together with `+`, and numbers through `string(…)`",
    "quote": "put the parts together with `+`",
}
