"""The verbs about bells: a worker or a waiting caller has one in the store's folder, and others ring it."""

from __future__ import annotations

from collections.abc import Iterable

from localq.host.unix_bell import Ringer, UnixBell
from localq.store.protocol.store import Bell, Hearing
from localq.store.sql.database import Database

__all__ = ["BellVerbs"]

_WORKER_BELL, _RESULT_BELL, _EVENT_BELL, _SCHEDULE_BELL = "w", "r", "e", "s"


class BellVerbs(Database):
    """Bells beside the database; see `localq.store.protocol.store.Store`."""

    _ringer: Ringer | None = None

    def worker_bell(self) -> Bell:
        """Return a bell for a worker; see the protocol."""
        return self._bell(_WORKER_BELL)

    def result_bell(self) -> Bell:
        """Return a bell for who waits for results; see the protocol."""
        return self._bell(_RESULT_BELL)

    def event_bell(self) -> Hearing:
        """Return a bell for who listens to events; see the protocol."""
        return self._bell(_EVENT_BELL)

    def heard(self) -> bool:
        """Whether anybody listens to events; see the protocol."""
        return (self._ringer or self._rings()).hung(_EVENT_BELL)

    def tell(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send events to who listens; see the protocol."""
        ringer = self._ringer or self._rings()
        if only is None:
            return ringer.tell(_EVENT_BELL, data)
        return [path for path in only if not ringer.tell_one(path, data)]

    def schedule_bell(self) -> Bell:
        """Return a bell for a scheduler; see the protocol."""
        return self._bell(_SCHEDULE_BELL)

    def ring_workers(self, word: str = "") -> None:
        """Ring every worker's bell; see the protocol."""
        ringer = self._ringer or self._rings()
        if word:
            ringer.say(_WORKER_BELL, (word,))
        else:
            ringer.ring(_WORKER_BELL)

    def ring_waiters(self, ids: Iterable[str]) -> None:
        """Ring whoever waits for results; see the protocol."""
        (self._ringer or self._rings()).say(_RESULT_BELL, ids)

    def ring_schedulers(self) -> None:
        """Ring every scheduler's bell; see the protocol."""
        (self._ringer or self._rings()).ring(_SCHEDULE_BELL)

    def _bell(self, kind: str) -> UnixBell:
        with self._lock:
            if self._cursor is None:
                self.open()
        return UnixBell(self.folder, kind)

    def _rings(self) -> Ringer:
        with self._lock:
            if self._cursor is None:
                self.open()
            if self._ringer is None:
                self._ringer = Ringer(self.folder)
            return self._ringer

    def _stop_ringing(self) -> None:
        if self._ringer is not None:
            self._ringer.close()
            self._ringer = None
