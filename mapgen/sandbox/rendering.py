"""Shows records as the API does, in the order of the contract, or plainly for people."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.contract.model import Contract, Field
from mapgen.sandbox.query import View
from mapgen.sandbox.records import CustomValue, Record
from mapgen.sandbox.tenant import NEW


def render(
    record: Record, contract: Contract, view: View, row: int = 1, *, is_part: bool = False
) -> dict[str, object]:
    """Return a record as the API shows it; parts that are not expanded are not there."""
    entity = contract.entities[record.entity]
    # Lines, parts and what was not saved have null where a document has an empty note.
    is_noted = record.note is not None or not (is_part or NEW in record.values.values())
    answer: dict[str, object] = {
        "id": record.id,
        "rowNumber": row,
        "note": {"value": record.note or ""} if is_noted else None,
    }
    for name, member in entity.fields.items():
        if member.shape == "value":
            if view.names is None or name in view.names:
                answer[name] = _wrapped(record, member, contract)
        elif view.is_all:
            if name in record.linked or record.details.get(name):
                answer[name] = _part(record, member, contract, view)
        elif name in view.parts:
            answer[name] = _part(record, member, contract, view.parts[name])
    answer["custom"] = _custom(record.custom, view)
    return answer


def refused(record: Record, contract: Contract, words: str) -> dict[str, object]:
    """Return a record that was refused: everything that was worked on, with its errors."""
    return {**render(record, contract, View(is_all=True)), "error": words}


def plain(record: Record) -> dict[str, object]:
    """Return a record without wrappers, for people and tests."""
    answer: dict[str, object] = {"id": record.id, **record.values}
    answer.update({name: plain(part) for name, part in record.linked.items()})
    answer.update({name: [plain(line) for line in lines] for name, lines in record.details.items()})
    if record.note is not None:
        answer["note"] = record.note
    if record.custom:
        answer["custom"] = {name: held.value for name, held in record.custom.items()}
    return answer


def _part(record: Record, member: Field, contract: Contract, view: View) -> object:
    if member.shape == "details":
        lines = record.details.get(member.name, [])
        return [render(line, contract, view, at, is_part=True) for at, line in enumerate(lines, 1)]
    # A part nobody wrote to is there all the same.
    held = record.linked.get(member.name) or Record(member.entity or "", record.id)
    return render(held, contract, view, is_part=True)


def _wrapped(record: Record, member: Field, contract: Contract) -> dict[str, object]:
    value = record.values.get(member.name)
    shown = {} if value is None else {"value": _shown(value, member, contract)}
    if member.name in record.errors:
        shown["error"] = record.errors[member.name]
    return shown


def _shown(value: object, member: Field, contract: Contract) -> object:
    if contract.contract_version >= 5:
        match member.value_type:
            case "date":
                return str(value)[: len("2026-01-31")]
            case "single_select":
                return {"id": value, "description": value}
            case "multi_select":
                return [{"id": part, "description": part} for part in str(value).split(",")]
            case _:
                return value
    return value


def _custom(held: Mapping[str, CustomValue], view: View) -> dict[str, dict[str, object]]:
    """Show `View.Field` names as views that hold fields."""
    shown: dict[str, dict[str, object]] = {}
    for path in sorted(view.custom):
        name, _, field = path.partition(".")
        value = held.get(path, CustomValue("CustomStringField"))
        wrapped = {"type": value.type}
        shown.setdefault(name, {})[field] = (
            wrapped if value.value is None else {**wrapped, "value": value.value}
        )
    return shown
