"""The worker: one loop that claims jobs, hands them to a pool, and writes what came of them.

It holds the database; slots never do. Everything that is done between two waits is settled and written in one
`finish`. Nothing here reads a clock but through `Clock`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence

from localq.app.app import LocalQ
from localq.exceptions import PoolBroken, StoreBusy, StoreError, StoreFull
from localq.execution.settle import released
from localq.model import failpoints
from localq.model.clock import Clock
from localq.model.events import emit
from localq.model.job import Job
from localq.model.outcome import Completion
from localq.signals import (
    heartbeat_sent,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from localq.store import weaknesses
from localq.store.protocol import Presence, Store, Topic
from localq.worker.aside import Aside
from localq.worker.autoscale import PoolSize
from localq.worker.celery_events import CeleryEvents
from localq.worker.claimed import Claimed
from localq.worker.control import State
from localq.worker.control.mailbox import Mailbox
from localq.worker.control.orders import Orders
from localq.worker.finished import FinishedJobs
from localq.worker.known_tasks import KnownTasks
from localq.worker.lease import Lease, WorkerPlan
from localq.worker.memory import MemorySamples
from localq.worker.next_claim import NextClaim
from localq.worker.outage import Outage
from localq.worker.pool.contract import Pool
from localq.worker.reported import Reported
from localq.worker.rescue import Rescue
from localq.worker.rulebook import Rulebook
from localq.worker.shutdown import HOW, Shutdown, Stopping
from localq.worker.told import Told
from localq.worker.upkeep import Upkeep
from localq.worker.wakeup import Wakeup

__all__ = ["Worker"]

#: Seconds between looks when nothing rings: bells are only hints.
_FLOOR_S = 0.5


class Worker:
    """A worker of an app.

    Args:
        app: Tasks and settings.
        store: A store of its own.
        pool: Not started yet.
        presence: Made beforehand, where the pool's slots mark what they start; None: no files.
        aside: Where the program's own code runs.
    """

    def __init__(
        self,
        app: LocalQ,
        store: Store,
        pool: Pool,
        plan: WorkerPlan,
        clock: Clock,
        presence: Presence | None,
        aside: Aside,
    ) -> None:
        self.app, self.store, self.pool, self.clock = app, store, pool, clock
        self.presence, self.aside = presence, aside
        self.error: StoreError | None = None
        self.ready = threading.Event()
        self._orderly = False
        self._rung = False
        self._tick_after: float | None = None
        self._floor_at = 0.0
        self._wakeup = Wakeup()
        self._lease = Lease(app, store, plan, pool, clock, presence)
        self._shutdown = Shutdown()
        self._outage = Outage(plan.name, clock)
        self._finished = FinishedJobs(plan.name, store.jobs, clock, app.conf)
        self.orders = Orders(app)
        known = KnownTasks(app, self._lease, store.workers)
        self._next_claim = NextClaim(store.jobs, store.bells, pool, clock, self._lease, known, self.orders)
        self.pool_size = PoolSize(pool, store.jobs, clock, self._lease, plan.autoscale)
        self.memory = MemorySamples()
        self._mailbox = Mailbox(State(app, plan.name, self), store, clock, self.wake)
        #: Since when it is there, in steady seconds.
        self.began = clock.steady()
        self.celery_events = CeleryEvents(app, plan.name, store.events, pool, clock)
        told = Told(app, plan.name, clock, self.celery_events, aside)
        self._claimed = Claimed(plan.name, store.read, Rulebook(app, self.orders), told, app.conf)
        #: Jobs received, by task.
        self.received = self._claimed.received
        self._reported = Reported(plan.name, clock, told)
        rescue = Rescue(app, plan.name, store, clock, self._lease, self._save)
        self._upkeep = Upkeep(app, plan.name, store, clock, rescue)
        #: The name of the signal that stops it, where it was one.
        self.sig: str | None = None

    @property
    def hostname(self) -> str:
        """Its name, as receivers of signals know it."""
        return self.plan.name

    @property
    def plan(self) -> WorkerPlan:
        """What it is now."""
        return self._lease.plan

    # Life

    def run(self) -> None:
        """Work until told to stop.

        Raises:
            StoreError: the store became unusable; what was finished and could not be written runs again elsewhere.
            PoolBroken: the pool can run nothing; what it held was put back.
        """
        self.aside.start()
        try:
            self._begin()
            try:
                while not self._done():
                    self._turn()
                self._orderly = self.error is None
            finally:
                self._end()
        finally:
            self.aside.stop()

    def stop(self, how: int = Stopping.FINISH) -> None:
        """Tell the worker to stop; from any thread, and from signal handlers."""
        self._shutdown.ask(how)
        self.wake()

    @property
    def stops(self) -> bool:
        """Whether it has been told to stop."""
        return self._shutdown.asked

    def serve(self, queues: tuple[str, ...] | None, excluded: tuple[str, ...]) -> None:
        """Serve other queues from now on, and say so in the store."""
        self._lease.plan = self.plan._replace(queues=queues, excluded=excluded)
        self._lease.describe()
        self._next_claim.look = True

    def beat_soon(self) -> None:
        """Renew the lease, and hear what the store says, at the next turn."""
        self._rung = True

    def wake(self) -> None:
        """End the loop's wait; from any thread."""
        self._wakeup.wake()

    def _begin(self) -> None:
        self.store.open()
        self._bell = self.store.bells.hang(Topic.WORK)
        self._wakeup.listen(self._bell, self._ring)
        # First: who knows of this worker expects its answers.
        self._lease.enter(before=self._read_on)
        failpoints.point("worker.registered")
        self.pool.start(self._wakeup.selector)
        self.ready.set()
        self.celery_events.online()
        self.aside.put(worker_ready.send, self)
        emit(
            "worker.started",
            worker=self.plan.name,
            pool=self.plan.pool_kind,
            concurrency=self.pool.size,
            queues=self.plan.queues,
            store=self.store.name,
        )
        # Who cannot be asked now is asked for jobs next, and that is told.
        with contextlib.suppress(StoreError):
            for one in weaknesses(self.app.location):
                emit("store.weak", worker=self.plan.name, grave=one.level != "note", what=one.what, advice=one.advice)

    def _read_on(self) -> None:
        self._mailbox.begin()
        self.orders.obey(self.store.mail.orders())

    def _done(self) -> bool:
        if self.error is None and self._shutdown.step == Stopping.KILL:
            # Who is told to end at once does not wait for a store that cannot write.
            self.error = self._outage.failure
        if self.error is not None:
            return True
        return self._shutdown.begun and not self.pool.in_hand() and not self._finished.unsaved

    def _end(self) -> None:
        emit("worker.stopped", worker=self.plan.name)
        self.celery_events.offline()
        self.aside.put(worker_shutdown.send, self)
        self.pool.close()
        try:
            # After any other end the marks must stay: they tell the rescuer what had started.
            if self._orderly:
                self._lease.bury()
                self._upkeep.end()
        except StoreError as error:
            self.error = self.error or error
        self._wakeup.close()
        self._bell.close()
        self._lease.leave(orderly=self._orderly and self.error is None)
        if self.error is not None:
            raise self.error
        if self.pool.broken is not None:
            raise PoolBroken(self.pool.broken)

    # One turn of the loop

    def _turn(self) -> None:
        self._wakeup.wait(self._patience(), first=self._hold_back)
        try:
            if self._outage.may_try():
                self._work()
                if self._outage.end():
                    self._next_claim.look = True
        except (StoreFull, StoreBusy) as error:
            # Without the store what runs goes on, what has ended is kept, nothing new is claimed.
            self._outage.begin(error)
        except StoreError as error:
            self.error = error
        # Limits hold whatever the store does.
        self._tick_after = self.pool.tick()
        self._obey()
        if self._claims():
            self._let_work()

    def _hold_back(self) -> None:
        """Begin nothing any more, before anything else, where the lease may be over: it may be another's already.

        What was not begun is in no hand then. Should it be this worker's after all, the store says so.
        """
        if self._lease.lapsed():
            self.pool.take_back()

    def _claims(self) -> bool:
        """Whether it takes jobs: it was not told to stop, and the store works."""
        return not self._shutdown.begun and not self._outage.lasts

    def _let_work(self) -> None:
        """Leave the slots alone while they have enough to do and more waits; what ends meanwhile is written at once.

        On a busy machine each turn costs its slots a part of a processor; and so do turns for single jobs.
        """
        away = self.pool.busy_for() if self._next_claim.look else self._next_claim.gathering()
        if away >= 0.001:
            self._wakeup.rest(int(away * 1000) / 1000)

    def _work(self) -> None:
        """Write what has ended, then claim: results first, so that room is known and nobody waits longer."""
        self._finished.unsaved.extend(self._reported.completions(self.pool.collect()))
        said = self.pool.notes()
        if said:
            # Before what has ended: a job that waits for its retry shows that, and not what its run said last.
            self.store.jobs.note(said, self.clock.now())
        if self._finished.unsaved:
            self._save([])
        steady = self.clock.steady()
        if steady >= self._floor_at or self._rung:
            self.celery_events.look()
        if steady >= self._lease.beat_at or self._rung:
            self._beat()
        if steady >= self._floor_at:
            self._floor_at = steady + _FLOOR_S
            self._next_claim.tend()
            if self.store.bells.changed():
                self._next_claim.look = self._next_claim.behind = True
        if not self.stops:
            self._claim()
        self._mailbox.tend()
        if not self.stops:
            self.pool_size.tend()
        self._upkeep.tend()

    def _patience(self) -> float:
        """Return the seconds to wait for something to happen."""
        steady = self.clock.steady()
        lasts = self._outage.lasts
        wait = self._outage.wait(steady) if lasts else min(self._lease.beat_at, self._floor_at) - steady
        if self._tick_after is not None:
            wait = min(wait, self._tick_after)
        if self._claims():
            wait = self._next_claim.wait(wait)
        return max(0.0, self._shutdown.wait(wait, steady))

    def _ring(self) -> None:
        words = self._bell.drain()
        self._next_claim.look = True
        self._rung = self._rung or any(words)
        self._mailbox.hear(words)

    # Claiming

    def _claim(self) -> None:
        now = self.clock.now()
        claim = self._next_claim.made(now)
        if claim is None:
            return
        if not claim.held:
            self._rejoin("its lease was taken")
        elif claim.jobs:
            failpoints.point("claim.after")
            self._hand(claim.jobs, now)

    def _hand(self, jobs: Sequence[Job], now: int) -> None:
        if self._lease.lapsed():
            # It was stopped meanwhile, for long; see `_hold_back`.
            return
        handed, late = self._claimed.sort(jobs, now)
        if handed:
            self.pool.submit(handed)
        self._save(late)

    # Writing

    def _save(self, completions: list[Completion]) -> None:
        """Write completions, those first that could not be written before."""
        if completions or self._finished.unsaved:
            self.aside.settle()
        self._next_claim.follow(self._finished.write(completions))

    # Staying alive

    def _beat(self) -> None:
        hand = self.pool.in_hand()
        hand.update((done.id, done.run_token) for done in self._finished.unsaved)
        beat = self._lease.renew(hand)
        if heartbeat_sent.receivers:
            self.aside.put(heartbeat_sent.send, self)
        self._rung = False
        if not beat.held:
            self._rejoin("its lease was taken")
            return
        self.orders.obey(beat.orders)
        if beat.stop:
            self.pool.drop(beat.stop)
        for job_id, number in beat.cancel.items():
            if number:
                self.pool.stop_job(job_id, number)
        if beat.orphans:
            now = self.clock.now()
            self._save([released(job, now) for job in beat.orphans])

    def _rejoin(self, reason: str) -> None:
        """Register again after others took this worker for dead; what it runs is theirs now."""
        emit("worker.rejoined", worker=self.plan.name, reason=reason)
        self.pool.drop(list(self.pool.in_hand()))
        self._finished.unsaved = []
        self._lease.register()
        self._next_claim.look = True

    # Stopping

    def _obey(self) -> None:
        """Act on what was asked by `stop`."""
        if self.pool.broken is not None:
            self._give_up(self.pool.broken)
        shutdown = self._shutdown
        first = not shutdown.begun
        if not shutdown.advance(self.clock.steady(), self.app.conf.worker_shutdown_timeout):
            return
        if first:
            self._put_back()
        emit("worker.stopping", worker=self.plan.name, how=HOW[shutdown.step], running=len(self.pool.in_hand()))
        how = "Warm" if shutdown.step == Stopping.FINISH else "Cold"
        self.aside.put(worker_shutting_down.send, self.plan.name, sig=self.sig, how=how, exitcode=0)
        if shutdown.step == Stopping.INTERRUPT:
            self.pool.interrupt()
        elif shutdown.step == Stopping.KILL:
            self.pool.kill()

    def _give_up(self, reason: str) -> None:
        """Stop, because the pool can run nothing; what comes back from its last slots is put back too."""
        if not self._shutdown.asked:
            emit("pool.broken", worker=self.plan.name, reason=reason)
            self._shutdown.ask(Stopping.FINISH)
        elif self.pool.in_hand():
            self._put_back()

    def _put_back(self) -> None:
        now = self.clock.now()
        failpoints.point("release.before")
        back = [released(job, now) for job in self.pool.take_back()]
        try:
            self._save(back)
        except StoreError as error:
            self._outage.begin(error)
