"""E56x: what can be wrong with lookups in the ledger and in the tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.message import Message, misnamed
from mapgen.report.source import Text

unknown_ledger_flow = Message(
    "E560: no flow is called `{it}`, so that the ledger has no documents of it",
    help="the other flows are {known:, }",
)


def ledger_circle(flows: Sequence[str], places: Sequence[Text]) -> Diagnostic:
    """Say which flows wait for each other's documents; `places` are their lookups, in order."""
    said = _LEDGER_CIRCLE(
        places[0], is_one=len(flows) == 1, flow=flows[0], flows=(*flows, flows[0])
    )
    return replace(said, related=tuple(Label(one.span(), "and so on") for one in places[1:]))


_LEDGER_CIRCLE = Message(
    "E561: {is_one:the flow `{flow}` looks up its own documents/no flow can be the first: each "
    "looks up documents of the next, {flows: → }}",
    help="look up what an earlier flow made; what the ERP alone knows is asked by `tenant:`",
)


def unknown_document(name: Text, flow: str, known: Iterable[str]) -> Diagnostic:
    """Say which of a flow's documents can be looked up; the only one of a flow has no name."""
    names = [found for found in known if found]
    asked = name.value.partition(".")[2]
    forms = [f"{flow}.{found}" for found in names]
    if not asked:
        return _NO_DOCUMENT(name, flow=flow, forms=forms)
    help = None if names else f"write `{flow}`: it makes one document"
    return _UNKNOWN_DOCUMENT(name, it=asked, known=names, flow=flow, forms=forms, help=help)


_NO_DOCUMENT = Message(
    "E562: `{flow}` gives its documents names; this does not say which is looked up",
    help="write {forms: or }",
)
_UNKNOWN_DOCUMENT = Message("E562: `{flow}` makes no document `{it}`", help="write {forms: or }")
unfit_document = Message("E563: the documents of `{it}` cannot be looked up: {why}")
unknown_query_field = Message(
    "E564: `{entity}` has no field `{it}` to ask for",
    help="`mapgen contract show {entity}` lists its fields with their types",
)
unfit_query_field = Message(
    "E565: `{entity}.{it}` cannot be {role}: {why}",
    help="choose a field of the entity itself that holds text or a whole number",
)
query_field_twice = Message("E568: duplicate field `{it}` in the key", help="remove one of them")
unfit_sample = Message("E566: the sample of `{table}` {why}")
value_column_missing = Message(
    "E569: `{table}` has several values for a key, and the rule names none of them",
    help="add `column:` and one of {known:, }",
)
unknown_value_column = misnamed(
    "E569: `{table}` has no column of values `{it}`", help="it has {known:, }"
)
value_column_idle = Message(
    "E569: `{table}` has one value for a key, so that `{it}` names no column of it",
    help="remove `column:`, or declare columns: `value: {{{it}: string}}`",
)
inline_column_alone = Message(
    "E569: entries of `{table}` are values alone, so that `{it}` names nothing",
    help="remove `value:`, or give the column a type: `value: {{{it}: string}}`",
)
unfit_entry = Message(
    "E569: the entry `{it}` of `{table}` {why}",
    help="declare the columns with `value: {{COLUMN: type}}`, and give each entry all of them",
)
remote_lookup = Message(
    "E567: the lookup `{name}` of `{flow}` asks {kind}, which `transform` does not reach",
    notes="FILE is a CSV or JSON file with the columns {columns:, }",
    help="give its values with `--lookup {name}=FILE`, or take the spec's samples with "
    "`--sample-lookups`",
    path="generated/{flow}",
)
