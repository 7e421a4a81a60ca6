"""What a process keeps of the memory that it has freed.

glibc learns from the largest block it ever freed how much to keep for the next one: up to 64 MiB, too much for
processes of which there are many. And until it has seen a large one it keeps too little: a worker that passes values
of 1 MB took pages from the system and gave them back several times a job, an eighth of its processor time.
"""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["keep_little"]

#: Blocks from so many bytes on go back to the system when they are freed; of smaller ones so many bytes are kept.
_LARGE = 8 << 20
_KEPT = 16 << 20
#: Numbers of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: By these a user says it: then it is left as it is.
_BY_USER = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


def keep_little() -> None:
    """Keep little of what is freed, where the system's C library can be told so."""
    if sys.platform != "linux" or any(name in os.environ for name in _BY_USER):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
