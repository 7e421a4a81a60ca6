"""What runs many jobs at once in a process of its own: the part that coroutines and greenlets have in common.

It is started as a fresh interpreter, because greenlets want Python's modules patched before anything is imported.
Like a slot it holds no database; unlike in a slot, a job that brings the process down takes the others with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn, Protocol

from localq import current
from localq.app.app import LocalQ
from localq.exceptions import TimeLimitExceeded, WorkerTerminate
from localq.execution import attempt
from localq.execution.policy import Terms
from localq.execution.running import Runtime
from localq.host import marks
from localq.host.presence import share_life
from localq.model.clock import SYSTEM
from localq.model.job import Job
from localq.model.outcome import Ending, Note, Outcome
from localq.signals import worker_process_init, worker_process_shutdown
from localq.worker.pool import task_definitions
from localq.worker.pool.between_runs import BetweenRuns, unblock
from localq.worker.pool.frame_writer import FrameWriter
from localq.worker.pool.frames import Kind, pack, pack_note, pack_outcome, unpack_handed
from localq.worker.pool.fresh_interpreter import loaded_app
from localq.worker.pool.log_records import set_logging
from localq.worker.pool.process_facts import pass_over
from localq.worker.pool.threads.streams import Redirection

__all__ = ["ERRORS", "Child", "Run", "Told", "end_at_once", "enter"]

#: What a run is ended with, by the worker's word for it.
ERRORS: dict[str, type[BaseException]] = {"terminate": WorkerTerminate, "hard": TimeLimitExceeded}


class Run(Protocol):
    """One job while it runs here."""

    def interrupt(self, error: type[BaseException]) -> None:
        """Raise an error in it, as soon as it can be raised."""
        ...


class Child:
    """The process's side of the pipes.

    Args:
        app: The app whose tasks run.
        jobs: Where messages come from.
        reports: Where frames go.
        worker: The worker's name.
        redirect: Whether what tasks print is told apart by job.
        marks_path: The file in which it marks what has started; None: nowhere.
    """

    def __init__(
        self, app: LocalQ, jobs: socket.socket, reports: int, worker: str, redirect: bool, marks_path: str | None
    ) -> None:
        self.app, self.jobs = app, jobs
        self._marks = marks.opened(marks_path)
        self._life = share_life(marks_path)
        #: Where jobs are to be marked that have not begun, by id.
        self._places: dict[str, int | None] = {}
        self.runtime = Runtime(worker, SYSTEM, app.conf, templates={})
        #: What runs here, by id: its run token, and what interrupts it.
        self.running: dict[str, tuple[int, Run]] = {}
        #: Runs that the worker wished to end, by id.
        self._asked: set[str] = set()
        self._reports = FrameWriter(reports)
        self._redirection = Redirection(self._heard) if redirect else None
        #: Where nothing ever comes, and why: its other end.
        self._silent = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.register_at_fork(after_in_child=self._leave_jobs_to_parent)

    def _leave_jobs_to_parent(self) -> None:
        """In a process that a task forked, hear nothing: this loop goes on there as well, and would take jobs."""
        os.dup2(self._silent[0].fileno(), self.jobs.fileno(), inheritable=False)

    # Telling

    def report(self, kind: int, body: bytes) -> None:
        """Write a frame, whole."""
        self._reports.write(pack(kind, body))

    def note(self, said: Note) -> None:
        """Send what a task says of itself to the worker."""
        self.report(Kind.NOTE, pack_note(said))

    def _heard(self, job_id: str, text: str, is_error: bool) -> bool:
        """Send what a task printed to the worker; not what its fork prints, which goes to the stream itself."""
        if not self._reports.mine():
            return False
        runs = job_id in self.running
        if runs:
            self.report(Kind.PRINTED, json.dumps([job_id, text, is_error]).encode())
        return runs

    def ready(self) -> None:
        """Say that jobs may come."""
        self.between = BetweenRuns()
        self.report(Kind.READY, f"{os.getpid()} {int(self._marks is not None)}".encode())

    # Hearing

    def obey(self, message: Any, start: Callable[[Job, Terms], Run]) -> bool:
        """Do what the worker says; False when it says to end, or is gone."""
        if message is None or message[0] == "quit":
            return False
        kind, *rest = message
        if kind == "jobs":
            for place, said in rest[0]:
                job, terms = unpack_handed(said)
                self._places[job.id] = place
                self.running[job.id] = job.run_token, start(job, terms)
        elif kind == "define":
            task_definitions.load(self.app, rest[0])
            self.runtime = self.runtime._replace(templates={})
        else:
            found = self.running.get(rest[0])
            if found is not None:
                self._asked.add(rest[0])
                found[1].interrupt(ERRORS[kind])
        return True

    def begin(self, job: Job) -> None:
        """Mark that a job's code is reached next."""
        place = self._places.pop(job.id, None)
        if self._marks is not None and place is not None:
            marks.mark_place(self._marks, place, job.key, job.run_token)

    def end_lines(self) -> None:
        """Send what the task of the calling thread has printed without ending the line."""
        if self._redirection is not None:
            self._redirection.end_lines()

    def escaped(self, job: Job, error: BaseException) -> Outcome | None:
        """Return what an error means that has left a run: None if the worker wished for it, else a failure."""
        return None if job.id in self._asked else attempt.escaped(error, None, SYSTEM.now())

    def ended(self, job: Job, outcome: Outcome | None) -> None:
        """Report a run that is over; None: it was interrupted, or never began, and came to nothing."""
        self.end_lines()
        # A job that was taken from the worker may have come back to it meanwhile.
        if self.running.get(job.id, (0,))[0] == job.run_token:
            del self.running[job.id]
            self._places.pop(job.id, None)
            self._asked.discard(job.id)
        if not self.running:
            # While others run, what one of them did to their process may be meant.
            self.between.put_back()
            unblock()
        now = SYSTEM.now()
        self._reports.write(pack_outcome(job, outcome or Outcome(Ending.RELEASED, now, now)))


def end_at_once(error: BaseException) -> NoReturn:
    """End this process, whose loop an error has ended; tell of it, unless it is a wish to exit."""
    code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
    with contextlib.suppress(BaseException):
        if not isinstance(error, SystemExit):
            traceback.print_exception(error)
        sys.stderr.flush()
    os._exit(code & 0xFF)


#: What the process is told: its descriptors for messages, frames and output, the worker's name, whether to redirect,
#: and the file for marks.
Told = tuple[int, int, int, str, bool, str | None]


def enter(serve: Callable[[Child], None], watch: Callable[[int], None], told: Told) -> None:
    """Become a process that runs jobs, until the worker says to end, or is gone.

    Args:
        serve: Runs them.
        watch: Starts what ends this process when its parent is gone.
    """
    jobs, reports, output, worker, redirect, marks_path = told
    os.setsid()
    for number in (signal.SIGINT, signal.SIGUSR1, signal.SIGALRM):
        signal.signal(number, pass_over)
    app, parent = loaded_app()
    watch(parent)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    child = Child(app, socket.socket(fileno=jobs), reports, worker, redirect, marks_path)
    set_logging(child.report, "Company")
    current.set_in_slot()
    app.annotate_by(child.note)
    worker_process_init.send(None)
    try:
        serve(child)
    finally:
        worker_process_shutdown.send(None, pid=os.getpid(), exitcode=0)
