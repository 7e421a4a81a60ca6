"""What a slot reports is whole, and its own; nonsense costs the slot and never the worker."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, SoftTimeLimitExceeded, Task, WorkerLostError
from localq.worker.pool.frames import BrokenFrames, Frames, Kind, pack
from tests.worker.waiting import DEADLINE_S, until

Running = Callable[..., Any]


@pytest.fixture(params=["processes", "threads", "solo", "asyncio"])
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(q: LocalQ, pool: str) -> Iterator[Running]:
    yield lambda **options: q.start(**{"concurrency": 1, "pool": pool, **options})
    q.stop(timeout=1)


def test_long_lines_of_several_threads_do_not_mix_with_what_the_slot_says(q: LocalQ, start: Running) -> None:
    @q.task
    def chatter() -> str:
        def talk() -> None:
            for _ in range(50):
                print("x" * 60_000)

        team = [threading.Thread(target=talk) for _ in range(4)]
        for one in team:
            one.start()
        for one in team:
            one.join()
        return "said"

    start()
    results = [chatter.delay() for _ in range(3)]

    assert [result.get(DEADLINE_S) for result in results] == ["said"] * 3
    assert [len(result.attempts) for result in results] == [1, 1, 1]


@pytest.mark.parametrize("task_id", ["ü☃", "☃" * 84], ids=["letters", "long"])
def test_a_report_is_of_its_job_whatever_the_id_is_like(q: LocalQ, start: Running, task_id: str) -> None:
    @q.task
    def echo(value: str) -> str:
        print(value)
        if value == "fail":
            raise ValueError(value)
        return value

    start()
    good, bad = echo.apply_async(("said",), task_id=task_id), echo.apply_async(("fail",), task_id=task_id + "2")

    assert good.get(DEADLINE_S) == "said"
    with pytest.raises(ValueError, match="fail"):
        bad.get(DEADLINE_S)
    assert [one.attempts[0].output for one in (good, bad)] == ["said\n", "fail\n"]


def test_long_lines_of_forked_children_are_output_and_no_reports(q: LocalQ, start: Running) -> None:
    def talk() -> None:
        for _ in range(20):
            print("y" * 60_000)

    @q.task
    def chatter() -> list[int | None]:
        team = [multiprocessing.get_context("fork").Process(target=talk) for _ in range(3)]
        for one in team:
            one.start()
        for one in team:
            one.join()
        return [one.exitcode for one in team]

    start()
    assert chatter.delay().get(DEADLINE_S) == [0, 0, 0]
    assert chatter.delay().get(DEADLINE_S) == [0, 0, 0]


def test_a_soft_limit_does_not_cut_what_the_task_prints(q: LocalQ) -> None:
    @q.task(soft_time_limit=0.1)
    def shout() -> None:
        while True:
            print("x" * 20_000)

    with q.running(concurrency=2):
        results = [shout.delay() for _ in range(20)]
        for result in results:
            with pytest.raises(SoftTimeLimitExceeded):
                result.get(DEADLINE_S)

    assert [[run.outcome for run in result.attempts] for result in results] == [["FAILURE"]] * 20


@pytest.mark.linux("slots are forked")
def test_a_slot_that_says_nonsense_dies_with_what_it_runs_and_the_worker_goes_on(q: LocalQ) -> None:
    @q.task(max_crashes=2)
    def scribble() -> None:
        os.write(q.annotator.__self__._reports._descriptor, b"no frame at all " * 4)  # type: ignore[union-attr]
        time.sleep(30)

    @q.task
    def plain(n: int) -> int:
        return n + 1

    for pool in ("processes", "asyncio"):
        with q.running(concurrency=1, pool=pool):
            lost, others = scribble.delay(), [plain.delay(n) for n in range(5)]
            with pytest.raises(WorkerLostError, match=r"said what cannot be read: .*\(attempt 2, crash 2 of 2\)"):
                lost.get(DEADLINE_S)
            assert [other.get(DEADLINE_S) for other in others] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("cut", [b"", b"x", b"\0" * 7, pack(Kind.READY, b"1")[1:]])
def test_a_stream_that_is_out_of_step_is_noticed(cut: bytes) -> None:
    frames = Frames()
    whole = pack(Kind.READY, b"1 1") * 3

    assert frames.feed(whole[:15]) == [(Kind.READY, b"1 1")]
    assert frames.feed(whole[15:]) == [(Kind.READY, b"1 1")] * 2
    if cut:
        with pytest.raises(BrokenFrames, match="a frame begins with"):
            frames.feed(cut + whole)


@pytest.mark.parametrize("size", [1, 7, 4_096, 262_144, 1 << 20])
def test_frames_are_whole_however_they_come(size: int) -> None:
    said = [(Kind.NOTE, b"n"), (Kind.DONE, bytes(range(256)) * 4_000), (Kind.LOG, b""), (Kind.DONE, b"d" * 70_000)]
    stream = b"".join(pack(kind, body) for kind, body in said) if size > 1 else pack(*said[0]) * 2
    frames, heard = Frames(), []

    for at in range(0, len(stream), size):
        heard += frames.feed(stream[at : at + size])

    assert heard == (said if size > 1 else said[:1] * 2)
    assert not frames.unfinished


def test_the_rest_of_a_long_frame_is_read_at_once() -> None:
    frames, whole = Frames(), pack(Kind.DONE, b"d" * 900_000)
    usual = frames.most

    assert frames.feed(whole[:300_000]) == []
    assert frames.most == len(whole) - 300_000 > usual
    assert frames.feed(whole[300_000:]) == [(Kind.DONE, b"d" * 900_000)]
    assert frames.most == usual


@pytest.mark.parametrize("how", ["exit", "fail", "return", "raise"])
def test_a_child_that_comes_back_out_of_the_task_ends_and_reports_nothing(
    q: LocalQ, start: Running, tmp_path: Path, how: str
) -> None:
    @q.task
    def forks() -> str:
        pid = os.fork()
        if pid == 0:
            if how == "exit":
                sys.exit(0)
            if how == "fail":
                sys.exit(7)
            if how == "raise":
                raise ValueError("the child's")
            return "the child's result"
        _, status = os.waitpid(pid, 0)
        return f"the parent's, after {os.waitstatus_to_exitcode(status)}"

    @q.task
    def where() -> int:
        return os.getpid()

    start()
    code = {"exit": 0, "return": 0, "fail": 7, "raise": 1}[how]
    assert forks.delay().get(DEADLINE_S) == f"the parent's, after {code}"
    assert len({where.delay().get(DEADLINE_S) for _ in range(10)}) == 1


def test_a_forked_child_of_a_coroutine_leaves_the_loop_to_its_parent(q: LocalQ, start: Running) -> None:
    @q.task
    async def forks() -> str:
        await asyncio.sleep(0)
        pid = os.fork()
        if pid == 0:
            return "the child's result"
        os.waitpid(pid, 0)
        await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.05)
        return "the parent's"

    start()
    assert [forks.delay().get(DEADLINE_S) for _ in range(3)] == ["the parent's"] * 3


def test_what_a_forked_child_says_of_the_job_is_kept(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task(bind=True)
    def forks(self: Task[Any, Any]) -> str:
        pid = os.fork()
        if pid == 0:
            self.update_state(state="PROGRESS", meta={"by": "the child"})
            logging.getLogger("shop").warning("the child logs")
            print("the child prints")
            return ""
        os.waitpid(pid, 0)
        until(lambda: tmp_path.joinpath("gate").exists())
        return "done"

    start()
    result = forks.delay()

    until(lambda: result.state == "PROGRESS")
    assert result.info == {"by": "the child"}
    tmp_path.joinpath("gate").touch()
    assert result.get(DEADLINE_S) == "done"
