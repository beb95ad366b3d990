"""The JSON Schema of a flow's documents as a gate: what does not match it is never sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import Struct

from mapgen.agreed.paths import written_name
from mapgen.agreed.plan import Plan
from mapgen.runtime.outcome import ONLY, ErrorReport
from mapgen.runtime.rules import Rules
from mapgen.runtime.targets.bodies import read_body
from mapgen.runtime.transform import DamagedFlow
from mapgen.runtime.values import ENCODER

if TYPE_CHECKING:
    import jsonschema_rs

SCHEMA_BROKEN = "R415"

_FILE = "target.schema.json"
_MOST_ERRORS = 100
_LONGEST = 200


class Gate(Struct, frozen=True):
    """Validates bodies as the flow makes them, keys of other documents not filled in yet.

    The transformer makes nothing else by construction, which tests prove; the gate is for who wants
    to see it of each document: of files changed by hand, of a queue that lay for long.
    """

    validators: Mapping[str, jsonschema_rs.Validator]
    schemas: Mapping[str, Any]
    rules: Rules

    @classmethod
    def load(cls, folder: Path, plan: Plan, rules: Rules) -> Self:
        """Return the gate of a folder in `generated/`.

        Raises OSError for a file that cannot be read, DamagedFlow for one that is no schema of the
        flow, ImportError where the validator is not installed.
        """
        import jsonschema_rs  # an extra

        linear = jsonschema_rs.RegexOptions()
        try:
            whole = msgspec.json.decode((folder / _FILE).read_bytes(), type=dict[str, Any])
            schemas = {one.name: _schema_of(one.name, whole) for one in plan.documents}
            validators = {
                name: jsonschema_rs.validator_for(
                    schema, validate_formats=True, pattern_options=linear
                )
                for name, schema in schemas.items()
            }
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise DamagedFlow(f"{_FILE}: {type(error).__name__}") from None
        return cls(validators, schemas, rules)

    def errors(self, document: str, body: bytes) -> tuple[ErrorReport, ...]:
        """Return what of a body does not match the schema, by field and keyword."""
        validator, part = self.validators[document], read_body(body)
        if validator.is_valid(part):
            return ()
        errors = list(validator.iter_errors(part))[:_MOST_ERRORS]
        return tuple(self._report(document, error) for error in errors)

    def _report(self, document: str, error: jsonschema_rs.ValidationError) -> ErrorReport:
        target = _path(error.instance_path)
        keyword = error.kind.name
        # Names of members that are missing or too many: words of the contract, no values.
        named = error.kind.as_dict()
        limit = named.get("property") or named.get("unexpected")
        if limit is None:
            limit = _at(self.schemas[document], error.schema_path)
        message = f"does not match {_FILE}: `{keyword}: {_words(limit)}`"
        value = None if isinstance(error.instance, dict | list) else _words(error.instance)
        return self.rules.report(SCHEMA_BROKEN, message, target, value, document)


def _schema_of(document: str, whole: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one document; the file has one object for all documents of a flow."""
    if document == ONLY:
        return whole
    found: dict[str, Any] = whole["properties"][document]
    return found["items"] if found.get("type") == "array" else found


def _path(parts: Iterable[str | int]) -> str:
    """Return the path of a field, without the wrapper of its value."""
    path = "".join(
        f"[{part}]" if isinstance(part, int) else f".{written_name(part)}" for part in parts
    )
    return path.removeprefix(".").removesuffix(".value")


def _at(schema: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        schema = schema[part]
    return schema


def _words(value: object) -> str:
    words = str(value) if isinstance(value, str | Decimal) else ENCODER.encode(value).decode()
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
