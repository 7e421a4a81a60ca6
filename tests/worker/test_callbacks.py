"""Callbacks in the program that called: `on_done`, `on_progress`, and a stop that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, group
from localq.exceptions import Ignore, StoreBusy
from localq.result import watching
from localq.store.sql.reading import SqlReading
from localq.testing import drain
from tests.worker.waiting import DEADLINE_S, hold, until


def test_a_callback_is_called_when_its_job_has_ended_well_or_not(q: LocalQ) -> None:
    @q.task
    def invert(n: int) -> float:
        return 1 / n

    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    results = [invert.delay(n).on_done(told.put) for n in (2, 0)]

    with q.running(1):
        seen = {one.id: one.state for one in (told.get(timeout=DEADLINE_S), told.get(timeout=DEADLINE_S))}

    assert seen == {results[0].id: "SUCCESS", results[1].id: "FAILURE"}
    assert told.empty()


def test_callbacks_share_one_thread_which_ends_with_the_last(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def same(n: int) -> int:
        hold(tmp_path / "gate")
        return n

    def threads() -> list[threading.Thread]:
        return [one for one in threading.enumerate() if one.name == "LocalQ-callbacks"]

    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(2):
        for n in range(20):
            same.delay(n).on_done(lambda done: told.put((done.get(), threading.current_thread().name)))
        assert len(threads()) == 1
        (tmp_path / "gate").touch()

        seen = sorted(told.get(timeout=DEADLINE_S) for _ in range(20))

    assert seen == [(n, "LocalQ-callbacks") for n in range(20)]
    until(lambda: not threads())
    later: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(1):
        same.delay(1).on_done(later.put)
        assert later.get(timeout=DEADLINE_S).get() == 1


def test_a_callback_is_delivered_where_it_may_run(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    to_do: queue.SimpleQueue[Any] = queue.SimpleQueue()
    ran_in = []
    with q.running(1):
        same.delay(1).on_done(lambda done: ran_in.append(threading.current_thread()), deliver=to_do.put)
        to_do.get(timeout=DEADLINE_S)()

    assert ran_in == [threading.main_thread()]


def test_an_event_loop_runs_callbacks_among_its_own(q: LocalQ) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    async def program() -> tuple[int, threading.Thread]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[int, threading.Thread]] = loop.create_future()
        same.delay(7).on_done(
            lambda one: done.set_result((one.get(), threading.current_thread())), deliver=loop.call_soon_threadsafe
        )
        async with asyncio.timeout(DEADLINE_S):
            return await done

    with q.running(1):
        assert asyncio.run(program()) == (7, threading.main_thread())


def test_the_callback_of_a_group_waits_for_all_of_it(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def wait_for(n: int) -> int:
        hold(tmp_path / str(n))
        return n

    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(2):
        jobs = group(wait_for.s(1), wait_for.s(2)).apply_async().on_done(told.put)
        (tmp_path / "1").touch()
        jobs.results[0].get(timeout=DEADLINE_S)
        assert told.empty()
        (tmp_path / "2").touch()

        assert told.get(timeout=DEADLINE_S).get() == [1, 2]


def test_what_has_ended_is_told_at_once(q: LocalQ) -> None:
    eager = LocalQ(eager=True, set_as_current=False)
    told: list[Any] = []
    done = eager.task(abs, name="abs").delay(-1)

    done.on_done(told.append)

    assert told == [done]
    eager.close()


def test_progress_is_told_as_the_task_says_it(q: LocalQ, tmp_path: Path) -> None:
    @q.task(bind=True)
    def pack(self: Any) -> str:
        for n in range(3):
            self.progress(n, 3, f"file {n}")
            hold(tmp_path / str(n))
        return "packed"

    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(1):
        job = pack.delay().on_progress(said.put)
        seen = []
        for n in range(3):
            seen.append(said.get(timeout=DEADLINE_S))
            (tmp_path / str(n)).touch()
        assert job.get(timeout=DEADLINE_S) == "packed"

    assert seen == [{"done": n, "total": 3, "message": f"file {n}"} for n in range(3)]
    assert said.empty()


def test_what_a_run_said_last_is_told_before_its_end(q: LocalQ, tmp_path: Path) -> None:
    @q.task(bind=True)
    def pack(self: Any, files: int) -> None:
        for n in range(files + 1):
            self.progress(n, files)
        if files == 7:
            raise RuntimeError("disk full")

    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    jobs = [pack.delay(files) for files in range(3, 9)]
    for job in jobs:
        job.on_done(lambda done: told.put((done.id, done.state))).on_progress(
            lambda at, job_id=job.id: told.put((job_id, at["done"]))  # type: ignore[misc]
        )
    with q.running(2):
        heard: dict[str, list[Any]] = {job.id: [] for job in jobs}
        while any(each[-1:] not in (["SUCCESS"], ["FAILURE"]) for each in heard.values()):
            job_id, what = told.get(timeout=DEADLINE_S)
            heard[job_id].append(what)

    ends = [heard[job.id][-2:] for job in jobs]
    assert ends == [[3, "SUCCESS"], [4, "SUCCESS"], [5, "SUCCESS"], [6, "SUCCESS"], [7, "FAILURE"], [8, "SUCCESS"]]
    again: list[Any] = []
    jobs[0].on_progress(again.append)
    assert again == [{"done": 3, "total": 3, "message": None}]


def test_an_error_that_a_run_says_it_failed_with_is_no_progress(q: LocalQ) -> None:
    @q.task(bind=True)
    def fail(self: Any) -> None:
        self.update_state(state="FAILURE", meta=KeyError("x"))
        raise Ignore

    said: queue.SimpleQueue[Any] = queue.SimpleQueue()
    job = fail.delay()
    drain(q)

    assert job.state == "FAILURE"
    job.on_progress(said.put).on_done(said.put)
    assert said.get(timeout=DEADLINE_S) is job


def test_progress_is_told_of_an_eager_call() -> None:
    eager = LocalQ(eager=True, set_as_current=False)

    @eager.task(bind=True)
    def pack(self: Any) -> None:
        self.progress(2, 2)

    said: list[Any] = []
    pack.delay().on_progress(said.append)

    assert [at["done"] for at in said] == [2]
    eager.close()


def test_a_callback_that_fails_is_logged_and_harms_no_other(q: LocalQ, caplog: pytest.LogCaptureFixture) -> None:
    @q.task
    def same(n: int) -> int:
        return n

    def fails(done: Any) -> None:
        raise RuntimeError("no window")

    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(1):
        job = same.delay(1).on_done(fails).on_done(told.put)
        told.get(timeout=DEADLINE_S)

    assert f"A callback for {job!r} could not be called" in caplog.text
    assert "RuntimeError: no window" in caplog.text


def test_a_store_that_does_not_answer_is_asked_again(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "_PAUSE_S", 0.001)
    caplog.set_level(logging.WARNING)
    seen, busy = SqlReading.seen, [3]

    def asked(self: Any, ids: Any) -> Any:
        if threading.current_thread().name == "LocalQ-callbacks" and busy[0]:
            busy[0] -= 1
            raise StoreBusy("others write")
        return seen(self, ids)

    monkeypatch.setattr(SqlReading, "seen", asked)
    told: queue.SimpleQueue[Any] = queue.SimpleQueue()
    with q.running(1, pool="solo"):
        q.task(abs, name="abs").delay(-1).on_done(told.put)

        assert told.get(timeout=DEADLINE_S).get() == 1
    assert caplog.text.count("Jobs cannot be waited for; trying again: others write") == 3


def test_nobody_is_called_back_by_an_app_that_was_closed(tmp_path: Path) -> None:
    q = LocalQ(path=tmp_path / "jobs.db", set_as_current=False)
    told: list[Any] = []
    q.task(abs, name="abs").delay(-1).on_done(told.append)

    q.close()

    until(lambda: not [one for one in threading.enumerate() if one.name == "LocalQ-callbacks"])
    assert told == []


def test_a_stop_that_nobody_waits_for_says_when_it_is_over(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def wait_at() -> None:
        (tmp_path / "runs").touch()
        hold(tmp_path / "gate")

    to_do: queue.SimpleQueue[Any] = queue.SimpleQueue()
    q.start(1)
    job = wait_at.delay()
    until((tmp_path / "runs").exists)

    q.stop(on_done=lambda: to_do.put("ended"), deliver=to_do.put)
    assert to_do.empty()
    assert job.state == "STARTED"
    (tmp_path / "gate").touch()
    to_do.get(timeout=DEADLINE_S)()

    assert to_do.get() == "ended"
    assert job.state == "SUCCESS"
    assert q._embedded is None


def test_a_stop_with_a_timeout_puts_back_what_does_not_end(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def wait_at() -> None:
        (tmp_path / "runs").touch()
        hold(tmp_path / "gate", DEADLINE_S)

    over: queue.SimpleQueue[Any] = queue.SimpleQueue()
    q.start(1)
    job = wait_at.delay()
    until((tmp_path / "runs").exists)

    q.stop(0, on_done=lambda: over.put(1))
    over.get(timeout=DEADLINE_S)

    assert (job.state, [run.outcome for run in job.attempts]) == ("PENDING", ["INTERRUPTED"])
