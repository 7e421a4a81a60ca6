"""The process of the asyncio pool: coroutines side by side on one event loop, other tasks in threads beside it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import socket
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor, thread
from functools import partial
from typing import Any, cast

from localq.exceptions import TimeLimitExceeded, WorkerTerminate
from localq.execution import attempt, coroutine
from localq.execution.drive import Drive
from localq.execution.policy import Terms
from localq.execution.soft_limit import ThreadLimiter
from localq.execution.strike import raise_in_thread
from localq.model.job import Job
from localq.model.outcome import Outcome
from localq.tasks.task import Task
from localq.worker.pool.between_runs import Tracing, unblock
from localq.worker.pool.event_loop.child_main import Child, Told, end_at_once, enter
from localq.worker.pool.frames import receive
from localq.worker.pool.unknown_task import HINT, unknown_task

__all__ = ["main"]

#: Threads for tasks that are no coroutines; each is started when it is needed.
_MOST_THREADS = 1_000


class _InThread:
    """A run of a task that is no coroutine, in one of the threads."""

    def __init__(self, child: Child, task: Task[..., Any], job: Job, terms: Terms) -> None:
        self._child, self._task, self._job, self._terms = child, task, job, terms
        self._guard = threading.Lock()
        self._thread: int | None = None
        self._error: type[BaseException] | None = None

    def interrupt(self, error: type[BaseException]) -> None:
        """Raise an error in the run, at its next bytecode."""
        with self._guard:
            self._error = error
            if self._thread is not None:
                raise_in_thread(self._thread, error)

    def __call__(self) -> Outcome | None:
        """Run it in the calling thread."""
        tracing = Tracing()
        try:
            with self._guard:
                if self._error is not None:
                    return None
                self._thread = threading.get_ident()
            self._child.begin(self._job)
            outcome: Outcome | None = attempt.run(
                self._task, self._job, self._terms, self._child.runtime._replace(limiter=ThreadLimiter())
            )
        except BaseException as error:
            outcome = self._child.escaped(self._job, error)
        self._child.between.deepen()
        tracing.put_back()
        unblock()
        with self._guard:
            self._thread = None
        self._child.end_lines()
        return outcome


class _Loop:
    """Serves a child on an event loop."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._threads = ThreadPoolExecutor(_MOST_THREADS, "LocalQ")
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Run what comes until the worker says to end."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._loop.add_reader(self._child.jobs, self._hear)
        self._child.ready()
        while not self._over.is_set():
            # A task may cancel every task of the loop; this one is not its own.
            with contextlib.suppress(asyncio.CancelledError):
                await self._over.wait()
        if self._tasks:
            # The worker waits for none of them any more.
            os._exit(0)
        self._threads.shutdown(wait=False)

    def _hear(self) -> None:
        try:
            while self._child.obey(receive(self._child.jobs, socket.MSG_DONTWAIT), self._start):
                pass
        except BlockingIOError:
            return
        self._loop.remove_reader(self._child.jobs)
        self._over.set()

    def _start(self, job: Job, terms: Terms) -> Drive | _InThread:
        task = self._child.app.tasks.find(job.task)
        run: Drive | _InThread = Drive()
        if task is None:
            self._spawn(job, self._tell(job, unknown_task(job, HINT)))
        elif inspect.iscoroutinefunction(task.run):
            assert isinstance(run, Drive)
            self._spawn(job, self._await(task, job, terms, run))
        else:
            run = _InThread(self._child, task, job, terms)
            self._spawn(job, self._wait(job, run))
        return run

    def _spawn(self, job: Job, steps: Coroutine[Any, Any, None]) -> None:
        # The loop itself holds its tasks weakly.
        task = self._loop.create_task(steps)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, job))

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        """See to it that a job is reported: a task of the program's may have cancelled the one it was to begin in."""
        self._tasks.discard(task)
        if task.cancelled():
            self._child.ended(job, None)
        elif (error := task.exception()) is not None:
            end_at_once(error)

    async def _tell(self, job: Job, outcome: Outcome) -> None:
        self._child.ended(job, outcome)

    async def _await(self, task: Task[..., Any], job: Job, terms: Terms, drive: Drive) -> None:
        outcome: Outcome | None = None
        self._child.begin(job)
        try:
            outcome = await coroutine.run(task, job, terms, self._child.runtime, drive)
        except (WorkerTerminate, TimeLimitExceeded) as error:
            outcome = self._child.escaped(job, error)
        self._child.ended(job, outcome)

    async def _wait(self, job: Job, run: _InThread) -> None:
        outcome: Outcome | None = None
        running = self._loop.run_in_executor(self._threads, run)
        while not running.done():
            # An error meant for the task may reach its thread when the task has just ended; and whoever cancels every
            # task of the loop does not end a thread.
            with contextlib.suppress(WorkerTerminate, TimeLimitExceeded, asyncio.CancelledError):
                outcome = await asyncio.shield(running)
        self._child.ended(job, outcome)


def _watch(parent: int) -> None:
    threading.Thread(target=_end_with, args=(parent,), name="LocalQ-parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _forget_threads() -> None:
    """Let what a task forked end in order: at its end Python would join the very thread that forked it, and fail."""
    getattr(thread, "_threads_queues", {}).clear()


def main(*told: Any) -> None:
    """Run the process."""
    os.register_at_fork(after_in_child=_forget_threads)
    enter(_serve, _watch, cast(Told, told))


def _serve(child: Child) -> None:
    """Serve on a loop of this process's own.

    An error that ends the loop, such as a SystemExit in some part of a job, ends the process at once: were the other
    jobs cancelled first, as asyncio.run does, they would take that for their own end.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_Loop(child).serve())
    except BaseException as error:
        end_at_once(error)
    loop.close()
