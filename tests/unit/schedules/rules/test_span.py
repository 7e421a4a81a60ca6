"""Laws that hold for every kind of rule."""

from __future__ import annotations

import json
import pickle
from datetime import datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from localq.schedules import (
    Rule,
    all_of,
    any_of,
    at,
    between,
    calendar,
    cron,
    crontab,
    every,
    jitter_of,
    latest_up_to,
    read_rule,
    solar,
)
from tests.unit.schedules.rules.instants import BERLIN, UTC, YEAR, instant

ANCHOR = instant("2026-01-01 00:00:07.000003")

crontabs = st.builds(
    crontab,
    minute=st.sampled_from(["*", "*/7", "0", "15,45", "30-40/3"]),
    hour=st.sampled_from(["*", "*/5", "2", "1-3", "22-4"]),
    day_of_week=st.sampled_from(["*", "mon", "5-0"]),
    day_of_month=st.sampled_from(["*", "31", "1-15"]),
)
texts = st.builds(
    cron,
    st.sampled_from(
        ["*/10 * * * * *", "0 0 L * *", "0 2 * * 5#3", "30 2 13 * 5", "@daily", "0 */3 29 2 *", "* 2 * * *"]
    ),
)
intervals = st.builds(
    every,
    st.integers(1, 500) | st.floats(0.5, 1e4),
    st.sampled_from(["seconds", "minutes", "hours", "days"]),
    relative=st.booleans(),
)
lengths = st.builds(
    calendar, months=st.integers(1, 14), day=st.integers(1, 31), short_month=st.sampled_from(["last", "skip"])
) | st.builds(calendar, weeks=st.integers(0, 3), days=st.integers(1, 40), at=st.sampled_from(["02:30", "00:00"]))
single = st.one_of(
    crontabs,
    texts,
    intervals.filter(lambda rule: rule.micros < 36_000 * 86_400_000_000),
    lengths,
    st.builds(at, st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1))),
    st.just(solar("dusk_civil", 60.0, -120.0)),
)
rules = single | st.builds(any_of, single, single) | st.builds(all_of, single, st.just(crontab(hour="2-4")))
zones = st.sampled_from([UTC, BERLIN])
moments = st.integers(ANCHOR, ANCHOR + 2 * YEAR)


@settings(max_examples=150, deadline=None)
@given(rule=rules, zone=zones, start=moments)
def test_each_due_instant_lies_after_the_one_before(rule: Rule, zone: object, start: int) -> None:
    dues = between(rule, start, start + 4 * YEAR, anchor=ANCHOR, zone=zone, most=6)

    assert all(earlier < later for earlier, later in pairwise([start, *dues]))


@settings(max_examples=150, deadline=None)
@given(rule=rules, zone=zones, start=moments, data=st.data())
def test_whoever_asks_between_two_due_instants_hears_of_the_later(
    rule: Rule, zone: object, start: int, data: st.DataObject
) -> None:
    dues = between(rule, start, start + 4 * YEAR, anchor=ANCHOR, zone=zone, most=2)

    if len(dues) == 2:
        asked = data.draw(st.integers(dues[0], dues[1] - 1))
        assert rule.next_after(asked, anchor=ANCHOR, zone=zone) == dues[1]


@settings(max_examples=150, deadline=None)
@given(rule=rules, zone=zones, start=moments, span=st.integers(0, 10**10))
def test_the_latest_due_instant_is_the_last_of_a_walk(rule: Rule, zone: object, start: int, span: int) -> None:
    first = rule.next_after(start, anchor=ANCHOR, zone=zone)
    if first is None:
        return
    now = first + span
    walk = [first, *between(rule, first, now, anchor=ANCHOR, zone=zone, most=40_000)]

    assert latest_up_to(rule, first, now, anchor=ANCHOR, zone=zone) == walk[-1]


@settings(max_examples=100, deadline=None)
@given(rule=rules)
def test_a_rule_is_read_back_from_what_it_wrote_down(rule: Rule) -> None:
    again = read_rule(json.loads(json.dumps(rule.spec())))

    assert again == rule
    assert hash(again) == hash(rule)
    assert again.words() == rule.words()
    assert again.fingerprint() == rule.fingerprint()


@settings(max_examples=50, deadline=None)
@given(rule=rules)
def test_a_rule_can_be_handed_to_another_process(rule: Rule) -> None:
    assert pickle.loads(pickle.dumps(rule)) == rule


class Counted(Rule):
    """A rule that counts how often it is asked."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.asked = 0

    def next_after(self, after: int, *, anchor: int, zone: object) -> int | None:
        self.asked += 1
        return self.rule.next_after(after, anchor=anchor, zone=zone)

    def words(self) -> str:
        return self.rule.words()

    def spec(self) -> dict[str, object]:
        return self.rule.spec()


def test_ten_years_of_missed_seconds_take_some_dozens_of_questions() -> None:
    for rule in (every(1), cron("* * * * * *"), cron("@daily"), crontab(0, 0, day_of_month=29, month_of_year=2)):
        counted = Counted(rule)
        first = rule.next_after(ANCHOR, anchor=ANCHOR, zone=UTC)
        assert first is not None

        latest = latest_up_to(counted, first, ANCHOR + 10 * YEAR, anchor=ANCHOR, zone=UTC)

        assert counted.asked < 130
        following = rule.next_after(latest, anchor=ANCHOR, zone=UTC)
        assert latest <= ANCHOR + 10 * YEAR
        assert following is not None
        assert following > ANCHOR + 10 * YEAR


def test_between_gives_the_end_but_not_the_start_and_no_more_than_wanted() -> None:
    rule, start = every(10), ANCHOR

    assert between(rule, start, start + 30_000_000, anchor=start, zone=UTC, most=99) == [
        start + 10_000_000,
        start + 20_000_000,
        start + 30_000_000,
    ]
    assert between(rule, start, start + YEAR, anchor=start, zone=UTC, most=2) == [
        start + 10_000_000,
        start + 20_000_000,
    ]


@given(name=st.text(), nominal=st.integers(0, 2**60), most=st.integers(0, 10**9))
def test_jitter_stays_within_its_bounds_and_never_changes(name: str, nominal: int, most: int) -> None:
    jitter = jitter_of(name, nominal, most)

    assert 0 <= jitter <= most
    assert jitter == jitter_of(name, nominal, most)


def test_jitter_differs_between_instants_and_between_schedules() -> None:
    drawn = {jitter_of(name, nominal, 10**9) for name in "abc" for nominal in range(100)}

    assert len(drawn) == 300
    assert sum(drawn) / 300 - 5 * 10**8 < 10**8
