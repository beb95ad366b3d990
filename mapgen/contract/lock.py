"""The contract lock: a Contract goes into JSON that people review, and comes back from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, cast, get_args

from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.days import day_or_moment
from mapgen.contract.document import Cursor, gather, read
from mapgen.contract.model import Action, Contract, Entity, Field, Shape, ValueType
from mapgen.ondemand import OnDemand
from mapgen.report import Source, Stopped
from mapgen.report.catalogue import contract as words

FORMAT = 2
# Its `datetime` is any date or time: which of them are days is derived by their names.
_WITHOUT_DAYS = 1
_CHECKSUM_LINE = '  "checksum": "…",'

_VALUE_TYPES = get_args(ValueType)
_OF_SOURCES = ("lock", "checksum", "made_with", "sha256")
_OF_CONTRACT = ("endpoint", "version", "contract_version", "entities")

_Names = frozenset[str]
# What a member is called in the model, and what reads it, by the names of the entity's fields.
_Facts = Mapping[str, tuple[str, Callable[[Cursor, _Names], Any]]]


class Input(Struct, frozen=True):
    """A file that a lock was made from: the option that named it, its base name, its content.

    Without an option it was found beside the lock, where the next import finds it, too.
    """

    option: str | None
    name: str
    content: bytes


def write(
    contract: Contract,
    inputs: tuple[Input, ...],
    roots: tuple[str, ...] = (),
    *,
    with_facts: bool = True,
) -> str:
    """Return the lock's text: the same bytes for the same contract and inputs, on any machine.

    Args:
        contract: what the lock holds.
        inputs: the files that it was made from.
        roots: the entities that were asked for by name; without any, all were taken.
        with_facts: whether the facts that come with the product were taken.
    """
    lines = ["{", f'  "lock": {FORMAT},', _CHECKSUM_LINE]
    lines.append(f'  "made_with": {_line(_command(inputs, roots, with_facts=with_facts))},')
    hashes = {one.name: hashlib.sha256(one.content).hexdigest() for one in inputs}
    lines.append('  "sha256": {')
    lines.extend(_rows({name: hashes[name] for name in sorted(hashes)}, "    "))
    lines.append("  },")
    lines.append(f'  "endpoint": {_line(contract.endpoint)},')
    lines.append(f'  "version": {_line(contract.version)},')
    lines.append(f'  "contract_version": {contract.contract_version},')
    lines.append('  "entities": {')
    names = sorted(contract.entities)
    for name in names:
        lines.extend(_entity_lines(contract.entities[name], is_last=name == names[-1]))
    lines.extend(["  }", "}", ""])
    text = "\n".join(lines)
    return text.replace(_CHECKSUM_LINE, _CHECKSUM_LINE.replace("…", _checksum(json.loads(text))))


def _checksum(lock: Mapping[str, object]) -> str:
    """Return the hash of what a lock holds, its own checksum and its white space apart."""
    content = {name: value for name, value in lock.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def is_intact(content: bytes) -> bool:
    """Whether a file is a lock as mapgen wrote it: its checksum fits what it holds."""
    try:
        found = json.loads(content.decode())
        return isinstance(found, dict) and found.get("checksum") == _checksum(found)
    except (ValueError, RecursionError):
        return False


def read_lock(source: Source) -> Contract:
    """Return the contract that a lock holds.

    Raises Stopped: E405 for a malformed lock (all malformed entities at once), E406 for one of
    another format, E512 for text that is not JSON, E593 for one that was changed by hand. A lock
    without a checksum is taken as it is, and one that does not tell days from moments as an import
    would do without an overlay: earlier ones had neither.
    """
    root = read(source, words.malformed_lock)
    found = root.member("lock")
    if found.whole() not in (FORMAT, _WITHOUT_DAYS):
        raise Stopped(
            words.lock_of_another_format(found.label(), found=found.whole(), understood=FORMAT)
        )
    root.only((*_OF_SOURCES, *_OF_CONTRACT))
    holder = root.member("entities")
    known = frozenset(name for name, _ in holder.members())
    tells_days = found.whole() == FORMAT
    reads = {
        name: partial(_entity, name, entity, known, tells_days=tells_days)
        for name, entity in holder.members()
    }
    checksum = root.optional("checksum")
    is_as_written = checksum is not None and checksum.text() == _checksum(
        cast(Mapping[str, object], root.value)
    )
    entities: Mapping[str, Entity] = OnDemand(reads, cache(lambda name: reads[name]()))
    if not is_as_written:
        entities = {entity.name: entity for entity in gather(reads.values())}
    if checksum is not None and not is_as_written:
        raise Stopped(words.edited_lock(checksum.label()))
    return Contract(
        root.member("endpoint").text(),
        root.member("version").text(),
        root.member("contract_version").whole(),
        entities,
    )


def load(path: Path, shown_as: str | None = None) -> Contract:
    """Return the contract in a lock file; `shown_as` is the path that messages name.

    Raises Stopped: E511 where the file cannot be read, and what `read_lock` raises.
    """
    source, _ = source_of(path, shown_as or path.name)
    return read_lock(source)


def source_of(path: Path, name: str) -> tuple[Source, bytes]:
    """Return a file's text, and its bytes. Raises Stopped: E511 where it cannot be read."""
    try:
        content = path.read_bytes()
        return Source(name, content.decode("utf-8-sig")), content
    except OSError as error:
        raise Stopped(words.unreadable(path=name, reason=_reason(error))) from None
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8: byte {error.start} is wrong"
        raise Stopped(words.unreadable(path=name, reason=reason)) from None


def _reason(error: OSError) -> str:
    """Return why a file cannot be opened, as the end of a sentence that starts with its name."""
    match error:
        case FileNotFoundError():
            return "does not exist"
        case IsADirectoryError():
            return "is a folder, not a file"
        case PermissionError():
            return "may not be opened by this user"
        case _:
            return f"cannot be opened: {(error.strerror or 'unknown reason').lower()}"


def _command(inputs: tuple[Input, ...], roots: tuple[str, ...], *, with_facts: bool) -> str:
    words_of_command = ["mapgen contract import"]
    words_of_command.extend(
        f"{one.option} {one.name}".strip() for one in inputs if one.option is not None
    )
    if roots:
        words_of_command.append(f"--entities {','.join(sorted(roots))}")
    if not with_facts:
        words_of_command.append("--no-facts")
    return " ".join(words_of_command)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rows(rows: Mapping[str, object], indent: str) -> Iterator[str]:
    """Return one line a member: a review shows exactly the fields that changed."""
    last = len(rows) - 1
    for index, (name, value) in enumerate(rows.items()):
        yield f"{indent}{_line(name)}: {_line(value)}{',' if index < last else ''}"


def _entity_lines(entity: Entity, *, is_last: bool) -> Iterator[str]:
    yield f"    {_line(entity.name)}: {{"
    for member, said in _said(entity, _OF_ENTITY):
        yield f"      {_line(member)}: {_line(said)},"
    yield '      "fields": {'
    yield from _rows({one.name: _field_row(one) for one in entity.fields.values()}, "        ")
    yield "      }" + ("," if entity.actions else "")
    if entity.actions:
        yield '      "actions": {'
        actions = {name: dict(entity.actions[name].parameters) for name in sorted(entity.actions)}
        yield from _rows(actions, "        ")
        yield "      }"
    yield "    }" + ("" if is_last else ",")


def _field_row(one: Field) -> Mapping[str, object]:
    named, kind = ("type", one.value_type) if one.shape == "value" else (one.shape, one.entity)
    return {named: kind, **dict(_said(one, _OF_FIELD))}


def _said(of: Entity | Field, facts: _Facts) -> Iterator[tuple[str, object]]:
    """Yield what is written of an entity or a field: nothing that is false or lacking."""
    for member, (attribute, _) in facts.items():
        value = getattr(of, attribute)
        if not (value is None or value is False or value == ()):
            yield member, dict(value) if member == "part_companions" else value


def _entity(name: str, entity: Cursor, known: _Names, *, tells_days: bool) -> Entity:
    entity.only((*_OF_ENTITY, "fields", "actions"))
    holder = entity.member("fields")
    names = frozenset(field for field, _ in holder.members())
    by_small_letters: dict[str, str] = {}
    for _, facts in holder.members():
        facts.apart_from(by_small_letters)
    actions = entity.optional("actions")
    found = Entity(
        name,
        {field: _field(field, facts, known, names) for field, facts in holder.members()},
        actions={
            action: _action(action, parameters)
            for action, parameters in (() if actions is None else actions.members())
        },
        **_read(entity, _OF_ENTITY, names),
    )
    return found if tells_days else _with_days(found)


def _with_days(entity: Entity) -> Entity:
    """Return the entity with its times told apart by their names."""

    def reported(name: str, kind: ValueType) -> ValueType:
        return day_or_moment(name) if kind == "datetime" else kind

    fields = {
        name: replace(one, value_type=reported(name, one.value_type)) if one.value_type else one
        for name, one in entity.fields.items()
    }
    actions = {
        name: Action(name, {each: reported(each, kind) for each, kind in one.parameters.items()})
        for name, one in entity.actions.items()
    }
    return replace(entity, fields=fields, actions=actions)


def _field(name: str, facts: Cursor, known: _Names, names: _Names) -> Field:
    facts.only(("type", "linked", "details", *_OF_FIELD))
    return Field(name, *_shape(facts, known), **_read(facts, _OF_FIELD, names))


def _read(holder: Cursor, facts: _Facts, names: _Names) -> dict[str, Any]:
    """Return what is written of an entity or a field, as the model calls it."""
    return {
        attribute: read(found, names)
        for member, (attribute, read) in facts.items()
        if (found := holder.optional(member)) is not None
    }


def _shape(facts: Cursor, known: _Names) -> tuple[Shape, ValueType | None, str | None]:
    shapes = [name for name in ("type", "linked", "details") if facts.optional(name) is not None]
    if len(shapes) != 1:
        facts.stop("a field has exactly one of `type`, `linked` and `details`")
    value = facts.member(shapes[0])
    if shapes[0] == "type":
        return "value", _value_type(value), None
    return cast(Shape, shapes[0]), None, _one_of(value, known)


def _value_type(at: Cursor) -> ValueType:
    if at.text() not in _VALUE_TYPES:
        at.stop(f"`{at.text()}` is not a value type")
    return cast(ValueType, at.text())


def _action(name: str, parameters: Cursor) -> Action:
    return Action(name, {one: _value_type(value) for one, value in parameters.members()})


def _names(listed: Cursor, known: _Names) -> tuple[str, ...]:
    return tuple(_one_of(name, known) for name in listed.elements())


def _companions(parts: Cursor, known: _Names) -> tuple[tuple[str, str], ...]:
    return tuple((part, _one_of(named, known)) for part, named in parts.members())


def _one_of(name: Cursor, known: _Names) -> str:
    if name.text() not in known:
        name.stop(f"there is no `{name.text()}`")
    return name.text()


def _flag(at: Cursor, _: _Names) -> bool:
    return at.flag()


def _number(at: Cursor, _: _Names) -> int:
    return at.whole()


# In the order in which they are written, each only where it says something.
_OF_ENTITY: _Facts = {
    "top_level": ("is_top_level", _flag),
    "auto_numbered": ("is_auto_numbered", _flag),
    "keys": ("keys", _names),
    "identities": ("identities", _names),
}
_OF_FIELD: _Facts = {
    "key": ("is_key", _flag),
    "required": ("is_required", _flag),
    "calculated": ("is_calculated", _flag),
    "read_only": ("is_read_only", _flag),
    "max_length": ("max_length", _number),
    "places": ("places", _number),
    "companion": ("companion", _one_of),
    "part_companions": ("part_companions", _companions),
    "label": ("label", lambda at, _: at.text()),
}
