"""Records for a spec that was made: good ones, dirty ones, hostile ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from random import Random
from typing import Any

from .specs import CONTRACT, Draft

TEXTS = (
    "TEA",
    "POT",
    "a",
    "a-b-c",
    " b ",
    "",
    "  ",
    "12",
    "19.90",
    "true",
    "USD",
    "US",
    "2026-01-31",
)
TEXTS += (
    "90m",
    "2024-05-01T12:00:00Z",
    "{x}",
    "it's",
    '"',
    "\\",
    "crème",
    "\u2028",
    "x" * 70,
    "+12125550123",
)
NUMBERS = ("0", "1", "-2.5", "19.90", "0.001", "99999999999999999999.99", "0.000000001", "-0")
HUGE = (
    "1234567890123456789012345678",
    "0.1234567890123456789012345678",
    "9999999999999999999999999999",
)
DAMAGE = (None, 7, "t", [], {}, [None], True, 1.5, {"a": 1}, "x" * 5000, -1, 10**30)


class Records:
    """Makes records for one spec."""

    def __init__(self, draft: Draft, random: Random) -> None:
        self._draft, self._random = draft, random
        self._source = draft.content["mapping"]["source"]
        self._damage = 0.0

    def record(self, kind: str) -> Any:
        """Return a record: `good` as the schema says, `dirty` with odd values, `hostile`."""
        self._damage = {"good": 0.0, "dirty": 0.04, "hostile": 0.3}[kind]
        self._is_good = kind == "good"
        if "entity" in self._source:
            return self._entity("Order")
        schema = json.loads(self._draft.files[self._source["schema"]])
        is_text = self._source.get("format") == "csv"
        record = self._value(schema, is_text=is_text)
        if "group" in self._source and isinstance(record, dict):
            rows = [self._value(schema, is_text=True) for _ in range(self._random.randint(1, 3))]
            by = self._source["group"]["by"]
            key = {name: record[name] for name in by if name in record}
            record = {
                **key,
                "lines": [{**row, **key} if isinstance(row, dict) else row for row in rows],
            }
        for name, join in self._source.get("joins", {}).items():
            if isinstance(record, dict):
                self._joined(record, name, join)
        return record

    def _joined(self, record: dict[str, Any], name: str, join: Mapping[str, Any]) -> None:
        schema = json.loads(self._draft.files[join["schema"]])
        is_text = join.get("format") == "csv"
        if join["takes"] == "many":
            record[name] = [
                self._value(schema, is_text=is_text) for _ in range(self._random.randint(0, 3))
            ]
        elif (
            not (join["on_missing"] == "omit" and self._random.random() < 0.3)
            and not self._broken()
        ):
            record[name] = self._value(schema, is_text=is_text)

    def _broken(self) -> bool:
        return self._random.random() < self._damage

    def _value(self, schema: Mapping[str, Any], *, is_text: bool) -> Any:
        if self._broken():
            return deepcopy(self._random.choice(DAMAGE))
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "null" in kinds and self._random.random() < 0.3:
            return None
        kind = kinds[0]
        if kind == "object":
            required = schema["required"]
            return {
                name: self._value(inner, is_text=is_text)
                for name, inner in schema["properties"].items()
                if (name in required and not self._broken()) or self._random.random() < 0.6
            }
        if kind == "array":
            return [
                self._value(schema["items"], is_text=is_text)
                for _ in range(self._random.choice((0, 1, 2, 3)))
            ]
        found = self._single(kind, schema.get("format", ""))
        if is_text and not isinstance(found, str):
            return "true" if found is True else "false" if found is False else str(found)
        return found

    def _single(self, kind: str, format: str) -> Any:
        pick = self._random.choice
        match kind, format:
            case "string", "decimal":
                return pick(NUMBERS[:4] if self._is_good else (*NUMBERS, *HUGE, "x"))
            case "string", "date":
                return pick(("2024-02-29", "1999-12-31", "0001-01-01", "9999-12-31"))
            case "string", "date-time":
                return pick(
                    (
                        "2024-05-01T12:00:00+02:00",
                        "1970-01-01T00:00:00Z",
                        "9999-12-31T23:59:59Z",
                        "0001-01-01T00:00:00Z",
                    )
                )
            case "string", _:
                return pick(TEXTS)
            case "integer", _:
                return pick(
                    (0, 1, 2, 3, -3, 40)
                    if self._is_good
                    else (0, 1, -3, 2**53, 2**63 - 1, -(2**63))
                )
            case "number", _:
                return pick(
                    (0, 1, 2.5, -19.9, 0.001)
                    if self._is_good
                    else (0, 1e20, 1e-9, -2.5, 12345678901234567)
                )
            case _:
                return pick((True, False))

    def _entity(self, name: str) -> Any:
        if self._broken():
            return deepcopy(self._random.choice(DAMAGE))
        record: dict[str, Any] = {"id": "x", "note": {"value": self._random.choice(TEXTS)}}
        kinds = {
            "string": "string",
            "decimal": "number",
            "boolean": "boolean",
            "date": "string",
            "datetime": "string",
        }
        for field, facts in CONTRACT["entities"][name]["fields"].items():
            if "details" in facts:
                record[field] = [
                    self._entity(facts["details"]) for _ in range(self._random.randint(0, 2))
                ]
            elif "linked" in facts:
                record[field] = (
                    self._entity(facts["linked"]) if self._random.random() < 0.7 else None
                )
            elif facts.get("key") or self._random.random() < 0.7:
                kind = facts["type"]
                format = {"date": "date", "datetime": "date-time"}.get(kind, "")
                value = self._single(kinds.get(kind, "integer"), format)
                if self._broken():
                    value = deepcopy(self._random.choice(DAMAGE))
                record[field] = {"value": value}
            else:
                record[field] = {}
        return record


def hostile_texts(draft: Draft) -> list[bytes]:
    """Return what is no record at all."""
    return [b"null", b"[]", b"7", b'"x"', b"{}", b"{", b"", b"\xff"]
