"""A slot from the worker's side: the ends of its pipes, its tokens, and the jobs it holds."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence
from typing import Any

import multiprocess

from localq.host.marks import Marks
from localq.worker.pool import frames
from localq.worker.pool.contract import Cause, Handed

__all__ = ["SlotHandle"]

_fork = multiprocess.get_context("fork")


class SlotHandle:
    """One slot as the worker sees it: its process, its pipes, and what it was given."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.pid = 0
        #: A signal for its process, which is not known yet.
        self.owed = 0
        self.marks: Marks | None = None
        self.ready = self.closing = self.alone = False
        #: Tokens were taken back and the slot has not said yet that it noticed: it must be given nothing.
        self.recalled = False
        #: What it was given and has not reported, in the order given: at most the first has been started.
        self.jobs: dict[int, Handed] = {}
        #: It was sent a definition and has not run anything since.
        self.loading = False
        self.since = 0.0
        self.done = 0
        self.defined: dict[str, Any] = {}
        self.frames = frames.Frames()
        self.tails: dict[int, str] = {}
        #: What its process was told to die of, and for which job.
        self.verdict: tuple[int, Cause, str, int] | None = None
        self.kill_at: float | None = None
        self.to_slot, self._of_slot = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.to_slot.setblocking(False)
        self._tokens, self._new_tokens = _fork.Pipe(duplex=False)
        self.reports, self._reports_of_slot = _fork.Pipe(duplex=False)
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
            self.jobs[one.job.key] = one
        frames.send(self.to_slot, ("jobs", [frames.pack_handed(one) for one in handed]))

    def take_back(self) -> list[Handed]:
        """Take back what has not been started: the last of what it was given, as many as there are tokens."""
        try:
            count = len(os.read(self._tokens.fileno(), 4096))
        except OSError:
            return []
        self.recalled = self.recalled or count > 0
        back = [self.jobs.pop(key) for key in list(self.jobs)[-count:]]
        self.alone = self.alone and bool(self.jobs)
        return back

    def close(self) -> None:
        """Let go of all that leads to the process."""
        for end in (self.to_slot, self._tokens, self._new_tokens, self.reports, self.output):
            with contextlib.suppress(OSError):
                end.close()
