"""Override flags: a field that has no effect without its flag is sent with it, by whoever sets it.

The contract knows the pairs. A flag without a rule is sent, as true, exactly when one of its fields
is. One with a rule of its author has to be true wherever one of them is: it is proved on the ir.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from msgspec import Struct

from mapgen.contract.model import Entity
from mapgen.expression.scope import Scope
from mapgen.ir import flow as ir
from mapgen.ir.building import negated
from mapgen.ir.deciding import TRUE, Known
from mapgen.ir.expression import (
    Both,
    Conditional,
    Constant,
    Either,
    Expression,
    IsPresent,
    Not,
    is_optional,
)
from mapgen.ir.rewriting import canonical, expanded, renumbered

# More ways than that in which a field may be set are not told apart: less is proved then.
_MOST_WAYS = 64


class Needed(Struct, frozen=True):
    """A flag, and the paths of the members of its part that need it: `("Contact", "Address")`."""

    flag: str
    paths: tuple[tuple[str, ...], ...]


def needed_flags(entity: Entity, members: Iterable[ir.Member]) -> Iterator[Needed]:
    """Yield the flags that the members of a part need."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for member in members:
        field = entity.fields[member.name]
        if field.companion is not None:
            found.setdefault(field.companion, []).append((member.name,))
        inside = _inside(member)
        for part, flag in field.part_companions:
            if part in inside:
                found.setdefault(flag, []).append((member.name, part))
    for flag, paths in found.items():
        yield Needed(flag, tuple(paths))


def with_flags(
    members: Sequence[ir.Member], needed: Iterable[Needed], prefix: str, pointer: str
) -> tuple[ir.Member, ...]:
    """Return the members of a part, before those that need a flag the flag that has no rule.

    `prefix` and `pointer` are those of the part: its path in the document, its place in the spec.
    """
    known = {member.name: member for member in members}
    before: dict[str, list[ir.Field]] = {}
    for one in needed:
        if one.flag not in known:
            flag = _flag(one, known, prefix, pointer)
            before.setdefault(one.paths[0][0], []).append(flag)
    return tuple(chain.from_iterable((*before.get(member.name, ()), member) for member in members))


def _flag(needed: Needed, known: Mapping[str, ir.Member], prefix: str, pointer: str) -> ir.Field:
    """Return the field that is sent, as true, exactly when one of those that need it is."""
    ways = [_steps(known, path) for path in needed.paths]
    doubtful = [tuple(one for one in steps if not one.is_always_set) for steps in ways]
    return ir.Field(
        target=f"{prefix}{needed.flag}",
        name=needed.flag,
        kind="boolean",
        value=ir.Fixed("true"),
        is_written_once=all(any(one.is_written_once for one in steps) for steps in ways),
        reads=tuple(dict.fromkeys(path for steps in doubtful for path in _reads(steps))),
        pointer=f"{pointer}/fields/{needed.flag}",
        written=tuple(("flag_of", ".".join(path)) for path in needed.paths),
        sent_with=needed.paths if all(doubtful) else (),
    )


def _steps(known: Mapping[str, ir.Member], path: tuple[str, ...]) -> tuple[ir.Member, ...]:
    """Return the member at each step of a path."""
    name, *below = path
    return (known[name], *(_inside(known[name])[one] for one in below))


def _inside(member: ir.Member) -> Mapping[str, ir.Member]:
    """Return the members of an object, by name; a value or a list has none."""
    if isinstance(member, ir.Field) or member.is_list:
        return {}
    return {one.name: one for one in member.blocks[0].part.members}


def _reads(steps: Iterable[ir.Member]) -> Iterator[str]:
    """Yield the source paths that decide whether members are sent."""
    for member in steps:
        yield from member.reads
        if isinstance(member, ir.Rows) and not member.is_list:
            part = member.blocks[0].part
            if part.may_be_empty:
                yield from _reads((*part.members, *part.others))


# What an author says of a flag


def is_proved(
    flag: ir.Field, path: tuple[str, ...], members: Sequence[ir.Member], scope: Scope
) -> bool:
    """Whether a flag with a rule of its own is true wherever a member of its part is sent."""
    known = {member.name: member for member in members}
    lets = scope.lets
    held = [one for member in _steps(known, path) for one in _sent_where(member, lets)]
    ways = [_Way()]
    for condition in held:
        ways = [reported for way in ways for reported in way.reported(condition, holds=True)]
    # The names that expressions bind are apart: what is known of one tells nothing of another.
    asked = [renumbered(one, tuple(held)) for one in _claimed(flag, lets)]
    return bool(asked) and all(way.proves(one) for way in ways for one in asked)


def _sent_where(member: ir.Member, lets: Mapping[str, Expression]) -> Iterator[Expression]:
    """Yield conditions that hold wherever a member is sent."""
    if isinstance(member, ir.Field):
        if not isinstance(member.value, ir.Fixed | ir.Made) and member.on_missing == "omit":
            yield IsPresent(expanded(member.value, lets))
        if member.omit_if is not None:
            yield negated(_omitted(member, member.omit_if, lets))
        return
    first, *others = member.blocks
    if first.where is not None and not member.is_list:
        yield expanded(first.where, lets)
    if first.source is not None and not others:
        yield IsPresent(expanded(first.source, lets))


def _claimed(flag: ir.Field, lets: Mapping[str, Expression]) -> list[Expression]:
    """Return what has to hold for a flag to be sent as true; nothing where no record decides it."""
    match flag.value:
        case ir.Made():
            return []
        case ir.Fixed(text=text):
            claimed: list[Expression] = [Constant(text.lower() == "true", TRUE.type)]
        case value:
            claimed = [expanded(value, lets)]
    if flag.omit_if is None:
        return claimed
    return [*claimed, negated(_omitted(flag, flag.omit_if, lets))]


def _omitted(field: ir.Field, omit_if: Expression, lets: Mapping[str, Expression]) -> Expression:
    """Return the condition that leaves a field out, with its value in the place of `value`."""
    if not isinstance(field.value, ir.Fixed | ir.Made):
        omit_if = expanded(omit_if, {"value": field.value})
    return expanded(omit_if, lets)


class _Way(Struct, frozen=True):
    """One way in which a member comes to be sent: what is known of the record there."""

    known: Known = Known()
    conditions: Mapping[Expression, bool] = {}

    def reported(self, condition: Expression, *, holds: bool) -> list[_Way]:
        """Return the ways in which a condition holds, or does not."""
        match condition:
            case Constant(value=value):
                return [self] if value is holds else []
            case Not(operand=operand):
                return self.reported(operand, holds=not holds)
            case IsPresent(operand=operand) if holds:
                return self.with_value(operand)
            case Both(parts=parts) | Either(parts=parts):
                if isinstance(condition, Both) is not holds:
                    return [way for part in parts for way in self.reported(part, holds=holds)]
                ways = [self]
                for part in parts:
                    ways = [
                        reported for way in ways for reported in way.reported(part, holds=holds)
                    ]
                return ways if len(ways) <= _MOST_WAYS else [self]
            case _:
                return self._noting(condition, holds=holds)

    def with_value(self, value: Expression) -> list[_Way]:
        """Return the ways in which a value is there."""
        match value:
            case Constant(value=found):
                return [] if found is None else [self]
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return [
                    way
                    for holds, branch in ((True, then), (False, otherwise))
                    for reported in self.reported(condition, holds=holds)
                    for way in reported.with_value(branch)
                ]
            case _ if not is_optional(value):
                return [self]
            case _:
                return self._noting(IsPresent(value), holds=True)

    def _noting(self, condition: Expression, *, holds: bool) -> list[_Way]:
        decided = self.decided(condition)
        if isinstance(decided, Constant):
            return [self] if decided.value is holds else []
        known = self.known.reported_by(condition, holds=holds)
        return [_Way(known, {**self.conditions, canonical(condition): holds})]

    def decided(self, condition: Expression) -> Expression:
        """Return a condition, or the constant that it is in this way."""
        reported = self.conditions.get(canonical(condition))
        return self.known.decided(condition) if reported is None else Constant(reported, TRUE.type)

    def proves(self, condition: Expression, *, holds: bool = True) -> bool:
        """Whether a condition holds in this way, or does not."""
        match self.decided(condition):
            case Constant(value=value):
                return value is holds
            case Not(operand=operand):
                return self.proves(operand, holds=not holds)
            case Both(parts=parts) | Either(parts=parts) as both:
                asked = all if isinstance(both, Both) is holds else any
                return asked(self.proves(part, holds=holds) for part in parts)
            case Conditional(condition=asked_first, then=then, otherwise=otherwise):
                return all(
                    way.proves(branch, holds=holds)
                    for is_so, branch in ((True, then), (False, otherwise))
                    for way in self.reported(asked_first, holds=is_so)
                )
            case found:
                return found != condition and self.proves(found, holds=holds)
