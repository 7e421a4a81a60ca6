"""Claiming jobs: who gets which, in what order, and what a claim changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from localq.model.job import JobState
from localq.model.outcome import Note
from localq.model.worker import EVERY_QUEUE, Served
from tests.store.given import HOUR, NOW, call, claimed, done, job, new, news, state, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers")


def names(jobs: Sequence[Any]) -> str:
    return " ".join(one.id for one in jobs)


def test_a_claimed_job_runs_under_its_worker(store: Any) -> None:
    store.jobs.add([new(args=b"[[1],{}]", options="{}")], NOW)
    anna = worker(store)

    (taken,) = claimed(store, anna)

    assert (taken.state, taken.owner, taken.run_token, taken.attempts) == (JobState.RUNNING, anna, 1, 1)
    assert (taken.args, taken.options) == (b"[[1],{}]", "{}")
    assert taken == call(store, "job")


def test_a_job_is_claimed_once(store: Any) -> None:
    store.jobs.add(news("a", "b"), NOW)
    anna, bert = worker(store, "anna"), worker(store, "bert")

    assert names(claimed(store, anna, 1)) == "a"
    assert names(claimed(store, bert)) == "b"
    assert claimed(store, anna) == claimed(store, bert) == []


def test_every_claim_has_a_higher_run_token(store: Any) -> None:
    store.jobs.add([new()], NOW)
    anna = worker(store)
    tokens = []

    for _ in range(3):
        (taken,) = claimed(store, anna)
        tokens.append((taken.run_token, taken.attempts))
        store.jobs.finish([done(taken, JobState.READY)], NOW)

    assert tokens == [(1, 1), (2, 2), (3, 3)]


def test_no_more_than_the_limit_are_taken(store: Any) -> None:
    store.jobs.add(news("a", "b", "c"), NOW)
    anna = worker(store)

    assert claimed(store, anna, 0) == []
    assert claimed(store, anna, -1) == []
    assert names(claimed(store, anna, 2)) == "a b"
    assert names(claimed(store, anna, 2)) == "c"


def test_higher_priority_comes_first_and_then_the_order_of_adding(store: Any) -> None:
    for job_id, priority in [("a", 0), ("b", 5), ("c", 9), ("d", 5), ("e", 0), ("f", 9)]:
        store.jobs.add([new(job_id, priority=priority)], NOW)
    anna = worker(store)

    assert names(claimed(store, anna, 3, queues=["default"])) == "c f b"
    assert names(claimed(store, anna)) == "d a e"


def test_the_order_holds_over_all_queues_served(store: Any) -> None:
    added = [("a", "x", 1), ("b", "y", 1), ("c", "z", 9), ("d", "x", 9), ("e", "y", 5), ("f", "z", 1)]
    for job_id, queue, priority in added:
        store.jobs.add([new(job_id, queue=queue, priority=priority)], NOW)
    anna = worker(store)

    assert names(claimed(store, anna, 2, queues=["x", "y", "z"])) == "c d"
    assert names(claimed(store, anna, 2)) == "e a"
    assert names(claimed(store, anna, queues=["z", "y", "x"])) == "b f"


def test_a_worker_serves_only_its_queues(store: Any) -> None:
    store.jobs.add([new("a", queue="x"), new("b", queue="y"), new("c", queue="z")], NOW)
    anna = worker(store)

    assert claimed(store, anna, queues=[]) == []
    assert claimed(store, anna, queues=["nobody-knows"]) == []
    assert names(claimed(store, anna, queues=["y"])) == "b"
    assert names(claimed(store, anna, queues=["y", "z"])) == "c"
    assert state(store, "a") == JobState.READY


def test_a_worker_without_queues_serves_all_but_the_excluded(store: Any) -> None:
    store.jobs.add([new("a", queue="x"), new("b", queue="y"), new("c", queue="z")], NOW)
    anna = worker(store)

    assert names(claimed(store, anna, excluded=["y", "unknown"])) == "a c"
    assert claimed(store, anna, excluded=["x", "y", "z"]) == []
    assert claimed(store, anna, queues=["y"], excluded=["y"]) == []
    assert names(claimed(store, anna)) == "b"


def test_a_queue_named_twice_does_not_halve_the_limit(store: Any) -> None:
    store.jobs.add(news("a", "b", "c", "d"), NOW)

    assert names(claimed(store, worker(store), 4, queues=["default", "default", "other"])) == "a b c d"


def test_hundreds_of_queues_are_served(store: Any) -> None:
    store.jobs.add([new(f"job-{i}", queue=f"queue-{i}", priority=i % 10) for i in range(300)], NOW)

    taken = claimed(store, worker(store), 40)

    assert [one.priority for one in taken] == [9] * 30 + [8] * 10


def test_what_is_due_is_made_ready_by_the_claim(store: Any) -> None:
    store.jobs.add([new("soon", run_at=NOW + 10), new("later", run_at=NOW + HOUR)], NOW)
    anna = worker(store)

    assert claimed(store, anna, now=NOW + 9) == []
    assert state(store, "soon") == JobState.SCHEDULED
    assert names(claimed(store, anna, now=NOW + 10)) == "soon"
    assert state(store, "later") == JobState.SCHEDULED


@pytest.mark.parametrize("served", [Served(("mine", "empty")), Served(None, ("theirs",))])
def test_what_is_due_in_other_queues_is_left_to_those_who_serve_them(store: Any, served: Served) -> None:
    jobs = [new("theirs", run_at=NOW + 5, queue="theirs"), new("mine", run_at=NOW + 10, queue="mine")]
    store.jobs.add([*jobs, new("later", run_at=NOW + 90, queue="mine")], NOW)
    anna = worker(store)

    # Nobody is woken for what others are to take.
    assert store.jobs.claim(anna, served, 5, NOW).next_at == NOW + 10
    claim = store.jobs.claim(anna, served, 5, NOW + 10)

    assert (names(claim.jobs), claim.next_at) == ("mine", NOW + 90)
    assert state(store, "theirs") == JobState.SCHEDULED
    assert store.read.stats().next_at == {"theirs": NOW + 5, "mine": NOW + 90}
    assert names(claimed(store, anna, queues=["theirs"], now=NOW + 10)) == "theirs"


@pytest.mark.parametrize("served", [EVERY_QUEUE, Served(("one", "other"))])
def test_what_is_over_the_bound_of_one_claim_is_due_at_once(store: Any, served: Served) -> None:
    for queue in ("one", "other"):
        store.jobs.add([new(f"{queue}-{n}", run_at=NOW + 1, queue=queue) for n in range(1500)], NOW)
    anna = worker(store)

    claims = [store.jobs.claim(anna, served, 10_000, NOW + 1) for _ in range(4)]

    assert [claim.next_at for claim in claims[-2:]] == [None, None]
    assert all(claim.next_at == NOW + 1 for claim in claims[:2])
    assert sum(len(claim.jobs) for claim in claims) == 3000


def test_a_job_that_became_due_keeps_its_place_by_priority_and_age(store: Any) -> None:
    store.jobs.add([new("due", run_at=NOW + 10), new("urgent", run_at=NOW + 20, priority=5), new("ready")], NOW)

    assert names(claimed(store, worker(store), now=NOW + 30)) == "urgent due ready"


def test_the_claim_says_when_the_next_job_is_due(store: Any) -> None:
    anna = worker(store)
    assert store.jobs.claim(anna, EVERY_QUEUE, 5, NOW).next_at is None

    store.jobs.add([new("b", run_at=NOW + 20), new("a", run_at=NOW + 10), new("c")], NOW)

    assert store.jobs.claim(anna, EVERY_QUEUE, 5, NOW).next_at == NOW + 10
    assert store.jobs.claim(anna, Served(("elsewhere",)), 5, NOW + 10).next_at is None
    assert store.jobs.claim(anna, Served(("default",)), 0, NOW + 10).next_at == NOW + 20
    assert store.jobs.claim(anna, EVERY_QUEUE, 0, NOW + 19).next_at == NOW + 20
    assert store.jobs.claim(anna, EVERY_QUEUE, 5, NOW + 20).next_at is None


def test_very_many_due_jobs_are_served_by_several_claims(store: Any) -> None:
    ids = {f"job-{i}" for i in range(2500)}
    store.jobs.add([new(one, run_at=NOW + 1) for one in sorted(ids)], NOW)
    anna = worker(store)
    taken: list[str] = []

    for _ in range(5):
        claim = store.jobs.claim(anna, EVERY_QUEUE, 1000, NOW + 1)
        assert claim.jobs or claim.next_at is None
        taken += [one.id for one in claim.jobs]

    assert len(taken) == 2500
    assert set(taken) == ids


@pytest.mark.parametrize("queues", [None, ["default"], ["default", "other"]])
def test_a_worker_declared_gone_gets_nothing(store: Any, queues: list[str] | None) -> None:
    store.jobs.add([new(), new("due", run_at=NOW + 1)], NOW)
    anna = worker(store)
    store.workers.leave([anna], NOW)

    claim = store.jobs.claim(anna, Served(queues), 10, NOW + 1)

    assert (claim.jobs, claim.held) == ([], False)
    assert state(store) == JobState.READY


def test_a_worker_nobody_knows_gets_nothing(store: Any) -> None:
    store.jobs.add([new()], NOW)

    claim = store.jobs.claim(4711, EVERY_QUEUE, 10, NOW)

    assert (claim.jobs, claim.held) == ([], False)


def test_a_living_worker_is_told_that_it_is_held(store: Any) -> None:
    assert store.jobs.claim(worker(store), EVERY_QUEUE, 10, NOW).held


def test_a_new_attempt_shows_nothing_of_what_the_last_one_said(store: Any) -> None:
    store.jobs.add([new()], NOW)
    anna = worker(store)
    (taken,) = claimed(store, anna)
    store.jobs.note([Note("job", "PROGRESS", b"90")], NOW)
    store.jobs.finish([done(taken, JobState.READY, shown="PROGRESS")], NOW)
    assert job(store).shown == "PROGRESS"

    (again,) = claimed(store, anna)

    assert again.shown is None


def test_an_expired_job_is_handed_out_for_the_worker_to_decide(store: Any) -> None:
    store.jobs.add([new(expires_at=NOW - HOUR)], NOW)

    (taken,) = claimed(store, worker(store))

    assert taken.expires_at == NOW - HOUR


def test_large_calls_are_handed_out_beside_small_ones(store: Any) -> None:
    sizes = [10, 5000, 0, 600, 512]
    store.jobs.add([new(f"job-{size}", args=b"x" * size, queue=f"q{size % 2}") for size in sizes], NOW)

    assert [len(one.args) for one in claimed(store, worker(store))] == sizes
