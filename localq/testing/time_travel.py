"""Travel through time: the scheduler and the engine's own code, on a store in memory and a clock set by hand.

Nothing sleeps and no process is started. Jobs run in the test, one after the other, at their own times: a countdown
of an hour, a retry in ten minutes, a schedule at 02:30.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from localq import states
from localq.app import LocalQ
from localq.execution.eager import Eager
from localq.model.clock import to_datetime
from localq.model.job import Job
from localq.model.job_options import JobOptions
from localq.schedules.scheduler import Scheduler
from localq.serialization import codec
from localq.serialization.sealing import open_call
from localq.store import open_store
from localq.store.protocol import Store
from localq.testing.fake_clock import FakeClock

__all__ = ["Ran", "Trip", "travel"]

#: Runs in one instant after which jobs are taken to add each other for ever.
_MOST_AT_ONCE = 100_000


class Ran(NamedTuple):
    """One run of a job: when by the fake clock, with what, and the state the job had afterwards.

    A job that is retried runs several times. `schedule` is the name of the schedule that fired it, and
    `scheduled_at` the instant it was fired for; both None for other jobs.
    """

    at: datetime
    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    state: str
    id: str
    schedule: str | None
    scheduled_at: datetime | None


class Trip:
    """A travel through time; `travel` makes one.

    Attributes:
        app: The app that travels.
        clock: Its clock.
        ran: Every run so far, in order.
    """

    def __init__(self, app: LocalQ, store: Store, clock: FakeClock) -> None:
        self.app, self.clock = app, clock
        self.ran: list[Ran] = []
        self._store = store
        self._worker = Eager(app, store, inline=False)
        self._scheduler = Scheduler(app, store, clock, own=False)

    @property
    def now(self) -> datetime:
        """The time there, in UTC."""
        return self.clock.time

    def forward(self, delta: timedelta | None = None, **parts: float) -> list[Ran]:
        """Let time pass, and run what is due on the way; return the new runs.

        What is due at the very start and at the very end runs too: `forward()` runs what is due now.

        Args:
            delta, parts: How long: `forward(timedelta(days=3))` or `forward(days=3)`.
        """
        return self.to(self.now + (timedelta() if delta is None else delta) + timedelta(**parts))

    def to(self, when: datetime) -> list[Ran]:
        """Let time pass until a time, and run what is due on the way; return the new runs.

        Raises:
            ValueError: it lies in the past.
        """
        before = len(self.ran)
        end = FakeClock(when).now()
        while True:
            due = self._work()
            if due is None or due > end:
                break
            self.clock.to(to_datetime(due))
        self.clock.to(when)
        return self.ran[before:]

    def _work(self) -> int | None:
        """Fire and run what is due now; return when something is due next."""
        seen = len(self.ran)
        while True:
            self._scheduler.follow()
            next_firing = self._scheduler.tick(self.clock.now())
            claim = self._worker.run_due()
            self.ran += map(self._told, claim.jobs)
            if not claim.jobs:
                return min((at for at in (next_firing, claim.next_at) if at is not None), default=None)
            if len(self.ran) - seen > _MOST_AT_ONCE:
                raise RuntimeError(f"At {self.now} more than {_MOST_AT_ONCE:,} jobs ran: do they add each other?")

    def _told(self, claimed: Job) -> Ran:
        job = self._store.read.get([claimed.id], args=True).get(claimed.id)
        assert job is not None
        options = JobOptions.read(claimed.options)
        stored = open_call(claimed, self.app.conf) or b"[[],{}]"
        args, kwargs = codec.decode_call(stored, options.serializer, self.app.accepts(claimed.task))
        headers = options.headers or {}
        at = headers.get("scheduled_at")
        return Ran(
            at=self.now,
            task=claimed.task,
            args=args,
            kwargs=kwargs,
            state=states.public_state(job),
            id=claimed.id,
            schedule=headers.get("periodic_task_name"),
            scheduled_at=None if at is None else datetime.fromisoformat(at),
        )


@contextlib.contextmanager
def travel(app: LocalQ, start: datetime | None = None) -> Iterator[Trip]:
    """Let an app live in another time within the block: with a clock that is set by hand, and a store in memory.

    Calls add jobs there, and `Trip.forward` runs them; eager mode is off meanwhile. The app's schedules are there
    from the beginning, as after the first start of a scheduler: intervals are due at once. What tasks read from
    the machine's own clock (`datetime.now()`) stays as it is: let them use `self.request.scheduled_at`.

    Args:
        app: The app, not running.
        start: The time of departure; naive: UTC. Default: the beginning of 2026.

    Raises:
        ScheduleError: an entry of the app's configuration cannot be.
    """
    clock = FakeClock() if start is None else FakeClock(start)
    store = open_store(":memory:")
    app.import_tasks()
    before = app._store, app._eager, app.clock
    eager, app.conf.task_always_eager = app.conf.task_always_eager, False
    trip = Trip(app, store, clock)
    app._store, app._eager, app.clock = store, trip._worker, clock
    try:
        trip._scheduler.prepare()
        yield trip
    finally:
        app._store, app._eager, app.clock = before
        app.conf.task_always_eager = eager
        trip._scheduler.close()
        store.close()
