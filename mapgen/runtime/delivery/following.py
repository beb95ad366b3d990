"""What follows a document: its steps, each an entry of the ledger that needs the document's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Plan, Step
from mapgen.runtime.ledger.rows import digest_of
from mapgen.runtime.outcome import Document, Outcome

_Needs = tuple[tuple[str, str], ...]


def with_steps(outcomes: Iterable[Outcome], plan: Plan) -> Iterable[Outcome]:
    """Return outcomes, each document with its steps behind it.

    A step needs its document and the step before it; what goes after a document goes after its
    steps, too.
    """
    having = {one.name: one for one in plan.documents if one.then}
    return _with_steps(outcomes, having) if having else outcomes


def _with_steps(
    outcomes: Iterable[Outcome], having: Mapping[str, DocumentPlan]
) -> Iterator[Outcome]:
    for outcome in outcomes:
        if not isinstance(outcome, Document):
            yield outcome
            continue
        needs = tuple(need for one in outcome.needs for need in _all_of(one, having))
        document = replace(outcome, needs=needs)
        yield document
        plan = having.get(document.document)
        if plan is not None:
            yield from _steps(document, plan)


def _all_of(need: tuple[str, str], having: Mapping[str, DocumentPlan]) -> _Needs:
    """Return a document that is needed, with its steps."""
    name, identity = need
    plan = having.get(name)
    steps = () if plan is None else plan.then
    return (need, *((step.name_in(name), identity) for step in steps))


def _steps(document: Document, plan: DocumentPlan) -> Iterator[Document]:
    """Yield the steps of a document; of one that may be updated anew for each of its states."""
    needs: _Needs = ((document.document, document.identity),)
    told: dict[str, object] = {"of": digest_of(document.body)} if plan.does.updates else {}
    for step in plan.then:
        name = step.name_in(document.document)
        yield replace(
            document,
            document=name,
            body=msgspec.json.encode(told | _given(step)),
            needs=needs,
            warnings=(),
            data=None,
            lost=document.lost if document.lost == "missing" else None,
        )
        needs = (*needs, (name, document.identity))


def _given(step: Step) -> dict[str, object]:
    """Return the parameters of a step, as the ERP takes them."""
    given = {name: {"value": value} for name, value in step.given.items()}
    return {"parameters": given} if given else {}
