"""The mapping as a table that people read: one line a target field, in the spec's own words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from msgspec import Struct

from mapgen.agreed.paths import names_along
from mapgen.agreed.plan import FileSend, FileTable, LedgerTable, Step, Table, TenantTable
from mapgen.emit.templates import render
from mapgen.escaping import code, prose
from mapgen.ir import flow as ir
from mapgen.ir.expression import Attempted, is_optional

# So many fields of an ignored pattern are named; how many there are beyond is reported.
MOST_SHOWN = 8


def mapping_document(flow: ir.Flow) -> str:
    """Return the Markdown document of a flow."""
    return render(
        "mapping.md.jinja",
        flow=flow,
        documents=[_document(document, flow) for document in flow.documents],
        tables=[f"{name} ({_table(table)})" for name, table in flow.plan.lookups.items()],
        skips=[
            prose(skip.because) if skip.says is None else code(skip.because) for skip in flow.skips
        ],
        personal=flow.personal,
        ignored=[(one, _caught(one, flow.plan.source)) for one in flow.ignored],
    )


def _caught(ignored: ir.Ignored, record: str) -> str:
    """Return the fields that a pattern caught, below the record; of many the first ones."""
    if [*map(names_along, ignored.fields)] == [names_along(ignored.pattern)]:
        return "itself"
    names = [code(path.removeprefix(f"{record}.")) for path in ignored.fields]
    if len(names) > MOST_SHOWN + 1:
        names[MOST_SHOWN:] = [f"{len(names) - MOST_SHOWN} more"]
    return f"{len(ignored.fields)}: {', '.join(names)}"


def _document(document: ir.Document, flow: ir.Flow) -> dict[str, object]:
    prefix = "" if flow.only is document else f"{code(document.name)} "
    done = f"{prefix}{document.plan.operation} {code(document.plan.entity)}"
    return {
        "document": document,
        "heading": "Fields" if flow.only is document else f"The document {code(document.name)}",
        "of": "" if flow.only is document else f" of {code(document.name)}",
        "checked": "the document" + ("" if flow.only is document else f" {code(document.name)}"),
        "target": f"{done} of {prose(_owner(flow))}",
        "made": ", ".join(_conditions(document)),
        "rows": [*_rows(document.part, flow), *(_row(one, flow) for one in document.told)],
        "checks": [*map(_check, document.checks), *_part_checks(document.part)],
    }


def _owner(flow: ir.Flow) -> str:
    """Return what describes the documents: an endpoint of the ERP, or a JSON Schema."""
    plan = flow.plan
    return f"{plan.endpoint}/{plan.version}" if plan.endpoint else plan.version


def _conditions(document: ir.Document) -> Iterator[str]:
    """Yield for what a document is made, and what has to be there before it."""
    if document.is_list:
        rows = dict(document.block.written)
        where = f" where {code(rows['where'])}" if "where" in rows else ""
        yield f"one for each {code(document.block.alias or '')} of {code(rows['each'])}{where}"
    if document.when is not None:
        yield f"where {code(document.when.written)}"
    if document.plan.after:
        yield "after " + " and ".join(code(name) for name in document.plan.after)
    if isinstance(document.plan.send, FileSend):
        yield f"written into files of {code(document.plan.send.folder)}"
    unsent = {one.name: dict(one.written)["value"] for one in document.told}
    for step in document.plan.then:
        when = unsent.get(step.key_of("when"))
        asked = "" if when is None else f" where {code(when)}"
        what = "attached " if step.attached is not None else ""
        yield f"then {what}{code(step.action)}{asked}{_seen(step)}"


def _seen(step: Step) -> str:
    """Return what shows that a step is done."""
    shows = (
        f"{code(field)} is {' or '.join(map(code, values))}" for field, values in step.until.items()
    )
    return f" until {' and '.join(shows)}" if step.until else ""


def _table(table: Table) -> str:
    """Return where a table's values come from."""
    match table:
        case FileTable(path=path, columns=columns):
            values = ", ".join(code(column.name) for column in columns)
            return f"{code(path)}: {values}" if values else code(path)
        case LedgerTable(flow=flow, document=document):
            return f"the ledger: what {code(flow + ('.' + document if document else ''))} made"
        case TenantTable(entity=entity, key=key, value=value, columns=columns):
            asked = " and ".join(code(field) for field in key)
            values = " and ".join(code(one.name) for one in columns) or code(value or "")
            return f"asked of the ERP: {values} of the {code(entity)} by {asked}"
        case _:
            assert_never(table)


class _Line(Struct, frozen=True):
    """A line of the table."""

    target: str
    source: str
    rule: str
    missing: str = ""
    remarks: str = ""


def _rows(part: ir.Part, flow: ir.Flow) -> Iterator[_Line]:
    for member in (*part.members, *part.others):
        if isinstance(member, ir.Field):
            yield _row(member, flow)
            continue
        target = _path(member.target)
        is_one = len(member.blocks) == 1
        yield _opening(target, member.reads if is_one else (), _part_rule(member))
        for number, block in enumerate(member.blocks, start=1):
            if not is_one:
                yield _opening(f"{target}, block {number}", block.reads, _block_rule(block))
            yield from _rows(block.part, flow)


def _opening(target: str, reads: tuple[str, ...], rule: str) -> _Line:
    """Return the line over the fields of a part."""
    return _Line(f"**{prose(target)}**", ", ".join(map(code, reads)), rule)


def _row(field: ir.Field, flow: ir.Flow) -> _Line:
    # What makes the fields of a flag be sent is said at them.
    reads = () if field.sent_with else field.reads
    target, source = code(_path(field.target)), ", ".join(map(code, reads))
    return _Line(target, source, _rule(field), _missing(field), "; ".join(_remarks(field, flow)))


# What the mapping document says for a key of the spec: the first time, and each time after it.
_WORDS: Mapping[str, tuple[str, str]] = {
    "const": ("always {}", ""),
    "value": ("{}", ""),
    "lookup": ("{as_it_is}", ""),
    "column": (".{as_it_is}", ""),
    "key": (" at {}", ", then {}"),
    "with": (" with {}", " with {}"),
    "otherwise": (", otherwise {}", ""),
    "first_of": ("first of {}", ", {}"),
    "then": ("{} when {before}", "; {} when {before}"),
    "else": ("; else {}", ""),
    "field": ("{} of the document {before}", ""),
    "flag_of": ("true with {}", ", {}"),
}


def _rule(field: ir.Field) -> str:
    """Return the rule as the spec has it."""
    found, before, seen = "", "", set[str]()
    for key, text in field.written:
        words = _WORDS.get(key, ("", ""))[key in seen]
        found += words.format(code(text), before=code(before), as_it_is=text)
        before = text
        seen.add(key)
    return found


def _part_rule(member: ir.Rows) -> str:
    once = "; only when the document is created" if member.is_written_once else ""
    omitted = "" if member.omit_if is None else f"; left out where {code(member.omit_if.written)}"
    empty = "; left out without rows" if member.is_list and _is_left_out(member) else ""
    return _part_words(member) + omitted + empty + once


def _is_left_out(member: ir.Rows) -> bool:
    return not member.sends_empty and member.may_have_none


def _part_words(member: ir.Rows) -> str:
    first, *others = member.blocks
    if member.is_list:
        rows = f"the rows of {len(member.blocks)} blocks" if others else _block_rule(first)
        fewest = f", {member.least} at least" if member.least else ""
        keys = ", ".join(code(name) for name in member.row_key)
        known_by = f", recognised by {keys}" if keys else ""
        removed = f"; removed rows: {code(member.removed)}" if member.removed else ""
        return f"{rows}{fewest}{known_by}{removed}"
    where = dict(first.written).get("where")
    if where is not None:
        return f"there where {code(where)}"
    is_sure = first.source is None or not is_optional(first.source)
    return ("always there" if is_sure else "there when the source is") + _part_used(first)


def _part_used(block: ir.Block) -> str:
    """Return which part a block uses, and for what."""
    words = [one for one in block.written if one[0] not in ("each", "where")]
    if not words:
        return ""
    (_, part), *arguments = words
    given = ", ".join(f"{code(name)} being {code(text)}" for name, text in arguments)
    return f"; the part {code(part)}, {given}"


def _block_rule(block: ir.Block) -> str:
    names = () if block.alias is None else (block.alias, *(one.alias for one in block.around[::-1]))
    rows = f"a row for each {' of each '.join(map(code, names))}" if names else "one row"
    words = dict(block.written)
    where = f" where {code(words['where'])}" if "where" in words else ""
    return f"{rows}{where}{_part_used(block)}"


def _missing(field: ir.Field) -> str:
    match field.on_missing:
        case "omit" if isinstance(field.value, Attempted) and not is_optional(field.value.value):
            return ""
        case "omit":
            return "emptied" if field.clears else "left out"
        case "reject":
            return "rejected"
        case "never":
            said = dict(field.written)
            return code(said["if_missing"]) if "if_missing" in said else ""


def _remarks(field: ir.Field, flow: ir.Flow) -> Iterator[str]:
    limits, said = field.limits, dict(field.written)
    if limits.max_length is not None:
        way = "cut" if limits.truncates else "rejected"
        yield f"longer than {limits.max_length}: {way}"
    if "on_error" in said:
        instead = "left out" if said["on_error"] == "omit" else code(said["on_error"])
        yield f"where that fails: {instead}"
    if "omit_if" in said:
        yield f"left out where {code(said['omit_if'])}"
    if field.is_written_once:
        yield "only when the document is created"
    if limits.currency is not None or limits.places is not None:
        way = f", rounded {limits.rounding}" if limits.rounding else ""
        of_currency = f"as many decimal places as {code(said.get('currency', ''))} has"
        whole = of_currency if limits.currency else f"{limits.places} decimal places"
        yield whole + way
    yield from dict.fromkeys(f"{sign} {bound}" for sign, bound in limits.range)
    yield from (f"{sign} {code(words)}" for sign, _, words in limits.asked)
    if limits.warned is not None:
        bounds = [f"{sign} {bound}" for sign, bound in limits.warned.range]
        bounds += [f"{sign} {code(words)}" for sign, _, words in limits.warned.asked]
        yield f"a warning where not {' and '.join(bounds)}"
    if flow.is_personal(field.reads) and not field.sent_with:
        yield "personal"
    if "because" in said:
        yield prose(said["because"])


def _check(check: ir.Check) -> str:
    within = "" if check.within in ("0", "0.00") else f" (within {check.within})"
    return f"{check.name}{within}{'; a warning' * check.warns}"


def _part_checks(part: ir.Part) -> Iterator[str]:
    """Yield the checks of the parts inside a part, with the place of each."""
    for member in part.members:
        for block in member.blocks if isinstance(member, ir.Rows) else ():
            where = f"{_path(member.target)}{'[]' * member.is_list}"
            yield from (f"{where}: {_check(check)}" for check in block.part.checks)
            yield from _part_checks(block.part)


def _path(target: str) -> str:
    """Return a target path without its document."""
    return target.rpartition(": ")[2]
