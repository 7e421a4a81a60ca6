"""What becomes of a job behind one that did not succeed."""

from __future__ import annotations

import pytest

from localq.exceptions import Terminated, WorkerLostError
from localq.execution.dependents import Culprit, behind
from localq.execution.policy import PLAIN, Rules
from localq.execution.settle import lost, lost_outcome, released
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt
from localq.serialization import failure
from localq.settings import Settings


def job(id: str, state: JobState) -> Job:
    return Job(1, id, "t", "q", 0, state, 0, None, 1, 1, 1, 0, 0, 0, None, 0, None, b"[[],{}]", None)


@pytest.mark.parametrize(
    ("ending", "error", "told"),
    [
        ("LOST", WorkerLostError("The worker died"), "TaskRevokedError"),
        ("REVOKED", Terminated("cancelled by signal 15"), "Terminated"),
    ],
)
def test_what_is_behind_a_revoked_job_hears_of_that_and_of_no_earlier_trouble(
    ending: str, error: Exception, told: str
) -> None:
    last = Attempt(1, "w", 1, 2, ending, None, failure.dump(failure.describe(error)), None, None)

    rules = Rules(PLAIN, 3, False, True, Settings())

    done = behind(job("next", JobState.READY), Culprit(job("first", JobState.CANCELLED), last), "w", rules, 3)

    assert done.state == JobState.CANCELLED
    assert done.attempt is not None
    assert done.attempt.failure is not None
    assert failure.load(done.attempt.failure).type == told


def test_what_is_behind_a_failure_says_why_it_did_not_run_though_its_result_is_ignored() -> None:
    last = Attempt(1, "w", 1, 2, "FAILURE", None, failure.dump(failure.describe(ValueError("x"))), None, None)
    ignored = Rules(PLAIN, 3, False, False, Settings())

    done = behind(job("next", JobState.READY), Culprit(job("first", JobState.FAILED), last), "w", ignored, 3)

    assert done.attempt is not None
    assert done.attempt.failure is not None
    assert failure.load(done.attempt.failure).type == "ValueError"


def test_a_job_behind_a_failure_whose_worker_died_is_for_the_next_worker_of_any_queue() -> None:
    one = job("next", JobState.RUNNING)._replace(culprit="other")
    rules = Rules(PLAIN, 3, False, True, Settings())

    given_back = [released(one, 3), lost(one, lost_outcome("It died", one, rules, 3), "w", rules, 3)]

    assert [done.state for done in given_back] == [JobState.WAITING, JobState.WAITING]
    assert released(one._replace(culprit=None), 3).state == JobState.READY
