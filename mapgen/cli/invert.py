"""`invert`: a flow by name in, what its documents give back and what is lost out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mapgen.cli.output import piped, say

if TYPE_CHECKING:
    from mapgen.invert.model import Rule, Verdict


@click.command()
@click.argument("flow")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def invert(project: Path, flow: str, *, as_json: bool) -> None:
    """Tell for every rule of a FLOW whether it can be undone, and what the document gives back.

    A flow that says `round_trip: true` is kept so by `check`, and tested by what `generate` writes.
    """
    found = _verdict(project, flow)
    if as_json:
        piped(json.dumps(_plain(flow, found), indent=2, ensure_ascii=False))
        return
    for line in _lines(flow, found):
        say(line)


def _verdict(project: Path, flow: str) -> Verdict:
    from mapgen.compiler import check_specs
    from mapgen.inversion import verdict_on
    from mapgen.report import Stopped
    from mapgen.report.catalogue import project as messages
    from mapgen.spec.reader import flow_name
    from mapgen.workspace import Workspace

    workspace = Workspace.find(project)
    paths = {flow_name(workspace.read(path, "the spec")): path for path in workspace.spec_paths()}
    if flow not in paths:
        known = tuple(name for name in paths if name is not None)
        raise Stopped([messages.unknown_flow(flow, known)])
    # Flows may look up what others made: all are read, and only this one's faults count.
    findings = check_specs(workspace, workspace.spec_paths())
    checked = next((one for one in findings.flows if one.spec.flow.value == flow), None)
    if checked is None:
        raise Stopped(findings.faults)
    return verdict_on(checked)


def _lines(flow: str, found: Verdict) -> Iterator[str]:
    width = max((len(_name(rule)) for rule in found.rules), default=0)
    for rule in found.rules:
        yield f"{_name(rule):<{width}}  {_words(rule)}"
    yield ""
    count = len(found.back) + len(found.lost)
    if not found.lost:
        fields = "source field" if count == 1 else "source fields"
        yield f"{flow}: all {count} {fields} that the rules read come back"
        return
    yield f"{flow}: {len(found.back)} of {count} source fields that the rules read come back"
    for path, rule in found.back:
        yield f"  back  {path}  from {_name(rule)}"
    for lost in found.lost:
        yield f"  lost  {lost.path}  {lost.reader}: {lost.why}"


def _name(rule: Rule) -> str:
    from mapgen.ir.flow import ONLY

    # A target of one of several documents says which: `invoice: Date`.
    if rule.document == ONLY or ": " in rule.field.target:
        return rule.field.target
    return f"{rule.document}: {rule.field.target}"


def _words(rule: Rule) -> str:
    from mapgen.invert.model import Lost, Nothing, Undone

    match rule.finding:
        case Undone(path=path, is_number=True):
            return f"gives back {path}, as a number: how it was spelt is lost"
        case Undone(path=path):
            return f"gives back {path}"
        case Nothing():
            return "reads nothing of the record"
        case Lost(why=why):
            return f"cannot be undone: {why}"


def _plain(flow: str, found: Verdict) -> dict[str, object]:
    return {
        "flow": flow,
        "comes_back": not found.lost,
        "rules": [_plain_rule(rule) for rule in found.rules],
        "back": [{"path": path, "from": _name(rule)} for path, rule in found.back],
        "lost": [
            {"path": lost.path, "reader": lost.reader.replace("`", ""), "why": lost.why}
            for lost in found.lost
        ],
    }


def _plain_rule(rule: Rule) -> dict[str, object]:
    from mapgen.invert.model import Lost, Undone

    match rule.finding:
        case Undone(path=path, is_number=is_number):
            as_what = "number" if is_number else "as it was"
            return {"target": _name(rule), "undone": True, "path": path, "comes_back": as_what}
        case Lost(why=why):
            return {"target": _name(rule), "undone": False, "why": why}
        case _:
            return {"target": _name(rule), "undone": True, "path": None}
