"""Where connections lead in an environment, with the values of its variables: what a run needs."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence

from mapgen.agreed.connections import SIGN_INS, WEBHOOK_SECRET
from mapgen.agreed.feeds import FilesFeed, HttpFeed, InquiryFeed, SqlFeed
from mapgen.agreed.plan import Plan
from mapgen.disk.workspace import Workspace
from mapgen.project.named import named_connection
from mapgen.report import Stopped
from mapgen.report.catalogue import operations
from mapgen.report.catalogue import project as messages
from mapgen.runtime import environment as runtime
from mapgen.runtime.storage.opening import check_installed
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

_FILES: Mapping[str, type[runtime.FilePlace]] = {
    "sftp": runtime.SftpPlace,
    "s3": runtime.S3Place,
}
"""The places of files by the kind of their connection."""


def environment_of_run(
    workspace: Workspace, environment: spec.Environment, plan: Plan, *, is_fed: bool = False
) -> runtime.Environment:
    """Return where a flow delivers and what it asks, in an environment.

    A flow that `is_fed` takes its records where its spec says, in the ERP for one.

    Raises Stopped for connections that lead nowhere there and for variables that are not set, and
    EnvironmentInvalid for values that no run can use.
    """
    is_inquired = any(isinstance(one, InquiryFeed) for one in plan.feeds)
    asks_the_erp = _asks_the_erp(plan) or (is_fed and (is_inquired or plan.reads is not None))
    settings = environment.settings.get(plan.flow, {})
    at = [one.at for one in plan.feeds if isinstance(one, FilesFeed)] if is_fed else []
    asked = [one.connection for one in plan.feeds if isinstance(one, HttpFeed)] if is_fed else []
    for name in plan.connections_of_files:
        of_files = named_connection(workspace, name).kind.value in _FILES
        (at if of_files else asked).append(name)
    return runtime.Environment(
        environment.name.value,
        _tenant(workspace, environment, plan) if asks_the_erp else None,
        _limits(environment.limits, environment.limits.sessions),
        _to(workspace, environment, plan),
        {name: one.value.value for name, one in settings.items()},
        dict(_databases(workspace, environment, plan)) if is_fed else {},
        {name: _files(workspace, environment, name) for name in at if name is not None},
        {name: _outside(workspace, environment, name) for name in asked},
        workspace.root,
    )


def _to(
    workspace: Workspace, environment: spec.Environment, plan: Plan
) -> runtime.Api | runtime.FilePlace | runtime.FolderPlace | None:
    """Return where documents go that do not go to the ERP, if they go anywhere."""
    if plan.goes_to.takes_portions:
        here = runtime.FolderPlace(workspace.root)
        return here if plan.to is None else _files(workspace, environment, plan.to)
    return None if plan.to is None else _outside(workspace, environment, plan.to)


def _databases(
    workspace: Workspace, environment: spec.Environment, plan: Plan
) -> Iterator[tuple[str, str]]:
    """Yield the addresses of the databases that the feeds of a flow read."""
    for feed in plan.feeds:
        if isinstance(feed, SqlFeed):
            values = _values(environment, named_connection(workspace, feed.connection))
            yield feed.connection, values["database"]


def _asks_the_erp(plan: Plan) -> bool:
    """Whether documents go to the ERP, or rules look up there, or what the ledger knows of it."""
    return plan.goes_to.has_contract or any(one.is_remote for one in plan.lookups.values())


def _tenant(workspace: Workspace, environment: spec.Environment, plan: Plan) -> runtime.Tenant:
    connection = named_connection(workspace, plan.connection)
    values = _values(environment, connection)
    return runtime.Tenant(**values, scope=connection.scope.value)


def _outside(workspace: Workspace, environment: spec.Environment, name: str) -> runtime.Api:
    """Return an API that documents go to, or that a feed asks."""
    connection = named_connection(workspace, name)
    values = _values(environment, connection)
    allowed = environment.connections[name].limits
    limits = runtime.API_LIMITS if allowed is None else _limits(allowed)
    return runtime.Api(name, values["url"], _headers(connection, values), limits)


def _files(workspace: Workspace, environment: spec.Environment, name: str) -> runtime.FilePlace:
    """Return a place of files, whose package is installed. Raises Stopped and ImportError."""
    connection = named_connection(workspace, name)
    kind: type[runtime.FilePlace] = _FILES[connection.kind.value]
    check_installed(kind)
    return kind.of(name, **_values(environment, connection))


def _headers(connection: spec.Connection, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return the header that lets requests in."""
    way = connection.lets_in
    if way is None or not way.needs:
        return {}
    if way == SIGN_INS["basic"]:
        pair = f"{values['username']}:{values['password']}".encode()
        return {way.header: f"Basic {base64.b64encode(pair).decode()}"}
    token = values["token"]
    return {way.header: f"Bearer {token}" if way == SIGN_INS["bearer"] else token}


def _values(environment: spec.Environment, connection: spec.Connection) -> dict[str, str]:
    """Return the values by which a connection leads somewhere. Raises Stopped."""
    return _given(environment, connection, connection.needs)


def state_of(workspace: Workspace, environment: spec.Environment) -> str | None:
    """Return the address of an environment's ledger, None where it says none.

    The path of a file is of the workspace. Raises Stopped for a variable that is not set.
    """
    if environment.state is None:
        return None
    (address,) = values_of(environment, [environment.state])
    file = address.removeprefix("sqlite:///")
    if file in (address, "", ":memory:"):
        return address
    return f"sqlite:///{workspace.root / file}"


def webhook_secret(environment: spec.Environment, connection: spec.Connection) -> str:
    """Return by what a connection shows that what comes is sent by it. Raises Stopped."""
    return _given(environment, connection, (WEBHOOK_SECRET,))[WEBHOOK_SECRET]


def _given(
    environment: spec.Environment, connection: spec.Connection, needs: Sequence[str]
) -> dict[str, str]:
    name = connection.name.value
    lead = environment.connections.get(name)
    if lead is None:
        reason = f"it has no connection `{name}`"
        where = environment.name.value
        raise Stopped(messages.cannot_bind(flow="run", environment=where, reason=reason))
    missing = [value for value in needs if value not in lead.references]
    if missing:
        kind = connection.kind.value
        raise Stopped(operations.value_missing(lead.at, kind, value) for value in missing)
    values = values_of(environment, [lead.references[value] for value in needs])
    return dict(zip(needs, values, strict=True))


def values_of(
    environment: spec.Environment, references: Sequence[spec.Reference]
) -> tuple[str, ...]:
    """Return what is written in an environment, or what the variables named there hold.

    Raises Stopped for those that are not set.
    """
    values = tuple(
        os.environ.get(one.text.value, "") if one.is_variable else one.text.value
        for one in references
    )
    unset = [one.text for one, value in zip(references, values, strict=True) if not value]
    if unset:
        path = environment.source.path
        raise Stopped(messages.variable_missing(text, path=path) for text in unset)
    return values


def _limits(allowed: spec.Limits, sessions: ScalarNode | None = None) -> runtime.Limits:
    return runtime.Limits(
        allowed.requests_per_minute.whole,
        allowed.concurrent_requests.whole,
        allowed.request_timeout.seconds,
        allowed.settle.seconds,
        None if sessions is None else sessions.whole,
    )
