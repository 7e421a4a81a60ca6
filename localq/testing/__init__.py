"""For tests of programs that use LocalQ: a worker in the test's process, jobs run in the test, looks at the queue.

def test_a_sale_sends_a_receipt():
    sell("book")
    assert_enqueued(q, send_receipt, args=("book",))
    drain(q)
    assert outbox == ["book"]

Fixtures for pytest are in `localq.pytest_plugin`, which pytest loads by itself.
"""

from __future__ import annotations

from localq.testing.drain import drain
from localq.testing.queue import Enqueued, assert_enqueued, assert_not_enqueued, enqueued, shown_queue
from localq.testing.worker import isolated, start_worker

__all__ = [
    "Enqueued",
    "assert_enqueued",
    "assert_not_enqueued",
    "drain",
    "enqueued",
    "isolated",
    "shown_queue",
    "start_worker",
]
