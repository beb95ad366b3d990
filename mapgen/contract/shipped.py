"""Facts of the Default endpoint that come with the product: which of them hold for a contract.

They are written as overlays are, in `facts/`, and read by `mapgen contract import` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct
from msgspec.structs import replace

from mapgen.contract.model import Contract, Entity
from mapgen.contract.overlay import NONE, Fact, Overlay, read_overlay
from mapgen.contract.refining import as_numbers, holds_for, in_order, refine
from mapgen.report import Label, Source, Stopped
from mapgen.report.catalogue import contract as words

ENDPOINT = "Default"
STATED_FOR = ("23.200.001", "24.200.001")
"""The versions of Default that the facts are about, the newest last."""
EVERY = "*"
"""Stands for every entity that has the field."""

_FILES = ("default-columns.yaml", "default.yaml")
_CHOICES = ("single_select", "multi_select")


class Taken(Struct, frozen=True):
    """The contract with the facts that hold for it, and what a reviewer has to know of them.

    `entities` took facts; `unlike` have the name of one of Default, and not its fields, which are
    named. `missing` are the facts about Default that another version of it has no field for.
    `numbering` says of entities whether the ERP numbers them, which a tenant decides.
    """

    contract: Contract
    version: str = ""
    entities: frozenset[str] = frozenset()
    unlike: Mapping[str, tuple[str, ...]] = {}
    missing: tuple[str, ...] = ()
    numbering: Mapping[str, bool] = {}


@cache
def facts() -> tuple[Fact, ...]:
    """Return all facts, in the order in which they are taken: what is found out comes last."""
    folder = files(__package__) / "facts"
    overlays = [read_overlay(Source(name, (folder / name).read_text("utf-8"))) for name in _FILES]
    return tuple(fact for overlay in overlays for fact in overlay.facts)


def take(contract: Contract, overlay: Overlay | None = None) -> Taken:
    """Return the contract with the facts that hold for it.

    Of Default, facts hold as far as it has their fields. Of another endpoint, for an entity that
    has all fields of one of Default that facts are about, with their types, as an extension has;
    and for one that the overlay says is like another, as far as its fields go.

    Raises Stopped with E408 where the overlay says so of an entity that no facts are about.
    """
    known = _by_entity(facts())
    said = {} if overlay is None else _likes(overlay, known)
    taking = _Taking(contract, known, said)
    for name in contract.entities:
        taking.take(name)
    for name in sorted(taking.entities):
        taking.take_what_all_have(name)
    return taking.done()


def leave(contract: Contract, overlay: Overlay | None = None) -> Taken:
    """Return the contract without facts. Raises Stopped (E409) where the overlay asks for some."""
    for fact in () if overlay is None else overlay.facts:
        if fact.kind == "like" and fact.word is not None and fact.word.value != NONE:
            reason = "`like` asks for facts about Default, and `--no-facts` leaves them out"
            raise Stopped(words.contradiction_in_overlay(Label(fact.word.span()), reason=reason))
    return Taken(contract)


class _Taking:
    """Facts being taken for a contract."""

    def __init__(
        self, contract: Contract, known: Mapping[str, list[Fact]], said: Mapping[str, str]
    ) -> None:
        self._contract = contract
        self._known = known
        self._said = said
        self._refined = dict(contract.entities)
        self._is_default = contract.endpoint == ENDPOINT
        self._unlike: dict[str, tuple[str, ...]] = {}
        self._missing: list[str] = []
        self.entities: set[str] = set()

    def take(self, name: str) -> None:
        """Take the facts about an entity, if they hold for it."""
        like = self._said.get(name, name)
        if like == NONE or (like not in self._known and not self._is_default):
            return
        offered = self._known.get(like, [])
        if self._is_default or name in self._said:
            version = self._contract.version if self._is_default else STATED_FOR[-1]
            self.entities.add(name)
            self._missing += self._take(name, _at(offered, version))
            return
        by_version = {
            version: self._misfits(name, _at(offered, version)) for version in reversed(STATED_FOR)
        }
        nearest = min(by_version, key=lambda version: len(by_version[version]))
        if by_version[nearest]:
            self._unlike[name] = by_version[nearest]
        else:
            self.entities.add(name)
            self._take(name, _at(offered, nearest))

    def take_what_all_have(self, name: str) -> None:
        """Take the facts about fields of any entity."""
        for fact in self._known.get(EVERY, []):
            if fact.text.value in self._refined[name].fields:
                self._take(name, [fact])

    def done(self) -> Taken:
        """Return the contract, and what was taken."""
        numbering = {
            name: fact.word.value == "true"
            for name in self.entities
            for fact in self._known.get(self._said.get(name, name), [])
            if fact.kind == "auto_numbered" and fact.word is not None
        }
        return Taken(
            replace(self._contract, entities=self._refined),
            _nearest(self._contract.version) if self._is_default else STATED_FOR[-1],
            frozenset(self.entities),
            self._unlike,
            tuple(self._missing),
            {name: numbering[name] for name in sorted(numbering) if self._refined[name].keys},
        )

    def _take(self, name: str, offered: Iterable[Fact]) -> list[str]:
        """Take the facts that fit an entity; return the fields of those that do not."""
        misfits = []
        for fact in in_order(offered):
            try:
                self._refined[name] = self._with(self._refined, name, fact)
            except Stopped:
                misfits.append(f"{name}.{fact.text.value}")
        return list(dict.fromkeys(misfits))

    def _misfits(self, name: str, offered: Iterable[Fact]) -> tuple[str, ...]:
        """Return the fields that facts are about and an entity does not have as they say."""
        misfits = []
        for fact in offered:
            try:
                self._with(self._contract.entities, name, fact)
            except Stopped:
                misfits.append(fact.text.value)
        return tuple(dict.fromkeys(misfits))

    def _with(self, entities: Mapping[str, Entity], name: str, fact: Fact) -> Entity:
        entity = entities[name]
        one = entity.fields.get(fact.text.value)
        if fact.kind == "lengths" and one is not None and one.value_type in _CHOICES:
            return entity  # contract version 5 has a choice where version 4 has a text
        if fact.kind == "auto_numbered" and not entity.keys:
            return entity
        as_named = replace(fact, entity=replace(fact.entity, value=name))
        return refine(self._contract, entities, as_named)


def _by_entity(known: Iterable[Fact]) -> Mapping[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in known:
        found.setdefault(fact.entity.value, []).append(fact)
    return found


def _likes(overlay: Overlay, known: Mapping[str, object]) -> Mapping[str, str]:
    likes = [fact for fact in overlay.facts if fact.kind == "like"]
    names = [name for name in known if name != EVERY]
    diagnostics = [
        words.unknown_in_overlay(
            Label(fact.word.span()),
            what="what mapgen knows of Default",
            it=fact.word.value,
            known=names,
        )
        for fact in likes
        if fact.word is not None and fact.word.value not in (NONE, *names)
    ]
    if diagnostics:
        raise Stopped(diagnostics)
    return {fact.entity.value: fact.word.value for fact in likes if fact.word is not None}


def _at(known: Iterable[Fact], version: str) -> list[Fact]:
    """Return the facts about a version."""
    return [fact for fact in known if holds_for(fact, version)]


def _nearest(version: str) -> str:
    older = [one for one in STATED_FOR if as_numbers(one) <= as_numbers(version)]
    return older[-1] if older else STATED_FOR[0]
