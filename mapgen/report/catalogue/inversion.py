"""E595: what a flow promises to give back, and does not."""

from __future__ import annotations

from mapgen.report.diagnostic import Diagnostic, Label
from mapgen.report.source import Span, Text


def not_given_back(
    reader: str, why: str, paths: tuple[str, ...], span: Span, mark: Text
) -> Diagnostic:
    """E595: a flow says `round_trip`, and what one of its rules reads is lost."""
    listed = ", ".join(f"`{path}`" for path in paths)
    does = "do" if len(paths) > 1 else "does"
    return Diagnostic(
        "E595",
        f"{reader} reads {listed}, which {does} not come back from the document",
        label=Label(span, why),
        related=(Label(mark.span(), "all that the rules read has to come back"),),
        help="give it back as it is in a field of its own; or remove `round_trip:`",
    )
