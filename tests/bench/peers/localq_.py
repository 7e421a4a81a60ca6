"""LocalQ, on a file or a server: `python localq_.py WHAT COUNT`; see caller.py."""

from __future__ import annotations

import os

import caller
from bodies import BODIES

from localq import LocalQ, chain, chord, group

_PLACE = os.environ["PEER_URL"]
q = LocalQ(
    "peer",
    **{"url" if "://" in _PLACE else "path": _PLACE},
    durability=os.environ.get("PEER_DURABILITY", "full"),
    worker_concurrency=2,
)
TASKS = {name: q.task(name=name)(body) for name, body in BODIES.items()}


class LocalQCaller:
    def send(self, task: str, *args):
        return TASKS[task].delay(*args)

    def send_noops(self, numbers: range) -> None:
        q.enqueue_many([TASKS["noop"].s(number) for number in numbers])

    def wait(self, handle):
        return handle.get(timeout=caller.PATIENCE_S)

    def workflow(self, kind: str, size: int) -> int:
        if kind == "chain":
            links = [TASKS["increase"].s() for _ in range(size - 1)]
            return self.wait(chain(TASKS["increase"].s(0), *links).apply_async())
        header = [TASKS["noop"].s(number) for number in range(size)]
        if kind == "chord":
            return self.wait(chord(header)(TASKS["count"].s()))
        return len(self.wait(group(header).apply_async()))


if __name__ == "__main__":
    caller.call(LocalQCaller())
    q.close()
