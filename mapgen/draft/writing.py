"""Proposals in, the text of a whole spec out: four sections, all that is open said in place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from mapgen.agreed.paths import covers, without_rows
from mapgen.agreed.plan import Form
from mapgen.check.reaching import reached
from mapgen.check.sources import all_paths, leaf_paths, type_at
from mapgen.contract.model import Entity
from mapgen.contract.personal import personal_kind
from mapgen.contract.source_schema import SourceSchema
from mapgen.draft.proposals import Open, Part, Proposed, Rule
from mapgen.emit.templates import render
from mapgen.escaping import yaml

# What a form of files is said by, in the order of a draft.
_SAID = (
    *("format", "envelope", "delimiter", "encoding", "header_line"),
    *("decimal", "thousands", "dates"),
)
_UNDO = ("cancel", "void", "reverse", "delete")
WIDTH = 100


class Frame(Struct, frozen=True):
    """What a draft says besides its rules. Paths are those that a spec uses, from `specs/`."""

    flow: str
    record: str
    schema: str
    contract: str
    connection: str
    modeline: str | None = None
    form: Form = Form()

    @property
    def given(self) -> str:
        """Where the example's record is, from `specs/`."""
        return f"examples/{self.flow}.json"

    def gives(self, entity: Entity) -> str:
        """Return where the document is that it has to become."""
        return f"examples/{self.flow}.{entity.name}.json"


def draft(frame: Frame, entity: Entity, schema: SourceSchema, proposed: Proposed) -> str:
    """Return the spec as YAML."""
    undo = (name for name in entity.actions if name.lower().startswith(_UNDO))
    return render(
        "draft.maps.yaml.jinja",
        modeline=frame.modeline,
        flow=frame.flow,
        record=frame.record,
        schema=frame.schema,
        key=proposed.key,
        form=_form(frame.form),
        contract=frame.contract,
        entity=entity.name,
        reads_zone=proposed.reads_zone,
        identity=proposed.identity,
        rules=[*_rules(proposed.members, proposed.missing, 4)],
        note=proposed.note and _rule(proposed.note),
        unread=_unread(schema, frame.record, proposed.reads),
        given=frame.given,
        gives=frame.gives(entity),
        connection=frame.connection,
        personal=[*_personal(schema, frame.record)],
        undo=next(undo, None),
    )


def _form(form: Form) -> str:
    """Return what a source says of its files, where they are no plain JSON."""
    said = [name for name in _SAID if getattr(form, name) != getattr(Form(), name)]
    return "".join(f", {name}: {_written(getattr(form, name))}" for name in said)


def _written(value: object) -> str:
    match value:
        case tuple():
            return f"[{', '.join(map(_written, value))}]"
        case Mapping():
            days = (f"{_written(name)}: {_written(words)}" for name, words in value.items())
            return f"{{{', '.join(days)}}}"
        case str() if value.isprintable():
            return yaml(value)
        case _:
            return json.dumps(value)  # numbers, and tabs as people write them


def _rules(members: Iterable[Rule | Part], missing: Iterable[Open], indent: int) -> Iterator[str]:
    pad = " " * indent
    for one in missing:
        yield f"{pad}{yaml(one.target)}: {{todo: {yaml(one.question)}}}"
    for member in members:
        if isinstance(member, Rule):
            yield f"{pad}{yaml(member.target)}: {_rule(member)}"
            continue
        yield f"{pad}{yaml(member.target)}:"
        if member.source is not None:
            yield f"{pad}  {'each' if member.is_rows else 'object'}: {yaml(member.source)}"
            yield f"{pad}  as: {member.alias}"
        yield f"{pad}  fields:"
        yield from _rules(member.members, member.missing, indent + 4)
        yield f"{pad}  because: {yaml(member.because)}"
        yield f"{pad}  proposed: true"


def _rule(rule: Rule) -> str:
    words = [f"value: {yaml(rule.expression)}"]
    words += ["if_missing: reject"] if rule.rejects_missing else []
    words += [f"too_long: {rule.too_long}"] if rule.too_long is not None else []
    words += [f"because: {yaml(rule.because)}", "proposed: true"]
    return f"{{{', '.join(words)}}}"


def _unread(schema: SourceSchema, name: str, reads: frozenset[str]) -> list[str]:
    """Return the source paths that nothing reads; an object is one, where none of its fields is."""
    found: list[str] = []
    for path in all_paths(reached(schema.record, reads), name):
        is_below = found and covers(found[-1], path)
        if path == name or is_below or any(covers(path, read) for read in reads):
            continue
        found.append(path)
    return [without_rows(path) for path in found]


def _personal(schema: SourceSchema, name: str) -> Iterator[str]:
    """Yield the source paths that look personal."""
    for path in leaf_paths(reached(schema.record, ()), name):
        if personal_kind(path, type_at(schema.record, path)) is not None:
            yield without_rows(path)
