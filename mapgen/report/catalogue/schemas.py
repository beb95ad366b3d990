"""E42x: what can be wrong with the schema of a source, or of a target outside the ERP."""

from mapgen.report.message import Message

not_a_schema = Message(
    "E421: at `{pointer}` the {what} schema is no JSON Schema: {reason}",
    help="{what} schemas are JSON Schema 2020-12",
)
endless_schema = Message(
    "E421: the source schema has {count:,} fields when its `$ref`s are followed; at most {most:,}",
    help="leave out of `properties` what no rule reads",
)
unsupported_keyword = Message(
    "E422: at `{pointer}` the {what} schema uses `{keyword}`: then a field has no one type",
    help='give the field one `type`, with "null" beside it if it can be null',
)
unheld_keyword = Message(
    "E428: at `{pointer}` the source schema says `{keyword}`: {reason}",
    help="take the keyword out of the schema, or say it in another way",
)
unknown_reference = Message(
    "E423: at `{pointer}` the {what} schema refers to `{reference}`, which it does not define",
    help="references lead to a place in the same file: `#/$defs/NAME`",
)
unusable_name = Message(
    "E426: the name of the member `{name}` of `{owner}` has a character that rules cannot use",
    label="uses it",
    notes='members are read and written by names without `"`, `\\` and control characters',
    help="have the schema name the member in another way, or use another one",
)
name_like_a_path = Message(
    "E426: the name of the member `{name}` reads like a path, which rules cannot use",
    notes="in paths, `.` goes into an object and `[]` into a list",
    help="let the source name it in another way, or ignore it with a reason",
)
root_is_no_object = Message(
    "E424: the {what} schema describes a {found}, not an object",
    help="the schema describes one record; what a shop wraps it in goes to `envelope:`",
    by="what",
    helps={"target": "the schema describes one document"},
)
