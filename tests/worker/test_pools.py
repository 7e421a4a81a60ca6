"""What every pool does alike: each test runs on processes, threads and solo."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import operator
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localq import (
    AsyncResult,
    LocalQ,
    Reject,
    SoftTimeLimitExceeded,
    Task,
    TimeLimitExceeded,
    allow_join_result,
)
from localq.exceptions import NotRegistered, TaskRevokedError
from localq.host.memory import peak_kb
from localq.worker.shutdown import Stopping
from tests.worker.waiting import DEADLINE_S, hold, shows, until

Running = Callable[..., Any]


class Boom(Exception):
    pass


@pytest.fixture(params=["processes", "threads", "solo"])
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def start(q: LocalQ, pool: str) -> Iterator[Running]:
    """Return a function that starts a worker of the pool at hand."""
    yield lambda **options: q.start(**{"concurrency": 1, "pool": pool, **options})
    q.stop(timeout=1)


def spin(seconds: float) -> None:
    """Keep busy in Python code, where an error can arrive."""
    until_ = time.monotonic() + seconds
    while time.monotonic() < until_:
        pass


def test_results_and_errors_come_back(q: LocalQ, start: Running) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    @q.task
    def fail() -> None:
        raise Boom("x", 5)

    start()
    results = q.enqueue_many([add.s(n, 1) for n in range(100)])
    error = fail.delay()

    assert [result.get(DEADLINE_S) for result in results] == [n + 1 for n in range(100)]
    with pytest.raises(Boom, match=r"'x', 5"):
        error.get(DEADLINE_S)
    assert "in fail" in (error.traceback or "")
    assert results[0].worker == q.AsyncResult(error.id).worker
    (attempt,) = error.attempts
    assert attempt.outcome == "FAILURE"
    assert attempt.started is not None
    assert (attempt.peak_memory or 0) > 1 << 20 or not peak_kb()


def test_an_unknown_task_is_a_failure_that_says_what_to_do_where_that_is_asked_for(q: LocalQ, start: Running) -> None:
    q.conf.worker_unknown_tasks = "fail"
    start()

    with pytest.raises(NotRegistered, match=r"Unknown task 'nope'. Import its module"):
        q.send_task("nope").get(DEADLINE_S)


def test_every_way_to_end_is_kept(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task(bind=True, default_retry_delay=0, max_retries=1, autoretry_for=(Boom,))
    def work(self: Task[Any, Any], how: str) -> Any:
        if how == "retry" and self.request.retries == 0:
            raise self.retry(kwargs={"how": "retry"}, queue="other", exc=KeyError("first"))
        if how == "boom":
            raise Boom
        if how == "reject" and self.request.attempt < 3:
            raise Reject("busy", requeue=True)
        if how == "exit":
            sys.exit(3)
        return [self.request.retries, self.request.attempt, self.request.hostname]

    start(name="w@h")

    assert work.delay("plain").get(DEADLINE_S) == [0, 1, "w@h"]
    retried = work.delay(how="retry")
    assert retried.get(DEADLINE_S) == [1, 2, "w@h"]
    assert retried.queue == "other"
    assert [run.outcome for run in retried.attempts] == ["RETRY", "SUCCESS"]
    with pytest.raises(Boom):
        work.delay("boom").get(DEADLINE_S)
    assert work.delay("reject").get(DEADLINE_S) == [0, 3, "w@h"]
    assert isinstance(work.delay("exit").get(20, propagate=False), BaseException)


def test_callbacks_follow(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task
    def write(*values: Any) -> None:
        with (tmp_path / "written").open("a") as file:
            file.write(f"{list(values)}\n")

    @q.task
    def work(fail: bool) -> int:
        if fail:
            raise Boom("x")
        return 5

    @q.task
    def told(request: Any, exc: BaseException, traceback: str) -> None:
        write(request.id, repr(exc))

    @q.task
    def named(job_id: str) -> None:
        write(job_id)

    start()
    work.apply_async((False,), link=[write.s("more"), write.si("only")])
    failed = work.apply_async((True,), link_error=[named.s(), told.s()])

    written = tmp_path / "written"
    until(lambda: written.exists() and len(written.read_text().splitlines()) == 4)
    lines = set(written.read_text().splitlines())
    assert lines == {"[5, 'more']", "['only']", f"['{failed.id}']", f"['{failed.id}', \"Boom('x')\"]"}


def test_what_a_running_task_says_is_seen(q: LocalQ, start: Running, tmp_path: Path) -> None:
    gate, second_gate = tmp_path / "gate", tmp_path / "second"

    @q.task(bind=True, default_retry_delay=0)
    def work(self: Task[Any, Any]) -> int:
        self.progress(1, 3, "first")
        hold(gate)
        self.update_state(state="ODD", meta=[1, "x"])
        if self.request.retries == 0:
            raise self.retry(countdown=3600)
        hold(second_gate)
        return 5

    start()
    result = work.delay()

    assert shows(result, "PROGRESS") == {"done": 1, "total": 3, "message": "first"}
    gate.touch()
    shows(result, "RETRY")
    assert result.retries == 1


def test_tasks_add_jobs_and_may_wait_for_them_if_told_so(q: LocalQ, pool: str) -> None:
    @q.task(bind=True)
    def child(self: Task[Any, Any]) -> list[Any]:
        return [self.request.parent_id, self.request.root_id]

    @q.task
    def parent(allowed: bool) -> Any:
        if not allowed:
            return child.delay().get(timeout=DEADLINE_S)
        with allow_join_result():
            return child.delay().get(timeout=DEADLINE_S)

    with q.running(concurrency=2, pool=pool):
        if pool != "solo":
            # One slot cannot wait for itself.
            result = parent.delay(True)
            assert result.get(DEADLINE_S) == [result.id, result.id]
        with pytest.raises(RuntimeError, match=r"Never call result\.get"):
            parent.delay(False).get(DEADLINE_S)


def test_a_partial_and_a_callable_object_run_as_tasks(q: LocalQ, start: Running) -> None:
    class Adds:
        def __init__(self, n: int) -> None:
            self.n = n

        def __call__(self, x: int) -> int:
            return x + self.n

    start()
    one, two = q.task(name="add1")(functools.partial(operator.add, 1)), q.task(name="add2")(Adds(2))

    assert (one.delay(5).get(DEADLINE_S), two.delay(5).get(DEADLINE_S)) == (6, 7)


def test_coroutines_are_called_and_awaited_from_one(q: LocalQ, start: Running) -> None:
    @q.task(bind=True)
    async def work(self: Task[Any, Any], n: int) -> list[Any]:
        await asyncio.sleep(0)
        return [n, self.request.id]

    async def main() -> list[Any]:
        return await asyncio.gather(*[await work.adelay(n) for n in range(20)])

    start()
    told = asyncio.run(main())

    assert [n for n, _ in told] == list(range(20))
    assert len({job for _, job in told}) == 20


def test_the_soft_limit_may_be_survived(q: LocalQ, start: Running) -> None:
    @q.task(soft_time_limit=0.1)
    def long(survive: bool) -> str:
        try:
            spin(20)
        except SoftTimeLimitExceeded:
            if not survive:
                raise
        return "tidied up"

    start()
    gentle, harsh = long.delay(True), long.delay(False)

    assert gentle.get(DEADLINE_S) == "tidied up"
    with pytest.raises(SoftTimeLimitExceeded):
        harsh.get(DEADLINE_S)


def test_the_hard_limit_ends_what_does_not_listen(q: LocalQ, start: Running, tmp_path: Path) -> None:
    enough = tmp_path / "enough"

    @q.task
    def stubborn() -> None:
        while not enough.exists():
            with contextlib.suppress(Exception):
                spin(0.1)

    @q.task
    def quick() -> int:
        return 5

    q.conf.task_time_limit = 0.2
    start()
    result = stubborn.delay()

    with pytest.raises(TimeLimitExceeded, match=r"hard time limit of 0.2 s exceeded"):
        result.get(DEADLINE_S)
    assert quick.apply_async(time_limit=0).get(DEADLINE_S) == 5
    # A thread cannot be killed: this one ends by itself.
    enough.touch()


def test_a_running_job_is_really_stopped_when_revoked(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task(bind=True)
    def endless(self: Task[Any, Any]) -> None:
        self.update_state(state="ON", meta=os.getpid())
        while True:
            spin(0.1)

    start()
    result = endless.delay()
    shows(result, "ON")
    result.revoke(terminate=True, signal="KILL", wait=True, timeout=DEADLINE_S)

    assert result.state == "REVOKED"
    with pytest.raises(TaskRevokedError):
        result.get(DEADLINE_S)
    assert [run.outcome for run in result.attempts] == ["REVOKED"]


def test_stopping_finishes_what_runs_and_puts_back_the_rest_uncharged(
    q: LocalQ, start: Running, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"

    @q.task(bind=True)
    def work(self: Task[Any, Any], n: int) -> int:
        self.update_state(state="ON")
        hold(gate)
        return n

    start()
    first, *rest = q.enqueue_many([work.s(n) for n in range(20)])
    shows(first, "ON")
    gate.touch()
    q.stop()

    done = [result for result in (first, *rest) if result.ready()]
    assert first in done
    assert len(done) < 20
    waiting = [q.store.read.get([result.id])[result.id] for result in (first, *rest) if result not in done]
    assert {(job.state, job.attempts, job.owner) for job in waiting} == {(1, 0, None)}
    start()
    assert [result.get(DEADLINE_S) for result in (first, *rest)] == list(range(20))
    assert {result.attempts[-1].number for result in (first, *rest)} == {1}


def test_stopping_in_time_interrupts_and_puts_back(q: LocalQ, start: Running) -> None:
    @q.task(bind=True)
    def endless(self: Task[Any, Any]) -> None:
        self.update_state(state="ON")
        while True:
            spin(0.1)

    start()
    result = endless.delay()
    shows(result, "ON")

    q.stop(timeout=0.1)

    job = q.store.read.get([result.id])[result.id]
    assert (job.state, job.attempts, job.crashes, job.owner) == (1, 1, 0, None)
    assert [run.outcome for run in result.attempts] == ["INTERRUPTED"]


@pytest.mark.parametrize(("late", "state"), [(True, "PENDING"), (False, "FAILURE")])
def test_what_cannot_be_interrupted_is_given_up_and_put_back_if_it_may_run_twice(
    q: LocalQ, start: Running, late: bool, state: str
) -> None:
    @q.task(acks_late=late, bind=True)
    def stuck(self: Task[Any, Any], port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as gate:
            self.update_state(state="ON")
            gate.recv(1)

    start()
    with socket.create_server(("127.0.0.1", 0)) as door:
        result = stuck.delay(door.getsockname()[1])
        gate, _ = door.accept()
    with gate:
        shows(result, "ON")
        q._embedded.worker.stop(Stopping.KILL)  # type: ignore[union-attr]
        q.stop()

    assert result.state == state
    (run,) = result.attempts
    assert (run.outcome, run.started is not None) == ("INTERRUPTED" if late else "RELEASED", True)


def test_higher_priorities_go_first(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task
    def write(text: str) -> None:
        with (tmp_path / "order").open("a") as file:
            file.write(text)

    calls = [("a", 0), ("b", 9), ("c", 5), ("d", 9)]
    jobs = [write.apply_async((name,), priority=rank) for name, rank in calls]
    start()
    for job in jobs:
        job.get(DEADLINE_S)

    assert (tmp_path / "order").read_text() == "bdca"


def test_only_the_queues_asked_for_are_served(q: LocalQ, start: Running) -> None:
    @q.task
    def where() -> str:
        return "here"

    other, excluded = where.apply_async(queue="other"), where.apply_async(queue="b")
    start(queues=["a", "b"], excluded=["b"])

    assert where.apply_async(queue="a").get(DEADLINE_S) == "here"
    assert {other.state, excluded.state} == {"PENDING"}
    q.stop()
    start(excluded=["b"])
    assert other.get(DEADLINE_S) == "here"
    assert excluded.state == "PENDING"


def test_expired_jobs_are_revoked(q: LocalQ, start: Running) -> None:
    @q.task
    def late() -> None: ...

    with pytest.warns(UserWarning, match="in the past"):
        result = late.apply_async(expires=-5)
    start()

    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(DEADLINE_S)


def test_jobs_wait_for_their_time(q: LocalQ, start: Running) -> None:
    @q.task
    def now() -> float:
        return time.time()

    start()
    began = time.time()

    assert now.apply_async(countdown=0.3).get(DEADLINE_S) >= began + 0.3


def test_tasks_defined_or_changed_after_the_start_are_known(q: LocalQ, start: Running) -> None:
    @q.task
    def answer() -> int:
        return 1

    start()
    assert answer.delay().get(DEADLINE_S) == 1

    def again(name: str, value: int) -> Any:
        @q.task(name=name)
        def answer() -> int:
            return value

        return answer

    q.tasks.pop(answer.name)
    changed = again(answer.name, 2)

    @q.task
    def new() -> str:
        return "new"

    assert changed.delay().get(DEADLINE_S) == 2
    assert new.delay().get(DEADLINE_S) == "new"


def test_logging_reaches_the_programs_handlers_once(
    q: LocalQ, start: Running, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("tests.of.logging")
    caplog.set_level(logging.INFO, logger.name)

    @q.task
    def work() -> None:
        logger.info("seen %d", 5)
        logger.debug("not seen")
        try:
            raise Boom("inside")
        except Boom:
            logger.exception("went wrong")

    start()
    work.delay().get(DEADLINE_S)
    q.stop()

    seen = [record for record in caplog.records if record.name == logger.name]
    assert [record.getMessage() for record in seen] == ["seen 5", "went wrong"]
    assert seen[0].funcName == "work"
    assert "Boom: inside" in caplog.text


def test_what_a_task_prints_is_kept_with_its_run(q: LocalQ, start: Running, capsys: pytest.CaptureFixture[str]) -> None:
    @q.task
    def talk(n: int) -> None:
        print("out", n)
        print("err", n, file=sys.stderr)
        sys.stdout.write(f"unfinished {n}")

    start(concurrency=1)
    results = q.enqueue_many([talk.s(n) for n in range(10)])
    for result in results:
        result.get(DEADLINE_S)
    q.stop()

    for n, result in enumerate(results):
        output = result.attempts[0].output or ""
        assert sorted(output.split("\n")) == sorted([f"out {n}", f"err {n}", f"unfinished {n}"])
    out, err = capsys.readouterr()
    assert out.count("out 3\n") == 1
    assert err.count("err 3\n") == 1


def test_a_second_start_changes_nothing(q: LocalQ, start: Running) -> None:
    @q.task
    def one() -> int:
        return 1

    start()
    start()

    assert one.delay().get(DEADLINE_S) == 1
    assert len([row for row in q.store.workers.all() if not row.declared]) == 1
    q.stop()
    q.stop()
    assert [row for row in q.store.workers.all() if not row.declared] == []


def test_what_travels_comes_back_as_it_was(q: LocalQ, start: Running) -> None:
    @q.task
    def echo(value: Any) -> Any:
        return value

    start()
    values: list[Any] = [{"a": (1, {2}), "b": b"\x00\xff"}, "x" * 300_000, ["ü\ud800"[:1], None, 1.5], 2**80]

    assert [echo.delay(value).get(DEADLINE_S) for value in values] == values


def test_a_result_that_cannot_be_written_is_a_failure(q: LocalQ, start: Running) -> None:
    @q.task
    def bad() -> Any:
        return [object()]

    start()

    with pytest.raises(TypeError, match=r"result\[0\]"):
        bad.delay().get(DEADLINE_S)


def test_a_result_may_be_read_in_another_process(q: LocalQ, start: Running, tmp_path: Path) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    start()
    code = (
        "import sys; from localq import LocalQ; q = LocalQ(path=sys.argv[1]); "
        "print(q.send_task(sys.argv[2], (2, 3)).get(timeout=120)); q.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, q.location, add.name], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.stderr) == ("5\n", "")


def test_a_job_is_found_again_by_its_id(q: LocalQ, start: Running) -> None:
    @q.task
    def one() -> int:
        return 1

    start()
    one.apply_async(task_id="mine").get(DEADLINE_S)

    assert AsyncResult("mine").get(DEADLINE_S) == 1
