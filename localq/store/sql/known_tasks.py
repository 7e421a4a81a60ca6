"""Claiming by a worker that does not know every task: the jobs of others stay where they are, and stand in no way.

As long as all that is in front is of tasks it knows, jobs are taken in the order of the common index, at no price.
Once others are met, the front of each queue is looked through; and where more of them stand there than that, the file
gets an index by task, and the worker takes the best jobs of each of its tasks: that costs what its tasks are, however
many jobs of others there are.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from localq.store.sql.dialect import SqlDialect

__all__ = ["KnownTasks"]

_TASK = 2
#: The least number of jobs that is read of a task at once, and of the front of a queue.
_AT_LEAST = 4
_FRONT = 64

_Take = Callable[[int], list[Any]]
_TakeKeys = Callable[[Sequence[int]], list[Any]]
#: Priority with its sign turned, key: least is best.
_Rank = tuple[int, int]


class KnownTasks:
    """Takes jobs of the tasks a worker knows, by statements on a cursor.

    Attributes:
        unknown: Tasks that were met and are not known, since `take` was last called.
    """

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._mixed = self._indexed = False
        self._sorted: tuple[frozenset[str], list[str]] = (frozenset(), [])
        self.unknown: set[str] = set()
        self._sql = dialect.texts.known_task

    def take(
        self, cursor: Any, queues: Sequence[str], tasks: frozenset[str], limit: int, any_of: _Take, these: _TakeKeys
    ) -> list[Any]:
        """Return the rows of jobs taken, of these tasks alone.

        Args:
            any_of: Takes the best jobs of any task.
            these: Takes jobs by key.
        """
        self.unknown.clear()
        rows: list[Any] = []
        if not self._mixed:
            taken = any_of(limit)
            rows = [row for row in taken if row[_TASK] in tasks]
            if len(rows) == len(taken):
                return rows
            others = [row for row in taken if row[_TASK] not in tasks]
            self.unknown.update(row[_TASK] for row in others)
            back = self._sql.put_back
            cursor.executemany(back.text, [back.values({"k": row[0]}) for row in others])
            self._mixed = True
        if len(rows) < limit:
            rows += these(self._best(cursor, queues, tasks, limit - len(rows)))
        return rows

    def _best(self, cursor: Any, queues: Sequence[str], tasks: frozenset[str], limit: int) -> list[int]:
        """Return the keys of the best ready jobs of the tasks."""
        most = max(_FRONT, 2 * limit)
        ranks: list[_Rank] = []
        blocked: list[str] = []
        for queue in queues:
            front = self._sql.front.run(cursor, of_queue=queue, most=most).fetchall()
            known = [(-priority, key) for key, priority, task in front if task in tasks]
            self.unknown.update(task for _, _, task in front if task not in tasks)
            if len(known) < limit and len(front) == most:
                blocked.append(queue)
            else:
                ranks += known
        # With nobody else's jobs in front the common order will do from now on.
        self._mixed = bool(self.unknown)
        if blocked:
            ranks += self._behind(cursor, blocked, tasks, limit)
        return [key for _, key in sorted(ranks)[:limit]]

    def _behind(self, cursor: Any, queues: Sequence[str], tasks: frozenset[str], limit: int) -> list[_Rank]:
        """Return the best jobs of queues in whose front too many are of other tasks."""
        if self._dialect.makes_indexes and not self._indexed:
            cursor.execute(self._dialect.texts.ready_by_task)
            self._indexed = True
        lines = [(queue, task) for queue in queues for task in self._ready(cursor, queue, tasks)]
        asked = {line: limit if len(lines) == 1 else max(_AT_LEAST, 2 * limit // len(lines)) for line in lines}
        found = {line: self._front(cursor, line, asked[line]) for line in lines}
        while True:
            best = sorted(rank for ranks in found.values() for rank in ranks)[:limit]
            # Of a line whose last job is among the best there may be more that are.
            more = [line for line in lines if len(found[line]) == asked[line] < limit and found[line][-1] <= best[-1]]
            if not more:
                return best
            for line in more:
                asked[line] = min(limit, 2 * asked[line])
                found[line] = self._front(cursor, line, asked[line])

    def _front(self, cursor: Any, line: tuple[str, str], most: int) -> list[_Rank]:
        queue, task = line
        rows = self._sql.best_of_task.run(cursor, of_queue=queue, of_task=task, most=most).fetchall()
        return [(-priority, key) for priority, key in rows]

    def _ready(self, cursor: Any, queue: str, tasks: frozenset[str]) -> Iterator[str]:
        """Yield the tasks known of which a queue has ready jobs, leaping from one known to the next there is."""
        if self._sorted[0] is not tasks:
            self._sorted = tasks, sorted(tasks)
        known, at, leap = self._sorted[1], "", self._sql.next_task
        while (found := leap.run(cursor, of_queue=queue, at=at).fetchone()[0]) is not None:
            place = bisect_left(known, found)
            if place < len(known) and known[place] == found:
                yield found
                at, leap = found, self._sql.task_behind
                continue
            self.unknown.add(found)
            if place == len(known):
                return
            at, leap = known[place], self._sql.next_task
