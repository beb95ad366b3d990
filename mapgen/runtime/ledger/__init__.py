"""What a run has taken over, has in hand and has brought to an end: one row a record."""

from mapgen.runtime.ledger.ledger import Ledger
from mapgen.runtime.ledger.rows import Acknowledgement, Claim, End, Staged
from mapgen.runtime.ledger.schema import State
from mapgen.runtime.ledger.staging import source_of

__all__ = ["Acknowledgement", "Claim", "End", "Ledger", "Staged", "State", "source_of"]
