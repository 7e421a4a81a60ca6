"""The shop whose queue is kept in `jobs.db` beside this file, in every state a job or a schedule can be in.

The file is as an earlier tree wrote it, and stays: files that users have must open and work with the code of today. It
was made at commit 4607976, on Python 3.11, in a folder that held nothing but a copy of this file:

    PYTHONPATH=/the/tree/of/then python shop.py jobs.db

Only public names are used here, for the code of then and of today both import this module.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localq import LocalQ, chain, chord, group
from localq.schedules import crontab

#: When the file was filled, by its own clock.
MADE_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
#: Tasks that are told so kill the process they run in.
DEADLY = "SHOP_IS_DEADLY"
#: The shop has everything in stock.
FULL = "SHOP_IS_FULL"


class Since:
    """The machine's clock, put to another time."""

    def __init__(self, start: datetime) -> None:
        self._ahead = int(start.timestamp() * 1e6) - time.time_ns() // 1000

    def now(self) -> int:
        return time.time_ns() // 1000 + self._ahead

    def steady(self) -> float:
        return time.monotonic()


class OutOfStock(Exception):
    pass


def shop(path: Path, now: datetime) -> LocalQ:
    """Return the app with its tasks, living at another time."""
    q = LocalQ("shop", path=path, durability="normal", result_expires=None, worker_redirect_stdouts=False)
    q.clock = Since(now)

    @q.task(name="shop.add")
    def add(x: int, y: int) -> int:
        return x + y

    @q.task(name="shop.total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @q.task(name="shop.sell")
    def sell(what: str) -> int:
        if FULL in os.environ:
            return 30
        raise LookupError(what) if what == "tea" else OutOfStock(what)

    @q.task(name="shop.deliver", bind=True, max_retries=3)
    def deliver(self: Any, parcel: dict[str, Any]) -> str:
        if self.request.retries == 0:
            raise self.retry(exc=OutOfStock(parcel["what"]), countdown=3600)
        return f"{parcel['what']} delivered"

    @q.task(name="shop.count", bind=True)
    def count(self: Any) -> str:
        if DEADLY in os.environ:
            self.update_state(state="COUNTING", meta={"done": 7})
            until(lambda: q.AsyncResult(self.request.id).state == "COUNTING")
            os.kill(os.getpid(), signal.SIGKILL)
        return "counted"

    @q.task(name="shop.report")
    def report(day: str = "") -> str:
        return f"report {day}".strip()

    @q.task(name="shop.tell")
    def tell(*what: Any) -> None:
        pass

    @q.task(name="shop.mail", rate_limit="1/h")
    def mail(to: str) -> str:
        return f"mailed {to}"

    return q


def until(fact: Callable[[], Any], seconds: float = 30) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not fact():
        assert time.monotonic() < deadline, "it did not come true in time"
        pause.wait(0.02)


def fill(q: LocalQ) -> None:
    """Bring jobs into every state, by a worker that serves the queue "celery" alone; each has an id that says which."""
    task = q.tasks
    add, total, inspect = task["shop.add"], task["shop.total"], q.control.inspect()
    with q.running(concurrency=2, pool="threads", queues=["celery"]):
        task["shop.add"].apply_async((2, 2), task_id="succeeded", link=task["shop.tell"].s()).get(10)
        add.apply_async(("x" * 2000, "y"), task_id="packed", compression="zlib").get(10)
        failed = task["shop.sell"].apply_async(("tea",), task_id="failed", link_error=task["shop.tell"].si())
        failed.get(10, propagate=False)
        task["shop.deliver"].apply_async(({"what": "tea"},), task_id="retried")
        until(lambda: q.AsyncResult("retried").state == "RETRY")
        group_done = group(add.s(n, n).set(task_id=f"saved-{n}") for n in range(3)).apply_async(task_id="saved")
        group_done.get(10)
        group_done.save()
        header = [add.s(1, 1).set(task_id="chord-1"), add.s(2, 2).set(task_id="chord-2", queue="later")]
        chord(header)(total.s().set(task_id="chord-body"))
        chain(
            add.s(1, 2).set(task_id="chain-1"),
            add.s(3).set(task_id="chain-2", queue="later"),
            add.s(4).set(task_id="chain-3"),
        )()
        for done in ("chord-1", "chain-1"):
            q.AsyncResult(done).get(10)
        (task["shop.sell"].s("ink").set(task_id="broken-1") | add.s(1).set(task_id="broken-2"))()
        until(lambda: q.AsyncResult("broken-2").ready())
        for name in ("ann", "bob"):
            task["shop.mail"].apply_async((name,), task_id=f"mail-{name}")
        q.AsyncResult("mail-ann").get(10)
        # One that waits for its task's rate limit is shown without a time.
        until(lambda: [one for all_of in inspect.scheduled().values() for one in all_of if one["eta"] is None])
    add.apply_async((5, 5), task_id="ready", queue="later", priority=7)
    # Kept apart from the row, for its length.
    add.apply_async(("x" * 2000, "y"), task_id="large", queue="later")
    add.apply_async((6, 6), task_id="scheduled", eta=MADE_AT + timedelta(hours=2))
    add.apply_async((7, 7), task_id="expiring", queue="later", expires=MADE_AT + timedelta(hours=1))
    add.apply_async((8, 8), task_id="cancelled").revoke()
    q.control.pause("slow")
    add.apply_async((9, 9), task_id="paused", queue="slow")
    q.control.rate_limit("shop.total", "100/s")
    q.control.time_limit("shop.report", soft=60, hard=90)
    q.control.broadcast("heartbeat")


def schedule(q: LocalQ) -> None:
    """Let schedules fire once, in this process; one is paused, one is over."""
    q.schedules.add("nightly", crontab(hour=2, minute=30), "shop.report", args=("of the night",))
    q.schedules.add("hourly", 3600, "shop.report", queue="celery")
    q.schedules.add("paused", 3600, "shop.report")
    q.schedules.pause("paused")
    q.schedules.trigger("nightly")
    with q.running(concurrency=1, pool="threads", queues=["celery"]):
        until(lambda: all(q.schedules.ledger(name) for name in ("nightly", "hourly")))
        until(lambda: not any(q.AsyncResult(one.job_id).state == "PENDING" for one in q.schedules.ledger("hourly")))


def die(q: LocalQ, path: Path) -> None:
    """Leave a job that runs: its worker, a process of its own, is killed by it."""
    q.tasks["shop.count"].apply_async(task_id="running", queue="deadly")
    line = [sys.executable, __file__, str(path), "work"]
    done = subprocess.run(line, env={**os.environ, DEADLY: "1"}, check=False)
    assert done.returncode == -signal.SIGKILL, done


def main() -> None:
    path = Path(sys.argv[1])
    if sys.argv[2:] == ["work"]:
        with shop(path, MADE_AT).running(concurrency=1, pool="threads", queues=["deadly"]):
            threading.Event().wait(60)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "jobs.db")
        q = shop(made, MADE_AT)
        schedule(q)
        fill(q)
        die(q, made)
        q.close()
        connection = sqlite3.connect(made)
        connection.execute("VACUUM INTO ?", (str(path),))
        connection.close()


if __name__ == "__main__":
    main()
