"""What a spec says by name put in its place: the rules of parts, sets of ignored fields.

Rules of a part have the pointers that they would have if they were written where the part is used,
and the places where they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.disk.workspace import from_specs
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import reading
from mapgen.report.catalogue import reuse as messages
from mapgen.spec import model as spec
from mapgen.spec.shapes import At, record_of

# What may be beside `use`, or says what kind a rule is: no parameter has such a name.
BESIDE = frozenset(spec.RULE.kinds).union(
    name
    for shape in (
        *(spec.Fixed, spec.Object, spec.Each, spec.Block, spec.RowBlock),
        *(spec.Document, spec.MappingSection, spec.Definition, spec.Modifiers),
    )
    for name in record_of(shape).keys
)


PartKey = tuple[str, str]
"""The file of a part, and its name."""


def part_key(definition: spec.Definition) -> PartKey:
    """Return what a part is known by."""
    return definition.name.source.path, definition.name.value


class Vocabulary(Struct, frozen=True):
    """What a spec, or a file of parts, may use by name; `path` is the file's.

    Of each part and expression the vocabulary is known in which it is written.
    """

    path: str
    parts: dict[str, tuple[spec.Definition, Vocabulary]] = field(default_factory=dict)
    functions: dict[str, tuple[spec.NamedExpression, Vocabulary]] = field(default_factory=dict)
    sets: dict[str, spec.IgnoreSet] = field(default_factory=dict)


Reading = Callable[[Text], Vocabulary | None]
"""Gives what a file of parts holds, by its path; None where it cannot be read, which is told."""


def take_words(
    found: Vocabulary,
    of: spec.PartsFile | spec.MappingSection,
    read: Reading,
    diagnostics: list[Diagnostic],
) -> None:
    """Let a vocabulary grow by what may be used in a file.

    Args:
        found: the vocabulary.
        of: the file, or the mapping of a spec, with what it says itself.
        read: gives what other files hold.
        errors: grows by names that are there twice.
    """
    functions = of.expressions if isinstance(of, spec.PartsFile) else of.functions
    own = [(one, found) for one in of.definitions]
    _take(found.parts, own, "part", diagnostics)
    _take(found.functions, [(one, found) for one in functions], "expression", diagnostics)
    for one in of.ignores if isinstance(of, spec.PartsFile) else ():
        found.sets[one.name.value] = one
    for named in of.uses:
        other = read(named)
        if other is None or other is found:
            continue
        # What that file uses itself is its own affair.
        _take(found.parts, _written_in(other, other.parts), "part", diagnostics)
        _take(found.functions, _written_in(other, other.functions), "expression", diagnostics)
        for name, one in other.sets.items():
            first = found.sets.setdefault(name, one)
            if first is not one:
                diagnostics.append(
                    messages.name_twice(one.name, what="set", first=first.name.span())
                )


_Named = TypeVar("_Named", spec.Definition, spec.NamedExpression)


def _written_in(
    of: Vocabulary, known: Mapping[str, tuple[_Named, Vocabulary]]
) -> Iterator[tuple[_Named, Vocabulary]]:
    return (one for one in known.values() if one[1] is of)


def _take(
    known: dict[str, tuple[_Named, Vocabulary]],
    more: Iterable[tuple[_Named, Vocabulary]],
    what: str,
    diagnostics: list[Diagnostic],
) -> None:
    for one in more:
        first = known.setdefault(one[0].name.value, one)
        if first[0] is not one[0]:
            # What a file says itself is what its author can rename.
            mine, other = (first, one) if first[1] is not one[1] else (one, first)
            diagnostics.append(
                messages.name_twice(mine[0].name, what=what, first=other[0].name.span())
            )


class Linked(Struct, frozen=True):
    """A spec with everything in its place, what it may use, and which parts it does use."""

    flow: spec.Spec
    words: Vocabulary
    parts: frozenset[PartKey]


def linked(flow: spec.Spec, words: Vocabulary, diagnostics: list[Diagnostic]) -> Linked:
    """Return a spec with the rules of the parts that it uses; `diagnostics` grows."""
    linker = _Linker(words, diagnostics)
    section = flow.mapping
    alone = None if section.alone is None else linker.document(section.alone)
    several = tuple(linker.document(one) for one in section.several)
    ignores = (*section.ignores, *_ignores(section, words, diagnostics))
    section = replace(section, alone=alone, several=several, ignores=ignores)
    shared = tuple(sorted(_files(words, words.path)))
    return Linked(replace(flow, mapping=section, shared=shared), words, frozenset(linker.used))


def _files(words: Vocabulary, own: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return the paths of all that is behind a vocabulary, those of `own` left out."""
    found: set[str] = set() if words.path == own else {words.path}
    known: list[tuple[spec.Definition | spec.NamedExpression, Vocabulary]] = [
        *words.parts.values(),
        *words.functions.values(),
    ]
    for one, written_in in known:
        schemas = (of.kind.schema for of in one.takes if isinstance(of.kind, spec.ObjectParameter))
        found |= {from_specs(schema.value.partition("#")[0]) for schema in schemas}
        if written_in.path not in {*seen, words.path}:
            found |= _files(written_in, own, seen | {words.path})
    return found | {one.name.source.path for one in words.sets.values()}


def written_out(
    definition: spec.Definition, words: Vocabulary, diagnostics: list[Diagnostic]
) -> spec.Part:
    """Return a part as it is written, with the rules of the parts that it uses itself."""
    linker = _Linker(words, diagnostics, around=(definition,))
    return linker.part(definition.part, definition.pointer)


def _ignores(
    section: spec.MappingSection, words: Vocabulary, diagnostics: list[Diagnostic]
) -> Iterator[spec.Ignore]:
    for name in section.ignore_sets:
        found = words.sets.get(name.value)
        if found is None:
            diagnostics.append(messages.unknown_set(name, known=words.sets))
        else:
            diagnostics += ignored_twice(found.ignores)
            yield from (replace(one, of=name) for one in found.ignores)


def ignored_twice(ignores: Iterable[spec.Ignore]) -> Iterator[Diagnostic]:
    """Yield the errors of fields that are under several reasons, or under one of them twice."""
    first: dict[str, Text] = {}
    for one in ignores:
        found = first.setdefault(one.path.value, one.path)
        if found is not one.path:
            yield reading.duplicate_key(one.path.span(), key=found.value, first=found.span())


class _Linker(Struct, frozen=True):
    """Puts the rules of parts in place; `around` are the parts at work, `used` grows."""

    words: Vocabulary
    diagnostics: list[Diagnostic]
    around: tuple[spec.Definition, ...] = ()
    used: set[PartKey] = field(default_factory=set)

    def document(self, document: spec.Document) -> spec.Document:
        return replace(document, part=self.part(document.part, document.pointer))

    def rule(self, rule: spec.Rule) -> spec.Rule:
        kind = rule.kind
        match kind:
            case spec.Object() | spec.Each():
                part = self.part(kind.part, kind.pointer)
                return replace(rule, kind=_object(kind, part) or replace(kind, part=part))
            case spec.Blocks(blocks=blocks):
                inside = (replace(one, part=self.part(one.part, one.pointer)) for one in blocks)
                return replace(rule, kind=replace(kind, blocks=tuple(inside)))
            case _:
                return rule

    def part(self, part: spec.Part, pointer: str) -> spec.Part:
        """Return a part with all rules in it; `pointer` leads to what it is written in."""
        part = replace(
            part,
            fields=tuple(map(self.rule, part.fields)),
            custom=tuple(map(self.rule, part.custom)),
            note=None if part.note is None else self.rule(part.note),
        )
        if part.use is None:
            for rule in _rules(part):
                self._nothing_there(rule)
            return part
        found = self.words.parts.get(part.use.value)
        if found is None:
            self.diagnostics.append(messages.unknown_part(part.use, known=self.words.parts))
            return part
        definition, words = found
        self.used.add(part_key(definition))
        if definition in self.around:
            self.diagnostics.append(messages.part_in_circle(part.use, first=definition.name.span()))
            return part
        self._arguments(part, definition)
        inner = spec.Part.bind(definition.node, At(pointer, part.use))
        around = (*self.around, definition)
        inner = _Linker(words, self.diagnostics, around, self.used).part(inner, pointer)
        return self._merged(part, inner, definition)

    def _nothing_there(self, rule: spec.Rule) -> None:
        """Report a rule that changes one of a part, where no part is used."""
        mark = rule.kind.mark if isinstance(rule.kind, spec.Removed) else rule.modifiers.replaces
        if mark is not None:
            self.diagnostics.append(messages.nothing_to_change(rule.target, word=mark))

    def _arguments(self, part: spec.Part, definition: spec.Definition) -> None:
        """Report arguments that the part has no parameter for, and parameters without one."""
        assert part.use is not None
        takes = [one.name.value for one in definition.takes]
        given = {one.name.value for one in part.arguments}
        unknown = [
            one.name
            for one in part.arguments
            if one.name.value not in takes and one.name.value not in BESIDE
        ]
        known = [name for name in (*takes, *sorted(BESIDE)) if name not in given]
        for one in unknown:
            self.diagnostics.append(
                messages.unknown_parameter(
                    one, part=part.use, known=known, takes=takes, place=definition.name.span()
                )
            )
        for name in takes if not unknown else ():
            if name not in given and name not in BESIDE:
                self.diagnostics.append(
                    messages.missing_argument(
                        part.use, name=name, place=_parameter(definition, name).name.span()
                    )
                )

    def _merged(self, part: spec.Part, inner: spec.Part, definition: spec.Definition) -> spec.Part:
        """Return the rules of a part and of its use, those of the use in the place of others."""
        assert part.use is not None
        note = part.note
        if note is not None and not self._changes(note, inner.note, (), definition):
            note = None
        fields = self._one_by_one(part.fields, inner.fields, definition)
        custom = self._one_by_one(part.custom, inner.custom, definition)
        own = frozenset(id(rule) for rule in _rules(inner))
        merged = replace(
            part, fields=fields, custom=custom, note=inner.note if part.note is None else note
        )
        kept = frozenset(rule.pointer for rule in _rules(merged) if id(rule) in own)
        arguments = {one.name.value for one in part.arguments}
        objects = [
            one.name.value for one in definition.takes if isinstance(one.kind, spec.ObjectParameter)
        ]
        main = next((name for name in objects if name in arguments), None)
        used = spec.Used(part.use, definition, part.arguments, kept, main, inner.used)
        return replace(merged, used=used)

    def _one_by_one(
        self,
        rules: tuple[spec.Rule, ...],
        inner: tuple[spec.Rule, ...],
        definition: spec.Definition,
    ) -> tuple[spec.Rule, ...]:
        known = {rule.target.value: rule for rule in inner}
        for rule in rules:
            if not self._changes(rule, known.get(rule.target.value), known, definition):
                known.pop(rule.target.value, None)
            else:
                known[rule.target.value] = rule
        return tuple(known.values())

    def _changes(
        self,
        rule: spec.Rule,
        before: spec.Rule | None,
        known: Iterable[str],
        definition: spec.Definition,
    ) -> bool:
        """Return whether there is a rule afterwards; report what is not said, or said in vain."""
        is_removed = isinstance(rule.kind, spec.Removed)
        mark = rule.kind.mark if isinstance(rule.kind, spec.Removed) else rule.modifiers.replaces
        name = definition.name.value
        if mark is None and before is not None:
            self.diagnostics.append(
                messages.silent_override(rule.target, part=name, place=before.target.span())
            )
        elif mark is not None and before is None:
            self.diagnostics.append(
                messages.nothing_to_change(
                    rule.target, word=mark, known=known, place=definition.name.span()
                )
            )
        return not is_removed


def _rules(part: spec.Part) -> tuple[spec.Rule, ...]:
    return (*part.fields, *part.custom, *(() if part.note is None else (part.note,)))


def _parameter(definition: spec.Definition, name: str) -> spec.Parameter:
    return next(one for one in definition.takes if one.name.value == name)


def _object(kind: spec.Object | spec.Each, part: spec.Part) -> spec.Object | None:
    """Return the object rule that the use of a part is, where an object decides on it."""
    used = part.used
    if used is None or used.main is None or isinstance(kind, spec.Each) or kind.source is not None:
        return None
    argument = next(one for one in part.arguments if one.name.value == used.main)
    if argument.expression is None:
        return None
    return spec.Object(
        source=argument.expression,
        alias=_parameter(used.definition, used.main).name,
        condition=kind.condition,
        lets=kind.lets,
        checks=kind.checks,
        part=part,
        key=kind.key,
        pointer=kind.pointer,
        is_list=False,
        at_least=None,
        empty=None,
        unique=(),
        row_key=(),
        removed_rows=None,
    )
