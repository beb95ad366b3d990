"""E48x: what can be wrong between the documents that one record becomes."""

from mapgen.report.message import Message, misnamed, of_two

two_forms = Message(
    "E480: `{it}` is for a flow with one document, and `documents` says that it has several",
    related="documents: several documents",
    help="move {found:, } into one of the documents",
)
unknown_document = Message(
    "E481: no other document is called `{it}`",
    help="{known:the other is {known:, }/the others are {known:, }/there is no other}",
)
waiting_in_a_circle = Message(
    "E482: no document of these can be the first: {circle: after }", help="remove one `after:`"
)
same_for_all_rows = Message(
    "E483: the identity is the same for all rows, so that only one document could be delivered",
    related="alias: a document for each of these",
    help="build it from a field of `{alias}`, too",
)
same_identity = of_two(
    "E484: two documents of `{entity}` have the same identity",
    help="add what tells them apart, like `+ '-billing'`; a second write of what `{document}`"
    " creates has `operation: update` and `after: [{document}]`",
)
other_contract = of_two(
    "E485: the documents of a flow have one contract; this is `{it}`, the first is `{first}`",
    help="pin one contract with the entities of both, or make two flows",
)
not_after = Message(
    "E486: `{document}` does not wait for `{it}`, whose key it takes",
    related="document: the document",
    help="add `after: [{it}]` to `{document}`",
)
which_of_many = Message(
    "E487: there is one `{it}` for each row, and `made` takes the key of one",
    related="rows: many are made here",
    help="build the value from the same source fields, or make the other without `each:`",
)
written_over = of_two(
    "E489: two updates of one document set {fields:, }: a newer state of one would be undone by"
    " an older state of the other",
    help="set it in one of them alone",
)
not_a_key = Message(
    "E488: `{it}` is no key of `{entity}`",
    help="{known:its key is {known:, }/its keys are {known:, }/it has no keys}",
)
step_outside = Message(
    "E641: `{it}` is an action of the ERP, and the document goes elsewhere", help="remove `then:`"
)
step_twice = of_two(
    "E642: `{it}` follows the document twice",
    help="keep one of the two: a step is done once with a document",
)
not_compared = Message(
    "E649: nothing shows what the target has of `{document}`: its books cannot be compared",
    help="say under `send:` how a document is looked up, `find:`, or remove `reconcile:`",
)
shows_nothing = misnamed(
    "E643: `{entity}` has no text, choice or flag `{it}`, by which a step would be seen as done",
    help="name a field that shows it: {known:, 5|there is none}",
)
unknown_branch = Message(
    "E646: no setting of type `string` is called `{it}`",
    help="declare it under `settings:`{known:; there is {known:, }/; there are {known:, }/}",
)
unknown_parameter = misnamed(
    "E647: the action `{action}` has no parameter `{it}`",
    help="{known:its parameter is {known:, }/its parameters are {known:, }/it takes none}",
)
unfit_parameter = Message(
    "E648: the parameter `{name}` is of type {kind}, and this is `{it}`",
    help="write a value of that type; a day is `2026-01-31`",
)
file_from_nowhere = Message(
    "E650: nothing says where the path of this file begins",
    label="this path",
    help="name a folder of the workspace, `in: FOLDER`, or a connection, `from: CONNECTION`",
)
holds_no_files = Message(
    "E651: `{it}` is a connection of kind `{kind}`, from which no file is read",
    help="name one of a kind that has files: {takes:, }",
)
no_folders_there = Message(
    "E652: a connection of kind `{kind}` has no folders",
    label="this folder",
    help="remove `in:`, and have the path hold all of the address behind that of the API",
)
