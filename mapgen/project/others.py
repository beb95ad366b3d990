"""The other specs of a workspace: whether they make the documents of the flows looked at, too."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from msgspec import Struct, field

from mapgen.check.model import Checked
from mapgen.check.owners import check_owners, reach
from mapgen.check.writers import kind_of
from mapgen.disk.workspace import SPEC_SUFFIX
from mapgen.project.loading import Project
from mapgen.project.remembered import fingerprint_beside_specs
from mapgen.project.verdicts import verdict
from mapgen.report import Diagnostic, Source
from mapgen.report.catalogue import owners as messages
from mapgen.spec.model import LedgerTable, Spec


def check_others(
    flows: Sequence[Checked], specs: Sequence[Spec], given: Container[str], project: Project
) -> Iterator[Diagnostic]:
    """Yield what is wrong between these flows and all of the workspace, as far as it can be seen.

    Of the flows that are not looked at, only those that write the same documents are checked; and
    of them none that was found apart before, as it is.

    Args:
        flows: those that are right.
        specs: all that are looked at.
        given: the paths of specs that are looked at, also of those that cannot be read.
        shelf: with the files of the workspace.
    """
    documents = [one for flow in flows for one in flow.spec.mapping.documents]
    kinds = {kind_of(one) for one in documents if one.target.kind.keeps_documents}
    named = {one.owner.value.partition(".")[0] for one in documents if one.owner is not None}
    if not kinds:
        return
    apart = _Apart(project, None if named else reach(flows, project.environments))
    right = {flow.flow.name for flow in flows}
    known = {one.flow.value for one in specs}  # what is looked at stands for the file of its name
    others: dict[str, Checked | None] = dict.fromkeys(known - right)
    words = {entity for entity, _ in kinds} | named
    own = {one.source.path for one in specs}
    for path, name, found in project.others(own, words, apart.has):
        if name in known:
            continue
        is_writer = found is None or _writes(found, kinds, named)
        checked = project.checked(found) if found is not None and is_writer else None
        if is_writer and checked is None and path not in given:
            yield messages.unseen_flow(spec=path)
        if is_writer and name is not None:
            others[name] = checked
        if found is not None and (checked is not None or not is_writer):
            apart.seen(found)
    diagnostics = list(check_owners(flows, others, project.environments))
    if not diagnostics:
        apart.save()
    yield from diagnostics


def _writes(flow: Spec, kinds: Container[tuple[str, str]], named: Container[str]) -> bool:
    """Whether a flow is one of those named, or writes documents of these kinds."""
    return flow.flow.value in named or any(
        kind_of(one) in kinds for one in flow.mapping.documents if one.target.kind.keeps_documents
    )


class _Apart(Struct):
    """Which specs are known to meet no flow of some reach, by their text and all beside specs.

    `reach` None: nothing can be known. Nor is it of a spec that says what others mean, too.
    """

    project: Project
    reach: str | None
    _beside: str | None = None
    _seen: list[Source] = field(default_factory=list)

    def has(self, source: Source) -> bool:
        """Whether a spec is known to meet none of the flows."""
        if self.reach is None or self.project.workspace.drafts:
            return False
        if self._beside is None:
            self._beside = fingerprint_beside_specs(self.project.workspace) or ""
        return bool(self._beside) and self.project.verdicts.has(self._verdict(source))

    def seen(self, flow: Spec) -> None:
        """Take note of a right spec that was read, to be known as apart if nothing is wrong."""
        extends = any(one.path.endswith(SPEC_SUFFIX) for one in flow.beside)
        asks = any(isinstance(one, LedgerTable) for one in flow.mapping.lookups)
        if self._beside and not extends and not asks:
            self._seen.append(flow.source)

    def save(self) -> None:
        """Keep what was seen, if what specs refer to is still what it was."""
        if self._seen and fingerprint_beside_specs(self.project.workspace) == self._beside:
            for source in self._seen:
                self.project.verdicts.note(self._verdict(source))

    def _verdict(self, source: Source) -> str:
        return verdict("apart", self.reach or "", self._beside or "", source.path, source.text)
