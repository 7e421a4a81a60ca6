"""The schedules that a program configures, as entries of Celery's beat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import BaseSchedule, schedstate
from celery.schedules import schedule as CelerySchedule  # noqa: N812 - ours has that name

from localq.model.clock import from_datetime, to_datetime
from localq.schedules import schedule
from localq.schedules.definition import Definition, read_definition

__all__ = ["BeatRule", "beat_entry"]

#: Seconds after which beat looks again where nothing is due any more.
_LATER_S = 3600.0
#: Options of a kept call that Celery's beat takes.
_OPTIONS = frozenset(
    [
        "queue",
        "priority",
        "countdown",
        "expires",
        "time_limit",
        "soft_time_limit",
        "ignore_result",
        "headers",
        "shadow",
        "compression",
        "link",
        "link_error",
    ]
)


class BeatRule(BaseSchedule):  # type: ignore[misc] # Celery has no types
    """Says to beat when a schedule is due, by any rule of LocalQ's, in the schedule's own zone."""

    def __init__(self, definition: Definition, nowfun: Any = None, app: Any = None) -> None:
        super().__init__(nowfun, app)
        self.definition = definition

    def _next(self, last_run_at: datetime) -> int | None:
        after = from_datetime(_aware(last_run_at))
        anchor = after if self.definition.start is None else self.definition.start
        return self.definition.next_after(after, anchor)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return how long it is until the next instant after a run."""
        due = self._next(last_run_at)
        if due is None:
            return timedelta(seconds=_LATER_S)
        remaining: timedelta = to_datetime(due) - _aware(self.now())
        return remaining

    def is_due(self, last_run_at: datetime) -> Any:
        """Return whether an instant has come since a run, and in how many seconds beat should look again."""
        now = from_datetime(_aware(self.now()))
        due = self._next(last_run_at)
        if due is None:
            return schedstate(is_due=False, next=_LATER_S)
        if due > now:
            return schedstate(is_due=False, next=(due - now) / 1e6)
        following = self.definition.next_after(now, now if self.definition.start is None else self.definition.start)
        return schedstate(is_due=True, next=_LATER_S if following is None else (following - now) / 1e6)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BeatRule) and other.definition.rule_text() == self.definition.rule_text()

    def __hash__(self) -> int:
        return hash(self.definition.rule_text())

    def __reduce__(self) -> Any:
        # Beat keeps it in its file; a rule that cannot be written down is known by its program alone.
        if self.definition.is_own:
            return super().__reduce__()
        return _read, (self.definition.name, self.definition.spec())

    def __repr__(self) -> str:
        return f"<BeatRule: {self.definition.rule.words()}>"


def _read(name: str, spec: str) -> BeatRule:
    return BeatRule(read_definition(name, spec))


def _aware(when: datetime) -> datetime:
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def beat_entry(definition: Definition, accept: tuple[str, ...]) -> dict[str, Any]:
    """Return the entry of `beat_schedule` that a schedule is.

    Args:
        accept: The serializers its arguments may be written in.
    """
    call = definition.call(accept)
    args, kwargs = call.pop("args"), call.pop("kwargs")
    options = {name: value for name, value in call.items() if name in _OPTIONS and value is not None}
    return {
        "task": definition.job.task,
        "schedule": _rule(definition),
        "args": args,
        "kwargs": kwargs,
        "options": options,
    }


def _rule(definition: Definition) -> Any:
    rule = definition.rule
    bounded = definition.start is not None or definition.end is not None
    if isinstance(rule, schedule) and not rule.relative and not bounded:
        return CelerySchedule(rule.run_every)
    return BeatRule(definition)
