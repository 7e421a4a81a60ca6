"""When things are due: rules in time, read, asked, told in words and written down. No clock, no store, no app."""

from __future__ import annotations

from localq.exceptions import ScheduleError
from localq.schedules.base_schedule import BaseSchedule, schedstate
from localq.schedules.cron_text import CronText, cron
from localq.schedules.crontab import crontab
from localq.schedules.crontab_parser import ParseException, crontab_parser
from localq.schedules.interval import every, schedule
from localq.schedules.once import Once, at
from localq.schedules.reading import as_rule, read_rule
from localq.schedules.rule import Rule
from localq.schedules.span import between, jitter_of, latest_up_to
from localq.schedules.wall import read_zone

__all__ = [
    "BaseSchedule",
    "CronText",
    "Once",
    "ParseException",
    "Rule",
    "ScheduleError",
    "as_rule",
    "at",
    "between",
    "cron",
    "crontab",
    "crontab_parser",
    "every",
    "jitter_of",
    "latest_up_to",
    "read_rule",
    "read_zone",
    "schedstate",
    "schedule",
]
