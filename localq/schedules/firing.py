"""What a schedule's turn comes to: which of its instants fire now, which are skipped and why, and what is next.

Pure: a row of the store, its definition, the time and the state of the previous job go in, a `Firing` comes out.
"""

from __future__ import annotations

from typing import NamedTuple

from localq.model.clock import to_datetime
from localq.model.job import NewJob
from localq.model.schedule import FIRED, SKIPPED, Entry, Firing, Schedule, ScheduleState
from localq.schedules import between, jitter_of, latest_up_to
from localq.schedules.definition import Definition, firing_id
from localq.schedules.rules.asked import Asked

__all__ = ["INDIVIDUAL", "ON_TIME_US", "asked", "due_time", "plan", "postponed", "skips"]

#: Instants skipped in a row that get a ledger row each; more share one.
INDIVIDUAL = 100
#: An instant seen within this time of being due was not missed.
ON_TIME_US = 60_000_000
#: Instants counted one by one; beyond that a range says "or more".
_MOST_COUNTED = 1_000
#: Instants looked through for the latest of those to make up for.
_MOST_WALKED = 10_000
#: What stops a cancelled job: it gets what Celery's `terminate` sends.
_TERM = 15
#: Why an instant was skipped, in the ledger.
_MISSED_LATEST = "missed: one run makes up for the outage"
_MISSED_SKIP = "missed: not seen within a minute of being due, and missed runs are skipped"
_MISSED_ALL = "missed: over what is made up for (most, window)"


class _Turn(NamedTuple):
    """The instants of a turn by what the missed policy says, and the first one after them."""

    fire: list[int]
    skipped: list[Entry]
    next_at: int | None


def due_time(definition: Definition, nominal: int | None) -> int | None:
    """Return when an instant fires: its own time plus its jitter, the same for everybody who computes it."""
    if nominal is None:
        return None
    return nominal + (jitter_of(definition.name, nominal, definition.jitter) if definition.jitter else 0)


def plan(row: Schedule, definition: Definition, now: int, *, busy: bool = False) -> Firing | None:
    """Return what is to be written for a schedule now, or None if there is nothing to do.

    Args:
        busy: Whether the schedule's previous job is not finished.
    """
    turn = _turn(row, definition, now)
    waiting = [row.held_at] if row.held_at is not None and not busy else []
    if not (turn.fire or turn.skipped or waiting):
        return None
    most = None if definition.max_runs is None else max(0, definition.max_runs - row.runs)
    chosen = _Choice(definition, row, most)
    for nominal in waiting:
        chosen.take(nominal, reason="queued until the previous job had ended")
    for nominal in turn.fire:
        late = now - (due_time(definition, nominal) or 0)
        if definition.deadline is not None and late > definition.deadline:
            chosen.skip(nominal, f"later than its deadline of {definition.deadline / 1e6:g} s")
        else:
            chosen.consider(nominal, busy)
    return chosen.firing(turn, now)


def asked(row: Schedule, definition: Definition, now: int, *, busy: bool = False) -> Firing | None:
    """Return what `plan` does, for a rule that says by itself whether it is due: it is asked when its time has come.

    Raises:
        ScheduleError: its answer is none.
    """
    assert isinstance(definition.rule, Asked)
    if row.due_at is not None and row.due_at <= now:
        last = row.anchor_at if row.last_at is None else row.last_at
        due, seconds = definition.rule.ask(to_datetime(last).astimezone(definition.tzinfo))
        if not due:
            later = now + int(seconds * 1e6)
            return postponed(row, later, "")._replace(next_at=later)
        # It is due now; what it might have said meanwhile nobody has heard.
        row = row._replace(next_at=now, due_at=now)
    return plan(row, definition, now, busy=busy)


def postponed(row: Schedule, until: int, note: str) -> Firing:
    """Return a firing that fires nothing: the schedule is looked at again later, with a note that says why."""
    return Firing(row.key, row.revision, (), (), (), row.next_at, until, row.held_at, note=note)


# Which instants


def _turn(row: Schedule, definition: Definition, now: int) -> _Turn:
    first, due = row.next_at, row.due_at
    if first is None or due is None or due > now:
        return _Turn([], [], first)
    latest = _latest_due(row, definition, first, now)
    fire, skipped = _by_policy(row, definition, first, latest, now)
    return _Turn(fire, skipped, definition.next_after(latest, row.anchor_at))


def _latest_due(row: Schedule, definition: Definition, first: int, now: int) -> int:
    """Return the latest instant that is due, with its jitter, from the first one, which is."""
    horizon = now if definition.end is None else min(now, definition.end)
    while True:
        latest = _latest(row, definition, first, max(first, horizon))
        if latest <= first or (due_time(definition, latest) or 0) <= now:
            return latest
        horizon = latest - 1


def _latest(row: Schedule, definition: Definition, first: int, until: int) -> int:
    # A first instant may lie off the rule's grid: an interval that was due at once, a schedule triggered late.
    after = definition.next_after(first, row.anchor_at)
    if after is None or after > until:
        return first
    return latest_up_to(definition.rule, after, until, anchor=row.anchor_at, zone=definition.tzinfo)


def _by_policy(
    row: Schedule, definition: Definition, first: int, latest: int, now: int
) -> tuple[list[int], list[Entry]]:
    policy = definition.missed
    if policy == "all":
        fire = _to_make_up_for(row, definition, first, latest, now)
        until = (fire[0] if fire else latest + 1) - 1
        return fire, skips(row, definition, first, until, _MISSED_ALL)
    if policy == "skip" and now - (due_time(definition, latest) or 0) > ON_TIME_US:
        return [], skips(row, definition, first, latest, _MISSED_SKIP)
    reason = _MISSED_SKIP if policy == "skip" else _MISSED_LATEST
    return [latest], skips(row, definition, first, latest - 1, reason)


def _to_make_up_for(row: Schedule, definition: Definition, first: int, latest: int, now: int) -> list[int]:
    """Return the last `most` instants within `window`, oldest first."""
    start = max(first, now - definition.window)
    while True:
        found = _between(row, definition, start - 1, latest, _MOST_WALKED)
        if len(found) < _MOST_WALKED:
            break
        start = latest - (latest - start) // 2
    if first >= start and (not found or found[0] != first):
        found.insert(0, first)
    return found[-definition.most :]


def _between(row: Schedule, definition: Definition, start: int, end: int, most: int) -> list[int]:
    if end <= start:
        return []
    return between(definition.rule, start, end, anchor=row.anchor_at, zone=definition.tzinfo, most=most)


def skips(row: Schedule, definition: Definition, first: int, until: int, reason: str) -> list[Entry]:
    """Return the ledger entries of all instants from one to another that are skipped for one reason.

    Up to a hundred get an entry each; more of them one for all, with their number as far as that was counted.
    """
    if until < first:
        return []
    found = _between(row, definition, first - 1, until, _MOST_COUNTED)
    if not found or found[0] != first:
        found.insert(0, first)
    if len(found) <= INDIVIDUAL:
        return [Entry(nominal, SKIPPED, reason) for nominal in found]
    last = found[-1]
    if len(found) >= _MOST_COUNTED:
        last = _latest(row, definition, first, until)
        if last != found[-1]:
            reason += f" ({_MOST_COUNTED:,} or more)"
    return [Entry(first, SKIPPED, reason, None, last, len(found))]


# What becomes of them


class _Choice:
    """Collects what fires and what is skipped, as the overlap policy and the number of runs allow."""

    def __init__(self, definition: Definition, row: Schedule, most: int | None) -> None:
        self._definition, self._row, self._most = definition, row, most
        self.fired: list[Entry] = []
        self.skipped: list[Entry] = []
        self.cancel: list[str] = []
        self.held = row.held_at

    def take(self, nominal: int, reason: str | None = None) -> None:
        """Fire an instant, if it may run so often."""
        if self._most is not None and len(self.fired) >= self._most:
            self.skip(nominal, f"it has had its {self._definition.max_runs} runs")
            return
        if nominal == self.held:
            self.held = None
        job_id = firing_id(self._row.name, self._row.created_at, nominal)
        self.fired.append(Entry(nominal, FIRED, reason, job_id))

    def skip(self, nominal: int, reason: str) -> None:
        """Skip an instant, saying why."""
        self.skipped.append(Entry(nominal, SKIPPED, reason))

    def consider(self, nominal: int, busy: bool) -> None:
        """Fire an instant, skip it or let it wait, by what runs and the overlap policy."""
        overlap = self._definition.overlap
        if overlap == "allow" or not (busy or self.fired):
            self.take(nominal)
        elif overlap == "skip":
            self.skip(nominal, f"overlap: {self._previous()} was not finished")
        elif overlap == "cancel":
            self._replace_previous(nominal)
        elif self.held is None:
            self.held = nominal
        else:
            self.skip(nominal, f"overlap: another run waits already for {self._previous()}")

    def _previous(self) -> str:
        job_id = self.fired[-1].job_id if self.fired else self._row.last_job
        return f"the previous job {job_id}"

    def _replace_previous(self, nominal: int) -> None:
        if self.fired:
            replaced = self.fired.pop()
            self.skip(replaced.nominal, "overlap: the next run replaces it")
        elif self._row.last_job is not None:
            self.cancel.append(self._row.last_job)
        self.take(nominal)

    def firing(self, turn: _Turn, now: int) -> Firing:
        """Return all of it, for the store."""
        definition, row = self._definition, self._row
        used_up = self._most is not None and len(self.fired) >= self._most
        next_at = None if used_up else turn.next_at
        held = None if used_up else self.held
        if held != self.held and self.held is not None:
            self.skip(self.held, f"it has had its {definition.max_runs} runs")
        skipped = [*turn.skipped, *self.skipped]
        entries = sorted((*skipped, *self.fired), key=lambda entry: entry.nominal)
        return Firing(
            schedule=row.key,
            revision=row.revision,
            entries=tuple(entries),
            jobs=tuple(self._job(entry, now) for entry in self.fired),
            cancel=tuple(self.cancel),
            next_at=next_at,
            due_at=due_time(definition, next_at),
            held_at=held,
            state=ScheduleState.ENDED if next_at is None and held is None else ScheduleState.ACTIVE,
            runs=len(self.fired),
            missed=sum(entry.count for entry in skipped),
            signal=_TERM if self.cancel else 0,
            note="" if row.note else None,
        )

    def _job(self, entry: Entry, now: int) -> NewJob:
        return self._definition.job_at(entry.nominal, self._row.created_at, now)
