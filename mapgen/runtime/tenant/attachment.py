"""A file that is attached to a document: once, which the list of its files shows.

The ERP lists the files of a record with `$expand=files`, each under a name that begins with the
form and the document (`Stock Items (X)\\f.jpg`), and says in `_links` where the next one is put;
older builds say nothing, and take it behind the keys. Source: the vendor's integration guide
(Put_Attachment, Get_Attachment). The list says nothing of a file's content, so what was attached
is known by the comment that goes with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx2
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Step
from mapgen.runtime.aborted import RunAborted
from mapgen.runtime.folding import folded
from mapgen.runtime.network.breaker import Stopping
from mapgen.runtime.network.transport import LAST_WORD, PLACE
from mapgen.runtime.network.verdict import Failure, is_repeatable_write
from mapgen.runtime.outcome import ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets import codes
from mapgen.runtime.targets.fetching import Files, Unfetched
from mapgen.runtime.targets.files import content_of, file_of
from mapgen.runtime.targets.kind import (
    Depends,
    Found,
    Refused,
    Saved,
    Sending,
    There,
    Unanswered,
    WriteAnswer,
    reworded,
)
from mapgen.runtime.tenant.client import WITH_ARCHIVED, Client
from mapgen.runtime.tenant.connection import Connection, entity_in, getting
from mapgen.runtime.tenant.query import encoded
from mapgen.runtime.values import ENCODER

_HOLE = "{filename}"
_COMMENT = "PX-CbFileComment"
_DIGEST = "sha256 "


class _HavingFiles(There, frozen=True):
    """A document with the files that it has: the comment of each by its name, folded.

    `link` is where the ERP says that the next one is put.
    """

    files: Mapping[str, str] = {}
    link: str | None = None


class Attachment:
    """One file after each document of a flow. Threads share it."""

    can_tell = True

    def __init__(
        self,
        connection: Connection,
        document: DocumentPlan,
        step: Step,
        rules: Rules,
        files: Files,
    ) -> None:
        """Take the way to the tenant, which step it is, and where files come from."""
        assert step.attached is not None
        self.document = document
        self.step = step
        self._connection = connection
        self._attached = step.attached
        self._files = files
        self._client = Client(connection, document, rules, verifies=False)
        self._root = f"{connection.endpoint}/{quote(document.entity)}"

    def find(self, identities: Sequence[str], /) -> Found:
        """Look the documents up, with the files that they have. Raises as `Client.find`."""
        found = self._client.find(identities)
        for identity, there in [*found.there.items()]:
            if identity in found.doubled:
                continue
            try:
                found.there[identity] = self._with_files(there)
            except Failure as failure:
                verdict = failure.verdict
                words = f"the ERP does not list the files of {there.number}: {verdict.reason}"
                found.refused[identity] = ErrorReport(codes.LOOK_UP_REFUSED, words)
        return found

    def is_done(self, there: There, body: bytes) -> bool:
        """Tell whether a document has the file: one of its name, and no older content of ours."""
        file, files = file_of(body), _files_of(there)
        comment = files.get(folded(file.file))
        if comment is None:
            return False
        is_known = comment.startswith(_DIGEST) and file.content is not None
        return not (
            is_known and self.document.does.updates and comment != _comment(content_of(file))
        )

    def act(self, there: There, sending: Sending, /) -> WriteAnswer:
        """Attach the file to a document that does not have it. Raises as `Client.create`."""
        file = file_of(sending.body)
        try:
            content = self._files.content(self._attached, file)
        except Unfetched as unfetched:
            words = f"{there.number} is without the file of `{self.step.action}`: {unfetched}"
            error = ErrorReport(codes.FILE_NOT_READ, words, retry=unfetched.may_come)
            return Depends((error,)) if unfetched.may_come else Refused((error,))
        address = self._address(there, file.file)
        if address is None:
            words = "the look-up gives neither a link for files nor the keys of the document"
            return Refused((ErrorReport(codes.LOOK_UP_REFUSED, words),))
        try:
            self._connection.persist(
                lambda: self._put(address, content, sending.last_word), is_repeatable_write
            )
        except Failure as failure:
            named = {f"then {self.step.key_of('file')}": {"value": file.file}}
            told = self._client.judge(failure, replace(sending, body=ENCODER.encode(named)))
            return reworded(told, f"{there.number} stays as it is, the file was not attached")
        return self._read_back(there, sending.body)

    def _put(self, address: str, content: bytes, last_word: Callable[[], None]) -> httpx2.Response:
        headers = {
            "Content-Type": "application/octet-stream",
            _COMMENT: _comment(content),
            **self._client.headers,
        }

        def build(http: httpx2.Client, _session: int) -> httpx2.Request:
            # The name may be personal: logs show the entity alone.
            place = httpx2.URL(self._root).path
            extensions = {LAST_WORD: last_word, PLACE: f"{place}/(file)"}
            url = httpx2.URL(self._root).copy_with(raw_path=httpx2.URL(address).raw_path)
            return http.build_request(
                "PUT", url, content=content, headers=headers, extensions=extensions
            )

        return self._connection.attempt_at(self.document.entity, build)

    def _read_back(self, there: There, body: bytes) -> WriteAnswer:
        """Believe that the file is attached only where the document lists it."""
        try:
            after = self._with_files(there)
        except (Failure, RunAborted, Stopping):
            return Unanswered("attached, as the ERP says, and the files could not be listed")
        if self.is_done(after, body):
            return Saved(after)
        words = f"the ERP answered that the file is attached, but {there.number} does not list it"
        return Refused((ErrorReport(codes.ACTION_WITHOUT_EFFECT, words),))

    def _with_files(self, there: There) -> _HavingFiles:
        """Return a document with its files. Raises Failure, and as `Client.find`."""
        if there.id is None:
            return _HavingFiles(there.number, there.keys, None, there.shown)
        query = f"$expand=files&$select={encoded(','.join(self.document.keys))}"
        url = f"{self._root}/{quote(there.id)}?{query}"
        headers = {**WITH_ARCHIVED, **self._client.headers}

        entity, build = self.document.entity, getting(url, headers)
        try:
            row = self._connection.asked(
                lambda: entity_in(self._connection.attempt_at(entity, build))
            )
        except Failure as failure:
            if failure.verdict.kind == "needs_person":
                raise self._connection.access_refused(failure.verdict, entity) from None
            raise
        return _HavingFiles(
            there.number, there.keys, there.id, there.shown, listed_files(row), link_for_files(row)
        )

    def _address(self, there: There, name: str) -> str | None:
        """Return where a file is put, None where nobody says; only its path counts."""
        link = there.link if isinstance(there, _HavingFiles) else None
        if link is not None:
            return link.replace(_HOLE, quote(name, safe=""))
        values = [there.keys.get(key) for key in self.document.keys]
        if not all(values):
            return None
        keys = "/".join(quote(value or "", safe="") for value in values)
        return f"{self._root}/{keys}/files/{quote(name, safe='')}"


def _comment(content: bytes) -> str:
    return f"{_DIGEST}{hashlib.sha256(content).hexdigest()}"


def _files_of(there: There) -> Mapping[str, str]:
    return there.files if isinstance(there, _HavingFiles) else {}


def listed_files(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a record: the comment of each by its name, as names are compared."""
    listed = row.get("files")
    files = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {
        folded(name.rpartition("\\")[2]): comment if isinstance(comment, str) else ""
        for one in files
        if isinstance(name := one.get("filename"), str)
        for comment in (one.get("comment"),)
    }


def link_for_files(row: Mapping[str, Any]) -> str | None:
    """Return where a record says that files are put, with a hole for the name; None for nowhere."""
    links = row.get("_links")
    link = links.get("files:put") if isinstance(links, dict) else None
    if not isinstance(link, str) or _HOLE not in link:
        return None
    try:
        httpx2.URL(link.replace(_HOLE, "x"))
    except httpx2.InvalidURL:
        return None
    return link
