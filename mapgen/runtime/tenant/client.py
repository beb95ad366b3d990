"""The tenant as the delivery of one document sees it: look-ups, creates and updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, assert_never
from urllib.parse import quote

import httpx2
import msgspec
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan
from mapgen.runtime.aborted import AccessRefused, RunAborted
from mapgen.runtime.blanks import is_blank
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.folding import folded
from mapgen.runtime.identity import joined, values_of
from mapgen.runtime.nesting import HOLDING
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.transport import BRIEF, LAST_WORD
from mapgen.runtime.network.verdict import Failure, Verdict, is_repeatable_write, may_pass
from mapgen.runtime.outcome import IDENTITY_ALIKE, ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.bodies import of_an_update, read_body
from mapgen.runtime.targets.kind import (
    NO_BODIES,
    Depends,
    Found,
    GivenUp,
    IdentityMismatch,
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
from mapgen.runtime.tenant.body import UnclearRows, row_lists, shown_parts, with_ids
from mapgen.runtime.tenant.connection import (
    Build,
    Connection,
    entities_in,
    entity_in,
    getting,
)
from mapgen.runtime.tenant.query import (
    LONGEST_QUERY,
    behind_keys,
    encoded,
    is_ordered,
    keys_in,
    literal,
    shown_of,
    value_of,
)
from mapgen.runtime.tenant.refusal import Reporter
from mapgen.runtime.tenant.verifying import differences
from mapgen.runtime.values import ENCODER

WITH_ARCHIVED = {"PX-ApiArchive": "SHOW"}
"""Without it the ERP leaves archived documents out, and they would be made a second time."""

_NESTS_OTHERWISE = 5
"""The contract version from which on `$expand` names no parts of parts by a path."""

_LISTED_AT_ONCE = 100

_LONGEST_VERIFYING = 15.0
"""Seconds of reading a document that is there, only to compare it."""

_NEW = "<NEW>"
"""What is in a number's place until a document is saved."""


class Client:
    """The tenant as the delivery of one document of a flow sees it. Threads share it."""

    def __init__(
        self,
        connection: Connection,
        document: DocumentPlan,
        rules: Rules,
        *,
        verifies: bool = True,
        shown: tuple[str, ...] = (),
    ) -> None:
        """Take the way to the tenant, what is to be written there, and whether to compare it.

        `shown` are fields that look-ups ask for besides.
        """
        self._shown = shown
        self._verifies = verifies
        self.document = document
        self.can_tell = True
        self._connection = connection
        self.headers = connection.headers_of(document)
        self._reporter = Reporter(rules, document.name)
        self._url = f"{connection.endpoint}/{quote(document.entity)}"

    def find(self, identities: Sequence[str], _bodies: Mapping[str, bytes] = NO_BODIES, /) -> Found:
        """Look documents up by identity, as many in one request as its length allows.

        What is in the bodies tells the ERP nothing more.

        Raises TenantUnavailable, AccessRefused, SignInRefused and Stopping.
        """
        found = Found()
        for group in self._groups(identities):
            self._find_group(group, found)
        return found

    def create(self, sending: Sending, /) -> WriteAnswer:
        """Send one document that is not there yet.

        The last word is called with the token in hand right before every request that carries the
        document. A request is repeated here only where it was turned away at the door, and even
        then never without another look-up. Raises as `find`, and what the last word raises.
        """
        is_first = True

        def build(http: httpx2.Client, _session: int) -> httpx2.Request:
            nonlocal is_first
            if not is_first:
                see_absent(self, sending)
            is_first = False
            return self._put(http, sending)

        try:
            echo = self._connection.persist(
                lambda: _echo_in(self._attempt(build)), is_repeatable_write
            )
        except NoLongerAbsent as found:
            return found.answer
        except Failure as failure:
            known = known_after(self, sending, failure.verdict)
            return known or self.judge(failure, sending)
        return self._read_back(sending, echo)

    def update(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Send a newer state of a document that is there; see `create` for what else it takes.

        Sent again, it comes to the same: rows are matched with those that the ERP has by then.
        """
        if there.id is None:
            words = "the look-up gives no `id` of the document, by which it would be updated"
            return Refused((ErrorReport(codes.LOOK_UP_REFUSED, words),))
        try:
            echo = self._connection.persist(
                lambda: self._write_over(there, sending), is_repeatable_write
            )
        except Failure as failure:
            return self.judge(failure, sending)
        except UnclearRows as unclear:
            words = f"{unclear.target}: {unclear}"
            return Refused((ErrorReport(codes.ROWS_UNCLEAR, words, unclear.target),))
        return self._read_update_back(there, sending, echo)

    def found(self, there: There, body: bytes) -> Saved:
        """Return a document as saved that a look-up found after a request of ours carried it.

        The answer that would have shown it went lost, so it is read to be compared with what was
        sent: once, briefly, and not while the tenant is unwell. That it is there is sure, whatever
        comes of the reading.
        """
        if not self._verifies:
            return Saved(there)
        return Saved(there, self.read(there, body).otherwise)

    def read(self, there: There, body: bytes) -> Read:
        """Return a document as the ERP has it, compared with a body; its parts are shown."""
        url = f"{self._url}/{quote(there.id or '')}{self._showing(body)}"
        briefly = {BRIEF: _LONGEST_VERIFYING}
        try:
            if there.id is None:
                raise Failure(Verdict("permanent", "none", "the look-up gives no `id` of it"))
            kept = entity_in(self._attempt(getting(url, WITH_ARCHIVED, briefly)))
        except (Failure, RunAborted, Stopping) as error:
            reason = error.verdict.reason if isinstance(error, Failure) else type(error).__name__
            self._connection.tell(TechnicalEvent("not verified", "warning", {"reason": reason}))
            return Read(None)
        return Read(kept, self._otherwise(body, kept, there.number))

    def has(self, keys: Mapping[str, str], /) -> bool:
        """Whether there may be a document with these keys, whatever its identity is by now."""
        tests = [f"{name} eq {literal(value)}" for name, value in keys.items()]
        query = f"$filter={encoded(' and '.join(tests))}&$select={encoded(','.join(keys))}"
        found = self._connection.ask(self.document.entity, query)
        return found is None or bool(found)

    def listed(self, since: datetime | None, /) -> Iterator[dict[str, There]]:
        """Yield the documents in the scope that were changed since then, by identity.

        Those without an identity, or with one that begins otherwise than the flow's, are left out.
        Pages go on behind the last key while the list comes in the order of the keys; else it is
        read whole. Raises as `find`.
        """
        after: list[str] | None = None
        while True:
            rows = self._list(since, after, _LISTED_AT_ONCE)
            is_whole = not is_ordered(rows, self.document.keys, after)
            if is_whole:
                rows = self._list(since, None, None)
            kept = ((joined(self._kept(row)), row) for row in rows)
            begins = self.document.books.begins
            yield {
                identity: self._there(row, identity)
                for identity, row in kept
                if not is_blank(identity) and self._kept(row)[0].startswith(begins)
            }
            if is_whole or len(rows) < _LISTED_AT_ONCE:
                return
            after = keys_in(rows[-1], self.document.keys)

    def _list(
        self, since: datetime | None, after: list[str] | None, top: int | None
    ) -> list[dict[str, Any]]:
        document = self.document
        tests = [f"{name} eq {literal(value)}" for name, value in document.identity.scope.items()]
        if since is not None and document.books.changed is not None:
            tests.append(f"{document.books.changed} ge datetimeoffset'{since.isoformat()}'")
        if after is not None:
            tests.append(behind_keys(document.keys, after))
        query = f"$select={encoded(','.join(self._fields()))}"
        query += f"&$filter={encoded(' and '.join(tests))}" if tests else ""
        query += "" if top is None else f"&$top={top}"
        rows: list[dict[str, Any]] = msgspec.json.decode(
            self._connection.read(document.entity, query).content
        )
        return rows

    def _fields(self) -> dict[str, None]:
        """Return the fields that look-ups ask for, each once."""
        names = [*self.document.keys, *self.document.identity.fields, *self._shown]
        return dict.fromkeys(names)

    def _attempt(self, build: Build) -> httpx2.Response:
        """Make one request about the document, in its branch."""

        def in_branch(http: httpx2.Client, session: int) -> httpx2.Request:
            request = build(http, session)
            request.headers.update(self.headers)
            return request

        return self._connection.attempt_at(self.document.entity, in_branch)

    def _find_group(self, group: Sequence[str], found: Found) -> None:
        try:
            rows = self._connection.persist(lambda: entities_in(self._ask(group)), may_pass)
        except Failure as failure:
            self._judge_look_up(failure, group, found)
            return
        wanted: dict[tuple[str, ...], list[str]] = {}
        for identity in group:
            wanted.setdefault(_folded(self._values(identity)), []).append(identity)
        alike: dict[str, There] = {}
        strays = 0
        for row in rows:
            kept = self._kept(row)
            meant = wanted.get(_folded(kept), [])
            strays += not meant
            for identity in meant:
                if not self._is_one(kept, identity):
                    alike[identity] = self._there(row, identity)
                elif identity in found.there:
                    found.doubled.add(identity)
                    event = TechnicalEvent("an identity is in the tenant twice", "error")
                    self._connection.tell(event)
                else:
                    found.there[identity] = self._there(row, identity)
        for identity, there in alike.items():
            if identity not in found.there:
                found.refused[identity] = self._alike(there)
        unfound = [one for one in group if one not in found.there]
        if strays:
            self._doubt(unfound, len(group), found)
            return
        # An answer with some of the documents may be cut after them: only one without any row
        # proves that the rest is absent.
        unseen = [one for one in unfound if one not in found.refused]
        if rows and unseen:
            self._find_group(unseen, found)

    def _values(self, identity: str) -> tuple[str, ...]:
        """Return the values of the fields that an identity is made of."""
        return values_of(identity, len(self.document.identity.fields))

    def _kept(self, row: dict[str, Any]) -> tuple[str, ...]:
        """Return the values that the ERP has in the fields of the identity."""
        return tuple(value_of(row, field) or "" for field in self.document.identity.fields)

    def _is_one(self, kept: Sequence[str], identity: str) -> bool:
        """Tell whether what the ERP keeps is this identity, and not another one of like letters.

        Keys of an entity are one whatever their case, and the ERP may write them in capitals. Other
        text is only compared like that: two documents may differ by it.
        """
        fields, asked = self.document.identity.fields, self._values(identity)
        return all(
            there.rstrip(" ") == sought.rstrip(" ") or field in self.document.keys
            for field, there, sought in zip(fields, kept, asked, strict=True)
        )

    def _alike(self, there: There) -> ErrorReport:
        words = f"the identity differs by case alone from that of `{there.number}` in the ERP"
        return ErrorReport(IDENTITY_ALIKE, words, self.document.identity.field)

    def _doubt(self, unfound: Sequence[str], asked: int, found: Found) -> None:
        """Send nothing whose absence is not proved: the tenant gave rows that were not asked for.

        What one row has to do with one identity is asked again, each by itself.
        """
        self._connection.tell(
            TechnicalEvent("a look-up gave documents that were not asked for", "error")
        )
        for identity in unfound:
            if asked > 1:
                self._find_group([identity], found)
                continue
            words = "the look-up gives documents with another identity: none is proved absent"
            found.refused[identity] = ErrorReport(
                codes.LOOK_UP_REFUSED, words, self.document.identity.field
            )

    def _judge_look_up(self, failure: Failure, group: Sequence[str], found: Found) -> None:
        """Tell whether the tenant is unwell, or one identity spoils the look-up of its group."""
        verdict = failure.verdict
        if verdict.kind == "transient" and (len(group) == 1 or verdict.is_unreachable):
            raise self._connection.unavailable(verdict)
        if verdict.kind == "needs_person":
            raise self._access_refused(verdict, None)
        if self._connection.is_unwell(verdict, self.document.entity, self._query(group)):
            raise self._connection.unavailable(verdict)
        if len(group) > 1:
            for identity in group:
                self._find_group([identity], found)
            return
        words = f"the ERP does not look this identity up: {verdict.message or verdict.reason}"
        found.refused[group[0]] = ErrorReport(
            codes.LOOK_UP_REFUSED, words, self.document.identity.field
        )

    def judge(self, failure: Failure, sending: Sending) -> WriteAnswer:
        """Tell what a write came to that is not saved, or of which nobody knows."""
        verdict, body = failure.verdict, sending.body
        words = verdict.message or verdict.reason
        match verdict.kind:
            case "transient" if verdict.effect == "unknown":
                return Unanswered(verdict.reason)
            case "unexplained" if not sending.is_last_try:
                return Unanswered(verdict.reason)
            case "transient" if verdict.is_unreachable:
                raise self._connection.unavailable(verdict)
            case "transient" | "unauthenticated":
                return GivenUp(verdict.reason)
            case "needs_dependency":
                error = self._reporter.document(codes.DEPENDENCY_MISSING, words, body, retry=True)
                return Depends((error,))
            case "permanent" | "unexplained":
                errors = self._reporter.fields(failure.body, body)
                return Refused(
                    errors or (self._reporter.document(codes.DOCUMENT_REFUSED, words, body),)
                )
            case "needs_person":
                raise self._access_refused(verdict, body)
            case _:
                assert_never(verdict.kind)

    def _read_back(self, sending: Sending, answer: _Echo) -> WriteAnswer:
        """Believe a success only if the echo has a number and the identity that was sent.

        The ERP answers 200 where nothing was saved, and where it changed what was sent.
        """
        identity, body = sending.identity, sending.body
        echo, has_errors = answer
        number = self._number(echo)
        if number is not None and self._is_same(echo, identity) and not has_errors:
            saved = self._there(echo, identity)
            return Saved(saved, self._otherwise(body, echo, saved.number))
        self._connection.tell(
            TechnicalEvent("an answer of success that does not show it", "warning")
        )
        try:
            there = self.find([identity]).there.get(identity)
        except (RunAborted, Stopping):
            there = None
            if number is None:
                return Unanswered("an answer of success without a number")
        if there is not None:
            return self.found(there, body)
        if has_errors:
            errors = self._reporter.fields(msgspec.json.encode(echo), body)
            if errors:
                return Refused(errors)
        elif number is not None:
            return IdentityMismatch(number)
        words = "the ERP answered that it saved the document, but did not"
        return Refused((self._reporter.document(codes.NOTHING_SAVED, words, body),))

    def _read_update_back(self, there: There, sending: Sending, answer: _Echo) -> WriteAnswer:
        """Believe a success only if the echo has no errors and the identity that was sent."""
        identity, body = sending.identity, sending.body
        echo, has_errors = answer
        if has_errors:
            errors = self._reporter.fields(msgspec.json.encode(echo), body)
            words = "the ERP answered that it saved the document, but did not"
            return Refused(errors or (self._reporter.document(codes.NOTHING_SAVED, words, body),))
        if not self._is_same(echo, identity) and identity not in self.find([identity]).there:
            return IdentityMismatch(there.number)
        sent = ENCODER.encode(of_an_update(body, self.document))
        return Saved(there, self._otherwise(sent, echo, there.number))

    def _otherwise(self, body: bytes, echo: dict[str, Any], number: str) -> tuple[ErrorReport, ...]:
        """Report what the answer to a write does not show as it was sent."""
        if not self._verifies:
            return ()
        return self._reporter.otherwise(differences(body, echo), body, number)

    def _write_over(self, there: There, sending: Sending) -> _Echo:
        """Read the rows that the ERP has, and send the document with their ids.

        They hold in one session only: the write goes out in the session of the reading, or not.
        """
        part = of_an_update(sending.body, self.document)
        lists = row_lists(part, self.document)
        read_in, rows = self._read_rows(there, lists) if lists else (None, {})
        sent = replace(sending, body=with_ids(part, there.id or "", rows, self.document))

        def build(http: httpx2.Client, session: int) -> httpx2.Request:
            if read_in not in (None, session):
                raise Failure(Verdict("transient", "none", "the ids of rows went with the session"))
            return self._put(http, sent)

        return _echo_in(self._attempt(build))

    def _read_rows(self, there: There, lists: Sequence[str]) -> tuple[int, dict[str, Any]]:
        names = [path.replace(".", "/") for path in lists]
        keys = [
            f"{path.replace('.', '/')}/{name}"
            for path in lists
            for name in self.document.row_keys.get(path, ())
        ]
        chosen = ",".join([*self.document.keys, *keys])
        query = f"$expand={encoded(','.join(names))}&$select={encoded(chosen)}"
        read_in = [0]

        def build(http: httpx2.Client, session: int) -> httpx2.Request:
            read_in[0] = session
            return http.build_request("GET", f"{self._url}/{quote(there.id or '')}?{query}")

        rows = self._connection.asked(lambda: entity_in(self._attempt(build)))
        return read_in[0], rows

    def _put(self, http: httpx2.Client, sending: Sending) -> httpx2.Request:
        return http.build_request(
            "PUT",
            _address(self._url + self._showing(sending.body)),
            content=sending.body,
            headers={"Content-Type": "application/json"},
            extensions={LAST_WORD: sending.last_word},
        )

    def _showing(self, body: bytes) -> str:
        """Return the query by which the answer shows the parts that are sent, to compare them."""
        parts = shown_parts(read_body(body)) if self._verifies else []
        if self._connection.contract_version >= _NESTS_OTHERWISE:
            parts = [part for part in parts if "/" not in part]
        query = f"?$expand={encoded(','.join(parts))}" if parts else ""
        return query if len(query) <= LONGEST_QUERY else ""

    def _is_same(self, echo: dict[str, Any], identity: str) -> bool:
        return _folded(self._kept(echo)) == _folded(self._values(identity))

    def _ask(self, identities: Sequence[str]) -> httpx2.Response:
        url = f"{self._url}?{self._query(identities)}"
        return self._attempt(getting(url, WITH_ARCHIVED))

    def _groups(self, identities: Sequence[str]) -> Iterator[list[str]]:
        group: list[str] = []
        length = 0
        for identity in identities:
            length += len(encoded(f" or {self._test(identity)}"))
            if group and length > LONGEST_QUERY:
                yield group
                group = []
            if not group:
                length = len(self._query([identity])) + len("()")
            group.append(identity)
        if group:
            yield group

    def _query(self, identities: Iterable[str]) -> str:
        identity = self.document.identity
        scope = "".join(
            f"{name} eq {literal(value)} and " for name, value in identity.scope.items()
        )
        tests = [self._test(one) for one in identities]
        either = tests[0] if len(tests) == 1 else f"({' or '.join(tests)})"
        return f"$filter={encoded(f'{scope}{either}')}&$select={encoded(','.join(self._fields()))}"

    def _test(self, identity: str) -> str:
        """Return the condition that documents of an identity hold."""
        parts = zip(self.document.identity.fields, self._values(identity), strict=True)
        tests = [f"{field} eq {literal(value)}" for field, value in parts]
        return tests[0] if len(tests) == 1 else f"({' and '.join(tests)})"

    def _number(self, row: dict[str, Any]) -> str | None:
        """Return what people call the document: its keys without those that the scope fixes."""
        keys = [key for key in self.document.keys if key not in self.document.identity.scope]
        values = [value_of(row, key) for key in keys]
        if not values or any(value is None or value == _NEW for value in values):
            return None
        return " ".join(value for value in values if value is not None)

    def _there(self, row: dict[str, Any], identity: str) -> There:
        values = ((key, value_of(row, key)) for key in self.document.keys)
        keys = {key: value for key, value in values if value is not None}
        record = row.get("id")
        shown = {name: shown_of(row, name) for name in self._shown}
        return There(self._number(row) or identity, keys, str(record) if record else None, shown)

    def _access_refused(self, verdict: Verdict, body: bytes | None) -> AccessRefused:
        words = ""
        if body is not None and verdict.message:
            told = self._reporter.document(codes.DOCUMENT_REFUSED, verdict.message, body)
            words = f": {told.message}"
        return self._connection.access_refused(verdict, self.document.entity, words)


class _Echo(NamedTuple):
    """The record in the answer to a write, and whether the ERP reports an error in it."""

    shown: dict[str, Any]
    has_errors: bool


def _echo_in(answer: httpx2.Response) -> _Echo:
    """Return what the answer to a write shows. Raises Failure where it holds no record."""
    shown, content = entity_in(answer), answer.content
    # A name may be written with escapes; where it is not there, nothing has to be gone through.
    is_named = b'"error"' in content or b"\\u00" in content
    return _Echo(shown, is_named and _has_errors(shown))


@lru_cache(256)
def _address(url: str) -> httpx2.URL:
    """Return an address that comes again and again: to read one takes as long as to send it."""
    return httpx2.URL(url)


def _has_errors(part: dict[str, Any] | list[Any]) -> bool:
    """Whether the ERP reports an error anywhere in an entity, at its top or on a field."""
    if isinstance(part, dict):
        if part.get("error"):
            return True
        members: Iterable[Any] = part.values()
    else:
        members = part
    return any(type(member) in HOLDING and _has_errors(member) for member in members)


def _folded(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(folded, values))
