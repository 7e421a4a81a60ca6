"""Procrastinate: `python procrastinate_.py add|burst|latency COUNT`, or `worker` or `schema`; see caller.py."""

from __future__ import annotations

import asyncio
import os
import sys
import time

import caller
import journal
import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_URL"]))
_OVER = {"succeeded", "failed"}


@app.task(name="noop")
def noop(number: int) -> int:
    journal.note(number)
    return number


@app.task(name="increase")
def increase(number: int) -> int:
    return number + 1


class Procrastinate:
    def __init__(self, opened: procrastinate.App) -> None:
        self._app = opened

    def send(self, task: str, number: int) -> int:
        return self._app.tasks[task].defer(number=number)

    def send_noops(self, numbers: range) -> None:
        for start in range(0, len(numbers), 1000):
            self._app.tasks["noop"].batch_defer(*[{"number": number} for number in numbers[start : start + 1000]])

    def wait(self, handle: int) -> None:
        # It keeps no results: its status is what a caller may ask for.
        until = time.monotonic() + 60
        while self._app.job_manager.get_job_status(handle).value not in _OVER:
            assert time.monotonic() < until
            time.sleep(0.001)


async def work() -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=int(os.environ.get("PEER_CONCURRENCY", "1")))


async def make() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


if __name__ == "__main__":
    if sys.argv[1] in ("worker", "schema"):
        asyncio.run(work() if sys.argv[1] == "worker" else make())
    else:
        connector = procrastinate.SyncPsycopgConnector(conninfo=os.environ["PEER_URL"])
        with app.replace_connector(connector) as opened, opened.open():
            caller.call(Procrastinate(opened))
