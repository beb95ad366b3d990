"""The tests of a flow: each example, each reject, and what must hold for any damaged record."""

from __future__ import annotations

from mapgen.emit.python.formatting import LINE_LENGTH
from mapgen.emit.templates import render
from mapgen.escaping import python
from mapgen.ir.flow import Flow


def tests_file(flow: Flow) -> str:
    """Return the test module of a flow."""
    examples, of_blocks = list[str](), list[str]()
    for one in flow.rule_examples:
        values = (one.target, one.row, one.given, one.gives)
        if one.block is None:
            examples.append(_row(*values))
        else:
            of_blocks.append(_row(f"#{one.block}", *values))
    return render("test_flow.py.jinja", flow=flow, rule_examples=examples, block_examples=of_blocks)


def _row(*values: str | None) -> str:
    """Return a tuple as it is in a list, eight columns in; one that is long, value by value."""
    shown = [python(value) for value in values]
    row = f"        ({', '.join(shown)}),"
    if len(row) <= LINE_LENGTH:
        return row
    return "\n".join(("        (", *(f"            {value}," for value in shown), "        ),"))
