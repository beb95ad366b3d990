"""`eval --flow`: what a flow's names, lets and rules come to on one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

import click
from msgspec import Struct

from mapgen.cli import FAULTS
from mapgen.cli.output import piped, say, tell
from mapgen.disk.workspace import Workspace
from mapgen.project.evaluation import Evaluated, NotThatType
from mapgen.project.stepping import Names, Tried, found_in, lets_of, names_of, rules_of, steps_of
from mapgen.report import Stopped, Text, suggestion
from mapgen.runtime.errors import RuleError
from mapgen.runtime.lookups import TableError
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.values import ENCODER
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode


class Asked(Struct, frozen=True):
    """What the command was asked for."""

    flow: str
    record: Path
    environment: str | None
    lookups: Mapping[str, Path]
    expression: str | None
    rule: str | None


def show_flow(project: Path, asked: Asked) -> int:
    """Print one expression, or all lets and rules; return the exit code."""
    from mapgen.cli.flows import environment_of
    from mapgen.project.named import spec_of

    workspace = Workspace.find(project)
    path = spec_of(workspace, asked.flow)
    values = environment_of(workspace, asked.environment).settings.get(asked.flow, {})
    settings = {name: setting.value.value for name, setting in values.items()}
    try:
        record = _record(workspace, path, asked.record)
        found, names = names_of(workspace, path, record, settings, asked.lookups)
        return _shown(found.mapping, names, asked)
    except NotThatType as wrong:
        raise click.ClickException(f"the record is not what the flow reads: {wrong}") from None
    except RuleError as error:
        raise click.ClickException(f"{error.code}: {error.message}") from None
    except TableError as error:
        raise click.ClickException(f"a lookup cannot be read: {error}") from None


def _record(workspace: Workspace, path: str, file: Path) -> JsonValue:
    """Return the first record of a file, as the flow's source has them."""
    from mapgen.draft.samples import read_samples
    from mapgen.project.loading import Project

    source = Project(workspace).flow(path).mapping.source
    if source.has_contract:
        raise click.UsageError("records of the ERP have no `--flow`: give values with `--data`")
    name = source.name.value
    words = (name, f"{name}s", *source.form.envelope)
    return cast(JsonValue, read_samples([file], name, words, tell).records[0])


def _shown(section: spec.MappingSection, names: Names, asked: Asked) -> int:
    shows_all = asked.expression is None and asked.rule is None
    for let, found, more in lets_of(section, names):
        names = more
        if shows_all:
            piped(f"let {let.name.value} = {_json(found)}")
    if asked.expression is not None:
        found = names.evaluated(Text.plain(asked.expression))
        piped(_json(found))
        say(f"type: {found.type}", err=True)
        return 0
    rules = [*rules_of(section, names)]
    chosen = [one for one in rules if asked.rule in (None, one.target)]
    if not chosen:
        known = [one.target for one in rules]
        near = suggestion(str(asked.rule), known) or "without `--rule` all are shown"
        raise click.UsageError(f"the flow `{asked.flow}` has no rule `{asked.rule}`; {near}")
    return max([_tell(one) for one in chosen])


def _tell(tried: Tried) -> int:
    """Print the steps of a rule with their values; return the exit code."""
    piped(tried.target)
    code = 0
    for key, step in steps_of(tried):
        if isinstance(step, ScalarNode):
            piped(f"  {key} {step.value}")
            continue
        if isinstance(step, spec.Lookup):
            words = step.table.value
            shown, failed = _attempt(partial(_found, tried.names, step))
        else:
            words = step.value.strip()
            shown, failed = _attempt(partial(_value, tried.names, step))
        piped(f"  {key} {words} = {shown}")
        code = max(code, failed)
    return code


def _found(names: Names, lookup: spec.Lookup) -> str:
    return ENCODER.encode(found_in(names, lookup)).decode()


def _value(names: Names, step: Text) -> str:
    return _json(names.evaluated(step))


def _attempt(evaluated: Callable[[], str]) -> tuple[str, int]:
    """Return what is shown of a value, or why there is none, and the exit code."""
    try:
        return evaluated(), 0
    except RuleError as error:
        return f"{error.code}: {error.message}", FAULTS
    except Stopped as stopped:
        words = "; ".join(f"{one.code}: {one.message}" for one in stopped.diagnostics)
        return words, FAULTS


def _json(found: Evaluated) -> str:
    return ENCODER.encode(found.value).decode()
