"""Small files that processes of one computer share by mapping them into memory."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

__all__ = ["mapped"]

#: No link is followed; on Windows no descriptor is inherited, and files are read as text unless told.
_OWN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def mapped(path: str | Path, size: int, *, mode: int, anew: bool) -> mmap.mmap:
    """Return a file of a size, mapped into memory; it is made if it is missing.

    Args:
        mode: Of a file that is made.
        anew: Begin with zeros, whatever is in it; else that stays, where the system can keep it.

    Raises:
        OSError: it cannot be made or mapped, or there is no space for it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _OWN | (os.O_TRUNC if anew else 0), mode)
    try:
        _fill(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _fill(descriptor: int, size: int) -> None:
    """Give a file its size: one with holes would end the process by SIGBUS when it is written to on a full disk."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    rest = memoryview(bytes(size))
    while rest:
        rest = rest[os.write(descriptor, rest) :]
