"""Where a crowd of processes of one computer waits for a file that one of them at a time may write to.

Each takes its turn of some milliseconds and wakes the next, first come, first served. To try again and again does well
for a few; where fifty do, the tries take all of the processors.

All of it is a hint beside the lock, which stays what decides: nobody holds anything here, so whoever dies or is stopped
is in nobody's way, and whoever is not woken tries again when its time is over. Only Linux can do it so.
"""

from __future__ import annotations

import functools
import mmap
import os
import platform
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from time import monotonic_ns
from typing import Any

from localq.host.mapped import mapped

__all__ = ["CROWD", "Turnstile"]

#: So many that wait are a crowd; and how long a turn of one of them lasts.
CROWD = 8
_TURN_NS = 3_000_000
#: Turns of all others after which one tries by itself, and is not woken.
_PATIENCE = 2
#: What all share: how many turns there were, until when somebody waits for one, when the last one began; and until when
#: each waits, for a turn or by itself. Times are steady nanoseconds.
_HEAD, _PLACES = struct.Struct("=QQQ"), 64
_ALL, _ONE = struct.Struct(f"={_PLACES}Q"), struct.Struct("=Q")
#: Numbers of linux/futex.h, and that of the call itself by machine: those with the lower half of a number first.
_WAIT, _WAKE = 0, 1
_CALLS = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
_LOWER_HALF = (1 << 32) - 1


class Turnstile:
    """The turns that processes take with a file.

    Args:
        path: Of a small file beside it, which is made when it is missing.

    Raises:
        OSError: it cannot be made or mapped, or this system cannot wake who waits.
    """

    def __init__(self, path: Path) -> None:
        self._futex = _futex()
        self._shared = mapped(path, _HEAD.size + _ALL.size, mode=0o600, anew=False)

    def waiting(self) -> int:
        """Return how many wait; those that have one place are counted once, and who died as long as it would wait."""
        return sum(map(monotonic_ns().__lt__, _ALL.unpack_from(self._shared, _HEAD.size)))

    def rest(self, seconds: float) -> None:
        """Wait for so long, as one of those who try by themselves."""
        self._say(monotonic_ns() + int(seconds * 1e9))
        time.sleep(seconds)
        self._say(0)

    def queue(self, crowd: int, share: float) -> None:
        """Wait for a turn.

        Args:
            crowd: How many wait, with this one.
            share: What is waited of the time after which one tries by itself, about 1; different for each.
        """
        now = monotonic_ns()
        longest = int(share * _PATIENCE * _TURN_NS * crowd)
        turns, until, began = _HEAD.unpack_from(self._shared)
        _HEAD.pack_into(self._shared, 0, turns, max(until, now + longest), began)
        self._say(now + longest)
        self._futex(self._shared, _WAIT, turns & _LOWER_HALF, longest)
        self._say(0)

    def pass_on(self) -> bool:
        """Wake the next if a turn is over and one waits for it; return whether one was woken."""
        turns, until, began = _HEAD.unpack_from(self._shared)
        now = monotonic_ns()
        if until <= now or now - began < _TURN_NS:
            return False
        _HEAD.pack_into(self._shared, 0, turns + 1, until, now)
        return self._futex(self._shared, _WAKE, 1, None) > 0

    def _say(self, until: int) -> None:
        _ONE.pack_into(self._shared, _HEAD.size + os.getpid() % _PLACES * _ONE.size, until)


@functools.cache
def _futex() -> Callable[[mmap.mmap, int, int, int | None], int]:
    """Return the system's call on the first four bytes of a mapped file, its time in nanoseconds."""
    number = _CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        raise OSError("who waits cannot be woken here")
    # Not loaded by programs that never wait.
    import ctypes

    class Time(ctypes.Structure):
        _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    call: Any = ctypes.CDLL(None).syscall

    def futex(shared: mmap.mmap, what: int, value: int, ns: int | None) -> int:
        place = ctypes.byref(ctypes.c_uint32.from_buffer(shared))
        until = None if ns is None else ctypes.byref(Time(*divmod(ns, 1_000_000_000)))
        said: int = call(ctypes.c_long(number), place, what, ctypes.c_uint32(value), until, None, 0)
        return said

    return futex
