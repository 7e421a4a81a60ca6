"""Changes to workers: each is a letter, as of the command line, and what the worker answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localq.app import LocalQ
from localq.web.act import letters
from localq.web.act.change import Hand, written_down
from localq.web.act.jobs import Came
from localq.web.act.letters import answered
from localq.web.ask.workers import target
from localq.web.sentence import english

__all__ = ["NotDone", "grow", "leave_queue", "serve_queue", "shrink", "stop"]


class NotDone(Exception):
    """A worker has not done what it was told: a sentence of what it answered, or that it did not."""

    def __init__(self, text: str, /, **values: Any) -> None:
        super().__init__(english(text, values))
        self.text, self.values = text, values


def grow(app: LocalQ, hand: Hand, worker: str) -> Came:
    """Add a slot to a worker's pool."""
    _tell(app, hand, worker, "grow", lambda **how: app.control.pool_grow(1, worker, **how))
    return Came(1, "The worker takes one more job at a time.")


def shrink(app: LocalQ, hand: Hand, worker: str) -> Came:
    """Take a slot from a worker's pool."""
    _tell(app, hand, worker, "shrink", lambda **how: app.control.pool_shrink(1, worker, **how))
    return Came(1, "The worker takes one job less at a time.")


def serve_queue(app: LocalQ, hand: Hand, worker: str, queue: str) -> Came:
    """Let a worker serve another queue until it ends."""
    _tell(app, hand, worker, "serve", lambda **how: app.control.add_consumer(queue, destination=worker, **how), queue)
    return Came(1, "The worker serves that queue.")


def leave_queue(app: LocalQ, hand: Hand, worker: str, queue: str) -> Came:
    """Let a worker serve a queue no more until it ends."""
    _tell(app, hand, worker, "leave", lambda **how: app.control.cancel_consumer(queue, worker, **how), queue)
    return Came(1, "The worker serves that queue no more.")


def stop(app: LocalQ, hand: Hand, worker: str) -> Came:
    """Stop a worker, when its running jobs have finished."""
    _tell(app, hand, worker, "shutdown", lambda **how: app.control.shutdown(worker, **how))
    return Came(1, "The worker stops when what it runs has finished.")


def _tell(
    app: LocalQ,
    hand: Hand,
    worker: str,
    verb: str,
    letter: Callable[..., list[dict[str, Any]] | None],
    note: str = "",
) -> None:
    """Send a letter to a worker, wait for its answer, and write down that it did so.

    Raises:
        NotDone: it refused, or did not answer.
    """
    hand.check()
    try:
        found = answered(letter(reply=True, timeout=letters.ANSWER_S))
    except ValueError as error:
        raise NotDone("{why}", why=str(error)) from None
    if found.done is None:
        raise NotDone(
            "{worker} has not answered within {seconds} s. It may be gone, or too busy.",
            worker=worker,
            seconds=f"{letters.ANSWER_S:g}",
        )
    if not found.done:
        raise NotDone("{worker} refuses: {why}", worker=worker, why=found.said)
    written_down(app, hand, verb, target(worker), note=note)
