"""PgQueuer: `python pgqueuer_.py add|burst|latency COUNT`, `python pgqueuer_.py worker|schema`; see caller.py."""

from __future__ import annotations

import asyncio
import os
import sys

import asyncpg
import caller
import journal
from pgqueuer import PgQueuer
from pgqueuer.core.completion import CompletionWatcher
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries


async def connect() -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(os.environ["PEER_URL"]))


class Pgq:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._open())

    async def _open(self) -> None:
        self._queries = Queries(await connect())
        self._watcher = CompletionWatcher(await connect(), queries=self._queries)
        await self._watcher.__aenter__()

    def send(self, task: str, number: int):
        return self._loop.run_until_complete(self._queries.enqueue(task, str(number).encode()))[0]

    def send_noops(self, numbers: range) -> None:
        for start in range(0, len(numbers), 1000):
            part = [str(number).encode() for number in numbers[start : start + 1000]]
            self._loop.run_until_complete(self._queries.enqueue(["noop"] * len(part), part, [0] * len(part)))

    def wait(self, handle) -> None:
        async def ended() -> None:
            await asyncio.wait_for(self._watcher.wait_for(handle), 60)

        self._loop.run_until_complete(ended())


async def work() -> None:
    queue = PgQueuer(await connect())

    @queue.entrypoint("noop")
    async def noop(job) -> None:
        journal.note(int(job.payload))

    @queue.entrypoint("increase")
    async def increase(job) -> None:
        """Be what the first call of a caller runs."""

    await queue.run(batch_size=int(os.environ.get("PEER_CONCURRENCY", "10")))


async def make() -> None:
    await Queries(await connect()).install()


if __name__ == "__main__":
    if sys.argv[1] in ("worker", "schema"):
        asyncio.run(work() if sys.argv[1] == "worker" else make())
    else:
        caller.call(Pgq())
        sys.stdout.flush()
        os._exit(0)
