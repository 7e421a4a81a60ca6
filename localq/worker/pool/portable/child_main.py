"""The process that runs one job at a time, where no system is forked: it is started as a fresh interpreter.

It holds no database. A thread of its own listens to the worker: when the worker is gone it ends, whatever it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import Any

from localq.exceptions import WorkerTerminate
from localq.execution import attempt
from localq.execution.running import Runtime
from localq.execution.soft_limit import AlarmLimiter
from localq.execution.strike import raise_in_thread
from localq.host.memory import count_from_here
from localq.host.presence import share_life
from localq.model import failpoints
from localq.model.clock import SYSTEM
from localq.model.outcome import Ending, Note, Outcome
from localq.signals import worker_process_init, worker_process_shutdown
from localq.worker.pool import task_definitions
from localq.worker.pool.between_runs import BetweenRuns, unblock
from localq.worker.pool.frames import Kind, outcome_frame, pack_note, unpack_handed
from localq.worker.pool.fresh_interpreter import loaded
from localq.worker.pool.log_records import set_logging
from localq.worker.pool.portable.channel import Channel
from localq.worker.pool.process_facts import pass_over
from localq.worker.pool.threads.streams import Redirection
from localq.worker.pool.unknown_task import HINT, unknown_task

__all__ = ["main"]


class _Child:
    """The state of the process."""

    def __init__(self, channel: Channel, app: Any, worker: str) -> None:
        self.channel = channel
        self._app = app
        self._given: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._main = threading.get_ident()
        self._guard = threading.Lock()
        #: Whether a run may be interrupted, and whether the worker wished for that.
        self._running = self._asked = False
        self._runtime = Runtime(worker, SYSTEM, app.conf, AlarmLimiter(), templates={})
        self.redirection: Redirection | None = None

    def note(self, said: Note) -> None:
        """Send what a task says of itself; what it has forked is not heard."""
        if not self.channel.mine():
            return
        self.channel.report(Kind.NOTE, pack_note(said))

    def printed(self, job_id: str, text: str, is_error: bool) -> bool:
        """Send what a task printed; what it forked writes past it."""
        if not self.channel.mine():
            return False
        self.channel.report(Kind.PRINTED, json.dumps([job_id, text, is_error]).encode())
        return True

    def logged(self, kind: int, body: bytes) -> None:
        """Send a log record; the worker may be gone, as may those who could read what is wrong with that."""
        if not self.channel.mine():
            os.write(2, body + b"\n")
            return
        with contextlib.suppress(OSError):
            self.channel.report(kind, body)

    def listen(self) -> None:
        """Take the worker's messages until it says no more; in a thread of its own."""
        try:
            while (message := self.channel.told())[0] != "quit":
                if message[0] == "interrupt":
                    self._interrupt()
                else:
                    self._given.put(message)
        except (OSError, EOFError):
            if self._running:
                os._exit(1)
        self._given.put(None)

    def _interrupt(self) -> None:
        with self._guard:
            if self._running:
                self._asked = True
                raise_in_thread(self._main, WorkerTerminate)

    def serve(self) -> None:
        """Run what comes."""
        between = BetweenRuns()
        while (message := self._given.get()) is not None:
            if message[0] == "define":
                task_definitions.load(self._app, message[1])
                self._runtime = self._runtime._replace(templates={})
            else:
                self._run(message[1])
                between.put_back()

    def _run(self, said: tuple[Any, ...]) -> None:
        job, terms = unpack_handed(said)
        task, started_at = self._app.tasks.find(job.task), SYSTEM.now()
        if terms.limits.soft:
            unblock()
        self._asked, self._running = False, True
        try:
            try:
                outcome = unknown_task(job, HINT) if task is None else attempt.run(task, job, terms, self._runtime)
            finally:
                with self._guard:
                    self._running = False
        except WorkerTerminate as error:
            if self._asked:
                outcome = Outcome(Ending.RELEASED, started_at, SYSTEM.now())
            else:
                outcome = attempt.escaped(error, started_at, SYSTEM.now())
        if self.redirection is not None:
            self.redirection.end_lines()
        if failpoints.armed("report.half"):
            self.channel.report_half(*outcome_frame(job, outcome))
            failpoints.point("report.half")
        self.channel.report(*outcome_frame(job, outcome))
        failpoints.point("report.after")


def main() -> None:
    """Run jobs until the worker says to stop, or is gone."""
    for name in ("SIGINT", "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), pass_over)
    count_from_here()
    app, _, (port, secret, number, worker, redirect, marks_path) = loaded()
    failpoints.point("slot.ready")
    try:
        channel = Channel.to(port, secret)
    except OSError:
        # Nobody is there any more to run jobs for.
        return
    child = _Child(channel, app, worker)
    life = share_life(marks_path)
    if redirect:
        child.redirection = Redirection(child.printed)
    set_logging(child.logged, f"Slot-{number}")
    app.annotate_by(child.note)
    threading.Thread(target=child.listen, name="LocalQ-listens", daemon=True).start()
    worker_process_init.send(None)
    try:
        child.serve()
    finally:
        worker_process_shutdown.send(None, pid=os.getpid(), exitcode=0)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        del life
