"""What specs refer to, read from the workspace: contracts, source schemas, connections, samples."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from mapgen.agreed.plan import FileTable
from mapgen.check.flow import check
from mapgen.check.model import Checked, FlowFacts, Surroundings, TableFacts, ValueFacts
from mapgen.check.remote import facts_of_flow, facts_of_remote, file_table
from mapgen.check.tables import facts_of_inline, value_types
from mapgen.contract import lock
from mapgen.contract.document import parsed_file
from mapgen.contract.entity_source import entity_schema
from mapgen.contract.model import Contract
from mapgen.contract.source_schema import SourceSchema, read_source_schema
from mapgen.disk.workspace import SPECS, Workspace, from_specs
from mapgen.ir import flow as ir
from mapgen.ir.names import singular
from mapgen.project.named import named_connection, named_environment
from mapgen.project.shared import Shared
from mapgen.project.specs import Specs
from mapgen.project.verdicts import Verdicts
from mapgen.report import Diagnostic, Source, Stopped, Text, noting
from mapgen.report.catalogue import mapping, reading
from mapgen.runtime.lookups import ColumnError, Longest, Table, TableError, read_table
from mapgen.spec import model as spec
from mapgen.spec.reader import flow_name

if TYPE_CHECKING:
    from mapgen.runtime.sources.envelope import Envelope

K = TypeVar("K")
T = TypeVar("T")
# By code or with a line break inside: any word may be written so.
_SPELT = r"\\[xuU\r\n]"
# What another spec has in it, this one has too.
_EXTENDS = r"\bextends\b"


class Project(Struct, dict=True):
    """The files that several specs share, each read once; `diagnostics` tells what is wrong."""

    workspace: Workspace
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _contracts: dict[str, Contract | None] = field(default_factory=dict)
    _schemas: dict[object, SourceSchema | None] = field(default_factory=dict)
    _tables: dict[FileTable, Table | None] = field(default_factory=dict)
    _targets: dict[tuple[str, str], Contract | None] = field(default_factory=dict)
    _flows: dict[str, FlowFacts | None] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    @cached_property
    def specs(self) -> Specs:
        """The specs of the workspace, as they are written."""
        return Specs(self.workspace)

    @cached_property
    def verdicts(self) -> Verdicts:
        """What was found right in the workspace, as it is."""
        return Verdicts(self.workspace)

    @cached_property
    def shared(self) -> Shared:
        """What flows have in common."""
        return Shared(self.specs, self.diagnostics, self.verdicts, self.contract, self._parameter)

    def flow(self, path: str) -> spec.Spec:
        """Return a spec, with the rules of parts that it uses. Raises Stopped with every error."""
        return self.shared.flow(path)

    def _parameter(
        self, path: Text, at: Text | None, name: str, taken: Mapping[str, int]
    ) -> SourceSchema | None:
        """Return the schema of a parameter: a place in a file."""
        return self._schema(path, name, taken, at)

    @cached_property
    def environments(self) -> tuple[spec.Environment, ...]:
        """All environments that can be read."""
        return tuple(self._all_named("environments", named_environment))

    @cached_property
    def connections(self) -> tuple[spec.Connection, ...]:
        """All connections that can be read."""
        return tuple(self._all_named("connections", named_connection))

    def _all_named(self, kind: str, read: Callable[[Workspace, str], T]) -> Iterator[T]:
        for name in self.workspace.named(kind, ".yaml"):
            if (found := self._tried(partial(read, self.workspace, name))) is not None:
                yield found

    def _tried(self, read: Callable[[], T | None]) -> T | None:
        """Return what is read; None where it cannot be used, which is reported."""
        with noting(self.diagnostics):
            return read()
        return None

    def _once(self, known: dict[K, T | None], key: K, read: Callable[[], T | None]) -> T | None:
        """Return what is known by a key; what is not is read, and reported where it is no use."""
        if key not in known:
            known[key] = self._tried(read)
        return known[key]

    def contract(self, name: str) -> Contract | None:
        """Return a pinned contract, or None where it is not pinned or broken (then reported)."""
        return self._once(self._contracts, name, partial(self._read_contract, name))

    def _read_contract(self, name: str) -> Contract | None:
        # One that is not pinned is reported where a spec names it.
        if name not in self.workspace.named("contracts", ".json"):
            return None
        return lock.read_lock(self.workspace.read(f"{SPECS}/contracts/{name}.json", "the contract"))

    def target(self, clause: spec.TargetClause) -> Contract | None:
        """Return what documents are validated against, or None where it cannot be used."""
        if clause.kind.has_contract:
            return self.contract(clause.contract.value)
        known_as = (clause.contract.value, clause.entity.value)
        return self._once(self._targets, known_as, partial(self._read_target, clause))

    def _read_target(self, clause: spec.TargetClause) -> Contract:
        from mapgen.contract.target_schema import read_target_schema  # few flows need it

        path = from_specs(clause.contract.value)
        file, _, _ = path.partition("#")
        source = self.workspace.read(file, "the target schema", clause.contract.span())
        return read_target_schema(path, source.text, clause.entity.value)

    def _entity(
        self, clause: spec.SourceClause | spec.Join, name: str, taken: Container[str] = ()
    ) -> SourceSchema | None:
        """Return what records of an entity are, or None where there is none (then reported)."""
        assert clause.entity is not None
        contract = self.contract(clause.schema.value)
        if contract is None:
            pinned = self.workspace.named("contracts", ".json")
            if clause.schema.value not in pinned:
                self.diagnostics.append(mapping.unknown_contract(clause.schema, known=pinned))
            return None
        known = contract.top_level
        entity = known.get(clause.entity.value)
        if entity is None:
            self.diagnostics.append(
                mapping.unknown_entity(clause.entity, contract=contract.name, known=known)
            )
            return None
        custom = clause.custom if isinstance(clause, spec.SourceClause) else ()
        return entity_schema(contract, entity, name, custom, taken)

    def schema(self, section: spec.MappingSection) -> SourceSchema | None:
        """Return the source schema of a spec, or None where it cannot be used (then reported).

        It is that of a row where rows are grouped.
        """
        source = section.source
        if source.entity is not None:
            return self._entity(source, source.name.value)
        name = source.name.value
        if source.group is None:
            return self._schema(source.schema, name, {})
        return self._schema(
            source.schema, singular(source.group.alias.value, "{}_element"), {name: 1}
        )

    def joined(
        self, section: spec.MappingSection, own: SourceSchema | None
    ) -> Mapping[str, SourceSchema | None]:
        """Return the schemas of what is joined; None for those that cannot be used.

        Args:
            section: with the joins.
            own: the source schema, whose objects keep their names.
        """
        names = {section.source.name.value: 1, **(own.names if own is not None else {})}
        schemas = {}
        for join in section.source.joins:
            member = join.name.value
            called = member if join.takes_one else singular(member, "{}_element")
            if join.entity is not None:
                found = self._entity(join, called, names)
            else:
                found = self._schema(join.schema, called, names)
            schemas[member] = found
            names = {**names, **(found.names if found is not None else {})}
        return schemas

    def _schema(
        self, path: Text, name: str, taken: Mapping[str, int], at: Text | None = None
    ) -> SourceSchema | None:
        shown = from_specs(path.value) + ("" if at is None else f"#/{at.value}")
        known_as = (shown, name, tuple(sorted(taken.items())))
        if known_as in self._schemas:
            return self._schemas[known_as]
        file, _, _ = shown.partition("#")
        source = self._tried(lambda: self.workspace.read(file, "the source schema", path.span()))
        if source is None:
            return None  # each spec that names it is reported
        text, beside = source.text, self.workspace.beside
        read = partial(read_source_schema, shown, text, name, taken, beside)
        return self._once(self._schemas, known_as, read)

    def check_files(self, section: spec.MappingSection) -> None:
        """Note what is wrong with the lookup tables and the examples of a spec."""
        for table in section.lookups:
            if isinstance(table, spec.LookupTable):
                self._table(table)
        given = [example.given for example in section.examples]
        given += [reject.given for reject in section.rejects]
        for path in (*given, *(example.gives for example in section.examples)):
            self._json(path, self.diagnostics)

    def _table(self, table: spec.LookupTable) -> Table | None:
        """Return a table, or None where it cannot be used (then reported, once)."""
        planned = file_table(table)
        return self._once(self._tables, planned, partial(self._read_table, table, planned))

    def _read_table(self, table: spec.LookupTable, planned: FileTable) -> Table:
        path = from_specs(table.table.value)
        file = self.workspace.file(path, "the lookup table", table.table.span())
        if lacking := _lacking_columns(table):
            where, at = "this lookup", table.name.span()
            raise Stopped(
                reading.missing_key(at, key=name, where=where, why=f"its {name} column")
                for name in lacking
            )
        try:
            return read_table(file, planned.key, planned.value, planned.columns)
        except TableError as error:
            at = _place_of(error, table).span()
            raise Stopped(reading.not_a_table(at, path=path, reason=str(error))) from None

    def with_examples(self, flow: Checked) -> ir.Flow:
        """Return a flow with its examples, and without what is decided before any record comes.

        Raises Stopped for files that are missing or no JSON.
        """
        from mapgen.ir.deciding import decided_flow  # only who generates needs these
        from mapgen.runtime.sources.envelope import Envelope

        section, envelope = flow.spec.mapping, Envelope(flow.flow.plan.form)
        diagnostics: list[Diagnostic] = []
        examples = tuple(
            ir.FlowExample(
                example.name.value,
                self._record(example.given, envelope, diagnostics),
                self._json(example.gives, diagnostics),
            )
            for example in section.examples
        )
        rejects = tuple(
            ir.FlowReject(
                reject.name.value,
                self._record(reject.given, envelope, diagnostics),
                reject.because.value,
                reject.target.value if reject.target else None,
            )
            for reject in section.rejects
        )
        if diagnostics:
            raise Stopped(diagnostics)
        settings = self._test_settings(flow.flow.name)
        found = decided_flow(flow.flow)
        return replace(found, examples=examples, rejects=rejects, test_settings=settings)

    def _test_settings(self, flow: str) -> tuple[tuple[str, str], ...]:
        """Return the settings of the first environment that has any for the flow."""
        for environment in self.environments:
            values = environment.settings.get(flow)
            if values:
                return tuple((name, setting.value.value) for name, setting in values.items())
        return ()

    def _record(self, path: Text, envelope: Envelope, diagnostics: list[Diagnostic]) -> str:
        """Return an example's record without what the shop wraps it in."""
        from mapgen.runtime.sources.records import RawRecord

        text = self._json(path, diagnostics)
        found = list(envelope.opened(iter([RawRecord(1, 1, text.encode())])))
        is_one = len(found) == 1 and found[0].broken is None
        return found[0].data.decode() if is_one else text

    def _json(self, path: Text, diagnostics: list[Diagnostic]) -> str:
        shown = from_specs(path.value)
        with noting(diagnostics):
            source = self.workspace.read(shown, "the example", path.span())
            parsed_file(source, "the example")
            return source.text
        return "null"

    def around(self, flow: spec.Spec) -> Surroundings:
        """Return what a spec refers to."""
        schema = self.schema(flow.mapping)
        return Surroundings(
            contract=self.target(flow.mapping.documents[0].target),
            contract_names=self.workspace.named("contracts", ".json"),
            schema=schema,
            joined=self.joined(flow.mapping, schema),
            connections=self.workspace.named("connections", ".yaml"),
            environments=self.environments,
            tables=self.tables(flow.mapping),
            flows=self.flows(flow.mapping),
            reused=self.shared.reused(flow),
            systems={one.name.value: one for one in self.connections},
        )

    @property
    def known_flows(self) -> Mapping[str, FlowFacts | None]:
        """What is known of the flows met so far."""
        return self._flows

    def register(self, flow: spec.Spec) -> None:
        """Take note of a spec that has been read."""
        contract = self.contract(flow.mapping.documents[0].target.contract.value)
        self._met.add(flow.source.path)
        self._flows[flow.flow.value] = facts_of_flow(flow, contract)

    def flows(self, section: spec.MappingSection) -> Mapping[str, FlowFacts | None]:
        """Return what is known of all flows, where a spec looks up what they made.

        None stands for a flow whose spec has errors; they are not told here.
        """
        if not any(isinstance(table, spec.LedgerTable) for table in section.lookups):
            return {}
        for path in self.workspace.spec_paths():
            if path not in self._met:
                self._meet_file(path)
        return self._flows

    def _meet_file(self, path: str) -> None:
        self._met.add(path)
        try:
            source = self.specs.source(path)
        except Stopped:
            return
        try:
            self.register(self.flow(path))
        except Stopped:
            name = flow_name(source)
            if name is not None:
                self._flows.setdefault(name, None)

    def others(
        self, given: Container[str], words: Iterable[str], is_known: Callable[[Source], bool]
    ) -> Iterator[tuple[str, str | None, spec.Spec | None]]:
        """Yield the specs of the workspace beside those given that have one of the words in them.

        Of each its path, its flow, and what it says; None stands for what cannot be read. Those
        that are known are left out.
        """
        reported = re.compile("|".join((*map(re.escape, words), _SPELT, _EXTENDS)))
        for path in self.workspace.spec_paths():
            if path in given:
                continue
            try:
                source = self.specs.source(path)
            except Stopped:
                yield path, None, None
                continue
            if reported.search(source.text) is None or is_known(source):
                continue
            try:
                found = self.flow(path)
            except Stopped:
                yield path, flow_name(source), None
            else:
                yield path, found.flow.value, found

    def checked(self, flow: spec.Spec) -> Checked | None:
        """Return a flow that nobody asked to check, None where it is not right: told elsewhere."""
        before = len(self.diagnostics)
        try:
            return check(flow, self.around(flow))
        except Stopped:
            return None
        finally:
            del self.diagnostics[before:]

    def tables(self, section: spec.MappingSection) -> Mapping[str, TableFacts]:
        """Return what rules have to know of the tables that a spec declares."""
        contract = self.contract(section.documents[0].target.contract.value)
        return {
            table.name.value: replace(
                self._facts(table, contract), is_stable=table.stable is not None
            )
            for table in section.lookups
        }

    def _facts(self, table: spec.DeclaredTable, contract: Contract | None) -> TableFacts:
        if isinstance(table, spec.InlineTable):
            return facts_of_inline(table)
        if isinstance(table, spec.RemoteTable):
            return facts_of_remote(table, contract)
        found, path = self._table(table), f"`{SPECS}/{table.table.value}`"
        values = {}
        for name, of in value_types(table.values).items():
            named = name or (table.values.names[0] if table.values is not None else "")
            longest = Longest() if found is None else found.longest.get(named, Longest())
            values[name] = ValueFacts(of, longest.length, f"{longest.at} of {path}")
        return TableFacts(table.name, table.columns, values)


def _place_of(error: TableError, table: spec.LookupTable) -> Text:
    """Return what a table lacks by the word for it, or its path."""
    if not isinstance(error, ColumnError):
        return table.table
    of_values = () if table.values is None else table.values.columns
    named = (*table.key, *(column.name for column in of_values))
    return next(column for column in named if column.value == error.column)


def _lacking_columns(table: spec.LookupTable) -> list[str]:
    """Return the keys of the declaration that are not there: a JSON object alone needs none."""
    is_json = table.table.value.lower().endswith(".json")
    if is_json and table.values is not None and table.values.is_row:
        return []  # the names of an object are the keys, its values are objects of columns
    needs = bool(table.key or table.values) or not is_json
    given = {"key": bool(table.key), "value": table.values is not None}
    return [name for name, is_given in given.items() if needs and not is_given]
