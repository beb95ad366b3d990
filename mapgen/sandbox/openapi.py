"""`swagger.json`: the contract, in; the OpenAPI 3.0.1 document that describes the tenant, out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mapgen.contract.model import Action, Contract, Entity, Field, ValueType
from mapgen.sandbox.tenant import title

Schema: TypeAlias = dict[str, object]

_WRAPPERS: Mapping[ValueType, tuple[str, Schema]] = {
    "string": ("StringValue", {"type": "string"}),
    "decimal": ("DecimalValue", {"type": "number", "format": "double"}),
    "double": ("DoubleValue", {"type": "number", "format": "double"}),
    "boolean": ("BooleanValue", {"type": "boolean"}),
    "int": ("IntValue", {"type": "integer", "format": "int32"}),
    "short": ("ShortValue", {"type": "integer", "format": "int32"}),
    "byte": ("ByteValue", {"type": "integer", "format": "int32"}),
    "long": ("LongValue", {"type": "integer", "format": "int64"}),
    "guid": ("GuidValue", {"type": "string", "format": "uuid"}),
    "datetime": ("DateTimeValue", {"type": "string", "format": "date-time"}),
    "date": ("DateOnlyValue", {"type": "string", "format": "date"}),
    "single_select": (
        "StringSingleSelectValue",
        {
            "type": "object",
            "properties": {"id": {"type": "string"}, "description": {"type": "string"}},
        },
    ),
    "multi_select": ("StringMultiSelectValue", {"type": "array", "items": {"type": "object"}}),
}
_PARAMETERS: Mapping[str, tuple[str, Schema, str]] = {
    "select": ("query", {"type": "string"}, "The fields to return."),
    "filter": ("query", {"type": "string"}, "The condition that records have to meet."),
    "expand": ("query", {"type": "string"}, "The linked and detail entities to return."),
    "custom": ("query", {"type": "string"}, "The fields beyond the contract to return."),
    "skip": ("query", {"type": "integer", "format": "int32"}, "How many records to skip."),
    "top": ("query", {"type": "integer", "format": "int32"}, "How many records to return."),
    "ids": ("path", {"type": "string"}, "The key values of the record, between slashes."),
    "id": ("path", {"type": "string", "format": "uuid"}, "The id of the record."),
    "filename": ("path", {"type": "string"}, "The name of the file, with its extension."),
    "actionName": ("path", {"type": "string"}, "The name of the action."),
}
_VIEW = ("select", "filter", "expand", "custom")


def document(contract: Contract, url: str) -> Schema:
    """Return the OpenAPI document of an endpoint that is served at `url`."""
    paths: Schema = {}
    top = [entity for entity in contract.entities.values() if entity.is_top_level]
    for entity in top:
        paths.update(_paths(entity))
    return {
        "openapi": "3.0.1",
        "info": {
            "title": f"{contract.endpoint}/{contract.version}",
            "version": str(contract.contract_version),
        },
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "schemas": _schemas(contract),
            "responses": _responses(),
            "parameters": {
                name: {
                    "name": name if place == "path" else f"${name}",
                    "in": place,
                    "description": words,
                    **({"required": True} if place == "path" else {}),
                    "schema": schema,
                }
                for name, (place, schema, words) in _PARAMETERS.items()
            },
        },
        "tags": [{"name": entity.name, "description": title(entity.name)} for entity in top],
    }


def _paths(entity: Entity) -> Schema:
    name = entity.name
    paths: Schema = {}
    for action in entity.actions:
        paths[f"/{name}/{action}"] = {"post": _invocation(name, action, action, ())}
    custom = f"{name}CustomAction"
    paths[f"/{name}/{{actionName}}"] = {
        "post": _invocation(name, "CustomAction", custom, ("actionName",))
    }
    paths[f"/{name}/$adHocSchema"] = {
        "get": _operation(name, "GetAdHocSchema", "Retrieves the schema of custom fields.", (), 200)
    }
    by_keys, by_id = ("ids", *_VIEW), ("id", *_VIEW)
    paths[f"/{name}/{{ids}}"] = {
        "get": _operation(name, "GetByKeys", "Retrieves a record by its keys.", by_keys, 200),
        "delete": _operation(name, "DeleteByKeys", "Deletes a record by its keys.", ("ids",), 204),
    }
    paths[f"/{name}/{{ids}}/files/{{filename}}"] = {
        "put": _operation(name, "PutFile", "Attaches a file.", ("ids", "filename"), 204)
    }
    paths[f"/{name}/{{id}}"] = {
        "get": _operation(name, "GetById", "Retrieves a record by its id.", by_id, 200),
        "delete": _operation(name, "DeleteById", "Deletes a record by its id.", ("id",), 204),
    }
    listed = _operation(name, "GetList", "Retrieves records.", (*_VIEW, "skip", "top"), 200)
    listed["responses"] = _answers(200, {"type": "array", "items": _ref(name)})
    written = _operation(name, "PutEntity", "Creates or updates a record.", _VIEW, 200)
    written["requestBody"] = _body(name, "entity")
    written["responses"] = {
        **_answers(200, _ref(name)),
        "400": {"$ref": "#/components/responses/BadRequest"},
        "412": {"$ref": "#/components/responses/PreconditionFailed"},
        "422": _content("The record with its errors.", _ref(name)),
    }
    paths[f"/{name}"] = {"get": listed, "put": written}
    return paths


def _operation(
    name: str, verb: str, summary: str, parameters: tuple[str, ...], status: int
) -> Schema:
    return {
        "tags": [name],
        "summary": summary,
        "operationId": f"{name}_{verb}",
        "parameters": [{"$ref": f"#/components/parameters/{each}"} for each in parameters],
        "responses": _answers(status, _ref(name) if status == 200 else None),
    }


def _invocation(name: str, action: str, schema: str, parameters: tuple[str, ...]) -> Schema:
    operation = _operation(name, f"InvokeAction_{action}", "Performs an action.", parameters, 204)
    operation["requestBody"] = _body(schema, "invocation")
    operation["responses"] = {
        **_answers(204, None),
        "202": {
            "description": "The operation is in progress.",
            "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
        },
        "400": {"$ref": "#/components/responses/BadRequest"},
        "422": _content("The record with its errors.", _ref(name)),
    }
    return operation


def _body(schema: str, name: str) -> Schema:
    return {
        "content": {"application/json": {"schema": _ref(schema)}},
        "required": True,
        "x-bodyName": name,
    }


def _answers(status: int, schema: Schema | None) -> Schema:
    done = {"description": "Done."} if schema is None else _content("Done.", schema)
    return {
        "401": {"$ref": "#/components/responses/NotSignedIn"},
        "500": {"$ref": "#/components/responses/ServerError"},
        str(status): done,
    }


def _content(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _responses() -> Schema:
    words = {
        "NotSignedIn": "The user is not signed in.",
        "ServerError": "Internal server error.",
        "BadRequest": "The request is invalid.",
        "PreconditionFailed": "The record is there, or is not there, against the header.",
    }
    return {name: _content(text, _ref("HttpError")) for name, text in words.items()}


def _schemas(contract: Contract) -> Schema:
    schemas: Schema = {
        wrapper: {
            "type": "object",
            "properties": {"value": value, "error": {"type": "string"}},
        }
        for wrapper, value in _WRAPPERS.values()
    }
    schemas.update(_COMMON)
    for entity in contract.entities.values():
        version = contract.contract_version
        own = {name: _member(member, version) for name, member in entity.fields.items()}
        schemas[entity.name] = {"allOf": [_ref("Entity"), {"type": "object", "properties": own}]}
        if not entity.is_top_level:
            continue
        for action in entity.actions.values():
            schemas[action.name] = _action(entity, action, version)
        custom = {"custom": _CUSTOM}
        schemas[f"{entity.name}CustomAction"] = _invoked(entity, custom)
    return schemas


def _wrapper(kind: ValueType, contract_version: int) -> Schema:
    """Return the type of a value; contract version 4 has one for days and moments."""
    is_of_both = kind == "date" and contract_version < 5
    return _ref(_WRAPPERS["datetime" if is_of_both else kind][0])


def _member(member: Field, contract_version: int) -> Schema:
    match member.shape:
        case "value":
            return _wrapper(member.value_type or "string", contract_version)
        case "linked":
            return _ref(member.entity or "Entity")
        case "details":
            return {"type": "array", "items": _ref(member.entity or "Entity")}


def _action(entity: Entity, action: Action, contract_version: int) -> Schema:
    parameters = {
        name: _wrapper(kind, contract_version) for name, kind in action.parameters.items()
    }
    return _invoked(entity, parameters)


def _invoked(entity: Entity, parameters: Mapping[str, Schema]) -> Schema:
    properties: Schema = {"entity": _ref(entity.name)}
    if parameters:
        properties["parameters"] = {"type": "object", "properties": dict(parameters)}
    return {"type": "object", "required": ["entity"], "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_CUSTOM: Schema = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": _ref("CustomField")},
}
_COMMON: Mapping[str, Schema] = {
    "Entity": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "rowNumber": {"type": "integer", "format": "int64"},
            "note": _ref("StringValue"),
            "custom": _CUSTOM,
            "error": {"type": "string"},
            "files": {"type": "array", "items": _ref("FileLink")},
        },
    },
    "CustomField": {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string"}},
    },
    "FileLink": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "filename": {"type": "string"},
            "href": {"type": "string", "format": "uri"},
            "comment": {"type": "string", "nullable": True},
        },
    },
    "HttpError": {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "exceptionMessage": {"type": "string", "nullable": True},
            "exceptionType": {"type": "string", "nullable": True},
            "stackTrace": {"type": "string", "nullable": True},
            "modelState": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
        },
        "additionalProperties": {"type": "object"},
    },
}
