"""What flows have in common: files of parts, read once, each part checked where it is written."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from msgspec import Struct, field

from mapgen.check.definitions import Defined, alone, check_definition
from mapgen.check.parts import PartFacts, Reused, check_expression, scalar_type
from mapgen.contract.model import Contract
from mapgen.contract.source_schema import SourceSchema
from mapgen.disk.workspace import PARTS_SUFFIX, from_specs
from mapgen.expression.scope import Named
from mapgen.ir.printing import meaning
from mapgen.ir.types import Type
from mapgen.ondemand import OnDemand
from mapgen.project.specs import Specs
from mapgen.project.verdicts import Verdicts, verdict
from mapgen.report import REPORTED_ELSEWHERE, Diagnostic, Stopped, Text, noting
from mapgen.report.catalogue import mapping, reading
from mapgen.spec import model as spec
from mapgen.spec.data import json_of
from mapgen.spec.linking import Linked, PartKey, Vocabulary, linked, part_key, take_words
from mapgen.spec.reader import read_parts

Schemas = Callable[[Text, Text | None, str, Mapping[str, int]], SourceSchema | None]
"""Gives the schema of a file, at a place in it, by the name of the object and those taken."""


class Shared(Struct):
    """The files of parts of a workspace; `diagnostics` grows by what is wrong with them."""

    specs: Specs
    diagnostics: list[Diagnostic]
    verdicts: Verdicts
    contract: Callable[[str], Contract | None]
    schema: Schemas
    _files: dict[str, spec.PartsFile | None] = field(default_factory=dict)
    _words: dict[str, Vocabulary] = field(default_factory=dict)
    _linked: dict[str, Linked] = field(default_factory=dict)
    _parts: dict[PartKey, PartFacts] = field(default_factory=dict)
    _named: dict[PartKey, Named] = field(default_factory=dict)
    _untried: list[Defined] = field(default_factory=list)

    def flow(self, path: str) -> spec.Spec:
        """Return a spec with the rules of the parts that it uses. Raises Stopped."""
        flow = self.specs.read(path)
        diagnostics: list[Diagnostic] = []
        words = Vocabulary(path)
        take_words(words, flow.mapping, self._reading(diagnostics), diagnostics)
        found = linked(flow, words, diagnostics) if not diagnostics else None
        if found is None or diagnostics:
            raise Stopped(diagnostics)
        self._linked[path] = found
        return found.flow

    def _reading(self, diagnostics: list[Diagnostic]) -> Callable[[Text], Vocabulary | None]:
        def read(named: Text) -> Vocabulary | None:
            with noting(diagnostics):
                file = self.file(from_specs(named.value), named)
                if file is not None:
                    return self.words(file)
                diagnostics.append(REPORTED_ELSEWHERE)
            return None

        return read

    def file(self, path: str, asked_at: Text | None = None) -> spec.PartsFile | None:
        """Return a file of parts, None where it has errors (then reported).

        Raises Stopped where it cannot be read.
        """
        if asked_at is not None and not path.endswith(PARTS_SUFFIX):
            what, example = "a file of parts", f"parts/shop{PARTS_SUFFIX}"
            raise Stopped(reading.malformed(asked_at.span(), what, asked_at.value, example))
        if path not in self._files:
            at = None if asked_at is None else asked_at.span()
            source = self.specs.workspace.read(path, "the file of parts", at)
            self._files[path] = None
            with noting(self.diagnostics):
                self._files[path] = read_parts(source)
        return self._files[path]

    def words(self, file: spec.PartsFile) -> Vocabulary:
        """Return what a file of parts holds, and what that may use."""
        path = file.source.path
        if path not in self._words:
            self._words[path] = Vocabulary(path)
            take_words(self._words[path], file, self._reading(self.diagnostics), self.diagnostics)
        return self._words[path]

    def reused(self, flow: spec.Spec) -> Reused:
        """Return what a spec may use by name, all of it checked."""
        found = self._linked.get(flow.source.path)
        if found is None:
            return Reused()
        self._check_all(found.words)
        return Reused(self._facts_of, self._functions(found.words), found.words, found.parts)

    def _check_all(self, words: Vocabulary) -> None:
        """Check all parts and expressions that may be used in a file."""
        for definition, written_in in words.parts.values():
            self._facts(definition, written_in)
        for one in words.functions.values():
            self._function(*one)

    @property
    def _facts_of(self) -> Mapping[PartKey, PartFacts]:
        """What is known of each part, which is checked when it is asked for."""
        known = {
            part_key(one): (one, words)
            for of in (*self._words.values(), *(found.words for found in self._linked.values()))
            for one, words in of.parts.values()
        }
        return OnDemand(known, lambda key: self._facts(*known[key]))

    def check_files(self, paths: Iterable[str]) -> Iterator[spec.PartsFile]:
        """Yield files of parts, each checked whole."""
        for path in paths:
            file = None
            with noting(self.diagnostics):
                file = self.file(path)
            if file is not None:
                self._check_all(self.words(file))
                yield file

    def _facts(self, definition: spec.Definition, words: Vocabulary) -> PartFacts:
        """Return what uses have to know of a part, which is checked where it is written."""
        key = part_key(definition)
        if key in self._parts:
            return self._parts[key]
        self._parts[key] = PartFacts({}, {}, {}, is_right=False)
        takes = self._takes(definition.takes)
        contract = self._contract(definition.gives)
        if takes is not None and contract is not None:
            reused = Reused(self._facts_of, self._functions(words))
            part = Defined(definition, words, contract, takes, reused)
            self._parts[key] = check_definition(part, self.diagnostics)
            if self._parts[key].is_right and definition.examples:
                self._untried.append(part)
        return self._parts[key]

    def failing_examples(self, files: Container[str] | None) -> Iterator[Diagnostic]:
        """Yield the errors of examples that the parts checked so far do not keep.

        Args:
            files: the specs and files of parts that are looked at: only the parts that they have or
                use are tried. None: all are.
        """
        for part in self._untried:
            if files is not None and not self._concerns(files, part_key(part.definition)):
                continue
            flow = alone(part)
            assert flow is not None, part.definition.name.value
            kept = verdict("examples", meaning(flow), json_of(part.definition.node))
            if self.verdicts.has(kept):
                continue
            from mapgen.project.trying import failing  # what runs generated code, few need

            diagnostics = list(failing(part.definition, flow))
            if not diagnostics:
                self.verdicts.note(kept)
            yield from diagnostics
        self._untried.clear()

    def _concerns(self, files: Container[str], part: PartKey) -> bool:
        used = (found.parts for path, found in self._linked.items() if path in files)
        return part[0] in files or any(part in parts for parts in used)

    def _contract(self, gives: spec.Gives) -> Contract | None:
        found = self.contract(gives.contract.value)
        pinned = self.specs.workspace.named("contracts", ".json")
        if found is None and gives.contract.value not in pinned:
            self.diagnostics.append(mapping.unknown_contract(gives.contract, known=pinned))
        return found

    def _functions(self, words: Vocabulary) -> Mapping[str, Named]:
        """Return the expressions that may be called in a file, each checked when it is asked for.

        Those that it calls itself are checked before it so, and one that leads back is noticed.
        """
        return OnDemand(words.functions, lambda name: self._function(*words.functions[name]))

    def _function(self, definition: spec.NamedExpression, words: Vocabulary) -> Named:
        key = definition.name.source.path, definition.name.value
        if key not in self._named:
            self._named[key] = Named(
                definition.name, definition.expression, {}, {}, {}, is_right=False, is_open=True
            )
            takes = self._takes(definition.takes)
            if takes is not None:
                known = self._functions(words)
                self._named[key] = check_expression(definition, takes, known, self.diagnostics)
        return self._named[key]

    def _takes(self, parameters: tuple[spec.Parameter, ...]) -> Mapping[str, Type] | None:
        """Return the types of parameters, None where a schema cannot be used (then reported)."""
        names: Mapping[str, int] = {}
        found: dict[str, Type] = {}
        for one in parameters:
            if isinstance(one.kind, spec.ScalarParameter):
                found[one.name.value] = scalar_type(one.kind)
                continue
            schema = self.schema(one.kind.schema, one.kind.at, one.name.value, names)
            if schema is None:
                return None
            names = schema.names
            found[one.name.value] = schema.record
        return found
