"""What a failed answer means: status and body decide together."""

from __future__ import annotations

import json
import os
from pathlib import Path

import httpx2
import pytest

from mapgen.runtime.network.verdict import classify_failure
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rule, Rules
from mapgen.runtime.tenant.classify import classify
from mapgen.runtime.tenant.refusal import Reporter
from tests.runtime_delivery.languages import LANGUAGES, translated

SHARED = Path(os.environ.get("MAPGEN_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def px(kind: str, words: str) -> str:
    return json.dumps(
        {"message": "An error has occurred.", "exceptionMessage": words, "exceptionType": kind}
    )


ANSWERS = [
    pytest.param(500, px("PX.Data.PXException", "'CustomerID' cannot be empty."),
                 "unexplained", "unknown", id="business rule"),
    pytest.param(500, px("System.NullReferenceException", "Object reference not set."),
                 "unexplained", "unknown", id="bug of the ERP"),
    pytest.param(500, px("PX.Data.PXSetPropertyException", "'CustomerID' cannot be empty."),
                 "permanent", "unknown", id="a property refused"),
    pytest.param(500, "{}", "unexplained", "unknown", id="an error silently"),
    pytest.param(500, px("PX.Data.PXSetupNotEnteredException", "The required data is not entered"),
                 "needs_person", "unknown", id="set-up"),
    pytest.param(500, px("PX.Data.PXUndefinedCompanyException", "A proper company ID cannot be"
                 " determined"), "needs_person", "unknown", id="unknown tenant"),
    pytest.param(500, px("PX.Data.PXException", "Error: Invalid credentials. Please try again."),
                 "unexplained", "unknown", id="credentials"),
    pytest.param(500, px("PX.Api.ContractBased.NoEntitySatisfiesTheConditionException",
                 "No entity satisfies the condition."),
                 "needs_dependency", "unknown", id="missing"),
    pytest.param(500, px("System.Data.SqlClient.SqlException", "Transaction (Process ID 5) was"
                 " deadlocked on lock resources"), "transient", "unknown", id="deadlock"),
    pytest.param(500, px("System.Data.SqlClient.SqlException", "Execution Timeout Expired. The"
                 " timeout period elapsed"), "transient", "unknown", id="database timeout"),
    pytest.param(500, px("PX.Data.PXLockViolationException", "Another process has updated the"
                 " 'SOOrder' record. Your changes will be lost."),
                 "transient", "unknown", id="lock"),
    pytest.param(500, px("PX.Data.PXLockViolationException", "Un autre processus a mis"),
                 "transient", "unknown", id="lock in French"),
    pytest.param(500, px("Microsoft.Data.SqlClient.SqlException", "Transaktion wurde Opfer"),
                 "transient", "unknown", id="deadlock in German"),
    pytest.param(500, px("PX.Data.PXSetupNotEnteredException", "Deadlock bolts: no set-up"),
                 "needs_person", "unknown", id="the type goes before the words"),
    pytest.param(500, json.dumps({"message": "no", "exceptionType": "PX.Data.PXException",
                 "innerException": {"exceptionType": "PX.Data.PXDatabaseTimeoutException"}}),
                 "transient", "unknown", id="an exception inside"),
    pytest.param(422, json.dumps({"error": "Another process has added the 'SOOrder' record."}),
                 "unexplained", "unknown", id="a 422 that names no field"),
    pytest.param(422, json.dumps({"error": "Inserting 'X' record raised at least one error.",
                 "A": {"value": 7, "error": "no"}}), "permanent", "none", id="fields"),
    pytest.param(400, json.dumps({"message": "The request is invalid."}),
                 "permanent", "none", id="unreadable"),
    pytest.param(401, "", "unauthenticated", "none", id="no session"),
    pytest.param(403, json.dumps({"message": "no right"}), "needs_person", "none", id="no right"),
    pytest.param(404, json.dumps({"message": "no"}), "needs_person", "none", id="no endpoint"),
    pytest.param(404, "<html>", "transient", "unknown", id="site restarts"),
    pytest.param(409, "", "transient", "unknown", id="long operation"),
    pytest.param(412, json.dumps({"message": "no"}), "permanent", "none", id="condition"),
    pytest.param(429, "", "transient", "none", id="declined"),
    pytest.param(403, json.dumps({"message": "API Login Limit"}), "needs_person", "none",
                 id="the status goes before the words"),
    pytest.param(500, "<html>Server Error</html>", "transient", "unknown", id="500 in HTML"),
    pytest.param(502, "<html>", "transient", "unknown", id="502"),
    pytest.param(503, json.dumps({"message": "down"}), "transient", "unknown", id="503 in JSON"),
    pytest.param(504, "", "transient", "unknown", id="504"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "effect"), ANSWERS)
def test_answer(status: int, body: str, kind: str, effect: str) -> None:
    """Status and body give who can help, and whether a write may have been done."""
    media = "text/html" if body.startswith("<") else "application/json"
    verdict = classify(httpx2.Response(status, text=body, headers={"Content-Type": media}))

    assert (verdict.kind, verdict.effect) == (kind, effect)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("status", "body", "kind", "effect"), ANSWERS)
def test_answer_in_another_language(
    status: int, body: str, kind: str, effect: str, language: str
) -> None:
    """No word of an answer tells what it means."""
    if body.startswith("{"):
        body = json.dumps(translated(json.loads(body), language))

    test_answer(status, body, kind, effect)


REDIRECTS = [
    pytest.param("/ui/error", "transient", id="error page"),
    pytest.param("/Frames/Login.aspx?ReturnUrl=%2f", "unauthenticated", id="sign-in page"),
]


@pytest.mark.parametrize(("location", "kind"), REDIRECTS)
def test_redirect(location: str, kind: str) -> None:
    """A redirect goes to the sign-in page, or hides an error."""
    assert classify(httpx2.Response(302, headers={"Location": location})).kind == kind


def test_retry_after() -> None:
    """A pause that the server asks for is passed on."""
    answer = httpx2.Response(429, headers={"Retry-After": "7"})

    assert classify(answer).pause == 7.0


@pytest.mark.parametrize(
    ("until", "pause"),
    [
        ("Wed, 21 Oct 2026 07:28:09 GMT", 9.0),
        ("Wed, 21 Oct 2026 06:00:00 GMT", 0.0),
        ("tomorrow", None),
        ("-7", None),
        ("", None),
    ],
)
def test_pause_until_a_date(until: str, pause: float | None) -> None:
    """A date counts from the server's own clock, which may be hours off; what is none is none."""
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    answer = httpx2.Response(429, headers={"Retry-After": until, "Date": date})

    assert classify(answer).pause == pause


FAILURES = [
    pytest.param(httpx2.ConnectError("no"), "none", id="nobody listens"),
    pytest.param(httpx2.ConnectTimeout("no"), "none", id="no connection in time"),
    pytest.param(httpx2.ReadTimeout("no"), "unknown", id="no answer in time"),
    pytest.param(httpx2.WriteTimeout("no"), "unknown", id="not sent in time"),
    pytest.param(httpx2.ReadError("no"), "unknown", id="connection lost"),
    pytest.param(httpx2.RemoteProtocolError("no"), "unknown", id="answer cut off"),
]


@pytest.mark.parametrize(("failure", "effect"), FAILURES)
def test_no_answer(failure: httpx2.TransportError, effect: str) -> None:
    """A request that was never sent did nothing; of any other nobody knows."""
    verdict = classify_failure(failure)

    assert (verdict.kind, verdict.effect) == ("transient", effect)


def test_real_refusal() -> None:
    """The vendor's own sample of a nested refusal is located to its row and field."""
    sample = SHARED / "acumatica" / "errors" / "422_bill_detail_field_error.json"
    if not sample.exists():
        pytest.skip("the samples of the ERP's errors are not beside the project")
    body = json.dumps(json.loads(sample.read_text())["body"]).encode()

    assert Reporter(Rules({})).fields(body, b"{}") == (
        ErrorReport("R401", "Project 'TES2323T  ' cannot be found in the system.",
                    "Details[0].Project", value="TES2323T"),
    )  # fmt: skip
    assert classify(httpx2.Response(422, content=body)).kind == "permanent"


BODIES = [
    pytest.param(b"not json", (), id="no JSON"),
    pytest.param(b"[]", (), id="a list"),
    pytest.param(b'{"CustomerID": {"value": "C1"}}', (), id="no error in it"),
    pytest.param(
        b'{"error": "Inserting \'X\' record raised at least one error."}',
        (ErrorReport("R402", "Inserting 'X' record raised at least one error."),),
        id="only a head",
    ),
    pytest.param(
        b'{"custom": {"Document": {"UsrStore": {"type": "CustomStringField", "error": "long"}}}}',
        (ErrorReport("R401", "long", "custom.Document.UsrStore"),),
        id="custom field",
    ),
    pytest.param(
        b'{"error": "The order is closed.", "A": {"value": 7, "error": "no"}}',
        (ErrorReport("R401", "no", "A", value="7"),),
        id="a head of a field",
    ),
    pytest.param(
        b'{"error": "x", "D": [{"error": "closed", "A": {"value": 1}}, {"error": "x",'
        b' "A": {"value": 7, "error": "no"}}]}',
        (ErrorReport("R401", "no", "D[1].A", value="7"), ErrorReport("R401", "closed", "D[0]")),
        id="the head of a row without a field",
    ),
]


@pytest.mark.parametrize(("body", "errors"), BODIES)
def test_refusal(body: bytes, errors: tuple[ErrorReport, ...]) -> None:
    """Every error of the body is reported, a head only where no field in it tells more."""
    assert Reporter(Rules({})).fields(body, b"{}") == errors


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        ({"a.b": "Ada Lovelace", "a": {"b": "spring sale"}}, True),
        ({"a.b": {"value": "Ada Lovelace"}}, True),
        ({"names": ["Grace", "Ada Lovelace"]}, True),
        ({"rows": [{"x": "spring sale"}, {"x": "Ada Lovelace"}]}, True),
        ({"about": {"value": 7, "who": "Ada Lovelace"}}, True),
        ({"a": {"b": "Ada Lovelace"}}, False),
    ],
)
def test_what_an_api_repeats(body: dict[str, object], masked: bool) -> None:
    """What is personal in a document of any shape is masked where an answer repeats it.

    A member with a dot in its name is not the member of an object.
    """
    personal = ("`a.b`", "names", "rows[].x", "about")
    made = {name: Rule(name, (f"r.{name}",), lambda: "o.yaml:1:1", True) for name in personal}
    public = Rule("a.b", ("r.a.b",), lambda: "o.yaml:2:1")
    reporter = Reporter(Rules({"a.b": public, **made}))
    told = reporter.document(
        "R405", "unknown: Ada Lovelace, spring sale", json.dumps(body).encode()
    )
    assert ("Lovelace" in told.message) == (not masked)
    assert ("spring sale" in told.message) == ("rows" not in body)
