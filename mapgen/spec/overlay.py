"""The overlay's language: facts about a contract, each group of them with its source."""

from __future__ import annotations

from mapgen.report import Span, Text
from mapgen.spec.construct import Construct, here, itself, named, optional, required
from mapgen.spec.language import PROSE
from mapgen.spec.nodes import ScalarNode
from mapgen.spec.shapes import ListOf, MapOf, Whole, Words, keyed

_NAME = Words("a name")
_NAMES = ListOf(_NAME, least=1)
_NUMBERS = MapOf(keyed(Whole()), "fields", least=1)
_VERSION = Words("a version", r"[0-9]+(\.[0-9]+)*", "24.200.001")


class Group(Construct, what="a group of facts"):
    """Facts about an entity with one source."""

    source: Text = required(PROSE, "where the facts are documented or were observed")
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


class Overlay(Construct, what="an overlay"):
    """An overlay as its file has it."""

    overlay: Text = required(Words("format of an overlay", choices=("1",)), "the format: 1")
    contract: Text = required(_NAME, "the contract, or the endpoint in all its versions")
    entities: tuple[Facts, ...] = required(MapOf(Facts, "entities"), "groups of facts by entity")
