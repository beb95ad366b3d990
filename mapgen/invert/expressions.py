"""An expression of the ir in, the steps that undo it out, or why there are none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from decimal import Decimal

from mapgen.invert.model import (
    Between,
    Finding,
    IsValue,
    KnownText,
    Lost,
    Minus,
    Negated,
    Nothing,
    Number,
    OfSetting,
    Over,
    Plus,
    Step,
    Times,
    Undone,
    Whole,
)
from mapgen.ir import expression as ir

_LOST: Mapping[str, str] = {
    "nonBlank": "the blanks around the text are lost",
    "trim": "the blanks around the text are lost",
    "date": "of an instant only the day is kept",
    "round": "the digits that are rounded off are lost",
    "digits": "all but the digits is lost",
    "upperAscii": "whether letters were small or capital is lost",
    "lowerAscii": "whether letters were small or capital is lost",
    "titleCase": "whether letters were small or capital is lost",
    "replace": "what was replaced looks like what was there before",
    "split": "only parts of the text are kept",
    "before": "only a part of the text is kept",
    "after": "only a part of the text is kept",
    "left": "only a part of the text is kept",
    "right": "only a part of the text is kept",
    "substring": "only a part of the text is kept",
    "join": "it puts several values together: nothing says where one ends",
    "first": "of a list only one element is kept",
    "last": "of a list only one element is kept",
    "distinct": "how often the elements of the list were there is lost",
    "int": "the places behind the point are lost",
    "minorUnits": "how many places it moves the point depends on the currency",
    "htmlUnescape": "how the characters were spelt is lost",
    "sum": "of a sum the summands are lost",
    "size": "only how many there are is kept",
}
_NUMBERS = ("int", "decimal")


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: source paths, or the values of lets."""

    paths: Mapping[str, str]
    lets: Mapping[str, ir.Expression]

    def with_path(self, name: str, path: str) -> Scope:
        """Return the scope with one more name for a source path."""
        return replace(self, paths={**self.paths, name: path})


def undone(expression: ir.Expression, scope: Scope) -> Finding:
    """Return the steps from the value of an expression back to the one source path that it reads.

    Each form says why no two values of the record give the same value.
    """
    if not _reads(expression, scope):
        return Nothing()
    return _undone(expression, scope, {})


_Locals = Mapping[int, Finding]


def _undone(expression: ir.Expression, scope: Scope, known: _Locals) -> Finding:
    match expression:
        case ir.Variable(name=name) if name in scope.paths:
            return Undone(scope.paths[name])
        case ir.Variable(name=name) if name in scope.lets:
            return undone(scope.lets[name], scope)
        case ir.Local(number=number) if number in known:
            return known[number]
        case ir.Field(operand=operand, key=key):
            return _member(_undone(operand, scope, known), key)
        case ir.WhenPresent(operand=operand, local=local, value=value):
            return _when_present(_undone(operand, scope, known), local, value, scope, known)
        case ir.Widened(operand=operand):
            # Each int is one decimal.
            return _then(Whole(), _undone(operand, scope, known))
        case ir.Not(operand=operand):
            return _then(Negated(), _undone(operand, scope, known))
        case ir.Negative(operand=operand):
            return _then(Times("-1"), _undone(operand, scope, known))
        case ir.Concatenation(parts=parts):
            return _template(parts, scope, known)
        case ir.Operation():
            return _operation(expression, scope, known)
        case ir.Conditional():
            return _conditional(expression, scope, known)
        case ir.Call():
            return _call(expression, scope, known)
        case _:
            return Lost(_why(expression))


def _why(expression: ir.Expression) -> str:
    match expression:
        case ir.IsPresent():
            return "only whether the value is there is kept"
        case ir.OrElse(other=ir.Constant()):
            return "a missing value becomes one that a record may say itself"
        case ir.OrElse():
            return "which of several values it was is not kept"
        case ir.Both() | ir.Either():
            return "of several conditions only the outcome is kept"
        case ir.TableEntry():
            return "a key that the table has not gives nothing"
        case ir.Loop():
            return "it is worked out from a list: its elements are not kept"
        case ir.Items() | ir.Entries():
            return "it puts several values together"
        case ir.DocumentField():
            return "it is worked out from the document"
        case _:
            return "it is not a copy of one source field"


def _then(step: Step, finding: Finding) -> Finding:
    return (
        replace(finding, steps=(step, *finding.steps)) if isinstance(finding, Undone) else finding
    )


def _member(finding: Finding, key: str) -> Finding:
    if isinstance(finding, Undone) and not finding.steps:
        return Undone(f"{finding.path}.{key}")
    return finding if isinstance(finding, Lost) else Lost("it is not a copy of one source field")


def _when_present(
    operand: Finding, local: ir.Local, value: ir.Expression, scope: Scope, known: _Locals
) -> Finding:
    """Missing gives missing, and each value what the steps undo."""
    if not isinstance(operand, Undone):
        return operand
    found = _undone(value, scope, {**known, local.number: operand})
    if not any(part == local for part in _nodes(value)):
        return Lost("only whether the value is there is kept")
    return found


def _template(parts: tuple[ir.Expression, ...], scope: Scope, known: _Locals) -> Finding:
    """With one part from the record, and all others known, that part is what is between them."""
    texts = [_known_text(part) for part in parts]
    unknown = [number for number, text in enumerate(texts) if text is None]
    if len(unknown) != 1:
        return Lost("it puts several values together: nothing says where one ends")
    at = unknown[0]
    before = tuple(text for text in texts[:at] if text is not None)
    after = tuple(text for text in texts[at + 1 :] if text is not None)
    return _then(Between(before, after), _undone(parts[at], scope, known))


def _known_text(part: ir.Expression) -> KnownText | None:
    match part:
        case ir.Constant(value=str() as text, type="string"):
            return text
        case ir.Field(operand=ir.Variable(name="settings"), key=name, type="string"):
            return OfSetting(name)
        case _:
            return None


def _operation(expression: ir.Operation, scope: Scope, known: _Locals) -> Finding:
    operator, left, right = expression.operator, expression.left, expression.right
    if operator not in ("+", "-", "*", "/"):
        return Lost("only whether the comparison holds is kept")
    if _number(left) is not None and _number(right) is None:
        return _with_number_first(expression, scope, known)
    amount = _number(right)
    if amount is None or expression.type not in _NUMBERS:
        return Lost("it is worked out from several values")
    found = _undone(left, scope, known)
    match operator:
        case "+":
            return _then(Plus(str(-amount)), found)
        case "-":
            return _then(Plus(str(amount)), found)
        case "*" if amount:
            return _then(Over(str(amount)), found)
        case "/" if expression.type == "decimal" and _ends(amount):
            return _then(Times(str(amount)), found)
        case _:
            return Lost("the digits that the calculation leaves out are lost")


def _with_number_first(expression: ir.Operation, scope: Scope, known: _Locals) -> Finding:
    amount, found = _number(expression.left), _undone(expression.right, scope, known)
    assert amount is not None
    if expression.type in _NUMBERS:
        match expression.operator:
            case "+":
                return _then(Plus(str(-amount)), found)
            case "-":
                return _then(Minus(str(amount)), found)
            case "*" if amount:
                return _then(Over(str(amount)), found)
    return Lost("the digits that the calculation leaves out are lost")


def _number(expression: ir.Expression) -> Decimal | None:
    match expression:
        case ir.Constant(value=bool()):
            return None
        case ir.Constant(value=int() | str() as value, type="int" | "decimal"):
            return Decimal(value)
        case ir.Widened(operand=operand):
            return _number(operand)
        case _:
            return None


def _ends(divisor: Decimal) -> bool:
    """Whether each quotient has a last digit: no prime but 2 and 5 divides the divisor."""
    digits = abs(int(divisor.scaleb(28)))
    for prime in (2, 5):
        while digits and digits % prime == 0:
            digits //= prime
    return digits == 1


def most_places(expression: ir.Expression, scope: Scope) -> int | None:
    """Return how many decimal places a value has at most, None where that cannot be known."""
    match expression:
        case ir.Variable(name=name) if name in scope.lets:
            return most_places(scope.lets[name], scope)
        case ir.Constant() if (amount := _number(expression)) is not None:
            return max(0, -_exponent(amount))
        case ir.Operation(operator="/", left=left, right=right):
            places, divisor = most_places(left, scope), _number(right)
            is_power = divisor is not None and divisor.normalize().as_tuple().digits == (1,)
            if places is None or divisor is None or not is_power:
                return None
            return max(0, places + _exponent(divisor.normalize()))
        case ir.Operation(operator=operator, left=left, right=right):
            one, other = most_places(left, scope), most_places(right, scope)
            if one is None or other is None:
                return None
            return one + other if operator == "*" else max(one, other)
        case ir.Widened(operand=operand) | ir.Negative(operand=operand):
            return most_places(operand, scope)
        case ir.WhenPresent(value=value):
            return most_places(value, scope)
        case ir.Call(function="decimal", arguments=(operand,)):
            return most_places(operand, scope)
        case _:
            return 0 if expression.type.removesuffix("?") == "int" else None


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _conditional(expression: ir.Conditional, scope: Scope, known: _Locals) -> Finding:
    """Of two constants each says what the condition was; else what was not asked is lost."""
    match expression.then, expression.otherwise:
        case ir.Constant(value=str() | int() as one), ir.Constant(value=str() | int() as other):
            condition = _undone(expression.condition, scope, known)
            if one != other and expression.type in ("string", "int", "bool"):
                return _then(IsValue(one, other), condition)
    return Lost("which case it was is not kept")


def _call(expression: ir.Call, scope: Scope, known: _Locals) -> Finding:
    name, arguments = expression.function, expression.arguments
    of = arguments[0].type.removesuffix("?") if arguments else ""
    if name == "round" and len(arguments) == 2 and _keeps_all(arguments[0], arguments[1], scope):
        return _undone(arguments[0], scope, known)
    inner = _undone(arguments[0], scope, known) if len(arguments) == 1 else None
    if inner is None:
        return Lost(_LOST.get(name, f"`{name}` cannot be undone"))
    match name, of:
        case ("string", "string") | ("int", "int") | ("decimal", "decimal") | ("bool", "bool"):
            return inner
        case ("string", "date") | ("date", "string") | ("date", "date"):
            # Both spell a date as yyyy-MM-dd, and nothing else.
            return inner
        case "string", "int":
            return _then(Whole(), inner)
        case "string", "decimal":
            return _then(Number(), inner)
        case "string", "bool":
            return _then(IsValue("true", "false"), inner)
        case ("decimal", "string") | ("int", "string"):
            # The number comes back, its spelling does not: `1.50` and `01.5` are one number.
            return replace(inner, is_number=True) if isinstance(inner, Undone) else inner
        case "timestamp", "timestamp":
            return inner
        case _:
            return Lost(_LOST.get(name, f"`{name}` cannot be undone"))


def _keeps_all(amount: ir.Expression, places: ir.Expression, scope: Scope) -> bool:
    """Whether a rounding leaves no digit out: the value has no more places than that."""
    most, kept = most_places(amount, scope), _number(places)
    return most is not None and kept is not None and most <= kept


def _reads(expression: ir.Expression, scope: Scope) -> bool:
    for part in _nodes(expression):
        if not isinstance(part, ir.Variable) or part.name == "settings":
            continue
        if part.name not in scope.lets or _reads(scope.lets[part.name], scope):
            return True
    return False


def _nodes(node: object) -> Iterator[object]:
    if isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)
    elif is_dataclass(node) and not isinstance(node, type):
        yield node
        for field in fields(node):
            yield from _nodes(getattr(node, field.name))
