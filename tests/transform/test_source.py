"""Values of a source record: what is read strictly, and how."""

from __future__ import annotations

import pytest

from mapgen.runtime.source import instant


@pytest.mark.parametrize(
    ("written", "day"),
    [
        pytest.param(
            "2026-10-05T23:59:59.9999996-04:00", "2026-10-05", id="rounding up is a day late"
        ),
        pytest.param("2026-10-05T23:59:59.999999999Z", "2026-10-05", id="nine digits"),
        pytest.param("2026-10-05T23:59:59Z", "2026-10-05", id="no fraction"),
    ],
)
def test_fraction_of_an_instant_is_cut(written: str, day: str) -> None:
    """The last moment of a day stays in that day, however many digits it has."""
    assert instant(written).date().isoformat() == day
