"""Reads a seed: master data to start with, and the tenant's set-up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import msgspec

from mapgen.report import Stopped
from mapgen.report.catalogue import sandbox as catalogue

Row: TypeAlias = Mapping[str, object]


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tenant's own set-up decides, where tenants differ.

    `defaults` are values new records get, by entity. `custom_fields` names the fields beyond the
    contract, by entity: `{"Document.UsrShopStore": "CustomStringField"}`; an entity that is not
    named takes any. `numbering` is the first number of a series, by entity or by entity and
    document type; `"manual"` keeps the keys that are sent.
    """

    defaults: dict[str, dict[str, object]] = {}
    custom_fields: dict[str, dict[str, str]] = {}
    numbering: dict[str, str | dict[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Seed:
    """Rows by kind (an entity of the contract or a kind of reference), and the set-up."""

    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    setup: Setup = field(default_factory=Setup)
    path: str = "<seed>"


def read_seed(path: Path) -> Seed:
    """Return the seed of a JSON file. Raises Stopped: E521 unreadable, E522 a fact that is off."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise _unreadable(path.name, error.strerror or "it cannot be read") from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(path.name, f"it is no JSON: {error}") from None
    return seed_of(content, path.name)


def seed_of(content: object, path: str = "<seed>") -> Seed:
    """Return the seed that a JSON value holds. Raises Stopped (E521, E522)."""
    if not isinstance(content, dict):
        raise _unreadable(path, "it is no JSON object")
    rows: dict[str, list[Row]] = {}
    for kind, listed in content.items():
        if kind == "setup":
            continue
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            raise Stopped(
                catalogue.unfit_seed_fact(path=path, place=kind, reason="it is no list of objects")
            )
        rows[kind] = listed
    try:
        setup = msgspec.convert(content.get("setup", {}), Setup)
    except msgspec.ValidationError as error:
        raise Stopped(
            catalogue.unfit_seed_fact(path=path, place="setup", reason=str(error))
        ) from None
    return Seed(rows, setup, path)


def _unreadable(path: str, reason: str) -> Stopped:
    return Stopped(catalogue.unreadable_seed(path=path, reason=reason))
