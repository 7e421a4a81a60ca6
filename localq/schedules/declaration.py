"""From what a program says of a schedule to its definition: checked in full, before anything is stored.

Every error names the field, as in `beat_schedule['nightly']['schedule']: ...`, and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

from localq import current
from localq.canvas import Signature
from localq.exceptions import LocalQError, ScheduleError
from localq.model.bounds import A_NAME, checked_name, is_name, is_number, is_whole
from localq.model.clock import Clock
from localq.model.hints import near_miss, nearest
from localq.model.job import NewJob
from localq.schedules import CronText, Rule, as_rule, crontab, read_zone, schedule
from localq.schedules.definition import MISSED, OVERLAP, Definition
from localq.schedules.rules.rule import LAST_INSTANT
from localq.settings import Settings
from localq.tasks.call_times import When
from localq.tasks.calls.new_job import new_job
from localq.tasks.calls.to_job import job_of
from localq.tasks.option_names import OPTIONS, read_options, without_near_misses
from localq.tasks.registry import TaskRegistry
from localq.tasks.routing.router import Router
from localq.tasks.task import Task

__all__ = ["ENTRY_KEYS", "NOT_OPTIONS", "TERMS", "Declaration", "zone_name"]

T = TypeVar("T")

#: What may be said of a schedule beside its rule and its call.
TERMS = (
    "zone",
    "missed",
    "most",
    "window",
    "overlap",
    "jitter",
    "start",
    "end",
    "max_runs",
    "deadline",
    "relative",
)
#: What is told beside options where a program adds a schedule.
_OF_CALLS = ("name", "schedule", "task", "sig", "args", "kwargs", "replace")
#: What an entry of `beat_schedule` may hold.
ENTRY_KEYS = ("task", "schedule", "args", "kwargs", "options", *TERMS)
#: Options of a call that a schedule decides itself.
NOT_OPTIONS = {
    "task_id": "each firing has an id of its own",
    "eta": "the schedule says when; `countdown` delays each run",
    "root_id": "a firing has no parent",
    "parent_id": "a firing has no parent",
    "group_id": "a firing belongs to no group",
}
_MOST = 1_000
_CENTURY_S = 36_525 * 86_400


class App(Protocol):
    """What declarations need of an app."""

    conf: Settings
    clock: Clock
    tasks: TaskRegistry
    router: Router | None


class Declaration(NamedTuple):
    """What a program says of a schedule, not checked yet.

    `where` tells in errors where it was said, with `{}` for the field. `task` is a name, a task, or the function of
    one; `options` are those of the call, `terms` those of the schedule. What is `configured` is an entry of a setting,
    not a call.
    """

    where: str
    name: Any
    schedule: Any
    task: Any
    args: Any = ()
    kwargs: Any = None
    options: Mapping[str, Any] = {}
    terms: Mapping[str, Any] = {}
    configured: bool = False

    @classmethod
    def of_entry(cls, name: Any, entry: Any) -> Declaration:
        """Return what an entry of `beat_schedule` says.

        Raises:
            ScheduleError: it is no dict, or has other keys than those known.
        """
        where = f"beat_schedule[{name!r}]"
        if not isinstance(entry, Mapping):
            raise ScheduleError(f"{where}: must be a dict with 'task' and 'schedule', not {entry!r}")
        for key in entry:
            if key not in ENTRY_KEYS:
                raise ScheduleError(f"{where}[{key!r}]: there is no such key.{nearest(str(key), list(ENTRY_KEYS))}")
        for key in ("task", "schedule"):
            if entry.get(key) is None:
                raise ScheduleError(f"{where}[{key!r}]: is missing")
        terms = {key: entry[key] for key in TERMS if entry.get(key) is not None}
        options = entry.get("options") or {}
        return cls(
            f"{where}[{{!r}}]",
            name,
            entry["schedule"],
            entry["task"],
            entry.get("args") or (),
            entry.get("kwargs"),
            options,
            terms,
            configured=True,
        )

    @classmethod
    def of_call(
        cls, where: str, name: Any, schedule: Any, task: Any, args: Any, kwargs: Any, given: Mapping[str, Any]
    ) -> Declaration:
        """Return what a call says: of a task or a signature, its options mixed with those of the schedule.

        Raises:
            ScheduleError: an option is no such one, but nearly another.
        """
        for key in given:
            known = key in TERMS or key in OPTIONS
            meant = None if known else near_miss(key, [*TERMS, *_OF_CALLS, *OPTIONS])
            if meant is not None:
                raise ScheduleError(f"{where.format(key)}: there is no such option. Did you mean {meant!r}?")
        terms = {key: value for key, value in given.items() if key in TERMS}
        options = {key: value for key, value in given.items() if key not in TERMS}
        if isinstance(task, Signature):
            sig = task.clone(args, kwargs)
            task, args, kwargs, options = sig.task, sig.args, sig.kwargs, {**sig.options, **options}
        return cls(where, name, schedule, task, args, kwargs, options, terms)

    def definition(self, app: App) -> Definition:
        """Return the definition, checked in full.

        Raises:
            ScheduleError: names the field, its value and the reason.
        """
        name = self._name()
        rule, zone, terms = self._timing(app)
        job, delay, expires = self._job(app, When(zone, app.clock.now()))
        return Definition(name, rule, zone, job, delay, expires, **terms)

    def with_call_of(self, before: Definition, app: App) -> Definition:
        """Return the definition with another's call; its task need not be known here."""
        rule, zone, terms = self._timing(app)
        return Definition(self._name(), rule, zone, before.job, before.delay, before.expires, **terms)

    def check_terms(self, app: App) -> None:
        """Check what can be checked before the task is there.

        Raises:
            ScheduleError: names the field, its value and the reason.
        """
        self._name()
        self._timing(app)
        self._options()

    def _timing(self, app: App) -> tuple[Rule, str, dict[str, Any]]:
        zone = self._zone(app.conf)
        rule = self._try("schedule", self._rule)
        self._try("schedule", rule.fingerprint)
        return rule, zone, self._terms(rule, app.conf, When(zone, app.clock.now()))

    # Fields

    def _try(self, field: str, make: Callable[[], T]) -> T:
        """Return what `make` returns; its error names the field."""
        try:
            return make()
        except (LocalQError, ValueError, TypeError, OverflowError) as error:
            raise ScheduleError(f"{self.where.format(field)}: {error}") from error

    def _name(self) -> str:
        name = self.name
        if not is_name(name):
            said = self.where.format("name")
            raise ScheduleError(f"{said}: must be a text of {A_NAME}, not {name!r:.300}")
        return str(name)

    def _zone(self, conf: Settings) -> str:
        given = self.terms.get("zone")
        return zone_name(conf) if given is None else self._try("zone", partial(_zone_of, given))

    def _rule(self) -> Rule:
        relative = bool(self.terms.get("relative"))
        rule = as_rule(self.schedule, hash_key=self._name(), relative=relative)
        if relative and not rule.runs_at_once:
            raise TypeError(f"relative=True is for intervals, not for {rule.words()!r}")
        return schedule(rule.run_every, relative=True) if relative and isinstance(rule, schedule) else rule

    def _terms(self, rule: Rule, conf: Settings, when: When) -> dict[str, Any]:
        """Return the schedule's own terms, as the definition keeps them."""
        for name in self.terms:
            if name not in TERMS:
                raise ScheduleError(f"{self.where.format(name)}: there is no such option.{nearest(name, list(TERMS))}")
        checks: dict[str, Callable[[Any], Any]] = {
            "missed": partial(_one_of, MISSED),
            "most": partial(_whole, _MOST),
            "window": _micros,
            "overlap": partial(_one_of, OVERLAP),
            "jitter": _micros,
            "start": lambda value: _begun(when.micros(_no_seconds(value), "start"), value),
            "end": lambda value: when.micros(_no_seconds(value), "end"),
            "max_runs": partial(_whole, None),
            "deadline": _micros,
        }
        given = {name: value for name, value in self.terms.items() if value is not None}
        if isinstance(rule, crontab | CronText) and conf.beat_cron_starting_deadline is not None:
            given.setdefault("deadline", conf.beat_cron_starting_deadline)
        found = {name: self._try(name, partial(checks[name], given[name])) for name in checks if name in given}
        start, end = found.get("start"), found.get("end")
        if start is not None and end is not None and end < start:
            raise ScheduleError(f"{self.where.format('end')}: {given['end']} is before start={given['start']}")
        return found

    # The call

    def _job(self, app: App, when: When) -> tuple[NewJob, int, int | None]:
        """Return the job of each firing, and how long after it the job runs and expires."""
        task = self._task(app.tasks)
        options = self._options()
        countdown, expires = options.pop("countdown", None), options.pop("expires", None)
        delay = 0 if countdown is None else self._try("options", partial(_micros, countdown))
        name = task if isinstance(task, str) else task.name
        if expires is None and not isinstance(task, str):
            expires = task.expires
        relative = None
        if isinstance(expires, int | float | timedelta):
            relative = self._try("options", partial(_micros, expires))
        elif expires is not None:
            options["expires"] = expires
        # Once without the arguments, to tell what is wrong with which.
        checked = partial(new_job, name, b"", options, when=when, queue="any", priority=0, find=app.tasks.find)
        self._try("options", checked)
        args, kwargs = self._arguments()
        # What is defined inside a task is nobody's child.
        token = current.request.set(None)
        try:
            known = None if isinstance(task, str) else task
            job, _ = self._try("args", lambda: job_of(app, name, args, kwargs, options, known))
        finally:
            current.request.reset(token)
        expires_at = None if relative is not None else job.expires_at
        return job._replace(id="", run_at=None, expires_at=expires_at), delay, relative

    def _arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        args, kwargs = self.args, self.kwargs
        if isinstance(args, str | bytes | Mapping) or not isinstance(args, Iterable):
            raise ScheduleError(f"{self.where.format('args')}: must be a list or tuple of arguments, not {args!r}")
        if kwargs and not isinstance(kwargs, Mapping):
            raise ScheduleError(f"{self.where.format('kwargs')}: must be a dict of arguments, not {kwargs!r}")
        return tuple(args), dict(kwargs or {})

    def _options(self) -> dict[str, Any]:
        if not isinstance(self.options, Mapping):
            raise ScheduleError(f"{self.where.format('options')}: must be a dict, not {self.options!r}")
        for name, reason in NOT_OPTIONS.items():
            if self.options.get(name) is not None:
                raise ScheduleError(f"{self.where.format('options')}: a schedule takes no {name}: {reason}")
        options = self.options
        if self.configured:
            options = without_near_misses(options, self.where.format("options"))
        else:
            self._try("options", partial(read_options, options))
        return {name: value for name, value in options.items() if value is not None}

    def _task(self, tasks: TaskRegistry) -> Task[..., Any] | str:
        """Return the task, or only its name in a program that knows no tasks at all."""
        said = self.where.format("task")
        given = self.task
        if isinstance(given, str) and given:
            known = tasks.find(given)
            if known is None and tasks:
                raise ScheduleError(
                    f"{said}: there is no task {given!r}.{nearest(given, list(tasks))} "
                    "Import its module first: the setting include, or -I."
                )
            return self._try("task", partial(checked_name, given, "it")) if known is None else known
        if isinstance(getattr(given, "name", None), str):
            return self._task_named(given, tasks, said)
        found = next((task for task in tasks.values() if task.function is given), None)
        if found is None or not callable(given):
            raise ScheduleError(f"{said}: {given!r} is no task. Decorate the function with @q.task, above or below.")
        return found

    def _task_named(self, given: Any, tasks: TaskRegistry, said: str) -> Task[..., Any]:
        known = tasks.find(given.name)
        if known is None:
            raise ScheduleError(f"{said}: the task {given.name!r} belongs to another app")
        return known


# Values


def zone_name(conf: Settings) -> str:
    """Return the zone that wall-clock rules are read in: `timezone`, or else UTC, or the machine's own.

    The machine's own where `enable_utc` is False.

    Raises:
        ScheduleError: there is no such zone.
    """
    if conf.timezone is not None:
        try:
            return _zone_of(conf.timezone)
        except ValueError as error:
            raise ScheduleError(f"Setting timezone: {error}") from error
    if conf.enable_utc:
        return "UTC"
    from tzlocal import get_localzone_name  # takes a fifth of what all of LocalQ takes to import, and is rarely asked

    return str(get_localzone_name() or "UTC")


def _zone_of(given: Any) -> str:
    """Return the name of a zone, given by name or as a tzinfo that has one."""
    if given is UTC:
        return "UTC"
    name = getattr(given, "key", None) or getattr(given, "zone", None) if isinstance(given, tzinfo) else given
    if not isinstance(name, str):
        raise TypeError(f"must be the name of a zone, such as 'Europe/Berlin', not {given!r}")
    return read_zone(name).key


def _one_of(allowed: tuple[str, ...], value: Any) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} must be one of {', '.join(allowed)}.{nearest(str(value), list(allowed))}")
    return str(value)


def _whole(high: int | None, value: Any) -> int:
    if not is_whole(value, 1, high):
        most = "" if high is None else f" to {high:,}"
        raise ValueError(f"{value!r} must be a whole number from 1{most}")
    return int(value)


def _micros(value: Any) -> int:
    """Return seconds or a timedelta as microseconds."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not is_number(seconds, 0, _CENTURY_S):
        raise ValueError(f"{value!r} must be a number of seconds, or a timedelta, from 0 to a century")
    return round(seconds * 1_000_000)


def _begun(start: int, value: Any) -> int:
    if start > LAST_INSTANT:
        raise ValueError(f"{value} must lie before the year 9000")
    return start


def _no_seconds(value: Any) -> datetime | str:
    if not isinstance(value, datetime | str):
        raise TypeError(f"{value!r} must be a datetime or an ISO text")
    return value
