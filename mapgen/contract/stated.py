"""What the keywords of a JSON Schema say of a value beside its type, and what they cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.constraints import Constraints, Sign
from mapgen.contract.json_schema import Node, Place
from mapgen.expression.patterns import regex_error
from mapgen.report import Diagnostic
from mapgen.report.catalogue import schemas
from mapgen.runtime.constraints import FORMATS

TYPED_FORMATS = ("decimal", "date-time", "date")
_NOT_VALIDATED = "records are not validated against it"
_SHARP: Mapping[Sign, Sign] = {">=": ">", "<=": "<"}
_BOUNDS: Mapping[str, Sign] = {
    "exclusiveMinimum": ">",
    "minimum": ">=",
    "exclusiveMaximum": "<",
    "maximum": "<=",
}
# What asks nothing of a record, and members that no rule reads are skipped.
_REMARKS = """
    title description default examples example deprecated readOnly writeOnly externalDocs xml
    discriminator contentMediaType contentEncoding contentSchema collectionFormat $comment $schema
    $id id $anchor $dynamicAnchor $recursiveAnchor $vocabulary $defs definitions
    unevaluatedProperties unevaluatedItems
"""
_HELD = """
    type enum const $ref $dynamicRef $recursiveRef properties required items format pattern
    additionalProperties patternProperties additionalItems prefixItems minLength maxLength
    multipleOf minItems maxItems uniqueItems minimum exclusiveMinimum maximum exclusiveMaximum
    allOf anyOf oneOf
"""
_REMARKED = frozenset((*_REMARKS.split(), "nullable"))
_KNOWN = frozenset((*_REMARKED, *_HELD.split()))
_OF_TEXT = ("enum", "const", "format", "pattern", "minLength", "maxLength")
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
# What they ask of a value depends on the rest of it.
_CONDITIONS = ("not", "if")
# Formats that say how numbers are stored or texts are shown: OpenAPI's own.
_STORED = ("int32", "int64", "float", "double", "password", "byte", "binary")
_VALUES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    **dict.fromkeys(("integer", "number"), (int, float)),
}
# What a keyword's value has to be for it to say anything.
_FORMS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("properties", "patternProperties"), (dict,)),
    **dict.fromkeys(("enum", "allOf", "anyOf", "oneOf", "prefixItems"), (list,)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), (int, float)),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), (int, float)),
    "items": (dict, list, bool),
    "pattern": (str,),
}


class Stated(Struct, frozen=True):
    """What is said of a value beside its type.

    `inner` is said of the elements of a list, of the values of a map. `unheld` are the errors of
    keywords that no record is held against: they count where rules read the value. `is_varied`: it
    may be written in another way, a number as text, a list of one as that one; `nothing` are the
    words that mean that there is none. `is_text`: it is written as JSON in a text.
    """

    own: tuple[Constraints, ...] = ()
    inner: Stated | None = None
    unheld: tuple[Diagnostic, ...] = ()
    is_varied: bool = False
    nothing: tuple[str, ...] = ()
    is_text: bool = False


def says_nothing(node: Node) -> bool:
    """Tell whether a schema has nothing but remarks."""
    return all(keyword in _REMARKED or keyword.startswith("x-") for keyword in node)


def holds_json(node: Node) -> bool:
    """Tell whether a text holds JSON of which the schema says what it is."""
    media, content = node.get("contentMediaType"), node.get("contentSchema")
    is_json = isinstance(media, str) and _JSON.fullmatch(media.strip()) is not None
    return is_json and isinstance(content, dict) and "contentEncoding" not in node


def unheld_around_json(place: Place) -> Iterator[Diagnostic]:
    """Yield the errors of what is said of a text as it is written, where it holds JSON."""
    yield from (not_validated(place, keyword) for keyword in _OF_TEXT if keyword in place.node)


def well_formed(node: Node, keyword: str) -> bool:
    """Tell whether a keyword has a value that it can have."""
    value, forms = node[keyword], _FORMS.get(keyword)
    if forms is None:
        return True
    return isinstance(value, forms) and (value is not True or bool in forms)


def unheld(place: Place, kind: str) -> Iterator[Diagnostic]:
    """Yield the errors of what a schema says of a value and no record is validated against."""
    for keyword, value in place.node.items():
        if not well_formed(place.node, keyword):
            yield schemas.not_a_schema(
                path=place.document.path,
                pointer=f"{place.pointer}/{keyword}",
                reason=f"`{keyword}` cannot be {_shown(value)}",
                what="source",
            )
        elif keyword in _CONDITIONS:
            yield no_one_type(place, keyword)
        elif (keyword not in _KNOWN and not keyword.startswith("x-")) or (
            keyword in ("enum", "const") and kind in ("object", "array")
        ):
            yield not_validated(place, keyword)
    if kind == "string":
        yield from _unheld_text(place)


def _unheld_text(place: Place) -> Iterator[Diagnostic]:
    form, pattern = place.node.get("format"), place.node.get("pattern")
    if form is not None and form not in (*FORMATS, *TYPED_FORMATS, *_STORED):
        yield not_validated(place, f"format: {form}")
    reason = regex_error(pattern) if isinstance(pattern, str) else None
    if reason is not None:
        yield not_validated(place, "pattern", reason)


def not_validated(place: Place, keyword: str, reason: str = _NOT_VALIDATED) -> Diagnostic:
    """Return the error of a keyword that records are not validated against."""
    return schemas.unheld_keyword(
        path=place.document.path, pointer=place.pointer, keyword=keyword, reason=reason
    )


def no_one_type(place: Place, keyword: str) -> Diagnostic:
    """Return the error of a keyword by which a value has no one type."""
    return schemas.unsupported_keyword(
        path=place.document.path, pointer=place.pointer, keyword=keyword, what="source"
    )


def untyped(place: Place) -> Diagnostic:
    """Return the error of a schema that says nothing of what is there."""
    return schemas.untyped_value(path=place.document.path, pointer=place.pointer)


def _shown(value: object) -> str:
    words = {bool: "true or false", dict: "an object", list: "a list", str: f"`{value}`"}
    return words.get(type(value), "null" if value is None else f"`{value}`")


def constraints(schema: Node, kind: str) -> tuple[Constraints, ...]:
    """Return what is said of a value of that kind beside its type; nothing, or one."""
    found = Constraints()
    schema = {name: value for name, value in schema.items() if well_formed(schema, name)}
    if kind in ("string", "boolean", "integer", "number"):
        found = _chosen(found, schema, kind)
    if kind == "string":
        form, pattern = schema.get("format"), schema.get("pattern")
        is_usable = isinstance(pattern, str) and regex_error(pattern) is None
        found = replace(
            found,
            pattern=str(pattern) if is_usable else None,
            format=str(form) if form in FORMATS else None,
            shortest=_count(schema, "minLength") or 0,
            longest=_count(schema, "maxLength"),
        )
    elif kind in ("integer", "number"):
        step = schema.get("multipleOf")
        found = replace(
            found,
            bounds=tuple(_bounds(schema)),
            step=None if step is None or step == 0 else str(step),
        )
    elif kind == "array":
        found = replace(
            found,
            fewest=_count(schema, "minItems") or 0,
            most=_count(schema, "maxItems"),
            is_unique=schema.get("uniqueItems") is True,
        )
    return () if found == Constraints() else (found,)


def choices(schema: Node) -> tuple[str, ...]:
    """Return the values that a schema names all of, as text."""
    named = schema.get("enum")
    if not isinstance(named, list):
        return (str(schema["const"]),) if isinstance(schema.get("const"), str) else ()
    return tuple(str(value) for value in named if isinstance(value, str | int))


def _chosen(found: Constraints, schema: Mapping[str, object], kind: str) -> Constraints:
    """Return the constraints with the values of `enum` and `const` that are of the kind."""
    both = [schema["enum"]] if isinstance(schema.get("enum"), list) else []
    both += [[schema["const"]]] if "const" in schema else []
    member = "numbers" if kind in ("integer", "number") else "choices"
    for named in cast("list[list[object]]", both):
        values = [
            str(one) if member == "numbers" else one
            for one in named
            if isinstance(one, _VALUES[kind]) and (kind == "boolean" or not isinstance(one, bool))
        ]
        known = getattr(found, member)
        kept = tuple(one for one in values if known is None or one in known)
        found = replace(found, **{member: kept})
    return found


def _bounds(schema: Mapping[str, object]) -> Iterator[tuple[Sign, str]]:
    """Yield the bounds; `exclusiveMinimum: true` of draft-04 and OpenAPI 3.0 sharpens `minimum`."""
    for keyword, sign in _BOUNDS.items():
        value = schema.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            exclusive = "exclusive" + keyword[0].upper() + keyword[1:]
            is_sharp = schema.get(exclusive) is True
            yield (_SHARP.get(sign, sign) if is_sharp else sign), str(value)


def _count(schema: Mapping[str, object], keyword: str) -> int | None:
    found = schema.get(keyword)
    return int(found) if isinstance(found, int | float) else None
