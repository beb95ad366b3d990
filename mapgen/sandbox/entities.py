"""The entity API: a signed-in request below `/entity/{endpoint}/{version}`, in; its answer, out."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from mapgen.contract.model import Action, Entity
from mapgen.sandbox.body import parse_object, read_sent
from mapgen.sandbox.errors import (
    Refused,
    http_error,
    invalid_request,
    long_operation,
    no_entity,
    not_found,
    wrong_verb,
)
from mapgen.sandbox.filter import Test, compile_filter
from mapgen.sandbox.query import read_page, read_view
from mapgen.sandbox.records import Record, StoredFile
from mapgen.sandbox.rendering import Style, ad_hoc_schema, render
from mapgen.sandbox.session import Session
from mapgen.sandbox.tenant import Tenant, Work
from mapgen.sandbox.values import Value, coerce, moment
from mapgen.sandbox.writing import Precondition, delete, invoke, put

# Detail entities whose view is computed by code, so that a list cannot be one SQL query with them.
_NOT_OPTIMISED = {("Payment", "ApplicationHistory"): "Adjustments_History"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request, as far as it matters here: header names in lower case, the query decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    raw: bytes
    base_url: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON, or bytes of another `content_type`."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    content_type: str = "application/json; charset=utf-8"


@dataclass(slots=True)
class _Operation:
    """A long operation: how many looks at it until it is done, and what came of it."""

    looks_left: int
    run: Callable[[], None]
    failure: Refused | None = None

    def look(self) -> bool:
        """Look at it once; tell whether it is done. The last look does the work."""
        if self.looks_left > 0:
            self.looks_left -= 1
            if self.looks_left == 0:
                try:
                    self.run()
                except Refused as refused:
                    self.failure = refused
        return self.looks_left == 0


class Entities:
    """Answers requests for entities, their actions and files."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._operations: dict[str, _Operation] = {}
        self._root = f"/entity/{tenant.contract.endpoint}/{tenant.contract.version}"

    def answer(self, call: Call, session: Session, parts: list[str]) -> Reply:
        """Answer a call; `parts` is the path below the version. Raises Refused."""
        if parts and parts[0] == "files":
            return self._file(call, parts[1:])
        entity = self._tenant.contract.entities.get(parts[0]) if parts else None
        if entity is None or not entity.is_top_level:
            raise not_found(call.path)
        rest = parts[1:]
        if len(rest) == 3 and rest[1] == "status":
            return self._status(call, session, entity, rest[2])
        self._check_idle(session, entity)
        match call.method:
            case "GET":
                return self._get(call, entity, rest)
            case "PUT":
                return self._put(call, entity, rest)
            case "POST":
                return self._post(call, session, entity, rest)
            case "DELETE" if rest:
                delete(self._tenant, entity, self._record(entity, rest))
                return Reply(204)
            case _:
                raise wrong_verb(call.method)

    @property
    def _style(self) -> Style:
        return Style(links=self._root if self._tenant.settings.has_links else "")

    def _get(self, call: Call, entity: Entity, rest: list[str]) -> Reply:
        tenant = self._tenant
        if not rest:
            return Reply(200, self._list(call, entity))
        if rest == ["$adHocSchema"]:
            declared = tenant.setup.custom_fields
            return Reply(200, ad_hoc_schema(entity, tenant.contract, declared))
        record = self._record(entity, rest)
        return Reply(200, render(record, tenant.contract, read_view(call.query), self._style))

    def _list(self, call: Call, entity: Entity) -> list[dict[str, object]]:
        view, page = read_view(call.query), read_page(call.query)
        for name in view.parts:
            delegate = _NOT_OPTIMISED.get((entity.name, name))
            if delegate is not None:
                raise http_error(
                    "Optimization cannot be performed.The following fields cause the error:\r\n"
                    f"{name}: View {delegate} has BQL delegate",
                    "PX.Api.ContractBased.OptimizedExport.CannotOptimizeException",
                )
        found = self._tenant.store.all(entity.name, self._filter(call, entity))
        end = None if page.top is None else page.skip + page.top
        shown = found[page.skip : end]
        contract, style = self._tenant.contract, self._style
        return [
            render(record, contract, view, style, row) for row, record in enumerate(shown, start=1)
        ]

    def _filter(self, call: Call, entity: Entity) -> Test | None:
        words = call.query.get("$filter")
        return compile_filter(words, entity, self._tenant.contract) if words else None

    def _put(self, call: Call, entity: Entity, rest: list[str]) -> Reply:
        if len(rest) > 2 and rest[-2] == "files":
            return self._attach(call, self._record(entity, rest[:-2]), rest[-1])
        if rest:
            raise wrong_verb(call.method)
        sent = read_sent(parse_object(call.raw), entity, self._tenant.contract)
        chosen = self._filter(call, entity)
        record = put(self._work(call), entity, sent, chosen, _precondition(call))
        style = Style(is_stored=False, links=self._style.links)
        return Reply(200, render(record, self._tenant.contract, read_view(call.query), style))

    def _post(self, call: Call, session: Session, entity: Entity, rest: list[str]) -> Reply:
        if not rest:
            raise wrong_verb(call.method, 406)
        action = entity.actions.get(rest[0]) if len(rest) == 1 else None
        if action is None:
            raise not_found(call.path)
        body = parse_object(call.raw)
        target = body.get("entity")
        if not isinstance(target, dict):
            raise invalid_request("The entity is missing.", "invocation.entity")
        sent = read_sent(target, entity, self._tenant.contract, "invocation.entity")
        parameters = _parameters(body.get("parameters"), action)
        looks = self._tenant.settings.long_actions.get(action.name, 0)
        work = self._work(call)
        if looks < 1:
            invoke(work, entity, action.name, sent, parameters)
            return Reply(204)
        operation_id = str(uuid4())
        self._operations[operation_id] = _Operation(
            looks, lambda: invoke(work, entity, action.name, sent, parameters)
        )
        session.operations[entity.name] = operation_id
        place = f"{self._root}/{entity.name}/{action.name}/status/{operation_id}"
        return Reply(202, headers={"Location": place})

    def _status(self, call: Call, session: Session, entity: Entity, operation_id: str) -> Reply:
        operation = self._operations.get(operation_id)
        if operation is None or call.method != "GET":
            raise not_found(call.path)
        if not operation.look():
            return Reply(202, headers={"Location": call.path})
        if session.operations.get(entity.name) == operation_id:
            del session.operations[entity.name]
        if operation.failure is not None:
            raise operation.failure
        return Reply(204)

    def _check_idle(self, session: Session, entity: Entity) -> None:
        """Refuse what comes while a long operation of this session holds the screen.

        A refused request counts as a look at the operation, so that it ends without polls too.
        """
        operation_id = session.operations.get(entity.name)
        if operation_id is None:
            return
        if self._operations[operation_id].look():
            del session.operations[entity.name]
        else:
            raise long_operation(self._tenant.contract.version)

    def _record(self, entity: Entity, rest: list[str]) -> Record:
        """Return the record that a path names, by id or by keys. Raises Refused (500)."""
        store = self._tenant.store
        keys = rest[0].split("|") if len(rest) == 1 else rest
        found = store.by_keys(entity.name, keys) if len(keys) == len(entity.keys) else None
        if found is None and len(rest) == 1 and _is_guid(rest[0]):
            found = store.by_id(entity.name, rest[0])
        if found is None:
            raise no_entity()
        return found

    def _work(self, call: Call) -> Work:
        now = self._tenant.settings.now()
        told = call.headers.get("px-cbapibusinessdate")
        today = now.date() if told is None else _header_date(told).date()
        return Work(self._tenant, now, today, call.headers.get("px-cbapibranch"))

    def _file(self, call: Call, parts: list[str]) -> Reply:
        """Answer `files/{id}` and `files/{entity}/{view}/{id}/{filename}`."""
        if call.method == "PUT" and len(parts) == 4:
            record = self._tenant.store.by_id(parts[0], parts[2])
            if record is None:
                raise no_entity()
            return self._attach(call, record, parts[3])
        if call.method == "GET" and len(parts) == 1:
            for name in self._tenant.contract.entities:
                for record in self._tenant.store.all(name):
                    for file in record.files:
                        if file.id == parts[0]:
                            content = b64decode(file.content)
                            return Reply(200, content, content_type="application/octet-stream")
        raise not_found(call.path)

    def _attach(self, call: Call, record: Record, filename: str) -> Reply:
        draft = record.draft()
        draft.files = [file for file in draft.files if file.filename != filename]
        comment = call.headers.get("px-cbfilecomment")
        content = b64encode(call.raw).decode()
        file = StoredFile(str(uuid4()), filename, comment, content)
        draft.files.append(file)
        self._tenant.store.save(draft)
        return Reply(204, headers={"Location": f"{self._root}/files/{file.id}"})


def _parameters(raw: object, action: Action) -> dict[str, Value]:
    """Read an action's parameters; like fields, unknown ones are dropped."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise invalid_request("An object is expected.", "invocation.parameters")
    values = {}
    for name, kind in action.parameters.items():
        wrapped = raw.get(name)
        value = wrapped.get("value") if isinstance(wrapped, dict) else None
        if value is None:
            continue
        try:
            values[name] = coerce(value, kind)
        except ValueError as fault:
            raise invalid_request(str(fault), f"invocation.parameters.{name}") from None
    return values


def _precondition(call: Call) -> Precondition:
    for name in ("if-match", "if-none-match"):
        if call.headers.get(name, "*").strip() != "*":
            raise invalid_request(f"The {name} header takes no other value than *.", name)
    return Precondition("if-match" in call.headers, "if-none-match" in call.headers)


def _header_date(words: str) -> datetime:
    try:
        return moment(words)
    except ValueError:
        raise invalid_request("The business date is no date.", "PX-CbApiBusinessDate") from None


def _is_guid(words: str) -> bool:
    try:
        UUID(words)
    except ValueError:
        return False
    return True
