"""A slot from the worker's side: its process, the ends of its pipes, its tokens, its marks, and the jobs it holds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import multiprocess

from localq.host.marks import Marked, Marks
from localq.model.clock import Clock
from localq.model.job import Job
from localq.worker.pool import frames
from localq.worker.pool.contract import Cause, Handed

__all__ = ["SlotHandle", "Verdict"]

#: Bytes; what every user may have on Linux. They are taken only while they are full.
_WIDE = 1 << 20

_fork = multiprocess.get_context("fork")


class Verdict(NamedTuple):
    """What a slot's process is to die of, and by which signal; `job_id` is the job that is for, None: all it has."""

    job_id: str | None
    cause: Cause
    reason: str
    number: int


def _widen(pipe: int) -> None:
    """Let a pipe hold more, where that can be had: a slot need not wait until the worker has read a large result."""
    number = getattr(fcntl, "F_SETPIPE_SZ", None)
    if number is not None:
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, number, _WIDE)


class SlotHandle:
    """One slot as the worker sees it: its process, its pipes, and what it was given."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.pid = 0
        #: A signal for its process, which is not known yet.
        self.owed = 0
        self.marks: Marks | None = None
        self.ready = self.closing = self.alone = False
        #: What it reported could not be read: nothing it says is believed any more.
        self.broken = False
        #: Tokens were taken back and the slot has not said yet that it noticed: it must be given nothing.
        self.recalled = False
        #: What it was given and has not reported, in the order given: at most the first has been started.
        self.jobs: dict[str, Handed] = {}
        #: It was sent a definition and has not run anything since.
        self.loading = False
        self.since = 0.0
        self.done = 0
        self.defined: dict[str, Any] = {}
        self.frames = frames.Frames()
        self.verdict: Verdict | None = None
        #: When it gets the last signal, should it not have died of the verdict's by then.
        self.kill_at: float | None = None
        self.to_slot, self._of_slot = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.to_slot.setblocking(False)
        # The system gives as much of it as it gives anybody: room for a message of each job that a slot may hold.
        self.to_slot.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WIDE)
        self._tokens, self._new_tokens = _fork.Pipe(duplex=False)
        self.reports, self._reports_of_slot = _fork.Pipe(duplex=False)
        _widen(self.reports.fileno())
        self.output, self._output_of_slot = _fork.Pipe(duplex=False)
        for end in (self._tokens, self.reports, self.output):
            os.set_blocking(end.fileno(), False)

    def descriptors(self) -> list[int]:
        """Return what the process must inherit: jobs, tokens, reports, output."""
        ends = (self._of_slot, self._tokens, self._reports_of_slot, self._output_of_slot)
        return [end.fileno() for end in ends]

    def handed_over(self) -> None:
        """Let go of the ends that belong to the process alone."""
        for end in (self._of_slot, self._reports_of_slot, self._output_of_slot):
            end.close()

    def give(self, handed: Sequence[Handed]) -> None:
        """Send jobs, their tokens first: a slot that finds no token drops what it has."""
        os.write(self._new_tokens.fileno(), b"+" * len(handed))
        for one in handed:
            self.jobs[one.job.id] = one
        frames.send(self.to_slot, ("jobs", [frames.pack_handed(one) for one in handed]))

    def take_back(self) -> list[Handed]:
        """Take back what has not been started: the last of what it was given, as many as there are tokens."""
        try:
            count = len(os.read(self._tokens.fileno(), 4096))
        except OSError:
            return []
        self.recalled = self.recalled or count > 0
        back = [self.jobs.pop(job_id) for job_id in list(self.jobs)[-count:]]
        self.alone = self.alone and bool(self.jobs)
        return back

    # Its process

    def born(self, pid: int) -> None:
        """Learn its process, which may have been running for a while; send what it was to get before."""
        self.pid = pid
        if self.owed == signal.SIGUSR1:
            self.interrupt()
        elif self.owed:
            self.kill(self.owed)

    def interrupt(self) -> None:
        """Raise WorkerTerminate in the task it runs, at once or as soon as its process is known."""
        self.owed = 0 if self.pid else signal.SIGUSR1
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGUSR1)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to its process and all that started, at once or as soon as it is known."""
        self.owed = 0 if self.pid else number
        if self.pid:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, number)
                return
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)

    def condemn(self, verdict: Verdict) -> None:
        """Let its process die of something."""
        self.verdict = verdict
        self.kill(verdict.number)

    # Its marks

    def _marked(self) -> Marked:
        """Return what it started last."""
        if self.marks is None:
            first = next(iter(self.jobs.values()), None)
            return Marked(first.job.key, first.job.run_token, self.since, 1) if first else Marked(0, 0, 0.0, 0)
        return self.marks.last()

    def _named(self, mark: Marked) -> Handed | None:
        """Return the job that a mark is of, unless it was reported; one of the first, for they start in order."""
        for handed in self.jobs.values():
            if handed.job.key == mark.key and handed.job.run_token == mark.run_token:
                return handed
        return None

    def started(self) -> Handed | None:
        """Return the job it started last, unless it has reported that."""
        return self._named(self._marked())

    @contextlib.contextmanager
    def writer(self) -> Iterator[Handed | None]:
        """Return the job that writes what is read in this block: it leaves nothing behind, and none begins before."""
        if self.marks is None:
            yield self.started()
            return
        with self.marks.reading() as mark:
            yield self._named(mark)

    def running(self, steady: float) -> tuple[Handed, float] | None:
        """Return the job it runs now, and for how many seconds."""
        mark = self._marked()
        handed = self._named(mark) if mark.running else None
        return None if handed is None else (handed, steady - mark.started_at)

    def started_at(self, job: Job, clock: Clock) -> int | None:
        """Return when it started a job that it may still run (microseconds since 1970); None: that has not begun."""
        mark = self._marked()
        if (mark.key, mark.run_token) != (job.key, job.run_token):
            return None
        return clock.now() - int((clock.steady() - mark.started_at) * 1e6)

    def close(self) -> None:
        """Let go of all that leads to the process."""
        for end in (self.to_slot, self._tokens, self._new_tokens, self.reports, self.output):
            with contextlib.suppress(OSError):
                end.close()
