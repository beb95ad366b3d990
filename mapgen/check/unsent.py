"""What each record says of a document's branch and steps: checked as fields are, and never sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.plan import BRANCH
from mapgen.check.formulas import reads_of
from mapgen.check.rules import RuleChecker
from mapgen.contract.model import Entity, Field, ValueType
from mapgen.expression.scope import Scope
from mapgen.ir import flow as ir
from mapgen.ir.types import Optional
from mapgen.report import Text
from mapgen.spec import model as spec

_LONGEST_NAME = 200
"""UTF-16 units of a file's name: the ERP keeps it in 255, behind the name of its document."""


def unsent_of_steps(
    rules: RuleChecker, document: spec.Document, entity: Entity, scope: Scope, prefix: str
) -> tuple[ir.Field, ...] | None:
    """Return what the record says of a document's branch and of the steps after it.

    None where that has errors.

    Args:
        rules: those of the document, whose errors grow.
        document: the document.
        entity: what it is in the ERP.
        scope: the names that its rules have.
        prefix: the beginning of target paths of the document.
    """
    before = len(rules.diagnostics)
    found = [
        field
        for step in document.then
        for field in _Unsent(rules, step.name, step.pointer, scope, prefix).of_step(step, entity)
    ]
    branch = document.target.branch
    if isinstance(branch, spec.Calculated):
        at = _Unsent(rules, document.target.entity, branch.pointer, scope, prefix)
        found += at.branch(branch.value)
    return tuple(found) if len(rules.diagnostics) == before else None


class _Unsent(Struct, frozen=True):
    """What a record says of one thing of a document, which is written at a pointer."""

    rules: RuleChecker
    name: Text
    pointer: str
    scope: Scope
    prefix: str

    def branch(self, text: Text) -> Iterator[ir.Field]:
        """Yield the branch, which is always said."""
        found = self._value(BRANCH, text, "string", "branch_id", is_whole=True)
        yield from self._always(text, found, "a branch")

    def of_step(self, step: spec.Step, entity: Entity) -> Iterator[ir.Field]:
        """Yield what is said of a step as fields; those with errors are left out."""
        if step.when is not None:
            yield from self._condition(step.when)
        if isinstance(step, spec.ActionStep):
            action = entity.actions.get(step.name.value)
            yield from self._parameters(step, {} if action is None else action.parameters)
        if isinstance(step, spec.Attachment):
            yield from self._file(step.file)
        if isinstance(step, spec.AttachedText):
            yield from self._value("content", step.content, "string", "base64_text")
        elif isinstance(step, spec.AttachedFile):
            yield from self._value("path", step.path, "string", "file_path")

    def _condition(self, text: Text) -> Iterator[ir.Field]:
        typed = self.rules.formulas.condition(text, self.scope, "`when`")
        if typed is not None:
            yield ir.Field(
                target=self._target("when"),
                name=self._name("when"),
                kind="boolean",
                value=typed.code,
                reads=reads_of(typed),
                pointer=f"{self.pointer}/when",
                written=(("value", text.value),),
            )

    def _parameters(
        self, step: spec.ActionStep, kinds: Mapping[str, ValueType]
    ) -> Iterator[ir.Field]:
        """Yield the parameters that are calculated; one that the action lacks is told elsewhere."""
        for name, given in step.given:
            if isinstance(given, spec.Calculated) and name.value in kinds:
                yield from self._value(f"with {name.value}", given.value, kinds[name.value])
            elif isinstance(given, spec.Calculated):
                self.rules.formulas.formula(given.value, self.scope)

    def _file(self, text: Text) -> Iterator[ir.Field]:
        """Yield the name of a file, which is always there."""
        found = self._value("file", text, "string", "file_name")
        yield from self._always(text, found, "the name of a file")

    def _always(self, text: Text, found: Iterable[ir.Field], what: str) -> Iterator[ir.Field]:
        """Yield a field that is always there; refuse one that may be missing."""
        for field in found:
            if field.on_missing == "never":
                yield field
                continue
            typed = self.rules.formulas.formula(text, self.scope)
            if typed is not None and isinstance(typed.type, Optional):
                wanted = "text that is always there"
                self.rules.formulas.refuse(text, typed, what, wanted)

    def _value(
        self,
        what: str,
        text: Text,
        kind: ValueType,
        form: ir.TextForm | None = None,
        *,
        is_whole: bool = False,
    ) -> Iterator[ir.Field]:
        """Yield a value; one that `is_whole` is named by itself, and is at the pointer."""
        fields = self.rules.fields
        longest = _LONGEST_NAME if form == "file_name" else None
        field = Field(what if is_whole else self._name(what), "value", kind, max_length=longest)
        rule = spec.Rule(
            target=self.name,
            kind=spec.Value(expression=text),
            modifiers=spec.Modifiers.plain(),
            span=text.span(),
            pointer=self.pointer if is_whole else f"{self.pointer}/{what.replace(' ', '/')}",
        )
        target = f"{self.prefix}{what}" if is_whole else self._target(what)
        value = fields.value(rule, self.scope, field)
        found = fields.field(rule, field, target, self.scope, value)
        if found is not None:
            yield replace(found, limits=replace(found.limits, form=form))

    def _name(self, what: str) -> str:
        return f"{self.name.value} {what}"

    def _target(self, what: str) -> str:
        return f"{self.prefix}then {self._name(what)}"
