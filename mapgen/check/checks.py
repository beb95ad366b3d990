"""What has to hold for a document or a part, and what is said where it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mapgen.check.built import over_parts
from mapgen.check.formulas import Formulas, reads_of
from mapgen.expression.scope import Scope
from mapgen.expression.typed import Typed
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.expression import Constant, Expression, Operation
from mapgen.report import Text
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec


def checked(
    checks: Iterable[spec.Check],
    formulas: Formulas,
    scope: Scope,
    parts: Sequence[ir.Part],
    *,
    wraps_values: bool,
) -> tuple[ir.Check, ...]:
    """Return the checks over what rules have made: the parts; those with errors are left out."""
    found = []
    for check in checks:
        typed = formulas.condition(check.that, scope, "a check")
        message = _said(check.because, formulas, scope)
        if typed is None:
            continue
        if check.within and not _has_tolerance(typed):
            why = "is for decimals compared with `==`"
            formulas.diagnostics.append(
                messages.unfit_modifier(check.within, name="within", why=why)
            )
        reported: Expression | None = None
        if isinstance(check.because, Text):
            reported = Constant(check.because.value, types.STRING)
        elif message is not None:
            reported = over_parts(message.code, parts, wraps_values=wraps_values)
        found.append(
            ir.Check(
                name=check.name.value,
                condition=over_parts(typed.code, parts, wraps_values=wraps_values),
                within=check.within.value if check.within else "0",
                reads=reads_of(typed, message),
                pointer=check.pointer,
                says=reported,
                warns=check.severity is not None and check.severity.value == "warn",
            )
        )
    return tuple(found)


def reason(
    written: Text | spec.Reason, formulas: Formulas, scope: Scope
) -> tuple[str, Typed | None]:
    """Return a reason as the author wrote it, and the expression that gives it, if one does."""
    if isinstance(written, Text):
        return written.value, None
    return written.value.value, _said(written, formulas, scope)


def _said(written: Text | spec.Reason | None, formulas: Formulas, scope: Scope) -> Typed | None:
    """Return the expression that gives a reason; it is shown to everybody."""
    if not isinstance(written, spec.Reason):
        return None
    typed = formulas.whole(written.value, scope)
    if typed is None:
        return None
    if typed.type not in (types.STRING, types.ERROR):
        formulas.refuse(written.value, typed, "a reason", "a string")
        return None
    formulas.shown.append((written.value.span(), typed.reads))
    return typed


def _has_tolerance(typed: Typed) -> bool:
    """Whether a condition compares amounts, which can be nearly equal."""
    if not isinstance(typed.code, Operation) or typed.code.operator != "==":
        return False
    sides = (typed.code.left.type, typed.code.right.type)
    return types.DECIMAL in sides or types.ERROR in sides
