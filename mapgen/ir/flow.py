"""What back ends know of a flow: all decided, nothing of the spec's text or places in it.

A back end is a pure function from a Flow to files. Whoever reads this module can write one without
reading the compiler. It prints as JSON (`mapgen.ir.printing`), and the hash of that is the meaning
of a spec: a comment does not change it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from mapgen.constraints import Constraints
from mapgen.ir.expression import Expression, Variable

ValueKind = Literal[
    "string", "decimal", "decimal_text", "int", "boolean", "date", "datetime", "select"
]
OnMissing = Literal["never", "omit", "reject", "replace"]
OnError = Literal["omit", "reject", "replace"]
OnMiss = Literal["reject", "retry", "omit", "replace"]
ConditionKind = Literal["text", "number", "flag"]
Rounding = Literal["half_up", "half_even", "up", "down"]
Comparison = Literal["<", "<=", ">", ">="]

# What the document of a flow that makes one of a record is called.
ONLY = "document"


class SourceField(Struct, frozen=True):
    """A mapped member of a source object. `type` is a name of `SourceObject` or a scalar's name.

    `constraints` are those of the value, `of_elements` those of the elements of a list.
    """

    name: str
    attribute: str
    type: str
    is_list: bool
    may_be_missing: bool
    element_may_be_missing: bool = False
    constraints: tuple[Constraints, ...] = ()
    of_elements: tuple[Constraints, ...] = ()


class SourceObject(Struct, frozen=True):
    """A source object with the members that the rules read; `name` is its class."""

    name: str
    fields: tuple[SourceField, ...]


class EntityShape(Struct, frozen=True):
    """What rules read of an entity of the ERP; `dates` hold a day."""

    values: tuple[str, ...]
    dates: tuple[str, ...]
    linked: tuple[tuple[str, EntityShape], ...]
    details: tuple[tuple[str, EntityShape], ...]


class EntityReads(Struct, frozen=True):
    """What is asked of the ERP for a source in it; `query` are the parameters of the request."""

    endpoint: str
    version: str
    contract_version: int
    entity: str
    keys: tuple[str, ...]
    query: tuple[tuple[str, str], ...]
    shape: EntityShape


class JoinKey(Struct, frozen=True):
    """A member of a joined record, the member of the record that it equals, and their type."""

    member: str
    of: str
    type: Literal["string", "int"]


class Join(Struct, frozen=True):
    """Records of another file that are put into each record: its member `name`.

    `on_missing` goes with `one`; `is_personal` says that the values of the key are not shown.
    """

    name: str
    on: tuple[JoinKey, ...]
    takes: Literal["one", "many"]
    on_missing: Literal["reject", "retry", "omit"]
    envelope: tuple[str, ...]
    format: Literal["json", "csv"]
    delimiter: str
    is_quoted: bool
    is_personal: bool


class Group(Struct, frozen=True):
    """Rows with equal values in the columns `by` are one record; its list of them is `rows`."""

    by: tuple[str, ...]
    rows: str


class Setting(Struct, frozen=True):
    """A constant with one value per environment."""

    name: str
    type: str


class FileTable(Struct, frozen=True):
    """A lookup table in a file of specs/: its key columns and its value column.

    A JSON object has no columns: its names are the keys.
    """

    name: str
    path: str
    key: tuple[str, ...]
    value: str | None


class SampleEntry(Struct, frozen=True):
    """What examples and tests find: a part for each column of the key, and the value."""

    key: tuple[str, ...]
    value: str


class LedgerTable(Struct, frozen=True):
    """The documents that another flow made, by identity: the numbers that the ERP gave them.

    `document` names one of several that the flow makes of a record.
    """

    name: str
    flow: str
    document: str | None
    sample: tuple[SampleEntry, ...]
    key: tuple[str, ...]
    value: str


class Equality(Struct, frozen=True):
    """A field of the ERP and the constant that it has to be equal to."""

    field: str
    constant: str
    kind: ConditionKind


class TenantTable(Struct, frozen=True):
    """Records of the ERP by one or several fields. `numbers` are those that hold whole numbers."""

    name: str
    entity: str
    key: tuple[str, ...]
    numbers: tuple[str, ...]
    value: str
    where: tuple[Equality, ...]
    sample: tuple[SampleEntry, ...]


Table = FileTable | LedgerTable | TenantTable


class Let(Struct, frozen=True):
    """A named value."""

    name: str
    value: Expression
    may_be_missing: bool
    type: str
    reads: tuple[str, ...]
    pointer: str


class Skip(Struct, frozen=True):
    """A condition that leaves a record out."""

    when: Expression
    because: str
    reads: tuple[str, ...]
    pointer: str


class Constant(Struct, frozen=True):
    """The same value in every document, as text."""

    text: str


class Formula(Struct, frozen=True):
    """The value of an expression."""

    expression: Expression


class Lookup(Struct, frozen=True):
    """The value of a table for the first key it knows.

    `entries` is an inline table, None for one that is read from a file.
    """

    table: str
    keys: tuple[LookupKey, ...]
    on_miss: OnMiss
    otherwise: Expression | None
    entries: tuple[tuple[str, str], ...] | None


class LookupKey(Struct, frozen=True):
    """One key to try: a part for each column of the table's key."""

    parts: tuple[KeyPart, ...]

    @property
    def may_be_missing(self) -> bool:
        """Whether the key is passed over for some records: one of its parts may be missing."""
        return any(part.may_be_missing for part in self.parts)


class KeyPart(Struct, frozen=True):
    """The value of one column of a key; a number is looked up as text."""

    expression: Expression
    may_be_missing: bool
    is_number: bool


class Made(Struct, frozen=True):
    """The key that the ERP gave another document of the record, which is built before.

    `present` is that document under construction, None where every record makes it.
    """

    document: str
    field: str
    present: Variable | None


Value = Constant | Formula | Lookup | Made


class Limits(Struct, frozen=True):
    """What a value has to keep to, proved at compile time where it can be.

    With `currency` it has the places of the currency of that code.
    Of a list, what each element has to keep to; `least` is how many there are.
    """

    max_length: int | None = None
    truncates: bool = False
    places: int | None = None
    currency: Expression | None = None
    rounding: Rounding | None = None
    range: tuple[tuple[Comparison, str], ...] = ()
    whole: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    least: int = 0


class Field(Struct, frozen=True):
    """One field of a document.

    `target` is its path (`Details[].InventoryID`), `name` the member, `local` what its value is
    called in code. `on_missing` says what a missing value means; `replacement` goes with `replace`.
    `on_error` says what a step that fails means; `instead` goes with `replace`. `clears`: a missing
    value empties the field. `is_written_once`: only a new document gets it.
    `words` is the rule as the spec has it, `missing_words` what it says of a missing value,
    `error_words` of a step that fails, `places_words` of decimal places that records decide.
    `is_list`: a list of such values.
    """

    target: str
    name: str
    local: str
    kind: ValueKind
    value: Value
    on_missing: OnMissing
    replacement: Expression | None
    on_error: OnError
    instead: Expression | None
    clears: bool
    is_written_once: bool
    omit_if: Expression | None
    limits: Limits
    is_always_set: bool
    reads: tuple[str, ...]
    is_personal: bool
    pointer: str
    because: str | None
    words: str
    missing_words: str | None
    error_words: str | None
    places_words: str | None
    is_list: bool = False


class CustomField(Struct, frozen=True):
    """A field outside the contract."""

    view: str
    name: str
    field: Field


class ObjectPart(Struct, frozen=True):
    """A linked entity; `source` None: always there. `alias` is what the source object is called."""

    target: str
    name: str
    local: str
    source: Expression | None
    may_be_missing: bool
    alias: str | None
    part: Part
    reads: tuple[str, ...]
    pointer: str
    is_written_once: bool


class RowsPart(Struct, frozen=True):
    """Detail rows, one for each row of a source list that `where` lets through.

    `row_key` are the fields by which a row of a document that is sent again is recognised;
    `where_words` is the condition as the spec has it.
    """

    target: str
    name: str
    local: str
    source: Expression
    may_be_missing: bool
    alias: str
    where: Expression | None
    where_words: str | None
    at_least: int
    unique: tuple[str, ...]
    row_key: tuple[str, ...]
    part: Part
    reads: tuple[str, ...]
    pointer: str
    is_written_once: bool


class Block(Struct, frozen=True):
    """Some of the rows of a list: one for each row of a source list, or (`source` None) one alone.

    `condition` says which rows are taken, or whether the one alone is there, `words` as the spec
    has it. `local` is what the rows are called in code.
    """

    local: str
    source: Expression | None
    may_be_missing: bool
    alias: str | None
    condition: Expression | None
    words: str | None
    part: Part
    reads: tuple[str, ...]
    pointer: str


class BlocksPart(Struct, frozen=True):
    """Detail rows put together: those of one block, then those of the next.

    The parts of all blocks have one class: `name` of each of them is the same.
    """

    target: str
    name: str
    local: str
    blocks: tuple[Block, ...]
    at_least: int
    unique: tuple[str, ...]
    row_key: tuple[str, ...]
    reads: tuple[str, ...]
    pointer: str
    is_written_once: bool


Member = Field | ObjectPart | RowsPart | BlocksPart


def parts_of(member: Member) -> tuple[Part, ...]:
    """Return the parts that stand directly inside a member."""
    match member:
        case Field():
            return ()
        case ObjectPart(part=part) | RowsPart(part=part):
            return (part,)
        case BlocksPart(blocks=blocks):
            return tuple(block.part for block in blocks)


class ParameterType(Struct, frozen=True):
    """The name of a scalar, of an object or of another document; or what it is made `of`.

    Then `name` is `list` (of its elements), `map` (of keys and values) or `group` (of a key and its
    rows).
    """

    name: str
    of: tuple[ParameterType, ...] = ()
    may_be_missing: bool = False


class Parameter(Struct, frozen=True):
    """A name that a part is built from, and its type."""

    name: str
    type: ParameterType


class Part(Struct, frozen=True):
    """An entity under construction; `name` is its class, `function` what builds it."""

    entity: str
    name: str
    function: str
    parameters: tuple[Parameter, ...]
    members: tuple[Member, ...]
    custom: tuple[CustomField, ...]
    note: Field | None

    @property
    def may_be_empty(self) -> bool:
        """Whether a record can leave all of it out: then the part is left out, too."""
        fields = (*self.members, *(one.field for one in self.custom))
        return not any(_is_always_there(one) for one in (*fields, self.note) if one is not None)


def _is_always_there(member: Member) -> bool:
    match member:
        case Field():
            return member.is_always_set
        case ObjectPart():
            return not (member.may_be_missing or member.part.may_be_empty)
        case RowsPart() | BlocksPart():
            return True


class Check(Struct, frozen=True):
    """What has to hold for the document. With `left` and `right` it is their equality."""

    name: str
    condition: Expression | None
    left: Expression | None
    right: Expression | None
    within: str
    reads: tuple[str, ...]
    pointer: str


class DocumentRows(Struct, frozen=True):
    """The source list that a document is made for each row of; `alias` is what a row is called.

    `words` is the list, with the condition on its rows, as the spec has it.
    """

    source: Expression
    may_be_missing: bool
    alias: str
    where: Expression | None
    reads: tuple[str, ...]
    words: str


class Condition(Struct, frozen=True):
    """For which records a document is made; `words` is the condition as the spec has it."""

    holds: Expression
    reads: tuple[str, ...]
    words: str


class Document(Struct, frozen=True):
    """One document that a record becomes.

    `entity_keys` are the keys that the ERP gives it, `identity` the field that tells it apart,
    `identity_scope` the constant keys that narrow the look-up. `when` None: for every record;
    `rows` None: one a record; `after`: the documents that have to be in the ERP first; `owner`: the
    flow that makes the documents with this identity, where it is another one.
    """

    name: str
    pointer: str
    entity: str
    entity_keys: tuple[str, ...]
    operation: str
    identity: str
    identity_scope: tuple[tuple[str, str], ...]
    part: Part
    checks: tuple[Check, ...]
    when: Condition | None = None
    rows: DocumentRows | None = None
    after: tuple[str, ...] = ()
    owner: str | None = None


class FlowExample(Struct, frozen=True):
    """A record and the document it becomes, as JSON text."""

    name: str
    given: str
    gives: str


class FlowReject(Struct, frozen=True):
    """A record that must be rejected, as JSON text, with words of the message and the target."""

    name: str
    given: str
    because: str
    target: str | None


class RuleExample(Struct, frozen=True):
    """Changes of the row that a rule reads, as JSON text, and the value of the field, or rejected.

    `row` is the path of the row below the record (`line_items`), empty for the record itself.
    `gives` is JSON text, None for a rejection. `block` is the pointer of the block whose first row
    counts, None where it is the first row of all.
    """

    target: str
    row: str
    given: str
    gives: str | None
    block: str | None = None


class Operations(Struct, frozen=True):
    """What the runtime and people in operations need to know."""

    connection: str
    access: tuple[tuple[str, tuple[str, ...]], ...]
    mode: str
    schedule: str | None
    peak_per_minute: int
    per_day: int
    p95: float | None
    batch_size: int
    concurrency: int
    alerts: tuple[tuple[str, str], ...]
    attempts: int
    first_wait: float
    longest_wait: float
    breaker_failures: int
    breaker_within: float
    breaker_cool_down: float
    dead_letter_days: int
    verify: str
    undo: str | None
    irreversible: str | None


def covers(above: str, path: str) -> bool:
    """Whether a source path is another one, or lies below it."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


class Ignored(Struct, frozen=True):
    """Source fields that no rule reads: their pattern, why, and the fields that it caught."""

    pattern: str
    reason: str
    fields: tuple[str, ...]


class Flow(Struct, frozen=True):
    """One flow, ready for any back end.

    `reads` None: records come from outside the ERP. Contract version 0: documents go elsewhere.
    """

    name: str
    summary: str
    owner: str
    spec_path: str
    source_name: str
    envelope: tuple[str, ...]
    format: Literal["json", "csv"]
    delimiter: str
    is_quoted: bool
    joins: tuple[Join, ...]
    group: Group | None
    source_objects: tuple[SourceObject, ...]
    endpoint: str
    endpoint_version: str
    contract_version: int
    settings: tuple[Setting, ...]
    tables: tuple[Table, ...]
    lets: tuple[Let, ...]
    skips: tuple[Skip, ...]
    key: Expression
    key_is_number: bool
    documents: tuple[Document, ...]
    personal: tuple[str, ...]
    ignored: tuple[Ignored, ...]
    examples: tuple[FlowExample, ...]
    rejects: tuple[FlowReject, ...]
    rule_examples: tuple[RuleExample, ...]
    test_settings: tuple[tuple[str, str], ...]
    operations: Operations
    reads: EntityReads | None = None

    def is_personal(self, reads: Iterable[str]) -> bool:
        """Whether what is made of these source paths must not be seen."""
        return any(covers(one, path) for one in self.personal for path in reads)

    @property
    def record(self) -> SourceObject:
        """What the rules read of a record itself: the objects in it come before it."""
        return self.source_objects[-1]

    @property
    def is_plain(self) -> bool:
        """Whether documents are plain JSON, not records of the ERP."""
        return not self.contract_version

    @property
    def only(self) -> Document | None:
        """The document of a flow that makes one of a record, None for one with named documents."""
        return self.documents[0] if self.documents[0].name == ONLY else None
