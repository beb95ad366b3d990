"""How a text can begin and end, as far as its expression says: by it two identities are told apart.

The ERP compares without regard to case and to blanks at the end; so are beginnings and endings.
What is not known of a text is no proof: it may begin or end with anything.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from functools import reduce

from msgspec import Struct

from mapgen.agreed.constraints import Constraints
from mapgen.ir.expression import (
    Call,
    Concatenation,
    Conditional,
    Constant,
    Expression,
    Field,
    OrElse,
    Variable,
    WhenPresent,
)
from mapgen.ir.types import present
from mapgen.runtime.folding import folded

_MOST = 24
"""Alternatives of one text that are kept apart, and letters of each; of more, nothing is known."""

_LITERAL = re.compile(r"\^(?:\((?:\?:)?([\w|-]+)\))?([\w-]*)", re.ASCII)
_PLAIN = re.compile(r"[ -~]*")
_OPTIONAL = ("*", "?", "{")


class Ends(Struct, frozen=True):
    """The beginnings that a text can have, one of them each time, and its endings.

    `is_whole`: they are all of the text, which is one of a few.
    """

    beginnings: frozenset[str] = frozenset({""})
    endings: frozenset[str] = frozenset({""})
    is_whole: bool = False


ANY = Ends()
_WHOLE_NUMBER = Ends(frozenset({"-", *string.digits}), frozenset(string.digits))


class Texts(Struct, frozen=True):
    """What is known of the names in an expression: of lets, settings, members of objects."""

    lets: Mapping[str, Expression]
    settings: Mapping[str, str]
    stated: Mapping[tuple[str, str], tuple[Constraints, ...]]

    def ends(self, text: Expression) -> Ends:
        """Return how a text can begin and end, as the ERP compares it."""
        found = self._ends(text)
        beginnings = frozenset(_plain(one.casefold()) for one in found.beginnings)
        endings = frozenset(_plain(folded(one)[::-1])[::-1] for one in found.endings)
        return Ends(beginnings, endings, found.is_whole)

    def _ends(self, text: Expression) -> Ends:
        found = self._found(text)
        is_many = len(found.beginnings) > _MOST or len(found.endings) > _MOST
        return ANY if is_many else found

    def _found(self, text: Expression) -> Ends:
        match text:
            case Constant(value=str(value)):
                return _of(value)
            case Variable(name=name) if name in self.lets:
                return self._ends(self.lets[name])
            case Field(operand=Variable(name="settings"), key=name):
                return _of(self.settings[name]) if name in self.settings else ANY
            case Field(operand=operand, key=key):
                return self._member(str(present(operand.type)), key)
            case Call(function="string(int)"):
                return _WHOLE_NUMBER
            case Concatenation(parts=parts):
                return reduce(_joined, map(self._ends, parts))
            case Conditional(then=one, otherwise=other) | OrElse(operand=one, other=other):
                return _either(self._ends(one), self._ends(other))
            case WhenPresent(value=value):
                return self._ends(value)
            case _:
                return ANY

    def _member(self, owner: str, key: str) -> Ends:
        """Return the ends of a member by what its schema says, which holds when it is read."""
        for one in self.stated.get((owner, key), ()):
            if one.choices:
                words = frozenset(choice for choice in one.choices if isinstance(choice, str))
                return Ends(words, words, is_whole=True)
            if one.pattern is not None:
                return Ends(beginnings_of(one.pattern))
        return ANY


def _plain(text: str) -> str:
    """Return a text up to the first letter that some databases take for another: `é`, `Ａ`."""
    found = _PLAIN.match(text)
    return found.group() if found is not None else ""


def _of(*texts: str) -> Ends:
    return Ends(frozenset(texts), frozenset(texts), is_whole=True)


def _joined(left: Ends, right: Ends) -> Ends:
    """Return the ends of two texts, one behind the other."""
    beginnings, endings = left.beginnings, right.endings
    if left.is_whole:
        beginnings = frozenset(a + b for a in left.beginnings for b in right.beginnings)
    if right.is_whole:
        endings = frozenset(a + b for a in left.endings for b in right.endings)
    return Ends(beginnings, endings, left.is_whole and right.is_whole)


def _either(one: Ends, other: Ends) -> Ends:
    return Ends(
        one.beginnings | other.beginnings,
        one.endings | other.endings,
        one.is_whole and other.is_whole,
    )


def beginnings_of(pattern: str) -> frozenset[str]:
    """Return the literal beginnings of texts of a pattern: `^(ch|py)_` has two; `""` is none."""
    found = _LITERAL.match(pattern)
    rest = pattern[found.end() :] if found is not None else ""
    if found is None or "|" in rest:
        return ANY.beginnings  # a bar outside of the group parts the whole pattern
    words, literal = found.groups()
    if rest.startswith(_OPTIONAL):
        if not literal:
            return ANY.beginnings
        literal = literal[:-1]
    return frozenset(f"{word}{literal}" for word in (words or "").split("|"))


def marks(ends: Iterable[str], *, is_backwards: bool) -> tuple[frozenset[str], frozenset[str]]:
    """Return what texts are known by, and what they ask after; texts that may meet have one alike.

    Two texts may begin alike exactly where the beginning of one is one of the other, too.
    `is_backwards` is for endings.
    """
    whole = {(one[::-1] if is_backwards else one)[:_MOST] for one in ends}
    shorter = {one[:length] for one in whole for length in range(len(one) + 1)}
    known = {f"={one}" for one in whole} | {f"<{one}" for one in shorter}
    asked = {f"={one}" for one in shorter} | {f"<{one}" for one in whole}
    return frozenset(known), frozenset(asked)
