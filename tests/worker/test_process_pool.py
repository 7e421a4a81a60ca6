"""The process pool: deaths, limits, output, recycling."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import LocalQ, Task, TimeLimitExceeded, WorkerLostError
from localq.exceptions import ImproperlyConfigured, TaskRevokedError
from localq.worker.pool.process_facts import resident_kb
from tests.worker.waiting import DEADLINE_S, alive, hold, own_pid, shows, until


@pytest.fixture
def one(q: LocalQ) -> Iterator[LocalQ]:
    """Return an app with one process at work."""
    with q.running(concurrency=1, pool="processes"):
        yield q


def test_a_death_charges_one_job_and_names_its_cause(q: LocalQ) -> None:
    @q.task(max_crashes=2)
    def die(how: str) -> None:
        if how == "exit":
            os._exit(7)
        faulthandler.disable()
        os.kill(os.getpid(), signal.SIGSEGV)

    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    with q.running(concurrency=1):
        exits, crashes = die.delay("exit"), die.delay("segv")
        others = q.enqueue_many([add.s(n, 1) for n in range(50)])

        with pytest.raises(WorkerLostError, match=r"exited with code 7 \(attempt 2, crash 2 of 2\)"):
            exits.get(DEADLINE_S)
        with pytest.raises(WorkerLostError, match=r"was killed by SIGSEGV"):
            crashes.get(DEADLINE_S)
        assert [other.get(DEADLINE_S) for other in others] == [n + 1 for n in range(50)]
    assert [run.outcome for run in exits.attempts] == ["LOST", "LOST"]
    assert {len(other.attempts) for other in others} == {1}
    assert exits.attempts[0].started is not None


def test_a_job_of_at_most_once_fails_with_its_process(q: LocalQ, tmp_path: Path) -> None:
    @q.task(acks_late=False)
    def die() -> None:
        with (tmp_path / "ran").open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)

    reason = r"SIGKILL \(out of memory\?\) \(attempt 1, at most once\)"
    with q.running(concurrency=1), pytest.raises(WorkerLostError, match=reason):
        die.delay().get(DEADLINE_S)
    assert (tmp_path / "ran").read_text() == "x"


def test_the_errback_of_a_lost_job_is_called(q: LocalQ, tmp_path: Path) -> None:
    @q.task(max_crashes=1)
    def die() -> None:
        os._exit(1)

    @q.task
    def told(request: Any, exc: BaseException, traceback: str) -> None:
        (tmp_path / "told").write_text(f"{request.id} {type(exc).__name__}")

    with q.running(concurrency=1):
        result = die.apply_async(link_error=told.s())
        until((tmp_path / "told").exists)
        until(lambda: (tmp_path / "told").read_text() == f"{result.id} WorkerLostError")


def test_code_in_c_dies_at_the_hard_limit(q: LocalQ) -> None:
    @q.task(time_limit=0.3, soft_time_limit=0.1)
    def stuck() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        ctypes.CDLL(None).pause()

    with q.running(concurrency=1):
        result = stuck.delay()
        with pytest.raises(TimeLimitExceeded):
            result.get(DEADLINE_S)
    (run,) = result.attempts
    assert run.outcome == "FAILURE"


def test_what_a_killed_task_started_dies_with_it(q: LocalQ, tmp_path: Path) -> None:
    @q.task(time_limit=0.5)
    def parent() -> None:
        child = subprocess.Popen(["sleep", "60"])
        (tmp_path / "part").write_text(str(child.pid))
        (tmp_path / "part").rename(tmp_path / "pid")
        child.wait()

    with q.running(concurrency=1):
        result = parent.delay()
        hold(tmp_path / "pid")
        with pytest.raises(TimeLimitExceeded):
            result.get(DEADLINE_S)
        pid = int((tmp_path / "pid").read_text())
        until(lambda: not alive(pid))


@pytest.mark.linux("the signal asked for reaches a forked slot")
def test_revoking_sends_the_signal_and_kills_what_ignores_it(q: LocalQ) -> None:
    @q.task(bind=True)
    def deaf(self: Task[Any, Any]) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.update_state(state="ON", meta=os.getpid())
        while True:
            time.monotonic()

    with q.running(concurrency=1):
        result = deaf.delay()
        pid = shows(result, "ON")
        result.revoke(terminate=True, wait=True, timeout=DEADLINE_S)
        with pytest.raises(TaskRevokedError, match="signal 15"):
            result.get(DEADLINE_S)
        until(lambda: not alive(pid))


def test_revoking_a_job_behind_another_does_not_touch_that(q: LocalQ, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    @q.task(bind=True)
    def work(self: Task[Any, Any], n: int) -> int:
        self.update_state(state="ON")
        hold(gate)
        return n

    with q.running(concurrency=1):
        first, second = q.enqueue_many([work.s(1), work.s(2)])
        shows(first, "ON")
        second.revoke(terminate=True)
        gate.touch()
        assert first.get(DEADLINE_S) == 1
        assert second.get(20, propagate=False) is not None
        assert second.state == "REVOKED"
    assert len(first.attempts) == 1


def test_the_task_is_run_in_another_process(one: LocalQ) -> None:
    pid = one.task(own_pid).delay().get(DEADLINE_S)

    assert pid != os.getpid()
    one.stop()
    until(lambda: not alive(pid))


def test_a_process_is_replaced_after_so_many_runs(q: LocalQ) -> None:
    work = q.task(own_pid)
    q.conf.worker_max_tasks_per_child = 3

    with q.running(concurrency=1):
        pids = [result.get(DEADLINE_S) for result in q.enqueue_many([work.s() for _ in range(9)])]

    assert sorted(pids.count(pid) for pid in set(pids)) == [3, 3, 3]


def grow(mib: int, wait: bool = False) -> int:
    """Use so much memory, and keep it where asked to; return in which process."""
    ballast = bytearray(mib << 20)
    for at in range(0, len(ballast), 4096):
        ballast[at] = 1
    while wait:
        time.monotonic()
    return os.getpid()


def held_mib() -> int:
    return resident_kb(os.getpid()) // 1024


def test_a_process_that_grew_is_replaced(q: LocalQ) -> None:
    held, grows = q.task(held_mib), q.task(grow)
    with q.running(concurrency=1):
        limit_mib = held.delay().get(DEADLINE_S) + 80
    q.conf.worker_max_memory_per_child = limit_mib << 10

    with q.running(concurrency=1):
        small, fat, after = (grows.delay(mib).get(DEADLINE_S) for mib in (1, 120, 1))

    assert small == fat != after


@pytest.mark.linux("the memory of a running job is watched")
def test_a_process_that_eats_all_memory_is_killed(q: LocalQ) -> None:
    limit_mib = 200
    q.conf.worker_max_memory_per_child = limit_mib << 10
    grows = q.task(max_crashes=1)(grow)

    over = rf"over twice the limit of {limit_mib << 10:,} KiB"

    with q.running(concurrency=1), pytest.raises(WorkerLostError, match=over):
        grows.delay(2 * limit_mib, True).get(DEADLINE_S)


@pytest.mark.linux("what goes past Python's streams is read from a forked slot")
def test_all_that_is_printed_is_kept_with_its_run(q: LocalQ, capfd: pytest.CaptureFixture[str]) -> None:
    @q.task(bind=True, default_retry_delay=0)
    def talk(self: Task[Any, Any], n: int) -> None:
        print(f"print {n}")
        print("to stderr", n, file=sys.stderr)
        os.write(1, b"os.write %d\n" % n)
        subprocess.run(["echo", f"child {n}"], check=True)
        sys.stdout.write(f"no newline {n}")
        if self.request.retries == 0:
            raise self.retry(args=(n + 1000,))

    with q.running(concurrency=1):
        results = [talk.delay(n) for n in range(20)]
        for result in results:
            result.get(DEADLINE_S)

    for n, result in enumerate(results):
        first, second = result.attempts
        for run, number in ((first, n), (second, n + 1000)):
            said = sorted(re.findall(r"(print|to stderr|os.write|child|no newline) (\d+)", run.output or ""))
            wanted = [(what, str(number)) for what in ("child", "no newline", "os.write", "print", "to stderr")]
            assert said == wanted, run.output
    out, err = capfd.readouterr()
    assert "print 3\n" in out
    assert "to stderr 3\n" in err


def test_of_long_output_the_last_part_is_kept(one: LocalQ) -> None:
    @one.task
    def talk() -> None:
        for n in range(20_000):
            print(n)

    result = talk.delay()
    result.get(DEADLINE_S)
    one.stop()

    output = result.attempts[0].output or ""
    assert output.endswith("19998\n19999\n")
    assert len(output) <= 16_384


def test_several_workers_share_one_file(q: LocalQ) -> None:
    work = q.task(own_pid)
    other = LocalQ("tests", path=q.location, durability="normal")
    other.task(own_pid)

    with q.running(concurrency=1, name="a@h"), other.running(concurrency=1, name="b@h"):
        results = q.enqueue_many([work.s() for _ in range(400)])
        for result in results:
            result.get(DEADLINE_S)
        names = {row.card.name for row in q.store.workers.all()}

    assert names == {"a@h", "b@h"}
    assert {len(result.attempts) for result in results} == {1}
    other.close()


def test_a_store_in_memory_has_no_processes() -> None:
    app = LocalQ(path=":memory:")

    with pytest.raises(ImproperlyConfigured, match='use pool="threads", or a file'):
        app.start(pool="processes")
    with app.running(pool="threads", concurrency=2):
        assert app.task(own_pid).delay().get(DEADLINE_S) == os.getpid()
    app.close()


def test_a_start_that_failed_may_be_repeated(q: LocalQ) -> None:
    work = q.task(own_pid)

    for bad in ({"pool": "fibers"}, {"concurrency": 0}, {"concurrency": "many"}):
        with pytest.raises(ImproperlyConfigured):
            q.start(**bad)  # type: ignore[arg-type]
    with q.running(concurrency=1):
        assert work.delay().get(DEADLINE_S)


def test_an_eager_app_has_no_worker() -> None:
    with pytest.raises(ImproperlyConfigured, match="there is no worker to start"):
        LocalQ(eager=True).start()


def test_in_a_program_with_threads_tasks_of_functions_travel_by_value(q: LocalQ) -> None:
    ended, unending = threading.Event(), (n for n in [1])
    thread = threading.Thread(target=ended.wait)
    thread.start()
    factor = 3

    @q.task(queue="own", base=Task)
    def times(n: int) -> int:
        return n * factor

    @q.task(bind=True)
    def fact(self: Task[Any, Any], n: int) -> int:
        if n > 1:
            fact.apply_async((n - 1,), task_id=f"fact-{n - 1}")
        return n

    @q.task
    def bad() -> Any:
        return unending

    try:
        with q.running(concurrency=1):
            assert times.delay(5).get(DEADLINE_S) == 15
            fact.delay(3).get(DEADLINE_S)
            assert q.AsyncResult("fact-1").get(DEADLINE_S) == 1
            with pytest.raises(ImproperlyConfigured, match=r"cannot be sent to a worker process.*use pool='threads'"):
                bad.delay().get(DEADLINE_S)
    finally:
        ended.set()
        thread.join()


def test_a_slot_starts_no_worker_of_its_own(one: LocalQ) -> None:
    @one.task
    def start() -> str:
        one.start()
        return "nothing happened"

    assert start.delay().get(DEADLINE_S) == "nothing happened"
