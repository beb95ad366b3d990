"""Seeding: a seed's rows, in; the tenant's first records and its master data, out."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.report import Stopped, suggestion
from mapgen.report.catalogue import sandbox as catalogue
from mapgen.sandbox.body import read_sent
from mapgen.sandbox.errors import Refused
from mapgen.sandbox.records import folded
from mapgen.sandbox.seed import Row, Seed
from mapgen.sandbox.tenant import KEY_OF_KIND, Tenant, Work
from mapgen.sandbox.values import coerce
from mapgen.sandbox.writing import save_seeded

_ARCHIVED = "archived"
"""The member of a row that makes its record an archived one."""


def sow(tenant: Tenant, seed: Seed) -> None:
    """Add the seed's rows that the tenant does not have yet. Raises Stopped (E522)."""
    tenant.setup = seed.setup
    for entity, values in seed.setup.defaults.items():
        _check_members(tenant, seed, f"setup.defaults.{entity}", entity, values)
    known = [*KEY_OF_KIND, *tenant.contract.entities]
    for kind in seed.rows:
        if kind not in known:
            raise _unfit(seed, kind, "the tenant has no such kind", suggestion(kind, known))
    for kind, rows in seed.rows.items():
        tenant.seeded.setdefault(kind, {})
        for at, row in enumerate(rows):
            _sow_row(tenant, seed, kind, f"{kind}[{at}]", row)


def _sow_row(tenant: Tenant, seed: Seed, kind: str, place: str, row: Row) -> None:
    entity = tenant.contract.entities.get(kind)
    keys = entity.keys if entity is not None else (KEY_OF_KIND[kind],)
    for name in keys:
        if not isinstance(row.get(name), str):
            raise _unfit(seed, f"{place}.{name}", "the key is missing or is no text")
    values = [str(row[name]) for name in keys]
    if entity is None:
        tenant.seeded[kind][folded(values[0])] = row
        return
    if tenant.store.by_keys(kind, values) is not None:
        return
    members = {name: value for name, value in row.items() if name != _ARCHIVED}
    _check_members(tenant, seed, place, kind, members)
    try:
        sent = read_sent(members, entity, tenant.contract, place, is_wrapped=False)
        work = Work(tenant, tenant.settings.now())
        failed = save_seeded(work, entity, sent, is_archived=row.get(_ARCHIVED) is True)
    except Refused:
        raise _unfit(seed, place, "a value is not of its field's type") from None
    for name, words in failed.items():
        raise _unfit(seed, f"{place}.{name}", words)


def _check_members(
    tenant: Tenant, seed: Seed, place: str, kind: str, row: Mapping[str, object]
) -> None:
    entity = tenant.contract.entities.get(kind)
    if entity is None:
        known = tenant.contract.entities
        raise _unfit(seed, place, "the contract has no such entity", suggestion(kind, known))
    for name, raw in row.items():
        member = entity.fields.get(name)
        here = f"{place}.{name}"
        if member is None and name not in ("custom", "note"):
            help = suggestion(name, entity.fields)
            raise _unfit(seed, here, "the contract has no such field", help)
        if raw is not None and member is not None and member.value_type is not None:
            try:
                coerce(raw, member.value_type)
            except ValueError as fault:
                raise _unfit(seed, here, str(fault)) from None


def _unfit(seed: Seed, place: str, reason: str, help: str | None = None) -> Stopped:
    return Stopped(catalogue.unfit_seed_fact(path=seed.path, place=place, reason=reason, help=help))
