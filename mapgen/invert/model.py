"""What is known of rules that can be undone, and of those that cannot."""

from __future__ import annotations

from dataclasses import dataclass

from mapgen.ir.flow import Field


@dataclass(frozen=True, slots=True)
class OfSetting:
    """A setting of the environment, which is known when a document is undone."""

    name: str


# A text that is known without the record.
KnownText = str | OfSetting


@dataclass(frozen=True, slots=True)
class Between:
    """Takes known texts off both ends: nothing else can stand there."""

    before: tuple[KnownText, ...]
    after: tuple[KnownText, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """A number without places, or its digits, as an int: each int has one spelling."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number's digits as a number."""


@dataclass(frozen=True, slots=True)
class Times:
    """Takes a division back: the factor is not 0."""

    factor: str


@dataclass(frozen=True, slots=True)
class Over:
    """Takes a multiplication back: the divisor is not 0, and the quotient is what was there."""

    divisor: str


@dataclass(frozen=True, slots=True)
class Plus:
    """Takes a sum with a constant back."""

    amount: str


@dataclass(frozen=True, slots=True)
class Minus:
    """Takes a value from a constant: what was taken from the constant before."""

    amount: str


@dataclass(frozen=True, slots=True)
class Negated:
    """`not` undoes itself."""


@dataclass(frozen=True, slots=True)
class KeyOf:
    """The key of a table that has each of its values once."""

    entries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IsValue:
    """True for the one of two values, which are not equal."""

    value: str | int
    other: str | int


@dataclass(frozen=True, slots=True)
class Option:
    """The text of a drop-down of contract version 5."""


Step = Between | Whole | Number | Times | Over | Plus | Minus | Negated | KeyOf | IsValue | Option


@dataclass(frozen=True, slots=True)
class Undone:
    """A source path comes back: the steps lead from the value of the document to it, in order.

    `is_number`: of a text that spells a number, the number and not its spelling.
    """

    path: str
    steps: tuple[Step, ...] = ()
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Lost:
    """It cannot be undone, and why, in words."""

    why: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing of the record in it: nothing to give back."""


Finding = Undone | Lost | Nothing


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, where its value stands in the document, and what becomes of it.

    `rows` are the members that hold the rows around it, each with the parts between; `place` is the
    rest of its path: `("Address", "City")`. `view` is that of a field outside the contract.
    """

    document: str
    field: Field
    rows: tuple[tuple[str, ...], ...]
    place: tuple[str, ...]
    view: str | None
    finding: Finding


@dataclass(frozen=True, slots=True)
class LostPath:
    """A source path that does not come back; `at` points at what reads it."""

    path: str
    reader: str
    why: str
    at: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every rule, the source paths that come back, each with its rule, and those that do not."""

    rules: tuple[Rule, ...]
    back: tuple[tuple[str, Rule], ...]
    lost: tuple[LostPath, ...]
