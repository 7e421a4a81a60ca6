"""Changes to queues: pause, resume, remove what waits."""

from __future__ import annotations

from localq.app import LocalQ
from localq.model.job import JobState
from localq.web.act.change import Hand, written_down
from localq.web.act.jobs import Came
from localq.web.ask.queue import target

__all__ = ["pause", "purge", "resume"]


def pause(app: LocalQ, hand: Hand, queue: str) -> Came:
    """Let no worker take jobs from a queue until it is resumed."""
    hand.check()
    changed = app.control.pause(queue)
    if changed:
        written_down(app, hand, "pause", target(queue))
    return Came(len(changed), "The queue is paused." if changed else "It was paused already.")


def resume(app: LocalQ, hand: Hand, queue: str) -> Came:
    """Let workers take jobs from a queue again."""
    hand.check()
    changed = app.control.resume(queue)
    if changed:
        written_down(app, hand, "resume", target(queue))
    return Came(len(changed), "The queue goes on." if changed else "It was not paused.")


def purge(app: LocalQ, hand: Hand, queue: str, shown: int) -> Came:
    """Remove the jobs that wait in a queue, unless there are more than somebody was shown before they said so."""
    hand.check()
    counts = app.store.read.stats().counts
    waiting = sum(count for (name, state), count in counts.items() if name == queue and state < JobState.RUNNING)
    if waiting > shown:
        return Came(waiting, "{n} jobs wait there by now, more than you were shown. None was removed.")
    count = app.store.jobs.purge([queue])
    if count:
        written_down(app, hand, "purge", target(queue), count)
    return Came(count, "{n} jobs are removed." if count else "No job waited there.")
