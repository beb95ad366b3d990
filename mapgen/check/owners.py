"""Who makes a document: no two flows may, unless their identities tell their documents apart.

A look-up by identity finds what any flow made. Of two flows that may create the document of one
identity, the second finds nothing while the first is at it, and makes another; or it finds that of
the first, and takes it for its own. So one of them owns it: the other names it as `owner`, and
creates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from mapgen.check.model import Checked
from mapgen.check.overwriting import Updates, updates_of
from mapgen.check.writers import Bucket, Mark, Writer, kind_of, name_of, place_in, writers_of
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import owners as messages
from mapgen.spec import model as spec


def idle_owners(section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the errors of an `owner` of documents that this flow does not create anyway."""
    for document in section.documents:
        target, owner = document.target, document.owner
        if owner is not None and (not target.kind.keeps_documents or target.operation.updates):
            yield messages.idle_owner(
                owner,
                operation=target.operation.text,
                makes=target.operation.creates and target.operation.updates,
            )


def check_owners(
    flows: Sequence[Checked],
    others: Mapping[str, Checked | None],
    environments: Sequence[spec.Environment],
) -> Iterator[Diagnostic]:
    """Yield the errors of documents that two flows may make or both update, and of `owner`.

    Args:
        flows: those that are looked at.
        others: the other flows of the workspace, by name; None for what is not known.
        environments: where they may run.
    """
    meetings = (_Makers(), Updates())
    for other in (one for one in others.values() if one is not None):
        writers = writers_of(other, environments)
        for known in meetings:
            known.add(writers)
    for flow in flows:
        writers = writers_of(flow, environments)
        for known in meetings:
            yield from known.met_by(writers)
            known.add(writers)
    whole = {**others, **{flow.flow.name: flow for flow in flows}}
    for flow in flows:
        for document in flow.spec.mapping.documents:
            if document.owner is not None:
                yield from _owner(flow, document, document.owner, whole, environments)


def reach(flows: Iterable[Checked], environments: Sequence[spec.Environment]) -> str:
    """Return all by which other flows could meet these, if none of these names an `owner`.

    Another flow that meets none of them meets none of others of which this is equal.
    """
    writers = (one for flow in flows for one in writers_of(flow, environments))
    return repr([(one.reach(), updates_of(one)) for one in writers])


class _Makers(Struct):
    """The documents that flows make, by all that another one could meet them by: the first each."""

    _known: dict[Bucket, dict[Mark, list[Writer]]] = field(default_factory=dict)

    def add(self, writers: Iterable[Writer]) -> None:
        for writer in writers:
            if writer.written.creates:
                alike = self._known.setdefault(writer.bucket, {})
                for mark in writer.known_by():
                    others = alike.setdefault(mark, [])
                    # Of those that nothing more tells apart, one stands for all.
                    if not others or len(others[0].document.plan.identity.fields) > 1:
                        others.insert(0, writer)

    def met_by(self, writers: Iterable[Writer]) -> Iterator[Diagnostic]:
        """Yield the errors of one flow's documents that an earlier flow may make: one each."""
        reported: set[str] = set()
        for writer in writers:
            first = self.first(writer) if writer.written.creates else None
            if first is None or writer.name in reported:
                continue
            reported.add(writer.name)
            yield messages.made_by_two(
                place_in(writer.flow, writer.written.identity.value),
                first=place_in(first.flow, first.written.identity.value),
                entity=writer.document.plan.entity,
                one=writer.name,
                other=first.name,
                environment=writer.place,
            )

    def first(self, writer: Writer) -> Writer | None:
        """Return the first maker of what a flow writes, None where nobody is known to make it."""
        alike = self._known.get(writer.bucket, {})
        found = (one for mark in writer.asks_for() for one in alike.get(mark, ()))
        return next((one for one in found if not writer.is_apart_from(one)), None)


def _owner(
    flow: Checked,
    document: spec.Document,
    owner: Text,
    flows: Mapping[str, Checked | None],
    environments: Sequence[spec.Environment],
) -> Iterator[Diagnostic]:
    """Yield the error of an `owner`: it has to make the very documents that this flow does not."""
    name, _, _ = owner.value.partition(".")
    if name in flows and flows[name] is None:
        return  # its own errors are reported where it is checked
    other = flows.get(name)
    made = None if other is None else _called(other, owner.value)
    if other is None or made is None:
        makers = list(_makers_of(flows, document, flow.flow.name))
        help = None if makers else "remove `owner`: nobody else makes it"
        yield messages.unknown_owner(owner, known=makers, help=help)
        return
    if made.owner is not None and made.owner.value == name_of(flow, document) < owner.value:
        return  # told at the other one
    unfit = _why_unfit((flow, document), (other, made), environments)
    if unfit is not None:
        why, help = unfit
        yield messages.unfit_owner(owner, why=why, help=help)


def _called(flow: Checked, name: str) -> spec.Document | None:
    return next((one for one in flow.spec.mapping.documents if name_of(flow, one) == name), None)


def _makers_of(
    flows: Mapping[str, Checked | None], document: spec.Document, own: str
) -> Iterator[str]:
    """Yield the names of what may be meant by an `owner`."""
    for name, flow in flows.items():
        for made in () if flow is None or name == own else flow.spec.mapping.documents:
            if made.creates and kind_of(made) == kind_of(document):
                yield name_of(flow, made) if flow is not None else name


def _why_unfit(
    mine: tuple[Checked, spec.Document],
    other: tuple[Checked, spec.Document],
    environments: Sequence[spec.Environment],
) -> tuple[str, str] | None:
    """Return why a document cannot be the one that an `owner` means, and what helps."""
    (flow, document), (owning, made) = mine, other
    entity, name = kind_of(made)
    if owning is flow:
        return "it is of this flow itself", "name the document of another flow"
    if not made.target.kind.keeps_documents or kind_of(made) != kind_of(document):
        return f"it is a `{entity}` known by `{name}`", "remove `owner`"
    if made.owner is not None:
        further = made.owner.value
        if further == name_of(flow, document):
            return "it names this one as its owner", "remove `owner` where the documents are made"
        return f"`{further}` makes it", f"write `owner: {further}`"
    if not made.creates:
        return "that flow only updates it", "remove `owner`: this flow makes it"
    makers = _Makers()
    makers.add(_of(owning, made, environments))
    if not any(map(makers.first, _of(flow, document, environments))):
        why = "no document of the two can have the same identity in one tenant"
        return why, "remove `owner`: each flow makes its own"
    return None


def _of(
    flow: Checked, document: spec.Document, environments: Iterable[spec.Environment]
) -> list[Writer]:
    return [one for one in writers_of(flow, environments) if one.written is document]
