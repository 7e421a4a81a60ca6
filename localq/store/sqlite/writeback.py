"""Writing a file's dirty pages back to the disk while its writer goes on.

A checkpoint fsyncs the whole log first, while it holds the write lock. What was on its way to the disk before need not
be waited for then: of 10 microseconds a job that an enqueue at synchronous=NORMAL paid for checkpoints, 4 are left.
It is a hint and promises nothing; SQLite's own fsyncs do that.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable
from typing import TypeVar

__all__ = ["begin_writeback", "finish_writeback", "with_descriptor"]

Made = TypeVar("Made")

#: SYNC_FILE_RANGE_WRITE of linux/fs.h: start, and do not wait.
_START = 2


def begin_writeback(path: str) -> None:
    """Let the system start writing what is dirty in a file; do nothing where it cannot be told to."""
    start = _sync_file_range()
    if start is not None:
        # From its beginning to its end, which is what a length of 0 means.
        with_descriptor(path, lambda descriptor: start(descriptor, 0, 0, _START))


def finish_writeback(path: str) -> None:
    """Wait until what is dirty in a file is on the disk."""
    with_descriptor(path, getattr(os, "fdatasync", os.fsync))


def with_descriptor(path: str, act: Callable[[int], Made]) -> Made | None:
    """Act on a file by a descriptor of our own; return what that returns, or None where the system refuses it.

    Never on the database's, for closing that would drop SQLite's locks; on its log it has none.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        try:
            return act(descriptor)
        finally:
            os.close(descriptor)
    return None


@functools.cache
def _sync_file_range() -> Callable[[int, int, int, int], int] | None:
    if sys.platform != "linux":
        return None
    # Not loaded by programs that add a few jobs.
    import ctypes

    try:
        call = ctypes.CDLL(None).sync_file_range
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return call
