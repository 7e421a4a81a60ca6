"""What must not stop a worker, nor run a job twice."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Task, WorkerLostError
from localq.signals import Signal, task_received, task_success
from tests.worker.waiting import DEADLINE_S


@pytest.fixture
def q(tmp_path: Path) -> Any:
    app = LocalQ("robust", path=tmp_path / "jobs.db", durability="normal")
    yield app
    app.close()


def test_middling_payloads_both_ways_do_not_block_worker_and_slot_on_each_other(q: LocalQ) -> None:
    @q.task
    def echo(text: str) -> str:
        return text

    text = "x" * 48_000
    with q.running(concurrency=1):
        q.enqueue_many([echo.s("") for _ in range(300)])[-1].get(timeout=DEADLINE_S)
        results = q.enqueue_many([echo.s(text) for _ in range(200)])
        assert [result.get(timeout=DEADLINE_S) for result in results] == [text] * 200


def test_what_no_encoding_knows_is_printed_and_kept_escaped(q: LocalQ) -> None:
    @q.task
    def shout() -> int:
        print("bad \udc80 name")
        return 1

    for pool in ("processes", "threads"):
        with q.running(concurrency=1, pool=pool):
            result = shout.delay()
            assert result.get(timeout=DEADLINE_S) == 1
        assert result.attempts[0].output == "bad \\udc80 name\n"


def test_a_state_that_is_no_text_is_the_tasks_own_error(q: LocalQ) -> None:
    @q.task(bind=True)
    def confused(self: Task[Any, Any]) -> None:
        for state in (["x"], {1}, "\ud800"):
            with pytest.raises(TypeError, match="A state is a printable text"):
                self.update_state(state=state)  # type: ignore[arg-type]
        raise ValueError("own")

    with q.running(concurrency=1), pytest.raises(ValueError, match="own"):
        confused.delay().get(timeout=DEADLINE_S)


def test_a_worker_survives_the_loss_of_the_folder_beside_the_file(q: LocalQ) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    with q.running(concurrency=1):
        assert add.delay(1, 1).get(timeout=DEADLINE_S) == 2
        shutil.rmtree(f"{q.location}.d")
        # Longer than the pause between two looks for dead workers.
        assert [add.apply_async((1, n), countdown=n / 2).get(timeout=DEADLINE_S) for n in range(5)] == [1, 2, 3, 4, 5]


def test_a_stop_that_breaks_off_a_job_that_may_run_once_fails_it(q: LocalQ, tmp_path: Path) -> None:
    started = tmp_path / "started"

    @q.task(acks_late=False)
    def once() -> None:
        with started.open("a") as file:
            file.write("ran\n")
        while True:
            sum(range(1000))

    q.start(concurrency=1)
    result = once.delay()
    while not started.exists():
        assert result.state in ("PENDING", "STARTED")
    q.stop(timeout=0.1)

    assert result.state == "FAILURE"
    with pytest.raises(WorkerLostError, match="at most once"):
        result.get()
    with q.running(concurrency=1):
        pass
    assert started.read_text() == "ran\n"


@pytest.mark.linux("slots are forked")
def test_more_slots_than_the_fork_server_can_be_told_of_at_once(q: LocalQ) -> None:
    @q.task
    def one() -> int:
        return 1

    with q.running(concurrency=300):
        assert one.delay().get(timeout=DEADLINE_S) == 1


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_job_that_stops_its_worker_is_finished_first(q: LocalQ, pool: str) -> None:
    @q.task
    def last() -> str:
        q.stop()
        return "stopped"

    @q.task
    def never() -> None: ...

    q.start(1, pool=pool)
    result, after = last.delay(), never.delay()

    assert result.get(DEADLINE_S) == "stopped"
    q.stop()
    assert after.state == "PENDING"
    with q.running(1, pool=pool):
        assert after.get(DEADLINE_S) is None


@pytest.mark.parametrize("signal", [task_received, task_success], ids=["received", "success"])
def test_the_receiver_of_a_signal_may_stop_the_worker(q: LocalQ, signal: Signal) -> None:
    stopped = threading.Event()

    def stop(**_: Any) -> None:
        q.stop()
        stopped.set()

    @q.task
    def last() -> str:
        return "done"

    signal.connect(stop)
    try:
        q.start(1, pool="threads")
        result = last.delay()
        assert stopped.wait(DEADLINE_S)
        q.stop()
    finally:
        signal.disconnect(stop)
    with q.running(1, pool="threads"):
        assert result.get(DEADLINE_S) == "done"
