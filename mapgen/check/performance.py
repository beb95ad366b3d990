"""P: what the flow asks for lies within the licence of every environment."""

from __future__ import annotations

import math
from collections.abc import Collection

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
    diagnostics: list[Diagnostic] = []
    peak = performance.volume.peak_per_minute.whole
    # Nobody knows how often an answer of the tenant is known already: the worst case counts.
    asked = requests_a_document(section, in_expressions)
    own, shared = _requests(section)
    needed = peak * (asked + own) + shared * math.ceil(peak / LOOKED_UP_TOGETHER)
    steps = sum(len(document.then) for document in section.documents)
    reads_rows = any(_reads_rows(document) for document in section.documents)
    for environment in around.environments:
        name, limits = environment.name.value, environment.limits
        allowed = math.floor(limits.requests_per_minute.whole * USABLE)
        if needed > allowed and performance.mode.value != "batch":
            span = performance.volume.peak_per_minute.span
            diagnostics.append(
                messages.over_the_licence(
                    span,
                    needed=needed,
                    environment=name,
                    allowed=allowed,
                    documents=len(section.documents) if len(section.documents) > 1 else None,
                    lookups=_many(asked, "lookup"),
                    steps=_many(steps, "step"),
                    reads_rows=reads_rows,
                )
            )
        most, wanted = limits.concurrent_requests.whole, performance.concurrency
        if wanted is not None and wanted.whole > most:
            diagnostic = messages.over_concurrency(
                wanted.span, wanted=wanted.whole, environment=name, allowed=most
            )
            diagnostics.append(diagnostic)
    if performance.reconcile is not None:
        at = performance.reconcile.schedule
        diagnostics += [
            not_compared(at, document=one.target.entity.value)
            for one in section.documents
            if not one.target.kind.keeps_documents
            if one.target.requests is None or one.target.requests.find is None
        ]
    return diagnostics


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
