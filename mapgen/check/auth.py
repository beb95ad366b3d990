"""A: the connection exists, and the rights asked for are the rights needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mapgen.check.model import Surroundings
from mapgen.check.sources import all_near
from mapgen.contract.model import Contract, Entity
from mapgen.report import Diagnostic
from mapgen.report.catalogue import operations as messages
from mapgen.spec import model as spec


def check_auth(
    auth: spec.Auth,
    around: Surroundings,
    contract: Contract | None,
    written: Iterable[tuple[Entity, str]],
) -> list[Diagnostic]:
    """Return the faults of the section; `written` are the entities and what is done with them."""
    faults: list[Diagnostic] = []
    if auth.target.value not in around.connections:
        faults.append(messages.unknown_connection(auth.target, known=around.connections))
    else:
        faults += [
            messages.connection_not_in_environment(auth.target, environment=environment.name.value)
            for environment in around.environments
            if auth.target.value not in environment.connections
        ]
    if contract is None:
        return faults
    for access in auth.access:
        if access.entity.value not in contract.entities:
            known = contract.entities
            faults.append(messages.idle_access(access.entity, contract=contract.name, known=known))
    apart = {(entity.name, operation): entity for entity, operation in written}
    for (_, operation), entity in apart.items():
        named = {access.entity.value for access in auth.access}
        if entity.name in named or entity.name not in all_near(named, contract.entities):
            faults += _needed(auth, entity, operation)
    return faults


_RIGHTS: Mapping[str, Mapping[str, str]] = {
    "create": {"insert": "it creates them"},
    "update": {"update": "it changes those that are there"},
    "upsert": {"insert": "it creates them", "update": "it changes those that are there"},
    "look up": {},
}


def _needed(auth: spec.Auth, entity: Entity, operation: str) -> list[Diagnostic]:
    rights = dict.fromkeys(
        right.value
        for access in auth.access
        if access.entity.value == entity.name
        for right in access.rights
    )
    needed = {**_RIGHTS[operation], "read": "it looks documents up by their identity"}
    missing = {right: why for right, why in needed.items() if right not in rights}
    if not missing:
        return []
    return [messages.access_missing(auth.access_at, entity.name, missing, rights)]
