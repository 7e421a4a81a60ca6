"""When things are due: rules in time, read, asked, told in words and written down. No clock, no store, no app."""

from __future__ import annotations

from localq.exceptions import ScheduleError
from localq.schedules.base_schedule import BaseSchedule, schedstate
from localq.schedules.calendar_rule import Calendar, calendar
from localq.schedules.combined import AllOf, AnyOf
from localq.schedules.cron_text import CronText, cron
from localq.schedules.crontab_reader import ParseException, crontab_parser
from localq.schedules.crontab_rule import crontab
from localq.schedules.interval import every, schedule
from localq.schedules.once import Once, at
from localq.schedules.pinned import PinnedInterval
from localq.schedules.reading import all_of, any_of, as_rule, read_rule
from localq.schedules.rule import Rule
from localq.schedules.solar_rule import solar
from localq.schedules.span import between, jitter_of, latest_up_to
from localq.schedules.trigger_rule import TriggerRule, trigger
from localq.schedules.wall import read_zone
from localq.schedules.wall_trigger import WallTrigger

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
