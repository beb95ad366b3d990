"""A spec that has been found right: every expression typed, every field known to the contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from mapgen.contract.model import Contract, Entity, Field
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.typed import Typed
from mapgen.expression.types import Object, Optional, Type
from mapgen.report import Span, Text
from mapgen.spec import model as spec


class TableFacts(Struct, frozen=True):
    """What rules have to know of a lookup table.

    `columns` are those of its key, none where there is but one; `longest` is the length of its
    longest value, in UTF-16 units, which `longest_at` names in words. `entries` are all entries of
    an inline table, None for a table in a file, which may change. `longest_span` is the place of
    its longest value. `numbers` are the columns that hold whole numbers: text does not fit there.
    """

    name: Text
    columns: tuple[str, ...]
    longest: int
    longest_at: str
    entries: tuple[tuple[str, str], ...] | None = None
    longest_span: Span | None = None
    numbers: frozenset[str] = frozenset()


class DocumentFacts(Struct, frozen=True):
    """What other flows have to know of a document that a flow makes.

    `number_keys` are the keys that its number is made of: those that no constant fixes.
    """

    entity: str
    has_text_identity: bool
    number_keys: tuple[str, ...]


class FlowFacts(Struct, frozen=True):
    """What other flows have to know of a flow: where its documents go, and what it looks up itself.

    `documents` are by name, one without a name under `""`; `asks` are the flows and documents that
    its lookups in the ledger name.
    """

    connection: str
    documents: Mapping[str, DocumentFacts]
    asks: tuple[Text, ...]


class Surroundings(Struct, frozen=True):
    """All that a spec refers to, read and ready; what could not be read is None or absent.

    `schema` is that of a record, or of a row where rows are grouped; `joined` are those of joins.
    `flows` are those of the workspace, where the spec looks up in the ledger; None is one whose
    spec has faults of its own.
    """

    contract: Contract | None
    contract_names: tuple[str, ...]
    schema: SourceSchema | None
    joined: Mapping[str, SourceSchema | None]
    connections: tuple[str, ...]
    environments: tuple[spec.Environment, ...]
    tables: Mapping[str, TableFacts]
    flows: Mapping[str, FlowFacts | None]


class Constant(Struct, frozen=True):
    """A constant by the field's type: text as written for all of them."""

    text: str
    type: Type


class Formula(Struct, frozen=True):
    """The value of an expression; blank text counts as missing where the rule trims."""

    typed: Typed
    blank_is_missing: bool


class TableKey(Struct, frozen=True):
    """One key to try: a part for each column; missing where one of them is."""

    parts: tuple[Typed, ...]

    @property
    def may_be_missing(self) -> bool:
        """Whether the key is passed over for some records."""
        return any(isinstance(part.type, Optional) for part in self.parts)


class TableValue(Struct, frozen=True):
    """The value of a table for the first key it knows."""

    table: TableFacts
    keys: tuple[TableKey, ...]
    on_miss: Literal["reject", "retry", "omit"]
    otherwise: Typed | None


class First(Struct, frozen=True):
    """The first of several that is neither missing nor blank."""

    typed: tuple[Typed, ...]


class Decision(Struct, frozen=True):
    """A decision table."""

    cases: tuple[tuple[Typed, Typed], ...]
    otherwise: Typed


class MadeKey(Struct, frozen=True):
    """The key that the ERP gave another document; missing where that one is not made.

    `reads` are the source paths that decide whether it is.
    """

    document: str
    field: str
    may_be_missing: bool
    reads: tuple[str, ...]


RuleValue = Constant | Formula | TableValue | First | Decision | MadeKey


class CheckedRule(Struct, frozen=True):
    """One field and its value.

    `target` is the path in the document (`Details[].InventoryID`). `type` is what the value has
    before `if_missing`: `T?` where it may be missing. `if_missing` is what then: leave the field
    out (None), reject, or another value. `on_error` is what a step that fails gives: a rejection
    (None), no field, or another value. It has the places of `currency`, where there is one.
    `reads` are the source paths, lets looked through.
    """

    target: str
    field: Field
    value: RuleValue
    type: Type
    if_missing: Typed | Literal["reject"] | None
    on_error: Typed | Literal["omit"] | None
    omit_if: Typed | None
    currency: Typed | None
    reads: tuple[str, ...]
    rule: spec.Rule

    @property
    def clears(self) -> bool:
        """Whether a missing value empties the field."""
        return self.rule.modifiers.clear_if_missing is not None

    @property
    def is_always_set(self) -> bool:
        """Whether the field has a value in every document."""
        return (
            self.omit_if is None
            and self.on_error != "omit"
            and (not isinstance(self.type, Optional) or self.if_missing is not None)
        )


class CheckedObject(Struct, frozen=True):
    """A linked entity; `source` None: always there."""

    target: str
    field: Field
    source: Typed | None
    alias: str | None
    part: CheckedPart
    reads: tuple[str, ...]
    rule: spec.Rule

    @property
    def is_always_set(self) -> bool:
        """Whether the part is in every document: not where all of it may be missing."""
        is_sure = self.source is None or not isinstance(self.source.type, Optional)
        return is_sure and not self.part.may_be_empty


class CheckedEach(Struct, frozen=True):
    """Detail rows; `row_key` are the fields that one is recognised by."""

    target: str
    field: Field
    source: Typed
    alias: str
    where: Typed | None
    at_least: int
    unique: tuple[str, ...]
    row_key: tuple[str, ...]
    part: CheckedPart
    reads: tuple[str, ...]
    rule: spec.Rule


class CheckedBlock(Struct, frozen=True):
    """Some of the rows of a list; `source` None: one row alone."""

    source: Typed | None
    alias: str | None
    condition: Typed | None
    part: CheckedPart
    reads: tuple[str, ...]
    pointer: str


class CheckedBlocks(Struct, frozen=True):
    """Detail rows put together from several blocks."""

    target: str
    field: Field
    blocks: tuple[CheckedBlock, ...]
    at_least: int
    unique: tuple[str, ...]
    row_key: tuple[str, ...]
    reads: tuple[str, ...]
    rule: spec.Rule


Member = CheckedRule | CheckedObject | CheckedEach | CheckedBlocks


def parts_of(member: Member) -> tuple[CheckedPart, ...]:
    """Return the parts that stand directly inside a member."""
    match member:
        case CheckedRule():
            return ()
        case CheckedObject(part=part) | CheckedEach(part=part):
            return (part,)
        case CheckedBlocks(blocks=blocks):
            return tuple(block.part for block in blocks)


class CheckedPart(Struct, frozen=True):
    """The members of an entity in the order of the spec."""

    entity: Entity
    members: tuple[Member, ...]
    custom: tuple[CheckedRule, ...]
    note: CheckedRule | None

    @property
    def may_be_empty(self) -> bool:
        """Whether a record can leave all of it out: then the part is left out, too."""
        rules = (*self.members, *self.custom, *(() if self.note is None else (self.note,)))
        return not any(_is_always_there(one) for one in rules)


def _is_always_there(member: Member) -> bool:
    match member:
        case CheckedRule():
            return member.is_always_set
        case CheckedObject():
            return member.is_always_set
        case CheckedEach() | CheckedBlocks():
            return True


class CheckedLet(Struct, frozen=True):
    """A named expression; `reads` looks through other lets."""

    name: str
    typed: Typed
    reads: tuple[str, ...]
    pointer: str


class CheckedSkip(Struct, frozen=True):
    """A condition that leaves a record out."""

    typed: Typed
    because: str
    reads: tuple[str, ...]
    pointer: str


class CheckedCheck(Struct, frozen=True):
    """What has to hold for the document as a whole."""

    name: str
    typed: Typed
    within: str | None
    reads: tuple[str, ...]
    pointer: str


class CheckedCondition(Struct, frozen=True):
    """For which records a document is made."""

    typed: Typed
    reads: tuple[str, ...]


class CheckedRows(Struct, frozen=True):
    """The source list that a document is made for each row of."""

    source: Typed
    alias: str
    where: Typed | None
    reads: tuple[str, ...]


class CheckedDocument(Struct, frozen=True):
    """One document that a record becomes; `type` is what its checks know it as."""

    spec: spec.Document
    entity: Entity
    identity: CheckedRule
    part: CheckedPart
    type: Object
    checks: tuple[CheckedCheck, ...]
    when: CheckedCondition | None
    rows: CheckedRows | None

    @property
    def name(self) -> str:
        """What the document is called in the flow."""
        return self.spec.name.value

    @property
    def constant_keys(self) -> tuple[tuple[str, str], ...]:
        """The keys that are constant: they narrow the look-up by identity."""
        return tuple(
            (member.field.name, member.value.text)
            for member in self.part.members
            if isinstance(member, CheckedRule)
            and isinstance(member.value, Constant)
            and member.field.is_key
        )


class Checked(Struct, frozen=True):
    """One flow, found right; `reads` are all source paths that are read anywhere in it."""

    spec: spec.Spec
    contract: Contract
    schema: SourceSchema
    settings: Mapping[str, Type]
    lets: tuple[CheckedLet, ...]
    skips: tuple[CheckedSkip, ...]
    key: Typed
    documents: tuple[CheckedDocument, ...]
    reads: tuple[str, ...]
    personal: tuple[str, ...]
