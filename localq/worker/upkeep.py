"""What a worker does beside running jobs: rescue those of dead workers, prune old ones, checkpoint.

Every worker does it for all; two that do the same at once do no harm, because each step is guarded in the store.
"""

from __future__ import annotations

from typing import Any, Protocol

from localq.execution.policy import policy_of
from localq.execution.settle import lost_outcome, released, settle
from localq.host import presence
from localq.host.marks import started_jobs
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.job import Job
from localq.model.outcome import Completion
from localq.model.worker import WorkerRow
from localq.store.protocol.store import Store

__all__ = ["Upkeep"]

#: Seconds between looks for dead workers by their locks.
_RESCUE_S = 1.0
_PRUNE_S = 30.0
#: Microseconds that ledger rows of schedules are kept at least.
_LEDGER_KEPT_US = 24 * 3600 * 1_000_000
#: Seconds a worker past its lease has to renew it, counted from when this worker could see that.
_CHANCE_S = 3.0
#: Jobs rescued, and pruned, in one transaction.
_AT_ONCE = 500


class _Worker(Protocol):
    """What upkeep needs of the worker it belongs to."""

    app: Any
    store: Store
    clock: Clock

    @property
    def plan(self) -> Any: ...

    @property
    def key(self) -> int: ...

    @property
    def boot(self) -> str: ...

    def _save(self, completions: list[Completion]) -> None: ...


class Upkeep:
    """The upkeep a worker does between jobs."""

    def __init__(self, worker: _Worker) -> None:
        self._worker = worker
        self._rescue_at = 0.0
        self._suspects: dict[int, int] = {}
        self._prune_at = worker.clock.steady() + _PRUNE_S / 2
        self._turns = 0

    def tend(self) -> None:
        """Do what is due."""
        steady = self._worker.clock.steady()
        self._turns += 1
        if self._turns % 32 == 0 or steady >= self._rescue_at:
            self._worker.store.tend(self._worker.clock.now())
        if steady >= self._rescue_at:
            self._rescue_at = steady + _RESCUE_S
            self._rescue(int(steady * 1e6))
        if steady >= self._prune_at:
            more = [self._prune_ledger(), self._prune()]
            self._prune_at = steady + (0 if any(more) else _PRUNE_S)

    # Rescue

    def _rescue(self, lease_now: int) -> None:
        """Take the jobs of workers that are proven dead, or past their lease."""
        worker = self._worker
        rows = [row for row in worker.store.workers() if row.key != worker.key]
        dead = [row for row in rows if not row.gone and self._is_dead(row, lease_now)]
        self._suspects = {key: since for key, since in self._suspects.items() if key in {row.key for row in rows}}
        self._clear_abandoned(rows)
        if dead:
            worker.store.bury([row.key for row in dead], worker.clock.now())
            failpoints.point("rescue.buried")
        if not any(row.gone for row in rows) and not dead:
            return
        # Leases were judged above, with a chance to renew them; here only the buried and those of other boots count.
        lost = worker.store.lost(0, worker.boot, _AT_ONCE)
        if lost:
            self._take_over(lost, {row.key: row for row in rows})
        else:
            self._clear_files([row for row in rows if row.gone] + dead)
        if len(lost) == _AT_ONCE:
            self._rescue_at = 0.0

    def _is_dead(self, row: WorkerRow, lease_now: int) -> bool:
        if row.card.boot_id != self._worker.boot:
            return True
        folder = getattr(self._worker.store, "folder", None)
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
        return bool(lease_now - since >= min(_CHANCE_S, self._worker.app.conf.worker_lease / 2) * 1e6)

    def _take_over(self, lost: list[Job], rows: dict[int, WorkerRow]) -> None:
        """Settle lost jobs: those their worker had started are charged a crash, the others only go back."""
        worker = self._worker
        failpoints.point("rescue.inside")
        now = worker.clock.now()
        started: dict[int, set[tuple[int, int]] | None] = {}
        done = []
        for job in lost:
            owner = job.owner or 0
            if owner not in started:
                started[owner] = self._started(rows.get(owner))
            marks = started[owner]
            charged = marks is None or (job.key, job.run_token) in marks or self._had_its_run(job, rows.get(owner))
            done.append(self._settled(job, rows.get(owner), now) if charged else released(job, now))
        worker._save(done)
        worker.store.ring_workers()
        for owner in started:
            name = rows[owner].card.name if owner in rows else "unknown"
            emit("jobs.rescued", worker=worker.plan.name, owner=name, count=len(done))

    def _had_its_run(self, job: Job, row: WorkerRow | None) -> bool:
        """Whether a job may have run before the host went down, and must not run twice."""
        worker = self._worker
        if row is None or row.card.boot_id == worker.boot:
            return False
        return policy_of(worker.app.tasks.find(job.task), job, worker.app.conf).at_most_once

    def _started(self, row: WorkerRow | None) -> set[tuple[int, int]] | None:
        folder = getattr(self._worker.store, "folder", None)
        if row is None or folder is None:
            return None
        if row.card.boot_id != self._worker.boot:
            # The host went down: no fault of any job.
            return set()
        return started_jobs(folder, row.card.uuid)

    def _settled(self, job: Job, row: WorkerRow | None, now: int) -> Completion:
        worker = self._worker
        if job.options is not None:
            # Error callbacks may follow: they are told of the arguments, and made only of a job that verifies.
            found = worker.store.call(job.id)
            job = job if found is None else job._replace(args=found.args)
        policy = policy_of(worker.app.tasks.find(job.task), job, worker.app.conf)
        name = f"{row.card.name} (pid {row.card.pid})" if row is not None else "its worker"
        outcome = lost_outcome(f"The worker {name} died or stopped answering", job, policy, now)
        return settle(job, outcome, row.card.name if row is not None else "unknown", policy, now)

    def _clear_abandoned(self, rows: list[WorkerRow]) -> None:
        folder = getattr(self._worker.store, "folder", None)
        if folder is not None:
            for uuid in presence.abandoned(folder, {row.card.uuid for row in rows}):
                presence.remove(folder, uuid)

    def _clear_files(self, rows: list[WorkerRow]) -> None:
        folder = getattr(self._worker.store, "folder", None)
        for row in rows:
            if folder is not None and presence.is_dead(folder, row.card.uuid):
                presence.remove(folder, row.card.uuid)

    # Pruning

    def _prune_ledger(self) -> bool:
        """Remove one batch of old ledger rows of schedules that have many; return whether there may be more."""
        store, now = self._worker.store, self._worker.clock.now()
        return store.prune_ledger(now - _LEDGER_KEPT_US, _AT_ONCE) == _AT_ONCE

    def _prune(self) -> bool:
        """Remove one batch of what is older than `result_expires`; return whether there may be more."""
        worker = self._worker
        kept = worker.app.conf.result_expires
        if kept is None:
            return False
        failpoints.point("prune.inside")
        before = worker.clock.now() - int(kept * 1e6)
        count = worker.store.prune(before, _AT_ONCE)
        if count:
            emit("jobs.pruned", worker=worker.plan.name, count=count)
        return count == _AT_ONCE
