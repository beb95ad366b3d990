"""E42x: what can be wrong with the schema of a source, or of a target outside the ERP."""

from mapgen.report.message import Message

not_a_schema = Message(
    "E421: at `{pointer}` the {what} schema is no JSON Schema: {reason}",
    help="{what} schemas are JSON Schema 2020-12",
)
too_large = Message(
    "E421: the {what} schema describes more than {most:,} places, with all alternatives",
    help="leave out of it what no rule reads, or have fewer alternatives within each other",
)
unsupported_keyword = Message(
    "E422: at `{pointer}` the {what} schema uses `{keyword}`: then a field has no one type",
    by="what",
    help="say under `values:` of the source what the field is: `decimal`, `string`, …",
    helps={"target": 'give the field one `type`, with "null" beside it if it can be null'},
)
untyped_value = Message(
    "E422: at `{pointer}` the source schema gives no type",
    help="say under `values:` of the source what the field is: `decimal`, `string`, …",
)
unheld_keyword = Message(
    "E428: at `{pointer}` the source schema says `{keyword}`: {reason}",
    help="say under `values:` of the source what the field is: then the keyword is skipped",
)
unfit_value = Message(
    "E429: `{it}` cannot be declared so: {why}",
    help="declare text, numbers, true or false, dates and lists of one, none of them part of a key",
)
unknown_reference = Message(
    "E423: at `{pointer}` the {what} schema refers to `{reference}`, which is not there",
    by="where",
    help="a reference leads to a place in the file, `#/$defs/NAME`, or to a file of `specs/`, "
    "`address.json#/$defs/NAME`",
    helps={"URL": "nothing is fetched: save what it leads to beside the schema, by its last name"},
)
no_such_place = Message(
    "E424: the {what} schema is not at `{path}{it}`: there is no object there",
    help="name the place of the record in the file, `FILE#/components/schemas/NAME`; it has "
    "{known:, 5|no such place}",
)
unusable_name = Message(
    "E426: the name of the member `{name}` of a document has a character that rules cannot write",
    notes='members are written by names without `"`, `\\` and control characters',
    help="have the schema name the member in another way, or use another one",
)
half_a_letter = Message(
    "E426: `{owner}` has a member whose name has half of a letter in it, which no text can have",
    label="reads it",
    notes="a surrogate, such as `\\ud800`, is a letter only together with another one",
    help="let the source name it in another way, or read the other members one by one",
)
root_is_no_object = Message(
    "E424: the {what} schema describes a {found}, not an object",
    help="the schema describes one record; what a shop wraps it in goes to `envelope:`",
    by="what",
    helps={"target": "the schema describes one document"},
)
no_metadata = Message(
    "E596: `{path}` is no `$metadata` of OData: {reason}",
    help="save what the ERP answers to `/t/TENANT/api/odata/gi/$metadata`",
)
unknown_inquiry = Message(
    "E597: `{path}` tells of no inquiry `{it}`",
    help="name one as its address does, exposed via OData: {known:, 5|there is none}",
)
