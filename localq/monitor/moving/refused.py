"""Why a store is not moved."""

from __future__ import annotations

from localq.exceptions import LocalQError

__all__ = ["MoveRefused", "StillRunning"]


class MoveRefused(LocalQError):
    """What a store holds cannot be moved into another now; nothing stays stopped for it that was not before."""


class StillRunning(MoveRefused):
    """Some jobs of a store that is to be moved run."""
