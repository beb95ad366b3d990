"""What generated tests call: a flow's folder in, what becomes of sound and damaged records out.

Not for production: it reads the lookup tables and the example settings of the workspace around it,
and takes the spec's samples for what the ledger or the tenant would be asked.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import jsonschema_rs
import msgspec
from hypothesis import strategies
from msgspec import Struct

from mapgen.agreed.paths import names_along, row_numbers, steps
from mapgen.runtime.lines import document_line, reject_line
from mapgen.runtime.lookups import sample_of
from mapgen.runtime.outcome import ONLY, Document, Outcome, Rejected, Skipped
from mapgen.runtime.rules import Rules, fill_indices
from mapgen.runtime.sources.records import JsonValue, RawRecord
from mapgen.runtime.targets.kinds import KINDS
from mapgen.runtime.transform import Transformer, bound, load_flow
from mapgen.runtime.values import ENCODER

# What a member may be replaced by: nothing, blanks, wrong types, numbers and texts at the edges.
# Patterns of schemas are tried in time in proportion to the text, as the runtime does.
_LINEAR = jsonschema_rs.RegexOptions()
_DAMAGES: tuple[object, ...] = (
    None,
    "",
    "  ",
    "x" * 300,
    "\U0001f375" * 40,
    "1,50",
    "NaN",
    "2026-01-31T09:30:00",
    0,
    -1,
    10**12,
    True,
    [],
    {},
)


class Fixture(Struct, frozen=True):
    """One example of a flow."""

    name: str
    given: str
    gives: Any = None
    because: str = ""
    target: str | None = None

    def __str__(self) -> str:
        return self.name


class FlowUnderTest(Struct, frozen=True):
    """A flow with its examples, ready to be asked."""

    transformer: Transformer
    unwrapped: Callable[[RawRecord], Iterator[RawRecord]]
    rules: Rules
    examples: tuple[Fixture, ...]
    rejects: tuple[Fixture, ...]
    target: jsonschema_rs.Validator
    is_list: Mapping[str, bool]
    settings: Mapping[str, Any]
    written: Callable[[bytes], msgspec.Raw]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the flow of a folder in `generated/`."""
        loaded = load_flow(folder, place=lambda _: None)
        settings = _read(folder / "fixtures" / "settings.json")
        files = sorted((folder / "fixtures").glob("*.json"))
        fixtures = [(path, _read(path)) for path in files if path.name != "settings.json"]
        schema = (folder / "target.schema.json").read_text(encoding="utf-8")
        specs = folder.parent.parent / "specs"
        return cls(
            loaded.transformer(bound(loaded, settings, specs, sample_of)),
            loaded.source.unwrapped,
            loaded.rules,
            tuple(_fixture(content) for _, content in fixtures if "gives" in content),
            tuple(_fixture(content) for _, content in fixtures if "because" in content),
            jsonschema_rs.validator_for(schema, validate_formats=True, pattern_options=_LINEAR),
            {
                name: member.get("type") == "array"
                for name, member in json.loads(schema)["properties"].items()
            },
            settings,
            KINDS[loaded.plan.target],
        )

    def outcomes(self, record: str) -> tuple[Outcome, ...]:
        """Return what becomes of a record, given as JSON text."""
        found = self.unwrapped(RawRecord(1, 1, record.encode()))
        return tuple(one for raw in found for one in self.transformer.outcomes(raw, "example"))

    def outcome(self, record: str) -> Outcome:
        """Return the first of what becomes of a record: all of it where it makes one document."""
        return self.outcomes(record)[0]

    def document(self, record: str) -> Any:
        """Return the document of a record, or its errors as text where it gives none.

        Of a flow with several documents it is all of them by name, a list where there is one for
        each row.
        """
        outcomes = self.outcomes(record)
        documents = [outcome for outcome in outcomes if isinstance(outcome, Document)]
        return self._content(documents) if documents else _reason(outcomes[0])

    def _content(self, documents: Iterable[Document]) -> Any:
        whole: dict[str, Any] = {}
        for document in documents:
            body = json.loads(document.body, parse_float=Decimal)
            if document.document == ONLY:
                return body
            if self.is_list[document.document]:
                whole.setdefault(document.document, []).append(body)
            else:
                whole[document.document] = body
        return whole

    def is_rejected(self, record: str, because: str, target: str | None) -> bool:
        """Whether one error of the record says so, at the target if there is one."""
        outcome = self.outcome(record)
        return isinstance(outcome, Rejected) and any(
            because in error.message and target in (None, error.target) for error in outcome.errors
        )

    def field_after(self, target: str, row: str, changes: str, block: str = "") -> str | None:
        """Return the JSON text of a field once its row is changed, None where it is rejected.

        A number is in its shortest form, whatever its places: `1.2500` is `1.25`.

        Args:
            target: the field's path (`Details[].InventoryID`); of several rows the first counts.
            row: the path of the changed row below the record, of several rows the first.
            changes: the members to change, as JSON.
            block: the pointer of the block of rows whose first row counts.
        """
        record, changed = self._example_with(row)
        changed.update(json.loads(changes, parse_float=Decimal))
        outcome = self.outcome(_text(record))
        place = fill_indices(target, self._first_row(block, record))
        if isinstance(outcome, Document):
            value = _at(self.document(_text(record)), place.replace(": ", "."))
            is_number = isinstance(value, Decimal)
            return format(value.normalize(), "f") if is_number else _text(value)
        errors = outcome.errors if isinstance(outcome, Rejected) else ()
        assert any(error.target == place for error in errors), errors
        return None

    def _example_with(self, row: str) -> tuple[Any, Any]:
        """Return the first example that has such a row, and the row in it."""
        for example in self.examples:
            record = json.loads(example.given, parse_float=Decimal)
            found = record
            for name in names_along(row) if row else ():
                found = _first(found.get(name)) if isinstance(found, dict) else None
            if found is not None:
                return record, found
        raise AssertionError(f"no example has a row at {row}")

    def _first_row(self, block: str, record: JsonValue) -> tuple[int | None, ...]:
        """Return the number of the first row that a block makes, with those of the rows around."""
        codes = {code for code, rule in self.rules.by_code.items() if rule.spec.endswith(block)}
        made = self.transformer.made(record) if block else {}
        return next((rows for (code, _), rows in made.items() if code in codes), (0,) * 9)

    def damaged_records(self) -> strategies.SearchStrategy[str]:
        """Return records of the examples with up to three members damaged."""
        records = [json.loads(fixture.given, parse_float=Decimal) for fixture in self.examples]
        return strategies.composite(_damaged)(records)

    def check_outcome(self, record: str) -> None:
        """Assert that a record gives a document that honours the schema, or located errors."""
        outcomes = self.outcomes(record)
        documents = [outcome for outcome in outcomes if isinstance(outcome, Document)]
        assert len(documents) in (0, len(outcomes)), "all documents of a record, or none"
        match outcomes[0]:
            case Document():
                assert all(
                    json.loads(document_line(one, self.written))["source"] for one in documents
                )
                whole = json.loads(_text(self._content(documents)))
                errors = [error.message for error in self.target.iter_errors(whole)]
                assert not errors, errors
            case Rejected(errors=reports):
                assert json.loads(reject_line(outcomes[0]))["faults"]
                # R101 is of the record as a whole: nothing is left in it that a rule reads.
                assert all(one.message for one in reports), reports
                located = (one.source_path or one.code == "R101" for one in reports)
                assert all(located), reports
            case Skipped(reason=reason):
                assert json.loads(reject_line(outcomes[0]))["reason"] == reason


def _damaged(draw: strategies.DrawFn, records: list[Any]) -> str:
    record = copy.deepcopy(draw(strategies.sampled_from(records)))
    for _ in range(draw(strategies.integers(min_value=0, max_value=3))):
        places = list(_members(record))
        if places:
            holder, name = draw(strategies.sampled_from(places))
            if draw(strategies.booleans()):
                holder[name] = copy.deepcopy(draw(strategies.sampled_from(_DAMAGES)))
            else:
                del holder[name]
    return _text(record)


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    names = list(value) if isinstance(value, dict) else range(len(value))
    for name in names:
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _members(value[name])


def _first(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return value[0] if value else None


def _at(document: Any, target: str) -> Any:
    """Return the value at a path of a document; outside the ERP it is in no wrapper."""
    for name, rows in steps(target):
        document = document[name]
        for number in row_numbers(rows):
            document = document[number]
    return document["value"] if isinstance(document, dict) else document


def _fixture(content: Any) -> Fixture:
    return Fixture(
        content["name"],
        _text(content["given"]),
        content.get("gives"),
        content.get("because", ""),
        content.get("target"),
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def _text(value: Any) -> str:
    return ENCODER.encode(value).decode()


def _reason(outcome: Outcome) -> str:
    """Return why a record gives no document."""
    if isinstance(outcome, Rejected):
        errors = (f"{one.code} {one.target}: {one.message} ({one.spec})" for one in outcome.errors)
        return "; ".join(errors)
    return f"skipped: {outcome.reason}" if isinstance(outcome, Skipped) else str(outcome)
