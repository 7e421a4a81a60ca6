"""What a store is short of."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Short"]


class Short(NamedTuple):
    """What is left of a disk, and how long the write-ahead log is, in bytes; None: as much as there should be."""

    free: int | None = None
    log: int | None = None
