"""Follow the store for all browsers at once, only while there are some."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic

from anyio import to_thread

from localq.exceptions import StoreError
from localq.web.ask.held import MOST_S
from localq.web.desk import Desk
from localq.web.live.server_stop import server_stops

__all__ = ["Follower"]

#: Seconds between two looks.
_LOOK_S = 0.5
#: Seconds to the next where one has just told of a change.
_BUSY_S = 1.0
#: How many times as long as it took to draw what they show pages rest, and seconds at most: workers come first.
_TIMES, _MOST_S = 40, 5.0
#: Looks after the last change until it is told again.
_ECHO = int(MOST_S / _LOOK_S) + 2
#: Seconds after which a stream says that it is still there, so that a proxy does not cut it.
_SILENCE_S = 15.0
#: Streams at a time; what is over that is told to ask again.
STREAMS = 200


class Follower:
    """Knows how often the store has changed, and wakes whoever waits for that.

    One loop looks for all streams, and ends with the last of them: pages that nobody has open cost nothing.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._version = 0
        self._listeners = 0
        self._waiting: set[asyncio.Event] = set()
        self._loop: asyncio.Task[None] | None = None

    @property
    def version(self) -> int:
        """How many changes were seen so far."""
        return self._version

    @property
    def full(self) -> bool:
        """Whether no more streams can be had."""
        return self._listeners >= STREAMS

    async def changes(self) -> AsyncIterator[int | None]:
        """Yield the version now and whenever it has changed; None now and then, where nothing has.

        Who reads slowly gets the newest only. Ends when the server is told to stop, which waits for that.
        """
        self._listeners += 1
        if self._loop is None:
            self._loop = asyncio.create_task(self._look())
        told, woken = -1, asyncio.Event()
        self._waiting.add(woken)
        try:
            while not server_stops():
                woken.clear()
                if told == self._version:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), _SILENCE_S)
                if server_stops():
                    return
                yield None if told == self._version else self._version
                told = self._version
        finally:
            self._waiting.discard(woken)
            self._listeners -= 1

    async def _look(self) -> None:
        echo = 0
        try:
            while self._listeners and not server_stops():
                changed = await to_thread.run_sync(self._has_changed)
                echo = _ECHO if changed else max(0, echo - 1)
                worked = self._desk.worked_s
                # Once more after the last change: what a page was told then may have been held (`ask.held`).
                if changed or echo == 1:
                    self._version += 1
                    for woken in self._waiting:
                        woken.set()
                await self._rest(worked, _BUSY_S if changed else _LOOK_S)
            for woken in self._waiting:
                woken.set()
        finally:
            self._loop = None

    async def _rest(self, worked_s: float, least_s: float) -> None:
        """Wait, the longer the more work it was to draw the pages anew that somebody looks at."""
        until = monotonic() + least_s
        begun = monotonic()
        while (left := until - monotonic()) > 0 and not server_stops():
            await asyncio.sleep(min(left, _LOOK_S))
            drew = self._desk.worked_s - worked_s
            until = max(until, begun + min(_TIMES * drew, _MOST_S))

    def _has_changed(self) -> bool:
        # A store that cannot be read now is looked at again; its pages say what is wrong with it.
        with contextlib.suppress(StoreError):
            return self._desk.watched.bells.changed()
        return False

    async def stop(self) -> None:
        """End all streams: the server stops."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
