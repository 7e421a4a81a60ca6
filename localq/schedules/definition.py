"""What defines a schedule: its rule, the job it makes, and what is done about missed and overlapping runs.

A definition is checked when it is made (`localq.schedules.declaration`) and kept as JSON beside the schedule's times,
so that any process can fire it, whether it knows the task or not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from localq.exceptions import ScheduleError
from localq.model.clock import to_datetime
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.model.schedule import NewSchedule
from localq.schedules import Rule, read_rule
from localq.serialization import codec
from localq.tasks.call_times import When

__all__ = ["MISSED", "OVERLAP", "Definition", "OwnRule", "firing_id", "read_definition"]

#: What is done about instants that nobody fired in time: one run for all of them, none, or one for each.
MISSED = ("latest", "skip", "all")
#: What is done when the previous job is not finished: run beside it, skip, wait for it, or cancel it.
OVERLAP = ("allow", "skip", "queue", "cancel")

_FIRINGS = UUID("0e0c8b6e-0c2f-4f5b-8d55-6c6f63616c71")
_SECONDS = ("window", "jitter", "deadline")
_INSTANTS = ("start", "end")
#: Fields of a job that differ with each firing.
_OF_FIRING = frozenset({"id", "run_at", "properties"})


def firing_id(name: str, since: int, nominal: int) -> str:
    """Return the id of the job of a firing: the same however often, and by whomever, it is computed.

    Args:
        since: When the schedule was added: one added later under the same name is another.
    """
    return str(uuid5(_FIRINGS, f"{name}/{since}/{nominal}"))


class OwnRule(Rule):
    """Stands for a rule of a class of a program's own, where that program is not at hand: it cannot tell when."""

    kind = "own"

    def __init__(self, fingerprint: str, words: str, kind: str = "own") -> None:
        self._fingerprint, self._words = fingerprint, words

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Tell that it cannot.

        Raises:
            ScheduleError: always.
        """
        raise ScheduleError(f"The rule {self._words!r} is known only to the program that configures it.")

    def words(self) -> str:
        """Return the rule's own words."""
        return self._words

    def spec(self) -> dict[str, Any]:
        """Return what it was made of."""
        return {"kind": self.kind, "fingerprint": self._fingerprint, "words": self._words}


class Definition(NamedTuple):
    """A schedule as its program defined it. Times and lengths are microseconds.

    `job` is the job of each firing without its id; `delay` and `expires` count from the firing. `most` and
    `window` bound what `missed="all"` makes up for. A firing later than `deadline` is skipped.
    """

    name: str
    rule: Rule
    zone: str
    job: NewJob
    delay: int = 0
    expires: int | None = None
    missed: str = "latest"
    most: int = 100
    window: int = 86_400_000_000
    overlap: str = "allow"
    jitter: int = 0
    start: int | None = None
    end: int | None = None
    max_runs: int | None = None
    deadline: int | None = None

    # When

    @property
    def tzinfo(self) -> ZoneInfo:
        """The zone in which wall-clock rules are read."""
        return ZoneInfo(self.zone)

    def next_after(self, after: int, anchor: int) -> int | None:
        """Return the first instant after a time, None if the rule or `end` leaves none."""
        if self.start is not None:
            after = max(after, self.start - 1)
        found = self.rule.next_after(after, anchor=anchor, zone=self.tzinfo)
        return None if found is None or (self.end is not None and found > self.end) else found

    def first_times(self, now: int, *, at_once: bool) -> tuple[int, int | None]:
        """Return what a schedule seen for the first time counts from, and its first instant.

        Intervals are due at once, unless `at_once` is False or they have a `start` to count from.
        """
        if self.start is None:
            over = self.end is not None and self.end < now
            first = now if at_once and self.rule.runs_at_once and not over else self.next_after(now, now)
            return now, first
        if now <= self.start and self.rule.runs_at_once:
            return self.start, self.start
        return self.start, self.next_after(now - 1, self.start)

    def micros(self, value: datetime | str, field: str) -> int:
        """Return a datetime or ISO text in microseconds, read in the schedule's zone if it is naive.

        Raises:
            ScheduleError: it is none of these; with the field.
        """
        try:
            return When(self.zone, 0).micros(value, field)
        except (TypeError, ValueError) as error:
            raise ScheduleError(str(error)) from error

    @property
    def is_own(self) -> bool:
        """Whether the rule cannot be written down, and is known only where the program configures it."""
        return isinstance(self.rule, OwnRule) or _rule_spec(self.rule)["kind"] == OwnRule.kind

    # As a program would say it

    def terms(self) -> dict[str, Any]:
        """Return the task's name, the zone, and the terms that differ from the defaults, in seconds and datetimes."""
        said: dict[str, Any] = {"zone": self.zone, "task": self.job.task}
        for name in ("missed", "most", "overlap", "max_runs", *_SECONDS, *_INSTANTS):
            value = getattr(self, name)
            if value != _DEFAULTS[name]:
                said[name] = value / 1e6 if name in _SECONDS else to_datetime(value) if name in _INSTANTS else value
        return said

    def call(self, accept: tuple[str, ...]) -> dict[str, Any]:
        """Return the call: args, kwargs, and its options by name.

        Args:
            accept: The serializers that may be read.
        """
        job, kept = self.job, JobOptions.read(self.job.options)
        args, kwargs = codec.decode_call(job.args, kept.serializer, accept)
        options = {name: value for name, value in kept._asdict().items() if value is not None}
        options.update(queue=job.queue, priority=job.priority)
        if self.delay:
            options["countdown"] = self.delay / 1e6
        if self.expires is not None:
            options["expires"] = self.expires / 1e6
        elif job.expires_at is not None:
            options["expires"] = to_datetime(job.expires_at)
        return {**options, "args": args, "kwargs": kwargs}

    # As kept

    def spec(self) -> str:
        """Return all of it as JSON; equal definitions give equal texts."""
        said: dict[str, Any] = {
            name: value
            for name, value in self._asdict().items()
            if name not in ("name", "rule", "job") and value != _DEFAULTS.get(name, ...)
        }
        return _json({**said, "rule": _rule_spec(self.rule), "job": _job_spec(self.job)})

    def rule_text(self) -> str:
        """Return the part that decides when: where it changes, the times are computed anew."""
        said = {name: value for name in ("zone", "start", "end", "max_runs") if (value := getattr(self, name))}
        return _json({**said, "rule": _rule_spec(self.rule)})

    def new_schedule(self, source: str, anchor: int, next_at: int | None, due_at: int | None) -> NewSchedule:
        """Return what the store keeps of it."""
        return NewSchedule(
            name=self.name,
            source=source,
            spec=self.spec(),
            rule=self.rule_text(),
            anchor_at=anchor,
            next_at=next_at,
            due_at=due_at,
        )

    # Firing

    def job_at(self, nominal: int, since: int, now: int) -> NewJob:
        """Return the job of one instant; its task finds `scheduled_at` and `periodic_task_name` in its request."""
        options = json.loads(self.job.options) if self.job.options else {}
        headers = options.get("headers") or {}
        at = to_datetime(nominal).isoformat()
        said = {"celery_beat_task": True, "periodic_task_name": self.name, "scheduled_at": at}
        options["headers"] = {**headers, **said}
        options["unasked"] = True
        if self.delay:
            options["eta"] = now + self.delay
        return self.job._replace(
            id=firing_id(self.name, since, nominal),
            run_at=now + self.delay if self.delay else None,
            expires_at=self.job.expires_at if self.expires is None else now + self.expires,
            options=_json(options),
        )


_DEFAULTS = Definition._field_defaults


def read_definition(name: str, text: str) -> Definition:
    """Return the definition that a spec holds.

    Raises:
        ScheduleError: it cannot be read: damaged, or of a newer LocalQ; with the field and the reason.
    """
    try:
        said = json.loads(text)
        known = {field: said[field] for field in Definition._fields if field in said and field != "name"}
        rule = said["rule"]
        known["rule"] = OwnRule(**rule) if rule["kind"] == OwnRule.kind else read_rule(rule)
        known["job"] = _read_job(said["job"])
        return Definition(name=name, **known)
    except ScheduleError:
        raise
    except Exception as error:
        raise ScheduleError(
            f"The definition of the schedule {name!r} cannot be read ({type(error).__name__}: {error}). "
            "Define it again, or remove it."
        ) from error


def _rule_spec(rule: Rule) -> dict[str, Any]:
    try:
        return rule.spec()
    except ScheduleError:
        return OwnRule(rule.fingerprint(), rule.words()).spec()


def _job_spec(job: NewJob) -> dict[str, Any]:
    said = {
        field: value
        for field, value in job._asdict().items()
        if field not in _OF_FIRING and field != "args" and value != NewJob._field_defaults.get(field, ...)
    }
    try:
        return {**said, "args": job.args.decode("ascii")}
    except UnicodeDecodeError:
        return {**said, "args": {"base64": base64.b64encode(job.args).decode()}}


def _read_job(said: Mapping[str, Any]) -> NewJob:
    known = {field: said[field] for field in NewJob._fields if field in said and field not in _OF_FIRING}
    args = said["args"]
    known["args"] = args.encode() if isinstance(args, str) else base64.b64decode(args["base64"])
    return NewJob(id="", **known)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
