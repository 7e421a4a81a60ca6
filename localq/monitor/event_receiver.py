"""Celery's events, from workers in all processes to whoever listens: `app.events`.

    state = app.events.State()
    receiver = app.events.Receiver(handlers={"task-failed": tell, "*": state.event})
    receiver.capture(limit=None, timeout=None)

Workers begin to send when somebody listens, and stop when nobody does. What they sent before is not kept.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from localq.exceptions import TimeoutError
from localq.model.clock import Clock, to_datetime
from localq.model.job import NewJob
from localq.model.job_options import JobOptions
from localq.monitor.event_state import State
from localq.store.protocol import Store, Topic

__all__ = ["Events", "Receiver"]

Handler = Callable[[dict[str, Any]], Any]

#: Seconds between looks whether to go on, and between wake-ups of workers that began meanwhile.
_LOOK_S = 0.5


class App(Protocol):
    """What events need of an app."""

    clock: Clock

    @property
    def store(self) -> Store: ...


class Events:
    """The events of an app's workers, to listen to, and to send."""

    State = State

    def __init__(self, app: App) -> None:
        self._app = app

    def Receiver(  # noqa: N802 - Celery's name
        self, connection: Any = None, handlers: Mapping[str, Handler] | None = None, **options: Any
    ) -> Receiver:
        """Return a receiver, which listens from now on.

        Args:
            connection: Accepted for Celery's sake.
            handlers: Called with each event of a type; "*" with each that has no handler of its own.
            options: Accepted for Celery's sake: there is no exchange to bind to.
        """
        return Receiver(self._app, handlers)

    def send(self, type: str, **fields: Any) -> None:
        """Send an event of one's own, if anybody listens; its type is two words parted by a dash."""
        store = self._app.store
        if store.events.listened():
            store.events.send(json.dumps(self._event(type, fields), default=repr).encode())

    def sent(self, jobs: list[NewJob]) -> None:
        """Send task-sent for jobs of this process."""
        for new in jobs:
            options = JobOptions.read(new.options)
            self.send(
                "task-sent",
                uuid=new.id,
                name=new.task,
                args=options.argsrepr,
                kwargs=options.kwargsrepr,
                retries=0,
                eta=None if new.eta is None else to_datetime(new.eta).isoformat(),
                expires=None if new.expires_at is None else to_datetime(new.expires_at).isoformat(),
                queue=new.queue,
                exchange="",
                routing_key=new.queue,
                root_id=options.root_id or new.id,
                parent_id=options.parent_id,
            )

    def _event(self, type: str, fields: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": type,
            "hostname": f"gen{os.getpid()}@{socket.gethostname()}",
            "timestamp": self._app.clock.now() / 1e6,
            "pid": os.getpid(),
            "clock": 0,
            "utcoffset": time.timezone // 3600,
            **fields,
        }


class Receiver:
    """Listens to the events of all workers; also a context manager, which ends that."""

    def __init__(self, app: App, handlers: Mapping[str, Handler] | None = None) -> None:
        self.app, self.handlers = app, dict(handlers or {})
        #: Set it to end `capture` soon.
        self.should_stop = False
        self._bell = app.store.events.listen()

    def capture(self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True) -> None:
        """Call the handlers for events, until there were `limit` of them.

        Args:
            limit: None: until `should_stop` is set, or a handler raises.
            timeout: Seconds without any event after which TimeoutError is raised.
            wakeup: Ask workers to tell of themselves at once.

        Raises:
            TimeoutError: no event came in time.
        """
        for _ in self.itercapture(limit, timeout, wakeup):
            pass

    def itercapture(
        self, limit: int | None = None, timeout: float | None = None, wakeup: bool = True
    ) -> Iterator[dict[str, Any]]:
        """Yield each event after its handler was called; see `capture`."""
        if wakeup:
            self.wakeup_workers()
        count, heard_at = 0, self.app.clock.steady()
        while not self.should_stop and (limit is None or count < limit):
            for event in self._wait(timeout, heard_at):
                heard_at = self.app.clock.steady()
                self.process(event["type"], event)
                yield event
                count += 1
                if count == limit:
                    return

    def _wait(self, timeout: float | None, heard_at: float) -> list[dict[str, Any]]:
        left = None if timeout is None else heard_at + timeout - self.app.clock.steady()
        self._bell.wait(_LOOK_S if left is None else max(0.0, min(left, _LOOK_S)))
        events = self.drain()
        if not events and left is not None and left <= 0:
            raise TimeoutError(f"No event came within {timeout:g} s. Is there a worker? See `localq status`.")
        return events

    def drain(self) -> list[dict[str, Any]]:
        """Return the events that are there, without waiting and without calling handlers."""
        now = self.app.clock.now() / 1e6
        lines = [line for data in self._bell.receive() for line in data.split(b"\n")]
        return [{**event, "local_received": now} for line in lines if (event := _read(line)) is not None]

    def pause(self, seconds: float) -> None:
        """Wait so long, or until there are events."""
        self._bell.wait(seconds)

    def process(self, type: str, event: dict[str, Any]) -> None:
        """Call the handler of an event."""
        handler = self.handlers.get(type) or self.handlers.get("*")
        if handler is not None:
            handler(event)

    def wakeup_workers(self, channel: Any = None) -> None:
        """Ask workers to look for listeners at once, instead of within half a second."""
        self.app.store.bells.ring(Topic.WORK, ("events",))

    def fileno(self) -> int:
        """Return a descriptor that is readable when there are events."""
        return self._bell.fileno()

    def close(self) -> None:
        """Stop listening."""
        self.should_stop = True
        self._bell.close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(line: bytes) -> dict[str, Any] | None:
    """Return an event, or None for what is none: any process that may write in the store's folder can send."""
    try:
        event = json.loads(line)
        known = isinstance(event["type"], str) and isinstance(event["hostname"], str)
        return event if known and isinstance(event["timestamp"], int | float) else None
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
