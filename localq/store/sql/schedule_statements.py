"""The statements about schedules and their ledger."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
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
from localq.store.sql.schema import firing, schedule, schedule_is
from localq.store.sql.statement import Statement
from localq.store.sql.statement_table import StatementTable
from localq.store.sql.words import SqlWords

__all__ = ["ScheduleStatements"]

P = bindparam
_ONE: ColumnElement[int] = literal_column("1")
#: What `write` sets, beside the revision.
_WRITTEN = (*NewSchedule._fields[1:], "state", "state_before", "held_at", "changed_at", "note")


def schedule_columns() -> list[Any]:
    """Return the columns of `Schedule`, in its order."""
    return [schedule.c[name] for name in Schedule._fields]


def _text(word: str) -> ColumnElement[str]:
    return literal_column(f"'{word}'")


class ScheduleStatements(StatementTable):
    """What is kept of schedules, and of their instants."""

    def __init__(self, words: SqlWords) -> None:
        super().__init__(words)
        self._defining()
        self._looking()
        self._finding()
        self._firing()
        self._keeping()

    def _defining(self) -> None:
        known = [*schedule_columns(), schedule.c.state_before]
        self.of_source = self.made(select(*known).where(schedule.c.source == P("of_source")).order_by(schedule.c.name))
        self.of_name = self.made(select(*known).where(schedule.c.name == P("of_name")))
        self.of_names = self.made(select(*known).where(schedule.c.name.in_(self.words.listed("names"))))
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

    def _looking(self) -> None:
        """Find schedules that need a look: those due, when the next one is, and those that are held."""
        active = schedule_is(ScheduleState.ACTIVE)
        self.due, self.next_due, self.held = self._look(active)
        # As an expression, for which there is no index: what is due is far less than what a source has.
        source = func.coalesce(schedule.c.source, literal_column("''"))
        self.due_of, self.next_due_of, self.held_of = self._look(and_(active, source.in_(self.words.listed("sources"))))

    def _look(self, meant: ColumnElement[bool]) -> tuple[Statement, Statement, Statement]:
        due = select(*schedule_columns()).where(meant, schedule.c.due_at <= P("now"))
        held = select(*schedule_columns()).where(meant, schedule.c.held_at.is_not(None))
        return (
            self.made(due.order_by(schedule.c.due_at, schedule.c.key).limit(P("most"))),
            self.made(select(func.min(schedule.c.due_at)).where(meant, schedule.c.due_at > P("now"))),
            self.made(held.order_by(schedule.c.held_at)),
        )

    def _finding(self) -> None:
        found = select(*schedule_columns()).where(schedule.c.state.in_(self.words.listed("states")))
        found = found.order_by(schedule.c.name).limit(P("most"))
        later = schedule.c.name > P("after")
        self.found, self.found_after = self.made(found), self.made(found.where(later))
        named = found.where(schedule.c.name.in_(self.words.listed("names")))
        self.found_named, self.found_named_after = self.made(named), self.made(named.where(later))

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
            self.words.upsert(
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
