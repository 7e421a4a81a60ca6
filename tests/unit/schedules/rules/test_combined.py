from __future__ import annotations

from datetime import timedelta

import pytest

from localq.schedules import ScheduleError, all_of, any_of, cron, crontab, every
from tests.unit.schedules.rules.instants import shown


def test_any_of_several_is_due_once_where_two_agree() -> None:
    rule = any_of(cron("0 12 * * *"), cron("0 0,12 * * *"))

    assert shown(rule, "2026-01-01", 3) == ["2026-01-01 12:00", "2026-01-02 00:00", "2026-01-02 12:00"]


def test_parts_are_rules_or_what_stands_for_one() -> None:
    assert any_of(30, "@daily") == any_of(every(30), cron("@daily"))
    assert all_of(timedelta(hours=1), "@daily") == all_of(every(1, "hour"), cron("@daily"))


def test_all_of_several_is_due_where_they_agree() -> None:
    rule = all_of(crontab(0, 9, day_of_week="mon-fri"), crontab(0, "9,10", day_of_month="1,15"))

    assert shown(rule, "2026-01-01 10:00", 3) == ["2026-01-15 09:00", "2026-04-01 09:00", "2026-04-15 09:00"]


def test_what_never_agrees_is_never_due() -> None:
    rule = all_of(cron("0 9 * * *"), cron("0 10 * * *"))

    assert shown(rule, "2026-01-01", 1) == []


def test_a_combination_runs_at_once_if_it_is_due_at_the_start() -> None:
    assert any_of(every(60), cron("@daily")).runs_at_once
    assert not any_of(cron("@daily"), cron("@weekly")).runs_at_once
    assert not all_of(every(60), cron("@daily")).runs_at_once
    assert shown(all_of(every(60), cron("@daily")), "2026-01-01 06:00", 1) == ["2026-01-02 00:00"]


@pytest.mark.parametrize("rules", [(), ((),)])
def test_a_combination_needs_rules(rules: tuple[object, ...]) -> None:
    with pytest.raises(ScheduleError, match=r"needs rules|rule is"):
        any_of(*rules)
