"""Source JSON in, source structs out: strictly for the fast way, patiently for the complete one."""

from __future__ import annotations

import re
import typing
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from types import GenericAlias

import msgspec
from msgspec import Struct

from mapgen.agreed.paths import holder_of, member_path
from mapgen.runtime.annotations import (
    all_in,
    fields_of,
    held_by,
    may_be_missing,
    present_type,
    struct_in,
)
from mapgen.runtime.constraints import broken, keeps, keeps_value
from mapgen.runtime.errors import RuleError, SourceError, Unjoined
from mapgen.runtime.exact import MOST_DIGITS, without_sign_of_zero
from mapgen.runtime.members import are_escaped, as_carried, name_of
from mapgen.runtime.sources.records import JsonValue
from mapgen.runtime.varied import (
    InText,
    Nothing,
    as_one_type,
    is_nothing,
    json_of,
    nothing_of,
    varied_of,
)

T = typing.TypeVar("T")

DOUBTS = (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError)
"""What stops a decoder of a type."""

_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_ONE = Decimal(1)
# Amounts and days come again and again, in one record and from one to the next.
_MOST_KNOWN = 8192


if typing.TYPE_CHECKING:
    # What they are besides: lists of them are lists of decimals and of moments.
    Amount = Decimal
    Instant = datetime
    Whole = int
else:

    # What msgspec knows by itself is less strict: these are read here, and are what they stand for.

    class Amount(metaclass=type("_", (type,), {"__instancecheck__": Decimal.__instancecheck__})):
        """An exact number of a source record: a JSON number, or text like `-12.50`."""

    class Instant(metaclass=type("_", (type,), {"__instancecheck__": datetime.__instancecheck__})):
        """A moment with its offset; a naive time is an error. Below a microsecond it is cut off."""

    Whole = typing.Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Digits(str):
    """A JSON number as it is written."""

    __slots__ = ()


def exact(kind: object, value: object) -> object:
    """Turn JSON into an Amount or an Instant: what msgspec asks for types that it does not know.

    Raises ValueError where the value is none.
    """
    if isinstance(kind, GenericAlias):
        return one_type(kind, typing.cast("JsonValue", value))
    if isinstance(value, str):
        return known(kind, value)
    if kind is Amount:
        return amount(value)
    if kind is Instant:
        return instant(value)
    raise NotImplementedError(kind)


@lru_cache(_MOST_KNOWN, typed=True)
def known(kind: object, value: str | int) -> object:
    """Do what `exact` does, once for each value; a number with a fraction is given as Digits.

    Two equal decimals need not have the same digits, two equal texts do. Raises TypeError for an
    object or a list.
    """
    if kind is Amount:
        return amount(Decimal(value) if isinstance(value, Digits) else value)
    if kind is Instant:
        return instant(value)
    raise NotImplementedError(kind)


def one_type(kind: GenericAlias, value: JsonValue) -> object:
    """Return what a varied value is, None where it is nothing. Raises ValueError for another."""
    held, nothing = kind.__args__
    if is_nothing(nothing, value):
        return None
    if isinstance(nothing, InText):
        return _in_text(held, nothing, value)
    if value is None:
        raise ValueError("null is no value")
    try:
        return msgspec.convert(as_one_type(present_type(held), value), held, dec_hook=exact)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _in_text(held: object, nothing: Nothing, value: object) -> object:
    """Return what a text of JSON holds. Raises ValueError for another, in words that hide it."""
    if not isinstance(value, str) or isinstance(value, Digits):
        raise ValueError("not a text")
    try:
        wanted = _or_none(held) if nothing else held
        if are_escaped(held):
            return msgspec.convert(as_carried(json_of(value), held), wanted, dec_hook=exact)
        return decoder_of(wanted).decode(value)
    except DOUBTS:
        raise ValueError("the text does not hold what the schema says") from None


def _or_none(kind: object) -> object:
    return typing.Optional[kind]  # noqa: UP045 - the type is known here only


def _known_or_varied(kind: object, value: object) -> object:
    """Do what `known` does where a struct holds varied values."""
    if isinstance(kind, GenericAlias):
        return one_type(kind, _with_decimals(value))
    return known(kind, typing.cast("str | int", value))


def _with_decimals(value: typing.Any) -> typing.Any:
    """Return JSON whose Digits are decimals."""
    match value:
        case Digits():
            return Decimal(value)
        case list():
            return [_with_decimals(one) for one in value]
        case dict():
            return {name: _with_decimals(one) for name, one in value.items()}
        case _:
            return value


def is_varied(kind: object) -> bool:
    """Tell whether anything in a type is varied."""
    return any(varied_of(one) is not None for one in all_in(kind))


def instant(value: object) -> datetime:
    """Return a moment; raises ValueError for what is no RFC 3339 time with an offset.

    A fraction is cut, never rounded: rounding up would move the last moment of a day to the next.
    """
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("not a time with its offset")
    return datetime.fromisoformat(value.upper())


def amount(value: object) -> Decimal:
    """Return an exact number.

    Raises ValueError for text that is not a plain decimal number (`1,5`, ` 1`, `1e3`, `NaN`), and
    for more digits than calculations keep.
    """
    if isinstance(value, str):
        if not _DECIMAL.fullmatch(value):
            raise ValueError("not a plain decimal number")
    elif isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not a number")
    number = Decimal(value)
    if isinstance(value, str) and len(value) <= MOST_DIGITS:
        return without_sign_of_zero(number)
    if _is_too_long(number):
        raise ValueError("more digits than calculations keep")
    # 1E+3 is written as 1000, -0 as 0: the same numbers in the form that every reader knows.
    if typing.cast(int, number.as_tuple().exponent) > 0:
        number = number.quantize(_ONE)
    return without_sign_of_zero(number)


def _is_too_long(number: Decimal) -> bool:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return True  # beyond all bounds
    return len(digits) + max(exponent, 0) > MOST_DIGITS or -exponent > MOST_DIGITS


def _raising(self: object, *_arguments: object) -> typing.Any:
    # What it went through before is nothing to whom it meets next, and would pile up.
    raise typing.cast(RuleError, object.__getattribute__(self, "_fault")).with_traceback(None)


class ErrorValue:
    """A value that is not there because of an error: whatever touches it raises that error again.

    It lets the complete way go on past a broken value, and keeps one mistake one error. Whoever
    asks for its class touches it; `type` tells an ErrorValue from other values.
    """

    __slots__ = ("_fault",)
    __class__ = property(_raising)

    def __init__(self, error: RuleError) -> None:
        object.__setattr__(self, "_fault", error)

    __getattr__ = _raising


class TypeMismatch(Struct, frozen=True):
    """What is in a record for a value that could not be read: no struct takes it."""

    error: RuleError


_TOUCHES = """
    add radd sub rsub mul rmul truediv rtruediv floordiv mod rmod neg abs round eq ne lt le gt ge
    hash bool str repr format len iter contains getitem call int float
"""
for _name in _TOUCHES.split():
    setattr(ErrorValue, f"__{_name}__", _raising)


def strict(value: JsonValue, kind: type[T]) -> T:
    """Return the struct.

    Raises msgspec.ValidationError at the first value of a wrong type, or where one does not honour
    what the schema says of it.
    """
    carried: JsonValue = as_carried(value, kind)
    found = msgspec.convert(carried, kind, dec_hook=exact)
    if isinstance(carried, dict) and not keeps(carried, kind):
        raise msgspec.ValidationError("a value is not what the source schema says")
    return found


def patient(value: JsonValue, kind: type[T], path: str) -> tuple[T, tuple[SourceError, ...]]:
    """Return the struct with an ErrorValue wherever a value has a wrong type, and all those errors.

    Raises RuleError (R102) where the record is no object at all.
    """
    if not isinstance(value, dict):
        raise RuleError("R102", f"expected an object, found {described(value)}")
    errors: list[SourceError] = []
    carried = as_carried(value, kind)
    return typing.cast(T, _struct(carried, kind, path, errors)), tuple(errors)


@cache
def decoder_of(kind: object) -> msgspec.json.Decoder[typing.Any]:
    """Return what decodes JSON as a struct, or as what a member of one holds."""
    hook = _known_or_varied if is_varied(kind) else known
    return msgspec.json.Decoder(kind, dec_hook=hook, float_hook=Digits)


class _Shape(typing.NamedTuple):
    """What the annotation of a member says: `holder` is `list` or `dict`, `held` what is in it."""

    struct: type | None
    holder: object
    held: object
    is_in_text: bool
    is_varied: bool
    may_be_missing: bool


@cache
def _shape(kind: object) -> _Shape:
    return _Shape(
        struct=struct_in(kind),
        holder=typing.get_origin(present_type(kind)),
        held=held_by(kind),
        is_in_text=isinstance(nothing_of(kind), InText),
        is_varied=varied_of(kind) is not None,
        may_be_missing=may_be_missing(kind),
    )


def patient_member(value: JsonValue, kind: object, path: str, errors: list[SourceError]) -> object:
    """Return what a member is to be, with ErrorValues in place of what is wrong."""
    try:
        found = msgspec.convert(value, kind, dec_hook=exact)
    except msgspec.ValidationError:
        return _looked_into(value, kind, path, errors, is_typed=False)
    if keeps_value(value, kind):
        return found
    return _looked_into(value, kind, path, errors, is_typed=True)


def _looked_into(
    value: JsonValue, kind: object, path: str, errors: list[SourceError], *, is_typed: bool
) -> object:
    """Do what `patient_member` does for a value with something wrong in it."""
    if isinstance(value, TypeMismatch):
        return _noted(value.error, path, errors)
    shape = _shape(kind)
    if shape.is_in_text:
        return _patient_text(value, kind, path, errors)
    if shape.struct is not None:
        if isinstance(value, dict):
            return _struct(value, shape.struct, path, errors)
        if value == [] and shape.may_be_missing:
            return None
    problem = broken(value, kind) if is_typed or isinstance(value, list) else None
    if problem is not None:
        return _noted(_unkept(problem, value), path, errors)
    if shape.holder is list and (isinstance(value, list) or shape.is_varied):
        rows = enumerate(value) if isinstance(value, list) else [(0, value)]
        return [patient_member(row, shape.held, f"{path}[{at}]", errors) for at, row in rows]
    if shape.holder is dict and (isinstance(value, dict) or value == []):
        entries = value.items() if isinstance(value, dict) else ()
        return {name: patient_member(one, shape.held, f"{path}[]", errors) for name, one in entries}
    return _noted(unfit(value, kind), path, errors)


def _noted(error: RuleError, path: str, errors: list[SourceError]) -> ErrorValue:
    """Return what stands for a value that is wrong, having added its error."""
    errors.append(SourceError(path, error))
    return ErrorValue(error)


def _unkept(problem: str, value: JsonValue) -> RuleError:
    """Return the error of a value that is not what the schema says beside its type."""
    message = f"the value is not what the schema says: {problem}"
    return RuleError("R108", message, _scalar(value))


def _patient_text(value: JsonValue, kind: object, path: str, errors: list[SourceError]) -> object:
    """Return what a text of JSON holds, with ErrorValues in place of what is wrong in it.

    A text that cannot be read is not shown: anything may be in it.
    """
    try:
        found = json_of(value)
    except ValueError:
        error = _no_json(value, path)
    else:
        problem = broken(found, kind)
        if problem is None:
            alias = varied_of(kind)
            assert alias is not None
            held = alias.__args__[0]
            inner = _or_none(held) if may_be_missing(kind) else held
            return patient_member(as_carried(found, inner), inner, path, errors)
        error = _unkept(problem, found)
    return _noted(error, path, errors)


def _no_json(value: JsonValue, path: str) -> RuleError:
    """Return the error of what should be a text of JSON."""
    if isinstance(value, str) and not value.strip():
        return RuleError("R103", f"`{holder_of(path)[1]}` is missing: its text is blank")
    found = "text that is no JSON" if isinstance(value, str) else described(value)
    return RuleError("R102", f"expected a text that holds JSON, found {found}")


def unfit(value: JsonValue, kind: object) -> RuleError:
    """Return the error of a value that has not the type that its place wants."""
    message = f"expected {_expected(kind)}, found {described(value)}"
    return RuleError("R102", message, _scalar(value))


def _unjoined(error: Unjoined, holder: str, place: str, errors: list[SourceError]) -> ErrorValue:
    """Return what stands for a member that is not there; what is told already is not told twice."""
    at = place if error.member is None else member_path(holder, error.member)
    known = next((found.error for found in errors if found.path == at), None)
    return _noted(error, at, errors) if known is None else ErrorValue(known)


def _struct(
    value: dict[str, JsonValue], kind: type, path: str, errors: list[SourceError]
) -> object:
    members: dict[str, object] = {}
    fields = fields_of(kind)
    if any(isinstance(value.get(one.encode_name), Unjoined) for one in fields):
        # Why something could not be joined may be a member's error, which is reported by then.
        fields = tuple(
            sorted(fields, key=lambda one: isinstance(value.get(one.encode_name), Unjoined))
        )
    for field in fields:
        place = member_path(path, name_of(field))
        found: object = value.get(field.encode_name)
        if isinstance(found, Unjoined):
            members[field.name] = _unjoined(found, path, place, errors)
        elif field.encode_name in value:
            members[field.name] = patient_member(
                value[field.encode_name], field.type, place, errors
            )
        elif field.required:
            members[field.name] = missing(field, path, errors)
    return kind(**members)


def missing(field: msgspec.structs.FieldInfo, path: str, errors: list[SourceError]) -> ErrorValue:
    """Return what stands for a member that has to be there, having added the error."""
    error = RuleError("R103", f"`{name_of(field)}` is missing")
    return _noted(error, member_path(path, name_of(field)), errors)


def is_scalar(kind: object) -> bool:
    """Tell whether a member holds one value: no object, and no list."""
    return present_type(kind) in _WORDS


_WORDS = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    Amount: "a plain decimal number like `12.50`",
    Instant: "a time with its offset like `2026-01-31T09:30:00-05:00`",
    date: "a date like `2026-01-31`",
}


@cache
def _expected(kind: object) -> str:
    present = present_type(kind)
    if typing.get_origin(present) is list:
        return "a list"
    return _WORDS.get(typing.cast(type, present), "an object")


def _scalar(value: JsonValue) -> JsonValue:
    """Return what a message may show: of objects and lists nothing, anything may be in them."""
    return None if isinstance(value, dict | list) else value


def _is_whole(value: int) -> bool:
    return -(2**63) <= value < 2**63


def described(value: JsonValue) -> str:
    """Return what a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text" if value.strip() else "blank text"
        case Decimal() if _is_too_long(value) or value.as_tuple().exponent == 0:
            return "a number with too many digits"
        case Decimal():
            return "a number with decimal places"
        case int():
            return "a whole number" if _is_whole(value) else "a number with too many digits"
        case list():
            return "a list"
        case _:
            return "an object"
