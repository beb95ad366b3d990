"""A failed answer in, what it means for the document and for the run out.

The status alone does not tell: 500 carries business refusals, missing records, set-up errors and
passing faults alike, so the body decides (protocol reference, sections 6 and 7; failure modes
7, 8, 13, 14, 15). The texts are those that the ERP, its database and its web server write.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import httpx2
import msgspec

Kind = Literal["transient", "unauthenticated", "needs_dependency", "permanent", "needs_person"]
Effect = Literal["none", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed request means.

    `kind` says who can help: time, a sign-in, another record, nobody, a person. `effect` says
    whether a write may have been committed all the same: after `none` it may be sent again at
    once, after `unknown` only a look-up tells. `is_unreachable` says that no request can be made
    at all. `reason` is safe to log, `message` holds the ERP's own words and is for the record's
    report alone. `pause` is the wait that the server asked for, in seconds.
    """

    kind: Kind
    effect: Effect
    reason: str
    message: str | None = None
    pause: float | None = None
    is_unreachable: bool = False


class HttpError(msgspec.Struct):
    """The ERP's error body; other members may stand beside these."""

    message: str | None = None
    exception_message: str | None = msgspec.field(default=None, name="exceptionMessage")
    exception_type: str | None = msgspec.field(default=None, name="exceptionType")
    error: str | None = None

    @property
    def words(self) -> str:
        """What the ERP says, the most telling member first."""
        return self.exception_message or self.error or self.message or ""


@dataclass(frozen=True, slots=True)
class _Telling:
    """A text in the type or the message of an error body, and what it says."""

    pattern: re.Pattern[str]
    kind: Kind
    effect: Effect
    reason: str


def _telling(pattern: str, kind: Kind, effect: Effect, reason: str) -> _Telling:
    return _Telling(re.compile(pattern, re.IGNORECASE), kind, effect, reason)


# The first that fits decides. "none": the server says that it did not begin, or rolled back: one
# PUT is one transaction (section 4.5), a deadlock victim and a lost race are rolled back whole.
_TELLING = (
    _telling(r"API Login Limit", "transient", "none", "the licence's sessions are all in use"),
    _telling(r"deadlock(ed)?\b", "transient", "none", "deadlock in the ERP's database"),
    _telling(r"Another process has (added|updated|deleted)", "transient", "none",
             "another process changed the same record"),
    _telling(r"long[- ](running )?operation|operation is (already )?(running|in progress)",
             "transient", "none", "a long operation runs on this screen"),
    _telling(r"SqlException.*(transport-level|network-related)|(execution )?timeout (has )?expired"
             r"|timeout period elapsed|OperationCanceled|ThreadAbort|PXDatabaseTimeout",
             "transient", "unknown", "the ERP's database did not answer in time"),
    _telling(r"failed to commit", "transient", "unknown", "the ERP failed to commit"),
    _telling(r"SetupNotEntered", "needs_person", "none", "a set-up form is not filled in"),
    _telling(r"PXUndefinedCompany|company ID cannot be determined", "needs_person", "none",
             "the tenant is not known"),
    _telling(r"Invalid credentials", "needs_person", "none", "the credentials are refused"),
    _telling(r"NotLoggedIn|not logged in", "unauthenticated", "none", "the session is gone"),
    _telling(r"NoEntitySatisfies|No entity satisfies", "needs_dependency", "none",
             "a record that it refers to is missing"),
    _telling(r"cannot be found in the system", "needs_dependency", "none",
             "a record that it refers to is missing"),
)  # fmt: skip

_BY_STATUS: dict[int, tuple[Kind, Effect, str]] = {
    400: ("permanent", "none", "the ERP cannot read the request"),
    401: ("unauthenticated", "none", "the session or the token is gone"),
    403: ("needs_person", "none", "a right is missing, or a feature is switched off"),
    404: ("needs_person", "none", "the endpoint or the entity is not there"),
    408: ("transient", "unknown", "the server gave up waiting for the request"),
    409: ("transient", "none", "a long operation runs on this screen"),
    412: ("permanent", "none", "the condition of the request does not hold"),
    422: ("permanent", "none", "the ERP refuses fields of the document"),
    429: ("transient", "none", "declined by the licence's request limits"),
}


def classify(answer: httpx2.Response) -> Verdict:
    """Tell what a failed answer means, from status and body."""
    pause = _pause(answer)
    error = _error(answer)
    if error is None or answer.is_redirect:
        return _without_body(answer, pause)
    told = f"{error.exception_type or ''}\n{error.words}"
    for telling in _TELLING:
        # A 422 is about the document's fields, unless its head says that it was mere bad luck.
        applies = answer.status_code != 422 or telling.kind == "transient"
        if applies and telling.pattern.search(told):
            return Verdict(telling.kind, telling.effect, telling.reason, error.words, pause)
    known = _BY_STATUS.get(answer.status_code)
    if known is not None:
        return Verdict(*known, error.words, pause)
    if answer.status_code == 500 or 400 <= answer.status_code < 500:
        # An exception of the ERP that no pattern knows: a business rule said no, and would again.
        return Verdict("permanent", "none", "the ERP refuses the document", error.words)
    return Verdict("transient", "unknown", f"status {answer.status_code}", None, pause)


def _without_body(answer: httpx2.Response, pause: float | None) -> Verdict:
    """Tell what an answer means that does not speak the ERP's language: HTML, a redirect, nothing.

    Web servers, proxies and a restarting site answer so, and the ERP may be at work behind them.
    """
    status = answer.status_code
    if answer.is_redirect:
        if "login" in answer.headers.get("location", "").casefold():
            return Verdict("unauthenticated", "none", "sent to the sign-in page")
        return Verdict("transient", "unknown", "sent to another page", None, pause)
    if status in (401, 408, 409, 412, 429):
        return Verdict(*_BY_STATUS[status], None, pause)
    if status in (403, 404) and "html" not in answer.headers.get("content-type", ""):
        return Verdict(*_BY_STATUS[status])
    if 400 <= status < 500 and status not in (403, 404):
        return Verdict("permanent", "none", f"status {status}")
    return Verdict("transient", "unknown", f"status {status} without an answer of the ERP", None,
                   pause)  # fmt: skip


def classify_failure(failure: httpx2.TransportError) -> Verdict:
    """Tell what a request means that got no answer at all."""
    match failure:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            # The system's own words: no such host, refused, a certificate that does not hold.
            words = f"no connection to the tenant ({failure})"
            return Verdict("transient", "none", words, is_unreachable=True)
        case httpx2.TimeoutException():
            return Verdict("transient", "unknown", "no answer in time")
        case _:
            return Verdict("transient", "unknown", "the connection was lost")


def _error(answer: httpx2.Response) -> HttpError | None:
    try:
        return msgspec.json.decode(answer.content, type=HttpError, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError, httpx2.DecodingError):
        return None


def _pause(answer: httpx2.Response) -> float | None:
    """Return the wait of Retry-After in seconds: undocumented here, but proxies send it."""
    words = answer.headers.get("retry-after", "")
    return float(words) if words.isascii() and words.isdigit() else None
