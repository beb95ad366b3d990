"""The ledger of deliveries: one row a document, from staged to its end."""

from mapgen.runtime.ledger.book import book_of
from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.rows import (
    Acknowledgement,
    Arrival,
    Claim,
    End,
    Held,
    Kept,
    Keys,
    Need,
    Queued,
    Staged,
    StillOpen,
)
from mapgen.runtime.ledger.schema import State
from mapgen.runtime.ledger.text import source_of

__all__ = [
    "Acknowledgement",
    "Arrival",
    "Claim",
    "End",
    "Held",
    "Kept",
    "Keys",
    "Ledger",
    "Need",
    "Queued",
    "Staged",
    "State",
    "StillOpen",
    "book_of",
    "source_of",
]
