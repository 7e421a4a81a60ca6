"""One change to many jobs: counted first, then made in batches to those that were counted, and to no other."""

from __future__ import annotations

import math
import secrets
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from localq import states
from localq.app import LocalQ
from localq.model.job import Job, JobState
from localq.monitor.job_pages import open_to_all, page_of
from localq.store.protocol import Page, Store
from localq.web.act.change import Hand, all_written_down, written_down
from localq.web.act.jobs import VERBS, change
from localq.web.ask.listing import Asked, meant
from localq.web.sentence import Unmeant

__all__ = ["BATCH", "SPREAD_S", "Bulk", "Phase"]

#: Jobs that are changed in one transaction.
BATCH = 500
#: Seconds that a change may be spread over.
SPREAD_S = 7 * 86_400.0


class Phase(StrEnum):
    """How far a change of many jobs is."""

    COUNTING = "counting"
    #: It waits for somebody to say that it is meant.
    COUNTED = "counted"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


class Bulk:
    """A change that somebody wants to make to many jobs.

    Args:
        hand: Who, and from where.
        verb: Of `VERBS`.
        asked: The jobs that are meant, where none are named.
        ids: The jobs that were picked, by their ids.
        now: The time to which "within an hour" goes back.

    Raises:
        Denied: they may not change anything.
        QueryError: there is no such verb.
    """

    def __init__(self, hand: Hand, verb: str, asked: Asked, ids: Sequence[str], now: int) -> None:
        hand.check()
        if verb not in VERBS:
            raise Unmeant("{field} must be one of {choices}.", field=f"verb={verb[:40]!r}", choices=", ".join(VERBS))
        self.id = secrets.token_urlsafe(9)
        self.hand, self.verb, self.now = hand, verb, now
        self.asked = asked._replace(before=None)
        self.ids = tuple(dict.fromkeys(ids))
        self.phase = Phase.COUNTING
        #: How many jobs are meant, by state and task.
        self.kinds: Counter[tuple[str, str]] = Counter()
        #: How many were looked at again, and how many of them were changed.
        self.passed = self.changed = 0
        self.stopped_by = self.error = ""
        #: Seconds over which it is spread, from when it was begun (microseconds since 1970); 0: as fast as it goes.
        self.spread_s = 0.0
        self.begun_at = 0
        self._keys = array("q")
        self._cursor: int | None = None
        self._last = False

    @property
    def counted(self) -> int:
        """How many jobs are meant, or were counted so far."""
        return len(self._keys)

    @property
    def ongoing(self) -> bool:
        """Whether it goes on by itself."""
        return self.phase in (Phase.COUNTING, Phase.RUNNING)

    def words(self) -> str:
        """Return which jobs are meant, as the book of changes says it."""
        if self.ids:
            return f"{len(self.ids)} picked jobs"
        return " ".join(f"{name}={value}" for name, value in self.asked.fields()) or "all jobs"

    # Counting

    def count_on(self, app: LocalQ, store: Store) -> None:
        """Count the next of the jobs that are meant."""
        page = self._page(app, store)
        for job in page.jobs:
            if self._fits(job):
                self._keys.append(job.key)
                self.kinds[states.public_state(job), job.task] += 1
        if not self._went_on(page):
            self._keys = array("q", sorted(self._keys))
            self.phase = Phase.COUNTED

    def _page(self, app: LocalQ, store: Store) -> Page:
        if self.ids:
            begin = self._cursor or 0
            end = begin + self._step
            some = store.read.get(self.ids[begin:end])
            return Page(list(some.values()), end if end < len(self.ids) else None, None)
        which = meant(store, self.asked._replace(before=self._cursor), self.now)
        return page_of(store.read, which, self._step, keep=open_to_all(store.read, app.conf, self.asked.text))

    def _went_on(self, page: Page) -> bool:
        self._cursor = page.cursor
        return page.cursor is not None

    def _fits(self, job: Job) -> bool:
        return JobState(job.state).final == VERBS[self.verb]

    # Changing

    def begin(self, app: LocalQ, hand: Hand, spread_s: float = 0.0) -> bool:
        """Make the change that was counted; return whether it begins now, for it does so once.

        Args:
            spread_s: Seconds over which it is spread evenly, so that what runs again does not come all at once.

        Raises:
            Denied: they may not change anything.
            QueryError: it cannot be spread over that.
        """
        hand.check()
        if not 0 <= spread_s <= SPREAD_S:
            raise Unmeant(
                "{field} must be between 0 and {most} seconds.", field=f"spread={spread_s:g}", most=int(SPREAD_S)
            )
        if self.phase != Phase.COUNTED:
            return False
        self.phase, self.hand, self._cursor = Phase.RUNNING, hand, None
        self.spread_s, self.begun_at = spread_s, app.clock.now()
        if self._keys and not self.ids:
            self._cursor = self._keys[-1] + 1
        if not self.ids:
            note = f"begun, spread over {spread_s:,.0f} s" if spread_s else "begun"
            written_down(app, hand, self.verb, self.words(), self.counted, note)
        return True

    @property
    def _step(self) -> int:
        """How many jobs are looked at next; where the change is spread over time, what is due in a second."""
        return min(BATCH, math.ceil(self.counted / self.spread_s)) or 1 if self.spread_s else BATCH

    def rests_s(self, now: int) -> float:
        """Return the seconds until the next batch is due; 0 where the change is not spread over time."""
        if self.phase != Phase.RUNNING or not self.spread_s:
            return 0.0
        return max(0.0, self.spread_s * self._looked_at() - (now - self.begun_at) / 1e6)

    def _looked_at(self) -> float:
        """Return the share of the jobs that were counted which was looked at again."""
        if self.ids:
            return (self._cursor or 0) / len(self.ids)
        begin = 0 if self._cursor is None else bisect_left(self._keys, self._cursor)
        return 1 - begin / max(1, self.counted)

    def batch(self, app: LocalQ, store: Store) -> list[str]:
        """Return the next of the jobs that were counted and are still as they were asked for."""
        page = self._page(app, store)
        self._last = not self._went_on(page)
        return [job.id for job in page.jobs if self._was_counted(job) and self._fits(job)]

    def apply(self, app: LocalQ, ids: Sequence[str]) -> None:
        """Change the jobs of a batch; after the last it is done."""
        changed = change(app, self.verb, ids) if ids else []
        self.changed += len(changed)
        if self.ids:
            all_written_down(app, self.hand, self.verb, changed)
        self.passed += len(ids)
        if self._last:
            self.end(app, Phase.DONE)

    def _was_counted(self, job: Job) -> bool:
        place = bisect_left(self._keys, job.key)
        return place < len(self._keys) and self._keys[place] == job.key

    def end(self, app: LocalQ, phase: Phase, why: str = "") -> None:
        """Say that it is over, and write down what came of it."""
        was, self.phase, self.error = self.phase, phase, why
        if was == Phase.RUNNING and (not self.ids or phase != Phase.DONE):
            by = f" by {self.stopped_by}" if phase == Phase.STOPPED and self.stopped_by else ""
            note = f"{phase}{by}: {self.changed:,} of {self.counted:,}" + (f" ({why})" if why else "")
            written_down(app, self.hand, self.verb, self.words(), self.changed, note)
