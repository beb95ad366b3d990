"""What follows a document: its steps are actions that the ERP has, and can be seen as done."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen import plan
from mapgen.contract.model import Entity
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import documents as messages
from mapgen.report.catalogue.operations import unknown_action
from mapgen.spec import model as spec

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
        first = seen.setdefault(action.value, action)
        if first is not action:
            yield messages.step_twice(action, first=first)
        for shows in step.until:
            yield from _unfit_field(shows.field, entity)


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
        )
        for step in document.then
    )
