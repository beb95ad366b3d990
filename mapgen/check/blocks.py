"""Lists put together from blocks: the blocks in, checked ones out, and the type of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from mapgen.check import model as checked
from mapgen.check.formulas import Formulas, described, reads_of, row_binding
from mapgen.expression import types
from mapgen.expression.scope import Binding, Scope
from mapgen.expression.tree import ListTree
from mapgen.expression.typed import Typed
from mapgen.expression.types import Object, Type, join, present
from mapgen.report import Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue.expression import constant_condition
from mapgen.spec import model as spec


class BlockRules(Struct, frozen=True):
    """Checks the blocks of one list.

    `part` checks the rules of a block; the span is where what they lack is reported. `named` puts
    the name of a row into force.
    """

    formulas: Formulas
    part: Callable[[spec.Part, Scope, Span], checked.CheckedPart | None]
    named: Callable[[Text, Binding, Scope], Scope]

    def blocks(self, kind: spec.Blocks, scope: Scope) -> tuple[checked.CheckedBlock, ...] | None:
        """Return the blocks, or None when one of them has faults."""
        found = [self._block(block, scope) for block in kind.blocks]
        known = tuple(block for block in found if block is not None)
        if len(known) < len(found):
            return None
        return known if self._go_together(known) else None

    def _block(self, block: spec.Block, scope: Scope) -> checked.CheckedBlock | None:
        source, inner = None, scope
        if block.source is not None and block.alias is not None:
            source = source_list(self.formulas, block.source, scope)
            if source is None:
                self.formulas.doubt((block.alias, block.condition))
                self._doubt_rules(block.part)
                return None
            inner = self.named(block.alias, row_binding(source), scope)
        condition = self._condition(block, inner)
        part = self.part(block.part, inner, block.span)
        if part is None or (block.condition is not None and condition is None):
            return None
        alias = block.alias.value if block.alias else None
        reads = reads_of(source, condition)
        return checked.CheckedBlock(source, alias, condition, part, reads, block.pointer)

    def _doubt_rules(self, part: spec.Part) -> None:
        for rule in part.rules:
            self.formulas.doubt(rule)

    def _condition(self, block: spec.Block, scope: Scope) -> Typed | None:
        if block.condition is None:
            return None
        what = "`when`" if block.source is None else "`where`"
        typed = self.formulas.condition(block.condition, scope, what)
        if typed is not None and typed.is_constant:
            self.formulas.faults.append(constant_condition(block.condition.span()))
            return None
        return typed

    def _go_together(self, blocks: Sequence[checked.CheckedBlock]) -> bool:
        """Report fields whose values in two blocks are of types that nothing has in common."""
        before = len(self.formulas.faults)
        seen: dict[str, tuple[Type, Text]] = {}
        for rule in (rule for block in blocks for rule in _values(block.part)):
            kind, target = value_in_document(rule), rule.rule.target
            first, where = seen.setdefault(rule.target, (kind, target))
            both = join(first, kind)
            if both is None:
                fault = messages.blocks_differ(
                    target, found=described(kind), first=where, before=described(first)
                )
                self.formulas.faults.append(fault)
            else:
                seen[rule.target] = (both, where)
        return len(self.formulas.faults) == before


def source_list(formulas: Formulas, text: Text, scope: Scope) -> Typed | None:
    """Return the list that rows are made of, or None when it has faults (which are noted)."""
    source = formulas.formula(text, scope)
    if source is None or present(source.type) == types.ERROR:
        return None
    if not isinstance(present(source.type), types.ListOf):
        fault = messages.not_of_type(
            text.span(), what="what `each` goes over", wanted="a list", found=described(source.type)
        )
        formulas.faults.append(fault)
        return None
    if isinstance(source.tree, ListTree) and not source.tree.elements:
        formulas.faults.append(messages.never_a_row(text.span()))
        return None
    return source


def value_in_document(rule: checked.CheckedRule) -> Type:
    """Return the type that the value of a rule has for the checks over the document."""
    kind = types.present(rule.type)
    if rule.field.allowed.is_text:
        return types.ListOf(types.STRING) if rule.field.is_list else types.STRING
    if kind == types.INT and rule.field.value_type in ("decimal", "double"):
        return types.DECIMAL
    return kind


def row_type(rows: Sequence[Object]) -> Object:
    """Return the type of the rows of all blocks: what one of them lacks, may be missing."""
    first, *others = rows
    fields = dict(first.fields)
    for row in others:
        for name in dict.fromkeys((*fields, *row.fields)):
            mine, other = fields.get(name), row.fields.get(name)
            fields[name] = types.optional(mine or other or types.ERROR)
            if mine is not None and other is not None:
                fields[name] = _both(mine, other)
    return Object(first.name, fields)


def _both(mine: Type, other: Type) -> Type:
    match present(mine), present(other):
        case Object() as one, Object() as two:
            found: Type = row_type((one, two))
        case types.ListOf(Object() as one), types.ListOf(Object() as two):
            found = types.ListOf(row_type((one, two)))
        case one, two:
            found = join(one, two) or types.ERROR
    is_sure = present(mine) is mine and present(other) is other
    return found if is_sure else types.optional(found)


def _values(part: checked.CheckedPart) -> Iterator[checked.CheckedRule]:
    """Yield the rules for single values of a part and of those inside it."""
    yield from part.custom
    for member in part.members:
        if isinstance(member, checked.CheckedRule):
            yield member
        else:
            for inner in checked.parts_of(member):
                yield from _values(inner)
