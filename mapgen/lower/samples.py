"""The examples and rejects of a spec, read: JSON text that tests can use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec import Struct

from mapgen.check import model as checked
from mapgen.expression import Typed
from mapgen.ir import flow as ir
from mapgen.spec.data import json_of
from mapgen.spec.nodes import Node


class Samples(Struct, frozen=True):
    """All examples of one flow, and the settings that they hold for, as text."""

    examples: tuple[ir.FlowExample, ...]
    rejects: tuple[ir.FlowReject, ...]
    settings: tuple[tuple[str, str], ...]


def rule_examples(
    part: checked.CheckedPart, row: str = "", block: str | None = None
) -> Iterator[ir.RuleExample]:
    """Yield the examples and rejects that stand with single rules.

    Args:
        part: the rules.
        row: the path, below the record, of the row that they read.
        block: the pointer of the block of rows that they make.
    """
    notes = () if part.note is None else (part.note,)
    for member in (*part.members, *part.custom, *notes):
        match member:
            case checked.CheckedRule(target=target, rule=rule):
                for example in rule.modifiers.examples:
                    gives = _shortest(json_of(example.gives))
                    yield ir.RuleExample(target, row, _changes(example.given), gives, block)
                for reject in rule.modifiers.rejects:
                    yield ir.RuleExample(target, row, _changes(reject.given), None, block)
            case checked.CheckedBlocks(blocks=blocks):
                for one in blocks:
                    path = row if one.source is None else _row_path(one.reads)
                    yield from rule_examples(one.part, path, one.pointer)
            case checked.CheckedEach() | checked.CheckedObject(source=Typed()):
                yield from rule_examples(member.part, _row_path(member.reads), block)
            case checked.CheckedObject():
                yield from rule_examples(member.part, row, block)


def _row_path(reads: tuple[str, ...]) -> str:
    return reads[0].partition(".")[2] if reads else ""


def _shortest(text: str) -> str:
    """Return JSON text with a number in its shortest form: `1.2500` is `1.25`."""
    if not text[:1].isdigit() and text[:1] != "-":
        return text
    return format(Decimal(text).normalize(), "f")


def path_of_rows(rows: checked.CheckedRows | None) -> str:
    """Return the path, below the record, of the rows that documents are made of; or nothing."""
    return rows.reads[0].partition(".")[2] if rows is not None and rows.reads else ""


def _changes(given: Mapping[str, Node]) -> str:
    members = (f"{json.dumps(name)}: {json_of(node)}" for name, node in given.items())
    return "{" + ", ".join(members) + "}"
