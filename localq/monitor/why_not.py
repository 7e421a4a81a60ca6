"""Why a job does not run: one sentence for every state in which one waits. Pure: of rows that were read, and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from localq.model.hints import nearest
from localq.model.job import Job, JobState
from localq.model.orders import PARKED_AT
from localq.model.worker import Served, WorkerCard, WorkerRow, WorkerState

__all__ = ["AHEAD", "AWAITED", "Reason", "Seconds", "World", "why_not"]

#: Jobs in front of one that are counted at most.
AHEAD = 10_000
#: Jobs that one waits for which are looked at, at most: those that did not succeed come first.
AWAITED = 100


class Seconds(float):
    """A span of time among the values of a reason: who draws it says "4 min"."""


class Reason(NamedTuple):
    """Why a job is where it is.

    `kind` is a stable word for programs. `text` is a sentence of English with the names of `values` in braces; `jobs`
    are ids of the jobs that it speaks of.
    """

    kind: str
    text: str
    values: dict[str, object]
    jobs: tuple[str, ...] = ()

    def english(self) -> str:
        """Return the sentence."""
        return self.text.format(**{name: _said(value) for name, value in self.values.items()})


class World(NamedTuple):
    """What there is around a job when it is asked about.

    `paused_since`: since when its queue is paused, 0 for a time that is not known, None if it is not. `ahead` is how
    many jobs of its queue come first, counted up to `AHEAD`. `per_second` is how many jobs of its queue end a second,
    None where nothing tells. `rate` is the limit of its task, in words, and `rate_free_at` when that has room again.
    `awaited` are jobs it waits for, of many the first that did not succeed; `culprit` is the one that keeps it, or kept
    it, from running.
    """

    workers: Sequence[WorkerRow]
    paused_since: int | None = None
    ahead: int = 0
    per_second: float | None = None
    rate: str | None = None
    rate_free_at: int | None = None
    awaited: Sequence[Job] = ()
    culprit: Job | None = None


def why_not(job: Job, world: World, now: int) -> Reason:
    """Return why a job does not run, or that it does, or how it ended."""
    if job.state == JobState.WAITING:
        return _awaits(job, world)
    if job.state == JobState.SCHEDULED and (job.run_at == PARKED_AT or job.run_at > now):
        return _comes_later(job, world, now)
    if job.state == JobState.RUNNING:
        return _runs(job, world, now)
    if JobState(job.state).final:
        return _is_over(job, world)
    return _is_not_claimed(job, world, now)


# By state


def _awaits(job: Job, world: World) -> Reason:
    if world.culprit is not None:
        failed = world.culprit
        return Reason(
            "blocked", "It cannot run, because {task} did not succeed; a worker is to say so.", {"task": failed.task},
            (failed.id,),
        )  # fmt: skip
    unfinished = [one for one in world.awaited if not JobState(one.state).final]
    failed_ones = [one for one in world.awaited if one.state in (JobState.FAILED, JobState.CANCELLED)]
    ids = tuple(one.id for one in [*failed_ones, *unfinished])
    looked_at_all = len(world.awaited) < AWAITED
    count = len(unfinished) if unfinished and looked_at_all else job.waits
    if failed_ones:
        text = "It waits for {n} more of its jobs; {failed} of those it waits for did not succeed."
        return Reason("awaits", text, {"n": count, "failed": len(failed_ones)}, ids)
    return Reason(
        "awaits",
        _counted(count, "It waits for a job to finish.", "It waits for {n} jobs to finish."),
        {"n": count},
        ids,
    )


def _comes_later(job: Job, world: World, now: int) -> Reason:
    if job.run_at == PARKED_AT:
        if world.rate_free_at is None or world.rate_free_at <= now:
            return Reason("rate", "Its task is over its rate limit {rate}.", {"rate": world.rate or "?"})
        left = Seconds((world.rate_free_at - now) / 1e6)
        return Reason(
            "rate", "Its task is over its rate limit {rate}; there is room again in {span}.",
            {"rate": world.rate or "?", "span": left},
        )  # fmt: skip
    left = Seconds((job.run_at - now) / 1e6)
    if job.retries or job.crashes:
        return Reason(
            "retry",
            _counted(
                job.attempts,
                "It runs again in {span}, after its first try.",
                "It runs again in {span}, after {n} tries.",
            ),
            {"span": left, "n": job.attempts},
        )
    return Reason("due", "It is due in {span}.", {"span": left})


def _runs(job: Job, world: World, now: int) -> Reason:
    owner = next((row for row in world.workers if row.key == job.owner), None)
    if owner is None or owner.state == WorkerState.GONE:
        if any(row.state == WorkerState.ALIVE for row in world.workers):
            return Reason("orphan", "Its worker is gone; another one takes it over.", {})
        text = "Its worker is gone, and none is alive to take it over. Start one: localq worker -A APP"
        return Reason("orphan", text, {})
    if owner.state == WorkerState.SILENT:
        silent = Seconds(max(0, now - owner.seen_at) / 1e6)
        return Reason("silent", "Its worker {worker} has said nothing for {span}.", {
            "worker": owner.card.name, "span": silent,
        })  # fmt: skip
    if job.cancel:
        return Reason("cancelling", "It runs on {worker}, and is being cancelled.", {"worker": owner.card.name})
    return Reason("runs", "It runs on {worker}.", {"worker": owner.card.name})


def _is_over(job: Job, world: World) -> Reason:
    if job.state == JobState.SUCCEEDED:
        return Reason("succeeded", "It succeeded.", {})
    if world.culprit is not None:
        failed = world.culprit
        return Reason("culprit", "It did not run, because {task} did not succeed.", {"task": failed.task}, (failed.id,))
    if job.state == JobState.FAILED:
        text = _counted(job.attempts, "It failed at its first try.", "It failed after {n} tries.")
        return Reason("failed", text, {"n": job.attempts})
    if job.expires_at is not None and job.finished_at is not None and job.finished_at >= job.expires_at:
        return Reason("expired", "It expired before it ran.", {})
    return Reason("cancelled", "It was cancelled.", {})


def _is_not_claimed(job: Job, world: World, now: int) -> Reason:
    """Return why a job that might be claimed now is not: the first of the hindrances, from outside to inside."""
    if world.paused_since is not None:
        if not world.paused_since:
            return Reason("paused", "Queue {queue} is paused.", {"queue": job.queue})
        since = Seconds(max(0, now - world.paused_since) / 1e6)
        return Reason("paused", "Queue {queue} has been paused for {span}.", {"queue": job.queue, "span": since})
    alive = [row.card for row in world.workers if row.state == WorkerState.ALIVE]
    if not alive:
        return Reason("no_worker", "No worker is alive. Start one: localq worker -A APP", {})
    serving = [card for card in alive if _served(card).serves(job.queue)]
    if not serving:
        return Reason("unserved", "No live worker serves queue {queue}.", {"queue": job.queue})
    knowing = [card for card in serving if job.task in card.tasks]
    if not knowing:
        known = sorted({name for card in serving for name in card.tasks})
        return Reason("unknown_task", "No live worker of queue {queue} knows {task}.{hint}", {
            "queue": job.queue, "task": job.task, "hint": nearest(job.task, known),
        })  # fmt: skip
    if not world.ahead:
        return Reason("next", "It is the next of queue {queue}: it waits for a slot.", {"queue": job.queue})
    return _behind(job, world)


def _behind(job: Job, world: World) -> Reason:
    values: dict[str, object] = {"n": world.ahead, "queue": job.queue}
    if world.ahead >= AHEAD:
        return Reason("behind", "It is behind {n} or more jobs of queue {queue}.", values)
    if world.per_second:
        values["span"] = Seconds(world.ahead / world.per_second)
        about = "It is behind {n} jobs of queue {queue}: about {span}."
        return Reason(
            "behind", _counted(world.ahead, "It is behind a job of queue {queue}: about {span}.", about), values
        )
    text = _counted(world.ahead, "It is behind a job of queue {queue}.", "It is behind {n} jobs of queue {queue}.")
    return Reason("behind", text, values)


def _counted(number: int, one: str, many: str) -> str:
    return one if number == 1 else many


def _served(card: WorkerCard) -> Served:
    return Served(card.queues, card.excluded)


def _said(value: object) -> object:
    if isinstance(value, Seconds):
        size = float(value)
        for seconds, unit in ((86400, "d"), (3600, "h"), (60, "min")):
            if size >= 2 * seconds:
                return f"{size / seconds:.0f} {unit}"
        return f"{size:.0f} s"
    return f"{value:,}" if isinstance(value, int) else value
