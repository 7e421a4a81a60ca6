"""Coroutine tasks in pools of processes, threads and solo: each run is its own, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, SoftTimeLimitExceeded, Task, current_task
from localq.exceptions import MaxRetriesExceededError
from tests.worker.waiting import DEADLINE_S, until

Running = Callable[..., Any]
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("MARK", default="none")


@pytest.fixture(params=["processes", "threads", "solo"])
def start(q: LocalQ, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Return a function that starts a worker of the pool at hand, with one slot."""
    yield lambda **options: q.start(**{"concurrency": 1, "pool": request.param, **options})
    q.stop(timeout=1)


def test_each_run_sees_its_own_request(q: LocalQ, start: Running) -> None:
    @q.task(bind=True)
    async def mine(self: Task[Any, Any]) -> list[str]:
        await asyncio.sleep(0)
        return [str(self.request.id), str(current_task.request.id)]

    start()
    results = [mine.delay() for _ in range(5)]

    assert [result.get(DEADLINE_S) for result in results] == [[result.id, result.id] for result in results]


def test_a_retry_of_a_coroutine_counts(q: LocalQ, start: Running) -> None:
    @q.task(bind=True, max_retries=2, default_retry_delay=0)
    async def again(self: Task[Any, Any]) -> None:
        raise self.retry(exc=ValueError(f"try {self.request.retries}"))

    @q.task
    def other() -> None: ...

    start()
    other.delay().get(DEADLINE_S)
    result = again.delay()

    with pytest.raises((ValueError, MaxRetriesExceededError), match="try 2"):
        result.get(DEADLINE_S)
    assert len(result.attempts) == 3


def test_what_it_says_of_itself_is_said_of_its_own_job(q: LocalQ, start: Running, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    @q.task(bind=True)
    async def working(self: Task[Any, Any], wait: bool) -> str:
        self.update_state(state="PROGRESS", meta={"job": self.request.id})
        while wait and not gate.exists():
            await asyncio.sleep(0.01)
        return str(self.request.id)

    start()
    working.delay(False).get(DEADLINE_S)
    second = working.delay(True)

    until(lambda: second.state == "PROGRESS")
    assert second.info == {"job": second.id}
    gate.touch()
    assert second.get(DEADLINE_S) == second.id


def test_jobs_it_sends_have_it_as_their_parent(q: LocalQ, start: Running) -> None:
    @q.task(bind=True)
    def child(self: Task[Any, Any]) -> str | None:
        return self.request.parent_id

    @q.task
    async def parent() -> str:
        return (await child.adelay()).id

    start()
    results = [parent.delay() for _ in range(2)]

    assert [q.AsyncResult(result.get(DEADLINE_S)).get(DEADLINE_S) for result in results] == [
        result.id for result in results
    ]


@pytest.mark.linux("a forked slot has what cannot be copied")
def test_context_variables_end_with_the_run_that_set_them(q: LocalQ, start: Running) -> None:
    @q.task
    async def wait(value: str) -> str:
        before = MARK.get()
        MARK.set(value)
        await asyncio.sleep(0)
        return f"{before}, {MARK.get()}"

    @q.task
    def plain(value: str) -> str:
        before = MARK.get()
        MARK.set(value)
        return f"{before}, {MARK.get()}"

    start()
    results = [task.delay(value) for value in "abc" for task in (wait, plain)]

    assert [result.get(DEADLINE_S) for result in results] == [f"none, {value}" for value in "aabbcc"]


def test_a_coroutine_that_its_soft_limit_ended_has_ended(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task(soft_time_limit=0.2)
    async def too_long() -> None:
        try:
            await asyncio.sleep(2 * DEADLINE_S)
        finally:
            tmp_path.joinpath("tidied").touch()

    start()
    with pytest.raises(SoftTimeLimitExceeded):
        too_long.delay().get(DEADLINE_S)

    until(tmp_path.joinpath("tidied").exists)


def test_what_a_coroutine_leaves_on_its_loop_ends_with_it(q: LocalQ, start: Running, tmp_path: Path) -> None:
    told = tmp_path / "told"

    def write(line: str) -> None:
        with told.open("a") as file:
            file.write(f"{line}\n")

    async def later() -> None:
        try:
            await asyncio.sleep(0.3)
            write("a task went on")
        except asyncio.CancelledError:
            write("cancelled")
            raise

    @q.task
    async def leaves() -> str:
        tmp_path.joinpath("kept").write_text(str(id(asyncio.create_task(later()))))
        asyncio.get_running_loop().call_later(0.3, write, "a timer went on")
        await asyncio.sleep(0)
        return "left"

    @q.task
    async def other() -> None:
        await asyncio.sleep(0.8)

    start()
    assert leaves.delay().get(DEADLINE_S) == "left"
    other.delay().get(DEADLINE_S)

    assert told.read_text() == "cancelled\n"


def test_a_soft_limit_reaches_a_coroutine_whose_own_code_keeps_busy(q: LocalQ, start: Running) -> None:
    @q.task(soft_time_limit=0.2)
    async def busy() -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            pass

    start()
    with pytest.raises(SoftTimeLimitExceeded):
        busy.delay().get(DEADLINE_S)


def test_a_soft_limit_may_be_survived_by_a_coroutine(q: LocalQ, start: Running) -> None:
    @q.task(soft_time_limit=0.2)
    async def gentle() -> str:
        try:
            await asyncio.sleep(20)
        except SoftTimeLimitExceeded:
            await asyncio.sleep(0.05)
            return "tidied up"
        return "slept"

    start()
    assert gentle.delay().get(DEADLINE_S) == "tidied up"


def test_a_task_that_will_not_be_cancelled_is_given_up(q: LocalQ, start: Running, tmp_path: Path) -> None:
    zombie = tmp_path / "zombie"

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(0.05)
                zombie.write_text(str(time.monotonic()))
            except asyncio.CancelledError:
                pass

    @q.task
    async def leaves() -> str:
        tasks = [asyncio.create_task(stubborn())]
        await asyncio.sleep(0)
        return f"left {len(tasks)}"

    @q.task
    async def other() -> float:
        began = time.monotonic()
        await asyncio.sleep(0.3)
        return began

    start()
    assert leaves.delay().get(DEADLINE_S) == "left 1"
    began = other.delay().get(DEADLINE_S)

    assert float(zombie.read_text()) < began
