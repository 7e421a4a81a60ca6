"""Handing jobs to slots: which gets what, how much ahead of need, and what is taken back."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Collection, Mapping, Sequence

from localq.app.app import LocalQ
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.job import Job
from localq.worker.pool import frames, task_definitions
from localq.worker.pool.contract import Handed
from localq.worker.pool.definition_versions import DefinitionVersions
from localq.worker.pool.processes.slot_handle import SlotHandle
from localq.worker.pool.processes.work_ahead import MOST_AHEAD, WorkAhead

__all__ = ["ToSlots"]


class ToSlots:
    """The way of jobs to the slots of a pool, and back from those that have not started them.

    Args:
        app: The app whose tasks run.
        slots: Those there are, by index; the pool's own.
        max_tasks: Runs after which a slot's process is replaced.

    Attributes:
        held: The jobs that no slot has yet.
    """

    def __init__(
        self, app: LocalQ, slots: Mapping[int, SlotHandle], clock: Clock, work_ahead: WorkAhead, max_tasks: int | None
    ) -> None:
        self.held: deque[Handed] = deque()
        self._app, self._slots, self._clock = app, slots, clock
        self._work_ahead, self._max_tasks = work_ahead, max_tasks
        self._versions = DefinitionVersions()

    def room(self) -> int:
        """Return how many more jobs may be handed over now."""
        ahead = self._work_ahead.most()
        room = -len(self.held)
        for slot in self._slots.values():
            if slot.closing or slot.alone or slot.recalled:
                continue
            most = ahead if slot.ready else 1
            if self._max_tasks is not None:
                most = min(most, self._max_tasks - slot.done)
            room += max(0, most - len(slot.jobs))
        return max(0, room)

    def busy_for(self) -> float:
        """Return for how many seconds every slot has work at hand; see the protocol."""
        least = MOST_AHEAD
        for slot in self._slots.values():
            if not slot.ready or slot.closing or slot.alone or slot.recalled or slot.verdict is not None:
                return 0.0
            least = min(least, len(slot.jobs) - 1)
        return self._work_ahead.lasts(least)

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Hand jobs to the slots with the least to do."""
        self.held.extend(jobs)
        self.hand_held()
        failpoints.point("hand.after")

    def hand_held(self) -> None:
        """Give what is held to slots that can take it, each slot's share in one message."""
        if not self.held:
            return
        loads = {
            slot.index: len(slot.jobs)
            for slot in self._slots.values()
            if not (slot.closing or slot.alone or slot.recalled)
        }
        shares: dict[int, list[Handed]] = {index: [] for index in loads}
        waiting: deque[Handed] = deque()
        while self.held and loads:
            handed = self.held.popleft()
            index = self._best_slot(handed, loads)
            if index is None:
                waiting.append(handed)
                continue
            shares[index].append(handed)
            loads[index] += 1
            if handed.job.crashes:
                del loads[index]
        self.held.extendleft(reversed(waiting))
        for index, share in shares.items():
            if share:
                self.give(self._slots[index], share)

    def _best_slot(self, handed: Handed, loads: dict[int, int]) -> int | None:
        """Return the slot with the least to do; long jobs, and those that have crashed, want one that has nothing."""
        index = min(loads, key=loads.__getitem__)
        load = loads[index]
        if load == 0:
            return index
        if handed.job.crashes or load >= MOST_AHEAD or self._work_ahead.is_long(handed.job.task):
            return None
        if self._work_ahead.is_longish(handed.job.task) and len(self.held) + 1 < list(loads.values()).count(load):
            # Not for each of these slots is there one: another may be free before this one.
            return None
        if self._max_tasks is not None and self._slots[index].done + load >= self._max_tasks:
            return None
        return index

    def give(self, slot: SlotHandle, share: list[Handed]) -> None:
        """Give a slot its share; what it cannot be given is held again."""
        if not slot.jobs:
            slot.since = self._clock.steady()
        slot.alone = share[0].job.crashes > 0
        try:
            for name in {handed.job.task for handed in share}:
                self._define(slot, name)
        except OSError as error:
            self.held.extend(share)
            self._not_given(slot, error)
            return
        try:
            slot.give(share)
        except OSError as error:
            self._not_given(slot, error)

    def _not_given(self, slot: SlotHandle, error: OSError) -> None:
        """Take back what a slot was not given, and what waits in it: its process is gone, or its socket full.

        A full socket holds messages, for which there are no tokens any more: once it has read them it says so.
        """
        self.held.extend(slot.take_back())
        if isinstance(error, BlockingIOError):
            slot.recalled = True
        else:
            self.retire(slot)

    def _define(self, slot: SlotHandle, name: str) -> None:
        """Send a task's definition to a slot that was forked before it was made, or made anew."""
        task = self._app.tasks.find(name)
        version = None if task is None else self._versions.of(task)
        if task is not None and slot.defined.get(task.name) is not version:
            frames.send(slot.to_slot, ("define", task_definitions.dump(task)))
            slot.defined[task.name] = version
            slot.loading = True

    def take_back(self) -> list[Job]:
        """Return every job that no slot has started."""
        back = [handed.job for handed in self.held]
        self.held.clear()
        for slot in self._slots.values():
            back.extend(handed.job for handed in slot.take_back())
        return back

    def withdraw(self, ids: Collection[str]) -> list[Handed]:
        """Take jobs out of those that are held, and return them."""
        gone = [handed for handed in self.held if handed.job.id in ids]
        for handed in gone:
            self.held.remove(handed)
        return gone

    def retire(self, slot: SlotHandle) -> None:
        """Let a slot end after the job it runs; give what waits behind it to others."""
        if not slot.closing:
            slot.closing = True
            slot.since = self._clock.steady()
            self.held.extend(slot.take_back())
            with contextlib.suppress(OSError):
                frames.send(slot.to_slot, ("quit",))
