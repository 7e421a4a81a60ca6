"""Huey on SQLite: `python huey_.py WHAT COUNT`; see caller.py."""

from __future__ import annotations

import os

import caller
import huey
from bodies import BODIES

q = huey.SqliteHuey("peer", filename=os.environ["PEER_URL"], fsync=os.environ.get("PEER_FSYNC") == "1")
TASKS = {name: q.task(name=name)(body) for name, body in BODIES.items()}


class Huey:
    def send(self, task: str, *args):
        return TASKS[task](*args)

    def wait(self, handle):
        return handle.get(blocking=True, timeout=caller.PATIENCE_S)

    def workflow(self, kind: str, size: int) -> int:
        if kind == "chain":
            line = TASKS["increase"].s(0)
            for _ in range(size - 1):
                line = line.then(TASKS["increase"])
            return self.wait(list(q.enqueue(line))[-1])
        header = [TASKS["noop"].s(number) for number in range(size)]
        if kind == "chord":
            return self.wait(q.enqueue(huey.chord(header, TASKS["count"].s())).callback)
        return len(self.wait(q.enqueue(huey.group(header))))


if __name__ == "__main__":
    caller.call(Huey())
