"""Takes back what a run made, by the action that the spec declares; each action goes out once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mapgen.agreed.plan import Plan, Step
from mapgen.runtime.environment import Environment
from mapgen.runtime.events import TechnicalEvent
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.undos import Made, UndoState, begin_undo, end_undo
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets.kind import (
    Actor,
    Depends,
    GivenUp,
    Refused,
    Saved,
    Unanswered,
    WriteAnswer,
)
from mapgen.runtime.targets.opening import opened

_IN_DOUBT = "in doubt: the action went out and its answer is not known; look in the ERP"


@dataclass(frozen=True, slots=True)
class Planned:
    """A document of a run: the action that takes it back, or why it stays."""

    made: Made
    action: str | None
    stays: str | None


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of taking a document back, and why where it is not done."""

    made: Made
    state: UndoState
    reason: str | None


def planned(made: Sequence[Made], plan: Plan, irreversible: str | None) -> tuple[Planned, ...]:
    """Say of each document of a run which action takes it back, or why it stays as it is.

    `irreversible` is why the spec declares no action. A step after a document goes with it.
    """
    actions = {one.name: one.undo for one in plan.documents}
    found = []
    for one in made:
        if one.document not in actions:
            continue
        action, stays = actions[one.document], None
        if one.was_there:
            stays = "it was there before the run, which changed it at most"
        elif one.undo == "done":
            stays = "it is taken back already"
        elif one.undo in ("begun", "in doubt"):
            stays = _IN_DOUBT
        elif action is None:
            stays = f"irreversible: {irreversible or 'its entity has no such action'}"
        found.append(Planned(one, action if stays is None else None, stays))
    return tuple(found)


def take_back(
    chosen: Sequence[Planned],
    plan: Plan,
    environment: Environment,
    ledger: Ledger,
    rules: Rules,
    who: str,
) -> Iterator[TakenBack]:
    """Do the actions, one after the other, in the rate limit and retries of the flow.

    Each is written down before its request; one whose answer went lost is in doubt from then on,
    and is never repeated. Raises RunAborted where the tenant cannot be worked with.
    """
    documents = {one.name: one for one in plan.documents}
    with opened(environment, plan, ledger, stop=threading.Event(), tell=_untold) as ways:
        for one in chosen:
            if one.action is None:
                continue
            document = documents[one.made.document]
            actor = ways.target.actor(document, Step(one.action), rules)
            yield _taken_back(one.made, one.action, actor, ledger, who)


def _taken_back(made: Made, action: str, actor: Actor, ledger: Ledger, who: str) -> TakenBack:
    found = actor.find([made.identity])
    there = found.there.get(made.identity)
    if there is None or made.identity in found.doubled:
        words = "several documents have its identity" if there else "the ERP does not find it"
        return TakenBack(made, "refused", words)
    if not begin_undo(ledger, made, action, who):
        return TakenBack(made, "in doubt", _IN_DOUBT)
    state, reason = _told(actor.act(there, made.identity, b"{}", _nothing))
    end_undo(ledger, made, state, reason)
    return TakenBack(made, state, reason)


def _told(answer: WriteAnswer) -> tuple[UndoState, str | None]:
    match answer:
        case Saved():
            return "done", None
        case Refused(faults) | Depends(faults):
            return "refused", "; ".join(fault.message for fault in faults)
        case GivenUp(reason):
            return "refused", reason
        case Unanswered(reason):
            return "in doubt", reason
        case _:
            return "in doubt", _IN_DOUBT


def _nothing() -> None:
    """Keep no request back."""


def _untold(_event: TechnicalEvent) -> None:
    """Leave the log to runs."""
