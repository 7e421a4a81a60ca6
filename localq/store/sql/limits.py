"""What keeps a claim from ready jobs: paused queues and rate limits.

Jobs over their task's limit are parked: SCHEDULED for a time that never comes, in an index of their own, so that ten
thousand of them stand in nobody's way. Each claim lets out as many as the limits allow by then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from localq.model.orders import PAUSE, RATE, Order
from localq.model.rates import Budget, Rate, read_rate
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.mail import standing_orders

__all__ = ["Brakes", "Limits"]

#: Jobs parked or let out with one statement.
_AT_ONCE = 1000
_TASK = 2


class Brakes:
    """What holds for one claim: the queues it may serve, and what limits leave."""

    def __init__(self, queues: list[str], budget: Budget) -> None:
        self.queues, self.budget = queues, budget
        #: Limited tasks of which jobs are parked in these queues.
        self.waiting: set[str] = set()
        #: Whether the claim should be made again at once: there was more to move than it may.
        self.again = False

    def parted(self, rows: Iterable[Any]) -> tuple[list[Any], list[Any]]:
        """Return the rows of jobs that may run, each of which is spent, and those over their limits."""
        within: list[Any] = []
        over: list[Any] = []
        for row in rows:
            (within if self.budget.spend(row[_TASK]) else over).append(row)
        return within, over

    def next_at(self, due: int | None, now: int) -> int | None:
        """Return when to claim next: the earliest of what is due, and of what limits allow."""
        times = [self.budget.next_at(task) for task in self.waiting]
        if due is not None:
            times.append(due)
        return now if self.again else min(times, default=None)


class Limits:
    """Minds pauses and rate limits, by statements on a cursor."""

    def __init__(self, dialect: SqlDialect) -> None:
        self._dialect = dialect
        self._sql = dialect.texts.limit

    def brakes(
        self,
        cursor: Any,
        queues: Iterable[str],
        barred: Collection[str] | None,
        tasks: Collection[str] | None,
        rates: Mapping[str, Rate] | None,
        now: int,
    ) -> Brakes:
        """Return what holds now, having let out the parked jobs that may run.

        Args:
            queues: Those to serve that have ready jobs, or all to serve.
            barred: Where every queue is served but these, these; else None.
            tasks: Those served; None: all.
            rates: The limits tasks have by themselves, over which orders go; None: no limit holds.
        """
        orders = standing_orders(cursor, self._dialect.texts.mail)
        paused = {order.name for order in orders if order.kind == PAUSE}
        limits = {} if rates is None else _ordered(rates, orders)
        sql = self._sql

        def full_at(task: str) -> int | None:
            found = sql.full_at.run(cursor, of_task=task).fetchone()
            return None if found is None else int(found[0])

        brakes = Brakes([name for name in queues if name not in paused], Budget(limits, full_at, now))
        self._let_out(cursor, brakes, None if barred is None else paused.union(barred), tasks, now)
        return brakes

    def _let_out(
        self, cursor: Any, brakes: Brakes, barred: Collection[str] | None, tasks: Collection[str] | None, now: int
    ) -> None:
        for queue, task in self._parked(cursor):
            if tasks is not None and task not in tasks:
                continue
            if queue not in brakes.queues:
                if barred is None or queue in barred:
                    continue
                brakes.queues.append(queue)
            self._let_out_some(cursor, brakes, queue, task, now)

    def _parked(self, cursor: Any) -> Iterator[tuple[str, str]]:
        """Yield each queue and task of which jobs are parked, by skipping from one to the next in the index."""
        sql = self._sql
        for queue in sql.next_queue.run(cursor):
            for task in sql.next_task.run(cursor, of_queue=queue):
                yield queue, task

    def _let_out_some(self, cursor: Any, brakes: Brakes, queue: str, task: str, now: int) -> None:
        budget = brakes.budget
        most = min(_AT_ONCE, budget.left(task)) if budget.limited(task) else _AT_ONCE
        if most:
            sql = self._sql
            sql.let_out.run(cursor, of_queue=queue, of_task=task, most=most, now=now)
            if cursor.rowcount < most:
                return
        if budget.limited(task):
            brakes.waiting.add(task)
        else:
            brakes.again = True

    def park(self, cursor: Any, brakes: Brakes, over: Sequence[Any]) -> None:
        """Park jobs that were taken over their limits, and those of their tasks further back."""
        sql = self._sql
        cursor.executemany(sql.put_back.text, [sql.put_back.values({"k": row[0]}) for row in over])
        tasks = {row[_TASK] for row in over}
        brakes.waiting |= tasks
        for queue in brakes.queues:
            sql.park.run(cursor, of_queue=queue, tasks=self._dialect.bound(sorted(tasks)), most=_AT_ONCE)

    def keep(self, cursor: Any, brakes: Brakes) -> None:
        """Write what was spent."""
        cursor.executemany(self._sql.keep.text, list(brakes.budget.spent.items()))


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
