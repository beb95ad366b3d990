"""What follows a document: its steps are actions that the ERP has, and can be seen as done."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mapgen.agreed import plan
from mapgen.agreed.connections import CONNECTIONS
from mapgen.check.auth import check_connection_of, kind_of
from mapgen.check.model import Surroundings
from mapgen.contract.model import Action, Entity, ValueType
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import documents as messages
from mapgen.report.catalogue.operations import unknown_action
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

_DAY = re.compile(r"\d{4}-\d\d-\d\d(T|\Z)")

# Texts and choices: what a status is.
_SHOWING = ("string", "single_select", "boolean")


def unfit_steps(document: spec.Document, entity: Entity) -> Iterator[Diagnostic]:
    """Yield the errors of the steps after a document."""
    seen: dict[str, Text] = {}
    for step in document.then:
        if not document.target.kind.keeps_documents:
            yield messages.step_outside(step.name)
        elif isinstance(step, spec.ActionStep):
            yield from _unfit_action(step, entity)
        first = seen.setdefault(step.name.value, step.name)
        if first is not step.name:
            yield messages.step_twice(step.name, first=first)
        if isinstance(step.rollback, spec.Undo):
            undo = step.rollback.undo.action
            if undo.value not in entity.actions:
                yield unknown_action(undo, entity=entity.name, known=entity.actions)


def _unfit_action(step: spec.ActionStep, entity: Entity) -> Iterator[Diagnostic]:
    if step.name.value in entity.actions:
        yield from _unfit_parameters(step, entity.actions[step.name.value])
    else:
        yield unknown_action(step.name, entity=entity.name, known=entity.actions)
    for shows in step.until:
        yield from _unfit_field(shows.field, entity)


def _unfit_parameters(step: spec.ActionStep, action: Action) -> Iterator[Diagnostic]:
    for name, value in step.given:
        kind = action.parameters.get(name.value)
        if kind is None:
            yield messages.unknown_parameter(name, action=action.name, known=action.parameters)
        elif isinstance(value, ScalarNode) and not _is_fit(value, kind):
            yield messages.unfit_parameter(value.span, it=value.value, name=name.value, kind=kind)


def _is_fit(value: ScalarNode, kind: ValueType) -> bool:
    """Whether a constant is of a type; texts take whatever is written."""
    match kind:
        case "boolean":
            return value.kind == "flag"
        case "int" | "short" | "byte" | "long":
            return value.kind == "integer"
        case "decimal" | "double":
            return value.kind in ("integer", "number")
        case "date" | "datetime":
            return _DAY.match(value.value) is not None
        case _:
            return True


def _constant(value: ScalarNode) -> str | int | bool:
    """Return a constant as the plan has it: of other numbers than whole ones the digits."""
    if value.kind == "flag":
        return value.value == "true"
    return int(value.value) if value.kind == "integer" else value.value


def _unfit_field(name: Text, entity: Entity) -> Iterator[Diagnostic]:
    field = entity.fields.get(name.value)
    if field is None or field.value_type not in _SHOWING:
        known = [one.name for one in entity.fields.values() if one.value_type in _SHOWING]
        yield messages.shows_nothing(name, entity=entity.name, known=known)


def unknown_branches(section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the branches that are settings which the flow does not have, or which hold no text."""
    known = [one.name.value for one in section.settings if one.type.value == "string"]
    for document in section.documents:
        branch = document.target.branch
        if not isinstance(branch, Text) or not branch.value.startswith(plan.SETTING):
            continue
        if branch.value.removeprefix(plan.SETTING) not in known:
            yield messages.unknown_branch(branch, known=[f"{plan.SETTING}{one}" for one in known])


def check_attached(section: spec.MappingSection, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield what is wrong with where attached files lie."""
    fit = [one.name for one in CONNECTIONS.values() if one.holds_files or one.takes_requests]
    files = (one for of in section.documents for one in of.then)
    for step in files:
        if not isinstance(step, spec.AttachedFile):
            continue
        if step.connection is None and step.folder is None:
            yield messages.file_from_nowhere(step.path)
        if step.connection is None:
            continue
        yield from check_connection_of(step.connection, around, fit)
        kind = kind_of(step.connection, around)
        if kind not in (None, *fit):
            yield messages.holds_no_files(step.connection, kind=kind, takes=fit)
        elif kind is not None and step.folder is not None and not CONNECTIONS[kind].holds_files:
            yield messages.no_folders_there(step.folder, kind=kind)


def steps(document: spec.Document, unsent: Iterable[str]) -> tuple[plan.Step, ...]:
    """Return the steps after a document, for the plan, with what records say of each."""
    known = frozenset(unsent)
    return tuple(_step(step, known) for step in document.then)


def _step(step: spec.Step, unsent: frozenset[str]) -> plan.Step:
    undo = step.rollback.undo.action.value if isinstance(step.rollback, spec.Undo) else None
    why = step.rollback
    made = plan.Step(
        step.name.value,
        undo=undo,
        irreversible=why.irreversible.value if isinstance(why, spec.Irreversible) else None,
        attached=_attached(step),
    )
    beginning = made.key_of("")
    said = sorted(one.removeprefix(beginning) for one in unsent if one.startswith(beginning))
    made = replace(made, told=tuple(said))
    if not isinstance(step, spec.ActionStep):
        return made
    given = ((name, value) for name, value in step.given if isinstance(value, ScalarNode))
    return replace(
        made,
        until={one.field.value: tuple(value.value for value in one.values) for one in step.until},
        given={name.value: _constant(value) for name, value in given},
    )


def _attached(step: spec.Step) -> plan.Attached | None:
    match step:
        case spec.AttachedText():
            return plan.Attached()
        case spec.AttachedFile(folder=folder, connection=connection):
            return plan.Attached(
                has_path=True,
                folder=None if folder is None else folder.value.rstrip("/"),
                at=None if connection is None else connection.value,
            )
        case _:
            return None
