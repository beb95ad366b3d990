"""How values are written in cells, `1.234,50-` or `31.01.2026`: made what they are elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from mapgen.agreed.plan import Form
from mapgen.runtime.dates import DateFormat
from mapgen.runtime.errors import RuleError
from mapgen.runtime.source import Amount, Instant, described

Read = Callable[[str], str]

_NUMBERS = (int, Amount)
_BLANKS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
# Signs that are written in each other's place.
_ALIKE = {" ": f"[{_BLANKS}]", "'": "['\N{RIGHT SINGLE QUOTATION MARK}]"}
_SIGNED = re.compile(r"(?P<before>[-+−]?)(?P<digits>[^-+−()]*)(?P<behind>[-+−]?)|\((?P<less>.*)\)")


class Spelling:
    """How the cells of one form of files are written."""

    def __init__(self, form: Form) -> None:
        """Prepare for a form."""
        self._number: Read | None = None
        if form.decimal is not None or form.thousands is not None:
            self._number = _Number(form.decimal or ".", form.thousands).read
        self._dates = {column: DateFormat(words) for column, words in form.dates.items()}

    def of(self, column: str, kind: object) -> Read | None:
        """Return what makes cells of a column what they would be written like without a setting.

        That raises RuleError for a cell that is not written as its form says; None for cells that
        are written so anyway.
        """
        if kind in _NUMBERS:
            return self._number
        found = self._dates.get(column)
        if found is None or kind not in (date, Instant):
            return None
        read = found.read_date if kind is date else found.read_instant

        def iso(cell: str) -> str:
            try:
                return read(cell.strip()).isoformat()
            except (ValueError, OverflowError):
                message = f"the text does not match the date format `{found.words}`"
                raise RuleError("R102", message, cell) from None

        return iso


class _Number:
    """Numbers with a sign between their digits, or behind them."""

    def __init__(self, decimal: str, thousands: str | None) -> None:
        between = "" if thousands is None else _ALIKE.get(thousands, re.escape(thousands))
        grouped = rf"\d{{1,3}}(?:{between}\d{{3}})+|" if between else ""
        whole, fraction = rf"(?:{grouped}\d+)", rf"{re.escape(decimal)}\d+"
        self._matches = re.compile(rf"({whole}?)({fraction})|({whole})", re.ASCII).fullmatch
        self._between = re.compile(between) if between else None
        self._example = f"1{thousands or ''}234{decimal}50"

    def read(self, cell: str) -> str:
        """Return a number as JSON has it. Raises RuleError for what is not written so."""
        signed = _SIGNED.fullmatch(cell.strip(_BLANKS))
        if signed is not None:
            signs = (signed["before"] or "") + (signed["behind"] or "")
            digits = (signed["less"] or signed["digits"] or "").strip(_BLANKS)
            found = self._matches(digits)
            if found is not None and len(signs) < 2:
                is_less = signed["less"] is not None or signs in ("-", "−")
                return ("-" if is_less else "") + self._plain(found)
        message = f"expected a number like `{self._example}`, found {described(cell)}"
        raise RuleError("R102", message, cell)

    def _plain(self, found: re.Match[str]) -> str:
        whole = found[1] or found[3] or "0"
        if self._between is not None:
            whole = self._between.sub("", whole)
        return f"{whole}.{found[2][1:]}" if found[2] else whole
