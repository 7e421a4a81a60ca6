"""The changes of many jobs that go on in this process: each is a task of its own, and is remembered for a while."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial

from localq.app import LocalQ
from localq.exceptions import LocalQError
from localq.web.act.bulk import Bulk, Phase
from localq.web.act.change import Hand
from localq.web.desk import Desk

__all__ = ["Bulks"]

_log = logging.getLogger("localq.web")
#: Changes that are remembered; and seconds that whoever asked for a count waits for it at most.
_MOST, _SOON_S = 50, 0.5


class Bulks:
    """The changes of many jobs that were asked for here.

    Args:
        desk: What they read, and change.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._all: dict[str, Bulk] = {}
        self._going: dict[str, asyncio.Task[None]] = {}
        #: Set where somebody stops a change, which may rest until its next batch is due.
        self._stops: dict[str, asyncio.Event] = {}

    def get(self, name: str) -> Bulk | None:
        """Return a change by its id; None where this process knows none."""
        return self._all.get(name)

    async def count(self, bulk: Bulk) -> None:
        """Begin to count, and return when that is done, or goes on for longer than somebody likes to wait."""
        self._all[bulk.id] = bulk
        over = [one for one in self._all.values() if not one.ongoing]
        for old in over[: max(0, len(self._all) - _MOST)]:
            del self._all[old.id]
        self._go(bulk)
        await asyncio.wait([self._going[bulk.id]], timeout=_SOON_S)

    async def begin(self, bulk: Bulk, hand: Hand, spread_s: float = 0.0) -> None:
        """Begin to change what was counted; once. See `Bulk.begin`."""
        if await self._desk.act(lambda app: bulk.begin(app, hand, spread_s)):
            self._go(bulk)

    def stop(self, bulk: Bulk, hand: Hand) -> None:
        """Stop after the batch that is being changed now.

        Raises:
            Denied: they may not change anything.
        """
        hand.check()
        if bulk.ongoing:
            self._stop(bulk, hand.actor.name)

    def _stop(self, bulk: Bulk, who: str) -> None:
        bulk.stopped_by = who
        if bulk.id in self._stops:
            self._stops[bulk.id].set()

    def _go(self, bulk: Bulk) -> None:
        self._stops[bulk.id] = asyncio.Event()
        self._going[bulk.id] = asyncio.create_task(self._run(bulk))
        self._going[bulk.id].add_done_callback(lambda _: self._over(bulk.id))

    def _over(self, name: str) -> None:
        self._going.pop(name, None)
        self._stops.pop(name, None)

    async def _run(self, bulk: Bulk) -> None:
        app = self._desk.app
        try:
            while bulk.ongoing and not bulk.stopped_by:
                if bulk.phase == Phase.COUNTING:
                    await self._desk.ask(lambda store: bulk.count_on(app, store))
                else:
                    # Nothing that pages read with is held while it is changed.
                    ids = await self._desk.ask(lambda store: bulk.batch(app, store))
                    await self._desk.act(partial(_apply, bulk, ids))
                    await self._rest(bulk)
            if bulk.ongoing:
                await self._desk.act(lambda app: bulk.end(app, Phase.STOPPED))
        except LocalQError as error:
            await self._fail(bulk, str(error))
        except Exception:
            _log.exception("a change of many jobs failed: %s %s", bulk.verb, bulk.words())
            await self._fail(bulk, "something went wrong; the log tells more")

    async def _rest(self, bulk: Bulk) -> None:
        """Wait until the next batch is due, or somebody stops the change."""
        if seconds := bulk.rests_s(self._desk.now()):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stops[bulk.id].wait(), seconds)

    async def _fail(self, bulk: Bulk, why: str) -> None:
        # What stopped it may keep it from being written down, too.
        with contextlib.suppress(LocalQError):
            await self._desk.act(lambda app: bulk.end(app, Phase.FAILED, why))

    async def close(self) -> None:
        """Stop what goes on, and wait until its outcome is written: the server ends."""
        for bulk in self._all.values():
            if bulk.ongoing:
                self._stop(bulk, "the end of the dashboard")
        await asyncio.gather(*self._going.values())


def _apply(bulk: Bulk, ids: list[str], app: LocalQ) -> None:
    bulk.apply(app, ids)
