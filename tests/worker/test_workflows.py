"""Workflows on real workers: processes and threads, failures, other queues, and what a caller waits for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, chain, chord, group
from localq.exceptions import IncompleteStream, TaskRevokedError, TimeoutError
from tests.worker.waiting import DEADLINE_S, hold, until


@pytest.fixture(params=["processes", "threads"])
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def tasks(q: LocalQ, tmp_path: Path) -> dict[str, Any]:
    q.conf.accept_content = ("json", "pickle")

    @q.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @q.task(name="total")
    def total(numbers: list[int], *more: int) -> int:
        return sum(numbers) + sum(more)

    @q.task(name="fail_until")
    def fail_until(gate: str) -> int:
        if not Path(gate).exists():
            raise ValueError("not yet")
        return 1

    @q.task(name="gated")
    def gated(x: int, gate: str) -> int:
        hold(Path(gate))
        return x

    @q.task(name="told")
    def told(request: Any, exc: BaseException, traceback: str) -> None:
        with (tmp_path / "told").open("a") as file:
            file.write(f"{request.id} {type(exc).__name__}\n")

    @q.task(name="pickled", serializer="pickle")
    def pickled(*args: Any) -> Any:
        return {1: set(args)}

    @q.task(name="many", bind=True)
    def many(self: Any, count: int) -> Any:
        raise self.replace(group(add.s(n, n) for n in range(count)) | total.s())

    return {name: q.tasks[name] for name in list(q.tasks)}


@pytest.fixture
def run(q: LocalQ, pool: str, tasks: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with q.running(concurrency=2, pool=pool):
        yield tasks


def test_a_workflow_runs_from_end_to_end(run: dict[str, Any]) -> None:
    add, total = run["add"], run["total"]

    assert chain(add.s(1, 1), add.s(2), add.s(3))().get(DEADLINE_S) == 7
    assert (group(add.s(n, n) for n in range(300)) | total.s(1))().get(DEADLINE_S) == 89_701
    assert group(add.s(n, 0) for n in range(300))().get(DEADLINE_S) == list(range(300))
    assert (add.s(1, 1) | group(add.s(1), add.s(2)) | total.s() | add.s(1))().get(DEADLINE_S) == 8
    assert add.chunks([(n, n) for n in range(25)], 10)().get(DEADLINE_S)[2] == [40, 42, 44, 46, 48]
    assert run["many"].delay(20).get(DEADLINE_S) == 380
    assert (run["many"].s(3) | add.s(1))().get(DEADLINE_S) == 7


def test_serializers_meet_in_the_slot(run: dict[str, Any]) -> None:
    result = chord([run["pickled"].s(1), run["add"].s(2, 3)], run["pickled"].s())
    both = run["add"].s(1, 1) | run["pickled"].s(8)

    assert both().get(DEADLINE_S) == {1: {2, 8}}
    with pytest.raises(TypeError, match="unhashable"):
        result().get(DEADLINE_S)


def test_a_failure_reaches_all_that_is_behind_it(run: dict[str, Any], tmp_path: Path) -> None:
    add, told = run["add"], run["told"]
    line = chain(run["fail_until"].s(str(tmp_path / "gate")), add.s(1), add.s(2)).on_error(told.s())
    last = line.delay()

    with pytest.raises(ValueError, match="not yet"):
        last.get(DEADLINE_S)
    until(lambda: (tmp_path / "told").exists() and (tmp_path / "told").read_text().endswith("\n"))
    assert (tmp_path / "told").read_text() == f"{last.parent.parent.id} ValueError\n"
    assert [one.state for one in (last.parent, last)] == ["FAILURE", "FAILURE"]


def test_a_failed_node_that_is_retried_lets_the_rest_go_on(run: dict[str, Any], q: LocalQ, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    header = [run["add"].s(1, 1), run["fail_until"].s(str(gate))]
    result = (group(header) | run["total"].s() | run["add"].s(10))()
    with pytest.raises(ValueError, match="not yet"):
        result.get(DEADLINE_S)

    gate.touch()
    assert q.requeue([result.parent.parent[1].id]) == [result.parent.parent[1].id]

    again = q.AsyncResult(result.id)
    assert until(lambda: again.state == "SUCCESS" and again.result) == 13


def test_a_failure_is_told_even_if_nobody_serves_the_queue_of_what_is_behind(
    q: LocalQ, pool: str, tasks: dict[str, Any], tmp_path: Path
) -> None:
    with q.running(concurrency=1, pool=pool, queues=("celery",)):
        line = tasks["fail_until"].s(str(tmp_path / "gate")) | tasks["add"].s(1).set(queue="unserved")
        with pytest.raises(ValueError, match="not yet"):
            line().get(DEADLINE_S)


def test_a_failure_is_told_even_if_every_slot_is_busy(q: LocalQ, tasks: dict[str, Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with q.running(concurrency=1, pool="threads"):
        running = tasks["gated"].delay(1, str(gate))
        until(lambda: running.state == "STARTED")
        waiting = tasks["add"].delay(5, 5)
        line = (tasks["add"].s(1, 1) | tasks["add"].s(2))()
        line.parent.revoke()
        with pytest.raises(TaskRevokedError):
            line.get(DEADLINE_S)
        assert running.state == "STARTED"
        gate.touch()
        assert waiting.get(DEADLINE_S) == 10


def test_a_delay_in_a_chain_counts_from_the_step_before(run: dict[str, Any]) -> None:
    called = time.time()
    line = chain(run["add"].s(1, 1).set(countdown=0.3), run["add"].s(1).set(countdown=0.3))()

    assert line.get(DEADLINE_S) == 3
    assert line.date_done.timestamp() - called >= 0.6
    assert (line.date_done - line.parent.date_done).total_seconds() >= 0.3


def test_a_result_that_is_ignored_reaches_what_waits_for_it(run: dict[str, Any]) -> None:
    ignored = run["add"].s(1, 2).set(ignore_result=True)

    assert (ignored | run["add"].s(4))().get(DEADLINE_S) == 7
    assert ignored.delay().get() is None


def test_a_workflow_is_there_before_it_starts_and_may_be_cancelled(
    q: LocalQ, tasks: dict[str, Any], tmp_path: Path
) -> None:
    result = (group(tasks["add"].s(n, n) for n in range(5)) | tasks["total"].s())()

    jobs, ties = q.store.read.family(q.store.read.get([result.id])[result.id].workflow)
    assert (len(jobs), len(ties)) == (6, 5)
    q.cancel([job.id for job in jobs])

    with pytest.raises(TaskRevokedError):
        result.get(DEADLINE_S)


def test_who_joins_a_group_may_run_out_of_time(run: dict[str, Any], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    result = group(run["add"].s(1, 1), run["gated"].s(2, str(gate)))()

    with pytest.raises(TimeoutError, match=r"1 of 2 jobs finished within 1\.5 s; the others go on"):
        result.get(timeout=1.5)
    assert (result.waiting(), result.ready(), result.completed_count()) == (True, False, 1)
    with pytest.raises(IncompleteStream):
        list(result[1].iterdeps())
    gate.touch()
    assert sorted(result.iterate(30)) == [2, 2]
    assert [one["status"] for _, one in result.iter_native(30)] == ["SUCCESS"] * 2


def test_a_group_that_is_revoked_ends(q: LocalQ, tasks: dict[str, Any]) -> None:
    result = group(tasks["add"].s(n, n) for n in range(3))()

    result.revoke()

    assert [one.state for one in result] == ["REVOKED"] * 3
