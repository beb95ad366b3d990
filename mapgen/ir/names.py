"""Names of generated code: what a field, a class, a function is called in Python."""

from __future__ import annotations

import re

from mapgen.ir.expression import attribute_name


def local_name(field: str) -> str:
    """Return what a field's value is called: `InventoryID` -> `inventory_id`."""
    return attribute_name(field)


def class_name(name: str) -> str:
    """Return a class name: `line_item` -> `LineItem`, `SalesOrder` stays."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[0].upper() + word[1:] for word in words)
