"""What a hostile task is: a body, what it does, the pools it can run in; and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from localq import shared_task

__all__ = ["BODIES", "COROUTINES", "EVERY", "LOST", "MAIN", "POOLS", "Body", "body", "section"]

POOLS = ("processes", "threads", "solo", "asyncio", "gevent")

#: Pools for a body, by what it needs. Any will do.
EVERY = POOLS
#: It ends the process it runs in, or spoils what cannot be put right: only where that process is not the worker's own.
LOST = ("processes", "asyncio", "gevent")
#: It must run in the main thread of a process that can be lost.
MAIN = ("processes", "gevent")
#: It is a coroutine.
COROUTINES = ("processes", "threads", "solo", "asyncio")


class Body(NamedTuple):
    """One hostile task.

    `pause` is how long (s) the plain job behind it lasts: as long as what the body leaves behind needs to strike.
    """

    name: str
    says: str
    section: str
    pools: tuple[str, ...]
    pause: float
    coroutine: bool

    @property
    def task(self) -> str:
        """The task's name."""
        return f"hostile.{self.name}"


BODIES: dict[str, Body] = {}
_section = [""]


def section(title: str) -> None:
    """Let the bodies that follow belong to a section of the table."""
    _section[0] = title


def body(pools: tuple[str, ...] = EVERY, pause: float = 0.0, **options: Any) -> Callable[[Any], Any]:
    """Make a function a hostile task; its docstring says what it does.

    Args:
        pools: Where it can run.
        pause: See `Body`.
        options: Of the task.
    """

    def add(function: Any) -> Any:
        name = function.__name__
        coroutine = bool(function.__code__.co_flags & 0x80)
        BODIES[name] = Body(name, function.__doc__.strip(), _section[0], pools, pause, coroutine)
        return shared_task(name=f"hostile.{name}", **options)(function)

    return add
