"""Decide what an outcome means for a job: the only place that does. Pure: values and `now` in, a Completion out."""

from __future__ import annotations

from typing import Any

from localq.exceptions import TaskRevokedError, Terminated, WorkerLostError
from localq.execution.callbacks import errbacks, unasked
from localq.execution.policy import Rules
from localq.model.edges import Role
from localq.model.job import Job, JobState
from localq.model.outcome import Attempt, Completion, Ending, Outcome
from localq.serialization import failure
from localq.states import IGNORED

__all__ = ["expired", "lost", "lost_outcome", "released", "settle", "terminated_outcome"]

#: Most jobs end so; to look them up among the others takes longer than to compare them.
_SUCCESS, _SUCCEEDED = Ending.SUCCESS, JobState.SUCCEEDED


def settle(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    """Return what must be written for a job whose attempt came to `outcome`."""
    if outcome.ending == _SUCCESS:
        return _succeeded(job, outcome, worker)
    if outcome.ending == Ending.RELEASED:
        return released(job, now) if outcome.started_at is None else _interrupted(job, outcome, worker, rules, now)
    return _OTHERS[outcome.ending](job, outcome, worker, rules, now)


def _succeeded(job: Job, outcome: Outcome, worker: str) -> Completion:
    """Return what must be written for a job that ended well, as most do: put together as tuples are, not counted."""
    kept = tuple.__new__(
        Attempt,
        (
            job.attempts,
            worker,
            outcome.started_at,
            outcome.ended_at,
            "SUCCESS",
            outcome.result,
            None,
            outcome.peak_kb,
            outcome.output,
        ),
    )
    held = (job.id, job.run_token, job.owner or 0, _SUCCEEDED, job.run_at, job.retries, job.crashes)
    return tuple.__new__(Completion, (*held, None, kept, None, None, None, None, outcome.follow_ups, None))


def released(job: Job, now: int) -> Completion:
    """Return a job that was claimed and never run: ready again, nothing charged."""
    return _completion(job, _again(job), run_at=job.run_at)


def _again(job: Job) -> JobState:
    """Return where a job must begin anew; one that cannot run is for any worker to say so, whatever that serves."""
    return JobState.READY if job.culprit is None else JobState.WAITING


def expired(job: Job, worker: str, rules: Rules, now: int) -> Completion:
    """Return a job whose time to run is over: revoked."""
    told = failure.dump(failure.describe(TaskRevokedError("expired")))
    outcome = Outcome(Ending.REVOKED, None, now, failure=told)
    return _revoked(job, outcome, worker, rules, now)


def _interrupted(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    """Return a job whose run the stopping worker broke off: it is kept in its history, and charged nothing.

    A job that may run at most once has had its run.
    """
    if rules.at_most_once:
        error = WorkerLostError(f"The worker stopped while it ran (attempt {job.attempts}, at most once)")
        return _failed(job, outcome._replace(failure=failure.dump(failure.describe(error))), worker, rules, now)
    return _completion(job, JobState.READY, run_at=job.run_at, attempt=_attempt(job, outcome, worker, "INTERRUPTED"))


def lost(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    """Return a job whose process died: run again, or failed after too many deaths.

    Crashes are counted apart from failures. A job that may run at most once fails at its first.
    """
    crashes = job.crashes + 1
    if rules.at_most_once or crashes >= rules.max_crashes:
        return _failed(job, outcome, worker, rules, now)._replace(crashes=crashes)
    again = _completion(job, _again(job), run_at=now, attempt=_attempt(job, outcome, worker, "LOST"))
    return again._replace(crashes=crashes)


def lost_outcome(reason: str, job: Job, rules: Rules, now: int, **more: Any) -> Outcome:
    """Return the outcome of an attempt whose process died, saying how often that may happen."""
    crashes = job.crashes + 1
    counted = "at most once" if rules.at_most_once else f"crash {crashes} of {rules.max_crashes}"
    error = WorkerLostError(f"{reason} (attempt {job.attempts}, {counted})")
    return Outcome(Ending.LOST, None, now, failure=failure.dump(failure.describe(error)), **more)


def terminated_outcome(reason: str, now: int, **more: Any) -> Outcome:
    """Return the outcome of an attempt that was stopped because its job was cancelled."""
    told = failure.dump(failure.describe(Terminated(reason)))
    return Outcome(Ending.REVOKED, None, now, failure=told, **more)


def _retried(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    run_at = now if outcome.run_at is None else outcome.run_at
    state = JobState.SCHEDULED if run_at > now else JobState.READY
    done = _completion(job, state, run_at=run_at, attempt=_attempt(job, outcome, worker, "RETRY"))
    return done._replace(
        retries=job.retries + 1,
        args=outcome.args,
        options=outcome.options,
        queue=outcome.queue,
        priority=outcome.priority,
    )


def _failed(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    done = _completion(job, JobState.FAILED, attempt=_attempt(job, outcome, worker, outcome.ending.name))
    # What waits for the job fails with its error, and what waited for another says why it did not run.
    wanted = rules.keep_errors or job.role & Role.AWAITED or outcome.ending is Ending.BEHIND
    if not wanted and done.attempt is not None:
        done = done._replace(attempt=done.attempt._replace(failure=None))
    if outcome.errbacks_made:
        return done._replace(follow_ups=outcome.follow_ups)
    try:
        made = errbacks(job, rules.options, outcome.failure, rules.settings, now)
        return done._replace(follow_ups=tuple(map(unasked, made)))
    except (KeyError, TypeError, ValueError):
        # Options no call of ours wrote: the failure counts, a callback nobody can read does not stop a worker.
        return done


def _ignored(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    done = _completion(job, JobState.SUCCEEDED, attempt=_attempt(job, outcome, worker, "IGNORED"))
    return done._replace(shown=outcome.shown or IGNORED)


def _rejected(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    if outcome.requeue:
        return _completion(job, JobState.READY, run_at=now, attempt=_attempt(job, outcome, worker, "REJECTED"))
    return _failed(job, outcome, worker, rules, now)


def _revoked(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    return _completion(job, JobState.CANCELLED, attempt=_attempt(job, outcome, worker, "REVOKED"))


def _replaced(job: Job, outcome: Outcome, worker: str, rules: Rules, now: int) -> Completion:
    """Return a job that goes on as another call: from the beginning, after what that waits for."""
    new = outcome.replaced
    assert new is not None
    run_at = now if new.run_at is None else new.run_at
    later = JobState.SCHEDULED if run_at > now else JobState.READY
    state = JobState.WAITING if new.after else later
    done = _completion(job, state, run_at=run_at, attempt=_attempt(job, outcome, worker, "REPLACED"))
    return done._replace(retries=0, crashes=0, follow_ups=outcome.follow_ups, replaced=new)


_OTHERS = {
    Ending.FAILURE: _failed,
    Ending.RETRY: _retried,
    Ending.IGNORED: _ignored,
    Ending.REJECTED: _rejected,
    Ending.REVOKED: _revoked,
    Ending.LOST: lost,
    Ending.REPLACED: _replaced,
    Ending.BEHIND: _failed,
}


def _completion(job: Job, state: JobState, *, run_at: int | None = None, attempt: Attempt | None = None) -> Completion:
    return Completion(
        job.id,
        job.run_token,
        job.owner or 0,
        state,
        job.run_at if run_at is None else run_at,
        job.retries,
        job.crashes,
        attempt=attempt,
    )


def _attempt(job: Job, outcome: Outcome, worker: str, ending: str) -> Attempt:
    return Attempt(
        job.attempts,
        worker,
        outcome.started_at,
        outcome.ended_at,
        ending,
        outcome.result,
        outcome.failure,
        outcome.peak_kb,
        outcome.output,
    )
