"""Saving: what a request sends, in; the record as the business logic leaves it, stored, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from mapgen.contract.model import Entity, Field
from mapgen.sandbox.body import Sent
from mapgen.sandbox.errors import Refused, http_error, no_entity, precondition_failed
from mapgen.sandbox.filter import Test
from mapgen.sandbox.records import Record
from mapgen.sandbox.references import reference
from mapgen.sandbox.rendering import echo
from mapgen.sandbox.screen import Screen
from mapgen.sandbox.screens import screen_of
from mapgen.sandbox.tenant import NEW, Tenant, Work, title
from mapgen.sandbox.values import Value, fit, utf16_length

# Lines whose contract keys repeat the document's, or count up: what tells one line from another.
_LINE_KEYS: Mapping[str, tuple[str, ...]] = {
    "TaxDetail": ("TaxID",),
    "SalesInvoiceTaxDetail": ("TaxID",),
    "SalesOrderPayment": ("DocType", "ReferenceNbr"),
}
# Booleans and decimals of new lines that stay empty instead of false and zero. Source: recorded.
_LEFT_EMPTY: Mapping[str, frozenset[str]] = {
    "SalesOrderDetail": frozenset({"AverageCost", "CalculateDiscountsOnImport"}),
}


@dataclass(frozen=True, slots=True)
class Precondition:
    """`If-Match: *` and `If-None-Match: *`: the ERP takes no other value, there are no ETags."""

    must_exist: bool = False
    must_be_new: bool = False


def put(
    work: Work, entity: Entity, sent: Sent, chosen: Test | None, precondition: Precondition
) -> Record:
    """Insert or update a record and return it. Source: protocol of the ERP's PUT.

    The record is found by `id`, by `$filter` (`chosen`) or by the keys sent; otherwise it is new.
    Raises Refused: 412, or 422 with the record and its field errors, and then nothing is stored.
    """
    found = _find(work.tenant, entity, sent, chosen)
    if found is None and precondition.must_exist:
        raise precondition_failed("If-Match")
    if found is not None and precondition.must_be_new:
        raise precondition_failed("If-None-Match")
    return save(work, entity, found, sent)


def find(tenant: Tenant, entity: Entity, sent: Sent) -> Record:
    """Return the record an action is for. Raises Refused where there is none."""
    found = _find(tenant, entity, sent, None)
    if found is None:
        raise no_entity()
    return found


def save(work: Work, entity: Entity, found: Record | None, sent: Sent) -> Record:
    """Apply what was sent to a record or to a new one, let the screen work on it, and store it."""
    screen = screen_of(entity)
    draft = Record(entity.name) if found is None else found.draft()
    is_new = found is None
    _apply(work, draft, sent, is_new=is_new)
    if is_new:
        _take_tenant_defaults(work, draft)
    screen.save(work, draft, is_new)
    _finish(work, draft, is_new=is_new)
    _check(work, draft)
    failures = list(draft.failures())
    if failures:
        _show_new_key(screen, draft, is_new=is_new)
        raise _unprocessable(work, draft, failures[0], is_new=is_new)
    if is_new and _stays_unsaved(screen, entity, draft):
        return draft
    _number(work, screen, draft, is_new=is_new)
    work.tenant.store.save(draft, *work.beside)
    return draft


def plant_record(work: Work, entity: Entity, sent: Sent) -> Mapping[str, str]:
    """Store a record of the seed under the keys it has; return its field errors, if any."""
    draft = Record(entity.name)
    _apply(work, draft, sent, is_new=True, is_seed=True)
    _take_tenant_defaults(work, draft)
    screen_of(entity).save(work, draft, True)
    _finish(work, draft, is_new=True)
    for failed in draft.failures():
        return failed.errors
    # What the seed says of a document stands, also where a screen would compute it.
    draft.values.update((name, value) for name, value in sent.values.items() if value is not None)
    work.tenant.store.save(draft)
    return {}


def _find(tenant: Tenant, entity: Entity, sent: Sent, chosen: Test | None) -> Record | None:
    if sent.id is not None:
        found = tenant.store.by_id(entity.name, sent.id)
        if found is None:
            raise no_entity()
        return found
    if chosen is not None:
        matching = tenant.store.all(entity.name, chosen)
        if len(matching) > 1:
            raise http_error("More than one entity satisfies the condition.")
        return matching[0] if matching else None
    fallback = screen_of(entity).key_defaults
    keys = [sent.values.get(name, fallback.get(name)) for name in entity.keys]
    if not keys or any(key is None for key in keys):
        return None
    return tenant.store.by_keys(entity.name, [str(key) for key in keys])


def _apply(work: Work, record: Record, sent: Sent, *, is_new: bool, is_seed: bool = False) -> None:
    """Write what was sent: not over keys, calculated or read-only fields, which keep still."""
    entity = work.tenant.contract.entities[record.entity]
    numbered = _numbered_key(work, entity)
    taken = set()
    for name, value in sent.values.items():
        member = entity.fields[name]
        is_fixed = member.is_calculated or member.is_read_only
        is_settled = name in entity.keys and not is_new
        if not is_seed and (is_fixed or is_settled or name == numbered):
            continue
        taken.add(name)
        _write(record, member, value)
    record.sent = frozenset(taken)
    for name, part in sent.linked.items():
        allowed = _allowed(entity.fields[name], record, part)
        inner = work.part(record, name)
        if inner is not None:
            _apply(work, inner, allowed, is_new=True, is_seed=is_seed)
    for name, lines in sent.details.items():
        _apply_lines(work, record, name, lines)
    _apply_custom(work, record, sent)
    if sent.note is not None:
        record.note = sent.note


def _write(record: Record, member: Field, value: Value | None) -> None:
    if value is None:
        record.values.pop(member.name, None)
        return
    record.values[member.name] = fit(value, member)
    if (
        isinstance(value, str)
        and member.max_length is not None
        and utf16_length(value) > member.max_length
    ):
        record.errors[member.name] = (
            f"The length of '{member.label or member.name}' exceeds {member.max_length} characters."
        )


def _allowed(member: Field, record: Record, part: Sent) -> Sent:
    """Return what is taken of a linked part: what has a companion flag only when that is set."""
    flags = dict(member.part_companions)
    if member.companion is not None and not record.flag(member.companion):
        own = {name: inner for name, inner in part.linked.items() if name in flags}
        part = Sent(linked=own)
    linked = {
        name: inner
        for name, inner in part.linked.items()
        if name not in flags or record.flag(flags[name])
    }
    return replace(part, linked=linked)


def _apply_lines(work: Work, record: Record, name: str, lines: Iterable[Sent]) -> None:
    member = work.field_of(record, name)
    if member is None or member.entity is None:
        return
    entity = work.tenant.contract.entities[member.entity]
    held = record.lines(name)
    for sent in lines:
        found = _find_line(entity, held, sent)
        if sent.is_deleted:
            if found is not None:
                held.remove(found)
            continue
        if found is None and sent.id is not None:
            raise no_entity()
        line = found if found is not None else Record(entity.name)
        _apply(work, line, sent, is_new=found is None)
        if found is None:
            held.append(line)


def _find_line(entity: Entity, held: list[Record], sent: Sent) -> Record | None:
    """Return the line that is meant: by id, else by its own keys; None means another line."""
    if sent.id is not None:
        return next((line for line in held if line.id == sent.id), None)
    names = _LINE_KEYS.get(entity.name, entity.keys)
    if not names or any(sent.values.get(name) is None for name in names):
        return None
    wanted = [str(sent.values[name]).casefold() for name in names]
    for line in held:
        if [str(line.values.get(name, "")).casefold() for name in names] == wanted:
            return line
    return None


def _apply_custom(work: Work, record: Record, sent: Sent) -> None:
    declared = work.tenant.setup.custom_fields.get(record.entity)
    for name, value in sent.custom.items():
        if declared is None or name in declared:
            record.custom[name] = value


def _take_tenant_defaults(work: Work, record: Record) -> None:
    """Give a new record and its new lines what the tenant's set-up says."""
    for name in work.tenant.setup.defaults.get(record.entity, {}):
        value = work.tenant.default(record.entity, name)
        if value is not None:
            work.default(record, name, value)
    for lines in record.details.values():
        for line in lines:
            _take_tenant_defaults(work, line)


def _finish(work: Work, record: Record, *, is_new: bool) -> None:
    """Fill what is empty by nature, stamp the times, and find required fields left empty."""
    entity = work.tenant.contract.entities[record.entity]
    empty = _LEFT_EMPTY.get(entity.name, frozenset())
    for name, member in entity.fields.items():
        if name in record.values or name in empty or member.value_type is None:
            continue
        if member.value_type == "boolean":
            record.values[name] = False
        elif member.value_type in ("decimal", "double"):
            record.values[name] = Decimal("0.0")
    numbered = _numbered_key(work, entity)
    for name, member in entity.fields.items():
        # A document cannot be numbered without its other keys: `Customer` of a location.
        is_wanted = name in entity.keys if numbered and name != numbered else member.is_required
        if is_wanted and name != numbered and record.values.get(name) in (None, ""):
            work.fail(record, name, f"'{member.label or name}' cannot be empty.")
    work.stamp(record, is_new=is_new)
    for part in record.linked.values():
        _finish(work, part, is_new=is_new)
    for lines in record.details.values():
        for line in lines:
            _finish(work, line, is_new=is_new)


def _check(work: Work, record: Record) -> None:
    """Find references to master data that is not there; kinds without seed rows are not checked."""
    for name in sorted(record.sent):
        value = record.values.get(name)
        refers = reference(record.entity, name)
        if refers is None or not isinstance(value, str) or not value:
            continue
        kinds = [kind for kind in refers.kinds if kind in work.tenant.references]
        if kinds and not any(work.tenant.has(kind, value) for kind in kinds):
            work.fail(record, name, f"'{refers.label}' cannot be found in the system.")
    _check_state(work, record)
    for part in record.linked.values():
        _check(work, part)
    for lines in record.details.values():
        for line in lines:
            _check(work, line)


def _check_state(work: Work, record: Record) -> None:
    country = work.tenant.known("Country", record.text("Country"))
    state = record.text("State")
    if country is None or not state or "State" not in record.sent:
        return
    states = country.get("States")
    if isinstance(states, list) and states and state not in states:
        work.fail(record, "State", "'State' cannot be found in the system.")


def _numbered_key(work: Work, entity: Entity) -> str | None:
    """Return the key that the tenant numbers itself, None where keys are typed in."""
    if work.tenant.setup.numbering.get(entity.name) == "manual" or not entity.is_top_level:
        return None
    key = screen_of(entity).numbered_key
    if key is None and entity.is_auto_numbered and entity.keys:
        key = entity.keys[-1]
    return key if key in entity.fields else None


def _number(work: Work, screen: Screen, record: Record, *, is_new: bool) -> None:
    entity = work.tenant.contract.entities[record.entity]
    key = _numbered_key(work, entity)
    if not is_new or key is None:
        return
    others = [str(record.values.get(name, "")) for name in entity.keys if name != key]
    series = others[0] if others else ""

    def is_taken(number: str) -> bool:
        keys = [number if name == key else str(record.values.get(name)) for name in entity.keys]
        return work.tenant.store.by_keys(entity.name, keys) is not None

    record.values[key] = work.number(entity.name, series, screen.first_number(series), is_taken)
    screen.numbered(work, record)


def _stays_unsaved(screen: Screen, entity: Entity, record: Record) -> bool:
    """Tell whether a typed-in key is missing: 200, `<NEW>`, nothing stored. Source: recorded."""
    if screen.numbered_key is not None or entity.is_auto_numbered:
        return False
    missing = [name for name in entity.keys if record.values.get(name) in (None, "")]
    for name in missing:
        record.values[name] = NEW
    return bool(missing)


def _show_new_key(screen: Screen, record: Record, *, is_new: bool) -> None:
    if is_new and screen.numbered_key is not None:
        record.values[screen.numbered_key] = NEW


def _unprocessable(work: Work, record: Record, failed: Record, *, is_new: bool) -> Refused:
    """Return a 422: the record with its errors. The two spaces are the ERP's. Source: recorded."""
    verb = "Inserting" if is_new else "Updating"
    words = (
        f"{verb}  '{title(failed.entity)}' record raised at least one error."
        " Please review the errors."
    )
    return Refused(422, echo(record, work.tenant.contract, words))


def invoke(
    work: Work, entity: Entity, action: str, sent: Sent, parameters: Mapping[str, Value]
) -> None:
    """Run an action on a record, after whatever else was sent with it is saved.

    An action without logic here starts nothing, as a fast action that finds nothing to do.
    """
    record = find(work.tenant, entity, sent)
    changes = {name: value for name, value in sent.values.items() if name not in entity.keys}
    if changes or sent.linked or sent.details:
        record = save(work, entity, record, replace(sent, values=changes))
    act = screen_of(entity).actions.get(action)
    if act is None:
        return
    draft = record.draft()
    act(work, draft, parameters)
    work.stamp(draft, is_new=False)
    work.tenant.store.save(draft, *work.beside)


def delete(tenant: Tenant, entity: Entity, record: Record) -> None:
    """Delete a record. Raises Refused (500) for one that later documents rest on."""
    if record.text("Status") in screen_of(entity).kept_statuses:
        raise http_error(f"Error: The {title(entity.name)} record cannot be deleted.")
    tenant.store.delete(record)
