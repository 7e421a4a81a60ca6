"""The pools of many jobs in one process: coroutines and greenlets."""

from __future__ import annotations

import asyncio
import mmap
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ
from localq.exceptions import ImproperlyConfigured, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from localq.execution.policy import rules_of
from localq.host.marks import SLOTS_OF_PLACES
from localq.host.presence import Presence
from localq.model.clock import SYSTEM
from localq.model.outcome import Outcome
from localq.worker.pool.contract import Cause, Death, Handed
from localq.worker.pool.event_loop.pool import EventLoopPool
from localq.worker.pool.event_loop.run_ends import RunEnds
from tests.worker.waiting import DEADLINE_S, alive, hold, until

pytestmark = pytest.mark.linux("pools of event loops")
KINDS = ("asyncio", "gevent")


@pytest.fixture(params=KINDS)
def crowd(q: LocalQ, request: pytest.FixtureRequest) -> LocalQ:
    """Return an app whose tasks `nap(s)` wait in the way of the pool at hand, once it is started."""
    q.conf.worker_pool = request.param

    if request.param == "asyncio":

        @q.task(name="nap")
        async def nap(seconds: float) -> int:
            try:
                await asyncio.sleep(seconds)
            except SoftTimeLimitExceeded:
                return -1
            return os.getpid()
    else:

        @q.task(name="nap")
        def nap(seconds: float) -> int:
            try:
                time.sleep(seconds)
            except SoftTimeLimitExceeded:
                return -1
            return os.getpid()

    return q


def test_jobs_that_wait_run_at_once_in_one_process(crowd: LocalQ) -> None:
    @crowd.task(name="meet")
    def meet(folder: str, number: int, count: int) -> int:
        Path(folder, str(number)).touch()
        while len(os.listdir(folder)) < count:
            time.sleep(0.01)
        return os.getpid()

    folder = Path(crowd.location).with_name("meeting")
    folder.mkdir()

    with crowd.running(concurrency=50):
        met = [meet.delay(str(folder), number, 50) for number in range(50)]
        pids = {result.get(timeout=DEADLINE_S) for result in met}

    assert len(pids) == 1
    assert os.getpid() not in pids


def test_coroutines_run_at_once_on_one_loop_each_with_its_own_request(q: LocalQ) -> None:
    @q.task(bind=True)
    async def meet(self: Any, count: int) -> tuple[str, int]:
        loop: Any = asyncio.get_running_loop()
        loop.met = getattr(loop, "met", 0) + 1
        while loop.met < count:
            await asyncio.sleep(0.005)
        return self.request.id, id(loop)

    with q.running(pool="asyncio", concurrency=200):
        results = [meet.delay(200) for _ in range(200)]
        found = [result.get(timeout=DEADLINE_S) for result in results]

    assert [one[0] for one in found] == [result.id for result in results]
    assert len({one[1] for one in found}) == 1


def test_results_errors_retries_prints_and_unknown_tasks_are_as_in_any_pool(crowd: LocalQ, capfd: Any) -> None:
    crowd.conf.worker_unknown_tasks = "fail"

    @crowd.task(bind=True, name="again")
    def again(self: Any) -> int:
        print("said by", self.request.retries)
        print("unfinished", end="")
        if self.request.retries < 2:
            raise self.retry(countdown=0, max_retries=3)
        return int(self.request.retries)

    @crowd.task(name="fail")
    def fail() -> None:
        raise KeyError("gone")

    with crowd.running(concurrency=10):
        retried, failed = again.delay(), fail.delay()
        unknown = crowd.send_task("nobody")
        assert retried.get(timeout=DEADLINE_S) == 2
        with pytest.raises(KeyError, match="gone"):
            failed.get(timeout=DEADLINE_S)
        assert unknown.get(timeout=DEADLINE_S, propagate=False).__class__.__name__ == "NotRegistered"

    assert "said by 0" in capfd.readouterr().out
    assert retried.attempts[-1].output == "said by 2\nunfinished"


def test_a_soft_limit_is_raised_where_the_task_waits(crowd: LocalQ) -> None:
    with crowd.running(concurrency=10):
        caught = crowd.tasks["nap"].apply_async((30,), soft_time_limit=0.2)
        assert caught.get(timeout=DEADLINE_S) == -1


def test_a_task_over_its_hard_limit_is_ended_and_its_neighbours_go_on(crowd: LocalQ) -> None:
    nap = crowd.tasks["nap"]

    with crowd.running(concurrency=10):
        over, beside = nap.apply_async((30,), time_limit=0.3), nap.delay(0.6)
        with pytest.raises(TimeLimitExceeded, match=r"0\.3 s"):
            over.get(timeout=DEADLINE_S)
        assert beside.get(timeout=DEADLINE_S) > 0

    assert len(beside.attempts) == 1


def test_a_task_that_never_waits_is_ended_with_its_process_and_the_others_run_again(
    crowd: LocalQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localq.worker.pool.event_loop.run_ends._GRACE_S", 0.3)
    folder = Path(crowd.location).parent

    @crowd.task(name="spin")
    def spin() -> None:
        (folder / "spinning").touch()
        while True:
            pass

    @crowd.task(name="spin_awaited")
    async def spin_awaited() -> None:
        (folder / "spinning").touch()
        while True:
            pass

    with crowd.running(concurrency=10):
        beside = crowd.tasks["nap"].delay(0.5)
        task = spin_awaited if crowd.conf.worker_pool == "asyncio" else spin
        stuck = task.apply_async(time_limit=0.3)
        with pytest.raises(TimeLimitExceeded):
            stuck.get(timeout=DEADLINE_S)
        assert beside.get(timeout=DEADLINE_S) > 0


def test_a_cancelled_job_is_interrupted_where_it_waits(crowd: LocalQ) -> None:
    with crowd.running(concurrency=10):
        result = crowd.tasks["nap"].delay(30)
        until(lambda: result.state == "STARTED")
        result.revoke(terminate=True)
        until(lambda: result.state == "REVOKED")


def test_a_stopping_worker_interrupts_what_does_not_end_and_puts_it_back(crowd: LocalQ) -> None:
    crowd.start(concurrency=10)
    result = crowd.tasks["nap"].delay(30)
    until(lambda: result.state == "STARTED")

    crowd.stop(timeout=0.2)

    assert result.state == "PENDING"


def test_of_several_jobs_in_a_process_that_dies_the_one_that_did_it_is_charged(crowd: LocalQ, tmp_path: Path) -> None:
    @crowd.task(name="die", max_crashes=2)
    def die() -> None:
        hold(tmp_path / "met")
        os._exit(7)

    @crowd.task(name="beside")
    def beside(number: int) -> bool:
        (tmp_path / str(number)).touch()
        hold(tmp_path / "dead")
        return True

    with crowd.running(concurrency=5):
        killer, others = die.delay(), [beside.delay(number) for number in range(4)]
        until(lambda: all((tmp_path / str(number)).exists() for number in range(4)) and killer.state == "STARTED")
        (tmp_path / "met").touch()
        until(lambda: killer.attempts)
        (tmp_path / "dead").touch()

        with pytest.raises(WorkerLostError, match=r"exited with code 7 \(attempt \d, crash 2 of 2\)"):
            killer.get(DEADLINE_S)
        assert all(other.get(DEADLINE_S) for other in others)

    assert {run.outcome for other in others for run in other.attempts} == {"INTERRUPTED", "SUCCESS"}
    assert [run.outcome for run in killer.attempts] == ["INTERRUPTED", "LOST", "LOST"]


def test_an_exit_in_a_part_of_a_job_is_not_the_end_of_its_neighbours(q: LocalQ) -> None:
    @q.task
    async def exits() -> None:
        async def part() -> None:
            await asyncio.sleep(0.2)
            raise SystemExit(4)

        await asyncio.ensure_future(part())

    @q.task
    async def nap() -> str:
        await asyncio.sleep(0.5)
        return "slept"

    with q.running(concurrency=5, pool="asyncio"):
        others, killer = [nap.delay() for _ in range(3)], exits.apply_async()
        assert [other.get(DEADLINE_S) for other in others] == ["slept"] * 3
        with pytest.raises(WorkerLostError, match=r"exited with code 4 .*crash 3 of 3"):
            killer.get(DEADLINE_S)


def test_a_job_whose_process_cannot_even_start_is_not_charged(q: LocalQ, tmp_path: Path) -> None:
    @q.task
    def answer() -> int:
        return 42

    with selectors.DefaultSelector() as selector:
        pool = EventLoopPool(
            q, 2, "asyncio", worker="w@h", clock=q.clock, printed=lambda *_: None, logged=lambda _: None
        )
        pool.prepare()
        assert pool._child is not None
        pool._child._process.kill()
        pool.start(selector)
        job = answer.delay()
        claimed = q.store.read.get([job.id], args=True).get(job.id)
        assert claimed is not None
        pool.submit([Handed(claimed, rules_of(claimed, None, q.conf))])
        try:
            for _ in range(200):
                for key, _ in selector.select(0.1):
                    key.data()
                reports = pool.collect()
                if reports:
                    break
            assert isinstance(reports[0].end, Outcome)
            assert reports[0].end.result == b"42"
        finally:
            pool.close()


def test_a_process_that_dies_is_replaced_and_its_job_charged_a_crash(crowd: LocalQ) -> None:
    crowd.conf.task_max_crashes = 2

    @crowd.task(name="die")
    def die() -> None:
        os._exit(7)

    with crowd.running(concurrency=10):
        dead, beside = die.delay(), crowd.tasks["nap"].delay(0.3)
        with pytest.raises(WorkerLostError, match="exited with code 7"):
            dead.get(timeout=DEADLINE_S)
        assert beside.get(timeout=DEADLINE_S) > 0


def test_a_worn_process_is_replaced_when_it_has_nothing_to_do(crowd: LocalQ) -> None:
    crowd.conf.worker_max_tasks_per_child = 2
    nap = crowd.tasks["nap"]

    with crowd.running(concurrency=2):
        pids = [nap.delay(0).get(timeout=DEADLINE_S) for _ in range(4)]

    assert len(set(pids)) == 2
    assert not any(alive(pid) for pid in set(pids))


def test_a_task_defined_while_the_pool_runs_is_known_there(crowd: LocalQ) -> None:
    with crowd.running(concurrency=2):

        @crowd.task(name="late")
        def late() -> str:
            return "here"

        assert late.delay().get(timeout=DEADLINE_S) == "here"


def test_a_coroutine_in_the_gevent_pool_fails_with_what_to_do(q: LocalQ) -> None:
    @q.task
    async def wait() -> None: ...

    with q.running(pool="gevent", concurrency=2), pytest.raises(ImproperlyConfigured, match="use -P asyncio"):
        wait.delay().get(timeout=DEADLINE_S)


def test_a_soft_limit_cancels_what_a_task_group_waits_for(q: LocalQ) -> None:
    @q.task
    async def group() -> str:
        cancelled = []

        async def child() -> None:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                cancelled.append(1)
                raise

        try:
            async with asyncio.TaskGroup() as together:
                together.create_task(child())
                together.create_task(child())
        except SoftTimeLimitExceeded:
            return f"{len(cancelled)} cancelled"
        return "not reached"

    with q.running(pool="asyncio", concurrency=2):
        assert group.apply_async(soft_time_limit=0.2).get(timeout=DEADLINE_S) == "2 cancelled"


def test_eventlet_is_refused_with_what_to_use_instead(q: LocalQ) -> None:
    with pytest.raises(ImproperlyConfigured, match="-P gevent"):
        q.start(pool="eventlet")


def test_the_process_ends_with_its_worker(crowd: LocalQ) -> None:
    with crowd.running(concurrency=2):
        pid = crowd.tasks["nap"].delay(0).get(timeout=DEADLINE_S)

    assert not alive(pid)


@pytest.mark.parametrize("kind", KINDS)
def test_a_pool_that_is_restarted_gets_a_new_process_and_goes_on(q: LocalQ, kind: str) -> None:
    with selectors.DefaultSelector() as selector:
        pool = EventLoopPool(q, 2, kind, worker="w@h", clock=q.clock, printed=lambda *_: None, logged=lambda _: None)
        pool.prepare()
        pool.start(selector)
        (before,) = pool.pids()

        pool.restart()
        (after,) = pool.pids()
        while pool._child is not None and not pool._child.ready:
            for key, _ in selector.select(DEADLINE_S):
                key.data()
        pool.close()

    assert after != before
    assert not alive(before)
    assert not alive(after)


def test_handing_out_a_job_looks_at_none_of_those_that_run(q: LocalQ, monkeypatch: pytest.MonkeyPatch) -> None:
    @q.task
    async def nap() -> None:
        await asyncio.sleep(60)

    looked = 0
    runs_alone = RunEnds.runs_alone

    def counted(self: RunEnds, handed: Handed) -> bool:
        nonlocal looked
        looked += 1
        return runs_alone(self, handed)

    monkeypatch.setattr(RunEnds, "runs_alone", counted)
    with selectors.DefaultSelector() as selector:
        pool = EventLoopPool(
            q, 200, "asyncio", worker="w@h", clock=q.clock, printed=lambda *_: None, logged=lambda _: None
        )
        pool.prepare()
        pool.start(selector)
        try:
            _hear(pool, selector, lambda: pool._child is not None and pool._child.ready)
            for _ in range(200):
                assert pool.room()
                pool.submit(_claimed(q, nap.delay().id))
            running = len(pool.in_hand())
        finally:
            pool.close()

    assert running == 200
    assert looked < 5 * 200


@pytest.mark.parametrize("pool", KINDS)
def test_a_job_that_closes_what_its_process_reports_by_is_charged(q: LocalQ, pool: str) -> None:
    @q.task(max_crashes=2)
    def close() -> None:
        os.closerange(3, 256)
        time.sleep(30)

    with q.running(concurrency=1, pool=pool):
        lost = close.delay()
        with pytest.raises(WorkerLostError, match="crash 2 of 2"):
            lost.get(DEADLINE_S)
        assert len(lost.attempts) == 2


class _Steady:
    """A clock whose steady time is set by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def steady(self) -> float:
        return self.at

    def now(self) -> int:
        return SYSTEM.now()


def _claimed(q: LocalQ, *ids: str) -> list[Handed]:
    found = q.store.read.get(list(ids), args=True)
    return [Handed(found[one], rules_of(found[one], None, q.conf)) for one in ids]


def _hear(pool: EventLoopPool, selector: selectors.BaseSelector, fact: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline
        for key, _ in selector.select(0.1):
            key.data()


@pytest.fixture
def marks(tmp_path: Path) -> Iterator[tuple[str, mmap.mmap]]:
    """Return a file for marks, as a worker has it."""
    presence = Presence(tmp_path, "w", SLOTS_OF_PLACES)
    assert presence.marks is not None
    yield presence.marks_path, presence.marks
    presence.close()


def test_a_hard_limit_counts_from_where_the_job_can_have_begun(
    q: LocalQ, tmp_path: Path, marks: tuple[str, mmap.mmap]
) -> None:
    gate = tmp_path / "gate"

    @q.task
    async def hog(folder: str) -> None:
        Path(folder, "began").touch()
        while not Path(folder, "gate").exists():
            pass

    @q.task(time_limit=5)
    async def behind() -> int:
        return 42

    clock = _Steady()
    with selectors.DefaultSelector() as selector:
        pool = EventLoopPool(
            q, 2, "asyncio", worker="w@h", clock=clock, printed=lambda *_: None, logged=lambda _: None, marks=marks
        )
        pool.prepare()
        pool.start(selector)
        try:
            pool.submit(_claimed(q, hog.delay(str(tmp_path)).id))
            _hear(pool, selector, (tmp_path / "began").exists)
            pool.submit(_claimed(q, behind.delay().id))

            clock.at += 20
            pool.tick()
            clock.at += 6
            pool.tick()
            gate.touch()
            ended: list[Any] = []
            _hear(pool, selector, lambda: ended.extend(pool.collect()) or len(ended) == 2)
        finally:
            pool.close()

    assert [report.end.result for report in ended] == [b"null", b"42"]


def test_of_a_dead_process_only_the_job_that_had_begun_is_charged_and_the_others_run(
    q: LocalQ, tmp_path: Path, marks: tuple[str, mmap.mmap]
) -> None:
    @q.task
    async def hog(folder: str) -> None:
        Path(folder, "began").touch()
        while True:
            pass

    @q.task
    async def behind(number: int) -> int:
        return number

    with selectors.DefaultSelector() as selector:
        pool = EventLoopPool(
            q, 4, "asyncio", worker="w@h", clock=SYSTEM, printed=lambda *_: None, logged=lambda _: None, marks=marks
        )
        pool.prepare()
        pool.start(selector)
        try:
            pool.submit(_claimed(q, hog.delay(str(tmp_path)).id))
            _hear(pool, selector, (tmp_path / "began").exists)
            pool.submit(_claimed(q, *(behind.delay(number).id for number in (1, 2, 3))))
            os.kill(pool.pids()[0], signal.SIGKILL)
            ended: list[Any] = []
            _hear(pool, selector, lambda: ended.extend(pool.collect()) or len(ended) == 4)
        finally:
            pool.close()

    assert isinstance(ended[0].end, Death)
    assert ended[0].end.cause == Cause.CRASH
    assert sorted(report.end.result for report in ended[1:]) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("pool", KINDS)
def test_a_child_that_ends_before_anybody_can_wait_for_it_is_waited_for(q: LocalQ, pool: str) -> None:
    @q.task
    def fork() -> int:
        def see_it_end() -> None:
            own = f"/proc/self/task/{threading.get_native_id()}/children"
            for pid in Path(own).read_text().split():
                while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    pass

        os.register_at_fork(after_in_parent=see_it_end)
        pid = os.fork()
        if pid == 0:
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    with q.running(concurrency=1, pool=pool):
        assert fork.delay().get(timeout=DEADLINE_S) == 7
