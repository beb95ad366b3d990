"""E401-E409: OpenAPI documents, contract locks and overlays; E511-E513: the files they are in."""

from mapgen.report.message import Message

not_openapi = Message(
    "E401: this is not the OpenAPI document of an ERP endpoint: {reason}",
    notes="understood are OpenAPI 3.0 and Swagger 2.0, of contract versions 4 and 5",
    help="fetch it from the tenant: `GET /entity/{{endpoint}}/{{version}}/swagger.json`",
)
malformed_openapi = Message(
    "E402: the OpenAPI document is not shaped as the ERP writes it: {reason}",
    help="fetch the document again, and leave it as the ERP wrote it",
)
unknown_wrapper = Message(
    "E403: {fields:, 1} is of type `{name}`, neither a known value type nor an entity",
    notes="a value type that is not known cannot be checked or converted",
    help="ask for support of the type, or import an endpoint without the field",
)
unknown_entity = Message(
    "E404: {where:the document of/the lock of} `{endpoint}` has no entity `{it}`",
    help="it has {known:, 9}. {where:An entity of your own is in the endpoint of your own that"
    " extends this one: import that one's document/`mapgen contract import --entities` takes more"
    " into the lock, `mapgen contract show` lists those in it}",
)
malformed_lock = Message(
    "E405: the contract lock is malformed: {reason}",
    help="make it anew with `mapgen contract import`; facts of your own belong in the overlay",
)
lock_of_another_format = Message(
    "E406: the contract lock is of format {found}, and this mapgen reads format {understood}",
    help="make it anew with `mapgen contract import`",
)
edited_lock = Message(
    "E593: the contract lock was changed by hand: its content has another checksum",
    help="make it anew with `mapgen contract import`; facts of your own belong in the overlay",
)
incomplete_group = Message(
    "E407: the group about `{entity}` states no {lacks}",
    by="lacks",
    helps={
        "fact": "state one, or remove the group",
        "source": "say where the facts are documented, or who has seen them",
    },
)
unknown_in_overlay = Message(
    "E408: {what} has no `{it}`",
    notes="an overlay may only state facts about what the contract has",
)
contradiction_in_overlay = Message(
    "E409: the overlay contradicts the contract: {reason}", related="first: the first time"
)
unreadable = Message(
    "E511: `{path}` {reason}", help="paths are relative to the folder where the command runs"
)
not_json = Message(
    "E512: this is not JSON: {reason}",
    help="is the file whole? JSON has no comments, and no comma behind the last member",
)
malformed_metadata = Message(
    "E513: the file is not what it was given as: {reason}",
    notes="`--keys` takes `{{entity: [key field, ...]}}`\n`--metadata` takes `{{entity: {{fields: "
    "{{field: {{type, label, sql}}}}}}}}`",
)
