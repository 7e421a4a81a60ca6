"""The app whose worker runs the hostile tasks, and the plain job behind each of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from typing import Any

from localq import LocalQ, Task, shared_task
from tests.crash.hostile import company, coroutines, ends, errors, habits, output  # noqa: F401 - they define tasks

__all__ = ["q"]

q = LocalQ("hostile", path=os.environ.get("HOSTILE_FILE"))

_SIGNALS = (signal.SIGALRM, signal.SIGUSR1, signal.SIGTERM)


def standing() -> dict[str, Any]:
    """Return what a job finds in its process that jobs before it may have changed."""
    return {
        "folder": os.getcwd(),
        "handlers": [getattr(handler := signal.getsignal(one), "__name__", str(handler)) for one in _SIGNALS],
        "streams": [f"{type(one).__module__}.{type(one).__name__}" for one in (sys.stdout, sys.stderr)],
        "traced": sys.gettrace() is not None or sys.getprofile() is not None,
        "collects": gc.isenabled(),
        "deep": sys.getrecursionlimit() >= 1000,
    }


@shared_task(name="plain", bind=True)
def plain(self: Task[Any, Any], number: int, pause: float) -> list[Any]:
    """Do a little of everything, as any job might."""
    found = standing()
    print(f"plain {number}")
    logging.getLogger("hostile").warning("logged by %s", self.request.id)
    if pause:
        time.sleep(pause)
    return [2 * number, self.request.id, found]


@shared_task(name="plain_coroutine", bind=True)
async def plain_coroutine(self: Task[Any, Any], number: int, pause: float) -> list[Any]:
    """Do the same on an event loop."""
    found = standing()
    print(f"plain {number}")
    logging.getLogger("hostile").warning("logged by %s", self.request.id)
    await asyncio.sleep(pause)
    return [2 * number, self.request.id, found]


@shared_task(name="limited", soft_time_limit=0.05)
def limited() -> None:
    """Run into a soft limit, which must end it."""
    for _ in range(2_000):
        time.sleep(0.001)


@shared_task(name="tidy")
def tidy(first: bool) -> None:
    """Put right what a body changed in a process that all tasks share with the worker."""
    if first:
        _TIDY.update(folder=os.getcwd(), streams=(sys.stdin, sys.stdout, sys.stderr), handlers=logging.root.handlers[:])
    os.chdir(_TIDY["folder"])
    sys.stdin, sys.stdout, sys.stderr = _TIDY["streams"]
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    gc.enable()
    os.umask(0o22)


_TIDY: dict[str, Any] = {}
