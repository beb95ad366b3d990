"""Fields that two flows keep up to date in the same documents, by one rule of identity.

Each flow sends a state once, so whichever changed last stays: neither sees that the other wrote
over it. That identities may be the same is no reason to ask; that they are made alike is. A rule
that says why (`because`) is not asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from mapgen.check.writers import Writer, place_in
from mapgen.ir.flow import Field, Part, Rows
from mapgen.report import Diagnostic
from mapgen.report.catalogue import owners as messages
from mapgen.spec import model as spec


class _Updated(Struct, frozen=True):
    """A field that an update writes."""

    writer: Writer
    rule: spec.Rule
    target: str

    @property
    def creates(self) -> bool:
        """Whether the document of the field is created where it is absent."""
        return self.writer.written.creates


class Updates(Struct):
    """The fields that flows update, by all that another one could write them by: the first each."""

    _known: dict[object, _Updated] = field(default_factory=dict)

    def add(self, writers: Iterable[Writer]) -> None:
        for writer in writers:
            for key, one in _fields(writer):
                self._known.setdefault(key, one)

    def met_by(self, writers: Iterable[Writer]) -> Iterator[Diagnostic]:
        """Yield a warning for each document of which an earlier flow updates the same fields."""
        met: dict[tuple[str, str], list[tuple[_Updated, _Updated]]] = {}
        for key, one in (found for writer in writers for found in _fields(writer)):
            first = self._known.get(key)
            # Where both create the document, E601 says it.
            if first is not None and not (one.creates and first.creates):
                met.setdefault((one.writer.name, first.writer.name), []).append((one, first))
        return map(_warning, met.values())


def _warning(pairs: Sequence[tuple[_Updated, _Updated]]) -> Diagnostic:
    second, first = pairs[0]
    return messages.updated_by_two(
        place_in(second.writer.flow, second.rule.target),
        first=place_in(first.writer.flow, first.rule.target),
        entity=second.writer.document.plan.entity,
        one=second.writer.name,
        other=first.writer.name,
        fields=tuple(dict.fromkeys(one.target for one, _ in pairs)),
    )


def _fields(writer: Writer) -> Iterator[tuple[tuple[object, str], _Updated]]:
    """Yield the fields that a document updates, each with what another flow writes it by, too."""
    document = writer.document
    if not writer.written.target.operation.updates:
        return
    rules = {rule.pointer: rule for rule in writer.written.part.rules}
    alike = (writer.bucket, writer.ends(), tuple(document.plan.identity.scope.items()))
    for one in _single(document.part):
        rule = rules.get(one.pointer)
        path = one.target.rpartition(": ")[2]
        is_free = path not in document.plan.keys and not one.is_written_once
        if is_free and rule is not None and rule.modifiers.because is None:
            yield (alike, path), _Updated(writer, rule, one.target)


def updates_of(writer: Writer) -> list[object]:
    """Return all by which another flow could write over fields of a document, in order."""
    ends = writer.ends()
    found = sorted(path for (_, path), _ in _fields(writer))
    scope = tuple(writer.document.plan.identity.scope.items())
    return [sorted(ends.beginnings), sorted(ends.endings), ends.is_whole, scope, found]


def _single(part: Part) -> Iterator[Field]:
    """Yield the fields of which a document has one; rows are told apart by their keys."""
    for member in (*part.members, *part.others):
        if isinstance(member, Field):
            yield member
        elif isinstance(member, Rows) and not member.is_list:
            yield from _single(member.blocks[0].part)
