"""A LocalQ program that runs on Celery: `CARRIED='{...}' celery -A tests.celery.carried worker`."""

from __future__ import annotations

import asyncio
import enum
import json
import os
import time
import warnings
from typing import Any, NamedTuple

import celery

from localq import LocalQ, chord, current_task, group, register
from localq.exceptions import Ignore, MaxRetriesExceededError, Reject, SoftTimeLimitExceeded
from localq.signals import task_success
from localq.tasks.task import Task

__all__ = ["Carried", "Colour", "app", "program"]


@register
class Colour(enum.Enum):
    RED = "red"


class Carried(NamedTuple):
    """A program, and the application that runs it."""

    q: LocalQ
    app: celery.Celery


class Told(Task[..., Any]):
    """Writes down what its hooks hear."""

    abstract = True

    def tell(self, *what: Any) -> None:
        with open(os.environ["CARRIED_LOG"], "a") as log:
            log.write(json.dumps([self.name, *what]) + "\n")

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        super().before_start(task_id, args, kwargs)
        self.tell("before", task_id == self.request.id, list(args))

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        self.tell("success", retval)

    def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.tell("retry", str(exc))

    def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.tell("failure", str(exc))


def program(broker: str, backend: str, **settings: Any) -> Carried:
    """Make the program, and its application."""
    q = LocalQ("carried", path=":memory:")
    q.conf.task_routes = {"carried.aside": {"queue": "aside"}}
    q.conf.beat_schedule = {"tick": {"task": "carried.add", "schedule": 0.2, "args": (20, 2)}}
    define(q)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = q.as_celery(broker=broker, backend=backend, **settings)
    return Carried(q, app)


def define(q: LocalQ) -> None:
    @q.task(name="carried.add")
    def add(a: int, b: int) -> int:
        return a + b

    @q.task(name="carried.total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @q.task(name="carried.same")
    def same(value: Any) -> Any:
        return value

    @q.task(name="carried.aside")
    def aside() -> Any:
        return current_task.request.delivery_info["routing_key"]

    @q.task(name="carried.again", bind=True, base=Told, max_retries=2, default_retry_delay=0)
    def again(self: Any, needed: int) -> int:
        if self.request.retries < needed:
            raise self.retry(exc=OSError(f"run {self.request.retries}"))
        return int(self.request.retries)

    @q.task(name="carried.exhausted", bind=True, max_retries=1)
    def exhausted(self: Any) -> str:
        try:
            self.retry(countdown=0)
        except MaxRetriesExceededError:
            return "no more"
        raise AssertionError("unreachable: retry raises")

    @q.task(
        name="carried.auto", autoretry_for=(ValueError,), retry_kwargs={"max_retries": 2, "countdown": 0}, bind=True
    )
    def auto(self: Any) -> int:
        if self.request.retries < 2:
            raise ValueError("not yet")
        return int(self.request.retries)

    @q.task(name="carried.broken")
    def broken() -> None:
        raise KeyError("gone")

    @q.task(name="carried.slow", soft_time_limit=1, time_limit=30)
    def slow() -> str:
        try:
            time.sleep(60)
        except SoftTimeLimitExceeded:
            return "stopped"
        return "slept"

    @q.task(name="carried.later")
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value * 2

    @q.task(name="carried.shown", bind=True)
    def shown(self: Any) -> Any:
        self.progress(1, 2)
        return self.app.AsyncResult(self.request.id).info

    @q.task(name="carried.instead", bind=True)
    def instead(self: Any, a: int) -> None:
        raise self.replace(group(add.s(a, 1), add.s(a, 2)) | total.s())

    @q.task(name="carried.adds", bind=True)
    def adds(self: Any, number: int) -> int:
        self.add_to_chord(same.s(100))
        return number

    @q.task(name="carried.caller")
    def caller() -> list[str]:
        header = [add.s(1, 1), add.s(2, 2)]
        return [add.delay(1, 1).id, chord(header, total.s()).delay().id]

    @q.task(name="carried.ignored")
    def ignored() -> None:
        raise Ignore

    @q.task(name="carried.refused")
    def refused() -> None:
        raise Reject("no", requeue=False)

    @q.task(name="carried.picky", serializer="yaml")
    def picky(value: Any) -> Any:
        return value


def _told(sender: Any, result: Any, **_: Any) -> None:
    if sender.name == "carried.add":
        Told.tell(sender, "signal", result)


if "CARRIED" in os.environ:
    app = program(**json.loads(os.environ["CARRIED"])).app
    task_success.connect(_told)
