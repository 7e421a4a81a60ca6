"""What is in a write-ahead log, which is not what its file takes: a log that was written back begins anew at its start.

The file keeps its length meanwhile. To write over what is there costs a sync half of what it costs to make a file
grow, whose new length and blocks go to the disk as well.
"""

from __future__ import annotations

import os
import struct

from localq.store.sqlite.writeback import with_descriptor

__all__ = ["bytes_in_log"]

#: The head of a log, and of each of its frames, at their beginning (https://sqlite.org/fileformat2.html#walformat): a
#: page's size, and what tells the frames that count from those of before.
_HEAD, _FRAME = struct.Struct(">8xI4x8s8x"), struct.Struct(">8x8s8x")


def bytes_in_log(path: str) -> int:
    """Return the bytes of a log that were written since it began anew, those of transactions under way too."""
    try:
        return with_descriptor(path, _bytes_in) or 0
    except struct.error:
        # It is being cut, or has no head yet.
        return 0


def _bytes_in(descriptor: int) -> int:
    page_bytes: int
    page_bytes, salt = _HEAD.unpack(_read(descriptor, 0, _HEAD.size))
    frame_bytes = _FRAME.size + page_bytes
    # All before one that counts count as well: they were written one after another.
    counted, beyond = 0, (os.fstat(descriptor).st_size - _HEAD.size) // frame_bytes + 1
    while beyond - counted > 1:
        frame = (counted + beyond) // 2
        (said,) = _FRAME.unpack(_read(descriptor, _HEAD.size + (frame - 1) * frame_bytes, _FRAME.size))
        if said == salt:
            counted = frame
        else:
            beyond = frame
    return _HEAD.size + counted * frame_bytes


def _read(descriptor: int, at: int, size: int) -> bytes:
    os.lseek(descriptor, at, os.SEEK_SET)
    return os.read(descriptor, size)
