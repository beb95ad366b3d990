"""Takes back what a run made, by the action that the spec declares; each action goes out once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

from msgspec import Struct

from mapgen.agreed.plan import DocumentPlan, Plan, Step
from mapgen.runtime.environment import Environment
from mapgen.runtime.ledger import Ledger
from mapgen.runtime.ledger.undos import Made, UndoState, begin_undo, end_undo
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets.kind import (
    Actor,
    Depends,
    GivenUp,
    Refused,
    Saved,
    Sending,
    Unanswered,
    WriteAnswer,
)
from mapgen.runtime.targets.opening import opened

_SHOWN = 8
_IN_DOUBT = "in doubt: the action went out and its answer is not known; look in the ERP"


class Planned(Struct, frozen=True):
    """A document of a run, or a step: the action that takes it back, or why it stays.

    What `goes_with` a document needs no action of its own.
    """

    made: Made
    action: str | None = None
    stays: str | None = None
    goes_with: str | None = None


class TakenBack(Struct, frozen=True):
    """What came of taking a document back, and why where it is not done."""

    made: Made
    state: UndoState
    reason: str | None


def planned(made: Sequence[Made], plan: Plan, irreversible: str | None) -> tuple[Planned, ...]:
    """Say of what a run made which action takes it back, or why it stays as it is.

    `irreversible` is why the spec declares no action. The last comes first: steps before their
    document, what was made after a document before it. A document stays with a step that does.
    """
    steps = plan.steps
    names = {one.name: one for one in plan.documents}
    makers = {_thing(one): one.document for one in made if one.is_made and one.document in names}
    held: dict[tuple[str | None, str], str] = {}
    found = []
    for one in made:
        if one.document in steps:
            document, step = steps[one.document]
            told = _of_step(one, document.name, step)
            if told.stays is not None and one.is_made and one.undo != "done":
                held.setdefault(_thing(one), f"`{step.action}` was done with it, which stays")
        elif one.document in names:
            told = _of_document(one, names[one.document], makers.get(_thing(one)), irreversible)
            if told.action is not None and _thing(one) in held:
                told = Planned(one, stays=held[_thing(one)])
        else:
            continue
        found.append(told)
    return tuple(found)


def _thing(one: Made) -> tuple[str | None, str]:
    """Return what is the same of a document, its second write and its steps."""
    return one.entity, one.identity


def _of_step(one: Made, document: str, step: Step) -> Planned:
    """Say how a step is taken back."""
    stays = _stays(one)
    if stays is None and step.irreversible is not None:
        stays = f"irreversible: {step.irreversible}"
    if stays is not None:
        return Planned(one, stays=stays)
    return Planned(one, step.undo) if step.undo is not None else Planned(one, goes_with=document)


def _of_document(
    one: Made, plan: DocumentPlan, maker: str | None, irreversible: str | None
) -> Planned:
    """Say how a document is taken back; `maker` is the one of the run that made it."""
    if not one.is_made and one.later is None and maker not in (None, one.document):
        return Planned(one, goes_with=maker)
    stays = _stays(one)
    if stays is None and plan.undo is None:
        why = plan.irreversible or irreversible or "its entity has no such action"
        stays = f"irreversible: {why}"
    return Planned(one, plan.undo if stays is None else None, stays)


def _stays(one: Made) -> str | None:
    """Return why something stays whatever the spec says, None where it does not."""
    if one.undo == "done":
        return "it is taken back already"
    if one.undo in ("begun", "in doubt"):
        return _IN_DOUBT
    if one.later is not None:
        return f"run {one.later[:_SHOWN]} has changed it since"
    if not one.is_made:
        return "it was there before the run, which changed it at most"
    return None


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
    documents = plan.sent
    stuck: set[tuple[str | None, str]] = set()
    with opened(environment, plan, ledger, stop=threading.Event()) as ways:
        for one in chosen:
            if one.action is None:
                continue
            if _thing(one.made) in stuck:
                yield TakenBack(one.made, "refused", "a step that was done with it stays")
                continue
            document = documents[one.made.document].of_branch(one.made.branch)
            actor = ways.asked.actor(document, Step(one.action), rules)
            done = _taken_back(one.made, one.action, actor, ledger, who)
            if done.state != "done":
                stuck.add(_thing(one.made))
            yield done


def _taken_back(made: Made, action: str, actor: Actor, ledger: Ledger, who: str) -> TakenBack:
    found = actor.find([made.identity])
    there = found.there.get(made.identity)
    if there is None or made.identity in found.doubled:
        words = "several documents have its identity" if there else "the ERP does not find it"
        return TakenBack(made, "refused", words)
    if not begin_undo(ledger, made, action, who):
        return TakenBack(made, "in doubt", _IN_DOUBT)
    state, reason = _told(actor.act(there, Sending(made.identity, b"{}", _nothing)))
    end_undo(ledger, made, state, reason)
    return TakenBack(made, state, reason)


def _told(answer: WriteAnswer) -> tuple[UndoState, str | None]:
    match answer:
        case Saved():
            return "done", None
        case Refused(errors) | Depends(errors):
            return "refused", "; ".join(error.message for error in errors)
        case GivenUp(reason):
            return "refused", reason
        case Unanswered(reason):
            return "in doubt", reason
        case _:
            return "in doubt", _IN_DOUBT


def _nothing() -> None:
    """Keep no request back."""
