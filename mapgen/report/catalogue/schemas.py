"""E42x: what can be wrong with the schema of a source, or of a target outside the ERP."""

from __future__ import annotations

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.source import Span


def not_a_schema(path: str, pointer: str, reason: str, what: str = "source") -> Diagnostic:
    """E421: the file is JSON but no JSON Schema."""
    return Diagnostic(
        "E421",
        f"at `{pointer}` the {what} schema is no JSON Schema: {reason}",
        path=path,
        help=f"{what} schemas are JSON Schema 2020-12",
    )


def endless_schema(path: str, count: int, most: int) -> Diagnostic:
    """E421: references that branch into more fields than anything can be said of."""
    return Diagnostic(
        "E421",
        f"the source schema has {count:,} fields when its `$ref`s are followed; at most {most:,}",
        path=path,
        help="leave out of `properties` what no rule reads",
    )


def unsupported_keyword(path: str, pointer: str, keyword: str, what: str = "source") -> Diagnostic:
    """E422: a keyword that would leave a field without one type."""
    return Diagnostic(
        "E422",
        f"at `{pointer}` the {what} schema uses `{keyword}`: then a field has no one type",
        path=path,
        help='give the field one `type`, with "null" beside it if it can be null',
    )


def unheld_keyword(
    path: str, pointer: str, keyword: str, reason: str = "no record is held against it"
) -> Diagnostic:
    """E428: a keyword that asks something of records, and none is held against it."""
    return Diagnostic(
        "E428",
        f"at `{pointer}` the source schema says `{keyword}`: {reason}",
        path=path,
        help="take the keyword out of the schema, or say it in another way",
    )


def unknown_reference(path: str, pointer: str, reference: str, what: str = "source") -> Diagnostic:
    """E423: a `$ref` that leads nowhere in the file."""
    return Diagnostic(
        "E423",
        f"at `{pointer}` the {what} schema refers to `{reference}`, which it does not define",
        path=path,
        help="references lead to a place in the same file: `#/$defs/NAME`",
    )


def unusable_name(name: str, owner: str, span: Span) -> Diagnostic:
    """E426: a member whose name generated code can neither read nor write."""
    return Diagnostic(
        "E426",
        f"the name of the member `{name}` of `{owner}` has a character that rules cannot use",
        label=Label(span, "uses it"),
        notes=('members are read and written by names without `"`, `\\` and control characters',),
        help="have the schema name the member in another way, or use another one",
    )


def name_like_a_path(span: Span, name: str) -> Diagnostic:
    """E426: a member whose name reads like a path: nobody could tell the two apart."""
    return Diagnostic(
        "E426",
        f"the name of the member `{name}` reads like a path, which rules cannot use",
        label=Label(span),
        notes=("in paths, `.` goes into an object and `[]` into a list",),
        help="let the source name it in another way, or ignore it with a reason",
    )


def root_is_no_object(path: str, found: str, what: str = "source") -> Diagnostic:
    """E424: a record that is no object."""
    return Diagnostic(
        "E424",
        f"the {what} schema describes a {found}, not an object",
        path=path,
        help=(
            "the schema describes one document"
            if what == "target"
            else "the schema describes one record; what a shop wraps it in goes to `envelope:`"
        ),
    )
