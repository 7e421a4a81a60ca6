"""Run a coroutine to its end on an event loop of its own, which leaves nothing behind.

What the coroutine left on the loop, of its tasks as of its timers, ends with it: nothing of a run goes on inside a
later one. An error that interrupts the run (a soft limit, the worker's wish) is raised in the coroutine: where it
stands if its own code runs, else where it awaits; never in the midst of the loop, which could not be left in order.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from localq.execution.drive import Drive
from localq.execution.strike import aimed_at

__all__ = ["in_own_loop"]

#: Seconds that what a coroutine left on its loop may take to end when it is cancelled; then it is given up.
_PATIENCE_S = 5.0


def in_own_loop(coroutine: Any) -> Any:
    """Return what a coroutine comes to.

    Whatever tasks it leaves are cancelled and awaited; those that do not end are never run again.
    """
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        drive = Drive(loop)
        # A context of its own, in which what is current in the caller is current too.
        main = loop.create_task(drive.drive(coroutine), context=contextvars.copy_context())
        with aimed_at(drive):
            return loop.run_until_complete(main)
    finally:
        try:
            _end_the_rest(loop)
        finally:
            asyncio.set_event_loop(None)
            loop.close()


def _end_the_rest(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=_PATIENCE_S))
    loop.run_until_complete(loop.shutdown_asyncgens())
