"""E71x: what can be wrong with specs that take words of other files: defaults, overlays."""

from __future__ import annotations

from mapgen.report.message import Message, of_two

idle_default = Message(
    "E710: no flow takes the default `{it}`",
    help="remove it; or remove `{it}:` from the flows that say the same",
    severity="warning",
)
extends_itself = Message(
    "E711: the flow extends itself{through:, over {through:, }/}",
    related="first: and this one leads back",
    help="let one of them be written out",
)
no_spec = Message(
    "E711: `{it}` is no spec: a flow extends the spec of another one",
    help="name a file that ends in `.maps.yaml`, from `specs/`",
)
nothing_there = Message(
    "E712: {where:`{where}` of the base/the base} has no `{it}`", help="there are {known:, 8}"
)
beyond_a_value = Message(
    "E712: `{path}` leads nowhere: `{where}` of the base is one value",
    help="change `{where}` as a whole",
)
there_already = Message(
    "E713: {where:`{where}` of the base/the base} has `{it}` already",
    related="first: in the base",
    help="`replace` it, or remove the change",
)
not_the_next = Message(
    "E713: `{where}` of the base is a list of {count}: `{it}` is none of the next",
    help="add the first one at `{where}.{count}`",
)
idle_change = Message("E714: `{it}` says what the base says", help="remove the change")
change_in_a_change = of_two(
    "E715: `{it}` is inside of what another change is about",
    help="say it there, or change only what differs there",
)
extends_none = Message(
    "E717: the flow `{it}` extends none",
    help="`rebase` is for flows that have `extends:`",
    path="{path}",
)
base_has_changed = Message(
    "E716: `{flow}` does not mean what it meant when this was written",
    label="what it meant",
    help="look at both, adapt the changes, then run `mapgen rebase {own}`",
)
