"""Saves what a request sends: finds the record, applies the body, checks and stores it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from mapgen.contract.model import Entity, Field
from mapgen.sandbox.body import Sent
from mapgen.sandbox.documents import DEFAULTS, act, first_number, numbered_key, settle
from mapgen.sandbox.errors import Refused, http_error, no_entity
from mapgen.sandbox.filter import Condition
from mapgen.sandbox.records import Record, folded
from mapgen.sandbox.rendering import refused
from mapgen.sandbox.tenant import NEW, Tenant, Work, title
from mapgen.sandbox.values import Value, fit, utf16_length

_BRANCHES = ("Branch", "BranchID")
"""What entities call the branch that a record belongs to."""


def put(work: Work, entity: Entity, sent: Sent, chosen: Condition | None) -> Record:
    """Insert or update a record and return it. Source: protocol of the ERP's PUT.

    The record is found by `id`, by `$filter` (`chosen`) or by the keys sent; otherwise it is new.
    Raises Refused: 422 with the record and its field errors, and then nothing is stored.
    """
    return _save(work, entity, _find(work.tenant, entity, sent, chosen), sent)


def invoke(work: Work, entity: Entity, action: str, sent: Sent) -> None:
    """Run an action on a record, after whatever else was sent with it is saved."""
    record = _find(work.tenant, entity, sent, None)
    if record is None:
        raise no_entity()
    changes = {name: value for name, value in sent.values.items() if name not in entity.keys}
    if changes or sent.linked or sent.details:
        record = _save(work, entity, record, replace(sent, values=changes))
    act(work, record, action)
    work.stamp(record, is_new=False)
    work.tenant.store.save(record)


def matching(tenant: Tenant, entity: Entity, chosen: Condition | None) -> list[Record]:
    """Return the records that a condition chooses, in the order of their keys."""
    if chosen is None:
        return tenant.store.all(entity.name)
    return [one for one in tenant.store.all(entity.name, chosen.among(entity)) if chosen.test(one)]


def save_seeded(work: Work, entity: Entity, sent: Sent, *, is_archived: bool) -> Mapping[str, str]:
    """Store a record of the seed under the keys it has; return its field errors, if any."""
    record = Record(entity.name, is_archived=is_archived)
    _apply(work, record, sent, is_new=True, is_seed=True)
    _take_defaults(work, record)
    settle(work, record)
    _finish(work, record, is_new=True)
    for failed in record.failures():
        return failed.errors
    # What the seed says of a document stays, also where it would be computed.
    record.values.update((name, value) for name, value in sent.values.items() if value is not None)
    work.tenant.store.save(record)
    return {}


def _save(work: Work, entity: Entity, found: Record | None, sent: Sent) -> Record:
    """Apply what was sent to a record or to a new one, and store it."""
    record = Record(entity.name) if found is None else found
    is_new = found is None
    _apply(work, record, sent, is_new=is_new)
    if is_new:
        _take_defaults(work, record)
    settle(work, record)
    _finish(work, record, is_new=is_new)
    _check_references(work, record)
    number = numbered_key(work, entity) if is_new else None
    failed = next(record.failures(), None)
    if failed is not None:
        if number is not None:
            record.values[number] = NEW
        raise _unprocessable(work, record, failed, is_new=is_new)
    if number is not None:
        _number(work, entity, number, record)
    elif missing := [name for name in entity.keys if record.values.get(name) in (None, "")]:
        # Without a typed-in key: 200, and nothing is stored. Source: recorded.
        record.values.update(dict.fromkeys(missing, NEW))
        return record
    work.tenant.store.save(record)
    return record


def _find(tenant: Tenant, entity: Entity, sent: Sent, chosen: Condition | None) -> Record | None:
    if sent.id is not None:
        found = tenant.store.by_id(entity.name, sent.id)
        if found is None:
            raise no_entity()
        return found
    if chosen is not None:
        several = matching(tenant, entity, chosen)
        if len(several) > 1:
            raise http_error("More than one entity satisfies the condition.")
        return several[0] if several else None
    defaults = _defaults(tenant, entity.name)
    keys = [sent.values.get(name, defaults.get(name)) for name in entity.keys]
    if not keys or any(key is None for key in keys):
        return None
    return tenant.store.by_keys(entity.name, [str(key) for key in keys])


def _apply(work: Work, record: Record, sent: Sent, *, is_new: bool, is_seed: bool = False) -> None:
    """Write what was sent: not over keys, calculated or read-only fields, which keep still.

    What has an override flag is written only where that is set, as the ERP does.
    """
    entity = work.tenant.contract.entities[record.entity]
    numbered = None if is_seed or not entity.is_top_level else numbered_key(work, entity)
    values = {**record.values, **sent.values}
    for name, value in sent.values.items():
        member = entity.fields[name]
        is_fixed = member.is_calculated or member.is_read_only or name == numbered
        is_settled = name in entity.keys and not is_new
        if is_seed or not (is_fixed or is_settled or _lacks_flag(member, values)):
            _write(work, record, member, value)
    for name, part in sent.linked.items():
        member = entity.fields[name]
        flags = dict(member.part_companions)
        linked = {
            inner: below
            for inner, below in part.linked.items()
            if is_seed or inner not in flags or values.get(flags[inner]) is True
        }
        is_own = is_seed or not _lacks_flag(member, values)
        allowed = replace(part, linked=linked) if is_own else Sent(linked=linked)
        held = record.linked.setdefault(name, Record(member.entity or ""))
        _apply(work, held, allowed, is_new=True, is_seed=is_seed)
    for name, lines in sent.details.items():
        if is_seed or not _lacks_flag(entity.fields[name], values):
            _apply_lines(work, record, name, lines, is_seed=is_seed)
    declared = work.tenant.setup.custom_fields.get(record.entity)
    record.custom.update(
        (name, value) for name, value in sent.custom.items() if declared is None or name in declared
    )
    record.note = record.note if sent.note is None else sent.note


def _lacks_flag(member: Field, values: Mapping[str, object]) -> bool:
    # A price stays where no price list has another, and there are none here. Source: recorded.
    flag = None if member.name == "UnitPrice" else member.companion
    return flag is not None and values.get(flag) is not True


def _write(work: Work, record: Record, member: Field, value: Value | None) -> None:
    if value is None:
        record.values.pop(member.name, None)
        return
    record.values[member.name] = fit(value, member)
    longest = member.max_length
    if isinstance(value, str) and longest is not None and utf16_length(value) > longest:
        words = f"The length of '{member.label or member.name}' exceeds {longest} characters."
        work.fail(record, member.name, words)


def _apply_lines(
    work: Work, record: Record, name: str, lines: Iterable[Sent], *, is_seed: bool
) -> None:
    parent = work.tenant.contract.entities[record.entity]
    entity = work.tenant.contract.entities[parent.fields[name].entity or ""]
    keys = [key for key in entity.keys if key not in parent.keys]
    held = record.lines(name)
    for sent in lines:
        found = _find_line(keys, held, sent)
        if sent.is_deleted:
            if found is not None:
                held.remove(found)
            continue
        if found is None and sent.id is not None:
            raise no_entity()
        line = Record(entity.name) if found is None else found
        _apply(work, line, sent, is_new=found is None, is_seed=is_seed)
        if found is None:
            held.append(line)
        counted = entity.fields.get("LineNbr")
        if counted is not None and counted.value_type in ("int", "short"):
            highest = max((int(other.number("LineNbr")) for other in held), default=0)
            line.values.setdefault("LineNbr", highest + 1)


def _find_line(keys: Iterable[str], held: list[Record], sent: Sent) -> Record | None:
    """Return the line that is meant: by id, else by the keys of its own that are sent."""
    if sent.id is not None:
        return next((line for line in held if line.id == sent.id), None)
    wanted = {
        key: folded(str(sent.values[key])) for key in keys if sent.values.get(key) is not None
    }
    alike = (
        line
        for line in held
        if wanted == {key: folded(str(line.values.get(key))) for key in wanted}
    )
    return next(alike, None) if wanted else None


def _defaults(tenant: Tenant, entity: str) -> Mapping[str, Value | None]:
    return {**DEFAULTS.get(entity, {}), **tenant.defaults.get(entity, {})}


def _take_defaults(work: Work, record: Record) -> None:
    """Give a new record and its new lines what they hold before anybody says anything."""
    of_branch = dict.fromkeys(_BRANCHES, work.branch) if work.branch else {}
    for name, value in {**_defaults(work.tenant, record.entity), **of_branch}.items():
        if name not in record.values and value is not None:
            work.set(record, name, value)
    for part in record.parts():
        _take_defaults(work, part)


def _finish(work: Work, record: Record, *, is_new: bool) -> None:
    """Fill what is empty by nature, stamp the times, and find required fields left empty."""
    entity = work.tenant.contract.entities[record.entity]
    numbered = numbered_key(work, entity) if entity.is_top_level else None
    for name, member in entity.fields.items():
        if member.value_type == "boolean":
            record.values.setdefault(name, False)
        elif member.value_type in ("decimal", "double"):
            record.values.setdefault(name, Decimal("0.0"))
        # A document cannot be numbered without its other keys: `Customer` of a location.
        is_wanted = member.is_required or (numbered is not None and name in entity.keys)
        if is_wanted and name != numbered and record.values.get(name) in (None, ""):
            work.fail(record, name, f"'{member.label or name}' cannot be empty.")
    work.stamp(record, is_new=is_new)
    for part in record.parts():
        _finish(work, part, is_new=is_new)


def _check_references(work: Work, record: Record) -> None:
    """Find references to master data that is not there; kinds without seed rows are not checked."""
    entity = work.tenant.contract.entities[record.entity]
    for name, value in record.values.items():
        kinds = work.tenant.referred(entity.name, name)
        if not kinds or not isinstance(value, str) or not value:
            continue
        if not any(work.tenant.has(kind, value) for kind in kinds):
            label = entity.fields[name].label or name
            work.fail(record, name, f"'{label}' cannot be found in the system.")
    country = work.tenant.seeded.get("Country", {}).get(folded(record.text("Country")), {})
    states, state = country.get("States"), record.text("State")
    if isinstance(states, list) and states and state and state not in states:
        work.fail(record, "State", "'State' cannot be found in the system.")
    for part in record.parts():
        _check_references(work, part)


def _number(work: Work, entity: Entity, key: str, record: Record) -> None:
    """Give a record the next free number of its series."""
    store = work.tenant.store
    others = [str(record.values.get(name, "")) for name in entity.keys if name != key]
    series = others[0] if others else ""
    firsts, first = work.tenant.setup.numbering.get(entity.name, {}), first_number(entity, series)
    start = firsts if isinstance(firsts, str) else firsts.get(series, first)
    number = store.next_number(entity.name, series, start)
    while store.by_keys(entity.name, [*others, number]) is not None:
        number = store.next_number(entity.name, series, start)
    record.values[key] = number


def _unprocessable(work: Work, record: Record, failed: Record, *, is_new: bool) -> Refused:
    """Return a 422: the record with its errors. The two spaces are the ERP's. Source: recorded."""
    verb = "Inserting" if is_new else "Updating"
    words = (
        f"{verb}  '{title(failed.entity)}' record raised at least one error."
        " Please review the errors."
    )
    return Refused(422, refused(record, work.tenant.contract, words))
