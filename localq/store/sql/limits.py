"""What keeps a claim from ready jobs: paused queues and rate limits.

Jobs over their task's limit are parked: SCHEDULED for a time that never comes, in an index of their own, so that ten
thousand of them stand in nobody's way. Each claim lets out as many as the limits allow by then.
"""

from __future__ import annotations

import contextlib
import json
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Dialect, bindparam, func, literal_column, null, select, update
from sqlalchemy.dialects import sqlite

from localq.model.job import JobState
from localq.model.orders import PARKED_AT, PAUSE, RATE, Order
from localq.model.rates import Budget, Rate, read_rate
from localq.store.sql.reading import ReadingVerbs
from localq.store.sql.schema import bucket, is_parked, job, state_is
from localq.store.sql.statement import Statement

__all__ = ["BrakedClaims", "Brakes"]

P = bindparam
#: Jobs parked or let out with one statement, and how often a claim that meets such jobs begins anew.
_AT_ONCE = 1000
_ROUNDS = 4
_TASK = 2


class _Statements:
    """The statements of this module, compiled when a dialect first needs them."""

    def __init__(self, dialect: Dialect) -> None:
        def made(clause: Any) -> Statement:
            return Statement(clause, dialect)

        self.next_queue = made(select(func.min(job.c.queue)).where(is_parked(), job.c.queue > P("after")))
        self.next_task = made(
            select(func.min(job.c.task)).where(is_parked(), job.c.queue == P("of_queue"), job.c.task > P("after"))
        )
        best = (
            select(job.c.key)
            .where(is_parked(), job.c.queue == P("of_queue"), job.c.task == P("of_task"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
        )
        self.let_out = made(
            update(job).where(job.c.key.in_(best.scalar_subquery())).values(state=int(JobState.READY), run_at=P("now"))
        )
        front = (
            select(job.c.key, job.c.task)
            .where(state_is(JobState.READY), job.c.queue == P("of_queue"))
            .order_by(job.c.priority.desc(), job.c.key)
            .limit(P("most"))
            .subquery()
        )
        listed = select(func.json_each(P("tasks")).table_valued("value").c.value)
        over = select(front.c.key).where(front.c.task.in_(listed.scalar_subquery()))
        parked = {"state": int(JobState.SCHEDULED), "run_at": PARKED_AT}
        self.park = made(update(job).where(job.c.key.in_(over.scalar_subquery())).values(parked))
        self.put_back = made(
            update(job)
            .where(job.c.key == P("k"))
            .values({**parked, "owner": null(), "attempts": job.c.attempts - literal_column("1")})
        )
        self.full_at = made(select(bucket.c.full_at).where(bucket.c.task == P("of_task")))
        kept = sqlite.insert(bucket).values(task=P("task"), full_at=P("full_at"))
        self.keep = made(kept.on_conflict_do_update(index_elements=["task"], set_={"full_at": kept.excluded.full_at}))


@cache
def _statements(dialect: Dialect) -> _Statements:
    return _Statements(dialect)


class Brakes:
    """What holds for one claim: the queues it may serve, and what limits leave."""

    def __init__(self, queues: list[str], budget: Budget) -> None:
        self.queues, self.budget = queues, budget
        #: Limited tasks of which jobs are parked in these queues.
        self.waiting: set[str] = set()
        #: Whether the claim should be made again at once: there was more to move than it may.
        self.again = False

    def next_at(self, due: int | None, now: int) -> int | None:
        """Return when to claim next: the earliest of what is due, and of what limits allow."""
        times = [self.budget.next_at(task) for task in self.waiting]
        if due is not None:
            times.append(due)
        return now if self.again else min(times, default=None)


class BrakedClaims(ReadingVerbs):
    """The part of claiming that minds pauses and rate limits."""

    def _brakes(
        self,
        cursor: Any,
        queues: Iterable[str],
        barred: Collection[str] | None,
        rates: Mapping[str, Rate] | None,
        now: int,
    ) -> Brakes:
        """Return what holds now, having let out the parked jobs that may run.

        Args:
            queues: Those to serve that have ready jobs, or all to serve.
            barred: Where every queue is served but these, these; else None.
            rates: The limits tasks have by themselves, over which orders go; None: no limit holds.
        """
        orders = [Order._make(row) for row in self._run(cursor, self._sql.orders).fetchall()]
        paused = {order.name for order in orders if order.kind == PAUSE}
        limits = {} if rates is None else _ordered(rates, orders)
        sql = _statements(self._dialect)

        def full_at(task: str) -> int | None:
            found = self._run(cursor, sql.full_at, of_task=task).fetchone()
            return None if found is None else int(found[0])

        brakes = Brakes([name for name in queues if name not in paused], Budget(limits, full_at, now))
        self._let_out(cursor, brakes, None if barred is None else paused.union(barred), now)
        return brakes

    def _let_out(self, cursor: Any, brakes: Brakes, barred: Collection[str] | None, now: int) -> None:
        for queue, task in self._parked(cursor):
            if queue not in brakes.queues:
                if barred is None or queue in barred:
                    continue
                brakes.queues.append(queue)
            self._let_out_some(cursor, brakes, queue, task, now)

    def _parked(self, cursor: Any) -> Iterator[tuple[str, str]]:
        """Yield each queue and task of which jobs are parked, by skipping from one to the next in the index."""
        sql = _statements(self._dialect)
        for queue in self._skipping(cursor, sql.next_queue):
            for task in self._skipping(cursor, sql.next_task, of_queue=queue):
                yield queue, task

    def _let_out_some(self, cursor: Any, brakes: Brakes, queue: str, task: str, now: int) -> None:
        budget = brakes.budget
        most = min(_AT_ONCE, budget.left(task)) if budget.limited(task) else _AT_ONCE
        if most:
            sql = _statements(self._dialect)
            self._run(cursor, sql.let_out, of_queue=queue, of_task=task, most=most, now=now)
            if cursor.rowcount < most:
                return
        if budget.limited(task):
            brakes.waiting.add(task)
        else:
            brakes.again = True

    def _take_braked(self, cursor: Any, brakes: Brakes, worker: int, limit: int) -> list[Any]:
        """Take jobs within the limits, and park those that are over, also further back."""
        sql, budget = _statements(self._dialect), brakes.budget
        taken: list[Any] = []
        for _ in range(_ROUNDS):
            rows = self._take(cursor, brakes.queues, worker, limit - len(taken)) if brakes.queues else []
            rows.sort(key=lambda row: (-row[4], row[0]))
            over: list[Any] = []
            for row in rows:
                (taken if budget.spend(row[_TASK]) else over).append(row)
            if not over:
                break
            cursor.executemany(sql.put_back.text, [sql.put_back.values({"k": row[0]}) for row in over])
            tasks = {row[_TASK] for row in over}
            brakes.waiting |= tasks
            for queue in brakes.queues:
                self._run(cursor, sql.park, of_queue=queue, tasks=json.dumps(sorted(tasks)), most=_AT_ONCE)
        else:
            brakes.again = True
        cursor.executemany(sql.keep.text, list(budget.spent.items()))
        return taken

    @abstractmethod
    def _take(self, cursor: Any, queues: Sequence[str], worker: int, limit: int) -> list[Any]: ...


def _ordered(rates: Mapping[str, Rate], orders: Iterable[Order]) -> dict[str, Rate]:
    """Return the limits that hold: the tasks' own, and over them those ordered; 0 lifts one."""
    limits = dict(rates)
    for order in orders:
        # What no version of ours wrote must not stop a worker.
        with contextlib.suppress(ValueError):
            if order.kind == RATE:
                rate = read_rate(order.value)
                limits.pop(order.name, None)
                if rate is not None:
                    limits[order.name] = rate
    return limits
