"""Expressions in, the same without what is decided before any record comes.

A condition is decided where it is a constant, and where an earlier one has told: a flow whose
records with a rank are skipped never asks for the rank again. Generated code has no dead branch,
and a type checker that narrows types finds none either. A step that may fail is never taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import is_
from typing import Any, TypeVar, cast

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.ir import expression as ir
from mapgen.ir import flow
from mapgen.ir.building import concatenated, empty, equality, is_bare, negated
from mapgen.ir.rewriting import rewritten
from mapgen.ir.types import BOOL, DECIMAL, ERROR, ListOf
from mapgen.ir.walk import HOLDS_NODES, nodes

Node = TypeVar("Node")
Element = TypeVar("Element", ir.Element, ir.Entry)
# A name, and the members below it.
Path = tuple[str, ...]
TRUE, FALSE = ir.Constant(True, BOOL), ir.Constant(False, BOOL)


def decided_flow(whole: flow.Flow) -> flow.Flow:
    """Return a flow in which nothing is asked that its constants and its skips have decided."""
    every = frozenset(range(1, len(whole.skips) + 1))
    found = _reported(whole, every)
    relying: dict[str, list[int]] = {}
    for skip in sorted(every):
        for pointer in sorted(_relying(whole, found, skip, every)):
            relying.setdefault(pointer, []).append(skip)
    pairs = tuple((pointer, tuple(skips)) for pointer, skips in relying.items())
    return replace(found, relying=pairs)


def _reported(whole: flow.Flow, telling: frozenset[int]) -> flow.Flow:
    """Return a flow in which nothing is asked that its constants and some skips have decided."""
    known = Known()
    skips = []
    for number, skip in enumerate(whole.skips, start=1):
        skips.append(known.decided(skip))
        if number in telling:
            known = known.reported_by(skips[-1].when, holds=False)
    found = replace(whole, skips=tuple(skips))
    ahead, known = found.lets_ahead, known.lasting()
    return replace(
        found,
        lets=tuple((Known() if let in ahead else known).decided(let) for let in whole.lets),
        key=Known().decided(whole.key),
        documents=known.decided(whole.documents),
    )


def _relying(whole: flow.Flow, found: flow.Flow, skip: int, every: frozenset[int]) -> set[str]:
    """Return the pointers of the rules that differ where a skip fails, and what relies on it."""
    failed = frozenset[int]()
    more = frozenset({skip})
    while more - failed:
        failed |= more
        before = _reported(whole, every - failed)
        pairs = enumerate(zip(before.skips, found.skips, strict=True), start=1)
        more = frozenset(number for number, (one, other) in pairs if one != other)
    return {
        pointer
        for one, other in (
            (before.skips, found.skips),
            (before.lets, found.lets),
            (before.documents, found.documents),
        )
        for pointer in _changed(one, other, "")
    }


def _changed(before: object, after: object, pointer: str) -> Iterator[str]:
    """Yield the pointers of the rules that are not the same, below what a pointer leads to."""
    if before == after:
        return
    match before, after:
        case tuple(), tuple():
            for one, other in zip(before, after, strict=True):
                yield from _changed(one, other, pointer)
        case flow.Document() | flow.Part() | flow.Rows() | flow.Block() | flow.CustomField(), _:
            inner = getattr(before, "pointer", pointer)
            for name in before.__struct_fields__:
                yield from _changed(getattr(before, name), getattr(after, name), inner)
            if isinstance(before, flow.Block):
                # The rows of one block among several are a statement of their own.
                reported = cast(flow.Block, after)
                asked = (before.source, before.where)
                yield from _changed(asked, (reported.source, reported.where), before.part.pointer)
        case (flow.Field() | flow.Check() | flow.Let() | flow.Skip()), _:
            yield before.pointer
        case _:
            yield pointer


class Known(Struct, frozen=True):
    """What is known of a record at some place.

    `present` says of paths whether something is there, `flags` of paths that it is true or false,
    `conditions` whether others hold. `locals` are the paths of the values that have a name.
    """

    present: Mapping[Path, bool] = field(default_factory=dict)
    flags: Mapping[Path, bool] = field(default_factory=dict)
    conditions: Mapping[ir.Expression, bool] = field(default_factory=dict)
    locals: Mapping[int, Path] = field(default_factory=dict)

    # What conditions tell

    def reported_by(self, condition: ir.Expression, *, holds: bool) -> Known:
        """Return what is known where a condition holds, or does not."""
        match condition:
            case ir.Not(operand=operand):
                return self.reported_by(operand, holds=not holds)
            case ir.Both(parts=parts) if holds:
                return self._reported_by_all(parts, holds=True)
            case ir.Either(parts=parts) if not holds:
                return self._reported_by_all(parts, holds=False)
            case ir.IsPresent(operand=operand):
                return self._reported_of(operand, is_there=holds)
            case ir.Constant():
                return self
        found = self
        if isinstance(condition, ir.OrElse) and holds and condition.other == FALSE:
            found = self._reported_of(condition.operand, is_there=True)
        path = self._path(condition)
        if path is not None:
            return replace(found, flags={**found.flags, path: holds})
        return replace(found, conditions={**found.conditions, condition: holds})

    def _reported_by_all(self, parts: Iterable[ir.Expression], *, holds: bool) -> Known:
        found = self
        for part in parts:
            found = found.reported_by(part, holds=holds)
        return found

    def _reported_of(self, operand: ir.Expression, *, is_there: bool) -> Known:
        """Return what is known where a value is there, or is not.

        Of one that is there, all that leads to it is, too. Of one that is not, the only step that
        is in doubt is missing.
        """
        steps = list(self._steps(operand))
        if not is_there:
            steps = [one for one in steps if not self.present.get(one)]
            if len(steps) != 1 or self._path(operand) is None:
                return self
        return replace(self, present={**self.present, **dict.fromkeys(steps, is_there)})

    def _steps(self, operand: ir.Expression) -> Iterator[Path]:
        """Yield the paths of all that has to be there for a value, the value's own last."""
        inner = self
        while isinstance(operand, ir.WhenPresent):
            yield from inner._steps(operand.operand)
            inner, operand = inner.naming(operand.local, operand.operand), operand.value
        path = inner._path(operand)
        if path is not None and ir.is_optional(operand):
            yield path

    def _path(self, node: ir.Expression) -> Path | None:
        match node:
            case ir.Variable(name=name):
                return (name,)
            case ir.Local(number=number):
                return self.locals.get(number, (f"#{number}",))
            case ir.Field(operand=operand, key=key):
                above = self._path(operand)
                return None if above is None else (*above, key)
            case ir.WhenPresent(operand=operand, local=local, value=value):
                return self.naming(local, operand)._path(value)
            case _:
                return None

    def naming(self, local: ir.Local, value: ir.Expression) -> Known:
        """Return what is known where a local stands for a value."""
        path = self._path(value)
        return self if path is None else replace(self, locals={**self.locals, local.number: path})

    def lasting(self) -> Known:
        """Return what is known outside the expression, too: of nothing that has a name in it."""
        return Known(
            {path: there for path, there in self.present.items() if path[0][0] != "#"},
            {path: flag for path, flag in self.flags.items() if path[0][0] != "#"},
            {
                condition: holds
                for condition, holds in self.conditions.items()
                if not any(isinstance(one, ir.Local) for one in nodes(condition))
            },
        )

    # What is decided by them

    def decided(self, node: Node) -> Node:
        """Return a node, or a tuple of some, with what is decided in it."""
        found: Any = node
        if isinstance(found, tuple):
            parts = [self.decided(part) if HOLDS_NODES[type(part)] else part for part in found]
            found = found if all(map(is_, parts, found)) else tuple(parts)
        elif HOLDS_NODES[type(found)]:
            known = self._known_value(found)
            found = self._inside(found) if known is None else known
        return cast(Node, found)

    def _known_value(self, node: ir.Expression) -> ir.Constant | None:
        if not isinstance(node, _EXPRESSIONS):
            return None
        if self.conditions and node.type == BOOL and node in self.conditions:
            return ir.Constant(self.conditions[node], BOOL)
        path = self._path(node) if self.present or self.flags else None
        if path is None:
            return None
        if ir.is_optional(node):
            is_missing = any(self.present.get(one) is False for one in self._steps(node))
            return ir.Constant(None, node.type) if is_missing else None
        return ir.Constant(self.flags[path], BOOL) if path in self.flags else None

    def _inside(self, node: Struct) -> Struct:
        own = _OWN.get(type(node))
        return _simple(self._members(node)) if own is None else own(self, node)

    def _members(self, node: Struct) -> Struct:
        changed = {}
        for name in node.__struct_fields__:
            before = getattr(node, name)
            if HOLDS_NODES[type(before)]:
                after = self.decided(before)
                if after is not before:
                    changed[name] = after
        return replace(node, **changed) if changed else node

    def _conditional(self, node: ir.Conditional) -> ir.Expression:
        condition = self.decided(node.condition)
        if isinstance(condition, ir.Constant):
            return self.decided(node.then if condition.value else node.otherwise)
        then = self.reported_by(condition, holds=True).decided(node.then)
        otherwise = self.reported_by(condition, holds=False).decided(node.otherwise)
        if then == otherwise and is_sure(condition):
            return then
        return replace(node, condition=condition, then=then, otherwise=otherwise)

    def _logic(self, parts: tuple[ir.Expression, ...], *, until: bool) -> ir.Expression:
        """Return conditions that are asked until one is as it says."""
        end = ir.Constant(until, BOOL)
        asked: list[ir.Expression] = []
        known = self
        for part in parts:
            found = known.decided(part)
            if found == end:
                if all(map(is_sure, asked)):
                    return end
                asked.append(found)
                break
            if not isinstance(found, ir.Constant):
                asked.append(found)
                known = known.reported_by(found, holds=not until)
        if len(asked) < 2:
            return asked[0] if asked else ir.Constant(not until, BOOL)
        return ir.Either(tuple(asked)) if until else ir.Both(tuple(asked))

    def _when_present(self, node: ir.WhenPresent) -> ir.Expression:
        operand = self.decided(node.operand)
        match operand:
            case ir.Constant(value=None):
                return ir.Constant(None, node.type)
            case ir.Constant():
                return self.decided(_named(node.value, node.local, operand))
        known = self._reported_of(operand, is_there=True).naming(node.local, operand)
        value = known.decided(node.value)
        if is_sure(operand):
            if ir.is_nothing(value):
                return ir.Constant(None, node.type)
            if not ir.is_optional(operand) and node.local.number not in _locals(value):
                return value
        return replace(node, operand=operand, value=value)

    def _or_else(self, node: ir.OrElse) -> ir.Expression:
        operand = self.decided(node.operand)
        if ir.is_nothing(operand):
            return self.decided(node.other)
        if not ir.is_optional(operand):
            return operand
        other = self._reported_of(operand, is_there=False).decided(node.other)
        return replace(node, operand=operand, other=other)

    def _bound(self, node: ir.Bound) -> ir.Expression:
        operand = self.decided(node.operand)
        if isinstance(operand, ir.Constant):
            return self.decided(_named(node.value, node.local, operand))
        value = self.naming(node.local, operand).decided(node.value)
        if is_sure(operand) and node.local.number not in _locals(value):
            return value
        return replace(node, operand=operand, value=value)

    def _loop(self, node: ir.Loop) -> ir.Expression:
        over, known, condition = self.decided(node.over), self, None
        if node.condition is not None:
            condition = self.decided(node.condition)
            known = self.reported_by(condition, holds=True)
        if is_bare(over) or (condition == FALSE and is_sure(over)):
            return empty(node.kind, node.type)
        condition = None if condition == TRUE else condition
        value = known.decided(node.value)
        return replace(node, over=over, condition=condition, value=value)


_EXPRESSIONS = (
    ir.Variable,
    ir.Local,
    ir.Field,
    ir.WhenPresent,
    ir.OrElse,
    ir.Operation,
    ir.Call,
    ir.Loop,
    ir.Conditional,
)


def is_sure(node: ir.Expression) -> bool:
    """Tell whether a value can be evaluated whatever the record holds."""
    return all(isinstance(one, _SURE) or _is_comparison(one) or is_read(one) for one in nodes(node))


_SURE = (
    ir.Constant,
    ir.Variable,
    ir.Local,
    ir.Field,
    ir.Not,
    ir.Both,
    ir.Either,
    ir.Conditional,
    ir.IsPresent,
    ir.OrElse,
    ir.WhenPresent,
    ir.Bound,
    ir.Element,
    ir.Items,
    ir.Concatenation,
)


# The functions that give their argument, and those that read a text.
_SAME = frozenset({f"{kind}({kind})" for kind in ("bool", "date", "decimal", "duration", "int")})
_SAME |= {"string(string)", "timestamp(timestamp)", "math.greatest(N)", "math.least(N)"}
_READING = frozenset({f"{kind}({kind}_text)" for kind in ("date", "duration", "timestamp")})


def is_read(node: Struct) -> bool:
    """Tell whether a text is read that is known, and can be."""
    return isinstance(node, ir.Call) and node.function in _READING and not node.is_fallible


_OWN: Mapping[type, Callable[[Known, Any], ir.Expression]] = {
    ir.Conditional: Known._conditional,
    ir.Both: lambda known, node: known._logic(node.parts, until=False),
    ir.Either: lambda known, node: known._logic(node.parts, until=True),
    ir.WhenPresent: Known._when_present,
    ir.OrElse: Known._or_else,
    ir.Bound: Known._bound,
    ir.Loop: Known._loop,
}
"""How a node is decided that says where or whether its operands are asked."""


def _is_comparison(node: Struct) -> bool:
    return isinstance(node, ir.Operation) and node.type == BOOL


def _simple(node: Struct) -> Struct:
    """Return what a node comes to whose operands are decided."""
    match node:
        case ir.Not(operand=operand):
            return negated(operand)
        case ir.IsPresent(operand=ir.Constant(value=value)):
            return ir.Constant(value is not None, BOOL)
        case ir.IsPresent(operand=operand) if not ir.is_optional(operand):
            return TRUE
        case ir.Operation(operator="==" | "!=" as operator, left=left, right=right):
            return equality(left, right, is_equal=operator == "==")
        case ir.Call(function=function, arguments=(only,)) if function in _SAME:
            return only
        case ir.Call(function="list + list", arguments=parts, type=kind) if all(
            map(is_bare, parts)
        ):
            return ir.Items((), kind)
        case ir.Widened(operand=ir.Constant(value=value)):
            return ir.Constant(str(value), DECIMAL)
        case ir.Concatenation(parts=parts):
            return concatenated(*parts)
        case ir.Items(elements=elements):
            return replace(node, elements=tuple(_elements(elements)))
        case ir.Entries(entries=entries):
            return replace(node, entries=tuple(_elements(entries)))
        case flow.Rows(blocks=blocks) if node.is_list:
            return replace(node, blocks=tuple(map(_of_a_list, blocks)))
        case flow.Document(block=block):
            return replace(node, block=_of_a_list(block))
        case _:
            return node


def _of_a_list(block: flow.Block) -> flow.Block:
    """Return a block of rows; of a list that is never there, one without any row."""
    if block.source is None or not ir.is_nothing(block.source):
        return block
    return replace(block, source=ir.Items((), ListOf(ERROR)))


def _elements(elements: Iterable[Element]) -> Iterator[Element]:
    """Yield the elements that may be there."""
    for one in elements:
        is_lacking = one.is_optional and ir.is_nothing(one.value)
        if not is_lacking or (isinstance(one, ir.Entry) and not is_sure(one.key)):
            yield replace(one, is_optional=one.is_optional and ir.is_optional(one.value))


def _locals(node: object) -> set[int]:
    return {one.number for one in nodes(node) if isinstance(one, ir.Local)}


def _named(value: ir.Expression, local: ir.Local, constant: ir.Constant) -> ir.Expression:
    """Return a value with a constant in place of a local."""

    return rewritten(value, lambda node: constant if ir.is_local(node, local) else node)
