"""Planting: a seed's rows, in; the tenant's first records and its references, out."""

from __future__ import annotations

from collections.abc import Mapping

from mapgen.report import Stopped, suggestion
from mapgen.report.catalogue import sandbox as catalogue
from mapgen.sandbox.body import read_sent
from mapgen.sandbox.errors import Refused
from mapgen.sandbox.references import KEY_OF_KIND
from mapgen.sandbox.seed import Row, Seed
from mapgen.sandbox.tenant import Tenant, Work, folded
from mapgen.sandbox.values import coerce
from mapgen.sandbox.writing import plant_record


def plant(tenant: Tenant, seed: Seed) -> None:
    """Add the seed's rows that the tenant does not have yet. Raises Stopped (E522)."""
    tenant.setup = seed.setup
    for entity, values in seed.setup.defaults.items():
        _check_members(tenant, seed, f"setup.defaults.{entity}", entity, values)
    known = [*KEY_OF_KIND, *tenant.contract.entities]
    for kind in seed.rows:
        if kind not in known:
            raise _unfit(seed, kind, "the tenant has no such kind", suggestion(kind, known))
    for kind, rows in seed.rows.items():
        tenant.references.setdefault(kind, {})
        for at, row in enumerate(rows):
            _plant_row(tenant, seed, kind, f"{kind}[{at}]", row)


def _plant_row(tenant: Tenant, seed: Seed, kind: str, place: str, row: Row) -> None:
    entity = tenant.contract.entities.get(kind)
    keys = entity.keys if entity is not None and entity.keys else (KEY_OF_KIND.get(kind, ""),)
    for name in keys:
        if not isinstance(row.get(name), str):
            raise _unfit(seed, f"{place}.{name}", "the key is missing or is no text")
    values = [str(row[name]) for name in keys]
    tenant.references[kind][folded(values[-1])] = row
    if entity is None or tenant.store.by_keys(kind, values) is not None:
        return
    _check_members(tenant, seed, place, kind, row)
    now = tenant.settings.now()
    try:
        sent = read_sent(row, entity, tenant.contract, place, is_wrapped=False)
        failed = plant_record(Work(tenant, now, now.date()), entity, sent)
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
    return Stopped([catalogue.unfit_seed_fact(seed.path, place, reason, help)])
