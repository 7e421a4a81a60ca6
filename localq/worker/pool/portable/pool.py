"""The process pool of systems without fork: each slot is a thread of the worker's that leads a process of its own.

One job at a time travels to a process and back, so that short jobs are slower than where slots are forked; what a
process's death costs, and what its job gets, is the same.
"""

from __future__ import annotations

import json
import mmap
import threading
from typing import Any

from localq.app.app import LocalQ
from localq.host.interpreter import words_to_call
from localq.model.clock import Clock
from localq.model.outcome import Ending, Outcome
from localq.tasks.task import Task
from localq.worker.pool import frames
from localq.worker.pool.contract import Cause, Death, Handed, Logged, Printed
from localq.worker.pool.definition_versions import DefinitionVersions
from localq.worker.pool.portable.child_handle import CHILD, ChildHandle, Died
from localq.worker.pool.process_facts import Stillborn
from localq.worker.pool.threads.pool import ThreadPool
from localq.worker.pool.threads.slot_thread import SlotThread

__all__ = ["PortablePool"]

#: Processes that may die before they are ready, within a minute, until the pool gives up.
_MOST_STILLBORN = 5


class PortablePool(ThreadPool):
    """A pool of processes; see `localq.worker.pool.contract.Pool`, and `ProcessPool` for what it is given."""

    def __init__(
        self,
        app: LocalQ,
        size: int,
        *,
        worker: str,
        clock: Clock,
        marks: tuple[str, mmap.mmap] | None,
        printed: Printed,
        logged: Logged,
        redirect: bool = True,
        max_tasks: int | None = None,
        max_memory_kb: int | None = None,
    ) -> None:
        super().__init__(app, size, worker=worker, clock=clock, printed=printed, marks=marks, redirect=False)
        self._marks_path = None if marks is None else marks[0]
        self._apart, self._logged = redirect, logged
        self._max_tasks, self._max_memory_kb = max_tasks, max_memory_kb
        self._children: dict[SlotThread, ChildHandle] = {}
        self._guard, self._closing = threading.Lock(), False
        self._versions, self._version_guard = DefinitionVersions(), threading.Lock()
        self._stillborn = Stillborn(_MOST_STILLBORN)

    def prepare(self) -> None:
        """Refuse to begin where there is nothing that could be started for a process.

        Raises:
            ImproperlyConfigured: this program is no Python, and there is none beside it.
        """
        words_to_call(CHILD, ())

    def _tell_start(self) -> None:
        """Say nothing: each process tells of its own start, and of its end."""

    _tell_end = _tell_start

    def _start_one(self) -> None:
        super()._start_one()
        self._child_of(self._threads[-1])

    def _child_of(self, thread: SlotThread) -> ChildHandle:
        """Return the process of a thread; a new one where the last is gone."""
        with self._guard:
            child = self._children.get(thread)
            if child is None:
                child = self._children[thread] = ChildHandle(
                    self._app, thread.number, self._worker, self._apart, self._marks_path, self._version_of
                )
            return child

    def _version_of(self, task: Task[..., Any]) -> object:
        with self._version_guard:
            return self._versions.of(task)

    def _drop(self, thread: SlotThread) -> None:
        """End the process of a thread; the next job gets a new one."""
        with self._guard:
            child = self._children.pop(thread, None)
        if child is not None:
            child.close()

    # In a thread

    def attempt(self, handed: Handed) -> Outcome | Death:
        """Run a job in the process of the calling thread."""
        thread = threading.current_thread()
        assert isinstance(thread, SlotThread)
        thread.runs = False
        child = self._ready(thread, handed)
        if not isinstance(child, ChildHandle):
            return child
        # From here on it is charged, and its limits count.
        self.places.begin(handed.job.key, handed.job.run_token)
        thread.since, thread.runs = self.clock.steady(), True
        if handed.limits.hard:
            self._ring()
        try:
            outcome = child.run(handed, self._took)
        except Died as death:
            self._drop(thread)
            return self._death(handed, f"The process that ran it (pid {child.pid}) {death}", self._started_at(thread))
        if self._worn(child):
            self._drop(thread)
        return outcome

    def _ready(self, thread: SlotThread, handed: Handed) -> ChildHandle | Outcome | Death:
        """Return a process for a job that has not begun, or else what comes of that."""
        while True:
            child = self._child_of(thread)
            try:
                child.wait()
            except Died as death:
                self._drop(thread)
                if not child.ready and self._stillborn.too_many(self.clock.steady()):
                    self.broken = (
                        f"{_MOST_STILLBORN} slots within a minute died before they were ready; the last {death}"
                    )
            else:
                return child
            if thread.abandoned or handed.job.id in self._cancelled:
                return self._death(handed, "The worker stopped", None)
            if self.broken is not None:
                return Outcome(Ending.RELEASED, None, self.clock.now())

    def _death(self, handed: Handed, how: str, started_at: int | None) -> Death:
        number = self._cancelled.get(handed.job.id, 0)
        if number:
            return Death(Cause.CANCELLED, "cancelled while it ran", started_at, number)
        return Death(Cause.CRASH, how, started_at)

    def left(self, thread: SlotThread) -> None:
        """End the process of a thread that runs no more."""
        if not self._closing:
            self._drop(thread)

    def _worn(self, child: ChildHandle) -> bool:
        if child.last or (self._max_tasks is not None and child.done >= self._max_tasks):
            return True
        return self._max_memory_kb is not None and child.peak_kb > self._max_memory_kb

    def _took(self, kind: int, body: bytes) -> None:
        """Take in what a process says beside outcomes, in its thread."""
        if kind == frames.Kind.NOTE:
            self._note(frames.unpack_note(body))
        elif kind == frames.Kind.PRINTED:
            job_id, text, is_error = json.loads(body)
            self._heard(job_id, text, is_error)
        elif kind == frames.Kind.LOG:
            job_id, line, record = json.loads(body)
            if job_id is not None:
                self._keep(job_id, line)
            self._logged(record)

    # In the worker's thread

    def pid_of(self, thread: SlotThread) -> int:
        """Return the process in which a thread's job runs."""
        child = self._children.get(thread)
        return super().pid_of(thread) if child is None else child.pid

    def stop_job(self, job_id: str, number: int) -> None:
        """End the process of a cancelled job that runs."""
        for thread, handed in self._running():
            if handed.job.id == job_id and job_id not in self._cancelled and number:
                self._cancelled[job_id] = number
                self._kill_child(thread)

    def _kill_child(self, thread: SlotThread) -> None:
        child = self._children.get(thread)
        if child is not None:
            child.kill()

    def _abandon(self, thread: SlotThread, handed: Handed) -> None:
        thread.abandoned = True
        self._threads.remove(thread)
        self._kill_child(thread)
        self._start_one()

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every running task."""
        for thread, _ in self._running():
            child = self._children.get(thread)
            if child is not None:
                child.interrupt()

    def kill(self) -> None:
        """End every running job with its process."""
        running = [thread for thread, _ in self._running()]
        super().kill()
        for thread in running:
            self._kill_child(thread)

    def restart(self) -> None:
        """Replace every process, after the job it runs."""
        with self._guard:
            idle = [thread for thread in self._children if thread.handed is None]
            for child in self._children.values():
                child.last = True
            old = [self._children.pop(thread) for thread in idle]
        for child in old:
            child.close()

    def pids(self) -> list[int]:
        """Return the processes."""
        with self._guard:
            return [child.pid for child in self._children.values()]

    def close(self) -> None:
        """End the threads and their processes."""
        self._closing = True
        super().close()
        with self._guard:
            children = list(self._children.values())
            self._children.clear()
        for child in children:
            child.close()
