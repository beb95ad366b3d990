"""The mapping as a table that people read: one line a target field, in the spec's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from mapgen.emit.templates import render
from mapgen.escaping import code, prose
from mapgen.ir import flow as ir

# So many fields of an ignored pattern are named; how many there are beyond is told.
MOST_SHOWN = 8


def mapping_document(flow: ir.Flow) -> str:
    """Return the Markdown document of a flow."""
    return render(
        "mapping.md.jinja",
        flow=flow,
        documents=[_document(document, flow) for document in flow.documents],
        tables=[f"{table.name} ({_table(table)})" for table in flow.tables],
        skips=[skip.because for skip in flow.skips],
        personal=flow.personal,
        ignored=[(one, _caught(one, flow.source_name)) for one in flow.ignored],
    )


def _caught(ignored: ir.Ignored, record: str) -> str:
    """Return the fields that a pattern caught, below the record; of many the first ones."""
    if [path.replace("[]", "") for path in ignored.fields] == [ignored.pattern.replace("[]", "")]:
        return "itself"
    names = [code(path.removeprefix(f"{record}.")) for path in ignored.fields]
    if len(names) > MOST_SHOWN + 1:
        names[MOST_SHOWN:] = [f"{len(names) - MOST_SHOWN} more"]
    return f"{len(ignored.fields)}: {', '.join(names)}"


def _document(document: ir.Document, flow: ir.Flow) -> dict[str, object]:
    prefix = "" if flow.only is document else f"{code(document.name)} "
    return {
        "document": document,
        "heading": "Fields" if flow.only is document else f"The document {code(document.name)}",
        "of": "" if flow.only is document else f" of {code(document.name)}",
        "checked": "the document" + ("" if flow.only is document else f" {code(document.name)}"),
        "target": f"{prefix}{document.operation} {code(document.entity)} of {prose(_owner(flow))}",
        "made": ", ".join(_conditions(document)),
        "rows": list(_rows(document.part)),
        "checks": [_check(check) for check in document.checks],
    }


def _owner(flow: ir.Flow) -> str:
    """Return what describes the documents: an endpoint of the ERP, or a JSON Schema."""
    return f"{flow.endpoint}/{flow.endpoint_version}" if flow.endpoint else flow.endpoint_version


def _conditions(document: ir.Document) -> Iterator[str]:
    """Yield for what a document is made, and what has to be there before it."""
    if document.rows is not None:
        yield f"one for each {code(document.rows.alias)} of {document.rows.words}"
    if document.when is not None:
        yield f"where {document.when.words}"
    if document.after:
        yield "after " + " and ".join(code(name) for name in document.after)


def _table(table: ir.Table) -> str:
    """Return where a table's values come from."""
    match table:
        case ir.FileTable(path=path):
            return code(path)
        case ir.LedgerTable(flow=flow, document=document):
            return f"the ledger: what {code(flow + ('.' + document if document else ''))} made"
        case ir.TenantTable(entity=entity, key=key, value=value):
            asked = " and ".join(code(field) for field in key)
            return f"asked of the ERP: {code(value)} of the {code(entity)} by {asked}"
        case _:
            assert_never(table)


def _rows(part: ir.Part) -> Iterator[dict[str, str]]:
    notes = () if part.note is None else (part.note,)
    for member in (*part.members, *(item.field for item in part.custom), *notes):
        if isinstance(member, ir.Field):
            yield _row(member)
            continue
        if isinstance(member, ir.BlocksPart):
            yield _opening(_path(member.target), (), _part_rule(member))
            for number, block in enumerate(member.blocks, start=1):
                yield _opening(
                    f"{_path(member.target)}, block {number}", block.reads, _block_rule(block)
                )
                yield from _rows(block.part)
            continue
        yield _opening(_path(member.target), member.reads, _part_rule(member))
        yield from _rows(member.part)


def _opening(target: str, reads: tuple[str, ...], rule: str) -> dict[str, str]:
    """Return the line over the fields of a part."""
    source = ", ".join(code(path) for path in reads)
    return {
        "target": f"**{prose(target)}**",
        "source": source,
        "rule": rule,
        "missing": "",
        "remarks": "",
    }


def _row(field: ir.Field) -> dict[str, str]:
    return {
        "target": code(_path(field.target)),
        "source": ", ".join(code(path) for path in field.reads),
        "rule": field.words,
        "missing": _missing(field),
        "remarks": "; ".join(_remarks(field)),
    }


def _part_rule(member: ir.ObjectPart | ir.RowsPart | ir.BlocksPart) -> str:
    once = "; only when the document is created" if member.is_written_once else ""
    return _part_words(member) + once


def _part_words(member: ir.ObjectPart | ir.RowsPart | ir.BlocksPart) -> str:
    if not isinstance(member, ir.ObjectPart):
        fewest = f", {member.at_least} at least" if member.at_least else ""
        keys = ", ".join(code(name) for name in member.row_key)
        known_by = f", recognised by {keys}" if keys else ""
        return f"{_rows_words(member)}{fewest}{known_by}"
    if member.source is None:
        return "always there"
    return "there when the source is" if member.may_be_missing else "always there"


def _rows_words(member: ir.RowsPart | ir.BlocksPart) -> str:
    if isinstance(member, ir.RowsPart):
        where = f" where {member.where_words}" if member.where_words else ""
        return f"a row for each {code(member.alias)}{where}"
    return f"the rows of {len(member.blocks)} blocks"


def _block_rule(block: ir.Block) -> str:
    rows = "one row" if block.alias is None else f"a row for each {code(block.alias)}"
    return f"{rows} where {block.words}" if block.words else rows


def _missing(field: ir.Field) -> str:
    match field.on_missing:
        case "never":
            return ""
        case "omit":
            return "emptied" if field.clears else "left out"
        case "reject":
            return "rejected"
        case "replace":
            return code(field.missing_words or "")


def _remarks(field: ir.Field) -> Iterator[str]:
    limits = field.limits
    if limits.max_length is not None:
        way = "cut" if limits.truncates else "rejected"
        yield f"longer than {limits.max_length}: {way}"
    if field.error_words is not None:
        yield f"where that fails: {field.error_words}"
    if field.is_written_once:
        yield "only when the document is created"
    if field.places_words is not None or limits.places is not None:
        way = f", rounded {limits.rounding}" if limits.rounding else ""
        yield (field.places_words or f"{limits.places} decimal places") + way
    yield from dict.fromkeys(f"{sign} {bound}" for sign, bound in limits.range)
    if field.is_personal:
        yield "personal"
    if field.because:
        yield prose(field.because)


def _check(check: ir.Check) -> str:
    within = "" if check.within in ("0", "0.00") else f" (within {check.within})"
    return f"{check.name}{within}"


def _path(target: str) -> str:
    """Return a target path without its document."""
    return target.rpartition(": ")[2]
