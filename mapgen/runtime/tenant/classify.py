"""Classifies failed answers: what they mean for the document and for the run.

The status alone does not tell: 500 carries business refusals, missing records, set-up errors and
passing errors alike, so the type of the exception decides, and whether a field is named. No word of
the ERP does: it speaks the language of its user. What none of them explains may pass or not, and
may be saved or not.

Whether a write took effect is another question, which neither answers: an exception may be thrown
after the save. Only what is turned away at the door has surely had none.
"""

from __future__ import annotations

import re
from typing import Any

import httpx2
import msgspec
from msgspec import Struct

from mapgen.runtime.network.reading import Unreadable, decoded
from mapgen.runtime.network.verdict import Effect, Kind, Verdict, asked_pause
from mapgen.runtime.tenant.refusal import names_a_field


class HttpError(msgspec.Struct):
    """The ERP's error body; other members may be beside these."""

    message: str | None = None
    exception_message: str | None = msgspec.field(default=None, name="exceptionMessage")
    exception_type: str | None = msgspec.field(default=None, name="exceptionType")
    error: str | None = None
    inner: Any = msgspec.field(default=None, name="innerException")

    @property
    def words(self) -> str:
        """What the ERP says, the most telling member first."""
        return self.exception_message or self.error or self.message or ""

    @property
    def types(self) -> str:
        """The types of the exception and of those inside it, one a line."""
        found, inner = [self.exception_type or ""], self.inner
        while isinstance(inner, dict) and len(found) < _MOST_INNER:
            found.append(str(inner.get("exceptionType") or ""))
            inner = inner.get("innerException")
        return "\n".join(found)


class _Telling(Struct, frozen=True):
    """What the types of an error body say."""

    pattern: re.Pattern[str]
    kind: Kind
    reason: str


def _telling(pattern: str, kind: Kind, reason: str) -> _Telling:
    return _Telling(re.compile(pattern, re.IGNORECASE), kind, reason)


_MOST_INNER = 8
_LONG_OPERATION = "a long operation runs on this screen"
_REFUSED = "the ERP refuses the document"
_UNEXPLAINED = "an exception that may pass or not"

# The first that fits decides.
_BY_TYPE = (
    _telling(r"LockViolation", "transient", "another process changed the same record"),
    _telling(r"Deadlock", "transient", "deadlock in the ERP's database"),
    _telling(r"LongOperation|OperationInProgress", "transient", _LONG_OPERATION),
    _telling(r"SetupNotEntered", "needs_person", "a set-up form is not filled in"),
    _telling(r"UndefinedCompany", "needs_person", "the tenant is not known"),
    _telling(r"NotLoggedIn", "unauthenticated", "the session is gone"),
    _telling(r"NoEntitySatisfies", "needs_dependency", "a record that it refers to is missing"),
    _telling(r"Timeout|Canceled|ThreadAbort", "transient",
             "the ERP's database did not answer in time"),
    _telling(r"SqlException|MySqlException|PXDatabaseException|DbException|OutOfMemory"
             r"|SocketException|IOException|HttpRequestException|WebException", "transient",
             "the ERP's database or network failed"),
    _telling(r"SetProperty|ActionDisabled|ODataException|PreconditionException", "permanent",
             _REFUSED),
)  # fmt: skip

_BY_STATUS: dict[int, tuple[Kind, Effect, str]] = {
    400: ("permanent", "none", "the ERP cannot read the request"),
    401: ("unauthenticated", "none", "the session or the token is gone"),
    403: ("needs_person", "none", "a right is missing, or a feature is switched off"),
    404: ("needs_person", "none", "the endpoint or the entity is not there"),
    408: ("transient", "unknown", "the server gave up waiting for the request"),
    409: ("transient", "unknown", _LONG_OPERATION),
    412: ("permanent", "none", "the condition of the request does not hold"),
    422: ("permanent", "none", "the ERP refuses fields of the document"),
    429: ("transient", "none", "declined by the licence's request limits"),
}


def classify(answer: httpx2.Response) -> Verdict:
    """Tell what a failed answer means, from status and body."""
    pause = asked_pause(answer)
    error = _error(answer)
    if error is None or answer.is_redirect:
        return _without_body(answer, pause)
    status, types = answer.status_code, error.types
    told = next((one for one in _BY_TYPE if one.pattern.search(types)), None)
    # A 422 is about the document's fields, unless its type says that it was mere bad luck.
    if told is not None and (status != 422 or told.kind == "transient"):
        kind, reason = told.kind, told.reason
    elif status == 500 or (status == 422 and not names_a_field(answer.content)):
        kind, reason = "unexplained", _UNEXPLAINED
    elif status in _BY_STATUS:
        kind, _, reason = _BY_STATUS[status]
    elif 400 <= status < 500:
        kind, reason = "permanent", _REFUSED
    else:
        return Verdict("transient", "unknown", f"status {status}", None, pause)
    return Verdict(kind, _effect(status, kind), reason, error.words, pause)


def _effect(status: int, kind: Kind) -> Effect:
    """Tell whether a write may have taken effect, though the ERP itself answered that it failed.

    What is refused for its form, its rights or its fields was not begun, or is rolled back; after
    an exception (5xx, or its type under another status) nobody knows.
    """
    if status in (401, 429):
        return "none"
    known = _BY_STATUS.get(status)
    if known is not None and known[1] == "unknown":
        return "unknown"
    is_clear = kind not in ("transient", "unexplained")
    return "none" if 400 <= status < 500 and is_clear else "unknown"


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


def _error(answer: httpx2.Response) -> HttpError | None:
    try:
        return decoded(answer.content, HttpError, strict=False)
    except Unreadable:
        return None
