"""What a row of the function table is: a signature, a sentence, its Python and its examples."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mapgen.expression.signature import Signature, read_signature


class Example(Struct, frozen=True):
    """Two expressions that give the same value; the second is there to be read."""

    expression: str
    gives: str


class Function(Struct, frozen=True):
    """One function for one kind of receiver and arguments.

    `python` is the expression it becomes: `{0}` is the receiver, or the first argument of a
    function without one; `{0:iterable}` is content with a generator; `{*}` takes all. Names in it
    come from `mapgen.runtime.functions` or the few of the standard library that the emitter knows.
    `rounds`: its first operand may be a division. `is_truthy`: what it gives is never empty.
    """

    signature: Signature
    says: str
    python: str
    examples: tuple[Example, ...]
    shown: str
    is_fallible: bool = False
    rounds: bool = False
    is_truthy: bool = False

    def __post_init__(self) -> None:
        if not self.examples:
            raise ValueError(f"{self.shown}: a function without an example does not build")

    @property
    def name(self) -> str:
        return self.signature.name


def row(
    shown: str,
    says: str,
    python: str,
    *examples: tuple[str, str],
    traits: Sequence[str] = (),
) -> Function:
    """Return a row; `traits` are names of the facts that hold for it."""
    return Function(
        read_signature(shown),
        says,
        python,
        tuple(Example(*example) for example in examples),
        shown,
        is_fallible="fallible" in traits,
        rounds="rounds" in traits,
        is_truthy="truthy" in traits,
    )
