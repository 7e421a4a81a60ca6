"""Adding jobs: all or none, once for each id, and nothing of them altered."""

from __future__ import annotations

from typing import Any

import pytest

from localq.exceptions import StoreError
from localq.model.job import JobState
from localq.store.protocol import Filter
from localq.store.sql.layout import INLINE_ARGS
from tests.store.given import (
    HOUR,
    NOW,
    SECOND,
    call,
    claimed,
    done,
    job,
    job_in,
    new,
    newly,
    news,
    snapshot,
    state,
    worker,
)

pytestmark = pytest.mark.facets("jobs", "read", "workers")


def test_a_job_reads_back_as_it_was_added(store: Any) -> None:
    told = new(
        "job-1",
        task="shop.pack",
        queue="slow",
        args=b'[["box"],{}]',
        priority=7,
        run_at=NOW + HOUR,
        expires_at=NOW + 2 * HOUR,
        options='{"max_retries":5}',
    )

    store.jobs.add([told], NOW)

    kept = call(store, "job-1")
    shared = [name for name in told._fields if name in kept._fields]
    assert {name: getattr(kept, name) for name in shared} == {name: getattr(told, name) for name in shared}
    assert (kept.run_token, kept.owner, kept.attempts, kept.retries, kept.crashes, kept.cancel) == (0, None, 0, 0, 0, 0)
    assert (kept.shown, kept.created_at, kept.finished_at) == (None, NOW, None)


def test_a_job_without_a_time_is_ready_at_once(store: Any) -> None:
    store.jobs.add([new()], NOW)

    assert state(store) == JobState.READY
    assert job(store).run_at == NOW


@pytest.mark.parametrize(
    ("run_at", "expected"),
    [
        (NOW - HOUR, JobState.READY),
        (NOW, JobState.READY),
        (NOW + 1, JobState.SCHEDULED),
        (NOW + HOUR, JobState.SCHEDULED),
    ],
)
def test_only_a_time_after_now_makes_a_job_wait(store: Any, run_at: int, expected: JobState) -> None:
    store.jobs.add([new(run_at=run_at)], NOW)

    assert state(store) == expected
    assert job(store).run_at == run_at


def test_adding_nothing_is_no_error(store: Any) -> None:
    assert newly(store, [], NOW) == []


def test_adding_tells_which_jobs_are_new(store: Any) -> None:
    assert newly(store, [new("a")], NOW) == [True]
    assert newly(store, [new("a")], NOW) == [False]
    assert newly(store, news("a", "b", "c"), NOW) == [False, True, True]
    assert newly(store, news("a", "b", "c"), NOW) == [False, False, False]
    assert newly(store, news("d", "e"), NOW) == [True, True]


def test_adding_one_at_a_time_tells_the_truth_each_time(store: Any) -> None:
    assert [newly(store, [new(f"job-{i}")], NOW) for i in range(600)] == [[True]] * 600
    assert [newly(store, [new(f"job-{i}")], NOW) for i in range(600)] == [[False]] * 600


def test_an_id_twice_in_one_batch_is_added_once(store: Any) -> None:
    first, second = new("a", priority=1), new("a", priority=2)

    added = newly(store, [first, second, new("b"), new("b")], NOW)

    assert added == [True, False, True, False]
    assert job(store, "a").priority == 1
    assert len(store.read.find(Filter(), 10).jobs) == 2


def test_a_large_call_twice_in_one_batch_is_added_once(store: Any) -> None:
    large = b"x" * 5000

    added = newly(store, [new("a", args=large), new("a", args=b"other" * 500), new("b")], NOW)

    assert added == [True, False, True]
    assert call(store, "a").args == large


@pytest.mark.parametrize("was", JobState)
def test_adding_an_id_again_changes_nothing_of_the_job(store: Any, was: JobState) -> None:
    job_in(store, was)
    before = snapshot(store)

    again = [new(task="other", queue="other", args=b"other" * 1000, priority=9, run_at=NOW + 9), new(priority=3)]

    assert newly(store, again, NOW + SECOND) == [False, False]
    assert snapshot(store) == before


@pytest.mark.parametrize("size", [0, 1, INLINE_ARGS, INLINE_ARGS + 1, 1_000_000])
def test_arguments_of_any_size_come_back_byte_for_byte(store: Any, size: int) -> None:
    args = bytes(i % 256 for i in range(size))

    store.jobs.add([new("alone", args=args)], NOW)
    store.jobs.add([new("small"), new("among", args=args), new("last")], NOW)

    assert call(store, "alone").args == args
    assert call(store, "among").args == args
    assert call(store, "small").args == call(store, "last").args == new().args
    assert {one.id: one.args for one in claimed(store, worker(store))}["among"] == args


@pytest.mark.parametrize("text", ["it's", 'say "hi"', "Zürich", "日本", "a\x00b", "%_?:x", "; DROP TABLE job", " "])
def test_any_text_may_be_an_id_a_task_or_a_queue(store: Any, text: str) -> None:
    store.jobs.add([new(text, task=text, queue=text, options=text)], NOW)

    (taken,) = claimed(store, worker(store), queues=[text])
    assert (taken.id, taken.task, taken.queue, taken.options) == (text, text, text, text)
    assert store.jobs.finish([done(taken)], NOW).applied == [True]
    assert state(store, text) == JobState.SUCCEEDED
    assert [one.id for one in store.read.find(Filter(queues=(text,), tasks=(text,)), 5).jobs] == [text]
    assert [one.id for one in store.read.starting(text, 5)] == [text]


def test_times_of_any_century_are_kept(store: Any) -> None:
    year_9999 = 253_402_300_799_999_999

    store.jobs.add([new("far", run_at=year_9999, expires_at=year_9999), new("old", run_at=-1)], NOW)

    assert job(store, "far").run_at == job(store, "far").expires_at == year_9999
    assert job(store, "old").run_at == -1


@pytest.mark.parametrize("broken", [{"args": object()}, {"priority": object()}, {"task": None}, {"queue": None}])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_error_in_the_middle_of_a_batch_leaves_nothing_behind(
    store: Any, broken: dict[str, Any], place: int
) -> None:
    batch = [new("a"), new("b", args=b"large" * 1000), new("c")]
    batch[place] = batch[place]._replace(**broken)

    with pytest.raises((StoreError, TypeError)):
        store.jobs.add(batch, NOW)

    assert store.read.find(Filter(), 10).jobs == []
    assert newly(store, [new("a")], NOW) == [True]


def test_a_thousand_jobs_go_in_at_once(store: Any) -> None:
    ids = [f"job-{i}" for i in range(1000)]

    assert newly(store, news(*ids), NOW) == [True] * 1000

    assert store.read.stats().counts == {("default", JobState.READY): 1000}
    assert [one.id for one in claimed(store, worker(store), 1000)] == ids


def test_of_many_jobs_added_at_once_it_is_told_which_were_there(store: Any) -> None:
    there = [f"job-{i}" for i in (0, 63, 64, 80, 81, 100)]
    store.jobs.add(news(*there, priority=7), NOW)
    ids = [f"job-{i}" for i in range(101)]

    assert newly(store, news(*ids), NOW) == [name not in there for name in ids]

    assert {name for name in ids if job(store, name).priority == 7} == set(there)


def test_keys_grow_in_the_order_of_adding(store: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    store.jobs.add(news("c"), NOW - HOUR)

    assert job(store, "a").key < job(store, "b").key < job(store, "c").key
