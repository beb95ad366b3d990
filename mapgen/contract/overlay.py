"""Overlays: facts that OpenAPI cannot state, as their files and those of the product have them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Literal, get_args

from msgspec import Struct

from mapgen.contract.document import gather
from mapgen.report import Label, Source, Stopped, Text
from mapgen.report.catalogue import contract as words
from mapgen.spec import overlay as spec
from mapgen.spec.nodes import ScalarNode
from mapgen.spec.reader import read

Kind = Literal[
    "like", "writable", "optional", "keys", "identities", "auto_numbered", "required",
    "calculated", "read_only", "days", "moments", "companions", "lengths", "places",
]  # fmt: skip
OF_ENTITIES: frozenset[Kind] = frozenset({"like", "keys", "identities", "auto_numbered"})
"""Facts about an entity; the others are about a field of it."""
NONE = "none"
"""Stands for a fact that does not hold: an entity like no other, a field without a flag."""


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
    written = read(source, spec.Overlay)
    groups = [(one.entity, group) for one in written.entities for group in one.groups]
    facts = gather(partial(_facts, entity, group) for entity, group in groups)
    return Overlay(written.contract, tuple(fact for group in facts for fact in group))


def _facts(entity: Text, group: spec.Group) -> list[Fact]:
    """Return the facts of a group in the order of the file: several kinds may share a source."""
    if not group.source.value.strip():
        raise Stopped(words.incomplete_group(group.source, entity=entity.value, lacks="source"))
    since = "" if group.since is None else group.since.value
    found = [
        Fact(
            kind,
            entity,
            names,
            number=about if isinstance(about, ScalarNode) else None,
            word=about if isinstance(about, Text) else None,
            since=since,
        )
        for kind in get_args(Kind)
        for names, about in _said(group, kind)
    ]
    if not found:
        raise Stopped(words.incomplete_group(Label(group.span), entity=entity.value, lacks="fact"))
    return sorted(found, key=lambda fact: fact.text.span().start)


def _said(
    group: spec.Group, kind: Kind
) -> Iterator[tuple[tuple[Text, ...], Text | ScalarNode | None]]:
    """Yield what a group states of a kind: names, and what is said of them or of the entity."""
    said = getattr(group, "not_required" if kind == "optional" else kind)
    if kind in OF_ENTITIES:
        if said:
            yield ((), said) if isinstance(said, Text) else (said, None)
        return
    for one in said:
        name, about = one if isinstance(one, tuple) else (one, None)
        yield (name,), about
