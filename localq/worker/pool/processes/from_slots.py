"""Hearing what slots report: outcomes, notes, prints and logs; and what their marks say they run."""

from __future__ import annotations

import contextlib
import json
import os
import selectors

from localq.app.app import LocalQ
from localq.host.marks import Marked
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Note, Outcome
from localq.worker.pool import frames
from localq.worker.pool.contract import TAIL, Handed, Printed, Report
from localq.worker.pool.log_records import handle_record
from localq.worker.pool.processes.slot_handle import SlotHandle
from localq.worker.pool.processes.to_slots import Handing

__all__ = ["Hearing"]


class Hearing(Handing):
    """What has ended, and what tasks said, since the worker last asked.

    Args:
        printed: Called with what tasks print.
        max_memory_kb: Peak memory after which a slot's process is replaced.
    """

    _selector: selectors.BaseSelector

    def __init__(
        self,
        app: LocalQ,
        size: int,
        clock: Clock,
        *,
        printed: Printed,
        max_tasks: int | None,
        max_memory_kb: int | None,
    ) -> None:
        super().__init__(app, size, clock, max_tasks)
        self._printed, self._max_memory_kb = printed, max_memory_kb
        self._ended: list[Report] = []
        self._notes: list[Note] = []

    def collect(self) -> list[Report]:
        """Return what has ended."""
        ended, self._ended = self._ended, []
        return ended

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        said, self._notes = self._notes, []
        return said

    def _read(self, slot: SlotHandle) -> None:
        self._drain(slot)
        if self._held:
            self._hand_held()

    def _drain(self, slot: SlotHandle) -> None:
        while True:
            try:
                data = os.read(slot.reports.fileno(), 262_144)
            except BlockingIOError:
                break
            except OSError:
                return
            if not data:
                # Its process is gone; the fork server says how.
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(slot.reports.fileno())
                break
            for kind, body in slot.frames.feed(data):
                self._take(slot, kind, body)
            self._bulky = len(data) >= 32_768
            if len(data) < 65_536:
                break

    def _take(self, slot: SlotHandle, kind: int, body: bytes) -> None:
        if kind in (frames.Kind.DONE, frames.Kind.ENDED):
            key, token, outcome = frames.unpack_outcome(kind, body)
            handed = slot.jobs.pop(key, None)
            if handed is not None and handed.job.run_token == token:
                self._ended_well(slot, handed, outcome)
        elif kind == frames.Kind.NOTE:
            self._notes.append(frames.unpack_note(body))
        elif kind == frames.Kind.PRINTED:
            key, text, is_error = json.loads(body)
            handed = slot.jobs.get(key)
            self._heard(slot, handed.job if handed else None, text, is_error)
        elif kind == frames.Kind.LOG:
            handle_record(json.loads(body))
        elif kind == frames.Kind.READY:
            slot.ready = True
            # The fork server says it, too, unless it died before it could.
            pid, marking = body.split()
            slot.pid = int(pid)
            if marking == b"0":
                slot.marks = None
        elif kind == frames.Kind.DROPPED:
            slot.recalled = False

    def _ended_well(self, slot: SlotHandle, handed: Handed, outcome: Outcome) -> None:
        job = handed.job
        failpoints.point("outcome.received")
        slot.done += 1
        slot.loading = False
        slot.alone = False
        slot.since = self._clock.steady()
        if slot.verdict is not None and slot.verdict[0] == job.key:
            slot.verdict = slot.kill_at = None
        self._work_ahead.measure(job.task, (outcome.ended_at - (outcome.started_at or outcome.ended_at)) / 1e6)
        self._ended.append(Report(handed, outcome, slot.tails.pop(job.key, None) if slot.tails else None))
        worn = self._max_tasks is not None and slot.done >= self._max_tasks
        fat = self._max_memory_kb is not None and (outcome.peak_kb or 0) > self._max_memory_kb
        if worn or fat:
            self._retire(slot)

    def _read_output(self, slot: SlotHandle) -> None:
        """Read what code in C and child processes wrote to descriptors 1 and 2."""
        # Read before the data: by then the slot may have begun with the next job.
        key = self._marked(slot)[0]
        try:
            data = os.read(slot.output.fileno(), 65_536)
        except OSError:
            return
        if not data:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(slot.output.fileno())
            return
        handed = slot.jobs.get(key)
        self._heard(slot, handed.job if handed else None, data.decode("utf-8", "replace"), True)

    def _heard(self, slot: SlotHandle, job: Job | None, text: str, is_error: bool) -> None:
        if job is not None:
            slot.tails[job.key] = (slot.tails.get(job.key, "") + text)[-TAIL:]
        self._printed(job, text, is_error)

    # Marks

    def _marked(self, slot: SlotHandle) -> Marked:
        """Return what a slot started last."""
        if slot.marks is None:
            first = next(iter(slot.jobs.values()), None)
            return Marked(first.job.key, first.job.run_token, slot.since, 1) if first else Marked(0, 0, 0.0, 0)
        return slot.marks.last()

    def _running_in(self, slot: SlotHandle) -> tuple[Handed, float] | None:
        """Return the job a slot runs now, and for how many seconds."""
        key, token, started, running = self._marked(slot)
        handed = slot.jobs.get(key)
        if not running or handed is None or handed.job.run_token != token:
            return None
        return handed, self._clock.steady() - started

    def _started(self, slot: SlotHandle, job: Job) -> int | None:
        key, token, started, _ = self._marked(slot)
        if (key, token) != (job.key, job.run_token):
            return None
        return self._clock.now() - int((self._clock.steady() - started) * 1e6)
