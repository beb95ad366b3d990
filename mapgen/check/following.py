"""What follows a document: its steps are actions that the ERP has, and can be seen as done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mapgen.agreed import plan
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
    """Yield the faults of the steps after a document."""
    seen: dict[str, Text] = {}
    for step in document.then:
        action = step.action
        if not document.target.kind.keeps_documents:
            yield messages.step_outside(action)
        elif action.value not in entity.actions:
            yield unknown_action(action, entity=entity.name, known=entity.actions)
        else:
            yield from _unfit_parameters(step, entity.actions[action.value])
        first = seen.setdefault(action.value, action)
        if first is not action:
            yield messages.step_twice(action, first=first)
        for shows in step.until:
            yield from _unfit_field(shows.field, entity)
        if isinstance(step.rollback, spec.Undo):
            undo = step.rollback.undo.action
            if undo.value not in entity.actions:
                yield unknown_action(undo, entity=entity.name, known=entity.actions)


def _unfit_parameters(step: spec.Step, action: Action) -> Iterator[Diagnostic]:
    for name, value in step.given:
        kind = action.parameters.get(name.value)
        if kind is None:
            yield messages.unknown_parameter(name, action=action.name, known=action.parameters)
        elif not _is_fit(value, kind):
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
        if branch is None or not branch.value.startswith(plan.SETTING):
            continue
        if branch.value.removeprefix(plan.SETTING) not in known:
            yield messages.unknown_branch(branch, known=[f"{plan.SETTING}{one}" for one in known])


def steps(document: spec.Document) -> tuple[plan.Step, ...]:
    """Return the steps after a document, for the plan."""
    return tuple(
        plan.Step(
            step.action.value,
            {shows.field.value: tuple(one.value for one in shows.values) for shows in step.until},
            {name.value: _constant(value) for name, value in step.given},
            undo=step.rollback.undo.action.value if isinstance(step.rollback, spec.Undo) else None,
            irreversible=(
                step.rollback.irreversible.value
                if isinstance(step.rollback, spec.Irreversible)
                else None
            ),
        )
        for step in document.then
    )
