"""An entity of the ERP: answers in, plain JSON out, values unwrapped, empty ones left out.

`{"value": X}` is X; `{}`, null and a member that is not there are missing, one notion. Members that
no rule reads are left out. What cannot be unwrapped becomes a TypeMismatch, so that it is reported
with its place like any other value of a wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

import msgspec

from mapgen.agreed.plan import Plan, Shape
from mapgen.runtime.errors import RuleError
from mapgen.runtime.source import TypeMismatch, described
from mapgen.runtime.sources.cells import typed_members
from mapgen.runtime.sources.records import JsonValue

# How contract version 4 answers a date; it is the one written, whatever the offset.
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


def remade(plan: Plan, kind: type[msgspec.Struct]) -> Callable[[JsonValue], JsonValue] | None:
    """Return what makes plain JSON of a record that is an answer, or has answers or cells in it.

    None where there is nothing to make: the record is that already.

    Args:
        plan: of the flow.
        kind: the struct that records are to become.
    """
    own = None if plan.reads is None else plan.reads.shape
    joined = {name: one.reads.shape for name, one in plan.joins.items() if one.reads is not None}
    cells = plan.members_of_cells
    if own is None and not joined and not cells:
        return None

    def made(value: JsonValue) -> JsonValue:
        if not isinstance(value, dict):
            return value
        plain = dict(value)
        if own is not None:
            plain = _members(value, own) | {one: value[one] for one in plan.joins if one in value}
        for name, shape in joined.items():
            found = plain.get(name)
            if isinstance(found, list):
                plain[name] = [unwrapped(row, shape) for row in found]
            elif found is not None:
                plain[name] = unwrapped(found, shape)
        return typed_members(plain, kind, cells) if cells else plain

    return made


def unwrapped(value: JsonValue, shape: Shape) -> JsonValue:
    """Return a record of the ERP, or a part of it, as plain JSON; what is no object stays so."""
    return _members(value, shape) if isinstance(value, dict) else value


def _members(value: dict[str, JsonValue], shape: Shape) -> dict[str, JsonValue]:
    plain = {name: unwrapped_value(value.get(name)) for name in shape.values}
    plain |= {name: _date(unwrapped_value(value.get(name))) for name in shape.dates}
    for name, part in shape.linked.items():
        plain[name] = unwrapped(value.get(name), part)
    for name, part in shape.details.items():
        plain[name] = _rows(value.get(name), name, part)
    return {name: found for name, found in plain.items() if found is not None}


def unwrapped_value(wrapped: JsonValue) -> JsonValue:
    """Return a value without what the ERP wraps it in; a TypeMismatch where it is in nothing."""
    if wrapped is None:
        return None
    if isinstance(wrapped, dict):
        return wrapped.get("value")
    found = described(wrapped)
    message = f'expected a value as the ERP wraps it, `{{"value": …}}`, found {found}'
    return _misfit("R102", message, wrapped)


def _rows(value: JsonValue, name: str, shape: Shape) -> JsonValue:
    if isinstance(value, list):
        return [unwrapped(row, shape) for row in value]
    if value is not None:
        return value
    message = f"`{name}` is missing: the ERP leaves it out unless asked, `$expand={name}`"
    return _misfit("R103", message)


def _date(value: JsonValue) -> JsonValue:
    """Return a date as ISO has it; what is no text is left to the source's type."""
    if not isinstance(value, str) or "T" not in value:
        return value
    found = _MIDNIGHT.fullmatch(value)
    if found is not None:
        return found[1]
    message = (
        "expected a day, which the ERP writes as midnight, found a time: does it hold moments?"
    )
    return _misfit("R102", message, value)


def _misfit(code: str, message: str, value: JsonValue = None) -> JsonValue:
    """Return what stands for a value that cannot be read; lists and objects are not shown."""
    shown = None if isinstance(value, dict | list) else value
    return cast(JsonValue, TypeMismatch(RuleError(code, message, shown)))
