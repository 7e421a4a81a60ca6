from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from localq.schedules import ScheduleError, as_rule, at
from tests.unit.schedules.rules.instants import BERLIN, UTC, instant, shown


def test_an_aware_time_is_due_at_its_instant_and_never_again() -> None:
    rule = at(datetime(2026, 7, 1, 12, tzinfo=BERLIN))
    due = instant("2026-07-01 10:00")

    assert rule.next_after(0, anchor=0, zone=UTC) == due
    assert rule.next_after(due, anchor=0, zone=UTC) is None
    assert as_rule(datetime(2026, 7, 1, 10, tzinfo=UTC)) == rule


def test_a_naive_time_is_read_on_the_schedules_clock() -> None:
    assert shown(at(datetime(2026, 7, 1, 12)), "2026-01-01", 3, BERLIN) == ["2026-07-01 12:00"]
    assert shown(at(datetime(2026, 3, 29, 2, 30)), "2026-01-01", 3, BERLIN) == ["2026-03-29 03:00"]


def test_what_is_no_time_is_refused() -> None:
    with pytest.raises(ScheduleError, match="must be a datetime"):
        at("2026-01-01")  # type: ignore[arg-type]
    for when in (datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))), datetime.min):
        with pytest.raises(ScheduleError, match="it must lie in the years 2 to 8999"):
            at(when)
