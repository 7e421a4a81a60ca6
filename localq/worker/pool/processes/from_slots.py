"""What slots report: outcomes, notes, prints and logs."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
from typing import Any

from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.outcome import Note, Outcome
from localq.worker.pool import frames
from localq.worker.pool.contract import Cause, Handed, Logged, Printed, Report
from localq.worker.pool.output import Output
from localq.worker.pool.processes.slot_handle import SlotHandle, Verdict
from localq.worker.pool.processes.to_slots import ToSlots
from localq.worker.pool.processes.work_ahead import WorkAhead

__all__ = ["FromSlots"]

_OUTCOMES = (frames.Kind.DONE, frames.Kind.ENDED)


class FromSlots:
    """What has ended, and what tasks said, since the worker last asked.

    Args:
        to_slots: Gets a slot that is worn, and whatever may be given to one that has room again.
        output: Keeps what jobs print and log.
        printed: Called with what tasks print.
        logged: Called with the log records of slots.
        max_tasks: Runs after which a slot's process is replaced.
        max_memory_kb: The same for the peak of its memory.

    Attributes:
        ended: What has ended.
        bulky: Slots report so much that a pipe may fill up, and its slot wait, unless it is read at once.
    """

    def __init__(
        self,
        to_slots: ToSlots,
        clock: Clock,
        work_ahead: WorkAhead,
        *,
        output: Output,
        printed: Printed,
        logged: Logged,
        max_tasks: int | None,
        max_memory_kb: int | None,
    ) -> None:
        self.ended: list[Report] = []
        self.bulky = False
        self._to_slots, self._clock, self._work_ahead = to_slots, clock, work_ahead
        self._printed, self._max_tasks, self._max_memory_kb = printed, max_tasks, max_memory_kb
        self._logged, self._output = logged, output
        self._notes: list[Note] = []
        self._selector: selectors.BaseSelector | None = None

    def collect(self) -> list[Report]:
        """Return what has ended."""
        ended, self.ended = self.ended, []
        return ended

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        said, self._notes = self._notes, []
        return said

    def listen(self, slot: SlotHandle, selector: selectors.BaseSelector) -> None:
        """Read what a slot reports, and what its process prints, as it comes."""
        self._selector = selector
        selector.register(slot.reports.fileno(), selectors.EVENT_READ, lambda: self.read(slot))
        selector.register(slot.output.fileno(), selectors.EVENT_READ, lambda: self.read_output(slot))

    def forget(self, slot: SlotHandle) -> None:
        """Listen to a slot no more."""
        for end in (slot.reports, slot.output):
            self._unregister(end)

    def _unregister(self, end: Any) -> None:
        if self._selector is not None:
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(end.fileno())

    def read(self, slot: SlotHandle) -> None:
        """Take in what a slot has reported, and give it or another what is held."""
        self.drain(slot)
        if self._to_slots.held:
            self._to_slots.hand_held()

    def drain(self, slot: SlotHandle) -> None:
        """Take in what a slot has reported; one whose words cannot be read is to die, with what it runs."""
        try:
            self._drain(slot)
        except Exception as error:
            # Whatever a task wrote into the pipe: it costs that slot, and never the worker.
            self._unregister(slot.reports)
            slot.broken = True
            reason = f"The process that ran it (pid {slot.pid}) said what cannot be read: {error}"
            slot.condemn(Verdict(None, Cause.CRASH, reason, signal.SIGKILL))

    def _drain(self, slot: SlotHandle) -> None:
        while not slot.broken:
            try:
                data = os.read(slot.reports.fileno(), slot.frames.most)
            except BlockingIOError:
                break
            except OSError:
                return
            if not data:
                # Its process is gone; the fork server says how.
                self._unregister(slot.reports)
                break
            done = slot.done
            for kind, body in slot.frames.feed(data):
                self._take(slot, kind, body)
            if slot.done > done:
                slot.since = self._clock.steady()
            self.bulky = len(data) >= 32_768
            if len(data) < 65_536:
                break

    def _take(self, slot: SlotHandle, kind: int, body: bytes) -> None:
        if kind in _OUTCOMES:
            job_id, token, outcome = frames.unpack_outcome(kind, body)
            handed = slot.jobs.pop(job_id, None)
            if handed is not None and handed.job.run_token == token:
                self._ended_well(slot, handed, outcome)
        elif kind == frames.Kind.NOTE:
            self._notes.append(frames.unpack_note(body))
        elif kind == frames.Kind.PRINTED:
            job_id, text, is_error = json.loads(body)
            self._heard(slot, slot.jobs.get(job_id), text, is_error)
        elif kind == frames.Kind.LOG:
            job_id, line, record = json.loads(body)
            if job_id in slot.jobs:
                self._output.add(job_id, line)
            self._logged(record)
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
        if slot.verdict is not None and slot.verdict.job_id == job.id:
            slot.verdict = slot.kill_at = None
        ended_at, result, args = outcome.ended_at, outcome.result, job.args
        took = (ended_at - (outcome.started_at or ended_at)) / 1e6
        self._work_ahead.measure(job.task, took, (len(args) if args else 0) + (len(result) if result else 0))
        self.ended.append(tuple.__new__(Report, (handed, outcome, self._output.take(job.id))))
        worn = self._max_tasks is not None and slot.done >= self._max_tasks
        fat = self._max_memory_kb is not None and (outcome.peak_kb or 0) > self._max_memory_kb
        if worn or fat:
            self._to_slots.retire(slot)

    def read_output(self, slot: SlotHandle) -> None:
        """Read what code in C and child processes wrote to descriptors 1 and 2."""
        try:
            with slot.writer() as handed:
                data = os.read(slot.output.fileno(), 65_536)
        except OSError:
            return
        if not data:
            self._unregister(slot.output)
            return
        self._heard(slot, handed, data.decode("utf-8", "replace"), True)

    def _heard(self, slot: SlotHandle, handed: Handed | None, text: str, is_error: bool) -> None:
        job = None if handed is None else handed.job
        if job is not None:
            self._output.add(job.id, text)
        self._printed(job, text, is_error)
