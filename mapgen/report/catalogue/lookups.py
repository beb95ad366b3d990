"""E56x: what can be wrong with lookups in the ledger and in the tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import near_names, suggestion
from mapgen.report.source import Span, Text


def unknown_ledger_flow(name: Text, flow: str, known: Iterable[str]) -> Diagnostic:
    """E560: a lookup of the documents of a flow that does not exist."""
    names = sorted(known)
    listed = ", ".join(f"`{found}`" for found in names)
    others = f"the other flows are {listed}" if names else "this workspace has no other flow"
    return Diagnostic(
        "E560",
        f"no flow is called `{flow}`, so that the ledger has no documents of it",
        label=Label(name.span(0, len(flow))),
        help=suggestion(flow, names) or others,
    )


def ledger_circle(flows: Sequence[str], places: Sequence[Text]) -> Diagnostic:
    """E561: flows that wait for each other's documents; `places` are their lookups, in order."""
    first, *others = places
    way = " → ".join(f"`{flow}`" for flow in (*flows, flows[0]))
    said = (
        f"the flow `{flows[0]}` looks up its own documents"
        if len(flows) == 1
        else f"no flow can be the first: each looks up documents of the next, {way}"
    )
    return Diagnostic(
        "E561",
        said,
        label=Label(first.span()),
        related=tuple(Label(other.span(), "and so on") for other in others),
        help="look up what an earlier flow made; what the ERP alone knows is asked by `tenant:`",
    )


def unknown_document(name: Text, flow: str, known: Iterable[str]) -> Diagnostic:
    """E562: a lookup that does not say which of a flow's documents, or names an unknown one."""
    names = [found for found in known if found]
    _, _, asked = name.value.partition(".")
    shown = " or ".join(f"`{flow}.{found}`" for found in names)
    if not asked:
        said = f"`{flow}` gives its documents names; this does not say which is looked up"
    else:
        said = f"`{flow}` makes no document `{asked}`"
    near = suggestion(asked, names) if asked and near_names(asked, names) else None
    return Diagnostic(
        "E562",
        said,
        label=Label(name.span()),
        help=near or (f"write {shown}" if names else f"write `{flow}`: it makes one document"),
    )


def unfit_document(name: Text, why: str, help_line: str) -> Diagnostic:
    """E563: documents that cannot be looked up in the ledger from here."""
    return Diagnostic(
        "E563",
        f"the documents of `{name.value}` cannot be looked up: {why}",
        label=Label(name.span()),
        help=help_line,
    )


def unknown_query_field(name: Text, entity: str, known: Iterable[str]) -> Diagnostic:
    """E564: a query for a field that the entity does not have."""
    return Diagnostic(
        "E564",
        f"`{entity}` has no field `{name.value}` to ask for",
        label=Label(name.span()),
        help=suggestion(name.value, known)
        or f"`mapgen contract show {entity}` lists its fields with their types",
    )


def unfit_query_field(name: Text, entity: str, role: str, why: str) -> Diagnostic:
    """E565: a field that cannot be asked for; `role` is what it should be: `the key`."""
    return Diagnostic(
        "E565",
        f"`{entity}.{name.value}` cannot be {role}: {why}",
        label=Label(name.span()),
        help="choose a field of the entity itself that holds text or a whole number",
    )


def query_field_twice(name: Text) -> Diagnostic:
    """E568: a field that stands in a key twice."""
    return Diagnostic(
        "E568",
        f"`{name.value}` stands in the key twice",
        label=Label(name.span()),
        help="remove one of them",
    )


def unfit_sample(span: Span, table: str, why: str, help_line: str) -> Diagnostic:
    """E566: a sample that cannot stand for its table."""
    return Diagnostic("E566", f"the sample of `{table}` {why}", label=Label(span), help=help_line)


def live_lookup(flow: str, name: str, kind: str, columns: Sequence[str]) -> Diagnostic:
    """E567: a lookup that needs a network, where there is none; `kind`: what it asks."""
    listed = ", ".join(f"`{column}`" for column in columns)
    return Diagnostic(
        "E567",
        f"the lookup `{name}` of `{flow}` asks {kind}, which `transform` does not reach",
        path=f"generated/{flow}",
        notes=(f"FILE is a CSV or JSON file with the columns {listed}",),
        help=f"give its values with `--lookup {name}=FILE`, or take the spec's samples with"
        " `--sample-lookups`",
    )
