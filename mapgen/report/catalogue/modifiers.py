"""E47x: what can be wrong with operations, and with what a rule says of its value beyond it."""

from mapgen.report.message import Message

row_key_missing = Message(
    "E470: an {operation} of the rows `{it}` has to recognise those that are there",
    related="operation: the operation",
    notes="the ERP appends each row that comes without the id of one that it has",
    help="add {candidate:`row_key: [{candidate}]`/`row_key:` and a field that is always "
    "set}{is_upsert:; or `write_once: true`, where the rows never change/}",
)
uncertain_row_key = Message(
    "E471: a row is recognised by `{it}`, which may be left out",
    related="rule: may give no value",
    help="say what then: `if_missing: reject`; or recognise the rows by another field",
)
write_once_idle = Message(
    "E472: `write_once` is for `operation: upsert`; {is_update:an `update` makes no new document: "
    "the field would never be sent/a `create` writes a document once anyway}",
    related="operation: the operation",
    help="{is_update:write `operation: upsert`, or remove the rule/remove `write_once:`}",
)
write_once_unfit = Message("E473: `write_once` {why}")
nothing_to_clear = Message(
    "E474: a new document has nothing to be emptied",
    related="operation: the operation",
    help="remove `clear_if_missing:`; a missing value gives no field",
)
cannot_be_emptied = Message("E475: `{field}` cannot be emptied: {why}")
idle_on_error = Message(
    "E476: {why}",
    label="{value:so this never happens/}",
    related="value: cannot fail",
    help="remove `on_error:`",
)
undo_of_an_update = Message(
    "E477: `{it}` takes back a whole `{entity}`, also one that was there before",
    related="operation: changes documents that are there",
    help="say what a wrong update comes to: `rollback: {{irreversible: …}}`",
)
empty_range = Message("E478: no {kind} is `{it}`", help="a range is one stretch: `> 0 and <= 1000`")
constant_out_of_range = Message(
    "E479: `{shown}` is not `{bounds}`: every record would be rejected",
    related="bounds: the range",
    help="change one of the two",
)
removes_nothing = Message(
    "E644: nothing is removed here: rows that are updated and have a `row_key` may be",
    help="add `row_key:`, or remove `removed_rows:`; a new document has no rows to remove",
)
zero_of_no_number = Message(
    "E645: `{entity}` has no number `{name}`",
    help="name a number of the row: {numbers:, 5|there is none}",
)
