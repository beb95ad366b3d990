"""The functions that emitted code calls: their edges, and the Errors they raise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapgen.runtime import functions as runtime
from mapgen.runtime import phone
from mapgen.runtime.currency import COUNTINGS, PLACES
from mapgen.runtime.dates import DateFormat
from mapgen.runtime.errors import RuleError

DAYS = DateFormat("dd.MM.yyyy")
MINUTES = DateFormat("yyyy-MM-dd HH:mm")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("code", "call"),
    [
        pytest.param("R201", lambda: runtime.demanded(None), id="missing"),
        pytest.param("R201", lambda: runtime.of_its_kind(None, "box"), id="not of its kind"),
        pytest.param("R202", lambda: runtime.element([1], 1), id="element beyond the list"),
        pytest.param("R202", lambda: runtime.element([1], -1), id="element before the list"),
        pytest.param("R202", lambda: runtime.part([1], 0, 2), id="slice beyond the list"),
        pytest.param("R202", lambda: runtime.part([1, 2], 1, 0), id="slice backwards"),
        pytest.param("R203", lambda: runtime.entry({"a": 1}, "b"), id="key"),
        pytest.param("R204", lambda: runtime.counted(10_001), id="count too large"),
        pytest.param("R204", lambda: runtime.counted(-1), id="count below zero"),
        pytest.param("R205", lambda: runtime.substring("ab", 3), id="start beyond"),
        pytest.param("R205", lambda: runtime.substring("ab", 0, 3), id="end beyond"),
        pytest.param("R205", lambda: runtime.substring("ab", 2, 1), id="backwards"),
        pytest.param("R205", lambda: runtime.substring("ab", -1), id="before"),
        pytest.param("R205", lambda: runtime.char_at("ab", 3), id="character beyond"),
        pytest.param("R205", lambda: runtime.char_at("ab", -1), id="character before"),
        pytest.param("R205", lambda: runtime.index_of("ab", "a", 3), id="search beyond"),
        pytest.param("R206", lambda: phone.e164("call me", "US"), id="letters"),
        pytest.param("R206", lambda: phone.e164("555-0123", "US"), id="no area code"),
        pytest.param("R206", lambda: phone.e164("112 555-0123", "US"), id="area code of 1"),
        pytest.param("R206", lambda: phone.e164("030 1", "DE"), id="too few digits"),
        pytest.param("R206", lambda: phone.e164("+0 30 5550123", "DE"), id="code of zero"),
        pytest.param("R206", lambda: phone.e164("030 5550123", "XX"), id="unknown country"),
        pytest.param("R206", lambda: phone.e164("", "DE"), id="no number"),
        pytest.param("R206", lambda: phone.e164("1-800-FLOWERS", "US"), id="number in words"),
        pytest.param("R206", lambda: phone.e164("044 55 1234 5678", "MX"), id="no such plan"),
        pytest.param("R206", lambda: phone.e164("20 7946 0018", "gb"), id="country in small"),
        pytest.param("R206", lambda: phone.e164("1 " * 400, "US"), id="a page of digits"),
        pytest.param("R206", lambda: phone.e164("x1", "US"), id="extension alone"),
        pytest.param("R212", lambda: runtime.from_minor_units(1, "IQD", "stripe"), id="not taken"),
        pytest.param("R207", lambda: runtime.parse_int(" 1"), id="space"),
        pytest.param("R207", lambda: runtime.parse_int("1_000"), id="underscore"),
        pytest.param("R207", lambda: runtime.parse_int("9" * 19), id="too many digits"),
        pytest.param("R207", lambda: runtime.parse_int("١٢"), id="digits of another script"),
        pytest.param("R208", lambda: runtime.parse_decimal("1,50"), id="decimal comma"),
        pytest.param("R208", lambda: runtime.parse_decimal("1.0.0"), id="two points"),
        pytest.param("R208", lambda: runtime.parse_decimal("NaN"), id="no number"),
        pytest.param("R208", lambda: runtime.parse_decimal("Infinity"), id="infinity"),
        pytest.param("R208", lambda: runtime.parse_decimal("1" * 29), id="29 digits"),
        pytest.param("R208", lambda: runtime.parse_decimal("1e99"), id="exponent"),
        pytest.param("R208", lambda: runtime.parse_decimal("1\n"), id="line break"),
        pytest.param("R209", lambda: runtime.parse_bool("yes"), id="yes"),
        pytest.param("R210", lambda: runtime.divided(Decimal(1), 0), id="division by zero"),
        pytest.param(
            "R210", lambda: runtime.divided(Decimal(0), Decimal("0.00")), id="zero by zero"
        ),
        pytest.param("R210", lambda: runtime.int_div(1, 0), id="whole division by zero"),
        pytest.param("R210", lambda: runtime.int_mod(1, 0), id="remainder by zero"),
        pytest.param("R211", lambda: runtime.round_half_up(Decimal("9e27"), 2), id="too large"),
        pytest.param("R211", lambda: runtime.round_up(Decimal(1), 13), id="too many places"),
        pytest.param("R211", lambda: runtime.round_down(Decimal(1), -1), id="places before zero"),
        pytest.param("R212", lambda: runtime.currency_places("usd"), id="currency in small"),
        pytest.param("R212", lambda: runtime.from_minor_units(1, "XYZ"), id="currency"),
        pytest.param(
            "R213", lambda: runtime.to_minor_units(Decimal("1.005"), "USD"), id="half a cent"
        ),
        pytest.param("R214", lambda: runtime.parse_timestamp("yesterday"), id="no instant"),
        pytest.param("R214", lambda: runtime.parse_timestamp("2024-02-30T00:00:00Z"), id="no day"),
        pytest.param("R214", lambda: runtime.parse_timestamp("2024-02-01T25:00:00Z"), id="no hour"),
        pytest.param(
            "R214", lambda: runtime.parse_timestamp("2024-02-01T00:00:00+99:00"), id="offset"
        ),
        pytest.param("R214", lambda: runtime.from_unix_seconds(10**18), id="beyond the calendar"),
        pytest.param("R215", lambda: runtime.parse_timestamp("2024-02-01T00:00:00"), id="no zone"),
        pytest.param(
            "R216", lambda: runtime.parse_date("1.5.2024", DateFormat("dd.MM.yyyy")), id="no zeros"
        ),
        pytest.param("R216", lambda: runtime.parse_date("2024-02-30"), id="no such day"),
        pytest.param("R216", lambda: runtime.parse_date("2024-02-01 "), id="space behind"),
        pytest.param(
            "R217",
            lambda: runtime.parse_instant("2024-03-31 02:30", MINUTES, BERLIN),
            id="skipped hour",
        ),
        pytest.param(
            "R217",
            lambda: runtime.parse_instant("2024-10-27 02:30", MINUTES, BERLIN),
            id="hour shown twice",
        ),
        pytest.param("R214", lambda: runtime.from_unix_millis(10**18), id="milliseconds beyond"),
        pytest.param("R218", lambda: runtime.add_days(date.max, 1), id="days beyond"),
        pytest.param("R218", lambda: runtime.add_days(date.max, 10**12), id="days far beyond"),
        pytest.param("R218", lambda: runtime.add_months(date.min, -1), id="months before"),
        pytest.param("R219", lambda: runtime.parse_duration("soon"), id="no duration"),
        pytest.param("R219", lambda: runtime.parse_duration("1h "), id="duration and a space"),
    ],
)
def test_error(code: str, call: Callable[[], object]) -> None:
    """What cannot be done is a RuleError with its code, whose message does not hold the value."""
    with pytest.raises(RuleError) as caught:
        call()
    assert caught.value.code == code
    value = caught.value.value
    if isinstance(value, str) and len(value) > 1:
        assert value not in caught.value.message
    assert "USD" not in caught.value.message


@pytest.mark.parametrize(
    "call",
    [
        lambda position: runtime.element([1], position),
        lambda position: runtime.part([1], position, position + 1),
        lambda position: runtime.part([1], 0, position),
        lambda position: runtime.counted(position),
        lambda position: runtime.substring("ab", position),
        lambda position: runtime.substring("ab", 0, position),
        lambda position: runtime.char_at("ab", position),
        lambda position: runtime.index_of("ab", "a", position),
        lambda position: runtime.last_index_of("ab", "a", position),
        lambda position: runtime.add_days(date.max, position),
        lambda position: runtime.from_unix_seconds(position * 10**6),
    ],
)
def test_diagnostic_of_a_position(call: Callable[[int], object]) -> None:
    """A position may be a personal number: it is the value, which is masked, not the message."""
    with pytest.raises(RuleError) as caught:
        call(987654321987)
    assert "98765432198" not in caught.value.message


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (runtime.char_at("ab", 2), ""),
        (runtime.substring("ab", 2), ""),
        (runtime.substring("😀b", 0, 1), "😀"),
        (runtime.title_case("MARY-JANE VAN DYKE"), "Mary-Jane Van Dyke"),
        (runtime.title_case("o'neill's don't"), "O'Neill's Don't"),
        (runtime.title_case("ÉMILE ŒUVRE"), "Émile Œuvre"),
        (runtime.lower_ascii("ÄB"), "Äb"),
        (runtime.wrap_text("", 10), []),
        (runtime.wrap_text("aaaaaaaaaaaa b", 5), ["aaaaa", "aaaaa", "aa b"]),
        (runtime.non_blank("\t\n\u00a0"), None),
        (phone.e164("+1 (212) 555-0123 ext. 4", "DE"), "+12125550123"),
        (phone.e164("1-212-555-0123", "CA"), "+12125550123"),
        (phone.e164("011 49 30 5550123", "US"), "+49305550123"),
        (phone.e164("+49 (0)30 5550123", "US"), "+49305550123"),
        (phone.e164("06 5550 1234", "IT"), "+390655501234"),
        (phone.e164("8 (495) 123-45-67", "RU"), "+74951234567"),
        (phone.e164("06 1 234 5678", "HU"), "+3612345678"),
        (phone.e164("0011 61 412 345 678", "AU"), "+61412345678"),
        (phone.e164("010 1 212 555 0123", "JP"), "+12125550123"),
        (phone.e164("+44 20 7946 0018", "XX"), "+442079460018"),
        (runtime.parse_int("+7"), 7),
        (runtime.int_div(-7, 2), -3),
        (runtime.int_div(7, -2), -3),
        (runtime.int_div(0, -2), 0),
        (runtime.int_mod(7, -2), 1),
        (runtime.duration_text(timedelta(seconds=-1.5)), "-1.5s"),
        (runtime.duration_text(timedelta(0)), "0s"),
        (runtime.parse_duration("-1h0.5s"), -timedelta(hours=1, milliseconds=500)),
        (runtime.parse_duration("250ms"), timedelta(milliseconds=250)),
        (runtime.whole_units(timedelta(minutes=-90), timedelta(hours=1)), -1),
        (
            runtime.timestamp_text(datetime(2024, 5, 1, 1, 2, 3, 400000, UTC)),
            "2024-05-01T01:02:03.4Z",
        ),
        (runtime.parse_date("0987-01-02"), date(987, 1, 2)),
        (runtime.add_months(date(2024, 3, 31), -1), date(2024, 2, 29)),
        (runtime.add_months(date(2024, 12, 31), 2), date(2025, 2, 28)),
        (runtime.last(iter([1, 2])), 2),
        (runtime.last([]), None),
        (runtime.first(iter([])), None),
        (runtime.total([]), Decimal(0)),
        (runtime.to_minor_units(Decimal("12.345"), "KWD"), 12345),
        (runtime.from_minor_units(500000, "UGX", "stripe"), Decimal("5000.00")),
        (runtime.from_minor_units(500000, "UGX"), Decimal(500000)),
        (runtime.to_minor_units(Decimal(123), "ISK", "stripe"), 12300),
        (runtime.to_minor_units(Decimal(123), "MGA", "stripe"), 123),
        (runtime.currency_places("HUF", "stripe"), 2),
        (
            runtime.parse_instant("2024-05-01 12:00", MINUTES, BERLIN),
            datetime(2024, 5, 1, 10, 0, tzinfo=UTC),
        ),
    ],
)
def test_edge(found: object, expected: object) -> None:
    """The edges are where the language says they are."""
    assert found == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [("19.90", "19.90"), ("-0.5", "-0.5"), (".5", "0.5"), ("1e3", "1000"), ("1.50E+1", "15.0")],
)
def test_parse_decimal_keeps_digits(text: str, shown: str) -> None:
    """A number has the places that its text has, and no exponent."""
    assert format(runtime.parse_decimal(text), "f") == shown
    assert str(runtime.parse_decimal(text)) == shown


def test_seven_digits_of_a_second() -> None:
    """Fractions beyond the microsecond are cut off, for the record is not wrong."""
    found = runtime.parse_timestamp("2024-05-01T10:00:00.1234567Z")
    assert found == datetime(2024, 5, 1, 10, 0, 0, 123456, UTC)


@given(st.integers(-(10**6), 10**6), st.integers(-1000, 1000).filter(bool))
def test_division_law(number: int, by: int) -> None:
    """Quotient and remainder make the number again; the remainder has the number's sign."""
    quotient, rest = runtime.int_div(number, by), runtime.int_mod(number, by)
    assert quotient * by + rest == number
    assert abs(rest) < abs(by)
    assert rest == 0 or (rest < 0) == (number < 0)


@given(st.text(max_size=40))
def test_parsers_never_break(text: str) -> None:
    """Whatever the text, a parser gives a value or a RuleError."""
    parsers: tuple[Callable[[str], object], ...] = (
        runtime.parse_int,
        runtime.parse_decimal,
        runtime.parse_bool,
        runtime.parse_timestamp,
        runtime.parse_date,
        runtime.parse_duration,
        lambda words: phone.e164(words, "DE"),
        lambda words: phone.e164(words, "US"),
    )
    for parse in parsers:
        with suppress(RuleError):
            assert parse(text) is not None


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from(["USD", "JPY", "KWD"]))
def test_minor_units_law(amount: Decimal, currency: str) -> None:
    """An amount in cents is the amount again, or was no whole number of cents."""
    cents = Decimal(amount).scaleb({"USD": 2, "JPY": 0, "KWD": 3}[currency])
    if cents == int(cents):
        counted = runtime.to_minor_units(amount, currency)
        assert runtime.from_minor_units(counted, currency) == amount
    else:
        with pytest.raises(RuleError):
            runtime.to_minor_units(amount, currency)


# The page of the payment service: https://docs.stripe.com/currencies
_WHOLE_AT_STRIPE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THOUSANDTHS_AT_STRIPE = "BHD JOD KWD OMR TND"


@pytest.mark.parametrize("currency", sorted(PLACES))
def test_places_at_stripe(currency: str) -> None:
    """A currency has the places that the service's own lists say; all others have two."""
    if currency in ("IQD", "LYD", "KPW"):
        assert currency not in COUNTINGS["stripe"]
        return
    wanted = 0 if currency in _WHOLE_AT_STRIPE else 3 if currency in _THOUSANDTHS_AT_STRIPE else 2
    assert runtime.currency_places(currency, "stripe") == wanted


@given(st.text("+0123456789 ()-x٣", max_size=20), st.sampled_from(["US", "DE", "RU", "MX", "XX"]))
def test_phone_law(text: str, country: str) -> None:
    """A number that comes out is one wherever it is read again, or nothing comes out."""
    try:
        number = phone.e164(text, country)
    except RuleError:
        return
    assert all(phone.e164(number, other) == number for other in ("US", "JP", "XX"))


@given(st.decimals(-(10**9), 10**9, places=6), st.sampled_from(["USD", "JPY", "KWD"]))
def test_places_of_a_currency_law(amount: Decimal, currency: str) -> None:
    """Rounded to its currency, an amount has its places, and is off by half a unit at most."""
    places = runtime.currency_places(currency)

    rounded = runtime.round_half_up(amount, places)

    assert rounded.as_tuple().exponent == -places
    assert abs(rounded - amount) * 2 <= Decimal(1).scaleb(-places)
