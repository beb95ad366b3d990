"""Fills a tenant with a seed's records and master data."""

from __future__ import annotations

from mapgen.report import Stopped, suggestion
from mapgen.report.catalogue import sandbox as catalogue
from mapgen.sandbox.body import Sent, read_sent
from mapgen.sandbox.errors import InvalidRequest
from mapgen.sandbox.records import folded
from mapgen.sandbox.seed import Row, Seed
from mapgen.sandbox.tenant import KEY_OF_KIND, Tenant, Work
from mapgen.sandbox.writing import save_seeded

_ARCHIVED = "archived"
"""The member of a row that makes its record an archived one."""


def sow(tenant: Tenant, seed: Seed) -> None:
    """Add the seed's rows that the tenant does not have yet. Raises Stopped (E522)."""
    tenant.setup = seed.setup
    for name, values in seed.setup.defaults.items():
        sent = _read(tenant, seed, f"setup.defaults.{name}", name, values)
        tenant.defaults[name] = sent.values
    known = [*KEY_OF_KIND, *tenant.contract.entities]
    for kind, rows in seed.rows.items():
        if kind not in known:
            raise _unfit(seed, kind, "the tenant has no such kind", suggestion(kind, known))
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
    elif tenant.store.by_keys(kind, values) is None:
        members = {name: value for name, value in row.items() if name != _ARCHIVED}
        sent = _read(tenant, seed, place, kind, members)
        work = Work(tenant, tenant.settings.now())
        failed = save_seeded(work, entity, sent, is_archived=row.get(_ARCHIVED) is True)
        for name, words in failed.items():
            raise _unfit(seed, f"{place}.{name}", words)


def _read(tenant: Tenant, seed: Seed, place: str, kind: str, row: Row) -> Sent:
    """Return what a row says of an entity. Raises Stopped (E522) for what the entity has not."""
    entity = tenant.contract.entities.get(kind)
    if entity is None:
        help = suggestion(kind, tenant.contract.entities)
        raise _unfit(seed, place, "the contract has no such entity", help)
    for name in row:
        if name not in entity.fields and name not in ("custom", "note"):
            help = suggestion(name, entity.fields)
            raise _unfit(seed, f"{place}.{name}", "the contract has no such field", help)
    try:
        return read_sent(row, entity, tenant.contract, place, is_wrapped=False)
    except InvalidRequest as refused:
        raise _unfit(seed, refused.place, refused.complaint) from None


def _unfit(seed: Seed, place: str, reason: str, help: str | None = None) -> Stopped:
    return Stopped(catalogue.unfit_seed_fact(path=seed.path, place=place, reason=reason, help=help))
