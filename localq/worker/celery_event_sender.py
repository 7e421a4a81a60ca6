"""The thread that sends a worker's events to who listens, gathered, and again to whom had no room."""

from __future__ import annotations

import json
import queue
import threading
from collections import deque
from typing import Any

from localq.exceptions import StoreError
from localq.store.protocol import Events

__all__ = ["CeleryEventSender"]

#: Seconds events are gathered before they are sent together.
_GATHER_S = 0.02
#: Bytes sent at once.
_LARGEST = 56_000
#: Sendings kept for a listener that does not keep up; then it loses the oldest.
_MOST_KEPT = 100
#: Turns after which a listener that never has room is given up.
_MOST_TURNS = 1_500


class CeleryEventSender:
    """Sends events from a thread of its own, as JSON lines.

    Args:
        listeners: Who is told.
    """

    def __init__(self, listeners: Events) -> None:
        self._listeners = listeners
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        #: What did not fit yet, by listener, and for how many turns.
        self._kept: dict[str, deque[bytes]] = {}
        self._turns: dict[str, int] = {}
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._run, name="LocalQ-events", daemon=True)
        self._thread.start()

    def put(self, event: dict[str, Any]) -> None:
        """Send an event soon."""
        self._events.put(event)

    def close(self) -> None:
        """Send what there is, and end."""
        self._events.put(None)
        self._thread.join(1.0)

    def _run(self) -> None:
        open_ = True
        while open_:
            lines, open_ = self._gather()
            for data in _packed(lines):
                self._send(data)
            self._send_kept()

    def _gather(self) -> tuple[list[bytes], bool]:
        """Wait for events; return them as lines, and whether there may be more."""
        lines: list[bytes] = []
        try:
            event = self._events.get(timeout=_GATHER_S if self._kept else None)
            if event is not None and not self._kept:
                # The first waits for those that come with it.
                self._pause.wait(_GATHER_S)
            while event is not None:
                lines.append(json.dumps(event, default=repr).encode())
                event = self._events.get_nowait()
        except queue.Empty:
            return lines, True
        return lines, False

    def _send(self, data: bytes) -> None:
        try:
            full = self._listeners.send(data)
        except (OSError, StoreError):
            return
        for path in full:
            self._kept.setdefault(path, deque(maxlen=_MOST_KEPT)).append(data)

    def _send_kept(self) -> None:
        for path, kept in list(self._kept.items()):
            self._turns[path] = self._turns.get(path, 0) + 1
            while kept and not self._listeners.send(kept[0], [path]):
                kept.popleft()
                self._turns[path] = 0
            if not kept or self._turns[path] > _MOST_TURNS:
                del self._kept[path], self._turns[path]


def _packed(lines: list[bytes]) -> list[bytes]:
    """Return lines joined to as few sendings as hold them; one too long by itself is left out."""
    sendings: list[bytes] = []
    joined: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > _LARGEST and joined:
            sendings.append(b"\n".join(joined))
            joined, size = [], 0
        if len(line) <= _LARGEST:
            joined.append(line)
            size += len(line) + 1
    return [*sendings, b"\n".join(joined)] if joined else sendings
