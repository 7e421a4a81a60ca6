"""What a worker does for others that died or fell silent: it takes over their jobs.

Every worker does it for all; two that do the same at once do no harm, because each step is guarded in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localq.app.app import LocalQ
from localq.execution.policy import rules_of
from localq.execution.settle import lost_outcome, released, settle
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.job import Job
from localq.model.outcome import Completion
from localq.model.worker import Lost, WorkerRow, WorkerState
from localq.store.protocol import Store
from localq.worker.lease import Lease

__all__ = ["Rescue"]

#: Seconds a worker past its lease has to renew it, counted from when this worker could see that.
_CHANCE_S = 3.0
#: Jobs rescued in one transaction.
_AT_ONCE = 500


class Rescue:
    """Takes the jobs of workers that are proven dead, or past their lease.

    Args:
        app: Tasks and settings.
        worker: The name of the worker that does it.
        lease: Its own.
        save: Writes what the jobs come to.
    """

    def __init__(
        self,
        app: LocalQ,
        worker: str,
        store: Store,
        clock: Clock,
        lease: Lease,
        save: Callable[[list[Completion]], None],
    ) -> None:
        self._app, self._worker, self._store, self._clock = app, worker, store, clock
        self._lease, self._save = lease, save
        self._suspects: dict[int, float] = {}

    def look(self) -> bool:
        """Take over what is lost; return whether there is more of it."""
        rows = {row.key: row for row in self._store.workers.all() if row.key != self._lease.key}
        self._suspects = {key: since for key, since in self._suspects.items() if key in rows}
        dead = [row.key for row in rows.values() if not row.declared and self._is_dead(row)]
        if dead:
            self._store.workers.leave(dead, self._clock.now())
            failpoints.point("rescue.buried")
        if not (dead or any(row.state == WorkerState.GONE for row in rows.values())):
            return False
        lost = self._store.workers.lost(_AT_ONCE)
        if lost:
            self._take_over(lost, rows)
        return len(lost) == _AT_ONCE

    def _is_dead(self, row: WorkerRow) -> bool:
        """Whether a worker is gone, or its lease is over and it had the chance to renew it.

        After the whole file was locked for long, every lease is over; the live ones come back within a second.
        """
        if row.state != WorkerState.SILENT:
            self._suspects.pop(row.key, None)
            return row.state == WorkerState.GONE
        steady = self._clock.steady()
        since = self._suspects.setdefault(row.key, steady)
        return bool(steady - since >= min(_CHANCE_S, self._app.conf.worker_lease / 2))

    def _take_over(self, lost: list[Lost], rows: Mapping[int, WorkerRow]) -> None:
        """Settle lost jobs: those their worker had started are charged a crash, the others only go back."""
        failpoints.point("rescue.inside")
        now = self._clock.now()
        done = []
        for job, started in lost:
            charged = self._must_not_run_twice(job) if started is None else started
            done.append(self._settled(job, rows.get(job.owner or 0), now) if charged else released(job, now))
        self._save(done)
        for owner in dict.fromkeys(one.job.owner or 0 for one in lost):
            name = rows[owner].card.name if owner in rows else "unknown"
            emit("jobs.rescued", worker=self._worker, owner=name, count=len(done))

    def _must_not_run_twice(self, job: Job) -> bool:
        """Whether a job whose machine went down may have run, and must not run again."""
        return rules_of(job, self._app.tasks.find(job.task), self._app.conf).at_most_once

    def _settled(self, job: Job, row: WorkerRow | None, now: int) -> Completion:
        if job.options is not None:
            # Error callbacks may follow: they are told of the arguments, and made only of a job that verifies.
            found = self._store.read.get([job.id], args=True).get(job.id)
            job = job if found is None else job._replace(args=found.args)
        rules = rules_of(job, self._app.tasks.find(job.task), self._app.conf)
        name = f"{row.card.name} (pid {row.card.pid})" if row is not None else "its worker"
        outcome = lost_outcome(f"The worker {name} died or stopped answering", job, rules, now)
        return settle(job, outcome, row.card.name if row is not None else "unknown", rules, now)
