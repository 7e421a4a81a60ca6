"""LocalQ on a PostgreSQL server: `python localq_.py add|burst|latency COUNT`."""

from __future__ import annotations

import os
import sys

import caller
import journal

from localq import LocalQ

q = LocalQ("peer", url=os.environ["PEER_URL"], worker_concurrency=2)


@q.task(name="noop")
def noop(number: int) -> int:
    journal.note(number)
    return number


class LocalQCaller:
    def add(self, number: int):
        return noop.delay(number)

    def add_all(self, numbers: range) -> None:
        q.enqueue_many([noop.s(number) for number in numbers])

    def wait(self, handle) -> None:
        handle.get(timeout=60)


if __name__ == "__main__":
    caller.call(LocalQCaller(), sys.argv[1], int(sys.argv[2]))
    q.close()
