"""When a worker asks its store for jobs, for how many, and how long it may wait until then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from localq.model.worker import EVERY_QUEUE, Claim
from localq.store.protocol import Finished
from localq.worker.next_claim import NextClaim

NOW = 1_000_000


class _Jobs:
    """A store that gives what it was told to, and remembers how much it was asked for."""

    def __init__(self, claim: Claim) -> None:
        self.found, self.asked = claim, list[int]()

    def claim(self, _worker: int, _served: Any, limit: int, _now: int, _rates: Any) -> Claim:
        self.asked.append(limit)
        return self.found


def next_claim(jobs: _Jobs, room: int, **others: Any) -> NextClaim:
    """Return the claims of a worker whose pool has room for so many."""
    parts: dict[str, Any] = {
        "pool": SimpleNamespace(room=lambda: room, in_hand=lambda: {"here": 2, "before": 2}),
        "bells": SimpleNamespace(heard=lambda _topic: False),
        "clock": SimpleNamespace(now=lambda: NOW, steady=lambda: 100.0),
        "lease": SimpleNamespace(key=1),
        "known": SimpleNamespace(served=lambda: EVERY_QUEUE),
        "orders": SimpleNamespace(rates=lambda: None),
        **others,
    }
    store: Any = jobs
    return NextClaim(store, **parts)


def jobs(count: int) -> list[Any]:
    return [named(str(number), number + 1) for number in range(count)]


def named(job_id: str, key: int, token: int = 1) -> Any:
    return SimpleNamespace(id=job_id, key=key, run_token=token)


def test_a_worker_that_got_all_there_was_waits_until_it_hears_of_more() -> None:
    store = _Jobs(Claim(jobs(3), None))
    one = next_claim(store, room=10)

    assert one.made(NOW) == store.found
    assert (one.made(NOW), one.wait(0.5)) == (None, 0.5)
    assert store.asked == [10]


def test_a_worker_that_got_as_many_as_it_asked_for_asks_again_at_once() -> None:
    one = next_claim(_Jobs(Claim(jobs(10), None)), room=10)
    one.made(NOW)

    assert one.wait(0.5) == 0.0


def test_no_more_than_256_jobs_are_claimed_at_once() -> None:
    store = _Jobs(Claim([], None))
    next_claim(store, room=5_000).made(NOW)

    assert store.asked == [256]


def test_a_worker_without_room_asks_only_for_what_cannot_run_any_more() -> None:
    store = _Jobs(Claim([], None))
    one = next_claim(store, room=0)

    assert one.made(NOW) is None
    one.follow(Finished([], freed=True))
    one.made(NOW)

    assert (store.asked, one.look) == ([0], True)


@pytest.mark.parametrize(("room", "wait"), [(1, 0.2), (0, 0.2)])
def test_a_worker_wakes_when_the_next_job_is_due(room: int, wait: float) -> None:
    one = next_claim(_Jobs(Claim([], None)), room)
    one.look = False
    one.follow(Finished([], next_at=NOW + 200_000))
    one.follow(Finished([], next_at=NOW + 900_000))

    assert one.wait(0.5) == wait


def test_a_job_that_is_due_keeps_nobody_awake_where_there_is_no_room() -> None:
    one = next_claim(_Jobs(Claim([], None)), room=0)
    one.follow(Finished([], next_at=NOW - 1))

    assert one.wait(0.5) == 0.5


def test_what_a_worker_taken_for_dead_is_told_changes_nothing() -> None:
    one = next_claim(_Jobs(Claim([], 7, held=False)), room=1)
    claim = one.made(NOW)

    assert claim is not None
    assert (claim.held, one.look, one.next_at) == (False, True, None)


def test_a_job_that_is_here_by_the_very_same_claim_is_not_run_beside_itself() -> None:
    store = _Jobs(Claim([named("before", 7, 2), named("here", 8, 2)], None))
    one = next_claim(store, room=2)
    first = one.made(NOW)
    store.found = Claim([named("here", 8, 2), named("before", 7, 3), named("new", 9)], None)
    again = one.made(NOW)

    assert first is not None
    assert again is not None
    assert [job.id for job in first.jobs] == ["before", "here"]
    assert [(job.id, job.run_token) for job in again.jobs] == [("before", 3), ("new", 1)]
    # There was as much as there was room for.
    assert one.look


# Jobs that come one by one


class _Steady:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> int:
        return NOW

    def steady(self) -> float:
        return self.at


def trickling(counts: list[int], pause: float, *, waited_for: bool = False, followed: bool = False) -> list[float]:
    """Return how long a worker lets jobs gather after each of its claims, which bring so many."""
    store, clock = _Jobs(Claim([], None)), _Steady()
    bells = SimpleNamespace(heard=lambda _topic: waited_for)
    one = next_claim(store, room=100, clock=clock, bells=bells)
    found = []
    for count in counts:
        store.found = Claim(jobs(count), None)
        one.look = True
        one.made(NOW)
        found.append(one.gathering())
        one.follow(Finished([], ready=followed))
        clock.at += pause
    return found


def test_jobs_that_come_shortly_after_each_other_are_left_to_gather() -> None:
    assert trickling([1, 1, 1, 0, 1], 0.002) == [0.0, 0.001, 0.001, 0.0, 0.0]


def test_jobs_that_come_in_a_stream_are_left_to_gather_for_longer() -> None:
    assert trickling([1, 2, 50, 127, 128], 0.001) == [0.0, 0.005, 0.005, 0.005, 0.0]
    assert trickling([1, 9, 11, 40], 0.01) == [0.0, 0.0, 0.005, 0.005]


def test_a_job_that_comes_alone_is_waited_for_by_no_turn() -> None:
    assert trickling([1, 1, 1], 0.01) == [0.0, 0.0, 0.0]


def test_where_many_come_at_once_or_somebody_waits_for_a_result_nothing_is_left_to_gather() -> None:
    assert trickling([1, 150, 150], 0.001) == [0.0, 0.0, 0.0]
    assert trickling([1, 1, 1], 0.002, waited_for=True) == [0.0, 0.0, 0.0]
    assert trickling([1, 50, 50], 0.001, waited_for=True) == [0.0, 0.0, 0.0]


def test_jobs_that_follow_others_are_not_left_to_gather() -> None:
    assert trickling([1, 1, 1], 0.002, followed=True) == [0.0, 0.0, 0.0]
