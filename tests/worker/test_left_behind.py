"""What a run leaves behind in its process: gone before the next one, or the process's on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, SoftTimeLimitExceeded
from tests.worker.waiting import DEADLINE_S, until

Running = Callable[..., Any]


@pytest.fixture(params=["processes", "asyncio", "gevent"])
def start(q: LocalQ, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Return a function that starts a worker with one slot in a process of its own."""
    yield lambda **options: q.start(**{"concurrency": 1, "pool": request.param, **options})
    q.stop(timeout=1)


def test_the_working_directory_is_what_it_was(q: LocalQ, start: Running, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    @q.task
    def where() -> str:
        return os.getcwd()

    @q.task
    def move() -> None:
        os.chdir(gone)
        shutil.rmtree(gone)

    start()
    before = where.delay().get(DEADLINE_S)
    move.delay().get(DEADLINE_S)

    assert where.delay().get(DEADLINE_S) == before


def test_streams_trace_functions_collector_and_recursion_are_what_they_were(q: LocalQ, start: Running) -> None:
    @q.task
    def standing() -> list[Any]:
        print("heard")
        return [sys.gettrace() is None, sys.getprofile() is None, gc.isenabled(), sys.getrecursionlimit() >= 900]

    @q.task
    def spoil() -> None:
        def traces(*_: Any) -> Any:
            return traces

        sys.stdout = sys.stderr = io.StringIO()
        gc.disable()
        sys.setrecursionlimit(200)
        sys.setprofile(traces)
        sys.settrace(traces)

    start()
    spoil.delay().get(DEADLINE_S)
    after = standing.delay()

    assert after.get(DEADLINE_S) == [True, True, True, True]
    assert after.attempts[0].output == "heard\n"


def test_an_alarm_that_rings_after_its_task_costs_nobody(q: LocalQ, start: Running) -> None:
    @q.task
    def leave() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.1)

    @q.task
    def plain() -> str:
        time.sleep(0.3)
        return "right"

    start()
    leave.delay().get(DEADLINE_S)
    after = plain.delay()

    assert after.get(DEADLINE_S) == "right"
    assert len(after.attempts) == 1


def test_limits_strike_where_a_task_has_taken_and_blocked_their_signals(q: LocalQ) -> None:
    @q.task
    def take() -> None:
        def fails(*_: Any) -> None:
            raise ValueError("not yours")

        for number in (signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM):
            signal.signal(number, fails)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    @q.task(soft_time_limit=0.05)
    def long() -> None:
        for _ in range(5_000):
            time.sleep(0.001)

    with q.running(concurrency=1, pool="processes"):
        results = [one.delay() for _ in range(3) for one in (take, long)]
        for result in results[1::2]:
            with pytest.raises(SoftTimeLimitExceeded):
                result.get(DEADLINE_S)


def test_a_stopped_clock_stops_no_limit_and_no_report(q: LocalQ) -> None:
    @q.task
    def stop() -> None:
        time.time = time.monotonic = lambda: 0.0
        time.time_ns = time.monotonic_ns = lambda: 0

    @q.task(soft_time_limit=0.05)
    def long() -> None:
        for _ in range(5_000):
            time.sleep(0.001)

    with q.running(concurrency=1, pool="processes"):
        stop.delay().get(DEADLINE_S)
        result = long.delay()
        with pytest.raises(SoftTimeLimitExceeded):
            result.get(DEADLINE_S)

    started, ended = result.attempts[0].started, result.attempts[0].ended
    assert started is not None
    assert 0 < (ended - started).total_seconds() < DEADLINE_S


def test_what_a_module_may_have_set_for_good_stays(q: LocalQ, start: Running) -> None:
    @q.task
    def set_up() -> None:
        os.environ["SHOP"] = "open"

    @q.task
    def shop() -> str | None:
        return os.environ.get("SHOP")

    start()
    set_up.delay().get(DEADLINE_S)

    assert shop.delay().get(DEADLINE_S) == "open"


class Unlike(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"I have no {name}")


@pytest.mark.parametrize("pool", ["processes", "threads", "solo", "asyncio", "gevent"])
def test_an_error_that_cannot_even_be_looked_at_is_a_failure_of_one_attempt(q: LocalQ, pool: str) -> None:
    @q.task
    def fail() -> None:
        raise Unlike("here")

    with q.running(concurrency=1, pool=pool):
        result = fail.delay()
        until(result.ready)

    assert (result.state, len(result.attempts)) == ("FAILURE", 1)


@pytest.mark.linux("pools of event loops")
def test_a_coroutine_that_cancels_the_whole_loop_ends_no_process(q: LocalQ) -> None:
    @q.task
    async def cancel() -> None:
        for task in asyncio.all_tasks():
            task.cancel()
        await asyncio.sleep(1)

    @q.task
    async def where() -> int:
        return os.getpid()

    with q.running(concurrency=1, pool="asyncio"):
        before = where.delay().get(DEADLINE_S)
        with contextlib.suppress(BaseException):
            cancel.delay().get(DEADLINE_S)
        assert where.delay().get(DEADLINE_S) == before


@pytest.mark.linux("pools of event loops")
def test_a_coroutine_that_cancels_the_whole_loop_costs_no_job_its_report(q: LocalQ) -> None:
    @q.task
    async def cancel() -> None:
        for task in asyncio.all_tasks():
            task.cancel()

    @q.task
    def sleep(seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    @q.task
    async def quick() -> str:
        return "quick"

    with q.running(concurrency=50, pool="asyncio"):
        asleep = [sleep.delay(0.5) for _ in range(3)]
        until(lambda: all(one.state == "STARTED" for one in asleep))
        both = q.enqueue_many([task.s() for _ in range(10) for task in (cancel, quick)])
        for result in both:
            with contextlib.suppress(asyncio.CancelledError):
                result.get(DEADLINE_S)

        assert [one.get(DEADLINE_S) for one in asleep] == ["slept"] * 3
        assert [one.get(DEADLINE_S) for one in both[1::2]] == ["quick"] * 10


@pytest.mark.linux("pools of event loops")
def test_the_process_of_greenlets_ends_when_its_hub_is_gone(q: LocalQ) -> None:
    @q.task(max_crashes=1)
    def destroy() -> None:
        sys.modules["gevent"].get_hub().destroy()
        time.sleep(0.1)

    @q.task
    def plain() -> str:
        return "right"

    with q.running(concurrency=1, pool="gevent"):
        until(destroy.delay().ready)
        assert plain.delay().get(DEADLINE_S) == "right"


@pytest.mark.parametrize("pool", ["asyncio", "gevent"])
def test_a_forked_child_that_goes_on_takes_no_jobs_of_its_parent(q: LocalQ, pool: str) -> None:
    async def forks_and_awaits() -> int:
        pid = os.fork()
        if pid == 0:
            await asyncio.sleep(1.0)
            os._exit(0)
        return pid

    def forks_and_waits() -> int:
        pid = os.fork()
        if pid == 0:
            time.sleep(1.0)
            os._exit(0)
        return pid

    forks = q.task(name="forks")(forks_and_awaits if pool == "asyncio" else forks_and_waits)

    @q.task
    def where() -> int:
        return os.getpid()

    with q.running(concurrency=1, pool=pool):
        own = where.delay().get(DEADLINE_S)
        forks.delay().get(DEADLINE_S)
        results = [where.delay() for _ in range(20)]
        assert {result.get(DEADLINE_S) for result in results} == {own}
