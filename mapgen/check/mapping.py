"""M: the mapping section in, its checked parts out."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterator, Mapping

from msgspec import Struct

from mapgen.check import model as checked
from mapgen.check.blocks import row_type, value_in_document
from mapgen.check.directions import idle_ignores, unusable_members
from mapgen.check.documents import (
    Siblings,
    apart,
    condition,
    in_order,
    one_contract,
    reserved_names,
    rows,
)
from mapgen.check.formulas import Formulas, described, reads_of
from mapgen.check.modifiers import Sending
from mapgen.check.rules import RESERVED, RuleChecker
from mapgen.check.sources import accounted, all_near, type_at, unheld, unusable_names
from mapgen.check.spelling import repeated
from mapgen.contract.model import Contract, Entity
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression import types
from mapgen.expression.lineage import TABLES, Lineage
from mapgen.expression.scope import Binding, Origins, Scope, at, either
from mapgen.expression.tree import Binary
from mapgen.expression.typed import Typed
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec

SETTING_TYPES: Mapping[str, types.Type] = {
    "string": types.STRING,
    "int": types.INT,
    "decimal": types.DECIMAL,
    "bool": types.BOOL,
    "date": types.DATE,
    "timezone": types.TIMEZONE,
}


class CheckedMapping(Struct, frozen=True):
    """What the mapping section comes to; None or absent where it has faults."""

    entities: tuple[Entity, ...]
    settings: Mapping[str, types.Type]
    lets: tuple[checked.CheckedLet, ...]
    skips: tuple[checked.CheckedSkip, ...]
    key: Typed | None
    documents: tuple[checked.CheckedDocument | None, ...]
    reads: frozenset[str]
    asked: frozenset[tuple[str, str]]


def check_mapping(
    section: spec.MappingSection,
    contract: Contract,
    schema: SourceSchema,
    tables: Mapping[str, checked.TableFacts],
    faults: list[Diagnostic],
) -> CheckedMapping | None:
    """Return the checked mapping; `faults` grows. None where there is no entity to map to."""
    entities = _entities(section, contract, faults)
    if len(entities) < len(section.documents):
        return None
    formulas = Formulas(faults)
    faults += [messages.name_taken(name) for name in _reserved(section)]
    faults += one_contract(section)
    ordered = in_order(section.documents, faults)
    faults += _blank_entries(section)
    settings = {
        setting.name.value: SETTING_TYPES[setting.type.value] for setting in section.settings
    }
    scope = _root_scope(section, schema, settings, tables)
    lets, scope = _lets(section, formulas, scope)
    skips = _skips(section, formulas, scope)
    key = _key(section, schema, formulas)
    known = {
        document.name.value: (document, entity)
        for document, entity in zip(section.documents, entities, strict=True)
    }
    conditions: dict[str, checked.CheckedCondition] = {}
    documents = []
    for one in ordered:
        siblings = Siblings(one, known, conditions)
        sending = Sending(one.target.operation)
        rules = RuleChecker(formulas, contract, tables, schema.choices, siblings, sending)
        held = condition(one, formulas, scope)
        if held is not None:
            conditions[one.name.value] = held
        documents.append(_document(rules, schema, scope))
    faults += apart(document for document in documents if document is not None)
    if schema.entity is not None:
        faults.extend(idle_ignores(section))
    elif not formulas.is_lost:
        faults.extend(accounted(schema.record, section, formulas.reads, formulas.doubtful))
    faults.extend(unusable_names(formulas.reads))
    faults.extend(unheld(schema, formulas.reads))
    faults.extend(_idle_names(section, formulas))
    reads = frozenset(formulas.reads)
    return CheckedMapping(
        entities, settings, lets, skips, key, tuple(documents), reads, frozenset(formulas.asked)
    )


def _entities(
    section: spec.MappingSection, contract: Contract, faults: list[Diagnostic]
) -> tuple[Entity, ...]:
    """Return what the documents are, those that can be written; `faults` grows."""
    found = []
    for document in section.documents:
        entity = contract.entities.get(document.target.entity.value)
        if entity is not None and entity.is_top_level:
            found.append(entity)
            continue
        known = [name for name, one in contract.entities.items() if one.is_top_level]
        faults.append(
            messages.unknown_entity(document.target.entity, contract=contract.name, known=known)
        )
    return tuple(found)


def _document(
    rules: RuleChecker, schema: SourceSchema, scope: Scope
) -> checked.CheckedDocument | None:
    document = rules.siblings.current
    entity = rules.siblings.all[document.name.value][1]
    formulas, prefix = rules.formulas, rules.siblings.prefix
    when = rules.siblings.conditions.get(document.name.value)
    source, inner = rows(document, formulas, scope)
    if inner is None:
        return None
    identity = _identity(rules, entity, schema, inner)
    part = rules.part(document.part, entity, prefix, inner, document.target.entity.span())
    kind = None if part is None or identity is None else document_type(part, identity)
    made = Binding(types.ERROR)
    if part is not None and kind is not None:
        made = Binding(kind, document_origins(part, identity))
    checks = _checks(document, formulas, inner.with_("document", made))
    if part is None or identity is None or kind is None:
        return None
    return checked.CheckedDocument(document, entity, identity, part, kind, checks, when, source)


def _blank_entries(section: spec.MappingSection) -> Iterator[Diagnostic]:
    for table in section.lookups:
        if isinstance(table, spec.InlineTable):
            for key, value in table.entries:
                if not value.value.strip() or not key.value.strip():
                    yield messages.blank_entry(value.span, table=table.name.value)


def _reserved(section: spec.MappingSection) -> list[Text]:
    """Return the names that mean something else, in expressions or in the code made of them."""
    written_out = [*(table.name for table in section.lookups), section.source.name]
    found = [name for name in written_out if keyword.iskeyword(name.value)]
    if hasattr(builtins, section.source.name.value):
        found.append(section.source.name)  # generated code calls some of them beside the record
    shown = [section.source.name, *(let.name for let in section.lets)]
    return found + reserved_names(section) + [name for name in shown if name.value in RESERVED]


def _root_scope(
    section: spec.MappingSection,
    schema: SourceSchema,
    settings: Mapping[str, types.Type],
    tables: Mapping[str, checked.TableFacts],
) -> Scope:
    known = {
        table: types.Table(table, facts.columns, facts.entries, facts.numbers)
        for table, facts in tables.items()
    }
    name = section.source.name.value
    return Scope(
        {
            name: Binding(schema.record, at(name)),
            "settings": Binding(types.Object("settings", settings)),
            "lookups": Binding(types.Object("lookups", known)),
        }
    )


def _lets(
    section: spec.MappingSection, formulas: Formulas, scope: Scope
) -> tuple[tuple[checked.CheckedLet, ...], Scope]:
    found = []
    for let in section.lets:
        is_taken = let.name.value in scope.bindings
        if is_taken and let.name.value not in RESERVED:
            formulas.faults.append(messages.name_taken(let.name))
        typed = formulas.whole(let.expression, scope)
        kind = typed.type if typed is not None and not is_taken else types.ERROR
        lineage = Lineage() if typed is None or is_taken else typed.lineage
        scope = scope.with_(let.name.value, Binding(kind, lineage.value, lineage.reads))
        if typed is not None and not is_taken:
            found.append(checked.CheckedLet(let.name.value, typed, typed.reads, let.pointer))
    return tuple(found), scope


def _skips(
    section: spec.MappingSection, formulas: Formulas, scope: Scope
) -> tuple[checked.CheckedSkip, ...]:
    found = []
    formulas.faults.extend(repeated(skip.when for skip in section.skips))
    for skip in section.skips:
        typed = formulas.condition(skip.when, scope, "`when`")
        if typed is not None:
            reads = reads_of(typed)
            found.append(checked.CheckedSkip(typed, skip.because.value, reads, skip.pointer))
    return tuple(found)


def _key(section: spec.MappingSection, schema: SourceSchema, formulas: Formulas) -> Typed | None:
    """Return what people call a record by: known before any environment is, so of it alone."""
    text, name = section.source.key, section.source.name.value
    typed = formulas.whole(text, Scope({name: Binding(schema.record, at(name))}))
    if typed is not None and typed.type not in (types.STRING, types.INT, types.ERROR):
        formulas.faults.append(
            messages.not_of_type(
                text.span(),
                what="the key",
                wanted="a string or an int",
                found=described(typed.type),
            )
        )
        return None
    return typed


def _identity(
    rules: RuleChecker, entity: Entity, schema: SourceSchema, scope: Scope
) -> checked.CheckedRule | None:
    document = rules.siblings.current
    clause = document.identity
    written = next(
        (rule for rule in document.part.fields if rule.target.value == clause.field.value), None
    )
    if written is not None:
        rules.faults.append(
            messages.two_rules(
                written.target.span(), field=clause.field.value, first=clause.field.span()
            )
        )
    rules.faults.extend(unusable_members([clause.field]))
    field = rules.field(clause.field, entity)
    rule = spec.Rule(
        clause.field,
        spec.Value(clause.value),
        spec.Modifiers.plain(),
        clause.field.span(),
        clause.pointer,
    )
    if field is None:
        rules.formulas.formula(clause.value, scope)
        return None
    if field.name not in entity.identities:
        rules.faults.append(
            messages.unfit_identity(clause.field, entity=entity.name, known=entity.identities)
        )
    identity = rules.value(rule, field, f"{rules.siblings.prefix}{field.name}", scope)
    if identity is not None and isinstance(identity.value, checked.Formula):
        for table in identity.value.typed.lineage.tables:
            rules.faults.append(messages.identity_by_table(clause.value.span(), table=table))
    if identity is not None:
        rules.faults.extend(_changing(identity, schema, clause.value.span()))
    return identity


def _changing(
    identity: checked.CheckedRule, schema: SourceSchema, at: Span
) -> Iterator[Diagnostic]:
    """Yield the faults of source paths behind an identity whose values may change.

    Of an object that may be missing, it counts whether it is there, if that decides anything.
    """
    gone_through, is_of_the_erp = set(), schema.entity is not None
    if isinstance(identity.value, checked.Formula):
        gone_through = {*identity.value.typed.lineage.reads} - {*identity.reads}
    for path in (*identity.reads, *sorted(gone_through)):
        if path.startswith(TABLES) or path in schema.lasting:
            continue
        if path in identity.reads or isinstance(type_at(schema.record, path), types.Optional):
            yield messages.changing_identity(
                at, field=path, lasting=schema.lasting, is_of_the_erp=is_of_the_erp
            )


def document_type(
    part: checked.CheckedPart, identity: checked.CheckedRule | None = None
) -> types.Object:
    """Return the type of the document that the rules make, for the checks over it."""
    fields: dict[str, types.Type] = {}
    for member in (*part.members, *((identity,) if identity else ())):
        match member:
            case checked.CheckedRule(value=checked.MadeKey()):
                continue  # nobody knows it before the other document is in the ERP
            case checked.CheckedRule():
                kind = value_in_document(member)
                fields[member.field.name] = kind if member.is_always_set else types.optional(kind)
            case checked.CheckedObject(field=field, part=inner):
                found = document_type(inner)
                fields[field.name] = found if member.is_always_set else types.optional(found)
            case checked.CheckedEach(field=field, part=inner):
                fields[field.name] = types.ListOf(document_type(inner))
            case checked.CheckedBlocks(field=field, blocks=blocks):
                rows = [document_type(block.part) for block in blocks]
                fields[field.name] = types.ListOf(row_type(rows))
    return types.Object(f"document {part.entity.name}", fields)


def document_origins(
    part: checked.CheckedPart, identity: checked.CheckedRule | None = None
) -> Origins:
    """Return where the document that the rules make comes from, field by field."""
    members: dict[str, Origins] = {}
    for member in (*part.members, *((identity,) if identity else ())):
        name, reads = member.field.name, member.reads
        match member:
            case checked.CheckedRule():
                members[name] = Origins(made_of=reads)
            case checked.CheckedObject(part=inner):
                made = document_origins(inner)
                members[name] = Origins(decided_by=reads, members=made.members)
            case checked.CheckedEach(part=inner):
                members[name] = Origins(decided_by=reads, element=document_origins(inner))
            case checked.CheckedBlocks(blocks=blocks):
                rows = either(*(document_origins(block.part) for block in blocks))
                members[name] = Origins(decided_by=reads, element=rows)
    return Origins(members=members)


def _checks(
    document: spec.Document, formulas: Formulas, scope: Scope
) -> tuple[checked.CheckedCheck, ...]:
    found = []
    for check in document.checks:
        typed = formulas.condition(check.that, scope, "a check")
        if typed is not None:
            within = check.within.value if check.within else None
            if check.within and not _has_tolerance(typed):
                why = "is for decimals compared with `==`"
                formulas.faults.append(
                    messages.unfit_modifier(check.within.span(), name="within", why=why)
                )
            found.append(
                checked.CheckedCheck(check.name.value, typed, within, typed.reads, check.pointer)
            )
    return tuple(found)


def _has_tolerance(typed: Typed) -> bool:
    """Whether a condition compares amounts, which can be nearly equal."""
    if not isinstance(typed.tree, Binary) or typed.tree.operator != "==":
        return False
    sides = (typed.types[typed.tree.left], typed.types[typed.tree.right])
    return types.DECIMAL in sides or types.ERROR in sides


def _idle_names(section: spec.MappingSection, formulas: Formulas) -> list[Diagnostic]:
    """Return the faults of declared names that nothing uses, nor may have meant to use."""
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
