"""Whole specs made at random: a source, its rules with what is beside them, and a target."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mapgen.contract.entity_source import entity_schema
from mapgen.contract.lock import read_lock
from mapgen.expression import Typed
from mapgen.ir.types import (
    BOOL,
    DATE,
    DECIMAL,
    INT,
    STRING,
    TIMESTAMP,
    TIMEZONE,
    ListOf,
    MapOf,
    Object,
    Optional,
    Table,
    Type,
    optional,
    present,
)
from mapgen.report import Source

from .maker import EXAMINED, PLAIN, Maker, Names
from .more import enrich

# The contract: one document with a part and rows, the kinds of field that there are.
CONTRACT: Mapping[str, Any] = {
    "lock": 2,
    "made_with": "a test",
    "sha256": {},
    "endpoint": "Default",
    "version": "24.200.001",
    "contract_version": 4,
    "entities": {
        "Order": {
            "top_level": True,
            "auto_numbered": True,
            "keys": ["Kind", "Nbr"],
            "identities": ["Ref"],
            "fields": {
                "Kind": {"type": "string", "key": True, "max_length": 60},
                "Nbr": {"type": "string", "key": True, "max_length": 15},
                "Ref": {"type": "string", "max_length": 40},
                "Customer": {"type": "string", "required": True},
                "Descr": {"type": "string", "max_length": 60},
                "Memo": {"type": "string"},
                "Code": {"type": "string", "max_length": 5},
                "Amount": {"type": "decimal", "places": 2},
                "Rate": {"type": "decimal"},
                "Total": {"type": "decimal", "calculated": True},
                "Pieces": {"type": "int"},
                "Few": {"type": "short"},
                "Many": {"type": "long"},
                "Flag": {"type": "boolean"},
                "Day": {"type": "date"},
                "At": {"type": "datetime"},
                "Part": {"linked": "Part", "companion": "PartFlag"},
                "PartFlag": {"type": "boolean"},
                "Lines": {"details": "Line"},
                "More": {"details": "Line"},
            },
        },
        "Part": {
            "fields": {
                "City": {"type": "string", "max_length": 50},
                "Zip": {"type": "string", "max_length": 10},
                "Height": {"type": "decimal"},
            }
        },
        "Line": {
            "keys": ["LineNbr"],
            "fields": {
                "LineNbr": {"type": "int", "read_only": True},
                "Item": {"type": "string", "required": True, "max_length": 30},
                "Qty": {"type": "decimal", "required": True, "places": 6},
                "Price": {"type": "decimal"},
                "Text": {"type": "string", "max_length": 256},
                "Done": {"type": "boolean"},
                "On": {"type": "date"},
                "Step": {"type": "int"},
            },
        },
    },
}
# The same one in contract version 5, which asks for parts in words of its own.
CONTRACT_5: Mapping[str, Any] = {**CONTRACT, "contract_version": 5}
MESSAGE: Mapping[str, Any] = {
    "type": "object",
    "required": ["number", "class"],
    "properties": {
        "number": {"type": "string"},
        "class": {"type": "string"},
        "line-text": {"type": "string", "maxLength": 40, "pattern": "[a-z]"},
        "total": {"type": "string", "format": "decimal"},
        "amount": {"type": "number", "minimum": -1000000},
        "n": {"type": "integer", "enum": [0, 1, 2, 3, 7, 40]},
        "flag": {"type": "boolean"},
        "on": {
            "type": "string",
            "format": "date",
            "enum": ["1999-12-31", "2024-02-29", "2026-01-31"],
        },
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "minItems": 1, "items": {"type": "string", "maxLength": 20}},
        "def": {
            "type": "object",
            "properties": {"a-b": {"type": "string"}, "import": {"type": "number"}},
        },
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["from"],
                "properties": {
                    "from": {"type": "string"},
                    "qty": {"type": "string", "format": "decimal"},
                    "q": {"type": "integer"},
                    "sub": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"x": {"type": "string"}}},
                    },
                },
            },
        },
    },
}
ACCEPTED: Mapping[str, tuple[Type, ...]] = {
    "string": (STRING,),
    "decimal": (DECIMAL, INT),
    "int": (INT,),
    "short": (INT,),
    "long": (INT,),
    "boolean": (BOOL,),
    "date": (DATE,),
    "datetime": (TIMESTAMP,),
    "list": (ListOf(STRING),),
}
TABLE = "sku,n\nTEA,20\nPOT,1.5\n12,x\n"
TWO = "code,place,zone\na,b,Z1\nTEA,,Z2\n"
FIELDS = ("name", "class", "from", "list-price", "sum", "len", "note", "code", "ship to", "date")
FIELDS += (
    "total",
    "str",
    "email2",
    "kind",
    "tags",
    "at",
    "day",
    "weight",
    "is_new",
    "rank",
    "text",
)
# Names that paths and structs have to write in another way; later specs have them, too.
ODD = ("net.total", "a[0].b", 'say "x"', "@id", "2nd", "a\\b")
_SCHEMAS: Mapping[Type, Mapping[str, Any]] = {
    STRING: {"type": "string"},
    INT: {"type": "integer"},
    DECIMAL: {"type": "number"},
    BOOL: {"type": "boolean"},
    DATE: {"type": "string", "format": "date"},
    TIMESTAMP: {"type": "string", "format": "date-time"},
}


# Specs from this seed on have more of the language; those before stay as they are.
LATER = 1_000_000


@dataclass
class Draft:
    """A spec that was made: its content, files beside it by path, and what is in it."""

    seed: int
    content: dict[str, Any]
    files: dict[str, str]
    functions: set[str] = field(default_factory=set)
    features: Counter[str] = field(default_factory=Counter)

    @property
    def flow(self) -> str:
        return f"made_{self.seed}"

    def text(self) -> str:
        """Return the spec as YAML: JSON is YAML."""
        return json.dumps(self.content, ensure_ascii=False, indent=1)


class SpecMaker:
    """Makes one spec of a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.is_later = seed >= LATER
        self.maker = Maker(self.random)
        self.draft = Draft(seed, {}, {})
        self.names: Names = {}
        self.schemas: dict[str, Any] = {}
        self.operation = "create"
        self.lets: set[str] = set()

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def feature(self, name: str) -> None:
        self.draft.features[name] += 1

    # The source

    def record(self, name: str, depth: int, *, flat: bool = False) -> tuple[Object, Any]:
        """Return the type of an object and its schema."""
        fields: dict[str, Type] = {}
        properties: dict[str, Any] = {}
        required = []
        if depth == 2 or self.chance(0.4):
            fields["id"], properties["id"] = INT, {"type": "integer", "readOnly": True}
            fields["ref"], properties["ref"] = STRING, {"type": "string", "readOnly": True}
            required += ["id", "ref"]
        known = (*FIELDS, *ODD) if self.is_later else FIELDS
        for own in self.random.sample(known, self.random.randint(2, 6)):
            found, schema = self.member(own, depth, flat=flat)
            if not isinstance(found, Object | ListOf) and self.chance(0.1):
                schema = {**schema, "type": [schema["type"], "null"]}
                required.append(own)
                found = optional(found)
            elif self.chance(0.55):
                required.append(own)
            else:
                found = optional(found)
            fields[own], properties[own] = found, schema
        schema = {"type": "object", "required": required, "properties": properties}
        return Object(name, fields), schema

    def member(self, name: str, depth: int, *, flat: bool) -> tuple[Type, dict[str, Any]]:
        kind = self.random.random()
        if flat or depth == 0 or kind < 0.55:
            found = self.random.choice(PLAIN)
            schema = dict(_SCHEMAS[found])
            if found == DECIMAL and not flat and self.chance(0.5):
                schema = {"type": "string", "format": "decimal"}
            return found, schema
        if kind < 0.7:
            self.feature("object in source")
            return self.record(name, depth - 1)
        if kind < 0.9:
            self.feature("rows in source")
            row, schema = self.record(f"{name}_row", depth - 1)
            return ListOf(row), {"type": "array", "items": schema}
        element: Type = self.random.choice((STRING, STRING, INT, DECIMAL))
        schema = dict(_SCHEMAS[element])
        if self.chance(0.25):
            schema["type"] = [schema["type"], "null"]
            element = optional(element)
        return ListOf(element), {"type": "array", "items": schema}

    def source(self) -> dict[str, Any]:
        kind = self.random.choice(
            ("json", "json", "json", "csv", "grouped", "joined", "joined", "csv joined")
        )
        self.feature(f"source: {kind}")
        is_flat = kind in ("csv", "grouped", "csv joined")
        record, schema = self.record("order", 2, flat=is_flat)
        clause: dict[str, Any] = {"name": "order", "schema": "schemas/order.json"}
        self.draft.files["schemas/order.json"] = json.dumps(schema)
        key = self.random.choice(
            ("string(order.id)", "order.ref", "[string(order.id), order.ref].join('-')")
        )
        clause["key"] = key
        if is_flat:
            clause["format"] = "csv"
            if self.chance(0.3):
                clause["delimiter"] = self.random.choice((";", "\t"))
        if kind == "grouped":
            by = self.random.choice((["ref"], ["id"], ["id", "ref"]))
            clause["group"] = {"by": by, "as": "lines"}
            record = Object(
                "order", {name: record.fields[name] for name in by} | {"lines": ListOf(record)}
            )
            clause["key"] = "order.ref" if "ref" in by else "string(order.id)"
        if not is_flat and self.chance(0.15):
            clause["envelope"] = "order"
            self.feature("envelope")
        if "joined" in kind:
            record = self.joined(clause, record)
        self.names = {"order": record}
        return clause

    def entity(self) -> dict[str, Any]:
        """Return a source in the ERP."""
        self.feature("source: entity")
        name = self.random.choice(("small", "small5"))
        self.feature(f"source: entity of {name}")
        contract = read_lock(Source(name, json.dumps(CONTRACT_5 if name == "small5" else CONTRACT)))
        schema = entity_schema(contract, contract.entities["Order"], "order")
        self.names = {"order": schema.record}
        return {"name": "order", "contract": name, "entity": "Order", "key": "order.Nbr"}

    def joined(self, clause: dict[str, Any], record: Object) -> Object:
        fields = dict(record.fields)
        joins: dict[str, Any] = {}
        for name in self.random.sample(("buyer", "items"), self.random.choice((1, 1, 2))):
            other, schema = self.record(name, 1, flat=True)
            on = self.random.choice(("id", "ref"))
            schema["properties"]["own"] = _SCHEMAS[INT if on == "id" else STRING]
            schema["required"].append("own")
            path = f"schemas/{name}.json"
            self.draft.files[path] = json.dumps(schema)
            join: dict[str, Any] = {"schema": path, "on": {"own": on}}
            inner = Object(name, {**other.fields, "own": INT if on == "id" else STRING})
            if name == "items":
                join["takes"], fields[name] = "many", ListOf(inner)
            else:
                join["takes"] = "one"
                join["on_missing"] = self.random.choice(("reject", "retry", "omit"))
                self.feature(f"on_missing: {join['on_missing']}")
                fields[name] = optional(inner) if join["on_missing"] == "omit" else inner
            if self.chance(0.4):
                join["format"] = "csv"
            joins[name] = join
        clause["joins"] = joins
        return Object("order", fields)

    # Expressions

    def expression(
        self,
        wanted: Type | tuple[Type, ...],
        names: Names | None = None,
        accepts: Callable[[Typed], bool] = lambda _: True,
        depth: int | None = None,
    ) -> tuple[str, Typed] | None:
        found = self.maker.compiled(wanted, self.names if names is None else names, accepts, depth)
        if found is not None:
            self.note(found[1])
        return found

    def note(self, typed: Typed) -> None:
        self.draft.functions.update(
            part.function.shown for part in typed.parts.values() if part.function
        )
        for node, part in typed.parts.items():
            kind = type(node).__name__
            name = getattr(node, "name", kind) if kind == "Macro" else kind
            self.draft.features["form: cel.bind" if name == "bind" else f"form: {name}"] += 1
            if kind == "Method" and part.function is None:
                self.draft.features[f"form: {getattr(node, 'name', '')}"] += 1

    def condition(self, names: Names | None = None) -> str | None:
        def decides(typed: Typed) -> bool:
            return not typed.is_constant

        found = self.expression(BOOL, names, decides)
        return None if found is None else found[0]

    # Rules

    def rule(self, facts: Mapping[str, Any], names: Names, *, must: bool, in_rows: bool) -> Any:
        """Return a rule for a single value of the contract, None where none could be made."""
        accepted = ACCEPTED[facts["type"]]
        for _ in range(4):
            kind = self.random.choice(("value",) * 5 + ("cases", "first_of", "lookup", "const"))
            made = self.of_kind(kind, accepted, names)
            if made is None:
                continue
            rule, found, is_fallible = made
            if self.modified(
                rule, found, facts, names, must=must, in_rows=in_rows, fallible=is_fallible
            ):
                self.feature(f"rule: {kind}")
                if set(rule) == {"value"} and self.chance(0.5):
                    return rule["value"]
                return rule
        return None

    def of_kind(
        self, kind: str, accepted: tuple[Type, ...], names: Names
    ) -> tuple[dict[str, Any], Type, bool] | None:
        """Return the rule, the type of its value, and whether a step may fail."""
        wanted = (*accepted, *(optional(one) for one in accepted if not isinstance(one, ListOf)))
        match kind:
            case "value":
                found = self.expression(wanted, names)
                if found is None:
                    return None
                text, typed = found
                is_trim = text.endswith(".trim()")
                return (
                    {"value": text},
                    optional(typed.type) if is_trim else typed.type,
                    typed.is_fallible,
                )
            case "cases":
                inner = self.random.choice(accepted)
                cases, kinds, fallible = [], [], False
                for _ in range(self.random.choice((1, 2, 3))):
                    when = self.expression(BOOL, names, lambda one: not one.is_constant)
                    then = self.expression(
                        (inner, optional(inner)) if not isinstance(inner, ListOf) else inner, names
                    )
                    if when is None or then is None or when[0] in [one["when"] for one in cases]:
                        return None
                    fallible = fallible or when[1].is_fallible or then[1].is_fallible
                    kinds.append(then[1].type)
                    cases.append({"when": when[0], "then": then[0]})
                last = self.expression(inner, names)
                if last is None:
                    return None
                is_maybe = any(isinstance(one, Optional) for one in kinds)
                rule = {"cases": cases, "else": last[0]}
                return rule, optional(inner) if is_maybe else inner, fallible or last[1].is_fallible
            case "first_of" if STRING in accepted:
                some = [self.expression((STRING, optional(STRING)), names) for _ in range(2)]
                known = [one for one in some if one is not None]
                if len(known) < 2:
                    return None
                fallible = any(one[1].is_fallible for one in known)
                return {"first_of": [one[0] for one in known]}, optional(STRING), fallible
            case "lookup" if STRING in accepted:
                return self.lookup(names)
            case "const":
                texts = {STRING: "AB", INT: 7, DECIMAL: 1.5, BOOL: True, DATE: "2026-01-31"}
                value = texts.get(accepted[0])
                return None if value is None else ({"const": value}, accepted[0], False)
        return None

    def lookup(self, names: Names) -> tuple[dict[str, Any], Type, bool] | None:
        table = self.random.choice(("packs", "packs", "carriers", "zones"))
        keys: list[Any] = []
        maybe = True
        for _ in range(self.random.choice((1, 1, 2))):
            if table == "zones":
                found = [self.expression(STRING, names), self.expression((STRING, INT), names)]
                if None in found:
                    return None
                keys.append({"code": found[0][0], "place": found[1][0]})  # type: ignore[index]
                maybe = False
            else:
                one = self.expression((STRING, optional(STRING)), names)
                if one is None:
                    return None
                keys.append(one[0])
                maybe = maybe and isinstance(one[1].type, Optional)
        rule: dict[str, Any] = {"lookup": table, "key": keys if len(keys) > 1 else keys[0]}
        miss = self.random.choice(("", "reject", "retry", "omit", "otherwise"))
        if table == "carriers" and miss == "retry":
            miss = "omit"
        if miss == "otherwise":
            other = self.expression(STRING, names)
            if other is None:
                return None
            rule["otherwise"] = other[0]
        elif miss:
            rule["on_miss"] = miss
        self.feature(f"on_miss: {miss}")
        return rule, optional(STRING) if maybe or miss == "omit" else STRING, False

    def modified(  # noqa: PLR0913, PLR0915
        self,
        rule: dict[str, Any],
        found: Type,
        facts: Mapping[str, Any],
        names: Names,
        *,
        must: bool,
        in_rows: bool,
        fallible: bool,
    ) -> bool:
        """Put modifiers beside a rule; tell whether it can stand for its field at all."""
        own, inner = facts["type"], present(found)
        is_const, is_list = "const" in rule, isinstance(inner, ListOf)
        is_maybe = isinstance(found, Optional)
        if is_maybe and (must or self.chance(0.4)):
            other = self.expression(inner, names)
            if other is None or self.chance(0.4):
                rule["if_missing"] = "reject"
            else:
                rule["if_missing"] = other[0]
        elif is_maybe and self.operation != "create" and own != "boolean" and self.chance(0.5):
            rule["clear_if_missing"] = True
        if fallible and "lookup" not in rule and self.chance(0.5):
            other = self.expression(inner, names)
            if other is not None and (
                must
                or rule.get("if_missing") == "reject"
                or "clear_if_missing" in rule
                or self.chance(0.5)
            ):
                rule["on_error"] = other[0]
            elif not must and rule.get("if_missing") != "reject" and "clear_if_missing" not in rule:
                rule["on_error"] = "omit"
        if (
            not must
            and "clear_if_missing" not in rule
            and not is_const
            and not is_list
            and self.chance(0.15)
        ):
            own_names = {**names, "value": DECIMAL if own == "decimal" else inner}
            condition = self.expression(BOOL, own_names, lambda one: not one.is_constant)
            if condition is not None:
                rule["omit_if"] = condition[0]
        if (
            facts.get("max_length")
            and inner == STRING
            and not facts.get("key")
            and self.chance(0.7)
        ):
            rule["too_long"] = self.random.choice(("reject", "truncate"))
        if "lookup" in rule and facts.get("max_length", 99) < 3:
            return False
        is_known = re.fullmatch(r"[-0-9. ()]+", str(rule.get("value", "1"))) is not None
        if inner in (INT, DECIMAL) and not is_known and self.chance(0.2):
            rule["range"] = self.random.choice(("> 0", ">= 0 and <= 1000", "< 99999999"))
        if inner == DECIMAL and not is_const:
            if self.chance(0.3):
                rule["places"] = self.random.choice((0, 2, 4))
            elif self.chance(0.2):
                code = self.expression(STRING, names, depth=self.random.choice((0, 1)))
                currency = self.random.choice((*EXAMINED["currency"], code[0] if code else "'USD'"))
                rule["places"] = {"currency": currency}
            if "places" in rule and self.chance(0.6):
                rule["rounding"] = self.random.choice(("half_up", "half_even", "up", "down"))
        if (
            self.operation == "upsert"
            and not in_rows
            and not facts.get("key")
            and self.chance(0.15)
        ):
            rule["write_once"] = True
        if self.chance(0.05):
            rule["because"] = "it \"is\" {so} 'said'"
        for name in rule:
            self.feature(f"modifier: {name}")
        return True

    def part(
        self,
        fields: Mapping[str, Mapping[str, Any]],
        names: Names,
        share: float,
        *,
        in_rows: bool = False,
        always: tuple[str, ...] = (),
    ) -> dict[str, Any] | None:
        """Return rules for the single values of an entity."""
        rules: dict[str, Any] = {}
        for name, facts in fields.items():
            is_open = "type" in facts and not (facts.get("calculated") or facts.get("read_only"))
            must = bool(facts.get("required") or name in always)
            if name in ("Nbr", "Ref", "PartFlag", "number") or not is_open:
                continue
            if not must and not self.chance(share):
                continue
            made = self.rule(facts, names, must=must or bool(facts.get("key")), in_rows=in_rows)
            if made is None and must:
                return None
            if made is not None:
                rules[name] = made
        return rules

    def rows(
        self, fields: Mapping[str, Mapping[str, Any]], names: Names, key: str | None
    ) -> dict[str, Any] | None:
        """Return a rule for rows: of a list, or blocks of several."""
        needs_key = self.operation != "create"
        if self.chance(0.6):
            rule = self.block(fields, names)
            if rule is None:
                return None
            self.feature("rule: each")
        else:
            blocks = []
            for number in range(self.random.choice((1, 2, 3))):
                block = (
                    self.block(fields, names)
                    if number == 0 or self.chance(0.5)
                    else self.one(fields, names)
                )
                if block is not None:
                    blocks.append(block)
            if not blocks:
                return None
            rule = {"blocks": blocks}
            self.feature("rule: blocks")
        if key is not None and (needs_key or self.chance(0.1)):
            rule["row_key"] = key
        elif key is not None and self.chance(0.2):
            rule["unique"] = [key]
        if self.chance(0.2):
            rule["at_least"] = 1
        elif self.chance(0.2) and not any("each" not in one for one in rule.get("blocks", ())):
            rule["empty"] = self.random.choice(("send", "omit"))
            self.feature("rows: empty")
        elif self.chance(0.1):
            omitted = self.condition(names)
            if omitted is not None:
                rule["omit_if"] = omitted
                self.feature("rows: omit_if")
        return rule

    def block(self, fields: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Any] | None:
        each, outer = self.lists(names)
        if not each:
            return None
        lets, inner = self.row_lets(outer)
        part = self.part(fields, inner, 0.5, in_rows=True)
        if part is None:
            return None
        [*around, (alias, text)] = each.items()
        block: dict[str, Any] = {"fields": part}
        block |= {"each": each} if around else {"each": text, "as": alias}
        used = {name: let for name, let in lets.items() if re.search(rf"\b{name}\b", str(part))}
        if used:
            block["let"] = used
            self.feature("rows: let")
        if self.chance(0.3):
            where = self.condition(outer)
            if where is not None:
                block["where"] = where
                self.feature("where")
        if "sub" in fields and self.chance(0.5):
            below = self.rows({"x": {"type": "string"}}, inner, None)
            if below is not None:
                part["sub"] = below
        if self.chance(0.1) and "Item" in fields:
            custom = self.expression((STRING, optional(STRING), INT, DECIMAL, BOOL), inner)
            if custom is not None:
                block["custom"] = {"Document.UsrRow": custom[0]}
        return block

    def lists(self, names: Names) -> tuple[dict[str, str], Names]:
        """Return lists within each other, by the names of their rows, and the names inside."""
        each: dict[str, str] = {}
        more = 2 if self.is_later and self.chance(0.4) else 0
        for turn in range(1 + more):
            below = {name: names[name] for name in each}
            found = self.list_of_rows(below) if below and self.chance(0.8) else None
            found = found or self.list_of_rows(names)
            if found is None or (turn and self.chance(0.2)):
                break
            known = ("row", "line", "item", "total", "group", "found")
            alias = self.random.choice([one for one in known if one not in names])
            each[alias], names = found[0], {**names, alias: found[1]}
        if len(each) > 1:
            self.feature("each of lists within each other")
        return each, names

    def row_lets(self, names: Names) -> tuple[dict[str, str], Names]:
        """Return a named value of a row, perhaps, and the names in force with it."""
        free = [one for one in ("amount", "of_row", "label") if one not in names]
        if not free or not self.chance(0.3):
            return {}, names
        found = self.expression((*PLAIN, optional(STRING), optional(DECIMAL)), names)
        if found is None:
            return {}, names
        return {free[0]: found[0]}, {**names, free[0]: found[1].type}

    def one(self, fields: Mapping[str, Mapping[str, Any]], names: Names) -> dict[str, Any] | None:
        part = self.part(fields, names, 0.4, in_rows=True)
        if part is None:
            return None
        block: dict[str, Any] = {"fields": part}
        when = self.condition(names)
        if when is not None and self.chance(0.7):
            block["when"] = when
        return block

    def list_of_rows(self, names: Names) -> tuple[str, Type] | None:
        """Return a list for `each`: the record's, filtered, grouped, or made of what there is."""
        maker = self.maker
        for _ in range(6):
            kind = self.random.choice(
                ("plain", "plain", "grouped", "maps", "texts", "sorted", "or empty", "joined lists")
            )
            found = maker.rows(names, 1)
            if found is None:
                continue
            rows, element = found
            name = maker.fresh(names)
            inner = {**names, name: element}
            match kind:
                case "plain":
                    text: str | None = rows
                case "sorted":
                    key = maker.make(self.random.choice((STRING, INT, DECIMAL)), inner, 1)
                    text = None if key is None else f"{rows}.sortBy({name}, {key})"
                case "grouped":
                    key = maker.make(self.random.choice((STRING, INT, BOOL, DATE)), inner, 1)
                    text = None if key is None else f"{rows}.groupBy({name}, {key})"
                case "maps":
                    one, other = (maker.make(STRING, inner, 1) for _ in range(2))
                    text = f"{rows}.map({name}, {{'a': {one}, 'b': {other}}})"
                    if self.chance(0.3):
                        text = f"[{{'a': {maker.make(STRING, names, 1)}}}]"
                case "texts":
                    text = maker.make(ListOf(STRING), names, 2)
                case "or empty":
                    lists = [path for path, of in _lists(names) if isinstance(of, Optional)]
                    text = f"{self.random.choice(lists)}.orValue([])" if lists else None
                case _:
                    text = f"{rows} + {rows}"
            if text is None:
                continue
            compiled = self.compiled_as_list(text, names)
            if compiled is not None:
                self.feature(f"each of: {kind}")
                return text, compiled
        return None

    def compiled_as_list(self, text: str, names: Names) -> Type | None:
        from mapgen.expression import Binding, Scope, compile_expression
        from mapgen.report import Text

        scope = Scope({name: Binding(found) for name, found in names.items()})
        typed = compile_expression(Text.plain(text), scope, [])
        if typed is None or not isinstance(typed.type, ListOf):
            return None
        if isinstance(typed.type.element, Optional):
            return None
        self.note(typed)
        return typed.type.element

    def object(
        self, fields: Mapping[str, Mapping[str, Any]], names: Names
    ) -> dict[str, Any] | None:
        objects = [
            (path, of)
            for path, of in _all(names)
            if isinstance(present(of), Object) and path not in names
        ]
        if not objects:
            return None
        path, of = self.random.choice(objects)
        alias = "place"
        part = self.part(fields, {**names, alias: present(of)}, 0.8)
        if not part:
            return None
        self.feature("rule: object")
        made: dict[str, Any] = {"object": path, "as": alias, "fields": part}
        when = self.condition(names) if self.chance(0.3) else None
        if when is not None:
            self.feature("rule: object, when")
            made["when"] = when
        return made

    def flag(self, rules: dict[str, Any], part: str, made: Mapping[str, Any]) -> None:
        """Have the flag of a part sent by a rule that says when, or by the compiler."""
        rules.pop(f"{part}Flag", None)
        if self.chance(0.3):
            rules[f"{part}Flag"] = {"const": True}
        elif self.chance(0.3):
            rules[f"{part}Flag"] = {"value": f"({made['object']}) != null"}
        else:
            self.feature("flag without a rule")

    # Documents

    def document(self, names: Names, *, is_plain: bool) -> dict[str, Any] | None:
        self.operation = (
            "create" if is_plain else self.random.choice(("create", "create", "update", "upsert"))
        )
        self.feature("target: schema" if is_plain else f"operation: {self.operation}")
        fields = _plain_facts() if is_plain else CONTRACT["entities"]["Order"]["fields"]
        rules = self.part(fields, names, 0.35, always=("Kind",) if not is_plain else ())
        if rules is None:
            return None
        lines, part = ("rows", "def") if is_plain else ("Lines", "Part")
        row = _plain_facts("rows") if is_plain else CONTRACT["entities"]["Line"]["fields"]
        if self.chance(0.8):
            made = self.rows(row, names, "from" if is_plain else "Item")
            if made is not None:
                rules[lines] = made
        if not is_plain and self.chance(0.2):
            made = self.rows(row, names, "Item")
            if made is not None:
                rules["More"] = made
        if self.chance(0.4):
            inner = _plain_facts("def") if is_plain else CONTRACT["entities"]["Part"]["fields"]
            made = self.object(inner, names)
            if made is not None:
                rules[part] = made
                if not is_plain:
                    self.flag(rules, part, made)
        lasting = {"ref": "order.ref", "id": "string(order.id)", "Nbr": "order.Nbr"}
        record = names["order"]
        assert isinstance(record, Object)
        identity = self.random.choice([lasting[name] for name in lasting if name in record.fields])
        target = (
            {"schema": "schemas/message.json", "name": "Message", "operation": "create"}
            if is_plain
            else {
                "contract": "small",
                "entity": "Order",
                "operation": self.operation,
            }
        )
        made_document: dict[str, Any] = {
            "target": target,
            "identity": {"field": "number" if is_plain else "Ref", "value": identity},
            "fields": rules,
        }
        if not is_plain and self.chance(0.3):
            custom = self.expression((STRING, INT, DECIMAL, BOOL, optional(STRING)), names)
            if custom is not None:
                made_document["custom"] = {"Document.UsrA": custom[0]}
        if not is_plain and self.chance(0.3):
            note = self.expression((STRING, optional(STRING)), names)
            if note is not None:
                made_document["note"] = note[0]
        if self.chance(0.3):
            self.checks(made_document, rules, names, is_plain=is_plain)
        return made_document

    def checks(
        self, document: dict[str, Any], rules: Mapping[str, Any], names: Names, *, is_plain: bool
    ) -> None:
        one = self.condition(names)
        checks = [] if one is None else [{"name": "holds", "that": one}]
        total = self.expression(DECIMAL, names)
        if not is_plain and "Lines" in rules and total is not None:
            sum_ = f"document.Lines.map(d, d.Qty).sum() == {total[0]}"
            checks.append({"name": "total", "that": sum_, "within": 0.01})  # type: ignore[dict-item]
        if checks:
            document["checks"] = checks
            self.feature("checks")

    def made(self) -> Draft:
        """Return the spec."""
        draft = self.draft
        is_plain = self.chance(0.3)
        source = self.entity() if is_plain else self.source()
        tables = {
            "packs": {"table": "lookups/packs.csv", "key": "sku", "value": "n"},
            "zones": {"table": "lookups/zones.csv", "key": ["code", "place"], "value": "zone"},
            "carriers": {"inline": {"UPS": "GROUND", 'D"HL': "A'R"}},
        }
        draft.files |= {"lookups/packs.csv": TABLE, "lookups/zones.csv": TWO}
        draft.files["schemas/message.json"] = json.dumps(MESSAGE)
        self.names = {
            **self.names,
            "settings": Object("settings", {"zone": TIMEZONE, "store": STRING, "most": DECIMAL}),
            "lookups": Object(
                "lookups",
                {
                    "packs": Table("packs", ()),
                    "zones": Table("zones", ("code", "place")),
                    "carriers": Table("carriers", (), (("UPS", "GROUND"), ('D"HL', "A'R"))),
                },
            ),
        }
        lets = {}
        for name in self.random.sample(
            ("rest", "via", "number", "found2"), self.random.choice((0, 1, 2))
        ):
            wanted = (
                *PLAIN,
                optional(STRING),
                optional(DECIMAL),
                ListOf(STRING),
                MapOf(STRING, STRING),
            )
            found = self.expression(wanted)
            if found is not None:
                lets[name] = found[0]
                self.names = {**self.names, name: found[1].type}
        mapping: dict[str, Any] = {"source": source}
        if lets:
            mapping["let"] = lets
        if self.chance(0.15):
            when = self.condition()
            if when is not None:
                mapping["skip"] = [{"when": when, "because": "it is left out"}]
        self.documents(mapping, is_plain=is_plain)
        mapping["examples"] = [{"name": "one", "given": "one.json", "gives": "gives.json"}]
        draft.files |= {"gives.json": "{}"}
        said = json.dumps({name: part for name, part in mapping.items() if name != "let"})
        for name in reversed(list(lets)):
            if re.search(rf"\b{name}\b", said) is None:
                del lets[name]
            else:
                said += lets[name]
        if not lets:
            mapping.pop("let", None)
        said = json.dumps(mapping)
        known = {
            name: table
            for name, table in tables.items()
            if f"lookups.{name}[" in said or f'"lookup": "{name}"' in said
        }
        settings = {"zone": "timezone", "store": "string", "most": "decimal"}
        used = {name: kind for name, kind in settings.items() if f"settings.{name}" in said}
        draft.content = {
            "maps": 1,
            "flow": draft.flow,
            "summary": "A spec that was made",
            "owner": "nobody",
            "mapping": {
                **mapping,
                **({"lookups": known} if known else {}),
                **({"settings": used} if used else {}),
            },
            "auth": {"target": "acumatica", "access": {"Order": ["read", "insert", "update"]}},
            "performance": {"mode": "queued", "volume": {"peak_per_minute": 1, "per_day": 1}},
            "security": {"data": {}, "rollback": {"irreversible": "by hand"}},
        }
        return draft

    def documents(self, mapping: dict[str, Any], *, is_plain: bool) -> None:
        """Add what is made of a record, and in later specs what the language has besides."""
        if self.chance(0.2):
            self.several(mapping, is_plain=is_plain)
        else:
            mapping |= self.document(self.names, is_plain=is_plain) or {"fields": {}}
        if self.is_later and not is_plain:
            enrich(self, mapping)

    def several(self, mapping: dict[str, Any], *, is_plain: bool) -> None:
        self.feature("several documents")
        documents = {}
        first = self.document(self.names, is_plain=is_plain)
        if first is not None:
            when = self.condition()
            if when is not None and self.chance(0.5):
                first["when"] = when
            documents["head"] = first
        rows = [
            (path, of.element)
            for path, of in _lists(self.names)
            if isinstance(of, ListOf)
            and isinstance(of.element, Object)
            and "id" in of.element.fields
        ]
        found = self.random.choice(rows) if rows and self.chance(0.7) else None
        names = self.names if found is None else {**self.names, "each_row": found[1]}
        second = self.document(names, is_plain=is_plain)
        if second is not None:
            own = "'b'" if found is None else "string(each_row.id)"
            second["identity"]["value"] += f" + '-' + {own}"
            if found is not None:
                self.feature("documents: each")
                second |= {"each": found[0], "as": "each_row"}
            if not is_plain and "head" in documents and self.chance(0.4):
                self.feature("rule: made")
                second |= {"after": ["head"]}
                second["fields"]["Memo"] = {"made": "head", "field": "Nbr"}
            documents["tail"] = second
        mapping["documents"] = documents


def _lists(names: Names) -> list[tuple[str, Type]]:
    return [(path, of) for path, of in _all(names) if isinstance(present(of), ListOf)]


def _all(names: Names) -> list[tuple[str, Type]]:
    from .maker import _paths

    return _paths(names)


def _plain_facts(inside: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the members of the message as the fields of a contract."""
    schema = MESSAGE if inside is None else MESSAGE["properties"][inside]
    schema = schema.get("items", schema)
    facts: dict[str, dict[str, Any]] = {}
    for name, one in schema["properties"].items():
        kinds = {"decimal": "decimal", "date": "date", "date-time": "datetime"}
        kind = {"number": "decimal", "integer": "int", "boolean": "boolean", "string": "string"}
        if one["type"] == "array":
            facts[name] = (
                {"type": "list"} if one["items"]["type"] == "string" else {"details": name}
            )
        elif one["type"] == "object":
            facts[name] = {"linked": name}
        else:
            found = kinds.get(one.get("format", ""), kind[one["type"]])
            facts[name] = {"type": found, "required": name in schema.get("required", ())}
            if "maxLength" in one:
                facts[name]["max_length"] = one["maxLength"]
    return facts


def made_spec(seed: int) -> Draft:
    """Return the spec of a seed: the same one, always."""
    return SpecMaker(seed).made()
