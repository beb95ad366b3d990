"""A: the connection exists, and the rights are those needed: derived, or listed and held to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from mapgen.agreed.connections import WEBHOOK_SECRET
from mapgen.check.model import Surroundings
from mapgen.check.sources import all_near
from mapgen.contract.model import Contract, Entity
from mapgen.contract.source_schema import SourceSchema
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import operations as messages
from mapgen.spec import model as spec
from mapgen.spec.language import RIGHT

Need = tuple[str, str, str]
"""A right that a flow takes: of which entity, which one, and why."""

_ERP = ("acumatica",)


def check_connection(auth: spec.Auth, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield the errors of the connection to the ERP."""
    yield from check_connection_of(auth.target, around, _ERP)
    kind = kind_of(auth.target, around)
    if kind not in (None, *_ERP):
        yield messages.no_session(auth.target, kind=kind)


def kind_of(name: Text, around: Surroundings) -> str | None:
    """Return the kind of system that a connection leads to, None where it cannot be read."""
    system = around.systems.get(name.value)
    return None if system is None else system.kind.value


def check_connection_of(
    name: Text, around: Surroundings, takes: Collection[str], *, is_asked: bool = True
) -> Iterator[Diagnostic]:
    """Yield the errors of a connection that is not there, or leads nowhere in some environment.

    `takes` are the kinds that would do: a connection of another is not offered. One that is not
    asked, but sends by itself, needs no address.
    """
    if name.value not in around.connections:
        known = {one: around.systems.get(one) for one in around.connections}
        fit = [name for name, one in known.items() if one is None or one.kind.value in takes]
        yield messages.unknown_connection(name, known=fit)
        return
    for environment in around.environments:
        if name.value not in environment.connections:
            where = environment.name.value
            yield messages.connection_not_in_environment(name, environment=where)
    system = around.systems.get(name.value)
    if is_asked and system is not None:
        yield from _lacks(name, around, system.needs)


def check_sender(name: Text, around: Surroundings) -> Iterator[Diagnostic]:
    """Yield where an environment does not say by what a system shows that it is the sender."""
    yield from _lacks(name, around, (WEBHOOK_SECRET,))


def _lacks(name: Text, around: Surroundings, needs: Iterable[str]) -> Iterator[Diagnostic]:
    kind = kind_of(name, around)
    if kind is None:
        return
    leads = [one.connections.get(name.value) for one in around.environments]
    for lead in filter(None, leads):
        for value in needs:
            if value not in lead.references:
                yield messages.value_missing(lead.at, kind, value)


def needs(
    section: spec.MappingSection,
    schema: SourceSchema | None,
    written: Iterable[tuple[spec.Document, Entity]],
) -> Iterator[Need]:
    """Yield the rights that a flow takes: for its documents, its source, its lookups."""
    for document, entity in written:
        yield from ((entity.name, right, why) for right, why in document.rights.items())
    if schema is not None and schema.entity is not None:
        yield schema.entity.entity.name, "read", "records come from there"
    for name, joined in () if schema is None else schema.joined.items():
        yield joined.entity.name, "read", f"`{name}` is joined from there"
    for table in section.lookups:
        if isinstance(table, spec.TenantTable):
            why = f"the lookup `{table.name.value}` asks for it"
            yield table.query.entity.value, "read", why


def check_access(
    auth: spec.Auth, contract: Contract, needed: Iterable[Need]
) -> Iterator[Diagnostic]:
    """Yield the errors of rights that are listed, and of those that are not; none where none is."""
    if auth.access_at is None:
        return
    listed: dict[str, dict[str, None]] = {}
    for access in auth.access:
        if access.entity.value not in contract.entities:
            known = contract.entities
            yield messages.idle_access(access.entity, contract=contract.name, known=known)
        rights = listed.setdefault(access.entity.value, {})
        rights.update(dict.fromkeys(right.value for right in access.rights))
    meant = all_near(listed, contract.entities)
    missing: dict[str, dict[str, str]] = {}
    for entity, right, why in needed:
        is_known = entity in contract.entities and (entity in listed or entity not in meant)
        if is_known and not _is_given(right, listed.get(entity, {})):
            missing.setdefault(entity, {}).setdefault(right, why)
    for entity, reasons in missing.items():
        at = auth.access_at.span()
        yield messages.access_missing(at, entity, reasons, listed.get(entity, {}))


def _is_given(right: str, listed: Iterable[str]) -> bool:
    """Whether a right is among those listed: who may write on a form may use its actions, too."""
    return right in listed or (right == "act" and not {"insert", "update"}.isdisjoint(listed))


def rights(auth: spec.Auth, needed: Iterable[Need]) -> Mapping[str, tuple[str, ...]]:
    """Return the rights of a flow by entity: those listed, else those needed, in one order.

    The right to act is among them wherever an action follows.
    """
    taken: dict[str, set[str]] = {}
    for one in auth.access:
        taken.setdefault(one.entity.value, set()).update(right.value for right in one.rights)
    for entity, right, _ in needed:
        if auth.access_at is None or right == "act":
            taken.setdefault(entity, set()).add(right)
    return {of: tuple(filter(taken[of].__contains__, RIGHT.choices)) for of in sorted(taken)}
