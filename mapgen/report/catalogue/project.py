"""E50x: what can be wrong with a workspace and the files around a spec."""

from mapgen.report.message import Message, of_two

no_workspace = Message(
    "E501: there is no workspace at `{path}`: no folder `specs/` here or above",
    help="go to the workspace, or name it with `--project DIR`; `mapgen init` starts one",
)
is_workspace = Message(
    "E541: `{path}` is a workspace already, with specs of its own",
    help="add a flow: `mapgen new FLOW --from SAMPLE --to ENTITY`; or start one in another folder",
)
no_specs = Message(
    "E502: `{path}` holds no spec", help="a spec is a file whose name ends in `.maps.yaml`"
)
unknown_flow = Message(
    "E503: no spec defines the flow `{it}`",
    help="{known:the flow is {known:, }/the flows are {known:, }/no flows defined}",
    path="specs",
)
same_flow_twice = of_two(
    "E504: two specs define the flow `{it}`", help="give one of them another name"
)
not_generated = Message(
    "E505: the flow `{flow}` has not been generated",
    help="run `mapgen generate`",
    path="generated/{flow}",
)
damaged_flow = Message(
    "E519: the generated code of the flow `{flow}` cannot be loaded: {reason}",
    help="run `mapgen generate --force`, which writes it anew",
    path="generated/{flow}",
)
edited_code = Message(
    "E594: `{path}` is not as `mapgen generate` wrote it",
    help="what the file should do belongs in the spec; then run `mapgen generate --force`",
)
stale_code = Message(
    "E594: the generated code of the flow `{flow}` is not what its spec says",
    help="run `mapgen generate`",
    path="{spec}",
)
wrong_file_name = Message(
    "E506: the file `{path}` calls itself `{it}`", help="write `{expected}`, or rename the file"
)
unsupported_input = Message(
    "E508: the input `{path}` is not of the format that the flow reads",
    help="the flow reads {reads}; `format:` of its source says which",
)
unknown_stream = Message(
    "E542: the samples are of several streams, and none is called `{it}`",
    help="name one with `--name`: {known:, }",
    path="{file}",
)
unfit_header = Message(
    "E528: the input `{path}` cannot be read: {reason}",
    help="the first line names the columns; are `delimiter:` and `header_line:` right?",
)
unfit_bytes = Message("E529: the input `{path}` cannot be read: {reason}", help="{advice}")
variable_missing = Message(
    "E509: the environment variable `{it}` is not set",
    label="needed here",
    help="set it: `export {it}=…`",
)
cannot_write = Message(
    "E510: `{path}` cannot be written: {reason}", help="see to the reason, or choose another place"
)
authors_file = Message(
    "E533: `{path}` already exists, and mapgen did not write it",
    help="choose another place, or overwrite it with `--force`",
)
setting_missing = Message(
    "E514: the environment `{environment}` gives no value for `{flow}.{setting}`",
    label="declared here",
    help="add `settings: {{{flow}: {{{setting}: …}}}}` there",
    path="specs/environments/{environment}.yaml",
)
setting_unknown = Message(
    "E515: the flow `{flow}` has no setting `{it}`", help="remove the value, or declare the setting"
)
setting_mistyped = Message(
    "E516: `{name}` is a {wanted}, `{it}` is not",
    by="wanted",
    helps={
        "timezone": "a name of the tz database, like `Europe/Berlin`",
        "decimal": "a number like `12.50`",
        "int": "a whole number",
        "bool": "`true` or `false`",
        "date": "a date like `2026-01-31`",
    },
)
unknown_environment = Message(
    "E517: no environment is called `{it}`",
    help="{known:the environment is {known:, }/the environments are {known:, }/no environments "
    "defined}",
    path="specs/environments",
)
cannot_bind = Message(
    "E518: the flow `{flow}` cannot work in the environment `{environment}`: {reason}",
    help="`mapgen check` shows what is missing",
    path="specs/environments/{environment}.yaml",
)
extra_missing = Message(
    "E531: this needs the extra `{extra}`, which is not installed: there is no package `{package}`",
    help="install it: `pip install 'mapgen[{extra}]'`",
)
wrong_formatter = Message(
    "E532: generated code is formatted by black {year}, but installed is black {installed}",
    help="install it: `pip install 'black=={year}.*'`",
    path="generated",
)
unreviewed_rule = Message(
    "E530: the rule for `{it}` is only proposed", help="review it, then remove `proposed: true`"
)
broad_ignore = Message(
    "E534: `{it}` ignores fields that the source does not have yet",
    help="name the fields, or three letters of their names beside the `*`",
)
