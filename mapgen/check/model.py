"""What checks hand on: facts of what a spec refers to, the value of a rule, a flow found right."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from mapgen.check.parts import NOTHING_REUSED, Reused
from mapgen.contract.model import Contract
from mapgen.contract.source_schema import SourceSchema
from mapgen.expression.typed import Typed
from mapgen.ir import flow as ir
from mapgen.ir.types import ROWS, STRING, Object, Type
from mapgen.report import Span, Text
from mapgen.spec import model as spec
from mapgen.spec.linking import PartKey

# Names that expressions know besides those of the author.
RESERVED = ("settings", "lookups", "document", "value")


class ValueFacts(Struct, frozen=True):
    """What rules have to know of the values in a column of a lookup table.

    `longest` is the length of the longest one, in UTF-16 units, which `longest_at` names in words;
    `longest_span` is its place. `texts` are all of them in an inline table.
    """

    type: Type = STRING
    longest: int = 0
    longest_at: str = ""
    longest_span: Span | None = None
    texts: tuple[str, ...] = ()


class TableFacts(Struct, frozen=True):
    """What rules have to know of a lookup table.

    `columns` are those of its key, none where there is but one; `values` those of its values, one
    of no name where a key has but one value. `entries` are all entries of an inline table, None
    for a table in a file, which may change, unless it `is_stable`. `numbers` are the columns of
    the key that hold whole numbers: text does not fit there.
    """

    name: Text
    columns: tuple[str, ...]
    values: Mapping[str, ValueFacts]
    entries: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    numbers: frozenset[str] = frozenset()
    is_stable: bool = False

    @property
    def only(self) -> ValueFacts | None:
        """What is known of the only value of a key, None where it has a row of them."""
        return self.values.get("")

    def of_any_values(self) -> TableFacts:
        """Return the facts of a table of whose values nobody knows how long they are."""
        values = {name: replace(value, longest=0) for name, value in self.values.items()}
        return replace(self, values=values)

    @property
    def row(self) -> Type:
        """The type of what a key has."""
        if self.only is not None:
            return self.only.type
        fields = {name: value.type for name, value in self.values.items()}
        return Object(f"{ROWS}{self.name.value}", fields)


class DocumentFacts(Struct, frozen=True):
    """What other flows have to know of a document that a flow makes.

    `number_keys` are the keys that its number is made of: those that no constant fixes.
    """

    entity: str
    has_text_identity: bool
    number_keys: tuple[str, ...]
    has_joint_identity: bool = False


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
    spec has errors of its own. `systems` are the connections that can be read.
    """

    contract: Contract | None
    contract_names: tuple[str, ...]
    schema: SourceSchema | None
    joined: Mapping[str, SourceSchema | None]
    connections: tuple[str, ...]
    environments: tuple[spec.Environment, ...]
    tables: Mapping[str, TableFacts]
    flows: Mapping[str, FlowFacts | None]
    reused: Reused = NOTHING_REUSED
    systems: Mapping[str, spec.Connection] = {}


class Value(Struct, frozen=True):
    """What a rule gives: as back ends know it, its type, the expressions that it is made of.

    `found` are the values that lookups may find; `decided_by` are source paths that have a say in
    it besides what the expressions read.
    """

    node: ir.Value
    type: Type
    formulas: tuple[Typed, ...] = ()
    found: tuple[ValueFacts, ...] = ()
    decided_by: tuple[str, ...] = ()


class Checked(Struct, frozen=True):
    """One flow, found right; `reads` are all source paths that are read anywhere in it.

    Places of what the flow says are those of the spec: a pointer leads to each of its rules. `uses`
    are the files and names of what it uses of parts, expressions and ignores.
    """

    spec: spec.Spec
    flow: ir.Flow
    reads: tuple[str, ...]
    uses: frozenset[PartKey] = frozenset()
