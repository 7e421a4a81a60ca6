"""When things are due: rules in time, read, asked, told in words and written down. No clock, no store, no app."""

from __future__ import annotations

from localq.exceptions import ScheduleError
from localq.schedules.rules.base_schedule import BaseSchedule, schedstate
from localq.schedules.rules.calendar import Calendar, calendar
from localq.schedules.rules.combined import AllOf, AnyOf
from localq.schedules.rules.cron_text import CronText, cron
from localq.schedules.rules.crontab import crontab
from localq.schedules.rules.crontab_reader import ParseException, crontab_parser
from localq.schedules.rules.interval import every, schedule
from localq.schedules.rules.once import Once, at
from localq.schedules.rules.pinned import PinnedInterval
from localq.schedules.rules.reading import all_of, any_of, as_rule, read_rule
from localq.schedules.rules.rule import Rule
from localq.schedules.rules.solar import solar
from localq.schedules.rules.span import between, jitter_of, latest_up_to
from localq.schedules.rules.trigger import TriggerRule, trigger
from localq.schedules.rules.wall import read_zone
from localq.schedules.rules.wall_trigger import WallTrigger

__all__ = [
    "AllOf",
    "AnyOf",
    "BaseSchedule",
    "Calendar",
    "CronText",
    "Once",
    "ParseException",
    "PinnedInterval",
    "Rule",
    "ScheduleError",
    "TriggerRule",
    "WallTrigger",
    "all_of",
    "any_of",
    "as_rule",
    "at",
    "between",
    "calendar",
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
    "solar",
    "trigger",
]
