from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localq import AsyncResult, LocalQ, Task, TimeoutError, allow_join_result, current
from localq.exceptions import TaskRevokedError
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt, Completion, Note
from localq.model.worker import EVERY_QUEUE, WorkerCard
from localq.result.joining import denied_join_result
from localq.serialization.failure import describe, dump
from localq.store.protocol import Topic
from localq.tasks.request import Context
from tests.worker.waiting import DEADLINE_S


class Boom(Exception):
    pass


@pytest.fixture
def add(q: LocalQ) -> Task[..., int]:
    @q.task(name="add")
    def add(x: int, y: int = 0) -> int:
        return x + y

    return add


class Hand:
    """A worker without a loop: it does with jobs what a test says."""

    def __init__(self, q: LocalQ) -> None:
        self.q = q
        card = WorkerCard("u", "hand@host", "host", os.getpid(), "solo", 1, None, (), ())
        self.key = q.store.workers.enter(card, 0, 2**60)

    def take(self) -> Job:
        (job,) = self.q.store.jobs.claim(self.key, EVERY_QUEUE, 1, self.q.clock.now()).jobs
        return job

    def finish(
        self,
        job: Job,
        state: JobState,
        *,
        result: bytes | None = None,
        error: BaseException | None = None,
        ending: str | None = None,
        **more: Any,
    ) -> None:
        now = self.q.clock.now()
        told = None if error is None else dump(describe(error))
        ending = ending or ("SUCCESS" if state == JobState.SUCCEEDED else "FAILURE")
        attempt = Attempt(job.attempts, "hand@host", now, now, ending, result, told, 2048, "printed\n")
        done = Completion(job.id, job.run_token, self.key, state, now, job.retries, 0, None, attempt)
        assert self.q.store.jobs.finish([done._replace(**more)], now).applied == [True]
        self.q.store.bells.ring(Topic.RESULTS, [job.id])


@pytest.fixture
def hand(q: LocalQ) -> Hand:
    return Hand(q)


def test_an_unknown_id_reads_pending_and_does_not_exist(q: LocalQ) -> None:
    result = AsyncResult("nobody", q)

    assert (result.state, result.result, result.traceback, result.ready()) == ("PENDING", None, None, False)
    assert not result.exists()
    assert (result.args, result.kwargs, result.name, result.queue, result.retries) == (None,) * 5
    assert (result.parent, result.worker, result.date_done, result.attempts) == (None, None, None, [])
    with pytest.raises(TimeoutError, match=r"No job nobody appeared within 0 s\. Is this the queue"):
        result.get(timeout=0)


@pytest.mark.parametrize("bad", [None, 5])
def test_a_result_needs_an_id(q: LocalQ, bad: Any) -> None:
    with pytest.raises(ValueError, match="takes the id of a job"):
        AsyncResult(bad, q)


def test_a_result_with_an_empty_id_is_made_and_nothing_can_be_asked_of_it(q: LocalQ) -> None:
    result: AsyncResult[Any] = AsyncResult("", q)

    assert result.id == ""
    for ask in (lambda: result.state, lambda: result.result, result.get, result.ready):
        with pytest.raises(ValueError, match="empty id"):
            ask()


def test_a_result_follows_its_job(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result = add.apply_async((1,), {"y": 2}, queue="io")
    states = [result.state]
    job = hand.take()
    states.append(result.status)
    hand.finish(job, JobState.SUCCEEDED, result=b"3")
    states.append(result.state)

    assert states == ["PENDING", "STARTED", "SUCCESS"]
    assert (result.ready(), result.successful(), result.failed(), result.exists()) == (
        True,
        True,
        False,
        True,
    )
    assert (result.result, result.info, result.get(timeout=0), result.wait(0)) == (3, 3, 3, 3)
    assert (result.name, result.args, result.kwargs, result.queue) == ("add", (1,), {"y": 2}, "io")
    assert (result.worker, result.retries, result.traceback) == ("hand@host", 0, None)
    assert result.date_done is not None
    assert abs((result.date_done - datetime.now(UTC)).total_seconds()) < 60
    assert result.backend is q.store


def test_an_attempt_says_all_about_a_run(add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.READY, error=Boom("x"), ending="RETRY", retries=1)
    assert (result.state, repr(result.result)) == ("RETRY", "Boom('x')")
    assert "Boom" in (result.traceback or "")
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"1")

    first, second = result.attempts

    assert (first.number, first.worker, first.outcome, first.error) == (1, "hand@host", "RETRY", "Boom: x")
    assert (second.number, second.outcome, second.error, second.traceback) == (2, "SUCCESS", None, None)
    assert (second.peak_memory, second.output) == (2048 * 1024, "printed\n")
    assert second.started is not None
    assert second.started <= second.ended


def test_a_failure_is_raised_as_the_class_it_is(add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.FAILED, error=Boom("x"))

    assert result.failed()
    with pytest.raises(Boom, match="x"):
        result.get()
    with pytest.raises(Boom):
        result.maybe_reraise()
    with pytest.raises(Boom):
        result.throw()
    assert isinstance(result.get(propagate=False), Boom)
    assert isinstance(result.maybe_throw(propagate=False), Boom)


def test_throw_raises_what_it_is_given(q: LocalQ) -> None:
    with pytest.raises(KeyError):
        AsyncResult("any", q).throw(KeyError("x"))


def test_callbacks_of_get_are_called_with_id_and_result(add: Task[..., int], hand: Hand) -> None:
    heard: list[Any] = []
    result = add.delay(1)
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"5")

    result.get(callback=lambda *told: heard.append(told))
    result.then(lambda done: heard.append(done.id), on_error=lambda done: heard.append("no"))

    assert heard == [(result.id, 5), result.id]


def test_then_calls_on_error_after_a_failure(add: Task[..., int], hand: Hand) -> None:
    heard: list[Any] = []
    result = add.delay(1)
    hand.finish(hand.take(), JobState.FAILED, error=Boom("x"))

    result.then(heard.append, on_error=lambda done: heard.append(done.state))
    result.then(heard.append)

    assert heard == ["FAILURE"]


def test_waiting_ends_when_another_thread_finishes_the_job(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result, looks = add.delay(1), []
    job = hand.take()
    timer = threading.Timer(0.05, hand.finish, (job, JobState.SUCCEEDED), {"result": b"7"})
    timer.start()

    assert result.get(timeout=DEADLINE_S, on_interval=lambda: looks.append(1)) == 7
    assert looks
    timer.join()


def test_a_timeout_leaves_the_job_alone(add: Task[..., int]) -> None:
    result = add.delay(1)

    with pytest.raises(TimeoutError, match=r"within 0.01 s; it is PENDING. No worker is running: start one"):
        result.get(timeout=0.01)

    assert result.state == "PENDING"


def test_a_timeout_says_which_worker_the_job_lacks(q: LocalQ, add: Task[..., int]) -> None:
    mails = WorkerCard("u", "mails@host", "host", os.getpid(), "solo", 1, ("mails",), (), ("add",))
    q.store.workers.enter(mails, 0, 2**60)
    unserved, served = add.delay(1), add.apply_async((1,), queue="mails")
    unknown = q.send_task("other", (), queue="mails")

    for result, told in (
        (unserved, "No worker that runs serves queue celery"),
        (unknown, r"No worker that runs knows other: start one with its module \(-A\)"),
        (served, "it is PENDING. It goes on."),
    ):
        with pytest.raises(TimeoutError, match=f"{told}.* `localq why {result.id}` says more"):
            result.get(timeout=0.01)


@pytest.mark.parametrize(("timeout", "error"), [("x", TypeError), (True, TypeError), (float("nan"), ValueError)])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(
    add: Task[..., int], timeout: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"timeout={timeout!r} must be a number of seconds"):
        add.delay(1).get(timeout=timeout)


def test_coroutines_wait_together(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    async def main() -> list[int]:
        results = [await add.adelay(n) for n in range(50)]
        later = [await add.aapply_async((n,), queue="b") for n in range(2)]
        waiting = asyncio.gather(*results, *later)
        await asyncio.sleep(0)
        for _ in range(52):
            job = hand.take()
            hand.finish(job, JobState.SUCCEEDED, result=(job.args or b"")[2:-5])
        return list(await waiting)

    assert asyncio.run(main()) == [*range(50), 0, 1]


def test_an_awaited_failure_is_raised(add: Task[..., int], hand: Hand) -> None:
    async def main() -> None:
        result = await add.adelay(1)
        hand.finish(hand.take(), JobState.FAILED, error=Boom("x"))
        await result

    with pytest.raises(Boom):
        asyncio.run(main())


def test_loops_that_waited_leave_no_bells_behind(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    async def main() -> None:
        result = await add.adelay(1)
        waiting = asyncio.ensure_future(_awaited(result))
        await asyncio.sleep(0)
        hand.finish(hand.take(), JobState.SUCCEEDED, result=b"1")
        await waiting

    async def _awaited(result: AsyncResult[int]) -> int:
        return await result

    for _ in range(3):
        asyncio.run(main())
    gc.collect()

    assert list(q.store.database.folder.glob("r-*")) == []  # type: ignore[attr-defined]


def test_inside_a_task_nobody_may_wait(add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"1")
    token = current.request.set(Context(id="me"))
    try:
        with pytest.raises(RuntimeError, match=r"Never call result\.get\(\) within a task"):
            result.get()
        with pytest.raises(RuntimeError, match="within a task"):
            asyncio.run(_wait_for(result))
        with allow_join_result():
            assert result.get() == 1
            with denied_join_result(), pytest.raises(RuntimeError):
                result.get()
        assert result.get(disable_sync_subtasks=False) == 1
    finally:
        current.request.reset(token)


async def _wait_for(result: AsyncResult[int]) -> int:
    return await result


def test_a_waiting_job_that_is_revoked_never_runs(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    result.revoke(wait=True)

    assert result.state == "REVOKED"
    assert q.store.jobs.claim(hand.key, EVERY_QUEUE, 5, q.clock.now()).jobs == []
    with pytest.raises(TaskRevokedError):
        result.get()


def test_a_running_job_that_is_revoked_ends_but_never_runs_again(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    well, retried = add.delay(1), add.delay(2)
    first, second = hand.take(), hand.take()
    well.revoke()
    retried.revoke()
    hand.finish(first, JobState.SUCCEEDED, result=b"1")
    hand.finish(second, JobState.SCHEDULED, error=Boom("x"), ending="RETRY", retries=1)

    assert well.get() == 1
    assert retried.state == "REVOKED"
    with pytest.raises(TaskRevokedError):
        retried.get()


def test_a_retry_that_is_revoked_while_it_waits_is_revoked(add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.SCHEDULED, error=Boom("x"), ending="RETRY", retries=1)
    result.revoke()

    with pytest.raises(TaskRevokedError):
        result.get()
    assert result.traceback is None


def test_revoking_an_unknown_job_does_nothing(q: LocalQ) -> None:
    AsyncResult("nobody", q).revoke(terminate=True)

    assert not AsyncResult("nobody", q).exists()


@pytest.mark.parametrize("bad", ["BOGUS", 0, 9999])
def test_a_signal_that_is_none_is_refused(add: Task[..., int], bad: Any) -> None:
    with pytest.raises(ValueError, match="is no signal"):
        add.delay(1).revoke(terminate=True, signal=bad)


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "term", 15, None])
def test_a_signal_is_a_name_or_a_number(q: LocalQ, add: Task[..., int], hand: Hand, name: Any) -> None:
    result = add.delay(1)
    job = hand.take()
    result.revoke(terminate=True, signal=name)

    beat = q.store.workers.beat(hand.key, {job.id: job.run_token}, 2**60, q.clock.now())

    assert beat.cancel == {job.id: 15}


def test_a_forgotten_job_is_gone(add: Task[..., int], hand: Hand) -> None:
    result, waits = add.delay(1), add.delay(2)
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"1")
    assert result.get() == 1

    result.forget()
    waits.forget()

    assert not result.exists()
    assert result.attempts == []
    assert waits.exists()


def test_a_job_that_was_pruned_does_not_exist_though_its_result_was_read(
    q: LocalQ, add: Task[..., int], hand: Hand
) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"1")
    assert result.get() == 1

    q.store.jobs.prune(q.clock.now() + 1, 10)

    assert not result.exists()
    assert result.get() == 1


def test_a_job_run_again_starts_anew(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    hand.finish(hand.take(), JobState.FAILED, error=Boom("x"))
    assert q.requeue([result.id, "nobody"]) == [result.id]

    again = q.AsyncResult(result.id)

    assert (again.state, again.result, again.traceback) == ("PENDING", None, None)
    hand.finish(hand.take(), JobState.SUCCEEDED, result=b"4")
    assert again.get() == 4
    assert [run.outcome for run in again.attempts] == ["FAILURE", "SUCCESS"]


def test_a_state_of_its_own_is_shown_with_its_data(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    job = hand.take()
    q.store.jobs.note([Note(job.id, "PROGRESS", b'{"done":1}')], q.clock.now())
    during = (result.state, result.info)
    hand.finish(job, JobState.SUCCEEDED, result=b"1")

    assert during == ("PROGRESS", {"done": 1})
    assert (result.state, result.info) == ("SUCCESS", 1)


def test_a_running_job_that_said_nothing_tells_its_workers_process_and_name(
    q: LocalQ, add: Task[..., int], hand: Hand
) -> None:
    result = add.delay(1)
    before = (result.state, result.info)
    job = hand.take()

    assert before == ("PENDING", None)
    assert (result.state, result.info) == ("STARTED", {"pid": os.getpid(), "hostname": "hand@host"})
    assert result.result == result.info
    assert q.backend.get_task_meta(job.id)["result"] == result.info
    assert result.info.get("current", 0) == 0


def test_what_a_running_job_said_is_shown_instead_of_its_worker(q: LocalQ, add: Task[..., int], hand: Hand) -> None:
    result = add.delay(1)
    job = hand.take()
    q.store.jobs.note([Note(job.id, "LOADING", None)], q.clock.now())

    assert (result.state, result.info) == ("LOADING", None)


def test_a_job_whose_worker_is_forgotten_still_tells_a_mapping(
    q: LocalQ, add: Task[..., int], hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = add.delay(1)
    hand.take()
    monkeypatch.setattr(type(q.store.workers), "all", lambda self: [])

    assert result.info == {"pid": None, "hostname": None}


def test_an_ignored_result_is_none_at_once(add: Task[..., int]) -> None:
    result = add.apply_async((1,), ignore_result=True)

    assert result.ignored
    assert result.get(timeout=0) is None
    assert asyncio.run(_wait_for(result)) is None


def test_results_of_other_serializers_need_consent(q: LocalQ, hand: Hand) -> None:
    @q.task(serializer="pickle")
    def own() -> None: ...

    result = own.delay()
    stranger = q.send_task("elsewhere", serializer="pickle")
    payload = pickle.dumps({1: 2j})
    for _ in range(2):
        hand.finish(hand.take(), JobState.SUCCEEDED, result=payload)

    assert result.get() == {1: 2j}
    with pytest.raises(Exception, match="pickle"):
        stranger.get()
    q.conf.accept_content = ("json", "pickle")
    assert stranger.get() == {1: 2j}


def test_results_are_equal_by_id_and_travel_by_it(q: LocalQ, add: Task[..., int]) -> None:
    result = add.delay(1)

    assert result == add.AsyncResult(result.id) == q.AsyncResult(result.id) == result.id
    assert result != add.delay(1)
    assert len({result, q.AsyncResult(result.id)}) == 1
    assert pickle.loads(pickle.dumps(result)) == result
    assert (str(result), repr(result), result.task_id) == (
        result.id,
        f"<AsyncResult: {result.id}>",
        result.id,
    )
    assert (result.as_list(), result.as_tuple()) == ([result.id], ((result.id, None), None))


def test_an_app_without_jobs_opens_nothing(q: LocalQ) -> None:
    q.close()
    assert not Path(q.location).exists()
    assert repr(q) == f"<LocalQ tests {q.location}>"
