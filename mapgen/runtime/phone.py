"""Phone numbers as people dial them in, in international form out: `phonenumbers` knows the plans.

A module of its own, so that only flows that read phone numbers load the numbering plans.
"""

from __future__ import annotations

import re

import phonenumbers

from mapgen.runtime.errors import RuleError

_LONGEST = 250
_EXTENSION = re.compile(r"(?i)(?:;ext=|ext\.?|x|#)\s{0,9}\d{1,20}\s*$")


def e164(text: str, country: str) -> str:
    """Return a phone number in international form, read as one dialled in the country.

    An extension is left away. Raises RuleError where the country has no numbering plan, and for
    what is no number of any plan: words, too few digits, an area that does not exist.
    """
    number = _EXTENSION.sub("", text.strip()) if len(text) <= _LONGEST else ""
    if not number or any(letter.isalpha() for letter in number):
        raise RuleError("R206", "the text is not a phone number", text)
    try:
        found = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        if country not in phonenumbers.SUPPORTED_REGIONS:
            message = "the calling code of the country is not known"
            raise RuleError("R206", message, country) from None
        raise RuleError("R206", "the text is not a phone number", text) from None
    if not phonenumbers.is_valid_number(found):
        raise RuleError("R206", "no numbering plan has this phone number", text)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
