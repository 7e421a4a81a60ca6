"""Jobs that took as long as a test says: nobody ran them."""

from __future__ import annotations

from localq import LocalQ
from localq.model.worker import Served
from tests.store.given import attempt, done, worker

__all__ = ["ran_for"]


def ran_for(q: LocalQ, task: str, *seconds: float) -> list[str]:
    """Enter jobs of a task that have just finished, each after so many seconds; return their ids."""
    ids = [q.send_task(task, (f"{span} s",)).id for span in seconds]
    now, key = q.clock.now(), worker(q.store, f"runs-{ids[0]}")
    took = dict(zip(ids, seconds, strict=True))
    for job in q.store.jobs.claim(key, Served(None, ()), len(ids), now).jobs:
        run = attempt(1, started_at=now - int(took[job.id] * 1e6), ended_at=now)
        q.store.jobs.finish([done(job, attempt=run)], now)
    return ids
