"""Whoever hears of what is sent, or sends in its own way, is asked for the jobs that LocalQ makes as for any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localq import LocalQ, Task, chord
from localq.exceptions import TaskRevokedError
from localq.signals import after_task_publish, before_task_publish, task_postrun, task_prerun
from localq.testing import drain


@pytest.fixture
def sent() -> Iterator[list[Any]]:
    """Give each job that is sent a header, and a keyword argument where its task takes any; write down what was."""
    heard: list[Any] = []

    def before(sender: str, headers: Any, body: Any, properties: Any, **_more: Any) -> None:
        heard.append(("before", sender, headers["retries"], body[0]))
        headers["tenant"] = f"tenant {len(heard)}"
        if sender == "show":
            body[1]["schema"] = "public"
        if sender == "urgent":
            properties["priority"] = 9
            headers["shadow"] = "very urgent"

    def after(sender: str, headers: Any, body: Any, **_more: Any) -> None:
        heard.append(("after", sender, headers["tenant"], body[1].get("schema")))

    before_task_publish.connect(before)
    after_task_publish.connect(after)
    yield heard
    before_task_publish.disconnect(before)
    after_task_publish.disconnect(after)


@pytest.fixture
def show(q: LocalQ) -> Any:
    @q.task(bind=True, name="show")
    def show(self: Task[Any, Any], *args: Any, schema: str = "none") -> Any:
        return [self.request.get("tenant"), schema, *args]

    return show


@pytest.fixture
def fail(q: LocalQ) -> Any:
    @q.task(name="fail")
    def fail() -> None:
        raise KeyError("x")

    return fail


def befores(sent: list[Any]) -> list[Any]:
    return [(name, retries, args) for said, name, retries, args in sent if said == "before"]


def test_what_receivers_change_of_a_call_is_what_runs(q: LocalQ, sent: list[Any], show: Any) -> None:
    @q.task(bind=True, name="urgent")
    def urgent(self: Task[Any, Any]) -> Any:
        assert self.request.delivery_info
        return [self.request.delivery_info["priority"], self.request.shadow]

    results = [show.delay(1), urgent.delay()]
    drain(q)

    assert [one.get() for one in results] == [["tenant 1", "public", 1], [9, "very urgent"]]
    assert sent[:2] == [("before", "show", 0, (1,)), ("after", "show", "tenant 1", "public")]


def test_a_callback_is_told_of_in_the_run_it_follows_from(q: LocalQ, sent: list[Any], show: Any) -> None:
    result = show.apply_async((1,), link=show.s(2))
    drain(q)

    (child,) = result.children
    assert child.get() == ["tenant 3", "public", ["tenant 1", "public", 1], 2]
    assert befores(sent) == [("show", 0, (1,)), ("show", 0, (["tenant 1", "public", 1], 2))]
    assert [said for said, *_ in sent] == ["before", "after", "before", "after"]


def test_an_error_callback_is_told_of(q: LocalQ, sent: list[Any], show: Any, fail: Any) -> None:
    result = fail.apply_async(link_error=show.si(2))
    drain(q)

    assert [child.get() for child in result.children] == [["tenant 3", "public", 2]]
    assert befores(sent) == [("fail", 0, ()), ("show", 0, (2,))]


def test_an_error_callback_that_no_run_could_make_is_told_of_before_it_runs(
    q: LocalQ, sent: list[Any], show: Any, fail: Any
) -> None:
    runs: list[str] = []
    task_prerun.connect(lambda sender, **_more: runs.append(sender.name), weak=False, dispatch_uid="runs")
    task_postrun.connect(lambda state, **_more: runs.append(state), weak=False, dispatch_uid="runs")
    try:
        result = chord([fail.si()])(show.s(1).on_error(show.si(2)))
        ran = drain(q)
    finally:
        task_prerun.disconnect(dispatch_uid="runs")
        task_postrun.disconnect(dispatch_uid="runs")

    assert [child.get() for child in result.children] == [["tenant 5", "public", 2]]
    assert befores(sent) == [("fail", 0, ()), ("show", 0, (1,)), ("show", 0, (2,))]
    assert runs == ["fail", "FAILURE", "show", "SUCCESS"]
    assert len({one.id for one in ran}) == 3


def test_each_retry_is_told_of_with_its_number(q: LocalQ, sent: list[Any]) -> None:
    @q.task(bind=True, name="show")
    def show(self: Task[Any, Any], x: int, schema: str = "none") -> Any:
        if self.request.retries < 2:
            raise self.retry(args=(x + 1,), countdown=0)
        return [x, schema, self.request.get("tenant"), self.request.retries]

    result = show.delay(1)
    drain(q)

    assert result.get() == [3, "public", "tenant 5", 2]
    assert befores(sent) == [("show", 0, (1,)), ("show", 1, (2,)), ("show", 2, (3,))]


def test_a_replacement_is_told_of(q: LocalQ, sent: list[Any], show: Any) -> None:
    @q.task(bind=True, name="host")
    def host(self: Task[Any, Any]) -> Any:
        raise self.replace(show.si(1) | show.si(2))

    result = host.delay()
    drain(q)

    assert result.get()[1:] == ["public", 2]
    assert befores(sent) == [("host", 0, ()), ("show", 0, (1,)), ("show", 0, (2,))] or befores(sent) == [
        ("host", 0, ()),
        ("show", 0, (2,)),
        ("show", 0, (1,)),
    ]


def test_what_a_schedule_fires_is_told_of_once(q: LocalQ, sent: list[Any], show: Any) -> None:
    q.schedules.add("often", 60, "show", (1,), queue="beat")
    result = q.schedules.trigger("often")
    drain(q)

    assert result.get() == ["tenant 1", "public", 1]
    assert befores(sent) == [("show", 0, (1,))]
    assert result.queue == "beat"
    assert [attempt.outcome for attempt in result.attempts] == ["REPLACED", "SUCCESS"]


def test_what_a_schedule_fires_runs_at_once_where_nobody_wants_to_be_asked(q: LocalQ, show: Any) -> None:
    q.schedules.add("often", 60, "show", (1,))
    result = q.schedules.trigger("often")
    drain(q)

    assert result.get() == [None, "none", 1]
    assert [attempt.outcome for attempt in result.attempts] == ["SUCCESS"]


def test_a_task_that_sends_in_its_own_way_is_asked_for_what_a_schedule_fires(q: LocalQ) -> None:
    class Own(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            if args and args[0] == "locked":
                return None
            return super().apply_async((*args, "asked"), kwargs, headers={"own": 1}, priority=7, **_plain(options))

    @q.task(base=Own, bind=True, name="own")
    def own(self: Task[Any, Any], *args: Any) -> Any:
        assert self.request.delivery_info
        return [*args, self.request.get("own"), self.request.delivery_info["priority"], self.request.id]

    q.schedules.add("often", 60, "own", (1,))
    q.schedules.add("locked", 60, "own", ("locked",))
    result, locked = q.schedules.trigger("often"), q.schedules.trigger("locked")
    drain(q)

    assert result.get() == [1, "asked", 1, 7, result.id]
    assert isinstance(locked.result, TaskRevokedError)


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("headers", "priority")}


def test_an_error_of_who_is_asked_is_the_jobs(q: LocalQ) -> None:
    class Full(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            raise LookupError("full")

    @q.task(base=Full, name="full")
    def full() -> None: ...

    q.schedules.add("often", 60, "full")
    result = q.schedules.trigger("often")
    drain(q)

    assert isinstance(result.result, LookupError)


def test_nobody_hears_of_what_eager_mode_runs(eager: LocalQ, sent: list[Any]) -> None:
    @eager.task(bind=True, name="show")
    def show(self: Task[Any, Any], *args: Any) -> Any:
        if not self.request.retries:
            raise self.retry(countdown=0)
        return self.request.get("tenant")

    assert show.apply_async(link=show.s()).get() is None
    assert sent == []
