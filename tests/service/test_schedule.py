"""Schedules as specs write them: the moments that they mean."""

from __future__ import annotations

from datetime import datetime

import pytest

from mapgen.service.schedule import schedule_of

NOW = datetime(2026, 3, 4, 10, 7, 30)  # a Wednesday


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("every minute", datetime(2026, 3, 4, 10, 8)),
        ("every 5 minutes", datetime(2026, 3, 4, 10, 10)),
        ("every hour", datetime(2026, 3, 4, 11)),
        ("every 2 hours", datetime(2026, 3, 4, 12)),
        ("every 5 minutes, after shopify_orders", datetime(2026, 3, 4, 10, 10)),
        ("daily at 06:30", datetime(2026, 3, 5, 6, 30)),
        ("every monday at 06:30", datetime(2026, 3, 9, 6, 30)),
        ("monthly on 1 at 05:00", datetime(2026, 4, 1, 5)),
        ("cron 30 6 * * 1-5", datetime(2026, 3, 5, 6, 30)),
        ("on demand", None),
        (None, None),
    ],
)
def test_the_next_moment(words: str | None, expected: datetime | None) -> None:
    assert schedule_of(words).next(NOW) == expected


def test_after_another_flow() -> None:
    assert schedule_of("every hour, after shopify_orders").after == "shopify_orders"
