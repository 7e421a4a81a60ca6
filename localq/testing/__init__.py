"""For tests of programs that use LocalQ: a clock that is set by hand, and travel through days of schedules.

def test_the_report_is_written_every_night():
    with travel(q, datetime(2026, 3, 1, tzinfo=UTC)) as trip:
        trip.forward(days=3)
    assert [run.task for run in trip.ran] == ["shop.report"] * 3
"""

from __future__ import annotations

from localq.testing.fake_clock import FakeClock
from localq.testing.trip import Ran, Trip, travel

__all__ = ["FakeClock", "Ran", "Trip", "travel"]
