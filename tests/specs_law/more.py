"""What later specs have besides: joint identities, calculated keys, named expressions, parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mapgen.ir.types import BOOL, DECIMAL, INT, STRING, Type, optional

if TYPE_CHECKING:
    from .specs import SpecMaker

_TYPES: dict[str, Type] = {"text": STRING, "amount": optional(DECIMAL), "n": INT, "flag": BOOL}


def enrich(maker: SpecMaker, mapping: dict[str, Any]) -> None:
    """Add what the language got later to the mapping of a spec of the ERP."""
    for add in (_joint_identity, _calculated_key, _function, _part):
        if maker.chance(0.6):
            add(maker, mapping)


def _joint_identity(maker: SpecMaker, mapping: dict[str, Any]) -> None:
    """Let a further field narrow the identity."""
    identity = mapping.get("identity", {})
    if "field" in identity and "Code" not in mapping["fields"]:
        maker.feature("identity: joint")
        narrowing = maker.random.choice(("'x'", "order.ref.substring(0, 1)", "settings.store"))
        fields = {identity["field"]: identity["value"], "Code": narrowing}
        mapping["identity"] = {"fields": fields}


def _calculated_key(maker: SpecMaker, mapping: dict[str, Any]) -> None:
    """Write the member that records are joined by as an expression."""
    for join in mapping["source"].get("joins", {}).values():
        maker.feature("joins: calculated key")
        join["on"] = {member: f"order.{of}" for member, of in join["on"].items()}


def _function(maker: SpecMaker, mapping: dict[str, Any]) -> None:
    """Call an expression by its name."""
    names = dict(maker.random.sample([*_TYPES.items()], 2))
    made = _over(maker, STRING, names)
    if made is None or "Memo" in mapping.get("fields", {"Memo": None}):
        return
    arguments = [maker.expression(kind, maker.names) for kind in names.values()]
    if None not in arguments:
        maker.feature("functions")
        takes = {name: _said(name) for name in names}
        mapping["functions"] = {"made_of": {"takes": takes, "value": made}}
        words = ", ".join(one[0] for one in arguments if one is not None)
        mapping["fields"]["Memo"] = f"made_of({words})"


def _part(maker: SpecMaker, mapping: dict[str, Any]) -> None:
    """Take the rules of a part from elsewhere."""
    if "Part" in mapping.get("fields", {"Part": None}):
        return
    text, number = {"text": STRING}, {"amount": _TYPES["amount"]}
    city = _over(maker, STRING, text)
    height = _over(maker, optional(DECIMAL), number)
    given = [maker.expression(_TYPES[name], maker.names) for name in ("text", "amount")]
    if city is not None and height is not None and None not in given:
        maker.feature("parts")
        mapping["parts"] = {
            "made_part": {
                "summary": "a part that was made",
                "takes": {"text": _said("text"), "amount": _said("amount")},
                "gives": {"contract": "small", "entity": "Part"},
                "fields": {
                    "City": {"value": city, "too_long": "truncate"},
                    "Height": height,
                },
            }
        }
        one, other = (found[0] for found in given if found is not None)
        mapping["fields"]["Part"] = {"use": "made_part", "text": one, "amount": other}


def _over(maker: SpecMaker, wanted: Type, names: dict[str, Type]) -> str | None:
    """Return an expression that reads all of some parameters, and nothing else."""
    for _ in range(12):
        made = maker.maker.compiled(wanted, names, depth=2)
        if made is not None and all(re.search(rf"\b{name}\b(?!\()", made[0]) for name in names):
            return made[0]
    return None


def _said(name: str) -> str:
    return str(_TYPES[name])
