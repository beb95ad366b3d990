"""What back ends know of a flow: all decided, nothing of the spec's text or places in it.

A back end is a pure function from a Flow to files. Whoever reads this module can write one without
reading the compiler. The hash of it (`mapgen.ir.printing`) is the meaning
of a spec: a comment does not change it.

Names of classes and members count in the hash of what a flow means: of another name, documents that
are queued would be those of other rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Literal

from msgspec import Struct

from mapgen.agreed.constraints import Constraints
from mapgen.agreed.paths import covers, names_along
from mapgen.agreed.plan import DocumentPlan, Grown, Plan
from mapgen.ir.expression import Expression, Variable, is_optional
from mapgen.ir.rewriting import variables
from mapgen.ir.types import BOOL, DATE, DECIMAL, INT, STRING, TIMESTAMP, ListOf, Object, Type

ValueKind = Literal[
    "string", "decimal", "decimal_text", "int", "boolean", "date", "datetime", "select"
]
# The types of values that are no texts.
_VALUE_TYPES: Mapping[ValueKind, Type] = {
    "decimal": DECIMAL,
    "int": INT,
    "boolean": BOOL,
    "date": DATE,
    "datetime": TIMESTAMP,
}
OnMissing = Literal["never", "omit", "reject"]
Rounding = Literal["half_up", "half_even", "up", "down"]
Comparison = Literal["<", "<=", ">", ">="]
TextForm = Literal["file_name", "base64_text", "file_path", "branch_id"]

# What the author wrote, by keys of the language: `(("value", "order.id"), ("if_missing", "0"))`.
Written = tuple[tuple[str, str], ...]

# What the document of a flow that makes one of a record is called.
ONLY = "document"


class Held(Struct, frozen=True):
    """What is held by a member of a source object, or by a list or a map in it.

    `type` is a name of `SourceObject`, a scalar's name, or `list` or `map`: then `inner` is what
    those hold. `is_varied`: it may be written in another way, a number as text, a list of one as
    that one; `nothing` are the words that mean that there is none. `is_text`: it is written as JSON
    in a text.
    """

    type: str
    may_be_missing: bool
    constraints: tuple[Constraints, ...] = ()
    inner: Held | None = None
    is_varied: bool = False
    nothing: tuple[str, ...] = ()
    is_text: bool = False


class SourceField(Struct, frozen=True):
    """A mapped member of a source object."""

    name: str
    attribute: str
    held: Held


class SourceObject(Struct, frozen=True):
    """A source object with the members that the rules read; `name` is its class."""

    name: str
    fields: tuple[SourceField, ...]


class Setting(Struct, frozen=True):
    """A constant with one value per environment."""

    name: str
    type: str


class Let(Struct, frozen=True):
    """A named value."""

    name: str
    value: Expression
    of: Type
    reads: tuple[str, ...]
    pointer: str


class Skip(Struct, frozen=True):
    """A condition that leaves a record out; `says` is the reason where records differ in it."""

    when: Expression
    because: str
    reads: tuple[str, ...]
    pointer: str
    says: Expression | None = None


class Fixed(Struct, frozen=True):
    """The same value in every document, as text."""

    text: str


class Made(Struct, frozen=True):
    """The key that the ERP gave another document of the record, which is built before.

    `present` is that document under construction, None where every record makes it; `otherwise`
    stands for the key of one that is not made.
    """

    document: str
    field: str
    present: Variable | None
    otherwise: Expression | None = None


Value = Fixed | Made | Expression


class Warned(Struct, frozen=True):
    """Bounds of a number: a record that does not honour them is reported, and goes on."""

    range: tuple[tuple[Comparison, str], ...]
    asked: tuple[tuple[Comparison, Expression, str], ...]


class Limits(Grown, frozen=True):
    """What a value has to honour, proved at compile time where it can be.

    With `currency` it has the places of the currency of that code. `asked` are the bounds that each
    record has, with the words of the expression.
    Of a list, what each element has to honour; `least` is how many there are.
    What is `warned` of keeps no record out. `form` is one that a text has to have.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"warned", "form"})

    max_length: int | None = None
    truncates: bool = False
    places: int | None = None
    currency: Expression | None = None
    rounding: Rounding | None = None
    range: tuple[tuple[Comparison, str], ...] = ()
    asked: tuple[tuple[Comparison, Expression, str], ...] = ()
    whole: tuple[int, int] | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    least: int = 0
    warned: Warned | None = None
    form: TextForm | None = None


class Field(Struct, frozen=True, kw_only=True):
    """One field of a document.

    `target` is its path (`Details[].InventoryID`), `name` the member. `is_list`: a list of such
    values. `on_missing` says what a missing value means. `clears`: it empties the field.
    `is_written_once`: only a new document gets it. `written` is the rule as the spec has it: keys
    and their words. `sent_with` are paths of members of the same part: a field with some is sent
    exactly when one of them is.
    """

    target: str
    name: str
    kind: ValueKind
    is_list: bool = False
    value: Value
    on_missing: OnMissing = "never"
    clears: bool = False
    is_written_once: bool = False
    omit_if: Expression | None = None
    limits: Limits = Limits()
    reads: tuple[str, ...] = ()
    pointer: str
    written: Written = ()
    sent_with: tuple[tuple[str, ...], ...] = ()

    @property
    def of(self) -> Type:
        """The type of the value that it has."""
        kind = _VALUE_TYPES.get(self.kind, STRING)
        return ListOf(kind) if self.is_list else kind

    @property
    def is_always_set(self) -> bool:
        """Whether the field has a value in every document."""
        return self.omit_if is None and self.on_missing != "omit" and not self.sent_with


class CustomField(Struct, frozen=True):
    """A field outside the contract."""

    view: str
    name: str
    field: Field


class Part(Struct, frozen=True):
    """An entity under construction; `pointer` leads to what the spec says of it.

    `lets` are the names of values in it, evaluated in order before anything else of the part;
    `checks` hold for each that is made.
    """

    entity: str
    pointer: str
    members: tuple[Member, ...]
    custom: tuple[CustomField, ...]
    note: Field | None
    lets: tuple[Let, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def may_be_empty(self) -> bool:
        """Whether a record can leave all of it out: then the part is left out, too."""
        return not any(one.is_always_set for one in (*self.members, *self.others))

    def member(self, name: str) -> Member:
        """Return the member of that name, which is there."""
        return next(one for one in self.members if one.name == name)

    def at(self, names: Iterable[str]) -> Member:
        """Return the member at names that lead through objects, which is there."""
        first, *inner = names
        found = self.member(first)
        if not inner:
            return found
        assert isinstance(found, Rows)
        return found.blocks[0].part.at(inner)

    @property
    def others(self) -> tuple[Field, ...]:
        """The fields that are no members of the entity: custom ones, the note."""
        notes = () if self.note is None else (self.note,)
        return (*(one.field for one in self.custom), *notes)


class Condition(Struct, frozen=True):
    """What decides on a document, or on rows; `written` is the condition as the spec has it."""

    holds: Expression
    reads: tuple[str, ...]
    written: str


class Taken(Struct, frozen=True):
    """A value that is there where a part is made, and what it is called inside."""

    name: str
    value: Expression
    of: Type


class Around(Struct, frozen=True):
    """A list around the one whose rows are taken: what its row is called, and its type."""

    source: Expression
    alias: str
    of: Type
    written: str


class Block(Struct, frozen=True, kw_only=True):
    """What a part is made for: each row of a source list, or a source object, or just once.

    `around` are the lists around that one, the outermost first: their rows are known inside, too.
    `source` None: once. `alias` is what the row or the object is called, `of` its type. `where`
    says which rows are taken, or whether the one alone is there; of an object it is asked before
    the source. `taken` are the values of which it shows that they are there.
    """

    source: Expression | None = None
    alias: str | None = None
    of: Type | None = None
    where: Expression | None = None
    part: Part
    reads: tuple[str, ...] = ()
    written: Written = ()
    taken: tuple[Taken, ...] = ()
    around: tuple[Around, ...] = ()


class Rows(Grown, frozen=True):
    """A member that is made of parts: the rows of all blocks, or (no list) an object.

    An object is one block. `row_key` are the fields by which a row of a document that is sent again
    is recognised. `omit_if` leaves the rows out, of which `value` is the list, and so does a list
    without any, unless it `sends_empty`. `removed` says what becomes of rows that a document which
    is sent again does not have any more: `delete`, `zero FIELD`, nothing where they stay.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"removed"})

    target: str
    name: str
    is_list: bool
    blocks: tuple[Block, ...]
    least: int
    unique: tuple[str, ...]
    row_key: tuple[str, ...]
    reads: tuple[str, ...]
    pointer: str
    is_written_once: bool
    omit_if: Condition | None = None
    sends_empty: bool = True
    removed: str = ""

    @property
    def is_always_set(self) -> bool:
        """Whether the member is in every document, rows and objects that may be missing are not."""
        first, *_ = self.blocks
        if self.is_list:
            return self.omit_if is None and (self.sends_empty or not self.may_have_none)
        is_sure = first.source is None or not is_optional(first.source)
        return is_sure and first.where is None and not first.part.may_be_empty

    @property
    def may_have_none(self) -> bool:
        """Whether a list may be without rows."""
        sure = any(block.source is None and block.where is None for block in self.blocks)
        return not self.least and not sure


Member = Field | Rows


def parts_of(part: Part) -> Iterator[Part]:
    """Yield a part and all parts inside it."""
    yield part
    for block in blocks_of(part):
        yield from parts_of(block.part)


def blocks_of(part: Part) -> Iterator[Block]:
    """Yield the blocks of the members of a part."""
    for member in part.members:
        if isinstance(member, Rows):
            yield from member.blocks


class Check(Struct, frozen=True):
    """What has to hold for a document, or a part: an equality of amounts does `within` a tolerance.

    `says` is what it means that it does not hold. One that `warns` keeps no record out.
    """

    name: str
    condition: Expression
    within: str
    reads: tuple[str, ...]
    pointer: str
    says: Expression | None = None
    warns: bool = False


class Document(Grown, frozen=True):
    """What a record becomes: one document, or one for each row of a list.

    `when` None: for every record. `told` is what the record says of the steps after it.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"told"})

    plan: DocumentPlan
    pointer: str
    block: Block
    checks: tuple[Check, ...]
    when: Condition | None
    told: tuple[Field, ...] = ()

    @property
    def name(self) -> str:
        """What the document is called in the flow."""
        return self.plan.name

    @property
    def part(self) -> Part:
        """What the document is made of."""
        return self.block.part

    @property
    def identity_field(self) -> Field:
        """The field that tells it apart, of several the first."""
        return self.identity_fields[0]

    @property
    def identity_fields(self) -> tuple[Field, ...]:
        """The fields that tell it apart together; outside the ERP they may be inside its parts."""
        found = (self.part.at(names_along(path)) for path in self.plan.identity.fields)
        return tuple(one for one in found if isinstance(one, Field))

    @property
    def is_list(self) -> bool:
        """Whether a record becomes one for each row of a list."""
        return self.block.source is not None

    @property
    def prefix(self) -> str:
        """What target paths of the document start with."""
        return prefix_of(self.name, is_list=self.is_list)


def prefix_of(document: str, *, is_list: bool) -> str:
    """Return what target paths start with: `location: `, `item[]: `, nothing for an only one."""
    return "" if document == ONLY else f"{document}{'[]' * is_list}: "


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


def is_below_any(known: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether one of some source paths is, or lies below, one of those known."""
    return any(covers(one, path) for one in known for path in paths)


class Ignored(Struct, frozen=True):
    """Source fields that no rule reads: their pattern, why, and the fields that it caught."""

    pattern: str
    reason: str
    fields: tuple[str, ...]


class Change(Struct, frozen=True):
    """What a flow has otherwise than the one that it extends: where, what is done there, why."""

    path: str
    does: str
    because: str


class JoinKey(Struct, frozen=True):
    """What a member of joined records has to equal, where that is no member of the record.

    `function` is what generated code calls it, `join` the member that the records are put into.
    """

    join: str
    member: str
    function: str
    value: Expression
    of: Type
    reads: tuple[str, ...]


class Flow(Grown, frozen=True, kw_only=True):
    """One flow, ready for any back end; `plan` is what the runtime has to know of it.

    `extends` is the spec of the flow that it is like, but for its `changes`; they are in it.

    `rows` are the rows of lookup tables that have several values for a key. `relying` are the
    pointers of the rules in which skips have decided something, with the numbers of those: they
    mean what the spec says only where these could be evaluated.
    `join_keys` are those parts of the keys of joins that have to be calculated.
    `written_at` are the rules of parts, by their pointers: where the part says them, as
    `specs/parts/FILE#PART/fields/FIELD`.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"join_keys"})

    plan: Plan
    summary: str
    owner: str
    spec_path: str
    source_objects: tuple[SourceObject, ...]
    settings: tuple[Setting, ...] = ()
    rows: tuple[Object, ...] = ()
    lets: tuple[Let, ...] = ()
    skips: tuple[Skip, ...] = ()
    key: Expression
    documents: tuple[Document, ...]
    personal: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    rule_examples: tuple[RuleExample, ...] = ()
    examples: tuple[FlowExample, ...] = ()
    rejects: tuple[FlowReject, ...] = ()
    test_settings: tuple[tuple[str, str], ...] = ()
    relying: tuple[tuple[str, tuple[int, ...]], ...] = ()
    written_at: tuple[tuple[str, str], ...] = ()
    extends: str | None = None
    changes: tuple[Change, ...] = ()
    join_keys: tuple[JoinKey, ...] = ()

    @property
    def name(self) -> str:
        """What the flow is called."""
        return self.plan.flow

    def is_personal(self, reads: Iterable[str]) -> bool:
        """Whether what is made of these source paths must not be seen."""
        return is_below_any(self.personal, reads)

    @property
    def record(self) -> SourceObject:
        """What the rules read of a record itself: the objects in it come before it."""
        return self.source_objects[-1]

    @property
    def wraps_values(self) -> bool:
        """Whether a value of a document is in an object, `{"value": …}`."""
        return self.plan.goes_to.wraps_values

    @property
    def lets_ahead(self) -> tuple[Let, ...]:
        """The lets that the skips need, directly or through others, in their order.

        The others come after the skips, so that a record that is left out cannot fail in them.
        """
        needed = set(variables(self.skips))
        found: list[Let] = []
        for let in reversed(self.lets):
            if let.name in needed:
                needed.update(variables(let.value))
                found.insert(0, let)
        return tuple(found)

    @property
    def only(self) -> Document | None:
        """The document of a flow that makes one of a record, None for one with named documents."""
        return self.documents[0] if self.documents[0].name == ONLY else None
