"""What the worker does for the store: pruning, and living through its troubles."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import StoreBusy, StoreFull
from localq.model import events
from localq.model.schedule import LEDGER_KEPT, SKIPPED, Entry, NewSchedule
from localq.store.sql.jobs import SqlJobs
from localq.store.sql.workers import SqlWorkers
from localq.worker.build import assemble
from localq.worker.shutdown import Stopping
from localq.worker.upkeep import Upkeep
from tests.worker.waiting import DEADLINE_S, hold, shows, until


class Moved:
    """A clock that a test sets."""

    def __init__(self, now: int) -> None:
        self.micros = now
        self.seconds = 0.0

    def now(self) -> int:
        return self.micros

    def steady(self) -> float:
        return self.seconds


def upkeep_of(q: LocalQ, clock: Moved) -> Upkeep:
    nobody: Any = SimpleNamespace(look=lambda: False)
    return Upkeep(q, "w@h", q.store, clock, rescue=nobody)


def test_old_jobs_are_pruned_when_their_time_has_come(q: LocalQ) -> None:
    one = q.task(max)
    q.conf.result_expires = 60
    with q.running(concurrency=1, pool="threads"):
        old = one.delay(1, 2)
        old.get(DEADLINE_S)
    waits = one.apply_async((1, 2), countdown=10)
    clock = Moved(q.clock.now())
    upkeep = upkeep_of(q, clock)

    clock.seconds = 100
    upkeep.tend()
    kept = old.exists()
    clock.micros += 61_000_000
    clock.seconds = 200
    upkeep.tend()
    fresh = q.AsyncResult(old.id)

    assert kept
    assert (fresh.exists(), waits.exists()) == (False, True)


def test_the_ledger_of_a_schedule_that_fires_often_is_pruned_whatever_is_kept_of_jobs(q: LocalQ) -> None:
    q.conf.result_expires = None
    now = q.clock.now()
    second, day = 1_000_000, 86_400_000_000
    q.store.schedules.put(NewSchedule("often", "run-time", "{}", "1 s", now, now, now), now, replace=False)
    (often,) = q.store.schedules.find(["often"])
    skips = [Entry(now + number * second, SKIPPED, "late") for number in range(LEDGER_KEPT + 600)]
    q.store.schedules.record(often.key, skips, [], now)
    clock = Moved(now + day)
    upkeep = upkeep_of(q, clock)

    clock.seconds = 100
    upkeep.tend()
    young = len(q.store.schedules.ledger("often", 10_000))
    clock.micros += day
    for _ in range(2):
        clock.seconds += 1_000
        upkeep.tend()

    assert (young, len(q.store.schedules.ledger("often", 10_000))) == (LEDGER_KEPT + 600, LEDGER_KEPT)


def test_nothing_is_pruned_without_a_limit(q: LocalQ) -> None:
    q.conf.result_expires = None
    with q.running(concurrency=1, pool="threads"):
        old = q.task(max).delay(1, 2)
        old.get(DEADLINE_S)
    clock = Moved(q.clock.now() + 10**15)
    upkeep = upkeep_of(q, clock)
    clock.seconds = 10_000
    upkeep.tend()

    assert q.AsyncResult(old.id).exists()


@pytest.mark.parametrize("trouble", [StoreFull, StoreBusy])
@pytest.mark.parametrize(
    ("facet", "verb"), [(SqlJobs, "finish"), (SqlJobs, "claim"), (SqlWorkers, "beat"), (SqlJobs, "note")]
)
def test_nothing_is_lost_while_the_store_cannot_write(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception], facet: type, verb: str
) -> None:
    monkeypatch.setattr("localq.worker.outage._TRY_AGAIN_S", 0.02)
    plain, failures, ran, told = getattr(facet, verb), [1] * 3, [], []

    def failing(self: Any, *args: Any, **kwargs: Any) -> Any:
        if failures:
            failures.pop()
            raise trouble("no room")
        return plain(self, *args, **kwargs)

    @q.task(bind=True)
    def work(self: Any, n: int) -> int:
        ran.append(n)
        self.update_state(state="ON")
        return n

    monkeypatch.setattr(facet, verb, failing)
    q.conf.worker_heartbeat = 0.05
    with events.subscribe(lambda event, fields: told.append(event)), q.running(concurrency=2, pool="threads"):
        results = q.enqueue_many([work.s(n) for n in range(20)])
        assert [result.get(DEADLINE_S) for result in results] == list(range(20))
        until(lambda: not failures)
        until(lambda: "store.recovered" in told)

    assert sorted(ran) == list(range(20))
    assert told.count("store.failed") >= 1
    assert {len(result.attempts) for result in results} == {1}


def test_a_worker_told_to_end_at_once_does_not_wait_for_a_store_that_cannot_write(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Any, *args: Any) -> Any:
        raise StoreFull("no room")

    @q.task
    def work() -> int:
        return 7

    failed, ended = threading.Event(), []
    worker = assemble(q, printed=lambda *_: None, concurrency=1)

    def run() -> None:
        with pytest.raises(StoreFull, match="no room") as raised:
            worker.run()
        ended.append(raised.value)

    with monkeypatch.context() as patched, events.subscribe(lambda *_: failed.set(), ["store.failed"]):
        patched.setattr(SqlJobs, "finish", failing)
        thread = threading.Thread(target=run)
        thread.start()
        result = work.delay()
        assert failed.wait(DEADLINE_S)
        worker.stop(Stopping.FINISH)
        worker.stop(Stopping.KILL)
        thread.join(DEADLINE_S)

    assert len(ended) == 1
    with q.running(concurrency=1):
        assert result.get(DEADLINE_S) == 7
    assert [run.outcome for run in result.attempts] == ["LOST", "SUCCESS"]


def test_jobs_of_a_worker_that_is_buried_go_back_and_it_rejoins(q: LocalQ, tmp_path: Path) -> None:
    told: list[str] = []
    gate = tmp_path / "gate"

    @q.task(bind=True)
    def work(self: Any) -> int:
        self.update_state(state="ON")
        hold(gate)
        return int(self.request.attempt)

    q.conf.worker_heartbeat = 0.05
    with events.subscribe(lambda event, fields: told.append(event)), q.running(concurrency=1, pool="threads"):
        result = work.delay()
        shows(result, "ON")
        q.store.workers.leave([row.key for row in q.store.workers.all()], q.clock.now())
        until(lambda: "worker.rejoined" in told)
        gate.touch()
        assert result.get(DEADLINE_S) == 2

    assert [run.outcome for run in result.attempts] == ["LOST", "SUCCESS"]


def test_links_that_cannot_be_do_not_stop_the_worker(q: LocalQ) -> None:
    @q.task
    def fail() -> None:
        raise KeyError("x")

    result = fail.apply_async(link_error=fail.si())
    with contextlib.closing(q):
        job = q.store.read.get([result.id], args=True)[result.id]
        assert job is not None
        connection = q.store.database._connection  # type: ignore[attr-defined]
        connection.execute("UPDATE job SET options = ?", ('{"link_error": [{"task": 5}, 7], "time_limit": "x"}',))
        with q.running(concurrency=1, pool="threads"):
            assert isinstance(result.get(20, propagate=False), KeyError)


def finished(q: LocalQ, count: int) -> None:
    """Have jobs that finished an hour ago."""
    one = q.task(max, name="max")
    ids = [result.id for result in q.enqueue_many([one.s(1, 2) for _ in range(count)])]
    q.store.jobs.cancel(ids, q.clock.now() - 3_600_000_000)


def left(q: LocalQ) -> int:
    return sum(q.store.read.stats().counts.values())


def test_a_worker_prunes_as_soon_as_it_is_there(q: LocalQ) -> None:
    q.conf.result_expires = 60
    finished(q, 1_100)

    with q.running(concurrency=1, pool="solo"):
        until(lambda: left(q) == 0)


def test_a_worker_that_ends_prunes_what_has_become_old(q: LocalQ) -> None:
    q.conf.result_expires = 60
    clock = Moved(q.clock.now() - 3_600_000_000)
    upkeep = upkeep_of(q, clock)
    upkeep.tend()
    finished(q, 1_100)

    clock.micros = q.clock.now()
    upkeep.end()

    assert left(q) == 0


def test_a_worker_ends_in_order_where_the_store_lets_it_prune_nothing(
    q: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any) -> int:
        raise StoreBusy("others write")

    with q.running(concurrency=1, pool="solo"):
        monkeypatch.setattr(SqlJobs, "prune", busy)

    assert [row.declared for row in q.store.workers.all()] == [True]
