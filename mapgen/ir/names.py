"""Names of generated code: what a field, a class, a function is called in Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Container
from functools import cache

from mapgen.ir.expression import attribute_name, letters


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


@cache
def class_name(name: str) -> str:
    """Return a class name: `line_item` -> `LineItem`, `SalesOrder` stays."""
    words = [word for word in re.split(r"[\W_]+", letters(name)) if word]
    found = "".join(word[0].upper() + word[1:] for word in words)
    # A script without capitals has the same word for a class and its members.
    return found if found[:1].isupper() and found.isidentifier() else f"Object{found}"


def singular(plural: str, otherwise: str = "{}") -> str:
    """Return the singular of a name: `addresses` -> `address`; of no plural, `otherwise`."""
    if plural.endswith("ies") and len(plural) > 4:
        return plural[:-3] + "y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")) and len(plural) > 2:
        return plural[:-1]
    return otherwise.format(plural)


def new_name(stem: str, taken: Container[str], between: str = "_") -> str:
    """Return a name, with the first number behind it that makes it new."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}{between}{number}"
    return name


# What generated modules import or define: no class of an object is called so.
_RESERVED_CLASSES = """
    Amount Annotated Any BooleanValue Callable Cleared ClearedField Constraints
    CustomBooleanField CustomDateTimeField CustomDecimalField CustomIntField CustomStringField
    DateFormat DateTimeValue DateValue Decimal DecimalValue Documents False Fraction Group
    InText Instant IntValue Lookups Made MadeValue Mapping MultiSelectValue None Nothing Option
    Pattern SelectValue Settings Skip Source StringValue Struct True UnsetType Varied Whole ZoneInfo
"""
RESERVED_CLASSES = frozenset(_RESERVED_CLASSES.split())
