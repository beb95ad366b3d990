"""The rules of a part: its members, custom fields and note; nothing that it needs is lacking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import names_along, written_name
from mapgen.check.blocks import (
    Opened,
    constant_conditions,
    go_together,
    may_be_left_out,
    opened,
    row_type,
)
from mapgen.check.built import document_origins, document_type, over_parts
from mapgen.check.checks import checked
from mapgen.check.directions import meeting_members, only_in_the_erp, unusable_members
from mapgen.check.formulas import Formulas, described, reads_of
from mapgen.check.modifiers import unfit_for_parts, write_once_diagnostics
from mapgen.check.override_flags import is_proved, needed_flags, with_flags
from mapgen.check.parts import Inside, Uses, placed
from mapgen.check.sources import all_near
from mapgen.check.values import CONVERSIONS, FieldRules, value_span
from mapgen.contract.model import Contract, Entity, Field, ValueType
from mapgen.expression.scope import Binding, Origins, Scope, either
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.rewriting import variables
from mapgen.ir.types import Type, present
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue import modifiers as modifier_messages
from mapgen.spec import model as spec

_CUSTOM_NAME = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*")
_CUSTOM_TYPES: Mapping[Type, ValueType] = {
    types.STRING: "string",
    types.DECIMAL: "decimal",
    types.INT: "int",
    types.BOOL: "boolean",
    types.DATE: "date",
}


_NUMBERS = ("decimal", "double", "int", "short", "long")


class RuleChecker(Struct, frozen=True):
    """Checks the rules of one document; `fields` are those for its single values."""

    fields: FieldRules

    @property
    def formulas(self) -> Formulas:
        return self.fields.formulas

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return self.fields.diagnostics

    @property
    def contract(self) -> Contract:
        return self.fields.contract

    def part(self, opened: Opened, entity: Entity, prefix: str) -> ir.Part | None:
        """Return an entity under construction, or None when one of its members has errors.

        Args:
            opened: the rules with the names in force, and the place for what is not there at all.
            entity: what they write.
            prefix: the target path of the entity: empty, or `Details[].`.
        """
        block, before = opened.written, len(self.diagnostics)
        found = self._whole_part(opened, entity, prefix)
        if found is not None:
            found = self._with_names(opened, found)
        if block.part.used is not None:
            self.diagnostics[before:] = placed(self.diagnostics[before:], (block.part.used,))
        return found

    def _whole_part(self, opened: Opened, entity: Entity, prefix: str) -> ir.Part | None:
        block, scope = opened.written, opened.scope
        inside, used = Inside({}, scope), block.part.used
        if used is not None:
            within = Uses(self.fields.parts, self.formulas).inside(used, block, entity, scope)
            if within is None:
                self.formulas.is_lost = True
                self.formulas.doubt(block.part.rules)
                return None
            inside = within
        found = self.rules_of(block, entity, prefix, inside)
        self._completeness(block.part, entity, block.span)
        return found

    def _with_names(self, opened: Opened, part: ir.Part) -> ir.Part | None:
        """Return a part with the names of its values and its checks, or None: they have errors."""
        checks = self._checks(opened.written, part, opened.scope)
        is_whole = len(opened.lets) == len(opened.written.lets)
        if not is_whole or len(checks) < len(opened.written.checks):
            return None
        part = replace(part, lets=opened.lets, checks=checks)
        self.diagnostics.extend(_idle_lets(opened.written, part))
        return part

    def rules_of(
        self, block: spec.Block, entity: Entity, prefix: str, inside: Inside
    ) -> ir.Part | None:
        """Return what the rules of a part make, whether or not it lacks any."""
        part = block.part
        self.diagnostics.extend(only_in_the_erp(part, self.contract))
        self.diagnostics.extend(meeting_members(part, self.contract))
        self.diagnostics.extend(unusable_members(rule.target for rule in part.fields))
        members = [self._member(rule, entity, prefix, inside.of(rule)) for rule in part.fields]
        custom = [self._custom(rule, prefix, inside.of(rule)) for rule in part.custom]
        note = None
        if part.note is not None:
            note = self._note(part.note, prefix, inside.of(part.note))
        found = tuple(member for member in members if member is not None)
        known = tuple(field for field in custom if field is not None)
        if len(found) < len(members) or len(known) < len(custom):
            return None
        if part.note is not None and note is None:
            return None
        found = self._flagged(block, entity, prefix, inside.around, found)
        return ir.Part(entity.name, block.pointer, found, known, note)

    def _checks(self, block: spec.Block, part: ir.Part, scope: Scope) -> tuple[ir.Check, ...]:
        """Return the checks of a part, in which `value` is what its rules have made."""
        if not block.checks:
            return ()
        value = Binding(document_type(part), document_origins(part))
        wraps = not self.contract.is_plain
        inner = scope.with_("value", value)
        return checked(block.checks, self.formulas, inner, (part,), wraps_values=wraps)

    def _flagged(
        self,
        block: spec.Block,
        entity: Entity,
        prefix: str,
        scope: Scope,
        members: tuple[ir.Member, ...],
    ) -> tuple[ir.Member, ...]:
        """Return the members of a part with the override flags that they need."""
        needed = tuple(needed_flags(entity, members))
        rules = {rule.target.value: rule for rule in block.part.fields}
        flags = {member.name: member for member in members if isinstance(member, ir.Field)}
        for one in needed:
            flag = flags.get(one.flag)
            for path in one.paths if flag is not None else ():
                if flag is not None and not is_proved(flag, path, members, scope):
                    self.diagnostics.append(
                        messages.flag_may_be_false(
                            value_span(rules[one.flag]), name=rules[path[0]].target, flag=one.flag
                        )
                    )
                    break
        return with_flags(members, needed, prefix, block.pointer)

    def _member(
        self, rule: spec.Rule, entity: Entity, prefix: str, scope: Scope
    ) -> ir.Member | None:
        field = self.field(rule.target, entity)
        if field is None:
            self.formulas.doubt(rule)
            if not isinstance(rule.kind, spec.RowsKind | spec.Made):
                self.fields.value(rule, scope)  # all errors at once: those inside it, too
            return None
        target = f"{prefix}{written_name(field.name)}"
        kind = rule.kind
        if not isinstance(kind, spec.RowsKind):
            if not isinstance(kind, spec.Todo) and not self._has_shape(rule, field, "value"):
                return None
            value = self.fields.value(rule, scope, field)
            return self.fields.field(rule, field, target, scope, value)
        if not self._has_shape(rule, field, "details" if kind.is_list else "linked"):
            return None
        return self._rows(rule, kind, field, target, scope)

    def field(self, name: Text, entity: Entity) -> Field | None:
        """Return the field of an entity that a rule may write."""
        field = entity.fields.get(name.value)
        if field is None:
            if self.contract.is_plain:
                diagnostic = messages.unknown_member(name, entity=entity.name, known=entity.fields)
            else:
                diagnostic = messages.unknown_field(name, entity=entity.name, known=entity.fields)
            self.diagnostics.append(diagnostic)
        elif field.is_calculated:
            self.diagnostics.append(messages.calculated_field(name, entity=entity.name))
        elif field.is_read_only:
            self.diagnostics.append(messages.read_only_field(name, entity=entity.name))
        elif name.value == entity.number:
            overlay = self.contract.overlay
            self.diagnostics.append(
                messages.auto_numbered(name, entity=entity.name, overlay=overlay)
            )
        else:
            return field
        return None

    def _has_shape(self, rule: spec.Rule, field: Field, found: str) -> bool:
        if field.shape == found:
            return True
        words = {"value": "a value", "linked": "an object", "details": "rows"}
        self.diagnostics.append(
            messages.wrong_part(rule.target, expected=words[field.shape], found=words[found])
        )
        self.formulas.doubt(rule)
        return False

    def _rows(
        self, rule: spec.Rule, kind: spec.RowsKind, field: Field, target: str, scope: Scope
    ) -> ir.Rows | None:
        entity = self.contract.entities[cast(str, field.entity)]
        rules, prefix = self._inside(rule, kind), f"{target}{'[]' * kind.is_list}."
        found = [opened(self.formulas, one, scope, is_list=kind.is_list) for one in kind.blocks]
        known = [one for one in found if one is not None]
        if isinstance(kind, spec.Blocks | spec.Object):
            constant_conditions(self.formulas, known)
        if isinstance(kind, spec.Object):
            self.diagnostics.extend(may_be_left_out(known, field))
        parts = [rules.part(one, entity, prefix) for one in known]
        blocks = tuple(
            one.block(part)
            for one, part in zip(known, parts, strict=True)
            if part is not None and (one.written.condition is None or one.where is not None)
        )
        if len(blocks) < len(found):
            return None
        if kind.is_list and not self._tells_rows(rule, kind, blocks):
            return None
        least = 0 if kind.at_least is None else int(kind.at_least.value)
        rows = ir.Rows(
            target=target,
            name=field.name,
            is_list=kind.is_list,
            blocks=blocks,
            least=max(least, field.least),
            unique=tuple(name.value for name in kind.unique),
            row_key=tuple(name.value for name in kind.row_key),
            removed=self._removed(rule, kind, entity),
            reads=tuple(dict.fromkeys(path for block in blocks for path in block.reads)),
            pointer=rule.pointer,
            is_written_once=rule.modifiers.write_once is not None,
        )
        return self._left_out(rule, kind, field, rows, scope) if kind.is_list else rows

    def _left_out(
        self, rule: spec.Rule, kind: spec.RowsKind, field: Field, rows: ir.Rows, scope: Scope
    ) -> ir.Rows | None:
        """Return rows with what leaves them out, or None when that has errors."""
        before, text, empty = len(self.diagnostics), rule.modifiers.omit_if, kind.empty
        is_needed = field.is_required and not self.fields.sending.is_sparse
        omitted = None
        why = "would leave out a list that has to be set"
        if empty is not None and not rows.may_have_none:
            idle = "has no effect: the list always has a row"
            self.diagnostics.append(messages.unfit_modifier(empty, name="empty", why=idle))
        elif empty is not None and empty.value == "omit" and is_needed:
            self.diagnostics.append(messages.unfit_modifier(empty, name="empty", why=why))
        if text is not None and is_needed:
            self.diagnostics.append(messages.unfit_modifier(text, name="omit_if", why=why))
        if text is not None:
            parts = [block.part for block in rows.blocks]
            row = types.ListOf(row_type([document_type(part) for part in parts]))
            origins = Origins(decided_by=rows.reads, element=either(*map(document_origins, parts)))
            inner = scope.with_("value", Binding(row, origins))
            typed = self.formulas.condition(text, inner, "`omit_if`")
            if typed is not None:
                wraps = not self.contract.is_plain
                code = over_parts(typed.code, parts, wraps_values=wraps)
                omitted = ir.Condition(code, reads_of(typed), text.value)
        if len(self.diagnostics) > before:
            return None
        # Without the list nobody could tell that its last row was removed.
        is_reported = is_needed or self.contract.is_plain or bool(rows.removed)
        doc = "send" if is_reported else "omit"
        reads = () if omitted is None else omitted.reads
        return replace(
            rows,
            omit_if=omitted,
            sends_empty=(doc if empty is None else empty.value) == "send",
            reads=tuple(dict.fromkeys((*rows.reads, *reads))),
        )

    def _inside(self, rule: spec.Rule, kind: spec.RowsKind) -> RuleChecker:
        """Return the checker of what is inside a rule, whose own modifiers are checked."""
        sending = self.fields.sending
        self.diagnostics.extend(unfit_for_parts(rule, is_list=kind.is_list))
        self.diagnostics.extend(write_once_diagnostics(rule, sending))
        is_once = sending.is_once or rule.modifiers.write_once is not None
        inside = replace(sending, in_rows=sending.in_rows or kind.is_list, is_once=is_once)
        return RuleChecker(replace(self.fields, sending=inside, is_inside=True))

    def _tells_rows(self, rule: spec.Rule, kind: spec.RowsKind, blocks: Sequence[ir.Block]) -> bool:
        """Report rows of several blocks that differ, and what does not tell rows apart."""
        before = len(self.diagnostics)
        parts = [block.part for block in blocks]
        places = {one.pointer: one for one in rule.whole}
        go_together(self.formulas, places, parts)
        values = [_values(part) for part in parts]
        known = dict.fromkeys(name for found in values for name in found)
        unknown = [name for name in (*kind.unique, *kind.row_key) if name.value not in known]
        self.diagnostics.extend(messages.not_unique_by(name, known=known) for name in unknown)
        if unknown:
            return False
        for name in kind.row_key:
            lacking = [found for found in values if not _is_certain(found.get(name.value))]
            if lacking:
                found = lacking[0].get(name.value)
                place = rule if found is None else places.get(found.pointer, rule)
                self.diagnostics.append(
                    modifier_messages.uncertain_row_key(name, rule=place.target)
                )
        if not kind.row_key:
            self.diagnostics.extend(self._lacking_row_key(rule, values))
        return len(self.diagnostics) == before

    def _removed(self, rule: spec.Rule, kind: spec.RowsKind, entity: Entity) -> str:
        """Return what becomes of rows that a record does not have any more; errors are noted."""
        text, sending = kind.removed_rows, self.fields.sending
        if text is None or text.value == "keep":
            return ""
        if not sending.meets_rows or rule.modifiers.write_once is not None or not kind.row_key:
            self.diagnostics.append(modifier_messages.removes_nothing(text))
            return ""
        _, _, name = text.value.partition(" ")
        numbers = [one.name for one in entity.fields.values() if one.value_type in _NUMBERS]
        if name and name not in numbers:
            self.diagnostics.append(
                modifier_messages.zero_of_no_number(
                    text, name=name, entity=entity.name, numbers=numbers
                )
            )
        return text.value

    def _lacking_row_key(
        self, rule: spec.Rule, values: Sequence[Mapping[str, ir.Field]]
    ) -> Iterator[Diagnostic]:
        """Yield the error of rows that may be there already, without what they are known by."""
        sending = self.fields.sending
        if not sending.meets_rows or rule.modifiers.write_once is not None:
            return
        certain = (
            name
            for name, one in values[0].items()
            if all(_is_certain(found.get(name)) for found in values)
            and not isinstance(one.value, ir.Fixed)
        )
        yield modifier_messages.row_key_missing(
            rule.target,
            operation=sending.operation.text,
            candidate=next(certain, ""),
            is_upsert=sending.operation.creates,
        )

    def _custom(self, rule: spec.Rule, prefix: str, scope: Scope) -> ir.CustomField | None:
        name = rule.target.value
        if not _CUSTOM_NAME.fullmatch(name):
            from mapgen.report.catalogue import reading

            self.formulas.doubt(rule)
            self.diagnostics.append(
                reading.malformed(
                    rule.target.span(), "a custom field", name, "Document.UsrShopStore"
                )
            )
            return None
        value = self.fields.value(rule, scope)
        if value is None or present(value.type) == types.ERROR:
            return None
        value_type = _CUSTOM_TYPES.get(present(value.type))
        if value_type is None:
            # An instant does not say what the field holds; of a day the type is known.
            help_line = CONVERSIONS.get(("date", str(present(value.type))))
            found = described(value.type)
            self.diagnostics.append(
                messages.wrong_type(value_span(rule), name, "a single value", found, help_line)
            )
            return None
        view, _, member = name.partition(".")
        field = self.fields.field(
            rule, Field(name, "value", value_type), f"{prefix}custom.{name}", scope, value
        )
        return None if field is None else ir.CustomField(view, member, field)

    def _note(self, rule: spec.Rule, prefix: str, scope: Scope) -> ir.Field | None:
        field = Field("note", "value", "string")
        value = self.fields.value(rule, scope, field)
        return self.fields.field(rule, field, f"{prefix}note", scope, value)

    def _completeness(self, part: spec.Part, entity: Entity, where: Span) -> None:
        written = {rule.target.value: rule for rule in part.fields}
        identity = self.fields.identity if entity.is_top_level else ()
        elsewhere = [one if one in entity.fields else names_along(one)[0] for one in identity]
        unknown = [name for name in (*written, *elsewhere) if name not in entity.fields]
        meant = all_near(unknown, entity.fields)
        for field in entity.fields.values():
            if field.name in elsewhere or field.name in meant:
                continue
            is_needed = field.is_required and not self.fields.sending.is_sparse
            if is_needed and field.name not in written:
                self.diagnostics.append(
                    messages.required_field(where, field=field.name, entity=entity.name)
                )


def _idle_lets(block: spec.Block, part: ir.Part) -> Iterator[Diagnostic]:
    """Yield the names of values in a part that nothing in it uses."""
    for number, let in enumerate(block.lets):
        behind = (part.lets[number + 1 :], part.members, part.custom, part.note, part.checks)
        if part.lets[number].name not in variables(behind):
            yield messages.unused_name(let.name, what="let")


def _values(part: ir.Part) -> dict[str, ir.Field]:
    return {one.name: one for one in part.members if isinstance(one, ir.Field)}


def _is_certain(value: ir.Field | None) -> bool:
    return value is not None and value.is_always_set
