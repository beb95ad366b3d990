"""Answers requests below `/entity/{endpoint}/{version}`: reading, writing, actions."""

from __future__ import annotations

from dataclasses import replace

from mapgen.contract.model import Entity
from mapgen.sandbox.body import parse_object, read_sent
from mapgen.sandbox.calls import Call, Reply
from mapgen.sandbox.errors import (
    InvalidRequest,
    http_error,
    no_entity,
    not_found,
    wrong_verb,
)
from mapgen.sandbox.files import AttachedFiles
from mapgen.sandbox.filter import Condition, compile_filter
from mapgen.sandbox.operations import Operations
from mapgen.sandbox.query import read_page, read_view
from mapgen.sandbox.records import Record
from mapgen.sandbox.rendering import render
from mapgen.sandbox.tenant import Tenant, Work
from mapgen.sandbox.writing import invoke, matching, put


class Entities:
    """Answers requests for entities and their actions."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._operations = Operations(tenant.settings.action_seconds)
        self._files = AttachedFiles(tenant)

    def answer(self, call: Call, parts: list[str], session: str) -> Reply:
        """Answer a call; `parts` is the path below the version. Raises Refused."""
        if parts[:1] == ["files"]:
            return self._files.answer(call, parts[1:])
        entity = self._tenant.contract.entities.get(parts[0]) if parts else None
        if entity is None or not entity.is_top_level:
            raise not_found(call.path)
        rest = parts[1:]
        if call.method == "GET" and len(rest) == 3 and rest[1] == "status":
            action, _, name = rest
            status = self._operations.status(session, entity.name, action, name, call.path)
            return Reply(status, headers={"Location": call.path} if status == 202 else {})
        self._operations.refuse_busy(session, entity.name)
        match call.method:
            case "PUT" if len(rest) > 2 and rest[-2] == "files":
                return self._files.put(call, self._record(call, entity, rest[:-2]), rest[-1])
            case "GET" if rest:
                record = self._record(call, entity, rest)
                shown = self._shown(call, record)
                return replace(shown, body={**shown.body, **self._files.shown(call, record)})
            case "GET":
                return self._list(call, entity)
            case "PUT" if not rest:
                return self._put(call, entity)
            case "POST" if rest:
                return self._invoke(call, entity, rest, session)
            case "DELETE" if rest:
                self._tenant.store.delete(self._record(call, entity, rest))
                return Reply(204)
            case method:
                raise wrong_verb(method, 406 if method == "POST" else 405)

    def _shown(self, call: Call, record: Record) -> Reply:
        return Reply(200, render(record, self._tenant.contract, read_view(call.query)))

    def _list(self, call: Call, entity: Entity) -> Reply:
        view, page = read_view(call.query), read_page(call.query)
        found = [
            record
            for record in matching(self._tenant, entity, self._filter(call, entity))
            if call.shows_archived or not record.is_archived
        ]
        shown = found[page.skip : None if page.top is None else page.skip + page.top]
        contract = self._tenant.contract
        return Reply(
            200, [render(record, contract, view, row) for row, record in enumerate(shown, 1)]
        )

    def _put(self, call: Call, entity: Entity) -> Reply:
        sent = read_sent(parse_object(call.raw), entity, self._tenant.contract)
        return self._shown(call, put(self._work(call), entity, sent, self._filter(call, entity)))

    def _invoke(self, call: Call, entity: Entity, rest: list[str], session: str) -> Reply:
        if len(rest) > 1 or rest[0] not in entity.actions:
            raise not_found(call.path)
        target = parse_object(call.raw).get("entity")
        if not isinstance(target, dict):
            raise InvalidRequest("The entity is missing.", "invocation.entity")
        sent = read_sent(target, entity, self._tenant.contract, "invocation.entity")
        action = rest[0]

        def work() -> None:
            invoke(self._work(call), entity, action, sent)

        if not self._operations.takes_long(action):
            work()
            return Reply(204)
        name = self._operations.begin(session, entity.name, action, work, fails=call.fails)
        return Reply(202, headers={"Location": f"{call.path.rstrip('/')}/status/{name}"})

    def _filter(self, call: Call, entity: Entity) -> Condition | None:
        words = call.query.get("$filter")
        return compile_filter(words, entity, self._tenant.contract) if words else None

    def _record(self, call: Call, entity: Entity, rest: list[str]) -> Record:
        """Return the record that a path names, by id or by keys. Raises Refused (500)."""
        store = self._tenant.store
        keys = rest[0].split("|") if len(rest) == 1 else rest
        found = store.by_keys(entity.name, keys) if len(keys) == len(entity.keys) else None
        if found is None and len(rest) == 1:
            found = store.by_id(entity.name, rest[0])
        if found is None or (found.is_archived and not call.shows_archived):
            raise no_entity()
        return found

    def _work(self, call: Call) -> Work:
        """Return the work of a request. Raises Refused (500) for a branch that is not there."""
        branch = call.headers.get("px-cbapibranch", "")
        if branch and "Branch" in self._tenant.seeded and not self._tenant.has("Branch", branch):
            raise http_error("Error: The branch cannot be found in the system.")
        return Work(self._tenant, self._tenant.settings.now(), branch)
