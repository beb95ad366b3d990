"""What the tenant answers when it refuses, as the ERP words it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class Refused(Exception):
    """A system declines a request: with this status and this JSON body, and maybe headers."""

    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, status: int, body: object):
        super().__init__(f"refused with status {status}")
        self.status = status
        self.body = body


class InvalidRequest(Refused):
    """A 400 with the complaint under `modelState`; `place` is the path of the member."""

    def __init__(self, complaint: str, place: str = ""):
        super().__init__(
            400, {"message": "The request is invalid.", "modelState": {place: [complaint]}}
        )
        self.complaint = complaint
        self.place = place


def http_error(
    exception_message: str,
    exception_type: str = "PX.Data.PXException",
    *,
    status: int = 500,
    message: str = "An error has occurred.",
) -> Refused:
    """Return the ERP's `HttpError`: the shape of everything it throws outside a field."""
    return Refused(
        status,
        {
            "message": message,
            "exceptionMessage": exception_message,
            "exceptionType": exception_type,
            "stackTrace": "   at the sandbox",
        },
    )


def no_entity() -> Refused:
    """Return the answer for a record that is missing: 500, not 404. Source: live notes, 26R1."""
    return http_error(
        "No entity satisfies the condition.",
        "PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
    )


def not_signed_in() -> Refused:
    """Return a 401; the text is not verified against a live server, the shape is declared."""
    return Refused(401, {"message": "You are not logged in."})


def not_found(uri: str) -> Refused:
    """Return a 404: an endpoint, version, entity or action that the tenant does not have."""
    return Refused(
        404, {"message": f"No HTTP resource was found that matches the request URI '{uri}'."}
    )


def wrong_verb(method: str, status: int = 405) -> Refused:
    """Return a 405, or the 406 that POST on an entity gets."""
    return Refused(
        status,
        {"message": f"The requested resource does not support http method '{method}'."},
    )


def deadlock() -> Refused:
    """Return what the database says to the one of two transactions that it ends."""
    return http_error(
        "Transaction (Process ID 63) was deadlocked on lock resources with another"
        " process and has been chosen as the deadlock victim. Rerun the transaction.",
        "System.Data.SqlClient.SqlException",
    )


def lost_race() -> Refused:
    """Return the answer to the slower of two processes that write the same record."""
    return http_error(
        "Error: Another process has added the 'SOOrder' record. Your changes will be lost.",
        "PX.Data.PXLockViolationException",
    )


def login_limit() -> Refused:
    """Return the refusal of one session too many: clients know it by its words, not its status."""
    return http_error("Error: API Login Limit. Please try again later.")


def too_many_requests() -> Refused:
    """Return a 429 without `Retry-After`: the ERP documents none."""
    return Refused(429, {"message": "The request limit of the licence has been exceeded."})


def button_disabled(button: str) -> Refused:
    """Return the refusal of an action that the record's status does not allow."""
    return http_error(
        f"Error: The {button} button is disabled.", "PX.Data.PXActionDisabledException"
    )
