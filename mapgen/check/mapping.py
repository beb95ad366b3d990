"""M: the mapping section in, its checked parts out."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed import plan
from mapgen.agreed.paths import names_along, written_name
from mapgen.check.accounting import books
from mapgen.check.blocks import Opened, named, opened
from mapgen.check.built import document_origins, document_type
from mapgen.check.checks import checked, reason
from mapgen.check.composing import of_files
from mapgen.check.directions import idle_ignores, unusable_members
from mapgen.check.documents import (
    Siblings,
    apart,
    condition,
    in_order,
    keys_of,
    one_contract,
    reserved_names,
)
from mapgen.check.filing import check_cells
from mapgen.check.following import steps, unfit_steps, unknown_branches
from mapgen.check.formulas import Formulas, reads_of
from mapgen.check.joining import join_keys
from mapgen.check.model import RESERVED, TableFacts
from mapgen.check.modifiers import Sending
from mapgen.check.nested import (
    field_inside,
    identity_inside,
    identity_paths,
    is_nested,
    with_rules_inside,
)
from mapgen.check.parts import NOTHING_REUSED, Reused
from mapgen.check.rules import RuleChecker
from mapgen.check.sending import check_holes, sent_as
from mapgen.check.sources import (
    accounted,
    all_near,
    is_lasting,
    lasting_paths,
    type_at,
    unheld,
    unusable_names,
)
from mapgen.check.spelling import repeated
from mapgen.check.tables import TableRules, inline_diagnostics
from mapgen.check.unsent import unsent_of_steps
from mapgen.check.values import FieldRules
from mapgen.contract.model import Contract, Entity, Field
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression import compile_expression
from mapgen.expression.lineage import TABLES
from mapgen.expression.scope import Binding, Scope, at
from mapgen.expression.tree import Name
from mapgen.expression.typed import Typed
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.expression import Expression, Lookup, Variable
from mapgen.ir.walk import nodes
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import documents
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec


class Mapped(Struct, frozen=True):
    """What the mapping section comes to; None or absent where it has errors.

    `identities` are the places of what documents are known by, and the source paths behind it;
    `key` is what a record is called by, `join_keys` what is calculated to join others to it.
    """

    entities: tuple[Entity, ...]
    settings: Mapping[str, types.Type]
    rows: tuple[types.Object, ...]
    lets: tuple[ir.Let, ...]
    skips: tuple[ir.Skip, ...]
    key: Typed | None
    join_keys: tuple[ir.JoinKey, ...]
    documents: tuple[ir.Document | None, ...]
    identities: tuple[tuple[Span, tuple[str, ...]], ...]
    formulas: Formulas


def check_mapping(
    section: spec.MappingSection,
    contract: Contract,
    schema: SourceSchema,
    tables: Mapping[str, TableFacts],
    diagnostics: list[Diagnostic],
    reused: Reused = NOTHING_REUSED,
) -> Mapped | None:
    """Return the mapping; `diagnostics` grows. None where there is no entity to map to."""
    entities = _entities(section, contract, diagnostics)
    if len(entities) < len(section.documents):
        return None
    formulas = Formulas(diagnostics)
    diagnostics += _of_section(section, entities)
    ordered = in_order(section.documents, diagnostics)
    settings = {one.name.value: types.BY_NAME[one.type.value] for one in section.settings}
    scope = root_scope(section, schema, settings, tables, reused)
    joined_by = tuple(join_keys(section, schema, formulas, scope))
    lets, scope = named(section.lets, formulas, scope)
    skips = _skips(section, formulas, scope)
    key = _key(section, schema, formulas)
    known = _known(section, entities, contract, diagnostics)
    ordered = tuple(known[one.name.value][0] for one in ordered)
    of_tables = TableRules(formulas, tables, schema.choices)
    conditions: dict[str, ir.Condition] = {}
    made: list[ir.Document | None] = []
    for one in ordered:
        siblings = Siblings(one, known, conditions)
        sending = Sending(one.target.operation, is_whole=not one.target.kind.keeps_documents)
        rules = FieldRules(formulas, contract, of_tables, siblings, sending, parts=reused.parts)
        held = condition(one, formulas, scope)
        if held is not None:
            conditions[one.name.value] = held
        made.append(_document(RuleChecker(rules), schema, scope))
    diagnostics += apart(zip(ordered, made, strict=True), lets)
    diagnostics += check_holes(section, made)
    diagnostics += check_cells(section, made)
    diagnostics += _unread(section, schema, formulas)
    diagnostics += _idle_names(section, formulas)
    rows = tuple(table.row for table in tables.values() if isinstance(table.row, types.Object))
    identities = tuple(_identities(ordered, made))
    return Mapped(
        entities, settings, rows, lets, skips, key, joined_by, tuple(made), identities, formulas
    )


def _known(
    section: spec.MappingSection,
    entities: Iterable[Entity],
    contract: Contract,
    diagnostics: list[Diagnostic],
) -> dict[str, tuple[spec.Document, Entity]]:
    """Return the documents and their entities by name; `diagnostics` grows."""
    return {
        document.name.value: (with_rules_inside(document, entity, contract, diagnostics), entity)
        for document, entity in zip(section.documents, entities, strict=True)
    }


def _of_section(section: spec.MappingSection, entities: Iterable[Entity]) -> Iterator[Diagnostic]:
    """Yield what is wrong before any rule is looked at."""
    yield from map(messages.name_taken, _reserved(section))
    yield from one_contract(section)
    for one, entity in zip(section.documents, entities, strict=True):
        yield from unfit_steps(one, entity)
    yield from unknown_branches(section)
    yield from _inline_diagnostics(section)


def _identities(
    written: Iterable[spec.Document], made: Iterable[ir.Document | None]
) -> Iterator[tuple[Span, tuple[str, ...]]]:
    """Yield the places of what documents are known by, and the source paths behind it."""
    for one, document in zip(written, made, strict=True):
        fields = () if document is None else document.identity_fields
        for part, field in zip(one.identity.parts, fields, strict=False):
            yield part.value.span(), field.reads


def _unread(
    section: spec.MappingSection, schema: SourceSchema, formulas: Formulas
) -> Iterator[Diagnostic]:
    """Yield the errors of source fields that nothing reads, and of those that nobody can."""
    files = of_files(section.source, schema.record).fields
    asked = [one for one in section.ignores if _is_asked_for(one.path.value, schema, files)]
    yield from idle_ignores(asked)
    if not formulas.is_lost:
        section = replace(section, ignores=tuple(o for o in section.ignores if o not in asked))
        also = (path for path, _ in formulas.ignored)
        yield from accounted(schema.record, section, formulas.reads, formulas.doubtful, also)
    yield from unusable_names(formulas.reads)
    yield from unheld(schema, formulas.reads)


def _is_asked_for(path: str, schema: SourceSchema, files: Collection[str]) -> bool:
    """Whether a source path is of what the ERP is asked for, and not of what `files` hold."""
    first, *_ = [*names_along(path)[1:], ""]
    return first in schema.joined or (schema.entity is not None and first not in files)


def _entities(
    section: spec.MappingSection, contract: Contract, diagnostics: list[Diagnostic]
) -> tuple[Entity, ...]:
    """Return what the documents are, those that can be written; `diagnostics` grows."""
    known, named = contract.top_level, [one.target.entity for one in section.documents]
    diagnostics += [
        messages.unknown_entity(name, contract=contract.name, known=known)
        for name in named
        if name.value not in known
    ]
    return tuple(entity for name in named if (entity := known.get(name.value)) is not None)


def _document(rules: RuleChecker, schema: SourceSchema, scope: Scope) -> ir.Document | None:
    siblings, formulas = rules.fields.siblings, rules.formulas
    document = siblings.current
    entity = siblings.all[document.name.value][1]
    block = opened(formulas, document.block, scope)
    if block is None:
        formulas.doubt(document)
        return None
    identity = _identity(rules, entity, schema, block)
    part = rules.part(block, entity, siblings.prefix)
    made = Binding(types.ERROR)
    if part is not None and identity is not None and _is_inside(document, part, rules):
        part = replace(part, members=(*identity, *part.members))
        made = Binding(document_type(part), document_origins(part))
    else:
        part = None
    inner = block.scope.with_("document", made)
    parts, wraps = () if part is None else (part,), document.target.kind.wraps_values
    checks = checked(document.checks, formulas, inner, parts, wraps_values=wraps)
    unsent = unsent_of_steps(rules, document, entity, block.scope, siblings.prefix)
    if part is None or unsent is None:
        return None
    return ir.Document(
        plan=_document_plan(document, entity, part, unsent),
        pointer=document.pointer,
        block=block.block(part),
        checks=checks,
        when=siblings.conditions.get(document.name.value),
        told=unsent,
    )


def _document_plan(
    document: spec.Document, entity: Entity, part: ir.Part, unsent: Iterable[ir.Field]
) -> plan.DocumentPlan:
    constants = {
        one.name: one.value.text
        for one in part.members
        if isinstance(one, ir.Field) and isinstance(one.value, ir.Fixed)
    }
    scope = {name: text for name, text in constants.items() if entity.fields[name].is_key}
    known_by = identity_paths(document, entity)
    return plan.DocumentPlan(
        name=document.name.value,
        entity=entity.name,
        operation=document.target.operation.text.value,
        identity=plan.Identity(known_by[0], scope, known_by[1:]),
        keys=keys_of(document, entity),
        after=tuple(name.value for name in document.after),
        write_once=tuple(_written_once(part)),
        row_keys={path: rows.row_key for path, rows in _lists(part) if rows.row_key},
        removed_rows={path: rows.removed for path, rows in _lists(part) if rows.removed},
        owner=None if document.owner is None else document.owner.value,
        then=steps(document, (one.name for one in unsent)),
        branch=document.target.branch.value if isinstance(document.target.branch, Text) else None,
        tells_branch=isinstance(document.target.branch, spec.Calculated),
        send=sent_as(document.target.send, entity),
        books=books(document, entity, part),
    )


def _written_once(part: ir.Part, prefix: str = "") -> Iterator[str]:
    """Yield the paths of what only a new document gets: `Address.City`, `custom.View.Field`."""
    for item in part.custom:
        if item.field.is_written_once:
            yield f"{prefix}custom.{item.view}.{item.name}"
    for member in (*part.members, *((part.note,) if part.note is not None else ())):
        if member.is_written_once:
            yield f"{prefix}{written_name(member.name)}"
        elif isinstance(member, ir.Rows) and not member.is_list:
            yield from _written_once(member.blocks[0].part, f"{prefix}{written_name(member.name)}.")


def _lists(part: ir.Part, prefix: str = "") -> Iterator[tuple[str, ir.Rows]]:
    """Yield the path of each list of rows, and the rows."""
    for member in part.members:
        if not isinstance(member, ir.Rows):
            continue
        yield f"{prefix}{member.name}", member
        for block in member.blocks:
            yield from _lists(block.part, f"{prefix}{member.name}.")


def _inline_diagnostics(section: spec.MappingSection) -> Iterator[Diagnostic]:
    for table in section.lookups:
        if isinstance(table, spec.InlineTable):
            yield from inline_diagnostics(table)


def _reserved(section: spec.MappingSection) -> list[Text]:
    """Return the names that mean something else, in expressions or in the code made of them."""
    written_out = [*(table.name for table in section.lookups), section.source.name]
    found = [name for name in written_out if keyword.iskeyword(name.value)]
    if hasattr(builtins, section.source.name.value):
        found.append(section.source.name)  # generated code calls some of them beside the record
    shown = [section.source.name, *(let.name for let in section.lets)]
    return found + reserved_names(section) + [name for name in shown if name.value in RESERVED]


def root_scope(
    section: spec.MappingSection,
    schema: SourceSchema,
    settings: Mapping[str, types.Type],
    tables: Mapping[str, TableFacts],
    reused: Reused,
) -> Scope:
    known = {
        table: types.Table(table, facts.columns, facts.entries, facts.numbers, facts.row)
        for table, facts in tables.items()
    }
    name = section.source.name.value
    return Scope(
        {
            name: Binding(schema.record, at(name)),
            "settings": Binding(types.Object("settings", settings)),
            "lookups": Binding(types.Object("lookups", known)),
        },
        reused.functions,
    )


def _skips(section: spec.MappingSection, formulas: Formulas, scope: Scope) -> tuple[ir.Skip, ...]:
    found = []
    formulas.diagnostics.extend(repeated(skip.when for skip in section.skips))
    for skip in section.skips:
        typed = formulas.condition(skip.when, scope, "`when`")
        if typed is not None:
            words, message = reason(skip.because, formulas, scope)
            reads = reads_of(typed, message)
            code = None if message is None else message.code
            found.append(ir.Skip(typed.code, words, reads, skip.pointer, code))
    return tuple(found)


def _key(section: spec.MappingSection, schema: SourceSchema, formulas: Formulas) -> Typed | None:
    """Return what people call a record by: known before any environment is, so of it alone."""
    text, name = section.source.key, section.source.name.value
    typed = formulas.whole(text, Scope({name: Binding(schema.record, at(name))}))
    if typed is not None and typed.type not in (types.STRING, types.INT, types.ERROR):
        formulas.refuse(text, typed, "the key", "a string or an int")
        return None
    return typed


def _identity(
    rules: RuleChecker, entity: Entity, schema: SourceSchema, block: Opened
) -> tuple[ir.Field, ...] | None:
    """Return the fields of the identity that are the document's own, or None for errors."""
    clause = rules.fields.siblings.current.identity
    fields, values = list[ir.Field](), list[Typed]()
    for one in clause.parts:
        if is_nested(one, rules.contract, entity):
            values += _value_inside(rules, entity, schema, block, one)
            continue
        field, typed = _identity_part(rules, entity, schema, block, one)
        if field is not None and typed is not None:
            fields.append(field)
            values.append(typed)
    if len(values) < len(clause.parts):
        return None
    rules.diagnostics.extend(_unfit_value(clause, values, rules, block))
    return tuple(fields)


def _value_inside(
    rules: RuleChecker, entity: Entity, schema: SourceSchema, block: Opened, part: spec.IdentityPart
) -> Iterator[Typed]:
    """Yield the value of an identity inside a part, whose rule there tells of its errors."""
    if field_inside(part, entity, rules.contract, rules.diagnostics) is None:
        rules.formulas.formula(part.value, block.scope)
        return
    typed = compile_expression(part.value, block.scope, [])
    if typed is not None:
        rules.diagnostics.extend(_changing(typed, schema, part.value.span()))
        yield typed


def _is_inside(document: spec.Document, part: ir.Part, rules: RuleChecker) -> bool:
    """Tell whether each document has all of its identity that lies inside parts."""
    inside = rules.fields.siblings.all[document.name.value][1]
    found = [
        identity_inside(part, inside.name, one, rules.diagnostics)
        for one in document.identity.parts
        if is_nested(one, rules.contract, inside)
    ]
    return None not in found


def _identity_part(
    rules: RuleChecker, entity: Entity, schema: SourceSchema, block: Opened, part: spec.IdentityPart
) -> tuple[ir.Field | None, Typed | None]:
    fields, scope = rules.fields, block.scope
    document = fields.siblings.current
    written = next(
        (rule for rule in document.part.fields if rule.target.value == part.field.value), None
    )
    if written is not None:
        rules.diagnostics.append(
            messages.two_rules(written.target, field=part.field.value, first=part.field)
        )
    rules.diagnostics.extend(unusable_members([part.field]))
    field = rules.field(part.field, entity)
    if field is None:
        rules.formulas.formula(part.value, scope)
        return None, None
    is_first = part.field is document.identity.field
    is_narrowing = not is_first and field.value_type in ("string", "single_select", "guid")
    if field.name not in entity.identities and not is_narrowing:
        rules.diagnostics.append(_unfit_identity(part.field, field, entity, rules.contract))
    rule = spec.Rule(
        target=part.field,
        kind=spec.Value(expression=part.value),
        modifiers=spec.Modifiers.plain(),
        span=part.field.span(),
        pointer=part.pointer,
    )
    value = fields.value(rule, scope, field)
    target = f"{fields.siblings.prefix}{written_name(field.name)}"
    identity = fields.field(rule, field, target, scope, value)
    if identity is None or value is None:
        return None, None
    (typed,) = value.formulas
    rules.diagnostics.extend(_changing(typed, schema, part.value.span()))
    return identity, typed


def _unfit_identity(at: Text, field: Field, entity: Entity, contract: Contract) -> Diagnostic:
    """Return that a field is not known to carry an identity, and how to say that it may."""
    is_fit = entity.is_top_level and field.value_type in ("string", "int", "long", "guid")
    return messages.unfit_identity(
        at,
        entity=entity.name,
        known=entity.identities,
        way="outside" if contract.is_plain else "fit" if is_fit else "unfit",
        all=", ".join((*entity.identities, field.name)),
        overlay=contract.overlay,
    )


def _unfit_value(
    clause: spec.Identity, found: Sequence[Typed], rules: RuleChecker, block: Opened
) -> Iterator[Diagnostic]:
    """Yield why values do not tell documents apart."""
    for part, typed in zip(clause.parts, found, strict=True):
        for table in typed.lineage.tables:
            if not rules.fields.tables.tables[table].is_stable:
                yield messages.identity_by_table(part.value, table=table)
            elif table in _tables_that_may_miss(typed.code, block.scope.lets):
                yield messages.identity_by_miss(part.value, table=table)
    alias = block.written.alias
    names = {tree.name for typed in found for tree in typed.parts if isinstance(tree, Name)}
    if alias is not None and alias.value not in names:
        yield documents.same_for_all_rows(clause.value, alias=alias)


def _tables_that_may_miss(code: Expression, lets: Mapping[str, Expression]) -> frozenset[str]:
    """Return the tables that need not have the key: what is there later changes the value."""
    found, seen, waiting = set[str](), set[str](), [code]
    while waiting:
        for node in nodes(waiting.pop()):
            if isinstance(node, Lookup) and node.on_miss == "omit":
                found.add(node.table)
            elif isinstance(node, Variable) and node.name in lets and node.name not in seen:
                seen.add(node.name)
                waiting.append(lets[node.name])
    return frozenset(found)


def _changing(identity: Typed, schema: SourceSchema, at: Span) -> Iterator[Diagnostic]:
    """Yield the errors of source paths behind an identity whose values may change.

    Of an object that may be missing, it counts whether it is there, if that decides anything.
    """
    gone_through = {*identity.lineage.reads} - {*identity.reads}
    for path in (*identity.reads, *sorted(gone_through)):
        if path.startswith(TABLES) or is_lasting(schema, path):
            continue
        if path in identity.reads or isinstance(type_at(schema.record, path), types.Optional):
            known = lasting_paths(schema, names_along(path)[0])
            yield messages.changing_identity(
                at, field=path, lasting=known, is_of_the_erp=schema.entity is not None
            )


def _idle_names(section: spec.MappingSection, formulas: Formulas) -> list[Diagnostic]:
    """Return the errors of declared names that nothing uses, nor may have meant to use."""
    declared = [
        *((table.name, "lookup", f"lookup {table.name.value}") for table in section.lookups),
        *((let.name, "let", let.name.value) for let in section.lets),
        *((one.name, "setting", f"settings.{one.name.value}") for one in section.settings),
    ]
    meant = all_near(formulas.doubtful, {name.value for name, _, _ in declared})
    return [
        messages.unused_name(name, what=what)
        for name, what, known_as in declared
        if known_as not in formulas.used and name.value not in meant
    ]
