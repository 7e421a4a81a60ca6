"""Jobs, edges and groups as they go into another store, portion by portion."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.job import JobState
from localq.monitor.moving.brake import Brake
from localq.store.protocol import Held, Portion, Store, WholeJob

__all__ = ["Wait", "copy_edges_and_groups", "copy_jobs", "portions"]

#: Jobs in the first portion, and in those after it if they are small.
_FIRST, _MOST = 50, 500
#: Bytes of arguments, results and outputs that a portion should have at most.
_BYTES = 4 << 20
#: Called where something runs that was to be over; returns when it is.
Wait = Callable[[], None]


def portions(store: Store, held: Held, after: str | None) -> Iterator[Portion]:
    """Yield what stands behind a place, in portions that are not too large."""
    limit = _FIRST
    while (portion := store.moving.take(held, after, limit)).last is not None:
        yield portion
        after = portion.last
        limit = max(1, min(2 * limit, _MOST, limit * _BYTES // max(1, _weight(portion))))


def _weight(portion: Portion) -> int:
    jobs = sum(_bytes(one) for one in portion.jobs)
    return jobs + sum(len(one.content) for one in portion.groups)


def _bytes(one: WholeJob) -> int:
    of_runs = sum(len(run.result or b"") + len(run.failure or b"") + len(run.output or "") for run in one.attempts)
    return len(one.job.args or b"") + of_runs + len(one.note or b"")


def copy_jobs(
    source: Store, target: Store, after: str | None, clock: Clock, wait: Wait, saved: Callable[[str, int], None]
) -> tuple[str | None, int]:
    """Put every job behind a place into another store; return the place of the last, and how many are new there.

    Args:
        wait: Called where a job runs after all.
        saved: Told the place and the number of jobs of each portion that is there.
    """
    fresh = 0
    brakes = Brake(source, clock), Brake(target, clock)
    while True:
        for portion in portions(source, Held.JOBS, after):
            queues = {one.job.queue for one in portion.jobs}
            brakes[1].hold_queues(queues)
            # What was ready when it was read may have been taken since, where its queue was open: it is read again.
            if brakes[0].hold_queues(queues) or any(one.job.state == JobState.RUNNING for one in portion.jobs):
                wait()
                break
            fresh += target.moving.put(portion, clock.now())
            failpoints.point("move.put")
            assert portion.last is not None
            after = portion.last
            saved(after, len(portion.jobs))
        else:
            return after, fresh


def copy_edges_and_groups(source: Store, target: Store, clock: Clock, told: Callable[[int], None]) -> int:
    """Put all edges and groups into another store, where the jobs are by now; return how many groups are new there."""
    fresh = 0
    for held in (Held.TIES, Held.GROUPS):
        for portion in portions(source, held, None):
            fresh += target.moving.put(portion, clock.now())
            told(len(portion.ties) + len(portion.groups))
    return fresh
