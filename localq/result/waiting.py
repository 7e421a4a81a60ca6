"""Waiting for jobs to finish in another process: woken by a bell, looking again every half second at
worst.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
import weakref
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any

from localq.model.bounds import is_number
from localq.store.protocol import Bell, Bells, Topic

if TYPE_CHECKING:
    import asyncio

__all__ = ["FLOOR_S", "check_timeout", "wait", "wait_async"]

#: Seconds after which a waiter looks by itself: hints may get lost.
FLOOR_S = 0.5
#: Rings for others that a waiter bears before it has its bell renamed, which costs as much as four wake-ups.
_IN_VAIN = 4
_bells = threading.local()


def check_timeout(timeout: object) -> None:
    """Refuse a timeout that is no number of seconds.

    Raises:
        TypeError, ValueError: with the value.
    """
    if timeout is None:
        return
    if not is_number(timeout):
        raise TypeError(f"timeout={timeout!r} must be a number of seconds, or None to wait as long as it takes")
    if timeout != timeout:
        raise ValueError(f"timeout={timeout!r} must be a number of seconds; this is not a number")


def _bell(bells: Bells) -> Bell:
    """Return this thread's bell beside a store, kept for the next wait."""
    kept: weakref.WeakKeyDictionary[Bells, Bell] | None = getattr(_bells, "kept", None)
    if kept is None:
        kept = _bells.kept = weakref.WeakKeyDictionary()
    bell = kept.get(bells)
    if bell is None or not bell.mine():
        bell = kept[bells] = bells.hang(Topic.RESULTS)
    return bell


def wait(
    bells: Bells,
    ids: Container[str],
    done: Callable[[], bool],
    timeout: float | None,
    on_interval: Callable[[], Any] | None = None,
) -> bool:
    """Block until `done()`; ask it again when a bell names one of `ids`, and every half second.

    Args:
        timeout: Seconds; None waits for ever.
        on_interval: Called each time before `done` is asked.

    Returns:
        False if the time ran out first.
    """
    check_timeout(timeout)
    done = done if on_interval is None else _after_a_call(done, on_interval)
    until = math.inf if timeout is None else time.monotonic() + timeout
    bell = _bell(bells)
    bell.drain()
    if done():
        return True
    with _Listening(bell, ids) as listening:
        look_at = time.monotonic() + FLOOR_S
        while True:
            now = time.monotonic()
            if now >= until:
                return done()
            left = min(look_at, until) - now
            if left > 0 and bell.wait(left) and not listening.heard(bell.drain()):
                continue
            look_at = time.monotonic() + FLOOR_S
            if done():
                return True


def _after_a_call(done: Callable[[], bool], on_interval: Callable[[], Any]) -> Callable[[], bool]:
    def asked() -> bool:
        on_interval()
        return done()

    return asked


class _Listening:
    """A thread's bell while it waits for jobs: one that rings in vain again and again listens for its job alone.

    A busy worker names what has ended many times a second, and each time every waiter would wake up.
    """

    def __init__(self, bell: Bell, ids: Container[str]) -> None:
        self._bell, self._ids = bell, ids
        self._only = next(iter(ids)) if isinstance(ids, tuple | frozenset) and len(ids) == 1 else None
        self._in_vain = 0

    def heard(self, words: list[str]) -> bool:
        """Whether what was said is a reason to look."""
        # Each is asked for: some who wait remember which of theirs were named.
        if [one for word in words for one in word.split() if one in self._ids]:
            return True
        self._in_vain += 1
        if self._only is None or self._in_vain != _IN_VAIN:
            return False
        self._bell.listen_for(self._only)
        return True

    def __enter__(self) -> _Listening:
        return self

    def __exit__(self, *_: object) -> None:
        if self._only is not None and self._in_vain >= _IN_VAIN:
            self._bell.listen_for(None)


class _Room:
    """The waiting coroutines of one event loop: one bell for all of them."""

    def __init__(self, bells: Bells, loop: asyncio.AbstractEventLoop) -> None:
        self._bell = bells.hang(Topic.RESULTS)
        self._bells = bells
        # Held loosely: rooms are kept by their loop, and must go with it.
        self._loop_of = weakref.ref(loop)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._ticker: asyncio.TimerHandle | None = None

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop_of()
        assert loop is not None
        return loop

    def enter(self, job_id: str) -> asyncio.Event:
        import asyncio

        event = asyncio.Event()
        if not self._waiting:
            self._loop.add_reader(self._bell.fileno(), self._rung)
            self._ticker = self._loop.call_later(FLOOR_S, self._tick)
        self._waiting.setdefault(job_id, set()).add(event)
        return event

    def leave(self, job_id: str, event: asyncio.Event) -> None:
        events = self._waiting.get(job_id, set())
        events.discard(event)
        if not events:
            self._waiting.pop(job_id, None)
        if not self._waiting:
            self._loop.remove_reader(self._bell.fileno())
            if self._ticker is not None:
                self._ticker.cancel()
                # Even a cancelled one holds its loop, and with it this room.
                self._ticker = None

    def _rung(self) -> None:
        for word in self._bell.drain():
            for job_id in word.split():
                for event in self._waiting.get(job_id, ()):
                    event.set()

    def _tick(self) -> None:
        self._ticker = self._loop.call_later(FLOOR_S, self._tick)
        if self._bells.changed():
            for events in self._waiting.values():
                for event in events:
                    event.set()


_rooms: weakref.WeakKeyDictionary[Any, weakref.WeakKeyDictionary[Bells, _Room]] = weakref.WeakKeyDictionary()


async def wait_async(
    bells: Bells,
    job_id: str,
    done: Callable[[], bool],
    timeout: float | None = None,
    on_interval: Callable[[], Any] | None = None,
) -> bool:
    """Wait in a coroutine until `done()`, without blocking the loop; see `wait`."""
    # A program without coroutines does not pay for loading this, here and elsewhere.
    import asyncio

    check_timeout(timeout)
    done = done if on_interval is None else _after_a_call(done, on_interval)
    loop = asyncio.get_running_loop()
    rooms = _rooms.setdefault(loop, weakref.WeakKeyDictionary())
    room = rooms.get(bells)
    if room is None:
        room = rooms[bells] = _Room(bells, loop)
    event = room.enter(job_id)
    try:
        async with asyncio.timeout(timeout):
            while not done():
                # The ticker sees only changes made since it last asked; look by oneself once in a while.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), FLOOR_S * 4)
                event.clear()
            return True
    except TimeoutError:
        return done()
    finally:
        room.leave(job_id, event)
