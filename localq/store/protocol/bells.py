"""How those who wait are woken: hints between processes, which may be lost. Verbs that write ring by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

__all__ = ["CANCEL", "ORDERS", "Bell", "Bells", "Topic"]

#: Words said to workers: running jobs are to be cancelled, orders have changed; MAIL is of the mailbox.
CANCEL, ORDERS = "cancel", "orders"


class Topic(StrEnum):
    """What a bell rings for."""

    #: There may be work, or a running job is to be cancelled; any word asks a worker for an early heartbeat.
    WORK = "work"
    #: Jobs have finished; what is said are their ids.
    RESULTS = "results"
    #: Schedules were added, changed, resumed or removed.
    SCHEDULES = "schedules"


class Bell(Protocol):
    """A wake-up hint between processes. Hints get lost; whoever waits looks again after at most half a second."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when the bell was rung."""
        ...

    def wait(self, timeout: float) -> bool:
        """Sleep until rung or `timeout` seconds have passed; return whether it rang; it stays rung until drained."""
        ...

    def drain(self) -> list[str]:
        """Clear the bell and return the words said with the rings, without waiting."""
        ...

    def listen_for(self, word: str | None) -> None:
        """Be rung with this word alone from now on, as far as the store can see to it; None: with any.

        What was said a moment before this may be lost: look for yourself afterwards.
        """
        ...

    def mine(self) -> bool:
        """Whether this process made the bell, and did not inherit it over a fork."""
        ...

    def close(self) -> None:
        """Take the bell down."""
        ...


class Bells(Protocol):
    """The bells beside a store."""

    def hang(self, topic: Topic) -> Bell:
        """Return a bell that rings for a topic.

        Again: another bell; each is to be closed.
        """
        ...

    def ring(self, topic: Topic, words: Iterable[str] | None = None) -> None:
        """Ring every bell of a topic, or those that hear words (without white space): none for an empty list.

        Again: rings once more, which does no harm.
        """
        ...

    def heard(self, topic: Topic) -> bool:
        """Whether any bell of a topic hangs, so that somebody may wait for it to ring; True where that is not known.

        Again: says what is so by then.
        """
        ...

    def changed(self) -> bool:
        """Whether another connection wrote since this was last asked; cheap enough for twice a second.

        Again: says what has happened since; a change that was told and lost is found by looking every half second.
        """
        ...
