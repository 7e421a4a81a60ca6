"""The scheduler: looks which schedules are due, and fires them; any number of them may do so for one store.

What a schedule's turn comes to is computed from its row and written only if that row has not changed meanwhile, so
that each instant fires once, whoever comes first and whoever dies on the way. It sleeps on a bell until the next
instant; the floor below that is half a second, so that a clock that is set is noticed.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from localq.exceptions import ScheduleError, StoreBusy, StoreError, StoreFull
from localq.model.clock import Clock, to_datetime
from localq.model.events import emit, listened
from localq.model.job import JobState
from localq.model.schedule import FIRED, Firing, Schedule, SyncOutcome, SyncResult
from localq.schedules.configured import RUN_TIME
from localq.schedules.definition import Definition, OwnRule, read_definition
from localq.schedules.firing import asked, plan, postponed
from localq.schedules.rules.asked import Asked
from localq.serialization.sealing import open_spec, seal_calls, signer_of
from localq.signals import beat_embedded_init, beat_init
from localq.store import open_store
from localq.store.protocol import Bell, Store, Topic

__all__ = ["Scheduler", "beside"]

#: Seconds between looks when nothing rings: bells are only hints.
_FLOOR_S = 0.5
#: Seconds between looks when nothing seems to change at all, where the settings say nothing.
_LONGEST_S = 300.0
#: Schedules fired in one transaction.
_AT_ONCE = 200
#: Seconds between tries while the store cannot write.
_TRY_AGAIN_S = 1.0
#: Microseconds after which a schedule that cannot be planned is tried again.
_POSTPONED_US = 300_000_000
#: Definitions kept; beyond that the cache begins anew.
_MOST_KNOWN = 50_000


class Scheduler:
    """A scheduler of an app.

    Args:
        app: Its schedules and settings.
        store: A store of its own.
        own: Whether to close the store in the end.
    """

    def __init__(self, app: Any, store: Store, clock: Clock, *, own: bool = True) -> None:
        self.app, self.store, self.clock = app, store, clock
        self._own = own
        self._definitions: dict[int, tuple[str, Definition]] = {}
        self._revision = -1
        self._stopping = threading.Event()
        self._awake, self._wake = socket.socketpair()
        self._wake.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._thread: threading.Thread | None = None
        self._bell: Bell | None = None
        self._next_at: int | None = None
        self._look_at = 0.0
        self._failing = False
        self._waiting = False
        #: Schedules the program configures.
        self.configured = 0

    # Life

    def prepare(self) -> None:
        """Open the store and bring it up to date with the configuration.

        Raises:
            ScheduleError: an entry of the configuration cannot be; names it, the field and the reason.
            ImproperlyConfigured: a key that signs what it fires cannot be had.
            StoreError: the store cannot be used.
        """
        signer_of(self.app.conf)
        self.store.open()
        self._bell = self.store.bells.hang(Topic.SCHEDULES)
        self._selector.register(self._bell.fileno(), selectors.EVENT_READ, self._bell)
        self._sync()

    def run(self) -> None:
        """Fire what is due until told to stop; `prepare` comes first.

        Raises:
            StoreError: the store became unusable.
        """
        emit("scheduler.started", schedules=self.configured, store=self.store.name)
        try:
            while not self._stopping.is_set():
                self._wait(self._turn())
        finally:
            emit("scheduler.stopped")
            self.close()

    def start(self) -> None:
        """Run in a thread of its own, which prepares it if that has not been done."""
        beat_init.send(self)
        beat_embedded_init.send(self)
        self._thread = threading.Thread(target=self._run_to_end, name="LocalQ-scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell it to stop, from any thread or signal handler; what it is firing is fired."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def join(self, timeout: float | None = None) -> None:
        """Wait for its thread to end."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run_to_end(self) -> None:
        try:
            if self._bell is None:
                self._prepare_or_close()
            self.run()
        except Exception as error:
            # The worker beside it goes on, and ends by itself if the store is beyond use.
            emit("schedule.failed", schedule="(all)", error=f"the scheduler stopped: {error}")

    def _prepare_or_close(self) -> None:
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the bell, and of a store of its own."""
        if self._bell is not None:
            self._bell.close()
            self._bell = None
        self._selector.close()
        self._awake.close()
        self._wake.close()
        if self._own:
            self.store.close()

    # One turn of the loop

    def _turn(self) -> float:
        """Fire what is due, if there may be something; return the seconds to wait."""
        try:
            self.follow()
            if self._may_be_due():
                self._next_at = self.tick(self.clock.now())
                self._look_at = self.clock.steady() + (self.app.conf.beat_max_loop_interval or _LONGEST_S)
            self._failing = False
        except (StoreFull, StoreBusy) as error:
            return self._failed(error)
        except StoreError:
            raise
        except Exception as error:
            # Whatever it is: nobody would fire anything any more.
            return self._failed(error)
        return self._patience()

    def _failed(self, error: Exception) -> float:
        """Tell what went wrong, once; return the seconds to wait before the next try."""
        if not self._failing:
            emit("schedule.failed", schedule="(all)", error=f"{type(error).__name__}: {error}")
        self._failing = True
        self._look_at = 0.0
        return _TRY_AGAIN_S

    def _may_be_due(self) -> bool:
        due = self._waiting or (self._next_at is not None and self._next_at <= self.clock.now())
        return due or self.clock.steady() >= self._look_at or self.store.bells.changed()

    def _patience(self) -> float:
        if self._next_at is None:
            return _FLOOR_S
        return max(0.0, min(_FLOOR_S, (self._next_at - self.clock.now()) / 1e6))

    def _wait(self, seconds: float) -> None:
        """Sleep until the bell rings, the scheduler is to stop, or the time has passed."""
        for key, _ in self._selector.select(seconds):
            if key.data is not None:
                key.data.drain()
                self._look_at = 0.0

    def follow(self) -> None:
        """Take up what the program has declared since; what cannot be is told, and the rest goes on."""
        if self.app.schedules.revision != self._revision:
            try:
                self._sync()
            except ScheduleError as error:
                emit("schedule.failed", schedule="(configuration)", error=str(error))

    def _sync(self) -> None:
        self._revision = self.app.schedules.revision
        results: Sequence[SyncResult] = self.app.schedules.sync(self.store, self.clock.now())
        self.configured = sum(one.outcome != SyncOutcome.RETIRED for one in results)
        self._look_at = 0.0
        for one in results:
            if one.outcome == SyncOutcome.CONFLICT:
                reason = f"its name is taken by another schedule, of {one.holder}; give it another name"
                emit("schedule.failed", schedule=one.name, error=reason)
            elif one.outcome == SyncOutcome.RETIRED:
                emit("schedule.retired", schedule=one.name, source=self.app.schedules.source)

    # Firing

    def tick(self, now: int) -> int | None:
        """Fire what is due at a time; return when the next is due, None if nothing will be by itself."""
        self._waiting = False
        most = _AT_ONCE
        while True:
            due = self.store.schedules.due(now, most, (RUN_TIME, self.app.schedules.source))
            parts = [due.schedules[at : at + _AT_ONCE] for at in range(0, len(due.schedules), _AT_ONCE)]
            if sum(self._fire(part, now) for part in parts):
                # What fired may be due again, or before all others.
                continue
            if due.next_due is None or due.next_due > now:
                return due.next_due
            # All of these are left to other programs; behind them there are more.
            most *= 2

    def _fire(self, rows: Sequence[Schedule], now: int) -> bool:
        """Fire schedules that need it, in one transaction; return whether there were any."""
        busy = self._busy(rows)
        self._waiting = self._waiting or any(row.held_at is not None for row in rows)
        planned = [(row, firing) for row in rows if (firing := self._planned(row, now, row.last_job in busy))]
        if not planned:
            return False
        applied = self._written(planned, now)
        self._waiting = self._waiting or any(firing.held_at is not None for _, firing in planned)
        done = [pair for pair, ok in zip(planned, applied, strict=True) if ok]
        for row, firing in done:
            self._tell(row, firing, now)
        return True

    def _written(self, planned: Sequence[tuple[Schedule, Firing]], now: int) -> list[bool]:
        """Write firings in one transaction; if one of them cannot be written, each in its own and all others are."""
        try:
            return self.store.schedules.fire([firing for _, firing in planned], now)
        except StoreError:
            raise
        except Exception as error:
            if len(planned) > 1:
                return [self._written([pair], now)[0] for pair in planned]
            row, _ = planned[0]
            self.store.schedules.fire([self._put_off(row, error, now)], now)
            return [False]

    def _busy(self, rows: Iterable[Schedule]) -> set[str]:
        """Return the ids of previous jobs that are not finished."""
        ids = {row.last_job for row in rows if row.last_job is not None}
        return {job_id for job_id, job in self.store.read.get(list(ids)).items() if not JobState(job.state).final}

    def _planned(self, row: Schedule, now: int, busy: bool) -> Firing | None:
        try:
            definition = self._definition(row)
            if isinstance(definition.rule, OwnRule):
                # A scheduler of the program that configures it will fire it.
                return None
            decide = asked if isinstance(definition.rule, Asked) else plan
            firing = decide(row, definition, now, busy=busy)
            return firing and firing._replace(jobs=tuple(seal_calls(firing.jobs, self.app.conf)))
        except Exception as error:
            if row.due_at is None or row.due_at > now:
                # It only waits for its previous job, and said so when it was due.
                return None
            return self._put_off(row, error, now)

    def _put_off(self, row: Schedule, error: Exception, now: int) -> Firing:
        reason = str(error) or type(error).__name__
        emit("schedule.failed", schedule=row.name, error=reason)
        return postponed(row, now + _POSTPONED_US, reason)

    def _definition(self, row: Schedule) -> Definition:
        # Each time: keys and settings may have changed, and so may the row.
        spec = open_spec(row.name, row.spec, self.app.conf)
        known = self._definitions.get(row.key)
        if known is None or known[0] != spec:
            if len(self._definitions) >= _MOST_KNOWN:
                self._definitions.clear()
            known = self._definitions[row.key] = (spec, read_definition(row.name, spec))
        definition = known[1]
        if isinstance(definition.rule, OwnRule):
            definition = self.app.schedules.own(row) or definition
        return definition

    def _tell(self, row: Schedule, firing: Firing, now: int) -> None:
        if not (listened("schedule.fired") or listened("schedule.skipped")):
            return
        tasks = {job.id: job.task for job in firing.jobs}
        for entry in firing.entries:
            nominal = to_datetime(entry.nominal).isoformat()
            if entry.outcome == FIRED:
                emit(
                    "schedule.fired",
                    schedule=row.name,
                    task=tasks.get(entry.job_id or "", ""),
                    job_id=entry.job_id,
                    nominal=nominal,
                    late_s=(now - entry.nominal) / 1e6,
                )
            else:
                emit("schedule.skipped", schedule=row.name, nominal=nominal, count=entry.count, reason=entry.reason)


def beside(app: Any, *, prepared: bool = True) -> Scheduler:
    """Return a scheduler on a store of its own, ready to start.

    Args:
        prepared: The configuration is synchronised; else its thread does that first.

    Raises:
        ScheduleError: an entry of the configuration cannot be.
        StoreError: the store cannot be used.
    """
    memory = not app.store.shared
    store = app.store if memory else open_store(app.location, "normal")
    made = Scheduler(app, store, app.clock, own=not memory)
    if prepared:
        made._prepare_or_close()
    return made
