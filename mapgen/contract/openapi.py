"""Reading an endpoint: an OpenAPI 3.0 or Swagger 2.0 document comes in, a Contract goes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from msgspec import Struct, field

from mapgen.contract.days import day_or_moment
from mapgen.contract.document import Cursor, gather, read
from mapgen.contract.model import Action, Contract, Entity, Field, ValueType
from mapgen.report import Diagnostic, Source, Stopped
from mapgen.report.catalogue import contract as words

# The wrappers of contract version 4, then what version 5 (Default/26.200.001) added to them.
WRAPPERS: Mapping[str, ValueType] = {
    "BooleanValue": "boolean",
    "ByteValue": "byte",
    "DateTimeValue": "datetime",
    "DecimalValue": "decimal",
    "DoubleValue": "double",
    "GuidValue": "guid",
    "IntValue": "int",
    "LongValue": "long",
    "ShortValue": "short",
    "StringValue": "string",
    "DateOnlyValue": "date",
    "IntSingleSelectValue": "single_select",
    "StringSingleSelectValue": "single_select",
    "StringMultiSelectValue": "multi_select",
}
CONTRACT_VERSIONS = (4, 5)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TITLE = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)/([A-Za-z0-9_][A-Za-z0-9_.-]*)", re.ASCII)
_ACTION_PATH = re.compile(r"/([^/{}$]+)/([^/{}$]+)")
_ENTITY_PATH = re.compile(r"/([^/{}$]+)")


class _Reading(Struct):
    """What one document holds while it is read: its schemas by name, and the types nobody knows."""

    schemas: Mapping[str, Cursor]
    prefix: str
    entities: frozenset[str]
    unknown: dict[str, list[tuple[str, Cursor]]] = field(default_factory=dict)

    def target(self, reference: Cursor) -> str:
        """Return the schema that a `$ref` names; stop where there is none of that name."""
        path = reference.text()
        name = path.removeprefix(self.prefix)
        if name == path or name not in self.schemas:
            reference.stop(f"there is no schema `{path}`")
        return name

    def value_type(self, name: str, field: str, of: str, at: Cursor) -> ValueType:
        """Return the value type of a wrapper; note the wrapper that is unknown and go on.

        Args:
            name: the wrapper.
            field: the name of what it wraps, which tells days from moments.
            of: the path of that, for messages.
            at: the place of the wrapper.
        """
        known = WRAPPERS.get(name)
        if known is None:
            self.unknown.setdefault(name, []).append((of, at))
            return "string"
        return day_or_moment(field) if known == "datetime" else known


def read_contract(source: Source) -> Contract:
    """Return the contract that an endpoint's OpenAPI document describes.

    Entities come sorted by name, fields in the document's order (the order of the ERP's answers).
    Raises Stopped: E401 for another kind of document, E402 for one that is not shaped as the ERP
    writes it, E403 for field types of no known contract version, E512 for text that is not JSON.
    """
    root = read(source, words.malformed_openapi)
    endpoint, version, contract_version = _identify(root)
    reading = _schemas(root)
    top_level, actions = _paths(root, reading)
    entities = gather(
        partial(_entity, name, reading, name in top_level, actions.get(name, ()))
        for name in sorted(reading.entities)
    )
    if reading.unknown:
        raise Stopped(_unknown_wrappers(reading))
    return Contract(
        endpoint, version, contract_version, {entity.name: entity for entity in entities}
    )


def reachable(contract: Contract, roots: frozenset[str]) -> frozenset[str]:
    """Return the entities named and all that their linked entities and details lead to."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            fields = contract.entities[name].fields.values()
            waiting.extend(one.entity for one in fields if one.entity is not None)
    return frozenset(found)


def select(contract: Contract, names: tuple[str, ...]) -> Contract:
    """Return the contract with only these entities and what they lead to.

    Raises Stopped with E404, one for each name that the endpoint does not have.
    """
    title = f"{contract.endpoint}/{contract.version}"
    missing = [name for name in names if name not in contract.entities]
    if missing:
        raise Stopped(
            words.unknown_entity(it=name, known=contract.entities, endpoint=title, where=True)
            for name in missing
        )
    kept = reachable(contract, frozenset(names))
    return Contract(
        contract.endpoint,
        contract.version,
        contract.contract_version,
        {name: entity for name, entity in contract.entities.items() if name in kept},
    )


def _identify(root: Cursor) -> tuple[str, str, int]:
    """Return endpoint, version and contract version: `Default`, `24.200.001`, 4."""
    other = Cursor(root.source, root.value, words.not_openapi)
    if not isinstance(root.value, dict):
        other.stop("it holds no object")
    is_three = str(root.value.get("openapi", "")).startswith("3.0.")
    if not is_three and root.value.get("swagger") != "2.0":
        other.stop("it has neither `openapi: 3.0.x` nor `swagger: 2.0`")
    info = other.member("info")
    title = info.member("title")
    matched = _TITLE.fullmatch(title.text())
    if matched is None:
        title.stop("the title is not `{endpoint}/{version}`")
    number = info.member("version")
    if number.text() not in {str(known) for known in CONTRACT_VERSIONS}:
        number.stop(f"contract version {number.text()} is not one of {CONTRACT_VERSIONS}")
    return matched[1], matched[2], int(number.text())


def _schemas(root: Cursor) -> _Reading:
    """Return all schemas of the document, and which of them are entities."""
    if root.optional("swagger") is None:
        holder, prefix = root.member("components").member("schemas"), "#/components/schemas/"
    else:
        holder, prefix = root.member("definitions"), "#/definitions/"
    schemas = dict(holder.members())
    entities = frozenset(
        name for name, schema in schemas.items() if _is_entity(schema, prefix + "Entity")
    )
    for name in entities:
        if not _NAME.fullmatch(name):
            schemas[name].stop(f"`{name}` is not a name the ERP gives an entity")
    return _Reading(schemas, prefix, entities)


def _is_entity(schema: Cursor, base: str) -> bool:
    """Tell whether a schema extends the one named Entity.

    Only this tells entities from wrappers: an entity may well be called `AttributeValue`.
    """
    if not isinstance(schema.value, dict) or not isinstance(schema.value.get("allOf"), list):
        return False
    return any(
        isinstance(part, dict) and part.get("$ref") == base for part in schema.value["allOf"]
    )


def _entity(
    name: str, reading: _Reading, is_top_level: bool, actions: tuple[Action, ...]
) -> Entity:
    fields: dict[str, Field] = {}
    names: dict[str, str] = {}
    for part in reading.schemas[name].member("allOf").elements():
        properties = part.optional("properties")
        if properties is None:
            continue
        for field_name, schema in properties.members():
            if not _NAME.fullmatch(field_name):
                schema.stop(f"`{field_name}` is not a name the ERP gives a field")
            schema.apart_from(names)
            fields[field_name] = _field(f"{name}.{field_name}", field_name, schema, reading)
    return Entity(
        name,
        fields,
        actions={action.name: action for action in actions},
        is_top_level=is_top_level,
    )


def _field(path: str, name: str, schema: Cursor, reading: _Reading) -> Field:
    """Return one member of an entity: a wrapped value, a linked entity, or details."""
    reference = schema.optional("$ref")
    if reference is not None:
        target = reading.target(reference)
        if target in reading.entities:
            return Field(name, "linked", entity=target)
        return Field(name, "value", reading.value_type(target, name, path, reference))
    if schema.member("type").text() != "array":
        schema.stop("neither a `$ref` nor an array of entities")
    element = schema.member("items").member("$ref")
    target = reading.target(element)
    if target not in reading.entities:
        element.stop(f"`{target}` is not an entity, so it cannot be a detail")
    return Field(name, "details", entity=target)


def _paths(
    root: Cursor, reading: _Reading
) -> tuple[frozenset[str], Mapping[str, tuple[Action, ...]]]:
    """Return the entities with a URL of their own, and the actions of each."""
    top_level: set[str] = set()
    actions: dict[str, list[Action]] = {}
    for path, operations in root.member("paths").members():
        if matched := _ENTITY_PATH.fullmatch(path):
            _known_entity(matched[1], operations, reading)
            top_level.add(matched[1])
        elif matched := _ACTION_PATH.fullmatch(path):
            _known_entity(matched[1], operations, reading)
            found = _action(matched[1], matched[2], operations, reading)
            actions.setdefault(matched[1], []).append(found)
    return frozenset(top_level), {
        name: tuple(sorted(found, key=lambda action: action.name))
        for name, found in sorted(actions.items())
    }


def _known_entity(name: str, at: Cursor, reading: _Reading) -> None:
    if name not in reading.entities:
        at.stop(f"there is a path for `{name}`, but no entity of that name")


def _action(entity: str, name: str, operations: Cursor, reading: _Reading) -> Action:
    """Return an action with the typed parameters of its request body."""
    if not _NAME.fullmatch(name):
        operations.stop(f"`{name}` is not a name the ERP gives an action")
    body = reading.schemas[reading.target(_body(operations.member("post")))]
    declared = body.member("properties").optional("parameters")
    properties = None if declared is None else declared.optional("properties")
    parameters: dict[str, ValueType] = {}
    for parameter, schema in () if properties is None else properties.members():
        reference = schema.member("$ref")
        path = f"{entity}/{name}({parameter})"
        wrapper = reading.target(reference)
        parameters[parameter] = reading.value_type(wrapper, parameter, path, reference)
    return Action(name, parameters)


def _body(post: Cursor) -> Cursor:
    """Return the `$ref` of the request's body: Swagger 2.0 hides it among the parameters."""
    request = post.optional("requestBody")
    if request is not None:
        content = request.member("content").member("application/json")
        return content.member("schema").member("$ref")
    bodies = [
        parameter
        for parameter in post.member("parameters").elements()
        if (place := parameter.optional("in")) is not None and place.value == "body"
    ]
    if len(bodies) != 1:
        post.stop(f"the action has {len(bodies)} bodies where one is expected")
    return bodies[0].member("schema").member("$ref")


def _unknown_wrappers(reading: _Reading) -> list[Diagnostic]:
    """Return one error for each unknown type, not one for each of its uses."""
    return [
        words.unknown_wrapper(
            uses[0][1].label("this type"), name=name, fields=tuple(path for path, _ in uses)
        )
        for name, uses in sorted(reading.unknown.items())
    ]
