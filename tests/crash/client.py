"""A client as a program of its own: `python -m tests.crash.client TASK FIRST COUNT [BATCH] [ARGUMENT...]`.

It writes down every id it was given, synced, before it goes on: what is on that list must never be lost.
"""

from __future__ import annotations

import json
import sys

from tests.crash import journal
from tests.crash.tasks import FOLDER, TASKS, insist, q


def main(task: str, first: str, count: str, batch: str = "1", *more: str) -> None:
    known = TASKS[task]
    rest = [json.loads(word) for word in more]
    numbers = range(int(first), int(first) + int(count))
    for at in range(0, len(numbers), int(batch)):
        part = numbers[at : at + int(batch)]
        if len(part) == 1:
            results = [insist(known.delay, part[0], *rest)]
        else:
            results = list(insist(q.enqueue_many, [known.s(number, *rest) for number in part]))
        for number, result in zip(part, results, strict=True):
            journal.append(FOLDER / "acks", journal.Ack(result.id, task, number))
        journal.append(FOLDER / "batches", len(part), sync=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
