"""What records come from: the kinds of sources, each by its name, and one of them at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from mapgen.agreed.plan import Form, Plan
from mapgen.runtime.sources.csv import CsvFiles
from mapgen.runtime.sources.json import JsonFiles
from mapgen.runtime.sources.kind import Files, Source


def _workbooks(form: Form) -> Files:
    """Return what reads workbooks; what that takes is loaded where it is needed."""
    from mapgen.runtime.sources.xlsx import XlsxFiles

    return XlsxFiles(form)


KINDS: Mapping[str, Callable[[Form], Files]] = {
    "json": JsonFiles,
    "csv": CsvFiles,
    "xlsx": _workbooks,
    "entity": JsonFiles,
}


def files_of(form: Form) -> Files:
    """Return what reads files of a form."""
    return KINDS[form.format](form)


def source_of(plan: Plan, kind: type[msgspec.Struct]) -> Source:
    """Return what gives the records of a flow, as this struct."""
    return KINDS[plan.source_kind](plan.form).source(plan, kind)
