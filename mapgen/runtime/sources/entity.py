"""An entity of the ERP: answers in, plain JSON out, values unwrapped, empty ones left out.

`{"value": X}` is X; `{}`, null and a member that is not there are missing, one notion. Members that
no rule reads are left out. What cannot be unwrapped becomes a TypeMismatch, so that it is reported
with its place like any other value of a wrong type.
"""

from __future__ import annotations

import re
from typing import cast

import msgspec

from mapgen.agreed.plan import Plan, Shape
from mapgen.runtime.errors import RuleError
from mapgen.runtime.source import TypeMismatch, described
from mapgen.runtime.sources.json import JsonFiles, RemadeRecords
from mapgen.runtime.sources.kind import Source
from mapgen.runtime.sources.records import JsonValue

# How contract version 4 answers a date; it is the one written, whatever the offset.
_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)T00:00:00(?:\.0+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


class AnswerFiles(JsonFiles):
    """Files of what the ERP answers."""

    def source(self, plan: Plan, kind: type[msgspec.Struct]) -> Source:
        """Return the source of a flow that reads an entity."""
        assert plan.reads is not None
        shape = plan.reads.shape
        return RemadeRecords(self, plan, kind, lambda value: unwrapped(value, shape))


def unwrapped(value: JsonValue, shape: Shape) -> JsonValue:
    """Return a record of the ERP, or a part of it, as plain JSON; what is no object stays so."""
    if not isinstance(value, dict):
        return value
    plain = {name: _plain(value.get(name)) for name in shape.values}
    plain |= {name: _date(_plain(value.get(name))) for name in shape.dates}
    for name, part in shape.linked.items():
        plain[name] = unwrapped(value.get(name), part)
    for name, part in shape.details.items():
        plain[name] = _rows(value.get(name), name, part)
    return {name: found for name, found in plain.items() if found is not None}


def _plain(wrapped: JsonValue) -> JsonValue:
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
