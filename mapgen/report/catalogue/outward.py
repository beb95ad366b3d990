"""E58x: what can be wrong where records come out of the ERP, and documents go elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion
from mapgen.report.source import Span, Text


def nothing_of_the_erp(source: Span, target: Span) -> Diagnostic:
    """E581: a flow from outside to outside."""
    return Diagnostic(
        "E581",
        "neither the source nor the target is the ERP",
        label=Label(target, "documents go elsewhere"),
        related=(Label(source, "records come from elsewhere"),),
        help="name an entity on one side: `source: {contract: …, entity: …}`, or the target's",
    )


# Keywords of JSON Schema that are no slip of the pen.
_KNOWN = frozenset(
    [
        "maxItems",
        "uniqueItems",
        "contains",
        "minContains",
        "maxContains",
        "minProperties",
        "maxProperties",
        "patternProperties",
        "propertyNames",
        "dependentRequired",
        "dependentSchemas",
        "multipleOf",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "prefixItems",
    ]
)


def not_kept(path: str, pointer: str, keyword: str, known: Iterable[str]) -> Diagnostic:
    """E582: a keyword of a target schema that no document is held against."""
    return Diagnostic(
        "E582",
        f"at `{pointer}` the target schema uses `{keyword}`, which no rule is held against",
        path=path,
        help=(None if keyword in _KNOWN else suggestion(keyword, known))
        or "say it by `type`, `required`, `enum`, `pattern`, `maxLength`, `minimum`, or under "
        "`checks:`; or remove it",
    )


def only_in_the_erp(name: Text, what: str) -> Diagnostic:
    """E583: a part of a document that only records of the ERP have."""
    return Diagnostic(
        "E583",
        f"`{what}:` is for records of the ERP; this document goes elsewhere",
        label=Label(name.span()),
        help="describe the member in the target schema, and write it under `fields:`",
    )


def not_allowed(
    span: Span, field: str, found: str, choices: tuple[str, ...], form: str
) -> Diagnostic:
    """E584: a constant that the target schema does not allow."""
    listed = " or ".join(f"`{choice}`" for choice in choices) or form
    return Diagnostic(
        "E584",
        f"the target schema does not allow `{found}` for `{field}`",
        label=Label(span),
        help=suggestion(found, choices) or f"it takes {listed}",
    )


def untyped(path: str, pointer: str) -> Diagnostic:
    """E585: a member of a target schema without a type."""
    return Diagnostic(
        "E585",
        f"at `{pointer}` the target schema gives no `type`",
        path=path,
        help='say what the member holds: `"type": "string"`, `integer`, `number`, `boolean`, …',
    )


def members_that_meet(first: Text, second: Text) -> Diagnostic:
    """E586: two members of one object of a document that have one name in Python."""
    return Diagnostic(
        "E586",
        f"the members `{first.value}` and `{second.value}` have one name in generated code",
        label=Label(second.span(), "this one"),
        related=(Label(first.span(), "and this one"),),
        help="write only one of them, or have the schema name one of them in another way",
    )
