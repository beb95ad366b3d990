"""E44x, E45x, E46x: what can be wrong with access, performance and security."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mapgen.agreed.connections import CONNECTIONS, VALUES
from mapgen.agreed.paths import holder_of, without_rows
from mapgen.report import fixes
from mapgen.report.diagnostic import Diagnostic
from mapgen.report.fix import Fix
from mapgen.report.message import Message, Values, misnamed, renamed
from mapgen.report.near import near_names
from mapgen.report.source import Span, Text

unknown_connection = misnamed(
    "E441: no connection is called `{it}`", help="add specs/connections/{it}.yaml"
)


_RIGHTS = ("read", "insert", "update", "delete", "act")


def access_missing(
    at: Span, entity: str, missing: Mapping[str, str], listed: Iterable[str] = ()
) -> Diagnostic:
    """Say which rights are needed, from right to why, beside those that are listed."""
    whole = ", ".join(sorted((*listed, *missing), key=_RIGHTS.index))
    rights, why = " and ".join(missing), ", and ".join(missing.values())
    return _ACCESS_MISSING(at, entity=entity, rights=rights, why=why, whole=whole)


_ACCESS_MISSING = Message(
    "E442: the flow needs the right to {rights} `{entity}`: {why}",
    help="write `{entity}: [{whole}]` under `access:`, or remove `access:`: the rights are derived",
)
literal_secret = Message(
    "E443: {what} is written out here",
    label="a secret",
    notes="it is in the repository's history now: replace it at its source, too",
    help="{is_credential:name the variable that holds it: `{{env: NAME}}`/leave it out: rules, "
    "settings and records hold no secrets}",
    is_secret=True,
)
connection_not_in_environment = Message(
    "E444: the environment `{environment}` does not say where `{it}` leads",
    help="add it under `connections:` in specs/environments/{environment}.yaml",
)


def _renamed_or_removed(span: Span, of: Values) -> Fix | None:
    is_near = near_names(of["it"], of["known"])
    return renamed(span, of) if is_near else fixes.without_entry(span)


idle_access = Message(
    "E445: the contract `{contract}` has no entity `{it}`",
    help="remove `{it}:`",
    fix=_renamed_or_removed,
)


def value_missing(at: Text, kind: str, value: str) -> Diagnostic:
    """Say which value of a connection an environment lacks; it leads to a system of a kind."""
    purpose = CONNECTIONS[kind].address if value == "url" else VALUES[value].purpose
    return _VALUE_MISSING(at, connection=at.value, value=value, what=purpose)


_VALUE_MISSING = Message(
    "E446: `{connection}` says no `{value}` here: {what}",
    help="write `{value}: {{env: NAME}}`, and set the variable where flows run",
)
value_idle = Message(
    "E447: `{value}` means nothing for a connection of kind `{kind}`", help="remove `{value}:`"
)
no_session = Message(
    "E449: by the connection `{it}` no session with the ERP is opened: its kind is `{kind}`",
    help="name a connection of kind `acumatica` here; `send: {{to: {it}}}` of a target sends "
    "documents there",
)
sign_in_missing = Message(
    "E448: nothing says how requests are let in by a system of kind `{it}`",
    help="write `sign_in:` with one of {takes:, }",
)
unfit_sign_in = Message(
    "E448: a system of kind `{kind}` lets nobody in by `{it}`",
    help="write `sign_in:` with one of {takes:, }",
)
over_the_licence = Message(
    "E451: the busiest minute needs {needed} requests; the licence of `{environment}` leaves "
    "{allowed} to use",
    notes="{documents:of a record {documents} documents are made; /}a document costs its request "
    "and its share of the lookups before it{reads_rows:; and the reading of the rows that are "
    "there/}{steps:; and those of {steps} after it/}{lookups:; and {lookups} in the tenant, as if "
    "no answer were known yet/}",
    help="lower the peak, or spread it: the queue takes what comes faster",
)
settle_too_short = Message(
    "E452: the settle time of {settle:g} s does not exceed the request timeout of {timeout:g} s",
    notes="a request that timed out may still create its document; looked up too early, it would "
    "be created twice",
    help="make `settle` longer than `request_timeout`",
)
retry_beyond_ceiling = Message(
    "E590: the first wait of {it} is longer than the longest, {ceiling}",
    label="first wait",
    related="ceiling: longest wait",
    help="waits grow from `first` to `ceiling`: make `ceiling` the longer one",
)
over_concurrency = Message(
    "E453: {wanted} requests at the same time; the licence of `{environment}` allows {allowed}",
    help="write `concurrency: {allowed}` or less",
)
unknown_source_path = misnamed("E461: no source field is called `{it}`", help="remove it")
unknown_action = misnamed(
    "E462: `{entity}` has no action `{it}`",
    help="{known:its action is {known:, }/its actions are {known:, }/it has no actions}",
)


def unclassified(
    at: Span, parent: str, fields: Sequence[tuple[str, str]], data: Span | None
) -> Diagnostic:
    """Say which fields of an object look like personal data, and add their classes.

    `fields` are their paths, each with what it looks like; `data` is the first entry under `data:`,
    or the braces of one without entries.
    """
    lines = [f"{fixes.as_key(without_rows(path))}: personal" for path, _ in fields]
    fix = (
        fixes.entry_first(at, "data", lines)
        if data is None
        else fixes.into_braces(data, lines) or fixes.entries_before(data, lines)
    )
    shown = ", ".join(f"`{holder_of(path)[1]}` ({kind})" for path, kind in fields)
    names, (_, kind) = [path for path, _ in fields], fields[0]
    return _UNCLASSIFIED(
        at, fields=names, kind=kind, parent=parent, shown=shown, entries=lines, fix=fix
    )


_UNCLASSIFIED = Message(
    "E463: {fields:{fields:, } looks like {kind} and has no data class/`{parent}` has fields that "
    "look personal and have no data class: {shown}}",
    help="add {entries:, } under `data:`, so that {entries:it is/they are} masked in logs and "
    "rejects",
)
personal_identity = Message(
    "E465: the identity reads the personal field `{field}`",
    notes="the identity is written to the ledger, to summaries and to URLs of requests",
    help="use a field that is not personal, like the record's number",
)
personal_reason = Message(
    "E464: the personal field `{field}` would be shown to everybody here",
    help="use a field that is not personal, like the record's number",
)
