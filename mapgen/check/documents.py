"""The documents of one flow: in what order, for which rows, apart from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from mapgen.check.formulas import Formulas, reads_of
from mapgen.check.model import Value
from mapgen.contract.model import Entity
from mapgen.expression.scope import Scope
from mapgen.ir import flow as ir
from mapgen.ir import types
from mapgen.ir.expression import Expression, Variable, attribute_name
from mapgen.ir.names import made_name
from mapgen.ir.rewriting import canonical, expanded
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import documents as messages
from mapgen.spec import model as spec


class Siblings(Struct, frozen=True):
    """The document at work and all of the flow, each with its entity.

    `conditions` are those of the documents that are checked already.
    """

    current: spec.Document
    all: Mapping[str, tuple[spec.Document, Entity]]
    conditions: Mapping[str, ir.Condition]

    @property
    def prefix(self) -> str:
        """What target paths of the document start with."""
        return ir.prefix_of(self.current.name.value, is_list=self.current.rows is not None)

    def made(self, kind: spec.Made, diagnostics: list[Diagnostic]) -> Value | None:
        """Return what a `made` rule gives, or None when it has errors."""
        name = kind.document
        found = self.all.get(name.value)
        if found is None or name.value == self.current.name.value:
            others = (other for other in self.all if other != self.current.name.value)
            diagnostics.append(messages.unknown_document(name, known=others))
            return None
        other, entity = found
        if other.rows is not None:
            diagnostics.append(messages.which_of_many(name, rows=other.rows.source))
        elif name.value not in {text.value for text in self.current.after}:
            diagnostics.append(messages.not_after(name, document=self.current.name))
        elif kind.field.value not in (keys := keys_of(other, entity)):
            diagnostics.append(messages.not_a_key(kind.field, entity=entity.name, known=keys))
        else:
            is_sure, variable = other.when is None, made_name(name.value)
            present = None if is_sure else Variable(variable, types.Object(variable, {}))
            held = self.conditions.get(name.value)
            return Value(
                ir.Made(name.value, kind.field.value, present),
                types.STRING if is_sure else types.optional(types.STRING),
                decided_by=() if held is None else held.reads,
            )
        return None


def keys_of(document: spec.Document, entity: Entity) -> tuple[str, ...]:
    """Return the keys that a document is given where it goes."""
    match document.target.send:
        case None:
            return entity.keys
        case spec.FileSend():
            return ()
        case send:
            return tuple(key.value for key in send.keys)


def reserved_names(section: spec.MappingSection) -> list[Text]:
    """Return the names of documents that mean something else."""
    named = [document.name for document in section.documents if document.pointer != "mapping"]
    return [
        name
        for name in named
        if name.value == spec.ONLY or attribute_name(name.value) != name.value
    ]


def one_contract(section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the errors of documents that go to another contract than the first."""
    first, *others = (document.target.contract for document in section.documents)
    for other in others:
        if other.value != first.value:
            yield messages.other_contract(other, first=first)


def in_order(
    documents: Sequence[spec.Document], diagnostics: list[Diagnostic]
) -> tuple[spec.Document, ...]:
    """Return the documents, each behind those it comes after; `diagnostics` grows."""
    known = {document.name.value: document for document in documents}
    for document in documents:
        for name in document.after:
            if name.value not in known:
                others = [other for other in known if other != document.name.value]
                diagnostics.append(messages.unknown_document(name, known=others))
    done: dict[str, spec.Document] = {}
    for document in documents:
        circle = _placed(document, known, done, ())
        if circle is not None:
            diagnostics.append(messages.waiting_in_a_circle(known[circle[0]].name, circle=circle))
            return tuple(documents)
    return tuple(done.values())


def _placed(
    document: spec.Document,
    known: Mapping[str, spec.Document],
    done: dict[str, spec.Document],
    waiting: tuple[str, ...],
) -> tuple[str, ...] | None:
    """Put a document behind what it waits for; return the circle where it waits for itself."""
    name = document.name.value
    if name in waiting:
        return (*waiting[waiting.index(name) :], name)
    if name in done:
        return None
    for other in document.after:
        if other.value in known:
            circle = _placed(known[other.value], known, done, (*waiting, name))
            if circle is not None:
                return circle
    done[name] = document
    return None


def condition(document: spec.Document, formulas: Formulas, scope: Scope) -> ir.Condition | None:
    """Return for which records a document is made, or None: for all, or where it has errors."""
    if document.when is None:
        return None
    typed = formulas.condition(document.when, scope, "`when`")
    if typed is None:
        return None
    return ir.Condition(typed.code, reads_of(typed), document.when.value)


def apart(
    pairs: Iterable[tuple[spec.Document, ir.Document | None]], lets: Iterable[ir.Let]
) -> Iterator[Diagnostic]:
    """Yield the errors of documents that one look-up by identity would find together.

    Identities are compared as what is evaluated, whatever names stand for it. A document may be
    written a second time: once it is there, and never again by what made it.
    """
    named = {let.name: let.value for let in lets}
    alike: dict[tuple[object, ...], list[_Write]] = {}
    for written, document in pairs:
        if document is None:
            continue
        made = document.plan
        values = tuple((one.name, _evaluated(one.value, named)) for one in document.identity_fields)
        known_as = (made.entity, values, tuple(made.identity.scope.items()))
        before = alike.setdefault(known_as, [])
        if before:
            yield from _second_write(_Write(written, document), before)
        before.append(_Write(written, document))


class _Write(Struct, frozen=True):
    """A document of one identity, as it is written and as it is made."""

    written: spec.Document
    made: ir.Document

    @property
    def sets(self) -> set[str]:
        """The fields that it sets, the identity and constant keys left out."""
        plan = self.made.plan
        members = {one.name for one in self.made.part.members}
        return members - {*plan.identity.fields, *plan.identity.scope, *plan.keys}


def _second_write(second: _Write, before: Sequence[_Write]) -> Iterator[Diagnostic]:
    """Yield what is wrong with a document of the same identity as others of its flow."""
    first = before[0].written
    entity, name = second.made.plan.entity, first.name.value
    is_second = not second.written.target.operation.creates and not first.target.operation.updates
    if not is_second or name not in {one.value for one in second.written.after}:
        place = first.identity.value
        yield messages.same_identity(
            second.written.identity.value, first=place, entity=entity, document=name
        )
        return
    for other in before[1:]:
        both = sorted(second.sets & other.sets)
        if both:
            yield messages.written_over(
                second.written.name, first=other.written.name, fields=tuple(both)
            )


def _evaluated(value: ir.Value, named: Mapping[str, Expression]) -> object:
    """Return what two values have alike that are of one expression."""
    if isinstance(value, ir.Fixed | ir.Made):
        return value
    return canonical(expanded(value, named))
