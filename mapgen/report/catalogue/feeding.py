"""E62x: what can be wrong with where records come from by themselves."""

from mapgen.report.message import Message

unfit_feed = Message(
    "E621: such a feed gives records of a source that is {takes:, }; this one is {form}",
    help="take it out, or describe the source as what the feed sends",
)
unfit_connection = Message(
    "E622: `{it}` is a connection of kind `{kind}`, by which no such feed comes",
    help="name one of a kind by which it does: {takes:, }",
)
no_moment = Message(
    "E623: `{it}` is no field of `{entity}` that says when a record was last changed",
    help="one of these may: {known:, |none; write `feed: {{read: all}}`}",
)
feed_twice = Message(
    "E624: two feeds of the flow are one: `{name}`",
    label="and this one",
    related="first: this one",
    help="make them one, with all topics in a list",
)
never_started = Message(
    "E625: nothing starts the flow: a `batch` runs by its `schedule`, and there is none",
    help="write `schedule:`, or `mode: queued`",
)
never_looked_at = Message(
    "E627: nothing looks whether something came by this feed: the flow has no `schedule`",
    help="write `schedule: every minute` under `performance`",
)
nothing_to_join = Message(
    "E626: records of a feed come without the records that `{name}` finds in their file",
    related="join: the join",
    help="take the feed out, or have each record hold what is joined",
)
no_query = Message(
    "E628: the query of a feed is a `SELECT`, and this is none",
    help="write `SELECT … FROM …`; a feed only reads",
)
idle_cursor = Message(
    "E629: `read: all` reads all each time, so nothing asks by `{it}`",
    help="remove one of the two",
)
folder_of_another_use = Message(
    "E630: what is in `{it}` is written by authors, or by `mapgen generate`",
    help="name a folder of their own, beside `specs/` and `generated/`",
)
