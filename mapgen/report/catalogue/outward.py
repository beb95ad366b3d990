"""E58x: what can be wrong where records come out of the ERP, and documents go elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic
from mapgen.report.message import Message, misnamed

over_the_limits = Message(
    "E580: the busiest minute needs {needed} requests; the limits of `{connection}` in "
    "`{environment}` leave {allowed} to use",
    notes="a document costs its request, and the look-up before it where `find` says one",
    help="lower the peak, or spread it: the queue takes what comes faster",
)
nothing_of_the_erp = Message(
    "E581: neither the source nor the target is the ERP",
    label="documents go elsewhere",
    related="source: records come from elsewhere",
    help="name an entity on one side: `source: {{contract: …, entity: …}}`, or the target's",
)


# Keywords of JSON Schema that are no slip of the pen.
# Keywords of JSON Schema that are no slip of the pen.
_KNOWN = (
    "maxItems uniqueItems contains minContains maxContains minProperties maxProperties not if then"
    " patternProperties propertyNames dependentRequired dependentSchemas multipleOf allOf anyOf"
    " oneOf else prefixItems"
)


def not_kept(path: str, pointer: str, keyword: str, known: Iterable[str]) -> Diagnostic:
    """Say what stands for a keyword of a target schema that no document is validated against."""
    near = () if keyword in _KNOWN.split() else known
    return _NOT_KEPT(path=path, pointer=pointer, it=keyword, known=near)


_NOT_KEPT = Message(
    "E582: at `{pointer}` the target schema uses `{it}`, which rules are not validated against",
    help="say it by `type`, `required`, `enum`, `pattern`, `maxLength`, `minimum`, or under "
    "`checks:`; or remove it",
)
only_in_the_erp = Message(
    "E583: `{what}:` is for records of the ERP; this document goes elsewhere",
    help="describe the member in the target schema, and write it under `fields:`",
)
not_allowed = Message(
    "E584: the target schema does not allow `{it}` for `{field}`",
    help="it takes {known: or |{form}}",
)
untyped = Message(
    "E585: at `{pointer}` the target schema gives no `type`",
    help='say what the member holds: `"type": "string"`, `integer`, `number`, `boolean`, …',
)
members_that_meet = Message(
    "E586: the members `{first}` and `{it}` have one name in generated code",
    label="this one",
    related="first: and this one",
    help="write only one of them, or have the schema name one of them in another way",
)
unfit_send = Message("E587: {why}")
personal_address = Message(
    "E589: the address takes `{it}`, made of the personal field `{field}`",
    notes="proxies and servers write addresses of requests down, and mask nothing in them",
    help="take a field that is not personal, like the record's number",
)
nested_in_a_cell = Message(
    "E595: `{field}` is {what}, and a cell of CSV holds one value",
    help="write `format: jsonl`; or describe single values in the target schema, a member each, and"
    " make a document of each row where there are several",
)
unknown_hole = misnamed(
    "E588: the document has no field `{it}` for the address", help="it takes {known:, }"
)
