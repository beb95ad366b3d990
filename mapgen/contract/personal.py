"""Names of source fields in, what they hold of a person out, in any spelling of theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mapgen.expression.types import BOOL, Type, present

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
    "a birthday": "birthday|birth day|birth date|date of birth|dob",
    "an address": "address|address line|line|street|street address|street name",
    "an IP address": "ip|ip address",
    "a card number": "card number|credit card|iban",
    "a tax or identity number": (
        "tax id|tax number|vat id|vat number|ssn|social security number|passport|passport number"
        "|national id"
    ),
}
# Objects around a field that say whose a plain word is: `billing_details.name`.
_OWNERS = frozenset(
    [
        "address",
        "billing",
        "shipping",
        "buyer",
        "customer",
        "recipient",
        "contact",
        "person",
        "cardholder",
        "owner",
    ]
)
_OF_AN_OWNER: Mapping[str, str] = {"name": "a name of a person"}
# Only with a number behind them: `address_1`; else they are objects, or lines of something else.
_NUMBERED = frozenset({"address", "address line", "line"})
# What a name starts or ends with that is a flag, or a count, whatever its type.
_FLAGS = frozenset(
    ["is", "has", "accepts", "accept", "verified", "valid", "optin", "consent", "count", "enabled"]
)


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters: of camelCase, snake_case, with digits apart."""
    return tuple(part.lower() for part in _PARTS.findall(name))


def personal_kind(path: str, kind: Type | None = None) -> str | None:
    """Return what a source path looks like it holds of a person, or None; a flag holds nothing."""
    if kind is not None and present(kind) == BOOL:
        return None
    *around, name = path.replace("[]", "").split(".")
    words = words_of(name)
    if not words or words[0] in _FLAGS or words[-1] in _FLAGS:
        return None
    if around and words_of(around[-1])[:1] in (("tax",), ("taxes",)):
        return None  # `tax_lines[].tax_id` is the code of a tax
    plain = tuple(word for word in words if not word.isdigit())
    for found, endings in _ENDINGS.items():
        for ending in endings.split("|"):
            if ending in _NUMBERED and plain == words:
                continue
            if _ends(plain, tuple(ending.split())):
                return found
    owners = frozenset(words_of(around[-1])) if len(around) > 1 else frozenset()
    return _OF_AN_OWNER.get(" ".join(words)) if owners & _OWNERS else None


def _ends(words: tuple[str, ...], ending: tuple[str, ...]) -> bool:
    return words[-len(ending) :] == ending
