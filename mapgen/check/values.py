"""Single values: a rule for one becomes a field, which it fits in type, length and presence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal, cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.check.directions import disallowed, disallowed_entries
from mapgen.check.documents import Siblings
from mapgen.check.formulas import Formulas, any_of, described, reads_of
from mapgen.check.model import Value
from mapgen.check.modifiers import (
    Kept,
    Sending,
    bounds_of_record,
    modifier_diagnostics,
    on_error,
    places_of_currency,
    resending_diagnostics,
)
from mapgen.check.parts import PartFacts
from mapgen.check.spelling import repeated
from mapgen.check.tables import TableRules
from mapgen.check.written import written_of
from mapgen.contract.model import Contract, Field, ValueType
from mapgen.expression import Binding, Scope, Typed
from mapgen.expression.narrowing import Facts, facts, met
from mapgen.expression.tree import Method
from mapgen.ir import expression as tree
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.building import demanded
from mapgen.ir.rewriting import renumbered
from mapgen.ir.types import Optional, Type, is_assignable, join, optional, present
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.runtime.lookups import units
from mapgen.spec import model as spec
from mapgen.spec.linking import PartKey
from mapgen.spec.nodes import ScalarNode


class Kind(Struct, frozen=True):
    """A type of the contract: what it accepts, what it is to back ends, which numbers it holds."""

    accepts: tuple[Type, ...]
    name: ir.ValueKind
    whole: tuple[int, int] | None = None


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Characters that no text has a use for: all that control but tabs and ends of lines."""

_AMOUNT = Kind((types.DECIMAL, types.INT), "decimal")
KINDS: Mapping[ValueType, Kind] = {
    "string": Kind((types.STRING,), "string"),
    "decimal": _AMOUNT,
    "double": _AMOUNT,
    "boolean": Kind((types.BOOL,), "boolean"),
    "int": Kind((types.INT,), "int", (-(2**31), 2**31 - 1)),
    "short": Kind((types.INT,), "int", (-(2**15), 2**15 - 1)),
    "byte": Kind((types.INT,), "int", (0, 255)),
    "long": Kind((types.INT,), "int", (-(2**63), 2**63 - 1)),
    "guid": Kind((types.STRING,), "string"),
    "datetime": Kind((types.TIMESTAMP,), "datetime"),
    "date": Kind((types.DATE,), "date"),
    "single_select": Kind((types.STRING,), "select"),
    "multi_select": Kind((types.ListOf(types.STRING),), "select"),
}
CONVERSIONS: Mapping[tuple[str, str], str] = {
    ("string", "decimal"): "convert it: `string(…)`",
    ("string", "int"): "convert it: `string(…)`",
    ("decimal", "string"): "convert it: `decimal(…)`",
    ("int", "string"): "convert it: `int(…)`",
    ("date", "string"): "read it: `parseDate(…, 'yyyy-MM-dd')`; the day of a moment that is text:"
    " `date(parseTimestamp(…, 'rfc2822'), settings.ZONE)`, each with the format that it has",
    ("datetime", "string"): "read it: `timestamp(…)`, or `parseTimestamp(…, FORMAT)`",
    ("datetime", "date"): "a day is no moment before its time and zone are given:"
    " `parseTimestamp(string(…) + ' 00:00', 'yyyy-MM-dd HH:mm', settings.ZONE)`",
    ("date", "timestamp"): "an instant becomes a date in a zone: `date(…, settings.ZONE)`",
}


class FieldRules(Struct, frozen=True):
    """Checks the rules for single values of one document; `is_inside`: those of a part of it."""

    formulas: Formulas
    contract: Contract
    tables: TableRules
    siblings: Siblings
    sending: Sending
    is_inside: bool = False
    parts: Mapping[PartKey, PartFacts] = {}

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that carry the identity; none inside a row or a part."""
        parts = () if self.is_inside else self.siblings.current.identity.parts
        return tuple(part.field.value for part in parts)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self.formulas.diagnostics

    def has_to_be_set(self, field: Field) -> bool:
        """Whether a document without the field cannot be sent."""
        is_needed = field.is_required and not self.sending.is_sparse
        return is_needed or field.is_key or field.name in self.identity

    def field(
        self, rule: spec.Rule, field: Field, target: str, scope: Scope, value: Value | None
    ) -> ir.Field | None:
        """Return the field that a rule writes with a value, or None when it has errors."""
        if value is None:
            return None
        before = len(self.diagnostics)
        self._type(rule, field, value.type)
        kept = Kept(rule, field, self.has_to_be_set(field), value, value_span(rule))
        failing = on_error(kept, scope, self.formulas) if len(self.diagnostics) == before else None
        if isinstance(failing, Typed) and isinstance(failing.type, Optional):
            value, failing = _perhaps(value, failing, _wanted(value.type, field)), None
            kept = replace(kept, value=value)
        if_missing = self._if_missing(kept, scope)
        kind = self._kind(field, value.type)
        omit_if = self._omit_if(rule, _wanted(value.type, field), scope)
        currency, asked = None, list[tuple[ir.Comparison, Typed, str]]()
        if len(self.diagnostics) == before:
            asked = bounds_of_record(kept, _wanted(value.type, field), scope, self.formulas)
            currency = places_of_currency(rule, scope, self.formulas)
            self.diagnostics.extend(
                modifier_diagnostics(kept, is_identity=field.name in self.identity)
            )
            self.diagnostics.extend(_entry_diagnostics(kept))
            self.diagnostics.extend(resending_diagnostics(kept, self.sending))
        if len(self.diagnostics) > before:
            return None
        inner = _wanted(value.type, field)
        fallback, instead = (
            one if isinstance(one, Typed) else None for one in (if_missing, failing)
        )
        node, on_missing = _shaped(value, inner, (if_missing, fallback), (failing, instead))
        decided_by = value.decided_by if on_missing == "reject" else ()
        beside = (fallback, instead, omit_if, currency, *(one for _, one, _ in asked))
        return ir.Field(
            target=target,
            name=field.name,
            kind=kind,
            is_list=isinstance(present(value.type), types.ListOf),
            value=node,
            on_missing=on_missing,
            clears=rule.modifiers.clear_if_missing is not None,
            is_written_once=rule.modifiers.write_once is not None,
            omit_if=None if omit_if is None else omit_if.code,
            limits=self._limits(
                kept,
                kind,
                currency,
                tuple((sign, one.as_type(inner), words) for sign, one, words in asked),
            ),
            reads=(*decided_by, *reads_of(*value.formulas, *beside)),
            pointer=rule.pointer,
            written=written_of(rule),
        )

    def _kind(self, field: Field, kind: Type) -> ir.ValueKind:
        if field.allowed.is_text:
            return "decimal_text"
        found = KINDS[field.value_type or "string"].name
        if found == "decimal" and isinstance(inner := present(kind), types.ListOf):
            return "int" if present(inner.element) == types.INT else found
        # Contract version 4 has the displayed text of a drop-down for its value.
        is_text = found == "select" and self.contract.contract_version < 5
        return "string" if is_text else found

    def _limits(
        self,
        kept: Kept,
        kind: ir.ValueKind,
        currency: Typed | None,
        asked: tuple[tuple[ir.Comparison, tree.Expression, str], ...],
    ) -> ir.Limits:
        if isinstance(kept.value.node, ir.Fixed | ir.Made):
            return ir.Limits()
        field, said = kept.field, kept.rule.modifiers
        places = said.places.whole if isinstance(said.places, ScalarNode) else field.places
        bounds = () if said.range is None else said.range.bounds
        own = tuple((sign, str(bound)) for sign, bound in bounds)
        warns = said.severity is not None and said.severity.value == "warn"
        is_whole = kind == "int" and not self.contract.is_plain
        return ir.Limits(
            max_length=field.max_length if kind == "string" else None,
            truncates=said.too_long is not None and said.too_long.value == "truncate",
            places=places if present(kept.value.type) == types.DECIMAL else None,
            currency=None if currency is None else currency.code,
            rounding=cast(Literal["half_up"], said.rounding.value) if said.rounding else None,
            range=field.allowed.bounds if warns else (*field.allowed.bounds, *own),
            asked=() if warns else asked,
            warned=ir.Warned(own, asked) if warns else None,
            whole=KINDS[field.value_type or "string"].whole if is_whole else None,
            choices=field.allowed.choices,
            pattern=field.allowed.pattern,
            least=field.least,
        )

    def value(self, rule: spec.Rule, scope: Scope, field: Field | None = None) -> Value | None:
        """Return what a rule gives, or None when it has errors; no field: one that is unknown."""
        match rule.kind:
            case spec.Const(value):
                return self._constant(value, field)
            case spec.Value(expression):
                return self._formula(rule, expression, scope, field)
            case spec.Lookup():
                return self.tables.value(rule.kind, scope)
            case spec.FirstOf(entries):
                return self._first_of(entries, scope)
            case spec.Cases():
                return self._cases(rule, rule.kind, scope, field)
            case spec.Todo(question):
                diagnostic = messages.undecided_rule(rule.target, question=question.value)
            case spec.Removed():
                return None  # what it takes away is gone where the part has been put in place
            case spec.Made() if field is not None and not rule.pointer.endswith("/note"):
                return self.siblings.made(rule.kind, self.diagnostics)
            case spec.Made():
                why = "is for fields of the contract"
                return self.refused(messages.unfit_modifier(rule.target, name="made", why=why))
            case spec.Object() | spec.Each() | spec.Blocks() as kind:
                words = "rows" if kind.is_list else "an object"
                diagnostic = messages.wrong_part(rule.target, expected="a value", found=words)
        self.formulas.doubt(rule)
        return self.refused(diagnostic)

    def refused(self, diagnostic: Diagnostic) -> Value | None:
        """Note an error: there is no value then."""
        self.diagnostics.append(diagnostic)
        return None

    def _constant(self, value: ScalarNode, field: Field | None) -> Value | None:
        wanted = field.value_type if field is not None else None
        kind = None if field and field.is_list else _constant_type(value, wanted)
        if kind is None and field is not None:
            self._mistyped(value.span, field, value.described)
        if kind is None:
            return None
        for diagnostic in self._unfit_constant(value, kind, field):
            return self.refused(diagnostic)
        # `1e3` and `-0` go out as every reader knows them: 1000 and 0.
        if kind == types.DECIMAL:
            amount = Decimal(value.value)
            return Value(ir.Fixed(format(amount or amount.copy_abs(), "f")), kind)
        return Value(ir.Fixed(value.value), kind)

    def _unfit_constant(
        self, value: ScalarNode, kind: Type, field: Field | None
    ) -> Iterator[Diagnostic]:
        unseen, length = _CONTROL.search(value.value), units(value.value)
        if unseen is not None:
            at, character = value.text.span(*unseen.span()), f"U+{ord(unseen[0]):04X}"
            yield messages.constant_with_control_character(at, character=character)
        if field is None:
            return
        if not value.value.strip() and self.has_to_be_set(field):
            yield messages.blank_constant(value.span, field=field.name)
        yield from disallowed(value, field)
        if kind == types.STRING and field.max_length and length > field.max_length:
            most, name = field.max_length, field.name
            yield messages.constant_too_long(value.span, field=name, length=length, most=most)

    def _formula(
        self, rule: spec.Rule, text: Text, scope: Scope, field: Field | None
    ) -> Value | None:
        rounds = rule.modifiers.places is not None and rule.modifiers.rounding is not None
        typed = self.formulas.formula(text, scope) if rounds else self.formulas.whole(text, scope)
        if typed is None:
            return None
        if isinstance(typed.tree, Method) and typed.tree.name == "trim":
            # What makes blank text missing trims it, too.
            text_of = typed.parts[typed.tree.operand].code
            return Value(_non_blank(text_of), optional(typed.type), (typed,))
        wanted = _in_field(typed.type, field)
        return Value(typed.as_type(wanted), typed.type, (typed,))

    def _first_of(self, entries: tuple[Text | spec.Lookup, ...], scope: Scope) -> Value | None:
        found = [
            (
                self._tried(entry, scope, is_last=entry is entries[-1])
                if isinstance(entry, spec.Lookup)
                else self._text_tried(entry, scope)
            )
            for entry in entries
        ]
        values = [value for value in found if value is not None]
        if len(values) < len(found):
            return None
        first, *others = (cast(tree.Expression, value.node) for value in values)
        for other in others:
            first = tree.OrElse(first, renumbered(other, first), other.type)
        formulas = tuple(one for value in values for one in value.formulas)
        return Value(first, first.type, formulas, tuple(one for v in values for one in v.found))

    def _text_tried(self, text: Text, scope: Scope) -> Value | None:
        """Return what an expression gives `first_of`: nothing where it is blank."""
        typed = self.formulas.whole(text, scope)
        if typed is None:
            return None
        if present(typed.type) not in (types.STRING, types.ERROR):
            self.formulas.refuse(text, typed, "a value of `first_of`", "text")
            return None
        return Value(_non_blank(typed.code), optional(types.STRING), (typed,))

    def _tried(self, kind: spec.Lookup, scope: Scope, *, is_last: bool) -> Value | None:
        """Return what a lookup gives `first_of`: a miss of any but the last one is none."""
        value = self.tables.value(kind, scope, "reject" if is_last else "omit")
        if kind.otherwise is not None:
            why = "has no place in `first_of`: write the value behind the lookup"
            return self.refused(messages.unfit_modifier(kind.otherwise, name="otherwise", why=why))
        if value is None:
            return None
        if present(value.type) != types.STRING:
            what, found = "a value of `first_of`", described(value.type)
            diagnostic = messages.not_of_type(kind.table, what=what, wanted="text", found=found)
            return self.refused(diagnostic)
        if not is_last and kind.on_miss is not None and not isinstance(value.type, Optional):
            why = "leaves nothing to the values behind it"
            return self.refused(messages.unfit_modifier(kind.on_miss, name="on_miss", why=why))
        return value

    def _cases(
        self, rule: spec.Rule, kind: spec.Cases, scope: Scope, field: Field | None
    ) -> Value | None:
        cases = []
        for case in kind.cases:
            when = self.formulas.condition(case.when, scope, "`when`")
            known = Facts() if when is None else facts(when.tree)
            inside = replace(scope, values=met(scope.values, known.held.values))
            cases.append((when, self.formulas.whole(case.then, inside)))
            scope = replace(scope, values=met(scope.values, known.failed.values))
        otherwise = self.formulas.whole(kind.otherwise, scope)
        self.diagnostics.extend(repeated(case.when for case in kind.cases))
        if otherwise is None or any(any_of(case) for case in cases):
            return None
        found = [(when, then) for when, then in cases if when is not None and then is not None]
        together = otherwise.type
        for case, (_, then) in zip(kind.cases, found, strict=True):
            both = join(together, then.type)
            if both is None:
                shown = described(otherwise.type), described(then.type)
                return self.refused(messages.wrong_type(case.then, rule.target.value, *shown))
            together = both
        wanted = _in_field(together, field)
        decided = otherwise.as_type(wanted)
        for when, then in reversed(found):
            condition = renumbered(when.code, decided)
            chosen = renumbered(then.as_type(wanted), (decided, condition))
            decided = tree.Conditional(condition, chosen, decided, wanted)
        return Value(decided, together, (*(one for case in found for one in case), otherwise))

    def _type(self, rule: spec.Rule, field: Field, kind: Type) -> None:
        inner = present(kind)
        if not any(is_assignable(inner, wanted) for wanted in self._accepted(field)):
            help = CONVERSIONS.get((field.value_type or "", str(inner)))
            self._mistyped(value_span(rule), field, described(kind), help)

    def _accepted(self, field: Field) -> tuple[Type, ...]:
        """Return the types that a field's value may have; version 4 has no several options."""
        accepted = KINDS[field.value_type or "string"].accepts
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
        self.diagnostics.append(messages.wrong_type(at, field.name, wanted, found, help))

    def _if_missing(self, kept: Kept, scope: Scope) -> Typed | Literal["reject"] | None:
        kind, field, text = kept.value.type, kept.field, kept.rule.modifiers.if_missing
        if text is None:
            if isinstance(kind, Optional) and kept.has_to_be_set:
                is_identity = "identity" in kept.rule.pointer.split("/")[-3:]
                self.diagnostics.append(
                    messages.missing_flows(
                        kept.shown,
                        field=field.name,
                        found=described(kind),
                        what="identity" if is_identity else "value",
                    )
                )
            return None
        if not isinstance(kind, Optional):
            help = _never_missing(kept)
            self.diagnostics.append(
                messages.idle_if_missing(text, value=kept.shown, name="if_missing", help=help)
            )
            return None
        if text.value == "reject":
            return "reject"
        return self.formulas.fitting(text, scope, field.name, present(kind))

    def _omit_if(self, rule: spec.Rule, kind: Type, scope: Scope) -> Typed | None:
        text = rule.modifiers.omit_if
        if text is None:
            return None
        return self.formulas.condition(text, scope.with_("value", Binding(kind)), "`omit_if`")


def _or_else(value: ir.Value, other: tree.Expression, kind: Type) -> ir.Value:
    """Return a value, or the other one where it is missing."""
    match value:
        case ir.Made():
            return replace(value, otherwise=other)
        case ir.Fixed():
            return value
        case tree.Conditional(then=tree.OrElse(operand=tree.Lookup(), other=same)) if same == other:
            # No key at all and a key that is not known come to the same: one test is enough.
            return value.then
        case _:
            return tree.OrElse(value, renumbered(other, value), kind)


def _attempted(value: ir.Value, instead: tree.Expression | None) -> ir.Value:
    """Return a value, or the other one where a step of it fails."""
    assert not isinstance(value, ir.Fixed | ir.Made)
    if instead is None:
        return tree.Attempted(value, None, optional(value.type))
    return tree.Attempted(value, renumbered(instead, value), value.type)


def _perhaps(value: Value, failing: Typed, inner: Type) -> Value:
    """Return a value that is another one, which may be missing, where a step of it fails."""
    node, wanted = value.node, optional(inner)
    assert not isinstance(node, ir.Fixed | ir.Made)
    instead = renumbered(failing.as_type(wanted), node)
    formulas = (*value.formulas, failing)
    return replace(
        value, node=tree.Attempted(node, instead, wanted), type=wanted, formulas=formulas
    )


def _wanted(kind: Type, field: Field | None) -> Type:
    """Return the type that a value has in its field: a whole number becomes an amount there."""
    inner = present(kind)
    if field is None or isinstance(inner, types.ListOf):
        return inner
    is_amount = field.allowed.is_text or field.value_type in ("decimal", "double")
    return types.DECIMAL if is_amount else inner


def _in_field(kind: Type, field: Field | None) -> Type:
    inner = _wanted(kind, field)
    return optional(inner) if isinstance(kind, Optional) else inner


def _non_blank(expression: tree.Expression) -> tree.Expression:
    """Return the text of an expression, missing where it is blank."""
    return tree.Call("nonBlank(string?)", (expression,), optional(types.STRING))


def _shaped(
    value: Value,
    inner: Type,
    if_missing: tuple[object | None, Typed | None],
    failing: tuple[object | None, Typed | None],
) -> tuple[ir.Value, ir.OnMissing]:
    """Return a value with what its rule does where it is missing or fails, and what is left to do.

    Of both, what the rule says of it, and the value that is taken instead, if there is one.
    """
    (on_miss, fallback), (on_failure, instead) = if_missing, failing
    node = value.node
    left: ir.OnMissing = "never"
    if isinstance(value.type, Optional) and fallback is None:
        left = "omit" if on_miss is None else "reject"
    if left == "reject" and not isinstance(node, ir.Fixed | ir.Made):
        node = demanded(node)
        left = "reject" if tree.is_optional(node) else "never"
    if fallback is not None:
        node = _or_else(node, fallback.as_type(inner), inner)
    if on_failure is not None:
        node = _attempted(node, None if instead is None else instead.as_type(inner))
        left = "omit" if instead is None else left
    return node, left


def _entry_diagnostics(kept: Kept) -> Iterator[Diagnostic]:
    """Yield what is wrong with the values of the table that a rule looks up in."""
    field, cut = kept.field, kept.rule.modifiers.too_long
    is_cut = cut is not None and cut.value == "truncate"
    for found in kept.value.found:
        if field.max_length is not None and not is_cut and found.longest > field.max_length:
            yield messages.table_value_too_long(
                kept.shown,
                holds=f"`{field.name}` holds {field.max_length} characters",
                has=f"{found.longest_at} has a value of {found.longest}",
                value=found.longest_span,
            )
        yield from disallowed_entries(found.texts, kept.shown, field)


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
    return found if found in KINDS[wanted].accepts else None


def _is_date(words: str) -> bool:
    try:
        date.fromisoformat(words)
    except ValueError:
        return False
    return len(words) == len("2026-01-31")


def value_span(rule: spec.Rule) -> Span:
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
        case spec.FirstOf(entries):
            first = entries[0]
            return first.table.span() if isinstance(first, spec.Lookup) else first.span()
        case spec.Cases(otherwise=otherwise):
            return otherwise.span()
        case _:
            return rule.target.span()


def _never_missing(kept: Kept) -> str | None:
    """Return what `if_missing` may have been meant for, where that is not certain."""
    match kept.rule.kind:
        case spec.Lookup(otherwise=other) if other is kept.rule.modifiers.if_missing:
            return "write `otherwise:`, which is for a key that the table does not have"
        case spec.Lookup() as lookup if lookup.otherwise is None:
            return "for a key that the table does not have, write `otherwise:`; else remove it"
        case spec.Value(expression=text) if kept.value.type == types.STRING:
            words = f"`nonBlank({text.value})`"
            return f"a blank text counts as there: {words} makes it missing; else remove it"
        case _:
            return None
