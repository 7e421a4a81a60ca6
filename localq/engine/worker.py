"""The worker: one loop that claims jobs, hands them to a pool, and writes what came of them.

It holds the database; slots never do. Everything that is done between two waits is settled and written in one
`finish`. Nothing here reads a clock but through `Clock`.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

from localq import fault
from localq.call import new_id
from localq.clock import Clock
from localq.engine.autoscale import Bounds
from localq.engine.broadcast import Broadcast
from localq.engine.control import Control
from localq.engine.pool.base import Handed, Pool
from localq.engine.settling import Settling
from localq.engine.upkeep import Upkeep
from localq.events import emit, listened
from localq.exceptions import PoolBroken, StoreBusy, StoreError, StoreFull
from localq.feeding import fed
from localq.job import Completion, Job, JobState, Role, WorkerCard
from localq.sealing import seal_completion
from localq.settle import expired, released
from localq.signals import (
    heartbeat_sent,
    task_received,
    task_unknown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from localq.store.base import Store
from localq.store.presence import Presence, boot_id

__all__ = ["Stopping", "Worker", "WorkerPlan"]

#: Seconds between looks when nothing rings: bells are only hints.
_FLOOR_S = 0.5
#: Seconds between tries while the store cannot write.
_TRY_AGAIN_S = 1.0
#: Seconds a starting worker tries to get into a file that others keep locked.
_ENTER_S = 30.0
#: Most jobs claimed at once.
_MOST_CLAIMED = 256
#: Seconds an interrupted job has before it is killed.
_INTERRUPT_S = 5.0


class Stopping:
    """How far a worker has been told to stop."""

    NOT = 0
    #: Claim nothing more; finish what runs; put the rest back.
    FINISH = 1
    #: Interrupt what runs.
    INTERRUPT = 2
    #: Kill what runs.
    KILL = 3


class WorkerPlan(NamedTuple):
    """What a worker is to be: its name, and the queues it serves (None: all but the excluded ones)."""

    name: str
    host: str
    pool_kind: str
    queues: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    autoscale: Bounds | None = None


class Worker:
    """A worker of an app.

    Args:
        app: Tasks and settings.
        store: A store of its own.
        pool: Not started yet.
        presence: Made beforehand, where the pool's slots mark what they start; None: no files.
    """

    def __init__(
        self,
        app: Any,
        store: Store,
        pool: Pool,
        plan: WorkerPlan,
        clock: Clock,
        presence: Presence | None,
    ) -> None:
        self.app, self.store, self.pool, self.plan, self.clock = app, store, pool, plan, clock
        self.presence = presence
        self.uuid = presence.uuid if presence is not None else new_id()
        self.key = 0
        self.error: StoreError | None = None
        self._orderly = False
        self.ready = threading.Event()
        self._boot = boot_id()
        self._stopping = Stopping.NOT
        self._asked = Stopping.NOT
        self._kill_at: float | None = None
        self._interrupt_at: float | None = None
        self._look = True
        self._rung = False
        self._next_at: int | None = None
        #: There may be jobs that cannot run because of others: to be settled even where there is no room.
        self._behind = False
        self._beat_at = 0.0
        self._tick_after: float | None = None
        self._floor_at = 0.0
        self._failing_since: float | None = None
        self._failure: StoreError | None = None
        self._try_at = 0.0
        self._unsaved: list[Completion] = []
        self._selector = selectors.DefaultSelector()
        self._awake, self._wake = socket.socketpair()
        for end in (self._awake, self._wake):
            end.setblocking(False)
        #: Hears nothing but `stop`.
        self._calm = selectors.DefaultSelector()
        self._calm.register(self._awake, selectors.EVENT_READ)
        self._upkeep: Upkeep | None = None
        self.control = Control(self, plan.autoscale)
        self.broadcast = Broadcast(app, plan.name, store, pool, clock)
        self._settling = Settling(app, plan.name, clock, self.broadcast)
        #: The name of the signal that stops it, where it was one.
        self.sig: str | None = None

    @property
    def hostname(self) -> str:
        """Its name, as receivers of signals know it."""
        return self.plan.name

    # Life

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            StoreError: the store became unusable; what was finished and could not be written runs again elsewhere.
            PoolBroken: the pool can run nothing; what it held was put back.
        """
        self._begin()
        try:
            while not self._done():
                self._turn()
            self._orderly = self.error is None
        finally:
            self._end()

    def stop(self, how: int = Stopping.FINISH) -> None:
        """Tell the worker to stop; from any thread, and from signal handlers."""
        self._asked = max(self._asked, how)
        self.wake()

    @property
    def stops(self) -> bool:
        """Whether it has been told to stop."""
        return self._asked != Stopping.NOT

    def serve(self, queues: tuple[str, ...] | None, excluded: tuple[str, ...]) -> None:
        """Serve other queues from now on, and say so in the store."""
        self.plan = self.plan._replace(queues=queues, excluded=excluded)
        self.describe()
        self._look = True

    def describe(self) -> None:
        """Tell the store anew what this worker is."""
        self.store.describe(self.key, self._card())

    def beat_soon(self) -> None:
        """Renew the lease, and hear what the store says, at the next turn."""
        self._rung = True

    def wake(self) -> None:
        """End the loop's wait; from any thread."""
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def _begin(self) -> None:
        self.store.open()
        self._bell = self.store.worker_bell()
        self._selector.register(self._bell.fileno(), selectors.EVENT_READ, self._ring)
        self._selector.register(self._awake, selectors.EVENT_READ, self._waken)
        self._enter()
        fault.point("worker.registered")
        self._upkeep = Upkeep(self)
        self.pool.start(self._selector)
        self.ready.set()
        self.broadcast.online()
        worker_ready.send(self)
        emit(
            "worker.started",
            worker=self.plan.name,
            pool=self.plan.pool_kind,
            concurrency=self.pool.size,
            queues=self.plan.queues,
            store=getattr(self.store, "path", ""),
        )

    def _enter(self) -> None:
        """Register, in a file that may be locked for longer than a turn of the loop waits."""
        until = self.clock.steady() + _ENTER_S
        while True:
            try:
                # First: who knows of this worker expects its answers.
                self.control.begin()
                return self._register()
            except StoreBusy:
                if self.clock.steady() > until:
                    raise

    def _card(self) -> WorkerCard:
        return WorkerCard(
            uuid=self.uuid,
            name=self.plan.name,
            host=self.plan.host,
            pid=os.getpid(),
            boot_id=self._boot,
            pool=self.plan.pool_kind,
            concurrency=self.pool.size,
            queues=self.plan.queues,
            excluded=self.plan.excluded,
            tasks=tuple(sorted(self.app.tasks)),
        )

    def _register(self) -> None:
        self.key = self.store.register(self._card(), self.clock.now(), self._lease_until())
        self._beat_at = self.clock.steady() + self.app.conf.worker_heartbeat

    def _lease_until(self) -> int:
        return int((self.clock.steady() + self.app.conf.worker_lease) * 1e6)

    def _done(self) -> bool:
        if self.error is None and self._stopping == Stopping.KILL:
            # Who is told to end at once does not wait for a store that cannot write.
            self.error = self._failure
        if self.error is not None:
            return True
        return self._stopping != Stopping.NOT and not self.pool.in_hand() and not self._unsaved

    def _end(self) -> None:
        emit("worker.stopped", worker=self.plan.name)
        self.broadcast.offline()
        worker_shutdown.send(self)
        self.pool.close()
        try:
            # After any other end the marks must stay: they tell the rescuer what had started.
            if self._orderly:
                self.store.bury([self.key], self.clock.now())
        except StoreError as error:
            self.error = self.error or error
        self._selector.close()
        self._calm.close()
        self._bell.close()
        self._awake.close()
        self._wake.close()
        if self.presence is not None:
            # A store in memory is the program's own.
            self.store.close()
        if self.presence is not None:
            self._leave(self.presence)
        if self.error is not None:
            raise self.error
        if self.pool.broken is not None:
            raise PoolBroken(self.pool.broken)

    def _leave(self, presence: Presence) -> None:
        if self._orderly and self.error is None:
            presence.close()
        elif self.plan.pool_kind == "processes":
            # Its slots are dead or dying. Threads may go on with their jobs: those wait for the end of the lease.
            presence.leave()

    # One turn of the loop

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            key.data()
        try:
            if self._failing_since is None or self.clock.steady() >= self._try_at:
                self._work()
                self._recovered()
        except (StoreFull, StoreBusy) as error:
            self._failed(error)
        except StoreError as error:
            self.error = error
        # Limits hold whatever the store does.
        self._tick_after = self.pool.tick()
        self._obey()
        if self._look and self._stopping == Stopping.NOT and self._failing_since is None:
            self._let_work()

    def _let_work(self) -> None:
        """Leave the slots alone while they have enough to do and more waits; what ends meanwhile is written at once.

        On a busy machine each of the worker's turns costs its slots a part of a processor.
        """
        millis = int(self.pool.busy_for() * 1000)
        if millis:
            self._calm.select(millis / 1000)

    def _work(self) -> None:
        """Write what has ended, then claim: results first, so that room is known and nobody waits longer."""
        self._unsaved.extend([self._settling.completion(report) for report in self.pool.collect()])
        said = self.pool.notes()
        if said:
            # Before what has ended: a job that waits for its retry shows that, and not what its run said last.
            self.store.annotate(said, self.clock.now())
        self._save([])
        steady = self.clock.steady()
        if steady >= self._floor_at or self._rung:
            self.broadcast.look()
        if steady >= self._beat_at or self._rung:
            self._beat()
        if steady >= self._floor_at:
            self._floor_at = steady + _FLOOR_S
            if self.store.changed():
                self._look = self._behind = True
        if self._stopping == Stopping.NOT:
            self._claim()
        self.control.tend()
        assert self._upkeep is not None
        self._upkeep.tend()

    def _patience(self) -> float:
        """Return the seconds to wait for something to happen."""
        steady = self.clock.steady()
        wait = min(self._beat_at, self._floor_at) - steady
        if self._failing_since is not None:
            wait = self._try_at - steady
        if self._tick_after is not None:
            wait = min(wait, self._tick_after)
        if self._next_at is not None and self._stopping == Stopping.NOT and self._failing_since is None:
            left = (self._next_at - self.clock.now()) / 1e6
            # What is due finds no room until a job ends, and that ends the wait.
            if left > 0 or self.pool.room() > 0:
                wait = min(wait, left)
        for at in (self._kill_at, self._interrupt_at):
            if at is not None:
                wait = min(wait, at - steady)
        if self._look and self._stopping == Stopping.NOT and self.pool.room() > 0:
            return 0.0 if self._failing_since is None else max(0.0, wait)
        return max(0.0, wait)

    def _ring(self) -> None:
        words = self._bell.drain()
        self._look = True
        self._rung = self._rung or any(words)
        self.control.hear(words)

    def _waken(self) -> None:
        with contextlib.suppress(OSError):
            self._awake.recv(4096)

    def _failed(self, error: StoreError) -> None:
        """Go on without the store: what runs goes on, what has ended is kept, nothing new is claimed."""
        if self._failing_since is None:
            self._failing_since = self.clock.steady()
            self._failure = error
            emit("store.failed", worker=self.plan.name, error=str(error))
        self._try_at = self.clock.steady() + _TRY_AGAIN_S

    def _recovered(self) -> None:
        if self._failing_since is not None:
            after = self.clock.steady() - self._failing_since
            self._failing_since = self._failure = None
            self._look = True
            emit("store.recovered", worker=self.plan.name, after_s=after)

    # Claiming

    def _claim(self) -> None:
        now = self.clock.now()
        due = self._next_at is not None and self._next_at <= now
        if not (self._look or due):
            return
        room = min(self.pool.room(), _MOST_CLAIMED)
        if room <= 0 and not self._behind:
            return
        room = max(0, room)
        self._behind = False
        rates = self.control.rates()
        claim = self.store.claim(self.key, self.plan.queues, self.plan.excluded, room, now, rates)
        if not claim.held:
            self._rejoin("its lease was taken")
            return
        self._next_at = claim.next_at
        if room > 0:
            # Without room what is ready is still to be looked for.
            self._look = len(claim.jobs) >= room or (claim.next_at is not None and claim.next_at <= now)
        if claim.jobs:
            fault.point("claim.after")
            self._hand(self.control.received(claim.jobs), now)

    def _hand(self, jobs: Sequence[Job], now: int) -> None:
        handed = []
        late = []
        for job in jobs:
            if job.culprit is not None:
                late.append(self._settling.behind(job, self.store))
                continue
            if job.role & Role.FED:
                job = fed(job, self.store.inputs(job.key))
            if job.expires_at is not None and job.expires_at <= now:
                late.append(expired(job, self.plan.name, self._settling.policy(job), now))
                emit("job.revoked", worker=self.plan.name, task=job.task, job_id=job.id, reason="expired")
                self._settling.tell_expired(job)
                continue
            handed.append(Handed(job, self._settling.limits(job)))
        if handed:
            if listened("job.received"):
                self._received(handed)
            if self.broadcast.listening or task_received.receivers or task_unknown.receivers:
                self._settling.tell_received(handed)
            self.pool.submit(handed)
        self._save(late)

    def _received(self, jobs: Sequence[Handed]) -> None:
        for job, _ in jobs:
            emit(
                "job.received",
                worker=self.plan.name,
                task=job.task,
                job_id=job.id,
                queue=job.queue,
                attempt=job.attempts,
            )

    # Writing

    def _save(self, completions: list[Completion]) -> None:
        """Write completions, those first that could not be written before."""
        if not completions and not self._unsaved:
            return
        self._unsaved.extend(completions)
        batch = self._unsaved
        applied = self.store.finish([seal_completion(done, self.app.conf) for done in batch], self.clock.now())
        self._unsaved = []
        fault.point("finish.after")
        final = [done.id for done in batch if done.state >= JobState.SUCCEEDED]
        if final:
            self.store.ring_waiters(final)
        if any(done.role & Role.AWAITED for done in batch):
            # What waited may be ready now, in whatever queue.
            self._look = self._behind = True
            self.store.ring_workers()
        for done, ok in zip(batch, applied, strict=True):
            if not ok:
                emit("job.discarded", worker=self.plan.name, task="", job_id=done.id, reason="stale run token")
            elif done.state == JobState.SCHEDULED and (self._next_at is None or done.run_at < self._next_at):
                self._next_at = done.run_at
            elif done.state == JobState.READY or done.follow_ups:
                self._look = True

    # Staying alive

    def _beat(self) -> None:
        hand = self.pool.in_hand()
        hand.update((done.key, done.run_token) for done in self._unsaved)
        beat = self.store.heartbeat(self.key, hand, self._lease_until(), self.clock.now())
        if heartbeat_sent.receivers:
            heartbeat_sent.send(self)
        self._rung = False
        self._beat_at = self.clock.steady() + self.app.conf.worker_heartbeat
        if not beat.held:
            self._rejoin("its lease was taken")
            return
        self.control.obey(beat.orders)
        if beat.stop:
            self.pool.drop(beat.stop)
        for key, number in beat.cancel.items():
            if number:
                self.pool.stop_job(key, number)
        if beat.orphans:
            now = self.clock.now()
            self._save([released(job, now) for job in beat.orphans])

    def _rejoin(self, reason: str) -> None:
        """Register again after others took this worker for dead; what it runs is theirs now."""
        emit("worker.rejoined", worker=self.plan.name, reason=reason)
        self.pool.drop(list(self.pool.in_hand()))
        self._unsaved = []
        self._register()
        self._look = True

    # Stopping

    def _obey(self) -> None:
        """Act on what was asked by `stop`."""
        if self.pool.broken is not None:
            self._give_up(self.pool.broken)
        steady = self.clock.steady()
        if self._stopping != Stopping.NOT:
            if self._interrupt_at is not None and steady >= self._interrupt_at:
                self._asked = max(self._asked, Stopping.INTERRUPT)
            if self._kill_at is not None and steady >= self._kill_at:
                self._asked = max(self._asked, Stopping.KILL)
        if self._asked <= self._stopping:
            return
        before, self._stopping = self._stopping, self._asked
        if before == Stopping.NOT:
            self._put_back()
        running = len(self.pool.in_hand())
        emit("worker.stopping", worker=self.plan.name, how=_HOW[self._stopping], running=running)
        how = "Warm" if self._stopping == Stopping.FINISH else "Cold"
        worker_shutting_down.send(self.plan.name, sig=self.sig, how=how, exitcode=0)
        if before == Stopping.NOT:
            patience = self.app.conf.worker_shutdown_timeout
            if patience is not None:
                self._interrupt_at = steady + patience
        if self._stopping == Stopping.INTERRUPT:
            self._interrupt_at = None
            self._kill_at = steady + _INTERRUPT_S
            self.pool.interrupt()
        elif self._stopping == Stopping.KILL:
            self._interrupt_at = self._kill_at = None
            self.pool.kill()

    def _give_up(self, reason: str) -> None:
        """Stop, because the pool can run nothing; what comes back from its last slots is put back too."""
        if self._stopping == Stopping.NOT and self._asked == Stopping.NOT:
            emit("pool.broken", worker=self.plan.name, reason=reason)
            self._asked = Stopping.FINISH
        elif self.pool.in_hand():
            self._put_back()

    def _put_back(self) -> None:
        now = self.clock.now()
        fault.point("release.before")
        back = [released(job, now) for job in self.pool.take_back()]
        try:
            self._save(back)
            if back:
                self.store.ring_workers()
        except StoreError as error:
            self._failed(error)


_HOW = {Stopping.FINISH: "finish", Stopping.INTERRUPT: "interrupt", Stopping.KILL: "kill"}
