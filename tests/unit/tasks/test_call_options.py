from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from localq import LocalQ, Task, group
from localq.exceptions import EncodeError, ImproperlyConfigured, InvalidTaskError, StoreBusy
from localq.model.clock import from_datetime
from localq.model.ids import new_id
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.signals import before_task_publish
from localq.tasks.option_names import BROKER_ONLY


@pytest.fixture
def add(q: LocalQ) -> Task[..., Any]:
    @q.task(name="add")
    def add(x: int, y: int = 1) -> int:
        return x + y

    return add


def stored(q: LocalQ, job_id: str) -> Job:
    job = q.store.read.get([job_id], args=True)[job_id]
    assert job is not None
    return job


def options(q: LocalQ, job_id: str) -> JobOptions:
    return JobOptions.read(stored(q, job_id).options)


def test_a_call_is_stored_before_it_returns(q: LocalQ, add: Task[..., Any]) -> None:
    result = add.delay(2, y=3)

    job = stored(q, result.id)
    assert (job.task, job.queue, job.priority, job.state) == ("add", "celery", 0, JobState.READY)
    assert json.loads(job.args or b"") == [[2], {"y": 3}]
    assert (result.args, result.kwargs, result.name) == ((2,), {"y": 3}, "add")


def test_arguments_that_do_not_fit_are_the_callers_error(q: LocalQ, add: Task[..., Any]) -> None:
    for args, kwargs in ([(), {}], [(1, 2, 3), {}], [(1,), {"z": 1}], [(1,), {"x": 1}]):
        with pytest.raises(TypeError, match=r"add\(\)"):
            add.apply_async(args, kwargs)
    assert q.store.read.stats().counts == {}


def test_a_task_without_typing_takes_any_arguments(q: LocalQ) -> None:
    @q.task(typing=False)
    def add(x: int) -> int:
        return x

    assert add.apply_async((1, 2, 3)).exists()


@pytest.mark.parametrize(
    ("args", "kwargs", "path"),
    [
        (([1, {"a": object()}],), {}, r"args\[0\]\[1\]\['a'\]"),
        ((1,), {"y": object()}, r"kwargs\['y'\]"),
    ],
)
def test_a_value_that_cannot_be_written_is_named_by_its_path(
    q: LocalQ, add: Task[..., Any], args: Any, kwargs: Any, path: str
) -> None:
    with pytest.raises(EncodeError, match=path):
        add.apply_async(args, kwargs)


def test_arguments_must_be_a_list(q: LocalQ) -> None:
    @q.task(typing=False)
    def one() -> None: ...

    for args in ("ab", 5, {"x": 1}):
        with pytest.raises(TypeError, match="args must be a list or tuple"):
            one.apply_async(args)  # type: ignore[arg-type]


def test_arguments_are_looked_at_before_the_signature(add: Task[..., Any]) -> None:
    for args in ("ab", 5):
        with pytest.raises(TypeError, match="args must be a list or tuple"):
            add.apply_async(args)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="kwargs must be a dict of arguments by name, not 3"):
        add.apply_async((1,), 3)  # type: ignore[arg-type]


def test_arguments_over_the_limit_are_refused(q: LocalQ, add: Task[..., Any]) -> None:
    q.conf.task_args_max_bytes = 100

    with pytest.raises(EncodeError, match=r"over the limit of 100 .setting task_args_max_bytes"):
        add.delay("x" * 100)


def test_headers_over_the_limit_are_refused(q: LocalQ, add: Task[..., Any]) -> None:
    with pytest.raises(EncodeError, match=r"headers take 10,000,\d+ bytes, over .* .setting task_headers_max_bytes"):
        add.apply_async((1, 2), headers={"trace": "x" * 10_000_000})
    with pytest.raises(EncodeError, match="headers take"):
        (add.s(1, 2).set(headers={"trace": "x" * 10_000_000}) | add.s(3)).apply_async()

    assert add.apply_async((1, 2), headers={"trace": "x" * 1000}, link=add.s("x" * 2_000_000)).exists()


def test_callbacks_nested_too_deeply_are_refused(add: Task[..., Any]) -> None:
    deep = add.s(1, 1)
    for _ in range(3000):
        deep = add.s(1).set(link=[deep])

    with pytest.raises(InvalidTaskError, match="nested too deeply"):
        add.apply_async((1, 2), link=deep)


def test_an_option_among_the_arguments_of_the_task_is_told_where_it_goes(add: Task[..., Any]) -> None:
    with pytest.raises(
        TypeError, match=r"argument 'countdown'. An option is given as apply_async\(args, kwargs, countdown="
    ):
        add.delay(1, 2, countdown=5)
    with pytest.raises(TypeError, match=r"argument 'colour'$"):
        add.delay(1, 2, colour=5)


@pytest.mark.parametrize(
    ("given", "nearest"), [("countdwon", "countdown"), ("prioritty", "priority"), ("link_eror", "link_error")]
)
def test_a_misspelt_option_names_the_nearest(add: Task[..., Any], given: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=f"unknown option '{given}'. Did you mean '{nearest}'"):
        add.apply_async((1,), **{given: 1})


def test_options_that_are_nobodys_reach_all_who_are_asked_on_the_way(q: LocalQ) -> None:
    heard: list[Any] = []

    class Own(Task[Any, Any]):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
            heard.append(("apply_async", options["user_plan"]))
            return super().apply_async(args, kwargs, **options)

    def route(name: str, args: Any, kwargs: Any, options: Any, task: Any = None, **_more: Any) -> Any:
        heard.append(("router", options.get("user_plan")))
        return {"queue": options["user_plan"], "message_group": "g"}

    def publish(properties: Any, **_more: Any) -> None:
        heard.append(("publish", properties.get("user_plan"), properties.get("message_group")))

    q.conf.task_routes = [route]
    before_task_publish.connect(publish)
    try:

        @q.task(base=Own, name="own")
        def own(*args: int) -> None: ...

        results = [
            own.apply_async(user_plan="pro"),
            own.s().set(user_plan="pro").delay(),
            group(own.s(1)).apply_async(user_plan="pro")[0],
        ]
    finally:
        before_task_publish.disconnect(publish)

    assert [stored(q, one.id).queue for one in results] == ["pro"] * 3
    assert heard[:3] == [("apply_async", "pro"), ("router", "pro"), ("publish", "pro", "g")]


def test_headers_that_bear_a_name_of_the_protocols_are_kept_whoever_listens(q: LocalQ, add: Task[..., Any]) -> None:
    def publish(headers: Any = None, **_more: Any) -> None:
        headers["tenant"] = "a"

    given = {"stamps": {"order": [17]}, "origin": "mine", "plan": "pro"}
    before_task_publish.connect(publish)
    try:
        result = add.apply_async((1,), headers=given)
    finally:
        before_task_publish.disconnect(publish)

    assert JobOptions.read(stored(q, result.id).options).headers == {**given, "tenant": "a"}


@pytest.mark.parametrize(("given", "kept"), [(255, 9), (7, 7), (-1, 0), ("8", 8)])
def test_a_priority_that_a_receiver_sets_is_one_that_jobs_have(
    q: LocalQ, add: Task[..., Any], given: Any, kept: int
) -> None:
    def publish(properties: Any = None, **_more: Any) -> None:
        properties["priority"] = given

    before_task_publish.connect(publish)
    try:
        result = add.delay(1)
    finally:
        before_task_publish.disconnect(publish)

    assert stored(q, result.id).priority == kept


def test_options_of_a_broker_are_accepted_and_ignored(q: LocalQ, add: Task[..., Any]) -> None:
    plain, given = add.delay(1), add.apply_async((1,), **dict.fromkeys(BROKER_ONLY, "x"))

    assert stored(q, given.id).options is stored(q, plain.id).options is None


def test_a_countdown_is_seconds_from_now(q: LocalQ, add: Task[..., Any]) -> None:
    for countdown in (60, timedelta(minutes=1)):
        before = q.clock.now()
        job = stored(q, add.apply_async((1,), countdown=countdown).id)
        assert job.state == JobState.SCHEDULED
        assert 60e6 <= job.run_at - before <= 60e6 + 5e6
    for now in (0, -5):
        assert stored(q, add.apply_async((1,), countdown=now).id).state == JobState.READY


@pytest.mark.parametrize("countdown", ["5", True, float("nan"), float("inf"), 1e300])
def test_a_countdown_that_is_no_time_is_refused(add: Task[..., Any], countdown: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="countdown"):
        add.apply_async((1,), countdown=countdown)


def test_an_eta_is_a_moment(q: LocalQ, add: Task[..., Any]) -> None:
    moment = datetime(2090, 1, 1, 12, tzinfo=UTC)
    berlin = moment.astimezone(ZoneInfo("Europe/Berlin"))
    for eta in (moment, berlin, moment.replace(tzinfo=None), moment.isoformat(), "2090-01-01T12:00:00"):
        assert stored(q, add.apply_async((1,), eta=eta).id).run_at == from_datetime(moment)
    q.conf.timezone = "Europe/Berlin"
    naive = stored(q, add.apply_async((1,), eta=datetime(2090, 1, 1, 13)).id)
    assert naive.run_at == from_datetime(moment)
    for bad in ("soon", [1]):
        with pytest.raises((TypeError, ValueError), match="eta"):
            add.apply_async((1,), eta=bad)
    with pytest.raises(TypeError, match="countdown or eta, not both"):
        add.apply_async((1,), eta=moment, countdown=1)


def test_expires_is_seconds_or_a_moment(q: LocalQ, add: Task[..., Any]) -> None:
    moment = datetime(2090, 1, 1, 12, tzinfo=UTC)
    now = q.clock.now()

    for expires in (moment, moment.replace(tzinfo=None), moment.isoformat()):
        assert stored(q, add.apply_async((1,), expires=expires).id).expires_at == from_datetime(moment)
    for expires in (60, 60.0, timedelta(minutes=1)):
        at = stored(q, add.apply_async((1,), expires=expires).id).expires_at
        assert at is not None
        assert 60e6 <= at - now <= 65e6
    with pytest.warns(UserWarning, match="in the past"):
        add.apply_async((1,), expires=-1)


def test_expires_none_clears_the_tasks_own(q: LocalQ) -> None:
    @q.task(expires=60)
    def one() -> None: ...

    assert stored(q, one.delay().id).expires_at is not None
    assert stored(q, one.apply_async(expires=None).id).expires_at is None


def test_a_queue_and_a_priority_are_kept_with_the_job(q: LocalQ, add: Task[..., Any]) -> None:
    class Queue:
        name = "by-object"

    @q.task(queue="own", priority=3)
    def other() -> None: ...

    assert stored(q, add.apply_async((1,), queue="io", priority=9).id)[3:5] == ("io", 9)
    assert stored(q, add.apply_async((1,), queue=Queue()).id).queue == "by-object"
    assert stored(q, other.delay().id)[3:5] == ("own", 3)
    assert stored(q, other.apply_async(queue="io", priority=0).id)[3:5] == ("io", 0)
    q.conf.update(task_default_queue="main", task_default_priority=5)
    assert stored(q, add.delay(1).id)[3:5] == ("main", 5)


@pytest.mark.parametrize(
    "bad",
    [
        {"priority": 10},
        {"priority": -1},
        {"priority": True},
        {"priority": "high"},
        {"queue": ""},
        {"queue": 5},
        {"queue": "a\nb"},
        {"task_id": ""},
        {"task_id": "a b"},
        {"task_id": "x" * 256},
        {"time_limit": -1},
        {"time_limit": "5"},
        {"soft_time_limit": 6, "time_limit": 5},
        {"max_retries": -1},
        {"link": "add"},
        {"link": [1]},
        {"link_error": {"args": []}},
        {"headers": 5},
        {"headers": {"x": object()}},
        {"shadow": {1}},
    ],
)
def test_an_option_that_cannot_be_is_refused_with_its_name(add: Task[..., Any], bad: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
        add.apply_async((1,), **bad)


def test_a_job_of_an_id_that_exists_is_left_as_it_is(q: LocalQ, add: Task[..., Any]) -> None:
    first = add.apply_async((1,), task_id="order-17", queue="first")
    again = add.apply_async((2,), task_id="order-17", queue="second")

    assert again == first == "order-17"
    assert stored(q, "order-17").queue == "first"
    assert again.args == (1,)


def test_new_ids_are_uuids_in_order() -> None:
    ids = [new_id() for _ in range(1000)]

    assert len(set(ids)) == 1000
    assert all(one[14] == "7" and len(one) == 36 for one in ids)


def test_the_rest_is_kept_with_the_job(q: LocalQ, add: Task[..., Any]) -> None:
    given: dict[str, Any] = {
        "time_limit": 9,
        "soft_time_limit": 8.5,
        "ignore_result": True,
        "max_retries": 2,
        "headers": {"tenant": "a"},
        "shadow": "plus",
        "root_id": "r",
        "parent_id": "p",
        "group_id": "g",
        "argsrepr": "(…)",
        "kwargsrepr": "{…}",
    }

    said = options(q, add.apply_async((1,), **given).id)

    assert {name: getattr(said, name) for name in given} == given
    assert add.apply_async((1,), time_limit=timedelta(seconds=5)).exists()


def test_callbacks_keep_their_tasks_own_options(q: LocalQ, add: Task[..., Any]) -> None:
    @q.task(queue="io", priority=7, expires=timedelta(hours=1))
    def store_it(value: int, where: str) -> None: ...

    eta = datetime(2090, 1, 1)
    said = options(
        q,
        add.apply_async((1,), link=store_it.s("a"), link_error=[store_it.si(1, "b").set(queue="mine", eta=eta)]).id,
    )

    assert said.link is not None
    assert said.link_error is not None
    assert said.link[0]["options"] == {"queue": "io", "priority": 7, "expires": 3600.0}
    assert json.loads(said.link[0]["call"]) == [["a"], {}]
    assert said.link_error[0]["immutable"] is True
    assert said.link_error[0]["options"]["queue"] == "mine"
    assert said.link_error[0]["options"]["eta"] == "2090-01-01T00:00:00"


@pytest.mark.parametrize(
    "bad", [{"priority": 99}, {"countdown": "x"}, {"qeue": "a"}, {"expires": [1]}, {"serializer": "yml"}]
)
def test_a_callback_that_could_not_be_sent_is_refused_now(q: LocalQ, add: Task[..., Any], bad: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError, ImproperlyConfigured), match=next(iter(bad))):
        add.apply_async((1,), link_error=add.s(1).set(**bad))


def test_a_task_is_sent_by_a_name_nobody_knows_here(q: LocalQ) -> None:
    result = q.send_task("elsewhere.add", (1,), {"y": 2}, queue="far", countdown=5)

    assert stored(q, result.id)[2:4] == ("elsewhere.add", "far")
    for name in ("", None):
        with pytest.raises(TypeError, match="takes the name of a task"):
            q.send_task(name)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Did you mean 'countdown'"):
        q.send_task("elsewhere.add", countdon=5)


def test_a_task_sent_by_a_known_name_has_its_own_options(q: LocalQ, add: Task[..., Any]) -> None:
    @q.task(name="io.read", queue="io")
    def read(path: str) -> None: ...

    assert stored(q, q.send_task("io.read", ("a",)).id).queue == "io"
    with pytest.raises(TypeError, match="missing 1 required"):
        q.send_task("io.read")


def test_many_are_added_in_one_transaction_all_or_none(q: LocalQ, add: Task[..., Any]) -> None:
    results = q.enqueue_many(add.s(n) for n in range(300))

    assert [result.args for result in results[::100]] == [(0,), (100,), (200,)]
    with pytest.raises(EncodeError):
        q.enqueue_many([add.s(1), add.s(object())])
    with pytest.raises(TypeError):
        q.enqueue_many([add.s(1), add.s(1, 2, 3)])
    assert sum(q.store.read.stats().counts.values()) == 300
    assert q.enqueue_many([]) == []


def test_the_serializer_is_chosen_by_the_task_or_the_call(q: LocalQ, add: Task[..., Any]) -> None:
    @q.task(serializer="pickle")
    def one(value: Any) -> None: ...

    assert options(q, one.delay(1j).id).serializer == "pickle"
    assert one.delay({1: object}).args == ({1: object},)
    assert options(q, one.apply_async((1,), serializer="json").id).serializer == "json"
    with pytest.raises(ImproperlyConfigured, match=r"'yml'.* Did you mean 'yaml'"):
        add.apply_async((1,), serializer="yml")


def test_no_warning_is_given_for_a_plain_call(add: Task[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        add.apply_async((1,), countdown=5, expires=10)


@pytest.mark.parametrize("text", ["5", "[]", "{", '{"time_limit": "x", "link": 5, "link_error": {}}', "null"])
def test_options_that_somebody_wrote_by_hand_are_left_out(text: str) -> None:
    assert JobOptions.read(text) == JobOptions()


@pytest.mark.parametrize("wrong", [[5], ["add"], {"task": "add"}, [(1, 2)]])
def test_only_signatures_are_enqueued_in_one_go(q: LocalQ, wrong: Any) -> None:
    @q.task
    def add(x: int) -> None: ...

    with pytest.raises(TypeError, match=r"enqueue_many\(\) takes a list of signatures, such as \[add.s\(2, 2\)\]"):
        q.enqueue_many([add.s(1), *wrong])

    assert q.store.read.stats().counts == {}


def test_tasks_and_results_have_the_errors_that_programs_catch_by_them(q: LocalQ, add: Task[..., Any]) -> None:
    with pytest.raises(add.delay(1).TimeoutError):
        add.delay(1).get(timeout=0)

    assert issubclass(StoreBusy, add.OperationalError)
