"""An app's schedules: those its program configures, and those that are added and changed while it runs.

`LocalQ.schedules` is an `AppSchedules`. Nothing here fires anything by itself; that is the scheduler's work
(`localq.schedules.scheduler`).
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from localq.exceptions import ScheduleError
from localq.model.clock import to_datetime
from localq.model.hints import nearest
from localq.model.schedule import FIRED, Entry, Schedule, ScheduleState
from localq.result import AsyncResult
from localq.schedules import between, schedule
from localq.schedules.configured import CONFIG, RUN_TIME, ConfiguredSchedules
from localq.schedules.declaration import TERMS, Declaration
from localq.schedules.definition import Definition, firing_id
from localq.schedules.firing import due_time, skips
from localq.schedules.schedule_view import LedgerLine, ScheduleView
from localq.serialization.sealing import seal_calls

__all__ = ["AppSchedules"]

#: Instants fired by hand in one transaction, and at most.
_AT_ONCE = 200
_MOST_BACKFILLED = 10_000
#: 1900, from which on backfills look.
_EARLIEST = -2_208_988_800_000_000
Results = list[AsyncResult[Any]]
_PARTS = ("schedule", "task", "args", "kwargs")
_PAUSED = "paused"
_BY_HAND = "triggered by hand"
_BACKFILLED = "backfilled"


class AppSchedules(ConfiguredSchedules):
    """The schedules of an app: those of its program, and those added while it runs."""

    # Changed at run time

    def add(
        self,
        name: str,
        schedule: Any,
        task: Any,
        args: Any = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        replace: bool = False,
        **options: Any,
    ) -> ScheduleView:
        """Add a schedule; schedulers in any process take it up at once.

        Args:
            name: Its name, unlike any other.
            schedule: When: seconds, a timedelta, a cron string, or a rule of `localq.schedules`.
            task: A task, its name, or a signature.
            replace: Change the one of that name, if it was added at run time.
            options: Of the schedule: zone, missed, most, window, overlap, jitter, start, end, max_runs, deadline,
                relative; all others are those of `Task.apply_async`.

        Raises:
            ScheduleError: names the field and the reason; or the name is taken.
        """
        if self._app.carrier is not None:
            self._app.carrier.lacks(f"has the configured schedules alone: {name!r} stays in the store")
        where = f"schedules.add({name!r}), {{}}"
        declared = Declaration.of_call(where, name, schedule, task, args, kwargs, options)
        return self._put(declared.definition(self._app), None, replace=replace)

    def update(self, name: str, **changes: Any) -> ScheduleView:
        """Change a schedule that was added at run time; its history stays.

        Args:
            changes: Anything that `add` takes, by its name. None takes an option back.

        Raises:
            ScheduleError: as of `add`; or it is unknown, or belongs to a configuration.
        """
        row = self._row(name)
        before = self._definition(row)
        said = {**before.terms(), "schedule": before.rule}
        moved = {key: changes.pop(key) for key in ("schedule", *TERMS) if key in changes}
        if changes:
            said.update(before.call(self._app.accepts(before.job.task)))
        where = f"schedules.update({name!r}), {{}}"
        declared = Declaration.of_call(where, name, **_call_parts({**said, **moved, **changes}))
        after = declared.definition(self._app) if changes else declared.with_call_of(before, self._app)
        return self._put(after, row, replace=True)

    def _put(self, definition: Definition, row: Schedule | None, *, replace: bool) -> ScheduleView:
        if definition.is_own:
            definition.rule.spec()  # says why it cannot be kept
        store, now = self._app.store, self._app.clock.now()
        if row is None:
            row = next(iter(store.schedules.find([definition.name])), None)
        new = self._new(definition, row, RUN_TIME, now)
        if new.next_at is None and (row is None or row.rule != new.rule):
            words, end = definition.rule.words(), definition.end
            until = "" if end is None else f", until {to_datetime(end):%Y-%m-%d %H:%M:%S} UTC"
            here = f"in {definition.zone} it is {to_datetime(now).astimezone(definition.tzinfo):%Y-%m-%d %H:%M:%S}"
            raise ScheduleError(f"The schedule {definition.name!r} has no instant after now: {words}{until}; {here}.")
        if not store.schedules.put(new, now, replace=replace):
            raise ScheduleError(self._taken(definition.name, row))
        return self.get(definition.name)

    @staticmethod
    def _taken(name: str, row: Schedule | None) -> str:
        if row is None or row.source == RUN_TIME:
            return f"There is a schedule {name!r} already. Give it another name, use update(), or add(replace=True)."
        return f"The schedule {name!r} belongs to the configuration of {_owner(row)}: change it there."

    def pause(self, name: str) -> ScheduleView:
        """Let a schedule rest until `resume`; what it has started goes on.

        Raises:
            ScheduleError: it is unknown, over, or retired.
        """
        row = self._row(name)
        self._refuse_ended(row)
        if row.state == ScheduleState.ACTIVE:
            self._set_state(row, ScheduleState.PAUSED, row.next_at, row.due_at)
        return self.get(name)

    def resume(self, name: str) -> ScheduleView:
        """Let a paused schedule go on with its next instant; those of the pause are recorded as skipped.

        Raises:
            ScheduleError: it is unknown, over, or retired.
        """
        row = self._row(name)
        self._refuse_ended(row)
        if row.state == ScheduleState.PAUSED:
            definition, now = self._definition(row), self._app.clock.now()
            if row.next_at is not None and row.next_at <= now:
                self._app.store.schedules.record(row.key, skips(row, definition, row.next_at, now, _PAUSED), (), now)
            next_at = definition.next_after(now, row.anchor_at)
            state = ScheduleState.ENDED if next_at is None else ScheduleState.ACTIVE
            self._set_state(row, state, next_at, due_time(definition, next_at))
        return self.get(name)

    def _set_state(self, row: Schedule, state: ScheduleState, next_at: int | None, due_at: int | None) -> None:
        store = self._app.store
        store.schedules.set_state(row.name, state, self._app.clock.now(), next_at, due_at)

    @staticmethod
    def _refuse_ended(row: Schedule) -> None:
        if row.state == ScheduleState.ENDED:
            raise ScheduleError(f"The schedule {row.name!r} is over: no further instant will come.")
        if row.state == ScheduleState.RETIRED:
            raise ScheduleError(
                f"The schedule {row.name!r} is retired: it was taken out of the configuration of {_owner(row)}. "
                "Put it back there, or remove it."
            )

    def remove(self, name: str, *, force: bool = False) -> bool:
        """Remove a schedule with its ledger, and return whether there was one; its jobs stay.

        Args:
            force: Also one that a configuration has, such as that of a program that is no more. If the program is
                started again, it brings the schedule back.

        Raises:
            ScheduleError: a configuration has it, and would bring it back.
        """
        store = self._app.store
        row = next(iter(store.schedules.find([name])), None)
        if row is None:
            return False
        if not force and row.source != RUN_TIME and row.state != ScheduleState.RETIRED:
            raise ScheduleError(
                f"The schedule {name!r} belongs to the configuration of {_owner(row)}: take it out there, or pause it. "
                "If that program is no more, remove it with force."
            )
        removed = store.schedules.remove(name)
        return removed

    # Fired by hand

    def trigger(self, name: str) -> AsyncResult[Any]:
        """Fire a schedule now, whatever its rule and state say; its next instant stays.

        Raises:
            ScheduleError: it is unknown.
        """
        row, at = self._row(name), self._app.clock.now()
        definition = self._definition(row)
        while not (fired := self._record(row, definition, [at], _BY_HAND)):
            at, row = at + 1, self._row(name)  # an instant fires once, and this one has
        return fired[0]

    def backfill(self, name: str, start: datetime | str, end: datetime | str) -> Results:
        """Fire the instants from one time to another, both included, that did not fire; return the new jobs' results.

        Each job finds its instant as `self.request.scheduled_at`. Naive times are read in the schedule's zone.
        Instants that are still to come are left to their time.

        Raises:
            ScheduleError: it is unknown, `end` lies before `start`, or there are more than 10,000 instants.
        """
        row = self._row(name)
        definition = self._definition(row)
        first, last = (definition.micros(value, field) for value, field in ((start, "start"), (end, "end")))
        if last < first:
            raise ScheduleError(f"backfill({name!r}): the end, {end}, is before the start, {start}.")
        first, last = max(first, _EARLIEST), min(last, self._app.clock.now())
        instants = between(
            definition.rule,
            first - 1,
            last,
            anchor=_anchor_before(definition, row.anchor_at, first),
            zone=definition.tzinfo,
            most=_MOST_BACKFILLED + 1,
        )
        if len(instants) > _MOST_BACKFILLED:
            raise ScheduleError(
                f"backfill({name!r}): from {start} to {end} there are more than {_MOST_BACKFILLED:,} instants. "
                "Fill a shorter time at once."
            )
        return self._record(row, definition, instants, _BACKFILLED)

    def _record(self, row: Schedule, definition: Definition, instants: Sequence[int], reason: str) -> Results:
        store, now = self._app.store, self._app.clock.now()
        results: Results = []
        for at in range(0, len(instants), _AT_ONCE):
            some = instants[at : at + _AT_ONCE]
            entries = [Entry(one, FIRED, reason, firing_id(row.name, row.created_at, one)) for one in some]
            jobs = [definition.job_at(one, row.created_at, now) for one in some]
            written = store.schedules.record(row.key, entries, seal_calls(jobs, self._app.conf), now)
            results += [AsyncResult(job.id, self._app) for job, done in zip(jobs, written, strict=True) if done]
        if results:
            self._app.run_if_eager()
        return results

    # Read

    def get(self, name: str) -> ScheduleView:
        """Return a schedule.

        Raises:
            ScheduleError: it is unknown; the nearest name is given.
        """
        return ScheduleView.of(self._row(name), self._app.conf)

    def list(self, *states: str) -> Sequence[ScheduleView]:
        """Return all schedules by name, or those in some states: active, paused, ended, retired."""
        wanted = [_state(one) for one in states] or None
        found: builtins.list[ScheduleView] = []
        after: str | None = None
        while rows := self._app.store.schedules.find(states=wanted, after=after, limit=1000):
            found += [ScheduleView.of(row, self._app.conf) for row in rows]
            after = rows[-1].name
        return found

    def ledger(self, name: str, limit: int = 100, before: datetime | None = None) -> Sequence[LedgerLine]:
        """Return what became of a schedule's instants, latest first; `before` pages.

        Raises:
            ScheduleError: it is unknown.
        """
        row = self._row(name)
        below = None if before is None else self._definition(row).micros(before, "before")
        return [LedgerLine.of(one) for one in self._app.store.schedules.ledger(name, limit, below)]

    def upcoming(self, name: str, count: int = 10) -> Sequence[datetime]:
        """Return a schedule's next instants, without jitter, as its rule has them from here."""
        row = self._row(name)
        definition = self._definition(row)
        found: builtins.list[datetime] = []
        at = row.next_at
        left = count if definition.max_runs is None else min(count, definition.max_runs - row.runs)
        while at is not None and len(found) < left:
            found.append(to_datetime(at).astimezone(definition.tzinfo))
            at = definition.next_after(at, row.anchor_at)
        return found

    def _row(self, name: str) -> Schedule:
        row = next(iter(self._app.store.schedules.find([name])), None)
        if row is None:
            names = [one.name for one in self._app.store.schedules.find()]
            raise ScheduleError(f"There is no schedule {name!r}.{nearest(str(name), names)}")
        return row


def _anchor_before(definition: Definition, anchor: int, first: int) -> int:
    """Return an anchor of the same grid that is not after a time: intervals reach back before their schedule."""
    rule = definition.rule
    if not isinstance(rule, schedule) or first >= anchor:
        return anchor
    return anchor - -(-(anchor - first) // rule.micros) * rule.micros


def _owner(row: Schedule) -> str:
    return row.source.removeprefix(CONFIG) or "a program without a name"


def _state(name: str) -> ScheduleState:
    known = {one.name.lower(): one for one in ScheduleState}
    if name not in known:
        raise ScheduleError(f"There is no state {name!r} of schedules. Known: {', '.join(known)}.")
    return known[name]


def _call_parts(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `Declaration.of_call` takes: the call's parts by name, and all that is left as options."""
    parts = {"args": (), "kwargs": None, **{key: said[key] for key in said if key in _PARTS}}
    return {**parts, "given": {key: value for key, value in said.items() if key not in _PARTS}}
