"""The store protocol: where jobs live. Its docstrings are the specification; `tests/store` is it executed.

A store knows values, never tasks, retry rules or clocks: every verb that writes takes `now` (microseconds since
1970) and decides nothing. Each writing verb is one atomic step: after an error or a crash either all of it is
there or none. All verbs may be called from any thread. Callers take the facet they use.

A job is named by its id, everywhere. Its key is a number that only says where it stands in the order of adding, and
which mark is its own.

Every verb may be called again with the same arguments by who had no answer, and cannot know whether it was done: what
comes of that is told by "Again" in each docstring. Nothing is done twice that must not be.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from localq.store.protocol.bells import Bells
from localq.store.protocol.events import Events
from localq.store.protocol.groups import Groups
from localq.store.protocol.history import History
from localq.store.protocol.jobs import Jobs
from localq.store.protocol.mail import Mailbox
from localq.store.protocol.moving import Moving
from localq.store.protocol.reading import Reading
from localq.store.protocol.schedules import Schedules
from localq.store.protocol.workers import Workers

__all__ = ["Store"]


class Store(Protocol):
    """Where jobs live."""

    @property
    def name(self) -> str:
        """What it is called where it is shown."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes see it."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Jobs as they are written."""
        ...

    @property
    def read(self) -> Reading:
        """What there is to know of jobs."""
        ...

    @property
    def groups(self) -> Groups:
        """Groups that were saved."""
        ...

    @property
    def history(self) -> History:
        """What is remembered of jobs that are gone, and who changed what."""
        ...

    @property
    def workers(self) -> Workers:
        """What workers say of themselves and of each other."""
        ...

    @property
    def schedules(self) -> Schedules:
        """Schedules and their ledger."""
        ...

    @property
    def mail(self) -> Mailbox:
        """Letters to workers, and orders that hold for all of them."""
        ...

    @property
    def moving(self) -> Moving:
        """What goes from one store into another."""
        ...

    @property
    def bells(self) -> Bells:
        """Who is woken, and for what."""
        ...

    @property
    def events(self) -> Events:
        """Who listens to events."""
        ...

    def within(self, connection: Any) -> AbstractContextManager[Jobs]:
        """Return the verbs that write jobs by a connection of the caller's, as part of the transaction it is in.

        What they write is there for others when the caller commits, and never after a rollback. They ring when the
        block ends, if the transaction has been committed by then; else nobody is rung, and workers find the jobs when
        they look by themselves, after half a second at most.

        Raises:
            ImproperlyConfigured: this store shares no transaction with anybody, or not with this connection.
            StoreError: the connection is in no transaction.
        """
        ...

    def open(self) -> None:
        """Create or check the store; safe to repeat, and from many processes at once.

        Raises:
            StoreError: see the subclasses; nothing is ever overwritten.
        """
        ...

    def close(self) -> None:
        """Let go of every resource; the next verb opens again."""
        ...

    def tend(self, now: int) -> None:
        """Do the store's own housekeeping that may take some milliseconds (checkpoints)."""
        ...
