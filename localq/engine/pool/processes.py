"""The process pool: one process a slot, one job at a time in it, its death known at once.

Short jobs are handed over ahead of need, some 10 ms of work a slot, so that they are not bound by round trips;
what waits behind a job that turns out long is taken back. A job that has crashed once is handed out alone.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import selectors
import signal
from collections import deque
from collections.abc import Sequence
from typing import Any

from localq import fault
from localq.clock import Clock
from localq.engine.pool import definitions, frames
from localq.engine.pool.base import TAIL, Cause, Death, Handed, Now, Printed, Report
from localq.engine.pool.facts import handle_record, how_ended, resident_kb
from localq.engine.pool.handle import Handle
from localq.engine.pool.nursery import Nursery
from localq.engine.pool.pace import MOST_AHEAD, Pace
from localq.engine.pool.slot import SlotPlan
from localq.job import Ending, Job, Note, Outcome
from localq.store.presence import MARK_SIZE, Marked, Marks

__all__ = ["ProcessPool"]

#: A job that has run this long (s) keeps nobody waiting behind it.
_SLOW_S = 0.025
#: Seconds a cancelled job has to end before it is killed.
_GRACE_S = 3.0
#: Seconds a slot may leave what it was told unanswered; then its process is stopped, or stuck between two jobs.
_DEAF_S = 5.0
#: The same for a slot that was sent a definition, which may import what it needs.
_LOADING_S = 120.0
#: Slots that may die before they are ready, within a minute, until the pool gives up.
_MOST_STILLBORN = 5


class ProcessPool:
    """A pool of processes; see `localq.engine.pool.base.Pool`.

    Args:
        app: The app whose tasks run.
        size: Slots.
        worker: The worker's name.
        marks: The file, and its mapping, in which slots mark what they have started; None without a store's folder.
        printed: Called with what tasks print.
        redirect: Whether Python's standard streams are captured by job; descriptors 1 and 2 always are.
    """

    def __init__(
        self,
        app: Any,
        size: int,
        *,
        worker: str,
        clock: Clock,
        marks: tuple[str, mmap.mmap] | None,
        printed: Printed,
        redirect: bool = True,
        max_tasks: int | None = None,
        max_memory_kb: int | None = None,
    ) -> None:
        self.size = size
        self._app, self._worker, self._clock = app, worker, clock
        self._marks_path = None if marks is None else marks[0]
        self._marks = None if marks is None else marks[1]
        self._printed, self._redirect = printed, redirect
        self._max_tasks, self._max_memory_kb = max_tasks, max_memory_kb
        self._nursery = Nursery(app)
        self._slots: dict[int, Handle] = {}
        self._held: deque[Handed] = deque()
        self._ended: list[Report] = []
        self._notes: list[Note] = []
        self._pace = Pace()
        self._stillborn: list[float] = []
        self._memory_at = 0.0
        self._closing = False
        self.broken: str | None = None

    # Slots

    def prepare(self) -> None:
        """Start the nursery: to be called before this process has threads or connections."""
        self._nursery.start()

    def start(self, selector: selectors.BaseSelector) -> None:
        """Fork the slots."""
        self._selector = selector
        selector.register(self._nursery, selectors.EVENT_READ, self._hear)
        for index in range(self.size):
            self._fork(index)

    def _fork(self, index: int) -> None:
        slot = self._slots[index] = Handle(index)
        slot.defined = dict(self._nursery.known)
        if self._marks is not None and (index + 1) * MARK_SIZE <= len(self._marks):
            slot.marks = Marks(self._marks, index)
        plan = SlotPlan(index, self._worker, self._marks_path, self._redirect)
        self._nursery.fork(plan, slot.descriptors())
        slot.handed_over()
        slot.since = self._clock.steady()
        self._selector.register(slot.reports.fileno(), selectors.EVENT_READ, lambda: self._read(slot))
        self._selector.register(slot.output.fileno(), selectors.EVENT_READ, lambda: self._read_output(slot))

    def _hear(self) -> None:
        news = self._nursery.news()
        if news is None:
            self._nursery_died()
            return
        for kind, *said in news:
            if kind == "born":
                index, pid = said
                if index in self._slots:
                    self._born(self._slots[index], pid)
            else:
                pid, code = said
                for slot in list(self._slots.values()):
                    if slot.pid == pid:
                        self._slot_died(slot, code)

    def _born(self, slot: Handle, pid: int) -> None:
        """Learn a slot's process, which may have been running for a while; send what it was to get before."""
        slot.pid = pid
        if slot.owed == signal.SIGUSR1:
            self._interrupt(slot)
        elif slot.owed:
            self._kill(slot, slot.owed)

    def _nursery_died(self) -> None:
        """Start over: without a nursery nobody tells of deaths, and its slots died with it."""
        self._selector.unregister(self._nursery)
        slots = list(self._slots.values())
        for slot in slots:
            self._kill(slot)
        self._nursery.close()
        self._nursery = Nursery(self._app)
        # This process has a connection by now, which must not cross a fork.
        self._nursery.start(fresh=True)
        self._selector.register(self._nursery, selectors.EVENT_READ, self._hear)
        if not all(slot.ready for slot in slots):
            self._count_stillborn(-signal.SIGKILL)
        for slot in slots:
            self._bury(slot, -signal.SIGKILL)

    def _slot_died(self, slot: Handle, code: int) -> None:
        self._drain(slot)
        if not slot.ready:
            self._count_stillborn(code)
        self._bury(slot, code)

    def _bury(self, slot: Handle, code: int) -> None:
        """Report the one job a dead slot was running; the rest waits for other slots."""
        self._read(slot)
        self._read_output(slot)
        self._held.extendleft(reversed(slot.take_back()))
        for handed in slot.jobs.values():
            death = self._death(slot, handed.job, code)
            self._ended.append(Report(handed.job, death, slot.tails.pop(handed.job.key, None)))
        slot.jobs.clear()
        self._forget(slot)
        if not self._closing and self.broken is None and slot.index < self.size:
            self._fork(slot.index)
        self._hand_held()

    def _death(self, slot: Handle, job: Job, code: int) -> Death:
        started = self._started(slot, job)
        if slot.verdict is not None and slot.verdict[0] in (job.key, -1):
            _, cause, reason, number = slot.verdict
            return Death(cause, reason, started, number)
        return Death(Cause.CRASH, f"The process that ran it (pid {slot.pid}) {how_ended(code)}", started)

    def _count_stillborn(self, code: int) -> None:
        now = self._clock.steady()
        self._stillborn = [then for then in self._stillborn if now - then < 60] + [now]
        if len(self._stillborn) >= _MOST_STILLBORN:
            self.broken = (
                f"{_MOST_STILLBORN} slots within a minute died before they were ready; the last {how_ended(code)}"
            )

    def _forget(self, slot: Handle) -> None:
        for end in (slot.reports, slot.output):
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(end.fileno())
        slot.close()
        if self._slots.get(slot.index) is slot:
            del self._slots[slot.index]

    # Handing out

    def room(self) -> int:
        """Return how many more jobs may be handed over now."""
        if self.broken is not None or self._closing:
            return 0
        ahead = self._pace.ahead()
        room = -len(self._held)
        for slot in self._slots.values():
            if slot.closing or slot.alone or slot.recalled:
                continue
            most = ahead if slot.ready else 1
            if self._max_tasks is not None:
                most = min(most, self._max_tasks - slot.done)
            room += max(0, most - len(slot.jobs))
        return max(0, room)

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Hand jobs to the slots with the least to do."""
        self._held.extend(jobs)
        self._hand_held()
        fault.point("hand.after")

    def _hand_held(self) -> None:
        """Give what is held to slots that can take it, each slot's share in one message."""
        if not self._held:
            return
        shares: dict[int, list[Handed]] = {}
        loads = {
            slot.index: len(slot.jobs)
            for slot in self._slots.values()
            if not (slot.closing or slot.alone or slot.recalled)
        }
        waiting: deque[Handed] = deque()
        while self._held and loads:
            handed = self._held.popleft()
            index = self._best_slot(handed, loads)
            if index is None:
                waiting.append(handed)
                continue
            shares.setdefault(index, []).append(handed)
            loads[index] += 1
            if handed.job.crashes:
                del loads[index]
        self._held.extendleft(reversed(waiting))
        for index, share in shares.items():
            self._give(self._slots[index], share)

    def _best_slot(self, handed: Handed, loads: dict[int, int]) -> int | None:
        """Return the slot with the least to do; long jobs, and those that have crashed, want one that has nothing."""
        index = min(loads, key=loads.__getitem__)
        load = loads[index]
        if load == 0:
            return index
        if handed.job.crashes or load >= MOST_AHEAD or self._pace.is_long(handed.job.task):
            return None
        if self._max_tasks is not None and self._slots[index].done + load >= self._max_tasks:
            return None
        return index

    def _give(self, slot: Handle, share: list[Handed]) -> None:
        if not slot.jobs:
            slot.since = self._clock.steady()
        slot.alone = share[0].job.crashes > 0
        try:
            for name in {handed.job.task for handed in share}:
                self._define(slot, name)
        except OSError as error:
            self._held.extend(share)
            self._not_given(slot, error)
            return
        try:
            slot.give(share)
        except OSError as error:
            self._not_given(slot, error)

    def _not_given(self, slot: Handle, error: OSError) -> None:
        """Take back what a slot was not given, and what waits in it: its process is gone, or its socket full.

        A full socket holds messages, for which there are no tokens any more: once it has read them it says so.
        """
        self._held.extend(slot.take_back())
        if isinstance(error, BlockingIOError):
            slot.recalled = True
        else:
            self._retire(slot)

    def _define(self, slot: Handle, name: str) -> None:
        """Send a task's definition to a slot that was forked before it was made, or made anew."""
        task = self._app.tasks.find(name)
        if task is not None and slot.defined.get(task.name) is not task:
            frames.send(slot.to_slot, ("define", definitions.dump(task)))
            slot.defined[task.name] = task
            slot.loading = True

    def take_back(self) -> list[Job]:
        """Return every job that no slot has started."""
        back = [handed.job for handed in self._held]
        self._held.clear()
        for slot in self._slots.values():
            back.extend(handed.job for handed in slot.take_back())
        return back

    def _retire(self, slot: Handle) -> None:
        """Let a slot end after the job it runs; give what waits behind it to others."""
        if not slot.closing:
            slot.closing = True
            slot.since = self._clock.steady()
            self._held.extend(slot.take_back())
            with contextlib.suppress(OSError):
                frames.send(slot.to_slot, ("quit",))

    # Hearing

    def collect(self) -> list[Report]:
        """Return what has ended."""
        ended, self._ended = self._ended, []
        return ended

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        said, self._notes = self._notes, []
        return said

    def _read(self, slot: Handle) -> None:
        self._drain(slot)
        if self._held:
            self._hand_held()

    def _drain(self, slot: Handle) -> None:
        while True:
            try:
                data = os.read(slot.reports.fileno(), 262_144)
            except BlockingIOError:
                break
            except OSError:
                return
            if not data:
                # Its process is gone; the nursery says how.
                with contextlib.suppress(KeyError, ValueError):
                    self._selector.unregister(slot.reports.fileno())
                break
            for kind, body in slot.frames.feed(data):
                self._take(slot, kind, body)
            if len(data) < 65_536:
                break

    def _take(self, slot: Handle, kind: int, body: bytes) -> None:
        if kind in (frames.Kind.DONE, frames.Kind.ENDED):
            key, token, outcome = frames.unpack_outcome(kind, body)
            handed = slot.jobs.pop(key, None)
            if handed is not None and handed.job.run_token == token:
                self._ended_well(slot, handed.job, outcome)
        elif kind == frames.Kind.NOTE:
            job_id, shown, meta = json.loads(body)
            self._notes.append(Note(job_id, shown, None if meta is None else meta.encode("latin-1")))
        elif kind == frames.Kind.PRINTED:
            key, text, is_error = json.loads(body)
            handed = slot.jobs.get(key)
            self._heard(slot, handed.job if handed else None, text, is_error)
        elif kind == frames.Kind.LOG:
            handle_record(json.loads(body))
        elif kind == frames.Kind.READY:
            slot.ready = True
            # The nursery says it, too, unless it died before it could.
            pid, marking = body.split()
            slot.pid = int(pid)
            if marking == b"0":
                slot.marks = None
        elif kind == frames.Kind.DROPPED:
            slot.recalled = False

    def _ended_well(self, slot: Handle, job: Job, outcome: Outcome) -> None:
        fault.point("outcome.received")
        slot.done += 1
        slot.loading = False
        slot.alone = False
        slot.since = self._clock.steady()
        if slot.verdict is not None and slot.verdict[0] == job.key:
            slot.verdict = slot.kill_at = None
        self._pace.measure(job.task, (outcome.ended_at - (outcome.started_at or outcome.ended_at)) / 1e6)
        self._ended.append(Report(job, outcome, slot.tails.pop(job.key, None) if slot.tails else None))
        worn = self._max_tasks is not None and slot.done >= self._max_tasks
        fat = self._max_memory_kb is not None and (outcome.peak_kb or 0) > self._max_memory_kb
        if worn or fat:
            self._retire(slot)

    def _read_output(self, slot: Handle) -> None:
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

    def _heard(self, slot: Handle, job: Job | None, text: str, is_error: bool) -> None:
        if job is not None:
            slot.tails[job.key] = (slot.tails.get(job.key, "") + text)[-TAIL:]
        self._printed(job, text, is_error)

    # Limits

    def _marked(self, slot: Handle) -> Marked:
        """Return what a slot started last."""
        if slot.marks is None:
            first = next(iter(slot.jobs.values()), None)
            return Marked(first.job.key, first.job.run_token, slot.since, 1) if first else Marked(0, 0, 0.0, 0)
        return slot.marks.last()

    def _running_in(self, slot: Handle) -> tuple[Handed, float] | None:
        """Return the job a slot runs now, and for how many seconds."""
        key, token, started, running = self._marked(slot)
        handed = slot.jobs.get(key)
        if not running or handed is None or handed.job.run_token != token:
            return None
        return handed, self._clock.steady() - started

    def _started(self, slot: Handle, job: Job) -> int | None:
        key, token, started, _ = self._marked(slot)
        if (key, token) != (job.key, job.run_token):
            return None
        return self._clock.now() - int((self._clock.steady() - started) * 1e6)

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

    def _limit(self, slot: Handle, handed: Handed, seconds: float, after: list[float]) -> None:
        hard = handed.limits.hard
        if hard is None or slot.verdict is not None:
            return
        if seconds < hard:
            after.append(hard - seconds)
        elif self._runs(slot, handed.job.key):
            reason = f"hard time limit of {hard:g} s exceeded"
            slot.verdict = (handed.job.key, Cause.TIME_LIMIT, reason, signal.SIGKILL)
            self._kill(slot)

    def _runs(self, slot: Handle, key: int) -> bool:
        """Take back what a slot has not started, hear what it has ended: whether it runs this job, and no other."""
        self._held.extend(slot.take_back())
        self._drain(slot)
        return key in slot.jobs

    def _end_if_deaf(self, slot: Handle) -> None:
        """End a process that neither runs what it was given, nor lets go of it, nor ends: others do its work."""
        if not (slot.jobs or slot.recalled or slot.closing) or slot.verdict is not None:
            return
        self._runs(slot, 0)
        if slot.marks is None or self._clock.steady() - slot.since <= (_LOADING_S if slot.loading else _DEAF_S):
            return
        slot.verdict = (-1, Cause.CRASH, f"The process (pid {slot.pid}) did not answer", signal.SIGKILL)
        self._kill(slot)

    def _spread(self, slot: Handle) -> None:
        """Give what waits behind a slow job to slots that have nothing; the rest goes back to the store."""
        back = slot.take_back()
        idle = [one for one in self._slots.values() if not (one.jobs or one.closing or one.recalled)]
        for handed in back:
            if idle:
                self._give(idle.pop(), [handed])
            else:
                self._ended.append(Report(handed.job, Outcome(Ending.RELEASED, None, self._clock.now()), None))

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

    # Stopping

    def in_hand(self) -> dict[int, int]:
        """Return `key -> run_token` of all jobs here."""
        hand = {handed.job.key: handed.job.run_token for handed in self._held}
        for slot in self._slots.values():
            hand.update((key, handed.job.run_token) for key, handed in slot.jobs.items())
        hand.update((report.job.key, report.job.run_token) for report in self._ended)
        return hand

    def running(self) -> list[Now]:
        """Return the jobs that run now."""
        found = [(slot, self._running_in(slot)) for slot in self._slots.values() if slot.jobs]
        now = self._clock.now()
        return [Now(run[0].job, now - int(run[1] * 1e6), slot.pid) for slot, run in found if run is not None]

    def stop_job(self, key: int, number: int) -> None:
        """End a cancelled job."""
        for slot in list(self._slots.values()):
            if key not in slot.jobs:
                continue
            if self._runs(slot, key) and number and slot.verdict is None:
                slot.verdict = (key, Cause.CANCELLED, f"cancelled by signal {number}", number)
                slot.kill_at = self._clock.steady() + _GRACE_S
                self._kill(slot, number)
        for handed in [one for one in self._held if one.job.key == key]:
            self._held.remove(handed)
            self._ended.append(Report(handed.job, Death(Cause.CANCELLED, "cancelled before it started", None), None))
        self._hand_held()

    def drop(self, keys: Sequence[int]) -> None:
        """End jobs that are not ours any more, and say nothing of them."""
        gone = set(keys)
        self._held = deque(handed for handed in self._held if handed.job.key not in gone)
        self._ended = [report for report in self._ended if report.job.key not in gone]
        for slot in list(self._slots.values()):
            if gone.isdisjoint(slot.jobs):
                continue
            self._held.extend(handed for handed in slot.take_back() if handed.job.key not in gone)
            self._drain(slot)
            running = [key for key in slot.jobs if key in gone]
            for key in running:
                del slot.jobs[key]
            if running:
                self._kill(slot)

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every running task."""
        for slot in self._slots.values():
            if slot.jobs:
                self._interrupt(slot)

    def _interrupt(self, slot: Handle) -> None:
        slot.owed = 0 if slot.pid else signal.SIGUSR1
        if slot.pid:
            with contextlib.suppress(OSError):
                os.kill(slot.pid, signal.SIGUSR1)

    def kill(self) -> None:
        """End every running job at once."""
        for slot in self._slots.values():
            if slot.jobs:
                slot.verdict = (-1, Cause.STOPPED, "the worker stopped before it ended", signal.SIGKILL)
                self._kill(slot)

    def _kill(self, slot: Handle, number: int = signal.SIGKILL) -> None:
        """Send a signal to the slot's process and all it started, at once or as soon as it is known."""
        slot.owed = 0 if slot.pid else number
        if slot.pid:
            with contextlib.suppress(OSError):
                os.killpg(slot.pid, number)
                return
            with contextlib.suppress(OSError):
                os.kill(slot.pid, number)

    def resize(self, size: int) -> None:
        """Change the number of slots."""
        before, self.size = self.size, max(1, size)
        for index in range(before, self.size):
            if index not in self._slots:
                self._fork(index)
        for slot in list(self._slots.values()):
            if slot.index >= self.size:
                self._retire(slot)

    def pids(self) -> list[int]:
        """Return the slots' processes."""
        return [slot.pid for slot in self._slots.values() if slot.pid]

    def close(self) -> None:
        """End the slots, the nursery and all that is theirs."""
        self._closing = True
        with contextlib.suppress(KeyError, ValueError, AssertionError, AttributeError):
            self._selector.unregister(self._nursery)
        self._nursery.close()
        for slot in list(self._slots.values()):
            self._forget(slot)
