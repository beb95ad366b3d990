"""The function table: each row says what it does, and its examples prove it."""

from __future__ import annotations

import importlib
import re

import pytest

from mapgen.emit.python.expression_functions import (
    HOMES,
    NEVER_EMPTY,
    RUNTIME_FUNCTIONS,
    TEMPLATES,
)
from mapgen.emit.python.expression_templates import names_in
from mapgen.expression.functions import (
    FORMS,
    FUNCTIONS,
    REFUSED,
    SYNONYMS,
    Example,
    Form,
    Function,
    read_rows,
)

from .language import run

ROWS: tuple[Function | Form, ...] = (*FUNCTIONS, *FORMS)


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(example, id=f"{row.shown}: {example.expression}")
        for row in ROWS
        for example in row.examples
    ],
)
def test_example(example: Example) -> None:
    """An example gives the value that the table shows, through checker, emitter and Python."""
    value, expected = run(example.expression), run(example.gives)
    assert value == expected
    assert type(value) is type(expected)


def test_no_example_no_function() -> None:
    """A row without an example does not build."""
    with pytest.raises(ValueError, match="without an example does not build"):
        list(read_rows("int.half() -> int\nHalf of the number."))


def test_rows_differ() -> None:
    """No two rows have one signature."""
    shown = [row.shown for row in ROWS]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: str(row.shown))
def test_row(row: Function) -> None:
    """A row's sentence is one; its Python exists, and takes as many arguments as it says."""
    assert row.doc.endswith(".")
    key = row.signature.key
    if row.name == "convertUnit":  # becomes a product, or a quotient
        assert key not in TEMPLATES
        return
    for name in names_in(TEMPLATES[key]):
        assert hasattr(importlib.import_module(HOMES.get(name, RUNTIME_FUNCTIONS)), name)
    count = len(row.signature.parameters) + (row.signature.receiver is not None)
    asked = set(re.findall(r"\{(\d+|\*)(?::iterable)?\}", TEMPLATES[key]))
    assert asked == {"*"} or asked == set(map(str, range(count)))


def test_templates_are_known() -> None:
    """Every template is that of a function, or of one of the forms that work like functions."""
    functions = {row.signature.key for row in FUNCTIONS}
    forms = {"list[index]", "list[?index]", "map[key]", "map[?key]", "key in map"}
    assert set(TEMPLATES) - functions == forms | {"optional.value()", "of its kind(T?, name)"}
    assert functions >= NEVER_EMPTY


def test_synonyms_lead_somewhere() -> None:
    """A hint never names a function that is not there, nor one that was meant."""
    known = {row.name for row in ROWS}
    assert set(SYNONYMS.values()) <= known
    assert not set(REFUSED) & known
