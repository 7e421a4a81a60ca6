from __future__ import annotations

import pytest
from apscheduler.triggers.cron import CronTrigger

from localq.model.clock import to_datetime
from localq.schedules import any_of, at, calendar, cron, crontab, every
from localq.schedules.lint import lint
from tests.unit.schedules.rules.instants import BERLIN, UTC, instant

NOW = instant("2026-06-01")


def remarks(value: object, severity: str, zone: object = BERLIN) -> list[str]:
    return [remark.what for remark in lint(value, zone, NOW) if remark.severity == severity]


@pytest.mark.parametrize(
    "value",
    [
        "30 9 * * mon-fri",
        "*/5 * * * *",
        "0 */4 * * *",
        "@daily",
        crontab(0, 6),
        every(30),
        calendar(days=1, at="12:00"),
    ],
)
def test_a_plain_rule_holds_no_traps(value: object) -> None:
    assert lint(value, BERLIN, NOW) == []


@pytest.mark.parametrize(
    ("value", "severity", "what"),
    [
        ("0 0 30 2 *", "error", "never matches"),
        ("nonsense", "error", "has 1 field:"),
        ("59/15 * * * *", "warning", "means 59 only: the step leads beyond 59. Croniter before version 7"),
        ("0 23/1 * * *", "warning", "Croniter before version 7 took it for every value of the day"),
        ("0 0 * * sat/1", "warning", "means 6 only"),
        ("50/15 * * * *", "warning", "means 50 only"),
        ("*/7 * * * *", "warning", "means 0, 7, ... 56: it starts anew with each hour"),
        ("*/45 * * * *", "warning", "means 0 and 45"),
        ("*/60 * * * *", "warning", "means 0 only"),
        ("0 */5 * * *", "warning", "starts anew with each day"),
        ("0 0 */2 * *", "warning", "starts anew with each month"),
        ("0 0 13 * 5", "warning", "one that matches is enough, which is cron's rule"),
        (crontab(0, 0, 5, 13), "note", "both must match, which is Celery's rule"),
        ("0 0 13 * 5#2", "warning", "one that matches is enough"),
        ("0 0 * * 7", "note", "7 is Sunday"),
        ("0 0 * * 0-1", "note", "0 is Sunday and 1 is Monday"),
        (crontab(0, 0, 1), "note", "APScheduler calls Monday 0"),
        (CronTrigger.from_crontab("0 0 * * 0", timezone=UTC), "warning", "0 is Monday; in cron and in Celery"),
        ("0 0 jan-jan * *", "error", "not acceptable"),
        ("0 0 * jan-jan *", "warning", "means the whole year"),
        ("0 0 * * fri-tue", "note", "runs backwards"),
        ("* 3 * * *", "warning", "60 times in each hour"),
        ("* * * * *", "note", "1,440 times a day"),
        ("* * * * * *", "warning", "every second"),
        ("0 0 12 * * *", "note", "the last one, '*', is the second"),
        (cron("0 0 12 * * *", seconds_first=True), "note", "the first one, '0', is the second"),
        (every(0.1), "warning", "864,000 times a day"),
        (every(1, "day"), "note", "24 hours of real time"),
        ("0 0 31 * *", "note", "no day 31"),
        ("0 0 1 1 * 0 2020", "warning", "Nothing is due any more"),
        (at(to_datetime(NOW - 1)), "warning", "Nothing is due any more"),
        (any_of(every(60), cron("*/7 * * * *")), "warning", "0, 7, ... 56"),
    ],
)
def test_a_trap_is_found(value: object, severity: str, what: str) -> None:
    assert any(what in found for found in remarks(value, severity)), lint(value, BERLIN, NOW)


def test_fixed_times_on_a_change_of_the_clock_are_named_with_their_dates() -> None:
    assert remarks("30 2 * * *", "note") == [
        "On 2026-10-25 in Europe/Berlin, clocks are put back by 60 minutes: "
        "02:30 comes twice, and it is due the first time only.",
        "On 2027-03-28 in Europe/Berlin, clocks are put forward by 60 minutes: "
        "02:30 does not exist, and it is due at 03:00 instead.",
    ]
    assert remarks("30 2 * * *", "note", UTC) == []


def test_a_wildcard_within_one_hour_is_warned_of_where_the_hour_is_changed() -> None:
    assert [what.partition("so it")[2] for what in remarks("*/20 2 * * *", "warning")] == [
        " is due twice as often from 02:00 to 03:00.",
        " is due not at all from 02:00 to 03:00.",
    ]


def test_the_worst_comes_first_and_every_finding_says_what_to_do() -> None:
    found = lint("*/7 2 13 * 5", BERLIN, NOW)

    assert [remark.severity for remark in found] == sorted((f.severity for f in found), reverse=True)
    assert all(remark.advice.endswith(".") for remark in found)
