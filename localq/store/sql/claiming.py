"""Claiming jobs, by statements on a cursor: what is ready and served, in order, within pauses and rate limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from localq.model import failpoints
from localq.model.job import Job, JobState
from localq.model.rates import Rate
from localq.model.worker import Claim, Served
from localq.store.sql.compiled import JobTexts
from localq.store.sql.database import NotAlone
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.edges import Edges
from localq.store.sql.known_tasks import KnownTasks
from localq.store.sql.layout import TAKEN
from localq.store.sql.limits import Brakes, Limits

__all__ = ["JobTaker", "due_queues", "first_due", "ready_queues", "with_args"]

#: SCHEDULED jobs made READY in one claim; more wait for the next.
_PROMOTED_AT_ONCE = 1000
#: Jobs that cannot run because of others, taken in one claim.
_STUCK_AT_ONCE = 256
#: Where a row has its job's priority.
_PRIORITY = TAKEN.index("priority")
#: What a claim need not read: so are the jobs that it took.
_KNOWN = {"state": int(JobState.RUNNING), "cancel": 0, "shown": None, "finished_at": None, "waits": 0, "culprit": None}
#: Puts a row, what is known, and the owner in the order of a job's fields.
_in_order = itemgetter(*map((*TAKEN, *_KNOWN, "owner").index, Job._fields))
#: How often a claim that meets jobs over their limits begins anew.
_ROUNDS = 4


class JobTaker:
    """Takes jobs for workers."""

    def __init__(self, dialect: SqlDialect, edges: Edges) -> None:
        self._dialect, self._edges = dialect, edges
        self._limits = Limits(dialect)
        self._known = KnownTasks(dialect)
        self._sql = dialect.texts.job

    def claim(
        self,
        cursor: Any,
        worker: int,
        served: Served,
        limit: int,
        now: int,
        rates: Mapping[str, Rate] | None,
        *,
        alone: bool,
    ) -> Claim:
        """Take READY jobs, those with long arguments without them; see `localq.store.protocol.jobs`.

        Raises:
            NotAlone: what limits leave, and what others' failures mean, is for one at a time to say.
        """
        sql = self._sql
        held = sql.outlook.run(cursor, k=worker).fetchone()
        if held is None:
            return Claim([], None, held=False)
        braked, next_at, stuck, first, last = held
        ready = _all_queues(first, last)
        if not alone and (braked or rates or stuck):
            raise NotAlone
        if next_at is not None:
            if next_at <= now:
                # There may be more by then.
                ready = None
            next_at = self._promoted(cursor, worker, served, next_at, now)
        behind: list[Job] = []
        if stuck:
            behind = self._edges.take_stuck(cursor, worker, _STUCK_AT_ONCE)
        queues = self._served(cursor, served, ready)
        if limit <= 0 or not (queues or braked):
            return Claim(behind, next_at)
        if braked or rates:
            barred = served.excluded if served.queues is None else None
            brakes = self._limits.brakes(cursor, queues, barred, served.tasks, rates, now)
            rows = self._take_braked(cursor, brakes, served, worker, limit)
            next_at = brakes.next_at(next_at, now)
        else:
            rows = self._take(cursor, queues, served, worker, limit)
        # Of one priority: by their keys, which come first.
        rows.sort(key=_order if len({row[_PRIORITY] for row in rows}) > 1 else None)
        jobs = _taken(rows, worker)
        failpoints.point("claim.inside")
        unknown = () if served.tasks is None else tuple(sorted(self._known.unknown))
        return Claim(behind + jobs, next_at, unknown=unknown)

    def _promoted(self, cursor: Any, worker: int, served: Served, first: int, now: int) -> int | None:
        """Make due jobs of the queues served READY; return when the next of them is due.

        Args:
            first: When the first of any queue is.
        """
        sql = self._sql
        if served.queues is None and not served.excluded:
            if first > now:
                return first
            sql.promote.run(cursor, now=now, most=_PROMOTED_AT_ONCE)
            found: int | None = sql.outlook.run(cursor, k=worker).fetchone()[1]
            return found
        left, times = _PROMOTED_AT_ONCE, []
        names = due_queues(cursor, sql) if served.queues is None else dict.fromkeys(served.queues)
        for name in [name for name in names if name not in served.excluded]:
            at = first_due(cursor, sql, name)
            if at is not None and at <= now and left:
                sql.promote_queue.run(cursor, of_queue=name, now=now, most=left)
                left -= cursor.rowcount
                at = first_due(cursor, sql, name)
            if at is not None:
                times.append(at)
        return min(times, default=None)

    def backlog(self, cursor: Any, served: Served, most: int) -> int:
        """Return the number of READY jobs, counting no further than `most`."""
        count = 0
        for name in self._served(cursor, served):
            if count < most:
                count += self._sql.count_ready.run(cursor, of_queue=name, most=most - count).fetchone()[0]
        return count

    def _served(self, cursor: Any, served: Served, ready: Sequence[str] | None = None) -> list[str]:
        """Return the queues served, where all are those that have ready jobs.

        Args:
            ready: Those, where they are known.
        """
        names: Iterable[str] = dict.fromkeys(served.queues or ())
        if served.queues is None:
            names = ready_queues(cursor, self._sql) if ready is None else ready
        return [name for name in names if name not in served.excluded]

    def _take(self, cursor: Any, queues: Sequence[str], served: Served, worker: int, limit: int) -> list[Any]:
        if served.tasks is None:
            return self._take_any(cursor, queues, worker, limit)
        return self._known.take(
            cursor,
            queues,
            served.tasks,
            limit,
            lambda most: self._take_any(cursor, queues, worker, most),
            lambda keys: self._take_keys(cursor, keys, worker, len(keys)),
        )

    def _take_any(self, cursor: Any, queues: Sequence[str], worker: int, limit: int) -> list[Any]:
        sql = self._sql
        if len(queues) == 1:
            return self._take_front(cursor, queues[0], worker, limit)
        rows: list[Any] = []
        look = limit
        while True:
            best: list[tuple[int, int]] = []
            for name in queues:
                found = sql.best_of_queue.run(cursor, of_queue=name, most=look).fetchall()
                best.extend((-priority, key) for key, priority in found)
            best.sort()
            keys = [key for _, key in best[:look]]
            rows += self._take_keys(cursor, keys, worker, limit - len(rows))
            if len(rows) >= limit or len(best) < look or look >= limit << 4:
                return rows
            # Others have some of these in hand: what they leave stands behind.
            look *= 4

    def _take_front(self, cursor: Any, queue: str, worker: int, most: int) -> list[Any]:
        sql = self._sql
        if not self._dialect.one_writer:
            return list(sql.claim_queue.run(cursor, worker=worker, of_queue=queue, most=most).fetchall())
        rows = list(sql.front_of_queue.run(cursor, of_queue=queue, most=most).fetchall())
        if rows:
            sql.take_front.run(cursor, worker=worker, of_queue=queue, most=most)
        return rows

    def _take_keys(self, cursor: Any, keys: Sequence[int], worker: int, most: int) -> list[Any]:
        bound = self._dialect.bound(keys)
        return list(self._sql.claim_keys.run(cursor, worker=worker, keys=bound, most=most).fetchall())

    def _take_braked(self, cursor: Any, brakes: Brakes, served: Served, worker: int, limit: int) -> list[Any]:
        """Take jobs within the limits, and park those that are over, also further back."""
        taken: list[Any] = []
        for _ in range(_ROUNDS):
            most = limit - len(taken)
            rows = self._take(cursor, brakes.queues, served, worker, most) if brakes.queues else []
            rows.sort(key=_order)
            within, over = brakes.parted(rows)
            taken += within
            if not over:
                break
            self._limits.park(cursor, brakes, over)
        else:
            brakes.again = True
        self._limits.keep(cursor, brakes)
        return taken


def _all_queues(first: Any, last: str | None) -> Sequence[str] | None:
    """Return the queues that have ready jobs, of what the outlook says of them; None: there may be more."""
    if first is None:
        return ()
    if type(first) is str:
        return (first,) if first == last else None
    found: Sequence[str] = first
    return found


def ready_queues(cursor: Any, sql: JobTexts) -> Iterator[str]:
    """Return the queues that have ready jobs."""
    return sql.next_queue.run(cursor)


def due_queues(cursor: Any, sql: JobTexts) -> Iterator[str]:
    """Return the queues that have jobs which wait for their time."""
    return sql.next_due_queue.run(cursor)


def first_due(cursor: Any, sql: JobTexts, queue: str) -> int | None:
    """Return when the first job of a queue that waits for its time is to run."""
    at: int | None = sql.first_due.run(cursor, of_queue=queue).fetchone()[0]
    return at


def _taken(rows: Sequence[tuple[Any, ...]], worker: int) -> list[Job]:
    """Return the jobs of rows that were taken."""
    known = (*_KNOWN.values(), worker)
    # There is no count to be checked.
    return [tuple.__new__(Job, _in_order(row + known)) for row in rows]


def _order(row: Sequence[Any]) -> tuple[int, int]:
    return -row[_PRIORITY], row[0]


def with_args(cursor: Any, sql: JobTexts, one: Job) -> Job:
    """Return a job that was read with its arguments, long ones too."""
    if one.args is not None:
        return one
    found = sql.payload.run(cursor, job=one.key).fetchone()
    return one._replace(args=found[0] if found else b"")
