"""Letters to workers, and their answers: any command of `localq control`, to one worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from localq.app import LocalQ
from localq.web.act.change import Hand, written_down
from localq.web.ask.workers import target

__all__ = ["ANSWER_S", "Answered", "answered", "steer"]

#: Seconds that a worker's answer is waited for.
ANSWER_S = 3.0


class Answered(NamedTuple):
    """What a worker said to a command. `done` False: it refused; None: it did not answer in time."""

    done: bool | None
    said: str


def steer(
    app: LocalQ, hand: Hand, worker: str, verb: str, command: str, arguments: Mapping[str, Any], note: str | None = None
) -> Answered:
    """Send a command to a worker, wait for its answer, and write down that it did so, or has not refused.

    Args:
        verb: What the book of changes calls it.
        note: What is written beside; default: the arguments.

    Raises:
        ValueError: no worker can have such a name.
    """
    hand.check()
    found = answered(app.control.broadcast(command, arguments, destination=[worker], reply=True, timeout=ANSWER_S))
    if found.done is not False:
        if note is None:
            note = json.dumps(arguments) if arguments else ""
        written_down(app, hand, verb, target(worker), note=note)
    return found


def answered(answers: Sequence[Mapping[str, Any]] | None) -> Answered:
    """Return what the one worker that was asked has said."""
    answer = next((said for one in answers or () for said in one.values()), None)
    if answer is None:
        return Answered(None, "Unknown reason")
    if isinstance(answer, Mapping) and "error" in answer:
        return Answered(False, str(answer["error"]))
    return Answered(True, str(answer["ok"]) if isinstance(answer, Mapping) and "ok" in answer else "")
