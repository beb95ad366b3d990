"""`mapgen contract …`: pin the ERP's contract in a lock that specs are checked against."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.options import STANDARD_OUTPUT, Target, force_option
from mapgen.cli.output import give, say

if TYPE_CHECKING:
    from mapgen.contract.importing import Imported
    from mapgen.contract.model import Contract
    from mapgen.contract.showing import Shown
    from mapgen.workspace import Workspace


@click.group()
def contract() -> None:
    """Pin the ERP's contract, look up what its entities hold."""


@contract.command("import")
@click.argument("openapi", type=click.Path(path_type=Path))
@click.option("--keys", type=click.Path(path_type=Path), help="Key fields of each entity, JSON.")
@click.option("--metadata", type=click.Path(path_type=Path), help="Labels and SQL types, JSON.")
@click.option("--overlay", type=click.Path(path_type=Path), help="Reviewed facts, YAML.")
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
    force: bool,
) -> None:
    """Turn an endpoint's OpenAPI document into a contract lock.

    Without --output the lock goes to specs/contracts/NAME.json of the workspace around the current
    folder, or into the current folder where there is no workspace.
    """
    from mapgen.contract.importing import Inputs, import_contract
    from mapgen.contract.lock import is_intact

    names = _names(entities)
    done = import_contract(Inputs(openapi, keys, metadata, overlay), names)
    target = output or _default_output(project or Path(), done.contract.name)
    give(done.lock, target, force=force, is_ours=is_intact)
    for line in _summary(done):
        say(line, err=output == STANDARD_OUTPUT)


def _names(entities: str | None) -> tuple[str, ...]:
    if entities is None:
        return ()
    names = tuple(name.strip() for name in entities.split(","))
    if not all(names):
        raise click.UsageError("--entities takes names with commas between: SalesOrder,Customer")
    return tuple(dict.fromkeys(names))


def _default_output(project: Path, name: str) -> Path:
    here = Path(os.path.realpath(project))
    target = here / f"{name}.json"
    for folder in (here, *here.parents):
        if (folder / "specs").is_dir():
            target = folder / "specs" / "contracts" / f"{name}.json"
            break
    with suppress(OSError):  # told when the lock is written
        target.parent.mkdir(exist_ok=True)
    return target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target


def _summary(done: Imported) -> list[str]:
    kept = done.contract.entities.values()
    fields = [one for entity in kept for one in entity.fields.values()]
    top = sum(entity.is_top_level for entity in kept)
    actions = sum(len(entity.actions) for entity in kept)
    lines = [
        f"  endpoint  {done.contract.endpoint}/{done.contract.version},"
        f" contract version {done.contract.contract_version}",
        f"  entities  {len(kept)} of {done.entities_offered}, {top} top-level,"
        f" {actions} actions",
        f"  fields    {len(fields)}, {sum(one.max_length is not None for one in fields)} with a"
        f" length, {sum(one.is_key for one in fields)} in keys",
        f"  overlay   {done.facts_taken} facts taken",
    ]
    lines.extend(f"            overruled {line}" for line in done.overruled)
    lines.extend(_notices(done))
    return lines


def _notices(done: Imported) -> list[str]:
    """Return what a reviewer has to know: facts that match nothing, key orders nobody confirmed."""
    lines = [f"  unmatched {name}: in a file, not in the contract" for name in done.unmatched]
    if done.unordered_keys:
        lines.append("  key order not confirmed, taken from the key file (the overlay may say):")
        lines.extend(f"            {line}" for line in done.unordered_keys)
    return lines


@contract.command("show")
@click.argument("entity")
@click.option("--contract", "name", help="The pinned contract; needed if there are several.")
@click.option("--all", "with_parts", is_flag=True, help="Also the fields of all parts.")
@click.pass_obj
def show_command(project: Path | None, entity: str, name: str | None, with_parts: bool) -> None:
    """Show the fields, parts and actions of an ENTITY, with what has to be known to write them."""
    from mapgen.contract.showing import show_entity
    from mapgen.report import Stopped
    from mapgen.report.catalogue import contract as messages
    from mapgen.workspace import Workspace

    _, found = pinned(Workspace.find(project or Path()), name)
    if entity not in found.entities:
        raise Stopped(messages.unknown_entity(it=entity, known=found.entities, endpoint=found.name))
    shown = show_entity(found, entity, with_parts=with_parts)
    for line in _shown_lines(shown, f"{shown.name} of {found.name}", shown.name):
        say(line)


def pinned(workspace: Workspace, name: str | None) -> tuple[str, Contract]:
    """Return a pinned contract by name, or the only one. Raises Stopped, click.UsageError."""
    from mapgen.contract.lock import read_lock
    from mapgen.report import suggestion
    from mapgen.workspace import SPECS

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
