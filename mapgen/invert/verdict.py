"""A flow in, the verdict on its rules out: what its documents give back, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.invert.model import Lost, LostPath, Rule, Undone, Verdict
from mapgen.invert.rules import rules_of
from mapgen.ir import flow as ir


def verdict(flow: ir.Flow) -> Verdict:
    """Return what becomes of each rule, and of each source path that the rules read."""
    rules = tuple(rules_of(flow))
    back = _back(rules)
    read = tuple(_read_paths(flow, rules))
    return Verdict(
        rules,
        tuple((path, back[path]) for path in read if path in back),
        tuple(_lost(path, rules, flow) for path in read if path not in back),
    )


def _back(rules: tuple[Rule, ...]) -> dict[str, Rule]:
    """Return the first rule that gives a path back; the rows of a list come from one place."""
    found: dict[str, Rule] = {}
    homes: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {}
    for rule in rules:
        if not isinstance(rule.finding, Undone):
            continue
        path = rule.finding.path + "[]" * rule.field.is_list
        home = (rule.document, rule.rows if not rule.field.is_list else (rule.place,))
        if "[]" in path:
            rows = path.rpartition("[]")[0]
            if homes.setdefault(rows, home) != home:
                continue
        found.setdefault(path, rule)
    return found


def _read_paths(flow: ir.Flow, rules: tuple[Rule, ...]) -> Iterator[str]:
    """Yield the source paths that the rules read: `order.lines[].sku`, a list of texts as `x[]`.

    Two members of one type have its fields in common: a field there counts where a rule reads it.
    """
    objects = {item.name: item for item in flow.source_objects}
    types = [field.type for item in flow.source_objects for field in item.fields]
    leaves = tuple(_below(flow.source_name, flow.record.name, objects, ()))
    said = [rule.field.reads for rule in rules] + [reads for _, reads, _ in _readers(flow)]
    for path, owners in leaves:
        is_shared = any(types.count(owner) > 1 for owner in owners)
        if not is_shared or any(_is_read(path, reads) for reads in said):
            yield path


def _below(
    path: str, kind: str, objects: dict[str, ir.SourceObject], above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield paths, each with the types of the objects that it leads through."""
    if kind not in objects or not objects[kind].fields or kind in above:
        yield path, above
        return
    for field in objects[kind].fields:
        inner = f"{path}.{field.name}" + "[]" * field.is_list
        yield from _below(inner, field.type, objects, (*above, kind))


def _lost(path: str, rules: tuple[Rule, ...], flow: ir.Flow) -> LostPath:
    """Return why a path is lost: the rule that reads it and cannot be undone, or what else does."""
    for rule in rules:
        if isinstance(rule.finding, Lost) and _is_read(path, rule.field.reads):
            return LostPath(path, f"`{rule.field.target}`", rule.finding.why, rule.field.pointer)
    for rule in rules:
        if _is_read(path, rule.field.reads):
            why = "its value does not say it"
            return LostPath(path, f"`{rule.field.target}`", why, rule.field.pointer)
    for reader, reads, pointer in _readers(flow):
        if _is_read(path, reads):
            return LostPath(path, reader, "no rule gives it back", pointer)
    return LostPath(path, "`key`", "no rule gives it back", "mapping/source/key")


def _readers(flow: ir.Flow) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield what else reads the source: what it is called, what it reads, where it stands."""
    for skip in flow.skips:
        yield "`skip`", skip.reads, skip.pointer
    for document in flow.documents:
        if document.when is not None:
            yield f"`when` of {document.name}", document.when.reads, f"{document.pointer}/when"
        for check in document.checks:
            yield f"the check `{check.name}`", check.reads, check.pointer
        yield from _parts(document.part)
    for let in flow.lets:
        yield f"`let {let.name}`", let.reads, let.pointer


def _parts(part: ir.Part) -> Iterator[tuple[str, tuple[str, ...], str]]:
    for member in part.members:
        if not isinstance(member, ir.Field):
            yield f"`{member.target}`", member.reads, member.pointer
        for inner in ir.parts_of(member):
            yield from _parts(inner)


def _is_read(path: str, reads: tuple[str, ...]) -> bool:
    plain = path.replace("[]", "")
    return any(plain == read.replace("[]", "") for read in reads)
