"""How many jobs each queue has, by what a person calls their states."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from localq import states
from localq.model.job import JobState
from localq.store.protocol import Store

__all__ = ["STATE_NAMES", "counts", "queues_left"]

#: What a job's states are called: Celery's words, but for those that Celery has no two words for.
STATE_NAMES = {
    JobState.WAITING: "WAITING",
    JobState.SCHEDULED: "SCHEDULED",
    JobState.READY: "READY",
    JobState.RUNNING: states.STARTED,
    JobState.SUCCEEDED: states.SUCCESS,
    JobState.FAILED: states.FAILURE,
    JobState.CANCELLED: states.REVOKED,
}


def counts(stats: Mapping[tuple[str, JobState], int]) -> dict[str, dict[str, int]]:
    """Return the number of jobs in each state, none left out, by queue.

    Args:
        stats: Numbers of jobs by queue and state, as the store tells them.
    """
    found: dict[str, dict[str, int]] = {}
    for (queue, state), count in sorted(stats.items()):
        found.setdefault(queue, dict.fromkeys(STATE_NAMES.values(), 0))[STATE_NAMES[state]] = count
    return found


def queues_left(store: Store, served: Collection[str] | None, excluded: Collection[str]) -> list[str] | None:
    """Return the queues with jobs that are left of those served (None: all) without those excluded; None for all."""
    if served is None and not excluded:
        return None
    there = {queue for queue, _ in store.read.stats().counts} if served is None else served
    return sorted(set(there) - set(excluded))
