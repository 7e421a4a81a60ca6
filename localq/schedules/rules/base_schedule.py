"""Celery's questions to a schedule, answered from `next_after`: programs ask them of `crontab` and its kin.

A class of a program's own may answer them in another way: see `localq.schedules.rules.asked`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from localq import current
from localq.exceptions import ScheduleError
from localq.model.clock import SYSTEM, from_datetime, to_datetime
from localq.schedules.rules.rule import Rule

__all__ = ["BaseSchedule", "schedstate"]

_UTC = ZoneInfo("UTC")
#: When to ask again if nothing is due for so long that the rule gave up.
_LATER = timedelta(days=366)


class schedstate(NamedTuple):  # noqa: N801 - Celery's name
    """Celery's answer of `is_due`: whether it is due, and in how many seconds to ask again."""

    is_due: bool
    next: float


class BaseSchedule(Rule):
    """A rule that also answers as Celery's schedules do; a subclass may say when by `is_due` alone.

    Attributes:
        nowfun: Returns the current datetime; None: the app's clock says it.
        app: The app whose zone and clock count; None: the current one.
        tz: The zone whose wall clock counts; default: the app's.
    """

    _tz: tzinfo | None = None

    def __init__(self, nowfun: Callable[[], datetime] | None = None, app: Any = None) -> None:
        self.nowfun = nowfun
        self.app = app

    @property
    def app(self) -> Any:
        """The app whose zone and clock count: its own, or the current one; None where there is neither."""
        return current.app_or_none() if self._app is None else self._app

    @app.setter
    def app(self, app: Any) -> None:
        self._app = app

    @property
    def tz(self) -> tzinfo:
        """The zone that it was given, or its app's; UTC where there is no app."""
        if self._tz is not None:
            return self._tz
        return UTC if self.app is None else cast(tzinfo, self.app.timezone)

    @tz.setter
    def tz(self, tz: tzinfo | None) -> None:
        self._tz = tz

    @property
    def utc_enabled(self) -> bool:
        """The setting `enable_utc` of its app."""
        return self.app is None or bool(self.app.conf.enable_utc)

    def to_local(self, dt: datetime) -> datetime:
        """Return a datetime in this machine's zone where `enable_utc` is off; else as it is."""
        return dt if self.utc_enabled else dt.astimezone()

    def maybe_make_aware(self, dt: datetime, naive_as_utc: bool = True) -> datetime:
        """Return a datetime without a zone as one of `tz`: the same instant of UTC, or the same wall clock."""
        if dt.tzinfo is not None:
            return dt
        return dt.replace(tzinfo=UTC).astimezone(self.tz) if naive_as_utc else dt.replace(tzinfo=self.tz)

    def now(self) -> datetime:
        """Return the current time, aware; what `nowfun` returns naive is UTC."""
        if self.nowfun is None:
            clock = SYSTEM if self.app is None else self.app.clock
            return to_datetime(clock.now())
        now = self.nowfun()
        return now if now.tzinfo else now.replace(tzinfo=UTC)

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """Return the time from now until the first due instant after the last run; negative if it has passed.

        Wall clocks are read in the zone it was given, or that of the app it was given; else in that of `last_run_at`,
        in that of now if it has none by name, or in the current app's.
        """
        last, delta, now = self.remaining_delta(last_run_at)
        return last + delta - now

    def remaining_delta(
        self, last_run_at: datetime, tz: str | tzinfo | None = None
    ) -> tuple[datetime, timedelta, datetime]:
        """Return the last run, how long after it the next is due, and now.

        Args:
            tz: The zone whose wall clock counts, in place of its own.
        """
        now = self.now()
        last = last_run_at if last_run_at.tzinfo else last_run_at.replace(tzinfo=UTC)
        start, given = from_datetime(last), ZoneInfo(tz) if isinstance(tz, str) else tz or self._tz
        due = self.next_after(start, anchor=start, zone=self._zone(given, last_run_at, now))
        after = now - last + _LATER if due is None else timedelta(microseconds=due - start)
        # Differences of two of one zone are those of its wall clock.
        return last.astimezone(UTC), after, now.astimezone(UTC)

    def _zone(self, given: tzinfo | None, *seen: datetime) -> ZoneInfo:
        named = [one.tzinfo for one in seen if isinstance(one.tzinfo, ZoneInfo)]
        if given is None and named and self._app is None:
            return named[0]
        found = given or self.tz
        # Rules read any zone's clock; one without a name is this machine's.
        return _UTC if found is UTC else cast(ZoneInfo, found)

    # Rules of LocalQ's own say when by `next_after`; a subclass of a program's need not.

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Refuse to tell: it says only whether it is due, when it is asked.

        Raises:
            ScheduleError: always.
        """
        raise ScheduleError(f"{self.words()} only it can tell: by is_due(last_run_at), or next_after() of its own")

    def words(self) -> str:
        """Return that it says so itself."""
        return f"when {type(self).__module__}.{type(self).__qualname__} says so"

    def spec(self) -> dict[str, Any]:
        """Refuse to write it down.

        Raises:
            ScheduleError: always.
        """
        raise ScheduleError(f"{type(self).__qualname__} is known only to the program that configures it")

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Tell whether it is due, given when it ran last, and in how many seconds to ask again."""
        remaining = self.remaining_estimate(last_run_at).total_seconds()
        if remaining > 0:
            return schedstate(False, remaining)
        return schedstate(True, max(self.remaining_estimate(self.now()).total_seconds(), 0.0))
