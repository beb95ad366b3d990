"""What follows a document: its steps, each an entry of the ledger that needs the document's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from mapgen.agreed.plan import DocumentPlan, Plan, Step
from mapgen.runtime.ledger.rows import digest_of
from mapgen.runtime.outcome import Document, Origin, Outcome
from mapgen.runtime.targets.files import attachment

_Need = tuple[str, str]
_Unsent = Mapping[str, msgspec.Raw]
"""What a record says, each as the ERP takes it: in `value`, with the digits that it has."""


class _Condition(msgspec.Struct, frozen=True):
    value: bool


def with_steps(outcomes: Iterable[Outcome], plan: Plan) -> Iterable[Outcome]:
    """Return outcomes, each document with its steps behind it, those that its record wants.

    A step needs its document and the step before it; what goes after a document goes after its
    steps, too.
    """
    having = {one.name: one for one in plan.documents if one.then}
    return _with_steps(outcomes, having) if having else outcomes


def _with_steps(
    outcomes: Iterable[Outcome], having: Mapping[str, DocumentPlan]
) -> Iterator[Outcome]:
    origin: Origin | None = None
    after: dict[_Need, tuple[_Need, ...]] = {}
    data = b""
    for outcome in outcomes:
        if not isinstance(outcome, Document):
            yield outcome
            continue
        if outcome.origin != origin:
            origin, after, data = outcome.origin, {}, outcome.data or b""
        needs = tuple(need for one in outcome.needs for need in (one, *after.get(one, ())))
        document = replace(outcome, needs=needs, steps=None)
        yield document
        plan = having.get(document.document)
        if plan is not None:
            steps = tuple(_steps(document, plan, _unsent(outcome.steps), data))
            after[document.key] = tuple(step.key for step in steps)
            yield from steps


def _unsent(steps: bytes | None) -> _Unsent:
    """Return what a record says of steps."""
    return {} if steps is None else msgspec.json.decode(steps, type=dict[str, msgspec.Raw])


def _steps(
    document: Document, plan: DocumentPlan, unsent: _Unsent, data: bytes
) -> Iterator[Document]:
    """Yield the steps of a document; of one that may be updated anew for each of its states."""
    needs: tuple[_Need, ...] = (document.key,)
    of: dict[str, object] = {"of": digest_of(document.body)} if plan.does.updates else {}
    for step in plan.then:
        said = {one: unsent[step.key_of(one)] for one in step.told if step.key_of(one) in unsent}
        content = _content(step, said, data)
        if content is None:
            continue
        name = step.name_in(document.document)
        yield replace(
            document,
            document=name,
            body=msgspec.json.encode(of | content),
            needs=needs,
            warnings=(),
            data=None,
            lost=document.lost if document.lost == "missing" else None,
        )
        needs = (*needs, (name, document.identity))


def _content(step: Step, said: _Unsent, data: bytes) -> dict[str, object] | None:
    """Return what a step is done with; None for one that the record does not want."""
    if "when" in said and not msgspec.json.decode(said["when"], type=_Condition).value:
        return None
    if step.attached is not None:
        return attachment(step.attached, said, data)
    given: dict[str, object] = {name: {"value": value} for name, value in step.given.items()}
    given |= {
        one.removeprefix("with "): value for one, value in said.items() if one.startswith("with ")
    }
    return {"parameters": given} if given else {}
