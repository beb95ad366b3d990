"""E71x: what can be wrong with specs that take words of other files: defaults, overlays."""

from mapgen.report.message import Message

idle_default = Message(
    "E710: no flow takes the default `{it}`",
    help="remove it; or remove `{it}:` from the flows that say the same",
    severity="warning",
)
