"""Read the past that charts show, piece by piece, before somebody asks for it."""

from __future__ import annotations

import asyncio
import contextlib

from localq.exceptions import StoreError
from localq.web.ask.overview import Past
from localq.web.desk import Desk

__all__ = ["Filling"]


class Filling:
    """Begins with the first page that somebody loads, and ends when all is read."""

    def __init__(self, desk: Desk, past: Past) -> None:
        self._desk, self._past = desk, past
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin, once."""
        if self._task is None:
            self._task = asyncio.create_task(self._fill())

    async def _fill(self) -> None:
        # What cannot be read now, the page that needs it will tell.
        with contextlib.suppress(StoreError):
            while await self._desk.ask(lambda store: self._past.read_on(store, self._desk.now())):
                pass

    async def stop(self) -> None:
        """End: the server stops."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
