"""The plan of a flow: what the compiler decided and the runtime has to honour (`flow.json`).

One shape for both of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed.feeds import Feed
from mapgen.agreed.formats import FORMATS, WRITTEN
from mapgen.agreed.targets import TARGETS, TargetKind

if TYPE_CHECKING:
    Format = str
    Written = str
    Target = str
else:
    Format = Literal[*FORMATS]
    Written = Literal[*WRITTEN]
    Target = Literal[*TARGETS]


class Form(Struct, frozen=True, omit_defaults=True):
    """What files are: their format and its settings, each called as the language calls it.

    `own` are the names of the envelope that a record has as members, too.
    """

    format: Format = "json"
    envelope: tuple[str, ...] = ()
    stream: str | None = None
    delimiter: str = ","
    quoting: Literal["double", "none"] | None = None
    encoding: str = "utf-8"
    decimal: str | None = None
    thousands: str | None = None
    dates: dict[str, str] = {}
    header_line: int = 1
    sheet: str | None = None
    short_rows: Literal["reject", "fill"] = "reject"
    own: tuple[str, ...] = ()

    @property
    def is_quoted(self) -> bool:
        """Whether cells of CSV may be in quotation marks; reports between tabs never have it."""
        return self.delimiter != "\t" if self.quoting is None else self.quoting == "double"

    @property
    def is_text(self) -> bool:
        """Whether files are text, which is in some encoding."""
        return FORMATS[self.format].is_text

    @property
    def holds_cells(self) -> bool:
        """Whether a record is a row of cells, each of them text."""
        return FORMATS[self.format].holds_cells


class Grown(Struct, frozen=True):
    """What has got more members since flows were first hashed by what it shows of itself.

    Those in `LATER` are shown where they say something, so that a flow which does not use them
    means what it meant. Those `APART` never are: they say how a flow is operated, not what it does.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()
    APART: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        """Return what it is made of, as structs show it."""
        shown = (
            f"{name}={value!r}"
            for name in self.__struct_fields__
            if name not in self.APART
            if (value := getattr(self, name)) or name not in self.LATER
        )
        return f"{type(self).__name__}({', '.join(shown)})"


class Identity(Struct, frozen=True):
    """How a document is recognised in the ERP: a field that never changes.

    `scope` holds constant fields that narrow the look-up (`{"OrderType": "SO"}`). `others` are the
    further fields of an identity that several make together.
    """

    field: str
    scope: dict[str, str] = {}
    others: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that make it, the first one first."""
        return (self.field, *self.others)


ColumnType = Literal["string", "int", "decimal", "bool", "date", "timestamp"]


class Column(Struct, frozen=True):
    """A column of values, where a key has several: its type, whether a value may be missing."""

    name: str
    type: ColumnType
    may_be_missing: bool = False


class FileTable(Struct, frozen=True, tag_field="kind", tag="file"):
    """A lookup table: a CSV or JSON file (relative to `specs/`), its key and value columns.

    A JSON object has no key column: its names are the keys. `columns` are there where a key has
    several values, `value` where it has one.
    """

    path: str
    key: tuple[str, ...] = ()
    value: str | None = None
    columns: tuple[Column, ...] = ()
    is_remote: ClassVar[bool] = False


class SampleEntry(Struct, frozen=True):
    """A line of a sample: the parts of its key, and its value, or `cells` of several columns."""

    key: tuple[str, ...]
    value: str
    cells: tuple[str, ...] = ()


class LedgerTable(Struct, frozen=True, tag_field="kind", tag="ledger"):
    """The documents of another flow: what the ledger says that the ERP calls them, by identity.

    `key` and `value` are the columns of a file that stands for it.
    """

    flow: str
    document: str | None
    key: tuple[str, ...]
    value: str
    sample: tuple[SampleEntry, ...]
    columns: ClassVar[tuple[Column, ...]] = ()
    is_remote: ClassVar[bool] = True


class Condition(Struct, frozen=True):
    """A field of the ERP and the constant, as text, that it has to be equal to."""

    field: str
    constant: str
    kind: Literal["text", "number", "flag"]


class TenantTable(Grown, frozen=True, tag_field="kind", tag="tenant"):
    """Records of an entity: the fields compared with the key, and the one that is the value.

    `numbers` are the fields of the key that hold whole numbers. `columns` are the fields of which
    a key has several values. Fields may be those of the `rows` of a list: `Details.LineNbr`;
    `nests` says that parts are asked for with parameters of their own.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"rows", "nests"})

    entity: str
    key: tuple[str, ...]
    value: str | None
    numbers: tuple[str, ...]
    where: tuple[Condition, ...]
    sample: tuple[SampleEntry, ...]
    columns: tuple[Column, ...] = ()
    rows: str | None = None
    nests: bool = False
    is_remote: ClassVar[bool] = True


RemoteTable = LedgerTable | TenantTable
Table = FileTable | RemoteTable


class Operation(Struct, frozen=True):
    """What is done with documents: whether absent ones are made, those that are there changed."""

    creates: bool
    updates: bool
    doc: str


OPERATIONS = {
    "create": Operation(creates=True, updates=False, doc="`create` a document"),
    "update": Operation(creates=False, updates=True, doc="`update` one that has to be there"),
    "upsert": Operation(creates=True, updates=True, doc="`upsert`: either"),
}


class Retry(Struct, frozen=True):
    """How often a transient failure is tried, and the waits between in seconds."""

    attempts: int
    first: float
    ceiling: float


class CircuitBreaker(Struct, frozen=True):
    """When to stop sending: `failures` within `within` seconds; for `cool_down` seconds."""

    failures: int
    within: float
    cool_down: float


class Shape(Struct, frozen=True, omit_defaults=True):
    """What rules read of an entity of the ERP; `dates` hold a day."""

    values: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    linked: dict[str, Shape] = {}
    details: dict[str, Shape] = {}


class Reads(Struct, frozen=True, kw_only=True):
    """What is asked of the ERP for records of it; `query` are the parameters of the request."""

    endpoint: str
    version: str
    contract_version: int
    entity: str
    keys: tuple[str, ...]
    query: dict[str, str]
    shape: Shape


class JoinKey(Grown, frozen=True):
    """A member of a joined record, the member of the record that it equals, and their type.

    `of` may be an expression, which a `function` of the generated code calculates.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"function"})

    member: str
    of: str
    type: Literal["string", "int"]
    function: str | None = None


class Join(Grown, frozen=True):
    """What is put into each record: the records of another file with the same key.

    `on_missing` says what it means that there is none where `takes` is `one`; the values of a key
    that `is_personal` are not shown. Records that are `is_in_input` come in the same file as those
    that they belong to; `where` has texts that their members are, `*` at the end for any. `reads`
    stands for records that are answers of the ERP.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"reads"})

    on: tuple[JoinKey, ...]
    takes: Literal["one", "many"]
    on_missing: Literal["reject", "retry", "omit"] = "reject"
    form: Form = Form()
    is_personal: bool = False
    is_in_input: bool = False
    where: dict[str, str] = {}
    reads: Reads | None = None


class Group(Struct, frozen=True):
    """Rows with equal values in the columns `by` are one record; its list of them is `rows`.

    Without columns all rows of a file are one.
    """

    by: tuple[str, ...]
    rows: str


SETTING = "settings."
"""What a value of an environment begins with."""


STEPS = "steps"
"""The member of a document in generated code that has what the record says of its steps."""
BRANCH = "branch"
"""What is called so there is the branch of the document."""


class Attached(Struct, frozen=True, omit_defaults=True):
    """Where the bytes of an attached file are: in the record, or `path` says it leads there.

    A path begins in the `folder` of the workspace, or of what the connection `at` leads to.
    """

    has_path: bool = False
    folder: str | None = None
    at: str | None = None

    @property
    def is_in_record(self) -> bool:
        """Whether the record has the bytes."""
        return not self.has_path


class Step(Grown, frozen=True, omit_defaults=True):
    """What is done with a document once it is there: an action of the ERP, or a file `attached`.

    `action` is what the step is called, `given` are the parameters of an action. `until` are fields
    of the document, and the values of each of which one shows that it is done; without any, nothing
    shows it. `undo` is the action that takes it back, `irreversible` why none does; with neither it
    goes with its document. `told` is what each record says of it: `when`, whether it is done;
    `with NAME`, a parameter; `file`, `content` and `path` of a file.
    """

    APART: ClassVar[frozenset[str]] = frozenset({"irreversible"})
    LATER: ClassVar[frozenset[str]] = frozenset({"undo", "attached", "told"})

    action: str
    until: dict[str, tuple[str, ...]] = {}
    given: dict[str, str | int | bool] = {}
    undo: str | None = None
    irreversible: str | None = None
    attached: Attached | None = None
    told: tuple[str, ...] = ()

    def name_in(self, document: str) -> str:
        """Return what the ledger calls it, with the document that it belongs to."""
        return f"{document}.{self.action}"

    def key_of(self, what: str) -> str:
        """Return what a record calls one thing that it says of the step."""
        return f"{self.action} {what}"


class Request(Struct, frozen=True):
    """A request of an API: its method, and its path, in which `{NAME}` stands for a value."""

    method: str
    path: str


class HttpSend(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="http"):
    """How an API takes documents; what there is no request for is not asked of it.

    `set` stands for all others. The answer to `find` has a document, or a list of them, at the path
    `found`; `known_by` are the members of one that hold the identity, where they are called
    otherwise than its fields. Bodies are in the member `wrap`, and come back in it.
    `idempotency_key` is the header by which the API knows a create that it has had before.
    """

    create: Request | None = None
    update: Request | None = None
    set: Request | None = None
    find: Request | None = None
    found: str | None = None
    known_by: tuple[str, ...] = ()
    wrap: str | None = None
    idempotency_key: str | None = None


class FileSend(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="file"):
    """How documents are written into files, those of a portion into one.

    The folder is one of the workspace, or of the place that the plan's `to` leads to. `name` is how
    files are called, with values at `HOLES`; that of `UNIQUE` is no other file's. `columns` are
    those of CSV, `formulas` says what becomes of text that a spreadsheet would run.
    """

    HOLES: ClassVar[tuple[str, ...]] = ("flow", "date", "moment", "part")
    UNIQUE: ClassVar[str] = "part"

    folder: str
    name: str
    format: Written = "jsonl"
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    formulas: Literal["reject", "keep"] = "reject"


class Books(Struct, frozen=True, omit_defaults=True):
    """By what documents of the ERP are compared with those that a flow made.

    `money` are the terms that an amount is the sum of: a field (`PaymentAmount`, `Details.Amount`),
    or fields of one row multiplied (`Details.UnitPrice*OrderQty`), with `-` before what is taken
    off; `currency` is the field that says of which. `changed` says when a document was changed
    last, `begins` is what each identity begins with.
    """

    money: tuple[str, ...] = ()
    currency: str | None = None
    changed: str | None = None
    begins: str = ""


class DocumentPlan(Grown, frozen=True):
    """One document that a record becomes: its entity, what is done with it, how it is recognised.

    `keys` are those that the ERP gives it. `after` names the documents of the same record that have
    to be in the ERP first; `write_once` what only a new document gets, as paths of members
    (`Address.City`, `custom.Document.UsrShop`); `row_keys` the fields that tell the rows of a list
    apart, by the list's path; `removed_rows` what becomes of those that a newer state lacks:
    `delete` or `zero FIELD`. What another flow makes, its `owner`, is never created by this one.
    `undo` is the action of the ERP that takes a document back; where nothing does, `irreversible`
    says why, if anybody has. `then` is what is done with it after that, in this order.
    `branch` is the one that it belongs to in the ERP, or `settings.NAME`; where it `tells_branch`,
    each record says which.
    `send` says how it is sent elsewhere than into the ERP, or into which files it is written;
    `keys` are members of the answer there.
    `books` are what it is compared by.
    """

    APART: ClassVar[frozenset[str]] = frozenset({"books", "irreversible"})
    LATER: ClassVar[frozenset[str]] = frozenset(
        {"branch", "removed_rows", "send", "tells_branch", "then", "undo"}
    )

    name: str
    entity: str
    operation: str
    identity: Identity
    keys: tuple[str, ...]
    after: tuple[str, ...] = ()
    write_once: tuple[str, ...] = ()
    row_keys: dict[str, tuple[str, ...]] = {}
    owner: str | None = None
    undo: str | None = None
    then: tuple[Step, ...] = ()
    send: HttpSend | FileSend | None = None
    removed_rows: dict[str, str] = {}
    branch: str | None = None
    irreversible: str | None = None
    books: Books = Books()
    tells_branch: bool = False

    @property
    def does(self) -> Operation:
        """What its operation does."""
        return OPERATIONS[self.operation]

    @property
    def is_found(self) -> bool:
        """Whether a document that was sent is found again by its identity."""
        match self.send:
            case HttpSend(find=find):
                return find is not None
            case FileSend():
                return False
            case _:
                return True

    def of_branch(self, branch: str | None) -> DocumentPlan:
        """Return the plan of a document of a branch that its record has said, or else its own."""
        return self if branch is None else replace(self, branch=branch)

    @property
    def tells_steps(self) -> bool:
        """Whether records say something of the steps after it, or of its branch."""
        if not self.then:  # asked of every document: most flows do nothing after it
            return self.tells_branch
        return self.tells_branch or any(step.told for step in self.then)


Mode = Literal["direct", "queued", "batch"]
Verify = Literal["strict", "warn", "off"]


class Reconcile(Struct, frozen=True):
    """When the books of a flow are compared with the ERP's, and how many seconds back."""

    schedule: str
    since: float


class Plan(Grown, frozen=True, kw_only=True):
    """One flow: where its documents go, by which identity, in what portions, how patiently.

    `source` is what a record is called in paths, `form` what input files are; `lookups` are the
    tables by name, `connection` is what environments call the tenant, `access` are the rights that
    its user there needs, by entity. `joins` are put into each
    record under their names; `group` makes one record of several rows. `reads` stands for records
    that are answers of the ERP, `target` for the kind of target that documents go to; elsewhere
    than into the ERP they go by the connection `to`.
    `feeds` are where records come from by themselves; `mode`, `schedule`, `latency`, `alerts` and
    `reconcile` are what the spec says of how the flow is operated.
    `verify`: what it means that the ERP saved something else than was sent.
    `rules` is the hash of what the flow does.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"to"})
    APART: ClassVar[frozenset[str]] = frozenset(
        {"feeds", "mode", "schedule", "latency", "alerts", "reconcile"}
    )

    flow: str
    source: str = "record"
    form: Form = Form()
    joins: dict[str, Join] = {}
    group: Group | None = None
    lookups: dict[str, Table] = {}
    connection: str = "acumatica"
    access: dict[str, tuple[str, ...]] = {}
    documents: tuple[DocumentPlan, ...]
    endpoint: str
    version: str
    contract_version: int
    target: Target = "erp"
    to: str | None = None
    reads: Reads | None = None
    feeds: tuple[Feed, ...] = ()
    mode: Mode = "queued"
    schedule: str | None = None
    latency: float | None = None
    alerts: dict[str, float] = {}
    reconcile: Reconcile | None = None
    batch_size: int
    concurrency: int
    retry: Retry
    circuit_breaker: CircuitBreaker
    dead_letter_days: int
    verify: Verify = "warn"
    rules: str = ""

    @property
    def goes_to(self) -> TargetKind:
        """What holds for where documents go."""
        return TARGETS[self.target]

    @property
    def erp(self) -> tuple[str, str, int]:
        """The endpoint of the ERP that is asked: its name, its version, that of its contract."""
        of = self.reads or self
        return of.endpoint, of.version, of.contract_version

    @property
    def connections_of_files(self) -> tuple[str, ...]:
        """The connections that files come from which are attached, each once."""
        steps = (step.attached for one in self.documents for step in one.then)
        found = (one.at for one in steps if one is not None and one.at is not None)
        return tuple(dict.fromkeys(found))

    @property
    def source_kind(self) -> str:
        """The kind of source that records come from."""
        return self.form.format if self.reads is None else "entity"

    @property
    def members_of_cells(self) -> dict[str, Form]:
        """The members of a record that are made of rows of cells, and of which files."""
        found = {name: join.form for name, join in self.joins.items() if join.form.holds_cells}
        return found if self.group is None else {**found, self.group.rows: self.form}

    @property
    def only(self) -> DocumentPlan:
        """The document of a flow that makes one of a record."""
        (document,) = self.documents
        return document

    @property
    def steps(self) -> dict[str, tuple[DocumentPlan, Step]]:
        """The steps after documents, by name, each with its document."""
        return {step.name_in(one.name): (one, step) for one in self.documents for step in one.then}

    @property
    def sent(self) -> dict[str, DocumentPlan]:
        """The documents of all that is sent, by its name: of documents, and of steps after them."""
        of_steps = {name: document for name, (document, _) in self.steps.items()}
        return {one.name: one for one in self.documents} | of_steps

    def document(self, name: str) -> DocumentPlan:
        """Return a document by its name."""
        return next(document for document in self.documents if document.name == name)
