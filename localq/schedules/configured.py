"""The schedules a program configures, and how the store follows its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from localq.exceptions import ScheduleError
from localq.model.clock import Clock
from localq.model.job import JobState
from localq.model.schedule import FIRED, Entry, NewSchedule, Schedule, ScheduleState, SyncResult
from localq.schedules.declaration import Declaration
from localq.schedules.definition import Definition
from localq.schedules.firing import due_time
from localq.schedules.schedule_view import definition_of
from localq.serialization.sealing import open_spec, seal_spec
from localq.settings import Settings
from localq.store.protocol import Store
from localq.tasks.registry import TaskRegistry
from localq.tasks.routing.router import Router

__all__ = ["CONFIG", "RUN_TIME", "ConfiguredSchedules"]

#: The source of schedules added while a program runs.
RUN_TIME = "run-time"
#: What the source of configured schedules begins with; the app's name follows.
CONFIG = "config:"
_ELSEWHERE = "run before, elsewhere"


class _Carrier(Protocol):
    """What an app's calls go to in the place of its store."""

    def lacks(self, what: str) -> None: ...


class App(Protocol):
    """What schedules need of their app."""

    @property
    def carrier(self) -> _Carrier | None: ...

    main: str | None
    defined_in: str
    conf: Settings
    clock: Clock
    tasks: TaskRegistry
    router: Router | None

    @property
    def store(self) -> Store: ...

    def accepts(self, task: str) -> tuple[str, ...]: ...

    def cancel(self, ids: list[str], *, signal: int = 0) -> dict[str, JobState]: ...

    def finalize(self) -> None: ...

    def run_if_eager(self) -> None: ...


class ConfiguredSchedules:
    """The schedules an app's program configures.

    Attributes:
        revision: Grows with each declaration, so that a running scheduler takes up what is declared later.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._declared: dict[str, Declaration] = {}
        self._own: dict[str, Definition] = {}
        self.revision = 0

    def declare(self, declaration: Declaration, *, replace: bool = True) -> None:
        """Add a schedule to the configuration of this program; its rule and terms are checked now.

        The task and its arguments are checked when the scheduler starts: they may not be there yet.

        Raises:
            ScheduleError: names the field and the reason; or another has the name, and may not be replaced.
        """
        declaration.check_terms(self._app)
        if not replace and declaration.name in self._declared:
            raise ScheduleError(f"{declaration.where.format('name')}: there is one called {declaration.name!r} already")
        self._declared[declaration.name] = declaration
        self.revision += 1

    def declare_call(
        self,
        where: str,
        name: str,
        schedule: Any,
        task: Any,
        args: Any,
        kwargs: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        *,
        replace: bool = True,
    ) -> None:
        """Add what a call says to the configuration; see `declare` and `Declaration.of_call`."""
        self.declare(Declaration.of_call(where, name, schedule, task, args, kwargs, options), replace=replace)

    def configured(self) -> list[Definition]:
        """Return the definitions of all schedules this program configures, checked in full.

        Raises:
            ScheduleError: names the entry, the field and the reason.
        """
        self._app.finalize()
        entries = self._app.conf.beat_schedule
        found = {name: Declaration.of_entry(name, entry) for name, entry in entries.items()}
        found.update(self._declared)
        return [declaration.definition(self._app) for declaration in found.values()]

    @property
    def is_configured(self) -> bool:
        """Whether this program configures any schedule."""
        self._app.finalize()
        return bool(self._app.conf.beat_schedule or self._declared)

    @property
    def source(self) -> str:
        """What the schedules this program configures are kept under: the app's name, or that of what made it."""
        return f"{CONFIG}{self._app.main or self._app.defined_in}"

    def sync(self, store: Store, now: int, since: Mapping[str, int] | None = None) -> list[SyncResult]:
        """Bring the store up to date with the configuration; history and run-time schedules stay.

        Args:
            since: When schedules that are new here ran last, by name: they go on from there.

        Raises:
            ScheduleError: an entry cannot be; nothing is written then.
        """
        definitions = self.configured()
        self._own = {one.name: one for one in definitions if one.is_own}
        known = {row.name: row for row in self._rows(store, [one.name for one in definitions])}
        since = since or {}
        wanted = [self._new(one, known.get(one.name), self.source, now, since.get(one.name)) for one in definitions]
        if not self._app.main:
            # Apps without a name once kept theirs in one place. Retired, they are free for whoever defines them.
            store.schedules.sync(CONFIG, [], now)
        return store.schedules.sync(self.source, wanted, now)

    def own(self, row: Schedule) -> Definition | None:
        """Return the definition of a schedule whose rule only this program knows, None if it is another's.

        Raises:
            SecurityError: what the store has of it is not signed as it must be.
        """
        found = self._own.get(row.name)
        if found is None:
            return None
        return found if found.spec() == open_spec(row.name, row.spec, self._app.conf) else None

    def _definition(self, row: Schedule) -> Definition:
        return self.own(row) or definition_of(row, self._app.conf)

    def _new(
        self, definition: Definition, row: Schedule | None, source: str, now: int, since: int | None = None
    ) -> NewSchedule:
        last = row.last_at if row is not None and row.last_at is not None else since
        if last is None:
            anchor, next_at = definition.first_times(now, at_once=self._app.conf.beat_run_new_entries)
        else:
            anchor, next_at = self._going_on(definition, last, now if since is None else last)
        if row is not None and definition.max_runs is not None and row.runs >= definition.max_runs:
            next_at = None
        new = definition.new_schedule(source, anchor, next_at, due_time(definition, next_at))
        return new._replace(spec=seal_spec(new.name, new.spec, self._app.conf))

    @staticmethod
    def _going_on(definition: Definition, last: int, after: int) -> tuple[int, int | None]:
        """Return the anchor and next instant of a schedule that ran, and has a new rule or comes from elsewhere.

        An interval goes on from the last run; a rule of the clock and the calendar from `after`.
        """
        anchor = last if definition.start is None else definition.start
        return anchor, definition.next_after(last if definition.rule.runs_at_once else after, anchor)

    @staticmethod
    def _rows(store: Store, names: Sequence[str]) -> list[Schedule]:
        found: list[Schedule] = []
        for at in range(0, len(names), 500):
            found += store.schedules.find(names[at : at + 500])
        return found

    def adopt(self, runs: Mapping[str, int]) -> Mapping[str, bool]:
        """Let configured schedules that have not run here go on from their last runs elsewhere.

        Args:
            runs: When each ran last, by name.

        Returns:
            For each of those names that is a schedule here whether it does; those that have run here do not.

        Raises:
            ScheduleError: an entry of the configuration cannot be.
        """
        store, now = self._app.store, self._app.clock.now()
        runs = {name: min(at, now) for name, at in runs.items()}
        self.sync(store, now, runs)
        taken = {}
        for row in self._rows(store, list(runs)):
            taken[row.name] = row.last_at is None
            if row.last_at is None:
                self._adopt(store, row, runs[row.name], now)
        return taken

    def _adopt(self, store: Store, row: Schedule, last: int, now: int) -> None:
        definition = self._definition(row)
        store.schedules.record(row.key, [Entry(last, FIRED, _ELSEWHERE)], (), now)
        _, next_at = self._going_on(definition, last, last)
        state = ScheduleState(row.state)
        if state != ScheduleState.PAUSED:
            state = ScheduleState.ENDED if next_at is None else ScheduleState.ACTIVE
        store.schedules.set_state(row.name, state, now, next_at, due_time(definition, next_at))
