"""The editors' schema of one flow: that of all specs, with the fields of its entities in it.

An editor then completes the fields of the ERP, each with its type, length and flags, and marks one
that the entity does not have. Made of the language's schema: nothing of the language is here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from msgspec import Struct, field

from mapgen.contract.model import Contract, Entity
from mapgen.contract.showing import show_entity
from mapgen.report import Stopped
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec
from mapgen.spec.editor import Schema, editor_schema

Json = dict[str, Any]
# Beside the fields of the only document: what has fields of its own.
_OF_OTHERS = ("documents", "parts")
# What is as short as a reference is where it is.
_SHORT = 90


def flow_schema(flow: spec.Spec, target: Callable[[spec.TargetClause], Contract | None]) -> Schema:
    """Return the JSON Schema of a flow's spec.

    Args:
        flow: the spec; its rules may have any errors.
        target: gives what documents are validated against, None where it cannot be used.

    Raises Stopped (E404) for an entity that the contract does not have.
    """
    root = cast(Json, editor_schema("maps"))
    definitions: Json = root["$defs"]
    lookups = [table.name.value for table in flow.mapping.lookups]
    members = _mapping_of(root)
    several: Json = members["documents"]
    named: Json = {}
    for document in flow.mapping.documents:
        contract = target(document.target)
        if contract is None:
            continue
        name = document.target.entity.value
        entity = contract.entities.get(name)
        if entity is None:
            known = contract.top_level
            raise Stopped(
                messages.unknown_entity(document.target.entity, contract=contract.name, known=known)
            )
        fields = _Fields(contract, definitions, definitions["rule"]["anyOf"], lookups)
        if isinstance(document, spec.Document) and document.name.value in _names(flow):
            named[document.name.value] = fields.within(several["additionalProperties"], entity)
        else:
            own = {one: said for one, said in members.items() if one not in _OF_OTHERS}
            members |= fields.within({"properties": own}, entity)["properties"]
    if named:
        members["documents"] = {**several, "properties": named}
    root["title"] = f"The spec of the flow {flow.flow.value}"
    return _folded(root)


def _mapping_of(root: Json) -> Json:
    """Return what a mapping has, in the schema of specs that are written whole."""
    kinds = (one.get("properties", {}).get("mapping", {}) for one in root.get("anyOf", [root]))
    return next(cast(Json, mapping["properties"]) for mapping in kinds if "properties" in mapping)


def _folded(root: Json) -> Json:
    """Return a schema in which what several members are is said once, in `$defs`."""
    counts = Counter(words for _, words in _member_schemas(root))
    names: dict[str, str] = {}
    for name, words in _member_schemas(root):
        if words not in names and counts[words] > 1 and len(words) > _SHORT:
            same = sum(known.rpartition(" ")[0] == name for known in names.values())
            names[words] = f"{name} {same + 1}"
    shared = {name: json.loads(words) for words, name in names.items()}
    folded = cast(Json, _with_references(root, names))
    return {**folded, "$defs": {**folded["$defs"], **shared}}


def _member_schemas(node: object) -> Iterator[tuple[str, str]]:
    """Yield the schemas of members, the outer ones first, as text, with the names of members."""
    if isinstance(node, list):
        for one in node:
            yield from _member_schemas(one)
    if isinstance(node, dict):
        members = node.get("properties")
        for name, schema in members.items() if isinstance(members, dict) else ():
            yield name, json.dumps(schema)
        for inner in node.values():
            yield from _member_schemas(inner)


def _with_references(
    node: object, names: Mapping[str, str], *, are_members: bool = False
) -> object:
    if isinstance(node, list):
        return [_with_references(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    found: Json = {}
    for key, inner in node.items():
        name = names.get(json.dumps(inner)) if are_members else None
        is_holder = key == "properties" and not are_members
        found[key] = (
            {"$ref": _reference(name)}
            if name is not None
            else _with_references(inner, names, are_members=is_holder)
        )
    return found


def _names(flow: spec.Spec) -> frozenset[str]:
    """Return the names of documents, where a flow makes several."""
    documents = flow.mapping.documents
    return (
        frozenset(one.name.value for one in documents if isinstance(one, spec.Document))
        if len(documents) > 1
        else frozenset()
    )


class _Fields(Struct):
    """Writes the schemas of fields; `definitions` grows by an entity for each that is met."""

    contract: Contract
    definitions: Json
    kinds: list[Json]
    lookups: list[str]
    _met: set[str] = field(default_factory=set)

    def within(self, schema: Json, entity: Entity) -> Json:
        """Return a schema in which `fields` are those of an entity."""
        return {name: self._member(name, inner, entity) for name, inner in schema.items()}

    def _member(self, name: str, inner: Any, entity: Entity) -> Any:
        if isinstance(inner, list):
            return [self.within(one, entity) if isinstance(one, dict) else one for one in inner]
        if not isinstance(inner, dict):
            return inner
        members = self.within(inner, entity)
        if name != "properties":
            return members
        if "fields" in members:
            said = {"description": inner["fields"].get("description", "")}
            members["fields"] = {**said, "$ref": self._fields_of(entity)}
        if self.lookups and "lookup" in members:
            members["lookup"] = {"description": "the table", "enum": self.lookups}
        return members

    def _fields_of(self, entity: Entity) -> str:
        """Return the reference to the fields of an entity."""
        name = f"{entity.name} of {self.contract.name}"
        if name not in self.definitions:
            self.definitions[name] = {}  # an entity may hold itself
            shown = show_entity(self.contract, entity.name, with_parts=False)
            said = {one.name: "; ".join((one.holds, *one.notes)) for one in shown.fields}
            self.definitions[name] = {
                "title": f"fields of {entity.name}",
                "type": "object",
                "properties": {
                    one.name: {
                        "description": said[one.name],
                        "$ref": self._rule_of(one.shape, one.entity),
                    }
                    for one in entity.fields.values()
                    if not (one.is_calculated or one.is_read_only)
                },
                "additionalProperties": False,
            }
        return _reference(name)

    def _rule_of(self, shape: str, entity: str | None) -> str:
        """Return the reference to the rules that fit a field."""
        name = "a value" if entity is None else f"{shape} {entity} of {self.contract.name}"
        if name not in self.definitions:
            self.definitions[name] = {}
            kinds = [kind for kind in self.kinds if _shape_of(kind) in (shape, None)]
            within = self.contract.entities[entity] if entity is not None else Entity("", {})
            self.definitions[name] = {
                "title": "a rule",
                "anyOf": [self.within(kind, within) for kind in kinds],
            }
        return _reference(name)


def _shape_of(kind: Mapping[str, Any]) -> str | None:
    """Return the shape of the fields that a kind of rule is for, None where it is for any."""
    members = kind.get("properties", {})
    if "each" in members or "blocks" in members:
        return "details"
    if "fields" in members:
        return "linked"
    return None if {"todo", "remove"} & {*members} else "value"


def _reference(name: str) -> str:
    return "#/$defs/" + name.replace("~", "~0").replace("/", "~1").replace(" ", "%20")
