"""Celery with a Redis server as broker and result back end: `python celery_.py WHAT COUNT`; see caller.py."""

from __future__ import annotations

import os

import caller
import celery
from bodies import BODIES

q = celery.Celery("peer", broker=f"{os.environ['PEER_URL']}/0", backend=f"{os.environ['PEER_URL']}/1")
TASKS = {name: q.task(name=name)(body) for name, body in BODIES.items()}


class CeleryCaller:
    def send(self, task: str, *args):
        return TASKS[task].delay(*args)

    def wait(self, handle):
        return handle.get(timeout=caller.PATIENCE_S)

    def workflow(self, kind: str, size: int) -> int:
        if kind == "chain":
            links = [TASKS["increase"].s() for _ in range(size - 1)]
            return self.wait(celery.chain(TASKS["increase"].s(0), *links).apply_async())
        header = [TASKS["noop"].s(number) for number in range(size)]
        if kind == "chord":
            return self.wait(celery.chord(header)(TASKS["count"].s()))
        return len(self.wait(celery.group(header).apply_async()))


if __name__ == "__main__":
    caller.call(CeleryCaller())
