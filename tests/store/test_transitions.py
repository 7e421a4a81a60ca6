"""The states of a job: the verbs make every move of TRANSITIONS and no other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from localq.model.job import TRANSITIONS, Job, JobState
from localq.model.outcome import Note
from tests.store.given import HOUR, NOW, call, claimed, done, job_in, new, state, worker

pytestmark = pytest.mark.facets("jobs", "read", "workers")

S = JobState
Act = Callable[[Any, Job], object]


def finish(to: JobState) -> Act:
    """Return an act that finishes with the right token and, where the job has no owner any more, a good guess."""
    return lambda store, job: store.jobs.finish([done(job, to, owner=job.owner or 1, run_at=NOW + HOUR)], NOW)


def claim(now: int, queue: str | None = None, limit: int = 100) -> Act:
    return lambda store, job: claimed(store, worker(store), limit, queues=[queue or job.queue], now=now)


def lose(store: Any, job: Job) -> None:
    store.workers.leave([one.key for one in store.workers.all()], NOW)
    store.workers.lost(10)
    store.workers.beat(job.owner or 1, {job.id: job.run_token}, 0, NOW)


#: What each verb makes of a job in the states named; in every other state it leaves the job where it is.
VERBS: dict[str, tuple[Act, dict[JobState, JobState]]] = {
    "add": (lambda store, job: store.jobs.add([new(job.id, run_at=NOW + HOUR), new(job.id)], NOW), {}),
    "claim": (claim(NOW), {S.READY: S.RUNNING}),
    "claim when due": (claim(NOW + HOUR), {S.SCHEDULED: S.RUNNING, S.READY: S.RUNNING}),
    "claim of none": (claim(NOW + HOUR, limit=0), {S.SCHEDULED: S.READY}),
    "claim elsewhere": (claim(NOW + HOUR, "elsewhere"), {}),
    "finish scheduled": (finish(S.SCHEDULED), {S.RUNNING: S.SCHEDULED}),
    "finish ready": (finish(S.READY), {S.RUNNING: S.READY}),
    "finish succeeded": (finish(S.SUCCEEDED), {S.RUNNING: S.SUCCEEDED}),
    "finish failed": (finish(S.FAILED), {S.RUNNING: S.FAILED}),
    "finish cancelled": (finish(S.CANCELLED), {S.RUNNING: S.CANCELLED}),
    "cancel": (
        lambda store, job: store.jobs.cancel([job.id], NOW),
        {S.WAITING: S.CANCELLED, S.SCHEDULED: S.CANCELLED, S.READY: S.CANCELLED},
    ),
    "requeue": (
        lambda store, job: store.jobs.requeue([job.id], NOW),
        {S.SUCCEEDED: S.READY, S.FAILED: S.READY, S.CANCELLED: S.READY},
    ),
    "annotate": (lambda store, job: store.jobs.note([Note(job.id, "STARTED", b"1")], NOW), {}),
    "lose": (lose, {}),
    "prune": (lambda store, job: store.jobs.prune(NOW, 10), {}),
    "purge": (lambda store, job: store.jobs.purge(["elsewhere"]), {}),
    "tend": (lambda store, job: store.tend(NOW + HOUR), {}),
}
#: Verbs that leave a mark on a job that they do not move.
MARKING = {"cancel", "annotate"}
#: Moves of jobs that are tied to others: `test_edges` makes each.
OF_EDGES = {
    (S.WAITING, S.SCHEDULED),
    (S.WAITING, S.READY),
    (S.WAITING, S.RUNNING),
    (S.RUNNING, S.WAITING),
    (S.SUCCEEDED, S.WAITING),
    (S.FAILED, S.WAITING),
    (S.CANCELLED, S.WAITING),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_moves_a_job_only_as_it_may(store: Any, verb: str) -> None:
    act, moves = VERBS[verb]
    for was in JobState:
        job = job_in(store, was, was.name)
        before = (call(store, job.id), store.read.attempts(job.id))

        act(store, job)

        expected = moves.get(was, was)
        assert state(store, job.id) == expected, f"{verb} of a job that is {was.name}"
        if expected == was and verb not in MARKING:
            assert (call(store, job.id), store.read.attempts(job.id)) == before


def test_no_verb_lets_an_attempt_end_as_running(store: Any) -> None:
    for was in JobState:
        job = job_in(store, was, was.name)

        with pytest.raises(ValueError, match="RUNNING"):
            finish(S.RUNNING)(store, job)

        assert store.read.get([job.id])[job.id] == job


def test_the_verbs_make_every_move_of_the_table_and_no_other() -> None:
    made = {move for _, moves in VERBS.values() for move in moves.items()}
    # A claim first makes ready what is due.
    made.remove((S.SCHEDULED, S.RUNNING))

    assert made | OF_EDGES == {(was, to) for was, to in product(JobState, JobState) if to in TRANSITIONS[was]}
