"""Read the past that charts show, piece by piece, before somebody asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import time

from anyio import to_thread

from localq.exceptions import StoreError
from localq.web.ask.overview import Past
from localq.web.desk import Desk

__all__ = ["Filling"]

#: How many times as long as a piece took of a processor is rested before the next: workers need it too.
_REST = 3


class Filling:
    """Goes on while there is something to read, and takes a part of a processor for it."""

    def __init__(self, desk: Desk, past: Past) -> None:
        self._desk, self._past = desk, past
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin, if something is to be read and is not being read."""
        if self._past.behind and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        # What cannot be read now, the page that needs it will tell.
        with contextlib.suppress(StoreError):
            while True:
                more, took = await to_thread.run_sync(self._piece)
                if not more:
                    return
                await asyncio.sleep(_REST * took)

    def _piece(self) -> tuple[bool, float]:
        begun = time.thread_time()
        with self._desk.reading() as store:
            more = self._past.read_on(store, self._desk.now())
        return more, time.thread_time() - begun

    async def stop(self) -> None:
        """End: the server stops."""
        if self._task is not None:
            self._task.cancel()
