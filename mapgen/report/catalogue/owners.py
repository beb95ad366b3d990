"""E60x: what can be wrong between the flows of a workspace that write the same documents."""

from mapgen.report.message import Message

made_by_two = Message(
    "E601: `{one}` and `{other}` may make the same `{entity}`: nothing tells their identities "
    "apart{environment: in the environment `{environment}`/}",
    label="of `{one}`",
    related="first: of `{other}`",
    help="tell them apart, like by `+ '-{one}'`; or let one make it: `owner: {other}` here, or "
    "`operation: update`",
)
unknown_owner = Message(
    "E602: no flow makes documents called `{it}`", help="those who make it are {known: or }"
)
unfit_owner = Message("E603: `{it}` cannot be the owner: {why}")
idle_owner = Message(
    "E604: `owner` goes with `operation: create`: this {makes:is to make what is absent/makes no "
    "documents in the ERP}",
    related="operation: the operation",
    help="{makes:write `operation: update`, which leaves it to others/remove `owner`}",
)
unseen_flow = Message(
    "E605: whether `{spec}` makes the same documents is not known: it has errors of its own",
    help="run `mapgen check {spec}`",
    severity="warning",
)
updated_by_two = Message(
    "E606: `{one}` and `{other}` update the same fields of a `{entity}`: {fields:, 5}",
    label="of `{one}`",
    related="first: of `{other}`",
    notes="whichever changed last stays, and the other flow does not notice",
    help="leave the field to one of them, or say with `because` why both write it",
    severity="warning",
)
