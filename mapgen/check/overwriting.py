"""Fields that two flows keep up to date in the same documents, by one rule of identity.

Each flow sends a state once, so whichever changed last stays: neither sees that the other wrote
over it. That identities may be the same is no reason to ask; that they are made alike is. A rule
that says why (`because`) is not asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from mapgen.check.model import Checked, CheckedObject, CheckedPart, CheckedRule
from mapgen.check.writers import Writer, is_maker, writers_of
from mapgen.report import Diagnostic
from mapgen.report.catalogue import owners as messages
from mapgen.spec import model as spec

_UPDATING = ("update", "upsert")


def check_overwriting(
    flows: Sequence[Checked],
    others: Mapping[str, Checked | None],
    environments: Sequence[spec.Environment],
) -> Iterator[Diagnostic]:
    """Yield a warning for each document of which another flow updates the same fields.

    Args:
        flows: those that are looked at.
        others: the other flows of the workspace, by name; None for what is not known.
        environments: where they may run.
    """
    known: dict[object, _Field] = {}
    for flow in (one for one in others.values() if one is not None):
        _note(_fields_of(flow, environments), known)
    for flow in flows:
        fields = _fields_of(flow, environments)
        met: dict[tuple[str, str], list[tuple[_Field, _Field]]] = {}
        for key, one in fields:
            first = known.get(key)
            if first is not None and not (one.is_made and first.is_made):  # then E601 says it
                met.setdefault((one.writer.name, first.writer.name), []).append((one, first))
        for pairs in met.values():
            yield _warning(pairs)
        _note(fields, known)


class _Field(Struct, frozen=True):
    """A field that an update writes."""

    writer: Writer
    rule: CheckedRule

    @property
    def is_made(self) -> bool:
        """Whether the document of the field is created where it is absent."""
        return is_maker(self.writer.document.spec)


def _note(fields: Iterable[tuple[object, _Field]], known: dict[object, _Field]) -> None:
    for key, one in fields:
        known.setdefault(key, one)


def _fields_of(
    flow: Checked, environments: Sequence[spec.Environment]
) -> list[tuple[object, _Field]]:
    return [found for one in writers_of(flow, environments) for found in _fields(one)]


def _warning(pairs: Sequence[tuple[_Field, _Field]]) -> Diagnostic:
    second, first = pairs[0]
    return messages.updated_by_two(
        second.rule.rule.target,
        first=first.rule.rule.target,
        entity=second.writer.document.entity.name,
        one=second.writer.name,
        other=first.writer.name,
        fields=tuple(dict.fromkeys(one.rule.target for one, _ in pairs)),
    )


def _fields(writer: Writer) -> Iterator[tuple[object, _Field]]:
    """Yield the fields that a document updates, each with what another flow writes it by, too."""
    document = writer.document
    if document.spec.target.operation.value not in _UPDATING:
        return
    alike = (writer.bucket, writer.ends(), document.constant_keys)
    for rule in _rules(document.part):
        modifiers = rule.rule.modifiers
        if modifiers.because is None and modifiers.write_once is None and not rule.field.is_key:
            yield (alike, rule.target.rpartition(": ")[2]), _Field(writer, rule)


def _rules(part: CheckedPart) -> Iterator[CheckedRule]:
    """Yield the rules of fields of which a document has one; rows are told apart by their keys."""
    for member in (*part.members, *part.custom, *((part.note,) if part.note is not None else ())):
        match member:
            case CheckedRule():
                yield member
            case CheckedObject(part=inner):
                yield from _rules(inner)
            case _:
                pass
