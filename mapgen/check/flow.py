"""One spec and its surroundings in, a Checked out: M, A, P and S, all their faults at once."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.check import model as checked
from mapgen.check.auth import check_auth
from mapgen.check.composing import whole_record
from mapgen.check.directions import check_direction, contract_of_the_erp
from mapgen.check.live import check_live
from mapgen.check.mapping import CheckedMapping, check_mapping
from mapgen.check.owners import idle_owners
from mapgen.check.performance import check_performance
from mapgen.check.security import (
    check_secret_rules,
    check_secrets,
    check_security,
    check_shown,
    personal_paths,
)
from mapgen.contract.model import Contract
from mapgen.contract.source_schema import SourceSchema
from mapgen.report import Diagnostic, Stopped
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec


def check(flow: spec.Spec, around: checked.Surroundings) -> checked.Checked:
    """Return the flow, found right. Raises Stopped with every fault of it."""
    faults: list[Diagnostic] = []
    section = flow.mapping
    target = section.documents[0].target
    pinned = target.contract
    contract = around.contract
    schema = whole_record(section.source, around.schema, around.joined, faults)
    if not target.is_plain and pinned.value not in around.contract_names:
        faults.append(messages.unknown_contract(pinned, known=around.contract_names))
    found = None
    if contract is not None and schema is not None:
        found = check_mapping(section, contract, schema, around.tables, faults)
    erp = contract_of_the_erp(contract, schema)
    if erp is not None:
        faults += check_live(flow, erp, around.flows)
    entities = found.entities if found is not None else ()
    operations = (document.target.operation for document in section.documents)
    written = tuple(zip(entities, operations, strict=False))
    ways = () if target.is_plain else tuple(zip(entities, _ways(section), strict=False))
    faults += check_auth(flow.auth, around, erp, ways)
    faults += check_direction(section, flow.auth, schema)
    asked = frozenset() if found is None else found.asked
    faults += check_performance(flow.performance, section, around, asked)
    reads = None if found is None else found.reads
    faults += check_security(flow.security, section, schema, written, reads)
    faults += idle_owners(section)
    faults += check_secrets(flow.source, has_credentials=False)
    faults += check_secret_rules(section)
    if found is not None and found.key is not None and schema is not None:
        identities = [
            (document.spec.identity.value.span(), document.identity.reads)
            for document in found.documents
            if document is not None
        ]
        faults += check_shown(flow.security, section, schema, found.key, identities)
    if faults or found is None or contract is None or schema is None:
        raise Stopped(faults)
    return _checked(flow, contract, schema, found)


def _checked(
    flow: spec.Spec, contract: Contract, schema: SourceSchema, found: CheckedMapping
) -> checked.Checked:
    assert found.key is not None
    documents = tuple(document for document in found.documents if document is not None)
    assert len(documents) == len(found.documents)
    return checked.Checked(
        spec=flow,
        contract=contract,
        schema=schema,
        settings=found.settings,
        lets=found.lets,
        skips=found.skips,
        key=found.key,
        documents=documents,
        reads=tuple(sorted(found.reads)),
        personal=personal_paths(flow.security, flow.mapping, schema),
    )


def _ways(section: spec.MappingSection) -> Iterator[str]:
    """Yield what is done with each document: what another flow makes is only looked up."""
    for document in section.documents:
        yield document.target.operation.value if document.owner is None else "look up"
