"""What a failed request means: for the document, for the run, and when it may be made again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final, Literal

import httpx2
import msgspec

Kind = Literal[
    "transient", "unauthenticated", "needs_dependency", "permanent", "needs_person", "unexplained"
]
Effect = Literal["none", "unknown"]


class Verdict(msgspec.Struct, frozen=True):
    """What a failed request means.

    `kind` says who can help: time, a sign-in, another record, nobody, a person, or that the answer
    does not tell. `effect` says
    whether a write may have been committed all the same: after `unknown` only a look-up tells.
    `is_unreachable` says that no request can be made at all. `reason` is safe to log, `message`
    holds the other side's own words and is for the record's report alone. `pause` is the wait that
    the server asked for, in seconds. `is_absent` says that there is nothing at the address.
    """

    kind: Kind
    effect: Effect
    reason: str
    message: str | None = None
    pause: float | None = None
    is_unreachable: bool = False
    is_absent: bool = False


class Failure(Exception):
    """A request that did not do what it was made for, and what that means."""

    def __init__(self, verdict: Verdict, body: bytes = b"") -> None:
        super().__init__(verdict.reason)
        self.verdict: Final = verdict
        self.body: Final = body


def may_pass(verdict: Verdict) -> bool:
    """Whether time alone may help."""
    return verdict.kind in ("transient", "unexplained")


def is_repeatable_write(verdict: Verdict) -> bool:
    """Whether a write that failed may be sent again: it may help, and surely did nothing."""
    return verdict.kind == "transient" and verdict.effect == "none"


def classify_failure(failure: httpx2.RequestError, who: str = "the tenant") -> Verdict:
    """Tell what a request means that got no answer at all, or none that can be read."""
    match failure:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            # The system's own words: no such host, refused, a certificate that does not hold.
            words = f"no connection to {who} ({failure})"
            return Verdict("transient", "none", words, is_unreachable=True)
        case httpx2.TimeoutException():
            return Verdict("transient", "unknown", "no answer in time")
        case httpx2.DecodingError():
            return Verdict("transient", "unknown", str(failure) or "an answer that is not readable")
        case _:
            return Verdict("transient", "unknown", "the connection was lost")


def asked_pause(answer: httpx2.Response) -> float | None:
    """Return the wait of Retry-After in seconds, which some write with places (`2.0`).

    A date counts from the server's own, whose clock may be any.
    """
    words = answer.headers.get("retry-after", "")
    whole, _, places = words.partition(".")
    if words.isascii() and whole.isdigit() and (places.isdigit() or whole == words):
        return float(words)
    try:
        until = parsedate_to_datetime(words).timestamp()
        return max(0.0, until - parsedate_to_datetime(answer.headers.get("date", "")).timestamp())
    except (ValueError, OverflowError):
        return None
