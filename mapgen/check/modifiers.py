"""What a rule says of its value beyond it: modifiers in, their errors and typed parts out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mapgen.check.directions import HOLDS
from mapgen.check.formulas import Formulas
from mapgen.check.model import Value
from mapgen.contract.model import Field
from mapgen.expression.scope import Scope
from mapgen.expression.typed import Typed
from mapgen.ir import types
from mapgen.ir.expression import Constant
from mapgen.ir.flow import Fixed, Made
from mapgen.ir.types import Optional, Type, optional, present
from mapgen.report import Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue import modifiers as catalogue
from mapgen.spec import model as spec
from mapgen.spec.nodes import ScalarNode


class Sending(Struct, frozen=True):
    """How the part that a rule belongs to is sent.

    `in_rows`: it is a row, `is_once`: it is in a part that only a new document gets. What
    `is_whole` takes the place of what is there, and is not matched with it.
    """

    operation: spec.Operation
    in_rows: bool = False
    is_once: bool = False
    is_whole: bool = False

    @property
    def is_sparse(self) -> bool:
        """Whether what is not sent keeps its value, so that nothing but keys has to be set.

        A row is not: one that is not recognised is a new one.
        """
        return not self.operation.creates and not self.in_rows and not self.is_whole

    @property
    def meets_rows(self) -> bool:
        """Whether rows that are sent may be there already."""
        return self.operation.updates and not self.is_once and not self.is_whole


class Kept(Struct, frozen=True):
    """What a value rule comes to so far: its field and whether that has to be set, its value.

    `shown` is the place that stands for the value.
    """

    rule: spec.Rule
    field: Field
    has_to_be_set: bool
    value: Value
    shown: Span


def on_error(kept: Kept, scope: Scope, formulas: Formulas) -> Typed | Literal["omit"] | None:
    """Return what a step that fails gives instead of a rejection (None); errors are noted."""
    text = kept.rule.modifiers.on_error
    if text is None:
        return None
    diagnostic = _unfit_on_error(kept, text)
    if diagnostic is not None:
        formulas.diagnostics.append(diagnostic)
        return None
    if text.value == "omit":
        return "omit"
    return formulas.fitting(text, scope, kept.field.name, optional(present(kept.value.type)))


def _unfit_on_error(kept: Kept, text: Text) -> Diagnostic | None:
    modifiers = kept.rule.modifiers
    if isinstance(kept.rule.kind, spec.Lookup):
        why = "is for `value`, `first_of` and `cases`; a lookup has `on_miss`"
        return messages.unfit_modifier(text, name="on_error", why=why)
    if not any(one.is_fallible for one in kept.value.formulas):
        return catalogue.idle_on_error(text, why="no step of this value can fail", value=kept.shown)
    if text.value == "reject":
        why = "a record whose value cannot be evaluated is rejected anyway"
        return catalogue.idle_on_error(text, why=why, value=None)
    rejects = modifiers.if_missing is not None and modifiers.if_missing.value == "reject"
    clears = modifiers.clear_if_missing is not None
    reasons = {
        "would leave out a field that has to be set": kept.has_to_be_set,
        "would leave out a field that `if_missing: reject` asks for": rejects,
        "cannot say `omit` beside `clear_if_missing`: say which value a failure gives": clears,
    }
    found = (why for why, holds in reasons.items() if holds and text.value == "omit")
    return next(
        (diagnostic for why in found for diagnostic in _unfit(kept.rule, "on_error", why)), None
    )


def places_of_currency(rule: spec.Rule, scope: Scope, formulas: Formulas) -> Typed | None:
    """Return the code of the currency whose places the value has, or None; errors are noted."""
    places = rule.modifiers.places
    if not isinstance(places, spec.CurrencyPlaces):
        return None
    typed = formulas.whole(places.currency, scope)
    if typed is not None and typed.type not in (types.STRING, types.ERROR):
        formulas.refuse(places.currency, typed, "the currency", "a string")
        return None
    return typed


def bounds_of_record(
    kept: Kept, wanted: Type, scope: Scope, formulas: Formulas
) -> list[tuple[spec.Comparison, Typed, str]]:
    """Return the bounds of a number that each record has, of the type wanted; errors are noted."""
    bounds, found = kept.rule.modifiers.range, []
    if bounds is None or present(kept.value.type) not in types.NUMBERS:
        return []
    if bounds.asked and isinstance(kept.value.node, Fixed):
        why = "has bounds of a record, and the value is the same in every record"
        formulas.diagnostics.extend(_unfit(kept.rule, "range", why))
        return []
    for sign, text in bounds.asked:
        typed = formulas.fitting(text, scope, kept.field.name, wanted)
        if typed is not None:
            found.append((sign, typed, text.value))
    return found


def resending_diagnostics(kept: Kept, sending: Sending) -> Iterator[Diagnostic]:
    """Yield what is wrong with how a value is sent again."""
    modifiers = kept.rule.modifiers
    if modifiers.write_once is not None:
        yield from write_once_diagnostics(kept.rule, sending, is_key=kept.field.is_key)
    if modifiers.clear_if_missing is not None:
        yield from _clearing_diagnostics(kept, modifiers.clear_if_missing, sending)


def write_once_diagnostics(
    rule: spec.Rule, sending: Sending, *, is_key: bool = False
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a field, or a part, that only new documents get."""
    mark = rule.modifiers.write_once
    if mark is None:
        return
    operation = sending.operation
    if not (operation.creates and operation.updates):
        yield catalogue.write_once_idle(mark, operation=operation.text, is_update=operation.updates)
    elif sending.in_rows:
        why = "is for fields of the document: a row of an upsert may be new in an old document"
        yield catalogue.write_once_unfit(
            mark, why=why, help="remove it, or put it at the rows as a whole"
        )
    elif is_key:
        why = "would leave out a key, by which the document is found"
        yield catalogue.write_once_unfit(mark, why=why, help="remove `write_once:`")
    elif sending.is_once:
        why = "is in a part that is written once as a whole"
        yield catalogue.write_once_unfit(mark, why=why, help="remove `write_once:`")


def _clearing_diagnostics(kept: Kept, mark: Text, sending: Sending) -> Iterator[Diagnostic]:
    modifiers, field = kept.rule.modifiers, kept.field
    if sending.is_whole:
        why = "has no effect: a document goes out whole, without what is missing"
        yield messages.unfit_modifier(mark.span(), name="clear_if_missing", why=why)
    elif not sending.operation.updates or sending.is_once:
        yield catalogue.nothing_to_clear(mark, operation=sending.operation.text)
    elif not isinstance(kept.value.type, Optional):
        yield messages.idle_if_missing(mark, value=kept.shown, name="clear_if_missing")
    elif modifiers.if_missing is not None:
        why = "has no effect beside `if_missing`: no value is missing then"
        yield messages.unfit_modifier(mark, name="clear_if_missing", why=why)
    elif modifiers.omit_if is not None:
        why = "cannot be used beside `omit_if`: the field is emptied, or it is left alone"
        yield messages.unfit_modifier(mark, name="clear_if_missing", why=why)
    elif field.is_key or field.is_required or kept.has_to_be_set:
        what = "`if_missing: reject`, or `if_missing:` and a value"
        yield catalogue.cannot_be_emptied(
            mark, field=field.name, why="it has to be set", help=f"say {what}"
        )
    elif field.value_type == "boolean":
        why = "a box is ticked or not"
        yield catalogue.cannot_be_emptied(
            mark, field=field.name, why=why, help="say `if_missing: false`"
        )


# Modifiers that only make sense of a single value, and why.
_OF_VALUES: Mapping[str, str] = {
    **dict.fromkeys(
        ("if_missing", "on_error", "clear_if_missing", "omit_if", "too_long", "rounding"),
        "is for a single value, this rule gives {what}",
    ),
    "range": "is for numbers",
    "severity": "is for a rule with a `range`",
    "places": "is for decimals",
}
# Those that need a value which is known before anything is sent.
_OF_KNOWN = (
    *("clear_if_missing", "omit_if", "too_long", "range", "severity", "rounding", "places"),
    *("examples", "rejects"),
)


def unfit_for_parts(rule: spec.Rule, *, is_list: bool) -> Iterator[Diagnostic]:
    """Yield the modifiers of a part or of rows that are for single values."""
    what = "rows" if is_list else "an object"
    for name, why in _OF_VALUES.items():
        if name == "omit_if" and is_list:
            continue
        if name == "omit_if":
            why = "is for a value or rows; `when:` says when an object is there"
        yield from _unfit(rule, name, why.format(what=what))


def _unfit(rule: spec.Rule, name: str, why: str) -> Iterator[Diagnostic]:
    """Yield the error of a modifier, if the rule has it."""
    match getattr(rule.modifiers, name):
        case (Text() as text) | spec.Range(text=text) | spec.CurrencyPlaces(currency=text):
            yield messages.unfit_modifier(text, name=name, why=why)
        case ScalarNode(span=span) | (spec.RuleExample(span=span) | spec.RuleReject(span=span), *_):
            yield messages.unfit_modifier(span, name=name, why=why)


def modifier_diagnostics(kept: Kept, *, is_identity: bool) -> Iterator[Diagnostic]:
    """Yield the modifiers that do not fit the value of their rule."""
    rule, field, kind = kept.rule, kept.field, present(kept.value.type)
    said = rule.modifiers
    if isinstance(kept.value.node, Made):
        for name in _OF_KNOWN:
            yield from _unfit(rule, name, "is for values that are known before anything is sent")
        return
    is_cut = said.too_long is not None and said.too_long.value == "truncate"
    if field.max_length is None:
        why = "has no effect: the contract gives no length for the field"
        yield from _unfit(rule, "too_long", why)
    elif said.too_long is not None and is_cut and (field.is_key or is_identity):
        yield messages.no_truncation(said.too_long, field=field.name)
    if said.range is not None and kind not in types.NUMBERS:
        yield from _unfit(rule, "range", _OF_VALUES["range"])
    elif said.range is not None:
        yield from range_diagnostics(said.range, _known(kept.value), kind, kept.shown)
    yield from _unfit(rule, "severity", _why_not_warned(kept)) if _why_not_warned(kept) else ()
    if kind != types.DECIMAL:
        yield from _unfit(rule, "places", _OF_VALUES["places"])
    if said.rounding is not None and said.places is None:
        yield messages.rounding_without_places(said.rounding)
    if kept.has_to_be_set:
        yield from _unfit(rule, "omit_if", "would leave out a field that has to be set")


def _why_not_warned(kept: Kept) -> str:
    """Return why `severity` has no place at a rule; nothing where it has one."""
    if kept.rule.modifiers.range is None:
        field = kept.field
        limits = {
            "length": field.max_length,
            "decimal places": field.places,
            "pattern": field.allowed.pattern,
            "values": field.allowed.choices,
            "bounds": field.allowed.bounds,
        }
        theirs = " and ".join(name for name, limit in limits.items() if limit)
        said = f"; the {theirs} of `{field.name}` are the target's, which refuses others"
        return "is for a rule's own limit, its `range`" + (said if theirs else "")
    if isinstance(kept.value.node, Fixed):
        return "has no effect: the value is the same in every record"
    return ""


def range_diagnostics(
    bounds: spec.Range, number: Decimal | None, kind: Type, shown: Span
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the bounds of a number; `number` is it where no record decides."""
    is_whole = kind == types.INT
    if _is_empty(bounds, is_whole=is_whole):
        yield catalogue.empty_range(bounds.text, kind="whole number" if is_whole else "number")
    elif number is not None and not all(HOLDS[sign](number, at) for sign, at in bounds.bounds):
        yield catalogue.constant_out_of_range(shown, shown=f"{number:f}", bounds=bounds.text)


def _is_empty(bounds: spec.Range, *, is_whole: bool) -> bool:
    """Whether no number lies within the bounds."""
    lows = [(at, sign == ">") for sign, at in bounds.bounds if sign in (">", ">=")]
    highs = [(at, sign == "<") for sign, at in bounds.bounds if sign in ("<", "<=")]
    if is_whole:
        lows = [
            (Decimal(math.floor(at) + 1 if is_open else math.ceil(at)), False)
            for at, is_open in lows
        ]
        highs = [
            (Decimal(math.ceil(at) - 1 if is_open else math.floor(at)), False)
            for at, is_open in highs
        ]
    return any(
        low > high or (low == high and (is_above or is_below))
        for low, is_above in lows
        for high, is_below in highs
    )


def _known(value: Value) -> Decimal | None:
    """Return the number that a rule gives for every record, None where records decide."""
    if isinstance(value.node, Fixed):
        return Decimal(value.node.text)
    code = value.formulas[0].code if len(value.formulas) == 1 else None
    if isinstance(code, Constant) and code.type in types.NUMBERS:
        return Decimal(str(code.value))
    return None
