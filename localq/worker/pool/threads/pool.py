"""The thread pool: for tasks that wait, and for systems without fork. `solo` is one thread.

A thread cannot be killed. At its hard limit a task gets an error it cannot miss unless it is stuck in C code, its
job is settled as over the limit, and another thread takes the place of the one that is stuck.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import queue
import selectors
import socket
from collections.abc import Collection, Sequence

from localq.app.app import LocalQ
from localq.exceptions import TimeLimitExceeded, WorkerTerminate
from localq.execution import attempt
from localq.execution.running import Runtime
from localq.execution.soft_limit import ThreadLimiter
from localq.host.marks import Places
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Ending, Note, Outcome
from localq.signals import worker_process_init, worker_process_shutdown
from localq.worker.pool.contract import Cause, Death, Handed, InHand, Printed, Report
from localq.worker.pool.log_records import KeptRecords
from localq.worker.pool.output import Output
from localq.worker.pool.threads.slot_thread import SlotThread
from localq.worker.pool.threads.streams import Redirection
from localq.worker.pool.unknown_task import unknown_task

__all__ = ["ThreadPool"]


class ThreadPool:
    """A pool of threads; see `localq.worker.pool.contract.Pool`.

    Args:
        app: The app whose tasks run.
        size: Threads.
        worker: The worker's name.
        printed: Called with what tasks print.
        marks: The file, and its mapping, in which jobs are marked that have started; None without a store's folder.
        redirect: Whether Python's standard streams are captured by job.
    """

    def __init__(
        self,
        app: LocalQ,
        size: int,
        *,
        worker: str,
        clock: Clock,
        printed: Printed,
        marks: tuple[str, mmap.mmap] | None = None,
        redirect: bool = True,
    ) -> None:
        self.size, self.clock = size, clock
        self.broken: str | None = None
        self.output = Output()
        self._print, self._redirect = printed, redirect
        self._redirection: Redirection | None = None
        self._records: KeptRecords | None = None
        #: What tasks printed, and whether to stderr; None: they logged it, and it is told already.
        self._texts: queue.SimpleQueue[tuple[str, str, bool | None]] = queue.SimpleQueue()
        self._ids: dict[str, Job] = {}
        self.waiting: queue.SimpleQueue[Handed | None] = queue.SimpleQueue()
        self._app, self._worker = app, worker
        self._runtime = Runtime(worker, clock, app.conf, None)
        self._threads: list[SlotThread] = []
        self._numbers = itertools.count(1)
        self._ended: queue.SimpleQueue[tuple[SlotThread, Report]] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[Note] = queue.SimpleQueue()
        self._hand: dict[str, Handed] = {}
        self.places = Places(
            None if marks is None else marks[1], lambda: {handed.job.key for handed in self._hand.values()}
        )
        self._given_up: list[Report] = []
        self._cancelled: dict[str, int] = {}
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)

    def prepare(self) -> None:
        """Do nothing: threads need no preparation."""

    def start(self, selector: selectors.BaseSelector) -> None:
        """Start the threads."""
        selector.register(self._awake, selectors.EVENT_READ, self._drain)
        self._app.annotate_by(self._note)
        if self._redirect:
            self._redirection = Redirection(self._heard)
        self._records = KeptRecords(self._keep)
        self._tell_start()
        for _ in range(self.size):
            self._start_one()

    def _tell_start(self) -> None:
        worker_process_init.send(None)

    def _tell_end(self) -> None:
        worker_process_shutdown.send(None, pid=os.getpid(), exitcode=0)

    def _start_one(self) -> None:
        thread = SlotThread(self, next(self._numbers))
        self._threads.append(thread)
        thread.start()

    def has(self, handed: Handed) -> bool:
        """Whether a job that waited is still the pool's to run; for the threads."""
        return self._hand.get(handed.job.id) is handed

    def attempt(self, handed: Handed) -> Outcome | Death:
        """Run a job in the calling thread; raises what interrupts it."""
        job, rules = handed
        self.places.begin(job.key, job.run_token)
        task = self._app.tasks.find(job.task)
        if task is None:
            return unknown_task(job, "Import its module: include=[...].", self.clock)
        return attempt.run(task, job, rules.terms, self._runtime._replace(limiter=ThreadLimiter()))

    def ended(self, thread: SlotThread, handed: Handed, end: Outcome | Death) -> None:
        """Report from a thread."""
        if self._redirection is not None:
            self._redirection.end_lines()
        self._ended.put((thread, Report(handed, end, None)))
        self._ring()

    def left(self, thread: SlotThread) -> None:
        """Do nothing: a thread that runs no more leaves nothing behind."""

    def _note(self, said: Note) -> None:
        self._said.put(said)
        self._ring()

    def _heard(self, job_id: str, text: str, is_error: bool) -> bool:
        """Take what a task printed, from its thread."""
        if job_id not in self._ids:
            return False
        self._texts.put((job_id, text, is_error))
        self._ring()
        return True

    def _keep(self, job_id: str, line: str) -> None:
        """Take what a task logged, from its thread."""
        if job_id in self._ids:
            self._texts.put((job_id, line, None))
            self._ring()

    def _pass_texts(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                job_id, text, is_error = self._texts.get_nowait()
                job = self._ids.get(job_id)
                if job_id in self._hand:
                    self.output.add(job_id, text)
                if is_error is not None:
                    self._print(job, text, is_error)

    def _ring(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def _drain(self) -> None:
        with contextlib.suppress(OSError):
            self._awake.recv(4096)

    def room(self) -> int:
        """Return how many threads have nothing to do."""
        return max(0, self.size - len(self._hand))

    def busy_for(self) -> float:
        """Return 0: a thread has nothing but what it runs."""
        return 0.0

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Hand jobs to the threads."""
        self.places.give(handed.job.key for handed in jobs)
        self._ids = {handed.job.id: handed.job for handed in self._hand.values()}
        for handed in jobs:
            self._hand[handed.job.id] = handed
            self._ids[handed.job.id] = handed.job
            self.waiting.put(handed)
        failpoints.point("hand.after")

    def collect(self) -> list[Report]:
        """Return what has ended."""
        self._pass_texts()
        ended, self._given_up = self._given_up, []
        while True:
            try:
                thread, report = self._ended.get_nowait()
            except queue.Empty:
                return ended
            failpoints.point("outcome.received")
            handed = self._hand.get(report.job.id)
            if thread.abandoned or handed is None or handed.job.run_token != report.job.run_token:
                continue
            self._pass_texts()
            del self._hand[report.job.id]
            number = self._cancelled.pop(report.job.id, 0)
            if number and isinstance(report.end, Outcome) and report.end.ending == Ending.RELEASED:
                end = Death(Cause.CANCELLED, "cancelled while it ran", report.end.started_at, number)
                report = report._replace(end=end)
            self._ids.pop(report.job.id, None)
            ended.append(report._replace(output=self.output.take(report.job.id)))

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        said = []
        with contextlib.suppress(queue.Empty):
            while True:
                said.append(self._said.get_nowait())
        return said

    def take_back(self) -> list[Job]:
        """Return jobs no thread has started."""
        back = []
        with contextlib.suppress(queue.Empty):
            while True:
                handed = self.waiting.get_nowait()
                if handed is not None and self.has(handed):
                    del self._hand[handed.job.id]
                    back.append(handed.job)
        return back

    def in_hand(self) -> dict[str, int]:
        """Return `id -> run_token` of all jobs here."""
        ended = {report.job.id: report.job.run_token for report in self._given_up}
        return ended | {job_id: handed.job.run_token for job_id, handed in self._hand.items()}

    def jobs(self) -> list[InHand]:
        """Return every job here, those that run first."""
        by = {handed.job.id: thread for thread, handed in self._running()}
        found = [
            InHand(one.job, self._started_at(by[job_id]), self.pid_of(by[job_id]))
            if job_id in by and by[job_id].runs
            else InHand(one.job, None, None)
            for job_id, one in self._hand.items()
        ]
        return sorted(found, key=lambda one: one.started_at is None)

    def _started_at(self, thread: SlotThread) -> int | None:
        """Return when what a thread has began to run, in microseconds since 1970; None: it has not."""
        return self.clock.now() - int((self.clock.steady() - thread.since) * 1e6) if thread.runs else None

    def pid_of(self, thread: SlotThread) -> int:
        """Return the process in which a thread's job runs."""
        return os.getpid()

    def _running(self) -> list[tuple[SlotThread, Handed]]:
        return [(thread, handed) for thread in self._threads if (handed := thread.handed) is not None]

    def stop_job(self, job_id: str, number: int) -> None:
        """Interrupt a cancelled job, at its next bytecode."""
        for thread, handed in self._running():
            if handed.job.id == job_id and job_id not in self._cancelled and number:
                self._cancelled[job_id] = number
                thread.interrupt(handed, WorkerTerminate)

    def drop(self, ids: Collection[str]) -> None:
        """Forget jobs that are not ours any more; those that run go on in their threads."""
        self.output.drop(ids)
        for job_id in ids:
            self._hand.pop(job_id, None)

    def tick(self) -> float | None:
        """Give up what is over its hard limit."""
        after: list[float] = []
        for thread, handed in self._running():
            hard = handed.limits.hard
            if hard is None or not thread.runs or handed.job.id not in self._hand:
                continue
            left = thread.since + hard - self.clock.steady()
            if left > 0:
                after.append(left)
                continue
            reason = f"hard time limit of {hard:g} s exceeded"
            self._give_up(handed, Death(Cause.TIME_LIMIT, reason, self._started_at(thread), 9))
            self._abandon(thread, handed)
        return min(after, default=None)

    def _give_up(self, handed: Handed, death: Death) -> None:
        self._pass_texts()
        del self._hand[handed.job.id]
        self._given_up.append(Report(handed, death, self.output.take(handed.job.id)))

    def _abandon(self, thread: SlotThread, handed: Handed) -> None:
        thread.abandoned = True
        self._threads.remove(thread)
        thread.interrupt(handed, TimeLimitExceeded)
        self._start_one()

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every running task."""
        for thread, handed in self._running():
            thread.interrupt(handed, WorkerTerminate)

    def kill(self) -> None:
        """Give up every running job; the threads end with the process."""
        for thread, handed in self._running():
            if handed.job.id in self._hand:
                death = Death(Cause.STOPPED, "the worker stopped before it ended", self._started_at(thread))
                self._give_up(handed, death)
            thread.abandoned = True

    def resize(self, size: int) -> None:
        """Change the number of threads."""
        for _ in range(size - self.size):
            self._start_one()
        for _ in range(self.size - size):
            self.waiting.put(None)
        self.size = size

    def restart(self) -> None:
        """Do nothing: threads have nothing of their own that could be renewed."""

    def pids(self) -> list[int]:
        """Return no processes: there are none of its own."""
        return []

    def close(self) -> None:
        """Let the threads end."""
        for _ in self._threads:
            self.waiting.put(None)
        for thread in self._threads:
            if not thread.abandoned:
                thread.join(1.0)
        self._tell_end()
        self._app.annotate_by(None)
        if self._redirection is not None:
            self._redirection.end()
        if self._records is not None:
            self._records.end()
        self._awake.close()
        self._wake.close()
