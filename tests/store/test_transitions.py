"""The states of a job: the verbs make every move of TRANSITIONS and no other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from localq.job import TRANSITIONS, Job, JobState, Note
from tests.store.given import AFTER_LEASE, BOOT, HOUR, NOW, claimed, done, job_in, new, snapshot, state, worker

S = JobState


def _finish(to: JobState) -> Callable[[Any, Job], object]:
    # The worker's key is guessed right even where the job has no owner any more.
    return lambda store, job: store.finish([done(job, to, owner=store.workers()[0].key, run_at=NOW + HOUR)], NOW)


def _claim(store: Any, job: Job) -> None:
    claimed(store, worker(store), now=NOW)


def _claim_later(store: Any, job: Job) -> None:
    claimed(store, worker(store), now=NOW + HOUR)


def _promote(store: Any, job: Job) -> None:
    store.claim(worker(store), ["elsewhere"], (), 10, NOW + HOUR)


def _lose(store: Any, job: Job) -> None:
    store.bury([one.key for one in store.workers()], NOW)
    store.lost(AFTER_LEASE, "boot-2", 10)
    store.heartbeat(1, {job.key: job.run_token}, 0, NOW)


#: What each verb makes of a job in the states named; in every other state it leaves the job where it is.
VERBS: dict[str, tuple[Callable[[Any, Job], object], dict[JobState, JobState]]] = {
    "add": (lambda store, job: store.add([new(run_at=NOW + HOUR), new()], NOW), {}),
    "claim": (_claim, {S.READY: S.RUNNING}),
    "claim when due": (_claim_later, {S.SCHEDULED: S.RUNNING, S.READY: S.RUNNING}),
    "claim elsewhere": (_promote, {S.SCHEDULED: S.READY}),
    "finish scheduled": (_finish(S.SCHEDULED), {S.RUNNING: S.SCHEDULED}),
    "finish ready": (_finish(S.READY), {S.RUNNING: S.READY}),
    "finish succeeded": (_finish(S.SUCCEEDED), {S.RUNNING: S.SUCCEEDED}),
    "finish failed": (_finish(S.FAILED), {S.RUNNING: S.FAILED}),
    "finish cancelled": (_finish(S.CANCELLED), {S.RUNNING: S.CANCELLED}),
    "cancel": (lambda store, job: store.cancel(["job"], NOW), {S.SCHEDULED: S.CANCELLED, S.READY: S.CANCELLED}),
    "requeue": (
        lambda store, job: store.requeue(["job"], NOW),
        {S.SUCCEEDED: S.READY, S.FAILED: S.READY, S.CANCELLED: S.READY},
    ),
    "annotate": (lambda store, job: store.annotate([Note("job", "STARTED", b"1")], NOW), {}),
    "lose": (_lose, {}),
    "prune": (lambda store, job: store.prune(0, 10), {}),
    "purge others": (lambda store, job: store.purge(["elsewhere"]), {}),
    "tend": (lambda store, job: store.tend(NOW + HOUR), {}),
}


@pytest.mark.parametrize("was", JobState)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_moves_a_job_only_as_it_may(store: Any, verb: str, was: JobState) -> None:
    act, moves = VERBS[verb]
    if not was >= S.RUNNING:
        worker(store)
    job = job_in(store, was)
    before = snapshot(store)

    act(store, job)

    expected = moves.get(was, was)
    assert state(store) == expected
    if expected == was and verb != "annotate":
        assert snapshot(store) == before


@pytest.mark.parametrize("was", JobState)
def test_no_verb_lets_an_attempt_end_as_running(store: Any, was: JobState) -> None:
    job = job_in(store, was)
    before = snapshot(store)

    with pytest.raises(ValueError, match="RUNNING"):
        store.finish([done(job, S.RUNNING)], NOW)

    assert snapshot(store) == before


def test_the_verbs_make_every_move_of_the_table_and_no_other() -> None:
    made = {move for _, moves in VERBS.values() for move in moves.items()}
    # A claim first makes ready what is due.
    made.remove((S.SCHEDULED, S.RUNNING))

    assert made == {(was, to) for was, to in product(JobState, JobState) if to in TRANSITIONS[was]}


def test_a_job_past_its_lease_goes_on_until_it_is_finished(store: Any) -> None:
    job_in(store, S.RUNNING)

    (found,) = store.lost(AFTER_LEASE, BOOT, 10)

    assert state(store) == S.RUNNING
    assert store.finish([done(found, S.FAILED)], NOW) == [True]
    assert state(store) == S.FAILED
