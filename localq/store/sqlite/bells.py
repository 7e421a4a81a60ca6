"""Bells and events beside a file: whoever waits has a socket in its folder, and others ring it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from localq.host.bells import HostBell, Ringer
from localq.store.protocol.bells import Bell, Topic
from localq.store.protocol.events import Hearing

__all__ = ["HostBells", "HostEvents", "HostRinger"]

#: What the names of bells' files begin with.
_KINDS: dict[str, str] = {Topic.WORK: "w", Topic.RESULTS: "r", Topic.SCHEDULES: "s"}
_EVENTS = "e"


class _Database(Protocol):
    """The database whose file the bells hang beside."""

    lock: Any
    folder: Path

    def open(self) -> None: ...

    def changed(self) -> bool: ...


class HostRinger:
    """The folder of a database as one process has it, once the database is open."""

    def __init__(self, database: _Database) -> None:
        self.database = database
        self._ringer: Ringer | None = None

    def bell(self, kind: str) -> HostBell:
        """Hang up a bell of a kind."""
        self.database.open()
        return HostBell(self.database.folder, kind)

    def ringer(self) -> Ringer:
        """Return what rings the bells in the folder."""
        ringer = self._ringer
        if ringer is None:
            with self.database.lock:
                self.database.open()
                ringer = self._ringer = self._ringer or Ringer(self.database.folder)
        return ringer

    def stop(self) -> None:
        """Let go of the socket."""
        if self._ringer is not None:
            self._ringer.close()
            self._ringer = None


class HostBells:
    """See `localq.store.protocol.bells.Bells`."""

    def __init__(self, ringer: HostRinger) -> None:
        self._ringer = ringer

    def hang(self, topic: Topic) -> Bell:
        """Return a bell that rings for a topic."""
        return self._ringer.bell(_KINDS[topic])

    def ring(self, topic: Topic, words: Iterable[str] | None = None) -> None:
        """Ring every bell of a topic."""
        kind = _KINDS[topic]
        # No `suppress`, which each enqueue would pay for.
        try:
            if words is None:
                self._ringer.ringer().ring(kind)
            else:
                self._ringer.ringer().say(kind, words)
        except OSError:
            # A hint that cannot be given is lost; what it is about is written.
            pass

    def heard(self, topic: Topic) -> bool:
        """Whether any bell of a topic hangs in the folder."""
        return self._ringer.ringer().hung(_KINDS[topic], choosy=True)

    def changed(self) -> bool:
        """Whether another connection wrote since this was last asked."""
        return self._ringer.database.changed()


class HostEvents:
    """See `localq.store.protocol.events.Events`."""

    def __init__(self, ringer: HostRinger) -> None:
        self._ringer = ringer

    def listen(self) -> Hearing:
        """Return a bell for who listens to events."""
        return self._ringer.bell(_EVENTS)

    def listened(self) -> bool:
        """Whether anybody listens to events."""
        return self._ringer.ringer().hung(_EVENTS)

    def send(self, data: bytes, only: Iterable[str] | None = None) -> list[str]:
        """Send to who listens."""
        ringer = self._ringer.ringer()
        if only is None:
            return ringer.tell(_EVENTS, data)
        return [path for path in only if not ringer.tell_one(path, data)]
