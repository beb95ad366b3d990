"""What a source schema of any dialect accepts is what the decoder that is made of it accepts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from mapgen.check.records import source_objects
from mapgen.check.sources import all_paths, owners
from mapgen.contract.source_schema import SourceSchema, read_source_schema
from mapgen.emit.python.expression_needs import ModuleNeeds
from mapgen.emit.python.types import Annotations
from mapgen.ir.types import has_unknown
from mapgen.report import Stopped
from mapgen.runtime import source as decoding
from mapgen.runtime import varied
from mapgen.runtime.constraints import Constraints, keeps
from tests.depth import examples

SHARED = Path(__file__).parents[2].parent / "shared" / "sources"
SCHEMAS = sorted(SHARED.glob("*/schemas/*.json")) if SHARED.is_dir() else []
NAMES = ("a", "b c", "class", "1st", "ü", "")
NAMESPACE = {
    **vars(decoding),
    **vars(varied),
    "Annotated": __import__("typing").Annotated,
    "Any": Any,
    "Decimal": __import__("decimal").Decimal,
    "date": __import__("datetime").date,
    "Constraints": Constraints,
}


def struct_of(schema: SourceSchema) -> type[msgspec.Struct]:
    """Return the struct of a record of which rules read all that has a type."""
    typed = [path for path in all_paths(schema.record, "r") if _is_typed(schema, path)]
    objects = source_objects(schema, typed)
    made: dict[str, Any] = {}
    annotations = Annotations(ModuleNeeds(), {one.name: f"C{at}" for at, one in enumerate(objects)})
    for at, one in enumerate(objects):
        members = []
        for field in one.fields:
            kind = eval(annotations.of_source(field.held), {**NAMESPACE, **made})
            default = [None] if field.held.may_be_missing else []
            members.append((field.attribute, kind, *default))
        names = {field.attribute: field.name for field in one.fields}
        made[f"C{at}"] = msgspec.defstruct(f"C{at}", members, rename=names, kw_only=True)
    return made[annotations.classes[schema.record.name]]


def _is_typed(schema: SourceSchema, path: str) -> bool:
    steps = list(owners(schema.record, path))
    return bool(steps) and all(
        owner is not None
        and not has_unknown(owner.fields[name], with_untyped=True)
        and not getattr(schema.stated.get((owner.name, name)), "unheld", ())
        for owner, name in steps
    )


def accepts(kind: type[msgspec.Struct], record: Any) -> bool:
    """Tell whether a record is read, by the fast way or by the patient one, which have to agree."""
    data = json.dumps(record).encode()
    value = msgspec.json.Decoder(float_hook=NAMESPACE["Decimal"]).decode(data)
    found, diagnostics = decoding.patient(value, kind, "r")
    try:
        fast = decoding.decoder_of(kind).decode(data)
    except decoding.DOUBTS:
        return not diagnostics
    if keeps(value, kind):
        assert diagnostics == ()
        assert fast == found
    return not diagnostics


class Dialect:
    """Writes random schemas of one dialect, and the same in JSON Schema 2020-12."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.chance = chance
        self.parts: dict[str, tuple[Any, Any]] = {}
        self.place = {"2020": "$defs", "draft-04": "definitions", "openapi": "components"}[name]

    def record(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return an object, as it is written and as jsonschema takes it."""
        written, plain = self.object(2)
        parts = {name: one for name, (one, _) in self.parts.items()}
        held = {"schemas": parts} if self.place == "components" else parts
        written = {**written, self.place: held}
        if self.name == "draft-04":
            written["$schema"] = "http://json-schema.org/draft-04/schema#"
        return written, {**plain, "$defs": {name: one for name, (_, one) in self.parts.items()}}

    def value(self, depth: int) -> tuple[Any, Any]:
        """Return a schema of any value, perhaps of null, perhaps behind a reference."""
        made = self.plain(depth)
        roll = self.chance.random()
        if roll < 0.15:
            made = self.behind(*made)
        elif roll < 0.25:
            made = {"allOf": [made[0]]}, {"allOf": [made[1]]}
        elif roll < 0.35 and self.name != "openapi":
            made = {"allOf": [made[0], {"title": "x"}]}, made[1]
        return self.nullable(*made) if self.chance.random() < 0.35 else made

    def plain(self, depth: int) -> tuple[Any, Any]:
        kinds = [self.text, self.number, self.integer, self.flag, self.several]
        kinds += [self.list, self.list, self.map, lambda: self.object(depth - 1)] * (depth > 0)
        self.depth = depth
        return self.chance.choice(kinds)()

    def text(self) -> tuple[Any, Any]:
        more = self.chance.choice([{}, {"minLength": 2}, {"enum": ["x", "yy"]}, {"maxLength": 1}])
        return ({"type": "string", **more},) * 2

    def number(self) -> tuple[Any, Any]:
        if self.chance.random() < 0.5:
            return ({"type": "number"},) * 2
        sharp = {"type": "number", "exclusiveMinimum": 1}
        old = {"type": "number", "minimum": 1, "exclusiveMinimum": True}
        return (sharp if self.name == "2020" else old), sharp

    def integer(self) -> tuple[Any, Any]:
        more = self.chance.choice([{}, {"minimum": 0}, {"enum": [1, 2]}])
        return ({"type": "integer", **more},) * 2

    def flag(self) -> tuple[Any, Any]:
        return ({"type": "boolean"},) * 2

    def several(self) -> tuple[Any, Any]:
        kinds = self.chance.choice([["string", "number"], ["integer", "number"]])
        if self.name == "openapi":
            both = {"anyOf": [{"type": kind} for kind in kinds]}
            return both, both
        return ({"type": kinds},) * 2

    def list(self) -> tuple[Any, Any]:
        written, plain = self.value(self.depth - 1)
        more = self.chance.choice([{}, {"minItems": 1}, {"maxItems": 1}])
        return {"type": "array", "items": written, **more}, {
            "type": "array",
            "items": plain,
            **more,
        }

    def map(self) -> tuple[Any, Any]:
        written, plain = self.value(self.depth - 1)
        return (
            {"type": "object", "additionalProperties": written},
            {"type": "object", "additionalProperties": plain},
        )

    def object(self, depth: int) -> tuple[Any, Any]:
        names = self.chance.sample(NAMES, 2)
        members = {name: self.value(depth) for name in names}
        required = [name for name in names if self.chance.random() < 0.5]
        more = {"required": required} if required else {}
        written = {name: one for name, (one, _) in members.items()}
        plain = {"type": "object", "properties": {n: one for n, (_, one) in members.items()}}
        if self.chance.random() < 0.3:
            first, second = names
            whole = {"type": "object", "properties": {first: written[first]}, **more}
            rest = {"properties": {second: written[second]}}
            return {"allOf": [whole, rest]}, {**plain, **more}
        return {"type": "object", "properties": written, **more}, {**plain, **more}

    def nullable(self, written: Any, plain: Any) -> tuple[Any, Any]:
        either = {"anyOf": [plain, {"type": "null"}]}
        if self.name == "openapi":
            return {**written, "nullable": True}, either
        if isinstance(written.get("type"), str) and "enum" not in written:
            return {**written, "type": [written["type"], "null"]}, either
        keyword = self.chance.choice(["anyOf", "oneOf"])
        return {keyword: [{"type": "null"}, written]}, either

    def behind(self, written: Any, plain: Any) -> tuple[Any, Any]:
        name = f"P{len(self.parts)}"
        self.parts[name] = written, plain
        place = "components/schemas" if self.place == "components" else self.place
        return {"$ref": f"#/{place}/{name}"}, {"$ref": f"#/$defs/{name}"}


def relaxed(schema: Any, whole: Mapping[str, Any]) -> Any:
    """Return a schema to which absent and null are one, as they are to rules."""
    if isinstance(schema, list):
        return [relaxed(one, whole) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: relaxed(value, whole) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        free = {
            name
            for name, one in schema["properties"].items()
            if name not in schema.get("required", ())
            or jsonschema.Draft202012Validator({**one, "$defs": whole["$defs"]}).is_valid(None)
        }
        found["required"] = [name for name in schema.get("required", ()) if name not in free]
        found["properties"] = {
            name: (
                {"anyOf": [relaxed(one, whole), {"type": "null"}]}
                if name in free
                else relaxed(one, whole)
            )
            for name, one in schema["properties"].items()
        }
    return found


def instance(schema: Mapping[str, Any], whole: Mapping[str, Any], chance: random.Random) -> Any:
    """Return a value that nearly is what a schema says: a part of it may be another."""
    if chance.random() < 0.06:
        return chance.choice([None, "x", "", 1, 0.5, True, ["x"], {"q": 1}])
    if "$ref" in schema:
        return instance(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole, chance)
    for keyword in ("anyOf", "allOf"):
        if keyword in schema:
            return instance(chance.choice(schema[keyword]), whole, chance)
    kind = schema["type"] if isinstance(schema["type"], str) else chance.choice(schema["type"])
    match kind:
        case "object":
            return dict(_members(schema, whole, chance))
        case "array":
            return [instance(schema["items"], whole, chance) for _ in range(chance.randint(1, 2))]
        case _:
            return chance.choice(_SCALARS[kind])


_SCALARS = {
    "string": ["x", "yy", "", "zzz"],
    "integer": [0, 1, 2, -1],
    "number": [1, 0.5, 2.25],
    "boolean": [True, False],
    "null": [None],
}


def _members(
    schema: Mapping[str, Any], whole: Mapping[str, Any], chance: random.Random
) -> Iterator[tuple[str, Any]]:
    if "additionalProperties" in schema:
        for name in chance.sample(["k", "l.m"], chance.randint(1, 2)):
            yield name, instance(schema["additionalProperties"], whole, chance)
    for name, inner in schema.get("properties", {}).items():
        if chance.random() < 0.9:
            yield name, instance(inner, whole, chance)


@pytest.mark.chance
@pytest.mark.parametrize("dialect", ["2020", "draft-04", "openapi"])
@pytest.mark.parametrize("seed", range(examples(60)))
def test_decoders_agree_with_jsonschema(dialect: str, seed: int) -> None:
    """A record is taken where its schema takes it, `nullable` and all, and nowhere else."""
    chance = random.Random(f"{dialect} {seed}")
    written, plain = Dialect(dialect, chance).record()
    schema = read_source_schema("s.json", json.dumps(written), "r")
    assert not [one for said in schema.stated.values() for one in said.unheld]
    kind = struct_of(schema)
    validator = jsonschema.Draft202012Validator(relaxed(plain, plain))

    for _ in range(12):
        record = dict(_members(plain, plain, chance))
        assert accepts(kind, record) == validator.is_valid(record), (written, record)


@pytest.mark.skipif(not SCHEMAS, reason=f"no schemas of real systems at {SHARED}")
@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_real_schemas_go_in(path: Path) -> None:
    """Connectors describe records as they do, and rules read them."""
    found = read_source_schema(str(path), path.read_text("utf-8"), "record")

    assert found.record.fields
    assert struct_of(found)


def _read(schema: object, at: str = "s.json", **files: object) -> SourceSchema:
    texts = {f"{name}.json": json.dumps(one) for name, one in files.items()}
    return read_source_schema(at, json.dumps(schema), "r", None, texts.get)


def _kinds(found: SourceSchema) -> dict[str, str]:
    return {name: str(kind) for name, kind in found.record.fields.items()}


TEXT = {"type": "string"}
ITEM = {"type": "object", "required": ["sku"], "properties": {"sku": TEXT}}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": ["string", "number"]}, "string"),
        ({"anyOf": [{"type": "integer"}, TEXT, {"type": "null"}]}, "string?"),
        ({"type": ["integer", "number"]}, "decimal"),
        ({"anyOf": [{"type": "string", "format": "date-time"}, TEXT]}, "string"),
        (
            {"type": ["array", "object"], "items": ITEM, **ITEM | {"type": ["array", "object"]}},
            None,
        ),
        ({"oneOf": [{"type": "array", "items": ITEM}, ITEM]}, "list(a_element)"),
        ({"type": "array", "items": {"type": "array", "items": TEXT}}, "list(list(string))"),
        ({"type": "array", "items": [TEXT, TEXT]}, "list(string)"),
        ({"type": "array", "prefixItems": [TEXT, {"type": "integer"}]}, "list(string)"),
        ({"type": "object", "additionalProperties": TEXT}, "map(string, string)"),
        ({"type": "object", "patternProperties": {"^x-": ITEM}}, "map(string, a_value)"),
        ({"allOf": [ITEM, {"properties": {"n": {"type": "integer"}}}]}, "a"),
        ({"enum": ["x", "y", None]}, "string?"),
        ({"const": 1}, "int"),
        ({"type": "string", "x-nullable": True}, "string?"),
        ({"anyOf": [TEXT, {"type": "object"}]}, "unknown"),
        ({}, "unknown"),
        ({"type": "money"}, "unknown"),
        ({"$ref": "https://example.com/none.json"}, "unknown"),
    ],
    ids=str,
)
def test_types(schema: dict[str, Any], kind: str | None) -> None:
    """Each way to write a type is that type."""
    found = _kinds(_read({"type": "object", "required": ["a"], "properties": {"a": schema}}))["a"]

    assert found == (kind or "list(a_element)")


def test_alternatives_of_objects_are_one() -> None:
    """What all have is there; what only some have may be missing; the tag is any of theirs."""
    card = {"properties": {"type": {"const": "card"}, "last4": TEXT, "amount": {"type": "integer"}}}
    bank = {"properties": {"type": {"const": "bank"}, "iban": TEXT, "amount": {"type": "integer"}}}
    options = [{"type": "object", "required": ["type", "amount"], **one} for one in (card, bank)]
    found = _read({"type": "object", "oneOf": options})

    assert _kinds(found) == {
        "type": "string",
        "last4": "string?",
        "amount": "int",
        "iban": "string?",
    }
    assert found.choices["r", "type"] == ("card", "bank")


def test_objects_of_one_shape_are_one_type() -> None:
    """Two that are written out are one where their members are, also if they hold themselves."""
    tree = {"type": "object", "properties": {"n": TEXT, "up": {"$ref": "#/properties/one"}}}
    other = {"type": "object", "properties": {"up": {"$ref": "#/properties/two"}, "n": TEXT}}
    fields = _read({"type": "object", "properties": {"one": tree, "two": other}}).record.fields

    assert fields["one"] == fields["two"]
    assert str(fields["one"]) != str(fields["two"])


def test_references_between_files() -> None:
    """By a path, by a name beside the schema, and by its `$id`; nothing is fetched."""
    money = {"$id": "https://x.test/s/money.json", "definitions": {"M": {"type": "number"}}}
    found = _read(
        {
            "$id": "https://x.test/s/order.json",
            "type": "object",
            "properties": {
                "path": {"$ref": "money.json#/definitions/M"},
                "id": {"$ref": "https://x.test/s/money.json#/definitions/M"},
                "anchor": {"$ref": "#part"},
            },
            "$defs": {"P": {"$anchor": "part", "type": "boolean"}},
        },
        money=money,
    )

    assert _kinds(found) == {"path": "decimal?", "id": "decimal?", "anchor": "bool?"}


def test_a_place_in_a_document() -> None:
    """A fragment names the place; without one the message names some."""
    document = {"openapi": "3.0.3", "components": {"schemas": {"Order": ITEM}}}

    assert _kinds(_read(document, "s.json#/components/schemas/Order")) == {"sku": "string"}
    with pytest.raises(Stopped) as stopped:
        _read(document)
    assert "#/components/schemas/Order" in (stopped.value.diagnostics[0].help or "")


def test_documents_in_yaml() -> None:
    """YAML is read as JSON is."""
    text = """
components:
  schemas:
    Order: {type: object, properties: {n: {type: integer, minimum: 1}}}
"""
    found = read_source_schema("s.yaml#/components/schemas/Order", text, "r")

    assert _kinds(found) == {"n": "int?"}
    assert found.stated["r", "n"].own[0].bounds == ((">=", "1"),)


def test_a_list_of_records_is_of_its_element() -> None:
    """A file may hold one record or a list of them."""
    assert _kinds(_read({"type": "array", "items": ITEM})) == {"sku": "string"}
    assert _kinds(_read({"type": ["null", "object"], "properties": {"n": TEXT}})) == {
        "n": "string?"
    }


LOOP = {"$ref": "#/$defs/loop"}


@pytest.mark.parametrize(
    ("loop", "kind"),
    [
        ({"type": "array", "items": LOOP}, "list(list(unknown))?"),
        ({"type": "object", "additionalProperties": LOOP}, "map(string, loop)?"),
        ({"type": ["array", "object"], "items": LOOP}, "unknown"),
        ({"type": "object", "properties": {"in": {"type": "array", "items": LOOP}}}, "loop?"),
        ({"anyOf": [{"type": "null"}, {"type": "object", "properties": {"in": LOOP}}]}, "loop?"),
        ({"oneOf": [ITEM, {"type": "object", "properties": {"in": LOOP}}]}, "loop?"),
        ({"allOf": [{"$ref": "#/$defs/item"}, {"$ref": "#/$defs/item"}]}, "a?"),
        (LOOP, "unknown"),
    ],
    ids=str,
)
def test_what_holds_itself(loop: dict[str, Any], kind: str) -> None:
    """A schema may hold itself; what has no end has no type, and only then."""
    schema = {"type": "object", "properties": {"a": LOOP}, "$defs": {"loop": loop, "item": ITEM}}

    assert _kinds(_read(schema))["a"] == kind


@pytest.mark.parametrize("kinds", [["object", "boolean"], ["object", "array"], ["null", "object"]])
def test_a_root_of_several_types_is_the_object(kinds: list[str]) -> None:
    """Of what is no object, no record is made."""
    assert _kinds(_read({"type": kinds, "properties": {"n": TEXT}})) == {"n": "string?"}


def test_references_lead_on_and_on() -> None:
    """A chain of a thousand objects is read, each where it is named."""
    parts = {
        f"p{n}": {"type": "object", "properties": {"next": {"$ref": f"#/$defs/p{n + 1}"}}}
        for n in range(1000)
    }
    found = _read({"$ref": "#/$defs/p0", "$defs": {**parts, "p1000": ITEM}})

    kind: Any = found.record
    for _ in range(1000):
        kind = kind.fields["next"].of
    assert list(kind.fields) == ["sku"]


def test_equal_shapes_that_share_are_told_apart_at_once() -> None:
    """Each pair of objects is compared once, however many ways lead there."""

    def tower(stem: str) -> dict[str, Any]:
        inner = {"$ref": f"#/$defs/{stem}0"}
        made = {f"{stem}0": ITEM}
        for n in range(1, 40):
            made[f"{stem}{n}"] = {"type": "object", "properties": {"l": inner, "r": inner}}
            inner = {"$ref": f"#/$defs/{stem}{n}"}
        return made

    tops = {"a": {"$ref": "#/$defs/x39"}, "b": {"$ref": "#/$defs/y39"}}
    found = _read(
        {"type": "object", "properties": tops, "$defs": {**tower("x"), **tower("y")}}
    ).record.fields

    assert found["a"] == found["b"]
    assert not has_unknown(found["a"])
