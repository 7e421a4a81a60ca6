"""What becomes of a job that cannot run because another did not succeed. Pure but for `culprit_of`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from localq.exceptions import ChordError, DecodeError, ImproperlyConfigured, SecurityError, TaskError, TaskRevokedError
from localq.execution.policy import Rules
from localq.execution.settle import settle
from localq.model.job import Job, JobState
from localq.model.job_options import JobOptions
from localq.model.outcome import Attempt, Completion, Ending, Outcome
from localq.serialization import failure
from localq.serialization.failure import Failure
from localq.serialization.sealing import open_failure
from localq.settings import Settings
from localq.store.protocol import Inputs

__all__ = ["Culprit", "behind", "culprit_of", "unfed"]


class Culprit(NamedTuple):
    """The job that did not succeed, with its last attempt.

    `first`, `as_body`: where the job that waits is the body of a chord whose header failed, and not something before
    it: what failed there first, of which the culprit failed in turn, and how the body takes it (`JobOptions.as_body`).
    """

    job: Job
    last: Attempt | None
    first: Failed | None = None
    as_body: Mapping[str, Any] = {}


class Failed(NamedTuple):
    """A job that failed of itself, with its last attempt."""

    job: Job
    last: Attempt | None


class _Reading(Protocol):
    """What is asked of a store."""

    def inputs(self, ids: Sequence[str]) -> dict[str, Inputs]: ...


def culprit_of(job: Job, inputs: Inputs, read: _Reading) -> Culprit | None:
    """Return why a job cannot run, of what it waited for; a store is read for what that failed of in turn."""
    if inputs.culprit is None:
        return None
    culprit, last, _ = inputs.culprit
    as_body = JobOptions.read(job.options).as_body
    failed = Failed(culprit, last)
    if not as_body:
        return Culprit(culprit, last)
    first, ids = _first(failed, read)
    while as_body and not ids.isdisjoint(as_body.get("after") or ()):
        as_body = as_body.get("outer")
    return Culprit(culprit, last, first, as_body) if as_body else Culprit(culprit, last)


def _first(failed: Failed, read: _Reading) -> tuple[Failed, set[str]]:
    """Return what a job failed of, at the end or rather the beginning of it all, and the ids on the way there."""
    ids = {failed.job.id}
    while failed.job.culprit is not None:
        inputs = read.inputs([failed.job.id]).get(failed.job.id)
        if inputs is None or inputs.culprit is None:
            break
        failed = Failed(*inputs.culprit[:2])
        ids.add(failed.job.id)
    return failed, ids


def behind(job: Job, culprit: Culprit | None, worker: str, rules: Rules, now: int) -> Completion:
    """Return what must be written for a job that waited for a culprit.

    It is as the culprit is: failed with its error, or revoked. Its error callbacks are not called: it did not run, and
    the job that failed has called its own. But those of a chord's body are, when the header failed; it fails with a
    ChordError, and the tasks of a group that is a body with the error itself. What waits for it in turn has it as its
    culprit.
    """
    if culprit is None:
        told = failure.describe(TaskRevokedError("A job that this one waited for was removed"))
        return settle(job, Outcome(Ending.BEHIND, None, now, failure=failure.dump(told)), worker, rules, now)
    other, last, first, as_body = culprit
    revoked = other.state == JobState.CANCELLED
    told_bytes = _why(*(first or (other, last)), rules)
    if as_body.get("wrapped"):
        error = ChordError(f"Dependency {other.id} raised {_shown(failure.load(told_bytes))}")
        told_bytes = failure.dump(failure.describe(error))
    ending = Ending.REVOKED if revoked and first is None else Ending.BEHIND
    rules = _telling(rules, as_body.get("told") if first else ())
    return settle(job, Outcome(ending, None, now, failure=told_bytes), worker, rules, now)


def _why(job: Job, last: Attempt | None, rules: Rules) -> bytes:
    """Return the written error of a job that did not succeed."""
    revoked = job.state == JobState.CANCELLED
    # An attempt that ended otherwise, as with its worker, is not why the job was revoked.
    if last is not None and last.failure is not None and (not revoked or last.ending == Ending.REVOKED.name):
        return _trusted(job.id, last.failure, rules.settings)
    lost = TaskError(f"Job {job.id} failed, and its error was not kept")
    return failure.dump(failure.describe(TaskRevokedError("revoked") if revoked else lost))


def _telling(rules: Rules, numbers: Sequence[int] | None) -> Rules:
    """Return rules with the error callbacks of these numbers; None: with all."""
    given = rules.options.link_error
    if numbers is None or not given:
        return rules
    options = rules.options._replace(link_error=[one for n, one in enumerate(given) if n in numbers] or None)
    return rules._replace(terms=rules.terms._replace(options=options))


def unfed(error: Exception, now: int) -> Outcome:
    """Return the outcome of a job that was not handed over: what it waited for is not to be trusted, or unreadable."""
    return Outcome(Ending.FAILURE, None, now, failure=failure.dump(failure.describe(error)))


def _trusted(job_id: str, told: bytes, settings: Settings) -> bytes:
    """Return a job's written error, or in its place why that is not believed."""
    try:
        return open_failure(job_id, told, settings)
    except (SecurityError, DecodeError, ImproperlyConfigured) as error:
        return failure.dump(failure.describe(error))


def _shown(said: Failure) -> str:
    """Return an error as Python would show it, without making it."""
    plain = said.args is not None and all(isinstance(one, str | int | float | None) for one in said.args)
    shown = ", ".join(map(repr, said.args or ())) if plain else repr(said.message)
    return f"{said.type}({shown})"
