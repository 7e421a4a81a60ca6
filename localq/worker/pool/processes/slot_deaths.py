"""Why slots die: time and memory limits, no answer, a cancelled job; and jobs that keep others waiting."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.worker.pool.contract import Cause, Death, Handed, Report
from localq.worker.pool.process_facts import how_ended, resident_kb
from localq.worker.pool.processes.from_slots import FromSlots
from localq.worker.pool.processes.slot_handle import SlotHandle, Verdict
from localq.worker.pool.processes.to_slots import ToSlots

__all__ = ["SlotDeaths"]

#: Seconds a cancelled job has to end before it is killed.
_GRACE_S = 3.0
#: A job that has run this long (s) keeps nobody waiting behind it.
_SLOW_S = 0.025
#: Seconds a slot may leave what it was told unanswered; then its process is stopped, or stuck between two jobs.
_DEAF_S = 5.0
#: The same for a slot that was sent a definition, which may import what it needs.
_LOADING_S = 120.0


class SlotDeaths:
    """Says which slots must die, and what they died of.

    Args:
        slots: Those there are, by index; the pool's own.
        to_slots: Gets back what a slot has not started.
        from_slots: Asked what a slot has ended before anything is done to it.
        max_memory_kb: Memory of which a process may use twice as much, and no more.
    """

    def __init__(
        self,
        slots: Mapping[int, SlotHandle],
        to_slots: ToSlots,
        from_slots: FromSlots,
        clock: Clock,
        max_memory_kb: int | None,
    ) -> None:
        self._slots, self._to_slots, self._from_slots = slots, to_slots, from_slots
        self._clock, self._max_memory_kb = clock, max_memory_kb
        self._memory_at = 0.0

    def tick(self) -> float | None:
        """Kill what is over its limits, take back what waits behind slow jobs."""
        now = self._clock.steady()
        after: list[float] = []
        for slot in list(self._slots.values()):
            if not (slot.jobs or slot.recalled or slot.closing or slot.kill_at):
                continue
            if slot.kill_at is not None:
                if now >= slot.kill_at:
                    slot.kill_at = None
                    slot.kill()
                else:
                    after.append(slot.kill_at - now)
            found = slot.running(now)
            if found is None and slot.ready and now - slot.since > _DEAF_S:
                self._end_if_deaf(slot)
            if not slot.jobs:
                continue
            if found is not None:
                self._limit(slot, *found, after)
            if len(slot.jobs) > 1:
                if found is not None and found[1] > _SLOW_S and self._is_slow(slot, now):
                    self._spread(slot)
                else:
                    after.append(_SLOW_S)
            if found is None and any(handed.limits.hard for handed in slot.jobs.values()):
                after.append(0.05)
        if self._max_memory_kb is not None:
            self._watch_memory(now)
            after.append(1.0)
        return min(after, default=None)

    def _limit(self, slot: SlotHandle, handed: Handed, seconds: float, after: list[float]) -> None:
        hard = handed.limits.hard
        if hard is None or slot.verdict is not None:
            return
        if seconds < hard:
            after.append(hard - seconds)
        elif self._runs(slot, handed.job.id):
            reason = f"hard time limit of {hard:g} s exceeded"
            slot.condemn(Verdict(handed.job.id, Cause.TIME_LIMIT, reason, signal.SIGKILL))

    def _runs(self, slot: SlotHandle, job_id: str) -> bool:
        """Return whether a slot runs this job, and no other."""
        self._leave_running(slot)
        return job_id in slot.jobs

    def _leave_running(self, slot: SlotHandle) -> None:
        """Take back what a slot has not started, hear what it has ended."""
        self._to_slots.held.extend(slot.take_back())
        self._from_slots.drain(slot)

    def _end_if_deaf(self, slot: SlotHandle) -> None:
        """End a process that neither runs what it was given, nor lets go of it, nor ends: others do its work."""
        if not (slot.jobs or slot.recalled or slot.closing) or slot.verdict is not None:
            return
        self._leave_running(slot)
        if slot.marks is None or self._clock.steady() - slot.since <= (_LOADING_S if slot.loading else _DEAF_S):
            return
        reason = f"The process (pid {slot.pid}) did not answer"
        slot.condemn(Verdict(None, Cause.CRASH, reason, signal.SIGKILL))

    def _is_slow(self, slot: SlotHandle, now: float) -> bool:
        """Whether a slot's job takes long, and does not only wait for us to hear its end."""
        self._from_slots.drain(slot)
        found = slot.running(now)
        return found is not None and found[1] > _SLOW_S and not slot.frames.unfinished

    def _spread(self, slot: SlotHandle) -> None:
        """Give what waits behind a slow job to slots that have nothing; the rest goes back to the store."""
        back = slot.take_back()
        idle = [one for one in self._slots.values() if not (one.jobs or one.closing or one.recalled)]
        for handed in back:
            if idle:
                self._to_slots.give(idle.pop(), [handed])
            else:
                self._from_slots.ended.append(Report(handed, Outcome(Ending.RELEASED, None, self._clock.now()), None))

    def _watch_memory(self, now: float) -> None:
        if now < self._memory_at:
            return
        self._memory_at = now + 1.0
        assert self._max_memory_kb is not None
        for slot in self._slots.values():
            handed = slot.started()
            used = 0 if handed is None else resident_kb(slot.pid)
            if handed is not None and used > 2 * self._max_memory_kb and slot.verdict is None:
                reason = f"used {used:,} KiB of memory, over twice the limit of {self._max_memory_kb:,} KiB"
                slot.condemn(Verdict(handed.job.id, Cause.MEMORY, reason, signal.SIGKILL))

    # For other reasons

    def cancel(self, slot: SlotHandle, job_id: str, number: int) -> None:
        """End a cancelled job by a signal, if the slot runs it and it was not to die anyway."""
        if self._runs(slot, job_id) and number and slot.verdict is None:
            slot.kill_at = self._clock.steady() + _GRACE_S
            slot.condemn(Verdict(job_id, Cause.CANCELLED, f"cancelled by signal {number}", number))

    def kill_all(self) -> None:
        """End every running job at once: its worker stops."""
        for slot in self._slots.values():
            if slot.jobs:
                reason = "the worker stopped before it ended"
                slot.condemn(Verdict(None, Cause.STOPPED, reason, signal.SIGKILL))

    def of(self, slot: SlotHandle, job: Job, code: int) -> Death:
        """Return what the end of a slot's process means for the job it had."""
        started = slot.started_at(job, self._clock)
        verdict = slot.verdict
        if verdict is not None and verdict.job_id in (job.id, None):
            return Death(verdict.cause, verdict.reason, started, verdict.number)
        return Death(Cause.CRASH, f"The process that ran it (pid {slot.pid}) {how_ended(code)}", started)
