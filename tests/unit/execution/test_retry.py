from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localq import Ignore, LocalQ, MaxRetriesExceededError, Reject, Retry, Task
from localq.execution.attempt import run
from localq.execution.policy import rules_of
from localq.execution.retry import backoff
from localq.execution.running import Runtime
from localq.model.clock import from_datetime
from localq.model.job import Job
from localq.model.outcome import Ending, Outcome
from localq.testing import drain

NOW = 1_700_000_000_000_000


class Stopped:
    """A clock that stands still."""

    def now(self) -> int:
        return NOW

    def steady(self) -> float:
        return 0.0


def attempt_of(q: LocalQ, task: Task[..., Any], *, retries: int = 0, args: bytes = b"[[],{}]") -> Outcome:
    """Return what the next run of a job comes to, at a time that stands still."""
    job = Job(1, "j", task.name, "q", 0, 2, 0, None, 1, 1, 1, retries, 0, 0, None, 0, None, args, None)
    return run(task, job, rules_of(job, task, q.conf).terms, Runtime("w", Stopped(), q.conf))


def seconds_until(outcome: Outcome) -> float:
    assert outcome.ending == Ending.RETRY
    assert outcome.run_at is not None
    return (outcome.run_at - NOW) / 1e6


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 180),
        ({"countdown": 5}, 5),
        ({"countdown": 0}, 0),
        ({"countdown": timedelta(minutes=1)}, 60),
        ({"eta": datetime.fromtimestamp(NOW / 1e6 + 30, UTC)}, 30),
        ({"eta": datetime.fromtimestamp(NOW / 1e6 + 30, UTC).replace(tzinfo=None)}, 30),
    ],
)
def test_a_retry_runs_when_it_says(q: LocalQ, given: dict[str, Any], seconds: float) -> None:
    @q.task(bind=True)
    def again(self: Task[Any, Any]) -> None:
        raise self.retry(**given)

    assert seconds_until(attempt_of(q, again)) == seconds


def test_the_default_delay_is_the_tasks(q: LocalQ) -> None:
    @q.task(bind=True, default_retry_delay=7)
    def again(self: Task[Any, Any]) -> None:
        self.retry()

    assert seconds_until(attempt_of(q, again)) == 7


@pytest.fixture
def mailing(q: LocalQ) -> Any:
    """Return a task that sends each mail that cannot be delivered yet again later, by itself."""

    @q.task(bind=True, name="mail", max_retries=2)
    def mail(self: Task[Any, Any], mails: list[str], bad: int = 1) -> list[Any]:
        for one in mails:
            if one.startswith("bad") and self.request.retries < bad:
                self.retry(args=([one],), kwargs={"bad": bad}, countdown=60, throw=False)
        return [self.request.retries, *mails]

    return mail


def test_a_retry_that_is_not_thrown_is_a_job_of_its_own_each(q: LocalQ, mailing: Any) -> None:
    result = mailing.apply_async((["bad 1", "good", "bad 2"],), queue="mails", headers={"tenant": "a"})
    drain(q)
    now = [result.state, result.get(), sorted(child.state for child in result.children)]
    drain(q, scheduled=True)

    assert now == ["SUCCESS", [0, "bad 1", "good", "bad 2"], ["PENDING", "PENDING"]]
    assert sorted(child.get() for child in result.children) == [[1, "bad 1"], [1, "bad 2"]]
    assert {child.queue for child in result.children} == {"mails"}


def test_retries_that_are_not_thrown_count_and_end(q: LocalQ, mailing: Any) -> None:
    result = mailing.delay(["bad"], 5)
    ran = drain(q, scheduled=True)

    assert [one.state for one in ran] == ["SUCCESS", "SUCCESS", "FAILURE"]
    assert isinstance(ran[-1].result, MaxRetriesExceededError)
    assert result.get() == [0, "bad"]


def test_a_retry_that_is_not_thrown_is_there_though_the_run_fails(q: LocalQ) -> None:
    @q.task(bind=True)
    def work(self: Task[Any, Any]) -> int:
        if self.request.retries:
            return self.request.retries
        self.retry(throw=False)
        raise KeyError("after that")

    result = work.delay()
    drain(q, scheduled=True)

    assert isinstance(result.result, KeyError)
    assert [child.get() for child in result.children] == [1]


def test_a_retry_that_is_not_thrown_has_the_callbacks_too(q: LocalQ, mailing: Any) -> None:
    heard: list[Any] = []

    @q.task
    def hear(mails: list[Any]) -> None:
        heard.append(mails)

    mailing.apply_async((["bad"],), link=hear.s())
    drain(q, scheduled=True)

    assert heard == [[0, "bad"], [1, "bad"]]


def test_a_retry_that_is_raised_after_all_is_made_once_under_the_same_id(q: LocalQ) -> None:
    @q.task(bind=True)
    def work(self: Task[Any, Any]) -> Any:
        if not self.request.retries:
            raise self.retry(throw=False, countdown=0)
        return self.request.id

    result = work.delay()
    ran = drain(q, scheduled=True)

    assert [one.id for one in ran] == [result.id, result.id]
    assert result.get() == result.id
    assert not result.children


def test_a_retry_that_is_raised_when_its_own_job_has_begun_is_not_made_twice(q: LocalQ) -> None:
    @q.task(bind=True)
    def work(self: Task[Any, Any]) -> int:
        if self.request.retries:
            return self.request.retries
        again = self.retry(throw=False, countdown=0)
        drain(q)
        raise again

    result = work.delay()
    drain(q, scheduled=True)

    assert result.state == "IGNORED"
    assert [child.get() for child in result.children] == [1]


def test_a_call_may_say_how_many_retries_there_were(q: LocalQ) -> None:
    @q.task(bind=True, max_retries=3)
    def work(self: Task[Any, Any]) -> int:
        if self.request.retries < 3:
            self.retry(countdown=0)
        return self.request.retries

    result = work.apply_async(retries=2)
    drain(q, scheduled=True)

    assert result.get() == 3
    with pytest.raises(ValueError, match="retries=-1"):
        work.apply_async(retries=-1)


def test_a_retry_may_be_returned_instead_of_raised(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def twice(self: Task[Any, Any]) -> int:
        if self.request.retries == 0:
            again = self.retry(throw=False)
            assert isinstance(again, Retry)
            raise again
        return self.request.retries

    assert twice.delay().get() == 1


@pytest.mark.parametrize(
    ("called", "again", "then"),
    [
        (((1,), {"y": 2}), {}, [1, 2, 0]),
        (((), {"x": 1, "y": 5}), {"kwargs": {"x": 2}}, [2, 0, 0]),
        (((1, 2), {}), {"kwargs": {"y": 5}}, [1, 5, 0]),
        (((1, 2), {"z": 3}), {"kwargs": {"y": 5}}, [1, 5, 0]),
        (((1, 2), {"z": 3}), {"args": (9,)}, [9, 0, 3]),
        (((), {"x": 1, "z": 3}), {"args": (9,)}, [9, 0, 3]),
        (((1,), {"y": 2}), {"args": (9,), "kwargs": {}}, [9, 0, 0]),
        (((1, 2, 3), {}), {"args": (9,), "kwargs": {"z": 4}}, [9, 0, 4]),
    ],
)
def test_a_retry_keeps_the_arguments_that_those_given_do_not_replace(
    eager: LocalQ, called: tuple[Any, Any], again: dict[str, Any], then: list[int]
) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any], x: int = 0, y: int = 0, z: int = 0) -> list[int]:
        if self.request.retries == 0:
            raise self.retry(countdown=0, **again)
        return [x, y, z]

    assert work.apply_async(*called).get() == then


def test_a_retry_leaves_arguments_that_have_no_names_where_they_were(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any], x: int, /, y: int, *more: int, **named: int) -> list[Any]:
        if self.request.retries == 0:
            raise self.retry(countdown=0, kwargs={"y": 7, "x": 8})
        return [x, y, more, named]

    assert work.delay(1, 2, 3).get() == [1, 7, (3,), {"x": 8}]


def test_a_retry_changes_queue_priority_and_limits(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any]) -> list[Any]:
        if self.request.retries == 0:
            self.retry(queue="slow", priority=1, time_limit=90, headers={"a": 1}, ignore_result=False)
        assert self.request.delivery_info
        info = self.request.delivery_info
        return [info["queue"], info["priority"], self.request.timelimit, self.request.headers]

    result = work.apply_async(queue="fast", priority=9, soft_time_limit=50)

    assert result.get() == ["slow", 1, (90, 50), {"a": 1}]
    assert result.queue == "slow"


def test_what_a_retry_does_not_name_stays(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any], x: int) -> list[Any]:
        if self.request.retries == 0:
            self.retry()
        assert self.request.delivery_info
        info = self.request.delivery_info
        return [x, info["queue"], info["priority"], self.request.headers]

    result = work.apply_async((1,), queue="fast", priority=9, headers={"a": 1})

    assert result.get() == [1, "fast", 9, {"a": 1}]


@pytest.mark.parametrize(
    ("bad", "message"), [({"qeue": "a"}, "Did you mean 'queue'"), ({"priority": 99}, "priority=99")]
)
def test_a_retry_with_an_option_that_cannot_be_is_the_tasks_error(
    eager: LocalQ, bad: dict[str, Any], message: str
) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any]) -> None:
        self.retry(**bad)

    result = work.delay()

    assert result.failed()
    assert message in str(result.result)


def test_when_no_retry_is_left_the_reason_is_raised(eager: LocalQ) -> None:
    @eager.task(bind=True, max_retries=2)
    def work(self: Task[Any, Any], with_reason: bool) -> None:
        self.retry(exc=KeyError("why") if with_reason else None)

    with_reason, without = work.delay(True), work.delay(False)

    assert isinstance(with_reason.result, KeyError)
    assert isinstance(without.result, MaxRetriesExceededError)
    assert f"Can't retry {work.name}[{without.id}] args:[False] kwargs:{{}}" in str(without.result)
    assert without.retries == 2
    assert [run.outcome for run in without.attempts] == ["RETRY", "RETRY", "FAILURE"]


@pytest.mark.parametrize(("most", "runs"), [(0, 1), (1, 2), (None, 25)])
def test_the_number_of_retries_is_limited_or_not(eager: LocalQ, most: int | None, runs: int) -> None:
    ran = []

    @eager.task(bind=True, max_retries=most)
    def work(self: Task[Any, Any]) -> None:
        ran.append(1)
        if len(ran) < 25:
            self.retry()

    work.delay()

    assert len(ran) == runs


def test_the_limit_of_a_call_or_of_one_retry_goes_before_the_tasks(eager: LocalQ) -> None:
    @eager.task(bind=True, max_retries=9)
    def work(self: Task[Any, Any], here: int | None) -> None:
        self.retry(max_retries=here)

    assert work.apply_async((None,), max_retries=1).retries == 1
    assert work.delay(2).retries == 2


@pytest.mark.parametrize("listed", [(KeyError,), (LookupError,), (ValueError, KeyError)])
def test_listed_errors_are_retried_by_themselves(q: LocalQ, listed: Any) -> None:
    @q.task(autoretry_for=listed)
    def fail() -> None:
        raise KeyError("x")

    outcome = attempt_of(q, fail)

    assert seconds_until(outcome) == 180
    assert b"KeyError" in (outcome.failure or b"")
    assert attempt_of(q, fail, retries=3).ending == Ending.FAILURE


def test_excluded_errors_and_words_to_the_worker_are_not_retried(q: LocalQ) -> None:
    errors: list[Any] = [KeyError("x"), Ignore(), Reject("no"), SystemExit(3)]

    @q.task(autoretry_for=(Exception,), dont_autoretry_for=(LookupError,))
    def fail() -> None:
        raise errors.pop(0)

    endings = [attempt_of(q, fail).ending for _ in range(4)]

    assert endings == [Ending.FAILURE, Ending.IGNORED, Ending.REJECTED, Ending.FAILURE]


def test_retry_kwargs_go_with_each_retry(q: LocalQ) -> None:
    @q.task(autoretry_for=(KeyError,), retry_kwargs={"max_retries": 1, "countdown": 4})
    def fail() -> None:
        raise KeyError

    assert seconds_until(attempt_of(q, fail)) == 4
    assert attempt_of(q, fail, retries=1).ending == Ending.FAILURE


def test_the_wait_between_retries_grows(q: LocalQ) -> None:
    @q.task(autoretry_for=(KeyError,), retry_backoff=3, retry_backoff_max=20, retry_jitter=False, max_retries=None)
    def fail() -> None:
        raise KeyError

    waits = [seconds_until(attempt_of(q, fail, retries=n)) for n in range(5)]

    assert waits == [3, 6, 12, 20, 20]


def test_jitter_stays_within_the_wait(q: LocalQ) -> None:
    @q.task(autoretry_for=(KeyError,), retry_backoff=True, max_retries=None)
    def fail() -> None:
        raise KeyError

    waits = {seconds_until(attempt_of(q, fail, retries=3)) for _ in range(200)}

    assert waits <= set(range(9))
    assert {0, 8} <= waits


def test_backoff_never_overflows_and_is_repeatable() -> None:
    assert backoff(1, 10_000, maximum=600, jitter=False) == 600
    assert backoff(0, 0, maximum=600, jitter=False) == 1
    assert backoff(1, 5, maximum=0, jitter=True) == 0
    one, other = (backoff(1, 9, maximum=600, jitter=True, rng=random.Random(5)) for _ in range(2))
    assert one == other


def test_a_job_that_waits_for_its_retry_shows_the_reason(q: LocalQ) -> None:
    @q.task(bind=True)
    def again(self: Task[Any, Any]) -> None:
        try:
            raise KeyError("the reason")
        except KeyError as error:
            self.retry(exc=error, countdown=from_datetime(datetime.now(UTC)) / 1e6)

    outcome = attempt_of(q, again)

    assert b"the reason" in (outcome.failure or b"")
    assert b"KeyError" in (outcome.failure or b"")


class Told(Task[Any, Any]):
    """Writes down its hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        self.heard.append(("before_start", args, kwargs))

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        self.heard.append(("on_success", retval))

    def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.heard.append(("on_retry", repr(exc), einfo.type.__name__))

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.heard.append(("on_failure", repr(exc), "Traceback" in str(einfo)))

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.heard.append(("after_return", status))


def test_hooks_are_called_in_order(eager: LocalQ) -> None:
    @eager.task(base=Told, bind=True, max_retries=1)
    def work(self: Any, fail: bool) -> int:
        self.heard.append("run")
        if fail:
            self.retry(exc=KeyError("x"))
        return 5

    work.delay(False)
    good, work.heard = work.heard, []  # type: ignore[attr-defined]
    work.delay(fail=True)

    assert good == [
        ("before_start", (False,), {}),
        "run",
        ("on_success", 5),
        ("after_return", "SUCCESS"),
    ]
    assert work.heard == [  # type: ignore[attr-defined]
        ("before_start", (), {"fail": True}),
        "run",
        ("on_retry", "KeyError('x')", "KeyError"),
        ("before_start", (), {"fail": True}),
        "run",
        ("on_failure", "KeyError('x')", True),
        ("after_return", "FAILURE"),
    ]


def test_an_error_in_before_start_is_the_attempts(eager: LocalQ) -> None:
    class Refusing(Task[Any, Any]):
        def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
            raise KeyError("not today")

    @eager.task(base=Refusing)
    def work() -> None: ...

    assert isinstance(work.delay().result, KeyError)


def test_an_error_in_a_later_hook_is_logged_and_changes_nothing(
    eager: LocalQ, caplog: pytest.LogCaptureFixture
) -> None:
    class Clumsy(Task[Any, Any]):
        def on_success(self, *args: Any) -> None:
            raise KeyError("on_success")

        def after_return(self, *args: Any) -> None:
            raise SystemExit(1)

    @eager.task(base=Clumsy, name="clumsy")
    def work() -> int:
        return 5

    assert work.delay().get() == 5
    assert [record.getMessage().split("[")[0] for record in caplog.records] == [
        "on_success of clumsy",
        "after_return of clumsy",
    ]


def test_an_ignored_job_keeps_no_outcome(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def work(self: Task[Any, Any], state: str | None) -> None:
        if state:
            self.update_state(state=state, meta={"x": 1})
        raise Ignore

    plain, own = work.delay(None), work.delay("MINE")

    assert (plain.state, plain.ready(), plain.get()) == ("IGNORED", True, None)
    assert (own.state, own.info) == ("MINE", {"x": 1})


def test_a_rejected_job_is_a_failure_or_goes_back(eager: LocalQ) -> None:
    ran = []

    @eager.task
    def work(requeue: bool) -> int:
        ran.append(1)
        if requeue and len(ran) > 2:
            return len(ran)
        raise Reject("not here", requeue=requeue)

    refused, back = work.delay(False), work.delay(True)

    assert refused.state == "FAILURE"
    assert isinstance(refused.result, Reject)
    assert "not here" in str(refused.result)
    assert back.get() == 3
    assert back.retries == 0
