"""What is said of lists of rows: where their rows come from, and whether one to one."""

from __future__ import annotations

from mapgen.ir import expression as ir
from mapgen.ir.flow import Block, Rows


def block_comment(item: Rows, block: Block) -> str:
    """Return the comment over the statement that makes the rows of a block."""
    if block.alias is not None:
        names = [block.alias, *(one.alias for one in reversed(block.around))]
        return f"{item.target}: one row for each {' of each '.join(names)}"
    return f"{item.target}: one row" + (", perhaps" if block.where is not None else "")


def is_one_to_one(item: Rows) -> bool:
    """Tell whether each row of the document is the row of the same number in the source."""
    first, *others = item.blocks
    if others or first.source is None or first.where is not None or first.around:
        return False
    return _is_plain(first.source)


def _is_plain(source: ir.Expression) -> bool:
    """Tell whether a list is in the record as it is: its rows have their numbers there."""
    match source:
        case ir.Field(operand=operand):
            return isinstance(operand, ir.Variable | ir.Local) or _is_plain(operand)
        case ir.WhenPresent(operand=operand, value=value):
            return (isinstance(operand, ir.Variable) or _is_plain(operand)) and _is_plain(value)
        case _:
            return False
