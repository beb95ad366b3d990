"""`mapgen schema …`: the schemas that editors use for our files, and drafts of source schemas."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.options import FILE, Target, force_option
from mapgen.cli.output import give, in_the_way, make_folder, place, refusal, say, stop_for, tell

if TYPE_CHECKING:
    from mapgen.disk.workspace import Workspace

OUTPUT = click.option("--output", type=Target(), help="The file to write.")


@click.group()
def schema() -> None:
    """Print JSON Schemas: of our own files for editors, of a source from samples."""


def _editor(kind: str, what: str) -> None:
    @schema.command(kind, help=f"Print the JSON Schema of {what}, for the YAML language server.")
    @OUTPUT
    @force_option
    def command(output: Path | None, *, force: bool) -> None:
        from mapgen.spec.editor import editor_schema

        _write(editor_schema(kind), output, force=force)


for _kind, _what in (
    ("maps", "a spec"),
    ("defaults", "the defaults of a workspace"),
    ("parts", "a file of parts"),
    ("environment", "an environment"),
    ("connection", "a connection"),
    ("overlay", "an overlay of a contract"),
):
    _editor(_kind, _what)


def _write(found: dict[str, object], output: Path | None, *, force: bool) -> None:
    give(_text(found), output, force=force)


def _text(found: dict[str, object]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


@schema.command("flow")
@click.argument("name", metavar="FLOW")
@OUTPUT
@force_option
@click.pass_obj
def flow_command(project: Path, name: str, output: Path | None, *, force: bool) -> None:
    """Print the JSON Schema of one flow's spec: with the fields of its entities and its lookups.

    A spec that begins with `# yaml-language-server: $schema=editor/FLOW.schema.json` is completed
    by it, where --output has written specs/editor/FLOW.schema.json.
    """
    from mapgen.disk.workspace import Workspace

    found = _flow_schema(Workspace.find(project), name)
    _write(found, output, force=force or _is_of_a_flow(output))


def write_flow(workspace: Workspace, flow: str, files: Mapping[str, str], *, force: bool) -> None:
    """Write files, by path from the workspace, and the editors' schema of a flow; report it.

    Raises Stopped where a file of the author's is there (E533), or in the way of a folder (E510),
    before anything is written.
    """
    root, schema_path = workspace.root, editor_path(flow)
    stop_for(in_the_way(root / name for name in (*files, schema_path)))
    is_ours = force or _is_of_a_flow(root / schema_path)
    found = [
        refusal(root / name, force=force, is_ours=text.encode().__eq__, shown=name)
        for name, text in files.items()
    ]
    stop_for((*found, refusal(root / schema_path, force=is_ours, shown=schema_path)))
    for name, text in files.items():
        _place(root / name, text, name, force=force)
    _place(root / schema_path, _text(_flow_schema(workspace, flow)), schema_path, force=is_ours)


def _place(path: Path, text: str, shown: str, *, force: bool) -> None:
    make_folder(path.parent)
    if place(text, path, force=force):
        say(f"wrote {shown}")


def editor_path(flow: str) -> str:
    """Return where the editors' schema of a flow is, from the workspace."""
    return f"specs/editor/{flow}.schema.json"


def _flow_schema(workspace: Workspace, flow: str) -> dict[str, object]:
    from mapgen.project.completion import flow_schema
    from mapgen.project.loading import Project
    from mapgen.project.named import spec_of

    project = Project(workspace)
    return flow_schema(project.flow(spec_of(workspace, flow)), project.target)


def _is_of_a_flow(path: Path | None) -> bool:
    """Whether a file holds an editors' schema of a flow: it may be written anew."""
    with contextlib.suppress(OSError):
        if path is not None and path.is_file():
            return b'"title": "The spec of the flow ' in path.read_bytes()
    return False


@schema.command()
@click.argument("metadata", type=FILE)
@click.argument("inquiry")
@OUTPUT
@force_option
def inquiry(metadata: Path, inquiry: str, output: Path | None, *, force: bool) -> None:
    """Write the source schema of a generic inquiry, of what OData says of its columns.

    METADATA is the file of what the ERP answers to `/t/TENANT/api/odata/gi/$metadata`. Nothing is
    fetched: save it again when the inquiry has changed.
    """
    from mapgen.contract.inquiry import inquiry_schema

    _write(inquiry_schema(str(metadata), metadata.read_bytes(), inquiry), output, force=force)


@schema.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--name", default="record", help="What one record is called: order.")
@click.option("--envelope", multiple=True, help="A member that records are wrapped in.")
@click.option(
    "--enums", is_flag=True, help="Take the words that are seen of a vocabulary for all of it."
)
@OUTPUT
@force_option
def infer(
    files: tuple[Path, ...],
    name: str,
    envelope: tuple[str, ...],
    output: Path | None,
    *,
    enums: bool,
    force: bool,
) -> None:
    """Draft the schema of a source from samples.

    FILES are JSON (a record, a list of records, records in a row), JSON Lines, rows of cells (CSV,
    TSV, Excel), or what a Singer tap prints: its catalogue, or messages of schemas and records.
    {"NAME": {…}} and {"NAMEs": [{…}]} are unwrapped, and what --envelope names. Review the draft:
    samples show what may be, not all that may be. What is no record is told on standard error and
    left out.
    """
    from mapgen.cli.suggest import checked_name
    from mapgen.contract.source_schema import read_source_schema
    from mapgen.draft.samples import read_samples

    checked_name(name, "--name", "order, line_item")

    samples = read_samples(files, name, (name, f"{name}s", *envelope), tell)
    draft = samples.drafted(name, with_enums=enums)
    read_source_schema(str(output or "the draft"), json.dumps(draft), name)
    _write(draft, output, force=force)
