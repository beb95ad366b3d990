"""What the transforming code raises when a value cannot become what the rule asks for."""

from __future__ import annotations

import msgspec


class RuleError(Exception):
    """One value that a rule cannot use.

    `code` is an `Rxxx` of the catalogue, `message` says what is wrong in the reader's words without
    the value, `value` is the offending value (shown, or masked where it is personal), `retry` says
    that the same record may pass later.
    """

    def __init__(
        self, code: str, message: str, value: object = None, *, retry: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.value = value
        self.retry = retry


class Unjoined(RuleError):
    """A member of a record that is put together from several things, and could not be.

    `member` names another member of the record where that is what is wrong.
    """

    def __init__(
        self,
        code: str,
        message: str,
        value: object = None,
        *,
        retry: bool = False,
        member: str | None = None,
    ) -> None:
        super().__init__(code, message, value, retry=retry)
        self.member = member


def beyond_counting(error: ArithmeticError) -> RuleError:
    """Return the error of numbers too large to calculate with, or of a date beyond the calendar."""
    if isinstance(error, OverflowError):
        # Only dates overflow so: numbers are decimals.
        return RuleError("R218", "the date lies beyond the calendar")
    return RuleError("R308", "the numbers are too large to calculate with")


class SourceError(msgspec.Struct, frozen=True):
    """A place of a record that has not the type its schema says."""

    path: str
    error: RuleError
