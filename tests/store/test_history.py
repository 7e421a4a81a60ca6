"""What a store remembers: jobs that finished, though they are gone, and who changed what."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from localq.model.audit import Change
from localq.model.job import JobState
from localq.model.tally import COARSE_US, FINE_US
from localq.store.protocol import Filter
from localq.store.protocol.history import CHANGES_KEPT, TALLIES_KEPT_US
from tests.store.given import HOUR, NOW, SECOND, attempt, claimed, done, news, worker

DAY = 24 * HOUR
#: The beginning of an hour.
START = NOW - NOW % COARSE_US


def finished_at(store: Any, owner: int, name: str, at: int, ran_us: int = SECOND, **more: Any) -> None:
    """Add a job that waited a second before it ran, and has finished."""
    store.jobs.add(news(name, **more), at - ran_us - SECOND)
    job = claimed(store, owner, now=at - ran_us)[0]
    run = attempt(job.attempts)._replace(started_at=at - ran_us, ended_at=at)
    store.jobs.finish([done(job, attempt=run)], at)


def counted(store: Any, since: int, until: int, step_us: int = FINE_US) -> Counter[int]:
    """Return how many jobs finished, by the beginning of the step."""
    counts: Counter[int] = Counter()
    for one in store.history.finished(since, until, step_us):
        counts[one.at] += one.count
    return counts


def test_jobs_that_finished_are_counted_by_step_task_queue_and_state(store: Any) -> None:
    owner = worker(store)
    for number in range(3):
        finished_at(store, owner, f"early-{number}", START + SECOND)
    finished_at(store, owner, "late", START + FINE_US, ran_us=4 * SECOND)
    store.jobs.add(news("gone"), START)
    store.jobs.cancel(["gone"], START + SECOND)

    found = store.history.finished(START, START + HOUR, FINE_US)

    assert [(one.at - START, one.state, one.count, one.run_us) for one in found] == [
        (0, JobState.SUCCEEDED, 3, 3 * SECOND),
        (0, JobState.CANCELLED, 1, 0),
        (FINE_US, JobState.SUCCEEDED, 1, 4 * SECOND),
    ]
    assert {one.task for one in found} == {"shop.mail"}
    assert {one.queue for one in found} == {"default"}
    assert [sum(one.runs.values()) for one in found] == [3, 0, 1]
    assert found[0].waits == found[0].runs, "each waited as long as it ran"


@pytest.mark.parametrize("how", ["prune", "forget"])
def test_what_is_removed_stays_counted(store: Any, how: str) -> None:
    owner = worker(store)
    for number in range(4):
        finished_at(store, owner, f"job-{number}", START + number * FINE_US)
    before = store.history.finished(START, START + HOUR, FINE_US)

    if how == "prune":
        while store.jobs.prune(START + 2 * FINE_US, 1):
            pass
    else:
        store.jobs.forget(["job-0", "job-1", "job-1"])

    assert len(store.read.find(Filter(), 10).jobs) == 2
    assert store.history.finished(START, START + HOUR, FINE_US) == before


def test_a_job_that_runs_again_counts_once_and_when_it_finished_last(store: Any) -> None:
    owner = worker(store)
    finished_at(store, owner, "job", START + SECOND)
    store.jobs.requeue(["job"], START + FINE_US)
    assert counted(store, START, START + HOUR) == {}
    job = claimed(store, owner, now=START + FINE_US)[0]
    store.jobs.finish([done(job)], START + FINE_US)

    store.jobs.prune(START + DAY, 10)

    assert counted(store, START, START + HOUR) == {START + FINE_US: 1}


def test_old_counts_are_added_up_by_the_hour_and_none_is_lost(store: Any) -> None:
    owner = worker(store)
    times = [START + step * FINE_US for step in range(6 * 24 * 4)]
    for number, at in enumerate(times[:: 6 * 4]):
        finished_at(store, owner, f"a-{number}", at + FINE_US)
        finished_at(store, owner, f"b-{number}", at + 2 * FINE_US)

    while store.jobs.prune(times[-1] + DAY, 3):
        pass

    assert sum(counted(store, START, times[-1] + DAY).values()) == 2 * len(times[:: 6 * 4])
    assert counted(store, START, START + HOUR) == {START: 2}, "the first hour is one count by now"
    latest = times[:: 6 * 4][-1]
    assert counted(store, latest, latest + HOUR) == {latest + FINE_US: 1, latest + 2 * FINE_US: 1}


def test_counts_go_after_three_months(store: Any) -> None:
    owner = worker(store)
    finished_at(store, owner, "old", START)
    store.jobs.prune(START + 1, 10)
    finished_at(store, owner, "new", START + TALLIES_KEPT_US + DAY)
    store.jobs.prune(START + TALLIES_KEPT_US + 2 * DAY, 10)

    assert counted(store, 0, START + 2 * TALLIES_KEPT_US, DAY).total() == 1


def test_changes_are_listed_the_latest_first(store: Any) -> None:
    store.history.record([Change("ann", "127.0.0.1", "retry", "job-1")], NOW, "a")
    store.history.record([Change("bob", "shell", "pause", "mail", 3, "for a while")], NOW + 1, "b")

    first, second = store.history.changes(10)

    assert (first.at, first.change) == (NOW + 1, Change("bob", "shell", "pause", "mail", 3, "for a while"))
    assert second.change.target == "job-1"
    assert store.history.changes(10, before=first.key) == [second]
    assert store.history.changes(1) == [first]
    assert store.history.changes(10, target="job-1") == [second]


def test_the_oldest_changes_go(store: Any) -> None:
    many = [Change("ann", "shell", "retry", str(number)) for number in range(CHANGES_KEPT + 5)]
    store.history.record(many, NOW, "many")

    kept = store.history.changes(CHANGES_KEPT + 10)

    assert len(kept) == CHANGES_KEPT
    assert kept[-1].change.target == "5"
