"""Regular expressions of specs and schemas: one engine, RE2, for the compiler and generated code.

It takes time in proportion to the text, whatever the pattern and whatever the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re2  # type: ignore[import-untyped]

# Of a pattern and of what the engine notes while it looks; beyond it, the engine is slower.
_MOST_MEMORY = 8 * 1024 * 1024
LONGEST = 10_000


class PatternError(Exception):
    """A text that is no pattern; the message says why."""


class Pattern:
    """A regular expression, ready to be looked for."""

    __slots__ = ("_search", "words")

    def __init__(self, words: str) -> None:
        """Take a pattern in its own words. Raises PatternError for what is none in RE2."""
        if len(words) > LONGEST:
            raise PatternError(f"it has more than {LONGEST:,} characters")
        import re2  # most commands look for no pattern

        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MOST_MEMORY
        try:
            self._search = re2.compile(words, options).search
        except UnicodeEncodeError:
            raise PatternError("it holds half of a surrogate pair") from None
        except re2.error as error:
            raise PatternError(_reason(error)) from None
        self.words = words

    def is_in(self, text: str) -> bool:
        """Whether the pattern is found anywhere in a text; never in one that is no Unicode."""
        try:
            return self._search(text) is not None
        except UnicodeEncodeError:
            return False


def _reason(error: re2.error) -> str:
    """Return what the engine says of a pattern, as text."""
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
