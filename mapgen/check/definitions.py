"""A part where it is written: checked once, over nothing but its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed import plan
from mapgen.check.documents import Siblings
from mapgen.check.formulas import Formulas
from mapgen.check.modifiers import Sending
from mapgen.check.parts import (
    Inside,
    PartFacts,
    Reused,
    Uses,
    member_named,
    parameters,
    placed,
    unused_parameters,
)
from mapgen.check.records import source_objects
from mapgen.check.rules import RuleChecker
from mapgen.check.sources import owners
from mapgen.check.tables import TableRules
from mapgen.check.values import FieldRules
from mapgen.contract.model import Contract, Entity
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.scope import Binding, Scope, at
from mapgen.ir import flow as ir
from mapgen.ir.expression import Constant, Field, Variable, attribute_names
from mapgen.ir.types import STRING, TIMEZONE, Object, Type
from mapgen.report import Diagnostic, Source, Text
from mapgen.report.catalogue import mapping, operations
from mapgen.report.catalogue import reuse as messages
from mapgen.spec import model as spec
from mapgen.spec.linking import Vocabulary, ignored_twice, written_out
from mapgen.spec.nodes import read_yaml
from mapgen.spec.shapes import At

# What a part may say is said of documents that are made, changed, or both: one of them has to do.
_OPERATIONS = ("create", "update", "upsert")
# What the record is called whose members are the arguments of an example.
_RECORD = "arguments"
# The member that stands for the identity, which a part has not.
IDENTITY = "IdentityOfTheExample"


class Defined(Struct, frozen=True):
    """A part and what is known where it is written.

    `words` is what it may use itself, `takes` are the types of its parameters, `reused` is what is
    known of the parts and expressions that it may use.
    """

    definition: spec.Definition
    words: Vocabulary
    contract: Contract
    takes: Mapping[str, Type]
    reused: Reused

    @property
    def scope(self) -> Scope:
        """The names that the part knows."""
        return parameters(self.takes, self.reused.functions)


def check_definition(part: Defined, diagnostics: list[Diagnostic]) -> PartFacts:
    """Return what uses of a part have to know; `diagnostics` grows."""
    before = len(diagnostics)
    definition, takes = part.definition, part.takes
    written = written_out(definition, part.words, diagnostics)
    gives, contract = definition.gives.entity, part.contract
    if gives.value not in contract.entities:
        diagnostic = messages.unknown_entity(gives, contract=contract.name, known=contract.entities)
        diagnostics.append(diagnostic)
    if len(diagnostics) > before:
        return PartFacts(takes, {}, {}, is_right=False)
    formulas = _best(_tried(part, written, part.scope, one)[0] for one in _OPERATIONS)
    diagnostics += formulas.diagnostics
    diagnostics += unused_parameters(definition.takes, formulas)
    diagnostics += _ignores(definition, takes, formulas)
    diagnostics += _data(definition, takes)
    called = {
        name: one
        for name, one in part.reused.functions.items()
        if f"function {name}" in formulas.used
    }
    return PartFacts(takes, formulas.reads, called, is_right=len(diagnostics) == before)


def alone(part: Defined) -> ir.Flow | None:
    """Return a part as a flow of its own, for its examples: arguments are members of a record.

    Time zones are settings. None where it has errors.
    """
    zones = {name: kind for name, kind in part.takes.items() if kind == TIMEZONE}
    record = Object(_RECORD, {name: of for name, of in part.takes.items() if name not in zones})
    settings = Object("settings", zones)
    bindings = {
        name: Binding(kind, argument=_member(name, settings if name in zones else record))
        for name, kind in part.takes.items()
    }
    outside = Scope({_RECORD: Binding(record, at(_RECORD)), "settings": Binding(settings)})
    scope = outside.inside(bindings, part.reused.functions)
    written = written_out(part.definition, part.words, [])
    tries = (_tried(part, written, scope, operation) for operation in _OPERATIONS)
    found = next(
        ((one, made) for one, made in tries if made is not None and not one.diagnostics), None
    )
    if found is None:
        return None
    formulas, made = found
    assert made is not None
    schema = SourceSchema("", record, frozenset())
    reads = (path for path in formulas.reads if path.startswith(f"{_RECORD}."))
    return _flow(part, made, source_objects(schema, reads), zones)


def _member(name: str, owner: Object) -> Field:
    variable = Variable(owner.name, owner)
    attribute = attribute_names(tuple(owner.fields))[name]
    return Field(variable, name, attribute, owner.fields[name])


def _flow(
    part: Defined, made: ir.Part, objects: tuple[ir.SourceObject, ...], zones: Mapping[str, Type]
) -> ir.Flow:
    contract, entity = part.contract, part.definition.gives.entity.value
    named = plan.DocumentPlan(ir.ONLY, entity, "create", plan.Identity(IDENTITY), ())
    identity = ir.Field(
        target=IDENTITY, name=IDENTITY, kind="string", value=ir.Fixed("x"), pointer=IDENTITY
    )
    block = ir.Block(part=replace(made, members=(identity, *made.members)))
    return ir.Flow(
        plan=plan.Plan(
            flow="part",
            source=_RECORD,
            documents=(named,),
            endpoint=contract.endpoint,
            version=contract.version,
            contract_version=contract.contract_version,
            batch_size=1,
            concurrency=1,
            retry=plan.Retry(1, 1.0, 1.0),
            circuit_breaker=plan.CircuitBreaker(1, 1.0, 1.0),
            dead_letter_days=1,
        ),
        summary="a part",
        owner="",
        spec_path=part.words.path,
        source_objects=objects,
        settings=tuple(ir.Setting(name, str(kind)) for name, kind in zones.items()),
        key=Constant("example", STRING),
        documents=(ir.Document(named, part.definition.pointer, block, (), None),),
    )


def _best(tried: Iterator[Formulas]) -> Formulas:
    """Return the first that has no errors, else that of the fewest."""
    seen = []
    for one in tried:
        if not one.diagnostics:
            return one
        seen.append(one)
    return min(seen, key=lambda one: len(one.diagnostics))


def _tried(
    part: Defined, written: spec.Part, scope: Scope, operation: str
) -> tuple[Formulas, ir.Part | None]:
    """Return what is found out about a part in a document of one operation, and what it makes."""
    formulas, definition, reused = Formulas([]), part.definition, part.reused
    entity = part.contract.entities[definition.gives.entity.value]
    document = _document(entity, operation)
    rules = RuleChecker(
        FieldRules(
            formulas,
            part.contract,
            TableRules(formulas, {}, {}),
            Siblings(document, {document.name.value: (document, entity)}, {}),
            Sending(document.target.operation, is_whole=not document.target.kind.keeps_documents),
            is_inside=True,
            parts=reused.parts,
        )
    )
    block = spec.Block(
        lists=(),
        called=None,
        condition=None,
        lets=(),
        checks=(),
        part=written,
        span=definition.name.span(),
        pointer=definition.pointer,
        narrows=False,
    )
    inside: Inside | None = Inside({}, scope)
    if written.used is not None:
        inside = Uses(reused.parts, formulas).inside(written.used, block, entity, scope)
    made = None if inside is None else rules.rules_of(block, entity, "", inside)
    if written.used is not None:
        formulas.diagnostics[:] = placed(formulas.diagnostics, (written.used,))
    return formulas, made


def _document(entity: Entity, operation: str) -> spec.Document:
    """Return the document that a part is tried in."""
    text = (
        f"target: {{contract: x, entity: {entity.name}, operation: {operation}}}\n"
        "identity: {field: none, value: none}\n"
        "fields: {}\n"
    )
    node = read_yaml(Source("<part>", text))
    return spec.Document.bind(node, At("", Text.plain(spec.ONLY)))


def _ignores(
    definition: spec.Definition, takes: Mapping[str, Type], formulas: Formulas
) -> Iterator[Diagnostic]:
    """Yield the ignores of a part that name nothing, or what its rules read."""
    yield from ignored_twice(definition.ignores)
    for ignore in definition.ignores:
        below = member_named(definition, ignore.path)
        if below is None or not _is_there(takes[below[0]], below[1]):
            yield mapping.idle_ignore(ignore.path, known=())
        elif f"{below[0]}.{below[1]}" in formulas.reads:
            yield mapping.ignored_but_used(ignore.path, used="")


def _data(definition: spec.Definition, takes: Mapping[str, Type]) -> Iterator[Diagnostic]:
    """Yield the data classes of a part that name nothing."""
    for item in definition.data:
        below = member_named(definition, item.path)
        if below is None or not _is_there(takes[below[0]], below[1]):
            yield operations.unknown_source_path(item.path, known=())


def _is_there(kind: Type, path: str) -> bool:
    return all(owner is not None for owner, _ in owners(kind, f"{_RECORD}.{path}"))
