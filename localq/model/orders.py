"""What is said to workers, as values: letters that each worker answers once, and orders that hold until they are
withdrawn.

An order holds for all workers, those that start later included. It is kept in the store and survives everything.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["LIMITS", "MAIL", "MOVE", "PARKED_AT", "PAUSE", "RATE", "Letter", "Mail", "Order", "answer_word"]

#: Kinds of orders. `name` is a queue that nobody takes jobs from; its value says nothing.
PAUSE = "pause"
#: `name` is a task, the value its rate limit as text (`localq.model.rates`); "0" lifts the limit the task itself has.
RATE = "rate"
#: `name` is a task, the value its time limits in seconds, as JSON: [soft, hard], null for none.
LIMITS = "limits"
#: What a store holds goes into another, or comes from one (`localq.monitor.moving`): `name` says which, "to" or "from".
MOVE = "move"

#: `run_at` of SCHEDULED jobs that wait for their task's rate limit: the last microsecond of the year 9999, which
#: no call can ask for. They become READY when a claim has a token for them, and never by the passing of time.
PARKED_AT = 253_402_300_799_999_999


#: What the bell of a worker says that has mail.
MAIL = "control"


class Order(NamedTuple):
    """What holds for a queue or a task. `value` None withdraws it."""

    kind: str
    name: str
    value: str | None


class Letter(NamedTuple):
    """A command to workers. `arguments` is JSON text of an object."""

    key: int
    command: str
    arguments: str
    wants_reply: bool


class Mail(NamedTuple):
    """Letters for a worker, oldest first, and the place in the mailbox from which it reads on."""

    letters: list[Letter]
    place: int


def answer_word(letter: int) -> str:
    """Return what the bell of who sent a letter says when there is an answer."""
    return f"{MAIL}-{letter}"
