"""What the sandbox says about its seed, its state file and injected failures: E521 to E524."""

from mapgen.report.message import Message

unreadable_seed = Message(
    "E521: the seed `{path}` cannot be used: {reason}",
    help="the seed is one JSON object: entity names and lists of plain objects",
)
unfit_seed_fact = Message("E522: the seed's `{place}` does not fit the tenant: {reason}")
foreign_state = Message(
    "E523: the state file `{path}` is a database that this sandbox did not write",
    help="name another file: a new one is made",
)
unusable_state = Message(
    "E523: the state file `{path}` cannot be used: {reason}",
    help="name another file in a folder that can be written: a new one is made",
)
unreadable_failure = Message(
    "E524: the injected failure `{words}` cannot be read: {reason}",
    help="write it like `drop@PUT:SalesOrder:3` or `slow=2.5@*:*:every 10`",
)
