"""Bodies that are coroutines, or run event loops of their own; and two of greenlets."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import sys
import time
import warnings
from typing import Any

from tests.crash.hostile.body import COROUTINES, body, section

section("Event loops")

_kept: set[Any] = set()


async def steps(number: int = 1) -> int:
    for _ in range(number):
        await asyncio.sleep(0)
    return number


@body()
def run_a_loop() -> int:
    """calls `asyncio.run` in a plain task"""
    return asyncio.run(steps(3))


@body()
def leave_a_closed_loop() -> None:
    """sets a closed event loop, and a policy that raises"""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.close()


@body()
def never_await() -> str:
    """makes a coroutine and never awaits it"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = steps()
        del made
    return "done"


@body(COROUTINES)
async def run_a_loop_in_a_loop() -> None:
    """calls `asyncio.run` in a coroutine"""
    inner = steps()
    try:
        asyncio.run(inner)
    finally:
        inner.close()


@body(COROUTINES)
async def fail_in_a_task_group() -> None:
    """fails in two tasks of a TaskGroup"""

    async def fail(number: int) -> None:
        await steps(2)
        raise ValueError(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(fail(1))
        group.create_task(fail(2))


@body(COROUTINES)
async def cancel_itself() -> None:
    """cancels its own asyncio task"""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


@body(COROUTINES)
async def cancel_everybody() -> None:
    """cancels every task of its event loop"""
    for task in asyncio.all_tasks():
        task.cancel()
    await asyncio.sleep(1)


@body(COROUTINES)
async def stop_the_loop() -> None:
    """stops its event loop"""
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.2)


@body(COROUTINES)
async def close_the_loop() -> None:
    """closes its event loop"""
    asyncio.get_running_loop().close()


@body(COROUTINES)
async def exit_in_a_part() -> None:
    """raises SystemExit in a task it started"""

    async def part() -> None:
        raise SystemExit(4)

    task = asyncio.create_task(part())
    await asyncio.sleep(0.5)
    await task


@body(COROUTINES, soft_time_limit=0.1, time_limit=0.5)
async def block_the_loop() -> None:
    """blocks its event loop in Python code for two seconds, and swallows its limits"""
    enough = time.monotonic() + 2
    while time.monotonic() < enough:
        with contextlib.suppress(BaseException):
            time.sleep(0.01)


@body(COROUTINES, soft_time_limit=0.1)
async def keep_an_awaited_soft_limit() -> None:
    """awaits until its soft limit ends it"""
    await asyncio.sleep(10)


@body(COROUTINES, time_limit=0.4)
async def never_be_cancelled() -> None:
    """awaits for two seconds, and goes on whenever it is cancelled"""
    enough = time.monotonic() + 2
    while time.monotonic() < enough:
        with contextlib.suppress(BaseException):
            await asyncio.sleep(0.02)


@body(COROUTINES)
async def leave_tasks() -> None:
    """leaves asyncio tasks, a timer that raises and an unfinished async generator"""

    def fails() -> None:
        raise ValueError("in a timer")

    async def endless() -> Any:
        while True:
            yield 1
            await asyncio.sleep(0.05)

    async def later() -> None:
        await asyncio.sleep(0.05)
        raise ValueError("in a task nobody awaits")

    asyncio.get_running_loop().call_later(0.01, fails)
    _kept.add(asyncio.create_task(later()))
    async for _ in endless():
        break


@body(COROUTINES)
async def handlers_that_raise() -> None:
    """sets an exception handler of the loop that raises, and gives it work"""

    def fails(*_: Any) -> None:
        raise ValueError("in the loop's handler")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(fails)
    loop.call_soon(fails)
    await asyncio.sleep(0.02)


@body(COROUTINES)
async def fork_a_loop() -> str:
    """forks between two awaits, and returns in both"""
    await steps()
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    await steps()
    return "the parent's" if pid else "the child's"


@body(COROUTINES)
async def wait_for_nobody() -> None:
    """awaits a future that nobody will ever set, for as long as its soft limit lets it"""
    async with asyncio.timeout(0.1):
        await asyncio.get_running_loop().create_future()


@body(COROUTINES)
async def run_on_uvloop() -> Any:
    """runs on uvloop where that is installed, from a thread beside its own loop"""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return "not installed"
    return await asyncio.to_thread(lambda: asyncio.Runner(loop_factory=uvloop.new_event_loop).run(steps(3)))


section("Greenlets")


def _gevent() -> Any:
    return sys.modules["gevent"]


@body(("gevent",))
def kill_its_greenlet() -> None:
    """kills its own greenlet"""
    _gevent().getcurrent().kill()


@body(("gevent",))
def destroy_the_hub() -> None:
    """destroys gevent's hub"""
    _gevent().get_hub().destroy()
    time.sleep(0.1)


@body(("gevent",), soft_time_limit=0.1, time_limit=0.5)
def never_give_way() -> None:
    """spins for two seconds without ever giving way to another greenlet"""
    enough = time.monotonic() + 2
    while time.monotonic() < enough:
        pass
