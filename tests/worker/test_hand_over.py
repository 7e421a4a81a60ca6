"""Handing jobs over: what a worker takes back while its slot has not read it must not come between later jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from localq import LocalQ
from localq.execution.policy import PLAIN, Rules, Terms
from localq.model.job import Job
from localq.settings import Settings
from localq.worker.pool import frames
from localq.worker.pool.contract import Handed
from localq.worker.pool.processes.slot_handle import SlotHandle
from localq.worker.pool.processes.slot_main import Slot, SlotPlan
from tests.worker.waiting import until


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
            self.go_on.wait(20)

    def _run(self, job: Job, terms: Terms) -> None:
        self.ran.append(job.key)
        self.gate.wait(20)


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
    thread.join(20)
    worker.close()
    worker.handed_over()


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
    stub.dropped.wait(20)
    worker.give([handed(4)])
    stub.go_on.set()

    until(lambda: len(stub.ran) == 2)
    assert back == [2, 3]
    assert stub.ran == [1, 4]
