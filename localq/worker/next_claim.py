"""When a worker looks for jobs in its store, and how many it takes."""

from __future__ import annotations

from localq.model.clock import Clock
from localq.model.worker import Claim
from localq.store.protocol import Bells, Finished, Jobs, Topic
from localq.worker.control.orders import Orders
from localq.worker.known_tasks import KnownTasks
from localq.worker.lease import Lease
from localq.worker.pool.contract import Pool

__all__ = ["NextClaim"]

#: Most jobs claimed at once.
_MOST_CLAIMED = 256
#: Jobs so few are worth the wait for more, where others were claimed so shortly (s) before; and how long that is (s).
_FEW = 16
_SHORTLY_S = 0.003
_GATHERING_S = 0.001
#: The same where jobs come in a stream: so many a second.
_STREAM = 1000
_FEW_OF_STREAM = 128
_GATHERING_STREAM_S = 0.005


class NextClaim:
    """What a worker knows of the jobs there are.

    Args:
        pool: Has room for some, or none.
        bells: Say whether anybody waits for results.
        lease: The worker's.
        known: What it serves.
        orders: Say how often tasks may run.

    Attributes:
        look: There may be jobs that can run.
        behind: There may be jobs that cannot run because of others: to be settled even where there is no room.
        next_at: When the next one is due that is known of.
    """

    def __init__(
        self, jobs: Jobs, bells: Bells, pool: Pool, clock: Clock, lease: Lease, known: KnownTasks, orders: Orders
    ) -> None:
        self.look = True
        self.behind = False
        self.next_at: int | None = None
        self._jobs, self._bells, self._pool, self._clock, self._orders = jobs, bells, pool, clock, orders
        self._lease, self._known = lease, known
        #: The key of the job that was added last, of all that were claimed.
        self._newest = 0
        #: When jobs were claimed last, in steady seconds; and for how long those that come next are left to gather.
        self._claimed_at = 0.0
        self._gathering = 0.0

    def made(self, now: int) -> Claim | None:
        """Claim as many jobs as there is room for; None: there is no room, or nothing to look for."""
        due = self.next_at is not None and self.next_at <= now
        if not (self.look or due):
            return None
        room = min(self._pool.room(), _MOST_CLAIMED)
        if room <= 0 and not self.behind:
            return None
        room = max(0, room)
        self.behind = False
        rates = self._orders.rates()
        claim = self._jobs.claim(self._lease.key, self._known.served(), room, now, rates)
        if claim.unknown:
            self._known.met(claim.unknown)
        if claim.held:
            self.next_at = claim.next_at
            if room > 0:
                # Without room what is ready is still to be looked for.
                self.look = len(claim.jobs) >= room or (claim.next_at is not None and claim.next_at <= now)
        if claim.jobs:
            steady = self._clock.steady()
            self._gathering = _worth_waiting(len(claim.jobs), steady - self._claimed_at)
            self._claimed_at = steady
        return self._without_those_here(claim) if claim.jobs else claim

    def _without_those_here(self, claim: Claim) -> Claim:
        """Leave out what is here by the very same claim: a server that took over from another may not know of it."""
        keys = [job.key for job in claim.jobs]
        newer = min(keys) > self._newest
        self._newest = max(self._newest, *keys)
        if newer:
            # All were added after whatever was here; to ask the pool takes longer.
            return claim
        hand = self._pool.in_hand()
        jobs = [job for job in claim.jobs if hand.get(job.id) != job.run_token]
        return claim if len(jobs) == len(claim.jobs) else claim._replace(jobs=jobs)

    def tend(self) -> None:
        """See whether there are tasks that were not known before."""
        if self._known.grown():
            self.look = True
            self._lease.describe()

    def follow(self, finished: Finished) -> None:
        """Take note of what follows from what was written."""
        _, ready, freed, next_at = finished
        if ready or freed:
            # What follows one another would be kept waiting at each step.
            self.look, self._claimed_at = True, 0.0
        self.behind = self.behind or freed
        if next_at is not None and (self.next_at is None or next_at < self.next_at):
            self.next_at = next_at

    def gathering(self) -> float:
        """Return for how many seconds jobs that come one by one are left to gather, where nobody waits for a result.

        A turn for each of them takes several times what it takes to claim and to end a dozen at once.
        """
        seconds, self._gathering = self._gathering, 0.0
        return 0.0 if not seconds or self._bells.heard(Topic.RESULTS) else seconds

    def wait(self, most: float) -> float:
        """Return the seconds until there is something to claim, `most` at most."""
        if self.look and self._pool.room() > 0:
            return 0.0
        if self.next_at is not None:
            left = (self.next_at - self._clock.now()) / 1e6
            # What is due finds no room until a job ends, and that ends the wait.
            if left > 0 or self._pool.room() > 0:
                return min(most, left)
        return most


def _worth_waiting(came: int, seconds: float) -> float:
    """Return for how long the next jobs are left to gather, of which so many came within so many seconds."""
    if came < _FEW_OF_STREAM and came >= _STREAM * seconds:
        return _GATHERING_STREAM_S
    return _GATHERING_S if came < _FEW and seconds < _SHORTLY_S else 0.0
