from __future__ import annotations

import json
from typing import Any

import pytest

from localq import LocalQ, Task, group
from localq.execution.callbacks import errbacks
from localq.model import events
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.settings import Settings


@pytest.fixture
def told(eager: LocalQ) -> list[Any]:
    """Return what the task `tell` was called with."""
    heard: list[Any] = []

    @eager.task(name="tell")
    def tell(*args: Any, **kwargs: Any) -> None:
        heard.append([list(args), kwargs])

    @eager.task(name="add")
    def add(x: int, y: int) -> int:
        return x + y

    @eager.task(name="fail", bind=True)
    def fail(self: Task[Any, Any], *args: Any) -> None:
        raise KeyError("lost")

    return heard


def test_a_callback_gets_the_result_in_front(eager: LocalQ, told: list[Any]) -> None:
    add, tell = eager.tasks["add"], eager.tasks["tell"]

    add.apply_async((2, 2), link=tell.s("more", k=1))
    add.apply_async((2, 3), link=[tell.s(), tell.si("only")])
    add.s(3, 3).set(link=tell.s()).delay()

    assert told == [[[4, "more"], {"k": 1}], [[5], {}], [["only"], {}], [[6], {}]]


def test_callbacks_have_callbacks(eager: LocalQ, told: list[Any]) -> None:
    add, tell = eager.tasks["add"], eager.tasks["tell"]
    second = add.s(10)
    second.link(tell.s())

    result = add.apply_async((2, 2), link=second)

    assert told == [[[14], {}]]
    assert result.get() == 4


def test_a_callback_knows_its_parent(eager: LocalQ, told: list[Any]) -> None:
    seen: list[Any] = []

    @eager.task(bind=True)
    def look(self: Task[Any, Any], value: int) -> None:
        seen.append((value, self.request.parent_id, self.request.root_id))

    result = eager.tasks["add"].apply_async((1, 1), link=look.s())

    assert seen == [(2, result.id, result.id)]


def test_several_callbacks_are_a_group(eager: LocalQ, told: list[Any]) -> None:
    @eager.task(name="whose", bind=True)
    def whose(self: Task[Any, Any], *_: Any) -> tuple[str, str | None]:
        return self.request.id, self.request.group

    class Asked(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            return super().apply_async(args, kwargs, **options)

    @eager.task(name="asked", base=Asked, bind=True)
    def asked(self: Task[Any, Any], *_: Any) -> tuple[str, str | None]:
        return self.request.id, self.request.group

    alone = eager.tasks["add"].apply_async((1, 1), link=whose.s())
    some = eager.tasks["add"].apply_async((2, 2), link=[whose.s(), asked.s(), group(whose.s(), whose.s())])

    (only,) = alone.children or ()
    assert only.get() == (only.id, None)
    grouped, tasks = some.children or ()
    assert [len(grouped), len(tasks)] == [2, 2]
    assert tasks.get() == [(one.id, tasks.id) for one in tasks.results]


def test_the_callbacks_of_what_is_replaced_twice_are_called_once(eager: LocalQ, told: list[Any]) -> None:
    add, tell = eager.tasks["add"], eager.tasks["tell"]

    @eager.task(name="become", bind=True)
    def become(self: Task[Any, Any], times: int) -> None:
        next_one = become.s(times - 1) if times else add.s(1, 1)
        raise self.replace(next_one.set(link=[tell.s("l")]) if times else next_one)

    become.apply_async((1,), link=[tell.s("l")])
    become.apply_async((0,), link=[tell.s("l"), tell.s("m")])

    assert told == [[[2, "l"], {}], [[2, "l"], {}], [[2, "m"], {}]]


def test_a_callback_runs_even_if_the_result_is_ignored(eager: LocalQ, told: list[Any]) -> None:
    eager.tasks["add"].apply_async((2, 2), link=eager.tasks["tell"].s(), ignore_result=True)

    assert told == [[[4], {}]]


def test_an_errback_gets_the_id_if_it_takes_one_argument(eager: LocalQ, told: list[Any]) -> None:
    @eager.task
    def one(task_id: str, more: int = 0) -> None:
        told.append((task_id, more))

    result = eager.tasks["fail"].apply_async(link_error=[one.s(), one.s(5), one.s(more=6)])

    assert told == [(result.id, 0), (result.id, 5), (result.id, 6)]


def test_an_errback_of_as_many_arguments_as_there_are_gets_what_comes_first(eager: LocalQ, told: list[Any]) -> None:
    @eager.task
    def any_number(*args: Any) -> None:
        told.append([getattr(one, "id", one) for one in args][:2])

    @eager.task
    def by_default(request: Any, exc: Any = None, traceback: Any = None) -> None:
        told.append([request.id, exc])

    @eager.task(bind=True)
    def bound(self: Any, *args: Any) -> None:
        told.append([*args])

    result = eager.tasks["fail"].apply_async(link_error=[any_number.s(), by_default.s(), bound.s()])

    assert [[job_id, *map(repr, rest)] for job_id, *rest in told] == [
        [result.id, "KeyError('lost')"],
        [result.id, "KeyError('lost')"],
        [result.id],
    ]


def test_an_errbacks_stored_arguments_do_not_count(eager: LocalQ, told: list[Any]) -> None:
    @eager.task
    def stored(task_id: str, label: str) -> None:
        told.append((task_id, label))

    @eager.task
    def four(request: Any, exc: BaseException, traceback: str, label: str) -> None:
        told.append((request.id, label))

    errbacks = [stored.s("a"), stored.s(label="b"), four.s("c"), four.s(label="d")]
    result = eager.tasks["fail"].apply_async(link_error=errbacks)

    assert told == [(result.id, label) for label in "abcd"]


def test_an_errback_gets_request_error_and_traceback_if_it_takes_them(eager: LocalQ, told: list[Any]) -> None:
    @eager.task
    def three(request: Any, exc: BaseException, traceback: str) -> None:
        told.append((request.id, request.task, request.args, repr(exc), "raise KeyError" in traceback))

    @eager.task
    def four(request: Any, exc: BaseException, traceback: str, more: str) -> None:
        told.append((request.id, more))

    result = eager.tasks["fail"].apply_async((1,), link_error=[three.s(), four.s("more")])

    assert told == [(result.id, "fail", [1], "KeyError('lost')", True), (result.id, "more")]


def test_an_immutable_errback_gets_its_own_arguments_only(eager: LocalQ, told: list[Any]) -> None:
    @eager.task
    def three(a: int, b: int, c: int) -> None:
        told.append([a, b, c])

    eager.tasks["fail"].apply_async(link_error=[eager.tasks["tell"].si("x"), three.si(1, 2, 3)])

    assert told == [[["x"], {}], [1, 2, 3]]


def test_errbacks_wait_for_the_last_retry(eager: LocalQ, told: list[Any]) -> None:
    @eager.task(autoretry_for=(KeyError,), max_retries=2)
    def flaky() -> None:
        told.append("run")
        raise KeyError

    flaky.apply_async(link_error=eager.tasks["tell"].si("failed"), link=eager.tasks["tell"].s())

    assert told == ["run", "run", "run", [["failed"], {}]]


def test_a_callback_uses_its_tasks_own_serializer(eager: LocalQ) -> None:
    eager.conf.accept_content = ("json", "pickle")
    seen: list[Any] = []

    @eager.task(serializer="pickle")
    def make() -> Any:
        return {1: {2j}}

    @eager.task(serializer="pickle")
    def take(value: Any, *more: Any) -> None:
        seen.append((value, more))

    @eager.task
    def plain(value: Any) -> None:
        seen.append(value)

    make.apply_async(link=take.s("x")).get()
    eager.tasks.setdefault("add", plain)
    take.apply_async((1,), link=plain.si(5)).get()

    @eager.task
    def two() -> int:
        return 2

    two.apply_async(link=take.s()).get()

    assert seen == [({1: {2j}}, ("x",)), (1, ()), 5, (2, ())]


def test_a_callback_is_not_made_twice(eager: LocalQ, told: list[Any]) -> None:
    result = eager.tasks["add"].apply_async((1, 1), link=eager.tasks["tell"].s().set(task_id="told-once"))

    assert eager.AsyncResult("told-once").parent == result
    assert len(told) == 1


def test_a_broken_error_callback_in_a_row_is_told_and_left_out() -> None:
    link = {"task": "t", "call": "[[],{}]", "options": {"priority": 99}, "immutable": False}
    options = json.dumps({"link_error": [5, link]})
    job = Job(1, "j", "t", "q", 0, 2, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, b"[[],{}]", options)
    heard: list[str] = []

    with events.subscribe(lambda event, fields: heard.append(f"{event} {fields['reason']}")):
        made = errbacks(job, JobOptions.read(options), None, Settings(), 0)

    assert made == ()
    assert len(heard) == 2
    assert "priority=99" in heard[1]
