"""E50x: what can be wrong with a workspace and the files around a spec."""

from __future__ import annotations

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.near import suggestion
from mapgen.report.source import Span, Text


def no_workspace(path: str) -> Diagnostic:
    """E501: no folder `specs/` here or above."""
    return Diagnostic(
        "E501",
        f"there is no workspace at `{path}`: no folder `specs/` here or above",
        path=path,
        help="go to the workspace, or name it with `--project DIR`",
    )


def no_specs(path: str) -> Diagnostic:
    """E502: a workspace without a spec."""
    return Diagnostic(
        "E502",
        f"`{path}` holds no spec",
        path=path,
        help="a spec is a file whose name ends in `.maps.yaml`",
    )


def unknown_flow(name: str, known: tuple[str, ...]) -> Diagnostic:
    """E503: a flow that no spec defines."""
    listed = ", ".join(f"`{flow}`" for flow in known) or "none"
    return Diagnostic(
        "E503",
        f"no spec defines the flow `{name}`",
        path="specs",
        help=suggestion(name, known) or f"the flows are {listed}",
    )


def same_flow_twice(first: Text, second: Text) -> Diagnostic:
    """E504: two specs with one name would overwrite each other's code."""
    return Diagnostic(
        "E504",
        f"two specs define the flow `{second.value}`",
        label=Label(second.span(), "second"),
        related=(Label(first.span(), "first"),),
        help="give one of them another name",
    )


def not_generated(flow: str) -> Diagnostic:
    """E505: a flow without generated code."""
    return Diagnostic(
        "E505",
        f"the flow `{flow}` has not been generated",
        path=f"generated/{flow}",
        help="run `mapgen generate`",
    )


def damaged_flow(flow: str, reason: str) -> Diagnostic:
    """E519: generated code that is not as it was generated."""
    return Diagnostic(
        "E519",
        f"the generated code of the flow `{flow}` cannot be loaded: {reason}",
        path=f"generated/{flow}",
        help="run `mapgen generate --force`, which writes it anew",
    )


def edited_code(path: str) -> Diagnostic:
    """E594: a generated file that is not as the manifest says."""
    return Diagnostic(
        "E594",
        f"`{path}` is not as `mapgen generate` wrote it",
        path=path,
        help="what the file should do belongs in the spec; then run `mapgen generate --force`",
    )


def stale_code(flow: str, spec: str) -> Diagnostic:
    """E594: a spec that has changed since its code was generated."""
    return Diagnostic(
        "E594",
        f"the generated code of the flow `{flow}` is not what its spec says",
        path=spec,
        help="run `mapgen generate`",
    )


def wrong_file_name(name: Text, expected: str, path: str) -> Diagnostic:
    """E506: a file that says it is another."""
    return Diagnostic(
        "E506",
        f"the file `{path}` calls itself `{name.value}`",
        label=Label(name.span()),
        help=f"write `{expected}`, or rename the file",
    )


def unsupported_input(path: str, reads: str) -> Diagnostic:
    """E508: an input format that cannot be read."""
    return Diagnostic(
        "E508",
        f"the input `{path}` is not of the format that the flow reads",
        path=path,
        help=f"the flow reads {reads}; `format:` of its source says which",
    )


def unfit_header(path: str, reason: str) -> Diagnostic:
    """E528: the first line of a CSV file does not name the columns that the flow needs."""
    return Diagnostic(
        "E528",
        f"the input `{path}` cannot be read: {reason}",
        path=path,
        help="the first line names the columns; is the `delimiter:` of the source right?",
    )


def variable_missing(name: Text, path: str) -> Diagnostic:
    """E509: an environment variable that a run needs is not set."""
    return Diagnostic(
        "E509",
        f"the environment variable `{name.value}` is not set",
        label=Label(name.span(), "needed here"),
        path=path,
        help=f"set it: `export {name.value}=…`",
    )


def cannot_write(path: str, reason: str) -> Diagnostic:
    """E510: a file that cannot be written."""
    return Diagnostic(
        "E510",
        f"`{path}` cannot be written: {reason}",
        path=path,
        help="see to the reason, or choose another place",
    )


def authors_file(path: str) -> Diagnostic:
    """E533: a file that mapgen did not write, where a command would write its own."""
    return Diagnostic(
        "E533",
        f"`{path}` is there already, and mapgen did not write what it holds",
        path=path,
        help="choose another place, or lose what it holds: `--force`",
    )


def setting_missing(flow: str, setting: str, environment: str, asked_at: Span | None) -> Diagnostic:
    """E514: a setting without a value in an environment."""
    return Diagnostic(
        "E514",
        f"the environment `{environment}` gives no value for `{flow}.{setting}`",
        label=Label(asked_at, "declared here") if asked_at else None,
        path=f"specs/environments/{environment}.yaml",
        help=f"add `settings: {{{flow}: {{{setting}: …}}}}` there",
    )


def setting_unknown(flow: str, setting: Text, known: tuple[str, ...]) -> Diagnostic:
    """E515: a value for a setting that the flow does not have."""
    return Diagnostic(
        "E515",
        f"the flow `{flow}` has no setting `{setting.value}`",
        label=Label(setting.span()),
        help=suggestion(setting.value, known) or "remove the value, or declare the setting",
    )


def setting_mistyped(name: str, wanted: str, found: Text) -> Diagnostic:
    """E516: a value of the wrong type for a setting."""
    return Diagnostic(
        "E516",
        f"`{name}` is a {wanted}, `{found.value}` is not",
        label=Label(found.span()),
        help=_EXAMPLES.get(wanted),
    )


_EXAMPLES = {
    "timezone": "a name of the tz database, like `Europe/Berlin`",
    "decimal": "a number like `12.50`",
    "int": "a whole number",
    "bool": "`true` or `false`",
    "date": "a date like `2026-01-31`",
}


def unknown_environment(name: str, known: tuple[str, ...]) -> Diagnostic:
    """E517: an environment without a file."""
    listed = ", ".join(f"`{environment}`" for environment in known) or "none"
    return Diagnostic(
        "E517",
        f"no environment is called `{name}`",
        path="specs/environments",
        help=suggestion(name, known) or f"the environments are {listed}",
    )


def cannot_bind(flow: str, environment: str, reason: str) -> Diagnostic:
    """E518: settings or lookups that a flow cannot work with."""
    return Diagnostic(
        "E518",
        f"the flow `{flow}` cannot work in the environment `{environment}`: {reason}",
        path=f"specs/environments/{environment}.yaml",
        help="`mapgen check` shows what is missing",
    )


def extra_missing(package: str, extra: str) -> Diagnostic:
    """E531: a command whose packages are not installed."""
    return Diagnostic(
        "E531",
        f"this needs the extra `{extra}`, which is not installed: there is no package `{package}`",
        help=f"install it: `pip install 'mapgen[{extra}]'`",
    )


def wrong_formatter(wanted: str, installed: str) -> Diagnostic:
    """E532: a formatter that would write generated code in another style."""
    return Diagnostic(
        "E532",
        f"generated code is formatted by {wanted}, but installed is black {installed}",
        path="generated",
        help=f"install it: `pip install '{wanted.replace(' ', '==')}.*'`",
    )


def unreviewed_rule(target: Text) -> Diagnostic:
    """E530: a rule that nobody has reviewed, in a release."""
    return Diagnostic(
        "E530",
        f"the rule for `{target.value}` is only proposed",
        label=Label(target.span()),
        help="review it, then remove `proposed: true`",
    )


def broad_ignore(pattern: Text) -> Diagnostic:
    """E534: an ignored pattern that takes any field that the source may get, in a release."""
    return Diagnostic(
        "E534",
        f"`{pattern.value}` ignores fields that the source does not have yet",
        label=Label(pattern.span()),
        help="name the fields, or three letters of their names beside the `*`",
    )
