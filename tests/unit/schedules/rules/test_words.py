from __future__ import annotations

import pytest

from localq.model.clock import to_datetime
from localq.schedules import Rule, all_of, any_of, as_rule, at, calendar, cron, crontab, every, schedule, solar
from localq.schedules.rules.said import Nth, series
from tests.unit.schedules.rules.instants import instant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("3-59/20 * * * *", "every 20 minutes from minute 3 on"),
        ("*/7 * * * *", "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("0 * * * *", "every hour, on the hour"),
        ("5 * * * *", "at minute 5 of every hour"),
        ("30 7 * * 1", "at 07:30 on Monday"),
        ("0,30 9-17 * * mon-fri", "every 30 minutes in the hours 9 to 17 on Monday to Friday"),
        ("0 */4 * * *", "at 00:00, 04:00, 08:00, 12:00, 16:00 and 20:00"),
        ("* 2 * * *", "every minute in the hour 2"),
        ("59/15 * * * *", "at minute 59 of every hour"),
        ("0 0 1,15 * *", "at 00:00 on the 1st and the 15th"),
        ("0 0 13 * 5", "at 00:00 on the 13th, and also on Friday (one matching day field is enough)"),
        ("0 0 L * *", "at 00:00 on the last day of the month"),
        ("0 9 * * 5#3", "at 09:00 on the 3rd Friday of the month"),
        ("0 9 * * L5", "at 09:00 on the last Friday of the month"),
        ("0 9 15W * *", "at 09:00 on the weekday nearest to the 15th"),
        ("0 0 29 2 *", "at 00:00 on the 29th in February"),
        ("0 0 */2 * *", "at 00:00 on every 2nd day of the month from the first"),
        ("0 0 1-7 jan,jul *", "at 00:00 on the 1st to the 7th in January and July"),
        ("* * * * * *", "every second"),
        ("0 0 12 * * *", "every second in minute 0 of the hour 0 on the 12th"),
        ("*/15 * * * * */20", "every 20 seconds in minutes 0, 15, 30 and 45 of every hour"),
        ("30 8 1 1 * 15 2030", "at 08:30:15 on the 1st in January in 2030"),
        ("@weekly", "at 00:00 on Sunday"),
        ("0 0 * * 7", "at 00:00 on Sunday"),
        ("every 90 s", "every minute and 30 seconds"),
        ("every 10 days", "every 10 days"),
        ("every 2 weeks", "every 2 weeks"),
    ],
)
def test_a_text_in_words(text: str, words: str) -> None:
    assert as_rule(text).words() == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (crontab(), "every minute"),
        (crontab(30, 7, 1), "at 07:30 on Monday"),
        (crontab(0, 0, "fri", 13), "at 00:00 on the 13th, if it is also Friday (both day fields must match)"),
        (crontab("*/10", "3,17,22", "thu,fri"), "every 10 minutes in the hours 3, 17 and 22 on Thursday and Friday"),
        (crontab({0, 30}, [6, 18]), "at 06:00, 06:30, 18:00 and 18:30"),
        (cron("H H * * *", hash_key="a"), "at 01:27"),
        (every(1), "every second"),
        (every(0.25), "every 250 milliseconds"),
        (every(1.5, "hours"), "every hour and 30 minutes"),
        (schedule(3600, relative=True), "every hour, on the round hour"),
        (at(to_datetime(instant("2026-03-01 07:30"))), "once, at 2026-03-01 07:30:00 UTC"),
        (
            calendar(months=1, day=31, at="07:30"),
            "every month on the 31st, or the last day of a shorter month, at 07:30",
        ),
        (
            calendar(months=1, day=31, short_month="skip"),
            "every month on the 31st, leaving out shorter months, at 00:00",
        ),
        (calendar(weeks=2, start="2026-01-05"), "every 2 weeks at 00:00 from 2026-01-05 on"),
        (solar("dusk_civil", 52.5, 13.4), "at civil dusk at latitude 52.5, longitude 13.4"),
        (any_of(cron("@daily"), every(60)), "at 00:00; or every minute"),
        (all_of(cron("@daily"), every(60)), "at 00:00; and at the same time every minute"),
    ],
)
def test_a_rule_in_words(rule: Rule, words: str) -> None:
    assert rule.words() == words
    assert words in repr(rule)


def test_numbers_and_lists_in_words() -> None:
    assert [f"{Nth(n)}" for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 31)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "22nd",
        "31st",
    ]
    assert [series(["a"]), series(["a", "b"]), series(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
