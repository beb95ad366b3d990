"""How we speak: sources and spans, diagnostics, the catalogue of every message, the renderers."""

from mapgen.report.diagnostic import (
    REPORTED_ELSEWHERE,
    Diagnostic,
    Label,
    Severity,
    Stopped,
    noting,
)
from mapgen.report.fix import Fix, Replacement
from mapgen.report.near import near_names, suggestion
from mapgen.report.source import Source, Span, Text

__all__ = [
    "REPORTED_ELSEWHERE",
    "Diagnostic",
    "Fix",
    "Label",
    "Replacement",
    "Severity",
    "Source",
    "Span",
    "Stopped",
    "Text",
    "near_names",
    "noting",
    "suggestion",
]
