"""E57x: what can be wrong with a record that is put together: joins, groups of rows."""

from mapgen.report.message import Message

member_taken = Message(
    "E570: the record has a member `{it}` already",
    related="schema: described here",
    help="choose another name",
)
unknown_key_member = Message(
    "E571: {owner} has no member `{it}`", help="its members are {known:, 8}"
)
unfit_key_member = Message(
    "E572: `{it}` can be no part of a key: {why}",
    help="a key is made of {wanted} that every record has (`required`, not null){way}",
)
key_types_differ = Message(
    "E573: `{member}` is {kind}, `{it}` {other}: they never equal each other",
    label="{other}",
    related="member: {kind}",
    help="correct the schema that is wrong, or choose other members",
)
no_key = Message(
    "E574: the join has no key",
    help="say by which members the records belong together, like `on: {{order_id: id}}`",
)
unknown_encoding = Message(
    "E575: `{it}` is no encoding of text that can be read",
    help="usual ones are `utf-8`, `utf-16`, `windows-1252`, `iso-8859-15` and `cp850`",
)
unfit_date_format = Message(
    "E576: the cells of `{column}` cannot be read as `{it}`: {why}",
    help="a format is of letters like `dd.MM.yyyy`, for a column that is a date in the schema",
)
unfit_choice = Message(
    "E577: records cannot be chosen by `{it}`: {why}",
    help="`where:` compares members that are text in the schema",
)
