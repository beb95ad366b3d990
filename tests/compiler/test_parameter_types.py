"""Types of parameters: the structure of a type decides its annotation, no text of it."""

from __future__ import annotations

import pytest

from mapgen.emit.python.expression_needs import ModuleNeeds
from mapgen.emit.python.types import Annotations
from mapgen.ir import types

CLASSES = {"list": "SourceList", "map(a, b)": "Odd", "line": "Line", "group(x": "Half"}
LINE = types.Object("line", {})


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        (types.STRING, "str"),
        (types.optional(types.DATE), "date | None"),
        (types.ListOf(types.optional(LINE)), "list[Line | None]"),
        (types.MapOf(types.STRING, types.ListOf(types.INT)), "dict[str, list[int]]"),
        (
            types.MapOf(types.INT, types.MapOf(types.STRING, types.optional(LINE))),
            "dict[int, dict[str, Line | None]]",
        ),
        (
            types.ListOf(types.group_of(types.MapOf(types.STRING, types.INT), LINE)),
            "list[Group[dict[str, int], Line]]",
        ),
        (types.MapOf(types.ERROR, types.ERROR), "dict[Any, Any]"),
        (types.Object("list", {}), "SourceList"),
        (types.Object("map(a, b)", {}), "Odd"),
        (types.Object("group(x", {"key": types.INT, "rows": types.ListOf(LINE)}), "Half"),
    ],
)
def test_annotation(kind: types.Type, annotation: str) -> None:
    """Whatever a type is made of, and whatever objects are called."""
    assert Annotations(ModuleNeeds(()), CLASSES).of(kind) == annotation
