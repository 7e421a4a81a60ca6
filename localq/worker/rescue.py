"""What a worker does for others that died or fell silent: it takes over their jobs.

Every worker does it for all; two that do the same at once do no harm, because each step is guarded in the store.
"""

from __future__ import annotations

from collections.abc import Callable

from localq.app.app import LocalQ
from localq.execution.policy import rules_of
from localq.execution.settle import lost_outcome, released, settle
from localq.host import presence
from localq.host.marks import started_jobs
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.job import Job
from localq.model.outcome import Completion
from localq.model.worker import WorkerRow
from localq.store.protocol import Store, Topic
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
        self._suspects: dict[int, int] = {}

    def look(self) -> bool:
        """Take over what is lost; return whether there is more of it."""
        lease_now = int(self._clock.steady() * 1e6)
        rows = [row for row in self._store.workers.all() if row.key != self._lease.key]
        dead = [row for row in rows if not row.gone and self._is_dead(row, lease_now)]
        self._suspects = {key: since for key, since in self._suspects.items() if key in {row.key for row in rows}}
        self._clear_abandoned(rows)
        if dead:
            self._store.workers.leave([row.key for row in dead], self._clock.now())
            failpoints.point("rescue.buried")
        if not any(row.gone for row in rows) and not dead:
            return False
        # Leases were judged above, with a chance to renew them; here only the buried and those of other boots count.
        lost = self._store.workers.lost(0, self._lease.boot, _AT_ONCE)
        if lost:
            self._take_over(lost, {row.key: row for row in rows})
        else:
            self._clear_files([row for row in rows if row.gone] + dead)
        return len(lost) == _AT_ONCE

    def _is_dead(self, row: WorkerRow, lease_now: int) -> bool:
        if row.card.boot_id != self._lease.boot:
            return True
        folder = getattr(getattr(self._store, "database", None), "folder", None)
        if folder is not None and presence.is_dead(folder, row.card.uuid):
            return True
        return self._is_silent(row, lease_now)

    def _is_silent(self, row: WorkerRow, lease_now: int) -> bool:
        """Whether a worker's lease is over and it had the chance to renew it.

        After the whole file was locked for long, every lease is over; the live ones come back within a second.
        """
        if row.lease_until >= lease_now:
            self._suspects.pop(row.key, None)
            return False
        since = self._suspects.setdefault(row.key, lease_now)
        return bool(lease_now - since >= min(_CHANCE_S, self._app.conf.worker_lease / 2) * 1e6)

    def _take_over(self, lost: list[Job], rows: dict[int, WorkerRow]) -> None:
        """Settle lost jobs: those their worker had started are charged a crash, the others only go back."""
        failpoints.point("rescue.inside")
        now = self._clock.now()
        started: dict[int, set[tuple[int, int]] | None] = {}
        done = []
        for job in lost:
            owner = job.owner or 0
            if owner not in started:
                started[owner] = self._started(rows.get(owner))
            marks = started[owner]
            charged = marks is None or (job.key, job.run_token) in marks or self._had_its_run(job, rows.get(owner))
            done.append(self._settled(job, rows.get(owner), now) if charged else released(job, now))
        self._save(done)
        self._store.bells.ring(Topic.WORK)
        for owner in started:
            name = rows[owner].card.name if owner in rows else "unknown"
            emit("jobs.rescued", worker=self._worker, owner=name, count=len(done))

    def _had_its_run(self, job: Job, row: WorkerRow | None) -> bool:
        """Whether a job may have run before the host went down, and must not run twice."""
        if row is None or row.card.boot_id == self._lease.boot:
            return False
        return rules_of(job, self._app.tasks.find(job.task), self._app.conf).at_most_once

    def _started(self, row: WorkerRow | None) -> set[tuple[int, int]] | None:
        folder = getattr(getattr(self._store, "database", None), "folder", None)
        if row is None or folder is None:
            return None
        if row.card.boot_id != self._lease.boot:
            # The host went down: no fault of any job.
            return set()
        return started_jobs(folder, row.card.uuid)

    def _settled(self, job: Job, row: WorkerRow | None, now: int) -> Completion:
        if job.options is not None:
            # Error callbacks may follow: they are told of the arguments, and made only of a job that verifies.
            found = self._store.read.get([job.id], args=True).get(job.id)
            job = job if found is None else job._replace(args=found.args)
        rules = rules_of(job, self._app.tasks.find(job.task), self._app.conf)
        name = f"{row.card.name} (pid {row.card.pid})" if row is not None else "its worker"
        outcome = lost_outcome(f"The worker {name} died or stopped answering", job, rules, now)
        return settle(job, outcome, row.card.name if row is not None else "unknown", rules, now)

    def _clear_abandoned(self, rows: list[WorkerRow]) -> None:
        folder = getattr(getattr(self._store, "database", None), "folder", None)
        if folder is not None:
            for uuid in presence.abandoned(folder, {row.card.uuid for row in rows}):
                presence.remove(folder, uuid)

    def _clear_files(self, rows: list[WorkerRow]) -> None:
        folder = getattr(getattr(self._store, "database", None), "folder", None)
        for row in rows:
            if folder is not None and presence.is_dead(folder, row.card.uuid):
                presence.remove(folder, row.card.uuid)
