"""What subclasses override of sending is called wherever Celery calls it."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from localq import LocalQ, Reject, Retry, Signature, Task, chain, chord, current, group
from localq.exceptions import InvalidTaskError, TaskRevokedError
from localq.result import AsyncResult
from localq.testing import drain


class Tenant(Task[Any, Any]):
    """Gives each job a header, and writes down what was asked."""

    asked: list[Any] = []  # noqa: RUF012 - one for all

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        self.asked.append((self.name, tuple(args or ()), kwargs or {}))
        headers = {**(options.pop("headers", None) or {}), "tenant": "a"}
        return super().apply_async(args, kwargs, headers=headers, **options)


class Locked(Task[Any, Any]):
    """Sends nothing while it is locked."""

    locked = True

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        return None if self.locked else super().apply_async(args, kwargs, **options)


@pytest.fixture(autouse=True)
def _nothing_asked_yet() -> None:
    Tenant.asked.clear()
    Locked.locked = True


@pytest.fixture
def who(q: LocalQ) -> Any:
    @q.task(base=Tenant, bind=True, name="who")
    def who(self: Task[Any, Any], *args: Any) -> Any:
        return [self.request.get("tenant"), *args]

    return who


@pytest.fixture
def plain(q: LocalQ) -> Any:
    @q.task(name="plain")
    def plain(*args: Any) -> Any:
        return [*args]

    return plain


def test_every_way_to_call_a_task_calls_its_own_apply_async(q: LocalQ, who: Any) -> None:
    results = [
        who.delay(1),
        who.apply_async((1,)),
        who.s(1).delay(),
        who.s(1).apply_async(),
        who.signature((1,)).apply_async(),
        chain(who.si(1)).apply_async(),
        group([who.s(1)]).apply_async()[0],
        *q.enqueue_many([who.s(1)]),
    ]

    drain(q)

    assert [one.get() for one in results] == [["a", 1]] * len(results)
    assert Tenant.asked == [("who", (1,), {})] * len(results)


def test_a_call_by_name_asks_nothing_of_the_task(q: LocalQ, who: Any) -> None:
    result = q.send_task("who", (1,))

    drain(q)

    assert result.get() == [None, 1]


def test_each_step_of_a_workflow_is_asked_when_the_workflow_is_sent(q: LocalQ, who: Any, plain: Any) -> None:
    line = (plain.s(1) | who.s(2) | group(who.si(3), plain.si(4)) | who.s(5)).delay()
    asked = list(Tenant.asked)
    ends = chord([who.s(6), plain.s(7)])(who.s(8))

    drain(q)

    assert asked == [("who", (2,), {}), ("who", (3,), {}), ("who", (5,), {})]
    assert line.get() == ["a", [["a", 3], [4]], 5]
    assert ends.get() == ["a", [["a", 6], [7]], 8]


def test_what_an_override_changes_of_a_step_holds_for_it(q: LocalQ) -> None:
    class Wrapped(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            return super().apply_async((*args, "wrapped"), {"n": 9}, priority=7, queue="slow", **options)

    @q.task(base=Wrapped, bind=True)
    def work(self: Task[Any, Any], *args: Any, n: int = 0) -> Any:
        assert self.request.delivery_info
        return [*args, n, self.request.delivery_info["queue"], self.request.delivery_info["priority"]]

    result = (work.s(1) | work.s()).delay()
    drain(q)

    first = [1, "wrapped", 9, "slow", 7]
    assert result.get() == [first, "wrapped", 9, "slow", 7]
    assert result.parent.get() == first


def test_a_callback_is_asked_when_it_is_its_turn(q: LocalQ, who: Any, plain: Any) -> None:
    result = plain.apply_async((1,), link=[who.s(2), plain.s(3)])
    assert not Tenant.asked

    drain(q)

    assert Tenant.asked == [("who", ([1], 2), {})]
    (both,) = result.children
    ends = {child.name: child.get() for child in both.results}
    assert ends == {"who": ["a", [1], 2], "plain": [[1], 3]}


def test_an_error_callback_that_gets_the_id_is_asked(q: LocalQ, who: Any) -> None:
    @q.task
    def fail() -> None:
        raise KeyError("x")

    result = fail.apply_async(link_error=[who.si(1), who.s(2)])
    drain(q)

    assert Tenant.asked == [("who", (1,), {}), ("who", (result.id, 2), {})]
    assert sorted(map(repr, (child.get() for child in result.children))) == sorted(
        map(repr, (["a", 1], ["a", result.id, 2]))
    )


def test_error_callbacks_that_send_nothing_leave_the_others(q: LocalQ, who: Any) -> None:
    @q.task
    def fail() -> None:
        raise KeyError("x")

    @q.task(base=Locked)
    def alarm(job_id: str) -> None: ...

    result = fail.apply_async(link_error=[alarm.s(), who.s()])
    drain(q)

    assert [child.get() for child in result.children] == [["a", result.id]]


def test_a_retry_is_asked_and_keeps_what_the_override_gave(q: LocalQ) -> None:
    class Traced(Tenant):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            headers = {"retries": options.get("retries", 0), **(options.pop("headers", None) or {})}
            return super().apply_async(args, kwargs, headers={**headers, "asked": len(self.asked)}, **options)

    @q.task(base=Traced, bind=True, name="again")
    def again(self: Task[Any, Any], x: int) -> Any:
        if self.request.retries < 2:
            raise self.retry(args=(x + 1,), countdown=0)
        return [x, self.request.get("tenant"), self.request.get("asked"), self.request.id]

    result = again.apply_async((1,), queue="q")
    drain(q)

    assert result.get() == [3, "a", 2, result.id]
    assert [args for _, args, _ in Tenant.asked] == [(1,), (2,), (3,)]
    assert result.queue == "q"


def test_a_retry_is_due_when_the_override_says(q: LocalQ) -> None:
    class Patient(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            options["countdown"] = 0
            return super().apply_async(args, kwargs, **options)

    @q.task(base=Patient, bind=True)
    def again(self: Task[Any, Any]) -> int:
        if not self.request.retries:
            raise self.retry(countdown=3600)
        return self.request.retries

    result = again.delay()
    drain(q)

    assert result.get() == 1


def test_a_retry_that_is_not_sent_revokes_the_job_and_one_that_raises_rejects_it(q: LocalQ) -> None:
    class Once(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            if options.get("retries"):
                if args[0]:
                    raise LookupError("no more")
                return None
            return super().apply_async(args, kwargs, **options)

    @q.task(base=Once, bind=True)
    def again(self: Task[Any, Any], fails: bool) -> None:
        raise self.retry(countdown=0)

    unsent, failed = again.delay(False), again.delay(True)
    drain(q)

    assert unsent.state == "REVOKED"
    assert isinstance(unsent.result, TaskRevokedError)
    assert isinstance(failed.result, Reject)


def test_a_retry_goes_on_where_the_override_says_that_the_job_is_there(q: LocalQ) -> None:
    class Singleton(Task[Any, Any]):
        running: str | None = None

        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            if type(self).running:
                return self.AsyncResult(type(self).running)
            result = super().apply_async(args, kwargs, **options)
            type(self).running = result.id
            return result

    @q.task(base=Singleton, bind=True)
    def again(self: Task[Any, Any]) -> int:
        if not self.request.retries:
            raise self.retry(countdown=0)
        return self.request.retries

    result = again.delay()
    same = again.delay()
    drain(q)

    assert result.get() == 1
    assert same.id == result.id


def test_a_step_that_is_not_sent_leaves_out_those_behind_it(q: LocalQ, plain: Any) -> None:
    @q.task(base=Locked, name="locked")
    def locked(*args: Any) -> None: ...

    line = (plain.s(1) | locked.s() | plain.s(2)).delay()
    many = group(plain.s(3), locked.s()).delay()
    body = chord([plain.s(4), locked.s()])(plain.s(5))
    none = locked.delay()
    drain(q)

    assert line.state == line.parent.state == "PENDING"
    assert not line.exists()
    assert line.parent.parent.get() == [1]
    assert [one.state for one in many] == ["SUCCESS", "PENDING"]
    assert body.state == "PENDING"
    assert none is None


def test_a_call_that_would_replace_a_job_and_is_not_sent_fails_it(q: LocalQ) -> None:
    @q.task(base=Locked, name="locked")
    def locked() -> None: ...

    @q.task(bind=True)
    def host(self: Task[Any, Any]) -> None:
        raise self.replace(locked.si())

    result = host.delay()
    drain(q)

    assert isinstance(result.result, InvalidTaskError)


def test_an_override_may_send_other_jobs_as_well(q: LocalQ, plain: Any) -> None:
    class Loud(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            plain.delay("told")
            result = super().apply_async(args, kwargs, **options)
            super().apply_async(("twice",), task_id="second")
            return result

    @q.task(base=Loud, name="loud")
    def loud(x: str) -> str:
        return x

    result = group([loud.s("once")]).delay()
    ran = [one.get() for one in drain(q)]

    assert sorted(map(str, ran)) == ["['told']", "once", "twice"]
    assert result.get() == ["once"]


def test_a_method_that_a_test_puts_in_the_place_of_apply_async_is_called(q: LocalQ, plain: Any) -> None:
    with mock.patch.object(plain, "apply_async") as called:
        plain.delay(1)
        plain.s(2).delay()
        group(plain.s(3)).delay()

    assert [call.args[0] for call in called.call_args_list] == [(1,), (2,), (3,)]
    assert not drain(q)


def test_eager_calls_ask_as_well_and_apply_does_not(eager: LocalQ) -> None:
    @eager.task(base=Tenant, bind=True, name="who")
    def who(self: Task[Any, Any], *args: Any) -> Any:
        return self.request.get("tenant")

    assert [who.delay().get(), who.s().delay().get(), (who.s() | who.s()).delay().get()] == ["a"] * 3
    assert [who.apply().get(), (who.s() | who.s()).apply().get()] == [None] * 2


def test_a_tasks_own_apply_is_called_for_its_signatures(eager: LocalQ) -> None:
    class Loud(Task[Any, Any]):
        def apply(self, args: Any = None, kwargs: Any = None, throw: bool | None = None, **options: Any) -> Any:
            return super().apply((*args, "loud"), kwargs, throw, **options)

    @eager.task(base=Loud)
    def work(*args: Any) -> Any:
        return args

    assert work.s(1).apply((0,)).get() == (0, 1, "loud")


def test_an_apps_own_send_task_is_called_for_the_calls_of_its_tasks() -> None:
    sent: list[Any] = []

    class App(LocalQ):
        def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            sent.append((name, tuple(args), options["task_type"].name if "task_type" in options else None))
            return super().send_task(name, args, kwargs, **{**options, "headers": {"by": "app"}})

    app = App("tests", path=":memory:")

    @app.task(bind=True, name="who")
    def who(self: Task[Any, Any], *args: Any) -> Any:
        return self.request.get("by")

    results = [who.delay(1), who.s(2).delay(), app.send_task("who", (3,)), (who.si(4) | who.si(5)).delay()]
    drain(app)

    assert [one.get() for one in results] == ["app"] * 4
    assert sent == [
        ("who", (1,), "who"),
        ("who", (2,), "who"),
        ("who", (3,), None),
        *[("who", (n,), "who") for n in (4, 5)],
    ]
    app.close()
    current.set_app(None)


def test_a_tasks_own_result_and_signature_are_what_its_calls_return(q: LocalQ) -> None:
    class Mine(AsyncResult[Any]):
        pass

    class Special(Task[Any, Any]):
        def AsyncResult(self, task_id: str) -> Mine:  # noqa: N802
            return Mine(task_id, self.app)

        def signature(self, args: Any = None, kwargs: Any = None, **options: Any) -> Signature[Any]:
            return super().signature(args, kwargs, **{**options, "queue": "special"})

    @q.task(base=Special)
    def work() -> None: ...

    line = (work.si() | work.si()).delay()
    for result in (work.delay(), work.s().delay(), line, line.parent, group([work.si()]).delay()[0]):
        assert isinstance(result, Mine)
    assert [work.s().options, work.si().options] == [{"queue": "special"}] * 2
    assert work.si().immutable


def test_an_apps_own_result_is_what_calls_return() -> None:
    class Mine(AsyncResult[Any]):
        pass

    class App(LocalQ):
        def AsyncResult(self, id: str) -> Mine:  # noqa: N802
            return Mine(id, self)

    app = App("tests", path=":memory:")

    @app.task
    def work() -> None: ...

    assert isinstance(work.delay(), Mine)
    assert isinstance(app.send_task(work.name), Mine)
    assert isinstance(work.AsyncResult("x"), Mine)
    app.close()
    current.set_app(None)


def test_an_error_of_an_override_is_the_callers(q: LocalQ, plain: Any) -> None:
    class Full(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            raise Retry("queue full")

    @q.task(base=Full)
    def full() -> None: ...

    for call in (full.delay, full.s().delay, (plain.s() | full.si()).delay):
        with pytest.raises(Retry, match="queue full"):
            call()

    assert not drain(q)
