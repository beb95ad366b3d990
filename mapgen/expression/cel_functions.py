"""The functions that only the profile `cel` has, one row each: binary fractions, getters from 0.

Where a row has the signature of one of the dialect's, it stands in its place.
"""

from __future__ import annotations

from mapgen.expression.rows import Function, row

_FALLIBLE = ("fallible",)

_DOUBLES = (
    row("double(number: double) -> double", "The number.", "{0}", ("double(1.5)", "1.5")),
    row(
        "double(number: int) -> double",
        "The nearest binary fraction.",
        "float({0})",
        ("double(3)", "3.0"),
    ),
    row(
        "double(text: string) -> double",
        "The binary fraction nearest to the number that the text spells.",
        "parse_double({0})",
        ("double('1.5e3')", "1500.0"),
        traits=_FALLIBLE,
    ),
    row(
        "string(number: double) -> string",
        "The shortest text that spells the number.",
        "double_text({0})",
        ("string(2.50)", "'2.5'"),
    ),
    row(
        "int(number: double) -> int",
        "The number without its places, cut off towards zero; a fault beyond 64 bits.",
        "whole({0})",
        ("int(-2.9)", "-2"),
        traits=_FALLIBLE,
    ),
    row(
        "math.ceil(number: double) -> double",
        "The next whole number upwards.",
        "next_up({0})",
        ("math.ceil(1.2)", "2.0"),
    ),
    row(
        "math.floor(number: double) -> double",
        "The next whole number downwards.",
        "next_down({0})",
        ("math.floor(-1.2)", "-2.0"),
    ),
    row(
        "math.round(number: double) -> double",
        "The nearest whole number; a half goes away from zero.",
        "nearest({0})",
        ("math.round(-1.5)", "-2.0"),
    ),
    row(
        "math.trunc(number: double) -> double",
        "The number without its places.",
        "cut_off({0})",
        ("math.trunc(-1.9)", "-1.0"),
    ),
    row(
        "math.abs(number: int) -> int",
        "The number without its sign; a fault beyond 64 bits.",
        "in_64_bits(abs({0}))",
        ("math.abs(-2)", "2"),
        traits=_FALLIBLE,
    ),
    row(
        "math.sign(number: double) -> double",
        "-1, 0 or 1, as the number is negative, zero or positive.",
        "sign_of({0})",
        ("math.sign(-0.5)", "-1.0"),
    ),
    row(
        "math.greatest(number: N) -> N",
        "The number itself.",
        "{0}",
        ("math.greatest(2)", "2"),
    ),
    row(
        "math.greatest(numbers: list(N)) -> N",
        "The greatest of the numbers; a fault where there is none.",
        "demanded(max({0:iterable}, default=None))",
        ("math.greatest([1, 3, 2])", "3"),
        traits=_FALLIBLE,
    ),
    row(
        "math.least(number: N) -> N",
        "The number itself.",
        "{0}",
        ("math.least(2)", "2"),
    ),
    row(
        "math.least(numbers: list(N)) -> N",
        "The least of the numbers; a fault where there is none.",
        "demanded(min({0:iterable}, default=None))",
        ("math.least([2, 1, 3])", "1"),
        traits=_FALLIBLE,
    ),
    row(
        "math.sqrt(number: double) -> double",
        "The square root; no number for a negative one.",
        "square_root({0})",
        ("math.sqrt(2.25)", "1.5"),
    ),
    row(
        "math.sqrt(number: int) -> double",
        "The square root; no number for a negative one.",
        "square_root({0})",
        ("math.sqrt(81)", "9.0"),
    ),
    row(
        "math.isNaN(number: double) -> bool",
        "Whether it is no number.",
        "isnan({0})",
        ("math.isNaN(0.0 / 0.0)", "true"),
    ),
    row(
        "math.isInf(number: double) -> bool",
        "Whether the number is infinite, either way.",
        "isinf({0})",
        ("math.isInf(1.0 / 0.0)", "true"),
    ),
    row(
        "math.isFinite(number: double) -> bool",
        "Whether it is a number and not infinite.",
        "isfinite({0})",
        ("math.isFinite(1.5)", "true"),
    ),
)

_BITS = (
    row(
        "math.bitAnd(one: int, other: int) -> int",
        "The bits that both have.",
        "int.__and__({0}, {1})",
        ("math.bitAnd(6, 3)", "2"),
    ),
    row(
        "math.bitOr(one: int, other: int) -> int",
        "The bits that one or the other has.",
        "int.__or__({0}, {1})",
        ("math.bitOr(6, 3)", "7"),
    ),
    row(
        "math.bitXor(one: int, other: int) -> int",
        "The bits that one has, and the other has not.",
        "int.__xor__({0}, {1})",
        ("math.bitXor(6, 3)", "5"),
    ),
    row(
        "math.bitNot(number: int) -> int",
        "The bits that it does not have.",
        "int.__invert__({0})",
        ("math.bitNot(0)", "-1"),
    ),
    row(
        "math.bitShiftLeft(number: int, bits: int) -> int",
        "The 64 bits moved up, zeros moving in.",
        "shift_left({0}, {1})",
        ("math.bitShiftLeft(3, 2)", "12"),
        traits=_FALLIBLE,
    ),
    row(
        "math.bitShiftRight(number: int, bits: int) -> int",
        "The 64 bits moved down, zeros moving in.",
        "shift_right({0}, {1})",
        ("math.bitShiftRight(12, 2)", "3"),
        traits=_FALLIBLE,
    ),
)

_TEXT = (
    row(
        "strings.quote(text: string) -> string",
        "The text in double quotes, escaped.",
        "quoted({0})",
        ("strings.quote('a\\tb')", "'\"a\\\\tb\"'"),
    ),
)


def _parts_of_time() -> tuple[Function, ...]:
    """Return CEL's getters that the dialect refuses, in UTC and in a zone."""
    instant = "timestamp('2024-05-01T23:30:15.250Z')"
    rows = []
    for name, says, python, utc, berlin in (
        ("getMonth", "The month, January being 0", "{}.month - 1", "4", "4"),
        ("getDayOfMonth", "The day of the month, the first being 0", "{}.day - 1", "0", "1"),
        ("getDate", "The day of the month, the first being 1", "{}.day", "1", "2"),
        ("getDayOfYear", "The day of the year, the first being 0", "day_of_year({})", "121", "122"),
    ):
        for parameters, place, words, arguments, gives in (
            ("", "UTC", "in UTC", "", utc),
            ("zone: zone", "{1}", "in the zone", "'Europe/Berlin'", berlin),
        ):
            local = f"{{0}}.astimezone({place})"
            rows.append(
                row(
                    f"timestamp.{name}({parameters}) -> int",
                    f"{says}, {words}.",
                    python.replace("{}", local),
                    (f"{instant}.{name}({arguments})", gives),
                )
            )
    return tuple(rows)


_SPANS = (
    row(
        "duration.getMilliseconds() -> int",
        "The milliseconds beyond the whole seconds.",
        "remainder(whole_units({0}, timedelta(milliseconds=1)), 1000)",
        ("duration('1s250ms').getMilliseconds()", "250"),
    ),
)

CEL_FUNCTIONS: tuple[Function, ...] = (*_DOUBLES, *_BITS, *_TEXT, *_parts_of_time(), *_SPANS)
