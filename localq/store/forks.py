"""Connections and forks: no connection crosses one.

Before a fork, other threads' transactions are waited for; in the child, every store leaves what it inherited to
its parent and starts with nothing. A child forked in the middle of one all the same is told so when it uses the store:
SQLite keeps the locks of a file once a process, so the child inherits a lock that nobody in it will ever let go of.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Heir", "Held", "keep_for_ever", "watch"]

#: Seconds a fork waits for another thread's transaction to end: as long as that may wait for other processes, and more.
_FORK_PATIENCE_S = 40.0
#: Loaded when a verb first needs them; and the packages of which parts are.
_LATE = ("ctypes", "hashlib", "random", "tempfile")
_OURS = ("localq.", "sqlalchemy.")
_heirs: weakref.WeakSet[Heir] = weakref.WeakSet()
_forking = threading.local()


class Heir(Protocol):
    """What a forked child inherits, though it must not use it."""

    def hold(self, timeout_s: float) -> Any:
        """Take the lock under which the connections are used, and return it; None if it was not to be had."""

    def leave_to_parent(self, *, held: bool) -> None:
        """In a forked child: leave the inherited connections alone, and start with none.

        Args:
            held: Whether the lock was had, so that no other thread was using the connections.
        """


class Held:
    """Several locks that were taken for a fork.

    Args:
        locks: Taken already, in this order.
    """

    def __init__(self, locks: Sequence[threading.RLock]) -> None:
        self._locks = locks

    @classmethod
    def taken(cls, locks: Sequence[threading.RLock], timeout_s: float) -> Held | None:
        """Take locks one after another; None, and none of them, if one was not to be had in time."""
        for count, lock in enumerate(locks):
            if not lock.acquire(timeout=timeout_s):
                cls(locks[:count]).release()
                return None
        return cls(locks)

    def release(self) -> None:
        """Let go of them."""
        for lock in reversed(self._locks):
            lock.release()


def watch(heir: Heir) -> None:
    """Prepare an object for every fork to come, for as long as it lives."""
    _heirs.add(heir)


def keep_for_ever(inherited: object) -> None:
    """Give an object a reference that nothing ever drops, not even the interpreter's end, so that it is not closed."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


def _before_fork() -> None:
    """Wait for other threads' transactions: a child forked while one is inside SQLite finds its mutexes locked."""
    if _heirs:
        _let_modules_load()
    _forking.held = [(heir, lock) for heir in list(_heirs) if (lock := heir.hold(_FORK_PATIENCE_S)) is not None]


def _let_modules_load() -> None:
    """Wait for modules that other threads load late: a child that is forked meanwhile waits for their end for ever."""
    for name in _LATE:
        importlib.import_module(name)
    import tempfile

    with contextlib.suppress(OSError):
        # Who looks for the folder first does so under a lock.
        tempfile.gettempdir()
    for name, module in list(sys.modules.items()):
        if name.startswith(_OURS) and getattr(getattr(module, "__spec__", None), "_initializing", False):
            importlib.import_module(name)


def _after_fork_in_parent() -> None:
    for _, lock in _forking.held:
        lock.release()
    _forking.held = []


def _after_fork_in_child() -> None:
    held = {id(heir) for heir, _ in _forking.held}
    _forking.held = []
    for heir in list(_heirs):
        heir.leave_to_parent(held=id(heir) in held)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
