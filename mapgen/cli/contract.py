"""`mapgen contract …`: pin the ERP's contract in a lock that specs are checked against."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mapgen.contract.importing import Imported


@click.group()
def contract() -> None:
    """Pin the ERP's contract, see what a new version breaks."""


@contract.command("import")
@click.argument("openapi", type=click.Path(path_type=Path))
@click.option("--keys", type=click.Path(path_type=Path), help="Key fields of each entity, JSON.")
@click.option("--metadata", type=click.Path(path_type=Path), help="Labels and SQL types, JSON.")
@click.option("--overlay", type=click.Path(path_type=Path), help="Reviewed facts, YAML.")
@click.option("--entities", help="Only these, with what they lead to: SalesOrder,Customer")
@click.option("--output", type=click.Path(path_type=Path), help="The lock to write; - for stdout.")
@click.pass_obj
def import_command(  # noqa: PLR0913 - one parameter an option
    project: Path | None,
    openapi: Path,
    keys: Path | None,
    metadata: Path | None,
    overlay: Path | None,
    entities: str | None,
    output: Path | None,
) -> None:
    """Turn an endpoint's OpenAPI document into a contract lock.

    Without --output the lock goes to specs/contracts/NAME.json of the workspace around the current
    folder, or into the current folder where there is no workspace.
    """
    from mapgen.contract.importing import Inputs, import_contract, write_lock

    names = _names(entities)
    done = import_contract(Inputs(openapi, keys, metadata, overlay), names)
    if output == Path("-"):
        click.echo(done.lock, nl=False)
    else:
        target = output or _default_output(project or Path(), done.contract.name)
        write_lock(target, done.lock)
        click.echo(f"wrote {_shown(target)}")
    for line in _summary(done):
        click.echo(line, err=output == Path("-"))


def _names(entities: str | None) -> tuple[str, ...]:
    if entities is None:
        return ()
    names = tuple(name.strip() for name in entities.split(","))
    if not all(names):
        raise click.UsageError("--entities takes names with commas between: SalesOrder,Customer")
    return tuple(dict.fromkeys(names))


def _default_output(project: Path, name: str) -> Path:
    here = project.resolve()
    for folder in (here, *here.parents):
        if (folder / "specs").is_dir():
            return folder / "specs" / "contracts" / f"{name}.json"
    return here / f"{name}.json"


def _shown(path: Path) -> str:
    """Return the path as seen from here, with forward slashes."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


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
