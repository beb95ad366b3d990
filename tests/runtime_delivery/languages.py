"""Tenants that speak another language: what words of an answer become of English."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters, ascii_lowercase, ascii_uppercase

LANGUAGES: Mapping[str, str] = {"English": "", "Polish": "W systemie nie ma: ", "French": "Refus: "}

_ROTATED = str.maketrans(
    ascii_letters, ascii_lowercase[13:] + ascii_lowercase[:13] + ascii_uppercase
)
_WORDS = frozenset({"message", "messageDetail", "exceptionMessage", "error", "modelState"})
_OAUTH = {"error"}


def speak(words: str, language: str) -> str:
    """Return words of a tenant so that nothing of their English is left."""
    prefix = LANGUAGES[language]
    return f"{prefix}{words.translate(_ROTATED)}" if prefix else words


def translated(body: object, language: str, *, is_said: bool = False) -> object:
    """Return an answer with all its words in a language; what is no word of it stays as it is.

    The errors of OAuth are no words: RFC 6749 lists them.
    """
    match body:
        case str() if is_said:
            return speak(body, language)
        case dict() if body.keys() == _OAUTH and "_" in str(body["error"]):
            return body
        case dict():
            return {
                name: translated(part, language, is_said=is_said or name in _WORDS)
                for name, part in body.items()
            }
        case list():
            return [translated(part, language, is_said=is_said) for part in body]
        case _:
            return body
