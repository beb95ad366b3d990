"""The function table: each row says what it does, and its examples prove it."""

from __future__ import annotations

import importlib

import pytest
from msgspec.structs import replace

from mapgen.emit.python.expression_needs import module_of
from mapgen.emit.python.expression_templates import read_template
from mapgen.expression.functions import FORMS, FUNCTIONS, REFUSED, SYNONYMS, Form
from mapgen.expression.refinements import REFINEMENTS
from mapgen.expression.rows import Example, Function
from mapgen.expression.signature import REFINED

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
        replace(FUNCTIONS[0], examples=())


def test_rows_differ() -> None:
    """No two rows have one signature."""
    shown = [row.shown for row in ROWS]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("row", FUNCTIONS, ids=lambda row: str(row.shown))
def test_row(row: Function) -> None:
    """A row's sentence is one, its Python exists, and it takes as many arguments as it says."""
    assert row.says.endswith(".")
    template = read_template(row.python)
    for name in template.functions:
        assert callable(getattr(importlib.import_module(module_of(name)), name))
    for module, name in template.standard:
        assert hasattr(importlib.import_module(module), name)
    count = len(row.signature.parameters) + (row.signature.receiver is not None)
    asked = {hole.argument for hole in template.holes}
    assert asked == {None} or asked == set(range(count))


def test_refinements_are_known() -> None:
    """Every kind of examined argument has an examination."""
    assert set(REFINED) == set(REFINEMENTS)


def test_synonyms_lead_somewhere() -> None:
    """A hint never names a function that is not there, nor one that was meant."""
    known = {row.name for row in ROWS}
    assert set(SYNONYMS.values()) <= known
    assert not set(REFUSED) & known
