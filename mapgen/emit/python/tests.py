"""The tests of a flow: each example, each reject, and what must hold for any damaged record."""

from __future__ import annotations

from mapgen.emit.python.formatting import LINE_LENGTH
from mapgen.emit.templates import render
from mapgen.escaping import python
from mapgen.ir.flow import Flow


def tests_file(flow: Flow) -> str:
    """Return the test module of a flow."""
    return render(
        "test_flow.py.jinja",
        flow=flow,
        rule_examples=_rule_examples(flow),
        block_examples=_block_examples(flow),
    )


def _rule_examples(flow: Flow) -> list[str]:
    return [
        _row(example.target, example.row, example.given, example.gives)
        for example in flow.rule_examples
        if example.block is None
    ]


def _block_examples(flow: Flow) -> list[str]:
    return [
        _row(f"#{example.block}", example.target, example.row, example.given, example.gives)
        for example in flow.rule_examples
        if example.block is not None
    ]


def _row(*values: str | None) -> str:
    """Return a tuple as it stands in a list, eight columns in; one that is long, value by value."""
    shown = [python(value) for value in values]
    row = f"        ({', '.join(shown)}),"
    if len(row) <= LINE_LENGTH:
        return row
    return "\n".join(("        (", *(f"            {value}," for value in shown), "        ),"))
