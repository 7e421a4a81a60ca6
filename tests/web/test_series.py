"""The past is read in pieces that no question is too long for, and each piece once."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from localq.exceptions import StoreError
from localq.model.job import JobState
from localq.model.tally import Ended, Tally, size_of, tallied
from localq.web.ask.series import Series, points, pulse
from localq.web.draw.lines import chart

_MINUTE, _HOUR = 60_000_000, 3_600_000_000
NOW = 1_000_000 * _HOUR + 12_345
ENDS = range(NOW - 2 * _HOUR, NOW, _MINUTE // 2)


class Busy:
    """A store that gives up a question about more than so many microseconds."""

    def __init__(self, most: int) -> None:
        self.history = self
        self._most = most
        self.asked: list[tuple[int, int]] = []

    def finished(self, since: int, until: int, step_us: int) -> list[Tally]:
        if until - since > self._most:
            raise StoreError("took too long")
        self.asked.append((since, until))
        ends = [at for at in ENDS if since <= at < until]
        return tallied([Ended("t", "q", 3, at, at, at, at) for at in ends], step_us)


def all_of(store: Busy, series: Series, since: int, step_us: int = _MINUTE) -> list[Tally]:
    while series.read_on(store, NOW):  # type: ignore[arg-type]
        pass
    return series.since(store, since, NOW, step_us).tallies  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [10 * _HOUR, _HOUR, 7 * _MINUTE])
def test_pieces_hold_everything_once_however_small_they_must_be(most: int) -> None:
    store, series = Busy(most), Series({_MINUTE: 3 * _HOUR})

    found = all_of(store, series, NOW - 3 * _HOUR)

    assert sum(one.count for one in found) == len(ENDS)
    assert len({one.at for one in found}) >= 2 * 60
    pieces = sorted(set(store.asked))
    assert all(end == begin for (_, end), (begin, _) in pairwise(pieces))


def test_what_was_read_is_not_asked_for_again() -> None:
    store, series = Busy(_HOUR), Series({_MINUTE: 3 * _HOUR})
    all_of(store, series, NOW - 3 * _HOUR)
    store.asked.clear()

    series.since(store, NOW - 3 * _HOUR, NOW + 1000, _MINUTE)  # type: ignore[arg-type]

    assert store.asked
    assert min(begin for begin, _ in store.asked) >= NOW - _MINUTE


def test_a_moment_that_takes_too_long_by_itself_is_told() -> None:
    with pytest.raises(StoreError):
        all_of(Busy(1000), Series({_MINUTE: 3 * _HOUR}), 0)


def test_coarse_steps_hold_what_fine_ones_do_and_go_further_back() -> None:
    store, series = Busy(10 * _HOUR), Series({_MINUTE: _HOUR, 10 * _MINUTE: 3 * _HOUR})

    coarse = all_of(store, series, NOW - 3 * _HOUR, 10 * _MINUTE)
    fine = all_of(store, series, NOW - _HOUR)

    assert sum(one.count for one in coarse) == len(ENDS)
    assert {one.at % (10 * _MINUTE) for one in coarse} == {0}
    assert sum(one.count for one in fine) == sum(at >= (NOW - _HOUR) // _MINUTE * _MINUTE + _MINUTE for at in ENDS)


def test_of_very_many_a_page_is_given_the_newest_and_how_far_back_they_go() -> None:
    class Full(Busy):
        def finished(self, since: int, until: int, step_us: int) -> list[Tally]:
            return [one._replace(count=one.count * 1000) for one in super().finished(since, until, step_us)]

    store, series = Full(10 * _HOUR), Series({_MINUTE: 3 * _HOUR})

    first = series.since(store, NOW - 2 * _HOUR, NOW, _MINUTE)  # type: ignore[arg-type]
    whole = all_of(store, series, NOW - 2 * _HOUR)
    again = series.since(store, NOW - 2 * _HOUR, NOW, _MINUTE)  # type: ignore[arg-type]

    assert NOW - 2 * _HOUR < first.whole_from < NOW
    full_steps = [one for one in whole if one.at >= first.whole_from]
    assert [one for one in first.tallies if one.at >= first.whole_from] == full_steps
    assert len(first.tallies) < len(whole)
    assert again.whole_from == NOW - 2 * _HOUR


def test_what_nobody_looked_at_for_a_long_time_is_read_behind_the_newest() -> None:
    store, series = Busy(10 * _HOUR), Series({_MINUTE: 3 * _HOUR})
    series.read_on(store, NOW - 2 * _HOUR)  # type: ignore[arg-type]

    found = all_of(store, series, NOW - 3 * _HOUR)

    assert sum(one.count for one in found) == len(ENDS)


def test_jobs_that_ran_are_at_work_in_the_steps_before_their_end() -> None:
    """One slot is busy for a minute a minute: a job of 90 s that ended in a minute ran in the one before as well."""
    ended = Tally(2 * _MINUTE, "shop.mail", "q", JobState.SUCCEEDED, 1, 90_000_000, {size_of(90_000_000): 1}, {0: 1})
    many = Tally(3 * _MINUTE, "shop.mail", "q", JobState.SUCCEEDED, 4, 180_000_000, {}, {})

    found = pulse([ended, many], 0, 3 * _MINUTE, _MINUTE)

    assert [one.busy for one in found] == [0.0, 0.5, 1.0, 3.0]
    assert [one.wait_p95 for one in found] == [None, None, pytest.approx(1e-6), None]


@pytest.mark.parametrize(
    ("most", "scale"),
    [
        (0, ["4", "3", "2", "1", "0"]),
        (7, ["8", "6", "4", "2", "0"]),
        (9, ["12", "9", "6", "3", "0"]),
        (45, ["60", "45", "30", "15", "0"]),
        (100, ["120", "90", "60", "30", "0"]),
        (1234, ["1,600", "1,200", "800", "400", "0"]),
        (81, ["120", "90", "60", "30", "0"]),
    ],
)
def test_a_scale_of_counts_has_whole_numbers(most: int, scale: list[str]) -> None:
    drawn = chart([0, 1], (("done", [0.0, float(most)]),), str, "jobs")

    assert re.findall(r"<span>([\d,]+)</span>", drawn.partition("<svg")[0]) == scale


def test_a_chart_begins_with_a_whole_step() -> None:
    """What finished in the first minute is not all known where the hour begins within it."""
    told = Tally(2 * _MINUTE, "shop.mail", "q", JobState.SUCCEEDED, 5, 0, {}, {})

    assert [one.finished for one in points([told], _MINUTE + 1, 3 * _MINUTE, _MINUTE)] == [5, 0]
    assert [one.busy for one in pulse([told], _MINUTE + 1, 3 * _MINUTE, _MINUTE)] == [0.0, 0.0]
