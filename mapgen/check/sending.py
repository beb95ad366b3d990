"""Where documents outside the ERP are sent, and how: requests to an API, or files (`filing`)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from mapgen.agreed import plan
from mapgen.agreed.connections import CONNECTIONS, WEBHOOK_SECRET
from mapgen.agreed.paths import written_name
from mapgen.check.auth import check_connection_of, kind_of
from mapgen.check.filing import check_files, written_as
from mapgen.check.model import Surroundings
from mapgen.check.performance import USABLE
from mapgen.contract.model import Entity
from mapgen.ir import flow as ir
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import operations, outward
from mapgen.spec import model as spec

IDENTITY = "identity"
_HOLE = re.compile(r"\{([^{}]*)\}")


def check_sends(section: spec.MappingSection, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield what is wrong with where documents are sent, and by which requests."""
    first = section.documents[0].target.send
    for document in section.documents:
        send, operation = document.target.send, document.target.operation
        if send is None:
            yield from _unsent(document, first)
            continue
        if isinstance(send, spec.FileSend):
            yield from check_files(send, document, section, around)
            continue
        if first is None or send.way != first.way:
            why = "all documents of a flow go one way, by one connection"
            yield outward.unfit_send(send.to, why=why, help="make it a flow of its own")
        yield from _connection(send, around)
        yield from _requests(send, operation)


def check_holes(
    section: spec.MappingSection, documents: Iterable[ir.Document | None]
) -> Iterator[Diagnostic]:
    """Yield what addresses take of a document that is not there, or not always."""
    made = {one.name: one for one in documents if one is not None}
    for written in section.documents:
        document, send = made.get(written.name.value), written.target.requests
        if document is None or send is None:
            continue
        fields = dict(_fields(document.part))
        for name, request in _written(send).items():
            keys = [key.value for key in send.keys] if name == "update" else []
            yield from _holes(request, name, fields, keys)


def _fields(part: ir.Part, above: str = "") -> Iterator[tuple[str, ir.Field]]:
    """Yield the fields of a document, and those of the objects that it always has, by path."""
    for member in part.members:
        path = f"{above}{written_name(member.name)}"
        if isinstance(member, ir.Field):
            yield path, member
        elif not member.is_list and member.is_always_set:
            yield from _fields(member.blocks[0].part, f"{path}.")


def check_addresses(
    section: spec.MappingSection,
    documents: Iterable[ir.Document | None],
    personal: tuple[str, ...],
) -> Iterator[Diagnostic]:
    """Yield what addresses take that is personal; of an identity, that is said where it is made."""
    made = {one.name: one for one in documents if one is not None}
    for written in section.documents:
        document, send = made.get(written.name.value), written.target.requests
        if document is None or send is None:
            continue
        known_by, members = document.plan.identity.fields, _fields(document.part)
        reads = {name: one.reads for name, one in members if name not in known_by}
        for request in _written(send).values():
            for hole in _HOLE.finditer(request.value):
                field, at = hole.group(1), request.part(hole.start(1), hole.end(1))
                for path in reads.get(field, ()):
                    if ir.is_below_any(personal, (path,)):
                        yield outward.personal_address(at, it=field, field=path)


def sent_as(
    send: spec.Send | spec.FileSend | None, entity: Entity
) -> plan.HttpSend | plan.FileSend | None:
    """Return how the runtime sends documents, or writes them into files."""
    if isinstance(send, spec.FileSend):
        return written_as(send, entity)
    if send is None:
        return None
    requests = {name: _request(text) for name, text in _written(send).items()}
    return plan.HttpSend(
        **requests,
        found=None if send.found is None else send.found.value,
        known_by=tuple(one.value for one in send.known_by),
        wrap=None if send.wrap is None else send.wrap.value,
        idempotency_key=None if send.idempotency_key is None else send.idempotency_key.value,
    )


def check_peak(
    performance: spec.Performance, section: spec.MappingSection, around: Surroundings
) -> Iterator[Diagnostic]:
    """Yield where the busiest minute needs more requests than a connection's limits leave."""
    requests = (one.target.requests for one in section.documents)
    sends = [one for one in requests if one is not None]
    if not sends or performance.mode.value == "batch":
        return
    peak, connection = performance.volume.peak_per_minute, sends[0].to.value
    needed = peak.whole * sum(1 if one.find is None else 2 for one in sends)
    for environment in around.environments:
        lead = environment.connections.get(connection)
        if lead is None or lead.limits is None:
            continue
        allowed = math.floor(lead.limits.requests_per_minute.whole * USABLE)
        if needed > allowed:
            yield outward.over_the_limits(
                peak.span,
                needed=needed,
                connection=connection,
                environment=environment.name.value,
                allowed=allowed,
            )


def check_lead(
    environment: spec.Environment, connections: Mapping[str, spec.Connection]
) -> Iterator[Diagnostic]:
    """Yield what an environment says of connections, and lacks, by what kind of system they are."""
    for name, lead in environment.connections.items():
        connection = connections.get(name)
        if connection is None:
            continue
        kind, needs = connection.kind.value, connection.needs
        # What only sends is asked for nothing; where a flow asks it, that says what is missing.
        only_sends = CONNECTIONS[kind].sends and [*lead.references] == [WEBHOOK_SECRET]
        for value in () if only_sends else needs:
            if value not in lead.references:
                yield operations.value_missing(lead.at, connection.kind.value, value)
        for value, reference in lead.references.items():
            is_used = value in needs or (value == WEBHOOK_SECRET and CONNECTIONS[kind].sends)
            # Where nobody says how requests are let in, that is said alone.
            if not is_used and connection.says_all:
                yield operations.value_idle(reference.text, value=value, kind=kind)
        if lead.limits is not None and not CONNECTIONS[kind].takes_requests:
            yield operations.value_idle(lead.limits.settle.text, value="limits", kind=kind)


def check_sign_in(connection: spec.Connection) -> Iterator[Diagnostic]:
    """Yield the error of a connection that does not say how it is let in, or says it idly."""
    kind = CONNECTIONS[connection.kind.value]
    own = connection.sign_in
    ways = (*kind.sign_ins, *(("{header: NAME}",) if kind.takes_requests else ()))
    if own is not None and not kind.sign_ins:
        yield operations.value_idle(own.header, value="sign_in", kind=kind.name)
    elif own is not None and not connection.says_all:
        yield operations.unfit_sign_in(own.header, kind=kind.name, takes=ways)
    elif not connection.says_all:
        yield operations.sign_in_missing(connection.kind, takes=ways)


def _unsent(
    document: spec.Document, first: spec.Send | spec.FileSend | None
) -> Iterator[Diagnostic]:
    """Yield the error of a document without `send`: others of the flow have one, or it needs it."""
    target = document.target
    if target.kind.has_contract:
        return
    if first is not None:
        why = "all documents of a flow go one way, and this one says no `send`"
        yield outward.unfit_send(target.entity, why=why, help="give it a `send`, too")
    elif target.operation.updates:
        why = f"nobody knows how to {target.operation.text.value} documents that are not sent"
        help = "write `send:`, or `operation: create`"
        yield outward.unfit_send(target.operation.text, why=why, help=help)


def _connection(send: spec.Send, around: Surroundings) -> Iterator[Diagnostic]:
    name = send.to
    fit = [one.name for one in CONNECTIONS.values() if one.takes_requests]
    yield from check_connection_of(name, around, fit)
    kind = kind_of(name, around)
    if kind not in (None, *fit):
        why = f"a connection of kind `{kind}` takes no documents"
        yield outward.unfit_send(name, why=why, help=f"name one of kind `{'`, `'.join(fit)}`")


def _requests(send: spec.Send, operation: spec.Operation) -> Iterator[Diagnostic]:
    """Yield the requests that an operation lacks, and those that it has no use for."""
    verb, written = operation.text.value, _written(send)
    if send.set is not None:
        needed: tuple[str, ...] = ("set",)
        if not (operation.creates and operation.updates):
            why = f"`set` makes a document or changes it, and this flow would only {verb} it"
            yield outward.unfit_send(send.set, why=why, help="write `operation: upsert`")
            return
    else:
        needed = ("create",) * operation.creates + ("find", "update") * operation.updates
    may_be = {*needed, *(("find",) if needed == ("create",) else ())}
    for name in needed:
        if name not in written:
            why = f"to {verb} documents, the API is asked to `{name}` them, and nothing says how"
            hint = " (or `set:` alone)" if verb == "upsert" else ""
            yield outward.unfit_send(send.to, why=why, help=f"write `{name}:`{hint}")
    for name in written:
        if name not in may_be:
            why = f"nothing asks for `{name}`: the flow would {verb} documents"
            why = why if send.set is None else f"nothing asks for `{name}` beside `set`"
            yield outward.unfit_send(written[name], why=why, help=f"remove `{name}:`")


def _written(send: spec.Send) -> dict[str, Text]:
    named = {"create": send.create, "update": send.update, "set": send.set, "find": send.find}
    return {name: text for name, text in named.items() if text is not None}


def _request(text: Text) -> plan.Request:
    method, _, path = text.value.partition(" ")
    return plan.Request(method, path)


def _holes(
    request: Text, name: str, fields: Mapping[str, ir.Field], keys: Iterable[str]
) -> Iterator[Diagnostic]:
    known = (IDENTITY, *keys, *fields)
    for hole in _HOLE.finditer(request.value):
        field, at = hole.group(1), request.part(hole.start(1), hole.end(1))
        made = fields.get(field)
        if field not in known:
            yield outward.unknown_hole(at, it=field, known=known)
        elif made is None or field in keys:
            continue
        elif made.is_list or not made.is_always_set:
            why = f"`{field}` is {'a list' if made.is_list else 'not in every document'}"
            help = "say `if_missing: reject` there" if not made.is_list else "take a single value"
            yield outward.unfit_send(at, why=f"{why}, and the address needs it", help=help)
        elif isinstance(made.value, ir.Made) and name == "find":
            why = f"`{field}` is a key that nobody knows before the other document is there"
            yield outward.unfit_send(at, why=why, help="find it by a field of its own")
