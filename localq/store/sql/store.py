"""A store in SQL: the facets of the protocol over one database, with bells that are handed in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from localq.host.neighbours import Neighbours
from localq.store.protocol.bells import Bells
from localq.store.protocol.events import Events
from localq.store.sql.database import Database
from localq.store.sql.groups import SqlGroups
from localq.store.sql.history import SqlHistory
from localq.store.sql.job_writer import JobWriter
from localq.store.sql.jobs import SqlJobs
from localq.store.sql.later_bells import LaterBells
from localq.store.sql.mail import SqlMail
from localq.store.sql.moving import SqlMoving
from localq.store.sql.reading import SqlReading
from localq.store.sql.schedules import SqlSchedules
from localq.store.sql.workers import SqlWorkers

__all__ = ["Parts", "SqlStore"]


class Parts(NamedTuple):
    """What a store in SQL is given beside its database; `steady` is the clock of leases, in microseconds."""

    bells: Bells
    events: Events
    neighbours: Neighbours
    steady: Callable[[], int]


class SqlStore:
    """Jobs and schedules in a SQL database; see `localq.store.protocol.store.Store`.

    Args:
        parts: What is not SQL.
        name: What it is called where it is shown.
        shared: Whether other processes see it.
    """

    def __init__(self, database: Database, parts: Parts, *, name: str, shared: bool) -> None:
        self.database, self.name, self.shared = database, name, shared
        writer = self._writer = JobWriter(database.dialect)
        self.jobs = SqlJobs(database, writer, parts.bells)
        self.read = SqlReading(database)
        self.groups = SqlGroups(database)
        self.history = SqlHistory(database)
        self.workers = SqlWorkers(database, parts.neighbours, parts.steady)
        self.schedules = SqlSchedules(database, writer, parts.bells)
        self.mail = SqlMail(database, parts.bells)
        self.moving = SqlMoving(database)
        self.bells, self.events = parts.bells, parts.events

    def open(self) -> None:
        """Create or check the store; see the protocol."""
        self.database.open()

    @contextlib.contextmanager
    def within(self, connection: Any) -> Iterator[SqlJobs]:
        """Return the verbs that write jobs on a connection of the caller's; see the protocol."""
        borrowed, later = self.database.borrowed(connection), LaterBells(self.bells)
        yield SqlJobs(borrowed, self._writer, later)
        if borrowed.over:
            later.ring_now()

    def close(self) -> None:
        """Let go of every resource; see the protocol."""
        self.database.close()

    def tend(self, now: int) -> None:
        """Do the database's own housekeeping; see the protocol."""
        self.database.tend(now)
