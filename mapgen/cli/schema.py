"""`mapgen schema …`: the schemas that editors use for our files, and drafts of source schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from mapgen.cli.options import Target, force_option

if TYPE_CHECKING:
    from mapgen.contract.inference import Json

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
    ("environment", "an environment"),
    ("connection", "a connection"),
):
    _editor(_kind, _what)


def _write(found: dict[str, object], output: Path | None, *, force: bool) -> None:
    import json

    from mapgen.cli.output import give

    give(json.dumps(found, indent=2, ensure_ascii=False) + "\n", output, force=force)


@schema.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--name", default="record", help="What one record is called: order.")
@click.option("--envelope", multiple=True, help="A member that records are wrapped in.")
@OUTPUT
@force_option
def infer(
    files: tuple[Path, ...],
    name: str,
    envelope: tuple[str, ...],
    output: Path | None,
    *,
    force: bool,
) -> None:
    """Draft the schema of a source from sample records.

    FILES are JSON (a record, a list of records, records in a row) or JSON Lines. {"NAME": {…}} and
    {"NAMEs": [{…}]} are unwrapped, and what --envelope names. Review the draft: samples show what
    may be, not all that may be. What is no record is told on standard error and left out.
    """
    import json
    import re

    from mapgen.contract.inference import infer as drafted
    from mapgen.contract.source_schema import read_source_schema

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise click.UsageError("--name takes a name in small letters: order, line_item")
    records = _records(files, (name, f"{name}s", *envelope))
    draft = drafted(records, name)
    read_source_schema(str(output or "the draft"), json.dumps(draft), name)
    _write(draft, output, force=force)


def _records(files: tuple[Path, ...], envelope: tuple[str, ...]) -> list[Mapping[str, Json]]:
    from mapgen.report import Stopped
    from mapgen.report.catalogue import reading

    found = [record for path in files for record in _records_of(path, envelope)]
    if not found:
        raise Stopped(
            reading.not_json(
                path=files[0].as_posix(), reason="it holds no record", what="the samples"
            )
        )
    return found


def _records_of(path: Path, envelope: tuple[str, ...]) -> Iterator[Mapping[str, Json]]:
    """Yield the records of a file; what is none is told and left out."""
    from mapgen.cli.output import say
    from mapgen.runtime.errors import RuleError
    from mapgen.runtime.sources.records import decode_whole, read_records

    with path.open("rb") as stream:
        for raw in read_records(stream, path.name, envelope):
            try:
                record = decode_whole(raw, envelope)
                if not isinstance(record, dict):
                    raise RuleError("R101", "it is no object")
            except RuleError as fault:
                words = f"{path.as_posix()}: record {raw.number} is left out: {fault}"
                say(words, err=True)
            else:
                yield cast("Mapping[str, Json]", record)
