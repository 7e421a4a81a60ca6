"""Jobs that wait for others: what their ends, cancels, purges and second lives do to what is behind them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from localq.model.edges import Edge, OnError, Passing
from localq.model.job import Job, JobState, NewJob
from localq.model.outcome import Attempt, Note
from tests.store.given import HOUR, NOW, SECOND, attempt, call, claimed, done, job, new, state, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers")

S = JobState


def behind(*awaited: str, passing: Passing = Passing.FIRST, on_error: OnError = OnError.FAIL) -> tuple[Edge, ...]:
    return tuple(Edge(one, passing, on_error) for one in awaited)


def chain(store: Any, *ids: str, **more: Any) -> None:
    """Add jobs each of which waits for the one before."""
    jobs = [new(ids[0], workflow=ids[0])]
    jobs += [new(one, after=behind(before), workflow=ids[0], **more) for before, one in pairwise(ids)]
    store.jobs.add(jobs, NOW)


def chord(store: Any, count: int = 3, *, on_error: OnError = OnError.FAIL, **more: Any) -> list[str]:
    """Add a header of jobs and a body that waits for them; return the header's ids."""
    ids = [f"head-{number}" for number in range(count)]
    body = new("body", after=behind(*ids, passing=Passing.LISTED, on_error=on_error), workflow="w", **more)
    store.jobs.add([*(new(one, workflow="w") for one in ids), body], NOW)
    return ids


def end(store: Any, job_id: str, to: JobState = S.SUCCEEDED, now: int = NOW, **more: Any) -> list[bool]:
    """Claim all there is, and finish one job; the others go back."""
    jobs = claimed(store, worker(store), now=now)
    told = more.pop("attempt", attempt(1, ending="SUCCESS" if to == S.SUCCEEDED else to.name, result=job_id.encode()))
    others = [done(one, S.READY, kept=False) for one in jobs if one.id != job_id]
    (this,) = [one for one in jobs if one.id == job_id]
    return list(store.jobs.finish([done(this, to, attempt=told, **more), *others], now).applied)


def stuck(store: Any) -> list[Job]:
    """Claim the jobs that cannot run because of others."""
    return [one for one in claimed(store, worker(store), 0) if one.culprit is not None]


# Counting down


def test_a_job_that_waits_is_not_claimed_until_what_it_waits_for_has_succeeded(store: Any) -> None:
    chain(store, "a", "b", "c")

    assert [state(store, one) for one in "abc"] == [S.READY, S.WAITING, S.WAITING]
    assert [one.id for one in claimed(store, worker(store), queues=["elsewhere"])] == []
    end(store, "a")
    assert [state(store, one) for one in "abc"] == [S.SUCCEEDED, S.READY, S.WAITING]
    end(store, "b")
    assert state(store, "c") == S.READY


def test_a_job_that_waits_for_many_is_ready_when_the_last_has_succeeded(store: Any) -> None:
    ids = chord(store)

    for number, one in enumerate(ids):
        assert (state(store, "body"), job(store, "body").waits) == (S.WAITING, 3 - number)
        end(store, one)

    assert (state(store, "body"), job(store, "body").waits) == (S.READY, 0)


def test_a_batch_counts_down_at_once(store: Any) -> None:
    chord(store, 20)
    jobs = claimed(store, worker(store))

    assert store.jobs.finish([done(one) for one in jobs], NOW).applied == [True] * 20

    assert state(store, "body") == S.READY


def test_only_what_was_applied_counts(store: Any) -> None:
    chord(store, 2)
    one, other = claimed(store, worker(store))

    assert store.jobs.finish([done(one), done(other, run_token=9)], NOW).applied == [
        True,
        False,
    ]
    assert job(store, "body").waits == 1
    assert store.jobs.finish([done(one)], NOW).applied == [False]

    assert job(store, "body").waits == 1


def test_a_retry_counts_nothing_down(store: Any) -> None:
    chain(store, "a", "b")

    end(store, "a", S.SCHEDULED, run_at=NOW + HOUR)

    assert (state(store, "b"), job(store, "b").waits) == (S.WAITING, 1)


def test_many_may_wait_for_one(store: Any) -> None:
    store.jobs.add([new("a"), *(new(f"b{n}", after=behind("a")) for n in range(5))], NOW)

    end(store, "a")

    assert {state(store, f"b{n}") for n in range(5)} == {S.READY}


@pytest.mark.parametrize(
    ("run_at", "expected"),
    [(None, NOW + SECOND), (-HOUR, NOW + SECOND + HOUR), (NOW + HOUR, NOW + HOUR), (NOW, NOW)],
)
def test_a_delay_counts_from_when_the_job_may_run(store: Any, run_at: int | None, expected: int) -> None:
    store.jobs.add([new("a"), new("b", after=behind("a"), run_at=run_at, expires_at=-5 * HOUR)], NOW)

    end(store, "a", now=NOW + SECOND)

    kept = job(store, "b")
    later = expected > NOW + SECOND
    assert kept.state == (S.SCHEDULED if later else S.READY)
    assert kept.run_at == expected
    assert kept.expires_at == NOW + SECOND + 5 * HOUR
    if later:
        assert [one.id for one in claimed(store, worker(store), now=expected)] == ["b"]


def test_a_job_may_wait_for_one_that_is_there(store: Any) -> None:
    store.jobs.add([new("old"), new("over"), new("lost")], NOW)
    end(store, "over")
    end(store, "lost", S.FAILED)
    store.jobs.add([new(f"after-{one}", after=behind(one)) for one in ("old", "over", "lost", "unknown")], NOW)

    assert [state(store, f"after-{one}") for one in ("old", "over", "lost", "unknown")] == [
        S.WAITING,
        S.READY,
        S.WAITING,
        S.WAITING,
    ]
    assert {one.id: one.culprit for one in stuck(store)} == {
        "after-lost": "lost",
        "after-unknown": "",
    }


def test_what_began_to_wait_for_a_running_job_is_counted_down_too(store: Any) -> None:
    store.jobs.add([new("a"), new("b")], NOW)
    one, other = claimed(store, worker(store))
    store.jobs.add([new("c", after=behind("a"))], NOW)
    assert (one.role, state(store, "c")) == (0, S.WAITING)

    assert store.jobs.finish([done(one), done(other)], NOW).applied == [True, True]

    assert state(store, "c") == S.READY


def test_a_workflow_added_twice_is_there_once(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a")

    chain(store, "a", "b")

    assert (state(store, "a"), state(store, "b"), job(store, "b").waits) == (S.SUCCEEDED, S.READY, 0)
    assert len(store.read.family("a")[1]) == 1


def test_a_job_beside_another_is_waited_for_like_it(store: Any) -> None:
    chord(store, 1)
    (head,) = claimed(store, worker(store))
    store.jobs.add([new("also", beside="head-0", workflow="w")], NOW)

    store.jobs.finish([done(head, attempt=attempt(1, result=b"1"))], NOW)
    assert (state(store, "body"), job(store, "body").waits) == (S.WAITING, 1)
    end(store, "also")

    assert state(store, "body") == S.READY
    assert [one.id for one in store.read.inputs(["body"])["body"].given] == ["head-0", "also"]


def test_a_chord_beside_a_job_lets_its_own_body_wait_for_its_own_header_once(store: Any) -> None:
    chord(store, 1)
    (head,) = claimed(store, worker(store))
    inner = new("inner", after=behind("one", "two", passing=Passing.LISTED), beside="head-0")
    store.jobs.add([new("one", beside="head-0"), new("two"), inner], NOW)

    assert (job(store, "inner").waits, job(store, "body").waits) == (2, 3)
    store.jobs.finish([done(head)], NOW)
    for one in ("one", "two", "inner", "body"):
        assert store.read.stranded(10) == []
        assert end(store, one)[0]
    assert state(store, "body") == S.SUCCEEDED


# Nothing waits for what can never come


def test_a_job_beside_another_that_waits_for_the_body_waits_for_nothing(store: Any) -> None:
    chord(store, 1)
    store.jobs.add([new("between", after=behind("body")), new("also", after=behind("between"), beside="head-0")], NOW)

    assert (state(store, "also"), job(store, "also").culprit) == (S.WAITING, "")
    assert [one.id for one in stuck(store)] == ["also"]
    assert store.read.stranded(10) == []


def test_a_job_that_is_replaced_does_not_wait_for_what_waits_for_it(store: Any) -> None:
    chain(store, "a", "b", "c")
    (one,) = claimed(store, worker(store))
    call = new("a", after=behind("d"))
    follow_ups = (new("b"), new("d", after=behind("c")))

    assert store.jobs.finish([done(one, S.WAITING, replaced=call, follow_ups=follow_ups)], NOW).applied == [True]

    assert [late.id for late in stuck(store)] == ["a"]
    assert store.read.stranded(10) == []


@pytest.mark.parametrize("circle", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_jobs_that_wait_for_each_other_fail(store: Any, circle: list[str]) -> None:
    jobs = [new(one, after=behind(circle[number - 1])) for number, one in enumerate(circle)]
    store.jobs.add(jobs, NOW)

    assert store.read.stranded(10) == []
    for one in circle:
        (late,) = stuck(store)
        assert late.id == one
        store.jobs.finish([done(late, S.FAILED)], NOW)


def test_a_job_may_stand_before_what_it_waits_for(store: Any) -> None:
    store.jobs.add([new("last", after=behind("middle")), new("middle", after=behind("first")), new("first")], NOW)

    for one in ("first", "middle", "last"):
        assert end(store, one) == [True]


def break_edges(store: Any) -> None:
    """Let `body` wait for one more than there is, and `b` for `c`, which waits for it."""
    if hasattr(store, "server"):
        key = store.server.key
        store.server.ask(("HINCRBY", key("j:body"), "w", 1), ("HSET", key("j:b"), "e", "10.c"))
        return
    database = store.jobs._db
    with database.lock, database.writing as cursor:
        cursor.execute("UPDATE job SET waits = waits + 1 WHERE id = 'body'")
        cursor.execute("UPDATE edge SET awaited = (SELECT key FROM job WHERE id = 'c') WHERE awaited = 1")
        cursor.execute("DELETE FROM edge WHERE waiter = (SELECT key FROM job WHERE id = 'body') AND position = 0")


def test_jobs_that_wait_for_what_never_comes_are_found(store: Any) -> None:
    chain(store, "a", "b", "c")
    chord(store, 2)
    assert store.read.stranded(10) == []

    break_edges(store)

    assert [one.id for one in store.read.stranded(10)] == ["b", "c", "body"]
    assert [one.id for one in store.read.stranded(1)] == ["b"]


# What a job gets of others


def test_a_job_gets_the_results_in_the_order_of_its_edges(store: Any) -> None:
    ids = chord(store)

    for one in reversed(ids):
        end(store, one)

    assert [(one.id, one.result, one.passing) for one in store.read.inputs(["body"])["body"].given] == [
        (one, one.encode(), Passing.LISTED) for one in ids
    ]


def test_the_result_is_that_of_the_last_success(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a", S.READY, attempt=attempt(1, ending="RETRY", result=b"none yet"))
    end(store, "a", attempt=attempt(2, result=b"second"))

    assert [one.result for one in store.read.inputs(["b"])["b"].given] == [b"second"]


def test_an_edge_that_passes_nothing_gives_nothing(store: Any) -> None:
    store.jobs.add([new("a"), new("b", after=behind("a", passing=Passing.NOTHING))], NOW)
    end(store, "a")

    assert store.read.inputs(["b"])["b"].given == []


# Failing


@pytest.mark.parametrize("bad", [S.FAILED, S.CANCELLED])
def test_what_is_behind_a_failure_comes_with_the_next_claim_whatever_is_served(store: Any, bad: JobState) -> None:
    chain(store, "a", "b", "c", queue="elsewhere")
    end(store, "a", bad)

    (one,) = claimed(store, worker(store), 0, queues=["some"])
    assert (one.id, one.culprit, one.args) == ("b", "a", b"[[1],{}]")
    assert state(store, "c") == S.WAITING
    store.jobs.finish([done(one, S.FAILED)], NOW)

    (last,) = claimed(store, worker(store), 0, queues=["some"])
    assert (last.id, last.culprit) == ("c", "b")


def test_a_body_fails_at_its_first_failure_and_the_header_goes_on(store: Any) -> None:
    ids = chord(store)
    end(store, ids[1], S.FAILED)

    (body,) = stuck(store)
    assert (body.id, body.culprit) == ("body", ids[1])
    store.jobs.finish([done(body, S.FAILED)], NOW)
    end(store, ids[0])
    end(store, ids[2], S.FAILED)

    assert stuck(store) == []
    assert (state(store, "body"), job(store, "body").culprit) == (S.FAILED, ids[1])


def test_a_body_that_waits_fails_when_all_have_finished(store: Any) -> None:
    ids = chord(store, on_error=OnError.WAIT)
    end(store, ids[1], S.FAILED)
    end(store, ids[2], S.FAILED)

    assert (stuck(store), job(store, "body").waits) == ([], 1)
    end(store, ids[0])

    assert [(one.id, one.culprit) for one in stuck(store)] == [("body", ids[1])]


def test_a_body_that_skips_runs_without_what_failed(store: Any) -> None:
    ids = chord(store, on_error=OnError.SKIP)
    end(store, ids[0])
    end(store, ids[1], S.FAILED)
    end(store, ids[2], S.CANCELLED)

    assert (state(store, "body"), job(store, "body").culprit) == (S.READY, None)
    assert [one.result for one in store.read.inputs(["body"])["body"].given] == [b"head-0", None, None]


def test_a_job_flagged_for_cancelling_that_would_run_again_stops_what_is_behind(store: Any) -> None:
    chain(store, "a", "b")
    (one,) = claimed(store, worker(store))
    store.jobs.cancel(["a"], NOW)

    store.jobs.finish([done(one, S.SCHEDULED, run_at=NOW + HOUR)], NOW)

    assert [(late.id, late.culprit) for late in stuck(store)] == [("b", "a")]


def test_cancelling_what_others_wait_for_stops_them(store: Any) -> None:
    chain(store, "a", "b", "c")

    assert store.jobs.cancel(["a"], NOW) == {"a": S.READY}

    assert [one.id for one in stuck(store)] == ["b"]


def test_cancelling_a_whole_workflow_leaves_nothing_to_say(store: Any) -> None:
    chain(store, "a", "b", "c")

    assert store.jobs.cancel(["a", "b", "c"], NOW) == {"a": S.READY, "b": S.WAITING, "c": S.WAITING}

    assert stuck(store) == []
    assert {state(store, one) for one in "abc"} == {S.CANCELLED}


def test_purging_what_others_wait_for_stops_them(store: Any) -> None:
    store.jobs.add([new("a", queue="gone"), new("b", after=behind("a"), queue="other")], NOW)

    assert store.jobs.purge(["gone"]) == 1

    assert [(one.id, one.culprit) for one in stuck(store)] == [("b", "")]


def test_purging_takes_what_waits_along(store: Any) -> None:
    chain(store, "a", "b")

    assert store.jobs.purge(None) == 2

    assert (store.read.stats().counts, store.read.family("a")) == ({}, ([], []))


# Another call in the place of a job's own


def put_in_place(one: Job, to: JobState, *others: NewJob, **more: Any) -> Any:
    return done(one, to, replaced=new(one.id, task="shop.pack", **more), follow_ups=others)


def test_a_call_that_replaces_another_keeps_what_waits_for_it(store: Any) -> None:
    chain(store, "a", "b")
    (one,) = claimed(store, worker(store))

    large = b"[[" + b"1," * 1000 + b"1],{}]"
    store.jobs.finish([put_in_place(one, S.READY, args=large, queue="slow", priority=3, options="{}")], NOW)

    kept = call(store, "a")
    assert (kept.state, kept.task, kept.args, kept.queue, kept.priority) == (S.READY, "shop.pack", large, "slow", 3)
    assert state(store, "b") == S.WAITING
    end(store, "a", attempt=attempt(2))
    assert state(store, "b") == S.READY


def test_a_workflow_that_replaces_a_job_ends_in_it(store: Any) -> None:
    chain(store, "a", "b")
    (one,) = claimed(store, worker(store))
    first = new("x", workflow="a")

    store.jobs.finish([put_in_place(one, S.WAITING, first, after=behind("x"))], NOW)

    assert (state(store, "a"), job(store, "a").waits, state(store, "x")) == (S.WAITING, 1, S.READY)
    end(store, "x")
    (again,) = claimed(store, worker(store))
    assert (again.id, [given.result for given in store.read.inputs([again.id])[again.id].given]) == ("a", [b"x"])
    store.jobs.finish([done(again, attempt=attempt(2))], NOW)
    assert state(store, "b") == S.READY


def test_a_cancelled_job_is_not_replaced(store: Any) -> None:
    chain(store, "a", "b")
    (one,) = claimed(store, worker(store))
    store.jobs.cancel(["a"], NOW)

    store.jobs.finish([put_in_place(one, S.WAITING, new("x"), after=behind("x"))], NOW)

    assert (state(store, "a"), job(store, "a").task, store.read.get(["x"])) == (S.CANCELLED, "shop.mail", {})
    assert [late.id for late in stuck(store)] == ["b"]


def test_new_arguments_of_a_retry_are_whole(store: Any) -> None:
    chain(store, "a", "b", "c")
    end(store, "a")

    end(store, "b", S.READY, args=b"[[2],{}]")

    (again,) = claimed(store, worker(store))
    assert (again.id, again.args, again.role) == ("b", b"[[2],{}]", 1)


# Second lives


def fail_all(store: Any) -> None:
    """Say of everything that cannot run that it failed."""
    while late := stuck(store):
        store.jobs.finish([done(one, S.FAILED, attempt=attempt(1, ending="BEHIND")) for one in late], NOW)


def test_a_failed_step_that_runs_again_takes_the_rest_along(store: Any) -> None:
    chain(store, "a", "b", "c")
    end(store, "a", S.FAILED)
    fail_all(store)
    assert {state(store, one) for one in "abc"} == {S.FAILED}

    assert store.jobs.requeue(["a"], NOW) == ["a"]

    assert [state(store, one) for one in "abc"] == [S.READY, S.WAITING, S.WAITING]
    assert (job(store, "c").culprit, job(store, "c").finished_at) == (None, None)
    for one, runs in (("a", 2), ("b", 2), ("c", 2)):
        end(store, one, attempt=attempt(runs))
    assert {state(store, one) for one in "abc"} == {S.SUCCEEDED}


@pytest.mark.parametrize("asked", ["a", "c"])
def test_a_job_that_runs_again_for_others_shows_nothing_that_it_said_before(store: Any, asked: str) -> None:
    chain(store, "a", "b", "c")
    store.jobs.note([Note(one, None, b"said before") for one in "abc"], NOW)
    end(store, "a", S.FAILED)
    fail_all(store)

    store.jobs.requeue([asked], NOW)

    for number, one in enumerate("abc"):
        (running,) = claimed(store, worker(store))
        assert (running.id, store.read.seen([one])[one].note) == (one, None)
        store.jobs.finish([done(running, attempt=attempt(2 + number))], NOW)


def test_what_failed_because_of_others_brings_them_back(store: Any) -> None:
    chain(store, "a", "b", "c")
    end(store, "a", S.CANCELLED)
    fail_all(store)

    assert sorted(store.jobs.requeue(["c"], NOW)) == ["a", "b", "c"]

    assert [state(store, one) for one in "abc"] == [S.READY, S.WAITING, S.WAITING]


def test_a_body_is_brought_back_with_the_last_that_failed(store: Any) -> None:
    ids = chord(store)
    end(store, ids[0], S.FAILED)
    fail_all(store)
    end(store, ids[1], S.FAILED)

    store.jobs.requeue([ids[0]], NOW)
    assert (state(store, "body"), job(store, "body").culprit) == (S.FAILED, ids[1])
    store.jobs.requeue([ids[1]], NOW)

    assert (state(store, "body"), job(store, "body").waits) == (S.WAITING, 3)


def test_a_job_that_succeeded_and_runs_again_is_waited_for_again(store: Any) -> None:
    ids = chord(store)
    end(store, ids[0])

    store.jobs.requeue([ids[0]], NOW)

    assert job(store, "body").waits == 3
    assert state(store, "body") == S.WAITING


def test_a_failure_not_yet_told_is_taken_back(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a", S.FAILED)

    store.jobs.requeue(["a"], NOW)

    assert stuck(store) == []
    assert (state(store, "b"), job(store, "b").waits) == (S.WAITING, 1)


def test_a_finished_workflow_runs_again_from_where_it_is_told(store: Any) -> None:
    chain(store, "a", "b")
    for one in "ab":
        end(store, one)

    store.jobs.requeue(["b"], NOW)
    assert [state(store, one) for one in "ab"] == [S.SUCCEEDED, S.READY]
    end(store, "b", attempt=attempt(2))
    store.jobs.requeue(["a", "b"], NOW)

    assert [state(store, one) for one in "ab"] == [S.READY, S.WAITING]


# Keeping and removing


def test_a_workflow_is_pruned_as_a_whole(store: Any) -> None:
    chain(store, "a", "b", "c")
    end(store, "a", now=NOW)
    end(store, "b", now=NOW + SECOND)

    assert store.jobs.prune(NOW + HOUR, 10) == 0
    end(store, "c", now=NOW + 2 * SECOND)
    assert store.jobs.prune(NOW + 2 * SECOND, 10) == 0
    assert store.jobs.prune(NOW + HOUR, 10) == 3

    assert store.read.family("a") == ([], [])


def test_a_result_that_is_waited_for_is_kept(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a")

    assert store.jobs.forget(["a"]) == 0
    end(store, "b")
    assert store.jobs.forget(["a"]) == 1

    assert store.read.inputs(["b"])["b"].given == []


def test_a_job_waited_for_from_elsewhere_is_not_pruned(store: Any) -> None:
    store.jobs.add([new("old")], NOW)
    end(store, "old")
    store.jobs.add([new("also"), new("late", after=behind("old", "also", passing=Passing.LISTED))], NOW)

    assert store.jobs.prune(NOW + HOUR, 10) == 0
    end(store, "also")

    assert [one.result for one in store.read.inputs(["late"])["late"].given] == [b"old", b"also"]


# Reading


def test_a_family_is_its_jobs_and_edges(store: Any) -> None:
    ids = chord(store, 2)

    jobs, ties = store.read.family("w")

    assert [one.id for one in jobs] == [*ids, "body"]
    assert [(tie.waiter, tie.position, tie.awaited) for tie in ties] == [("body", 0, ids[0]), ("body", 1, ids[1])]
    assert store.read.family("unknown") == ([], [])


def test_of_a_large_family_the_first_are_given_with_the_edges_between_them(store: Any) -> None:
    ids = chord(store, 5)
    chain(store, "a", "b", "c")

    jobs, ties = store.read.family("w", 3)

    assert [one.id for one in jobs] == ids[:3]
    assert ties == []
    assert store.read.family("w", 6) == store.read.family("w")
    assert store.read.family("unknown", 3) == ([], [])
    first, tied = store.read.family("a", 2)
    assert [one.id for one in first] == ["a", "b"]
    assert [(tie.waiter, tie.awaited) for tie in tied] == [("b", "a")]


def test_of_what_a_job_waits_for_the_failed_come_first_and_then_the_unfinished(store: Any) -> None:
    ids = chord(store, 5)
    end(store, ids[0])
    end(store, ids[3], S.FAILED)

    awaited = [one.id for one in store.read.awaited("body", 10)]

    assert awaited == [ids[3], ids[1], ids[2], ids[4], ids[0]]
    assert [one.id for one in store.read.awaited("body", 2)] == awaited[:2]
    assert store.read.awaited(ids[0], 10) == store.read.awaited("unknown", 10) == []


def test_a_job_that_cannot_run_is_told_of_its_culprit_and_its_last_attempt(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a", S.FAILED)

    told = store.read.inputs(["b", "a", "unknown"])

    assert told["b"].culprit == (job(store, "a"), attempt(1, ending="FAILED", result=b"a"), None)
    assert told["a"] == ([], None)
    assert "unknown" not in told


def test_a_culprit_that_was_removed_is_not_told_of(store: Any) -> None:
    store.jobs.add([new("a", queue="gone"), new("b", after=behind("a"), queue="other")], NOW)
    store.jobs.purge(["gone"])

    assert job(store, "b").culprit == ""
    assert store.read.inputs(["b"])["b"].culprit is None


def test_no_later_job_is_taken_for_a_culprit_that_was_removed(store: Any) -> None:
    chord(store, 1)
    store.jobs.add([new("last", beside="head-0")], NOW)
    end(store, "last", S.FAILED)
    fail_all(store)
    assert job(store, "body").culprit == "last"

    assert store.jobs.forget(["last"]) == 1
    store.jobs.add([new("later")], NOW)

    assert job(store, "body").culprit == ""
    assert store.read.inputs(["body"])["body"].culprit is None


@pytest.mark.facets("groups")
def test_a_group_is_saved_until_it_is_forgotten_or_old(store: Any) -> None:
    store.groups.save("g", b"one", NOW)
    store.groups.save("g", b"two", NOW + SECOND)
    store.groups.save("h", b"three", NOW)

    assert (store.groups.load("g"), store.groups.load("unknown")) == (b"two", None)
    store.groups.save("h", None, NOW)
    assert store.groups.load("h") is None
    store.jobs.prune(NOW + SECOND, 10)
    assert store.groups.load("g") == b"two"
    store.jobs.prune(NOW + HOUR, 10)
    assert store.groups.load("g") is None


def test_attempts_of_what_never_ran_are_kept_like_others(store: Any) -> None:
    chain(store, "a", "b")
    end(store, "a", S.FAILED)
    (late,) = stuck(store)
    told = Attempt(1, "anna", None, NOW, "BEHIND", None, b"why", None, None)

    store.jobs.finish([done(late, S.FAILED, attempt=told)], NOW)

    assert store.read.seen(["b"])["b"][1] == told


def test_pruning_looks_past_many_jobs_of_unfinished_workflows(store: Any) -> None:
    store.jobs.add([new("last", workflow="w", queue="unserved")], NOW)
    store.jobs.add([new(f"w-{n}", workflow="w") for n in range(2500)], NOW)
    store.jobs.add([new("plain")], NOW)
    anna = worker(store)
    for turn, limit in enumerate((1000, 1000, 500, 1)):
        jobs = claimed(store, anna, limit, queues=["default"])
        store.jobs.finish([done(one) for one in jobs], NOW + turn)

    assert sorted(store.jobs.prune(NOW + HOUR, 10) for _ in range(3)) == [0, 0, 1]

    assert store.read.get(["plain"]) == {}
    store.jobs.cancel(["last"], NOW)
    assert sum(store.jobs.prune(NOW + HOUR, 1000) for _ in range(4)) == 2501
