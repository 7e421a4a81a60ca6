"""Move all that one store holds into another: the order of the steps, each of which may be broken off and taken again.

1. Both stores say that they are moved, and are kept still (`brake`).
2. What runs is waited for.
3. Jobs, then edges and groups, schedules, orders, the book of changes, and counts of what is gone.
4. All jobs are compared.
5. The one store says that it was moved, and stays still; the other is let go.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from localq.model import failpoints
from localq.model.audit import ChangeRow
from localq.model.clock import Clock
from localq.model.job import JobState
from localq.model.tally import FINE_US, Tally
from localq.model.worker import WorkerState
from localq.monitor.moving.brake import FROM, TO, Brake, Mark, every_schedule
from localq.monitor.moving.comparison import Comparison
from localq.monitor.moving.jobs import copy_edges_and_groups, copy_jobs
from localq.monitor.moving.refused import MoveRefused, StillRunning
from localq.monitor.moving.schedules import move_schedule
from localq.store.protocol import Filter, Portion, Store, Topic
from localq.store.protocol.history import TALLIES_KEPT_US

__all__ = ["Move", "Report", "release"]

#: Seconds after a queue was stopped until no claim that had begun before is still on its way.
_SETTLED_S = 0.25
#: Jobs that are named where they are in the way.
_NAMED = 5
_CHANGES_AT_ONCE = 1000

#: Told what is done, and how much of it since the last time.
Told = Callable[[str, int], None]


def release(store: Store, clock: Clock) -> Mark | None:
    """Let a store go on that was stopped to be moved, and say nothing of that any more; return what it said."""
    brake = Brake(store, clock)
    mark = brake.mark(TO) or brake.mark(FROM)
    brake.release()
    return mark


class Report(NamedTuple):
    """What came of a move.

    `fresh` is how many things, by what they are, were not in the other store before. `compared` says what of the one
    store is in the other; of a move that was over before, of what was added since.
    """

    fresh: dict[str, int]
    compared: Comparison

    @property
    def complete(self) -> bool:
        """Whether all is there, as it was."""
        return not self.compared.missing and not self.compared.different


class Move:
    """Moves what a store holds into another.

    Args:
        source: The one that is moved. It stays as it is, but stopped.
        target: The one that gets it; what it has stays.
        wait_s: Seconds to wait for jobs that run.
        durable: The one that gets it once more, opened so that what it commits is on the disk, with all before; None:
            it is so anyway.
    """

    def __init__(
        self,
        source: Store,
        target: Store,
        clock: Clock,
        told: Told,
        wait_s: float = 0.0,
        durable: Store | None = None,
    ) -> None:
        self._source, self._target, self._clock = source, target, clock
        self._durable = durable or target
        self._told, self._wait_s = told, wait_s
        self._brake, self._other = Brake(source, clock), Brake(target, clock)

    def run(self) -> Report:
        """Move everything; return what came of it.

        Where the report is not complete both stores stay stopped. So they do after an error, or a kill: the same move
        goes on when it is run again, and `release` gives it up.

        Raises:
            StillRunning: jobs run; a move that begins with this is undone.
            MoveRefused: one of the stores is in another move, or in use.
        """
        mark, begun = self._begin()
        try:
            self._settle()
        except StillRunning:
            if begun:
                self._undo()
            raise
        failpoints.point("move.braked")
        fresh = self._move(mark)
        compared = self._compare(mark)
        if compared.missing and not mark.done:
            # Added by who had begun before, and committed behind what was read.
            fresh["jobs"] += self._move(mark._replace(place=None))["jobs"]
            compared = self._compare(mark)
        report = Report(fresh, compared)
        if report.complete:
            self._finish(mark)
        return report

    # Beginning and ending

    def _begin(self) -> tuple[Mark, bool]:
        """Say in both stores what is done, or find it said; return it, and whether it is new."""
        source, target = self._source, self._target
        mark, there = self._brake.mark(TO), self._other.mark(FROM)
        coming = self._brake.mark(FROM)
        if coming is not None:
            raise MoveRefused(f"{source.name} is just being filled from {coming.other}: finish that first.")
        if mark is not None and mark.other != target.name:
            how = "was moved" if mark.done else "is just being moved"
            raise MoveRefused(
                f"{source.name} {how} to {mark.other}. To go on there, name it; to give that up: "
                f"localq migrate --release {source.name}"
            )
        # Without a word in the one, the other's is of the same move where that was killed in between.
        if there is not None and (there.other != source.name if mark is None else there.token != mark.token):
            raise MoveRefused(
                f"{target.name} is just being filled from {there.other}. To go on with that, name it; to give it up: "
                f"localq migrate --release {target.name}"
            )
        if mark is None or not mark.done:
            self._refuse_workers()
        token = uuid.uuid4().hex if there is None else there.token
        new = Mark(token, target.name) if mark is None else mark
        self._other.say(FROM, Mark(new.token, source.name))
        found = self._brake.mark(FROM)
        if found is not None and found.token == new.token:
            self._other.say(FROM, None)
            raise MoveRefused(f"{source.name} and {target.name} are one and the same store.")
        if mark is None:
            self._brake.say(TO, new)
        return new, mark is None

    def _refuse_workers(self) -> None:
        alive = [row.card.name for row in self._target.workers.all() if row.state == WorkerState.ALIVE]
        if alive:
            raise MoveRefused(
                f"{_listed(alive)} works on {self._target.name} already. Stop it, and start it again when all is moved."
            )

    def _undo(self) -> None:
        self._other.release()
        self._brake.release()

    def _finish(self, mark: Mark) -> None:
        """Say that all was moved, and let the other store go: in this order, for what runs in neither is safe."""
        failpoints.point("move.compared")
        Brake(self._durable, self._clock).say(FROM, Mark(mark.token, self._source.name, done=True))
        place = (self._brake.mark(TO) or mark).place
        self._brake.say(TO, mark._replace(place=place, done=True))
        failpoints.point("move.done")
        self._other.release()

    # Keeping still

    def _settle(self) -> None:
        """Stop queues and schedules, and wait until nothing runs."""
        self._brake.hold_schedules()
        until = self._clock.steady() + self._wait_s
        bell = self._source.bells.hang(Topic.RESULTS)
        try:
            while True:
                newly = self._brake.hold_all()
                if newly and any(row.state != WorkerState.GONE for row in self._source.workers.all()):
                    settled = self._clock.steady() + _SETTLED_S
                    while (left := settled - self._clock.steady()) > 0:
                        bell.wait(left)
                        bell.drain()
                running = self._running()
                if not running and not self._brake.hold_all():
                    return
                left = until - self._clock.steady()
                if running and left <= 0:
                    raise StillRunning(self._why_running(running))
                bell.wait(min(0.5, max(0.0, left)))
                bell.drain()
        finally:
            bell.close()

    def _running(self) -> list[str]:
        return [one.id for one in self._source.read.find(Filter(states=(JobState.RUNNING,)), _NAMED + 1).jobs]

    def _why_running(self, running: list[str]) -> str:
        lost = {one.job.id for one in self._source.workers.lost(_NAMED + 1)}
        advice = f"Wait longer with --wait SECONDS, or stop the workers of {self._source.name} first."
        if lost.intersection(running):
            advice = f"Their worker is gone: start one on {self._source.name}, which takes care of them, and try again."
        return f"{_listed(running)} runs on {self._source.name}, and what runs cannot be moved. {advice}"

    # Moving

    def _move(self, mark: Mark) -> dict[str, int]:
        fresh = {"jobs": self._jobs(mark)}
        told = self._told
        fresh["groups"] = copy_edges_and_groups(self._source, self._target, self._clock, lambda n: told("edges", n))
        fresh["schedules"] = self._schedules(mark)
        failpoints.point("move.schedules")
        fresh["orders"] = self._orders()
        self._changes(mark)
        if not mark.done:
            self._tallies()
        return fresh

    def _jobs(self, mark: Mark) -> int:
        def saved(place: str, count: int) -> None:
            self._brake.say(TO, mark._replace(place=place))
            self._told("jobs", count)

        _, fresh = copy_jobs(self._source, self._target, mark.place, self._clock, self._settle, saved)
        return fresh

    def _schedules(self, mark: Mark) -> int:
        known = {one.name for one in every_schedule(self._target)}
        fresh = 0
        self._brake.hold_schedules()
        for row in every_schedule(self._source):
            if not (mark.done and row.name in known):
                move_schedule(self._source, self._target, row, self._clock)
            fresh += row.name not in known
            self._told("schedules", 1)
        return fresh

    def _orders(self) -> int:
        there = {(one.kind, one.name) for one in self._target.mail.orders() if not Brake.is_own(one)}
        wanted = [one for one in self._source.mail.orders() if not Brake.is_own(one)]
        new = [one for one in wanted if (one.kind, one.name) not in there]
        for kind, orders in groupby(new, key=lambda one: one.kind):
            since = self._source.mail.ordered_at(kind)
            for one in orders:
                self._target.mail.order([one], since.get(one.name, self._clock.now()))
        return len(new)

    def _changes(self, mark: Mark) -> None:
        """Copy the book of changes, the oldest first: each is known by the move and its key there."""
        rows: list[ChangeRow] = []
        while page := self._source.history.changes(_CHANGES_AT_ONCE, rows[-1].key if rows else None):
            rows += page
        for row in reversed(rows):
            self._target.history.record([row.change], row.at, f"{mark.token}-{row.key}")

    def _tallies(self) -> None:
        """Add to what the other store tells of finished jobs those of them that are gone."""
        now = self._clock.now()
        span = (now - TALLIES_KEPT_US, now + FINE_US, FINE_US)
        there = {_cell(one): one for one in self._target.history.finished(*span)}
        tallies = [_less(one, there.get(_cell(one))) for one in self._source.history.finished(*span)]
        missing = tuple(one for one in tallies if one.count > 0)
        if missing:
            self._target.moving.put(Portion(tallies=missing), now)

    # Comparing

    def _compare(self, mark: Mark) -> Comparison:
        compared = Comparison(self._source, self._target)
        compared.look(mark.place if mark.done else None, lambda n: self._told("compared", n))
        if not mark.done:
            compared.look_at_schedules()
        if compared.cancelled:
            # By somebody, while the jobs were moved.
            self._target.jobs.cancel(compared.cancelled, self._clock.now())
        return compared


def _cell(one: Tally) -> tuple[int, str, str, int]:
    return one.at, one.task, one.queue, one.state


def _less(one: Tally, there: Tally | None) -> Tally:
    """Return what of a tally is not among another."""
    if there is None:
        return one
    runs = {size: n - there.runs.get(size, 0) for size, n in one.runs.items()}
    waits = {size: n - there.waits.get(size, 0) for size, n in one.waits.items()}
    return Tally(
        *_cell(one),
        one.count - there.count,
        max(0, one.run_us - there.run_us),
        {size: n for size, n in runs.items() if n > 0},
        {size: n for size, n in waits.items() if n > 0},
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
