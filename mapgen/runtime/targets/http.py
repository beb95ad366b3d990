"""An HTTP API that takes JSON as a target: a request a document, by the addresses of the spec."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn
from urllib.parse import quote

import httpx2
import msgspec
from msgspec.structs import replace

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import DocumentPlan, HttpSend, Request, Step
from mapgen.runtime.aborted import AccessRefused
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.identity import values_of
from mapgen.runtime.network.api import HttpApi, member_at
from mapgen.runtime.network.reading import held
from mapgen.runtime.network.verdict import (
    Failure,
    Verdict,
    is_repeatable_write,
    may_pass,
)
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.bodies import Part, of_an_update, read_body
from mapgen.runtime.targets.kind import (
    NO_BODIES,
    Found,
    GivenUp,
    IdentityMismatch,
    Lost,
    NoLongerAbsent,
    Read,
    Refused,
    Saved,
    Sending,
    There,
    Unanswered,
    WriteAnswer,
    known_after,
    see_absent,
)
from mapgen.runtime.tenant.refusal import Reporter
from mapgen.runtime.values import ENCODER

_HOLE = re.compile(r"\{([^{}]*)\}")
_MOST_PAGES = 100
_NO_JSON = "an answer that is no JSON"


class _Unaddressed(Exception):
    """An address of which a hole has no value: `field`, and why."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field = field


class HttpTarget:
    """The API that the documents of a flow go to. Threads share it."""

    def __init__(self, api: HttpApi, flow: str) -> None:
        self.api = api
        self.flow = flow

    def writer(
        self, document: DocumentPlan, rules: Rules, _shown: tuple[str, ...] = ()
    ) -> HttpWriter:
        """Return what writes a document of the flow; an API shows what it shows."""
        return HttpWriter(self, document, rules)

    def actor(self, document: DocumentPlan, step: Step, rules: Rules) -> NoReturn:
        """Raise: `check` lets steps follow documents of the ERP only."""
        raise AssertionError((document.name, step.action, rules))


class HttpWriter:
    """An API as the delivery of one document of a flow sees it. Threads share it."""

    def __init__(self, target: HttpTarget, document: DocumentPlan, rules: Rules) -> None:
        assert isinstance(document.send, HttpSend)
        self.document = document
        self._send = document.send
        self._target = target
        self._api = target.api
        self._wire = target.api.wire
        self._reporter = Reporter(rules, document.name)

    @property
    def can_tell(self) -> bool:
        """Whether the API shows what became of a request, or takes it twice for once."""
        send = self._send
        return bool(send.find or send.set or self._is_idempotent)

    def find(self, identities: Sequence[str], bodies: Mapping[str, bytes] = NO_BODIES, /) -> Found:
        """Look documents up one by one; what can be set is taken to be there, whatever it is.

        Where no request shows what is there, all count as absent. Raises TenantUnavailable,
        AccessRefused and Stopping.
        """
        if self._send.set is not None:
            return Found({one: There(one, {}, None) for one in identities})
        found = Found()
        if self._send.find is None:
            return found
        answers: dict[str, list[Part]] = {}
        for identity in identities:
            try:
                address = self._address(self._send.find, identity, bodies.get(identity))
            except _Unaddressed as error:
                found.refused[identity] = _report(error)
                continue
            try:
                if address not in answers:
                    answers[address] = self._listed(self._send.find, address)
                self._pick(answers[address], identity, found)
            except Failure as failure:
                found.refused[identity] = self._judge_look_up(failure)
        return found

    def create(self, sending: Sending, /) -> WriteAnswer:
        """Send one document that was not found; see `Writer`.

        A request is repeated here only where it was turned away at the door, and even then not
        without another look-up where there is one.
        """
        assert self._send.create is not None
        is_first = True

        def make() -> httpx2.Response:
            nonlocal is_first
            if not is_first and self._send.find is not None:
                see_absent(self, sending)
            is_first = False
            return self._request(self._send.create, sending)

        try:
            answer = self._wire.persist(make, is_repeatable_write)
        except NoLongerAbsent as found:
            return found.answer
        except _Unaddressed as error:
            return Refused((_report(error),))
        except Failure as failure:
            # A conflict that is final is looked up at once: it may be about the document itself.
            known = None
            if self._send.find is not None:
                known = known_after(self, sending, failure.verdict)
            return known or self._judge(failure, sending)
        return self._read(answer, sending.identity, There(sending.identity, {}, None))

    def update(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Send a newer state of a document, or set it to be so; sent again, it is the same."""
        request = self._send.set or self._send.update
        assert request is not None
        sent = replace(sending, body=ENCODER.encode(of_an_update(sending.body, self.document)))
        try:
            answer = self._wire.persist(
                lambda: self._request(request, sent, there.keys), is_repeatable_write
            )
        except _Unaddressed as error:
            return Refused((_report(error),))
        except Failure as failure:
            return self._judge(failure, sending)
        return self._read(answer, sending.identity, there)

    def found(self, there: There, _body: bytes) -> Saved:
        """Return a document as saved that a look-up found after a request of ours carried it."""
        return Saved(there)

    def read(self, _there: There, _body: bytes) -> Read:
        """Return nothing: no address of a spec shows a document as it was sent."""
        return Read(None)

    def has(self, _keys: Mapping[str, str], /) -> bool:
        """Return False: an API is asked by identity alone."""
        return False

    def listed(self, _since: datetime | None, /) -> None:
        """Return None: an API is asked by identity alone."""

    @property
    def _is_idempotent(self) -> bool:
        """Whether a create that is sent again makes no second document."""
        create = self._send.create
        return self._send.idempotency_key is not None or (
            create is not None and create.method == "PUT"
        )

    def _key_of(self, identity: str) -> str:
        """Return the key of a create: the same for each request of one document."""
        name = f"{self._target.flow}/{self.document.name}/{identity}"
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))

    def _request(
        self, request: Request | None, sending: Sending, keys: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        assert request is not None
        header = self._send.idempotency_key
        headers = {} if header is None else {header: self._key_of(sending.identity)}
        address = self._address(request, sending.identity, sending.body, keys)
        content = _wrapped(self._send.wrap, sending.body)
        return self._api.send(request, address, content, sending.last_word, **headers)

    def _address(
        self,
        request: Request,
        identity: str,
        body: bytes | None,
        keys: Mapping[str, str] | None = None,
    ) -> str:
        """Return the address of a request. Raises _Unaddressed where a hole has no value."""
        part = {} if body is None else read_body(body)

        def filled(hole: re.Match[str]) -> str:
            name = hole.group(1)
            given = (keys or {}).get(
                name, identity if name == "identity" else member_at(part, name)
            )
            text = _text(given)
            if text is None or not text.strip():
                raise _Unaddressed(name, "the address needs it, and it has no value")
            if text in (".", ".."):
                raise _Unaddressed(name, f"`{text}` in an address leads elsewhere")
            return quote(text, safe="")

        return self._api.url + _HOLE.sub(filled, request.path)

    def _listed(self, find: Request, address: str) -> list[Part]:
        """Return the documents at an address, on all its pages; none where there is nothing.

        Raises Failure.
        """
        documents: list[Part] = []
        for _ in range(_MOST_PAGES):
            try:
                answer = self._wire.persist(partial(self._api.send, find, address), may_pass)
            except Failure as failure:
                if failure.verdict.is_absent:
                    return documents
                raise
            documents += self._documents_in(answer)
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return documents
            address = self._api.of_the_same_host(answer.url.join(following))
        raise Failure(Verdict("permanent", "none", f"a list of more than {_MOST_PAGES} pages"))

    def _documents_in(self, answer: httpx2.Response) -> list[Part]:
        """Return the documents of an answer. Raises Failure for what holds none as declared."""
        content: Any = held(answer, object, _NO_JSON)
        found = content if self._send.found is None else member_at(content, self._send.found)
        if self._send.found is None and isinstance(content, dict):
            found = _unwrapped(self._send.wrap, content)
        if isinstance(found, dict):
            return [found]
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            return found
        where = "the answer" if self._send.found is None else f"`{self._send.found}` of the answer"
        raise Failure(Verdict("permanent", "none", f"{where} is neither a document nor a list"))

    def _pick(self, documents: Iterable[Part], identity: str, found: Found) -> None:
        """Note whether a document is among those listed. Raises Failure where nobody can tell."""
        for document in documents:
            named = self._identity_in(document)
            if named is None:
                why = "a document found does not say what it is known by"
                raise Failure(Verdict("permanent", "none", why))
            if named != self._values(identity):
                continue
            if identity in found.there:
                found.doubled.add(identity)
                event = TechnicalEvent("an identity is in the target twice", "error")
                self._wire.tell(event)
            else:
                found.there[identity] = self._there(document, There(identity, {}, None))

    def _values(self, identity: str) -> tuple[str, ...]:
        return values_of(identity, len(self.document.identity.fields))

    def _identity_in(self, document: Part) -> tuple[str, ...] | None:
        paths = self._send.known_by or self.document.identity.fields
        values = [_text(member_at(document, path)) for path in paths]
        return None if None in values else tuple(value for value in values if value is not None)

    def _there(self, document: Part, known: There) -> There:
        """Return what an answer says of a document; what it does not say stays as it was known."""
        values = ((key, _text(member_at(document, key))) for key in self.document.keys)
        keys = known.keys | {key: value for key, value in values if value is not None}
        number = next((keys[key] for key in self.document.keys if key in keys), known.number)
        return There(number, keys, None)

    def _read(self, answer: httpx2.Response, identity: str, known: There) -> WriteAnswer:
        """Read an answer of success; a document that is not found again by it is nobody's."""
        if not answer.content.strip():
            return Saved(known)
        try:
            content = _unwrapped(self._send.wrap, held(answer, object, _NO_JSON))
        except Failure as failure:
            return self._unanswered(failure.verdict.reason)
        document = content if isinstance(content, dict) else {}
        there = self._there(document, known)
        named = self._identity_in(document)
        if self._send.find is not None and named not in (None, self._values(identity)):
            return IdentityMismatch(there.number)
        return Saved(there)

    def _judge(self, failure: Failure, sending: Sending) -> WriteAnswer:
        """Tell what a write came to that is not saved, or of which nobody knows."""
        verdict = failure.verdict
        match verdict.kind:
            case "transient" if verdict.effect == "unknown":
                return self._unanswered(verdict.reason)
            case "unexplained" if self._send.find is not None and not sending.is_last_try:
                return Unanswered(verdict.reason)
            case "transient" if verdict.is_unreachable:
                raise self._wire.unavailable(verdict)
            case "transient":
                return GivenUp(verdict.reason)
            case "needs_person":
                raise self._access_refused(verdict)
        words = f"{verdict.reason}: {verdict.message}" if verdict.message else verdict.reason
        return Refused((self._reporter.document(codes.DOCUMENT_REFUSED, words, sending.body),))

    def _unanswered(self, reason: str) -> WriteAnswer:
        return Unanswered(reason) if self.can_tell else Lost(reason)

    def _judge_look_up(self, failure: Failure) -> ErrorReport:
        verdict = failure.verdict
        if may_pass(verdict):
            raise self._wire.unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self._access_refused(verdict)
        return ErrorReport(codes.LOOK_UP_REFUSED, f"the look-up failed: {verdict.reason}")

    def _access_refused(self, verdict: Verdict) -> AccessRefused:
        return AccessRefused(
            f"{self._wire.who} refuses `{self.document.entity}`: {verdict.reason}",
            "compare address, token and rights with what the system gave you, and run again;"
            " nothing is lost",
        )


def _report(error: _Unaddressed) -> ErrorReport:
    return ErrorReport(codes.ADDRESS_INCOMPLETE, str(error), error.field)


def _text(value: Any) -> str | None:
    """Return a value as text in an address, or to be compared; None for what is none."""
    match value:
        case bool() | None:
            return None
        case str():
            return value
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case _:
            return None


def _wrapped(path: str | None, body: bytes) -> bytes:
    for name in reversed(names_along(path)) if path is not None else ():
        body = b"{%s:%s}" % (msgspec.json.encode(name), body)
    return body


def _unwrapped(path: str | None, content: Any) -> Any:
    """Return what an answer is about: the member that it is in, or the answer itself."""
    inner = None if path is None else member_at(content, path)
    return content if inner is None else inner
