"""What the base of an overlay means: whether that has changed, what exactly, and where both did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from mapgen.check.flow import check
from mapgen.check.model import Checked
from mapgen.disk.workspace import GENERATED, Workspace, from_specs
from mapgen.ir.flow import Flow
from mapgen.ir.printing import meaning
from mapgen.project.loading import Project
from mapgen.project.written import read_manifest
from mapgen.report import Diagnostic, Stopped, Text
from mapgen.report.catalogue import overlays as messages
from mapgen.report.catalogue.project import unknown_flow
from mapgen.spec import model as spec
from mapgen.spec.reader import flow_name

# So many differences are shown; how many there are beyond is reported.
MOST_SHOWN = 6
_ROW = re.compile(r"\| [`*]+(?P<target>[^`*|]+)[`*]+ \|(?P<rest>.*)\|")
_OF_SPECS = re.compile(r"(?:^|\.)(?:mapping|documents|fields|custom|blocks)(?=\.|$)")


def check_base(project: Project, flow: spec.Spec, base: Checked | None) -> Iterator[Diagnostic]:
    """Yield the error of an overlay whose base does not mean what it meant.

    Args:
        shelf: with the files of the workspace.
        flow: the overlay; a spec that is written out has no error.
        base: the flow that it extends, None where that is not right, which is reported elsewhere.
    """
    overlay = flow.overlay
    if overlay is None or base is None:
        return
    try:
        now = project.with_examples(base)
    except Stopped:
        return
    if meaning(now) != overlay.extends.meaning.value:
        notes = tuple(_notes(project, overlay, now))
        yield msgspec.structs.replace(
            messages.base_has_changed(overlay.extends.meaning, flow=now.name, own=flow.flow.value),
            notes=notes,
        )


def base_path(overlay: spec.Overlay) -> str:
    """Return the path of the spec that an overlay extends."""
    return from_specs(overlay.extends.spec.value)


def _notes(project: Project, overlay: spec.Overlay, now: Flow) -> Iterator[str]:
    """Yield how the base differs from what it was, and what this flow changes."""
    from mapgen.emit.documentation import mapping_document  # what has not changed needs none
    from mapgen.emit.plans import plan_file

    known = read_manifest(project.workspace).flows.get(now.name)
    if known is None or known.meaning != overlay.extends.meaning.value:
        yield f"`{GENERATED}/` does not hold what it meant: its history in the repository does"
        return
    before = _generated(project, f"{now.name}/{now.name.upper()}.md")
    rows, own = _differences(before, mapping_document(now)), _targets(overlay)
    yield from _limited([_reported(target, *row) for target, row in rows.items()])
    plan = _changed_keys(_generated(project, f"{now.name}/flow.json"), plan_file(now))
    if plan:
        yield f"changed in `flow.json`: {', '.join(f'`{key}`' for key in plan)}"
    if not rows and not plan:
        yield "its rules are the same: examples, or the schema of the source, have changed"
    both = [
        text.value
        for target, text in own.items()
        if any(_meet(target, other.replace("[]", "")) for other in rows)
    ]
    if both:
        yield f"changed there and here: {', '.join(f'`{path}`' for path in both)}"
    others = [text.value for text in own.values() if text.value not in both]
    if others:
        yield "changed here alone: " + "; ".join(_limited([f"`{path}`" for path in others]))


def _generated(project: Project, name: str) -> str:
    try:
        return project.workspace.read(f"{GENERATED}/{name}", "the generated file").text
    except Stopped:
        return ""


def _limited(lines: list[str]) -> Iterator[str]:
    yield from lines[:MOST_SHOWN]
    if len(lines) > MOST_SHOWN:
        yield f"and {len(lines) - MOST_SHOWN} more"


def _differences(before: str, after: str) -> Mapping[str, tuple[str | None, str | None]]:
    """Return the lines of two mapping documents that differ, by target: as it was, as it is."""
    old, new = _rows(before), _rows(after)
    return {
        target: (old.get(target), new.get(target))
        for target in {**old, **new}
        if old.get(target) != new.get(target)
    }


def _rows(document: str) -> Mapping[str, str]:
    """Return the lines of a document by target; what is no line of a table is its own target."""
    found: dict[str, str] = {}
    for line in document.splitlines():
        row = _ROW.fullmatch(line)
        if row is not None:
            cells = [cell.strip() for cell in row["rest"].split(" | ")]
            found[row["target"]] = ", ".join(cell.strip("| ") for cell in cells if cell.strip("| "))
        elif line.strip():
            found.setdefault(line.strip("|- "), "")
    return found


def _reported(target: str, before: str | None, after: str | None) -> str:
    if before is None:
        return f"new: {target}" + (f": {after}" if after else "")
    if after is None:
        return f"gone: {target}" + (f": {before}" if before else "")
    return f"`{target}` was {before}; it is {after}"


def _changed_keys(before: str, after: str) -> list[str]:
    """Return the keys of a plan that differ, but for the hash of what the flow does."""
    try:
        old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    except msgspec.DecodeError:
        return []
    return [key for key in {**old, **new} if key != "rules" and old.get(key) != new.get(key)]


def _targets(overlay: spec.Overlay) -> Mapping[str, Text]:
    """Return the paths of the changes by the target field that each is about."""
    return {
        _OF_SPECS.sub("", change.path.value).strip("."): change.path for change in overlay.changes
    }


def _meet(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


class Rebased(msgspec.Struct, frozen=True):
    """An overlay before and after it takes what its base means now."""

    path: str
    base: str
    found: str
    meaning: str
    before: str
    after: str


def rebased(workspace: Workspace, flows: Iterable[str]) -> Iterator[Rebased]:
    """Yield the specs of overlays, each with the hash of what its base means now.

    Raises Stopped for a flow that is not there or extends none, and with the errors of a base.
    """
    project = Project(workspace)
    paths = {flow_name(project.specs.source(path)): path for path in workspace.spec_paths()}
    for name in flows:
        if name not in paths:
            known = [one for one in paths if one is not None]
            raise Stopped(unknown_flow(it=name, known=known))
        overlay = project.specs.whole(paths[name]).overlay
        if overlay is None:
            raise Stopped(messages.extends_none(it=name, path=paths[name]))
        base = project.flow(base_path(overlay))
        now = project.with_examples(check(base, project.around(base)))
        written, source = overlay.extends.meaning, project.specs.source(paths[name])
        span = written.span()
        text = source.text[: span.start] + meaning(now) + source.text[span.end :]
        yield Rebased(paths[name], now.name, written.value, meaning(now), source.text, text)
