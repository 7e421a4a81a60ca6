"""What happens, as events: code emits them, one module formats them (`localq.log`).

Names are `noun.verb` in the past tense. Fields never hold arguments or results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["EVENTS", "Subscriber", "emit", "listened", "subscribe"]

#: Every event and its fields.
EVENTS = {
    "worker.started": "worker pool concurrency queues store",
    "worker.stopping": "worker how running",
    "worker.stopped": "worker",
    "worker.rejoined": "worker reason",
    "job.received": "worker task job_id queue attempt",
    "job.started": "worker task job_id attempt slot",
    "job.succeeded": "worker task job_id queue attempt duration_s",
    "job.retried": "worker task job_id queue attempt duration_s run_in_s error",
    "job.failed": "worker task job_id queue attempt duration_s error expected traceback",
    "job.lost": "worker task job_id queue attempt error again",
    "job.rejected": "worker task job_id queue attempt requeue",
    "job.ignored": "worker task job_id queue attempt",
    "job.revoked": "worker task job_id reason",
    "job.printed": "worker task job_id text",
    "job.discarded": "worker task job_id reason",
    "jobs.rescued": "worker owner count",
    "jobs.pruned": "worker count",
    "control.received": "worker command",
    "task.unknown": "worker task elsewhere",
    "notices.dropped": "worker count",
    "slot.started": "worker pid",
    "slot.died": "worker pid reason",
    "pool.broken": "worker reason",
    "schedule.fired": "schedule task job_id nominal late_s",
    "schedule.skipped": "schedule nominal count reason",
    "schedule.failed": "schedule error",
    "schedule.retired": "schedule source",
    "scheduler.started": "schedules store",
    "scheduler.stopped": "",
    "store.weak": "worker grave what advice",
    "store.failed": "worker error",
    "store.recovered": "worker after_s",
    "store.rolled_back": "worker writes",
}

Subscriber = Callable[[str, dict[str, Any]], None]
_subscribers: dict[str, tuple[Subscriber, ...]] = {}


def emit(event: str, **fields: Any) -> None:
    """Tell those who asked for this event; what a subscriber raises is its own trouble."""
    for subscriber in _subscribers.get(event, ()):
        with contextlib.suppress(Exception):
            subscriber(event, fields)


def listened(event: str) -> bool:
    """Whether anybody asked for this event: hot paths build no fields for nobody."""
    return event in _subscribers


@contextlib.contextmanager
def subscribe(subscriber: Subscriber, events: Iterable[str] = tuple(EVENTS)) -> Iterator[None]:
    """Call `subscriber(event, fields)` for these events within the block, in the thread that emits.

    Ask for no more than is needed: an event that somebody listens to costs something for every job.

    Raises:
        ValueError: there is no such event.
    """
    wanted = tuple(events)
    for event in wanted:
        if event not in EVENTS:
            raise ValueError(f"There is no event {event!r}")
    for event in wanted:
        _subscribers[event] = (*_subscribers.get(event, ()), subscriber)
    try:
        yield
    finally:
        for event in wanted:
            rest = list(_subscribers[event])
            rest.remove(subscriber)
            if rest:
                _subscribers[event] = tuple(rest)
            else:
                del _subscribers[event]
