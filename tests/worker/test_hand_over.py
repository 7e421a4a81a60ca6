"""Handing jobs over: what a worker takes back while its slot has not read it must not come between later jobs."""

from __future__ import annotations

import mmap
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from localq import LocalQ
from localq.execution.policy import PLAIN, Rules, Terms
from localq.host.marks import MARK_SIZE, Marks, mark_lease
from localq.model.clock import SystemClock
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.settings import Settings
from localq.worker.pool import frames
from localq.worker.pool.contract import Handed
from localq.worker.pool.output import Output
from localq.worker.pool.processes.from_slots import FromSlots
from localq.worker.pool.processes.pool import ProcessPool
from localq.worker.pool.processes.slot_deaths import SlotDeaths
from localq.worker.pool.processes.slot_handle import SlotHandle
from localq.worker.pool.processes.slot_main import Slot, SlotPlan
from localq.worker.pool.processes.to_slots import ToSlots
from localq.worker.pool.processes.work_ahead import WorkAhead
from tests.worker.waiting import DEADLINE_S, until


class _Stub(Slot):
    """A slot in a thread, which only notes what it was told to run; the first job takes as long as the test wants."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.ran: list[int] = []
        self.gate = threading.Event()
        self.dropped = threading.Event()
        self.go_on = threading.Event()

    def report(self, kind: int, body: bytes) -> None:
        if kind == frames.Kind.DROPPED:
            self.dropped.set()
            self.go_on.wait(DEADLINE_S)

    def _run(self, job: Job, terms: Terms) -> None:
        self.ran.append(job.key)
        self.gate.wait(DEADLINE_S)


@pytest.fixture
def ends(q: LocalQ) -> Iterator[tuple[SlotHandle, _Stub]]:
    """Return both ends of a slot: the worker's and the slot's."""
    worker = SlotHandle(0)
    tokens, reports = worker.descriptors()[1:3]
    stub = _Stub(q, SlotPlan(0, "w", None, False), worker._of_slot, tokens, reports)
    thread = threading.Thread(target=stub.serve, daemon=True)
    thread.start()
    yield worker, stub
    stub.gate.set()
    stub.go_on.set()
    frames.send(worker.to_slot, ("quit",))
    thread.join(DEADLINE_S)
    worker.close()
    worker.handed_over()


def _ignored(*_: Any) -> None:
    """Take what tasks print and log."""


def handed(key: int) -> Handed:
    job = Job(key, f"id{key}", "t", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, b"[[],{}]", None)
    return Handed(job, Rules(PLAIN, 3, False, True, Settings()))


def test_a_job_given_after_others_were_taken_back_is_the_one_that_runs(ends: tuple[SlotHandle, _Stub]) -> None:
    worker, stub = ends
    worker.give([handed(1), handed(2)])
    until(lambda: stub.ran == [1])
    worker.give([handed(3)])  # the slot has not read this when all that waits is taken back

    back = [one.job.key for one in worker.take_back()]
    stub.gate.set()
    stub.dropped.wait(DEADLINE_S)
    worker.give([handed(4)])
    stub.go_on.set()

    until(lambda: len(stub.ran) == 2)
    assert back == [2, 3]
    assert stub.ran == [1, 4]


@pytest.mark.parametrize(("words", "left"), [("none", [1]), ("some", [1, 2, 3]), ("all", [2, 3])])
def test_a_job_whose_end_was_not_heard_in_time_is_not_taken_for_a_slow_one(
    q: LocalQ, words: str, left: list[int]
) -> None:
    marks = mmap.mmap(-1, MARK_SIZE)
    slot, clock, ahead = SlotHandle(0), SystemClock(), WorkAhead()
    slot.marks, slot.ready, slots = Marks(marks, 0), True, {0: slot}
    to_slots = ToSlots(q, slots, clock, ahead, None)
    from_slots = FromSlots(
        to_slots,
        clock,
        ahead,
        output=Output(),
        printed=_ignored,
        logged=_ignored,
        max_tasks=None,
        max_memory_kb=None,
    )
    deaths = SlotDeaths(slots, to_slots, from_slots, clock, None)
    jobs = [handed(key) for key in (1, 2, 3)]
    slot.give(jobs)
    os.read(slot._tokens.fileno(), 1)  # the first was started, long ago
    Marks(marks, 0).begin(1, 1, clock.steady() - 60)
    frame = frames.pack_outcome(jobs[0].job, Outcome(Ending.SUCCESS, 1, 2, b"x" * 100_000))
    os.write(slot._reports_of_slot.fileno(), frame[: {"none": 0, "some": 50_000, "all": len(frame)}[words]])

    deaths.tick()

    assert [one.job.key for one in slot.jobs.values()] == left
    released = [one.job.key for one in from_slots.ended if one.end.ending == Ending.RELEASED]  # type: ignore[union-attr]
    assert released == ([2, 3] if words == "none" else [])
    slot.close(), slot.handed_over()


def test_what_a_slot_wrote_is_of_the_job_that_it_ran_when_the_worker_began_to_read() -> None:
    slot, marks = SlotHandle(0), Marks(mmap.mmap(-1, MARK_SIZE), 0)
    slot.marks = marks
    slot.give([handed(1), handed(2)])
    marks.begin(1, 1, 1.0)

    with slot.writer() as writer:
        marks.begin(2, 1, 5.0)  # the slot has gone on, and waits
        read = marks.read

    assert writer is not None
    assert (writer.job.key, read, marks.read) == (1, True, False)
    with slot.writer() as writer:
        assert writer is not None
        assert writer.job.key == 2
    slot.close(), slot.handed_over()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_job_begins_when_the_worker_has_read_what_the_one_before_wrote(
    ends: tuple[SlotHandle, _Stub], stopped: bool
) -> None:
    marks, waits, begins = Marks(mmap.mmap(-1, MARK_SIZE), 0), threading.Event(), threading.Event()

    def begin() -> None:
        waits.set()
        ends[1]._wait_for_reader(marks)
        begins.set()

    with marks.reading():
        threading.Thread(target=begin).start()
        assert waits.wait(DEADLINE_S)
        if stopped:
            assert begins.wait(DEADLINE_S)

    assert begins.wait(DEADLINE_S)


def test_a_worker_stopped_while_it_reads_is_waited_for_once(ends: tuple[SlotHandle, _Stub]) -> None:
    marks = Marks(mmap.mmap(-1, MARK_SIZE), 0)

    with marks.reading():
        ends[1]._wait_for_reader(marks)
        assert not marks.read


def test_a_slot_begins_nothing_while_the_lease_of_its_worker_is_over(ends: tuple[SlotHandle, _Stub]) -> None:
    worker, stub = ends
    shared = mmap.mmap(-1, MARK_SIZE)
    stub._marks, steady = Marks(shared, 0), SystemClock().steady()
    stub.gate.set(), stub.go_on.set()

    mark_lease(shared, steady - 1)
    worker.give([handed(1), handed(2)])
    assert [one.job.key for one in worker.take_back()] == [1, 2]
    assert stub.dropped.wait(DEADLINE_S)
    worker.give([handed(3)])
    mark_lease(shared, steady + 3600)

    until(lambda: stub.ran == [3], DEADLINE_S)


class _Quick(SlotHandle):
    """A slot whose process ends one more job before it dies."""

    last: bytes = b""

    def take_back(self) -> list[Handed]:
        if self.last:
            os.read(self._tokens.fileno(), 1)
            os.write(self._reports_of_slot.fileno(), self.last)
            self.last = b""
        return super().take_back()


def test_what_a_slot_ended_while_it_was_killed_is_not_run_again(q: LocalQ) -> None:
    pool = ProcessPool(q, 1, worker="w", clock=SystemClock(), marks=None, printed=_ignored, logged=_ignored)
    pool._closing = True
    slot = pool._slots[0] = _Quick(0)
    slot.marks = Marks(mmap.mmap(-1, MARK_SIZE), 0)
    jobs = [handed(key) for key in (1, 2, 3)]
    slot.give(jobs)
    slot.last = frames.pack_outcome(jobs[0].job, Outcome(Ending.SUCCESS, 1, 2, b"1"))

    pool._bury(slot, -signal.SIGKILL)

    ended = [(report.job.key, report.end.ending) for report in pool.collect()]  # type: ignore[union-attr]
    assert ended == [(1, Ending.SUCCESS)]
    assert [one.key for one in pool.take_back()] == [2, 3]
    slot.handed_over()


@pytest.mark.parametrize(
    ("seconds", "count", "loads"),
    [
        (0.001, 3, [2, 1]),
        (0.015, 2, [1, 1]),
        (0.015, 3, [1, 1]),
        (0.015, 4, [2, 2]),
        (0.03, 4, [1, 1]),
    ],
)
def test_jobs_of_some_milliseconds_wait_behind_others_only_where_there_is_one_for_each_slot(
    q: LocalQ, seconds: float, count: int, loads: list[int]
) -> None:
    ahead, slots = WorkAhead(), {index: SlotHandle(index) for index in range(2)}
    to_slots = ToSlots(q, slots, SystemClock(), ahead, None)
    jobs = [handed(key) for key in range(1, count + 1)]
    ahead.measure(jobs[0].job.task, seconds)

    to_slots.submit(jobs)

    assert [len(slot.jobs) for slot in slots.values()] == loads
    assert len(to_slots.held) == count - sum(loads)
    for slot in slots.values():
        slot.close(), slot.handed_over()
