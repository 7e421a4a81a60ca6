from __future__ import annotations

import sys
from datetime import datetime
from itertools import pairwise

import pytest

from localq.exceptions import ImproperlyConfigured
from localq.model.clock import to_datetime
from localq.schedules import ScheduleError, between, solar
from localq.schedules.rules.solar import EVENTS
from tests.unit.schedules.rules.instants import BERLIN, UTC, YEAR, instant, shown

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("event", "almanac"),
    [("sunrise", "04:43"), ("solar_noon", "13:08"), ("sunset", "21:33"), ("dusk_civil", "22:23")],
)
def test_midsummer_in_berlin_is_as_in_the_almanac(event: str, almanac: str) -> None:
    (due,) = shown(solar(event, 52.52, 13.405), "2026-06-21", 1, BERLIN)

    found, printed = datetime.strptime(due[11:16], "%H:%M"), datetime.strptime(almanac, "%H:%M")
    assert abs((found - printed).total_seconds()) <= 120
    assert due.startswith("2026-06-21")


def test_the_nine_events_follow_one_another_through_a_day() -> None:
    start = instant("2026-03-20", BERLIN)

    dues = [solar(event, 52.5, 13.4).next_after(start, anchor=start, zone=BERLIN) for event in EVENTS]

    assert len(dues) == 9
    assert dues == sorted(dues, key=int)


@pytest.mark.parametrize("lon", [-179.9, -75.0, 0.0, 13.4, 179.9])
def test_every_day_of_a_year_has_one_sunrise_whoever_asks_when(lon: float) -> None:
    rule, start = solar("sunrise", 40, lon), instant("2026-01-01")

    dues = between(rule, start, start + YEAR, anchor=start, zone=UTC, most=999)

    assert 365 <= len(dues) <= 367
    assert all(23 * HOUR < later - earlier < 25 * HOUR for earlier, later in pairwise(dues))
    for due in dues[::30]:
        asked = [rule.next_after(due - back, anchor=0, zone=UTC) for back in (1, 1_000_000, HOUR, 11 * HOUR)]
        assert asked == [due] * 4


def test_the_sun_that_stays_up_or_down_for_months_is_waited_for() -> None:
    tromso = solar("sunrise", 69.65, 18.96)

    (after_polar_night,) = shown(tromso, "2025-12-10", 1)
    (after_polar_day,) = shown(tromso, "2026-06-01", 1)

    assert after_polar_night.startswith("2026-01-1")
    assert after_polar_day.startswith("2026-07-2")


def test_at_a_pole_the_sun_never_rises_on_any_day() -> None:
    assert solar("sunrise", 90, 0).next_after(instant("2026-01-01"), anchor=0, zone=UTC) is None


@pytest.mark.parametrize(
    ("event", "lat", "lon", "reason"),
    [
        ("sunrize", 1, 1, "Did you mean 'sunrise'"),
        ("sunset", 91, 0, "lat=91"),
        ("sunset", 0, -181, "lon=-181"),
        ("sunset", "52", 0, "lat='52'"),
    ],
)
def test_an_unknown_event_or_place_is_refused(event: str, lat: float, lon: float, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        solar(event, lat, lon)


def test_without_ephem_the_definition_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ephem", None)

    with pytest.raises(ImproperlyConfigured, match=r"pip install 'localq\[solar\]'"):
        solar("sunrise", 0, 0)


def test_it_is_due_on_whole_seconds() -> None:
    due = solar("sunset", 10, 10).next_after(instant("2026-01-01"), anchor=0, zone=UTC)

    assert due is not None
    assert to_datetime(due).microsecond == 0
