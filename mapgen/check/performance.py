"""P: what the flow asks for lies within the licence of every environment."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from mapgen.check.model import Surroundings
from mapgen.check.remote import requests_a_document
from mapgen.report import Diagnostic
from mapgen.report.catalogue import operations as messages
from mapgen.report.catalogue.documents import not_compared
from mapgen.spec import model as spec

# The share of the licence that the runtime uses: tokens jitter, and people work beside it.
USABLE = 0.85
# Documents that one look-up request covers.
LOOKED_UP_TOGETHER = 20


def check_performance(
    performance: spec.Performance,
    section: spec.MappingSection,
    around: Surroundings,
    in_expressions: Collection[tuple[str, str]],
) -> list[Diagnostic]:
    """Return the errors of the section against each environment's limits.

    `in_expressions` are the lookups inside expressions: the table, and the words of the key.
    """
    return [
        *_over_the_licence(performance, section, around, in_expressions),
        *_over_concurrency(performance, around),
        *_never_compared(performance, section),
    ]


def _over_the_licence(
    performance: spec.Performance,
    section: spec.MappingSection,
    around: Surroundings,
    in_expressions: Collection[tuple[str, str]],
) -> Iterator[Diagnostic]:
    """Yield an error for each environment whose requests a minute the busiest minute exceeds."""
    if performance.mode.value == "batch":
        return
    peak = performance.volume.peak_per_minute
    # Nobody knows how often an answer of the tenant is known already: the worst case counts.
    asked = requests_a_document(section, in_expressions)
    own, shared = _requests(section)
    needed = peak.whole * (asked + own) + shared * math.ceil(peak.whole / LOOKED_UP_TOGETHER)
    for environment in around.environments:
        allowed = math.floor(environment.limits.requests_per_minute.whole * USABLE)
        if needed > allowed:
            yield messages.over_the_licence(
                peak.span,
                needed=needed,
                environment=environment.name.value,
                allowed=allowed,
                documents=len(section.documents) if len(section.documents) > 1 else None,
                lookups=_many(asked, "lookup"),
                steps=_many(sum(len(one.then) for one in section.documents), "step"),
                reads_rows=any(map(_reads_rows, section.documents)),
            )


def _over_concurrency(performance: spec.Performance, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield an error for each environment that allows fewer requests at a time."""
    wanted = performance.concurrency
    for environment in around.environments:
        most = environment.limits.concurrent_requests.whole
        if wanted is not None and wanted.whole > most:
            yield messages.over_concurrency(
                wanted.span, wanted=wanted.whole, environment=environment.name.value, allowed=most
            )


def _never_compared(
    performance: spec.Performance, section: spec.MappingSection
) -> Iterator[Diagnostic]:
    """Yield an error for each document that is to be compared, and that nothing can find."""
    if performance.reconcile is None:
        return
    for one in section.documents:
        requests = one.target.requests
        if not one.target.kind.keeps_documents and (requests is None or requests.find is None):
            at = performance.reconcile.schedule
            yield not_compared(at, document=one.target.entity.value)


def _requests(section: spec.MappingSection) -> tuple[int, int]:
    """Return how many requests to the ERP a record costs: its own, and those that several share.

    Of rows that each make a document, one counts: nobody knows how many a record has.
    """
    if not section.documents[0].target.kind.keeps_documents:
        return 1, 0  # a record out of the ERP is read, where it answers no lists
    steps = [step for document in section.documents for step in document.then]
    own = sum(1 + int(_reads_rows(document)) for document in section.documents)
    return own + sum(step.requests for step in steps), len(section.documents) + len(steps)


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}" if count else ""


def _reads_rows(document: spec.Document) -> bool:
    """Whether the rows of a document are read before it is written: an update needs their ids."""
    rows = (rule.kind for rule in document.part.rules if isinstance(rule.kind, spec.RowsKind))
    return document.target.operation.updates and any(kind.is_list for kind in rows)


def check_environment(environment: spec.Environment) -> list[Diagnostic]:
    """Return the errors of an environment's limits."""
    settle, timeout = environment.limits.settle, environment.limits.request_timeout
    if settle.seconds > timeout.seconds:
        return []
    return [messages.settle_too_short(settle.text, settle=settle.seconds, timeout=timeout.seconds)]
