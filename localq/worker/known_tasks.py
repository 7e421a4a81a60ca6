"""The tasks a worker serves, and what it says of jobs that it leaves to others."""

from __future__ import annotations

from collections.abc import Iterable

from localq.app.app import LocalQ
from localq.model.events import emit
from localq.model.worker import Served, WorkerState
from localq.store.protocol import Workers
from localq.worker.lease import Lease

__all__ = ["KnownTasks"]


class KnownTasks:
    """What a worker knows to run.

    Args:
        app: Its tasks, and the setting worker_unknown_tasks.
        lease: The queues served; told of tasks that come later.
        workers: Asked who else knows a task.
    """

    def __init__(self, app: LocalQ, lease: Lease, workers: Workers) -> None:
        self._app, self._lease, self._workers = app, lease, workers
        self._plan, self._revision, self._served = lease.plan, -1, Served()
        self._told: set[str] = set()
        self.served()

    def served(self) -> Served:
        """Return the queues and tasks that jobs are claimed of."""
        plan, revision = self._lease.plan, self._app.tasks.revision
        if plan is not self._plan or revision != self._revision:
            leaves = self._app.conf.worker_unknown_tasks == "leave"
            names = self._app.tasks.names_found() if leaves else None
            self._plan, self._revision, self._served = plan, revision, plan.served._replace(tasks=names)
        return self._served

    def grown(self) -> bool:
        """Whether tasks were defined since jobs were last claimed: some that were left may be this worker's now."""
        return self._app.tasks.revision != self._revision

    def met(self, unknown: Iterable[str]) -> None:
        """Say of tasks that are not known here that their jobs wait; of each once."""
        new = sorted(set(unknown) - self._told)
        if not new:
            return
        self._told.update(new)
        name, others = self._lease.plan.name, set[str]()
        for row in self._workers.all():
            if row.state != WorkerState.GONE:
                others.update(row.card.tasks)
        for task in new:
            emit("task.unknown", worker=name, task=task, elsewhere=task in others)
