"""Dramatiq with a Redis server as broker and result back end: `python dramatiq_.py WHAT COUNT`; see caller.py."""

from __future__ import annotations

import os

import caller
import dramatiq
from bodies import BODIES
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=f"{os.environ['PEER_URL']}/0")
broker.add_middleware(Results(backend=RedisBackend(url=f"{os.environ['PEER_URL']}/1"), store_results=True))
dramatiq.set_broker(broker)
TASKS = {name: dramatiq.actor(body, actor_name=name, store_results=True) for name, body in BODIES.items()}


class Dramatiq:
    def send(self, task: str, *args):
        return TASKS[task].send(*args)

    def wait(self, handle):
        return handle.get_result(block=True, timeout=int(caller.PATIENCE_S * 1000))

    def workflow(self, kind: str, size: int) -> int:
        if kind == "chain":
            links = [TASKS["increase"].message() for _ in range(size - 1)]
            return self.wait(dramatiq.pipeline([TASKS["increase"].message(0), *links]).run())
        if kind == "chord":
            raise NotImplementedError
        ran = dramatiq.group([TASKS["noop"].message(number) for number in range(size)]).run()
        return len(list(ran.get_results(block=True, timeout=int(caller.PATIENCE_S * 1000))))


if __name__ == "__main__":
    caller.call(Dramatiq())
