"""The tasks that are killed: the good ones write the journal, the bad ones misbehave each in its own way."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localq import LocalQ, SoftTimeLimitExceeded
from localq.exceptions import StoreBusy
from localq.model.clock import SystemClock
from tests.crash import journal

FOLDER = Path(os.environ["LOCALQ_LAB"])
q = LocalQ("lab", url=os.environ["LOCALQ_LAB_URL"], **json.loads(os.environ.get("LOCALQ_LAB_SETTINGS", "{}")))


class OtherClock(SystemClock):
    """The clock of a host that is so many seconds ahead of this one."""

    def __init__(self, seconds: int) -> None:
        self._micros = seconds * 1_000_000

    def now(self) -> int:
        """Return that host's time in microseconds since 1970."""
        return super().now() + self._micros


if "LOCALQ_LAB_CLOCK_S" in os.environ:
    q.clock = OtherClock(int(os.environ["LOCALQ_LAB_CLOCK_S"]))


def insist(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call, and again while the store cannot be reached; what had no answer may be there all the same."""
    while True:
        try:
            return call(*arguments, **options)
        except StoreBusy:
            time.sleep(0.1)


def _begin(request: Any) -> journal.Run:
    run = journal.Run(request.id, request.attempt, os.getpid(), os.getppid())
    journal.append(FOLDER / "starts", run)
    return run


# Good tasks


@q.task(bind=True)
def work(self: Any, number: int, seconds: float = 0.0) -> int:
    """Square a number, taking some time."""
    run = _begin(self.request)
    if seconds:
        time.sleep(seconds)
    journal.append(FOLDER / "ends", run)
    return number * number


@q.task(bind=True, acks_late=False)
def once(self: Any, number: int, seconds: float = 0.0) -> int:
    """Square a number, at most once."""
    run = _begin(self.request)
    if seconds:
        time.sleep(seconds)
    journal.append(FOLDER / "ends", run)
    return number * number


@q.task(bind=True)
def instant(self: Any) -> None:
    """Write down the instant of a schedule that this is the job of."""
    _begin(self.request)
    journal.append(FOLDER / "instants", [self.request.periodic_task_name, self.request.scheduled_at])


@q.task(bind=True, max_retries=5)
def twice(self: Any, number: int) -> int:
    """Square a number at the second try."""
    run = _begin(self.request)
    journal.append(FOLDER / "ends", run)
    if not self.request.retries:
        raise self.retry(countdown=0.05)
    return number * number


@q.task(bind=True)
def parent(self: Any, number: int) -> int:
    """Enqueue a job from within one."""
    run = _begin(self.request)
    child = insist(work.delay, number)
    journal.append(FOLDER / "acks", journal.Ack(child.id, "work", number), sync=True)
    journal.append(FOLDER / "ends", run)
    return number * number


@q.task(bind=True)
def gather(self: Any, results: list[int]) -> int:
    """Add up the results of a chord's header, and write down what came."""
    run = _begin(self.request)
    journal.append(FOLDER / "bodies", [self.request.id, results])
    journal.append(FOLDER / "ends", run)
    return sum(results)


@q.task
def refuse(*args: Any) -> None:
    """Fail."""
    raise ValueError("refused")


@q.task(bind=True)
def noted(self: Any, number: int) -> int:
    """Say of itself how far it is."""
    self.progress(number, 100, "on the way")
    return number


@q.task(bind=True)
def gated(self: Any, name: str) -> int:
    """Run until a file is there."""
    run = _begin(self.request)
    while not (FOLDER / name).exists():
        time.sleep(0.01)
    journal.append(FOLDER / "ends", run)
    return 1


@q.task(bind=True)
def hog(self: Any, number: int) -> int:
    """Give way to nobody until a file is there."""
    run = _begin(self.request)
    while not (FOLDER / "gate").exists():
        pass
    journal.append(FOLDER / "ends", run)
    return number * number


@q.task(bind=True)
async def hog_awaited(self: Any, number: int) -> int:
    """Give way to nobody on the event loop until a file is there."""
    run = _begin(self.request)
    while not (FOLDER / "gate").exists():
        pass
    journal.append(FOLDER / "ends", run)
    return number * number


# Poison


@q.task(bind=True)
def crash_in(self: Any, runs: int, how: str = "kill") -> str:
    """Die in the first runs; then say what lay behind this job in its slot, watched for a while."""
    _begin(self.request)
    if self.request.attempt <= runs:
        os.kill(os.getpid(), signal.SIGKILL)
    behind = 0
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        behind += _behind()
        time.sleep(0.005)
    return "alone" if not behind else f"{behind} times not alone"


def _behind() -> int:
    """Return the jobs that this process was given beside the one it runs; the app's annotator is the slot's own."""
    slot = q.annotator.__self__  # type: ignore[union-attr]
    with contextlib.suppress(BlockingIOError):
        return len(slot._given) + len(slot._jobs.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return len(slot._given)


@q.task
def leave(code: int) -> None:
    os._exit(code)


@q.task
def segfault() -> None:
    ctypes.string_at(0)


@q.task
def abort() -> None:
    os.abort()


@q.task
def recurse() -> None:
    recurse.run()


@q.task(time_limit=0.5)
def loop_in_c() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")


@q.task(soft_time_limit=0.1, time_limit=0.6)
def swallow_the_soft_limit() -> None:
    while True:
        with contextlib.suppress(SoftTimeLimitExceeded, KeyboardInterrupt, SystemExit):
            while True:
                pass


@q.task(soft_time_limit=0.1, time_limit=0.6)
def block_every_signal() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        pass


@q.task(time_limit=0.5)
def stop_itself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@q.task
def eat_memory(megabytes: int) -> int:
    """Take memory bit by bit, and hold it."""
    held = []
    for _ in range(megabytes // 4):
        held.append(bytearray(os.urandom(4096) * 1024))
        time.sleep(0.01)
    time.sleep(30)
    return len(held)


class Unspeakable(Exception):
    """An error none of whose methods works."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.lock = open(os.devnull)  # noqa: SIM115 - what cannot be pickled is the point

    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__

    def __reduce__(self) -> Any:
        raise TypeError("no pickle")


@q.task
def raise_unspeakable() -> None:
    raise Unspeakable


@q.task
def raise_chain(depth: int) -> None:
    error: BaseException | None = None
    for number in range(depth):
        made = ValueError(number)
        made.__cause__ = error
        error = made
    assert error is not None
    raise error


@q.task
def return_bytes(count: int) -> str:
    return "x" * count


@q.task
def return_unwritable() -> Any:
    return [1, {"a": object()}]


@q.task
def return_itself() -> Any:
    ring: list[Any] = []
    ring.append(ring)
    return ring


@q.task
def raise_named(name: str) -> None:
    raise {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt, "GeneratorExit": GeneratorExit}[name](3)


@q.task
def print_much(count: int) -> int:
    line = "y" * 99 + "\n"
    for _ in range(count // 200):
        sys.stdout.write(line)
    sys.stdout.write("z" * (count // 4) + "\n")
    data = b"x" * 65_536
    for _ in range(count // 4 // len(data)):
        os.write(1, data)
    return count


@q.task
def close_descriptors(low: int, high: int) -> int:
    os.closerange(low, high)
    return high


@q.task
def leave_a_child(seconds: int) -> int:
    """Start a process that outlives the job."""
    return subprocess.Popen(["sleep", str(seconds)]).pid


@q.task
def leave_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(1000,)).start()


@q.task(bind=True)
def wait_beside_a_child(self: Any, seconds: int) -> None:
    """Start a process and wait for it."""
    _begin(self.request)
    subprocess.run(["sleep", str(seconds)], check=False)


@q.task
def fork_children(count: int) -> None:
    """Fork processes that sleep, then die."""
    for _ in range(count):
        if os.fork() == 0:
            time.sleep(1000)
            os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


@q.task
def kill_parent() -> None:
    """Kill the fork server."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(10)


TASKS = {one.name.rpartition(".")[2]: one for one in (work, once, twice, parent, gated)}
