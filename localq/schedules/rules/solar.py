"""Celery's `solar`: events of the sun at a place, computed by ephem (the extra `solar`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from localq.exceptions import ImproperlyConfigured, ScheduleError
from localq.model.bounds import is_number
from localq.model.clock import from_datetime, to_datetime
from localq.model.hints import nearest, suggesting
from localq.schedules.rules.base_schedule import BaseSchedule
from localq.schedules.rules.rule import LAST_INSTANT
from localq.schedules.rules.said import Say, english
from localq.schedules.rules.wall import DAY, HOUR, SECOND

__all__ = ["EVENTS", "TEXTS", "solar"]

#: Each event: the sun's height, whether its centre counts, what ephem calls the search.
EVENTS = {
    "dawn_astronomical": ("-18", True, "next_rising"),
    "dawn_nautical": ("-12", True, "next_rising"),
    "dawn_civil": ("-6", True, "next_rising"),
    "sunrise": ("-0:34", False, "next_rising"),
    "solar_noon": ("0", False, "next_transit"),
    "sunset": ("-0:34", False, "next_setting"),
    "dusk_civil": ("-6", True, "next_setting"),
    "dusk_nautical": ("-12", True, "next_setting"),
    "dusk_astronomical": ("-18", True, "next_setting"),
}
#: Near the poles an event may stay away for half a year and more.
_MOST_DAYS = 366


class solar(BaseSchedule):  # noqa: N801 - Celery's name
    """Due at an event of the sun, to the second, on the days on which it happens.

    Args:
        event: One of `EVENTS`: dawn_astronomical, dawn_nautical, dawn_civil, sunrise, solar_noon, sunset,
            dusk_civil, dusk_nautical, dusk_astronomical.
        lat: Degrees of latitude, north positive.
        lon: Degrees of longitude, east positive.
        nowfun: For `is_due`: returns the current datetime.
        app: For `is_due`: the app whose zone and clock count.

    Raises:
        ScheduleError: The event is unknown, or there is no such place.
        ImproperlyConfigured: The package ephem is not installed.
    """

    @suggesting
    def __init__(
        self,
        event: str,
        lat: float,
        lon: float,
        *,
        nowfun: Callable[[], datetime] | None = None,
        app: Any = None,
    ) -> None:
        super().__init__(nowfun, app)
        if event not in EVENTS:
            hint = nearest(str(event), EVENTS)
            raise ScheduleError(f"solar({event!r}, ...): unknown event.{hint} Events are {', '.join(EVENTS)}.")
        self.event = event
        self.lat = _degrees("lat", lat, 90)
        self.lon = _degrees("lon", lon, 180)
        _ephem()

    def next_after(self, after: int, *, anchor: int, zone: ZoneInfo) -> int | None:
        """Return the next event; None if none happens within 366 days, as at the poles themselves."""
        if after >= LAST_INSTANT:
            return None
        # Days are cut at the place's mean midnight, so that an event is computed from the same start whoever asks.
        shift = round(self.lon / 15 * HOUR)
        day = (after + shift) // DAY - 1
        for number in range(day, day + _MOST_DAYS + 2):
            for due in self._events(number * DAY - shift, (number + 1) * DAY - shift):
                if due > after:
                    return due
        return None

    def _events(self, start: int, end: int) -> Iterator[int]:
        """Yield the events of one day: one, none, or two where it crosses midnight."""
        height, centre, search = EVENTS[self.event]
        ephem = _ephem()
        place = ephem.Observer()
        place.lat, place.lon, place.elev, place.pressure, place.horizon = str(self.lat), str(self.lon), 0, 0, height
        options = {"use_center": True} if centre else {}
        while start < end:
            begin = ephem.Date(to_datetime(start).replace(tzinfo=None))
            try:
                found: Any = getattr(place, search)(ephem.Sun(), start=begin, **options)
            except ephem.CircumpolarError:
                # It looks at one crossing of the horizon only: the sun may just touch it at the other end of the day.
                start += DAY // 2
                continue
            due = round(from_datetime(found.datetime().replace(tzinfo=UTC)) / SECOND) * SECOND
            if due < end:
                yield due
            start = due + HOUR

    def words(self) -> str:
        """Return "at civil dusk at latitude 52.5, longitude 13.4"."""
        return self.told(english)

    def told(self, say: Say) -> str:
        """Return that in the language of who says it."""
        event, lat, lon = say(_called(self.event)), f"{self.lat:g}", f"{self.lon:g}"
        return say("at {event} at latitude {lat}, longitude {lon}", event=event, lat=lat, lon=lon)

    def spec(self) -> dict[str, Any]:
        """Return what `read_rule` reads."""
        return {"kind": "solar", "event": self.event, "lat": self.lat, "lon": self.lon}


def _called(event: str) -> str:
    first, _, second = event.partition("_")
    return f"{second} {first}" if first in ("dawn", "dusk") else f"{first} {second}".strip()


#: What the events are called.
TEXTS = tuple(map(_called, EVENTS))


def _degrees(name: str, value: Any, most: int) -> float:
    if not is_number(value, -most, most):
        raise ScheduleError(f"solar({name}={value!r}): it must be a number of degrees from {-most} to {most}")
    return float(value)


def _ephem() -> Any:
    try:
        import ephem
    except ImportError as error:
        raise ImproperlyConfigured("solar(...) needs the package ephem: pip install 'localq[solar]'") from error
    return ephem
