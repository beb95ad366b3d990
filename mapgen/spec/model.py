"""The MAPS language: each construct of a spec, and of the files beside it, declared once.

A spec as the author wrote it: frozen, every word with its place, nothing resolved yet. The order of
members is the order in which keys are shown and missed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Literal, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from mapgen.agreed import connections, feeds, plan
from mapgen.agreed.connections import CONNECTIONS, SIGN_INS, VALUES
from mapgen.agreed.formats import FORMATS, WRITTEN, FileFormat, WrittenFormat
from mapgen.agreed.targets import TARGETS, TargetKind
from mapgen.durations import DAY, seconds_of
from mapgen.report import Label, Source, Span, Text
from mapgen.spec import language as words
from mapgen.spec import shapes
from mapgen.spec.construct import (
    Construct,
    constant,
    found,
    here,
    itself,
    key_of,
    named,
    optional,
    others,
    pointer,
    required,
    said,
)
from mapgen.spec.nodes import ListNode, MapNode, Node, ScalarNode
from mapgen.spec.shapes import (
    Anything,
    As,
    At,
    Formula,
    Key,
    ListOf,
    MapOf,
    Named,
    OneOrMap,
    Record,
    Variants,
    Whole,
    Words,
    keyed,
    mapping,
    record_of,
)
from mapgen.spec.shapes import Literal as Constant

T = TypeVar("T")
C = TypeVar("C", bound=Construct)

Comparison = Literal["<", "<=", ">", ">="]

# What the document of a flow that makes one of a record is called.
ONLY = "document"

SAMPLE = "entries for examples and tests, `KEY: VALUE`; a list of `{COLUMN: …}` for several columns"
_SIGN = re.compile(r"(?:^| and )(<=|>=|<|>) ?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def _by_name(pairs: Iterable[tuple[Text, T]], _: At) -> Mapping[str, T]:
    return {name.value: value for name, value in pairs}


# Values.


class Duration(Struct, frozen=True):
    """A time as it was written: `30s`."""

    text: Text

    @property
    def seconds(self) -> float:
        """How long it is."""
        return seconds_of(self.text.value)


class Range(Struct, frozen=True):
    """What a number has to honour: `> 0 and <= 1000`.

    `asked` are the bounds that each record has: `<= order.total`.
    """

    bounds: tuple[tuple[Comparison, Decimal], ...]
    text: Text
    asked: tuple[tuple[Comparison, Text], ...] = ()


def _range(text: Text, _: At) -> Range:
    signs = list(_SIGN.finditer(text.value))
    ends = [*(sign.start() for sign in signs[1:]), len(text.value)]
    pairs = [
        (cast(Comparison, sign[1]), text.part(sign.end(), end))
        for sign, end in zip(signs, ends, strict=True)
    ]
    return Range(
        bounds=tuple((sign, Decimal(one.value)) for sign, one in pairs if _is_number(one)),
        asked=tuple((sign, one) for sign, one in pairs if not _is_number(one)),
        text=text,
    )


def _is_number(text: Text) -> bool:
    return _NUMBER.fullmatch(text.value.strip()) is not None


DURATION = As(words.DURATION, lambda text, at: Duration(text))
RANGE = As(words.RANGE, _range)
# A mark means the place of its key.
MARK = As(words.FLAG, lambda _, at: at.key)
MEMBERS = As(words.MEMBERS, lambda names, at: tuple(name.value for name in names))
CHANGES = As(MapOf(keyed(Anything()), "changes"), _by_name)


# Rules.


class RuleExample(Construct, what="an example"):
    """A change of the row a rule reads, and the value the field then gets."""

    given: Mapping[str, Node] = required(CHANGES, "members of the row to change")
    gives: ScalarNode = required(Constant(), "the value the field gets")
    span: Span = here()


class RuleReject(Construct, what="a reject"):
    """A change of the row a rule reads that must lead to a rejection."""

    given: Mapping[str, Node] = required(CHANGES, "members of the row to change")
    span: Span = here()


class CurrencyPlaces(Construct, what="the places of a currency"):
    """As many decimal places as a currency has."""

    currency: Text = required(Formula(), "as many as the currency of this code has")


PLACES: Variants[ScalarNode | CurrencyPlaces] = Variants(
    "decimal places", {"currency": CurrencyPlaces}, scalar=Whole()
)


class Modifiers(Construct):
    """What may be with a rule of any kind; of a mark, its key."""

    if_missing: Text | None = optional(
        Formula(), "the value to use when there is none, or `reject`"
    )
    on_error: Text | None = optional(
        Formula(), "what a step that fails gives: `omit` (no field), or a value; else a rejection"
    )
    clear_if_missing: Text | None = optional(
        MARK, "a missing value empties the field that the document has"
    )
    write_once: Text | None = optional(
        MARK, "sent when the document is created, never on a later update"
    )
    omit_if: Text | None = optional(
        Formula(), "leave the field, or the rows, out when this holds; `value` is the value"
    )
    too_long: Text | None = optional(words.LONG_TEXT, "longer text")
    range: Range | None = optional(
        RANGE, "what the number has to honour: numbers, or expressions, as in `<= order.total`"
    )
    severity: Text | None = optional(
        words.SEVERITY,
        "what becomes of a record whose number is outside `range`: `reject` unless said; `warn`"
        " delivers it, and counts it",
    )
    places: ScalarNode | CurrencyPlaces | None = optional(
        PLACES, "decimal places; needs `rounding` where digits would be lost"
    )
    rounding: Text | None = optional(words.ROUNDING, "how to round to `places`")
    because: Text | None = optional(words.PROSE, "why the rule is as it is, for reviewers")
    replaces: Text | None = optional(
        MARK, "the rule is in the place of one of the part that is used", key="replace"
    )
    proposed: Text | None = optional(
        words.FLAG, "nobody has reviewed it: `generate --release` refuses"
    )
    examples: tuple[RuleExample, ...] = optional(
        ListOf(Named("rule_example", lambda: RuleExample)), "what the rule gives for small changes"
    )
    rejects: tuple[RuleReject, ...] = optional(
        ListOf(Named("rule_reject", lambda: RuleReject)), "small changes that must be rejected"
    )


class Const(Construct, what="a constant rule"):
    """The same value in every document."""

    value: ScalarNode = required(Constant(), "the constant", key="const")


class Value(Construct, what="a value rule"):
    """The value of an expression."""

    expression: Text = required(Formula(), "the expression", key="value")


class KeyPart(Struct, frozen=True):
    """The value of one column of a key; `column` None: the key has one column only."""

    column: Text | None
    expression: Text


def _key_parts(written: Text | tuple[tuple[Text, Text], ...], _: At) -> tuple[KeyPart, ...]:
    pairs = written if isinstance(written, tuple) else ((None, written),)
    return tuple(KeyPart(column, expression) for column, expression in pairs)


class LookupKey(Construct):
    """One key to try: its parts."""

    parts: tuple[KeyPart, ...] = itself(
        As(OneOrMap(Formula(), MapOf(keyed(Formula()), "the columns of a key")), _key_parts)
    )
    span: Span = here()


class Lookup(Construct, what="a lookup rule"):
    """The value that a table has for the first key it knows."""

    table: Text = required(words.NAME, "the table", key="lookup")
    column: Text | None = optional(
        words.PROSE, "the value column that counts, of a table that has several"
    )
    keys: tuple[LookupKey, ...] = required(
        ListOf(LookupKey, or_single=True, least=1),
        "key expressions, tried in turn; for a key of several columns, `{COLUMN: expression, …}`",
        key="key",
    )
    on_miss: Text | None = optional(words.MISS, "what a miss means")
    otherwise: Text | None = optional(Formula(), "the value to use when no key is found")
    default: Text | None = optional(
        Formula(),
        "the value to use when no key is found, or none is there: `otherwise`, and `if_missing`",
    )


class FirstOf(Construct, what="a first_of rule"):
    """The first of several values that is neither missing nor blank."""

    entries: tuple[Text | Lookup, ...] = required(
        ListOf(
            Variants[Text | Lookup]("a value of first_of", {"lookup": Lookup}, scalar=Formula()),
            least=1,
        ),
        "expressions, and lookups as `{lookup: …, key: …}`: the first that is not blank",
        key="first_of",
    )


class Case(Construct, what="a case"):
    """A line of a decision table."""

    when: Text = required(Formula(), "the condition")
    then: Text = required(Formula(), "the value")


class Cases(Construct, what="a cases rule"):
    """A decision table, complete by its last line."""

    cases: tuple[Case, ...] = required(ListOf(Case, least=1), "conditions in order")
    otherwise: Text = required(Formula(), "the value when no condition holds", key="else")


_RULE = Named("rule", lambda: Rule)


class Removed(Construct, what="a removed rule"):
    """No rule for a field that the part used has one for."""

    mark: Text = required(MARK, "the rule of the part that is used is left out", key="remove")


class Argument(Construct, what="an argument"):
    """What a parameter of a part is where it is used; None: no expression is there."""

    name: Text = named()
    expression: Text | None = itself(
        Formula(), lambda node, at: node.text if isinstance(node, ScalarNode) else None
    )


class Part(Construct, what="a part"):
    """The fields of a document or of a part of it.

    `use` names a part whose rules are taken, `arguments` what its parameters are. Where the rules
    have been put in place, `used` is that part, and the fields are those of both.
    """

    use: Text | None = optional(
        words.NAME, "a part whose rules are used; further keys are its parameters"
    )
    arguments: tuple[Argument, ...] = others(Argument, words.NAME, beside="use")
    used: Used | None = constant(None)
    fields: tuple[Rule, ...] = required(
        MapOf(_RULE, "fields"), "target field: rule; may be left out beside `use`", unless="use"
    )
    custom: tuple[Rule, ...] = optional(
        MapOf(_RULE, "custom fields"), "fields outside the contract: View.Field"
    )
    note: Rule | None = optional(_RULE, "the record's note")

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return all rules of the part, those inside other rules too."""
        own = (*self.fields, *self.custom, *((self.note,) if self.note is not None else ()))
        return tuple(found for rule in own for found in rule.whole)


class Let(Construct):
    """A name for an expression."""

    name: Text = named()
    expression: Text = itself(Formula())
    pointer: str = pointer()


class Reason(Construct, what="a reason"):
    """A reason that says what the record holds: never anything personal."""

    value: Text = required(
        Formula(), "an expression that gives the text; it reads nothing personal"
    )


REASON: Variants[Text | Reason] = Variants("a reason", {"value": Reason}, scalar=words.PROSE)


class Check(Construct, what="a check"):
    """What has to hold for a document as a whole, or for a part of it."""

    name: Text = required(words.PROSE, "what is compared, for people")
    that: Text = required(Formula(), "a condition over the record and what the rules have made")
    within: Text | None = optional(words.DECIMAL, "tolerance of a comparison with `==`")
    because: Text | Reason | None = optional(REASON, "what it means that it does not hold")
    severity: Text | None = optional(
        words.SEVERITY,
        "what becomes of a record for which it does not hold: `reject` unless said; `warn` delivers"
        " it, and counts it",
    )
    pointer: str = pointer()


LETS = MapOf(Let, "lets", words.NAME)
CHECKS: ListOf[Check] = ListOf(Check)
INNER_CHECKS = "what has to hold for each part; in it, `value` is the part that the rules have made"
EMPTY = (
    "what a list without rows is: `omit` leaves it out, as in the ERP unless said; `send` sends it,"
    " as outside the ERP unless said"
)
INNER_LETS = "names for expressions used more than once inside, evaluated once for each part"


class Listed(Struct, frozen=True):
    """A source list, or an object, and what a row of it is called; None: the key `as` says that."""

    name: Text | None
    source: Text


def _listed(written: Text | tuple[tuple[Text, Text], ...], _: At) -> tuple[Listed, ...]:
    pairs = written if isinstance(written, tuple) else ((None, written),)
    return tuple(Listed(name, source) for name, source in pairs)


LISTS = As(OneOrMap(Formula(), MapOf(keyed(Formula()), "lists", words.NAME, least=1)), _listed)
EACH = (
    "the source list; or lists within each other, `{NAME: list, …}` from the outermost: a row for"
    " each row of the last, that knows those around it"
)
ROW_NAME = "what one row is called inside, where `each` does not name its lists"


class Block(Construct, what="a block of rows"):
    """What a part is made for: each row of a source list, or (`source` None) once.

    `condition` is `where` for rows of a list, `when` for a row alone. Of an object `source` is one.
    `narrows`: inside, a value that the condition asks for is there.
    """

    lists: tuple[Listed, ...] = required(LISTS, EACH, key="each")
    called: Text | None = required(words.NAME, ROW_NAME, key="as", unless_many="each")
    condition: Text | None = optional(Formula(), "which rows are taken", key="where")
    lets: tuple[Let, ...] = optional(LETS, INNER_LETS, key="let")
    checks: tuple[Check, ...] = optional(CHECKS, INNER_CHECKS)
    part: Part = itself(Part)
    span: Span = found(lambda node, at: _key_span(node, "each"))
    pointer: str = pointer()
    narrows: bool = constant(False)

    @property
    def source(self) -> Text | None:
        """The list whose rows are taken, or the object."""
        return self.lists[-1].source if self.lists else None

    @property
    def alias(self) -> Text | None:
        """What one row, or the object, is called inside."""
        return (self.lists[-1].name or self.called) if self.lists else None

    @property
    def around(self) -> tuple[Listed, ...]:
        """The lists around that one, the outermost first."""
        return self.lists[:-1]


class Object(Construct, what="an object rule"):
    """A linked entity, always there (`source` None) or there when a source object is."""

    source: Text | None = required(
        Formula(), "the source object; missing leaves the part out", key="object"
    )
    alias: Text | None = required(words.NAME, "what the source object is called inside", key="as")
    condition: Text | None = optional(
        Formula(), "when the part is there; inside, what it asks for is there", key="when"
    )
    lets: tuple[Let, ...] = optional(LETS, INNER_LETS, key="let")
    checks: tuple[Check, ...] = optional(CHECKS, INNER_CHECKS)
    part: Part = itself(Part)
    key: Text = named()
    pointer: str = pointer()
    is_list: bool = constant(False)
    at_least: ScalarNode | None = constant(None)
    empty: Text | None = constant(None)
    unique: tuple[Text, ...] = constant(())
    row_key: tuple[Text, ...] = constant(())
    removed_rows: Text | None = constant(None)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The one block that it is."""
        lists = () if self.source is None else (Listed(self.alias, self.source),)
        return (_block(self, lists, self.condition, narrows=True),)


class Fixed(Object, what="a part"):
    """A linked entity that is always there; one of a part that is used, as its argument is."""

    source: None = constant(None)
    alias: None = constant(None)


REMOVED_ROWS = (
    "what an update does with rows of the ERP that the record does not have any more: `keep` them"
    " (where it is left out), `delete` them, or `zero FIELD`"
)


class Each(Construct, what="an each rule"):
    """Detail rows, one for each row of a source list."""

    lists: tuple[Listed, ...] = required(LISTS, EACH, key="each")
    called: Text | None = required(words.NAME, ROW_NAME, key="as", unless_many="each")
    where: Text | None = optional(Formula(), "which rows are taken")
    at_least: ScalarNode | None = optional(Whole(), "fewest rows")
    empty: Text | None = optional(words.EMPTY, EMPTY)
    unique: tuple[Text, ...] = optional(
        words.TARGET_FIELDS, "target fields that no two rows have the same values in"
    )
    row_key: tuple[Text, ...] = optional(
        words.TARGET_FIELDS,
        "target fields that a row of the document is recognised by; unique as well",
    )
    removed_rows: Text | None = optional(words.REMOVED_ROWS, REMOVED_ROWS)
    lets: tuple[Let, ...] = optional(LETS, INNER_LETS, key="let")
    checks: tuple[Check, ...] = optional(CHECKS, INNER_CHECKS)
    part: Part = itself(Part)
    key: Text = named()
    pointer: str = pointer()
    is_list: bool = constant(True)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The one block that it is."""
        return (_block(self, self.lists, self.where, called=self.called),)


def _block(
    rows: Object | Each,
    lists: tuple[Listed, ...],
    where: Text | None,
    *,
    called: Text | None = None,
    narrows: bool = False,
) -> Block:
    return Block(
        lists=lists,
        called=called,
        condition=where,
        lets=rows.lets,
        checks=rows.checks,
        narrows=narrows,
        part=rows.part,
        span=rows.key.span(),
        pointer=rows.pointer,
    )


class RowBlock(Block, what="a block of one row"):
    """A row alone."""

    lists: tuple[Listed, ...] = constant(())
    called: None = constant(None)
    condition: Text | None = optional(
        Formula(), "when the row is there; without, always", key="when"
    )
    span: Span = found(
        lambda node, at: _key_span(
            node, "fields" if shapes.mapping(node).get("use") is None else "use"
        )
    )


class Blocks(Construct, what="a blocks rule"):
    """Detail rows put together: those of one block, then those of the next."""

    blocks: tuple[Block, ...] = required(
        ListOf(
            Variants[Block]("a block", {"each": Block, "fields": RowBlock, "use": RowBlock}),
            least=1,
        ),
        "the rows of one block, then those of the next",
    )
    at_least: ScalarNode | None = optional(Whole(), "fewest rows, over all blocks")
    empty: Text | None = optional(words.EMPTY, EMPTY)
    unique: tuple[Text, ...] = optional(
        words.TARGET_FIELDS,
        "target fields that no two rows, of whatever block, have the same values in",
    )
    row_key: tuple[Text, ...] = optional(
        words.TARGET_FIELDS,
        "target fields that a row of the document is recognised by; unique as well",
    )
    removed_rows: Text | None = optional(words.REMOVED_ROWS, REMOVED_ROWS)
    is_list: bool = constant(True)


class Made(Construct, what="a made rule"):
    """The key that the ERP gave another document of the same record."""

    document: Text = required(
        words.NAME, "another document of the same record, one of `after`", key="made"
    )
    field: Text = required(words.PROSE, "the key that the ERP gave it")


class Todo(Construct, what="a rule to be decided"):
    """What a field gets is not decided: `check` reports it until there is a rule."""

    question: Text = required(words.PROSE, "what somebody has to decide", key="todo")


RowsKind = Object | Each | Blocks
RuleKind = Const | Value | Lookup | FirstOf | Cases | Object | Each | Blocks | Made | Todo | Removed

RULE: Variants[RuleKind] = Variants(
    "a rule",
    {
        "const": Const,
        "value": Value,
        "lookup": Lookup,
        "first_of": FirstOf,
        "cases": Cases,
        "object": Object,
        "each": Each,
        "blocks": Blocks,
        "made": Made,
        "todo": Todo,
        "fields": Fixed,
        "use": Fixed,
        "remove": Removed,
    },
    scalar=As(Formula(), lambda expression, at: Value(expression)),
)


def _kind(node: Node, at: At) -> RuleKind:
    """Return what a rule does; the `default` of a lookup is its `otherwise`."""
    kind = RULE.bind(node, at)
    if isinstance(kind, Lookup) and _default(node) is not None:
        return replace(kind, otherwise=kind.default, default=None)
    return kind


def _modifiers(node: Node, at: At) -> Modifiers:
    """Return what is with a rule; the `default` of a lookup is its `if_missing`."""
    found, default = Modifiers.bind(node, at), _default(node)
    return found if default is None else replace(found, if_missing=default)


def _default(node: Node) -> Text | None:
    """Return the `default` of a lookup rule, where it does not say the same in two ways."""
    default = node.get("default") if isinstance(node, MapNode) else None
    if not isinstance(node, MapNode) or not isinstance(default, ScalarNode):
        return None
    is_alone = not {"otherwise", "if_missing"} & node.by_key.keys()
    return default.text if is_alone and "lookup" in node.by_key else None


class Rule(Construct):
    """What one target field gets. `pointer` leads to it in the file: `mapping/fields/OrderType`."""

    target: Text = named()
    kind: RuleKind = itself(RULE, _kind)
    modifiers: Modifiers = itself(Modifiers, _modifiers)
    span: Span = found(lambda node, at: at.key.span() if isinstance(node, MapNode) else node.span)
    pointer: str = pointer()

    @property
    def lookups(self) -> tuple[Lookup, ...]:
        """Return the lookups that the rule itself makes."""
        match self.kind:
            case Lookup():
                return (self.kind,)
            case FirstOf(entries=entries):
                return tuple(entry for entry in entries if isinstance(entry, Lookup))
            case _:
                return ()

    @property
    def whole(self) -> tuple[Rule, ...]:
        """Return the rule and those inside it."""
        match self.kind:
            case Object(blocks=blocks) | Each(blocks=blocks) | Blocks(blocks=blocks):
                return (self, *(rule for block in blocks for rule in block.part.rules))
            case _:
                return (self,)


# What is said once.


class ObjectParameter(Construct, what="an object"):
    """An object of a source, as a schema describes it."""

    schema: Text = required(words.PATH, "a JSON Schema")
    at: Text | None = optional(
        words.PROSE, "the place of the object in the schema, like `$defs/address`; else its root"
    )


class ScalarParameter(Construct, what="a single value"):
    """A single value; `T?` may be missing."""

    type: Text = itself(words.PARAMETER_TYPE)


PARAMETER: Variants[ObjectParameter | ScalarParameter] = Variants(
    "a parameter", {"schema": ObjectParameter}, scalar=ScalarParameter
)


class Parameter(Construct):
    """A name that a part or a function knows, and what it stands for."""

    name: Text = named()
    kind: ObjectParameter | ScalarParameter = itself(PARAMETER)


_PARAMETERS = MapOf(Parameter, "parameters", words.NAME, least=1)


class Gives(Construct, what="`gives:`"):
    """The entity whose fields a part writes."""

    contract: Text = required(words.PROSE, "the pinned contract")
    entity: Text = required(words.PROSE, "the entity whose fields the rules write")


class PartExample(Construct, what="an example of a part"):
    """Arguments, and the fields that the part makes of them."""

    given: Mapping[str, Node] = required(
        As(MapOf(keyed(Anything()), "the arguments"), _by_name),
        "the arguments by parameter; of an object that is the only one, its members",
    )
    gives: Mapping[str, Node] = required(
        As(MapOf(keyed(Anything()), "the fields"), _by_name), "all fields and their values"
    )
    span: Span = here()


_IGNORES = MapOf(Named("ignored", lambda: Ignored), "ignores")


def _all_ignored(of: tuple[Ignored, ...], _: At) -> tuple[Ignore, ...]:
    return tuple(ignore for one in of for ignore in one.ignores)


class Definition(Construct, what="a part"):
    """Rules for an entity that know nothing but their parameters."""

    name: Text = named()
    pointer: str = pointer()
    node: Node = found(lambda node, at: node)
    summary: Text | None = optional(words.PROSE, "one sentence for people")
    takes: tuple[Parameter, ...] = required(_PARAMETERS, "the parameters, each with its type")
    gives: Gives = required(Gives, "what the rules write")
    part: Part = itself(Part)
    ignores: tuple[Ignore, ...] = optional(
        As(_IGNORES, _all_ignored),
        "members of its one object that are not used: `MEMBER: reason`, or `REASON: [MEMBER, …]`; "
        "of several objects: `PARAMETER.member`",
        key="ignore",
        default=(),
    )
    data: tuple[DataClass, ...] = optional(
        MapOf(Named("data_class", lambda: DataClass), "data classes"),
        "members that are personal or confidential, named as in `ignore`; each flow that uses the "
        "part masks them",
    )
    examples: tuple[PartExample, ...] = optional(
        ListOf(PartExample), "arguments and the fields they become"
    )


class NamedExpression(Construct, what="a named expression"):
    """An expression that is called like a function."""

    name: Text = named()
    takes: tuple[Parameter, ...] = required(_PARAMETERS, "the parameters, in order")
    expression: Text = required(Formula(), "an expression over the parameters", key="value")


class IgnoreSet(Construct):
    """Source paths that several flows do not use."""

    name: Text = named()
    ignores: tuple[Ignore, ...] = itself(As(replace(_IGNORES, least=1), _all_ignored))


class Used(Struct, frozen=True):
    """A part that is used: where, what it is, and the pointers of the rules that are its own.

    `main` is the parameter that decides whether it is there: an object, the first of its. `inner`
    is the part that it uses itself for all that it writes.
    """

    at: Text
    definition: Definition
    arguments: tuple[Argument, ...]
    own: frozenset[str]
    main: str | None
    inner: Used | None = None


class PartsFile(Construct, what="a file of parts"):
    """A file of parts/: what several flows have in common."""

    version: Text = required(Words("version"), "the version of the language: 1", key="parts")
    uses: tuple[Text, ...] = optional(
        ListOf(words.PATH), "files whose parts and expressions these use"
    )
    expressions: tuple[NamedExpression, ...] = optional(
        MapOf(NamedExpression, "expressions", words.NAME),
        "expressions that are called like functions",
    )
    ignores: tuple[IgnoreSet, ...] = optional(
        MapOf(IgnoreSet, "ignores", words.NAME), "source fields not used, by the name of the set"
    )
    definitions: tuple[Definition, ...] = others(Definition, words.NAME)
    source: Source = found(lambda node, at: node.span.source)


# What comes in.


class Format(Construct):
    """What files are and how records are wrapped; `written` are the keys beside, with places."""

    envelope: tuple[str, ...] = optional(MEMBERS, "members that records are wrapped in", default=())
    stream: Text | None = optional(
        words.PROSE, "the stream whose records are read of the messages of a Singer tap"
    )
    format: Text | None = optional(words.FORMAT, "what input files are; `json` unless said")
    delimiter: Text | None = optional(
        words.DELIMITER, "what separates the cells of CSV; a comma unless said"
    )
    quoting: Text | None = optional(
        words.QUOTING,
        "whether cells of CSV may be in double quotation marks; `none` between tabs, else"
        " `double` unless said",
    )
    sheet: Text | None = optional(
        words.PROSE, "the sheet of an Excel workbook; the first that is not hidden unless said"
    )
    header_line: ScalarNode | None = optional(
        Whole(least=1), "the line with the names of the columns; the first unless said"
    )
    short_rows: Text | None = optional(
        words.SHORT_ROWS,
        "what becomes of a row of CSV with fewer cells than the header: `reject`, unless said"
        " `fill`, with empty ones",
    )
    decimal: Text | None = optional(
        words.DECIMAL_SIGN, "the sign before the decimals of numbers in cells; a point unless said"
    )
    thousands: Text | None = optional(
        words.THOUSANDS_SIGN, "the sign between the thousands of numbers in cells"
    )
    dates: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(words.PROSE), "date formats"),
        "how dates are written in cells, by column: `dd.MM.yyyy`",
    )
    encoding: Text | None = optional(
        words.ENCODING, "the encoding of input files; UTF-8 unless said"
    )
    written: tuple[tuple[str, Span], ...] = said()

    @property
    def name(self) -> str:
        """What the format of the files is called."""
        return "json" if self.format is None else self.format.value

    @property
    def kind(self) -> FileFormat:
        """What holds for files of the format."""
        return FORMATS[self.name]


class JoinKey(Construct):
    """A member of a joined record, and what it equals: a member of the record, or an expression."""

    member: Text = named()
    of: Text = itself(words.PROSE)
    pointer: str = pointer()


class Join(Construct, what="a join"):
    """Records of another file that are put into each record, under a name."""

    name: Text = named()
    schema: Text = required(words.PATH, "the JSON Schema of one record of the joined file")
    on: tuple[JoinKey, ...] = required(
        MapOf(JoinKey, "the members of the key"),
        "the key: member of the joined record, and what it equals, a member of the record or an"
        " expression: then nothing belongs to a record where it is missing",
    )
    on_span: Span = found(lambda node, at: _value_span(node, "on"))
    takes: Text = required(
        words.TAKES, "`one` record, or a list of `many`, empty where none has the key"
    )
    on_missing: Text | None = optional(
        words.MISSING_RECORD, "what it means that none has the key; goes with `takes: one`"
    )
    file: Text | None = optional(
        words.JOINED_FILE, "`input`: the records are in the input, beside those they belong to"
    )
    where: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(words.PROSE), "the texts of members"),
        "only records whose members are these texts; `*` at the end of one stands for any",
    )
    form: Format = itself(Format)
    entity: Text | None = constant(None)

    @property
    def takes_one(self) -> bool:
        """Whether the member is one record, and not a list."""
        return self.takes.value == "one"


class EntityJoin(Join, what="a join of an entity"):
    """Records that the ERP answers, put into each record: `schema` names the contract."""

    name: Text = named()
    schema: Text = required(words.PROSE, "the pinned contract", key="contract")
    entity: Text = required(words.PROSE, "its entity: the file holds what the ERP answers")
    file: None = constant(None)
    where: tuple[tuple[Text, Text], ...] = constant(())
    form: Format = constant(Format.plain())


JOIN: Variants[Join] = Variants("a join", {"schema": Join, "entity": EntityJoin})


class Group(Construct, what="a group"):
    """Rows with one key in the columns `by` are one record; `alias` is its list of them.

    Without columns all rows of a file are one.
    """

    by: tuple[Text, ...] = optional(
        ListOf(Words("a column"), or_single=True, least=1),
        "columns of the key: rows that follow each other and have one key are one record; without,"
        " all rows of a file are",
    )
    alias: Text = required(words.NAME, "what a record calls the list of its rows", key="as")
    key: Text = named()


class DeclaredValue(Construct, what="a value"):
    """What a source field is, however records write it, and what means that there is nothing."""

    path: Text = named()
    type: Text | None = optional(words.VALUE_TYPE, "what the field is; else as the schema says")
    missing: tuple[Text, ...] = required(
        ListOf(Words("a text"), or_single=True, least=1),
        "texts and numbers that mean that there is nothing: `N/A`, `0000-00-00`",
    )

    @classmethod
    def of(cls, type: Text, at: At) -> DeclaredValue:
        """Return a field of which only the type is said."""
        return cls(at.key, type, ())


VALUE: Variants[DeclaredValue] = Variants(
    "what a field is",
    {"missing": DeclaredValue},
    scalar=As(words.VALUE_TYPE, DeclaredValue.of),
)


class WebhookFeed(Construct, what="a feed of webhooks"):
    """What a system sends when something changes."""

    connection: Text = required(
        words.NAME, "the connection that sends a record when it changes", key="webhook"
    )
    topics: tuple[Text, ...] = optional(
        ListOf(words.TOPIC, or_single=True, least=1),
        "what it calls the deliveries that are taken; without, all that it sends",
        key="topic",
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        return feeds.WebhookFeed(self.connection.value, tuple(one.value for one in self.topics))


class FilesFeed(Construct, what="a feed of files"):
    """Files that arrive in a folder."""

    folder: Text = required(
        words.FOLDER,
        "the folder in which files arrive, in the workspace or linked there",
        key="files",
    )
    connection: Text | None = optional(
        words.NAME,
        "the connection to the SFTP server, or the bucket of S3, that has the folder instead",
        key="at",
    )
    pattern: Text = optional(
        words.FILE_NAMES,
        "the names of those that are taken, with `*` and `?`, in the order of their names",
        key="name",
        default="*",
    )
    done: Text = optional(
        words.FOLDER_INSIDE, "the folder in it to which they go once they are taken", default="done"
    )
    still: Duration = optional(
        DURATION, "how long a file has to be as it is, so that it is whole", default="2s"
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        folder, done = self.folder.value.rstrip("/"), self.done.value.rstrip("/")
        at = None if self.connection is None else self.connection.value
        return feeds.FilesFeed(folder, self.pattern.value, done, self.still.seconds, at)


class TapFeed(Construct, what="a feed of a Singer tap"):
    """What a tap writes, a program that speaks as Singer has it."""

    connection: Text | None = constant(None)
    command: tuple[Text, ...] = required(
        ListOf(words.PROSE, least=1),
        "a Singer tap and its arguments, run in the workspace; `--state FILE` is added by itself",
        key="tap",
    )
    stream: Text = required(words.PROSE, "the stream whose records are taken")
    timeout: Duration = optional(
        DURATION, "how long it may say nothing before it is ended", default="10m"
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        command = tuple(one.value for one in self.command)
        return feeds.TapFeed(command, self.stream.value, self.timeout.seconds)


class SqlFeed(Construct, what="a feed of a database"):
    """The rows of a query in a database."""

    connection: Text = required(words.NAME, "the connection to a database that is asked", key="sql")
    query: Text = required(
        words.PROSE, "a `SELECT`: a row is a record, its columns are the members; no `ORDER BY`"
    )
    cursor: Text | tuple[()] = required(
        words.COLUMN,
        "the column that says when a row was last changed, a moment or a number that grows: what"
        " changed is read, in its order",
        unless="read",
    )
    read: Text | None = optional(
        words.READ_ALL, "`all` rows each time, for what no column says changed; instead of `cursor`"
    )
    overlap: Text | None = optional(
        words.OVERLAP,
        "how far each poll looks back behind the one before: a duration where `cursor` is a moment"
        " (10m unless said), a number where it is one (100 unless said)",
        goes_with="cursor",
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        cursor = self.cursor.value if self.cursor else None
        query = self.query.value.strip().rstrip(";").rstrip()
        return feeds.SqlFeed(self.connection.value, query, cursor, *_looks_back(self.overlap))


def _looks_back(overlap: Text | None) -> tuple[float | None, int | None]:
    """Return how far a feed looks back: for so many seconds, or by a number."""
    if overlap is None:
        return None, None
    is_number = overlap.value.isdigit()
    return (None, int(overlap.value)) if is_number else (Duration(overlap).seconds, None)


class NextPage(Construct, what="a next page"):
    """An answer says which page is next."""

    next: Text = required(
        words.MEMBER_PATH,
        "the member of an answer with the address of the next page, or with what `parameter` takes"
        " for it; nothing there ends the list",
    )
    parameter: Text | None = optional(
        words.QUERY_PARAMETER, "the parameter that takes it, where it is no address"
    )

    @property
    def plan(self) -> feeds.Pages:
        """The pages as the runtime has them."""
        return feeds.Pages(
            self.next.value, None if self.parameter is None else self.parameter.value
        )


class NumberedPages(Construct, what="numbered pages"):
    """Pages have numbers."""

    page: Text = required(
        words.QUERY_PARAMETER, "the parameter that counts pages, until one is empty"
    )
    first: ScalarNode | None = optional(Whole(), "the number of the first page; 1 unless said")

    @property
    def plan(self) -> feeds.Pages:
        """The pages as the runtime has them."""
        first = 1 if self.first is None else self.first.whole
        return feeds.Pages(parameter=self.page.value, first=first)


class OffsetPages(Construct, what="pages by their offset"):
    """Pages begin behind so many records."""

    offset: Text = required(
        words.QUERY_PARAMETER, "the parameter that counts records, until a page is empty"
    )

    @property
    def plan(self) -> feeds.Pages:
        """The pages as the runtime has them."""
        return feeds.Pages(parameter=self.offset.value, first=0, is_offset=True)


class LinkedPages(Construct, what="pages that are linked"):
    """The `Link` header of an answer leads to the next page."""

    link: Text = itself(words.LINK)
    plan: feeds.Pages = constant(feeds.Pages())


Paged = NextPage | NumberedPages | OffsetPages | LinkedPages
PAGES: Variants[Paged] = Variants(
    "how pages follow each other",
    {"next": NextPage, "page": NumberedPages, "offset": OffsetPages},
    scalar=LinkedPages,
)


class HttpFeed(Construct, what="a feed of an API"):
    """The records that an API lists."""

    connection: Text = required(words.NAME, "the connection to an API that is asked", key="http")
    path: Text = required(words.LIST_PATH, "the path of the list, which is asked for by `GET`")
    parameters: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(words.PROSE), "parameters", words.QUERY_PARAMETER),
        "parameters that each request has: `{status: any, limit: 250}`",
    )
    records: Text | None = optional(
        words.MEMBER_PATH, "the member of an answer that holds the list; without, the answer is it"
    )
    cursor: Text | tuple[()] = required(
        words.MEMBER_PATH,
        "the member of a record that says when it was last changed: a moment, or a number that"
        " grows",
        unless="read",
    )
    since: Text | tuple[()] = required(
        words.QUERY_PARAMETER,
        "the parameter by which is asked for what changed since then; one under `parameters` is"
        " where the first poll begins",
        unless="read",
    )
    read: Text | None = optional(
        words.READ_ALL, "`all` records each time, for what no member says changed; no `cursor` then"
    )
    overlap: Text | None = optional(
        words.OVERLAP,
        "how far each poll looks back behind the one before: a duration where `cursor` is a moment"
        " (10m unless said), a number where it is one (100 unless said)",
        goes_with="cursor",
    )
    pages: Paged | None = optional(
        PAGES, "how pages follow each other: by the `Link` header unless said"
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        overlap, back = _looks_back(self.overlap)
        return feeds.HttpFeed(
            self.connection.value,
            self.path.value,
            {name.value: value.value for name, value in self.parameters},
            None if self.records is None else self.records.value,
            self.cursor.value if self.cursor else None,
            self.since.value if self.since else None,
            overlap,
            back,
            feeds.Pages() if self.pages is None else self.pages.plan,
        )


class ChangedFeed(Construct, what="a feed of what changed in the ERP"):
    """The records of the ERP that were changed since the last poll."""

    connection: Text | None = constant(None)
    changed: Text = required(
        words.PROSE, "the field that says when a record was last changed: what changed is read"
    )
    overlap: Duration = optional(
        DURATION, "how far each poll looks back behind the one before", default="10m"
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        return feeds.ErpFeed(self.changed.value, self.overlap.seconds)


class WholeFeed(Construct, what="a feed of all records in the ERP"):
    """All records of the ERP, each time."""

    connection: Text | None = constant(None)
    changed: Text | None = constant(None)
    read: Text = required(
        words.READ_ALL,
        "`all` records each time, for what no field says changed, as stock; what is as it was"
        " makes no request",
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        return feeds.ErpFeed()


class PushFeed(Construct, what="a feed of push notifications"):
    """What the ERP says has changed, by itself."""

    connection: Text | None = constant(None)
    changed: Text | None = constant(None)
    query: Text = required(
        words.PROSE,
        "the query of a push notification, as the ERP calls it; its rows have the record's keys,"
        " and the record is read by them",
        key="push",
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        return feeds.PushFeed(self.query.value)


class InquiryFeed(Construct, what="a feed of a generic inquiry"):
    """The rows of a generic inquiry of the ERP, which it exposes by OData."""

    connection: Text | None = constant(None)
    inquiry: Text = required(
        words.INQUIRY,
        "a generic inquiry of the ERP that is exposed via OData, as its address calls it; a row is"
        " a record, its columns are the members",
    )
    cursor: Text | tuple[()] = required(
        words.COLUMN,
        "the column that says when a row was last changed: what changed is read, in its order",
        unless="read",
    )
    read: Text | None = optional(
        words.READ_ALL, "`all` rows each time, for what no column says changed; no `cursor` then"
    )
    overlap: Duration | None = optional(
        DURATION,
        "how far each poll looks back behind the one before; 10m unless said",
        goes_with="cursor",
    )
    span: Span = here()

    @property
    def plan(self) -> feeds.Feed:
        """The feed as the runtime has it."""
        cursor = self.cursor.value if self.cursor else None
        if self.overlap is None:
            return feeds.InquiryFeed(self.inquiry.value, cursor)
        return feeds.InquiryFeed(self.inquiry.value, cursor, self.overlap.seconds)


Feed = (
    InquiryFeed
    | WebhookFeed
    | FilesFeed
    | TapFeed
    | SqlFeed
    | HttpFeed
    | ChangedFeed
    | WholeFeed
    | PushFeed
)
FEED: Variants[Feed] = Variants(
    "a feed",
    {
        "webhook": WebhookFeed,
        "files": FilesFeed,
        "tap": TapFeed,
        "sql": SqlFeed,
        "http": HttpFeed,
        "inquiry": InquiryFeed,
    },
)
ENTITY_FEED: Variants[Feed] = Variants(
    "a feed of the ERP", {"changed": ChangedFeed, "read": WholeFeed, "push": PushFeed}
)


class SourceClause(Construct, what="the source"):
    """What a record is called, its schema, its key for people, what shops wrap it in, its joins.

    With `entity`, records are of that entity of the ERP: then `schema` names the contract, and
    `custom` the fields outside the contract with their types.
    """

    name: Text = required(words.NAME, "what a record is called in expressions")
    schema: Text = required(words.PATH, "its JSON Schema")
    key: Text = required(Formula(), "what people call one record by")
    form: Format = itself(Format)
    group: Group | None = optional(Group, "makes one record of several rows of CSV")
    joins: tuple[Join, ...] = optional(
        MapOf(JOIN, "joins", words.NAME),
        "records of other files that are put into each record, by member",
    )
    values: tuple[DeclaredValue, ...] = optional(
        MapOf(VALUE, "values"),
        "fields that records write in more than one way, and what each is",
    )
    feeds: tuple[Feed, ...] = optional(
        ListOf(FEED, or_single=True, least=1),
        "where records come from by themselves, under `mapgen serve`; several in a list",
        key="feed",
    )
    entity: Text | None = constant(None)
    has_contract: bool = constant(False)
    custom: tuple[tuple[Text, Text], ...] = constant(())


class EntitySource(SourceClause, what="a source in the ERP"):
    """Records that the ERP answers."""

    name: Text = required(words.NAME, "what a record is called in expressions")
    schema: Text = required(words.PROSE, "the pinned contract", key="contract")
    entity: Text = required(words.PROSE, "its entity: records are what the ERP answers")
    has_contract: bool = constant(True)
    key: Text = required(Formula(), "what people call one record by")
    custom: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(words.CUSTOM_TYPE), "custom fields", words.CUSTOM_FIELD),
        "fields outside the contract that the rules read: View.Field and its type",
    )
    feeds: tuple[Feed, ...] = optional(
        ListOf(ENTITY_FEED, or_single=True, least=1),
        "how records are found by themselves, under `mapgen serve`: without, what changed is polled"
        " by the schedule",
        key="feed",
    )
    form: Format = constant(Format.plain())
    values: tuple[DeclaredValue, ...] = constant(())
    group: None = constant(None)


class Setting(Construct):
    """A constant with one value per environment."""

    name: Text = named()
    type: Text = itself(words.SETTING_TYPE)


class ValueColumn(Struct, frozen=True):
    """A column that holds values; `type` None: text."""

    name: Text
    type: Text | None = None

    @property
    def type_name(self) -> str:
        """The name of its type."""
        return "string" if self.type is None else self.type.value.removesuffix("?")

    @property
    def may_be_blank(self) -> bool:
        """Whether a line may have nothing in it."""
        return self.type is not None and self.type.value.endswith("?")


class ValueColumns(Struct, frozen=True):
    """What a key has: one value of no name, or a row of values."""

    columns: tuple[ValueColumn, ...]

    @property
    def is_row(self) -> bool:
        """Whether values have names: there are several, or they have types."""
        return len(self.columns) > 1 or self.columns[0].type is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name.value for column in self.columns)


def _of_names(names: tuple[Text, ...], _: At) -> ValueColumns:
    return ValueColumns(tuple(map(ValueColumn, names)))


_NAMED_COLUMNS = As(ListOf(words.PROSE, or_single=True, least=1), _of_names)
_FIELDS_OF_VALUES = As(ListOf(Words("a field"), or_single=True, least=1), _of_names)
_VALUE_COLUMNS = As(
    OneOrMap(_NAMED_COLUMNS, MapOf(keyed(words.COLUMN_TYPE), "the value columns", least=1)),
    lambda found, at: (
        found
        if isinstance(found, ValueColumns)
        else ValueColumns(tuple(ValueColumn(*one) for one in found))
    ),
)


class LookupTable(Construct, what="a lookup in a file"):
    """A table in a file. A JSON object has no columns: its names are the keys."""

    name: Text = named()
    table: Text = required(words.PATH, "a CSV file, or a JSON file: `.json`")
    key: tuple[Text, ...] = optional(
        ListOf(words.PROSE, or_single=True, least=1),
        "its key column, or several; without, the names of a JSON object are the keys",
    )
    values: ValueColumns | None = optional(
        _VALUE_COLUMNS,
        "its value column, or several: a list of text columns, or `{COLUMN: type}`",
        key="value",
    )

    stable: Text | None = optional(
        words.FLAG, "no entry ever changes: identities may be made of it"
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the key columns."""
        return tuple(column.value for column in self.key)


InlineValue = ScalarNode | tuple[tuple[Text, ScalarNode], ...]


class InlineTable(Construct, what="an inline lookup"):
    """A table written out in the spec. An entry is a value, or values with their columns."""

    name: Text = named()
    entries: tuple[tuple[Text, InlineValue], ...] = required(
        MapOf(
            keyed(OneOrMap(Constant(), MapOf(keyed(Constant()), "the values of a key"))),
            "the entries",
        ),
        "key: value, or key: `{COLUMN: value}`; all values of an `enum` in the source schema have "
        "to be there",
        key="inline",
    )
    values: ValueColumns | None = optional(
        _VALUE_COLUMNS,
        "the columns, where entries have several values: a list, or `{COLUMN: type}`",
        key="value",
    )
    stable: Text | None = optional(
        words.FLAG, "no entry ever changes: identities may be made of it"
    )


class SampleEntry(Construct):
    """A line of a sample: its cells, each with its column; no columns for a key and its value."""

    cells: tuple[tuple[Text | None, Text], ...] = itself(
        MapOf(keyed(As(Constant(), lambda cell, at: cell.text)), "an entry of the sample")
    )
    span: Span = here()


class SamplePair(SampleEntry):
    """A key and its value."""

    cells: tuple[tuple[Text | None, Text], ...] = itself(
        As(Constant(), lambda value, at: ((None, at.key), (None, value.text)))
    )
    span: Span = found(lambda node, at: at.key.span())


class Sample(Construct):
    """What examples and tests look up in the place of what is known only at run time."""

    entries: tuple[SampleEntry, ...] = itself(
        OneOrMap(ListOf(SampleEntry, least=1), MapOf(SamplePair, "the sample"))
    )
    span: Span = found(lambda node, at: at.key.span())


class LedgerTable(Construct, what="a lookup in the ledger"):
    """The documents of another flow: identity to number. `document` as written: `FLOW.DOCUMENT`."""

    name: Text = named()
    document: Text = required(
        words.FLOW_DOCUMENT,
        "the flow whose documents are looked up: by their identity, for their number",
        key="ledger",
    )
    stable: Text | None = optional(
        words.FLAG, "no entry ever changes: identities may be made of it"
    )
    sample: Sample = required(Sample, SAMPLE)


class Query(Construct, what="the query"):
    """What is asked of the ERP: the fields compared with the key, the one that is the value."""

    entity: Text = required(words.PROSE, "the entity of the contract")
    key: tuple[Text, ...] = required(
        ListOf(Words("a field"), or_single=True, least=1),
        "the field that the key is compared with, or several; `LIST.FIELD` is one of rows",
    )
    values: ValueColumns = required(
        _FIELDS_OF_VALUES,
        "the field that is the value, or several, asked for in one request",
        key="value",
    )
    where: tuple[tuple[Text, ScalarNode], ...] = optional(
        MapOf(keyed(Constant()), "conditions"), "field: constant, for records that do not count"
    )


class TenantTable(Construct, what="a lookup in the tenant"):
    """Records of the ERP."""

    name: Text = named()
    query: Query = required(Query, "what is asked of the ERP, once for each key", key="tenant")
    stable: Text | None = optional(
        words.FLAG, "no entry ever changes: identities may be made of it"
    )
    sample: Sample = required(Sample, SAMPLE)


RemoteTable = LedgerTable | TenantTable
DeclaredTable = LookupTable | InlineTable | RemoteTable

LOOKUP: Variants[DeclaredTable] = Variants(
    "a lookup",
    {"table": LookupTable, "inline": InlineTable, "ledger": LedgerTable, "tenant": TenantTable},
)


class Skip(Construct, what="a skip"):
    """A condition that leaves a record out."""

    when: Text = required(Formula(), "the condition")
    because: Text | Reason = required(REASON, "the reason, for people")
    pointer: str = pointer()


# What goes out.


class Operation(Struct, frozen=True):
    """What is done with documents, and where the spec says so."""

    text: Text
    does: plan.Operation

    @property
    def creates(self) -> bool:
        """Whether a document that is absent is made."""
        return self.does.creates

    @property
    def updates(self) -> bool:
        """Whether a document that is there is changed: what is sent meets what it has."""
        return self.does.updates


def _operation(text: Text, _: At) -> Operation:
    return Operation(text, plan.OPERATIONS[text.value])


class Send(Construct, what="how documents are sent"):
    """Requests by which an HTTP API takes documents; `written` are those that the spec has."""

    to: Text = required(words.NAME, "the connection, a file in connections/")
    create: Text | None = optional(
        words.REQUEST,
        "the request that makes a document: method and path, in which `{FIELD}` is a field of the"
        " document and `{identity}` its identity",
    )
    update: Text | None = optional(
        words.REQUEST,
        "the request that changes a document that is there; `{KEY}` is one of its `keys`",
    )
    set: Text | None = optional(
        words.REQUEST,
        "the one request that comes to the same however often it is sent, whether the document is"
        " there or not",
    )
    find: Text | None = optional(words.LOOK_UP, "the request that shows whether it is there")
    found: Text | None = optional(
        words.MEMBER_PATH,
        "where the answer to `find` has the document, or a list of documents; without, it is that"
        " itself",
        goes_with="find",
    )
    known_by: tuple[Text, ...] = optional(
        ListOf(words.MEMBER_PATH, or_single=True, least=1),
        "the members of a document found that hold its identity, where they are called otherwise"
        " than the fields of the identity",
        goes_with="find",
    )
    wrap: Text | None = optional(
        words.MEMBER_PATH, "the member that a document is sent in, and answered in"
    )
    keys: tuple[Text, ...] = optional(
        ListOf(words.MEMBER_PATH, or_single=True, least=1),
        "members of an answer that are kept as keys of the document; people call it by the first",
    )
    idempotency_key: Text | None = optional(
        words.HEADER,
        "the header by which the API knows a request that it has had before; it makes no second"
        " document then",
        goes_with="create",
    )
    kind: TargetKind = constant(TARGETS["http"])
    span: Span = here()

    @property
    def way(self) -> tuple[str, str | None]:
        """What is alike of documents that go one way."""
        return self.kind.name, self.to.value


class FileSend(Construct, what="how documents are written into files"):
    """Files that documents are written into, those of a portion into one."""

    folder: Text = required(
        words.FOLDER,
        "the folder that files are written into, in the workspace or linked there",
        key="files",
    )
    connection: Text | None = optional(
        words.NAME,
        "the connection to the SFTP server, or the bucket of S3, that has the folder instead",
        key="at",
    )
    format: Text = required(
        words.WRITTEN_FORMAT,
        "what files are: `jsonl`, a document a line, or `csv`, a document a row below its names",
    )
    name: Text | None = optional(
        words.WRITTEN_NAME,
        "how files are called, with `{part}`, which no two have alike, `{moment}` and `{date}` when"
        " they were begun (UTC), and `{flow}`; `{flow}-{moment}-{part}` and its format unless said",
    )
    delimiter: Text | None = optional(
        words.DELIMITER, "what separates the cells of CSV; a comma unless said"
    )
    formulas: Text | None = optional(
        words.FORMULAS,
        "what of text in CSV that a spreadsheet would run: `reject` (unless said) the document, or"
        " `keep` it as it is",
    )
    kind: TargetKind = constant(TARGETS["file"])
    span: Span = here()

    @property
    def way(self) -> tuple[str, str | None]:
        """What is alike of documents that go one way."""
        return self.kind.name, None if self.connection is None else self.connection.value

    @property
    def form(self) -> WrittenFormat:
        """What holds for files of its format."""
        return WRITTEN[self.format.value]

    @property
    def written(self) -> dict[str, Text]:
        """The keys that are for files of some formats only."""
        keys = {"delimiter": self.delimiter, "formulas": self.formulas}
        return {key: text for key, text in keys.items() if text is not None}


SEND: Variants[Send | FileSend] = Variants(
    "how documents are sent", {"to": Send, "files": FileSend}
)


class Calculated(Construct, what="a value of the record"):
    """What each record has a value for."""

    value: Text = required(Formula(), "an expression")
    pointer: str = pointer()


BRANCH: Variants[Text | Calculated] = Variants(
    "a branch", {"value": Calculated}, scalar=words.BRANCH
)


class TargetClause(Construct, what="the target"):
    """The entity of the pinned contract and what is done with it.

    Where documents go out of the ERP, `contract` names a JSON Schema, and `entity` is what a
    document is called.
    """

    contract: Text = required(words.PROSE, "the pinned contract")
    entity: Text = required(words.PROSE, "the entity")
    operation: Operation = required(
        As(words.OPERATION, _operation),
        "; ".join(one.doc for one in plan.OPERATIONS.values()),
    )
    branch: Text | Calculated | None = optional(
        BRANCH,
        "the branch of the ERP that the documents belong to, `settings.NAME` for one an"
        " environment, or `{value: EXPRESSION}` for one a record; without it, that of the user",
    )
    send: Send | FileSend | None = constant(None)
    kind: TargetKind = constant(TARGETS["erp"])

    @property
    def requests(self) -> Send | None:
        """How documents are sent, where it is by requests to an API."""
        return self.send if isinstance(self.send, Send) else None


def _kind_of(node: Node, at: At) -> TargetKind:
    """Return the kind of a target outside the ERP: where its documents are sent, if anywhere."""
    sent = mapping(node).get("send")
    return TARGETS["json"] if sent is None else SEND.bind(sent, at).kind


class OutsideTarget(TargetClause, what="a target outside the ERP"):
    """A document outside the ERP."""

    contract: Text = required(words.PATH, "the JSON Schema of a document", key="schema")
    entity: Text = required(words.DOCUMENT_NAME, "a document's name", key="name")
    branch: Text | Calculated | None = constant(None)
    send: Send | FileSend | None = optional(
        SEND, "where documents are sent, and how; or into which files they are written"
    )
    kind: TargetKind = found(_kind_of)


class IdentityPart(Struct, frozen=True):
    """A field of the identity, and its value."""

    field: Text
    value: Text
    pointer: str


class Identity(Construct, what="the identity"):
    """The target field that tells documents apart, its value, and who else makes them."""

    field: Text = required(words.PROSE, "the target field that carries it")
    value: Text = required(Formula(), "an expression over fields that never change")
    owner: Text | None = optional(
        words.FLOW_DOCUMENT,
        "the flow, or the flow and its document, that makes the documents with this identity;"
        " this flow creates none",
    )
    pointer: str = pointer("/value")

    @property
    def parts(self) -> tuple[IdentityPart, ...]:
        """The fields that it consists of, the first one first."""
        return (IdentityPart(self.field, self.value, self.pointer),)


def _first_entry(at: int) -> Callable[[Node, At], Text]:
    def find(node: Node, _: At) -> Text:
        fields = mapping(node).get("fields")
        entry = mapping(cast(Node, fields)).entries[0]
        return entry.key if at == 0 else cast(ScalarNode, entry.value).text

    return find


class JointIdentity(Identity, what="an identity of several fields"):
    """Several target fields that tell documents apart together; the first counts by itself."""

    fields: tuple[tuple[Text, Text], ...] = required(
        MapOf(keyed(Formula()), "the fields of the identity", least=1),
        "target field: expression; the first is one that identities are in, the others narrow it",
    )
    field: Text = found(_first_entry(0))
    value: Text = found(_first_entry(1))
    pointer: str = pointer("/fields")

    @property
    def parts(self) -> tuple[IdentityPart, ...]:
        """The fields that it consists of, the first one first."""
        return tuple(
            IdentityPart(field, value, f"{self.pointer}/{field.value}")
            for field, value in self.fields
        )


IDENTITY: Variants[Identity] = Variants("an identity", {"field": Identity, "fields": JointIdentity})


class DocumentRows(Construct):
    """The source list that a document is made for each row of."""

    source: Text = required(
        Formula(), "a source list: each of its rows becomes a document", key="each", goes_with="as"
    )
    alias: Text = required(words.NAME, "what one row is called inside", key="as", goes_with="each")
    where: Text | None = optional(Formula(), "which rows become a document", goes_with="each")


class Action(Construct, what="the undo"):
    """An action of the ERP."""

    action: Text = required(words.PROSE, "an ERP action")


class Undo(Construct, what="an undo"):
    """Documents can be taken back."""

    undo: Action = required(Action, "the action that takes a document back")


class Irreversible(Construct, what="an irreversible flow"):
    """Documents cannot be taken back."""

    irreversible: Text = required(words.PROSE, "why")


ROLLBACK: Variants[Undo | Irreversible] = Variants(
    "the rollback", {"undo": Undo, "irreversible": Irreversible}
)
TAKEN_BACK = "how a document is taken back; needed"


class Shows(Struct, frozen=True):
    """A field of a document, and the values of which one shows that a step is done."""

    field: Text
    values: tuple[Text, ...]


GIVEN: Variants[ScalarNode | Calculated] = Variants(
    "a parameter", {"value": Calculated}, scalar=Constant()
)


class Step(Construct, what="a step"):
    """What is done with a document once it is there, once."""

    name: Text = constant(Text.plain(""))
    when: Text | None = optional(
        Formula(), "the condition; where it does not hold, the step is not done"
    )
    rollback: Undo | Irreversible | None = optional(
        ROLLBACK, "how the step is taken back; without it, it goes with its document"
    )
    pointer: str = pointer()

    @property
    def requests(self) -> int:
        """How many requests to the ERP it costs a document, besides the look-up before it."""
        return 1


class ActionStep(Step, what="a step"):
    """An action of the ERP."""

    name: Text = required(words.PROSE, "an ERP action of the entity, done once", key="action")
    given: tuple[tuple[Text, ScalarNode | Calculated], ...] = optional(
        MapOf(keyed(GIVEN), "parameters"),
        "parameters of the action, each with a constant, or with `{value: EXPRESSION}`",
        key="with",
    )
    until: tuple[Shows, ...] = optional(
        As(
            MapOf(keyed(ListOf(words.PROSE, or_single=True, least=1)), "fields"),
            lambda pairs, _: tuple(Shows(field, values) for field, values in pairs),
        ),
        "fields of the document, and the values of which one shows that it is done; without it, an"
        " action without an answer waits for a person",
        default=(),
    )

    @property
    def requests(self) -> int:
        """How many requests it costs: its own, and one that shows whether it is done."""
        return 1 + bool(self.until)


class Attachment(Step, what="an attachment"):
    """A file that is attached to the document."""

    name: Text = required(
        words.NAME, "what the step is called; the file is attached once", key="attach"
    )
    file: Text = required(Formula(), "the name that the file has in the ERP, an expression")

    @property
    def requests(self) -> int:
        """How many requests it costs: its own, and the list of files before and after it."""
        return 3


class AttachedText(Attachment, what="a file that the record has"):
    """A file whose bytes are in the record."""

    content: Text = required(
        Formula(), "the bytes as base64, an expression; where it is missing, nothing is attached"
    )


class AttachedFile(Attachment, what="a file that lies elsewhere"):
    """A file that is read when it is attached."""

    path: Text = required(
        Formula(),
        "the path of the file below the folder, or its address at the API, an expression; where it"
        " is missing, nothing is attached",
    )
    folder: Text | None = optional(
        words.FOLDER,
        "the folder of the workspace, or of the connection, that the path begins in",
        key="in",
    )
    connection: Text | None = optional(
        words.NAME,
        "the connection to the SFTP server, the bucket of S3, or the HTTP API that has the file",
        key="from",
    )


STEP: Variants[Step] = Variants(
    "a step", {"action": ActionStep, "content": AttachedText, "path": AttachedFile}
)
STEPS = "what follows once the document is there, in this order: actions of the ERP, attachments"


class Body(Construct):
    """What every document has, the only one of a flow too."""

    target: TargetClause = required(
        Variants[TargetClause]("the target", {"entity": TargetClause, "schema": OutsideTarget}),
        "what goes out",
    )
    identity: Identity = required(
        IDENTITY, "how a document is recognised, so that nothing is created twice"
    )
    then: tuple[Step, ...] = optional(ListOf(STEP, or_single=True, least=1), STEPS)
    part: Part = itself(Part)
    checks: tuple[Check, ...] = optional(CHECKS, "what has to hold for a document as a whole")


class Document(Body, what="a document"):
    """One document that a record becomes; `pointer` leads to it: `mapping/documents/location`.

    `when` says for which records it is made, `rows` of which list each row makes one, `after` which
    documents of the same record have to be in the ERP first.
    """

    name: Text = named()
    pointer: str = pointer()
    when: Text | None = optional(Formula(), "the condition; where it does not hold, it is not made")
    rows: DocumentRows | None = itself(
        DocumentRows, lambda node, at: _where_written("each", DocumentRows, node, at)
    )
    after: tuple[Text, ...] = optional(
        ListOf(words.NAME, or_single=True, least=1),
        "documents of the same record that have to be in the ERP first",
    )
    rollback: Undo | Irreversible | None = optional(
        ROLLBACK, "how this one is taken back; without it, as `security.rollback` says"
    )

    @property
    def block(self) -> Block:
        """What each of the documents is made for."""
        rows = self.rows
        return Block(
            lists=() if rows is None else (Listed(rows.alias, rows.source),),
            called=None,
            condition=None if rows is None else rows.where,
            lets=(),
            checks=(),
            part=self.part,
            span=self.target.entity.span(),
            pointer=self.pointer,
            narrows=False,
        )

    @property
    def owner(self) -> Text | None:
        """What makes the documents with this identity, where this flow does not."""
        return self.identity.owner

    @property
    def creates(self) -> bool:
        """Whether this flow makes the document in the ERP where it is absent."""
        target = self.target
        return target.kind.keeps_documents and target.operation.creates and self.owner is None

    @property
    def rights(self) -> Mapping[str, str]:
        """The rights at the ERP's entity that it takes, each with the reason."""
        if not self.target.kind.keeps_documents:
            return {}
        updates = self.target.operation.updates and self.owner is None
        return {
            **({"insert": "it creates them"} if self.creates else {}),
            **({"update": "it changes those that are there"} if updates else {}),
            **{right: f"`{name}` follows" for right, name in self._rights_of_steps.items()},
            "read": "it looks documents up by their identity",
        }

    @property
    def _rights_of_steps(self) -> Mapping[str, str]:
        """The rights that steps take, each with the first step that does."""
        found: dict[str, str] = {}
        for step in self.then:
            right = "act" if isinstance(step, ActionStep) else "update"
            found.setdefault(right, step.name.value)
        return found


class Ignore(Struct, frozen=True):
    """A source path that is not used, and why; `of` is the set that it comes from."""

    path: Text
    reason: Text
    of: Text | None = None


def _ignored(node: Node, at: At) -> tuple[Ignore, ...]:
    """Return what one key of `ignore` says: a reason of several paths, or a path."""
    if isinstance(node, ListNode):
        return tuple(Ignore(shapes.scalar(path).text, at.key) for path in node.items)
    return (Ignore(at.key, shapes.scalar(node).text),)


class Ignored(Construct):
    """A source path with its reason, or a reason with a list of the paths that have it."""

    ignores: tuple[Ignore, ...] = itself(ListOf(words.PROSE, or_single=True, least=1), _ignored)


SETS = ListOf(words.NAME, or_single=True, least=1)
_KNOWN_SETS = {"use": Key(SETS, "sets of ignored fields that are named")}


def _sets(node: Node) -> tuple[Text, ...]:
    ignores = shapes.mapping(node).get("ignore")
    found = None if ignores is None else shapes.mapping(ignores).get("use")
    return () if found is None else SETS.bind(found, At("", Text.plain("use")))


class Example(Construct, what="an example"):
    """A record and the document it becomes, both files beside the spec."""

    name: Text = required(words.PROSE, "the situation")
    given: Text = required(words.PATH, "a source record, a JSON file beside the spec")
    gives: Text = required(words.PATH, "the document it becomes, or several by name, a JSON file")


class _Pair(Construct):
    """Two files of one name, and the situation that they show."""

    stem: Text = named()
    name: Text = itself(words.PROSE)


class _Examples(Construct, what="`mapping:`"):
    """Examples as they are written: each with its files, or what two files show by their name."""

    written: tuple[Example, ...] | tuple[_Pair, ...] = required(
        OneOrMap[tuple[Example, ...], _Pair](
            ListOf(Example, least=1), MapOf(_Pair, "examples", words.STEM, least=1)
        ),
        "records and the documents they become: each with `name`, `given` and `gives`, or "
        "`PATH: the situation` for the record PATH.json and the document PATH.ENTITY.json, "
        "PATH.documents.json where there are `documents`",
        key="examples",
    )


def _examples(node: Node, at: At) -> tuple[Example, ...]:
    """Return the examples of a mapping; what it makes tells how files of pairs end."""
    mapping = shapes.mapping(node)
    target = mapping.get("target")
    of = target if isinstance(target, MapNode) else mapping
    entity = of.get("entity") or of.get("name")
    made = entity.value if isinstance(entity, ScalarNode) else "documents"
    return tuple(
        (
            one
            if isinstance(one, Example)
            else Example(
                name=one.name,
                given=one.stem.followed_by(".json"),
                gives=one.stem.followed_by(f".{made}.json"),
            )
        )
        for one in _Examples.bind(node, at).written
    )


class Reject(Construct, what="a reject"):
    """A record that must be rejected, with words of the message and perhaps the target."""

    name: Text = required(words.PROSE, "the situation")
    given: Text = required(words.PATH, "a source record, a JSON file beside the spec")
    because: Text = required(words.PROSE, "part of the message of one of its errors")
    target: Text | None = optional(words.PROSE, "the target path of that error")


def _alone(node: Node, at: At) -> Document | None:
    """Return the document of a mapping that makes one of a record."""
    if shapes.mapping(node).get("documents") is not None:
        return None
    return Document.bind(node, At(at.pointer, Text.plain(ONLY)))


class MappingSection(Construct, what="`mapping:`", instead=("documents", Body)):
    """M: what becomes of a record."""

    source: SourceClause = required(
        Variants[SourceClause]("the source", {"schema": SourceClause, "entity": EntitySource}),
        "what comes in",
    )
    settings: tuple[Setting, ...] = optional(
        MapOf(Setting, "settings", words.NAME), "constants with one value per environment"
    )
    lookups: tuple[DeclaredTable, ...] = optional(
        MapOf(LOOKUP, "lookups", words.NAME), "tables that translate one value into another"
    )
    lets: tuple[Let, ...] = optional(LETS, "names for expressions used more than once", key="let")
    skips: tuple[Skip, ...] = optional(
        ListOf(Skip), "records that are left out, and why", key="skip"
    )
    alone: Document | None = itself(Body, _alone)
    several: tuple[Document, ...] = optional(
        MapOf(Document, "documents", words.NAME, least=1),
        "instead of `target` to `checks`: several documents of one record, by name",
        key="documents",
    )
    uses: tuple[Text, ...] = optional(
        ListOf(words.PATH), "files of parts whose parts, expressions and ignores the flow uses"
    )
    definitions: tuple[Definition, ...] = optional(
        MapOf(Definition, "parts", words.NAME), "parts that this flow alone uses", key="parts"
    )
    functions: tuple[NamedExpression, ...] = optional(
        MapOf(NamedExpression, "functions", words.NAME),
        "expressions that this flow calls like functions",
    )
    ignores: tuple[Ignore, ...] = optional(
        As(replace(_IGNORES, known=_KNOWN_SETS), _all_ignored),
        "source fields not used: `PATH: reason`, or `REASON: [PATH, …]`; `use` names sets of them",
        key="ignore",
        default=(),
    )
    ignore_sets: tuple[Text, ...] = found(lambda node, at: _sets(node))
    examples: tuple[Example, ...] = itself(_Examples, _examples)
    rejects: tuple[Reject, ...] = optional(ListOf(Reject), "records that must be rejected")
    span: Span = here()

    @property
    def documents(self) -> tuple[Document, ...]:
        """Return the documents that a record becomes."""
        return self.several if self.alone is None else (self.alone,)

    @property
    def sent_to(self) -> str | None:
        """The connection by which documents go elsewhere than into the ERP, where they are sent."""
        sends = (one.target.send for one in self.documents)
        return next((send.way[1] for send in sends if send is not None), None)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of all documents."""
        return tuple(rule for document in self.documents for rule in document.part.rules)


# Where it goes, how much, and what happens on failure.


class Access(Construct):
    """The rights on one entity."""

    entity: Text = named()
    rights: tuple[Text, ...] = itself(ListOf(words.RIGHT))


class Auth(Construct, what="`auth:`"):
    """A: the connection, and the rights where they are written (`access_at`: at which key)."""

    target: Text = required(words.NAME, "the connection, a file in connections/", shared=True)
    access: tuple[Access, ...] = optional(
        MapOf(Access, "access"),
        "the rights the flow has, by entity; without, those it needs, which `generate` writes down",
    )
    access_at: Text | None = key_of("access")
    span: Span = here()


class Volume(Construct, what="`volume:`"):
    """How much comes."""

    peak_per_minute: ScalarNode = required(Whole(1), "documents in the busiest minute")
    per_day: ScalarNode = required(Whole(1), "documents on the busiest day")


class Latency(Construct, what="`latency:`"):
    """How soon documents have to be there."""

    p95: Duration = required(DURATION, "95 of 100")


class Thresholds(Construct, what="`alerts:`"):
    """When a person is called: what is measured each minute, and beyond which value."""

    failure_rate: Text | None = optional(
        words.SHARE_ABOVE, "rejected and dead-lettered, of what ended in the last hour"
    )
    dead_letters: Text | None = optional(words.COUNT_ABOVE, "dead-lettered, and not seen to")
    lag: Text | None = optional(words.AGE_ABOVE, "age of the oldest that waits to be sent")

    @property
    def plan(self) -> dict[str, float]:
        """The thresholds by what is measured: a share, a number, seconds."""
        found = {
            "failure_rate": self.failure_rate,
            "dead_letters": self.dead_letters,
            "lag": self.lag,
        }
        return {name: _beyond(one.value) for name, one in found.items() if one is not None}


def _beyond(threshold: str) -> float:
    number = threshold.lstrip("> ")
    if number.endswith("%"):
        return float(Decimal(number[:-1]) / 100)
    return float(number) if number.isdigit() else seconds_of(number)


class Reconcile(Construct, what="`reconcile:`"):
    """When the books of a flow are compared with those of the ERP."""

    schedule: Text = required(
        words.MOMENTS,
        "when: `daily at 03:30`, `every hour`, and whatever else a schedule may be; the documents"
        " that the ledger knows as sent are looked up, and those listed that it does not know",
    )
    since: Duration = optional(
        DURATION, "how far back documents are compared, by when they were changed", default="7d"
    )
    alert: Text = optional(
        words.COUNT_ABOVE,
        "how many may be missing, extra, different or unclear before a person is called",
        default="> 0",
    )


class Performance(Construct, what="`performance:`"):
    """P: how much, how soon, in what portions."""

    mode: Text = required(
        words.MODE,
        "how it is operated; a `batch` takes its time where a peak exceeds the licence",
        shared=True,
    )
    schedule: Text | None = optional(
        words.SCHEDULE,
        "when it is started, for operators: `on demand`, `every hour`, "
        "`every 5 minutes`, `daily at 06:30`, `every monday at 06:30`, "
        "`monthly on 1 at 06:30`, `cron 30 6 * * 1-5`; behind it `, after FLOW`",
        shared=True,
    )
    volume: Volume = required(Volume, "how much comes")
    latency: Latency | None = optional(Latency, "how soon", shared=True)
    batch_size: ScalarNode = optional(
        Whole(1), "documents claimed at once", default="100", shared=True
    )
    concurrency: ScalarNode | None = optional(Whole(1), "requests at the same time", shared=True)
    alerts: Thresholds | None = optional(Thresholds, "when to call a person", shared=True)
    reconcile: Reconcile | None = optional(
        Reconcile, "when the books are compared with the ERP, by `mapgen serve`"
    )

    @property
    def thresholds(self) -> dict[str, float]:
        """Beyond what a person is called, by what is measured."""
        alerts = {} if self.alerts is None else self.alerts.plan
        books = (
            {} if self.reconcile is None else {"unreconciled": _beyond(self.reconcile.alert.value)}
        )
        return alerts | books


class DataClass(Construct):
    """A source path whose values must not be seen; `of` is the part that says so."""

    path: Text = named()
    kind: Text = itself(words.DATA_CLASS)
    of: Text | None = constant(None)


class Retry(Construct, what="`retry:`"):
    """How often what is transient is tried, and the waits between."""

    attempts: ScalarNode = required(Whole(1), "how often")
    first: Duration = required(DURATION, "first wait")
    ceiling: Duration = required(DURATION, "longest wait")


class CircuitBreaker(Construct, what="`circuit_breaker:`"):
    """When the ERP is left alone, and for how long."""

    failures: ScalarNode = required(Whole(1), "how many")
    within: Duration = required(DURATION, "in what time")
    cool_down: Duration = required(DURATION, "how long to stay away")


class DeadLetter(Construct, what="`dead_letter:`"):
    """How long dead letters are kept."""

    keep: Duration = required(DURATION, "how long")

    @property
    def days(self) -> int:
        """How many days that is."""
        return max(1, round(self.keep.seconds / DAY))


UNSEEN = "source fields that must not be seen in logs and rejects; needed, `{}` for none"


class Security(Construct, what="`security:`"):
    """S: what is secret, and what happens on failure."""

    # Needed: the checks miss it, which know what belongs there.
    data: tuple[DataClass, ...] = optional(MapOf(DataClass, "data classes"), UNSEEN)
    data_at: Span | None = found(
        lambda node, at: (
            None if shapes.mapping(node).get("data") is None else _value_span(node, "data")
        )
    )
    retry: Retry = optional(
        Retry,
        "what is transient is tried again",
        default={"attempts": "6", "first": "1s", "ceiling": "300s"},
        shared=True,
    )
    circuit_breaker: CircuitBreaker = optional(
        CircuitBreaker,
        "when to leave the ERP alone",
        default={"failures": "10", "within": "60s", "cool_down": "30s"},
        shared=True,
    )
    dead_letter: DeadLetter = optional(
        DeadLetter, "what becomes of dead letters", default={"keep": "30d"}, shared=True
    )
    verify: Text | None = optional(
        words.VERIFY,
        "what it means that the ERP saved something else than was sent: `strict` wants a"
        " person, `warn` (where it is left out) tells it, `off` does not compare",
        shared=True,
    )
    # Needed: the checks miss it, which know whether its entity, which may say it, is one.
    rollback: Undo | Irreversible | None = optional(ROLLBACK, TAKEN_BACK, shared=True)
    span: Span = here()


# Files.


class Borrowed(Struct, frozen=True):
    """Another file whose words are a spec's, and where the spec says so."""

    path: str
    reported: Label


class Extends(Construct, what="`extends:`"):
    """The flow that this one is like, and what that meant when this was written."""

    spec: Text = required(words.PATH, "the spec of the flow that this one is like")
    meaning: Text = required(
        words.MEANING, "what that means: its hash in generated/manifest.json, of 64 digits"
    )


class Change(Construct):
    """A change of the base, at its path, and why; `value` is what is there then."""

    path: Text = named()
    because: Text = required(words.PROSE, "why this flow differs, for reviewers")
    value: Node | None = constant(None)
    does: str = constant("remove")


class Replace(Change, what="a replacement"):
    """What the base has becomes something else."""

    value: Node = required(Anything(), "what comes in its place", key="replace")
    does: str = constant("replace")


class Add(Change, what="an addition"):
    """What the base has not."""

    value: Node = required(Anything(), "what comes there", key="add")
    does: str = constant("add")


class Remove(Change, what="a removal"):
    """What the base has is left out."""

    mark: Text = required(words.FLAG, "what is there is left out", key="remove")


class Overlay(Construct, what="an overlay"):
    """A flow that is another one but for some changes."""

    maps: Text = required(Words("version"), "the version of the language: 1")
    flow: Text = required(words.NAME, "the flow's name")
    summary: Text | None = optional(words.PROSE, "one sentence for people, where it differs")
    owner: Text | None = optional(words.PROSE, "who answers for it, where that differs")
    extends: Extends = required(Extends, "the flow that this one is like")
    changes: tuple[Change, ...] = optional(
        MapOf(
            Variants[Change]("a change", {"replace": Replace, "add": Add, "remove": Remove}),
            "changes",
        ),
        "what differs, by the path in that flow: `mapping.fields.Details.fields.WarehouseID`",
        key="change",
    )
    root: MapNode = found(lambda node, at: shapes.mapping(node))


class Spec(Construct, what="a spec"):
    """One flow as written.

    Where the rules of parts have been put in place, `shared` are the paths of what these are made
    of: files of parts, and the schemas of parameters.
    """

    maps: Text = required(Words("version"), "the version of the language: 1")
    flow: Text = required(words.NAME, "the flow's name")
    summary: Text = required(words.PROSE, "one sentence for people")
    owner: Text = required(words.PROSE, "who answers for it")
    mapping: MappingSection = required(MappingSection, "M: what becomes of a record")
    auth: Auth = required(Auth, "A: where it goes, with which rights", shared=True)
    performance: Performance = required(Performance, "P: how much, how fast")
    security: Security = required(
        Security, "S: what is secret, what happens on failure", shared=True
    )
    source: Source = found(lambda node, at: node.span.source)
    beside: tuple[Borrowed, ...] = constant(())
    overlay: Overlay | None = constant(None)
    shared: tuple[str, ...] = constant(())


SPEC: Variants[Spec | Overlay] = Variants("a spec", {"mapping": Spec, "extends": Overlay})


# What says how documents of an entity are taken back, and means nothing of others.
_OF_AN_ENTITY = "rollback"


def _shared(section: type[Construct]) -> Record:
    """Return what of a section may be said once for all flows: each key may be left out."""
    record = record_of(section)
    keys = {
        name: replace(key, is_required=False)
        for name, key in record.keys.items()
        if key.is_shared and name != _OF_AN_ENTITY
    }
    return Record(f"the defaults of {record.what}", keys)


class Shared(Construct, what="defaults of a connection"):
    """What flows take that do not say it themselves, by section; none of it is a value yet."""

    performance: MapNode | None = optional(_shared(Performance), "P, where a flow does not say it")
    security: MapNode | None = optional(_shared(Security), "S, where a flow does not say it")


class SharedOf(Shared, what="defaults of a connection"):
    """What flows of one connection take instead."""

    connection: Text = named()


class SharedByMode(Shared, what="defaults of a mode"):
    """What flows of one mode take instead."""

    mode: Text = named()


class SharedByEntity(Construct, what="defaults of an entity"):
    """What flows take that write documents of one entity."""

    entity: Text = named()
    security: MapNode = required(
        Record(
            "the defaults of an entity's `security:`",
            {
                _OF_AN_ENTITY: replace(
                    record_of(Security).keys[_OF_AN_ENTITY], is_required=True, is_shared=False
                )
            },
        ),
        "S, where a flow does not say it",
    )


class Classified(Construct, what="data classes of a schema"):
    """What of the records of a schema must not be seen, whichever flow reads them."""

    schema: Text = named()
    personal: tuple[Text, ...] = optional(
        ListOf(words.PROSE), "paths below the record of what tells of a person"
    )
    confidential: tuple[Text, ...] = optional(
        ListOf(words.PROSE), "paths below the record of what else must not be seen"
    )


class Defaults(Shared, what="the defaults"):
    """The file defaults.yaml: what flows take that do not say it themselves."""

    defaults: Text = required(Words("version", choices=("1",)), "the version of the file: 1")
    auth: MapNode | None = optional(_shared(Auth), "the connection of flows that name none")
    connections: tuple[SharedOf, ...] = optional(
        MapOf(SharedOf, "connections", words.NAME),
        "what flows of one connection take instead, by its name",
    )
    modes: tuple[SharedByMode, ...] = optional(
        MapOf(SharedByMode, "modes", Words("mode", "|".join(words.MODE.choices), "batch")),
        "what flows of one mode take instead, where the connection does not say it",
    )
    entities: tuple[SharedByEntity, ...] = optional(
        MapOf(SharedByEntity, "entities"),
        "how documents of an entity are taken back, for flows that do not say it: by its name",
    )
    classified: tuple[Classified, ...] = optional(
        MapOf(Classified, "data classes", words.PATH),
        "data classes by source schema: a flow that reads records of the schema, as its source or "
        "a join, has them beside its own `security.data`, which it may leave out; `{}` for none",
        key="data",
    )
    source: Source = found(lambda node, at: node.span.source)


class SignIn(Construct, what="how requests are let in"):
    """A header of the system's own that holds the token; or a way that has a `name`."""

    header: Text = required(words.HEADER, "the header that holds the token")
    name: Text | None = constant(None)


def _named_sign_in(text: Text, _: At) -> SignIn:
    return SignIn(header=text, name=text)


SIGN_IN: Variants[SignIn] = Variants(
    "how requests are let in",
    {"header": SignIn},
    scalar=As(Words("a way to be let in", choices=tuple(SIGN_INS)), _named_sign_in),
)


class Connection(Construct, what="a connection"):
    """A file of connections/: what kind of system, how a session is opened or requests let in."""

    name: Text = required(words.NAME, "its name", key="connection")
    kind: Text = required(Words("kind of system", choices=tuple(CONNECTIONS)), "what it is")
    grant: Text | None = optional(
        Words("grant", choices=("password",)), "of an ERP: how a session is opened"
    )
    scope: Text = optional(words.PROSE, "of an ERP: OAuth scope", default="api offline_access")
    sign_in: SignIn | None = optional(
        SIGN_IN,
        "of an HTTP API: how requests are let in; `bearer`, `basic`, `none`, or `header: NAME`; of"
        " an SFTP server, how the user is: `password` or `key`",
    )
    source: Source = found(lambda node, at: node.span.source)

    @property
    def says_all(self) -> bool:
        """Whether it says how requests are let in, where it has to, and by a way of its kind."""
        return not CONNECTIONS[self.kind.value].sign_ins or self._is_let_in

    @property
    def _is_let_in(self) -> bool:
        own = self.sign_in
        way = None if own is None or own.name is None else own.name.value
        return own is not None and CONNECTIONS[self.kind.value].is_let_in(way)

    @property
    def needs(self) -> tuple[str, ...]:
        """The values that an environment has to give."""
        kind = CONNECTIONS[self.kind.value]
        return kind.needs + (() if self.lets_in is None else self.lets_in.needs)

    @property
    def lets_in(self) -> connections.SignIn | None:
        """How each request is let in; None where a session is opened, or nothing is requested."""
        own = self.sign_in
        if own is None or not self._is_let_in:
            return CONNECTIONS[self.kind.value].sign_in
        return (
            connections.SignIn(("token",), own.header.value)
            if own.name is None
            else SIGN_INS[own.name.value]
        )


class Reference(Construct, what="a reference"):
    """A value of an environment file: written out, or the name of an environment variable."""

    text: Text = required(
        words.VARIABLE, "the environment variable that holds the value", key="env"
    )
    is_variable: bool = constant(True)


REFERENCE: Variants[Reference] = Variants(
    "a value or a reference",
    {"env": Reference},
    scalar=As(Words("a value"), lambda text, at: Reference(text, is_variable=False)),
)


class Limits(Construct, what="`limits:`"):
    """What the licence allows, and how long requests take."""

    requests_per_minute: ScalarNode = required(Whole(1), "of the licence")
    concurrent_requests: ScalarNode = required(Whole(1), "of the licence")
    request_timeout: Duration = required(DURATION, "longest request")
    settle: Duration = required(DURATION, "how long an unanswered request may still take effect")


class Licence(Limits, what="`limits:`"):
    """What the ERP's licence allows besides."""

    sessions: ScalarNode | None = optional(
        Whole(1), "users of the API at a time: no more processes are signed in at once"
    )


_OF_A_CONNECTION = Record(
    "a connection's values",
    {name: Key(REFERENCE, value.purpose) for name, value in VALUES.items()},
)


def _references(node: Node, at: At) -> Mapping[str, Reference]:
    entries = (one for one in mapping(node).entries if one.key.value in VALUES)
    return {one.key.value: REFERENCE.bind(one.value, at.under(one.key)) for one in entries}


class Lead(Construct, what="a connection's values"):
    """Where a connection leads in an environment; `at` is the key that names it."""

    references: Mapping[str, Reference] = itself(_OF_A_CONNECTION, _references)
    limits: Limits | None = optional(
        Limits, "what a system that is not the ERP allows; the ERP's are the environment's own"
    )
    at: Text = named()


class Mail(Construct, what="`email:`"):
    """A mail server, and whom it writes to."""

    server: Reference = required(
        REFERENCE, "`smtps://HOST:PORT`, or `smtp://HOST:PORT` for STARTTLS"
    )
    sender: Text = required(words.ADDRESS_OF_MAIL, "whom the mail is from", key="from")
    recipients: tuple[Text, ...] = required(
        ListOf(words.ADDRESS_OF_MAIL, or_single=True, least=1), "whom it is to", key="to"
    )
    username: Reference | None = optional(REFERENCE, "to sign in to the server")
    password: Reference | None = optional(REFERENCE, "likewise, `{env: NAME}`")


STATE: Variants[Reference] = Variants(
    "the ledger's address or a reference",
    {"env": Reference},
    scalar=As(words.LEDGER, lambda text, at: Reference(text, is_variable=False)),
)


class Notices(Construct, what="`alerts:`"):
    """Where word of alerts goes."""

    webhook: Reference | None = optional(REFERENCE, "an address that takes a POST of JSON")
    email: Mail | None = optional(Mail, "a mail")
    repeat: Duration = optional(
        DURATION,
        "after how long word of an alert that nobody acknowledged goes out again",
        default="4h",
    )


class SettingValue(Construct):
    """What a setting is in an environment."""

    name: Text = named()
    value: ScalarNode = itself(Constant())


def _settings(values: tuple[SettingValue, ...], _: At) -> Mapping[str, SettingValue]:
    return {one.name.value: one for one in values}


class Environment(Construct, what="an environment"):
    """A file of environments/: where connections lead, the licence's limits, settings by flow."""

    name: Text = required(words.NAME, "its name", key="environment")
    connections: Mapping[str, Lead] = required(
        As(MapOf(keyed(Lead), "connections"), _by_name),
        "where each connection leads here",
    )
    limits: Licence = required(Licence, "the licence's limits")
    settings: Mapping[str, Mapping[str, SettingValue]] = optional(
        As(MapOf(keyed(As(MapOf(SettingValue, "settings"), _settings)), "flows"), _by_name),
        "values by flow and setting",
        default={},
    )
    alerts: Notices | None = optional(Notices, "where word of alerts goes, from `mapgen serve`")
    state: Reference | None = optional(
        STATE,
        "the ledger of runs here, `postgresql+psycopg://USER@HOST/DATABASE` or `sqlite:///FILE`; "
        "without it `.mapgen/ledger.db` of the workspace",
    )
    source: Source = found(lambda node, at: node.span.source)


def _key_span(node: Node, name: str) -> Span:
    key = shapes.mapping(node).key(name)
    assert key is not None
    return key.span()


def _value_span(node: Node, name: str) -> Span:
    value = shapes.mapping(node).get(name)
    assert value is not None
    return value.span


def _where_written(key: str, construct: type[C], node: Node, at: At) -> C | None:
    """Return a construct whose keys may be left out together."""
    return None if shapes.mapping(node).get(key) is None else construct.bind(node, at)
