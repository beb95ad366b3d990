"""What flows have in common and what they use of it: nothing is written that nobody uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mapgen.check.model import Checked
from mapgen.check.parts import Reused
from mapgen.disk.workspace import from_specs
from mapgen.expression.scope import Named
from mapgen.report import Diagnostic
from mapgen.report.catalogue import reuse as messages
from mapgen.spec import model as spec
from mapgen.spec.linking import PartKey, part_key


def reused_names(
    section: spec.MappingSection, reused: Reused, used: Iterable[str]
) -> frozenset[PartKey]:
    """Return the files and names of all parts, expressions and ignores that a spec uses.

    Args:
        section: with the sets of ignored fields that it names.
        reused: what it may use.
        used: the names that its own expressions use.
    """
    called = [
        one for name, one in reused.functions.items() if f"function {name}" in frozenset(used)
    ]
    for key in reused.used:
        called += reused.parts[key].functions.values()
    names = [one.name for one in _all_called(called)]
    names += [
        reused.words.sets[one.value].name
        for one in section.ignore_sets
        if one.value in reused.words.sets
    ]
    return reused.used | {(name.source.path, name.value) for name in names}


def _all_called(called: Iterable[Named]) -> Iterator[Named]:
    for one in called:
        yield one
        yield from _all_called(one.functions.values())


def idle_reuse(
    section: spec.MappingSection, reused: Reused, names: frozenset[PartKey], doubtful: set[str]
) -> Iterator[Diagnostic]:
    """Yield the errors of parts and expressions of a spec, and of files, that it does not use."""
    for part in section.definitions:
        if part_key(part) not in names and part.name.value not in doubtful:
            yield messages.unused_part(part.name)
    for one in section.functions:
        if (one.name.source.path, one.name.value) not in names and one.name.value not in doubtful:
            yield messages.unused_expression(one.name)
    files = {path for path, _ in names}
    for file in section.uses:
        held = [
            name
            for known in (reused.words.parts, reused.words.functions)
            for name, (one, _) in known.items()
            if one.name.source.path == from_specs(file.value)
        ]
        if from_specs(file.value) not in files and doubtful.isdisjoint(held):
            yield messages.unused_file(file)


def idle_files(files: Iterable[spec.PartsFile], flows: Iterable[Checked]) -> Iterator[Diagnostic]:
    """Yield the errors of what files of parts have and no flow uses, where all flows are right."""
    used = frozenset(key for flow in flows for key in flow.uses)
    for file in files:
        kinds = (
            (file.definitions, messages.unused_part),
            (file.expressions, messages.unused_expression),
            (file.ignores, messages.unused_set),
        )
        for several, message in kinds:
            for one in several:
                if (one.name.source.path, one.name.value) not in used:
                    yield message(one.name)
