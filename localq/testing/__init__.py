"""For tests of programs that use LocalQ: jobs run in the test, looks at the queue, a worker, travel through time.

def test_a_sale_sends_a_receipt():
    sell("book")
    assert_enqueued(q, send_receipt, args=("book",))
    drain(q)
    assert outbox == ["book"]

def test_the_report_is_written_every_night():
    with travel(q, datetime(2026, 3, 1, tzinfo=UTC)) as trip:
        trip.forward(days=3)
    assert [run.task for run in trip.ran] == ["shop.report"] * 3

Fixtures for pytest are in `localq.contrib.pytest`, which pytest loads by itself.
"""

from __future__ import annotations

from localq.testing.assertions import Enqueued, assert_enqueued, assert_not_enqueued, enqueued, shown_queue
from localq.testing.draining import drain
from localq.testing.fake_clock import FakeClock
from localq.testing.time_travel import Ran, Trip, travel
from localq.testing.worker import isolated, start_worker

__all__ = [
    "Enqueued",
    "FakeClock",
    "Ran",
    "Trip",
    "assert_enqueued",
    "assert_not_enqueued",
    "drain",
    "enqueued",
    "isolated",
    "shown_queue",
    "start_worker",
    "travel",
]
