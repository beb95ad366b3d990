"""Types of expressions in, the types of parameters out."""

from __future__ import annotations

from msgspec.structs import replace

from mapgen.expression.types import ListOf, MapOf, Object, Optional, Type, group_of
from mapgen.ir.flow import ParameterType


def parameter_type(kind: Type) -> ParameterType:
    """Return the type of a parameter that holds values of a type."""
    match kind:
        case Optional(of):
            return replace(parameter_type(of), may_be_missing=True)
        case ListOf(element):
            return ParameterType("list", (parameter_type(element),))
        case MapOf(key, value):
            return ParameterType("map", (parameter_type(key), parameter_type(value)))
        case Object(fields={"key": key, "rows": ListOf(row)}) if kind == group_of(key, row):
            return ParameterType("group", (parameter_type(key), parameter_type(row)))
        case _:
            return ParameterType(str(kind))
