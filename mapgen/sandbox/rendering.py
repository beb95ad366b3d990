"""Answers: a record and what is asked of it, in; JSON in the order of the contract, out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from mapgen.contract.model import Contract, Entity, Field
from mapgen.sandbox.query import View
from mapgen.sandbox.records import Record
from mapgen.sandbox.tenant import NEW
from mapgen.sandbox.values import Value, stored_scale


@dataclass(frozen=True, slots=True)
class Style:
    """How answers look: `is_stored` shows decimals with the places of their columns.

    A PUT answers what the screen computed (`2.0`), a GET what the database holds (`2.0000`).
    Source: recorded. `links` is the path links start with, empty for none. A part of a document
    `is_part`: it has neither links nor an empty note.
    """

    is_stored: bool = True
    links: str = ""
    is_part: bool = False


def render(
    record: Record, contract: Contract, view: View, style: Style, row: int = 1
) -> dict[str, object]:
    """Return a record as the API shows it; parts that are not expanded are not there."""
    entity = contract.entities[record.entity]
    answer: dict[str, object] = {
        "id": record.id,
        "rowNumber": row,
        "note": _note(record, entity, style),
    }
    for name, member in entity.fields.items():
        if member.shape == "value":
            if view.names is None or name in view.names:
                answer[name] = _wrapped(record, member, contract, style)
        elif name in view.parts and member.entity is not None:
            answer[name] = _part(record, member, contract, view.parts[name], style)
    answer["custom"] = _custom(record, view)
    if style.links and not style.is_part:
        own = f"{style.links}/{entity.name}/{record.id}"
        files = f"{style.links}/files/{entity.name}/Document/{record.id}/{{filename}}"
        answer["_links"] = {"self": own, "files:put": files}
    if "files" in view.parts:
        answer["files"] = [
            {
                "id": file.id,
                "filename": file.filename,
                "href": f"{style.links}/files/{file.id}",
                "comment": file.comment,
            }
            for file in record.files
        ]
    return answer


def echo(record: Record, contract: Contract, words: str | None = None) -> dict[str, object]:
    """Return a record that was refused: everything that was worked on, with its errors."""
    entity = contract.entities[record.entity]
    answer: dict[str, object] = {"id": record.id, "rowNumber": 1}
    if words is not None:
        answer["error"] = words
    answer["note"] = _note(record, entity, Style(is_part=words is None))
    for name, member in entity.fields.items():
        if member.shape == "value":
            wrapped = _wrapped(record, member, contract, Style(is_stored=False))
            if name in record.errors:
                wrapped["error"] = record.errors[name]
            answer[name] = wrapped
        elif name in record.linked:
            answer[name] = echo(record.linked[name], contract)
        elif record.details.get(name):
            lines = [echo(line, contract) for line in record.details[name]]
            answer[name] = [{**line, "rowNumber": at} for at, line in enumerate(lines, start=1)]
    answer["custom"] = {}
    return answer


def ad_hoc_schema(
    entity: Entity, contract: Contract, custom: Mapping[str, Mapping[str, str]], depth: int = 2
) -> dict[str, object]:
    """Return the skeleton of an entity, whose `custom` lists the fields beyond the contract."""
    fields = {
        name: {"type": kind, "value": None} for name, kind in custom.get(entity.name, {}).items()
    }
    answer: dict[str, object] = {"custom": _by_view(fields)}
    for name, member in entity.fields.items():
        if member.shape == "value":
            answer[name] = {}
        elif member.entity is not None and depth > 0:
            inner = ad_hoc_schema(contract.entities[member.entity], contract, custom, depth - 1)
            answer[name] = inner if member.shape == "linked" else [inner]
    return answer


def plain(record: Record) -> dict[str, object]:
    """Return a record without wrappers, for people and tests."""
    answer: dict[str, object] = {"id": record.id, **record.values}
    answer.update({name: plain(part) for name, part in record.linked.items()})
    answer.update({name: [plain(line) for line in lines] for name, lines in record.details.items()})
    if record.note is not None:
        answer["note"] = record.note
    if record.custom:
        answer["custom"] = {name: value.value for name, value in record.custom.items()}
    return answer


def _note(record: Record, entity: Entity, style: Style) -> dict[str, str] | None:
    """Lines, parts and records that were not saved have null where a document has an empty note."""
    if record.note is not None:
        return {"value": record.note}
    is_saved = NEW not in (record.values.get(name) for name in entity.keys)
    return {"value": ""} if is_saved and not style.is_part else None


def _part(record: Record, member: Field, contract: Contract, view: View, style: Style) -> object:
    style = replace(style, is_part=True)
    if member.shape == "details":
        lines = record.details.get(member.name, [])
        return [render(line, contract, view, style, row) for row, line in enumerate(lines, start=1)]
    # A part nobody wrote to is there all the same, always under the same id.
    held = record.linked.get(member.name) or Record(
        member.entity or "", str(uuid5(NAMESPACE_URL, f"{record.id}/{member.name}"))
    )
    return render(held, contract, view, style)


def _wrapped(record: Record, member: Field, contract: Contract, style: Style) -> dict[str, object]:
    value = record.values.get(member.name)
    if value is None:
        return {}
    return {"value": _shown(value, member, contract, style)}


def _shown(value: Value, member: Field, contract: Contract, style: Style) -> object:
    if isinstance(value, Decimal):
        return stored_scale(member.name, value) if style.is_stored else value
    if member.value_type == "date" and contract.contract_version >= 5:
        return str(value)[: len("2026-01-31")]
    if member.value_type == "single_select" and contract.contract_version >= 5:
        return {"id": value, "description": value}
    if member.value_type == "multi_select" and contract.contract_version >= 5:
        return [{"id": part, "description": part} for part in str(value).split(",")]
    return value


def _custom(record: Record, view: View) -> dict[str, dict[str, object]]:
    shown: dict[str, dict[str, object]] = {}
    for name in sorted(view.custom):
        held = record.custom.get(name)
        if held is None:
            shown[name] = {"type": "CustomStringField"}
        elif held.value is None:
            shown[name] = {"type": held.type}
        else:
            shown[name] = {"type": held.type, "value": held.value}
    return _by_view(shown)


def _by_view(fields: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, object]]:
    """Return `View.Field` names as views that hold fields."""
    views: dict[str, dict[str, object]] = {}
    for path, content in fields.items():
        view, _, name = path.partition(".")
        views.setdefault(view, {})[name] = dict(content)
    return views
