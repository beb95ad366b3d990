"""`suggest`: drafts a spec from a source schema and an entity."""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.options import FILE, Target, contract_option, force_option

if TYPE_CHECKING:
    from mapgen.contract.model import Contract, Entity
    from mapgen.disk.workspace import Workspace


@click.command()
@click.option("--source", required=True, type=FILE, help="The source's JSON Schema.")
@contract_option
@click.option("--entity", required=True, help="The entity that documents are of: SalesOrder.")
@click.option("--flow", help="The flow's name.")
@click.option("--output", type=Target(), help="The spec to write.")
@force_option
@click.pass_obj
def suggest(  # noqa: PLR0913 - one parameter an option
    project: Path,
    source: Path,
    contract: str | None,
    entity: str,
    flow: str | None,
    output: Path | None,
    *,
    force: bool,
) -> None:
    """Draft a spec: rules for all fields whose names and types fit something of the source.

    Each rule is marked `proposed: true`, which `generate --release` refuses: review it, then remove
    the mark. What the source has and no rule uses is listed under `ignore:`; required fields
    without a proposal are comments.
    """
    from mapgen.cli.contract import pinned
    from mapgen.cli.output import give
    from mapgen.contract.source_schema import read_source_schema
    from mapgen.disk.workspace import SPECS, Workspace
    from mapgen.draft.names import snake
    from mapgen.draft.proposals import propose
    from mapgen.draft.writing import Frame, draft

    workspace = Workspace.find(project)
    name, found = pinned(workspace, contract)
    target = top_level_entity(found, entity)
    path = _from_specs(workspace, source)
    file, _, place = path.partition("#")
    record = record_name(place.rpartition("/")[2] or Path(file).name.partition(".")[0])
    text = workspace.read(f"{SPECS}/{file}", "the source schema").text
    schema = read_source_schema(f"{SPECS}/{path}", text, record, files=workspace.beside)
    frame = Frame(
        flow=checked_name(flow or f"{record}_to_{snake(entity)}", "--flow"),
        record=record,
        schema=path,
        contract=name,
        connection=(workspace.named("connections", ".yaml") or ("acumatica",))[0],
        modeline=modeline(workspace, output),
    )
    words = draft(frame, target, schema, propose(found, target, schema, record))
    give(words, output, force=force)


def top_level_entity(contract: Contract, name: str) -> Entity:
    """Return an entity that documents are of. Raises Stopped (E404)."""
    from mapgen.report import Stopped
    from mapgen.report.catalogue import contract as messages

    known = {found: entity for found, entity in contract.entities.items() if entity.is_top_level}
    if name not in known:
        raise Stopped(
            messages.unknown_entity(it=name, known=known, endpoint=contract.name, where=False)
        )
    return known[name]


def _from_specs(workspace: Workspace, path: Path) -> str:
    """Return a path as specs write it: from `specs/`, where it may be given from, too."""
    folder = workspace.root / "specs"
    file, sign, place = str(path).partition("#")
    absolute = os.path.realpath(file) if Path(file).exists() else folder / file
    return Path(os.path.relpath(absolute, folder)).as_posix() + sign + place


def record_name(words: str) -> str:
    """Return what a record is called, by its schema or its flow: `shopify-orders` -> order."""
    from mapgen.check.model import RESERVED
    from mapgen.ir.names import singular

    found = re.findall(r"[a-z][a-z0-9]*", words.lower())
    name = singular(found[-1], "{}") if found else "record"
    return "record" if keyword.iskeyword(name) or name in (*RESERVED, "schema") else name


def checked_name(name: str, what: str, shown: str = "shopify_orders") -> str:
    """Return the name of a flow or of a record. Raises click.UsageError for what is none."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name, re.ASCII):
        raise click.UsageError(f"{what} takes a name in small letters: {shown}")
    return name


def modeline(workspace: Workspace, output: Path | None) -> str | None:
    """Return where the editors' schema lies from the draft, in the workspaces that have it."""
    schema = workspace.root / "specs" / "maps.schema.json"
    if output is None or not schema.is_file():
        return None
    return Path(os.path.relpath(schema, os.path.dirname(os.path.realpath(output)))).as_posix()
