"""Rules in, checked rules out: each value fits its field in type, length and presence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Literal, cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.check import model as checked
from mapgen.check.blocks import BlockRules, source_list
from mapgen.check.companions import sets_flag
from mapgen.check.directions import (
    disallowed,
    disallowed_entries,
    may_be_left_out,
    meeting_members,
    only_in_the_erp,
    unusable_members,
)
from mapgen.check.documents import Siblings, unfit_for_made
from mapgen.check.formulas import Formulas, any_of, described, reads_of, row_binding
from mapgen.check.modifiers import (
    Kept,
    Sending,
    on_error,
    places_of_currency,
    places_span,
    range_faults,
    resending_faults,
    unfit_for_parts,
    write_once_faults,
)
from mapgen.check.sources import all_near
from mapgen.check.spelling import repeated
from mapgen.check.tables import TableRules
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.expression import types
from mapgen.expression.scope import Binding, Scope
from mapgen.expression.tree import Method
from mapgen.expression.typed import Typed
from mapgen.expression.types import Optional, Type, is_assignable, join, optional, present
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue import modifiers as modifier_messages
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode

ACCEPTED: Mapping[ValueType, tuple[Type, ...]] = {
    "string": (types.STRING,),
    "decimal": (types.DECIMAL, types.INT),
    "double": (types.DECIMAL, types.INT),
    "boolean": (types.BOOL,),
    "int": (types.INT,),
    "short": (types.INT,),
    "byte": (types.INT,),
    "long": (types.INT,),
    "guid": (types.STRING,),
    "datetime": (types.TIMESTAMP,),
    "date": (types.DATE,),
    "single_select": (types.STRING,),
    "multi_select": (types.ListOf(types.STRING),),
}
WHOLE_RANGES: Mapping[str, tuple[int, int]] = {
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (0, 255),
    "long": (-(2**63), 2**63 - 1),
}
# Names that expressions know besides those of the author.
RESERVED = ("settings", "lookups", "document", "value")
_CUSTOM_NAME = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
_CUSTOM_TYPES: Mapping[Type, ValueType] = {
    types.STRING: "string",
    types.DECIMAL: "decimal",
    types.INT: "int",
    types.BOOL: "boolean",
    types.DATE: "date",
}
_CONVERSIONS: Mapping[tuple[str, str], str] = {
    ("string", "decimal"): "convert it: `string(…)`",
    ("string", "int"): "convert it: `string(…)`",
    ("decimal", "string"): "convert it: `decimal(…)`",
    ("int", "string"): "convert it: `int(…)`",
    ("date", "string"): "read it: `parseDate(…, 'yyyy-MM-dd')`",
    ("datetime", "string"): "read it: `timestamp(…)`",
    ("datetime", "date"): "a day is no moment before its time and zone are given:"
    " `parseTimestamp(string(…) + ' 00:00', 'yyyy-MM-dd HH:mm', settings.ZONE)`",
    ("date", "timestamp"): "an instant becomes a date in a zone: `date(…, settings.ZONE)`",
}


class RuleChecker(Struct, frozen=True):
    """Checks the rules of one document; `is_inside`: those of a row or a part of it."""

    formulas: Formulas
    contract: Contract
    tables: Mapping[str, checked.TableFacts]
    choices: Mapping[tuple[str, str], tuple[str, ...]]
    siblings: Siblings
    sending: Sending
    is_inside: bool = False

    @property
    def identity(self) -> str:
        """The field that carries the identity; none inside a row or a part."""
        return "" if self.is_inside else self.siblings.current.identity.field.value

    @property
    def faults(self) -> list[Diagnostic]:
        return self.formulas.faults

    def part(
        self,
        part: spec.Part,
        entity: Entity,
        prefix: str,
        scope: Scope,
        where: Span,
    ) -> checked.CheckedPart | None:
        """Return the members of an entity, or None when one of them has faults.

        Args:
            part: the rules.
            entity: what they write.
            prefix: the target path of the entity: empty, or `Details[].`.
            scope: the names in force.
            where: the place for what is not there at all.
        """
        if prefix != self.siblings.prefix and not self.is_inside:
            return replace(self, is_inside=True).part(part, entity, prefix, scope, where)
        self.faults.extend(only_in_the_erp(part, self.contract))
        self.faults.extend(meeting_members(part, self.contract))
        self.faults.extend(unusable_members(rule.target for rule in part.fields))
        members = [self._member(rule, entity, prefix, scope) for rule in part.fields]
        custom = [self._custom(rule, prefix, scope) for rule in part.custom]
        note = None if part.note is None else self._note(part.note, prefix, scope)
        self._completeness(part, entity, where)
        found = [member for member in members if member is not None]
        known = [rule for rule in custom if rule is not None]
        if len(found) < len(members) or len(known) < len(custom):
            return None
        if part.note is not None and note is None:
            return None
        return checked.CheckedPart(entity, tuple(found), tuple(known), note)

    def _member(
        self, rule: spec.Rule, entity: Entity, prefix: str, scope: Scope
    ) -> checked.Member | None:
        field = self.field(rule.target, entity)
        if field is None:
            self.formulas.doubt(rule)
            self._try_expressions(rule, scope)
            return None
        target = f"{prefix}{field.name}"
        match rule.kind:
            case spec.Each():
                return self._each(rule, rule.kind, field, target, scope)
            case spec.Blocks():
                return self._blocks(rule, rule.kind, field, target, scope)
            case spec.Object():
                return self._object(rule, rule.kind, field, target, scope)
            case _:
                if not self._has_shape(rule, field, "value"):
                    return None
                return self.value(rule, field, target, scope)

    def _try_expressions(self, rule: spec.Rule, scope: Scope) -> None:
        """Report the faults inside a rule whose field is unknown, too: all faults at once."""
        if not isinstance(rule.kind, spec.Each | spec.Object | spec.Blocks | spec.Made):
            self._value(rule, scope)

    def field(self, name: Text, entity: Entity) -> Field | None:
        """Return the field of an entity that a rule may write."""
        field = entity.fields.get(name.value)
        if field is None:
            if self.contract.is_plain:
                fault = messages.unknown_member(name, entity=entity.name, known=entity.fields)
            else:
                fault = messages.unknown_field(name, entity=entity.name, known=entity.fields)
            self.faults.append(fault)
        elif field.is_calculated:
            self.faults.append(messages.calculated_field(name, entity=entity.name))
        elif field.is_read_only:
            self.faults.append(messages.read_only_field(name, entity=entity.name))
        elif entity.is_auto_numbered and name.value == entity.keys[-1]:
            self.faults.append(messages.auto_numbered(name, entity=entity.name))
        else:
            return field
        return None

    def _has_shape(self, rule: spec.Rule, field: Field, found: str) -> bool:
        if field.shape == found:
            return True
        words = {"value": "a value", "linked": "an object", "details": "rows"}
        self.faults.append(
            messages.wrong_part(rule.target, expected=words[field.shape], found=words[found])
        )
        self.formulas.doubt(rule)
        return False

    def _each(
        self, rule: spec.Rule, kind: spec.Each, field: Field, target: str, scope: Scope
    ) -> checked.CheckedEach | None:
        if not self._has_shape(rule, field, "details"):
            return None
        source = source_list(self.formulas, kind.source, scope)
        if source is None:
            self.formulas.doubt(rule)
            return None
        inner = self._with_alias(kind.alias, row_binding(source), scope)
        where = None
        if kind.where is not None:
            where = self.formulas.condition(kind.where, inner, "`where`")
        entity = self.contract.entities[cast(str, field.entity)]
        rules = self._inside(rule, in_rows=True)
        part = rules.part(kind.part, entity, f"{target}[].", inner, rule.target.span())
        if part is None or (kind.where is not None and where is None):
            return None
        if not self._can_be_unique((*kind.unique, *kind.row_key), (part,)):
            return None
        if not self._tells_rows(rule, kind.row_key, (part,)):
            return None
        unique = tuple(name.value for name in kind.unique)
        row_key = tuple(name.value for name in kind.row_key)
        at_least = 0 if kind.at_least is None else int(kind.at_least.value)
        reads = reads_of(source, where)
        alias = kind.alias.value
        return checked.CheckedEach(
            target, field, source, alias, where, at_least, unique, row_key, part, reads, rule
        )

    def _inside(self, rule: spec.Rule, *, in_rows: bool) -> RuleChecker:
        """Return the checker of what stands inside a rule, whose own modifiers are checked."""
        self.faults.extend(unfit_for_parts(rule))
        self.faults.extend(write_once_faults(rule, self.sending))
        is_once = self.sending.is_once or rule.modifiers.write_once is not None
        sending = replace(self.sending, in_rows=self.sending.in_rows or in_rows, is_once=is_once)
        return replace(self, sending=sending)

    def _blocks(
        self, rule: spec.Rule, kind: spec.Blocks, field: Field, target: str, scope: Scope
    ) -> checked.CheckedBlocks | None:
        if not self._has_shape(rule, field, "details"):
            return None
        entity = self.contract.entities[cast(str, field.entity)]
        inside = self._inside(rule, in_rows=True)

        def part(rules: spec.Part, inner: Scope, where: Span) -> checked.CheckedPart | None:
            return inside.part(rules, entity, f"{target}[].", inner, where)

        blocks = BlockRules(self.formulas, part, self._with_alias).blocks(kind, scope)
        if blocks is None:
            return None
        parts = tuple(block.part for block in blocks)
        if not self._can_be_unique((*kind.unique, *kind.row_key), parts):
            return None
        if not self._tells_rows(rule, kind.row_key, parts):
            return None
        unique = tuple(name.value for name in kind.unique)
        row_key = tuple(name.value for name in kind.row_key)
        at_least = 0 if kind.at_least is None else int(kind.at_least.value)
        reads = tuple(dict.fromkeys(path for block in blocks for path in block.reads))
        return checked.CheckedBlocks(target, field, blocks, at_least, unique, row_key, reads, rule)

    def _can_be_unique(self, names: Sequence[Text], parts: Sequence[checked.CheckedPart]) -> bool:
        """Report what `unique` and `row_key` name that is no single value of the rows."""
        known = dict.fromkeys(name for part in parts for name in _values(part))
        unknown = [name for name in names if name.value not in known]
        self.faults.extend(messages.not_unique_by(name, known=known) for name in unknown)
        return not unknown

    def _tells_rows(
        self, rule: spec.Rule, row_key: Sequence[Text], parts: Sequence[checked.CheckedPart]
    ) -> bool:
        """Report a `row_key` that does not tell rows apart, or that is not there."""
        faults = []
        values = [_values(part) for part in parts]
        for name in row_key:
            lacking = [found for found in values if not _is_certain(found.get(name.value))]
            if lacking:
                place = lacking[0].get(name.value)
                span = rule.target.span() if place is None else place.rule.target.span()
                faults.append(modifier_messages.uncertain_row_key(name, rule=span))
        is_once = rule.modifiers.write_once is not None
        if self.sending.meets_rows and not is_once and not row_key:
            certain = [
                name
                for name, one in values[0].items()
                if all(_is_certain(found.get(name)) for found in values)
                and not isinstance(one.value, checked.Constant)
            ]
            faults.append(
                modifier_messages.row_key_missing(
                    rule.target,
                    operation=self.sending.operation,
                    candidate=next(iter(certain), ""),
                    is_upsert=self.sending.operation.value == "upsert",
                )
            )
        self.faults.extend(faults)
        return not faults

    def _object(
        self, rule: spec.Rule, kind: spec.Object, field: Field, target: str, scope: Scope
    ) -> checked.CheckedObject | None:
        if not self._has_shape(rule, field, "linked"):
            return None
        source, inner = None, scope
        if kind.source is not None and kind.alias is not None:
            source = self.formulas.formula(kind.source, scope)
            if source is None:
                self.formulas.doubt(rule)
                return None
            if not isinstance(present(source.type), types.Object):
                self.formulas.doubt(rule)
                if present(source.type) == types.ERROR:
                    return None
                fault = messages.not_of_type(
                    kind.source.span(),
                    what="`object`",
                    wanted="an object",
                    found=described(source.type),
                )
                self.faults.append(fault)
                return None
            inner = self._with_alias(kind.alias, row_binding(source), scope)
            self.faults.extend(may_be_left_out(kind.source, source, field))
        entity = self.contract.entities[cast(str, field.entity)]
        rules = self._inside(rule, in_rows=False)
        part = rules.part(kind.part, entity, f"{target}.", inner, rule.target.span())
        if part is None:
            return None
        alias = kind.alias.value if kind.alias else None
        reads = reads_of(source)
        return checked.CheckedObject(target, field, source, alias, part, reads, rule)

    def _with_alias(self, alias: Text, binding: Binding, scope: Scope) -> Scope:
        if alias.value in scope.bindings or alias.value in RESERVED:
            self.faults.append(messages.name_taken(alias))
        return scope.with_(alias.value, binding)

    def _custom(self, rule: spec.Rule, prefix: str, scope: Scope) -> checked.CheckedRule | None:
        if not _CUSTOM_NAME.fullmatch(rule.target.value):
            from mapgen.report.catalogue import reading

            self.formulas.doubt(rule)
            self.faults.append(
                reading.malformed(
                    rule.target.span(), "a custom field", rule.target.value, "Document.UsrShopStore"
                )
            )
            return None
        value = self._value(rule, scope)
        if value is None:
            return None
        kind = _value_type(value)
        value_type = _CUSTOM_TYPES.get(present(kind))
        if present(kind) == types.ERROR:
            return None
        if value_type is None:
            # An instant does not say what the field holds; of a day the type is known.
            help_line = _CONVERSIONS.get(("date", str(present(kind))))
            fault = messages.wrong_type(
                _value_span(rule), rule.target.value, "a single value", described(kind), help_line
            )
            self.faults.append(fault)
            return None
        field = Field(rule.target.value, "value", value_type)
        return self._checked(rule, field, f"{prefix}custom.{rule.target.value}", scope, value)

    def _note(self, rule: spec.Rule, prefix: str, scope: Scope) -> checked.CheckedRule | None:
        return self.value(rule, Field("note", "value", "string"), f"{prefix}note", scope)

    def value(
        self, rule: spec.Rule, field: Field, target: str, scope: Scope
    ) -> checked.CheckedRule | None:
        """Return a rule for a single value, or None when it has faults."""
        value = self._value(rule, scope, field)
        return None if value is None else self._checked(rule, field, target, scope, value)

    def _checked(
        self,
        rule: spec.Rule,
        field: Field,
        target: str,
        scope: Scope,
        value: checked.RuleValue,
    ) -> checked.CheckedRule | None:
        before = len(self.faults)
        kind = _value_type(value)
        self._type(rule, field, kind)
        if_missing = self._if_missing(rule, field, value, scope)
        omit_if = self._omit_if(rule, _as_written(present(kind), field), scope)
        must_be = self._has_to_be_set(field)
        formulas, shown = _typed_of(value), _value_span(rule)
        kept = Kept(rule, field, must_be, value, formulas, kind, shown)
        failing, currency = None, None
        if len(self.faults) == before:
            failing = on_error(kept, scope, self.formulas)
            currency = places_of_currency(rule, scope, self.formulas)
            self._modifiers(rule, field, value, present(kind))
            self.faults.extend(resending_faults(kept, self.sending))
        if len(self.faults) > before:
            return None
        fallback = if_missing if not isinstance(if_missing, str) else None
        instead = failing if not isinstance(failing, str) else None
        decided_by: tuple[str, ...] = ()
        if isinstance(value, checked.MadeKey) and if_missing == "reject":
            decided_by = value.reads
        return checked.CheckedRule(
            target=target,
            field=field,
            value=value,
            type=kind,
            if_missing=if_missing,
            on_error=failing,
            omit_if=omit_if,
            currency=currency,
            reads=(
                *decided_by,
                *reads_of(*formulas, fallback, instead, omit_if, currency),
            ),
            rule=rule,
        )

    def _value(
        self, rule: spec.Rule, scope: Scope, field: Field | None = None
    ) -> checked.RuleValue | None:
        match rule.kind:
            case spec.Const(value):
                return self._constant(value, field)
            case spec.Value(expression):
                return self._formula(rule, expression, scope)
            case spec.Lookup():
                return TableRules(self.formulas, self.tables, self.choices).value(rule.kind, scope)
            case spec.FirstOf(expressions):
                return self._first_of(expressions, scope)
            case spec.Cases():
                return self._cases(rule, rule.kind, scope)
            case spec.Made() if field is not None and not rule.pointer.endswith("/note"):
                return self.siblings.made(rule.kind, self.faults)
            case spec.Made():
                why = "is for fields of the contract"
                self.faults.append(
                    messages.unfit_modifier(rule.target.span(), name="made", why=why)
                )
                return None
            case _:
                is_list = isinstance(rule.kind, spec.Each | spec.Blocks)
                words = "rows" if is_list else "an object"
                self.faults.append(
                    messages.wrong_part(rule.target, expected="a value", found=words)
                )
                self.formulas.doubt(rule)
                return None

    def _constant(self, value: ScalarNode, field: Field | None) -> checked.Constant | None:
        wanted = field.value_type if field is not None else None
        kind = None if field and field.is_list else _constant_type(value, wanted)
        if kind is None and field is not None:
            found = {"flag": "true or false", "text": "text", "integer": "a whole number"}
            words = found.get(value.kind, "a number")
            self._mistyped(value.span, field, words)
        if kind is None:
            return None
        if field and not value.value.strip() and self._has_to_be_set(field):
            self.faults.append(messages.blank_constant(value.span, field=field.name))
            return None
        refused = [] if field is None else list(disallowed(value, field))
        if refused:
            self.faults.extend(refused)
            return None
        if field and field.max_length and kind == types.STRING:
            length = len(value.value.encode("utf-16-le")) // 2
            if length > field.max_length:
                self.faults.append(
                    messages.constant_too_long(
                        value.span, field=field.name, length=length, most=field.max_length
                    )
                )
                return None
        # `1e3` and `-0` go out as every reader knows them: 1000 and 0.
        if kind == types.DECIMAL:
            amount = Decimal(value.value)
            return checked.Constant(format(amount or amount.copy_abs(), "f"), kind)
        return checked.Constant(value.value, kind)

    def _formula(self, rule: spec.Rule, text: Text, scope: Scope) -> checked.Formula | None:
        rounds = rule.modifiers.places is not None and rule.modifiers.rounding is not None
        typed = self.formulas.formula(text, scope) if rounds else self.formulas.whole(text, scope)
        if typed is None:
            return None
        trims = isinstance(typed.tree, Method) and typed.tree.name == "trim"
        return checked.Formula(typed, blank_is_missing=trims)

    def _first_of(self, expressions: tuple[Text, ...], scope: Scope) -> checked.First | None:
        typed = [self.formulas.whole(text, scope) for text in expressions]
        for text, one in zip(expressions, typed, strict=True):
            if one is not None and present(one.type) not in (types.STRING, types.ERROR):
                self.faults.append(
                    messages.not_of_type(
                        text.span(),
                        what="a value of `first_of`",
                        wanted="text",
                        found=described(one.type),
                    )
                )
                return None
        if any_of(typed):
            return None
        return checked.First(tuple(one for one in typed if one is not None))

    def _cases(self, rule: spec.Rule, kind: spec.Cases, scope: Scope) -> checked.Decision | None:
        cases = [
            (
                self.formulas.condition(case.when, scope, "`when`"),
                self.formulas.whole(case.then, scope),
            )
            for case in kind.cases
        ]
        otherwise = self.formulas.whole(kind.otherwise, scope)
        self.faults.extend(repeated(case.when for case in kind.cases))
        if otherwise is None or any(any_of(case) for case in cases):
            return None
        found = [(when, then) for when, then in cases if when is not None and then is not None]
        together: Type | None = otherwise.type
        for case, (_, then) in zip(kind.cases, found, strict=True):
            together = None if together is None else join(together, then.type)
            if together is None:
                self.faults.append(
                    messages.wrong_type(
                        case.then.span(),
                        rule.target.value,
                        described(otherwise.type),
                        described(then.type),
                        None,
                    )
                )
                return None
        return checked.Decision(tuple(found), otherwise)

    def _type(self, rule: spec.Rule, field: Field, kind: Type) -> None:
        inner = present(kind)
        if not any(is_assignable(inner, wanted) for wanted in self._accepted(field)):
            help = _CONVERSIONS.get((field.value_type or "", str(inner)))
            self._mistyped(_value_span(rule), field, described(kind), help)

    def _accepted(self, field: Field) -> tuple[Type, ...]:
        """Return the types that a field's value may have; version 4 has no several options."""
        accepted = ACCEPTED[field.value_type or "string"]
        if field.value_type == "multi_select" and self.contract.contract_version < 5:
            return ()
        return tuple(types.ListOf(kind) for kind in accepted) if field.is_list else accepted

    def _mistyped(self, at: Span, field: Field, found: str, help: str | None = None) -> None:
        """Report a value that has not the type of its field."""
        accepted = self._accepted(field)
        wanted = " or ".join(described(kind) for kind in accepted[:2])
        if not accepted:
            wanted = f"of the type {field.value_type}, which no rule can give"
            help = "remove the rule; such fields are set in the ERP"
        self.faults.append(messages.wrong_type(at, field.name, wanted, found, help))

    def _if_missing(
        self, rule: spec.Rule, field: Field, value: checked.RuleValue, scope: Scope
    ) -> Typed | Literal["reject"] | None:
        kind = _value_type(value)
        text = rule.modifiers.if_missing
        if text is None:
            if isinstance(kind, Optional) and self._has_to_be_set(field):
                span = _value_span(rule)
                is_identity = rule.pointer.endswith("identity/value")
                self.faults.append(
                    messages.missing_flows(
                        span,
                        field=field.name,
                        found=described(kind),
                        what="identity" if is_identity else "value",
                    )
                )
            return None
        if not isinstance(kind, Optional):
            self.faults.append(
                messages.idle_if_missing(text, value=_value_span(rule), name="if_missing")
            )
            return None
        if text.value == "reject":
            return "reject"
        typed = self.formulas.whole(text, scope)
        if typed is not None and not is_assignable(typed.type, present(kind)):
            self.faults.append(
                messages.wrong_type(
                    text.span(), field.name, described(present(kind)), described(typed.type), None
                )
            )
        return typed

    def _has_to_be_set(self, field: Field) -> bool:
        is_needed = field.is_required and not self.sending.is_sparse
        return is_needed or field.is_key or field.name == self.identity

    def _omit_if(self, rule: spec.Rule, kind: Type, scope: Scope) -> Typed | None:
        text = rule.modifiers.omit_if
        if text is None:
            return None
        return self.formulas.condition(text, scope.with_("value", Binding(kind)), "`omit_if`")

    def _modifiers(
        self, rule: spec.Rule, field: Field, value: checked.RuleValue, kind: Type
    ) -> None:
        modifiers = rule.modifiers
        if isinstance(value, checked.MadeKey):
            self.faults.extend(unfit_for_made(rule.modifiers))
            return
        is_number = kind in (types.INT, types.DECIMAL)
        if modifiers.too_long is not None:
            self._too_long(modifiers.too_long, field)
        if isinstance(value, checked.TableValue):
            self._table_lengths(rule, field, value.table)
            self.faults.extend(disallowed_entries(value.table, _value_span(rule), field))
        if modifiers.range is not None and not is_number:
            span = modifiers.range.text.span()
            self.faults.append(messages.unfit_modifier(span, name="range", why="is for numbers"))
        elif modifiers.range is not None:
            self.faults.extend(range_faults(modifiers.range, value, kind, _value_span(rule)))
        if modifiers.places is not None and kind != types.DECIMAL:
            span = places_span(modifiers.places)
            self.faults.append(messages.unfit_modifier(span, name="places", why="is for decimals"))
        if modifiers.rounding is not None and modifiers.places is None:
            self.faults.append(messages.rounding_without_places(modifiers.rounding.span()))
        if modifiers.omit_if is not None and self._has_to_be_set(field):
            span = modifiers.omit_if.span()
            self.faults.append(
                messages.unfit_modifier(
                    span, name="omit_if", why="would leave out a field that has to be set"
                )
            )

    def _table_lengths(self, rule: spec.Rule, field: Field, table: checked.TableFacts) -> None:
        """Report a table that has a value longer than the field, unless the rule cuts it."""
        text = rule.modifiers.too_long
        is_cut = text is not None and text.value == "truncate"
        if field.max_length is None or is_cut or table.longest <= field.max_length:
            return
        fault = messages.table_value_too_long(
            _value_span(rule),
            holds=f"`{field.name}` holds {field.max_length} characters",
            has=f"{table.longest_at} has a value of {table.longest}",
            value=table.longest_span,
        )
        self.faults.append(fault)

    def _too_long(self, text: Text, field: Field) -> None:
        if field.max_length is None:
            why = "has no effect: the contract gives no length for the field"
            self.faults.append(messages.unfit_modifier(text.span(), name="too_long", why=why))
        elif text.value == "truncate" and (field.is_key or field.name == self.identity):
            self.faults.append(messages.no_truncation(text.span(), field=field.name))

    def _completeness(self, part: spec.Part, entity: Entity, where: Span) -> None:
        written = {rule.target.value: rule for rule in part.fields}
        elsewhere = [self.identity] if entity.is_top_level else []
        unknown = [name for name in (*written, *elsewhere) if name not in entity.fields]
        meant = all_near(unknown, entity.fields)
        for field in entity.fields.values():
            if field.name in elsewhere or field.name in meant:
                continue
            is_needed = field.is_required and not self.sending.is_sparse
            if is_needed and field.name not in written:
                self.faults.append(
                    messages.required_field(where, field=field.name, entity=entity.name)
                )
        for name, rule in written.items():
            known = entity.fields.get(name)
            if known is not None:
                self._companions(rule, known, written, meant)

    def _companions(
        self,
        rule: spec.Rule,
        field: Field,
        written: Mapping[str, spec.Rule],
        meant: frozenset[str],
    ) -> None:
        needed = [field.companion] if field.companion else []
        if isinstance(rule.kind, spec.Object):
            inside = {inner.target.value for inner in rule.kind.part.fields}
            needed += [flag for part, flag in field.part_companions if part in inside]
        for flag in needed:
            if flag in meant:
                continue
            companion = written.get(flag)
            if companion is None:
                self.faults.append(messages.companion_missing(rule.target, companion=flag))
            elif not sets_flag(companion, rule):
                value = _value_span(companion)
                self.faults.append(
                    messages.companion_may_be_false(value, name=rule.target, companion=flag)
                )


def _values(part: checked.CheckedPart) -> dict[str, checked.CheckedRule]:
    return {one.field.name: one for one in part.members if isinstance(one, checked.CheckedRule)}


def _is_certain(value: checked.CheckedRule | None) -> bool:
    return value is not None and value.is_always_set


def _value_type(value: checked.RuleValue) -> Type:
    match value:
        case checked.Constant(type=kind):
            return kind
        case checked.Formula(typed, blank_is_missing):
            return optional(typed.type) if blank_is_missing else typed.type
        case checked.TableValue(keys=keys, on_miss=on_miss, otherwise=otherwise):
            has_key = any(not key.may_be_missing for key in keys)
            is_certain = has_key and (on_miss != "omit" or otherwise is not None)
            return types.STRING if is_certain else optional(types.STRING)
        case checked.First():
            return optional(types.STRING)
        case checked.MadeKey(may_be_missing=may_be_missing):
            return optional(types.STRING) if may_be_missing else types.STRING
        case checked.Decision(cases, otherwise):
            together = otherwise.type
            for _, then in cases:
                together = join(together, then.type) or types.ERROR
            return together


def _typed_of(value: checked.RuleValue) -> tuple[Typed, ...]:
    match value:
        case checked.Constant() | checked.MadeKey():
            return ()
        case checked.Formula(typed=typed):
            return (typed,)
        case checked.TableValue(keys=keys, otherwise=otherwise):
            parts = tuple(part for key in keys for part in key.parts)
            return parts if otherwise is None else (*parts, otherwise)
        case checked.First(typed=several):
            return several
        case checked.Decision(cases, otherwise):
            return (*(one for case in cases for one in case), otherwise)


def _constant_type(value: ScalarNode, wanted: ValueType | None) -> Type | None:
    """Return the type of a constant as its field wants it, or None when it does not fit."""
    by_kind: dict[str, Type] = {
        "flag": types.BOOL,
        "integer": types.INT,
        "number": types.DECIMAL,
        "text": types.STRING,
    }
    found = by_kind.get(value.kind)
    if wanted is None:
        return found
    if wanted in ("string", "guid", "single_select"):
        return None if value.kind == "flag" else types.STRING
    if wanted == "date":
        return types.DATE if _is_date(value.value) else None
    return found if found in ACCEPTED.get(wanted, ()) else None


def _is_date(words: str) -> bool:
    try:
        date.fromisoformat(words)
    except ValueError:
        return False
    return len(words) == len("2026-01-31")


def _as_written(kind: Type, field: Field) -> Type:
    """Return the type that a value has in its field: a whole number becomes an amount there."""
    is_amount = field.value_type in ("decimal", "double")
    return types.DECIMAL if is_amount and kind == types.INT else kind


def _value_span(rule: spec.Rule) -> Span:
    """Return the smallest place that shows where a rule's value comes from."""
    match rule.kind:
        case spec.Const(value):
            return value.span
        case spec.Value(expression):
            return expression.span()
        case spec.Lookup(table=table):
            return table.span()
        case spec.Made(document=document):
            return document.span()
        case spec.FirstOf(expressions):
            return expressions[0].span()
        case spec.Cases(otherwise=otherwise):
            return otherwise.span()
        case _:
            return rule.target.span()
