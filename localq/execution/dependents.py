"""What becomes of a job that cannot run because another did not succeed. Pure but for `culprit_of`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from localq.exceptions import ChordError, DecodeError, ImproperlyConfigured, SecurityError, TaskError, TaskRevokedError
from localq.execution.policy import Rules
from localq.execution.settle import settle
from localq.model.edges import Passing
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

    `of_many`: whether it is one of a list that the job behind waits for. `called`: the chains whose error callbacks it
    has called, or one that it failed of in turn.
    """

    job: Job
    last: Attempt | None
    of_many: bool = False
    called: frozenset[str] = frozenset()


class _Reading(Protocol):
    """What is asked of a store."""

    def inputs(self, ids: Sequence[str]) -> dict[str, Inputs]: ...


def culprit_of(job: Job, inputs: Inputs, read: _Reading) -> Culprit | None:
    """Return why a job cannot run, of what it waited for; a store is read for what that failed of in turn."""
    if inputs.culprit is None:
        return None
    culprit, last, _ = inputs.culprit
    of_many = any(one.id == culprit.id and one.passing >= Passing.LISTED for one in inputs.given)
    called = _lineage(culprit, read) if _chains(job) else frozenset[str]()
    return Culprit(culprit, last, of_many, called)


def _chains(job: Job) -> frozenset[str]:
    """Return the chains that gave a job error callbacks."""
    if '"of_chain"' not in (job.options or ""):
        return frozenset()
    given = JobOptions.read(job.options).link_error or ()
    return frozenset(str(one["of_chain"]) for one in given if one.get("of_chain"))


def _lineage(job: Job, read: _Reading) -> frozenset[str]:
    """Return the chains that gave error callbacks to a job, or to one that it failed of."""
    chains = _chains(job)
    while job.culprit is not None:
        found = read.inputs([job.id]).get(job.id)
        if found is None or found.culprit is None:
            break
        job = found.culprit.job
        chains |= _chains(job)
    return chains


def behind(job: Job, culprit: Culprit | None, worker: str, rules: Rules, now: int) -> Completion:
    """Return what must be written for a job that waited for a culprit.

    The body of a chord fails with a ChordError. Any other is as the culprit is: failed with its error, or revoked.
    Its error callbacks hear of it, but for those that a chain gave to every step: the step that failed has called them.
    What waits for it in turn has it as its culprit.
    """
    if culprit is None:
        told = failure.describe(TaskRevokedError("A job that this one waited for was removed"))
        return settle(job, Outcome(Ending.BEHIND, None, now, failure=failure.dump(told)), worker, rules, now)
    other, last, of_many, called = culprit
    rules = _without(rules, called)
    told_bytes = None if last is None or last.failure is None else _trusted(other.id, last.failure, rules.settings)
    revoked = other.state == JobState.CANCELLED
    # An attempt that ended otherwise, as with its worker, is not why the job was revoked.
    if told_bytes is None or (last is not None and revoked and last.ending != Ending.REVOKED.name):
        lost = TaskError(f"Job {other.id} failed, and its error was not kept")
        told_bytes = failure.dump(failure.describe(TaskRevokedError("revoked") if revoked else lost))
    if of_many:
        error = ChordError(f"Dependency {other.id} raised {_shown(failure.load(told_bytes))}")
        told_bytes = failure.dump(failure.describe(error))
    ending = Ending.REVOKED if revoked and not of_many else Ending.BEHIND
    return settle(job, Outcome(ending, None, now, failure=told_bytes), worker, rules, now)


def _without(rules: Rules, called: frozenset[str]) -> Rules:
    """Return rules without the error callbacks of chains that were called already."""
    if not called:
        return rules
    own = [one for one in rules.options.link_error or () if one.get("of_chain") not in called]
    options = rules.options._replace(link_error=own or None)
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
