"""The overlay's language: facts that OpenAPI cannot state, each group of them with its source.

The facts that come with the product are written in it, too.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from msgspec import Struct

from mapgen.contract.document import gather
from mapgen.report import Label, Source, Span, Stopped, Text
from mapgen.report.catalogue import contract as words
from mapgen.spec.construct import Construct, here, itself, named, optional, required
from mapgen.spec.nodes import ScalarNode
from mapgen.spec.reader import read
from mapgen.spec.shapes import ListOf, MapOf, Whole, Words, keyed

Kind = Literal[
    "like", "writable", "optional", "keys", "identities", "auto_numbered", "required",
    "calculated", "read_only", "days", "moments", "companions", "lengths", "places",
]  # fmt: skip
OF_ENTITIES: frozenset[Kind] = frozenset({"like", "keys", "identities", "auto_numbered"})
"""Facts about an entity; the others are about a field of it."""
NONE = "none"
"""Stands for a fact that does not hold: an entity like no other, a field without a flag."""

_NAME = Words("a name", r"(?s).*\S.*", "OrderNbr")
_NAMES = ListOf(_NAME, least=1)
_NUMBERS = MapOf(keyed(Whole()), "fields", least=1)
_VERSION = Words("a version", r"[0-9]+(\.[0-9]+)*", "24.200.001")


class Group(Construct, what="a group of facts"):
    """Facts about an entity with one source."""

    source: Text = required(_NAME, "where the facts are documented or were observed")
    since: Text | None = optional(_VERSION, "the version of the endpoint that they hold from")
    like: Text | None = optional(
        _NAME, "the entity of Default whose facts hold for this one, as far as its fields go; none"
    )
    keys: tuple[Text, ...] = optional(_NAMES, "key fields in the order of the key URL")
    identities: tuple[Text, ...] = optional(_NAMES, "fields that may carry an identity")
    auto_numbered: Text | None = optional(
        Words("true or false", choices=("true", "false")),
        "true: the key that is sent is replaced; false: it is kept, and a single one identifies",
    )
    required: tuple[Text, ...] = optional(_NAMES, "a create needs them")
    not_required: tuple[Text, ...] = optional(_NAMES, "a create does not need them", key="optional")
    calculated: tuple[Text, ...] = optional(_NAMES, "the ERP computes them")
    read_only: tuple[Text, ...] = optional(_NAMES, "the ERP or its workflow sets them")
    writable: tuple[Text, ...] = optional(_NAMES, "what is sent to them is kept")
    days: tuple[Text, ...] = optional(_NAMES, "they hold a calendar day")
    moments: tuple[Text, ...] = optional(_NAMES, "they hold an instant")
    companions: tuple[tuple[Text, Text], ...] = optional(
        MapOf(keyed(_NAME), "fields", least=1),
        "field, or `Field.Part`: the override flag sent with it; none",
    )
    lengths: tuple[tuple[Text, ScalarNode], ...] = optional(_NUMBERS, "in UTF-16 units")
    places: tuple[tuple[Text, ScalarNode], ...] = optional(_NUMBERS, "most decimal places")
    span: Span = here()


class Facts(Construct):
    """All that is stated of an entity."""

    entity: Text = named()
    groups: tuple[Group, ...] = itself(ListOf(Group))


class Written(Construct, what="an overlay"):
    """An overlay as its file has it."""

    overlay: Text = required(Words("format of an overlay", choices=("1",)), "the format: 1")
    contract: Text = required(_NAME, "the contract, or the endpoint in all its versions")
    entities: tuple[Facts, ...] = required(MapOf(Facts, "entities"), "groups of facts by entity")


class Fact(Struct, frozen=True):
    """What is stated of an entity, of its fields `names`, with a number or a word.

    `word`: the override flag of a companion, the entity that one is like, whether it is numbered.
    `since`: the version that the fact holds from.
    """

    kind: Kind
    entity: Text
    names: tuple[Text, ...]
    number: ScalarNode | None = None
    word: Text | None = None
    since: str = ""

    @property
    def text(self) -> Text:
        """The place of the fact."""
        if self.kind in OF_ENTITIES and self.word is not None:
            return self.word
        return self.names[-1] if self.names else self.entity


class Overlay(Struct, frozen=True):
    """The contract an overlay is about, and its facts in the order they are written."""

    contract: Text
    facts: tuple[Fact, ...]

    def stated(self, kind: Kind) -> frozenset[str]:
        """Return the entities of which a fact of a kind is stated."""
        return frozenset(fact.entity.value for fact in self.facts if fact.kind == kind)


def read_overlay(source: Source) -> Overlay:
    """Return the facts of an overlay.

    Raises Stopped for what is not YAML or not shaped as an overlay, and with E407 for a group
    without a fact.
    """
    written = read(source, Written)
    groups = [(one.entity, group) for one in written.entities for group in one.groups]
    facts = gather(partial(_facts, entity, group) for entity, group in groups)
    return Overlay(written.contract, tuple(fact for group in facts for fact in group))


def _facts(entity: Text, group: Group) -> list[Fact]:
    """Return the facts of a group in the order of the file: several kinds may share a source."""
    since = "" if group.since is None else group.since.value
    fact = partial(Fact, entity=entity, since=since)
    of_fields: tuple[tuple[Kind, tuple[Text, ...]], ...] = (
        ("required", group.required),
        ("optional", group.not_required),
        ("calculated", group.calculated),
        ("read_only", group.read_only),
        ("writable", group.writable),
        ("days", group.days),
        ("moments", group.moments),
    )
    found = [
        *([fact("like", names=(), word=group.like)] if group.like else ()),
        *([fact("keys", names=group.keys)] if group.keys else ()),
        *([fact("identities", names=group.identities)] if group.identities else ()),
        *(
            [fact("auto_numbered", names=(), word=group.auto_numbered)]
            if group.auto_numbered
            else ()
        ),
        *(fact(kind, names=(name,)) for kind, names in of_fields for name in names),
        *(fact("lengths", names=(name,), number=number) for name, number in group.lengths),
        *(fact("places", names=(name,), number=number) for name, number in group.places),
        *(fact("companions", names=(name,), word=flag) for name, flag in group.companions),
    ]
    if not found:
        raise Stopped(words.group_without_facts(Label(group.span), entity=entity.value))
    return sorted(found, key=lambda fact: fact.text.span().start)
