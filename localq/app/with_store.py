"""The part of an app that is about its store: where that is, and when it is opened."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Protocol

from localq.app.carrier import Carrier
from localq.exceptions import LocalQError
from localq.host.folder import working_folder
from localq.settings import Settings
from localq.store import Wishes, open_store
from localq.store.location import DEFAULT, configured_place, locate
from localq.store.protocol import Jobs, Store

__all__ = ["WithStore"]


class _Block:
    """A block in which an app adds jobs in a transaction of its user's; no jobs: it is over."""

    __slots__ = ("app", "jobs")

    def __init__(self, app: object, jobs: Jobs) -> None:
        self.app = app
        self.jobs: Jobs | None = jobs


#: The blocks that this code is in, the innermost first; what outlives one, as a coroutine may, still finds it here.
_within: ContextVar[tuple[_Block, ...]] = ContextVar("localq_within", default=())


class _Eager(Protocol):
    """What runs calls here and now, on a store of its own."""

    @property
    def store(self) -> Store: ...


class WithStore:
    """What an app knows of its store; see `LocalQ`."""

    conf: Settings
    carrier: Carrier | None
    _eager: _Eager
    _lock: threading.RLock
    _store: Store | None = None
    #: The place given by hand, which comes before that of the settings; and the one where neither says any.
    _place: str | None = None
    _default_place: str | None = None

    def _put_at(self, path: str | os.PathLike[str] | None, url: str | None) -> None:
        """Take the place given by hand, if any; else remember what the default place means now."""
        if path is not None or url is not None:
            self._place = locate(path, url)
        elif working_folder() is not None:
            # In the folder of now, whatever becomes of it.
            self._default_place = locate(DEFAULT, None)

    @property
    def eager(self) -> bool:
        """Whether calls run here and now."""
        return self.conf.task_always_eager  # type: ignore[no-any-return]

    @property
    def store(self) -> Store:
        """Where the jobs are; opened by its first use."""
        if self.conf.task_always_eager:
            return self._eager.store
        if self._store is None:
            with self._lock:
                if self._store is None:
                    self._store = open_store(self.location, self.conf.durability, wishes=self.wishes)
        return self._store

    @property
    def wishes(self) -> Wishes:
        """What the settings want of a store on a server."""
        conf = self.conf
        return Wishes(conf.strict, conf.confirm, None if conf.outbox is None else locate(conf.outbox, None))

    @contextlib.contextmanager
    def within(self, connection: Any) -> Iterator[None]:
        """Add the jobs of calls within the block in a transaction of yours: they are there when it commits, or never.

        Rows and jobs are then one commit, which neither a crash nor a rollback can part. If you commit within the block
        workers are woken when it ends; else they look by themselves, after half a second at most. Calls that wait for
        a result, or change anything else (`cancel`, schedules), belong before or after it: they would wait for your
        transaction. Where calls run in the caller (`task_always_eager`), they do so here as well.

        Args:
            connection: To the file or PostgreSQL database that the jobs are in: of `sqlite3` or psycopg, of SQLAlchemy
                or Django by these, or a session of SQLAlchemy.

        Raises:
            ImproperlyConfigured: it is to another file or database, or the store is neither.
            StoreError: it is in no transaction and would commit each statement by itself.
        """
        if self.conf.task_always_eager:
            yield
            return
        if self.carrier is not None:
            self.carrier.refuse("call in a transaction of yours (within)")
        with self.store.within(connection) as jobs:
            block = _Block(self, jobs)
            token = _within.set((block, *_within.get()))
            try:
                yield
            finally:
                block.jobs = None
                _within.reset(token)

    def _jobs(self) -> Jobs:
        """Return what adds jobs just now."""
        for block in _within.get():
            if block.app is self and block.jobs is not None:
                return block.jobs
        return (self._store or self.store).jobs

    def relocate(self, *, path: str | os.PathLike[str] | None = None, url: str | None = None) -> None:
        """Use another file from now on, as `localq worker --path` does; what is in the old one stays there.

        Raises:
            ImproperlyConfigured: the path or URL cannot be.
        """
        location = locate(path, url)
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None
            self._place = location

    @property
    def location(self) -> str:
        """Where the store is: a path, a URL or ":memory:".

        Raises:
            ImproperlyConfigured: settings name a server, or two places.
        """
        if self._place is not None:
            return self._place
        self.conf.load()
        if "place" not in self.conf.derived:
            self.conf.derived["place"] = self._configured_place() or self._default_place or locate(DEFAULT, None)
        return str(self.conf.derived["place"])

    def _configured_place(self) -> str | None:
        conf = self.conf
        use_ssl = conf.redis_backend_use_ssl or conf.broker_use_ssl
        transport = {**conf.broker_transport_options, **conf.result_backend_transport_options}
        return configured_place(conf.broker_url, conf.result_backend, use_ssl, transport)

    def _known_place(self) -> str | None:
        """Return where the store is, or None where the settings cannot say."""
        try:
            return self.location
        except (LocalQError, ImportError, AttributeError):
            return None
