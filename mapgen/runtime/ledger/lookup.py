"""A lookup in the ledger: the numbers that the ERP gave to documents, by identity."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from mapgen.runtime.lookups import Asked, Key

_MOST_KNOWN = 65_536


class LedgerTable(Asked):
    """The documents of one flow that are in the ERP, as a table.

    A number never changes, so it is remembered; a document that is not there may be there the next
    time, so a miss never is.
    """

    def __init__(self, number_of: Callable[[str], str | None]) -> None:
        self._number_of = number_of
        self._known = lru_cache(_MOST_KNOWN)(self._look_up)

    def __getitem__(self, key: Key) -> str:
        return self._known(key)

    def _look_up(self, key: Key) -> str:
        """Return the number of a document. Raises KeyError, which the cache does not keep."""
        number = self._number_of(str(key))
        if number is None:
            raise KeyError(key)
        return number
