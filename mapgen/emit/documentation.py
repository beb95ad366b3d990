"""The mapping as a table that people read: one line a target field, in the spec's own words."""

from __future__ import annotations

from collections.abc import Iterator

from mapgen.emit.templates import render
from mapgen.ir import flow as ir


def mapping_document(flow: ir.Flow) -> str:
    """Return the Markdown document of a flow."""
    (document,) = flow.documents
    return render(
        "mapping.md.jinja",
        document=document,
        flow=flow,
        rows=list(_rows(document.part)),
        skips=[skip.because for skip in flow.skips],
        checks=[_check(check) for check in document.checks],
        personal=flow.personal,
    )


def _rows(part: ir.Part) -> Iterator[dict[str, str]]:
    notes = () if part.note is None else (part.note,)
    for member in (*part.members, *(item.field for item in part.custom), *notes):
        if isinstance(member, ir.Field):
            yield _row(member)
            continue
        source = ", ".join(f"`{path}`" for path in member.reads)
        yield {
            "target": f"**{member.target}**",
            "source": source,
            "rule": _part_rule(member),
            "missing": "",
            "remarks": "",
        }
        yield from _rows(member.part)


def _row(field: ir.Field) -> dict[str, str]:
    return {
        "target": f"`{field.target}`",
        "source": ", ".join(f"`{path}`" for path in field.reads),
        "rule": _escaped(field.words),
        "missing": _missing(field),
        "remarks": _escaped("; ".join(_remarks(field))),
    }


def _part_rule(member: ir.ObjectPart | ir.RowsPart) -> str:
    if isinstance(member, ir.RowsPart):
        fewest = f", {member.at_least} at least" if member.at_least else ""
        return f"a row for each `{member.alias}`{fewest}"
    if member.source is None:
        return "always there"
    return "there when the source is" if member.may_be_missing else "always there"


def _missing(field: ir.Field) -> str:
    match field.on_missing:
        case "never":
            return ""
        case "omit":
            return "left out"
        case "reject":
            return "rejected"
        case "replace":
            return _escaped(f"`{field.missing_words}`")


def _remarks(field: ir.Field) -> Iterator[str]:
    limits = field.limits
    if limits.max_length is not None:
        way = "cut" if limits.truncates else "rejected"
        yield f"longer than {limits.max_length}: {way}"
    if limits.places is not None:
        way = f", rounded {limits.rounding}" if limits.rounding else ""
        yield f"{limits.places} decimal places{way}"
    for sign, bound in limits.range:
        yield f"{sign} {bound}"
    if field.is_personal:
        yield "personal"
    if field.because:
        yield field.because


def _check(check: ir.Check) -> str:
    within = "" if check.within in ("0", "0.00") else f" (within {check.within})"
    return f"{check.name}{within}"


def _escaped(words: str) -> str:
    """Return words that may stand in a table cell."""
    return words.replace("|", "\\|").replace("\n", " ")
