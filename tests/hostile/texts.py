"""Texts and names that would be code, orders or marks if anything took them for such."""

from __future__ import annotations

TEXTS = (
    'x": 1}); print("owned") #',
    '"""\nimport os\n"""',
    "'''\\",
    "\\",
    '"',
    "a\nimport os\n",
    "a\r\nb",
    "\u2028x\u2029y\x85",
    "{{ 7 * 7 }}{% raw %}{0}",
    "\u202eright to left\u2066",
    "\x1b[31mred\x07",
    "\\N{DASH}{x}'",
    "# type: ignore",
    "type: ignore",
    "fmt: off",
    "a | b `c` ``d`` <script>",
    "[x]: y",
    "__class__",
    "__init__",
    "None",
    "class",
    "self",
    "Struct",
    "StringValue",
    "UNSET",
    "settings",
    "document",
    "text",
    "found",
    "bind",
    "str",
    "decimal",
    "list(decimal)?",
    "注文番号",
    "товар",
    "שם",
    "😀",
    "ﬁeld",
    "a\u0301\u0301",
    "1st",
    "_id",
    "id",
    "ID",
    "%s%(x)s",
    "x" * 10_000,
    "_" * 40,
    " ",
)
_NAMES = """
    text found total rows required bind transform key value document settings lookups re credits
    license input exit zip id type str int list date decimal string mixed map class import def none
    true async match case lambda struct msgspec unset source a__b a_b x_ l o custom note holds equal
    same whole hit element field options copyright mapping callable documents lookup_value self cls
    print object
"""
NAMES = (*_NAMES.split(), "n" * 200)
