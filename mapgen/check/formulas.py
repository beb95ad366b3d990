"""Expressions of one spec: text in, typed out, with what they read and which names they use."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.expression import compile_expression
from mapgen.expression.lineage import element_of
from mapgen.expression.scope import Binding, Scope
from mapgen.expression.tree import Call, Index, Name, Select
from mapgen.expression.typed import Typed
from mapgen.ir.types import (
    BOOL,
    NULL,
    STRING,
    ErrorType,
    ListOf,
    Object,
    Optional,
    Type,
    is_assignable,
    present,
)
from mapgen.ir.walk import nodes
from mapgen.report import REPORTED_ELSEWHERE, Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as messages
from mapgen.spec import model as spec

_KEY = "a string or an int"
_ALWAYS_THERE = (
    "take a field that is always there, `required` in the source schema; or give a default:"
    " `.orValue('')`"
)
_WORD = re.compile(r"[^\W\d]\w*")


class Formulas(Struct):
    """Compiles the expressions of one spec and keeps what is known about all of them.

    `diagnostics` grows; `reads` are all source paths read anywhere, `used` all names used anywhere.
    `doubtful` are the words of rules and expressions with errors: what they name, or nearly name,
    may be used, so that one mistake is not reported a second time as a name that nobody uses.
    `asked` are the lookups inside expressions: the table, and the words of the key.
    `ignored` are the paths, and the reasons, that parts say they do not use, `classified` those
    that parts say must not be seen.
    `shown` are the places of expressions whose values everybody sees, and what they read.
    `is_lost`: an unknown field was asked for that resembles no other: it could mean any of them.
    """

    diagnostics: list[Diagnostic]
    reads: dict[str, Span] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    asked: set[tuple[str, str]] = field(default_factory=set)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    classified: list[spec.DataClass] = field(default_factory=list)
    shown: list[tuple[Span, tuple[str, ...]]] = field(default_factory=list)
    is_lost: bool = False

    def formula(self, text: Text, scope: Scope) -> Typed | None:
        """Return the expression, typed, or None when it has errors (which are noted)."""
        before = len(self.diagnostics)
        typed = compile_expression(text, scope, self.diagnostics)
        if typed is None:
            self.doubt(text)
            for diagnostic in self.diagnostics[before:]:
                self.is_lost |= diagnostic.unknown == "field" and not diagnostic.meant
                self.is_lost |= diagnostic == REPORTED_ELSEWHERE
                if diagnostic.unknown == "lookup":
                    self.used |= {f"lookup {table}" for table in _tables(scope)}
            return None
        self._note(typed, text.value, scope)
        for path in typed.reads:
            self.reads.setdefault(path, text.span())
        return typed

    def _note(self, typed: Typed, words: str, scope: Scope) -> None:
        """Note the names that an expression uses, and the lookups in it.

        What a part calls its parameters is no name of the spec that uses it.
        """
        for node in typed.parts if not scope.of_part else ():
            match node:
                case Call(name=name) if name in scope.functions:
                    self.used.add(f"function {name}")
                case Name(name=name):
                    self.used.add(name)
                case Select(operand=Name(name="settings"), field=setting):
                    self.used.add(f"settings.{setting}")
                case Select(operand=Name(name="lookups"), field=table):
                    self.used.add(f"lookup {table}")
                case Index(operand=Select(operand=Name(name="lookups"), field=table), index=key):
                    self.asked.add((table, words[key.start : key.end]))

    def doubt(self, faulty: object) -> None:
        """Keep the words of a rule or an expression that has errors."""
        for text in nodes(faulty):
            if isinstance(text, Text):
                self.doubtful.update(_WORD.findall(text.value))

    def condition(self, text: Text, scope: Scope, what: str) -> Typed | None:
        """Return an expression that has to be true or false."""
        typed = self.formula(text, scope)
        if typed is not None and not is_assignable(typed.type, BOOL):
            self.refuse(text, typed, what, "true or false")
            return None
        return typed

    def refuse(self, text: Text, typed: Typed, what: str, wanted: str) -> None:
        """Report an expression that is not of the type wanted."""
        found = described(typed.type)
        is_key = wanted == _KEY and is_assignable(present(typed.type), STRING)
        help = _ALWAYS_THERE if is_key else None
        self.diagnostics.append(
            messages.not_of_type(text, what=what, wanted=wanted, found=found, help=help)
        )

    def fitting(self, text: Text, scope: Scope, field: str, wanted: Type) -> Typed | None:
        """Return an expression that may stand for the value of a field."""
        typed = self.whole(text, scope)
        if typed is not None and not is_assignable(typed.type, wanted):
            self.diagnostics.append(
                messages.wrong_type(text, field, described(present(wanted)), described(typed.type))
            )
        return typed

    def whole(self, text: Text, scope: Scope) -> Typed | None:
        """Return an expression without a division that nothing rounds."""
        typed = self.formula(text, scope)
        if typed is not None and typed.division is not None:
            self.diagnostics.append(messages.bare_division(typed.division))
        return typed


def reads_of(*typed: Typed | None) -> tuple[str, ...]:
    """Return the source paths that expressions read, each once."""
    return tuple(dict.fromkeys(path for one in typed if one is not None for path in one.reads))


def _tables(scope: Scope) -> Iterable[str]:
    """Return the names of the lookup tables that expressions may ask."""
    known = scope.bindings.get("lookups")
    return known.type.fields if known is not None and isinstance(known.type, Object) else ()


def row_binding(source: Typed) -> Binding:
    """Return what one row of a list, or what the object behind an optional, is.

    What decides which object it is, or whether there is a row, belongs to the part around it.
    """
    inner, value = present(source.type), source.lineage.value
    if isinstance(inner, ListOf):
        return Binding(inner.element, element_of(value))
    return Binding(inner, replace(value, decided_by=()))


def described(kind: Type) -> str:
    """Return a type in the words of messages: with an article where it reads as a noun."""
    match kind:
        case Optional(of):
            return f"{described(of)} that may be missing"
        case ListOf(element):
            return f"a list of {element}"
        case ErrorType():
            return "unknown"
        case _ if kind == NULL:
            return "null"
        case _:
            name = str(kind)
            return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def any_of(texts: Iterable[Typed | None]) -> bool:
    """Whether one of the expressions has errors."""
    return any(typed is None for typed in texts)
