"""Which flows of a workspace a change of a contract may touch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mapgen.contract.difference import Difference
from mapgen.contract.model import Contract
from mapgen.disk.workspace import Workspace
from mapgen.spec.reader import flow_name

_WORD = re.compile(r"\w+")


def touched(
    workspace: Workspace, before: Contract, found: Iterable[Difference]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each flow that may notice some of the differences, with what they are about.

    A spec names what it writes and reads of the ERP: it may notice what is about an entity that its
    words lead to, and about a field that it names. What has become required it need not name.

    Args:
        workspace: the specs.
        before: the contract as it was.
        found: what differs.
    """
    known = [one for one in found if one.is_felt]
    for path in workspace.spec_paths():
        source = workspace.read(path, "the spec")
        words = frozenset(_WORD.findall(source.text))
        reached = _reached(before, words)
        names = {
            one.where: None
            for one in known
            if one.entity in reached
            and (not one.field or one.field in words or (one.what == "required" and one.now))
        }
        if names and before.name in source.text:
            yield flow_name(source) or path, tuple(names)


def _reached(contract: Contract, words: frozenset[str]) -> frozenset[str]:
    """Return the entities that the words of a spec name, or lead to field by field."""
    reached: set[str] = set()
    waiting = [name for name in contract.top_level if name in words]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            fields = contract.entities[name].fields.values()
            waiting += [one.entity for one in fields if one.entity and one.name in words]
    return frozenset(reached)
