"""A slot: the process that runs attempts, one after another.

It is forked by the fork server, which has no threads and no connections. It holds no database; a task that enqueues
opens its own client. Reports go out the moment an attempt ends, so that what is in the pipe survives this process.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import fcntl
import json
import os
import random
import select
import signal
import socket
import sys
import termios
import threading
import time
from collections import deque
from types import FrameType
from typing import Any, NamedTuple

from localq import current
from localq.app.app import LocalQ
from localq.exceptions import WorkerTerminate
from localq.execution import attempt
from localq.execution.policy import Terms
from localq.execution.running import Runtime
from localq.execution.soft_limit import AlarmLimiter
from localq.execution.strike import strike_here
from localq.host.heap import keep_little
from localq.host.marks import Marks
from localq.host.presence import share_life
from localq.model import failpoints
from localq.model.clock import SYSTEM
from localq.model.job import Job
from localq.model.outcome import Ending, Note, Outcome
from localq.signals import worker_process_init, worker_process_shutdown
from localq.worker.pool import task_definitions
from localq.worker.pool.between_runs import BetweenRuns, unblock
from localq.worker.pool.frame_writer import FrameWriter
from localq.worker.pool.frames import Kind, pack, pack_note, pack_outcome, receive, unpack_handed
from localq.worker.pool.log_records import set_logging
from localq.worker.pool.process_facts import pass_over
from localq.worker.pool.processes.slot_streams import set_streams
from localq.worker.pool.unknown_task import HINT, unknown_task

__all__ = ["SlotPlan", "main"]

_PR_SET_PDEATHSIG = 1
#: Seconds for which a job waits, before it begins, for a worker that reads what the one before has written.
_READER_S = 1.0
#: Seconds between two looks at the lease of a worker that has let it lapse.
_LAPSED_S = 0.01


class SlotPlan(NamedTuple):
    """What a slot needs to know: its place in the marks file, its worker's name, and what to do with prints."""

    index: int  # type: ignore[assignment]
    worker: str
    marks_path: str | None
    redirect: bool


class Slot:
    """The state of a slot's process."""

    def __init__(self, app: LocalQ, plan: SlotPlan, jobs: socket.socket, tokens: int, reports: int) -> None:
        self.app, self.plan = app, plan
        self._jobs, self._tokens, self._reports = jobs, tokens, FrameWriter(reports)
        self._given: deque[tuple[Any, ...]] = deque()
        #: Whether a run may be interrupted, and whether the worker wished for that.
        self._running = self._asked = False
        self._job: Job | None = None
        self._marks = Marks.opened(plan.marks_path, plan.index)
        self._life = share_life(plan.marks_path)
        #: The end of the output pipe that the worker reads, to read along; and how much is in it.
        self._output: int | None = None
        self._unread = array.array("i", [0])
        self._runtime = Runtime(plan.worker, SYSTEM, app.conf, AlarmLimiter(), templates={})

    # Reporting

    def report(self, kind: int, body: bytes) -> None:
        """Write a frame, whole."""
        self._reports.write(pack(kind, body))

    def note(self, said: Note) -> None:
        """Send what a task says of itself to the worker."""
        self.report(Kind.NOTE, pack_note(said))

    def printed(self, text: str, is_error: bool) -> None:
        """Send what a task printed to the worker; what it forked writes past it, where that is read as well."""
        if not self._reports.mine():
            os.write(2 if is_error else 1, text.encode("utf-8", "backslashreplace"))
            return
        job_id = self._job.id if self._job is not None else None
        self.report(Kind.PRINTED, json.dumps([job_id, text, is_error]).encode())

    def read_along(self) -> None:
        """Open the other end of the output pipe, where the system gives it."""
        with contextlib.suppress(OSError):
            self._output = os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK)

    def _tell_output(self, output: int) -> None:
        """Send what was written past Python's streams and the worker has not read, while it is known whose it is."""
        fcntl.ioctl(output, termios.FIONREAD, self._unread)
        if self._unread[0]:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(output, 65_536):
                    self.printed(data.decode("utf-8", "replace"), True)

    # Running

    def serve(self) -> None:
        """Run what comes until the worker says to stop, or is gone."""
        failpoints.point("slot.ready")
        self._between = BetweenRuns()
        self.report(Kind.READY, f"{os.getpid()} {int(self._marks is not None)}".encode())
        while True:
            if not self._given:
                goes_on = self._hear()
            elif self._may_start():
                self._run(*unpack_handed(self._given.popleft()))
                continue
            else:
                goes_on = self._drop()
            if not goes_on:
                return

    def _hear(self, flags: int = 0) -> bool:
        """Take the worker's next message; False when it says to stop, or is gone."""
        try:
            message = receive(self._jobs, flags)
        except InterruptedError:
            return True
        if message is None or message[0] == "quit":
            return False
        if message[0] == "define":
            task_definitions.load(self.app, message[1])
            self._runtime = self._runtime._replace(templates={})
        else:
            self._given.extend(message[1])
        return True

    def _may_start(self) -> bool:
        """Take the next job's token; False if the worker took back what had not been started.

        While the worker's lease is over, it is waited for one or the other: others may run the job already.
        """
        while self._marks is not None and self._marks.lapsed(SYSTEM.steady()):
            if not select.select([self._tokens], [], [], 0)[0]:
                return False
            time.sleep(_LAPSED_S)
        try:
            return bool(os.read(self._tokens, 1))
        except BlockingIOError:
            return False

    def _drop(self) -> bool:
        """Drop what was taken back; return whether to go on.

        Messages not read yet were sent before that too: left in the socket, their jobs would use up the tokens of
        the next ones.
        """
        goes_on = True
        with contextlib.suppress(BlockingIOError):
            while goes_on:
                goes_on = self._hear(socket.MSG_DONTWAIT)
        self._given.clear()
        self.report(Kind.DROPPED, b"")
        return goes_on

    def _run(self, job: Job, terms: Terms) -> None:
        task = self.app.tasks.find(job.task)
        if self._marks is not None:
            self._marks.begin(job.key, job.run_token, SYSTEM.steady())
            if self._marks.read:
                self._wait_for_reader(self._marks)
        self._job = job
        started_at = SYSTEM.now()
        if terms.limits.soft:
            # Asked of the system only here: it would take longer than all the rest of what is put back.
            unblock()
        self._asked, self._running = False, True
        try:
            outcome = unknown_task(job, HINT) if task is None else attempt.run(task, job, terms, self._runtime)
        except WorkerTerminate as error:
            if self._asked:
                outcome = Outcome(Ending.RELEASED, started_at, SYSTEM.now())
            else:
                outcome = attempt.escaped(error, started_at, SYSTEM.now())
        finally:
            self._running = False
        self._between.put_back()
        for stream in (sys.stdout, sys.stderr):
            try:  # noqa: SIM105 - a context manager costs more than the flush
                stream.flush()
            except Exception:
                pass
        if self._output is not None:
            self._tell_output(self._output)
        frame = pack_outcome(job, outcome)
        if failpoints.armed("report.half"):
            self._reports.write(frame[: len(frame) // 2])
            failpoints.point("report.half")
            frame = frame[len(frame) // 2 :]
        self._reports.write(frame)
        self._job = None
        failpoints.point("report.after")
        if self._marks is not None:
            self._marks.end()

    def _wait_for_reader(self, marks: Marks) -> None:
        """Let the worker read to the end for the job before; one that is stopped is not waited for again."""
        until = SYSTEM.steady() + _READER_S
        while marks.read and SYSTEM.steady() < until:
            time.sleep(_READER_S / 10_000)
        if marks.read:
            marks.read_no_more()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Handle the worker's wish to end the run: raise in the task."""
        if self._running:
            self._asked = True
            strike_here(WorkerTerminate, "the worker is stopping")


# Starting


def main(app: LocalQ, plan: SlotPlan, jobs: int, tokens: int, reports: int, output: int, parent: int) -> None:
    """Run a slot; the process ends with it."""
    os.setsid()
    _die_with_parent(parent)
    keep_little()
    current.set_in_slot()
    slot = Slot(app, plan, socket.socket(fileno=jobs), tokens, reports)
    _set_signals(slot)
    set_streams(slot.printed, output, redirect=plan.redirect)
    slot.read_along()
    set_logging(slot.report, f"Slot-{plan.index + 1}")
    app.annotate_by(slot.note)
    random.seed()
    if "numpy" in sys.modules:
        with contextlib.suppress(Exception):
            sys.modules["numpy"].random.seed()
    worker_process_init.send(None)
    try:
        slot.serve()
    finally:
        worker_process_shutdown.send(None, pid=os.getpid(), exitcode=0)


def _die_with_parent(parent: int) -> None:
    """End this process when its parent does, however that happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(1)
    os._exit(1)


def _set_signals(slot: Slot) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGALRM):
        signal.signal(number, pass_over)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, slot.interrupt)
