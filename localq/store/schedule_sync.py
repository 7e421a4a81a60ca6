"""What becomes of a schedule that is defined again, or not any more: pure, alike for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from localq.model.schedule import NewSchedule, Schedule, ScheduleState, SyncOutcome, SyncResult

__all__ = ["Kept", "Step", "check", "defined", "retired", "steps"]

_ACTIVE, _ENDED, _RETIRED = ScheduleState.ACTIVE, ScheduleState.ENDED, ScheduleState.RETIRED


class Kept(NamedTuple):
    """A schedule as kept; `before` is the state it was retired from."""

    row: Schedule
    before: int | None


class Step(NamedTuple):
    """What there is to do for one name: `new` is to be added, or `kept` written; neither: nothing."""

    result: SyncResult
    new: NewSchedule | None = None
    kept: Kept | None = None

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return self.new is not None or self.kept is not None


def check(source: str, wanted: Sequence[NewSchedule]) -> None:
    """Refuse what cannot be wanted at once; see `Store.sync_schedules`."""
    names: set[str] = set()
    for new in wanted:
        if new.source != source:
            raise ValueError(
                f"schedule {new.name!r} is of the source {new.source!r}; those of {source!r} are synchronised here"
            )
        if new.name in names:
            raise ValueError(f"schedule {new.name!r} is wanted twice; give each a name of its own")
        names.add(new.name)


def steps(there: Mapping[str, Kept], source: str, wanted: Sequence[NewSchedule], now: int) -> list[Step]:
    """Return what a synchronisation does, in the order of its results.

    Args:
        there: By name, all schedules of the source and all others whose names are wanted.
    """
    done = [defined(there.get(new.name), new, now) for new in wanted]
    names = {new.name for new in wanted}
    for name, kept in there.items():
        if name not in names and kept.row.source == source and kept.row.state != _RETIRED:
            done.append(Step(SyncResult(name, SyncOutcome.RETIRED), kept=retired(kept, now)))
    return done


def retired(kept: Kept, now: int) -> Kept:
    """Return a schedule as it is once taken out of its configuration."""
    row = kept.row._replace(state=int(_RETIRED), due_at=None, held_at=None, changed_at=now)
    return Kept(row, kept.row.state)


def defined(kept: Kept | None, new: NewSchedule, now: int) -> Step:
    """Return what there is to do so that a schedule is as defined; see `Store.sync_schedules`."""
    if kept is None:
        return Step(SyncResult(new.name, SyncOutcome.ADDED), new=new)
    row = kept.row
    if row.state == _RETIRED:
        return Step(SyncResult(new.name, SyncOutcome.RETURNED), kept=_returned(kept, new, now))
    if row.source != new.source:
        return Step(SyncResult(new.name, SyncOutcome.CONFLICT, row.source))
    if row.rule != new.rule:
        return Step(SyncResult(new.name, SyncOutcome.CHANGED), kept=Kept(_timed(row, new, now), None))
    if row.spec != new.spec:
        return Step(SyncResult(new.name, SyncOutcome.UPDATED), kept=Kept(_told(row, new, now), None))
    return Step(SyncResult(new.name, SyncOutcome.KEPT))


def _returned(kept: Kept, new: NewSchedule, now: int) -> Kept:
    row = kept.row._replace(state=int(_ACTIVE) if kept.before is None else kept.before)
    ahead = row.next_at is not None and row.next_at > now
    if row.rule != new.rule or not (ahead or row.state == _ENDED):
        return Kept(_timed(row, new, now), None)
    # Its jitter is known only where its next instant is the one it has now.
    due_at = new.due_at if row.next_at == new.next_at else row.next_at
    return Kept(_told(row, new, now)._replace(due_at=due_at), None)


def _told(row: Schedule, new: NewSchedule, now: int) -> Schedule:
    return row._replace(source=new.source, spec=new.spec, rule=new.rule, changed_at=now)


def _timed(row: Schedule, new: NewSchedule, now: int) -> Schedule:
    """Return a schedule with new times; with an instant to come it has not ended, without one it has."""
    state = row.state
    if state in (_ACTIVE, _ENDED):
        state = int(state_of(new))
    return _told(row, new, now)._replace(
        state=state, anchor_at=new.anchor_at, next_at=new.next_at, due_at=new.due_at, note=None
    )


def state_of(new: NewSchedule) -> ScheduleState:
    """Return the state a schedule begins in."""
    return _ENDED if new.next_at is None else _ACTIVE
