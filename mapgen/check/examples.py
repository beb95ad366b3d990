"""Examples and rejects that are with single rules, as JSON text that tests can use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from mapgen.ir import flow as ir
from mapgen.spec import model as spec
from mapgen.spec.data import json_of
from mapgen.spec.nodes import Node


def rule_examples(
    block: ir.Block, rules: Mapping[str, spec.Rule], around: str = "", pointer: str | None = None
) -> Iterator[ir.RuleExample]:
    """Yield the examples and rejects of the rules of a block.

    Args:
        block: what the rules make.
        rules: those that are written, by their pointers.
        around: the path, below the record, of the row around the block.
        pointer: that of the block, where it is one of several.
    """
    row = around if block.source is None else _row_path(block.reads)
    for member in (*block.part.members, *block.part.others):
        if isinstance(member, ir.Rows):
            is_one = len(member.blocks) == 1
            for inner in member.blocks:
                below = pointer if is_one else inner.part.pointer
                yield from rule_examples(inner, rules, row, below)
        elif member.pointer in rules:
            said = rules[member.pointer].modifiers
            for example in said.examples:
                gives = _shortest(json_of(example.gives))
                yield ir.RuleExample(member.target, row, _changes(example.given), gives, pointer)
            for reject in said.rejects:
                yield ir.RuleExample(member.target, row, _changes(reject.given), None, pointer)


def _row_path(reads: tuple[str, ...]) -> str:
    return reads[0].partition(".")[2] if reads else ""


def _shortest(text: str) -> str:
    """Return JSON text with a number in its shortest form: `1.2500` is `1.25`."""
    if not text[:1].isdigit() and text[:1] != "-":
        return text
    return format(Decimal(text).normalize(), "f")


def _changes(given: Mapping[str, Node]) -> str:
    members = (f"{json.dumps(name)}: {json_of(node)}" for name, node in given.items())
    return "{" + ", ".join(members) + "}"
