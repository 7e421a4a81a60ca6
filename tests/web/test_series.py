"""The past is read in pieces that no question is too long for, and each piece once."""

from __future__ import annotations

from itertools import pairwise

import pytest

from localq.exceptions import StoreError
from localq.model.tally import Ended, Tally, tallied
from localq.web.ask.series import Series

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


@pytest.mark.parametrize("most", [10 * _HOUR, _HOUR, 7 * _MINUTE])
def test_pieces_hold_everything_once_however_small_they_must_be(most: int) -> None:
    store, series = Busy(most), Series(_MINUTE, 3 * _HOUR)

    found = series.since(store, NOW - 3 * _HOUR, NOW)  # type: ignore[arg-type]

    assert sum(one.count for one in found) == len(ENDS)
    assert len({one.at for one in found}) == len(found)
    pieces = store.asked
    assert all(end == begin for (_, end), (begin, _) in pairwise(pieces))


def test_what_was_read_is_not_asked_for_again() -> None:
    store, series = Busy(_HOUR), Series(_MINUTE, 3 * _HOUR)
    series.since(store, NOW - 3 * _HOUR, NOW)  # type: ignore[arg-type]
    store.asked.clear()

    series.since(store, NOW - 3 * _HOUR, NOW + 1000)  # type: ignore[arg-type]

    assert len(store.asked) == 1
    assert store.asked[0][0] >= NOW - 2 * _MINUTE


def test_a_step_that_takes_too_long_by_itself_is_told() -> None:
    with pytest.raises(StoreError):
        Series(_MINUTE, 3 * _HOUR).since(Busy(_MINUTE // 2), 0, NOW)  # type: ignore[arg-type]


def test_a_piece_is_read_at_a_time_until_there_is_no_more() -> None:
    store, series = Busy(_HOUR), Series(_MINUTE, 3 * _HOUR)

    more = [series.read_on(store, NOW) for _ in range(4)]  # type: ignore[arg-type]

    assert more == [True, True, False, False]
    assert len(store.asked) == 3
