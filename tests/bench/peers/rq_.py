"""RQ on a Redis server: `python rq_.py WHAT COUNT`; see caller.py."""

from __future__ import annotations

import os

import bodies
import caller
import redis
import rq

q = rq.Queue("peer", connection=redis.Redis.from_url(f"{os.environ['PEER_URL']}/0"))


class Rq:
    def send(self, task: str, *args):
        return q.enqueue(f"bodies.{bodies.BODIES[task].__name__}", *args)

    def send_noops(self, numbers: range) -> None:
        for start in range(0, len(numbers), 1000):
            part = numbers[start : start + 1000]
            q.enqueue_many([rq.Queue.prepare_data("bodies.noop", args=(number,)) for number in part])

    def wait(self, handle):
        return handle.latest_result(timeout=int(caller.PATIENCE_S)).return_value


if __name__ == "__main__":
    caller.call(Rq())
