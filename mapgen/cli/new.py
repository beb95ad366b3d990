"""`new`: a flow from samples, in one go: schema, draft and example; then what is to be decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from mapgen.cli.options import FILE, contract_option, force_option
from mapgen.cli.output import say, tell

if TYPE_CHECKING:
    from mapgen.disk.workspace import Workspace
    from mapgen.draft.samples import Samples


@click.command()
@click.argument("flow")
@click.option(
    "--from",
    "samples",
    required=True,
    multiple=True,
    type=FILE,
    help="Samples, as `schema infer` takes them, or a JSON Schema. May be given several times.",
)
@click.option("--to", "entity", required=True, help="The entity that documents are of: SalesOrder.")
@contract_option
@click.option("--connection", help="Where documents go; needed if there are several.")
@click.option("--name", help="What a record is called; by the flow's name unless said.")
@click.option("--envelope", multiple=True, help="A member that records are wrapped in.")
@force_option
@click.pass_context
def new(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    flow: str,
    samples: tuple[Path, ...],
    entity: str,
    contract: str | None,
    connection: str | None,
    name: str | None,
    envelope: tuple[str, ...],
    *,
    force: bool,
) -> None:
    """Start FLOW from samples of its records: a source schema, a draft of the spec, an example.

    Rules are proposed by name and type, each to be reviewed; what cannot be known is `todo:`, and
    listed in the end. The example is the first sample, with stand-ins for what looks personal. Of a
    flow in which nothing is to be decided, what the example gives is written, too.
    """
    from mapgen.cli.schema import write_flow
    from mapgen.cli.suggest import checked_name, record_name
    from mapgen.disk.workspace import Workspace
    from mapgen.draft.samples import read_samples

    called = record_name(checked_name(flow, "FLOW"))
    record = called if name is None else checked_name(name, "--name", "order, line_item")
    workspace = Workspace.find(context.obj)

    found = read_samples(samples, record, (record, f"{record}s", *envelope), tell)
    wanted = _Wanted(flow, record, entity, contract, connection)
    write_flow(workspace, flow, _files(workspace, found, wanted), force=force)
    _go_on(context, workspace, flow)


class _Wanted(Struct, frozen=True):
    """What the command was asked for."""

    flow: str
    record: str
    entity: str
    contract: str | None
    connection: str | None


def _files(workspace: Workspace, samples: Samples, wanted: _Wanted) -> Mapping[str, str]:
    """Return the files of a new flow, by path from the workspace."""
    from mapgen.cli.contract import pinned
    from mapgen.cli.schema import editor_path
    from mapgen.cli.suggest import top_level_entity
    from mapgen.contract.source_schema import read_source_schema
    from mapgen.disk.workspace import SPEC_SUFFIX, from_specs
    from mapgen.draft.examples import shown_record
    from mapgen.draft.proposals import propose
    from mapgen.draft.sniffing import formats_of_days
    from mapgen.draft.writing import Frame, draft
    from mapgen.emit.json_text import formatted
    from mapgen.runtime.values import ENCODER

    contract_name, contract = pinned(workspace, wanted.contract)
    entity = top_level_entity(contract, wanted.entity)
    spec_path = from_specs(f"{wanted.flow}{SPEC_SUFFIX}")
    schema_path = f"schemas/{wanted.flow}.schema.json"
    schema_text = json.dumps(samples.drafted(wanted.record), indent=2, ensure_ascii=False) + "\n"
    schema = read_source_schema(schema_path, schema_text, wanted.record)
    frame = Frame(
        flow=wanted.flow,
        record=wanted.record,
        schema=schema_path,
        contract=contract_name,
        connection=_connection(workspace, wanted.connection),
        modeline=editor_path(wanted.flow).removeprefix(from_specs("")),
        form=samples.form,
    )
    first = shown_record(samples.records[0], wanted.record) if samples.records else {}
    formats = formats_of_days(samples.records, wanted.record)
    proposed = propose(contract, entity, schema, wanted.record, formats)
    return {
        from_specs(schema_path): schema_text,
        from_specs(frame.given): formatted(ENCODER.encode(first)),
        from_specs(frame.gives(entity)): "{}\n",
        spec_path: draft(frame, entity, schema, proposed),
    }


def _connection(workspace: Workspace, name: str | None) -> str:
    names = workspace.named("connections", ".yaml")
    if name is None and len(names) > 1:
        listed = ", ".join(f"`{known}`" for known in names)
        raise click.UsageError(f"choose a connection with --connection: {listed}")
    return name or (names or ("acumatica",))[0]


def _go_on(context: click.Context, workspace: Workspace, flow: str) -> None:
    """Say what is to be decided; where nothing is, write what the example gives."""
    from mapgen.cli.accept import accept
    from mapgen.project.checking import check_specs
    from mapgen.project.named import spec_of

    errors = check_specs(workspace, [spec_of(workspace, flow)]).diagnostics
    for error in errors:
        at = error.label.span if error.label is not None else error.path
        say(f"to decide: {f'{at}: ' if at else ''}{error.message}")
        if error.code != "E425" and error.help is not None:
            say(f"           {error.help}")
    if not errors:
        context.invoke(accept, flow=flow, force=False)
    say("next:")
    for command in ("check", "accept") if errors else ("transform",):
        rest = " --input SAMPLES --env ENV" if command == "transform" else ""
        say(f"  mapgen {command} {flow}{rest}")
