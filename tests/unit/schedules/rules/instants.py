"""Instants in tests: made from what a clock shows, and shown as such."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from localq.model.clock import from_datetime, to_datetime
from localq.schedules import Rule, between

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
YEAR = 366 * 86_400_000_000


def instant(text: str, zone: ZoneInfo = UTC) -> int:
    """Return the instant of "2026-03-29 02:30" on a zone's clock."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=zone))


def shown(rule: Rule, start: str, most: int, zone: ZoneInfo = UTC, span: int = 60 * YEAR) -> list[str]:
    """Return what the zone's clock shows at a rule's next instants after a start, which is the anchor too."""
    begin = instant(start, zone)
    dues = between(rule, begin, begin + span, anchor=begin, zone=zone, most=most)
    return [to_datetime(due).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00") for due in dues]
