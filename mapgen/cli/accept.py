"""`accept`: what a flow makes of its examples, once somebody has read it, is what they give."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from mapgen.cli import FAULTS
from mapgen.cli.options import force_option
from mapgen.cli.output import place, say

if TYPE_CHECKING:
    from mapgen.disk.workspace import Workspace
    from mapgen.spec.model import Spec


@click.command()
@click.argument("flow")
@force_option
@click.pass_context
def accept(context: click.Context, flow: str, *, force: bool) -> None:
    """Write the documents that FLOW makes of its examples into the files of what they give.

    What a file holds is left alone, with exit code 1 where it is another document; one that holds
    `{}` has been waiting for it, and --force writes over the others. Then generated/ is made anew.
    """
    from mapgen.cli.compile import generate
    from mapgen.disk.workspace import Workspace
    from mapgen.project.loading import Project
    from mapgen.project.named import spec_of

    workspace = Workspace.find(context.obj)
    path = spec_of(workspace, flow)
    chosen = {"specs": (workspace.root / path,), "only_check": False, "release": False}
    context.invoke(generate, **chosen, force=force)
    spec = Project(workspace).flow(path)
    refused = [*_refused(workspace, spec, force=force)]
    for words in refused:
        say(words, err=True)
    context.invoke(generate, **chosen, force=force)
    if refused:
        sys.exit(FAULTS)


def _refused(workspace: Workspace, spec: Spec, *, force: bool) -> Iterator[str]:
    """Write what examples give; yield why one was not written."""
    from mapgen.disk.workspace import GENERATED, from_specs
    from mapgen.emit.json_text import formatted
    from mapgen.runtime.testing import FlowUnderTest
    from mapgen.runtime.values import ENCODER

    flow = FlowUnderTest.load(workspace.root / GENERATED / spec.flow.value)
    for example in spec.mapping.examples:
        given = workspace.read(from_specs(example.given.value), "the example").text
        document = flow.document(given)
        name, path = example.name.value, from_specs(example.gives.value)
        known = json.loads(workspace.read(path, "the example").text, parse_float=Decimal)
        if isinstance(document, str):
            yield f"`{name}` gives no document: {document}"
            yield from _not_joined(spec, given, example.given.value)
        elif known == document:
            continue
        elif example.gives.source is not spec.source:
            of = example.gives.source.path
            yield f"`{name}` is an example of `{of}`: replace it under `change: mapping.examples`"
        elif known and not force:
            yield f"`{name}` gives another document than `{path}` says; `--force` writes it"
        else:
            place(formatted(ENCODER.encode(document)), workspace.root / path, force=True)
            say(f"wrote {path}: read it, it is what the flow has to give from now on")


def _not_joined(spec: Spec, given: str, path: str) -> Iterator[str]:
    """Yield what an example lacks that a run would join to its record."""
    record = json.loads(given)
    for join in spec.mapping.source.joins:
        if isinstance(record, dict) and join.name.value not in record:
            what = "an object" if join.takes.value == "one" else "a list"
            lacking = f"  `{path}` has no `{join.name.value}`"
            yield f"{lacking}: examples hold what is joined, {what} here"
