"""Arguments in, what a parameter is for them out: a value may have more than what is read of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import covers, member_path
from mapgen.ir.types import DECIMAL, ERROR, INT, ErrorType, ListOf, Object, Optional, Type, optional
from mapgen.report import Diagnostic, Label, Span
from mapgen.report.catalogue import reuse as messages


class Unlike(Struct, frozen=True):
    """Why a value cannot be what a parameter wants: what is at a path, and what is wanted there.

    `found` None: nothing is there. `is_missing`: it would do if it were sure to be there.
    """

    path: str
    wanted: Type
    found: Type | None
    is_missing: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.found is None:
            return f"it reads `{self.path}`, which this has not"
        if self.is_missing:
            return f"`{self.path}` may be missing here"
        return f"`{self.path}` is {_a(self.wanted)} there, and {_a(self.found)} here"


def _a(kind: Type) -> str:
    """Return a type with its article."""
    name = str(kind)
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def seen_as(
    found: Type, wanted: Type, path: str, reads: Mapping[str, Span] | Iterable[str]
) -> Type | Unlike:
    """Return the type of a value as a parameter of another type has it.

    Args:
        found: the type of the value.
        wanted: that of the parameter.
        path: where the value is: the parameter, or what is below it.
        reads: the paths that are read of parameters: nothing else has to fit.
    """
    read = tuple(reads)
    match found, wanted:
        case (ErrorType(), _) | (_, ErrorType()):
            return ERROR
        case Optional(of), Optional(inner):
            return _optional(seen_as(of, inner, path, read))
        case _, Optional(inner):
            return _optional(seen_as(found, inner, path, read))
        case Optional(of), _:
            within = seen_as(of, wanted, path, read)
            return within if isinstance(within, Unlike) else Unlike(path, wanted, found, True)
        case ListOf(of), ListOf(inner):
            element = seen_as(of, inner, f"{path}[]", read)
            return element if isinstance(element, Unlike) else ListOf(element)
        case Object(), Object():
            return _object(found, wanted, path, read)
        case _ if found == wanted:
            return found
        case _ if found == INT and wanted == DECIMAL and "." not in path and "[" not in path:
            return DECIMAL
        case _:
            return Unlike(path, wanted, found)


def _optional(found: Type | Unlike) -> Type | Unlike:
    return found if isinstance(found, Unlike) else optional(found)


def _object(found: Object, wanted: Object, path: str, reads: tuple[str, ...]) -> Type | Unlike:
    fields = dict(found.fields)
    for name, inner in wanted.fields.items():
        below = member_path(path, name)
        if not any(covers(below, one) for one in reads):
            continue
        if name not in fields:
            return Unlike(below, inner, None)
        member = seen_as(fields[name], inner, below, reads)
        if isinstance(member, Unlike):
            return member
        fields[name] = member
    return Object(found.name, fields)


def unfit(
    at: Span, called: str, name: str, why: Unlike, reads: Mapping[str, Span], place: Span
) -> Diagnostic:
    """Return the error of an argument, with the place where the one used reads what it lacks.

    Args:
        at: the argument.
        called: the part or the expression that is used.
        name: the parameter.
        why: what does not fit.
        reads: what is read of parameters, and where.
        place: the definition.
    """
    read = next((span for path, span in reads.items() if covers(why.path, path)), place)
    return messages.unfit_argument(at, part=called, name=name, why=str(why), place=read)


def at_use(diagnostic: Diagnostic, use: Span, words: str = "") -> Diagnostic:
    """Return an error of what is used as one of its use; its own place comes second."""
    own = (
        () if diagnostic.label is None else (Label(diagnostic.label.span, diagnostic.label.words),)
    )
    return replace(
        diagnostic,
        label=Label(use, words or "used here"),
        related=(*own, *diagnostic.related),
        fix=None,
    )
