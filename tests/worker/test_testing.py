"""What LocalQ gives to the tests of other programs."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import localq
from localq import LocalQ, chain, chord, group
from localq.exceptions import ChordError, ImproperlyConfigured, TimeLimitExceeded
from localq.testing import assert_enqueued, assert_not_enqueued, drain, enqueued, isolated, start_worker
from tests.worker.waiting import DEADLINE_S, PROGRAM_S

PACKAGE = str(Path(localq.__file__).parents[1])


def plus(x: int, y: int = 0) -> int:
    return x + y


# Looking at the queue


def test_a_job_that_waits_is_found_by_task_arguments_and_queue(q: LocalQ) -> None:
    add = q.task(name="add")(plus)
    add.delay(1, y=2)
    add.apply_async((3,), queue="slow", countdown=60)

    (first,) = assert_enqueued(q, add, args=(1,), kwargs={"y": 2}, count=1)
    (second,) = assert_enqueued(q, "add", queue="slow")
    assert_enqueued(q, add, count=2)
    assert_not_enqueued(q, "other")

    assert (first.queue, first.eta) == ("celery", None)
    assert second.eta is not None
    assert [one.args for one in enqueued(q)] == [(1,), (3,)]


def test_a_failed_assertion_shows_what_waits(q: LocalQ) -> None:
    add = q.task(name="add")(plus)
    job = add.delay(1, y=2)

    with pytest.raises(AssertionError) as raised:
        assert_enqueued(q, add, args=(5,))

    assert str(raised.value) == (
        "There waits no job of add with args=(5,).\n"
        "In the queue: 1 ready.\n"
        f"  add(1, y=2) in queue 'celery', PENDING [{job.id}]"
    )
    with pytest.raises(AssertionError, match="There waits 1 job, not 2 of add"):
        assert_enqueued(q, add, count=2)
    with pytest.raises(AssertionError, match=r"There waits a job of add:\n  add\(1, y=2\)"):
        assert_not_enqueued(q, add)


def test_a_failed_assertion_shows_the_errors_of_jobs_that_failed(q: LocalQ) -> None:
    add = q.task(name="add")(plus)
    job = add.delay(1, y="2")
    drain(q)

    with pytest.raises(AssertionError) as raised:
        assert_enqueued(q, add)

    assert f"  add(1, y='2') in queue 'celery', FAILURE [{job.id}]: TypeError: unsupported" in str(raised.value)


def test_an_error_of_a_job_is_shown_at_the_line_that_asked(q: LocalQ) -> None:
    job = q.task(name="add")(plus).delay(1, y="2")
    drain(q)

    with pytest.raises(TypeError) as raised:
        job.get()

    shown = [entry.frame.code.name for entry in raised.traceback.filter(raised)]
    assert shown == ["test_an_error_of_a_job_is_shown_at_the_line_that_asked"]


def test_an_eager_app_has_run_its_calls_and_the_message_says_so() -> None:
    q = LocalQ(eager=True)
    q.task(name="add")(plus).delay(1)

    with pytest.raises(AssertionError, match="its calls have run already"):
        assert_enqueued(q, "add")
    q.close()


# Running it


def test_drain_runs_what_waits_and_what_follows_in_the_test_itself(q: LocalQ) -> None:
    ran: list[Any] = []

    @q.task(name="second")
    def second(x: int) -> int:
        ran.append(("second", x, os.getpid()))
        return x

    @q.task(name="first")
    def first() -> int:
        ran.append(("first", 1, os.getpid()))
        second.delay(7)
        return 1

    result = first.apply_async(link=second.s())

    results = drain(q)

    assert ran[0] == ("first", 1, os.getpid())
    assert sorted(ran[1:]) == [("second", 1, os.getpid()), ("second", 7, os.getpid())]
    assert results[0].id == result.id
    assert result.get(timeout=1) == 1
    assert len(results) == 3
    assert drain(q) == []


def test_drain_runs_workflows_to_their_end(q: LocalQ) -> None:
    @q.task
    def divide(x: int, y: int) -> float:
        return x / y

    @q.task
    def total(numbers: list[float]) -> float:
        return sum(numbers)

    whole = chain(divide.s(8, 2), group(divide.s(2), divide.s(4)), total.s()).delay()
    broken = chord([divide.s(1, 0), divide.s(1, 1)], total.s()).delay()
    stopped = chain(divide.s(1, 0), divide.s(2)).delay()

    drain(q)

    assert whole.get(timeout=0) == 3
    with pytest.raises(ZeroDivisionError) as caught:
        broken.get(timeout=0)
    assert isinstance(caught.value.__cause__, ChordError)
    with pytest.raises(ZeroDivisionError):
        stopped.get(timeout=0)


def test_drain_leaves_failures_to_get_and_scheduled_jobs_to_their_time(q: LocalQ) -> None:
    runs: list[int] = []

    @q.task(bind=True, max_retries=1, name="again")
    def again(self: Any) -> None:
        runs.append(self.request.retries)
        raise self.retry(exc=ValueError("no"), countdown=3600)

    result = again.delay()

    drain(q)
    assert (runs, result.state) == ([0], "RETRY")

    drain(q, scheduled=True)
    assert (runs, result.state) == ([0, 1], "FAILURE")
    with pytest.raises(ValueError, match="no"):
        result.get(timeout=1)


@pytest.mark.parametrize("where", ["main thread", "another"])
def test_drain_ends_a_run_at_its_hard_limit_and_goes_on(q: LocalQ, where: str) -> None:
    @q.task(time_limit=0.05)
    def spin() -> None:
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            pass

    @q.task(time_limit=0.05)
    async def wait() -> None:
        await asyncio.sleep(DEADLINE_S)

    @q.task(time_limit=DEADLINE_S)
    def quick() -> int:
        return 1

    spun, waited, done = spin.delay(), wait.delay(), quick.delay()

    if where == "another":
        with ThreadPoolExecutor(1) as threads:
            threads.submit(drain, q).result()
    else:
        drain(q)

    for result in (spun, waited):
        with pytest.raises(TimeLimitExceeded):
            result.get(timeout=0)
    assert done.get(timeout=0) == 1


def test_drain_stops_jobs_that_add_each_other_for_ever(q: LocalQ) -> None:
    @q.task(name="more")
    def more() -> None:
        more.delay()

    more.delay()

    with pytest.raises(RuntimeError, match="10 jobs ran"):
        drain(q, limit=10)


@pytest.mark.parametrize("pool", ["threads", "solo", "processes"])
def test_a_worker_runs_for_the_length_of_a_block(q: LocalQ, pool: str) -> None:
    add = q.task(name="add")(plus)

    with start_worker(q, pool=pool, concurrency=1, name="w@h") as worker:
        assert worker.hostname == "w@h"
        assert add.delay(1, 2).get(timeout=DEADLINE_S) == 3
        with pytest.raises(ImproperlyConfigured, match="has a worker"), start_worker(q):
            pass

    assert q._embedded is None


def test_an_isolated_app_has_an_empty_queue_and_gets_its_own_back(q: LocalQ) -> None:
    add = q.task(name="add")(plus)
    add.delay(1)

    with isolated(q):
        assert enqueued(q) == []
        add.delay(2)
        assert_enqueued(q, add, args=(2,))

    (kept,) = enqueued(q)
    assert kept.args == (1,)


# The plugin


def run_pytest(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(code)
    words = ["-p", "localq.contrib.pytest", "-p", "no:cacheprovider", "-W", "error", "-q", "--strict-markers", "."]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=folder, env={**os.environ, "PYTHONPATH": PACKAGE},
        capture_output=True, text=True, timeout=PROGRAM_S, check=False,
    )  # fmt: skip


def test_the_plugin_gives_apps_and_workers(tmp_path: Path) -> None:
    ran = run_pytest(
        tmp_path,
        """
import os
import pytest
from localq import Task, current_app, shared_task


@pytest.fixture(scope="session")
def localq_config():
    return {"task_default_queue": "tests", "shop_currency": "EUR"}


class Double(Task):
    name = "double"

    def run(self, x):
        return 2 * x


@pytest.fixture(scope="session")
def localq_class_tasks():
    return [Double]


@shared_task
def shared(x):
    return x


def test_worker(localq_app, localq_worker):
    @localq_app.task
    def pid():
        return os.getpid()

    assert pid.delay().get(timeout=120) == os.getpid()
    assert localq_app.tasks["double"].delay(4).get(timeout=120) == 8


def test_reload(localq_app, localq_worker):
    @localq_app.task
    def mul(x, y):
        return x * y

    localq_worker.reload()
    localq_worker.reload(modules=["json"], reload=True)
    assert mul.delay(4, 4).get(timeout=120) == 16
    assert localq_worker.plan.name


def test_nothing_is_left_of_the_test_before(localq_app, localq_drain):
    assert localq_app.store.read.stats().counts == {}
    result = localq_app.tasks["double"].delay(1)
    assert [one.id for one in localq_drain()] == [result.id]


@pytest.mark.localq(task_default_queue="marked")
def test_marker(localq_app):
    assert localq_app.conf.task_default_queue == "marked"
    assert localq_app.conf.shop_currency == "EUR"


@pytest.mark.celery(task_default_queue="by Celery's", shop_currency="USD")
def test_marker_of_celery(localq_app):
    assert localq_app.conf.task_default_queue == "by Celery's"
    assert localq_app.conf.shop_currency == "USD"


@pytest.mark.usefixtures("depends_on_current_app")
def test_current(localq_app):
    assert current_app() is localq_app


def test_session(localq_session_app, localq_session_worker):
    assert shared.name in localq_session_app.tasks
    assert localq_session_app.tasks["double"].delay(1).get(timeout=120) == 2


def test_own_app(localq_isolated, tmp_path):
    from localq import LocalQ
    from localq.testing import enqueued

    q = localq_isolated(LocalQ(path=tmp_path / "own.db"))
    q.send_task("x")
    assert len(enqueued(q)) == 1
    assert not (tmp_path / "own.db").exists()
""",
    )

    assert "8 passed" in ran.stdout, ran.stdout + ran.stderr


def test_the_plugin_warns_of_a_name_that_is_nearly_a_setting(tmp_path: Path) -> None:
    ran = run_pytest(
        tmp_path,
        """
import pytest


@pytest.mark.localq(task_defult_queue="mails")
def test_marker(localq_app):
    pass
""",
    )

    assert "'task_defult_queue' is no setting of LocalQ. Did you mean 'task_default_queue'?" in ran.stdout, ran.stdout


def test_the_plugin_shows_the_queue_below_a_test_that_fails_and_traps_the_current_app(tmp_path: Path) -> None:
    ran = run_pytest(
        tmp_path,
        """
import pytest
from localq import current_app


@pytest.fixture(scope="session")
def use_localq_app_trap():
    return True


def test_fails(localq_app):
    localq_app.send_task("mail.send", ("ann",))
    assert 1 == 2


def test_trap(localq_app):
    current_app().send_task("x")
""",
    )

    assert "2 failed" in ran.stdout, ran.stdout + ran.stderr
    assert "Jobs of localq_app" in ran.stdout
    assert "mail.send('ann') in queue 'celery', PENDING" in ran.stdout
    assert "use_localq_app_trap forbids" in ran.stdout


def test_the_plugin_loads_no_engine() -> None:
    code = "import sys, localq.contrib.pytest; print([n for n in sys.modules if n.startswith('localq.worker')])"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": PACKAGE}, capture_output=True, text=True, timeout=PROGRAM_S, check=True,
    )  # fmt: skip

    assert done.stdout == "[]\n"
