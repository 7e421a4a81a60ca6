"""A worker as a program of its own: `python -m tests.crash.worker NAME SLOTS [MAX_TASKS] [MAX_MEMORY_KB]`."""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

from localq.model.events import subscribe
from localq.worker.build import assemble
from localq.worker.shutdown import Stopping
from tests.crash import journal
from tests.crash.tasks import FOLDER, insist, q


def main(name: str, slots: str, max_tasks: str = "0", max_memory_kb: str = "0") -> None:
    # Whoever starts it would start it again, until its server is there.
    worker = insist(
        assemble,
        q,
        printed=lambda job, text, is_error: None,
        concurrency=int(slots),
        name=f"{name}@lab",
        max_tasks=int(max_tasks) or None,
        max_memory_kb=int(max_memory_kb) or None,
    )
    asked = [0]

    def stop(number: int, frame: Any) -> None:
        asked[0] += 1
        worker.stop(min(asked[0], Stopping.KILL))

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    def note(event: str, fields: dict[str, Any]) -> None:
        if event in _TOLD:
            told = {key: value for key, value in fields.items() if isinstance(value, str | int | float)}
            journal.append(FOLDER / "events", [event, json.loads(json.dumps(told))])

    with subscribe(note):
        worker.run()


_TOLD = {
    "worker.started", "worker.stopping", "worker.stopped", "worker.rejoined", "job.discarded", "job.lost",
    "jobs.rescued", "store.failed", "store.recovered", "store.rolled_back",
}  # fmt: skip

if __name__ == "__main__":
    main(*sys.argv[1:])
