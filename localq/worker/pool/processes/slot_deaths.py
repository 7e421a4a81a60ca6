"""Watching slots: time and memory limits, slots that do not answer, jobs that keep others waiting."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

from localq.model.outcome import Ending, Outcome
from localq.worker.pool.contract import Cause, Handed, Report
from localq.worker.pool.process_facts import resident_kb
from localq.worker.pool.processes.from_slots import Hearing
from localq.worker.pool.processes.slot_handle import SlotHandle

__all__ = ["Watching"]

#: A job that has run this long (s) keeps nobody waiting behind it.
_SLOW_S = 0.025
#: Seconds a slot may leave what it was told unanswered; then its process is stopped, or stuck between two jobs.
_DEAF_S = 5.0
#: The same for a slot that was sent a definition, which may import what it needs.
_LOADING_S = 120.0


class Watching(Hearing):
    """Ends what is over its limits; see `localq.worker.pool.contract.Pool.tick`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._memory_at = 0.0

    def tick(self) -> float | None:
        """Kill what is over its limits, take back what waits behind slow jobs."""
        now = self._clock.steady()
        after: list[float] = []
        for slot in list(self._slots.values()):
            if slot.kill_at is not None:
                if now >= slot.kill_at:
                    slot.kill_at = None
                    self._kill(slot)
                else:
                    after.append(slot.kill_at - now)
            found = self._running_in(slot)
            if found is None and slot.ready and now - slot.since > _DEAF_S:
                self._end_if_deaf(slot)
            if not slot.jobs:
                continue
            if found is not None:
                self._limit(slot, *found, after)
            if len(slot.jobs) > 1:
                if found is not None and found[1] > _SLOW_S:
                    self._spread(slot)
                else:
                    after.append(_SLOW_S)
            if any(handed.limits.hard for handed in slot.jobs.values()) and found is None:
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
        elif self._runs(slot, handed.job.key):
            reason = f"hard time limit of {hard:g} s exceeded"
            slot.verdict = (handed.job.key, Cause.TIME_LIMIT, reason, signal.SIGKILL)
            self._kill(slot)

    def _runs(self, slot: SlotHandle, key: int) -> bool:
        """Take back what a slot has not started, hear what it has ended: whether it runs this job, and no other."""
        self._held.extend(slot.take_back())
        self._drain(slot)
        return key in slot.jobs

    def _end_if_deaf(self, slot: SlotHandle) -> None:
        """End a process that neither runs what it was given, nor lets go of it, nor ends: others do its work."""
        if not (slot.jobs or slot.recalled or slot.closing) or slot.verdict is not None:
            return
        self._runs(slot, 0)
        if slot.marks is None or self._clock.steady() - slot.since <= (_LOADING_S if slot.loading else _DEAF_S):
            return
        slot.verdict = (-1, Cause.CRASH, f"The process (pid {slot.pid}) did not answer", signal.SIGKILL)
        self._kill(slot)

    def _spread(self, slot: SlotHandle) -> None:
        """Give what waits behind a slow job to slots that have nothing; the rest goes back to the store."""
        back = slot.take_back()
        idle = [one for one in self._slots.values() if not (one.jobs or one.closing or one.recalled)]
        for handed in back:
            if idle:
                self._give(idle.pop(), [handed])
            else:
                self._ended.append(Report(handed, Outcome(Ending.RELEASED, None, self._clock.now()), None))

    def _watch_memory(self, now: float) -> None:
        if now < self._memory_at:
            return
        self._memory_at = now + 1.0
        assert self._max_memory_kb is not None
        for slot in self._slots.values():
            used = resident_kb(slot.pid) if slot.jobs else 0
            if used > 2 * self._max_memory_kb and slot.verdict is None:
                reason = f"used {used:,} KiB of memory, over twice the limit of {self._max_memory_kb:,} KiB"
                slot.verdict = (self._marked(slot)[0], Cause.MEMORY, reason, signal.SIGKILL)
                self._kill(slot)

    def _kill(self, slot: SlotHandle, number: int = signal.SIGKILL) -> None:
        """Send a signal to the slot's process and all it started, at once or as soon as it is known."""
        slot.owed = 0 if slot.pid else number
        if slot.pid:
            with contextlib.suppress(OSError):
                os.killpg(slot.pid, number)
                return
            with contextlib.suppress(OSError):
                os.kill(slot.pid, number)
