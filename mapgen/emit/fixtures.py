"""The examples of a spec as files that tests read: a record and what becomes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import asdict

from mapgen.emit.json_text import json_text
from mapgen.ir.flow import Flow, FlowExample, FlowReject
from mapgen.ir.names import new_name


def fixtures(flow: Flow) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each fixture, and the settings that all of them hold for."""
    yield "settings.json", json_text(dict(flow.test_settings))
    taken: set[str] = {"settings"}
    situations: tuple[FlowExample | FlowReject, ...] = (*flow.examples, *flow.rejects)
    for one in situations:
        said = asdict(one) | {key: _exact(getattr(one, key)) for key in _JSON if hasattr(one, key)}
        kind = ".reject.json" if isinstance(one, FlowReject) else ".json"
        yield f"{_new_name(one.name, taken)}{kind}", json_text(said)


# The members of an example and of a reject that are JSON text.
_JSON = ("given", "gives")


def file_name(name: str) -> str:
    """Return a file name for a situation: `A guest's order` -> `a-guest-s-order`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _new_name(name: str, taken: set[str]) -> str:
    """Return a file name that no other situation has; names of other scripts are numbered."""
    stem = file_name(name)[:_LONGEST_NAME].strip("-") or "example"
    found = new_name(stem, taken, "-")
    taken.add(found)
    return found


_LONGEST_NAME = 80


def _exact(text: str) -> object:
    """Return JSON whose numbers are kept digit by digit."""
    return json.loads(text, parse_float=msgspec.Raw, parse_int=msgspec.Raw)
