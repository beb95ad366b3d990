"""Specs become flows as back ends know them: M, A, P and S, all their errors at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import cast

from msgspec.structs import replace

from mapgen.agreed import plan
from mapgen.check.asking import joined_reads, own_reads
from mapgen.check.auth import Need, check_access, check_connection, needs, rights
from mapgen.check.composing import whole_record
from mapgen.check.declaring import declared
from mapgen.check.directions import contract_of_the_erp, nothing_of_the_erp
from mapgen.check.examples import rule_examples
from mapgen.check.feeding import check_feeds, feeds
from mapgen.check.following import check_attached
from mapgen.check.formulas import Formulas
from mapgen.check.mapping import Mapped, check_mapping
from mapgen.check.model import Checked, Surroundings
from mapgen.check.owners import idle_owners
from mapgen.check.parts import placed, uses_in, written_at
from mapgen.check.performance import check_performance
from mapgen.check.reaching import reached
from mapgen.check.records import form, group, joins, needed_joins, source_objects
from mapgen.check.remote import check_remote, tables
from mapgen.check.reuse import idle_reuse, reused_names
from mapgen.check.security import (
    check_secret_rules,
    check_secrets,
    check_security,
    check_shown,
    personal_paths,
    with_undo,
)
from mapgen.check.sending import check_addresses, check_peak, check_sends
from mapgen.check.sources import Paths, leaf_paths
from mapgen.contract.model import Contract, Entity
from mapgen.contract.source_schema import SourceSchema
from mapgen.ir import flow as ir
from mapgen.ir.types import Object
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec
from mapgen.spec.linking import PartKey


def check(flow: spec.Spec, around: Surroundings) -> Checked:
    """Return the flow, found right. Raises Stopped with every error of it."""
    diagnostics: list[Diagnostic] = []
    section = flow.mapping
    target = section.documents[0].target
    pinned = target.contract
    contract = around.contract
    whole = whole_record(section.source, around.schema, around.joined, diagnostics)
    schema = declared(section.source, whole, diagnostics)
    if target.kind.has_contract and pinned.value not in around.contract_names:
        diagnostics.append(messages.unknown_contract(pinned, known=around.contract_names))
    found = None
    if contract is not None and schema is not None:
        found = check_mapping(section, contract, schema, around.tables, diagnostics, around.reused)
    flow = _classified(flow, found)
    erp = contract_of_the_erp(contract, schema)
    entities = found.entities if found is not None else ()
    written = tuple(zip(section.documents, entities, strict=False))
    needed = () if erp is None else tuple(needs(section, schema, written))
    if erp is not None:
        diagnostics += check_remote(flow, erp, around.flows)
        diagnostics += check_access(flow.auth, erp, needed)
    diagnostics += _beside_rules(flow, around, schema, found, written)
    names: frozenset[PartKey] = frozenset()
    if found is not None:
        names = reused_names(section, around.reused, found.formulas.used)
        diagnostics += _idle(
            flow, idle_reuse(section, around.reused, names, found.formulas.doubtful)
        )
    if diagnostics or found is None or contract is None or schema is None:
        uses = (use for one in section.documents for use in uses_in(one.part))
        raise Stopped(placed(diagnostics, uses))
    made = _flow(flow, contract, schema, found, needed)
    return Checked(flow, made, tuple(sorted(found.formulas.reads)), names)


def _beside_rules(
    flow: spec.Spec,
    around: Surroundings,
    schema: SourceSchema | None,
    found: Mapped | None,
    written: Collection[tuple[spec.Document, Entity]],
) -> Iterator[Diagnostic]:
    """Yield the errors of what is beside the rules: ways in and out, volumes, what is shown."""
    section = flow.mapping
    yield from check_connection(flow.auth, around)
    yield from nothing_of_the_erp(section)
    yield from check_sends(section, around)
    yield from check_attached(section, around)
    yield from check_peak(flow.performance, section, around)
    asked = frozenset() if found is None else found.formulas.asked
    yield from check_performance(flow.performance, section, around, asked)
    reads = None if found is None else found.formulas.reads
    yield from check_security(flow.security, section, schema, written, reads)
    yield from idle_owners(section)
    yield from check_feeds(flow, around, schema)
    yield from check_secrets(flow.source, has_credentials=False)
    yield from check_secret_rules(section)
    if found is None or found.key is None or schema is None:
        return
    shown = found.formulas.shown
    personal = personal_paths(flow.security, section, schema)
    yield from check_shown(personal, section, found.key, found.identities, shown)
    yield from check_addresses(section, found.documents, personal)


def _idle(flow: spec.Spec, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the errors of what a flow does not use; what it has of a base may be idle in it."""
    for diagnostic in diagnostics:
        own = diagnostic.label is None or diagnostic.label.span.source.path == flow.source.path
        if own or flow.overlay is None:
            yield diagnostic


def _classified(flow: spec.Spec, found: Mapped | None) -> spec.Spec:
    """Return a flow with the data classes of the parts that it uses behind its own."""
    if found is None:
        return flow
    data = (*flow.security.data, *found.formulas.classified)
    return replace(flow, security=replace(flow.security, data=data))


def _flow(
    written: spec.Spec,
    contract: Contract,
    schema: SourceSchema,
    found: Mapped,
    needed: Iterable[Need],
) -> ir.Flow:
    """Return the flow as back ends know it, without its examples, which are in files."""
    assert found.key is not None
    section, source, reads = (
        written.mapping,
        written.mapping.source,
        tuple(sorted(found.formulas.reads)),
    )
    documents = tuple(document for document in found.documents if document is not None)
    assert len(documents) == len(found.documents)
    personal = personal_paths(written.security, section, schema)
    rules = {rule.pointer: rule for rule in section.rules}
    return ir.Flow(
        plan=replace(
            _plan(written, contract, schema, found, personal, reads),
            access=dict(rights(written.auth, needed)),
        ),
        summary=written.summary.value,
        owner=written.owner.value,
        spec_path=written.source.path,
        source_objects=source_objects(schema, (*reads, *needed_joins(source))),
        settings=tuple(ir.Setting(name, str(kind)) for name, kind in found.settings.items()),
        rows=found.rows,
        lets=found.lets,
        skips=found.skips,
        key=found.key.code,
        join_keys=found.join_keys,
        documents=documents,
        written_at=tuple(
            {
                rule: place
                for one in section.documents
                for rule, place in written_at(one.part, one.pointer)
            }.items()
        ),
        personal=personal,
        extends=None if written.overlay is None else written.overlay.extends.spec.value,
        changes=() if written.overlay is None else tuple(_changes(written.overlay)),
        ignored=tuple(_ignored(section, schema.record, found.formulas)),
        rule_examples=tuple(
            example for one in documents for example in rule_examples(one.block, rules)
        ),
    )


def _changes(overlay: spec.Overlay) -> Iterator[ir.Change]:
    for one in overlay.changes:
        yield ir.Change(one.path.value, one.does, one.because.value)


def _ignored(
    section: spec.MappingSection, record: Object, formulas: Formulas
) -> Iterator[ir.Ignored]:
    """Yield the source fields that are not used; of those that parts and sets name, what is."""
    asked = (*(ignore.path.value for ignore in section.ignores), *formulas.reads)
    record = reached(record, (*asked, *(path for path, _ in formulas.ignored)))
    leaves = Paths.of(leaf_paths(record, section.source.name.value))
    reported: set[str] = set()
    for ignore in section.ignores:
        caught = tuple(leaves.under(ignore.path.value))
        if ignore.of is None:
            reported.update(caught)
            yield ir.Ignored(ignore.path.value, ignore.reason.value, caught)
    named = ((one.path.value, one.reason.value) for one in section.ignores if one.of is not None)
    for path, reason in dict.fromkeys((*named, *formulas.ignored)):
        left = (
            one for one in leaves.under(path) if one not in formulas.reads and one not in reported
        )
        caught = tuple(left)
        reported.update(caught)
        if caught:
            yield ir.Ignored(path, reason, caught)


def _plan(
    written: spec.Spec,
    contract: Contract,
    schema: SourceSchema,
    found: Mapped,
    personal: tuple[str, ...],
    reads: tuple[str, ...],
) -> plan.Plan:
    """Return what the runtime has to know."""
    section, performance, security = written.mapping, written.performance, written.security
    source, retry, breaker = section.source, security.retry, security.circuit_breaker
    return plan.Plan(
        flow=written.flow.value,
        source=source.name.value,
        form=form(source.form, schema.record),
        joins=dict(
            joins(
                source,
                schema.record,
                personal,
                joined_reads(source, schema, reads),
                found.join_keys,
            )
        ),
        group=group(source),
        lookups=dict(tables(section, contract_of_the_erp(contract, schema) or contract)),
        connection=written.auth.target.value,
        documents=tuple(
            with_undo(written, contract, (one.plan for one in found.documents if one is not None))
        ),
        endpoint=contract.endpoint,
        version=contract.version,
        contract_version=contract.contract_version,
        target=section.documents[0].target.kind.name,
        to=written.mapping.sent_to,
        reads=own_reads(source, schema, reads),
        feeds=tuple(feeds(written, schema)),
        mode=cast(plan.Mode, performance.mode.value),
        schedule=None if performance.schedule is None else performance.schedule.value,
        latency=None if performance.latency is None else performance.latency.p95.seconds,
        alerts=performance.thresholds,
        reconcile=_reconciled(performance.reconcile),
        batch_size=performance.batch_size.whole,
        concurrency=performance.concurrency.whole if performance.concurrency else 4,
        retry=plan.Retry(retry.attempts.whole, retry.first.seconds, retry.ceiling.seconds),
        circuit_breaker=plan.CircuitBreaker(
            breaker.failures.whole, breaker.within.seconds, breaker.cool_down.seconds
        ),
        dead_letter_days=security.dead_letter.days,
        verify=cast(plan.Verify, security.verify.value if security.verify else "warn"),
    )


def _reconciled(found: spec.Reconcile | None) -> plan.Reconcile | None:
    """Return when the books are compared, for the plan."""
    if found is None:
        return None
    return plan.Reconcile(found.schedule.value, found.since.seconds)
