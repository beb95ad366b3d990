"""E31x, E41x, E43x: what can be wrong between a spec, its source and the ERP's contract."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mapgen.report import repairs
from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import near_names, suggestion
from mapgen.report.source import Span, Text


def two_rules(field: str, first: Span, second: Span) -> Diagnostic:
    """E311: two rules write one field."""
    return Diagnostic(
        "E311",
        f"two rules write `{field}`",
        label=Label(second, "second"),
        related=(Label(first, "first"),),
        help="keep one; `first_of:` or `cases:` choose between values",
    )


def name_taken(name: Text, first: Span | None) -> Diagnostic:
    """E312: a name for a row, an object or a let that another thing has."""
    return Diagnostic(
        "E312",
        f"the name `{name.value}` is taken",
        label=Label(name.span()),
        related=(Label(first, "taken here"),) if first else (),
        help="choose another name",
    )


def unknown_lookup(span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    """E313: a rule or an expression looks up in a table that is not declared."""
    return Diagnostic(
        "E313",
        f"no lookup is called `{name}`",
        label=Label(span),
        help=suggestion(name, sorted(known))
        or f"declare it: `lookups: {{{name}: {{table: …, key: …, value: …}}}}`",
        fix=repairs.renamed(span, name, sorted(known)),
    )


def unused_name(name: Text, what: str) -> Diagnostic:
    """E314: a lookup, setting or let that no rule uses."""
    return Diagnostic(
        "E314",
        f"no rule uses the {what} `{name.value}`",
        label=Label(name.span()),
        help="remove it, or use it",
    )


def wrong_key_columns(
    span: Span, table: str, wanted: tuple[str, ...], found: tuple[str, ...]
) -> Diagnostic:
    """E317: a key that has not the columns of its table."""
    has = " and ".join(f"`{column}`" for column in wanted) or "one part"
    gives = " and ".join(f"`{column}`" for column in found) or "one value"
    form = ", ".join(f"{column}: …" for column in wanted)
    return Diagnostic(
        "E317",
        f"the key of `{table}` is {has}, this gives {gives}",
        label=Label(span),
        help=f"write `key: {{{form}}}`" if len(wanted) > 1 else "write `key: EXPRESSION`",
    )


def values_not_in_table(
    span: Span, table: Text, field: str, missing: tuple[str, ...]
) -> Diagnostic:
    """E318: a source field has values by its schema that an inline table does not know."""
    shown = ", ".join(f"`{value}`" for value in missing)
    plural = "entries" if len(missing) > 1 else "entry"
    return Diagnostic(
        "E318",
        f"`{table.value}` has no {plural} for {shown}, which `{field}` may be",
        label=Label(span),
        related=(Label(table.span(), "the table"),),
        help="add what is missing; or say what then: `otherwise: …`, `on_miss: reject`",
    )


def blank_entry(span: Span, table: str) -> Diagnostic:
    """E319: an entry of an inline table without a value."""
    return Diagnostic(
        "E319",
        f"`{table}` has a blank entry",
        label=Label(span),
        help="remove the entry, and say what a miss means: `on_miss: omit`, `otherwise: …`",
    )


def unknown_contract(name: Text, known: Iterable[str]) -> Diagnostic:
    """E410: a contract that is not pinned."""
    names = sorted(known)
    listed = ", ".join(f"`{found}`" for found in names) or "none"
    return Diagnostic(
        "E410",
        f"the contract `{name.value}` is not pinned in specs/contracts/",
        label=Label(name.span()),
        help=suggestion(name.value, names)
        or f"pinned are {listed}; `mapgen contract import` pins another",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def unknown_entity(name: Text, contract: str, known: Iterable[str]) -> Diagnostic:
    """E411: an entity that the contract does not have, or that has no URL of its own."""
    names = tuple(known)
    return Diagnostic(
        "E411",
        f"the contract `{contract}` has no top-level entity `{name.value}`",
        label=Label(name.span()),
        help=suggestion(name.value, names)
        or "`mapgen contract import --entities` takes more of them into the lock",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def unknown_field(
    name: Text, entity: str, known: Iterable[str], *, is_plain: bool = False
) -> Diagnostic:
    """E412: a field that the entity does not have; the ERP would ignore it silently."""
    names = tuple(known)
    near = near_names(name.value, names)
    if is_plain:
        listed = ", ".join(f"`{found}`" for found in names)
        return Diagnostic(
            "E412",
            f"`{entity}` has no field `{name.value}`",
            label=Label(name.span()),
            help=suggestion(name.value, names) or f"its schema has {listed}",
        )
    return Diagnostic(
        "E412",
        f"`{entity}` has no field `{name.value}`",
        label=Label(name.span()),
        notes=("the ERP answers 200 and drops the value of a field that it does not know",),
        help=(suggestion(name.value, names) if near else None)
        or "a field outside the contract goes to `custom:` as `View.Field`",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def calculated_field(name: Text, entity: str) -> Diagnostic:
    """E413: a field that the ERP calculates; what is sent is ignored."""
    return Diagnostic(
        "E413",
        f"`{entity}.{name.value}` is calculated by the ERP; a value sent is ignored",
        label=Label(name.span()),
        help="remove the rule; compare totals under `checks:`",
    )


def read_only_field(name: Text, entity: str) -> Diagnostic:
    """E414: a field that cannot be written."""
    return Diagnostic(
        "E414",
        f"`{entity}.{name.value}` is read-only",
        label=Label(name.span()),
        help="remove the rule",
    )


def required_field(field: str, entity: str, where: Span) -> Diagnostic:
    """E415: a field that the ERP needs and no rule sets."""
    return Diagnostic(
        "E415",
        f"`{entity}` needs `{field}`, and no rule sets it",
        label=Label(where),
        help=f"add a rule `{field}: …`",
    )


def companion_missing(name: Text, companion: str) -> Diagnostic:
    """E416: a field that has no effect without its flag."""
    return Diagnostic(
        "E416",
        f"`{name.value}` has no effect unless `{companion}` is true",
        label=Label(name.span()),
        help=f"add `{companion}: {{const: true}}`",
    )


def companion_may_be_false(name: Text, companion: str, value: Span) -> Diagnostic:
    """E416: a flag that is not proved to be true whenever its field is set."""
    return Diagnostic(
        "E416",
        f"`{name.value}` has no effect unless `{companion}` is true",
        label=Label(value, "this may be false, or missing"),
        related=(Label(name.span(), "while this is set"),),
        help=f"write `{companion}: {{const: true}}`, or the condition that sets `{name.value}`",
    )


def wrong_part(name: Text, expected: str, found: str) -> Diagnostic:
    """E417: a value where rows belong, rows where a value belongs."""
    return Diagnostic(
        "E417",
        f"`{name.value}` takes {expected}, this rule gives {found}",
        label=Label(name.span()),
        help={
            "a value": "use an expression, `const:` or `lookup:`",
            "rows": "use `each: LIST`, `as: NAME` and `fields:`",
            "an object": "use `fields:`, with `object:` and `as:` where the source may be missing",
        }.get(expected),
    )


def unfit_identity(name: Text, entity: str, fit: Iterable[str]) -> Diagnostic:
    """E418: an identity in a field that cannot be searched for, or that the ERP replaces."""
    names = tuple(fit)
    listed = ", ".join(f"`{found}`" for found in names) or "no field of this entity"
    return Diagnostic(
        "E418",
        f"`{entity}.{name.value}` cannot carry the identity",
        label=Label(name.span()),
        notes=("the runtime finds a document again by this field after a crash",),
        help=suggestion(name.value, names) or f"it can be carried by {listed}",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def auto_numbered(name: Text, entity: str) -> Diagnostic:
    """E419: a key that the ERP replaces by the next number."""
    return Diagnostic(
        "E419",
        f"`{entity}.{name.value}` is numbered by the ERP; a value sent is replaced",
        label=Label(name.span()),
        help="remove the rule; the identity goes to `identity:`",
    )


def changing_identity(
    span: Span, path: str, lasting: Iterable[str], *, is_of_the_erp: bool = False
) -> Diagnostic:
    """E420: an identity over a field that may change, so that a change makes a duplicate."""
    listed = ", ".join(f"`{found}`" for found in sorted(lasting)) or "none yet"
    return Diagnostic(
        "E420",
        f"the identity reads `{path}`, which may change",
        label=Label(span),
        notes=("a record whose identity changes is delivered a second time",),
        help=(
            f"the entity's keys never change: {listed}"
            if is_of_the_erp
            else f'fields marked `"readOnly": true` in the source schema never change: {listed}'
        ),
    )


def unused_source_fields(span: Span, parent: str, fields: tuple[str, ...]) -> Diagnostic:
    """E431: source fields that no rule reads and no line ignores."""
    shown = ", ".join(f"`{field}`" for field in fields)
    plural = "s" if len(fields) > 1 else ""
    return Diagnostic(
        "E431",
        f"no rule reads the source field{plural} {shown} of `{parent}`",
        label=Label(span),
        help=f"use what matters; the rest goes under `ignore:`, like `{parent}.{fields[0]}: why`",
    )


def cells_hold_one_value(span: Span, fields: tuple[str, ...]) -> Diagnostic:
    """E438: a CSV source whose schema has lists or objects."""
    shown = ", ".join(f"`{field}`" for field in fields)
    several = "are lists or objects" if len(fields) > 1 else "is a list or an object"
    return Diagnostic(
        "E438",
        f"a cell of CSV holds one value; {shown} {several}",
        label=Label(span),
        help="describe one row of the file: text, numbers, true or false, dates",
    )


def idle_ignore(path: Text, known: Iterable[str]) -> Diagnostic:
    """E432: an ignore that matches no source field."""
    near = near_names(path.value, known)
    return Diagnostic(
        "E432",
        f"no source field is called `{path.value}`",
        label=Label(path.span()),
        help=suggestion(path.value, near) or "remove the line",
        fix=repairs.renamed(path.span(), path.value, near),
    )


def ignored_but_used(path: Text, used: str) -> Diagnostic:
    """E433: a field that is ignored and used."""
    what = "it" if used == path.value else f"`{used}`"
    return Diagnostic(
        "E433",
        f"`{path.value}` is ignored, but a rule reads {what}",
        label=Label(path.span()),
        help="remove the line",
    )


def wrong_type(
    span: Span, field: str, wanted: str, found: str, help_line: str | None
) -> Diagnostic:
    """E231: a rule's value has not the type of its field."""
    if help_line is None and wanted == "an int" and found.startswith("a decimal"):
        may_be_missing = found != "a decimal"
        help_line = "cut its places off: " + (
            "`.optMap(number, int(number))`" if may_be_missing else "`int(…)`"
        )
    return Diagnostic(
        "E231",
        f"`{field}` is {wanted}, this is {found}",
        label=Label(span, f"this is {found}"),
        help=help_line or _WRITTEN_AS.get(wanted) or _no_rule(wanted),
    )


_WRITTEN_AS: Mapping[str, str] = {
    "a bool": "write `true` or `false`, or a condition under `value:`",
    "a string": "put it in quotes: `'…'`, or make text of it: `string(…)`",
    "a decimal or an int": "write a number without quotes",
    "an int": "write a whole number without quotes",
    "a date": "write a date like `2026-01-31`",
    "a timestamp": "write an instant under `value:`: `timestamp('2026-01-31T12:00:00Z')`",
}


def _no_rule(wanted: str) -> str | None:
    return (
        "remove the rule; such fields are set in the ERP" if "no rule can give" in wanted else None
    )


def missing_flows(
    span: Span, field: str, found: str, *, is_identity: bool = False, is_part: bool = False
) -> Diagnostic:
    """E232: a value that may be missing reaches a field that may not."""
    what_then = "say what then: `if_missing: reject`, or `if_missing: ` and a value"
    always_there = "leave `object:` out, and say what is missing in its `fields:` by `if_missing:`"
    certain = (
        "build the identity of fields that every record has: `required` in the source schema; "
        "or take the value by `.value()`, which rejects a record without it"
    )
    return Diagnostic(
        "E232",
        f"`{field}` has to be set, and this may be missing",
        label=Label(span, f"this is {found}"),
        help=certain if is_identity else always_there if is_part else what_then,
    )


def idle_if_missing(modifier: Text, span: Span, name: str = "if_missing") -> Diagnostic:
    """E233: a way with missing values where none can be missing."""
    return Diagnostic(
        "E233",
        "this value is never missing",
        label=Label(modifier.span(), "so this never happens"),
        related=(Label(span, "always there"),),
        help=f"remove `{name}:`; or the source schema is wrong about the field",
        fix=repairs.without_modifier(modifier.span(), name),
    )


def unfit_modifier(modifier: Span, name: str, why: str) -> Diagnostic:
    """E234: a modifier that makes no sense for the rule's type or kind."""
    return Diagnostic(
        "E234",
        f"`{name}` {why}",
        label=Label(modifier),
        help=f"remove `{name}:`",
        fix=repairs.without_modifier(modifier, name),
    )


def constant_too_long(span: Span, field: str, length: int, most: int) -> Diagnostic:
    """E235: a constant that does not fit."""
    return Diagnostic(
        "E235",
        f"`{field}` holds {most} characters, this has {length}",
        label=Label(span),
        help="shorten it",
    )


def table_value_too_long(span: Span, holds: str, has: str, value: Span | None) -> Diagnostic:
    """E247: a value of a lookup table that its field does not hold; `value`: where it stands."""
    return Diagnostic(
        "E247",
        f"{holds}, {has}",
        label=Label(span),
        related=(Label(value, "too long"),) if value else (),
        help="shorten the value; or `too_long: truncate`",
    )


def not_unique_by(name: Text, known: Iterable[str]) -> Diagnostic:
    """E248: `unique` or `row_key` names what is no single value of the rows."""
    names = tuple(known)
    listed = ", ".join(f"`{found}`" for found in names) or "none"
    return Diagnostic(
        "E248",
        f"no rule gives the rows a value `{name.value}`",
        label=Label(name.span()),
        help=suggestion(name.value, names) or f"the values of a row are {listed}",
        fix=repairs.renamed(name.span(), name.value, names),
    )


def bare_division(span: Span) -> Diagnostic:
    """E236: a division without a rounding."""
    return Diagnostic(
        "E236",
        "a division has no last digit: it needs a rounding around it",
        label=Label(span),
        help="write `(a / b).round(2)`, or give the rule `places:` and `rounding:`",
    )


def no_truncation(span: Span, field: str) -> Diagnostic:
    """E237: an identity or key must not be cut."""
    return Diagnostic(
        "E237",
        f"`{field}` identifies a document and is never truncated",
        label=Label(span),
        help="remove `too_long: truncate`",
        fix=repairs.without_modifier(span, "too_long"),
    )


def not_of_type(span: Span, what: str, wanted: str, found: str) -> Diagnostic:
    """E238: a condition that is none, a list that is none."""
    return Diagnostic(
        "E238",
        f"{what} has to be {wanted}, this is {found}",
        label=Label(span, f"this is {found}"),
        help=_TURNED_INTO.get(wanted),
    )


_TURNED_INTO: Mapping[str, str] = {
    "true or false": "compare it with a value: `… == 'paid'`, `… > 0`, `… != null`",
    "a list": "name a list of the source; `fields:` alone writes a part, without `each:`",
    "an object": "name an object of the source; `fields:` alone needs none",
    "a string or an int": "make text of it: `string(…)`",
    "text": "make text of it: `string(…)`",
}


def repeated_condition(second: Text, first: Text) -> Diagnostic:
    """E591: a condition that an earlier one has decided already."""
    return Diagnostic(
        "E591",
        "this condition is never reached: the same one stands above",
        label=Label(second.span(), "second"),
        related=(Label(first.span(), "first"),),
        help="remove one of them, or correct it",
    )


def blank_constant(span: Span, field: str) -> Diagnostic:
    """E592: a constant that is blank, for a field that has to be set."""
    return Diagnostic(
        "E592",
        f"`{field}` has to be set, and this is blank",
        label=Label(span),
        help="write a value: the ERP takes a blank for none",
    )


def rounding_without_places(span: Span) -> Diagnostic:
    """E239: a rounding that does not say to how many places."""
    return Diagnostic(
        "E239", "`rounding` needs `places`", label=Label(span), help="add `places: 2`"
    )


def blocks_differ(field: Text, found: str, first: Text, before: str) -> Diagnostic:
    """E490: two blocks of one list give a field values of types that do not go together."""
    return Diagnostic(
        "E490",
        f"the blocks give `{field.value}` values of different types",
        label=Label(field.span(), f"here {found}"),
        related=(Label(first.span(), f"here {before}"),),
        help="convert one of them",
    )


def never_a_row(span: Span) -> Diagnostic:
    """E491: a list written out that has no elements."""
    return Diagnostic(
        "E491",
        "this list is always empty, so that no row comes of it",
        label=Label(span),
        help="remove the rule or the block, or name the list that it goes over",
    )


def identity_by_table(span: Span, table: str) -> Diagnostic:
    """E496: an identity out of a lookup table, whose entries may change."""
    return Diagnostic(
        "E496",
        f"the identity looks up in `{table}`, whose entries may change",
        label=Label(span),
        help="build it from fields of the record that never change",
    )
