"""Keywords that no rule takes, and the nearest one that it does."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from localq.schedules import calendar, cron, crontab, every, schedule, solar


@pytest.mark.parametrize(
    ("rule", "args", "misspelt", "meant"),
    [
        (crontab, (), "minit", "minute"),
        (crontab, (0,), "hours", "hour"),
        (crontab, (), "day_of_weeks", "day_of_week"),
        (schedule, (), "run_evry", "run_every"),
        (solar, ("sunrise", 52.5), "long", "lon"),
        (calendar, (), "month", "months"),
        (cron, ("@daily",), "hashkey", "hash_key"),
        (every, (5,), "units", "unit"),
    ],
)
def test_a_misspelt_keyword_of_a_rule_is_refused_with_the_one_that_was_meant(
    rule: Any, args: tuple[Any, ...], misspelt: str, meant: str
) -> None:
    with pytest.raises(TypeError) as caught:
        rule(*args, **{misspelt: 5})

    assert str(caught.value) == (
        f"{rule.__name__}() got an unexpected keyword argument {misspelt!r}. Did you mean {meant!r}?"
    )


def test_a_rule_still_tells_what_it_takes() -> None:
    assert [*inspect.signature(crontab).parameters][:2] == ["minute", "hour"]
    assert crontab(minute=5, hour=[2, 3]) == crontab("5", "2,3")
