from __future__ import annotations

import asyncio
import contextlib
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from localq import (
    AsyncResult,
    EagerResult,
    LocalQ,
    SoftTimeLimitExceeded,
    Task,
    TimeLimitExceeded,
    chord,
    current,
    group,
)
from localq.exceptions import EncodeError, NotRegistered, TaskRevokedError
from localq.execution.soft_limit import AlarmLimiter
from tests.worker.waiting import DEADLINE_S


def spin(seconds: float) -> None:
    """Keep busy in Python code, where an error can arrive."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_a_call_runs_here_and_now(eager: LocalQ) -> None:
    ran_in = []

    @eager.task
    def add(x: int, y: int) -> int:
        ran_in.append(threading.get_ident())
        return x + y

    result = add.delay(2, 2)

    assert ran_in == [threading.get_ident()]
    assert (result.state, result.result, result.get(timeout=0)) == ("SUCCESS", 4, 4)
    assert result.successful()
    assert not Path("jobs.db").exists()


def test_an_error_is_kept_until_asked_for(eager: LocalQ) -> None:
    @eager.task
    def fail() -> None:
        raise KeyError("x")

    result = fail.delay()

    assert result.failed()
    assert isinstance(result.result, KeyError)
    assert "raise KeyError" in (result.traceback or "")
    with pytest.raises(KeyError):
        result.get()


def test_an_error_is_raised_by_the_call_when_it_propagates(eager: LocalQ) -> None:
    class Local(Exception):
        pass

    error = Local("this very one")

    @eager.task
    def fail() -> None:
        raise error

    @eager.task(ignore_result=True)
    def fail_unseen() -> None:
        raise error

    eager.conf.task_eager_propagates = True

    for task in (fail, fail_unseen):
        with pytest.raises(Local) as caught:
            task.delay()
        assert caught.value is error


def test_an_error_that_was_retried_away_does_not_propagate(eager: LocalQ) -> None:
    @eager.task(autoretry_for=(KeyError,))
    def twice() -> int:
        if twice.request.retries == 0:
            raise KeyError
        return 5

    eager.conf.task_eager_propagates = True

    assert twice.delay().get() == 5


def test_arguments_of_an_eager_call_are_written_down_as_for_a_worker(eager: LocalQ) -> None:
    @eager.task
    def echo(value: Any) -> Any:
        return value

    with pytest.raises(EncodeError):
        echo.delay(object())
    given = {"a": (1, 2)}
    got = echo.delay(given).get()

    assert got == given
    assert got is not given


def test_what_an_eager_task_returns_or_raises_is_handed_over_as_it_is(eager: LocalQ) -> None:
    class Odd(Exception):
        def __init__(self, one: object, two: object) -> None:
            self.both = one, two

    thing, error = object(), Odd(1, object())

    @eager.task
    def give() -> Any:
        return {"a": [thing]}

    @eager.task
    def fail() -> None:
        raise error

    assert give.delay().get()["a"][0] is thing
    assert fail.delay().result is error
    with pytest.raises(Odd) as raised:
        fail.delay().get()
    assert raised.value is error


def test_a_task_that_is_applied_gets_and_gives_the_very_objects(q: LocalQ) -> None:
    seen: list[Any] = []

    class Pair(NamedTuple):
        x: int

    @q.task(bind=True, max_retries=2)
    def look(self: Any, thing: Any, pair: Any, *, items: Any) -> Any:
        seen.append((thing, pair, items))
        items.append(self.request.retries)
        if self.request.retries < 2:
            raise self.retry(countdown=0)
        return thing

    thing, pair, items = object(), Pair(1), [0]
    result = look.apply((thing, pair), {"items": items})

    assert result.get() is thing
    assert all(one[0] is thing and one[1] is pair and one[2] is items for one in seen)
    assert items == [0, 0, 1, 2]
    assert result.state == "SUCCESS"


def test_arguments_that_a_retry_changes_are_those_of_the_next_run(q: LocalQ) -> None:
    @q.task(bind=True)
    def look(self: Any, thing: Any) -> Any:
        if self.request.retries == 0:
            raise self.retry(args=[(thing, 1)], countdown=0)
        return thing

    thing = object()

    assert look.apply((thing,)).get() == (thing, 1)


@pytest.mark.parametrize("how", ["apply", "delay"])
def test_steps_of_an_eager_workflow_hand_each_other_what_has_no_words(eager: LocalQ, how: str) -> None:
    @eager.task
    def pass_on(value: Any, *more: Any) -> Any:
        return [value, *more]

    thing = object()
    chained = getattr(pass_on.s(thing) | pass_on.s(1), how)()
    tied = getattr(chord([pass_on.s(thing), pass_on.s(2)], pass_on.s()), how)()
    grouped = getattr(group(pass_on.s(thing), pass_on.s(2)), how)()

    assert chained.get() == [[thing], 1]
    assert tied.get() == [[[thing], [2]]]
    assert grouped.get() == [[thing], [2]]
    assert isinstance(chained.parent, EagerResult)
    assert chained.parent.get() == [thing]
    assert all(isinstance(one, EagerResult) for one in (chained, tied, *grouped))


def test_nothing_without_words_reaches_a_file_from_within_an_eager_run(q: LocalQ) -> None:
    @q.task
    def inner(value: Any) -> None: ...

    @q.task
    def outer(value: Any) -> Any:
        inner.delay(value)

    with pytest.raises(EncodeError):
        outer.apply((object(),)).get()


def test_a_result_that_no_worker_could_write_fails_an_eager_call_where_that_is_asked_for(eager: LocalQ) -> None:
    @eager.task
    def twice(value: Any) -> Any:
        return [value, value]

    @eager.task
    def make() -> Any:
        return object()

    assert type(make.delay().get()) is object

    eager.conf.task_store_eager_result = True

    assert twice.delay(2).get() == [2, 2]
    for result in (make.delay(), make.apply(), (make.s() | twice.s()).delay()):
        assert result.state == "FAILURE"
        with pytest.raises(EncodeError):
            result.get()


def test_results_of_eager_calls_are_eager_results(eager: LocalQ) -> None:
    @eager.task
    def add(x: int, y: int) -> int:
        return x + y

    results = [
        add.delay(1, 2),
        add.apply_async((1, 2)),
        add.s(1, 2).apply_async(),
        add.s(1, 2).delay(),
        eager.send_task(add.name, (1, 2)),
        add.apply((1, 2)),
    ]

    assert [(type(one), one.get(), one.state, one.ready()) for one in results] == [
        (EagerResult, 3, "SUCCESS", True)
    ] * 6
    again = pickle.loads(pickle.dumps(results[0]))
    assert (again.id, again.get(), again.state) == (results[0].id, 3, "SUCCESS")


def test_an_eager_result_that_is_revoked_says_so(eager: LocalQ) -> None:
    @eager.task
    def one() -> int:
        return 1

    result = one.delay()
    result.revoke()

    assert (result.state, result.traceback, str(result.result)) == ("REVOKED", None, "revoked")
    with pytest.raises(TaskRevokedError):
        result.get()
    assert isinstance(result.get(propagate=False), TaskRevokedError)


def test_a_result_over_the_limit_is_a_failure(eager: LocalQ) -> None:
    @eager.task
    def big() -> str:
        return "x" * 100

    eager.conf.result_max_bytes = 50

    assert "over the limit of 50" in str(big.delay().result)


def test_ignored_results_are_at_hand_for_who_called_and_kept_for_nobody(eager: LocalQ) -> None:
    @eager.task(ignore_result=True)
    def one() -> int:
        return 1

    @eager.task
    def two() -> int:
        return 2

    assert (one.delay().get(), one.delay().result, one.apply().get()) == (1, 1, 1)
    assert one.apply_async(ignore_result=False).get() == 1
    ignored = two.apply_async(ignore_result=True)
    assert (ignored.get(), eager.AsyncResult(ignored.id).result) == (2, None)


def test_errors_of_ignored_results_are_kept_when_asked(eager: LocalQ) -> None:
    @eager.task(ignore_result=True)
    def lost() -> None:
        raise KeyError

    @eager.task(ignore_result=True, store_errors_even_if_ignored=True)
    def kept() -> None:
        raise KeyError

    assert eager.AsyncResult(lost.delay().id).result is None
    assert isinstance(eager.AsyncResult(kept.delay().id).result, KeyError)


def test_tasks_call_tasks_and_wait_for_them(eager: LocalQ) -> None:
    @eager.task
    def fact(n: int) -> int:
        return 1 if n < 2 else n * fact.delay(n - 1).get()

    assert fact.delay(5).get() == 120


def test_a_task_that_adds_its_own_id_again_does_not_wait_for_itself(eager: LocalQ) -> None:
    @eager.task
    def again() -> str:
        return again.apply_async(task_id="me").state

    assert again.apply_async(task_id="me").get() == "STARTED"


def test_waiting_is_skipped(eager: LocalQ) -> None:
    @eager.task(bind=True, default_retry_delay=3600)
    def slow(self: Task[Any, Any]) -> int:
        if self.request.retries < 3:
            raise self.retry()
        return self.request.retries

    assert slow.apply_async(countdown=3600).get(timeout=0) == 3


def test_expired_jobs_do_not_run(eager: LocalQ) -> None:
    @eager.task
    def late() -> None:
        raise AssertionError("ran")

    with pytest.warns(UserWarning, match="in the past"):
        result = late.apply_async(expires=-1)

    assert result.state == "REVOKED"
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get()


def test_an_unknown_task_is_a_failure(eager: LocalQ) -> None:
    assert isinstance(eager.send_task("nope").result, NotRegistered)
    eager.conf.task_eager_propagates = True
    with pytest.raises(NotRegistered):
        eager.send_task("nope")


def test_states_and_progress_are_seen_during_the_run(eager: LocalQ) -> None:
    seen = []

    @eager.task(bind=True)
    def work(self: Task[Any, Any]) -> None:
        assert self.request.id
        me = AsyncResult(self.request.id)
        seen.append(me.state)
        self.progress(1, 4, "a")
        seen.append((me.state, me.info))
        self.update_state(state="ODD", meta={"x": (1,)})
        seen.append((me.state, me.info))

    result = work.delay()

    told = {"done": 1, "total": 4, "message": "a"}
    assert seen == ["STARTED", ("PROGRESS", told), ("ODD", {"x": (1,)})]
    assert (result.state, result.info) == ("SUCCESS", None)


def left_of_alarm() -> float:
    """Return the seconds until an alarm of the program rings; 0 also where there are none."""
    return signal.getitimer(signal.ITIMER_REAL)[0] if hasattr(signal, "getitimer") else 0.0


def test_the_soft_limit_holds_and_may_be_survived(eager: LocalQ) -> None:
    before = left_of_alarm()

    @eager.task(soft_time_limit=0.05)
    def long(survive: bool) -> str:
        try:
            spin(5)
        except SoftTimeLimitExceeded:
            if not survive:
                raise
        return "tidied up"

    assert long.delay(True).get() == "tidied up"
    assert isinstance(long.delay(False).result, SoftTimeLimitExceeded)
    assert abs(left_of_alarm() - before) < 5


def test_the_hard_limit_holds(eager: LocalQ) -> None:
    @eager.task(soft_time_limit=0.02, time_limit=0.06)
    def stubborn() -> None:
        while True:
            with contextlib.suppress(SoftTimeLimitExceeded):
                spin(5)

    assert isinstance(stubborn.delay().result, TimeLimitExceeded)


def test_a_run_inside_another_leaves_its_limit_in_force(eager: LocalQ) -> None:
    @eager.task(soft_time_limit=30)
    def inner() -> int:
        return 1

    @eager.task(soft_time_limit=0.1)
    def outer() -> None:
        assert inner.delay().get() == 1
        spin(5)

    assert isinstance(outer.delay().result, SoftTimeLimitExceeded)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="there are no alarms")
def test_an_alarm_of_the_program_rings_after_the_run() -> None:
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        limiter = AlarmLimiter()
        limiter.start(10)
        spin(0.08)
        limiter.stop()
        limiter.start(10)
        limiter.stop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, left)
    assert rang == [1]


def test_the_soft_limit_holds_in_other_threads(eager: LocalQ) -> None:
    @eager.task(soft_time_limit=0.05)
    def long() -> None:
        spin(5)

    with ThreadPoolExecutor(1) as threads:
        result = threads.submit(long.delay).result(DEADLINE_S)

    assert isinstance(result.result, SoftTimeLimitExceeded)


def test_threads_call_at_the_same_time(eager: LocalQ) -> None:
    @eager.task
    def double(n: int) -> int:
        return 2 * n

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda n: double.delay(n).get(), range(100)))

    assert results == [2 * n for n in range(100)]


def test_a_task_may_wait_for_threads_that_call_tasks(eager: LocalQ) -> None:
    @eager.task
    def double(n: int) -> int:
        return 2 * n

    @eager.task
    def spread() -> list[int]:
        with ThreadPoolExecutor(3) as threads:
            return list(threads.map(lambda n: double.delay(n).get(), range(6)))

    assert spread.delay().get() == [0, 2, 4, 6, 8, 10]


def test_coroutines_run_to_their_end(eager: LocalQ) -> None:
    @eager.task
    async def add(x: int) -> int:
        await asyncio.sleep(0)
        return x + 1

    assert add.delay(1).get() == 2


def test_coroutines_run_inside_a_running_loop(eager: LocalQ) -> None:
    @eager.task
    def double(n: int) -> int:
        return 2 * n

    @eager.task(bind=True)
    async def outer(self: Task[Any, Any], n: int) -> list[Any]:
        await asyncio.sleep(0)
        return [self.request.id is not None, double.delay(n).get(), await double.delay(n + 1)]

    async def main() -> tuple[Any, Any]:
        return await (await outer.adelay(2)), await outer.delay(2)

    assert asyncio.run(main()) == ([True, 4, 6], [True, 4, 6])


def test_apply_runs_here_whatever_the_mode(q: LocalQ) -> None:
    @q.task(bind=True, max_retries=1, default_retry_delay=60)
    def work(self: Task[Any, Any], n: int) -> list[int]:
        self.progress(1, 2)
        if self.request.retries < 1:
            raise self.retry()
        return [n, self.request.retries]

    result = work.apply((5,))

    assert result.get() == [5, 1]
    assert len(result.attempts) == 2
    assert not Path(q.location).exists()


def test_apply_throws_when_asked(q: LocalQ) -> None:
    @q.task
    def fail() -> None:
        raise KeyError("x")

    assert isinstance(fail.apply().result, KeyError)
    with pytest.raises(KeyError):
        fail.apply(throw=True)


def test_a_chord_that_is_applied_raises_its_header_s_error_where_it_is_to_propagate(q: LocalQ) -> None:
    @q.task
    def fail() -> None:
        raise KeyError("x")

    @q.task
    def body(values: list[Any]) -> None: ...

    with pytest.raises(KeyError):
        chord([fail.s()], body.s()).apply(propagate=True)
    assert chord([fail.s()], body.s()).apply(propagate=False).state == "FAILURE"


def test_what_apply_calls_is_sent_as_ever(q: LocalQ) -> None:
    @q.task
    def later() -> None: ...

    @q.task
    def now() -> str:
        return later.delay().id

    assert q.AsyncResult(now.apply().get()).state == "PENDING"


def test_the_request_says_what_it_is_for(eager: LocalQ) -> None:
    seen: dict[str, Any] = {}

    @eager.task(bind=True, name="look", time_limit=50)
    def look(self: Task[Any, Any], *args: Any, **kwargs: Any) -> None:
        seen.update(self.request.__dict__, timelimit=self.request.timelimit, odd=self.request.get("odd", 5))
        seen["tenant"] = self.request.tenant
        seen["correlation_id"] = self.request.correlation_id

    result = look.apply_async(
        (1,),
        {"k": 2},
        headers={"tenant": "a"},
        shadow="s",
        soft_time_limit=40,
        queue="io",
        priority=3,
        expires=60,
        root_id="r",
        parent_id="p",
        group_id="g",
    )

    assert result.successful(), result.traceback
    assert (seen["id"], seen["task"], seen["args"], seen["kwargs"]) == (result.id, "look", [1], {"k": 2})
    assert (seen["retries"], seen["attempt"], seen["is_eager"], seen["called_directly"]) == (
        0,
        1,
        True,
        False,
    )
    routed = {"queue": "io", "routing_key": "io", "exchange": ""}
    assert seen["delivery_info"] == {**routed, "priority": 3, "redelivered": False}
    assert (seen["root_id"], seen["parent_id"], seen["group"], seen["shadow"]) == ("r", "p", "g", "s")
    assert seen["timelimit"] == (50, 40)
    assert seen["tenant"] == "a"
    assert seen["correlation_id"] == result.id
    assert seen["expires"].endswith("+00:00")
    assert seen["hostname"] == "eager"


def test_jobs_added_by_a_task_know_where_they_come_from(eager: LocalQ) -> None:
    @eager.task(bind=True)
    def leaf(self: Task[Any, Any]) -> list[Any]:
        return [self.request.parent_id, self.request.root_id]

    @eager.task(bind=True)
    def middle(self: Task[Any, Any]) -> list[Any]:
        return [self.request.id, self.request.root_id, leaf.delay().get()]

    @eager.task
    def root() -> Any:
        return middle.delay().get()

    result = root.delay()

    middle_id, middle_root, (leaf_parent, leaf_root) = result.get()
    assert middle_root == leaf_root == result.id
    assert leaf_parent == middle_id
    assert eager.AsyncResult(middle_id).parent == result
    assert eager.AsyncResult(middle_id).as_list() == [middle_id, result.id]
    assert eager.AsyncResult(middle_id).as_tuple() == ((middle_id, None), None)
    known = AsyncResult(middle_id, eager, parent=result)
    assert known.as_tuple() == ((middle_id, ((result.id, None), None)), None)
    assert current.request.get() is None


@pytest.mark.parametrize("ends", [SystemExit, KeyboardInterrupt])
def test_what_ends_a_program_ends_the_one_that_runs_its_tasks_itself(
    eager: LocalQ, ends: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    @eager.task
    def stop() -> None:
        raise ends(3)

    for call in (stop.delay, stop.apply, stop.s().delay):
        caplog.clear()
        with pytest.raises(ends):
            call()
        said = [one for one in caplog.messages if "it ends this program" in one]
        assert [one.partition(":")[0] for one in said] == ["A task raised SystemExit(3)"] * (ends is SystemExit)


def test_arguments_that_do_not_fit_fail_the_run_of_a_task_that_is_applied(q: LocalQ) -> None:
    @q.task
    def add(x: int, y: int) -> int:
        return x + y

    result = add.apply((1,))

    assert (result.state, type(result.result)) == ("FAILURE", TypeError)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        add.apply((1,), throw=True)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        add.delay(1)
