"""Names of generated code: what a field, a class, a function is called in Python."""

from __future__ import annotations

import keyword
import re

from mapgen.ir.expression import attribute_name


def local_name(field: str) -> str:
    """Return what a field's value is called: `InventoryID` -> `inventory_id`."""
    return attribute_name(field)


def python_name(name: str) -> str:
    """Return what a member of a document is called in code: its own name where Python allows."""
    is_fit = re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) is not None
    is_taken = keyword.iskeyword(name) or (name.islower() and attribute_name(name) != name)
    return name if is_fit and not is_taken else attribute_name(name)


def made_name(document: str) -> str:
    """Return the variable that holds another document: no name of the author's is like it."""
    return f"made {document}"


def class_name(name: str) -> str:
    """Return a class name: `line_item` -> `LineItem`, `SalesOrder` stays."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    return "".join(word[0].upper() + word[1:] for word in words)
