"""The schedules: their list, and all that there is of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from localq import states
from localq.app import LocalQ
from localq.exceptions import LocalQError
from localq.model.audit import ChangeRow
from localq.model.job import Job, JobState
from localq.model.schedule import LedgerRow, Schedule, ScheduleState
from localq.monitor.shown_call import ShownCall, shown_call
from localq.schedules.configured import CONFIG, RUN_TIME
from localq.schedules.definition import Definition
from localq.schedules.schedule_view import ScheduleView, definition_of
from localq.serialization.sealing import seal_calls
from localq.store.protocol import Store

__all__ = ["LedgerPage", "ScheduleSeen", "ScheduleWhole", "schedule_whole", "schedules_seen", "target"]

#: Schedules in a list, instants to come, past ones, and changes that are shown.
_MOST, _NEXT, _PAST, _CHANGES = 500, 10, 50, 10


#: What a firing's job is shown as before there is one.
_NOBODYS = Job(0, "", "", "", 0, JobState.READY, 0, None, 0, None, 0, 0, 0, 0, None, 0, None, None, None)


class ScheduleSeen(NamedTuple):
    """A schedule as the store has it, and in words."""

    row: Schedule
    view: ScheduleView

    @property
    def active(self) -> bool:
        """Whether it fires."""
        return self.row.state == ScheduleState.ACTIVE

    @property
    def paused(self) -> bool:
        """Whether it rests until somebody resumes it."""
        return self.row.state == ScheduleState.PAUSED

    @property
    def own(self) -> bool:
        """Whether it was added at run time: nobody's configuration would bring it back."""
        return self.row.source == RUN_TIME

    @property
    def removable(self) -> bool:
        """Whether it stays away once it is removed."""
        return self.own or self.row.state == ScheduleState.RETIRED

    @property
    def owner(self) -> str:
        """The program that configures it; empty where none does, or it has no name."""
        return "" if self.own else self.row.source.removeprefix(CONFIG)


class LedgerPage(NamedTuple):
    """What became of instants, the latest first, with the state that each one's job shows now, by its id.

    `cursor` is where the next page begins, None where there is none.
    """

    rows: list[LedgerRow]
    jobs: dict[str, str]
    cursor: int | None


class ScheduleWhole(NamedTuple):
    """A schedule with what it calls, what comes next, what was, and who changed it.

    `definition` is None where it cannot be read here; `call` as well.
    """

    seen: ScheduleSeen
    definition: Definition | None
    call: ShownCall | None
    upcoming: Sequence[datetime]
    past: LedgerPage
    changes: list[ChangeRow]


def target(schedule: str) -> str:
    """Return what the book of changes calls a schedule."""
    return f"schedule {schedule}"


def schedules_seen(app: LocalQ, store: Store, text: str = "") -> tuple[list[ScheduleSeen], bool]:
    """Return schedules by name, those with a text in their name or task, and whether there are more."""
    found: list[ScheduleSeen] = []
    after: str | None = None
    wanted = text.casefold()
    while rows := store.schedules.find(after=after, limit=_MOST):
        for row in rows:
            one = ScheduleSeen(row, ScheduleView.of(row, app.conf))
            if wanted in row.name.casefold() or wanted in (one.view.task or "").casefold():
                found.append(one)
        if len(found) > _MOST:
            return found[:_MOST], True
        after = rows[-1].name
    return found, False


def schedule_whole(app: LocalQ, store: Store, name: str, before: int | None) -> ScheduleWhole | None:
    """Return a schedule; None where there is none of that name.

    Args:
        before: From where on to show what was.
    """
    row = next(iter(store.schedules.find([name])), None)
    if row is None:
        return None
    definition = _definition(row, app)
    return ScheduleWhole(
        ScheduleSeen(row, ScheduleView.of(row, app.conf)),
        definition,
        None if definition is None else _call(definition, app),
        _upcoming(app, row),
        _past(store, name, before),
        store.history.changes(_CHANGES, target=target(name)),
    )


def _definition(row: Schedule, app: LocalQ) -> Definition | None:
    try:
        return definition_of(row, app.conf)
    except LocalQError:
        return None


def _call(definition: Definition, app: LocalQ) -> ShownCall | None:
    try:
        new = seal_calls([definition.job], app.conf)[0]
    except LocalQError:
        return None
    return shown_call(_NOBODYS._replace(id=new.id, task=new.task, args=new.args, options=new.options), app.conf)


def _upcoming(app: LocalQ, row: Schedule) -> Sequence[datetime]:
    try:
        return app.schedules.upcoming(row.name, _NEXT)
    except LocalQError:
        return ()


def _past(store: Store, name: str, before: int | None) -> LedgerPage:
    rows = store.schedules.ledger(name, _PAST + 1, before)
    shown = rows[:_PAST]
    jobs = store.read.get([one.job_id for one in shown if one.job_id])
    told = {job_id: states.public_state(job) for job_id, job in jobs.items()}
    return LedgerPage(shown, told, shown[-1].nominal if len(rows) > _PAST else None)
