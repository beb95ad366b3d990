"""A record that may be shown: of a sample, with stand-ins for whatever looks personal in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from mapgen.agreed.paths import holder_of, member_path
from mapgen.contract.inference import Json
from mapgen.contract.personal import (
    is_a_call_name,
    is_value,
    kind_of_value,
    personal_kind,
    words_of,
)

# What stands for a value, by what its name says that it is.
_STAND_INS: Mapping[str, str] = {
    "an e-mail address": "ada@example.com",
    "a phone number": "+12025550143",
    "a name of a person": "Ada Poole",
    "a birthday": "1990-01-31",
    "an address": "12 Mill Lane",
    "an IP address": "192.0.2.1",
    "a card number": "4242424242424242",
    "an account": "GB33BUKB20201555555555",
    "a tax or identity number": "XX000000000",
}
_FIRST, _LAST = frozenset({"first", "given", "firstname"}), frozenset({"last", "family", "surname"})
# Beside one of these, a plain name is that of a person.
_OF_PERSONS = ("an e-mail address", "a phone number", "a birthday")
# What people write themselves may say anything of them.
_PROSE = re.compile("note|notes|message|comment|comments|remark|remarks|memo")


def shown_record(record: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """Return a record with stand-ins in the place of values that look personal.

    Args:
        record: a sample.
        name: what it is called.
    """
    return cast("Mapping[str, Json]", _shown(dict(record), name))


def _shown(value: Json, path: str) -> Json:
    match value:
        case dict():
            return _members(value, path)
        case list():
            return [_shown(inner, f"{path}[]") for inner in value]
        case str() if value.strip():
            return _stand_in(value, path)
        case int() if not isinstance(value, bool) and personal_kind(path) is not None:
            return 2025550143 if value > 0 else value
        case _:
            return value


def _members(members: Mapping[str, Json], path: str) -> dict[str, Json]:
    """Return the members of an object; one that is named by somebody is left out."""
    kinds = {personal_kind(member_path(path, name)) for name in members}
    shown = {
        name: _shown(inner, member_path(path, name))
        for name, inner in members.items()
        if not is_value(name)
    }
    if not kinds.isdisjoint(_OF_PERSONS):
        for name, text in shown.items():
            if words_of(name) == ("name",) and isinstance(text, str) and is_a_call_name(text):
                shown[name] = _STAND_INS["a name of a person"]
    return shown


def _stand_in(text: str, path: str) -> str:
    kind = personal_kind(path) or kind_of_value(text)
    words = frozenset(words_of(holder_of(path)[1]))
    if kind == "a name of a person":
        return "Ada" if words & _FIRST else "Poole" if words & _LAST else _STAND_INS[kind]
    if kind is not None:
        return _STAND_INS[kind]
    return "a note" if any(map(_PROSE.fullmatch, words)) else text
