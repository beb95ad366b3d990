"""The documents of one flow: in what order, for which rows, apart from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from mapgen.check import model as checked
from mapgen.check.formulas import Formulas, described, reads_of, row_binding, trees
from mapgen.check.modifiers import places_span
from mapgen.contract.model import Entity
from mapgen.expression import types
from mapgen.expression.scope import Scope
from mapgen.expression.tree import Name
from mapgen.ir.expression import attribute_name
from mapgen.report import Diagnostic, Text
from mapgen.report.catalogue import documents as messages
from mapgen.report.catalogue import mapping
from mapgen.spec import model as spec


class Siblings(Struct, frozen=True):
    """The document at work and all of the flow, each with its entity.

    `conditions` are those of the documents that are checked already.
    """

    current: spec.Document
    all: Mapping[str, tuple[spec.Document, Entity]]
    conditions: Mapping[str, checked.CheckedCondition]

    @property
    def prefix(self) -> str:
        """What target paths of the document start with: `location: `, `item[]: ` for many."""
        name = self.current.name.value
        if name == spec.ONLY:
            return ""
        return f"{name}[]: " if self.current.rows is not None else f"{name}: "

    def made(self, kind: spec.Made, faults: list[Diagnostic]) -> checked.MadeKey | None:
        """Return what a `made` rule gives, or None when it has faults."""
        name = kind.document
        found = self.all.get(name.value)
        if found is None or name.value == self.current.name.value:
            others = (other for other in self.all if other != self.current.name.value)
            faults.append(messages.unknown_document(name, known=others))
            return None
        other, entity = found
        if other.rows is not None:
            faults.append(messages.which_of_many(name, rows=other.rows.source.span()))
        elif name.value not in {text.value for text in self.current.after}:
            faults.append(messages.not_after(name, document=self.current.name))
        elif kind.field.value not in entity.keys:
            faults.append(messages.not_a_key(kind.field, entity=entity.name, known=entity.keys))
        else:
            held = self.conditions.get(name.value)
            reads = held.reads if held is not None else ()
            return checked.MadeKey(name.value, kind.field.value, other.when is not None, reads)
        return None


def unfit_for_made(modifiers: spec.Modifiers) -> Iterator[Diagnostic]:
    """Yield the modifiers that fit no value that is only known once another document is saved."""
    texts = {
        "clear_if_missing": modifiers.clear_if_missing,
        "omit_if": modifiers.omit_if,
        "too_long": modifiers.too_long,
        "range": modifiers.range.text if modifiers.range is not None else None,
        "rounding": modifiers.rounding,
    }
    found = {name: text.span() for name, text in texts.items() if text is not None}
    if modifiers.places is not None:
        found["places"] = places_span(modifiers.places)
    if modifiers.examples:
        found["examples"] = modifiers.examples[0].span
    if modifiers.rejects:
        found["rejects"] = modifiers.rejects[0].span
    for name, span in found.items():
        why = "is for values that are known before anything is sent"
        yield mapping.unfit_modifier(span, name=name, why=why)


def reserved_names(section: spec.MappingSection) -> list[Text]:
    """Return the names of documents that mean something else."""
    named = [document.name for document in section.documents if document.pointer != "mapping"]
    return [
        name
        for name in named
        if name.value == spec.ONLY or attribute_name(name.value) != name.value
    ]


def one_contract(section: spec.MappingSection) -> Iterator[Diagnostic]:
    """Yield the faults of documents that go to another contract than the first."""
    first, *others = (document.target.contract for document in section.documents)
    for other in others:
        if other.value != first.value:
            yield messages.other_contract(other, first=first)


def in_order(
    documents: Sequence[spec.Document], faults: list[Diagnostic]
) -> tuple[spec.Document, ...]:
    """Return the documents, each behind those it comes after; `faults` grows."""
    known = {document.name.value: document for document in documents}
    for document in documents:
        for name in document.after:
            if name.value not in known:
                others = [other for other in known if other != document.name.value]
                faults.append(messages.unknown_document(name, known=others))
    done: dict[str, spec.Document] = {}
    for document in documents:
        circle = _placed(document, known, done, ())
        if circle is not None:
            faults.append(messages.waiting_in_a_circle(known[circle[0]].name, circle=circle))
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


def condition(
    document: spec.Document, formulas: Formulas, scope: Scope
) -> checked.CheckedCondition | None:
    """Return for which records a document is made, or None: for all, or where it has faults."""
    if document.when is None:
        return None
    typed = formulas.condition(document.when, scope, "`when`")
    return None if typed is None else checked.CheckedCondition(typed, reads_of(typed))


def rows(
    document: spec.Document, formulas: Formulas, scope: Scope
) -> tuple[checked.CheckedRows | None, Scope | None]:
    """Return what a document is made for each of, and the names in force; no names: a fault."""
    written = document.rows
    if written is None:
        return None, scope
    source = formulas.formula(written.source, scope)
    if source is None or not isinstance(types.present(source.type), types.ListOf):
        if source is not None and types.present(source.type) != types.ERROR:
            found = described(source.type)
            what = "what `each` goes over"
            span = written.source.span()
            formulas.faults.append(
                mapping.not_of_type(span, what=what, wanted="a list", found=found)
            )
        formulas.doubt(document)
        return None, None
    if written.alias.value in scope.bindings:
        formulas.faults.append(mapping.name_taken(written.alias))
    inner = scope.with_(written.alias.value, row_binding(source))
    where = None
    if written.where is not None:
        where = formulas.condition(written.where, inner, "`where`")
    reads = reads_of(source, where)
    found_rows = checked.CheckedRows(source, written.alias.value, where, reads)
    return found_rows, inner


def apart(documents: Iterable[checked.CheckedDocument]) -> Iterator[Diagnostic]:
    """Yield the faults of documents that one look-up by identity would find together."""
    seen: dict[tuple[object, ...], spec.Document] = {}
    for document in documents:
        written = document.spec.identity
        value = document.identity.value
        if document.rows is not None and isinstance(value, checked.Formula):
            names = {tree.name for tree in trees(value.typed.tree) if isinstance(tree, Name)}
            if document.rows.alias not in names and document.spec.rows is not None:
                alias = document.spec.rows.alias
                yield messages.same_for_all_rows(written.value.span(), alias=alias)
        words = " ".join(written.value.value.split())
        known_as = (document.entity.name, written.field.value, words, document.constant_keys)
        first = seen.setdefault(known_as, document.spec)
        if first is not document.spec:
            entity = document.entity.name
            yield messages.same_identity(written.value, first=first.identity.value, entity=entity)
