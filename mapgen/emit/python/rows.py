"""What is said of lists of rows: where their rows come from, and whether one to one."""

from __future__ import annotations

from mapgen.ir import expression as ir
from mapgen.ir.flow import Block, BlocksPart


def block_comment(item: BlocksPart, block: Block) -> str:
    """Return the comment over the statement that makes the rows of a block."""
    if block.alias is not None:
        return f"{item.target}: one row for each {block.alias}"
    return f"{item.target}: one row" + (", perhaps" if block.condition is not None else "")


def is_plain(source: ir.Expression) -> bool:
    """Tell whether a list stands in the record as it is: its rows have their numbers there."""
    match source:
        case ir.Field(operand=operand):
            return isinstance(operand, ir.Variable | ir.Local) or is_plain(operand)
        case ir.WhenPresent(operand=operand, value=value):
            return (isinstance(operand, ir.Variable) or is_plain(operand)) and is_plain(value)
        case _:
            return False
