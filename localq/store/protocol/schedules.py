"""How a store keeps schedules: defining them, finding those that are due, firing, and the ledger of what fired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from localq.model.job import NewJob
from localq.model.schedule import Due, Entry, Firing, LedgerRow, NewSchedule, Schedule, ScheduleState, SyncResult

__all__ = ["Schedules"]


class Schedules(Protocol):
    """Schedules and their ledger. What defines or changes schedules rings the schedulers, if anything was written."""

    def sync(self, source: str, wanted: Sequence[NewSchedule], now: int) -> list[SyncResult]:
        """Make the schedules of a source those wanted; what other sources defined is left alone.

        Each schedule is changed in one step. A transaction changes 500 at most, and what is not wanted any more comes
        last: broken off on the way, the rest is done by the next call.

        1. An unknown name is added: ACTIVE, or ENDED if its `next_at` is None.
        2. One whose `rule` is the same keeps its state and times, and its history; only its `spec` follows.
        3. One whose `rule` differs takes the new anchor and times, and keeps its history. It is then as in 1, but
           if PAUSED it stays so.
        4. One that is not wanted any more is RETIRED: its `due_at` and `held_at` are None; `next_at` and history stay.
        5. A RETIRED one that is wanted again, by whatever source, comes back in the state it was retired from. If
           its rule is the same and its `next_at` is still to come, or it was ENDED, it keeps its times; else it
           takes the new ones as in 3.
        6. A name that another source holds, and has not retired, is a CONFLICT: nothing is written for it.
        7. Every write to a schedule makes its `revision` one higher. If nothing differs nothing is written, and no
           other writer waited for.

        Again: all are KEPT, or in CONFLICT, as they are; nothing is written.

        Returns:
            What became of each one wanted, in that order, then of those retired now.

        Raises:
            ValueError: a name is wanted twice, or by another source than the one given.
        """
        ...

    def put(self, new: NewSchedule, now: int, *, replace: bool) -> bool:
        """Add or change one schedule, as 1, 2, 3, 5 and 6 of `sync` say.

        Again: where it may be replaced nothing is written, and it is True; else the name is taken by the first call.

        Args:
            replace: Whether one that is there, and not RETIRED, may be changed.

        Returns:
            False if the name is taken: by another source, or at all if it may not be replaced.
        """
        ...

    def set_state(
        self,
        name: str,
        state: ScheduleState,
        now: int,
        next_at: int | None,
        due_at: int | None,
        note: str | None = None,
    ) -> bool:
        """Give a schedule a state, times and a note, whatever it has; return whether it is known.

        What it holds for the previous job's end stays held. A firing computed before this is not accepted after it.

        Again: the state is the same, the revision one higher.
        """
        ...

    def remove(self, name: str) -> bool:
        """Remove a schedule with its ledger; return whether it was known. Its jobs stay; its key is never reused.

        Again: it is not known any more.
        """
        ...

    def find(
        self,
        names: Sequence[str] | None = None,
        states: Sequence[ScheduleState] | None = None,
        after: str | None = None,
        limit: int = 1000,
    ) -> list[Schedule]:
        """Return schedules by name. None means any; `after` pages: only names after it.

        Again: looks once more.
        """
        ...

    def due(self, now: int, limit: int, sources: Sequence[str] | None = None) -> Due:
        """Return the ACTIVE schedules with `due_at` up to `now`, the longest due first, at most `limit` of them.

        Of those that these sources defined (None: whichever did); others are as if they were not there.

        1. After them come all other ACTIVE ones that have `held_at` set, however many.
        2. `next_due` is the earliest `due_at` of the ACTIVE ones not returned for being due, or None: where more
           were due than the limit it is not after `now`.
        3. It costs what is due and held, of whatever source, and not what exists.

        Again: looks once more.
        """
        ...

    def fire(self, firings: Sequence[Firing], now: int) -> list[bool]:
        """Write what the turns of schedules come to, in one step; return for each whether it was applied.

        For each firing: (a) where the schedule's `key, revision, ACTIVE` does not hold write nothing for it;
        (b) its new times, state and counts, and `revision` one higher; (c) its entries into the ledger, in which a
        schedule's instant stands once: one that is there as fired stays, one that is there as skipped becomes fired
        by a fired entry (its range stays skipped but for it), or else stays; (d) its jobs, as `add` would, but for
        those of entries that were fired before, which are not counted in `runs` either; (e) what it cancels, as
        `cancel` would. One that is not applied disturbs no other. Rings the workers where there is anything for them.

        Again: the revision has gone on, so that nothing is applied; no instant fires twice, and no job is added twice.
        """
        ...

    def record(self, schedule: int, entries: Sequence[Entry], jobs: Sequence[NewJob], now: int) -> list[bool]:
        """Fire instants by hand: ledger entries and jobs as in `fire`, for a schedule (by key) in any state.

        Its times, state and counts stay as they are; `last_at` and `last_job` follow the latest instant that
        fired. If anything was written its `revision` is one higher.

        Again: its instants have fired, so that nothing is written.

        Returns:
            For each entry whether it was written: not if its instant fired before, or the schedule is unknown.
        """
        ...

    def ledger(self, name: str, limit: int, before: int | None = None) -> list[LedgerRow]:
        """Return what became of a schedule's instants, latest first; `before` pages: only instants before it.

        Again: looks once more.
        """
        ...

    def prune(self, before: int, limit: int) -> int:
        """Remove up to `limit` ledger rows of instants before a time, and return how many.

        The latest `LEDGER_KEPT` of each schedule stay. A call looks at some of the schedules only; the next goes on
        from there.

        Again: removes up to `limit` more.
        """
        ...
