"""Source fields: which there are, which are read, which are ignored with a reason."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Self

from msgspec import Struct

from mapgen.agreed.paths import covers, holder_of, member_path, names_along, steps, upwards
from mapgen.check.composing import key_paths, of_files
from mapgen.check.reaching import is_meant, reached
from mapgen.contract.source_schema import SourceSchema
from mapgen.ir.types import ERROR, ListOf, MapOf, Object, Type, element_of, held, present
from mapgen.report import Diagnostic, Span, near_names
from mapgen.report.catalogue import mapping as messages
from mapgen.report.catalogue import reading, schemas
from mapgen.report.catalogue import reuse as messages_of_reuse
from mapgen.spec import model as spec
from mapgen.spec.linking import ignored_twice


def all_paths(kind: Type, path: str, around: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the path of every field, the objects' before those inside them: `order.lines[].sku`.

    `around` names the objects that hold it: one that holds itself goes down once.
    """
    yield path
    inner, marks = present(kind), ""
    while isinstance(inner, ListOf | MapOf):
        inner, marks = present(element_of(inner)), f"{marks}[]"
    if isinstance(inner, Object):
        yield from _below(inner, f"{path}{marks}", around)


def _below(kind: Type, path: str, around: tuple[str, ...]) -> Iterator[str]:
    inner = present(kind)
    assert isinstance(inner, Object)
    if inner.name not in around:
        for name, field in inner.fields.items():
            yield from all_paths(field, member_path(path, name), (*around, inner.name))


def leaf_paths(kind: Type, path: str) -> Iterator[str]:
    """Yield the paths that have nothing below them."""
    paths = list(all_paths(kind, path))
    for at, candidate in enumerate(paths):
        following = paths[at + 1] if at + 1 < len(paths) else ""
        if not covers(candidate, following):
            yield candidate


def type_at(record: Type, path: str) -> Type:
    """Return the type of a path that `all_paths` gave."""
    for owner, name in owners(record, path):
        record = ERROR if owner is None else owner.fields[name]
    return record


def owners(record: Type, path: str) -> Iterator[tuple[Object | None, str]]:
    """Yield each member that a path goes through with its object, None where none is known."""
    for name in names_along(path)[1:]:
        inner = held(record)
        if not isinstance(inner, Object) or name not in inner.fields:
            yield None, name
            return
        yield inner, name
        record = inner.fields[name]


def is_lasting(schema: SourceSchema, path: str) -> bool:
    """Tell whether the value at a source path never changes.

    Of the ERP, that is known of a record and of its rows; what a record refers to may be another.
    """
    around = steps(path)[1:-1]
    if around and around[0][0] in schema.joined:
        around = around[1:]
    elif schema.entity is None:
        around = []
    if not all(rows for _, rows in around):
        return False
    *_, (owner, name) = [(None, ""), *owners(schema.record, path)]
    return owner is not None and (owner.name, name) in schema.lasting


def lasting_paths(schema: SourceSchema, name: str) -> frozenset[str]:
    """Return the paths of a record whose values never change."""
    paths = all_paths(reached(schema.record, ()), name)
    return frozenset(path for path in paths if is_lasting(schema, path))


# The names along a path, without the marks of its lists.
Names = tuple[str, ...]


class Paths(Struct, frozen=True):
    """Paths of a record, and by each path those that are it or lie below, without row marks.

    `inside` has the paths one name longer than each.
    """

    known: tuple[str, ...]
    below: Mapping[Names, list[str]]
    inside: Mapping[Names, list[Names]]

    @classmethod
    def of(cls, paths: Iterable[str]) -> Self:
        known, below, inside = tuple(paths), dict[Names, list[str]](), dict[Names, list[Names]]()
        for path in known:
            names = tuple(names_along(path))
            for length in range(1, len(names) + 1):
                one = names[:length]
                if one not in below:
                    below[one] = []
                    inside.setdefault(one[:-1], []).append(one)
                below[one].append(path)
        return cls(known, below, inside)

    def under(self, pattern: str) -> list[str]:
        """Return those that a pattern takes; `*` stands for part of one name."""
        names = tuple(names_along(pattern))
        found = [names]
        if "*" in pattern:
            found = [()]
            for shape in names:
                found = [one for outer in found for one in self._inside(outer, shape)]
        return [path for one in found for path in self.below.get(one, ())]

    def _inside(self, outer: Names, shape: str) -> Iterator[Names]:
        """Yield what is one name longer whose name is as a shape says."""
        if "*" not in shape:
            yield (*outer, shape)
        else:
            yield from (one for one in self.inside.get(outer, ()) if is_meant(shape, one[-1]))


def accounted(
    record: Object,
    section: spec.MappingSection,
    reads: Mapping[str, Span],
    doubtful: Iterable[str],
    also: Iterable[str] = (),
) -> list[Diagnostic]:
    """Return the errors of source fields that are neither read nor ignored, and of idle ignores.

    Args:
        record: what the source is.
        section: with the ignores.
        reads: the paths that rules read.
        doubtful: words of rules with errors; a field that they may mean counts as read.
        also: paths that are ignored where parts say so.
    """
    name = section.source.name.value
    ignores, also = [one.path.value for one in section.ignores], [*also]
    record = of_files(section.source, reached(record, (*reads, *ignores, *also)))
    if not record.fields:
        return []
    leaves, known = Paths.of(leaf_paths(record, name)), tuple(all_paths(record, name))
    diagnostics: list[Diagnostic] = []
    ignored = _ignored(section, leaves, known, reads, diagnostics)
    ignored.update(leaf for path in also for leaf in leaves.under(path))
    names = {part for leaf in leaves.known for part in _names(leaf)}
    meant = all_near(doubtful, names)
    keys = set(key_paths(section.source, record))
    unused = [
        leaf
        for leaf in leaves.known
        if leaf not in reads
        and leaf not in ignored
        and leaf not in keys
        and meant.isdisjoint(_names(leaf))
    ]
    diagnostics += [
        messages.unused_source_fields(
            _described_at(section.source, parent, fields),
            parent=parent,
            fields=fields,
            entry=f"{member_path(parent, fields[0])}: why",
        )
        for parent, fields in _by_parent(unused, known, leaves.known)
    ]
    return diagnostics


def _ignored(
    section: spec.MappingSection,
    leaves: Paths,
    known: Collection[str],
    reads: Mapping[str, Span],
    diagnostics: list[Diagnostic],
) -> set[str]:
    """Return the source fields that are ignored; what is wrong with an ignore is noted."""
    ignored: set[str] = set()
    for name in section.ignore_sets:
        some = [one for one in section.ignores if one.of is name]
        taken = {leaf for one in some for leaf in leaves.under(one.path.value)}
        if some and taken <= reads.keys():
            diagnostics.append(messages_of_reuse.idle_set(name, place=some[0].path))
        ignored |= taken
    diagnostics += ignored_twice(one for one in section.ignores if one.of is None)
    for ignore in section.ignores:
        if ignore.of is not None:
            continue
        matched = frozenset(leaves.under(ignore.path.value))
        used = next((read for read in reads if read in matched), None)
        if not matched:
            near = near_paths(ignore.path.value, known)
            diagnostics.append(messages.idle_ignore(ignore.path, known=near))
            ignored.update(leaf for path in near for leaf in leaves.under(path))
        elif used is not None:
            shown = "" if used == ignore.path.value else used
            help = "ignore what no rule reads field by field, or remove it" if shown else None
            diagnostics.append(messages.ignored_but_used(ignore.path, used=shown, help=help))
        elif not ignore.reason.value.strip():
            span = ignore.path.span()
            diagnostics.append(reading.malformed(span, "a reason", "", f"{ignore.path.value}: why"))
        ignored |= matched
    return ignored


def _described_at(source: spec.SourceClause, parent: str, fields: tuple[str, ...]) -> Span:
    """Return where the spec names the schema of fields, that of a join for what is joined."""
    for join in source.joins:
        at = member_path(source.name.value, join.name.value)
        if covers(at, parent) or (parent == source.name.value and fields == (join.name.value,)):
            return join.schema.span()
    return source.schema.span()


# Half of a letter, which no text can have.
_UNREADABLE = re.compile(r"[\ud800-\udfff]")


def unusable_names(reads: Mapping[str, Span]) -> Iterator[Diagnostic]:
    """Yield the errors of source fields that rules read and generated code cannot."""
    for read, span in reads.items():
        owner, name = holder_of(read)
        if _UNREADABLE.search(name):
            yield schemas.half_a_letter(span, owner=owner)


def unheld(schema: SourceSchema, reads: Iterable[str]) -> list[Diagnostic]:
    """Return the errors of what the schema says of members that are read, and no record keeps."""
    found: dict[Diagnostic, None] = {}
    for read in reads:
        for owner, name in owners(schema.record, read):
            stated = None if owner is None else schema.stated.get((owner.name, name))
            found.update(dict.fromkeys(() if stated is None else stated.unheld))
    return list(found)


def all_near(words: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Return the known names that one of the words is or may be meant to be."""
    names = sorted(known)
    return frozenset(name for word in words for name in near_names(word, names))


def near_paths(path: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known paths each of whose names is the path's, or near it."""
    wanted = names_along(path)
    return tuple(
        candidate
        for candidate in known
        if ".".join(names := names_along(candidate)) == ".".join(wanted)
        or (
            len(names) == len(wanted)
            and all(near_names(one, (other,)) for one, other in zip(wanted, names, strict=True))
        )
    )


def _names(path: str) -> tuple[str, ...]:
    """Return the names of a path below the record: `order.lines[].sku` -> lines, sku."""
    return tuple(names_along(path)[1:])


_FEWEST_SIGNS = 3


def catches_new_fields(path: str) -> bool:
    """Whether an ignored pattern takes whatever may come: no name in it says what is meant.

    That is the record itself, and `*` with fewer than three signs of a name beside it.
    """
    below = names_along(path)[1:]
    return all("*" in name and len(name.replace("*", "")) < _FEWEST_SIGNS for name in below)


def _by_parent(
    unused: Iterable[str], known: Iterable[str], leaves: Iterable[str]
) -> list[tuple[str, tuple[str, ...]]]:
    """Group unused leaves by what they are in; an object none of whose fields is used, is one."""
    unused = dict.fromkeys(unused)
    if not unused:
        return []
    used = {path for leaf in leaves if leaf not in unused for path in upwards(leaf)}
    wholly = {path for path in known if "." in path} - used
    grouped: dict[str, dict[str, None]] = {}
    for leaf in unused:
        shown = next((path for path in upwards(leaf) if path in wholly), leaf)
        parent, field = holder_of(shown)
        grouped.setdefault(parent, {})[field] = None
    return [(parent, tuple(fields)) for parent, fields in grouped.items()]
