"""E44x, E45x, E46x: what can be wrong with access, performance and security."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mapgen.report import repairs
from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import near_names, suggestion
from mapgen.report.source import Span, Text


def unknown_connection(name: Text, known: Iterable[str]) -> Diagnostic:
    """E441: a connection without a file."""
    names = tuple(known)
    return Diagnostic(
        "E441",
        f"no connection is called `{name.value}`",
        label=Label(name.span()),
        help=suggestion(name.value, names) or f"add specs/connections/{name.value}.yaml",
        fix=repairs.renamed(name.span(), name.value, names),
    )


_RIGHTS = ("read", "insert", "update", "delete", "act")


def access_missing(
    where: Span, entity: str, missing: Mapping[str, str], listed: Iterable[str] = ()
) -> Diagnostic:
    """E442: rights that the flow needs and does not list; `missing`: right to why.

    `listed` are the rights on the entity that it does list.
    """
    rights = " and ".join(missing)
    whole = ", ".join(sorted((*listed, *missing), key=_RIGHTS.index))
    return Diagnostic(
        "E442",
        f"the flow needs the right to {rights} `{entity}`: {', and '.join(missing.values())}",
        label=Label(where),
        help=f"write `{entity}: [{whole}]` under `access:`",
    )


def literal_secret(span: Span, what: str, *, is_credential: bool) -> Diagnostic:
    """E443: a secret written out in a file that goes to the repository.

    A credential of a connection can be named by its variable, what a rule sends cannot.
    """
    elsewhere = "leave it out: rules, settings and records hold no secrets"
    return Diagnostic(
        "E443",
        f"{what} is written out here",
        label=Label(span, "a secret", is_secret=True),
        notes=("it is in the repository's history now: replace it at its source, too",),
        help="name the variable that holds it: `{env: NAME}`" if is_credential else elsewhere,
    )


def connection_not_in_environment(name: Text, environment: str) -> Diagnostic:
    """E444: an environment that does not say where a connection leads."""
    return Diagnostic(
        "E444",
        f"the environment `{environment}` does not say where `{name.value}` leads",
        label=Label(name.span()),
        help=f"add it under `connections:` in specs/environments/{environment}.yaml",
    )


def idle_access(entity: Text, contract: str, known: Iterable[str]) -> Diagnostic:
    """E445: a right on an entity that the contract does not have."""
    near = near_names(entity.value, known)
    return Diagnostic(
        "E445",
        f"the contract `{contract}` has no entity `{entity.value}`",
        label=Label(entity.span()),
        help=suggestion(entity.value, near) or f"remove `{entity.value}:`",
        fix=(
            repairs.renamed(entity.span(), entity.value, near)
            if near
            else repairs.without_entry(entity.span())
        ),
    )


def over_the_licence(
    span: Span, needed: int, environment: str, allowed: int, asked: int, *, reads_rows: bool
) -> Diagnostic:
    """E451: more requests a minute than the licence allows.

    `asked` are the lookups of a document; `reads_rows`: an update reads the rows that are there.
    """
    plural = "s" if asked > 1 else ""
    lookups = f"; and {asked} lookup{plural} in the tenant, as if no answer were known yet"
    return Diagnostic(
        "E451",
        f"the busiest minute needs {needed} requests; "
        f"the licence of `{environment}` leaves {allowed} to use",
        label=Label(span),
        notes=(
            "a document costs its request and its share of the look-ups before it"
            + ("; and the reading of the rows that are there" if reads_rows else "")
            + (lookups if asked else ""),
        ),
        help="lower the peak, or spread it: the queue takes what comes faster",
    )


def settle_too_short(span: Span, settle: float, timeout: float) -> Diagnostic:
    """E452: a settle time within which an unanswered request may still take effect."""
    return Diagnostic(
        "E452",
        f"the settle time of {settle:g} s does not exceed the request timeout of {timeout:g} s",
        label=Label(span),
        notes=(
            "a request that was given up may still create its document; looked up too early, "
            "it would be created twice",
        ),
        help="make `settle` longer than `request_timeout`",
    )


def retry_beyond_ceiling(first: Text, ceiling: Text) -> Diagnostic:
    """E590: a first wait longer than the longest."""
    return Diagnostic(
        "E590",
        f"the first wait of {first.value} is longer than the longest, {ceiling.value}",
        label=Label(first.span(), "first wait"),
        related=(Label(ceiling.span(), "longest wait"),),
        help="waits grow from `first` to `ceiling`: make `ceiling` the longer one",
    )


def over_concurrency(span: Span, wanted: int, environment: str, allowed: int) -> Diagnostic:
    """E453: more requests at the same time than the licence allows."""
    return Diagnostic(
        "E453",
        f"{wanted} requests at the same time; the licence of `{environment}` allows {allowed}",
        label=Label(span),
        help=f"write `concurrency: {allowed}` or less",
    )


def unknown_source_path(path: Text, known: Iterable[str]) -> Diagnostic:
    """E461: a data class for a source field that does not exist."""
    near = near_names(path.value, known)
    return Diagnostic(
        "E461",
        f"no source field is called `{path.value}`",
        label=Label(path.span()),
        help=suggestion(path.value, near) or "remove the line",
        # Nothing is unmasked on its own: the line may be about a field that is now elsewhere.
        fix=repairs.renamed(path.span(), path.value, near),
    )


def unknown_action(name: Text, entity: str, known: Iterable[str]) -> Diagnostic:
    """E462: an undo by an action that the contract does not have."""
    names = tuple(known)
    return Diagnostic(
        "E462",
        f"`{entity}` has no action `{name.value}`",
        label=Label(name.span()),
        help=suggestion(name.value, names)
        or f"its actions are {', '.join(f'`{found}`' for found in sorted(names)) or 'none'}",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def unclassified(
    span: Span, parent: str, fields: Sequence[tuple[str, str]], data: Span | None
) -> Diagnostic:
    """E463: fields of an object that look like personal data and have no class.

    `fields` are their paths, each with what it looks like; `data` is the first entry under `data:`,
    or the braces of one without entries.
    """
    path, kind = fields[0]
    message = f"`{path}` looks like {kind} and has no data class"
    if len(fields) > 1:
        shown = ", ".join(f"`{one.rpartition('.')[2]}` ({of})" for one, of in fields)
        message = f"`{parent}` has fields that look personal and have no data class: {shown}"
    lines = [f"{repairs.as_key(one.replace('[]', ''))}: personal" for one, _ in fields]
    entries = "`, `".join(lines)
    what = "it is" if len(fields) == 1 else "they are"
    return Diagnostic(
        "E463",
        message,
        label=Label(span),
        help=f"add `{entries}` under `data:`, so that {what} masked in logs and rejects",
        fix=(
            repairs.entry_first(span, "data", lines)
            if data is None
            else repairs.into_braces(data, lines) or repairs.entries_before(data, lines)
        ),
    )


def personal_identity(span: Span, path: str) -> Diagnostic:
    """E465: an identity made of personal data, which is stored and sent where nothing masks it."""
    return Diagnostic(
        "E465",
        f"the identity reads the personal field `{path}`",
        label=Label(span),
        notes=("the identity stands in the ledger, in summaries and in addresses of requests",),
        help="use a field that is not personal, like the record's number",
    )


def personal_reason(span: Span, path: str) -> Diagnostic:
    """E464: a personal value where everybody can read it."""
    return Diagnostic(
        "E464",
        f"the personal field `{path}` would be shown to everybody here",
        label=Label(span),
        help="use a field that is not personal, like the record's number",
    )
