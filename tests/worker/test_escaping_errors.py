"""An error that leaves a run all the same: it is told, once, and never has the job begin again without end."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from localq import LocalQ
from localq.exceptions import TimeLimitExceeded, WorkerTerminate
from localq.execution import attempt
from localq.execution.policy import rules_of
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.worker.pool.event_loop.asyncio_child import _InThread
from localq.worker.pool.event_loop.child_main import Child
from localq.worker.pool.event_loop.gevent_child import _Greenlet
from tests.worker.waiting import DEADLINE_S

EVERY = ("processes", "threads", "solo", "asyncio", "gevent")


@pytest.mark.parametrize("pool", EVERY)
@pytest.mark.parametrize("error", [WorkerTerminate, TimeLimitExceeded])
def test_a_task_that_raises_the_workers_own_error_has_failed(q: LocalQ, pool: str, error: type[BaseException]) -> None:
    @q.task
    def terminate() -> None:
        raise error("by itself")

    with q.running(concurrency=1, pool=pool):
        result = terminate.delay()
        assert type(result.get(60, propagate=False)).__name__ == error.__name__

    assert [run.outcome for run in result.attempts] == ["FAILURE"]


@pytest.mark.parametrize("pool", ["processes", "threads", "solo", "asyncio"])
def test_a_coroutine_that_raises_the_workers_own_error_has_failed(q: LocalQ, pool: str) -> None:
    @q.task
    async def terminate() -> None:
        raise WorkerTerminate("by itself")

    with q.running(concurrency=1, pool=pool):
        result = terminate.delay()
        assert type(result.get(60, propagate=False)).__name__ == "WorkerTerminate"

    assert [run.outcome for run in result.attempts] == ["FAILURE"]


def test_an_error_that_leaves_a_run_in_a_thread_of_the_pool_is_the_jobs(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    @q.task
    def work() -> None:
        pass

    def run(*_: Any) -> Outcome:
        raise MemoryError("no room for the run")

    monkeypatch.setattr(attempt, "run", run)
    with q.running(concurrency=1, pool="threads"):
        result = work.delay()
        assert isinstance(result.get(60, propagate=False), MemoryError)

    assert [run.outcome for run in result.attempts] == ["FAILURE"]


@pytest.mark.linux("pools of event loops")
def test_a_greenlet_that_is_killed_before_it_begins_is_reported_and_runs_again(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def kill_all(folder: str) -> str:
        if not Path(folder, "killed").exists():
            Path(folder, "killed").touch()
            for one in gc.get_objects():
                if isinstance(one, gevent.Greenlet) and one is not gevent.getcurrent():
                    one.kill(block=False)
        return "killed"

    @q.task
    def behind() -> str:
        return "ran"

    killer, other = kill_all.apply_async((str(tmp_path),), priority=9), behind.delay()
    with q.running(concurrency=2, pool="gevent"):
        assert killer.get(DEADLINE_S) == "killed"
        assert other.get(DEADLINE_S) == "ran"

    assert [run.outcome for run in other.attempts][-1:] == ["SUCCESS"]
    assert "LOST" not in [run.outcome for run in other.attempts]


class _Child:
    """As much of a child as a run needs; what it is told can be disturbed."""

    escaped = Child.escaped

    def __init__(self, app: LocalQ, disturbances: int = 0) -> None:
        self.app, self.runtime = app, SimpleNamespace(_replace=lambda **_: None)
        self.between = SimpleNamespace(deepen=lambda: None)
        self.told: list[Outcome | None] = []
        self._disturbances, self._asked = disturbances, set[str]()

    def begin(self, job: Job) -> None:
        """Begin."""

    def end_lines(self) -> None:
        """Print nothing."""

    def ended(self, job: Job, outcome: Outcome | None) -> None:
        """Hear what came of a job, or be killed as it is told."""
        if self._disturbances:
            self._disturbances -= 1
            raise gevent.GreenletExit
        self.told.append(outcome)


def _job(q: LocalQ) -> Job:
    @q.task(name="work")
    def work() -> int:
        return 42

    found = q.store.read.get([work.delay().id], args=True)
    return next(iter(found.values()))


def test_a_greenlet_that_is_killed_as_it_reports_is_reported_once(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    job, child = _job(q), _Child(q, disturbances=2)
    done = Outcome(Ending.SUCCESS, 1, 2, result=b"42")
    monkeypatch.setattr(attempt, "run", lambda *_: done)

    run: Any = _Greenlet(child, job, rules_of(job, None, q.conf).terms)  # type: ignore[arg-type]
    while not child.told:
        gevent.sleep(0)
    gevent.sleep(0)

    assert child.told == [done]
    assert run._reported


@pytest.mark.parametrize("kind", [_Greenlet, _InThread])
def test_an_error_that_leaves_a_run_beside_others_is_the_jobs_unless_the_worker_asked_for_it(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    job, child = _job(q), _Child(q)
    terms = rules_of(job, None, q.conf).terms

    def leave(*_: Any) -> Outcome:
        raise WorkerTerminate

    monkeypatch.setattr(attempt, "run", leave)

    def told() -> Outcome | None:
        if kind is _InThread:
            return _InThread(child, q.tasks["work"], job, terms)()  # type: ignore[arg-type]
        before = len(child.told)
        _Greenlet(child, job, terms)  # type: ignore[arg-type]
        while len(child.told) == before:
            gevent.sleep(0)
        return child.told[-1]

    by_itself = told()
    assert by_itself is not None
    assert by_itself.ending == Ending.FAILURE
    child._asked.add(job.id)
    assert told() is None
