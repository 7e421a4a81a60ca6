"""Which process this is, asked on the way of every job: `os.getpid()` is a call of the system each time."""

from __future__ import annotations

import os

__all__ = ["pid"]

_pid = os.getpid()


def _forked() -> None:
    global _pid
    _pid = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def pid() -> int:
    """Return this process's id."""
    return _pid
