"""The shop that Flower was recorded with: its tasks, for real workers."""

from __future__ import annotations

import os
import time
from typing import Any

from localq import LocalQ
from localq.contrib.abortable import AbortableTask

q = LocalQ("shop", path=os.environ.get("FLOWER_SHOP", "unused.db"), durability="normal")
q.conf.update(
    task_default_queue="default",
    task_routes={"shop.mail": {"queue": "mail"}},
    worker_pool_restarts=True,
    worker_send_task_events=True,
)


@q.task(name="shop.add")
def add(x: int, y: int) -> int:
    return x + y


@q.task(name="shop.fail")
def fail(message: str, code: int = 7) -> None:
    raise ValueError(f"{message} ({code})")


@q.task(name="shop.flaky", bind=True, max_retries=5)
def flaky(self: Any) -> dict[str, int]:
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return {"tries": 3}


@q.task(name="shop.give_up", bind=True, max_retries=1)
def give_up(self: Any) -> None:
    raise self.retry(exc=ConnectionError("gone"), countdown=0)


@q.task(name="shop.slow")
def slow(seconds: float) -> float:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.05)
    return seconds


@q.task(name="shop.mail", rate_limit="30/m")
def mail(to: str, subject: str = "") -> str:
    return f"<b>bold</b> to {to}"


@q.task(name="shop.long", bind=True, base=AbortableTask)
def long(self: Any, steps: int) -> str:
    for step in range(steps):
        if self.is_aborted():
            return f"stopped at {step}"
        if step < 5:
            self.update_state(state="PROGRESS", meta={"current": step, "total": steps})
        time.sleep(0.1)
    return "done"


@q.task(name="shop.odd")
def odd(*args: Any) -> list[Any]:
    return list(args)


@q.task(name="shop.total")
def total(numbers: list[int]) -> int:
    return sum(numbers)
