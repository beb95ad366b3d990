"""Names of source fields in, what they hold of a person out, in any spelling of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from mapgen.agreed.paths import names_along
from mapgen.ir.types import BOOL, Type, present

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
# How a name ends, as its words; the longest that fits counts.
_ENDINGS: Mapping[str, str] = {
    "an e-mail address": "email|e mail|mail|email address",
    "a phone number": "phone|phone number|telephone|mobile|mobile number|fax|cell phone",
    "a name of a person": (
        "first name|last name|full name|given name|family name|middle name|maiden name|surname"
        "|firstname|lastname|fullname|attention|buyer name|recipient name|cardholder name"
        "|contact name|holder name"
    ),
    "a birthday": "birthday|birth day|birth date|birthdate|date of birth|dob",
    "an address": "address|address line|line|street|street address|street name",
    "an IP address": "ip|ip address",
    "a card number": "card number|credit card|iban",
    "a tax or identity number": (
        "tax id|tax number|vat id|vat number|ssn|social security number|passport|passport number"
        "|national id"
    ),
}
# Objects around a field that say whose a plain word is: `billing_details.name`.
_PLACES = frozenset({"address", "billing", "shipping"})
_OWNERS = _PLACES | {"buyer", "customer", "recipient", "contact", "person", "cardholder", "owner"}
_OF_AN_OWNER: Mapping[str, str] = {"name": "a name of a person"}
# Only with a number behind them: `address_1`; else they are objects, or lines of something else.
_NUMBERED = frozenset({"address", "address line", "line"})
# What a name starts or ends with that is a flag, or a count, whatever its type.
_FLAGS = frozenset(
    ["is", "has", "accepts", "accept", "verified", "valid", "optin", "consent", "count", "enabled"]
)

# How a name ends whose values are the words of a closed vocabulary: those alone are ever shown.
_VOCABULARIES = (
    "status|state|type|kind|mode|method|reason|currency|unit|uom|level|channel|gateway|policy"
    "|category|locale|language|object|format|action|event|priority|class|source name"
    "|country code|currency code|language code|tax code|reason code|status code|type code|unit code"
)
# A member named by a value: an e-mail address, a number of a phone or a card, an IP address.
_VALUES = (
    re.compile(r".+@.+", re.DOTALL),
    re.compile(r"\+?[\d\s().:/-]*\d[\d\s().:/-]*"),
    re.compile(r"[0-9a-fA-F]{0,4}(:[0-9a-fA-F]{0,4}){2,7}"),
    re.compile(r"[A-Z]{2}\d{2}[ A-Z0-9]{10,30}"),
)
_SHAPES: Mapping[str, re.Pattern[str]] = {
    "an e-mail address": re.compile(r".*[^\s@]@[^\s@]+\.[^\s@]+.*", re.DOTALL),
    "a phone number": re.compile(r"\+\d[\d ()./-]{6,20}"),
    "an account": re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?"),
}
_CARD = re.compile(r"\d{13,19}", re.ASCII)
_CALLED = re.compile(r"[^\W\d_]+(?:[ ,'’.-]+[^\W\d_]+)+\.?")
_PERSONS = _OWNERS - _PLACES | {"user", "employee", "member", "payer"}


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters: of camelCase, snake_case, with digits apart."""
    return tuple(part.lower() for part in _PARTS.findall(name))


@cache
def _endings() -> tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]:
    """Return what names end in by what they say, words apart."""
    return tuple(
        (found, tuple(tuple(ending.split()) for ending in endings.split("|")))
        for found, endings in _ENDINGS.items()
    )


def personal_kind(path: str, kind: Type | None = None) -> str | None:
    """Return what a source path looks like it holds of a person, or None; a flag holds nothing."""
    if kind is not None and present(kind) == BOOL:
        return None
    *around, name = names_along(path)
    words = words_of(name)
    if not words or words[0] in _FLAGS or words[-1] in _FLAGS:
        return None
    if around and words_of(around[-1])[:1] in (("tax",), ("taxes",)):
        return None  # `tax_lines[].tax_id` is the code of a tax
    plain = tuple(word for word in words if not word.isdigit())
    for found, endings in _endings():
        for ending in endings:
            if plain == words and " ".join(ending) in _NUMBERED:
                continue
            if _ends(plain, ending):
                return found
    owners = frozenset(words_of(around[-1])) if len(around) > 1 else frozenset()
    return _OF_AN_OWNER.get(" ".join(words)) if owners & _OWNERS else None


def is_vocabulary(path: str) -> bool:
    """Whether the values at a path may be shown: words of a vocabulary, and nothing of a person."""
    *around, name = names_along(path)
    words = words_of(name)
    if personal_kind(path) is not None or any(_is_of_persons(one) for one in around):
        return False
    return any(_ends(words, tuple(ending.split())) for ending in _VOCABULARIES.split("|"))


def is_value(name: str) -> bool:
    """Whether a member is named by a value that may be somebody's, not by what it holds."""
    return any(shape.fullmatch(name) for shape in _VALUES)


def kind_of_value(text: str) -> str | None:
    """Return what a text looks like it tells of a person, whatever it is called, or None."""
    for found, shape in _SHAPES.items():
        if shape.fullmatch(text.strip()):
            return found
    digits = re.sub(r"[ -]", "", text)
    return "a card number" if _CARD.fullmatch(digits) and _is_checked(digits) else None


def _is_checked(digits: str) -> bool:
    """Whether the last digit is what Luhn's sum of the others says."""
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


def is_a_call_name(text: str) -> bool:
    """Whether a text may be what a person is called: words of letters, two at least."""
    return _CALLED.fullmatch(text.strip()) is not None


def is_keyed_by_persons(holder: str, names: Iterable[str]) -> bool:
    """Whether the members of an object, all of one kind, are named by whom they are of."""
    last = words_of(holder)[-1:]
    if last == ("people",) or (last and last[0].removesuffix("s") in _PERSONS - {last[0]}):
        return True
    return all(_CALLED.fullmatch(name) and not _says_what_it_is(name) for name in names)


def _says_what_it_is(name: str) -> bool:
    words = frozenset(words_of(name))
    endings = {word for endings in _ENDINGS.values() for word in re.split(r"[ |]", endings)}
    return bool(words & (_OWNERS | endings)) or is_vocabulary(name)


def _is_of_persons(name: str) -> bool:
    words = words_of(name)
    return not _OWNERS.isdisjoint({*words, *(word.removesuffix("s") for word in words)})


def _ends(words: tuple[str, ...], ending: tuple[str, ...]) -> bool:
    return words[-len(ending) :] == ending
