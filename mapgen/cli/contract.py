"""`mapgen contract …`: pin the ERP's contract in a lock that specs are checked against."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.options import FILE, STANDARD_OUTPUT, Target, force_option
from mapgen.cli.output import give, piped, say

if TYPE_CHECKING:
    from mapgen.contract.model import Contract
    from mapgen.contract.showing import Shown
    from mapgen.disk.workspace import Workspace


@click.group()
def contract() -> None:
    """Pin the ERP's contract, look up what its entities hold."""


@contract.command("import")
@click.argument("openapi", type=FILE)
@click.option("--keys", type=FILE, help="Key fields of each entity, JSON.")
@click.option("--metadata", type=FILE, help="Labels and SQL types, JSON.")
@click.option(
    "--overlay",
    type=FILE,
    help="Reviewed facts, YAML. [default: NAME.overlay.yaml beside the lock]",
)
@click.option(
    "--no-facts", is_flag=True, help="Without the facts about Default that mapgen brings."
)
@click.option("--entities", help="Only these, with what they lead to: SalesOrder,Customer")
@click.option("--output", type=Target(), help="The lock to write; - for stdout.")
@force_option
@click.pass_obj
def import_command(  # noqa: PLR0913 - one parameter an option
    project: Path | None,
    openapi: Path,
    keys: Path | None,
    metadata: Path | None,
    overlay: Path | None,
    entities: str | None,
    output: Path | None,
    *,
    no_facts: bool,
    force: bool,
) -> None:
    """Turn an endpoint's OpenAPI document into a contract lock.

    Without --output the lock goes to specs/contracts/NAME.json of the workspace around the current
    folder, or into the current folder where there is no workspace. Facts about the Default endpoint
    that its document cannot state come with mapgen; those of your own are in an overlay.
    """
    from mapgen.contract.importing import Inputs, import_contract
    from mapgen.contract.lock import is_intact
    from mapgen.contract.summary import summary

    folder = _folder(project or Path())
    inputs = Inputs(openapi, keys, metadata, overlay, folder, with_facts=not no_facts)
    done = import_contract(inputs, _names(entities))
    target = output or _shown(folder / f"{done.contract.name}.json")
    changed = list(_changed(project, target, done.contract))
    if output is None:
        with suppress(OSError):  # told when the lock is written
            target.parent.mkdir(exist_ok=True)
    give(done.lock, target, force=force, is_ours=is_intact)
    for line in (*summary(done), *changed):
        say(line, err=output == STANDARD_OUTPUT)


def _names(entities: str | None) -> tuple[str, ...]:
    if entities is None:
        return ()
    names = tuple(name.strip() for name in entities.split(","))
    if not all(names):
        raise click.UsageError("--entities takes names with commas between: SalesOrder,Customer")
    return tuple(dict.fromkeys(names))


def _folder(project: Path) -> Path:
    """Return where a lock goes: among the contracts of the workspace, or here."""
    here = Path(os.path.realpath(project))
    for folder in (here, *here.parents):
        if (folder / "specs").is_dir():
            return folder / "specs" / "contracts"
    return here


def _shown(target: Path) -> Path:
    return target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target


def _changed(project: Path | None, target: Path, after: Contract) -> Iterator[str]:
    """Yield what an import changes about the lock that is there, and whose specs name it."""
    from mapgen.contract.lock import is_intact, load
    from mapgen.contract.summary import changes, listed, reported_changes
    from mapgen.contract.touched import touched
    from mapgen.disk.workspace import Workspace
    from mapgen.report import Stopped

    with suppress(OSError, Stopped):
        if not is_intact(target.read_bytes()):
            return
        before = load(target)
        found = changes(before, after)
        yield from reported_changes(found)
        for flow, names in touched(Workspace.find(project or Path()), before, found):
            yield f"  touched   {flow}, by {listed(names)}"


@contract.command("show")
@click.argument("entity", required=False)
@click.option("--contract", "name", help="The pinned contract; needed if there are several.")
@click.option("--all", "with_parts", is_flag=True, help="Also the fields of all parts.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a program.")
@click.pass_obj
def show_command(
    project: Path | None, entity: str | None, name: str | None, *, with_parts: bool, as_json: bool
) -> None:
    """Show the fields, parts and actions of an ENTITY, with what has to be known to write them.

    Without an ENTITY, a line for each: keys, identity, how many fields, lengths and override flags
    are known.
    """
    from mapgen.contract.showing import HEADINGS, aligned, list_entities, show_entity
    from mapgen.disk.workspace import Workspace
    from mapgen.report import Stopped
    from mapgen.report.catalogue import contract as messages

    _, found = pinned(Workspace.find(project or Path()), name)
    if entity is None:
        lines = list_entities(found)
        if as_json:
            piped(_json(lines))
            return
        say(f"{found.endpoint}/{found.version}, contract version {found.contract_version}")
        for row in aligned([HEADINGS, *(line.cells for line in lines)]):
            say(f"  {row}")
        return
    if entity not in found.entities:
        raise Stopped(
            messages.unknown_entity(
                it=entity, known=found.entities, endpoint=found.name, where=False
            )
        )
    shown = show_entity(found, entity, with_parts=with_parts)
    if as_json:
        piped(_json(shown))
        return
    for words in _shown_lines(shown, f"{shown.name} of {found.name}", shown.name):
        say(words)


def _json(shown: object) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()


def pinned(workspace: Workspace, name: str | None) -> tuple[str, Contract]:
    """Return a pinned contract by name, or the only one. Raises Stopped, click.UsageError."""
    from mapgen.contract.lock import read_lock
    from mapgen.disk.workspace import SPECS
    from mapgen.report import suggestion

    names = workspace.named("contracts", ".json")
    listed = ", ".join(f"`{known}`" for known in names) or "none"
    if name is None:
        if len(names) != 1:
            raise click.UsageError(f"choose a contract with --contract; pinned are {listed}")
        name = names[0]
    if name not in names:
        near = suggestion(name, names) or f"pinned are {listed}"
        raise click.UsageError(f"no contract `{name}` is pinned; {near}")
    path = f"{SPECS}/contracts/{name}.json"
    return name, read_lock(workspace.read(path, "the contract"))


def _shown_lines(shown: Shown, title: str, path: str) -> Iterator[str]:
    yield title
    for fact in shown.facts:
        yield f"  {fact}"
    width = max((len(line.name) for line in shown.fields), default=0)
    holds = max((len(line.holds) for line in shown.fields), default=0)
    for line in shown.fields:
        words = f"  {line.name:<{width}}  {line.holds:<{holds}}  {'; '.join(line.notes)}"
        yield words.rstrip()
    if shown.actions:
        yield "  actions"
        for action in shown.actions:
            yield f"    {action}"
    for name, part in shown.parts:
        yield ""
        yield from _shown_lines(part, f"{path}.{name}: {part.name}", f"{path}.{name}")
