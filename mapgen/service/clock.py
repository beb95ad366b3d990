"""The clock of schedules: that on the wall, or one that runs faster, for rehearsals."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from msgspec import Struct, field


class ServiceClock(Struct, frozen=True):
    """Tells the time of schedules; `speed` hours of it pass in an hour."""

    speed: float = 1.0
    began: datetime = field(default_factory=datetime.now)
    began_at: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        """Return the time on the wall, without a zone, or what it is for one that runs faster."""
        if self.speed == 1.0:
            return datetime.now()
        return self.began + timedelta(seconds=(time.monotonic() - self.began_at) * self.speed)

    def seconds_to(self, moment: datetime) -> float:
        """Return how many real seconds it is to a moment of this clock; none where it is over."""
        return max(0.0, (moment - self.now()).total_seconds() / self.speed)
