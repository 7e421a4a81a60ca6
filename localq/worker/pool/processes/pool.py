"""The process pool: one process a slot, one job at a time in it, its death known at once.

Short jobs are handed over ahead of need, some 25 ms of work a slot, so that they are not bound by round trips;
what waits behind a job that turns out long is taken back. A job that has crashed once is handed out alone.
Here slots are born and buried; what goes to them, what comes from them and what they die of have their own files.
"""

from __future__ import annotations

import contextlib
import mmap
import selectors
import signal
from collections.abc import Collection, Sequence

from localq.app.app import LocalQ
from localq.exceptions import ImproperlyConfigured
from localq.host.marks import MARK_SIZE, Marks
from localq.model.clock import Clock
from localq.model.job import Job
from localq.model.outcome import Note
from localq.worker.pool.contract import Handed, InHand, Logged, Printed, Report, cancelled_unstarted
from localq.worker.pool.output import Output
from localq.worker.pool.process_facts import Stillborn, how_ended
from localq.worker.pool.processes.forkserver import ForkServer
from localq.worker.pool.processes.from_slots import FromSlots
from localq.worker.pool.processes.slot_deaths import SlotDeaths
from localq.worker.pool.processes.slot_handle import SlotHandle
from localq.worker.pool.processes.slot_main import SlotPlan
from localq.worker.pool.processes.to_slots import ToSlots
from localq.worker.pool.processes.work_ahead import WorkAhead

__all__ = ["ProcessPool"]

#: Slots that may die before they are ready, within a minute, until the pool gives up.
_MOST_STILLBORN = 5


class ProcessPool:
    """A pool of processes; see `localq.worker.pool.contract.Pool`.

    Args:
        app: The app whose tasks run.
        size: Slots.
        worker: The worker's name.
        marks: The file, and its mapping, in which slots mark what they have started; None without a store's folder.
        printed: Called with what tasks print.
        logged: Called with the log records of slots.
        redirect: Whether Python's standard streams are captured by job; descriptors 1 and 2 always are.
    """

    def __init__(
        self,
        app: LocalQ,
        size: int,
        *,
        worker: str,
        clock: Clock,
        marks: tuple[str, mmap.mmap] | None,
        printed: Printed,
        logged: Logged,
        redirect: bool = True,
        max_tasks: int | None = None,
        max_memory_kb: int | None = None,
    ) -> None:
        self.size = size
        self.broken: str | None = None
        self.output = Output()
        self._app, self._worker, self._clock, self._redirect = app, worker, clock, redirect
        self._slots: dict[int, SlotHandle] = {}
        ahead = WorkAhead()
        self._to_slots = ToSlots(app, self._slots, clock, ahead, max_tasks)
        self._from_slots = FromSlots(
            self._to_slots,
            clock,
            ahead,
            output=self.output,
            printed=printed,
            logged=logged,
            max_tasks=max_tasks,
            max_memory_kb=max_memory_kb,
        )
        self._deaths = SlotDeaths(self._slots, self._to_slots, self._from_slots, clock, max_memory_kb)
        self._marks_path = None if marks is None else marks[0]
        self._marks = None if marks is None else marks[1]
        self._fork_server = ForkServer(app)
        self._stillborn = Stillborn(_MOST_STILLBORN)
        self._closing = False

    # Slots

    def prepare(self) -> None:
        """Start the fork server: to be called before this process has threads or connections."""
        self._fork_server.start()

    def start(self, selector: selectors.BaseSelector) -> None:
        """Fork the slots."""
        self._selector = selector
        selector.register(self._fork_server, selectors.EVENT_READ, self._hear)
        for index in range(self.size):
            self._fork(index)

    def _fork(self, index: int) -> None:
        slot = self._slots[index] = SlotHandle(index)
        slot.defined = dict(self._fork_server.known)
        if self._marks is not None and (index + 1) * MARK_SIZE <= len(self._marks):
            slot.marks = Marks(self._marks, index)
        plan = SlotPlan(index, self._worker, self._marks_path, self._redirect)
        self._fork_server.fork(plan, slot.descriptors())
        slot.handed_over()
        slot.since = self._clock.steady()
        self._from_slots.listen(slot, self._selector)

    def _hear(self) -> None:
        news = self._fork_server.news()
        if news is None:
            self._fork_server_died()
            return
        for kind, *said in news:
            if kind == "born":
                index, pid = said
                if index in self._slots:
                    self._slots[index].born(pid)
            else:
                pid, code = said
                for slot in list(self._slots.values()):
                    if slot.pid == pid:
                        self._slot_died(slot, code)

    def _fork_server_died(self) -> None:
        """Start over: without a fork server nobody tells of deaths, and its slots died with it."""
        self._selector.unregister(self._fork_server)
        slots = list(self._slots.values())
        for slot in slots:
            slot.kill()
        self._fork_server.close()
        self._fork_server = ForkServer(self._app)
        # This process has a connection by now, which must not cross a fork.
        try:
            self._fork_server.start(fresh=True)
            self._selector.register(self._fork_server, selectors.EVENT_READ, self._hear)
        except ImproperlyConfigured as error:
            self.broken = f"the process that forked its slots died. {error}"
        if not all(slot.ready for slot in slots):
            self._count_stillborn(-signal.SIGKILL)
        for slot in slots:
            self._bury(slot, -signal.SIGKILL)

    def _slot_died(self, slot: SlotHandle, code: int) -> None:
        self._from_slots.drain(slot)
        if not slot.ready:
            self._count_stillborn(code)
        self._bury(slot, code)

    def _bury(self, slot: SlotHandle, code: int) -> None:
        """Report the one job a dead slot was running; the rest waits for other slots."""
        # First: if it was killed a moment ago it begins no more from here on, and what it ended before was reported.
        back = slot.take_back()
        self._from_slots.read(slot)
        self._from_slots.read_output(slot)
        self._to_slots.held.extendleft(reversed(back))
        for handed in slot.jobs.values():
            death = self._deaths.of(slot, handed.job, code)
            self._from_slots.ended.append(Report(handed, death, self.output.take(handed.job.id)))
        slot.jobs.clear()
        self._forget(slot)
        if not self._closing and self.broken is None and slot.index < self.size:
            self._fork(slot.index)
        self._to_slots.hand_held()

    def _count_stillborn(self, code: int) -> None:
        if self._stillborn.too_many(self._clock.steady()):
            self.broken = (
                f"{_MOST_STILLBORN} slots within a minute died before they were ready; the last {how_ended(code)}"
            )

    def _forget(self, slot: SlotHandle) -> None:
        self._from_slots.forget(slot)
        slot.close()
        if self._slots.get(slot.index) is slot:
            del self._slots[slot.index]

    # Work

    def room(self) -> int:
        """Return how many more jobs may be handed over now."""
        return 0 if self.broken is not None or self._closing else self._to_slots.room()

    def busy_for(self) -> float:
        """Return for how many seconds every slot has work at hand; see the protocol."""
        return 0.0 if self._from_slots.bulky else self._to_slots.busy_for()

    def submit(self, jobs: Sequence[Handed]) -> None:
        """Hand jobs to the slots with the least to do."""
        self._to_slots.submit(jobs)

    def collect(self) -> list[Report]:
        """Return what has ended."""
        return self._from_slots.collect()

    def notes(self) -> list[Note]:
        """Return what tasks said of themselves."""
        return self._from_slots.notes()

    def take_back(self) -> list[Job]:
        """Return every job that no slot has started."""
        return self._to_slots.take_back()

    def tick(self) -> float | None:
        """Kill what is over its limits, take back what waits behind slow jobs."""
        return self._deaths.tick()

    def in_hand(self) -> dict[str, int]:
        """Return `id -> run_token` of all jobs here."""
        hand = {handed.job.id: handed.job.run_token for handed in self._to_slots.held}
        for slot in self._slots.values():
            hand.update((job_id, handed.job.run_token) for job_id, handed in slot.jobs.items())
        hand.update((report.job.id, report.job.run_token) for report in self._from_slots.ended)
        return hand

    def jobs(self) -> list[InHand]:
        """Return every job here, those that run first."""
        now, steady = self._clock.now(), self._clock.steady()
        runs, waits = [], [InHand(handed.job, None, None) for handed in self._to_slots.held]
        for slot in self._slots.values():
            found = slot.running(steady)
            for handed in slot.jobs.values():
                if found is not None and handed is found[0]:
                    runs.append(InHand(handed.job, now - int(found[1] * 1e6), slot.pid))
                else:
                    waits.append(InHand(handed.job, None, slot.pid))
        return runs + waits

    # Stopping

    def stop_job(self, job_id: str, number: int) -> None:
        """End a cancelled job."""
        for slot in list(self._slots.values()):
            if job_id in slot.jobs:
                self._deaths.cancel(slot, job_id, number)
        self._from_slots.ended.extend(map(cancelled_unstarted, self._to_slots.withdraw({job_id})))
        self._to_slots.hand_held()

    def drop(self, ids: Collection[str]) -> None:
        """End jobs that are not ours any more, and say nothing of them."""
        gone = set(ids)
        self.output.drop(gone)
        self._to_slots.withdraw(gone)
        self._from_slots.ended = [report for report in self._from_slots.ended if report.job.id not in gone]
        for slot in list(self._slots.values()):
            if gone.isdisjoint(slot.jobs):
                continue
            self._to_slots.held.extend(handed for handed in slot.take_back() if handed.job.id not in gone)
            self._from_slots.drain(slot)
            running = [job_id for job_id in slot.jobs if job_id in gone]
            for job_id in running:
                del slot.jobs[job_id]
            if running:
                slot.kill()

    def interrupt(self) -> None:
        """Raise WorkerTerminate in every running task."""
        for slot in self._slots.values():
            if slot.jobs:
                slot.interrupt()

    def kill(self) -> None:
        """End every running job at once."""
        self._deaths.kill_all()

    def resize(self, size: int) -> None:
        """Change the number of slots."""
        before, self.size = self.size, max(1, size)
        for index in range(before, self.size):
            if index not in self._slots:
                self._fork(index)
        for slot in list(self._slots.values()):
            if slot.index >= self.size:
                self._to_slots.retire(slot)

    def restart(self) -> None:
        """Replace every slot, each after the job it runs."""
        for slot in list(self._slots.values()):
            self._to_slots.retire(slot)

    def pids(self) -> list[int]:
        """Return the slots' processes."""
        return [slot.pid for slot in self._slots.values() if slot.pid]

    def close(self) -> None:
        """End the slots, the fork server and all that is theirs."""
        self._closing = True
        with contextlib.suppress(KeyError, ValueError, AssertionError, AttributeError):
            self._selector.unregister(self._fork_server)
        self._fork_server.close()
        for slot in list(self._slots.values()):
            self._forget(slot)
