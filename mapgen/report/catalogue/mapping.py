"""E31x, E41x, E43x: what can be wrong between a spec, its source and the ERP's contract."""

from __future__ import annotations

from mapgen.report import fixes
from mapgen.report.diagnostic import Diagnostic
from mapgen.report.message import Message, Place, misnamed, of_two

_IN_OVERLAY = (
    " under `entities:` of {overlay}, and run `mapgen contract import` again (the lock's"
    " `made_with` says how)"
)

two_rules = of_two(
    "E311: two rules write `{field}`",
    help="keep one; `first_of:` or `cases:` choose between values",
)
name_taken = Message(
    "E312: the name `{it}` is taken", related="first: taken here", help="choose another name"
)
unknown_lookup = misnamed(
    "E313: no lookup is called `{it}`",
    help="declare it: `lookups: {{{it}: {{table: …, key: …, value: …}}}}`",
    unknown="lookup",
)
unused_name = Message("E314: no rule uses the {what} `{it}`", help="remove it, or use it")
wrong_key_columns = Message(
    "E317: the key of `{table}` is {wanted: and |one part}, this gives {found: and |one value}",
    help="write `key: {form}`",
)
values_not_in_table = Message(
    "E318: `{table}` has no {missing:entry/entries} for {missing:, }, which `{field}` may be",
    related="table: the table",
    help="add what is missing; or say what then: `otherwise: …`, `on_miss: reject`",
)
blank_entry = Message(
    "E319: `{table}` has a blank entry",
    help="remove the entry, and say what a miss means: `on_miss: omit`, `otherwise: …`",
)
unknown_contract = misnamed(
    "E410: the contract `{it}` is not pinned in specs/contracts/",
    help="{known:pinned is {known:, }/pinned are {known:, }/none is pinned}; `mapgen contract "
    "import` pins another",
)
unknown_entity = misnamed(
    "E411: the contract `{contract}` has no top-level entity `{it}`",
    help="the lock has {known:, 9}; `mapgen contract import --entities` takes more into it",
)
unknown_field = misnamed(
    "E412: `{entity}` has no field `{it}`",
    notes="the ERP answers 200 and drops the value of a field that it does not know",
    help="a field outside the contract goes to `custom:` as `View.Field`",
)
unknown_member = Message("E412: `{entity}` has no field `{it}`", help="its schema has {known:, }")
calculated_field = Message(
    "E413: `{entity}.{it}` is calculated by the ERP; a value sent is ignored",
    help="remove the rule; compare totals under `checks:`",
)
read_only_field = Message("E414: `{entity}.{it}` is read-only", help="remove the rule")
required_field = Message(
    "E415: `{entity}` needs `{field}`, and no rule sets it", help="add a rule `{field}: …`"
)
undecided_rule = Message(
    "E425: `{it}` is to be decided: {question}",
    help="write the rule in place of `todo:`; remove it where the field stays empty",
)
flag_may_be_false = Message(
    "E416: `{name}` has no effect unless `{flag}` is true",
    label="this may be false, or missing",
    related="name: while this is set",
    help="leave the rule out: `{flag}` is sent with `{name}`",
)
wrong_part = Message(
    "E417: `{it}` takes {expected}, this rule gives {found}",
    by="expected",
    helps={
        "a value": "use an expression, `const:` or `lookup:`",
        "rows": "use `each: LIST`, `as: NAME` and `fields:`",
        "an object": "use `fields:`, with `object:` and `as:` where the source may be missing",
    },
)
unfit_identity = misnamed(
    "E418: `{entity}.{it}` cannot carry the identity",
    notes="the runtime finds a document again by this field after a crash",
    by="way",
    helps={
        "outside": "it can be carried by {known:, |no field of this entity}",
        "unfit": "it can be carried by a text that can be searched for, and that the ERP never"
        " changes: {known:, |of this entity none is known}",
        "fit": "{known:it can be carried by {known:, }/it can be carried by {known:, }/no field of"
        " `{entity}` is known to carry one}. If the ERP never changes `{it}`, write"
        " `{entity}: [{{identities: [{all}], source: WHERE}}]`" + _IN_OVERLAY,
    },
)
auto_numbered = Message(
    "E419: `{entity}.{it}` is numbered by the ERP; a value sent is replaced",
    help="leave it out, and put the identity into another field. If your tenant does not number"
    " them, write `{entity}: [{{auto_numbered: false, source: WHERE}}]`" + _IN_OVERLAY,
)
changing_identity = Message(
    "E420: the identity reads `{field}`, which may change",
    notes="a record whose identity changes is delivered a second time",
    help='{is_of_the_erp:the entity\'s keys/fields marked `"readOnly": true` in the source '
    "schema} never change: {lasting:, |none yet}",
)
unused_source_fields = Message(
    "E431: no rule reads the source field{fields:/s} {fields:, } of `{parent}`",
    help="use what matters; the rest goes under `ignore:`, like `{entry}`",
)
cells_hold_one_value = Message(
    "E438: a cell of CSV holds one value; {fields:, } {fields:is a list or an object/are lists or "
    "objects}",
    help="describe one row of the file: text, numbers, true or false, dates",
)
idle_ignore = misnamed("E432: no source field is called `{it}`", help="remove it")
ignored_but_used = Message(
    "E433: `{it}` is ignored, but a rule reads {used:`{used}`/it}", help="remove it"
)


def wrong_type(
    at: Place, field: str, wanted: str, found: str, help: str | None = None
) -> Diagnostic:
    """Say how a value is written as the type of its field."""
    help = help or (_CUT_OFF.get(found) if wanted == "an int" else None)
    return _WRONG_TYPE(at, field=field, wanted=wanted, found=found, help=help)


_CUT_OFF = {
    "a decimal": "cut its places off: `int(…)`",
    "a decimal that may be missing": "cut its places off: `.optMap(number, int(number))`",
}
_WRONG_TYPE = Message(
    "E231: `{field}` is {wanted}, this is {found}",
    label="this is {found}",
    by="wanted",
    helps={
        "a bool": "write `true` or `false`, or a condition under `value:`",
        "a string": "put it in quotes: `'…'`, or make text of it: `string(…)`",
        "a decimal or an int": "write a number without quotes",
        "an int": "write a whole number without quotes",
        "a date": "write a date like `2026-01-31`",
        "a timestamp": "write an instant under `value:`: `timestamp('2026-01-31T12:00:00Z')`",
    },
)
missing_flows = Message(
    "E232: `{field}` has to be set, and this may be missing",
    label="this is {found}",
    help="say what then: `if_missing: reject`, or `if_missing: ` and a value",
    by="what",
    helps={
        "identity": "build the identity of fields that every record has: `required` in the source"
        " schema, keys of an entity; or take the value by `.value()`, which rejects a record"
        " without it",
        "part": "leave `object:` out, and say what is missing in its `fields:` by `if_missing:`",
    },
)
idle_if_missing = Message(
    "E233: this value is never missing",
    label="so this never happens",
    related="value: always there",
    help="remove `{name}:`; or the source schema is wrong about the field",
    fix=lambda span, of: fixes.without_modifier(span, of["name"]),
)
unfit_modifier = Message(
    "E234: `{name}` {why}",
    help="remove `{name}:`",
    fix=lambda span, of: fixes.without_modifier(span, of["name"]),
)
idle_default = Message(
    "E234: `default` is `otherwise` and `if_missing` of a rule in one",
    label="has no place here",
    help="write `default:` alone; in `first_of`, write the value behind the lookup",
)
constant_too_long = Message(
    "E235: `{field}` holds {most} characters, this has {length}", help="shorten it"
)
constant_with_control_character = Message(
    "E249: the constant holds the control character {character}",
    help="delete it; text of the ERP has none but tabs and line breaks",
)
table_value_too_long = Message(
    "E247: {holds}, {has}",
    related="value: too long",
    help="shorten the value; or `too_long: truncate`",
)
not_unique_by = misnamed(
    "E248: no rule gives the rows a value `{it}`",
    help="{known:the value of a row is {known:, }/the values of a row are {known:, }/a row has no "
    "values}",
)
bare_division = Message(
    "E236: a division has no last digit: it needs a rounding around it",
    help="write `(a / b).round(2)`, or give the rule `places:` and `rounding:`",
)
no_truncation = Message(
    "E237: `{field}` identifies a document and is never truncated",
    help="remove `too_long: truncate`",
    fix=lambda span, _: fixes.without_modifier(span, "too_long"),
)
not_of_type = Message(
    "E238: {what} has to be {wanted}, this is {found}",
    label="this is {found}",
    by="wanted",
    helps={
        "true or false": "compare it with a value: `… == 'paid'`, `… > 0`, `… != null`",
        "a list": "name a list of the source; `fields:` alone writes a part, without `each:`",
        "an object": "name an object of the source; `fields:` alone needs none",
        "a string or an int": "make text of it: `string(…)`",
        "text": "make text of it: `string(…)`",
    },
)
repeated_condition = of_two(
    "E591: this condition is never reached: the same condition is above",
    help="remove one of them, or correct it",
)
blank_constant = Message(
    "E592: `{field}` has to be set, and this is blank",
    help="write a value: the ERP takes a blank for none",
)
rounding_without_places = Message("E239: `rounding` needs `places`", help="add `places: 2`")
blocks_differ = Message(
    "E490: the blocks give `{it}` values of different types",
    label="here {found}",
    related="first: here {before}",
    help="convert one of them",
)
never_a_row = Message(
    "E491: this list is always empty, so that no row comes of it",
    help="remove the rule or the block, or name the list that it goes over",
)
identity_by_table = Message(
    "E496: the identity looks up in `{table}`, whose entries may change",
    help="build it from fields of the record that never change; of a table whose entries never "
    "change, say `stable: true`",
)
identity_by_miss = Message(
    "E496: the identity depends on whether `{table}` has an entry for the key",
    label="an entry that comes later gives another identity",
    help="reject the record until the entry is there: `lookups.{table}[?…].value()`",
)
