"""How long a document stays with the worker that has it, on a clock that nobody sets.

In PostgreSQL that is the server's. Processes that share a file of SQLite run on one machine, and
share its `uptime`: a moment of an earlier start of the machine looks younger than it is, or lies in
the future, and then counts from now. So nothing is ever taken too early.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Double, bindparam, case, text, update

from mapgen.runtime.clock import uptime
from mapgen.runtime.ledger.schema import RECORDS

_ROWS = RECORDS.c
_FUTURE = 1.0
_COUNT_FROM_NOW = (
    update(RECORDS)
    .where(_ROWS.flow == bindparam("of_flow"), _ROWS.state == "sending")
    .where(_ROWS.intent_at > bindparam("now", type_=Double) + _FUTURE)
    .values(intent_at=bindparam("now", type_=Double))
)
_NOW = text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")


class LeaseClock:
    """The clock that all who share a ledger read."""

    def __init__(self, *, is_shared_by_machines: bool) -> None:
        self._is_shared_by_machines = is_shared_by_machines

    def moment(self, connection: Connection) -> float:
        """Return now."""
        if not self._is_shared_by_machines:
            return uptime()
        return float(connection.execute(_NOW).scalar_one())


LAST_REQUEST: ColumnElement[float] = case(
    (_ROWS.claim.is_(None), _ROWS.intent_at),
    else_=_ROWS.intent_at + bindparam("lease", type_=Double),
)
"""The latest moment at which a request of a document in hand can have begun.

One that ended without an answer has no claim: its moment is the end of its request.
"""


def count_from_now(connection: Connection, flow: str, moment: float) -> None:
    """Let moments of another clock, which lie in the future of this one, be now."""
    connection.execute(_COUNT_FROM_NOW, {"of_flow": flow, "now": moment})
