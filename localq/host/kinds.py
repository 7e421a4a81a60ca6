"""Which kind of what systems differ in this process uses: that of POSIX, or the portable one, which every system has.

`LOCALQ_PORTABLE=1` chooses the portable kinds where both are there, so that they can be tried on any system. Processes
that share a store must agree: those of one kind do not hear the bells of the other.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sys

__all__ = ["PORTABLE", "SLOTS_FORK", "user_id"]


def _portable() -> bool:
    if os.environ.get("LOCALQ_PORTABLE", "") not in ("", "0"):
        return True
    posix = all(hasattr(os, name) for name in ("fork", "register_at_fork")) and hasattr(socket, "AF_UNIX")
    return not posix or importlib.util.find_spec("fcntl") is None


#: Whether the portable kinds are used.
PORTABLE = _portable()


#: Whether slots are forked: that takes datagrams in order between two processes, which macOS does not have, either.
SLOTS_FORK = not PORTABLE and sys.platform == "linux"


def user_id() -> int | None:
    """Return the number of this process's user; None where users have none."""
    ask = getattr(os, "getuid", None)
    return None if ask is None else int(ask())
