from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from localq.schedules import ScheduleError, as_rule, cron, crontab, every, read_rule, schedule, solar
from tests.worker.waiting import PROGRAM_S


class Lookalike:
    """What Celery's own objects look like from outside."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


def test_celerys_own_objects_are_known_by_their_attributes() -> None:
    numbers = {"minute": {0, 30}, "hour": {7}, "day_of_week": {1}, "day_of_month": {1, 2}, "month_of_year": {1}}
    given = {"minute": "*/30", "hour": 7, "day_of_week": "mon", "day_of_month": [1, 2], "month_of_year": "jan"}

    with_texts = Lookalike(**numbers, **{f"_orig_{name}": value for name, value in given.items()})

    assert as_rule(with_texts) == crontab("*/30", 7, "mon", [1, 2], "jan")
    assert as_rule(Lookalike(**numbers)) == crontab("0,30", 7, 1, "1,2", 1)
    assert as_rule(Lookalike(run_every=timedelta(hours=1), relative=True)) == schedule(3600, relative=True)
    assert as_rule(Lookalike(event="sunset", lat=-37.8, lon=144.9)) == solar("sunset", -37.8, 144.9)


def test_a_rule_is_itself() -> None:
    rule = crontab(5)

    assert as_rule(rule) is rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("every 30 s", every(30)),
        ("every 5m", every(5, "minutes")),
        ("@every 1h", every(1, "hour")),
        ("every hour", every(1, "hour")),
        ("Every 2 Weeks", every(2, "weeks")),
        ("*/5 * * * *", cron("*/5 * * * *")),
        (" @daily ", cron("@daily")),
    ],
)
def test_a_text_is_an_interval_or_a_cron_expression(text: str, rule: object) -> None:
    assert as_rule(text) == rule


def test_an_entrys_relative_reaches_the_interval() -> None:
    assert as_rule(60, relative=True) == schedule(60, relative=True)


@pytest.mark.parametrize("value", [None, object(), [1], {"kind": "cron"}, b"* * * * *", True])
def test_what_means_no_rule_is_refused(value: object) -> None:
    with pytest.raises(ScheduleError, match=r"must be|no method"):
        as_rule(value)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({}, "its kind must be one of interval, crontab"),
        ("cron", "its kind must be one of"),
        ({"kind": "cronn"}, "its kind must be one of"),
        ({"kind": ["cron"]}, "its kind must be one of"),
        ({"kind": "cron"}, "'text'"),
        ({"kind": "cron", "text": "* * * * *", "more": 1}, "'more'"),
        ({"kind": "cron", "text": "99 * * * *"}, "out of range"),
        ({"kind": "crontab", "minute": "61"}, r"crontab\(minute=\.\.\.\)"),
        ({"kind": "interval", "micros": "5"}, "micros '5'"),
        ({"kind": "interval", "micros": 0}, "at least a microsecond"),
        ({"kind": "once", "at": "tomorrow"}, "at 'tomorrow'"),
        ({"kind": "any", "rules": []}, "needs rules"),
        ({"kind": "any", "rules": [{"kind": "x"}]}, "its kind must be one of"),
        ({"kind": "pinned", "micros": 5, "start": "1"}, "start is '1'"),
        ({"kind": "trigger", "class": "os.system"}, "class 'os.system'"),
    ],
)
def test_a_spec_that_cannot_be_read_is_refused_with_the_field(spec: object, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        read_rule(spec)  # type: ignore[arg-type]


def test_importing_the_rules_loads_no_engine_of_theirs() -> None:
    code = "import sys, localq.schedules; print(*{'croniter', 'apscheduler', 'ephem', 'dateutil'} & {*sys.modules})"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PROGRAM_S)

    assert shown.stdout.strip() == ""
