"""The ledger of deliveries: one row a document, from staged to its end."""

from mapgen.runtime.ledger.book import book_of
from mapgen.runtime.ledger.inbox import Delivery, Waiting
from mapgen.runtime.ledger.ledger import Began, Ledger
from mapgen.runtime.ledger.rows import (
    Acknowledgement,
    Arrival,
    Claim,
    End,
    Held,
    Kept,
    Keys,
    Mark,
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
    "Began",
    "Claim",
    "Delivery",
    "End",
    "Held",
    "Kept",
    "Keys",
    "Ledger",
    "Mark",
    "Need",
    "Queued",
    "Staged",
    "State",
    "StillOpen",
    "Waiting",
    "book_of",
    "source_of",
]
