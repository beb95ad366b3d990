"""How a mistaken part would be written right: the text of the help lines of messages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from mapgen.expression.functions import CALLS, FORM_NAMES, METHODS, SYNONYMS
from mapgen.expression.lexer import NO_FIELDS
from mapgen.expression.refinements import REFINEMENTS
from mapgen.expression.tree import Binary, Call, Constant, Index, Macro, Method, Name, Select, Tree
from mapgen.ir.types import BOOL, DATE, DECIMAL, INT, NUMBERS, STRING, Scalar, Type
from mapgen.report import Fix, Text, fixes
from mapgen.report.near import as_code

_SHORT = 100


def alike(text: str, tree: Binary, left: Type, right: Type) -> str | None:
    """Return the help that gives both sides of an operator one type, a string in a sum of text."""
    if tree.operator == "+" and right == STRING:
        return conversion(text, tree.left, left, right)
    found = conversion(text, tree.right, right, left)
    if found is not None or (tree.operator == "+" and left == STRING):
        return found
    return conversion(text, tree.left, left, right)


def conversion(text: str, tree: Tree, found: Type, wanted: Type, behind: str = "") -> str | None:
    """Return the help that turns a part into the wanted type, where there is such a way.

    `behind` are the words that follow what is converted.
    """
    words = text[tree.start : tree.end]
    if isinstance(tree, Constant):
        return _other_literal(words, tree, wanted)
    match found, wanted:
        case (_, Scalar("string")) if found in (*NUMBERS, BOOL, DATE):
            return f"convert it: `string({words}){behind}`"
        case Scalar("string"), Scalar("int" | "decimal" | "timestamp" | "bool" as name):
            return f"convert it: `{name}({words}){behind}`"
        case Scalar("timestamp"), Scalar("date"):
            return f"take its calendar date in a zone: `date({words}, zone){behind}`"
        case Scalar("decimal"), Scalar("int"):
            return f"cut off its places: `int({words}){behind}`"
        case _:
            return None


def _other_literal(words: str, tree: Constant, wanted: Type) -> str | None:
    """Return the help that writes a literal as one of the wanted type."""
    if wanted == STRING and isinstance(tree.value, int | Decimal):
        return f"put it in quotes: `'{words}'`"
    if isinstance(tree.value, str) and wanted in (INT, DECIMAL, BOOL):
        is_number = REFINEMENTS["decimal_text"].diagnostic(tree.value) is None
        is_bool = wanted == BOOL and tree.value in ("true", "false")
        if is_bool or (is_number and wanted in (INT, DECIMAL)):
            return f"write it without quotes: `{tree.value}`"
    return None


def written(name: str) -> str:
    """Return the name of a field as expressions have it behind a dot."""
    is_plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name not in NO_FIELDS
    return name if is_plain else "`{}`".format(name.replace("`", "``"))


def field_instead(text: str, tree: Index, fields: Collection[object]) -> str | None:
    """Return the help for a field of an object that is asked for as of a map: `order['a b']`."""
    if not isinstance(tree.index, Constant) or tree.index.value not in fields:
        return None
    operand = text[tree.operand.start : tree.operand.end]
    mark = ".?" if tree.is_optional else "."
    return f"write {as_code(f'{operand}{mark}{written(str(tree.index.value))}')}"


def longer_name(text: str, tree: Select, fields: Iterable[str]) -> str | None:
    """Return the name of a field, with signs in it, that is written there as it is."""
    rest = re.sub(r"\.\?", ".", text[tree.name_start :])
    found = [one for one in fields if one.startswith(tree.field) and rest.startswith(one)]
    return max(found, key=len, default=None)


def with_backquotes(text: str, tree: Select, name: str) -> str:
    """Return the help for such a name."""
    before = text[tree.start : tree.name_start]
    return f"a name with signs in it is in backquotes: {before}{written(name)}"


def left_out_with(text: str, tree: Tree, whole: Select | Index | Method | Macro) -> str | None:
    """Return what hangs on a value that may be missing, changed so that it is left out with it."""
    if isinstance(tree, Select) and not tree.is_optional:
        return f"{text[whole.start : tree.name_start]}?{text[tree.name_start : whole.end]}"
    if isinstance(whole, Index):
        return None
    operand = text[whole.start : whole.name_start].rstrip().removesuffix(".")
    rest = text[whole.name_start : whole.end]
    if isinstance(whole, Select):
        return f"{operand}.?{rest}"
    return f"{operand}.optMap(value, value.{rest})"


def left_out_as_argument(text: str, tree: Tree, whole: Call | Method) -> str | None:
    """Return a call changed so that it is left out with an argument that may be missing."""
    before, behind = text[whole.start : tree.start], text[tree.end : whole.end]
    words = f"{text[tree.start : tree.end]}.optMap(value, {before}value{behind})"
    return words if len(words) <= _SHORT and "\n" not in words else None


def in_other_form(text: str, tree: Call | Method, name: str) -> str | None:
    """Return how to write what was meant: as a method, as a function, or by another name."""
    words = _in_other_form(text, tree, name)
    if words is not None:
        return f"write `{words}`"
    meant = SYNONYMS.get(name.rpartition(".")[2])
    return None if meant is None else f"did you mean `{meant}`?"


def of_function(text: Text, tree: Call | Method, name: str) -> Fix | None:
    """Return the fix that writes what `in_other_form` says, where that is sure to be meant."""
    words = _in_other_form(text.value, tree, name)
    if words is not None:
        span = text.span(tree.start, tree.end)
        found = text.value[tree.start : tree.end]
        is_plain = isinstance(tree, Method) or _is_operand(tree.arguments[0])
        return fixes.replaced(span, found, words) if is_plain else None
    meant = _SAME.get(name, name)
    known = METHODS if isinstance(tree, Method) else CALLS
    if meant == name or meant not in known:
        return None
    return fixes.replaced(text.span(tree.name_start, tree.name_end), name, meant)


def _is_operand(tree: Tree) -> bool:
    """Whether a method can be called on a part without brackets around it."""
    return isinstance(tree, Constant | Name | Select | Index | Call | Method | Macro)


def _in_other_form(text: str, tree: Call | Method, name: str) -> str | None:
    words = [text[argument.start : argument.end] for argument in tree.arguments]
    if isinstance(tree, Method) and name in CALLS:
        operand = text[tree.operand.start : tree.operand.end]
        return f"{name}({', '.join([operand, *words])})"
    if isinstance(tree, Call) and name in {*METHODS, *FORM_NAMES} and words:
        return f"{words[0]}.{name}({', '.join(words[1:])})"
    return None


# Names of other languages for what is the same here, argument for argument.
_SAME: Mapping[str, str] = {
    name: meant
    for name, meant in SYNONYMS.items()
    if meant in ("size", "trim", "lowerAscii", "upperAscii", "contains", "string", "distinct")
    and name not in ("ltrim", "rtrim")
} | {"head": "first", "replaceAll": "replace", "nvl": "coalesce"}
