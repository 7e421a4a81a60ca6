"""Random crontabs in several zones: due at the same instants as in Celery, where no clock is changed meanwhile.

`LOCALQ_CRONTABS` is how many, `LOCALQ_SEED` which ones. What differs where they are stands in docs/schedules.md.
"""

from __future__ import annotations

import os
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import celery
import celery.schedules
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st

from localq.model.clock import from_datetime, to_datetime
from localq.schedules import crontab, crontab_parser

EXAMPLES = int(os.environ.get("LOCALQ_CRONTABS", "3000"))
SEED = int(os.environ.get("LOCALQ_SEED", "1"))
ZONES = [
    "UTC", "Asia/Tokyo", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "America/St_Johns", "Europe/Berlin",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Marquesas",
]  # fmt: skip
FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_month": (1, 31),
    "month_of_year": (1, 12),
    "day_of_week": (0, 6),
}
#: How far ahead it is looked; Celery looks for a day that there is none of for ever.
FAR = timedelta(days=3000)


def texts(low: int, high: int) -> st.SearchStrategy[str]:
    numbers = st.integers(low, high)
    spans = st.tuples(numbers, numbers).map(sorted).map(lambda two: f"{two[0]}-{two[1]}")
    steps = st.tuples(st.one_of(st.just("*"), spans), st.integers(1, 6)).map(lambda both: f"{both[0]}/{both[1]}")
    some = st.lists(st.one_of(numbers.map(str), spans), min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.just("*"), numbers.map(str), some, steps)


crontabs = st.fixed_dictionaries({name: texts(*bounds) for name, bounds in FIELDS.items()})
instants = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))


def never(fields: dict[str, Any]) -> bool:
    """Whether no month has such a day, so that it is refused."""
    months = crontab_parser(12, 1).parse(fields["month_of_year"])
    days = crontab_parser(31, 1).parse(fields["day_of_month"])
    return min(days) > max(monthrange(2028, month)[1] for month in months)


@pytest.mark.timeout(1800)
def test_crontabs_are_due_at_the_same_instants() -> None:
    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(crontabs, instants, st.sampled_from(ZONES))
    def check(fields: dict[str, Any], last: datetime, zone: str) -> None:
        if never(fields):
            for kind in (crontab, celery.schedules.crontab):
                with pytest.raises(ValueError, match="never"):
                    kind(**fields)
            return
        ours = crontab(**fields).next_after(from_datetime(last), anchor=from_datetime(last), zone=ZoneInfo(zone))
        assume(ours is not None and to_datetime(ours) - last < FAR)
        due = to_datetime(ours or 0)
        wall = ZoneInfo(zone)
        days = [last + timedelta(days=n) for n in range((due - last).days + 3)]
        assume(len({one.astimezone(wall).utcoffset() for one in days}) == 1)

        app = celery.Celery(set_as_current=False, timezone=zone)
        theirs = celery.schedules.crontab(**fields, app=app, nowfun=lambda: last)

        assert due == last + theirs.remaining_estimate(last)

    check()
