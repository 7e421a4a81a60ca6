"""How LocalQ's calls are typed: mypy reads this file, and must find exactly the errors its comments name."""

from __future__ import annotations

from typing import Any, assert_type

from localq import AsyncResult, LocalQ, Signature, Task, group, shared_task
from localq.monitor.control import Control
from localq.monitor.event_receiver import Events
from localq.result.backend import Backend
from localq.schedules.app_schedules import AppSchedules
from localq.schedules.schedule_view import ScheduleView

q = LocalQ()


@q.task
def add(x: int, y: int = 0) -> int:
    return x + y


@q.task(name="sum", max_retries=5)
def total(*numbers: float) -> float:
    return sum(numbers)


@q.task(bind=True)
def bound(self: Task[..., Any], path: str) -> bytes:
    return f"{self.name} {path}".encode()


@q.task
async def fetch(url: str) -> str:
    return url


@q.task(queue="io")
async def fetch_with_options(url: str) -> str:
    return url


@q.task(bind=True, max_retries=1)
async def fetch_bound(self: Task[..., Any], url: str) -> str:
    return url


@q.periodic(60, args=(1,))
@q.task
def often(n: int) -> str:
    return str(n)


@shared_task
def shared(n: int) -> str:
    return str(n)


@shared_task(bind=True)
def shared_bound(self: Task[..., Any], n: int) -> str:
    return str(n)


def right() -> None:
    assert_type(add(1, y=2), int)
    assert_type(add.delay(1), AsyncResult[int])
    assert_type(add.delay(1, y=2).get(timeout=1), int)
    assert_type(add.apply_async((1,), {"y": 2}, countdown=5), AsyncResult[int])
    assert_type(add.s(1), Signature[int])
    assert_type(q.enqueue_many([add.s(1), add.si(2)]), list[AsyncResult[int]])
    assert_type(total.delay(1, 2.5).get(), float)
    assert_type(often.delay(1), AsyncResult[str])
    assert_type(bound.delay("a").get(), bytes)
    assert_type(fetch.delay("a").get(), str)
    assert_type(fetch_with_options.delay("a").get(), str)
    assert_type(fetch_bound.delay("a").get(), str)
    assert_type(shared.delay(1).get(), str)
    assert_type(shared_bound.delay(1).get(), str)
    add.delay(1).then(lambda done: assert_type(done.get(), int))


def signatures() -> None:
    assert_type(add.s(1) | total.s(), Signature[float])
    assert_type((add.s(1) | add.s(2) | total.s()).apply_async(countdown=5).get(), float)
    assert_type((group(add.s(1), add.s(2)) | total.s()).delay().get(), float)
    assert_type(add.s(1).set(queue="io").clone(countdown=2), Signature[int])
    print((add.s(1) | group(add.s(), add.s())).apply_async().results)


def items() -> None:
    assert_type(list(q.map(add, [1, 2], key=str)), list[int])
    assert_type(q.map(fetch, ["a"]).results, list[AsyncResult[str]])
    assert_type([one.get() for one in q.as_completed(q.map(fetch, ["a"]))], list[str])
    assert_type([one.get() for one in q.as_completed([add.delay(1)])], list[int])


def options() -> None:
    LocalQ(path="jobs.db", result_expires=None, timezone="Europe/Berlin", broker_pool_limit=None)
    add.apply_async((1,), countdown=5, link=total.s(), task_id="one", priority=3)
    q.send_task("sum", (1,), task_id="two", expires=60)
    with q.running(2, pool="threads", queues=["io"]) as running:
        assert_type(running, LocalQ)


def parts_of_an_app() -> None:
    assert_type(q.control, Control)
    assert_type(q.control.purge(), int)
    assert_type(q.schedules, AppSchedules)
    assert_type(q.schedules.pause("often"), ScheduleView)
    assert_type(q.events, Events)
    assert_type(q.backend, Backend)


async def right_too() -> None:
    assert_type(await add.adelay(1), AsyncResult[int])
    assert_type(await add.delay(1), int)


def wrong() -> None:
    add.delay("x")  # error: arg-type
    add.delay()  # error: call-arg
    add.delay(1, z=2)  # error: call-arg
    add("x")  # error: arg-type
    total.delay("x")  # error: arg-type
    bound.delay(5)  # error: arg-type
    bound.delay()  # error: call-arg
    fetch.delay(5)  # error: arg-type
    fetch_with_options.delay(5)  # error: arg-type
    fetch_bound.delay(5)  # error: arg-type
    shared.delay("x")  # error: arg-type
    shared_bound.delay("x")  # error: arg-type
    add.apply_async((1,), countdwn=5)  # error: call-arg
    add.apply_async((1,), countdown="soon")  # error: arg-type
    add.apply((1,), qeue="io")  # error: call-arg
    add.signature((1,), countdwn=5)  # error: call-arg
    add.s(1).set(queu="io")  # error: call-arg
    add.s(1).apply_async(countdwn=5)  # error: call-arg
    q.send_task("sum", (1,), countdwn=5)  # error: call-arg
    q.start(concurency=1)  # error: call-arg
    q.running(queuse=["io"])  # error: call-arg
    q.task(max_retrie=5)  # error: call-overload
    shared_task(max_retrie=5)  # error: call-overload
    LocalQ(timzone="UTC")  # error: call-arg
    LocalQ(task_time_limit="long")  # error: arg-type
    q.map(add, ["a"])  # error: arg-type
    q.map(add, [1], kye=str)  # error: call-arg
    q.control.pauze("mail")  # error: attr-defined
    q.schedules.pause(5)  # error: arg-type
    _: str = add.delay(1).get()  # error: assignment
