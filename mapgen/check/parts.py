"""Parts and named expressions: right where they are written, and fit for where they are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.paths import names_along
from mapgen.check.formulas import Formulas, described
from mapgen.check.sources import all_near
from mapgen.contract.model import Entity
from mapgen.expression.functions import CALLS, FORM_NAMES
from mapgen.expression.lineage import member_of
from mapgen.expression.passing import Unlike, at_use, seen_as, unfit
from mapgen.expression.scope import Binding, Named, Scope, at
from mapgen.ir import types
from mapgen.ir.types import Type
from mapgen.report import REPORTED_ELSEWHERE, Diagnostic, Span, Text
from mapgen.report.catalogue import mapping as mapping_messages
from mapgen.report.catalogue import reuse as messages
from mapgen.spec import model as spec
from mapgen.spec.linking import BESIDE, PartKey, Vocabulary, part_key


class PartFacts(Struct, frozen=True):
    """What a use has to know of a part: its parameters, and what it reads of them, with the places.

    `functions` are the expressions that it calls. Where it is not right, that is told where it is
    written.
    """

    takes: Mapping[str, Type]
    reads: Mapping[str, Span]
    functions: Mapping[str, Named]
    is_right: bool


class Reused(Struct, frozen=True):
    """What a spec uses by name: facts of all parts in reach, the expressions that it may call.

    `words` are all that it may name, `used` are the parts that it does use.
    """

    parts: Mapping[PartKey, PartFacts] = {}
    functions: Mapping[str, Named] = {}
    words: Vocabulary = Vocabulary("")
    used: frozenset[PartKey] = frozenset()


NOTHING_REUSED = Reused()


def scalar_type(kind: spec.ScalarParameter) -> Type:
    """Return the type of a parameter that is a single value."""
    words = kind.type.value
    found = types.BY_NAME[words.removesuffix("?")]
    return types.optional(found) if words.endswith("?") else found


def parameters(takes: Mapping[str, Type], functions: Mapping[str, Named]) -> Scope:
    """Return the names that a part, or an expression, knows where it is written."""
    return Scope({name: Binding(kind, at(name)) for name, kind in takes.items()}, functions)


def unused_parameters(takes: Sequence[spec.Parameter], formulas: Formulas) -> Iterator[Diagnostic]:
    """Yield the errors of parameters that nothing reads, or that nobody could name."""
    meant = all_near(formulas.doubtful, [one.name.value for one in takes])
    for one in takes:
        name = one.name.value
        if name in BESIDE:
            yield messages.name_of_the_language(one.name)
        elif name not in formulas.used and name not in meant:
            yield messages.unused_parameter(one.name)


def check_expression(
    definition: spec.NamedExpression,
    takes: Mapping[str, Type],
    functions: Mapping[str, Named],
    diagnostics: list[Diagnostic],
) -> Named:
    """Return an expression that can be called; `diagnostics` grows."""
    before = len(diagnostics)
    if definition.name.value in (*CALLS, *FORM_NAMES):
        diagnostics.append(messages.name_of_a_function(definition.name))
    formulas = Formulas(diagnostics)
    formulas.whole(definition.expression, parameters(takes, functions))
    diagnostics.extend(
        one for one in unused_parameters(definition.takes, formulas) if one.code == "E728"
    )
    called = {name: functions[name] for name in functions if f"function {name}" in formulas.used}
    is_right = len(diagnostics) == before
    reads = formulas.reads
    return Named(definition.name, definition.expression, takes, reads, called, is_right)


class Inside(Struct, frozen=True):
    """The names in force where a part is used, by the pointers of the rules that are its own."""

    own: Mapping[str, Scope]
    around: Scope

    def of(self, rule: spec.Rule) -> Scope:
        """Return the names that a rule knows."""
        return self.own.get(rule.pointer, self.around)


class Uses(Struct, frozen=True):
    """Checks the uses of parts in one spec."""

    parts: Mapping[PartKey, PartFacts]
    formulas: Formulas

    def inside(
        self, used: spec.Used, block: spec.Block, entity: Entity, scope: Scope
    ) -> Inside | None:
        """Return the names inside a part that is used, None where it cannot be."""
        definition, diagnostics = used.definition, self.formulas.diagnostics
        facts = self.parts[part_key(definition)]
        if not facts.is_right:
            diagnostics.append(REPORTED_ELSEWHERE)
            return None
        gives = definition.gives.entity.value
        if gives != entity.name:
            place = definition.gives.entity.span()
            diagnostics.append(
                messages.wrong_entity(used.at, gives=gives, wanted=entity.name, place=place)
            )
            return None
        main = scope.bindings[block.alias.value] if is_argument(block) and block.alias else None
        bindings = self._bindings(used, facts, scope, main)
        if bindings is None:
            return None
        inner = scope.inside(bindings, facts.functions)
        own = dict.fromkeys(used.own, inner)
        if used.inner is not None:
            below = replace(block, lists=(), part=replace(block.part, used=used.inner))
            within = self.inside(used.inner, below, entity, inner)
            if within is None:
                return None
            own = dict.fromkeys(used.own, within.around) | dict(within.own)
        return Inside(own, self._around(block, used, bindings, scope))

    def _around(
        self, block: spec.Block, used: spec.Used, bindings: Mapping[str, Binding], scope: Scope
    ) -> Scope:
        """Return the names that rules beside the part's own know: its parameters, too."""
        if not has_rules_beside(block.part):
            return scope
        for parameter in used.definition.takes:
            name = parameter.name.value
            if parameter.name is block.alias:
                continue
            if name in scope.bindings and not _is_itself(name, bindings[name], scope):
                argument = next(one for one in used.arguments if one.name.value == name)
                self.formulas.diagnostics.append(mapping_messages.name_taken(argument.name))
            scope = scope.with_(name, bindings[name])
        return scope

    def _bindings(
        self, used: spec.Used, facts: PartFacts, scope: Scope, main: Binding | None
    ) -> Mapping[str, Binding] | None:
        found: dict[str, Binding] = {}
        for argument in used.arguments:
            name = argument.name.value
            if name not in facts.takes or argument.expression is None:
                continue
            if main is not None and name == used.main:
                bound = self._seen(used, facts, argument, main)
            else:
                bound = self._passed(used, facts, argument, scope)
            if bound is not None:
                found[name] = bound
                self._note(used.definition, name, bound)
        return found if len(found) == len(facts.takes) else None

    def _passed(
        self, used: spec.Used, facts: PartFacts, argument: spec.Argument, scope: Scope
    ) -> Binding | None:
        """Return what a parameter stands for, None where the argument does not fit."""
        assert argument.expression is not None
        typed = self.formulas.whole(argument.expression, scope)
        if typed is None or typed.type == types.ERROR:
            return None
        lineage = typed.lineage
        whole = Binding(typed.type, lineage.value, lineage.reads, argument=typed.code)
        bound = self._seen(used, facts, argument, whole)
        return bound and replace(bound, argument=typed.as_type(bound.type))

    def _seen(
        self, used: spec.Used, facts: PartFacts, argument: spec.Argument, bound: Binding
    ) -> Binding | None:
        """Return a value as the part sees it."""
        name, text = argument.name.value, argument.expression
        assert text is not None
        wanted = facts.takes[name]
        seen = seen_as(bound.type, wanted, name, facts.reads)
        if not isinstance(seen, Unlike):
            return replace(bound, type=seen)
        part = used.at.value
        parameter = next(one for one in used.definition.takes if one.name.value == name)
        if seen.is_missing and seen.path == name:
            diagnostic = messages.may_be_missing(
                text,
                part=part,
                name=name,
                found=described(bound.type),
                kind="string" if isinstance(wanted, types.Object) else str(wanted),
                place=parameter.name,
            )
        else:
            place = parameter.name.span()
            diagnostic = unfit(text.span(), part, name, seen, facts.reads, place)
        self.formulas.diagnostics.append(diagnostic)
        return None

    def _note(self, definition: spec.Definition, name: str, bound: Binding) -> None:
        """Note the source fields that the part does not use, and those that must not be seen."""
        for ignore in definition.ignores:
            found = _source_paths(definition, ignore.path, name, bound)
            self.formulas.ignored += [(path, ignore.reason.value) for path in found]
        for item in definition.data:
            found = _source_paths(definition, item.path, name, bound)
            self.formulas.classified += [
                replace(item, path=Text.plain(path), of=definition.name) for path in found
            ]


def _source_paths(
    definition: spec.Definition, path: Text, name: str, bound: Binding
) -> tuple[str, ...]:
    """Return what a path of a part is in the source, where it is below the parameter `name`."""
    below = member_named(definition, path)
    if below is None or below[0] != name:
        return ()
    origins = bound.origins
    for member in names_along(below[1]):
        origins = member_of(origins, member)
    return tuple(origins.places)


def member_named(definition: spec.Definition, path: Text) -> tuple[str, str] | None:
    """Return the parameter that a path of a part is below, and the path there."""
    objects = [
        one.name.value for one in definition.takes if isinstance(one.kind, spec.ObjectParameter)
    ]
    first, _, rest = path.value.partition(".")
    if rest and first in objects:
        return first, rest
    return (objects[0], path.value) if len(objects) == 1 else None


def _is_itself(name: str, binding: Binding, scope: Scope) -> bool:
    """Whether a parameter stands for what is called like it anyway."""
    found = binding.argument
    return getattr(found, "name", None) == name and scope.bindings[name].argument is None


def has_rules_beside(part: spec.Part) -> bool:
    """Whether a part that uses another has rules of its own."""
    rules = (*part.fields, *part.custom, *(() if part.note is None else (part.note,)))
    return part.used is None or any(rule.pointer not in part.used.own for rule in rules)


def is_argument(block: spec.Block) -> bool:
    """Whether what a part is made for is the argument of a part that is used."""
    used = block.part.used
    return used is not None and any(one.name is block.alias for one in used.definition.takes)


def written_at(part: spec.Part, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield the pointers of rules that come from parts, each with the place where it is written.

    Args:
        part: with all rules in it.
        pointer: the one that leads to it.
    """
    used = part.used
    while used is not None:
        definition = used.definition
        start = f"{definition.name.source.path}#{definition.pointer}"
        for rule in part.rules:
            if any(f"{rule.pointer}/".startswith(f"{one}/") for one in used.own):
                yield rule.pointer, start + rule.pointer.removeprefix(pointer)
        used = used.inner
    for rule in (*part.fields, *part.custom):
        for block in rule.kind.blocks if isinstance(rule.kind, spec.RowsKind) else ():
            yield from written_at(block.part, block.pointer)


def used_at(block: spec.Block) -> Span:
    """Return the place where a block says which part it uses."""
    return block.span if block.part.use is None else block.part.use.span()


def placed(diagnostics: Iterable[Diagnostic], uses: Iterable[spec.Used]) -> Iterator[Diagnostic]:
    """Yield errors; one inside a part that is used is one of its use, there in the second place."""
    known = list(uses)
    for diagnostic in diagnostics:
        while True:
            found = next((one for one in known if _is_inside(diagnostic, one)), None)
            if found is None:
                break
            diagnostic = at_use(diagnostic, found.at.span())
        yield diagnostic


def _is_inside(diagnostic: Diagnostic, used: spec.Used) -> bool:
    if diagnostic.label is None:
        return False
    span, node = diagnostic.label.span, used.definition.node.span
    return span.source is node.source and node.start <= span.start < node.end


def uses_in(part: spec.Part) -> Iterator[spec.Used]:
    """Yield the parts that are used in a part, and in those inside its rules."""
    if part.used is not None:
        yield part.used
    for rule in part.rules:
        for block in rule.kind.blocks if isinstance(rule.kind, spec.RowsKind) else ():
            if block.part.used is not None:
                yield block.part.used
