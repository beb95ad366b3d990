"""What parts are made for: each row of a list, an object, or once; and the names in force there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mapgen.check.formulas import Formulas, described, reads_of, row_binding
from mapgen.check.model import RESERVED
from mapgen.check.parts import has_rules_beside, is_argument, used_at
from mapgen.check.written import written_block
from mapgen.contract.model import Field
from mapgen.expression import compile_expression
from mapgen.expression.fixes import written
from mapgen.expression.narrowing import facts, met
from mapgen.expression.scope import Binding, Path, Scope
from mapgen.expression.tree import ListTree
from mapgen.expression.typed import Typed
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.expression import Items, OrElse, Variable
from mapgen.ir.rewriting import variables
from mapgen.ir.types import Object, Optional, Type, join, present
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue.expression import constant_condition
from mapgen.spec import model as spec


class Opened(Struct, frozen=True):
    """A block whose source and condition are right, with the names in force inside."""

    written: spec.Block
    source: Typed | None
    where: Typed | None
    scope: Scope
    alias: str | None = None
    lets: tuple[ir.Let, ...] = ()
    taken: tuple[ir.Taken, ...] = ()
    around: tuple[ir.Around, ...] = ()
    around_reads: tuple[str, ...] = ()

    def block(self, part: ir.Part) -> ir.Block:
        """Return the block that makes a part."""
        source = self.source
        return ir.Block(
            source=None if source is None else source.code,
            alias=self.alias,
            of=None if source is None else row_binding(source).type,
            where=None if self.where is None else self.where.code,
            part=part,
            reads=tuple(dict.fromkeys((*reads_of(source, self.where), *self.around_reads))),
            written=written_block(self.written),
            taken=tuple(one for one in self.taken if one.name in variables(part)),
            around=self.around,
        )


def opened(
    formulas: Formulas, block: spec.Block, scope: Scope, *, is_list: bool = True
) -> Opened | None:
    """Return a block with the names inside it, or None when its source or condition has errors."""
    source, inner, where, alias = None, scope, None, None
    taken: tuple[ir.Taken, ...] = ()
    around = _around(formulas, block, scope)
    if around is None:
        return None
    if block.narrows and block.condition is not None:
        where = formulas.condition(block.condition, scope, "`when`")
        if where is None:
            formulas.doubt((block.source, block.lets, *block.part.rules))
            return None
        held = facts(where.tree).held
        scope = replace(scope, values=met(scope.values, held.values))
        inner, taken = _taking(scope, held.present)
        scope = replace(scope, present=held.present)
    if around.lists:
        scope = inner = around.scope
    if block.source is not None and block.alias is not None:
        source = _source(formulas, block.source, scope, is_list=is_list)
        if source is None:
            formulas.doubt((block.alias, block.condition, block.lets, *block.part.rules))
            return None
        source = _never_missing(source) if around.lists else source
        alias = _alias(formulas, block, block.alias, inner)
        binding = row_binding(source)
        if alias != block.alias.value:
            binding = replace(binding, argument=Variable(alias, binding.type))
        inner = inner.with_(block.alias.value, binding)
    if block.condition is not None and not block.narrows:
        what = "`when`" if block.source is None else "`where`"
        where = formulas.condition(block.condition, inner, what)
        if where is not None:
            inner = replace(inner, values=met(inner.values, facts(where.tree).held.values))
    lets, inner = named(block.lets, formulas, inner, is_inside=True)
    return Opened(block, source, where, inner, alias, lets, taken, around.lists, around.reads)


class _Around(Struct, frozen=True):
    """The lists around the one whose rows are taken, and the names in force inside them."""

    lists: tuple[ir.Around, ...]
    reads: tuple[str, ...]
    scope: Scope


def _around(formulas: Formulas, block: spec.Block, scope: Scope) -> _Around | None:
    """Return the lists around the one of a block, None when one has errors."""
    lists, reads = [], dict[str, None]()
    for one in block.around:
        assert one.name is not None
        found = _source(formulas, one.source, scope, is_list=True)
        if found is None:
            formulas.doubt((block.source, block.condition, block.lets, *block.part.rules))
            return None
        if one.name.value in scope.bindings or one.name.value in RESERVED:
            formulas.diagnostics.append(messages.name_taken(one.name))
        source = _never_missing(found)
        binding = row_binding(source)
        name = one.name.value
        alias = scope.free_name(name) if name in scope.behind else name
        if alias != name:
            binding = replace(binding, argument=Variable(alias, binding.type))
        scope = scope.with_(name, binding)
        lists.append(ir.Around(source.code, alias, binding.type, one.source.value))
        reads |= dict.fromkeys(source.reads)
    return _Around(tuple(lists), tuple(reads), scope)


def _never_missing(source: Typed) -> Typed:
    """Return a list that has no rows where it is missing."""
    kind = present(source.type)
    if kind is source.type:
        return source
    return replace(source, type=kind, code=OrElse(source.code, Items((), kind), kind))


def _alias(formulas: Formulas, block: spec.Block, name: Text, scope: Scope) -> str:
    """Return what a row or an object is called in the ir; a name that is taken is reported."""
    is_taken = name.value in scope.bindings or name.value in RESERVED
    if not is_argument(block):
        if is_taken:
            formulas.diagnostics.append(messages.name_taken(name))
        return scope.free_name(name.value) if name.value in scope.behind else name.value
    is_other = block.source is not None and block.source.value.strip() != name.value
    if is_taken and is_other and has_rules_beside(block.part):
        formulas.diagnostics.append(messages.name_taken(used_at(block), it=name.value))
    return scope.free_name(name.value)


def _taking(scope: Scope, held: frozenset[Path]) -> tuple[Scope, tuple[ir.Taken, ...]]:
    """Return the names inside a part where some paths are there, and the values behind them."""
    inner, taken = scope, []
    for path in sorted(held, key=len):
        words = Text.plain(".".join([path[0], *map(written, path[1:])]))
        before = compile_expression(words, replace(scope, present=held - {path}), [])
        sure = compile_expression(words, replace(scope, present=held), [])
        if before is None or sure is None or not isinstance(before.type, Optional):
            continue
        origins = replace(sure.lineage.value, decided_by=())
        inner = inner.taking(path, Binding(sure.type, origins))
        taken.append(ir.Taken(inner.taken[path], sure.code, sure.type))
    return inner, tuple(taken)


def named(
    lets: Iterable[spec.Let], formulas: Formulas, scope: Scope, *, is_inside: bool = False
) -> tuple[tuple[ir.Let, ...], Scope]:
    """Return named values, and the names in force behind them."""
    found = []
    for let in lets:
        name = let.name.value
        is_taken = name in scope.bindings or (is_inside and name in RESERVED)
        if is_taken and (is_inside or name not in RESERVED):
            formulas.diagnostics.append(messages.name_taken(let.name))
        typed = formulas.whole(let.expression, scope)
        if typed is None or is_taken:
            scope = scope.with_(name, Binding(types.ERROR))
            continue
        lineage = typed.lineage
        binding = Binding(typed.type, lineage.value, lineage.reads, code=typed.code)
        known_as = scope.free_name(name) if name in scope.behind else name
        if known_as != name:
            binding = replace(binding, argument=Variable(known_as, typed.type))
        scope = scope.with_(name, binding)
        found.append(ir.Let(known_as, typed.code, typed.type, typed.reads, let.pointer))
    return tuple(found), scope


def _source(formulas: Formulas, text: Text, scope: Scope, *, is_list: bool) -> Typed | None:
    """Return the list or the object that parts are made of; None: it has errors, noted."""
    source = formulas.formula(text, scope)
    if source is None or present(source.type) == types.ERROR:
        return None
    what, wanted = ("what `each` goes over", "a list") if is_list else ("`object`", "an object")
    if not isinstance(present(source.type), types.ListOf if is_list else types.Object):
        formulas.refuse(text, source, what, wanted)
        return None
    if isinstance(source.tree, ListTree) and not source.tree.elements:
        formulas.diagnostics.append(messages.never_a_row(text))
        return None
    return source


def may_be_left_out(blocks: Iterable[Opened], field: Field) -> Iterator[Diagnostic]:
    """Yield the error of a part that has to be there and would be left out with its source."""
    for block in blocks if field.is_required else ():
        condition = block.written.condition
        if condition is not None:
            why = "would leave out a part that has to be set"
            yield messages.unfit_modifier(condition, name="when", why=why)
        text, source = block.written.source, block.source
        if text is not None and source is not None and isinstance(source.type, Optional):
            found = described(source.type)
            yield messages.missing_flows(text, field=field.name, found=found, what="part")


def constant_conditions(formulas: Formulas, blocks: Sequence[Opened]) -> None:
    """Report conditions of blocks that no record decides."""
    for block in blocks:
        condition = block.written.condition
        if condition is not None and block.where is not None and block.where.is_constant:
            formulas.diagnostics.append(constant_condition(condition.span()))


def go_together(
    formulas: Formulas, rules: Mapping[str, spec.Rule], parts: Sequence[ir.Part]
) -> None:
    """Report fields whose values in two blocks are of types that nothing has in common."""
    seen: dict[str, tuple[Type, Text]] = {}
    # An override flag without a rule is a flag in every block.
    ruled = (one for part in parts for one in fields_of(part) if one.pointer in rules)
    for field in ruled:
        kind, target = field.of, rules[field.pointer].target
        first, where = seen.setdefault(field.target, (kind, target))
        both = join(first, kind)
        if both is None:
            diagnostic = messages.blocks_differ(
                target, found=described(kind), first=where, before=described(first)
            )
            formulas.diagnostics.append(diagnostic)
        else:
            seen[field.target] = (both, where)


def fields_of(part: ir.Part) -> Sequence[ir.Field]:
    """Return the single values of a part and of those inside it."""
    return [
        field
        for one in ir.parts_of(part)
        for field in (*one.others, *one.members)
        if isinstance(field, ir.Field)
    ]


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
