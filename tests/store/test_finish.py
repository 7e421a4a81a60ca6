"""Finishing attempts: the one atomic step by which a running job moves."""

from __future__ import annotations

from typing import Any

import pytest

from localq.exceptions import StoreError
from localq.model.job import Job, JobState
from localq.model.outcome import Completion
from localq.store.protocol import Filter
from localq.store.sql.layout import LAST_ATTEMPT
from tests.store.given import (
    HOUR,
    NOW,
    SECOND,
    attempt,
    call,
    claimed,
    done,
    job,
    job_in,
    new,
    news,
    snapshot,
    state,
    worker,
)

pytestmark = pytest.mark.facets("jobs", "read", "workers")


def taken(store: Any, job_id: str = "job", **more: Any) -> Job:
    """Add a job and claim it."""
    store.jobs.add([new(job_id, queue=job_id, **more)], NOW)
    (one,) = claimed(store, worker(store), queues=[job_id])
    return one


@pytest.mark.parametrize("ending", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_a_finished_job_has_its_state_and_its_attempt(store: Any, ending: JobState) -> None:
    one = taken(store)
    told = attempt(1, ending=ending.name, result=b"\x00\xff", failure=b"oh", peak_kb=1, output="out")

    applied = store.jobs.finish(
        [done(one, ending, attempt=told, retries=3, crashes=2, shown="IGNORED")], NOW + SECOND
    ).applied

    kept = job(store)
    assert applied == [True]
    assert (kept.state, kept.finished_at, kept.owner) == (ending, NOW + SECOND, None)
    assert (kept.retries, kept.crashes, kept.shown) == (3, 2, "IGNORED")
    assert store.read.attempts("job") == [told]


def test_finishing_nothing_is_no_error(store: Any) -> None:
    assert store.jobs.finish([], NOW).applied == []


def test_a_retry_waits_for_its_time(store: Any) -> None:
    one = taken(store)
    again = done(one, JobState.SCHEDULED, run_at=NOW + HOUR, retries=1, attempt=attempt(1, ending="RETRY"))

    assert store.jobs.finish([again], NOW).applied == [True]

    kept = job(store)
    assert (kept.state, kept.run_at, kept.retries, kept.attempts) == (JobState.SCHEDULED, NOW + HOUR, 1, 1)
    assert (kept.owner, kept.finished_at) == (None, None)
    assert [one.ending for one in store.read.attempts("job")] == ["RETRY"]
    assert claimed(store, worker(store), now=NOW + HOUR)[0].attempts == 2


def test_a_job_put_back_unrun_is_not_charged(store: Any) -> None:
    one = taken(store)

    assert store.jobs.finish([done(one, JobState.READY, kept=False)], NOW).applied == [True]

    assert (job(store).attempts, store.read.attempts("job")) == (0, [])
    (again,) = claimed(store, worker(store))
    assert (again.attempts, again.run_token) == (1, 2)


def test_every_attempt_is_kept_under_its_number(store: Any) -> None:
    store.jobs.add([new()], NOW)
    anna = worker(store)
    for number in (1, 2, 3):
        (one,) = claimed(store, anna)
        to = JobState.READY if number < 3 else JobState.FAILED
        store.jobs.finish([done(one, to, attempt=attempt(number, result=str(number).encode()))], NOW)

    assert [(one.number, one.result) for one in store.read.attempts("job")] == [(1, b"1"), (2, b"2"), (3, b"3")]


def wrong(one: Job, **more: Any) -> Completion:
    """Return a completion that must not be applied, with everything it might write."""
    rest = {"args": b"wrong" * 1000, "options": "wrong", "queue": "wrong", "priority": 9}
    return done(one, **{**rest, "follow_ups": (new("follow-up"),), **more})


@pytest.mark.parametrize(
    "lie",
    [
        {"run_token": 0},
        {"run_token": 2},
        {"owner": 4711},
        {"owner": None},
        {"id": "unknown"},
    ],
)
@pytest.mark.parametrize("company", [0, 1])
def test_a_completion_that_is_not_the_holders_writes_nothing(store: Any, lie: dict[str, Any], company: int) -> None:
    one, other = taken(store), taken(store, "other")
    before = snapshot(store)

    assert store.jobs.finish([wrong(one, **lie)] * (1 + company), NOW).applied == [False] * (1 + company)

    assert snapshot(store) == before
    assert store.jobs.finish([done(one), done(other)], NOW).applied == [True, True]


@pytest.mark.parametrize("was", [state for state in JobState if state != JobState.RUNNING])
def test_only_running_jobs_can_be_finished(store: Any, was: JobState) -> None:
    kept = job_in(store, was)
    before = snapshot(store)

    assert store.jobs.finish([wrong(kept, owner=kept.owner), wrong(kept, owner=1)], NOW).applied == [False, False]

    assert snapshot(store) == before


def test_a_late_finish_is_ignored_after_the_job_moved_on(store: Any) -> None:
    late = taken(store)
    store.workers.leave([late.owner], NOW)
    store.jobs.finish([done(late, JobState.READY, crashes=1)], NOW)
    (current,) = claimed(store, worker(store, "bert"))

    assert store.jobs.finish([wrong(late)], NOW).applied == [False]

    assert (job(store).state, job(store).owner) == (JobState.RUNNING, current.owner)
    assert store.jobs.finish([done(current)], NOW).applied == [True]


def test_the_same_completion_twice_in_a_batch_counts_once(store: Any) -> None:
    one = taken(store)
    first, second = done(one), done(one, JobState.FAILED, attempt=attempt(1, result=b"second"))

    assert store.jobs.finish([first, second], NOW).applied == [True, False]
    assert store.jobs.finish([first], NOW).applied == [False]

    assert state(store) == JobState.SUCCEEDED
    assert [one.result for one in store.read.attempts("job")] == [b"42"]


def test_of_two_reports_of_a_job_the_holders_counts(store: Any) -> None:
    one, other = taken(store), taken(store, "other")
    late = done(one, JobState.FAILED, owner=99, attempt=attempt(1, worker="late"))
    held = done(one, attempt=attempt(1, worker="held"))

    applied = store.jobs.finish([late, done(other), held], NOW).applied

    assert applied == [False, True, True]
    assert state(store) == JobState.SUCCEEDED
    assert [run.worker for run in store.read.attempts("job")] == ["held"]


def test_in_a_batch_only_what_is_held_is_written(store: Any) -> None:
    jobs = [taken(store, name) for name in ("a", "b", "c")]
    batch = [
        done(jobs[0], follow_ups=(new("after-a"),)),
        done(jobs[1], run_token=9, follow_ups=(new("after-b"),)),
        done(jobs[2], JobState.FAILED, follow_ups=(new("after-c"),)),
    ]

    assert store.jobs.finish(batch, NOW).applied == [True, False, True]

    assert [state(store, name) for name in ("a", "b", "c")] == [
        JobState.SUCCEEDED,
        JobState.RUNNING,
        JobState.FAILED,
    ]
    assert [len(store.read.attempts(name)) for name in ("a", "b", "c")] == [1, 0, 1]
    assert set(store.read.get(["after-a", "after-b", "after-c"])) == {"after-a", "after-c"}


@pytest.mark.parametrize("late", [(), (0,), (63, 64), (100,), range(101)])
def test_of_a_hundred_that_end_at_once_those_that_are_held_are_written(store: Any, late: Any) -> None:
    store.jobs.add(news(*(f"job-{i}" for i in range(101))), NOW)
    jobs = claimed(store, worker(store), 101)
    endings = (JobState.SUCCEEDED, JobState.FAILED, JobState.SCHEDULED)
    states = [endings[i % 3] for i in range(101)]
    batch = [
        done(one, states[i], run_at=NOW + i, shown=f"state {i}", run_token=one.run_token + (i in late))
        for i, one in enumerate(jobs)
    ]

    applied = store.jobs.finish(batch, NOW + HOUR).applied

    assert applied == [i not in late for i in range(101)]
    for i, one in enumerate(jobs):
        found = job(store, one.id)
        if i in late:
            assert (found.state, found.shown, found.finished_at) == (JobState.RUNNING, None, None)
            assert store.read.attempts(one.id) == []
        else:
            assert (found.state, found.run_at, found.shown) == (states[i], NOW + i, f"state {i}")
            assert found.finished_at == (NOW + HOUR if states[i].final else None)
            assert len(store.read.attempts(one.id)) == 1


def test_a_job_that_took_a_dropped_ones_place_is_safe_from_its_late_finish(store: Any) -> None:
    anna = worker(store)
    store.jobs.add([new("old")], NOW)
    (old,) = claimed(store, anna)
    store.jobs.finish([done(old, JobState.FAILED)], NOW)
    store.jobs.forget(["old"])
    store.jobs.add([new("fresh")], NOW)
    (fresh,) = claimed(store, anna)

    assert store.jobs.finish([done(old)], NOW).applied == [False]

    assert job(store, "fresh") == fresh._replace(args=None)


# Cancelled meanwhile


@pytest.mark.parametrize("again", [JobState.READY, JobState.SCHEDULED])
@pytest.mark.parametrize("kept", [True, False])
def test_a_job_flagged_for_cancelling_does_not_run_again(store: Any, again: JobState, kept: bool) -> None:
    one = taken(store)
    store.jobs.cancel(["job"], NOW)

    assert store.jobs.finish([done(one, again, run_at=NOW + HOUR, shown="RETRY", kept=kept)], NOW + 1).applied == [True]

    assert (job(store).state, job(store).finished_at, job(store).shown) == (JobState.CANCELLED, NOW + 1, None)
    assert claimed(store, worker(store), now=NOW + HOUR) == []
    assert len(store.read.attempts("job")) == kept


@pytest.mark.parametrize("ending", [JobState.SUCCEEDED, JobState.FAILED])
def test_a_flagged_job_that_ends_has_ended(store: Any, ending: JobState) -> None:
    one = taken(store)
    store.jobs.cancel(["job"], NOW)

    assert store.jobs.finish([done(one, ending)], NOW).applied == [True]

    assert state(store) == ending


# Follow-ups


def test_follow_ups_are_added_with_the_end_of_their_job(store: Any) -> None:
    one = taken(store)
    after = (
        new("now", args=b"large" * 1000),
        new("later", run_at=NOW + HOUR, args=b"small"),
        new("urgent", priority=9),
    )

    store.jobs.finish([done(one, follow_ups=after)], NOW)

    assert [state(store, told.id) for told in after] == [JobState.READY, JobState.SCHEDULED, JobState.READY]
    assert [call(store, told.id).args for told in after] == [told.args for told in after]
    assert [one.id for one in claimed(store, worker(store))] == ["urgent", "now"]


def test_a_follow_up_that_exists_is_left_as_it_is(store: Any) -> None:
    one = taken(store)
    store.jobs.add([new("after", priority=1)], NOW)

    assert store.jobs.finish([done(one, follow_ups=(new("after", priority=9), new("also")))], NOW).applied == [True]

    assert job(store, "after").priority == 1
    assert state(store, "also") == JobState.READY


# Another call for the next attempt


@pytest.mark.parametrize("old", [b"old", b"old" * 1000])
@pytest.mark.parametrize("fresh", [b"", b"new", b"new" * 1000])
def test_a_retry_may_bring_new_arguments(store: Any, old: bytes, fresh: bytes) -> None:
    one = taken(store, args=old, options='{"a":1}')

    store.jobs.finish([done(one, JobState.READY, args=fresh, options='{"b":2}')], NOW)

    (again,) = claimed(store, worker(store))
    assert (again.args, again.options) == (fresh, '{"b":2}')
    assert call(store, "job").args == fresh


@pytest.mark.parametrize("old", [b"old", b"old" * 1000])
def test_without_new_arguments_the_old_call_stays(store: Any, old: bytes) -> None:
    one = taken(store, args=old, options='{"a":1}')

    store.jobs.finish([done(one, JobState.READY)], NOW)

    assert (call(store, "job").args, call(store, "job").options) == (old, '{"a":1}')


@pytest.mark.parametrize("args", [None, b"new"])
def test_a_retry_may_move_to_another_queue_or_priority(store: Any, args: bytes | None) -> None:
    first, second, third = taken(store, "a"), taken(store, "b"), taken(store, "c")

    moves = [{"queue": "slow"}, {"priority": 0}, {"queue": "slow", "priority": 9}]
    store.jobs.finish(
        [done(one, JobState.READY, args=args, **move) for one, move in zip((first, second, third), moves, strict=True)],
        NOW,
    )

    places = [(job(store, name).queue, job(store, name).priority) for name in "abc"]
    assert places == [("slow", first.priority), ("b", 0), ("slow", 9)]
    assert [one.id for one in claimed(store, worker(store), queues=["slow"])] == ["c", "a"]


# Errors


@pytest.mark.parametrize("size", [1, 3])
def test_an_attempt_over_cannot_leave_its_job_running(store: Any, size: int) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    jobs = claimed(store, worker(store), size)
    before = snapshot(store)
    batch = [done(one) for one in jobs]
    batch[-1] = done(jobs[-1], JobState.RUNNING)

    with pytest.raises(ValueError, match="RUNNING"):
        store.jobs.finish(batch, NOW)

    assert snapshot(store) == before


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize(
    "broken",
    [
        {"attempt": attempt(1, result=object())},
        {"follow_ups": (new("good"), new("bad", priority=object()))},
        {"args": b"fine", "options": object()},
        {"shown": object()},
    ],
)
def test_an_error_in_the_middle_of_a_batch_changes_nothing(store: Any, broken: dict[str, Any], stale: bool) -> None:
    jobs = [taken(store, name) for name in ("a", "b", "c")]
    before = snapshot(store)
    batch = [done(jobs[0], run_token=1 + stale), done(jobs[1], **broken), done(jobs[2], follow_ups=(new("d"),))]

    with pytest.raises(StoreError):
        store.jobs.finish(batch, NOW)

    assert snapshot(store) == before
    assert store.jobs.finish([done(one) for one in jobs], NOW).applied == [True, True, True]


def test_a_value_that_no_store_takes_is_refused_in_a_batch_of_any_size(store: Any) -> None:
    jobs = [taken(store, f"job-{number}") for number in range(20)]
    before = snapshot(store)
    batch = [*(done(one) for one in jobs[:-1]), done(jobs[-1], attempt=attempt(1, result=object()))]

    with pytest.raises(StoreError):
        store.jobs.finish(batch, NOW)

    assert snapshot(store) == before


def test_attempts_beyond_the_highest_number_stay_with_their_job(store: Any) -> None:
    first, second = taken(store, "first"), taken(store, "second")
    store.jobs.finish([done(second)], NOW)

    beyond = attempt(LAST_ATTEMPT + 1, result=b"beyond")
    store.jobs.finish([done(first, JobState.READY, attempt=attempt(1)), done(second)], NOW)
    (again,) = claimed(store, worker(store), queues=["first"])
    store.jobs.finish([done(again, attempt=beyond)], NOW)

    assert [one.result for one in store.read.attempts("second")] == [b"42"]
    kept = store.read.attempts("first")
    assert [one.result for one in kept] == [b"42", b"beyond"]
    # Where numbers are of so many bits, all that come after the highest take its place.
    assert kept[1].number in (LAST_ATTEMPT, LAST_ATTEMPT + 1)


def test_a_thousand_attempts_are_finished_at_once(store: Any) -> None:
    store.jobs.add(news(*(f"job-{i}" for i in range(1000))), NOW)
    jobs = claimed(store, worker(store), 1000)

    assert store.jobs.finish([done(one) for one in jobs], NOW).applied == [True] * 1000

    assert store.read.stats().counts == {("default", JobState.SUCCEEDED): 1000}
    assert store.read.find(Filter(states=(JobState.RUNNING,)), 10).jobs == []
