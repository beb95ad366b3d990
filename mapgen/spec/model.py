"""The spec as the author wrote it: frozen, every word with its place, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from mapgen.report import Source, Span, Text
from mapgen.spec.nodes import Node, ScalarNode

Comparison = Literal["<", "<=", ">", ">="]

# What the document of a flow that makes one of a record is called.
ONLY = "document"


class RuleExample(Struct, frozen=True):
    """A change of the row a rule reads, and the value the field then gets."""

    given: Mapping[str, Node]
    gives: ScalarNode
    span: Span


class RuleReject(Struct, frozen=True):
    """A change of the row a rule reads that must lead to a rejection."""

    given: Mapping[str, Node]
    span: Span


class Range(Struct, frozen=True):
    """What a number has to keep to: `> 0 and <= 1000`."""

    bounds: tuple[tuple[Comparison, Decimal], ...]
    text: Text


class CurrencyPlaces(Struct, frozen=True):
    """As many decimal places as a currency has."""

    currency: Text


class Modifiers(Struct, frozen=True):
    """What may stand with a rule of any kind; of a mark, its key."""

    if_missing: Text | None = None
    on_error: Text | None = None
    clear_if_missing: Text | None = None
    write_once: Text | None = None
    omit_if: Text | None = None
    too_long: Text | None = None
    range: Range | None = None
    places: ScalarNode | CurrencyPlaces | None = None
    rounding: Text | None = None
    because: Text | None = None
    proposed: Text | None = None
    examples: tuple[RuleExample, ...] = ()
    rejects: tuple[RuleReject, ...] = ()


class Const(Struct, frozen=True):
    """The same value in every document."""

    value: ScalarNode


class Value(Struct, frozen=True):
    """The value of an expression."""

    expression: Text


class KeyPart(Struct, frozen=True):
    """The value of one column of a key; `column` None: the key has one column only."""

    column: Text | None
    expression: Text


class LookupKey(Struct, frozen=True):
    """One key to try: its parts."""

    parts: tuple[KeyPart, ...]
    span: Span


class Lookup(Struct, frozen=True):
    """The value that a table has for the first key it knows."""

    table: Text
    keys: tuple[LookupKey, ...]
    on_miss: Text | None
    otherwise: Text | None


class FirstOf(Struct, frozen=True):
    """The first of several values that is neither missing nor blank."""

    expressions: tuple[Text, ...]


class Case(Struct, frozen=True):
    """A line of a decision table."""

    when: Text
    then: Text


class Cases(Struct, frozen=True):
    """A decision table, complete by its last line."""

    cases: tuple[Case, ...]
    otherwise: Text


class Part(Struct, frozen=True):
    """The fields of a document or of a part of it."""

    fields: tuple[Rule, ...]
    custom: tuple[Rule, ...]
    note: Rule | None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return all rules of the part, those inside other rules too."""
        own = (*self.fields, *self.custom, *((self.note,) if self.note is not None else ()))
        return tuple(found for rule in own for found in rule.whole)


class Object(Struct, frozen=True):
    """A linked entity, always there (`source` None) or there when a source object is."""

    source: Text | None
    alias: Text | None
    part: Part


class Each(Struct, frozen=True):
    """Detail rows, one for each row of a source list."""

    source: Text
    alias: Text
    where: Text | None
    at_least: ScalarNode | None
    unique: tuple[Text, ...]
    row_key: tuple[Text, ...]
    part: Part


class Block(Struct, frozen=True):
    """Some of the rows of a list: one for each row of a source list, or (`source` None) one alone.

    `condition` is `where` for rows of a list, `when` for a row alone.
    """

    source: Text | None
    alias: Text | None
    condition: Text | None
    part: Part
    span: Span
    pointer: str


class Blocks(Struct, frozen=True):
    """Detail rows put together: those of one block, then those of the next."""

    blocks: tuple[Block, ...]
    at_least: ScalarNode | None
    unique: tuple[Text, ...]
    row_key: tuple[Text, ...]


class Made(Struct, frozen=True):
    """The key that the ERP gave another document of the same record."""

    document: Text
    field: Text


RuleKind = Const | Value | Lookup | FirstOf | Cases | Object | Each | Blocks | Made


class Rule(Struct, frozen=True):
    """What one target field gets. `pointer` leads to it in the file: `mapping/fields/OrderType`."""

    target: Text
    kind: RuleKind
    modifiers: Modifiers
    span: Span
    pointer: str

    @property
    def whole(self) -> tuple[Rule, ...]:
        """Return the rule and those inside it."""
        match self.kind:
            case Object(part=part) | Each(part=part):
                return (self, *part.rules)
            case Blocks(blocks=blocks):
                return (self, *(rule for block in blocks for rule in block.part.rules))
            case _:
                return (self,)


class JoinKey(Struct, frozen=True):
    """A member of a joined record, and the member of the record that it has to equal."""

    member: Text
    of: Text


class Format(Struct, frozen=True):
    """What files are and how records are wrapped; the keys are the places of what was said."""

    format: Text | None
    delimiter: Text | None
    quoting: Text | None
    envelope: tuple[str, ...]
    envelope_key: Text | None

    @property
    def is_csv(self) -> bool:
        """Whether files are CSV."""
        return self.format is not None and self.format.value == "csv"

    @property
    def cells_end_at(self) -> str:
        """What stands between the cells of CSV."""
        return "," if self.delimiter is None else self.delimiter.value

    @property
    def is_quoted(self) -> bool:
        """Whether a cell of CSV may stand in quotation marks; reports between tabs never do it."""
        if self.quoting is None:
            return self.cells_end_at != "\t"
        return self.quoting.value == "double"


class Join(Struct, frozen=True):
    """Records of another file that are put into each record, under a name."""

    name: Text
    schema: Text
    on: tuple[JoinKey, ...]
    on_span: Span
    takes: Text
    on_missing: Text | None
    form: Format

    @property
    def takes_one(self) -> bool:
        """Whether the member is one record, and not a list."""
        return self.takes.value == "one"


class Group(Struct, frozen=True):
    """Rows with one key in the columns `by` are one record; `alias` is its list of them."""

    by: tuple[Text, ...]
    alias: Text
    key: Text


class SourceClause(Struct, frozen=True):
    """What a record is called, its schema, its key for people, and what shops wrap it in.

    `delimiter` and `quoting` go with the format `csv`; `envelope_key` is the place of
    `envelope:`. With `entity`, records are of that entity of the ERP: then `schema` names the
    contract, and `custom` the fields outside the contract with their types.
    """

    name: Text
    schema: Text
    key: Text
    envelope: tuple[str, ...]
    envelope_key: Text | None
    format: Text | None
    delimiter: Text | None
    quoting: Text | None = None
    joins: tuple[Join, ...] = ()
    group: Group | None = None
    entity: Text | None = None
    custom: tuple[tuple[Text, Text], ...] = ()

    @property
    def form(self) -> Format:
        """What input files are."""
        return Format(self.format, self.delimiter, self.quoting, self.envelope, self.envelope_key)

    @property
    def is_csv(self) -> bool:
        """Whether input files are CSV."""
        return self.form.is_csv


class TargetClause(Struct, frozen=True):
    """The entity of the pinned contract and what is done with it.

    `is_plain`: documents go out of the ERP; then `contract` names a JSON Schema, and `entity` is
    what a document is called.
    """

    contract: Text
    entity: Text
    operation: Text
    is_plain: bool = False


class Setting(Struct, frozen=True):
    """A constant with one value per environment."""

    name: Text
    type: Text


class LookupTable(Struct, frozen=True):
    """A table in a file. A JSON object has no columns: its names are the keys."""

    name: Text
    table: Text
    key: tuple[Text, ...]
    value: Text | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(column.value for column in self.key)


class InlineTable(Struct, frozen=True):
    """A table written out in the spec."""

    name: Text
    entries: tuple[tuple[Text, ScalarNode], ...]


class SampleEntry(Struct, frozen=True):
    """A line of a sample: its cells, each with its column; no columns for a key and its value."""

    cells: tuple[tuple[Text | None, Text], ...]
    span: Span


class Sample(Struct, frozen=True):
    """What examples and tests look up in the place of what is known only at run time."""

    entries: tuple[SampleEntry, ...]
    span: Span


class LedgerTable(Struct, frozen=True):
    """The documents of another flow: identity to number. `document` as written: `FLOW.DOCUMENT`."""

    name: Text
    document: Text
    sample: Sample


class TenantTable(Struct, frozen=True):
    """Records of the ERP: the fields compared with the key, the one that is the value."""

    name: Text
    entity: Text
    key: tuple[Text, ...]
    value: Text
    where: tuple[tuple[Text, ScalarNode], ...]
    sample: Sample


LiveTable = LedgerTable | TenantTable
DeclaredTable = LookupTable | InlineTable | LiveTable


class Let(Struct, frozen=True):
    """A name for an expression."""

    name: Text
    expression: Text
    pointer: str


class Skip(Struct, frozen=True):
    """A condition that leaves a record out."""

    when: Text
    because: Text
    pointer: str


class Identity(Struct, frozen=True):
    """The target field that tells documents apart, its value, and who else makes them."""

    field: Text
    value: Text
    pointer: str
    owner: Text | None = None


class Check(Struct, frozen=True):
    """What has to hold for a document as a whole."""

    name: Text
    that: Text
    within: Text | None
    pointer: str


class Ignore(Struct, frozen=True):
    """A source path that is not used, and why."""

    path: Text
    reason: Text


class Example(Struct, frozen=True):
    """A record and the document it becomes, both files beside the spec."""

    name: Text
    given: Text
    gives: Text


class Reject(Struct, frozen=True):
    """A record that must be rejected, with words of the message and perhaps the target."""

    name: Text
    given: Text
    because: Text
    target: Text | None


class DocumentRows(Struct, frozen=True):
    """The source list that a document is made for each row of."""

    source: Text
    alias: Text
    where: Text | None


class Document(Struct, frozen=True):
    """One document that a record becomes; `pointer` leads to it: `mapping/documents/location`.

    `when` says for which records it is made, `rows` of which list each row makes one, `after` which
    documents of the same record have to be in the ERP first.
    """

    name: Text
    pointer: str
    target: TargetClause
    identity: Identity
    part: Part
    checks: tuple[Check, ...]
    when: Text | None = None
    rows: DocumentRows | None = None
    after: tuple[Text, ...] = ()

    @property
    def owner(self) -> Text | None:
        """What makes the documents with this identity, where this flow does not."""
        return self.identity.owner


class MappingSection(Struct, frozen=True):
    """M: what becomes of a record."""

    source: SourceClause
    settings: tuple[Setting, ...]
    lookups: tuple[DeclaredTable, ...]
    lets: tuple[Let, ...]
    skips: tuple[Skip, ...]
    documents: tuple[Document, ...]
    ignores: tuple[Ignore, ...]
    examples: tuple[Example, ...]
    rejects: tuple[Reject, ...]
    span: Span

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of all documents."""
        return tuple(rule for document in self.documents for rule in document.part.rules)


class Access(Struct, frozen=True):
    """The rights on one entity."""

    entity: Text
    rights: tuple[Text, ...]


class Auth(Struct, frozen=True):
    """A: the connection and the rights; `access_at`: the key over the rights."""

    target: Text
    access: tuple[Access, ...]
    access_at: Span
    span: Span


class Performance(Struct, frozen=True):
    """P: how much, how soon, in what portions. Durations are seconds."""

    mode: Text
    schedule: Text | None
    peak_per_minute: ScalarNode
    per_day: ScalarNode
    p95: float | None
    batch_size: ScalarNode | None
    concurrency: ScalarNode | None
    alerts: tuple[tuple[Text, Text], ...]
    span: Span


class DataClass(Struct, frozen=True):
    """A source path whose values must not be seen."""

    path: Text
    kind: Text


class Retry(Struct, frozen=True):
    """Tries and waits in seconds; `texts` are the two waits as they were written."""

    attempts: int
    first: float
    ceiling: float
    texts: tuple[Text, Text] | None = None


class CircuitBreaker(Struct, frozen=True):
    """Failures within seconds, then away for seconds."""

    failures: int
    within: float
    cool_down: float


class Security(Struct, frozen=True):
    """S: what is secret, and what happens on failure."""

    data: tuple[DataClass, ...]
    data_at: Span | None
    retry: Retry | None
    circuit_breaker: CircuitBreaker | None
    dead_letter_days: int | None
    verify: Text | None
    undo: Text | None
    irreversible: Text | None
    span: Span


class Spec(Struct, frozen=True):
    """One flow as written."""

    source: Source
    flow: Text
    summary: Text
    owner: Text
    mapping: MappingSection
    auth: Auth
    performance: Performance
    security: Security


class Reference(Struct, frozen=True):
    """A value of an environment file: written out, or the name of an environment variable."""

    text: Text
    is_variable: bool


class Connection(Struct, frozen=True):
    """A file of connections/: what kind of system, how a session is opened."""

    source: Source
    name: Text
    kind: Text
    scope: str


class Environment(Struct, frozen=True):
    """A file of environments/: where connections lead, the licence's limits, settings by flow."""

    source: Source
    name: Text
    connections: Mapping[str, Mapping[str, Reference]]
    requests_per_minute: int
    concurrent_requests: int
    request_timeout: float
    settle: float
    settle_text: Text
    settings: Mapping[str, Mapping[str, ScalarNode]]
    setting_keys: Mapping[str, Mapping[str, Text]]
