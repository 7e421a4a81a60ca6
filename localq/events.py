"""What happens, as events: code emits them, one module formats them (`localq.log`).

Names are `noun.verb` in the past tense. Fields never hold arguments or results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["EVENTS", "emit", "subscribe"]

#: Every event and its fields.
EVENTS = {
    "worker.started": "worker pool concurrency queues store",
    "worker.stopping": "worker how",
    "worker.stopped": "worker duration_s",
    "worker.rejoined": "worker reason",
    "job.received": "worker task job_id",
    "job.started": "worker task job_id attempt slot",
    "job.succeeded": "worker task job_id attempt duration_s",
    "job.retried": "worker task job_id attempt duration_s run_in_s error",
    "job.failed": "worker task job_id attempt duration_s error expected traceback",
    "job.lost": "worker task job_id attempt error again",
    "job.rejected": "worker task job_id attempt requeue",
    "job.ignored": "worker task job_id attempt",
    "job.revoked": "worker task job_id reason",
    "job.printed": "worker task job_id text",
    "job.discarded": "worker task job_id reason",
    "jobs.rescued": "worker owner count",
    "jobs.pruned": "worker count",
    "slot.started": "worker pid",
    "slot.died": "worker pid reason",
    "store.failed": "worker error",
    "store.recovered": "worker after_s",
}

Subscriber = Callable[[str, dict[str, Any]], None]
_subscribers: list[Subscriber] = []


def emit(event: str, **fields: Any) -> None:
    """Tell every subscriber; what a subscriber raises is its own trouble."""
    for subscriber in _subscribers:
        with contextlib.suppress(Exception):
            subscriber(event, fields)


def listened() -> bool:
    """Whether anybody subscribed: hot paths build no fields for nobody."""
    return bool(_subscribers)


@contextlib.contextmanager
def subscribe(subscriber: Subscriber) -> Iterator[None]:
    """Call `subscriber(event, fields)` for every event within the block, in the thread that emits."""
    _subscribers.append(subscriber)
    try:
        yield
    finally:
        _subscribers.remove(subscriber)
