"""The statements about schedules and their ledger, compiled when a store first needs one.

A program that only enqueues never does, and compiling them would be a part of its start that it feels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from localq.model.schedule import FIRED, SKIPPED, LedgerRow, NewSchedule, Schedule, ScheduleState
from localq.store.sql.dialect import SqlDialect
from localq.store.sql.schema import firing, schedule, schedule_is
from localq.store.sql.statement import Statement, StatementTable

__all__ = ["Looking", "ScheduleStatements", "listed", "schedule_columns", "schedule_statements"]

P = bindparam
_ONE: ColumnElement[int] = literal_column("1")
#: What `write` sets, beside the revision.
_WRITTEN = (*NewSchedule._fields[1:], "state", "state_before", "held_at", "changed_at", "note")


def schedule_columns() -> list[Any]:
    """Return the columns of `Schedule`, in its order."""
    return [schedule.c[name] for name in Schedule._fields]


def _text(word: str) -> ColumnElement[str]:
    return literal_column(f"'{word}'")


def listed(
    names: Sequence[str] | None, states: Sequence[ScheduleState] | None, after: str | None, limit: int
) -> Executable:
    """Return the query of a page of schedules."""
    clause = select(*schedule_columns()).order_by(schedule.c.name).limit(limit)
    if names is not None:
        clause = clause.where(schedule.c.name.in_(list(names)))
    if states is not None:
        clause = clause.where(schedule.c.state.in_([int(state) for state in states]))
    if after is not None:
        clause = clause.where(schedule.c.name > after)
    return clause


class Looking(NamedTuple):
    """What finds schedules that need a look: those due, when the next one is, and those that are held."""

    due: Statement
    next_due: Statement
    held: Statement


class ScheduleStatements(StatementTable):
    """What is kept of schedules, and of their instants."""

    def __init__(self, dialect: SqlDialect) -> None:
        super().__init__(dialect)
        self._defining()
        self._looking = {every: self._of(every=every) for every in (True, False)}
        self._firing()
        self._keeping()

    def _defining(self) -> None:
        known = [*schedule_columns(), schedule.c.state_before]
        self.of_source = self.made(select(*known).where(schedule.c.source == P("of_source")).order_by(schedule.c.name))
        self.of_name = self.made(select(*known).where(schedule.c.name == P("of_name")))
        self.of_names = self.made(select(*known).where(schedule.c.name.in_(self.dialect.listed("names"))))
        added = (*NewSchedule._fields, "state", "created_at", "changed_at")
        self.add = self.made(insert(schedule).values({name: P(name) for name in added}))
        self.write = self.made(
            update(schedule)
            .where(schedule.c.key == P("k"))
            .values({name: P(f"to_{name}") for name in _WRITTEN} | {"revision": schedule.c.revision + _ONE})
        )
        to_state: dict[str, Any] = {name: P(f"to_{name}") for name in ("state", "next_at", "due_at", "note")}
        self.set_state = self.made(
            update(schedule)
            .where(schedule.c.name == P("of_name"))
            .values(**to_state, changed_at=P("now"), revision=schedule.c.revision + _ONE)
        )
        self.drop = self.made(delete(schedule).where(schedule.c.name == P("of_name")).returning(schedule.c.key))
        self.drop_ledger = self.made(delete(firing).where(firing.c.schedule == P("k")))

    def looking(self, *, every: bool) -> Looking:
        """Return the statements that find what needs a look: among all schedules, or among those of some sources."""
        return self._looking[every]

    def _of(self, *, every: bool) -> Looking:
        active = schedule_is(ScheduleState.ACTIVE)
        if not every:
            # As an expression, for which there is no index: what is due is far less than what a source has.
            source = schedule.c.source.concat(literal_column("''"))
            active = and_(active, source.in_(self.dialect.listed("sources")))
        due = select(*schedule_columns()).where(active, schedule.c.due_at <= P("now"))
        held = select(*schedule_columns()).where(active, schedule.c.held_at.is_not(None))
        return Looking(
            self.made(due.order_by(schedule.c.due_at, schedule.c.key).limit(P("most"))),
            self.made(select(func.min(schedule.c.due_at)).where(active, schedule.c.due_at > P("now"))),
            self.made(held.order_by(schedule.c.held_at)),
        )

    def _firing(self) -> None:
        at: Any = P("at")
        # No instant at all (None) is not later than any.
        later = or_(schedule.c.last_at.is_(None), schedule.c.last_at <= at)
        last = {
            "last_at": case((later, at), else_=schedule.c.last_at),
            "last_job": case((later, P("job")), else_=schedule.c.last_job),
            "revision": schedule.c.revision + _ONE,
        }
        self.advance = self.made(
            update(schedule)
            .where(
                schedule.c.key == P("k"),
                schedule.c.revision == P("of_revision"),
                schedule_is(ScheduleState.ACTIVE),
            )
            .values(
                **last,
                state=P("to_state"),
                next_at=P("to_next"),
                due_at=P("to_due"),
                held_at=P("to_held"),
                runs=schedule.c.runs + P("more_runs"),
                missed=schedule.c.missed + P("more_missed"),
                note=func.coalesce(P("to_note"), schedule.c.note),
            )
        )
        self.recount = self.made(
            update(schedule)
            .where(schedule.c.key == P("k"))
            .values(runs=schedule.c.runs - P("fewer"), last_at=at, last_job=P("job"))
        )
        self.last_fired = self.made(
            select(firing.c.nominal, firing.c.job_id)
            .where(firing.c.schedule == P("k"), firing.c.outcome == _text(FIRED))
            .order_by(firing.c.nominal.desc())
            .limit(1)
        )
        self.touch = self.made(update(schedule).where(schedule.c.key == P("k")).values(**last))
        self.knows = self.made(select(_ONE).where(schedule.c.key == P("k")))

    def _keeping(self) -> None:
        self.enter = self.made(
            self.dialect.upsert(
                firing,
                ["schedule", "nominal"],
                ("outcome", "reason", "job_id", "fired_at"),
                lambda new: and_(firing.c.outcome == _text(SKIPPED), new.outcome == _text(FIRED)),
            )
        )
        rows = [firing.c[name] for name in LedgerRow._fields]
        before = firing.c.nominal < P("before")
        self.ledger = self.made(
            select(*rows).where(firing.c.schedule == P("k"), before).order_by(firing.c.nominal.desc()).limit(P("most"))
        )
        self.next_with_ledger = self.made(select(func.min(firing.c.schedule)).where(firing.c.schedule > P("after")))
        self.oldest_kept = self.made(
            select(firing.c.nominal)
            .where(firing.c.schedule == P("k"))
            .order_by(firing.c.nominal.desc())
            .limit(1)
            .offset(P("kept"))
        )
        old = (
            select(firing.c.nominal)
            .where(firing.c.schedule == P("k"), before)
            .order_by(firing.c.nominal)
            .limit(P("most"))
        )
        self.drop_old = self.made(
            delete(firing).where(firing.c.schedule == P("k"), firing.c.nominal.in_(old.scalar_subquery()))
        )


@cache
def schedule_statements(dialect: SqlDialect) -> ScheduleStatements:
    """Return the statements of a dialect, the same for all stores that share it."""
    return ScheduleStatements(dialect)
