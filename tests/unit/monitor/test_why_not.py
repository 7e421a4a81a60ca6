"""Why a job does not run: a sentence for every state in which one waits."""

from __future__ import annotations

from typing import Any

import pytest

from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT
from localq.model.worker import WorkerRow, WorkerState
from localq.monitor.why_not import AHEAD, World, why_not
from tests.store.given import HOUR, NOW, SECOND, card


def a_job(state: JobState, **more: Any) -> Job:
    given = dict.fromkeys(Job._fields)
    given |= {"id": "j", "task": "shop.mail", "queue": "mail", "state": state, "run_at": NOW, "created_at": NOW}
    given |= {"attempts": 0, "retries": 0, "crashes": 0, "cancel": 0, "waits": 0, "priority": 0, "key": 1}
    return Job(**{**given, **more})


def a_worker(state: WorkerState = WorkerState.ALIVE, **more: Any) -> WorkerRow:
    return WorkerRow(7, card(**{"queues": ("mail",), "name": "anna", **more}), NOW, NOW - SECOND, state, False)


ALIVE = World((a_worker(),))
NO_WORKER = "No worker is alive. Start one: localq worker -A APP"


@pytest.mark.parametrize(
    ("job", "world", "kind", "said"),
    [
        (a_job(JobState.READY), World(()), "no_worker", NO_WORKER),
        (a_job(JobState.READY), World((a_worker(WorkerState.GONE),)), "no_worker", NO_WORKER),
        (
            a_job(JobState.READY, queue="far"),
            ALIVE,
            "unserved",
            "No live worker serves queue far.",
        ),
        (
            a_job(JobState.READY, task="shop.mial"),
            ALIVE,
            "unknown_task",
            "No live worker of queue mail knows shop.mial. Did you mean 'shop.mail'?",
        ),
        (a_job(JobState.READY), ALIVE._replace(paused_since=0), "paused", "Queue mail is paused."),
        (
            a_job(JobState.READY),
            ALIVE._replace(paused_since=NOW - 2 * HOUR),
            "paused",
            "Queue mail has been paused for 2 h.",
        ),
        (a_job(JobState.READY), ALIVE, "next", "It is the next of queue mail: it waits for a slot."),
        (a_job(JobState.READY), ALIVE._replace(ahead=312), "behind", "It is behind 312 jobs of queue mail."),
        (
            a_job(JobState.READY),
            ALIVE._replace(ahead=312, per_second=8.0),
            "behind",
            "It is behind 312 jobs of queue mail: about 39 s.",
        ),
        (
            a_job(JobState.READY),
            ALIVE._replace(ahead=AHEAD),
            "behind",
            "It is behind 10,000 or more jobs of queue mail.",
        ),
        (a_job(JobState.SCHEDULED, run_at=NOW + 4 * 60 * SECOND), ALIVE, "due", "It is due in 4 min."),
        (
            a_job(JobState.SCHEDULED, run_at=NOW + 12 * SECOND, retries=2, attempts=2),
            ALIVE,
            "retry",
            "It runs again in 12 s, after 2 tries.",
        ),
        (
            a_job(JobState.SCHEDULED, run_at=PARKED_AT),
            ALIVE._replace(rate="100/m", rate_free_at=NOW + 12 * SECOND),
            "rate",
            "Its task is over its rate limit 100/m; there is room again in 12 s.",
        ),
        (
            a_job(JobState.SCHEDULED, run_at=PARKED_AT),
            ALIVE._replace(rate="1/h"),
            "rate",
            "Its task is over its rate limit 1/h.",
        ),
        (a_job(JobState.SCHEDULED, run_at=NOW - SECOND), World(()), "no_worker", NO_WORKER),
        (
            a_job(JobState.WAITING, waits=2),
            ALIVE._replace(awaited=(a_job(JobState.RUNNING), a_job(JobState.SUCCEEDED))),
            "awaits",
            "It waits for a job to finish.",
        ),
        (
            a_job(JobState.WAITING, waits=1),
            ALIVE._replace(awaited=(a_job(JobState.READY), a_job(JobState.FAILED, id="bad"))),
            "awaits",
            "It waits for 1 more of its jobs; 1 of those it waits for did not succeed.",
        ),
        (
            a_job(JobState.WAITING),
            ALIVE._replace(culprit=a_job(JobState.FAILED, task="shop.pack")),
            "blocked",
            "It cannot run, because shop.pack did not succeed; a worker is to say so.",
        ),
        (a_job(JobState.RUNNING, owner=7), ALIVE, "runs", "It runs on anna."),
        (a_job(JobState.RUNNING, owner=7, cancel=15), ALIVE, "cancelling", "It runs on anna, and is being cancelled."),
        (a_job(JobState.RUNNING, owner=8), ALIVE, "orphan", "Its worker is gone; another one takes it over."),
        (
            a_job(JobState.RUNNING, owner=7),
            World((a_worker(WorkerState.GONE),)),
            "orphan",
            "Its worker is gone, and none is alive to take it over. Start one: localq worker -A APP",
        ),
        (
            a_job(JobState.RUNNING, owner=7),
            World((a_worker(WorkerState.SILENT),)),
            "silent",
            "Its worker anna has said nothing for 1 s.",
        ),
        (a_job(JobState.SUCCEEDED), ALIVE, "succeeded", "It succeeded."),
        (a_job(JobState.FAILED, attempts=3), ALIVE, "failed", "It failed after 3 tries."),
        (a_job(JobState.FAILED, attempts=1), ALIVE, "failed", "It failed at its first try."),
        (
            a_job(JobState.FAILED, attempts=1),
            ALIVE._replace(culprit=a_job(JobState.FAILED, task="shop.pack")),
            "culprit",
            "It did not run, because shop.pack did not succeed.",
        ),
        (a_job(JobState.CANCELLED, finished_at=NOW), ALIVE, "cancelled", "It was cancelled."),
        (a_job(JobState.CANCELLED, finished_at=NOW, expires_at=NOW), ALIVE, "expired", "It expired before it ran."),
    ],
)
def test_one_sentence_says_why_a_job_does_not_run(job: Job, world: World, kind: str, said: str) -> None:
    reason = why_not(job, world, NOW)

    assert (reason.kind, reason.english()) == (kind, said)


def test_the_jobs_that_one_waits_for_are_named_the_failed_first() -> None:
    awaited = (a_job(JobState.READY, id="open"), a_job(JobState.SUCCEEDED, id="good"), a_job(JobState.FAILED, id="bad"))

    assert why_not(a_job(JobState.WAITING, waits=1), ALIVE._replace(awaited=awaited), NOW).jobs == ("bad", "open")
